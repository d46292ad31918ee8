/*
 * Page tables: finding and adding entries, removing them, freeing tables.  The rules stand in internal.h.
 *
 * A gather collects what an unmapping took out: pages, tables and the range whose translations are stale.  Its flush
 * first makes every CPU forget them and only then drops the references, so that no CPU can reach a page that is free.
 */
#include "mm/internal.h"

static inline pte_t *root_table(struct mm *mm)
{
	return phys_to_virt(mm->as.root);
}

pte_t *pt_find(struct mm *mm, u64 addr)
{
	pte_t *table = root_table(mm);

	for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
		pte_t e = READ_ONCE(table[pt_index(addr, level)]);

		if (!e)
			return NULL;
		table = pt_table(e);
	}
	return &table[pt_index(addr, 0)];
}

pte_t *pt_next(struct mm *mm, u64 *addr, u64 end)
{
	u64 a = *addr;

	while (a < end) {
		pte_t *table = root_table(mm);
		unsigned level = PT_LEVELS - 1;

		while (level > 0) {
			pte_t e = READ_ONCE(table[pt_index(a, level)]);

			if (!e)
				break;
			table = pt_table(e);
			level--;
		}
		if (level == 0) {
			*addr = a;
			return &table[pt_index(a, 0)];
		}
		a = span_end(a, level);
	}
	return NULL;
}

/* Hang a new table into *slot, unless somebody was faster. Return: false: no memory */
static bool table_add(struct mm *mm, pte_t *slot)
{
	struct page *fresh = page_alloc(0, ALLOC_USER | ALLOC_ZERO);

	if (!fresh)
		return false;
	page_set(fresh, PG_TABLE);
	spin_lock(&mm->table_lock);
	if (!*slot) {
		__atomic_store_n(slot, page_phys(fresh) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED, __ATOMIC_RELEASE);
		mm->table_pages++;
		fresh = NULL;
	}
	spin_unlock(&mm->table_lock);
	if (fresh) {
		page_clear(fresh, PG_TABLE);
		page_put(fresh);
	} else {
		mm_count_add(COUNT_TABLES, 1);
	}
	return true;
}

pte_t *pt_get(struct mm *mm, u64 addr)
{
	pte_t *table = root_table(mm);

	for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
		pte_t *slot = &table[pt_index(addr, level)];

		if (unlikely(!READ_ONCE(*slot)) && !table_add(mm, slot))
			return NULL;
		table = pt_table(READ_ONCE(*slot));
	}
	return &table[pt_index(addr, 0)];
}

/* ---- gathering ---- */

void gather_init(struct gather *g, struct mm *mm)
{
	g->mm = mm;
	g->start = ~0ull;
	g->end = 0;
	g->tables = NULL;
	g->no_flush = false;
	g->count = 0;
}

void gather_flush(struct gather *g)
{
	struct page *t, *next;
	s64 tables = 0;

	if (g->start < g->end && !g->no_flush)
		plat_tlb_flush(&g->mm->as, g->start, g->end);
	g->start = ~0ull;
	g->end = 0;
	for (unsigned i = 0; i < g->count; i++)
		page_put(g->page[i]);
	g->count = 0;
	for (t = g->tables; t; t = next) {
		next = t->mapping;
		t->mapping = NULL;
		page_clear(t, PG_TABLE);
		page_put(t);
		tables++;
	}
	g->tables = NULL;
	if (tables)
		mm_count_add(COUNT_TABLES, -tables);
}

static inline void gather_range(struct gather *g, u64 start, u64 end)
{
	g->start = MIN(g->start, start);
	g->end = MAX(g->end, end);
}

/* ---- removing entries ---- */

/* Take one entry's page out; table_lock held. */
static inline void zap_entry(struct gather *g, struct page *p, pte_t e, bool shared)
{
	p = page_head(p);
	if (shared && e & PTE_DIRTY)
		page_dirty(p);
	if (e & PTE_ACCESSED && !page_has(p, PG_ANON | PG_REFERENCED))
		page_set(p, PG_REFERENCED);
	g->mm->rss[page_rss(p)]--;
	page_map_dropped(p);
	g->page[g->count++] = p;
}

/* Entries of one leaf table, up to a full gather. Return: how many entries were passed */
static u64 zap_table(struct gather *g, pte_t *pte, u64 addr, u64 n, bool shared, unsigned how)
{
	u64 i, first = ~0ull, last = 0;

	spin_lock(&g->mm->table_lock);
	for (i = 0; i < n && g->count < GATHER_PAGES; i++) {
		pte_t e = pte[i];
		struct page *p;

		if (!e)
			continue;
		p = pte_page(e);
		if (how & ZAP_KEEP_ANON && page_has(p, PG_ANON))
			continue;
		WRITE_ONCE(pte[i], 0);
		first = MIN(first, i);
		last = i + 1;
		if (page_counted(p))
			zap_entry(g, p, e, shared);
	}
	spin_unlock(&g->mm->table_lock);
	if (last)
		gather_range(g, addr + (first << PAGE_SHIFT), addr + (last << PAGE_SHIFT));
	return i;
}

void zap_range(struct gather *g, struct vma *v, u64 start, u64 end, unsigned how)
{
	bool shared = v->flags & VM_SHARED;
	struct mm *mm = g->mm;
	u64 rss = mm_rss_pages(mm);
	pte_t *pte;

	if (rss > mm->hiwater_rss)
		mm->hiwater_rss = rss;
	while ((pte = pt_next(mm, &start, end)) != NULL) {
		u64 n = (MIN(span_end(start, 1), end) - start) >> PAGE_SHIFT;

		start += zap_table(g, pte, start, n, shared, how) << PAGE_SHIFT;
		if (g->count == GATHER_PAGES)
			gather_flush(g);
	}
}

/* ---- freeing tables ---- */

struct table_range {
	u64 start, end, floor, ceiling;
};

static void free_level(struct gather *g, pte_t *table, unsigned level, u64 start, u64 end, const struct table_range *r)
{
	u64 next;

	for (u64 addr = start; addr < end; addr = next) {
		pte_t *slot = &table[pt_index(addr, level)];
		u64 base = addr & ~(pt_span(level) - 1), top = base + pt_span(level);
		struct page *t;

		next = MIN(top, end);
		if (!*slot)
			continue;
		if (level > 1)
			free_level(g, pt_table(*slot), level - 1, addr, next, r);
		if (base < r->floor || top > r->ceiling)
			continue;
		t = phys_page(*slot & PTE_ADDR);
		spin_lock(&g->mm->table_lock);
		*slot = 0;
		g->mm->table_pages--;
		spin_unlock(&g->mm->table_lock);
		t->mapping = g->tables;
		g->tables = t;
		gather_range(g, addr, next);
	}
}

void tables_free(struct gather *g, u64 start, u64 end, u64 floor, u64 ceiling)
{
	struct table_range r = { .start = start, .end = end, .floor = floor, .ceiling = ceiling };

	free_level(g, root_table(g->mm), PT_LEVELS - 1, start, end, &r);
}

u64 mm_rss_pages(struct mm *mm)
{
	return READ_ONCE(mm->rss[RSS_ANON]) + READ_ONCE(mm->rss[RSS_FILE]) + READ_ONCE(mm->rss[RSS_SHMEM]);
}
