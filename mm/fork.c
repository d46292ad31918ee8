/*
 * Address spaces come and go: create, copy at fork, tear down at the last user's exit.
 *
 * Fork copies areas, and of page tables only what no fault could rebuild: anonymous pages.  Both sides' entries become
 * read-only, one flush for all at the end.  Pages of files and of shared memory are left to the child's faults, which
 * map them sixteen at a time; a child that calls exec at once never pays for them.
 *
 * Exit: the areas leave the reverse maps first; from then on nobody but us can reach the tables, and after plat_as_fini no
 * CPU does, so entries are neither locked nor cleared nor flushed.
 */
#include "kern/random.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/internal.h"

static struct slab_cache *mm_cache;
static void (*exe_get)(void *exe);
static void (*exe_put)(void *exe);

void mm_register_exe(void (*get)(void *exe), void (*put)(void *exe))
{
	exe_get = get;
	exe_put = put;
}

void mm_exe_get(void *exe)
{
	if (exe && exe_get)
		exe_get(exe);
}

void mm_exe_put(void *exe)
{
	if (exe && exe_put)
		exe_put(exe);
}

/* ---- create ---- */

enum { MMAP_RANDOM_BITS = 28, STACK_ROOM_BYTES = 128 << 20 };

u64 mm_random_base(unsigned bits)
{
	return (random_u64() & (BIT(bits) - 1)) << PAGE_SHIFT;
}

void mm_cache_init(void)
{
	mm_cache = slab_create("mm", sizeof(struct mm), 0);
	assert(mm_cache);
}

static int root_create(struct mm *mm)
{
	struct page *root = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	int err;

	if (!root)
		return -ENOMEM;
	page_set(root, PG_TABLE);
	err = plat_as_init(&mm->as, page_phys(root));
	if (err) {
		page_clear(root, PG_TABLE);
		page_put(root);
		return err;
	}
	mm->table_pages = 1;
	mm_count_add(COUNT_TABLES, 1);
	return 0;
}

static struct mm *create_empty(void)
{
	struct mm *mm = slab_alloc(mm_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!mm)
		return NULL;
	if (root_create(mm)) {
		slab_free(mm_cache, mm);
		return NULL;
	}
	rwsem_init(&mm->lock, RANK_MMAP);
	spin_init(&mm->table_lock, RANK_PTABLE);
	mm->users = 1;
	mm->refs = 1;
	mm->dumpable = 1;
	return mm;
}

struct mm *mm_create(void)
{
	struct mm *mm = create_empty();

	if (mm)
		mm->mmap_base = PLAT_USER_TOP - STACK_ROOM_BYTES - mm_random_base(MMAP_RANDOM_BITS);
	return mm;
}

/* ---- references ---- */

void mm_get(struct mm *mm)
{
	atomic_inc(&mm->users);
}

bool mm_get_not_zero(struct mm *mm)
{
	return atomic_inc_not_zero(&mm->users);
}

void mm_get_struct(struct mm *mm)
{
	atomic_inc(&mm->refs);
}

void mm_put_struct(struct mm *mm)
{
	if (atomic_dec_and_test(&mm->refs))
		slab_free(mm_cache, mm);
}

void mm_switch_to(struct mm *mm)
{
	u64 flags = plat_irq_save();

	current()->mm = mm;
	plat_as_switch(mm ? &mm->as : NULL);
	plat_irq_restore(flags);
}

/* ---- exit ---- */

/* Drop what one leaf table's entries map. */
static void drop_entries(struct mm *mm, const pte_t *pte, u64 n, bool shared)
{
	for (u64 i = 0; i < n; i++) {
		pte_t e = pte[i];
		struct page *p;

		if (!e)
			continue;
		p = pte_page(e);
		if (!page_counted(p))
			continue;
		p = page_head(p);
		if (!page_has(p, PG_ANON)) {
			if (shared && e & PTE_DIRTY)
				page_dirty(p);
			if (e & PTE_ACCESSED && !page_has(p, PG_REFERENCED))
				page_set(p, PG_REFERENCED);
		}
		page_map_dropped(p);
		page_put(p);
	}
}

static void drop_area(struct mm *mm, struct vma *v)
{
	u64 addr = v->start;
	pte_t *pte;

	while ((pte = pt_next(mm, &addr, v->end)) != NULL) {
		u64 next = MIN(span_end(addr, 1), v->end);

		drop_entries(mm, pte, (next - addr) >> PAGE_SHIFT, v->flags & VM_SHARED);
		addr = next;
		cond_resched();
	}
}

static void teardown(struct mm *mm)
{
	struct gather g;
	struct vma *v, *next;
	LIST_HEAD(dead);

	plat_as_fini(&mm->as);
	for (v = vma_first(mm); v; v = vma_next(v)) {
		rmap_unlink(v);
		anon_leave(v);
	}
	gather_init(&g, mm);
	g.no_flush = true;
	for (v = vma_first(mm); v; v = next) {
		next = vma_next(v);
		drop_area(mm, v);
		tables_free(&g, v->start, v->end, 0, next ? next->start : MM_TABLES_CEILING);
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(vma_pages(v));
		if (v->flags & VM_LOCKED)
			mm_count_add(COUNT_MLOCKED, -(s64)vma_pages(v));
		list_add_tail(&v->anon_node, &dead);
	}
	mm->vmas = RB_ROOT;
	mm->last = NULL;
	gather_flush(&g);
	assert(mm->table_pages == 1);
	page_clear(phys_page(mm->as.root), PG_TABLE);
	page_put(phys_page(mm->as.root));
	mm_count_add(COUNT_TABLES, -1);
	vmas_release(&dead);
}

