/*
 * Reverse maps: from a page to the entries that map it.
 *
 * A cache page: the areas of its mapping's interval tree that cover its index.  An anonymous page: the areas of its
 * anon group, of which each maps index i, if at all, at start + (i - pgoff) pages.
 *
 * Anon groups.  A group is made when an area gets its first anonymous page; areas that come of it by fork, split or move
 * join it.  So a group is a family, and looking for a page asks all relatives, whether or not they still share it: that
 * costs time in large families, and nothing else.  A page does not hold a reference on its group: a finder holds the page,
 * reads page->mapping under RCU and raises the group's count unless it is 0 (then no area is left to map the page).
 *
 * Locks: mapping->rmap_lock or group->lock, then mm->table_lock of each area.
 */
#include "kern/rcu.h"
#include "kern/slab.h"
#include "mm/internal.h"

struct anon_group {
	struct mutex lock;
	struct list_head vmas;		/* [lock] */
	u32 refs;			/* [a] areas, and finders */
	struct rcu_head rcu;
};

static struct slab_cache *group_cache;

void anon_group_init(void)
{
	group_cache = slab_create("anon_group", sizeof(struct anon_group), 0);
	assert(group_cache);
}

static void group_free(struct rcu_head *head)
{
	slab_free(group_cache, container_of(head, struct anon_group, rcu));
}

static void group_put(struct anon_group *g)
{
	if (atomic_dec_and_test(&g->refs))
		call_rcu(&g->rcu, group_free);
}

void anon_join(struct vma *v, struct anon_group *g)
{
	atomic_inc(&g->refs);
	mutex_lock(&g->lock);
	list_add_tail(&v->anon_node, &g->vmas);
	mutex_unlock(&g->lock);
	v->anon = g;
}

void anon_leave(struct vma *v)
{
	struct anon_group *g = v->anon;

	if (!g)
		return;
	mutex_lock(&g->lock);
	list_del_init(&v->anon_node);
	mutex_unlock(&g->lock);
	v->anon = NULL;
	group_put(g);
}

/* Several faults of one process may come here at once: the first to publish its group wins. */
int anon_prepare(struct vma *v)
{
	struct anon_group *g, *none = NULL;

	if (likely(atomic_load_acquire(&v->anon)))
		return 0;
	g = slab_alloc(group_cache, ALLOC_KERNEL);
	if (!g)
		return -ENOMEM;
	mutex_init(&g->lock, RANK_RMAP);
	list_init(&g->vmas);
	g->refs = 1;
	mutex_lock(&g->lock);
	if (try_cmpxchg(&v->anon, &none, g)) {
		list_add_tail(&v->anon_node, &g->vmas);
		mutex_unlock(&g->lock);
		return 0;
	}
	mutex_unlock(&g->lock);
	slab_free(group_cache, g);
	return 0;
}

/* ---- a mapping's tree of areas ---- */

void rmap_link(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m)
		return;
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
		atomic_inc(&m->writable_maps);
	v->rmap.start = v->pgoff;
	v->rmap.last = v->pgoff + vma_pages(v) - 1;
	rwsem_write_lock(&m->rmap_lock);
	interval_insert(&m->vmas, &v->rmap);
	rwsem_write_unlock(&m->rmap_lock);
}

void rmap_unlink(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m)
		return;
	rwsem_write_lock(&m->rmap_lock);
	interval_remove(&m->vmas, &v->rmap);
	rwsem_write_unlock(&m->rmap_lock);
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
		atomic_dec(&m->writable_maps);
}

static void unmap_area(struct vma *v, u64 first, u64 last, unsigned how)
{
	u64 from = MAX(first, v->rmap.start), to = MIN(last, v->rmap.last);
	struct gather g;

	gather_init(&g, v->mm);
	zap_range(&g, v, v->start + ((from - v->pgoff) << PAGE_SHIFT), v->start + ((to + 1 - v->pgoff) << PAGE_SHIFT),
		  how);
	gather_flush(&g);
}

static void unmap_mapping(struct mapping *m, u64 first, u64 last, unsigned how)
{
	struct interval_node *n;

	if (interval_tree_empty(&m->vmas))
		return;
	rwsem_read_lock(&m->rmap_lock);
	interval_for_each(n, &m->vmas, first, last)
		unmap_area(container_of(n, struct vma, rmap), first, last, how);
	rwsem_read_unlock(&m->rmap_lock);
}

void rmap_unmap_mapping(struct mapping *m, u64 first, u64 last)
{
	unmap_mapping(m, first, last, ZAP_KEEP_ANON);
}

void rmap_unmap_truncated(struct mapping *m, u64 first, u64 last)
{
	unmap_mapping(m, first, last, 0);
}

