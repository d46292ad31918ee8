/*
 * msync and mincore: what of a range is on its medium, what is in memory.
 */
#include <linux/mman.h>
#include "kern/sched.h"
#include "mm/internal.h"

/* Whether @v, a shared area of a file, must be written now. */
static bool must_write(const struct vma *v, int flags)
{
	return flags & MS_SYNC && v->flags & VM_SHARED && v->mapping && !(v->mapping->flags & MAPPING_SHMEM);
}

int mm_sync(struct mm *mm, u64 addr, u64 len, int flags)
{
	u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
	int result = 0, err = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr & (PAGE_SIZE - 1) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < addr || (len && !ALIGN_UP(len, PAGE_SIZE)))
		return -ENOMEM;
	rwsem_read_lock(&mm->lock);
	while (addr < end && !err) {
		struct vma *v = vma_find(mm, addr);
		u64 stop;

		if (!v || v->start >= end) {
			result = -ENOMEM;
			break;
		}
		if (v->start > addr) {
			result = -ENOMEM;
			addr = v->start;
		}
		stop = MIN(v->end, end);
		if (flags & MS_INVALIDATE && v->flags & VM_LOCKED)
			err = -EBUSY;
		else if (must_write(v, flags))
			err = mapping_sync(v->mapping, vma_index(v, addr) << PAGE_SHIFT,
					   (vma_index(v, stop - 1) + 1) << PAGE_SHIFT);
		addr = stop;
	}
	rwsem_read_unlock(&mm->lock);
	return err ? err : result;
}

static u8 page_resident(struct mm *mm, struct vma *v, u64 addr)
{
	pte_t *pte = pt_find(mm, addr);
	struct page *p;
	u8 there;

	if (pte && pte_mapped(READ_ONCE(*pte)))
		return 1;
	if (!v->mapping)
		return 0;
	p = mapping_find(v->mapping, vma_index(v, addr));
	if (!p)
		return 0;
	there = page_has(p, PG_UPTODATE);
	page_put(p);
	return there;
}

int mm_incore(struct mm *mm, u64 addr, u64 pages, u8 *vec)
{
	int err = 0;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (addr > PLAT_USER_TOP || pages > (PLAT_USER_TOP - addr) >> PAGE_SHIFT)
		return -ENOMEM;
	rwsem_read_lock(&mm->lock);
	for (u64 i = 0; i < pages && !err; i++) {
		struct vma *v = vma_find(mm, addr + (i << PAGE_SHIFT));

		if (!v || v->start > addr + (i << PAGE_SHIFT))
			err = -ENOMEM;
		else
			vec[i] = page_resident(mm, v, addr + (i << PAGE_SHIFT));
	}
	rwsem_read_unlock(&mm->lock);
	return err;
}
