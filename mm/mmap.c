/*
 * mmap(2): the checks, the place, the new area.
 *
 * Order: everything that can be refused is checked before anything changes (flags, then limits under the lock, then the
 * commit charge); with MAP_FIXED the old areas go last of all but the insertion, which cannot fail.
 *
 * A new area next to a like one is made part of it before it exists, as far as that saves an allocation: see extend_lower.
 *
 * Source: mmap(2); the errors of Linux 6.1 where the page says nothing.
 */
#include <linux/mman.h>
#include <linux/capability.h>
#include "kern/cred.h"
#include "mm/internal.h"
#include "mm/shared.h"

struct map_request {
	struct mm *mm;
	u64 addr, len;
	u32 prot, map_flags, vm_flags;
	const struct mm_file *file;
	u64 pgoff;
};

enum {
	KNOWN_FLAGS = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |
		      MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |
		      MAP_UNINITIALIZED | (0x3f << MAP_HUGE_SHIFT),
};

#define PLACE_LOW_32BIT 0x40000000ull
#define PLACE_TOP_32BIT 0x80000000ull

static u32 prot_to_flags(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
}

/* ---- where ---- */

static bool place_is_free(struct mm *mm, u64 addr, u64 len)
{
	struct vma *v = vma_find(mm, addr);
	u64 guard = v && v->flags & VM_GROWSDOWN ? STACK_GUARD_BYTES : 0;

	return !v || (addr + len <= v->start && v->start - (addr + len) >= guard);
}

u64 mmap_place(struct mm *mm, u64 hint, u64 len, u32 map_flags)
{
	u64 at;

	hint = ALIGN_UP(hint, PAGE_SIZE);
	if (hint && hint < MM_MIN_ADDR)
		hint = MM_MIN_ADDR;
	if (map_flags & MAP_32BIT) {
		if (hint && hint < PLACE_TOP_32BIT && len <= PLACE_TOP_32BIT - hint && place_is_free(mm, hint, len))
			return hint;
		return vma_gap_find(mm, len, PLACE_LOW_32BIT, PLACE_TOP_32BIT);
	}
	if (hint && hint < PLAT_USER_TOP && len <= PLAT_USER_TOP - hint && place_is_free(mm, hint, len))
		return hint;
	at = vma_gap_find(mm, len, MM_MIN_ADDR, mm->mmap_base);
	return at ? at : vma_gap_find(mm, len, MM_MIN_ADDR, PLAT_USER_TOP);
}

