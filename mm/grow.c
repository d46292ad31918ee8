/*
 * Areas that grow by themselves: the heap (brk) and stacks (VM_GROWSDOWN).
 */
#include <linux/capability.h>
#include "mm/internal.h"

/* ---- stacks ---- */

/* Whether nothing but the guard lies in the gap below @start. Another growing area needs none. */
static bool guard_free(struct vma *v, u64 start)
{
	struct vma *prev = vma_prev(v);

	if (!prev || prev->flags & VM_GROWSDOWN)
		return !prev || prev->end <= start;
	if (!(prev->flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return prev->end <= start;	/* an inaccessible area is a guard itself */
	return prev->end + STACK_GUARD_BYTES <= start;
}

int stack_expand(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find(mm, addr);
	struct mm_limits l;
	u64 start = addr & PAGE_MASK, pages;

	if (!v || v->start <= addr)
		return v ? 0 : -ENOMEM;
	if (!(v->flags & VM_GROWSDOWN) || start < MM_MIN_ADDR || !guard_free(v, start))
		return -ENOMEM;
	pages = (v->start - start) >> PAGE_SHIFT;
	if (pages > v->pgoff)
		return -ENOMEM;
	mm_limits_get(&l);
	if (v->end - start > l.stack || !may_expand(mm, v->flags, pages))
		return -ENOMEM;
	if (v->flags & VM_LOCKED && mlock_check(mm, pages))
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT && commit_charge(pages))
		return -ENOMEM;
	vma_account(mm, v, pages, 1);
	vma_resize(v, start, v->end);
	return 0;
}

/* ---- the heap ---- */

static bool brk_allowed(struct mm *mm, u64 brk)
{
	struct mm_limits l;

	if (brk < mm->brk_start || brk > PLAT_USER_TOP)
		return false;
	mm_limits_get(&l);
	return l.data == ~0ull || (brk - mm->brk_start) + (mm->data_end - mm->data_start) <= l.data;
}

static bool brk_room(struct mm *mm, u64 start, u64 end)
{
	struct vma *next = vma_find(mm, start);
	u64 guard = next && next->flags & VM_GROWSDOWN ? STACK_GUARD_BYTES : 0;

	return !next || (next->start >= end && next->start - end >= guard);
}

/* Add [start, end) to the heap. */
static int brk_grow(struct mm *mm, u64 start, u64 end, struct list_head *dead)
{
	u32 flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_HEAP | VM_ACCOUNT | mm->def_flags;
	u64 pages = (end - start) >> PAGE_SHIFT;
	struct vma want = { .mm = mm, .start = start, .end = end, .pgoff = start >> PAGE_SHIFT, .flags = flags }, *v;
	struct vma *prev;

	if (!brk_room(mm, start, end) || mm->vma_count >= VMA_COUNT_MAX || !may_expand(mm, flags, pages))
		return -ENOMEM;
	if (flags & VM_LOCKED && mlock_check(mm, pages))
		return -EAGAIN;
	if (commit_charge(pages))
		return -ENOMEM;
	prev = vma_prev_of(mm, start);
	if (prev && vma_can_merge(prev, &want)) {
		vma_resize(prev, prev->start, end);
		vma_account(mm, prev, pages, 1);
		return 0;
	}
	v = vma_alloc();
	if (!v) {
		commit_uncharge(pages);
		return -ENOMEM;
	}
	v->start = start;
	v->end = end;
	v->pgoff = want.pgoff;
	v->flags = flags;
	v->prot_pte = vma_prot_bits(flags);
	vma_link(mm, v);
	vma_account(mm, v, pages, 1);
	return 0;
}

u64 mm_brk(struct mm *mm, u64 brk)
{
	u64 old_end, new_end, result;
	bool populate = false;
	LIST_HEAD(dead);
	int err = 0;

	rwsem_write_lock(&mm->lock);
	old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
	if (!brk_allowed(mm, brk))
		goto out;
	new_end = ALIGN_UP(brk, PAGE_SIZE);
	if (new_end > old_end)
		err = brk_grow(mm, old_end, new_end, &dead);
	else if (new_end < old_end)
		err = unmap_locked(mm, new_end, old_end, &dead);
	if (!err) {
		mm->brk = brk;
		populate = new_end > old_end && (mm->def_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
	}
out:
	result = mm->brk;
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	if (populate)
		(void)!mm_populate(mm, old_end, ALIGN_UP(result, PAGE_SIZE) - old_end);
	return result;
}
