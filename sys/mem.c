/*
 * System calls on the address space.
 */
#include <linux/mman.h>
#include "sys/sys.h"
#include "vfs/file.h"

static struct mm *mm(void) { return current()->mm; }

/* Give back what file_mmap() filled in and nobody mapped. */
static void mapping_owner_put(const struct mm_file *mf)
{
	struct vma v = { .ops = mf->ops, .mapping = mf->mapping, .owner = mf->owner };

	if (mf->ops && mf->ops->close)
		mf->ops->close(&v);
}

static s64 map_file(u64 addr, u64 len, u32 prot, u32 flags, int fd, u64 pgoff)
{
	struct mm_file mf;
	u64 out;
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	int err = file_mmap(f, &mf, prot, flags, len, pgoff);
	if (!err) {
		err = mm_map(mm(), addr, len, prot, flags, &mf, pgoff, &out);
		if (err)
			mapping_owner_put(&mf);
	}
	file_put(f);
	return err ? err : (s64)out;
}

s64 sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, u64 fd, u64 off)
{
	u64 out;

	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return map_file(addr, len, (u32)prot, (u32)flags, (int)fd, off >> PAGE_SHIFT);
	int err = mm_map(mm(), addr, len, (u32)prot, (u32)flags, NULL, off >> PAGE_SHIFT, &out);
	return err ? err : (s64)out;
}

s64 sys_munmap(u64 addr, u64 len) { return mm_unmap(mm(), addr, len); }
s64 sys_mprotect(u64 addr, u64 len, u64 prot) { return mm_protect(mm(), addr, len, (u32)prot); }
s64 sys_madvise(u64 addr, u64 len, u64 advice) { return mm_advise(mm(), addr, len, (int)advice); }
s64 sys_msync(u64 addr, u64 len, u64 flags) { return mm_sync(mm(), addr, len, (int)flags); }
s64 sys_mlock(u64 addr, u64 len) { return mm_lock_range(mm(), addr, len, true, false); }
s64 sys_munlock(u64 addr, u64 len) { return mm_lock_range(mm(), addr, len, false, false); }
s64 sys_munlockall(void) { return mm_lock_all(mm(), 0); }
s64 sys_brk(u64 brk) { return (s64)mm_brk(mm(), brk); }

s64 sys_mlock2(u64 addr, u64 len, u64 flags)
{
	if (flags & ~(u64)MLOCK_ONFAULT)
		return -EINVAL;
	return mm_lock_range(mm(), addr, len, true, flags & MLOCK_ONFAULT);
}

s64 sys_mlockall(u64 flags)
{
	if (!flags || flags & ~(u64)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	return mm_lock_all(mm(), (int)flags);
}

s64 sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
	u64 out;
	int err = mm_remap(mm(), addr, old_len, new_len, (u32)flags, new_addr, &out);

	return err ? err : (s64)out;
}

enum { INCORE_BATCH = 512 };

s64 sys_mincore(u64 addr, u64 len, u64 user)
{
	u8 vec[INCORE_BATCH];
	u64 pages = (len >> PAGE_SHIFT) + (len & (PAGE_SIZE - 1) ? 1 : 0);

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!user_range_ok(uaddr(addr), len))
		return -ENOMEM;
	if (!user_range_ok(uaddr(user), pages))
		return -EFAULT;
	while (pages) {
		u64 n = MIN(pages, (u64)INCORE_BATCH);
		int err = mm_incore(mm(), addr, n, vec);

		if (!err)
			err = copy_out(uaddr(user), vec, n);
		if (err)
			return err;
		pages -= n;
		addr += n << PAGE_SHIFT;
		user += n;
	}
	return 0;
}
