/*
 * madvise(2).
 *
 * MADV_FREE is allowed to free at once, and does.  COLD and PAGEOUT have nothing to do for anonymous memory while there is no
 * swap.  Advice on huge pages is remembered.
 *
 * Source: madvise(2).
 */
#include <linux/mman.h>
#include <linux/capability.h>
#include "kern/sched.h"
#include "mm/internal.h"

enum advice_kind { ADVICE_UNKNOWN, ADVICE_FLAGS, ADVICE_ZAP, ADVICE_FREE, ADVICE_WILLNEED, ADVICE_REMOVE, ADVICE_COLD, ADVICE_POPULATE,
		   ADVICE_NOTHING };

struct advice {
	enum advice_kind kind;
	u32 set, clear;			/* VM_* */
};

static struct advice advice_of(int behaviour)
{
	switch (behaviour) {
	case MADV_NORMAL: return (struct advice){ ADVICE_FLAGS, 0, VM_SEQ_READ | VM_RAND_READ };
	case MADV_RANDOM: return (struct advice){ ADVICE_FLAGS, VM_RAND_READ, VM_SEQ_READ };
	case MADV_SEQUENTIAL: return (struct advice){ ADVICE_FLAGS, VM_SEQ_READ, VM_RAND_READ };
	case MADV_DONTFORK: return (struct advice){ ADVICE_FLAGS, VM_DONTFORK, 0 };
	case MADV_DOFORK: return (struct advice){ ADVICE_FLAGS, 0, VM_DONTFORK };
	case MADV_DONTDUMP: return (struct advice){ ADVICE_FLAGS, VM_DONTDUMP, 0 };
	case MADV_DODUMP: return (struct advice){ ADVICE_FLAGS, 0, VM_DONTDUMP };
	case MADV_WIPEONFORK: return (struct advice){ ADVICE_FLAGS, VM_WIPEONFORK, 0 };
	case MADV_KEEPONFORK: return (struct advice){ ADVICE_FLAGS, 0, VM_WIPEONFORK };
	case MADV_HUGEPAGE: return (struct advice){ ADVICE_FLAGS, VM_HUGEPAGE, VM_NOHUGEPAGE };
	case MADV_NOHUGEPAGE: return (struct advice){ ADVICE_FLAGS, VM_NOHUGEPAGE, VM_HUGEPAGE };
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED: return (struct advice){ ADVICE_ZAP, 0, 0 };
	case MADV_FREE: return (struct advice){ ADVICE_FREE, 0, 0 };
	case MADV_WILLNEED: return (struct advice){ ADVICE_WILLNEED, 0, 0 };
	case MADV_REMOVE: return (struct advice){ ADVICE_REMOVE, 0, 0 };
	case MADV_COLD:
	case MADV_PAGEOUT: return (struct advice){ ADVICE_COLD, 0, 0 };
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE: return (struct advice){ ADVICE_POPULATE, 0, 0 };
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE: return (struct advice){ ADVICE_NOTHING, 0, 0 };
	default: return (struct advice){ ADVICE_UNKNOWN, 0, 0 };
	}
}

/* ---- advice that changes flags: mm->lock held for writing ---- */

static int advise_flags(struct mm *mm, struct vma *v, u64 start, u64 end, const struct advice *a, struct list_head *dead)
{
	u32 flags = (v->flags & ~a->clear) | a->set;
	int err;

	if (a->set & VM_WIPEONFORK && (!vma_is_anon(v) || v->flags & VM_SHARED))
		return -EINVAL;
	if (a->clear & (VM_DONTFORK | VM_DONTDUMP) && v->flags & (VM_IO | VM_PFNMAP))
		return -EINVAL;
	if (flags == v->flags)
		return 0;
	err = vma_isolate(mm, start, end);
	if (err)
		return err;
	v = vma_find(mm, start);
	v->flags = flags;
	vma_merge_around(mm, v, dead);
	return 0;
}

/* ---- advice about pages: mm->lock held for reading ---- */

static int advise_zap(struct mm *mm, struct vma *v, u64 start, u64 end, int behaviour)
{
	struct gather g;

	if (v->flags & VM_PFNMAP || (v->flags & VM_LOCKED && behaviour != MADV_DONTNEED_LOCKED))
		return -EINVAL;
	if (behaviour == MADV_FREE && !vma_is_anon(v))
		return -EINVAL;
	gather_init(&g, mm);
	zap_range(&g, v, start, end, 0);
	gather_flush(&g);
	return 0;
}

