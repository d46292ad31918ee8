/*
 * Areas: the tree of an address space, places between areas, splitting and merging.
 *
 * The tree is ordered by start; areas never overlap.  Every area knows the free bytes in front of it (`gap`, a stack's guard
 * taken off) and the greatest gap of its subtree (`max_gap`), so a place for a new mapping is found in O(log n).
 *
 * Merging: two neighbours are one area if nothing tells them apart: flags, owner, file offset, anon group.
 *
 * Locks: mm->lock; writing for all that changes.
 */
#include "kern/slab.h"
#include "mm/internal.h"

static struct slab_cache *vma_cache;

static inline struct vma *to_vma(struct rb_node *n)
{
	return n ? RB_ENTRY(n, struct vma, node) : NULL;
}

void vma_init(void)
{
	vma_cache = slab_create("vma", sizeof(struct vma), 0);
	assert(vma_cache);
}

struct vma *vma_alloc(void)
{
	struct vma *v = slab_alloc(vma_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (v)
		list_init(&v->anon_node);
	return v;
}

void vmas_release(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct vma *v = list_first_entry(dead, struct vma, anon_node);

		list_del(&v->anon_node);
		if (v->ops && v->ops->close)
			v->ops->close(v);
		slab_free(vma_cache, v);
	}
}

/* ---- gaps ---- */

static u64 subtree_gap(struct rb_node *n)
{
	return n ? to_vma(n)->max_gap : 0;
}

static bool gap_update(struct rb_node *n)
{
	struct vma *v = to_vma(n);
	u64 max = MAX(v->gap, MAX(subtree_gap(n->left), subtree_gap(n->right)));
	bool changed = max != v->max_gap;

	v->max_gap = max;
	return changed;
}

static const struct rb_augment gap_augment = { .update = gap_update };

static u64 guard_below(const struct vma *v)
{
	return v->flags & VM_GROWSDOWN ? STACK_GUARD_BYTES : 0;
}

static u64 gap_of(const struct vma *v, u64 prev_end)
{
	u64 guard = guard_below(v);

	return v->start > prev_end + guard ? v->start - guard - prev_end : 0;
}

static void gap_refresh(struct vma *v)
{
	struct vma *prev;

	if (!v)
		return;
	prev = vma_prev(v);
	v->gap = gap_of(v, prev ? prev->end : 0);
	rb_propagate(&v->node, &gap_augment);
}

/* ---- the tree ---- */

struct vma *vma_first(struct mm *mm)
{
	return to_vma(rb_first(&mm->vmas));
}

struct vma *vma_next(struct vma *v)
{
	return to_vma(rb_next(&v->node));
}

