/*
 * mremap: grow, shrink and move areas.
 *
 * A move makes a second area at the new place, which shares owner and anon group with the old one, moves the entries over
 * and unmaps the old place.  The entries of a file are moved with its rmap_lock held for writing, so that a truncate
 * does not look at the new place too early and at the old one too late.
 *
 * Source: mremap(2).
 */
#include <linux/mman.h>
#include "kern/sched.h"
#include "mm/internal.h"

struct remap {
	struct mm *mm;
	u64 addr, old_len, new_len, new_addr;
	u32 flags;
	struct list_head *dead;
	u64 populate_start, populate_len;
};

/* Bytes until the end of the shorter of two leaf tables, or of the range. */
static u64 chunk_end(u64 from, u64 to, u64 end)
{
	u64 n = MIN(span_end(from, 1) - from, span_end(to, 1) - to);

	return MIN(from + n, end);
}

/* All tables of the new place that the moved entries need. */
static int prepare_tables(struct mm *mm, u64 from, u64 to, u64 len)
{
	u64 addr = from, end = from + len;

	while (pt_next(mm, &addr, end)) {
		u64 next = chunk_end(addr, to + (addr - from), end);

		if (!pt_get(mm, to + (addr - from)))
			return -ENOMEM;
		addr = next;
	}
	return 0;
}

static void move_entries(struct mm *mm, u64 from, u64 to, u64 len)
{
	u64 addr = from, end = from + len;
	pte_t *src, *dst;

	while ((src = pt_next(mm, &addr, end)) != NULL) {
		u64 next = chunk_end(addr, to + (addr - from), end);
		u64 n = (next - addr) >> PAGE_SHIFT;

		dst = pt_find(mm, to + (addr - from));
		spin_lock(&mm->table_lock);
		/* A fault may have added a table of the old place since prepare_tables: no, mm->lock is held for writing. */
		for (u64 i = 0; i < n; i++) {
			if (!src[i])
				continue;
			assert(dst);
			WRITE_ONCE(dst[i], src[i]);
			WRITE_ONCE(src[i], 0);
		}
		spin_unlock(&mm->table_lock);
		addr = next;
	}
	plat_tlb_flush(&mm->as, from, end);
}

static struct vma *copy_area(struct remap *r, struct vma *v)
{
	struct vma *n = vma_alloc();

	if (!n)
		return NULL;
	n->start = r->new_addr;
	n->end = r->new_addr + r->new_len;
	n->pgoff = vma_is_anon(v) && !v->anon ? r->new_addr >> PAGE_SHIFT : vma_index(v, r->addr);
	n->flags = v->flags;
	n->prot_pte = v->prot_pte;
	n->ops = v->ops;
	n->mapping = v->mapping;
	n->owner = v->owner;
	if (v->anon)
		anon_join(n, v->anon);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	return n;
}

/* The old place stays mapped, but empty. */
static void leave_empty(struct remap *r, struct vma *v)
{
	vma_account(r->mm, v, vma_pages(v), -1);
	v->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
	vma_account(r->mm, v, vma_pages(v), 1);
}

static int move_area(struct remap *r, struct vma *v)
{
	u64 len = MIN(r->old_len, r->new_len), pages = r->new_len >> PAGE_SHIFT;
	struct mapping *m;
	struct vma *n;
	int err;

	if (r->mm->vma_count >= VMA_COUNT_MAX - 3)
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT && commit_charge(pages))
		return -ENOMEM;
	err = r->old_len ? vma_isolate(r->mm, r->addr, r->addr + r->old_len) : 0;
	v = vma_find(r->mm, r->addr);
	if (!err && len)
		err = prepare_tables(r->mm, r->addr, r->new_addr, len);
	n = err ? NULL : copy_area(r, v);
	if (!n) {
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(pages);
		/* the tables made ready stay with no area above them unless they are freed */
		struct gather g;
		struct vma *below = vma_prev_of(r->mm, r->new_addr), *above = vma_find(r->mm, r->new_addr);

		gather_init(&g, r->mm);
		tables_free(&g, r->new_addr, r->new_addr + r->new_len, below ? below->end : 0,
			    above ? above->start : MM_TABLES_CEILING);
		gather_flush(&g);
		return -ENOMEM;
	}
	vma_link(r->mm, n);
	vma_account(r->mm, n, pages, 1);
	if (len) {
		m = n->mapping;
		if (m)
			rwsem_write_lock(&m->rmap_lock);
		move_entries(r->mm, r->addr, r->new_addr, len);
		if (m)
			rwsem_write_unlock(&m->rmap_lock);
	}
	if (n->flags & VM_LOCKED) {
		r->populate_start = n->start;
		r->populate_len = r->new_len;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		leave_empty(r, v);
	else if (r->old_len)
		return unmap_locked(r->mm, r->addr, r->addr + r->old_len, r->dead);
	return 0;
}