static int advise_willneed(struct vma *v, u64 start, u64 end)
{
	u64 index = vma_index(v, start), last = vma_index(v, end - 1);
	struct page *p;

	if (!v->mapping)
		return vma_is_anon(v) ? 0 : -EBADF;
	if (v->mapping->flags & MAPPING_SHMEM)
		return 0;
	while (index <= last) {
		p = mapping_get_want(v->mapping, index, NULL, MIN(last - index + 1, 32u));
		if (IS_ERR(p))
			break;
		page_put(p);
		index += 32;
		cond_resched();
	}
	return 0;
}

static int advise_remove(struct vma *v, u64 start, u64 end)
{
	struct mapping *m = v->mapping;
	u64 offset = vma_index(v, start) << PAGE_SHIFT;

	if (v->flags & VM_LOCKED || !m || !(m->flags & MAPPING_SHMEM))
		return -EINVAL;
	if ((v->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	mapping_punch(m, offset, offset + (end - start));
	return 0;
}

static int advise_cold(struct vma *v)
{
	return v->flags & (VM_LOCKED | VM_PFNMAP) ? -EINVAL : 0;
}

static int advise_area(struct mm *mm, struct vma *v, u64 start, u64 end, int behaviour, const struct advice *a,
		       struct list_head *dead)
{
	switch (a->kind) {
	case ADVICE_FLAGS: return advise_flags(mm, v, start, end, a, dead);
	case ADVICE_ZAP:
	case ADVICE_FREE: return advise_zap(mm, v, start, end, behaviour);
	case ADVICE_WILLNEED: return advise_willneed(v, start, end);
	case ADVICE_REMOVE: return advise_remove(v, start, end);
	case ADVICE_COLD: return advise_cold(v);
	default: return 0;
	}
}

/* Holes in the range are skipped, and make the result ENOMEM in the end. */
static int advise_range(struct mm *mm, u64 addr, u64 end, int behaviour, const struct advice *a, struct list_head *dead)
{
	int result = 0;

	while (addr < end) {
		struct vma *v = vma_find(mm, addr);
		u64 stop;
		int err;

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > addr) {
			result = -ENOMEM;
			addr = v->start;
		}
		stop = MIN(v->end, end);
		err = advise_area(mm, v, addr, stop, behaviour, a, dead);
		if (err)
			return err;
		addr = stop;
	}
	return result;
}

/* Fault pages in for reading or writing, without touching what they hold. */
static int populate(struct mm *mm, u64 addr, u64 end, bool write)
{
	int err = 0;

	for (; addr < end && !err; addr += PAGE_SIZE) {
		struct vma *v;

		if (fatal_signal_pending())
			return -EINTR;
		rwsem_read_lock(&mm->lock);
		v = vma_find(mm, addr);
		if (!v || v->start > addr)
			err = -ENOMEM;
		else if (v->flags & (VM_IO | VM_PFNMAP) || !(v->flags & (write ? VM_WRITE : VM_READ | VM_WRITE | VM_EXEC)))
			err = -EINVAL;
		else
			err = vma_fault(v, addr, write ? FAULT_WRITE : 0);
		rwsem_read_unlock(&mm->lock);
		cond_resched();
	}
	return err == -EIO ? -EFAULT : err;
}

int mm_advise(struct mm *mm, u64 addr, u64 len, int behaviour)
{
	struct advice a = advice_of(behaviour);
	bool writing = a.kind == ADVICE_FLAGS;
	LIST_HEAD(dead);
	u64 end;
	int err;

	if (a.kind == ADVICE_UNKNOWN || addr & (PAGE_SIZE - 1))
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end < addr || (len && !ALIGN_UP(len, PAGE_SIZE)))
		return -EINVAL;
	if (end == addr)
		return 0;
	if (a.kind == ADVICE_POPULATE)
		return populate(mm, addr, end, behaviour == MADV_POPULATE_WRITE);
	if (writing)
		rwsem_write_lock(&mm->lock);
	else
		rwsem_read_lock(&mm->lock);
	err = advise_range(mm, addr, end, behaviour, &a, &dead);
	if (writing)
		rwsem_write_unlock(&mm->lock);
	else
		rwsem_read_unlock(&mm->lock);
	vmas_release(&dead);
	return err;
}
