/*
 * mlock and its family: areas that must stay resident.  Without swap that concerns accounting, faulting in, and pages of
 * files, which reclaim leaves alone where a VM_LOCKED area maps them.
 */
#include <linux/mman.h>
#include "kern/sched.h"
#include "mm/internal.h"

static bool lockable(const struct vma *v)
{
	return !(v->flags & (VM_IO | VM_PFNMAP | VM_SPECIAL));
}

/* Give [start, end), inside @v, the lock bits @bits. */
static int set_lock(struct mm *mm, struct vma *v, u64 start, u64 end, u32 bits, struct list_head *dead)
{
	u32 flags = (v->flags & ~(u32)(VM_LOCKED | VM_LOCKONFAULT)) | bits;
	int err;

	if (flags == v->flags || !lockable(v))
		return 0;
	err = vma_isolate(mm, start, end);
	if (err)
		return err;
	v = vma_find(mm, start);
	vma_account(mm, v, vma_pages(v), -1);
	v->flags = flags;
	vma_account(mm, v, vma_pages(v), 1);
	vma_merge_around(mm, v, dead);
	return 0;
}

static int lock_range(struct mm *mm, u64 start, u64 end, u32 bits, struct list_head *dead)
{
	while (start < end) {
		struct vma *v = vma_find(mm, start);
		u64 stop;
		int err;

		if (!v || v->start > start)
			return -ENOMEM;
		stop = MIN(v->end, end);
		err = set_lock(mm, v, start, stop, bits, dead);
		if (err)
			return err;
		start = stop;
	}
	return 0;
}

/* Pages of the range that are locked already: they count once against the limit. */
static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_overlap(mm, start, end);
	u64 pages = 0;

	for (; v && v->start < end; v = vma_next(v))
		if (v->flags & VM_LOCKED)
			pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return pages;
}

int mm_lock_range(struct mm *mm, u64 addr, u64 len, bool lock, bool onfault)
{
	u32 bits = lock ? VM_LOCKED | (onfault ? VM_LOCKONFAULT : 0) : 0;
	LIST_HEAD(dead);
	u64 start = addr & PAGE_MASK, end;
	int err = 0;

	len = ALIGN_UP(len + (addr - start), PAGE_SIZE);
	end = start + len;
	if (end < start)
		return -EINVAL;
	if (lock) {
		err = mlock_check(mm, 0);
		if (err == -EPERM)
			return err;
	}
	if (end == start)
		return 0;
	rwsem_write_lock(&mm->lock);
	if (lock && mlock_check(mm, (len >> PAGE_SHIFT) - MIN(len >> PAGE_SHIFT, locked_in(mm, start, end))))
		err = -ENOMEM;
	else
		err = lock_range(mm, start, end, bits, &dead);
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	if (err || !lock || onfault)
		return err;
	err = mm_populate(mm, start, len);
	return err == -EFAULT ? -ENOMEM : err == -EIO || err == -ENOMEM ? -EAGAIN : err;
}

static int lock_everything(struct mm *mm, u32 bits, struct list_head *dead)
{
	struct vma *v;
	u64 at = 0;

	while ((v = vma_find(mm, at)) != NULL) {
		int err;

		at = v->end;
		err = set_lock(mm, v, v->start, v->end, bits, dead);
		if (err)
			return err;
	}
	return 0;
}

/* Fault in all there is, as far as it goes. */
static void populate_everything(struct mm *mm)
{
	struct vma *v;
	u64 start, end = 0;

	for (;;) {
		rwsem_read_lock(&mm->lock);
		v = vma_find(mm, end);
		start = v ? v->start : 0;
		end = v ? v->end : 0;
		rwsem_read_unlock(&mm->lock);
		if (!end)
			return;
		if (mm_populate(mm, start, end - start) == -EINTR)
			return;
	}
}

/* @flags 0: munlockall. */
int mm_lock_all(struct mm *mm, int flags)
{
	u32 bits = flags & MCL_ONFAULT ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED;
	LIST_HEAD(dead);
	int err = 0;

	if (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (flags && mlock_check(mm, 0) == -EPERM)
		return -EPERM;
	rwsem_write_lock(&mm->lock);
	if (flags & MCL_CURRENT && mlock_check(mm, mm->total_pages - MIN(mm->total_pages, mm->locked_pages)))
		err = -ENOMEM;
	if (!err) {
		mm->def_flags = flags & MCL_FUTURE ? bits : 0;
		if (!flags || flags & MCL_CURRENT)
			err = lock_everything(mm, flags ? bits : 0, &dead);
	}
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	if (!err && (flags & (MCL_CURRENT | MCL_ONFAULT)) == MCL_CURRENT)
		populate_everything(mm);
	return err;
}
