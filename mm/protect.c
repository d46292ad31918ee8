/*
 * mprotect: areas change their flags, entries their bits.
 *
 * Entries never gain WRITE here: a fault gives it, which knows whether the page must be copied or marked dirty first.
 */
#include <linux/mman.h>
#include "kern/sched.h"
#include "mm/internal.h"

static u64 protect_table(struct mm *mm, pte_t *pte, u64 n, u64 bits)
{
	u64 changed = 0;

	spin_lock(&mm->table_lock);
	for (u64 i = 0; i < n; i++) {
		pte_t e = pte[i], now;

		if (!pte_mapped(e))
			continue;
		now = (e & PTE_FLAGS_KEEP) | (bits & ~PTE_WRITE) | (e & bits & PTE_WRITE);
		if (now == e)
			continue;
		WRITE_ONCE(pte[i], now);
		changed++;
	}
	spin_unlock(&mm->table_lock);
	return changed;
}

static void protect_entries(struct mm *mm, u64 start, u64 end, u64 bits)
{
	u64 addr = start, changed = 0;
	pte_t *pte;

	while ((pte = pt_next(mm, &addr, end)) != NULL) {
		u64 next = MIN(span_end(addr, 1), end);

		changed += protect_table(mm, pte, (next - addr) >> PAGE_SHIFT, bits);
		addr = next;
	}
	if (changed)
		plat_tlb_flush(&mm->as, start, end);
}

static u32 new_flags(const struct vma *v, u32 prot)
{
	u32 flags = v->flags & ~(u32)(VM_READ | VM_WRITE | VM_EXEC);

	return flags | (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

/* Whether the area may have these flags; charges memory that becomes private and writable. */
static int protect_check(struct mm *mm, struct vma *v, u32 *flags)
{
	u64 pages = vma_pages(v);
	int err;

	if (v->ops && v->ops->mprotect) {
		err = v->ops->mprotect(v, *flags);
		if (err)
			return err;
	}
	if (v->flags & VM_ACCOUNT || !vma_flags_accountable(*flags))
		return 0;
	if (!vma_flags_accountable(v->flags) && !may_expand(mm, *flags, 0))
		return -ENOMEM;
	err = commit_charge(pages);
	if (!err)
		*flags |= VM_ACCOUNT;
	return err;
}

/* One whole area. */
static struct vma *protect_area(struct mm *mm, struct vma *v, u32 flags, struct list_head *dead)
{
	u64 start = v->start, end = v->end, pages = vma_pages(v);

	vma_account(mm, v, pages, -1);
	v->flags = flags;
	v->prot_pte = vma_prot_bits(flags);
	vma_account(mm, v, pages, 1);
	protect_entries(mm, start, end, v->prot_pte);
	return vma_merge_around(mm, v, dead);
}

static int protect_locked(struct mm *mm, u64 addr, u64 end, u32 prot, struct list_head *dead)
{
	struct vma *v;
	int err;

	while (addr < end) {
		u32 flags;

		v = vma_find(mm, addr);
		if (!v || v->start > addr)
			return -ENOMEM;
		flags = new_flags(v, prot);
		if (flags == v->flags) {
			addr = v->end;
			continue;
		}
		if ((flags & (VM_READ | VM_WRITE | VM_EXEC)) & ~(flags >> 4))
			return -EACCES;
		err = vma_isolate(mm, addr, MIN(end, v->end));
		if (err)
			return err;
		v = vma_find(mm, addr);
		err = protect_check(mm, v, &flags);
		if (err)
			return err;
		addr = v->end;
		protect_area(mm, v, flags, dead);
		cond_resched();
	}
	return 0;
}

static int grow_flags(struct mm *mm, u64 *addr, u64 end, u32 prot)
{
	struct vma *v = vma_find(mm, *addr);

	if (!(prot & PROT_GROWSDOWN))
		return 0;
	if (!v || v->start >= end)
		return -ENOMEM;
	if (!(v->flags & VM_GROWSDOWN))
		return -EINVAL;
	*addr = v->start;
	return 0;
}

int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	LIST_HEAD(dead);
	u64 end;
	int err;

	prot &= ~(u32)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr & (PAGE_SIZE - 1) || grows == PROT_GROWSUP)
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	end = addr + len;
	if (!len || end <= addr)
		return -ENOMEM;
	if (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	if (end > PLAT_USER_TOP)
		return -ENOMEM;
	rwsem_write_lock(&mm->lock);
	err = grow_flags(mm, &addr, end, grows);
	if (!err)
		err = protect_locked(mm, addr, end, prot, &dead);
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	return err;
}