static int check_fixed(const struct map_request *r)
{
	if (r->addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (r->addr > PLAT_USER_TOP - r->len)
		return -ENOMEM;
	if (r->addr < MM_MIN_ADDR && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return 0;
}

static int find_place(struct map_request *r)
{
	if (r->map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		int err = check_fixed(r);

		if (err)
			return err;
		if (r->map_flags & MAP_FIXED_NOREPLACE && vma_overlap(r->mm, r->addr, r->addr + r->len))
			return -EEXIST;
		return 0;
	}
	r->addr = mmap_place(r->mm, r->addr, r->len, r->map_flags);
	return r->addr ? 0 : -ENOMEM;
}

/* ---- what ---- */

static int check_file(struct map_request *r)
{
	const struct mm_file *f = r->file;
	u32 type = r->map_flags & MAP_TYPE;
	u32 may = f->max_flags & (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC);

	if (type == MAP_SHARED_VALIDATE && r->map_flags & ~(KNOWN_FLAGS | MAP_TYPE | MAP_FIXED_NOREPLACE))
		return -EOPNOTSUPP;
	if (!(may & VM_MAYREAD))
		return -EACCES;
	if (type == MAP_PRIVATE)
		may |= VM_MAYWRITE;
	else
		r->vm_flags |= VM_SHARED | VM_MAYSHARE;
	if (r->prot & PROT_WRITE && !(may & VM_MAYWRITE))
		return -EACCES;
	if (r->prot & PROT_EXEC && !(may & VM_MAYEXEC))
		return -EPERM;
	if (r->map_flags & MAP_GROWSDOWN)
		return -EINVAL;
	r->vm_flags |= may | f->extra_flags;
	return 0;
}

static int check_anonymous(struct map_request *r)
{
	r->vm_flags |= VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if (r->map_flags & MAP_GROWSDOWN)
		r->vm_flags |= VM_GROWSDOWN;
	if (r->map_flags & MAP_HUGETLB)
		return -ENOMEM;		/* the pool of huge pages is empty */
	return 0;
}

static int check_request(struct map_request *r)
{
	u32 type = r->map_flags & MAP_TYPE;

	if (!r->len)
		return -EINVAL;
	r->len = ALIGN_UP(r->len, PAGE_SIZE);
	if (!r->len || r->len > PLAT_USER_TOP)
		return -ENOMEM;
	if (r->pgoff + (r->len >> PAGE_SHIFT) < r->pgoff)
		return -EOVERFLOW;
	if (type != MAP_PRIVATE && type != MAP_SHARED && (type != MAP_SHARED_VALIDATE || !r->file))
		return -EINVAL;
	r->vm_flags = prot_to_flags(r->prot);
	if (r->map_flags & MAP_NORESERVE && mm_overcommit_get() != 2)
		r->vm_flags |= VM_NORESERVE;
	if (r->map_flags & MAP_LOCKED)
		r->vm_flags |= VM_LOCKED;
	return r->file ? check_file(r) : check_anonymous(r);
}

/* ---- into the address space ---- */

/* Limits; the charge of committed memory is taken on success. */
static int check_limits(struct map_request *r)
{
	struct mm *mm = r->mm;
	u64 pages = r->len >> PAGE_SHIFT;
	int err;

	if (mm->vma_count >= VMA_COUNT_MAX)
		return -ENOMEM;
	r->vm_flags |= mm->def_flags;
	if (r->vm_flags & (VM_IO | VM_PFNMAP))
		r->vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	if (r->vm_flags & VM_LOCKED) {
		err = mlock_check(mm, pages);
		if (err)
			return err == -EPERM ? -EPERM : -EAGAIN;
	}
	if (!may_expand(mm, r->vm_flags, pages))
		return -ENOMEM;
	if (!vma_flags_accountable(r->vm_flags))
		return 0;
	err = commit_charge(pages);
	if (!err)
		r->vm_flags |= VM_ACCOUNT;
	return err;
}

static void fill_area(struct vma *v, const struct map_request *r)
{
	v->mm = r->mm;
	v->start = r->addr;
	v->end = r->addr + r->len;
	v->flags = r->vm_flags;
	v->prot_pte = vma_prot_bits(r->vm_flags);
	v->pgoff = r->file ? r->pgoff : r->addr >> PAGE_SHIFT;
	if (r->file) {
		v->ops = r->file->ops;
		v->mapping = r->file->mapping;
		v->owner = r->file->owner;
	}
}

/* The common case of memory that grows next to its like: no new area. Only anonymous memory: no owner to settle. */
static struct vma *extend_neighbour(struct mm *mm, const struct vma *want)
{
	struct vma *next = vma_find(mm, want->end - 1), *prev = next ? vma_prev(next) : vma_prev_of(mm, want->end);

	if (!vma_is_anon(want))
		return NULL;
	if (prev && vma_can_merge(prev, want)) {
		vma_resize(prev, prev->start, want->end);
		return prev;
	}
	if (next && vma_can_merge(want, next)) {
		vma_resize(next, want->start, next->end);
		return next;
	}
	return NULL;
}

static int map_locked(struct map_request *r, struct list_head *dead)
{
	struct vma want, *v;
	int err = find_place(r);

	if (err)
		return err;
	v = vma_alloc();
	if (!v)
		return -ENOMEM;
	err = check_limits(r);
	if (err)
		goto out_free;
	if (r->map_flags & MAP_FIXED) {
		err = unmap_locked(r->mm, r->addr, r->addr + r->len, dead);
		if (err)
			goto out_uncharge;
	}
	memset(&want, 0, sizeof(want));
	fill_area(&want, r);
	vma_account(r->mm, &want, r->len >> PAGE_SHIFT, 1);
	if (extend_neighbour(r->mm, &want)) {
		list_add_tail(&v->anon_node, dead);	/* an empty one: nothing to close */
		return 0;
	}
	fill_area(v, r);
	vma_link(r->mm, v);
	if (r->file)
		vma_merge_around(r->mm, v, dead);
	return 0;
out_uncharge:
	if (r->vm_flags & VM_ACCOUNT)
		commit_uncharge(r->len >> PAGE_SHIFT);
out_free:
	list_add_tail(&v->anon_node, dead);
	return err;
}

static int map_checked(struct map_request *r, u64 *addr_out)
{
	LIST_HEAD(dead);
	int err;

	rwsem_write_lock(&r->mm->lock);
	err = map_locked(r, &dead);
	rwsem_write_unlock(&r->mm->lock);
	vmas_release(&dead);
	if (err)
		return err;
	*addr_out = r->addr;
	if ((r->vm_flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED ||
	    (r->map_flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		(void)!mm_populate(r->mm, r->addr, r->len);
	return 0;
}

int mm_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 map_flags, const struct mm_file *file, u64 pgoff, u64 *addr_out)
{
	struct map_request r = { .mm = mm, .addr = addr, .len = len, .prot = prot, .map_flags = map_flags, .file = file,
				 .pgoff = pgoff };
	struct mm_file shared;
	int err;

	if (map_flags & MAP_FIXED_NOREPLACE)
		r.map_flags &= ~MAP_FIXED;
	if (!file && (map_flags & MAP_TYPE) == MAP_SHARED) {
		if (map_flags & MAP_GROWSDOWN || !len || ALIGN_UP(len, PAGE_SIZE) - 1 >= PLAT_USER_TOP)
			return !len || map_flags & MAP_GROWSDOWN ? -EINVAL : -ENOMEM;
		if (map_flags & MAP_HUGETLB)
			return -ENOMEM;
		err = shared_create(ALIGN_UP(len, PAGE_SIZE), &shared);
		if (err)
			return err;
		r.file = &shared;
		r.pgoff = 0;
	}
	err = check_request(&r);
	if (!err && r.map_flags & MAP_LOCKED)
		err = mlock_check(mm, 0) == -EPERM ? -EPERM : 0;
	if (!err)
		err = map_checked(&r, addr_out);
	if (err && r.file == &shared)
		shared_destroy(&shared);
	return err;
}