void mm_put(struct mm *mm)
{
	if (!atomic_dec_and_test(&mm->users))
		return;
	teardown(mm);
	mm_exe_put(mm->exe);
	mm->exe = NULL;
	mm_put_struct(mm);
}

/* ---- fork ---- */

/*
 * Somebody beside the page tables holds the page: a device may be writing to it (O_DIRECT), and has to write to the parent's.
 * So the parent keeps it, writable, and the child gets a copy at once.  More than those that are pinned are taken for it; that
 * costs a copy.  Return: the copy, NULL: no memory
 */
static struct page *copy_now(const struct page *p)
{
	struct page *c = page_alloc(0, ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!c)
		return NULL;
	copy_page(page_virt(c), page_virt((struct page *)(u64)p));
	c->mapping = p->mapping;	/* the group, which the child's area has joined */
	c->index = p->index;
	page_set(c, PG_ANON | PG_UPTODATE);
	return c;
}

static bool held_by_others(const struct page *head)
{
	return !page_order(head) && atomic_load(&head->refs) > atomic_load(&head->mapcount);
}

/* Copy the anonymous pages of one leaf table; both table locks held. *protected: entries of the parent lost WRITE. Return: 0, -ENOMEM */
static int copy_entries(struct mm *to, pte_t *src, pte_t *dst, u64 n, bool *protected)
{
	for (u64 i = 0; i < n; i++) {
		pte_t e = src[i];
		struct page *p;

		if (!e)
			continue;
		p = pte_page(e);
		if (!page_has(p, PG_ANON))
			continue;
		p = page_head(p);
		if (unlikely(held_by_others(p))) {
			struct page *c = copy_now(p);

			if (!c)
				return -ENOMEM;
			page_map_added(to, c);
			dst[i] = page_phys(c) | (e & ~PTE_ADDR);
			continue;
		}
		if (e & PTE_WRITE) {
			e &= ~PTE_WRITE;
			WRITE_ONCE(src[i], e);
			*protected = true;
		}
		page_get(p);
		atomic_inc(&p->mapcount);	/* it is mapped already: no counter changes */
		dst[i] = e;
		to->rss[RSS_ANON]++;
	}
	return 0;
}

static int copy_area(struct mm *to, struct mm *from, struct vma *v, bool *protected)
{
	u64 addr = v->start;
	pte_t *src, *dst;
	int err = 0;

	while (!err && (src = pt_next(from, &addr, v->end)) != NULL) {
		u64 next = MIN(span_end(addr, 1), v->end);

		dst = pt_get(to, addr);
		if (!dst)
			return -ENOMEM;
		spin_lock(&from->table_lock);
		spin_lock_rank(&to->table_lock, RANK_PTABLE2);
		err = copy_entries(to, src, dst, (next - addr) >> PAGE_SHIFT, protected);
		spin_unlock_rank(&to->table_lock, RANK_PTABLE2);
		spin_unlock(&from->table_lock);
		addr = next;
	}
	return err;
}

static int fork_area(struct mm *to, struct mm *from, struct vma *v, bool *protected)
{
	struct vma *c;

	if (v->flags & VM_ACCOUNT && commit_charge(vma_pages(v)))
		return -ENOMEM;
	c = vma_alloc();
	if (!c) {
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(vma_pages(v));
		return -ENOMEM;
	}
	c->start = v->start;
	c->end = v->end;
	c->pgoff = v->pgoff;
	c->flags = v->flags & ~(VM_LOCKED | VM_LOCKONFAULT);
	c->prot_pte = v->prot_pte;
	c->ops = v->ops;
	c->mapping = v->mapping;
	c->owner = v->owner;
	if (c->ops && c->ops->open)
		c->ops->open(c);
	vma_link(to, c);
	vma_account(to, c, vma_pages(c), 1);
	if (!v->anon || v->flags & VM_WIPEONFORK)
		return 0;
	anon_join(c, v->anon);
	return copy_area(to, from, v, protected);
}

static void copy_fields(struct mm *to, const struct mm *from)
{
	to->mmap_base = from->mmap_base;
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->data_start = from->data_start;
	to->data_end = from->data_end;
	to->stack_start = from->stack_start;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->vdso = from->vdso;
	to->dumpable = from->dumpable;
	to->owner_ns = from->owner_ns;
	to->exe = from->exe;
	mm_exe_get(to->exe);
}

struct mm *mm_fork(struct mm *old)
{
	struct mm *mm = create_empty();
	bool protected = false;
	struct vma *v;
	int err = 0;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	rwsem_write_lock(&old->lock);
	copy_fields(mm, old);
	for (v = vma_first(old); v && !err; v = vma_next(v))
		if (!(v->flags & VM_DONTFORK))
			err = fork_area(mm, old, v, &protected);
	if (protected)
		plat_tlb_flush(&old->as, 0, PLAT_USER_TOP);
	rwsem_write_unlock(&old->lock);
	if (!err)
		return mm;
	mm_put(mm);
	return ERR_PTR(err);
}