/* Grow the area in place if it ends here and there is room. */
static bool grow_in_place(struct remap *r, struct vma *v)
{
	u64 more = r->new_len - r->old_len, end = r->addr + r->new_len;
	struct vma *next = vma_next(v);

	if (r->addr + r->old_len != v->end || end < r->addr || end > PLAT_USER_TOP ||
	    (next && next->start < end + (next->flags & VM_GROWSDOWN ? STACK_GUARD_BYTES : 0)))
		return false;
	if (v->flags & VM_ACCOUNT && commit_charge(more >> PAGE_SHIFT))
		return false;
	if (v->flags & VM_LOCKED) {
		r->populate_start = v->end;
		r->populate_len = more;
	}
	vma_account(r->mm, v, more >> PAGE_SHIFT, 1);
	vma_resize(v, v->start, end);
	vma_merge_around(r->mm, v, r->dead);
	return true;
}

/* Checks of the area that a growing or moving call names. */
static int check_area(struct remap *r, struct vma *v)
{
	u64 more = r->new_len > r->old_len ? (r->new_len - r->old_len) >> PAGE_SHIFT : 0;
	int err;

	if (!v || v->start > r->addr || r->old_len > v->end - r->addr)
		return -EFAULT;
	if (!r->old_len && !(v->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && v->flags & (VM_IO | VM_PFNMAP))
		return -EINVAL;
	if (more && v->flags & (VM_IO | VM_PFNMAP))
		return -EFAULT;
	if (v->pgoff + ((r->addr - v->start + r->new_len) >> PAGE_SHIFT) < v->pgoff)
		return -EINVAL;
	if (v->flags & VM_LOCKED && more) {
		err = mlock_check(r->mm, more);
		if (err)
			return -EAGAIN;
	}
	return more && !may_expand(r->mm, v->flags, more) ? -ENOMEM : 0;
}

static int remap_fixed(struct remap *r)
{
	int err;

	if (r->new_addr & (PAGE_SIZE - 1) || r->new_len > PLAT_USER_TOP || r->new_addr > PLAT_USER_TOP - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if (r->new_addr < MM_MIN_ADDR)
		return -EPERM;
	err = unmap_locked(r->mm, r->new_addr, r->new_addr + r->new_len, r->dead);
	if (!err && r->old_len > r->new_len) {
		err = unmap_locked(r->mm, r->addr + r->new_len, r->addr + r->old_len, r->dead);
		r->old_len = r->new_len;
	}
	if (!err)
		err = check_area(r, vma_find(r->mm, r->addr));
	return err ? err : move_area(r, vma_find(r->mm, r->addr));
}

static int remap_locked(struct remap *r)
{
	struct vma *v = vma_find(r->mm, r->addr);
	int err;

	if (!v || v->start > r->addr)
		return -EFAULT;
	if (r->flags & MREMAP_FIXED)
		return remap_fixed(r);
	if (r->old_len >= r->new_len && !(r->flags & MREMAP_DONTUNMAP)) {
		r->new_addr = r->addr;
		return r->old_len == r->new_len ? 0 :
			unmap_locked(r->mm, r->addr + r->new_len, r->addr + r->old_len, r->dead);
	}
	err = check_area(r, v);
	if (err)
		return err;
	if (!(r->flags & MREMAP_DONTUNMAP) && r->old_len && grow_in_place(r, v)) {
		r->new_addr = r->addr;
		return 0;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	r->new_addr = mmap_place(r->mm, r->flags & MREMAP_DONTUNMAP ? r->new_addr : 0, r->new_len, 0);
	return r->new_addr ? move_area(r, v) : -ENOMEM;
}

int mm_remap(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr, u64 *addr_out)
{
	LIST_HEAD(dead);
	struct remap r = { .mm = mm, .addr = addr, .old_len = ALIGN_UP(old_len, PAGE_SIZE), .flags = flags,
			   .new_len = ALIGN_UP(new_len, PAGE_SIZE), .new_addr = new_addr, .dead = &dead };
	int err;

	if (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || addr & (PAGE_SIZE - 1) || !r.new_len)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && r.old_len != r.new_len)
		return -EINVAL;
	if (r.old_len < old_len || r.old_len > PLAT_USER_TOP || addr > PLAT_USER_TOP - r.old_len)
		return -EINVAL;
	if (r.new_len > PLAT_USER_TOP)
		return -ENOMEM;
	rwsem_write_lock(&mm->lock);
	err = remap_locked(&r);
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	if (err)
		return err;
	if (r.populate_len)
		(void)!mm_populate(mm, r.populate_start, r.populate_len);
	*addr_out = r.new_addr;
	return 0;
}