/* ---- one page ---- */

/*
 * What to do with one entry that maps a page.  table_lock held.  @addr: where.  Return: whether a flush of @addr is needed.
 */
typedef bool (*entry_fn)(struct vma *v, u64 addr, pte_t *pte, struct page *head, void *arg);

static void visit_area(struct vma *v, struct page *head, entry_fn fn, void *arg)
{
	u64 n = 1ull << page_order(head);
	struct mm *mm = v->mm;

	for (u64 i = 0; i < n; i++) {
		u64 index = head->index + i;
		u64 addr = v->start + ((index - v->pgoff) << PAGE_SHIFT);
		bool flush = false;
		pte_t *pte;

		if (index < v->pgoff || index - v->pgoff >= vma_pages(v))
			continue;
		pte = pt_find(mm, addr);
		if (!pte)
			continue;
		spin_lock(&mm->table_lock);
		if (pte_mapped(*pte) && pte_page(*pte) == head + i)
			flush = fn(v, addr, pte, head, arg);
		spin_unlock(&mm->table_lock);
		if (flush)
			plat_tlb_flush(&mm->as, addr, addr + PAGE_SIZE);
	}
}

static void visit_file(struct page *head, entry_fn fn, void *arg)
{
	struct mapping *m = head->mapping;
	struct interval_node *n;
	u64 last = head->index + (1ull << page_order(head)) - 1;

	rwsem_read_lock(&m->rmap_lock);
	interval_for_each(n, &m->vmas, head->index, last)
		visit_area(container_of(n, struct vma, rmap), head, fn, arg);
	rwsem_read_unlock(&m->rmap_lock);
}

static struct anon_group *page_group(struct page *head)
{
	struct anon_group *g;

	rcu_read_lock();
	g = READ_ONCE(head->mapping);
	if (g && (!atomic_load(&head->mapcount) || !atomic_inc_not_zero(&g->refs)))
		g = NULL;
	rcu_read_unlock();
	return g;
}

static void visit_anon(struct page *head, entry_fn fn, void *arg)
{
	struct anon_group *g = page_group(head);
	struct vma *v;

	if (!g)
		return;
	mutex_lock(&g->lock);
	list_for_each_entry(v, &g->vmas, anon_node)
		visit_area(v, head, fn, arg);
	mutex_unlock(&g->lock);
	group_put(g);
}

/* A cache page is locked by the caller, so that it keeps its mapping. */
static void visit(struct page *head, entry_fn fn, void *arg)
{
	if (page_has(head, PG_ANON))
		visit_anon(head, fn, arg);
	else if (head->mapping)
		visit_file(head, fn, arg);
}

static bool clean_entry(struct vma *v, u64 addr, pte_t *pte, struct page *head, void *arg)
{
	if (!(*pte & (PTE_DIRTY | PTE_WRITE)) || !(v->flags & VM_SHARED))
		return false;
	if (*pte & PTE_DIRTY)
		*(bool *)arg = true;
	*pte &= ~(PTE_DIRTY | PTE_WRITE);
	return true;
}

/*
 * The flush comes after the dirty bit was read and cleared: another CPU may write through its old translation until then.
 * The caller reads the page's contents only after that, so such a write is not lost.
 */
bool rmap_clean(struct page *p)
{
	bool dirty = false;

	if (atomic_load(&p->mapcount))
		visit(p, clean_entry, &dirty);
	return dirty;
}

static bool reference_entry(struct vma *v, u64 addr, pte_t *pte, struct page *head, void *arg)
{
	if (*pte & PTE_ACCESSED || v->flags & VM_LOCKED)
		*(bool *)arg = true;
	*pte &= ~PTE_ACCESSED;
	return false;	/* a stale translation only delays the next sighting */
}

bool rmap_referenced(struct page *p)
{
	bool used = false;

	if (atomic_load(&p->mapcount))
		visit(p, reference_entry, &used);
	return used;
}

/* The reference of each removed entry is kept until all translations are flushed: @arg counts them. */
static bool unmap_entry(struct vma *v, u64 addr, pte_t *pte, struct page *head, void *arg)
{
	if (v->flags & VM_LOCKED)
		return false;
	if (v->flags & VM_SHARED && *pte & PTE_DIRTY)
		page_dirty(head);
	WRITE_ONCE(*pte, 0);
	v->mm->rss[page_rss(head)]--;
	page_map_dropped(head);
	++*(u32 *)arg;
	return true;
}

bool rmap_unmap_page(struct page *p)
{
	u32 removed = 0;

	assert(!page_has(p, PG_ANON));
	visit(p, unmap_entry, &removed);
	while (removed--)
		page_put(p);
	return atomic_load(&p->mapcount) == 0;
}
