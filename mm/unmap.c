/*
 * munmap: areas leave the tree and the reverse maps, then their entries go, then tables that serve nobody, then, with
 * no lock held, their owners.
 */
#include "mm/internal.h"

/* Take the whole areas of [start, end) out of the tree; they go to @dead in order. */
static void detach(struct mm *mm, u64 start, u64 end, struct list_head *detached)
{
	struct vma *v = vma_overlap(mm, start, end), *next;

	for (; v && v->start < end; v = next) {
		u64 pages = vma_pages(v);

		next = vma_next(v);
		vma_unlink(mm, v);
		vma_account(mm, v, pages, -1);
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(pages);
		list_add_tail(&v->anon_node, detached);
	}
}

int unmap_locked(struct mm *mm, u64 start, u64 end, struct list_head *dead)
{
	struct vma *v, *below, *above;
	LIST_HEAD(detached);
	struct gather g;
	int err;

	if (!vma_overlap(mm, start, end))
		return 0;
	err = vma_isolate(mm, start, end);
	if (err)
		return err;
	detach(mm, start, end, &detached);
	gather_init(&g, mm);
	list_for_each_entry(v, &detached, anon_node)
		zap_range(&g, v, v->start, v->end, 0);
	below = vma_prev_of(mm, start);
	above = vma_find(mm, end);
	tables_free(&g, start, end, below ? below->end : 0, above ? above->start : MM_TABLES_CEILING);
	gather_flush(&g);
	list_splice_tail_init(&detached, dead);
	return 0;
}

int mm_unmap(struct mm *mm, u64 addr, u64 len)
{
	LIST_HEAD(dead);
	int err;

	if (addr & (PAGE_SIZE - 1) || len == 0 || addr > PLAT_USER_TOP || len > PLAT_USER_TOP - addr)
		return -EINVAL;
	rwsem_write_lock(&mm->lock);
	err = unmap_locked(mm, addr, addr + ALIGN_UP(len, PAGE_SIZE), &dead);
	rwsem_write_unlock(&mm->lock);
	vmas_release(&dead);
	return err;
}