struct vma *vma_prev(struct vma *v)
{
	return to_vma(rb_prev(&v->node));
}

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct vma *v = READ_ONCE(mm->last), *best = NULL;
	struct rb_node *n;

	if (v && v->start <= addr && addr < v->end)
		return v;
	for (n = mm->vmas.node; n;) {
		v = to_vma(n);
		if (v->end > addr) {
			best = v;
			if (v->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best)
		WRITE_ONCE(mm->last, best);
	return best;
}

struct vma *vma_prev_of(struct mm *mm, u64 addr)
{
	struct rb_node *n = mm->vmas.node;
	struct vma *best = NULL;

	while (n) {
		struct vma *v = to_vma(n);

		if (v->start < addr) {
			best = v;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return best;
}

struct vma *vma_overlap(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);

	return v && v->start < end ? v : NULL;
}

void vma_insert(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;
	struct vma *prev = NULL;

	while (*link) {
		parent = *link;
		if (v->start < to_vma(parent)->start) {
			link = &parent->left;
		} else {
			prev = to_vma(parent);
			link = &parent->right;
		}
	}
	assert(!prev || prev->end <= v->start);
	v->mm = mm;
	v->gap = gap_of(v, prev ? prev->end : 0);
	v->max_gap = v->gap;
	rb_link(&v->node, parent, link);
	rb_insert_fixup_augmented(&mm->vmas, &v->node, &gap_augment);
	gap_refresh(vma_next(v));
	mm->vma_count++;
}

void vma_remove(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v);

	rb_erase_augmented(&mm->vmas, &v->node, &gap_augment);
	if (READ_ONCE(mm->last) == v)
		WRITE_ONCE(mm->last, NULL);
	gap_refresh(next);
	mm->vma_count--;
}

void vma_set_bounds(struct vma *v, u64 start, u64 end)
{
	assert(start < end);
	v->pgoff += (s64)(start - v->start) >> PAGE_SHIFT;
	v->start = start;
	v->end = end;
	gap_refresh(v);
	gap_refresh(vma_next(v));
}

/* ---- finding a place ---- */

static struct vma *rightmost_with_gap(struct rb_node *n, u64 len)
{
	while (n) {
		if (subtree_gap(n->right) >= len)
			n = n->right;
		else if (to_vma(n)->gap >= len)
			return to_vma(n);
		else
			n = n->left;
	}
	return NULL;
}

/* The last area below @v that has a gap of @len in front of it. */
static struct vma *prev_with_gap(struct vma *v, u64 len)
{
	struct rb_node *n = &v->node, *parent;

	if (subtree_gap(n->left) >= len)
		return rightmost_with_gap(n->left, len);
	for (; (parent = rb_parent(n)) != NULL; n = parent) {
		if (parent->left == n)
			continue;
		if (to_vma(parent)->gap >= len)
			return to_vma(parent);
		if (subtree_gap(parent->left) >= len)
			return rightmost_with_gap(parent->left, len);
	}
	return NULL;
}

/* The highest place for @len bytes in the gap [from, to) clipped to [low, high); 0 if it is too small. */
static u64 place_in(u64 from, u64 to, u64 len, u64 low, u64 high)
{
	from = MAX(from, low);
	to = MIN(to, high);
	return to > from && to - from >= len ? to - len : 0;
}

u64 vma_gap_find(struct mm *mm, u64 len, u64 low, u64 high)
{
	struct vma *v = vma_find(mm, high), *last;
	u64 at;

	if (!v) {
		last = to_vma(rb_last(&mm->vmas));
		at = place_in(last ? last->end : 0, high, len, low, high);
		if (at || !last)
			return at;
		v = last;
	}
	while (v) {
		u64 top = v->start - MIN(v->start, guard_below(v));

		at = place_in(top - MIN(top, v->gap), top, len, low, high);
		if (at)
			return at;
		if (top <= low)
			return 0;
		v = prev_with_gap(v, len);
	}
	return 0;
}

/* ---- protection bits ---- */

u64 vma_prot_bits(u32 flags)
{
	u64 bits = flags & VM_EXEC ? 0 : PTE_NX;

	if (!(flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return bits | PTE_PROTNONE;
	bits |= PTE_PRESENT | PTE_USER | PTE_ACCESSED;
	return flags & VM_WRITE ? bits | PTE_WRITE : bits;
}

/* ---- linking with reverse maps and totals ---- */

void vma_account(struct mm *mm, const struct vma *v, u64 pages, int sign)
{
	u64 n = sign < 0 ? -pages : pages;

	mm->total_pages += n;
	if (mm->total_pages > mm->hiwater_pages)
		mm->hiwater_pages = mm->total_pages;
	if (v->flags & VM_LOCKED) {
		mm->locked_pages += n;
		mm_count_add(COUNT_MLOCKED, (s64)n);
	}
	if (v->flags & (VM_SHARED | VM_MAYSHARE))
		mm->shared_pages += n;
	else if (v->flags & (VM_STACK | VM_GROWSDOWN))
		mm->stack_pages += n;
	else if (v->flags & VM_WRITE)
		mm->data_pages += n;
	if (v->flags & VM_EXEC && !(v->flags & VM_WRITE))
		mm->exec_pages += n;
}

void vma_link(struct mm *mm, struct vma *v)
{
	vma_insert(mm, v);
	rmap_link(v);
}

void vma_unlink(struct mm *mm, struct vma *v)
{
	vma_remove(mm, v);
	rmap_unlink(v);
	anon_leave(v);
}

void vma_resize(struct vma *v, u64 start, u64 end)
{
	if (v->mapping) {
		rwsem_write_lock(&v->mapping->rmap_lock);
		interval_remove(&v->mapping->vmas, &v->rmap);
	}
	vma_set_bounds(v, start, end);
	if (v->mapping) {
		v->rmap.start = v->pgoff;
		v->rmap.last = v->pgoff + vma_pages(v) - 1;
		interval_insert(&v->mapping->vmas, &v->rmap);
		rwsem_write_unlock(&v->mapping->rmap_lock);
	}
}

/* ---- splitting and merging ---- */

int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vma *upper;

	assert(addr > v->start && addr < v->end && !(addr & (PAGE_SIZE - 1)));
	if (mm->vma_count >= VMA_COUNT_MAX)
		return -ENOMEM;
	upper = vma_alloc();
	if (!upper)
		return -ENOMEM;
	upper->start = addr;
	upper->end = v->end;
	upper->pgoff = vma_index(v, addr);
	upper->flags = v->flags;
	upper->prot_pte = v->prot_pte;
	upper->ops = v->ops;
	upper->mapping = v->mapping;
	upper->owner = v->owner;
	upper->mm = mm;
	if (v->anon)
		anon_join(upper, v->anon);
	if (upper->ops && upper->ops->open)
		upper->ops->open(upper);
	/* The whole range stays in the reverse maps throughout: the upper part enters before the lower one shrinks. */
	rmap_link(upper);
	vma_resize(v, v->start, addr);
	vma_insert(mm, upper);
	return 0;
}

int vma_isolate(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);
	int err;

	if (v && v->start < start) {
		err = vma_split(mm, v, start);
		if (err)
			return err;
	}
	v = vma_find(mm, end - 1);
	if (v && v->start < end && v->end > end)
		return vma_split(mm, v, end);
	return 0;
}

bool vma_can_merge(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->flags == b->flags && a->ops == b->ops && a->mapping == b->mapping &&
	       a->owner == b->owner && a->pgoff + vma_pages(a) == b->pgoff &&
	       (a->anon == b->anon || !a->anon || !b->anon) && !(a->flags & (VM_SPECIAL | VM_PFNMAP | VM_IO));
}

/* Make @a cover @b too; @b dies. */
static void merge_pair(struct mm *mm, struct vma *a, struct vma *b, struct list_head *dead)
{
	u64 end = b->end;

	if (!a->anon && b->anon)
		anon_join(a, b->anon);
	vma_remove(mm, b);
	/* As in a split, the upper part leaves the reverse maps only after the lower one has grown. */
	vma_resize(a, a->start, end);
	rmap_unlink(b);
	anon_leave(b);
	list_add_tail(&b->anon_node, dead);
}

struct vma *vma_merge_around(struct mm *mm, struct vma *v, struct list_head *dead)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	if (next && vma_can_merge(v, next))
		merge_pair(mm, v, next, dead);
	if (prev && vma_can_merge(prev, v)) {
		merge_pair(mm, prev, v, dead);
		return prev;
	}
	return v;
}
