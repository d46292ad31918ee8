/*
 * Copies between address spaces: process_vm_readv and process_vm_writev.
 */
#include "kern/slab.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/ptrace.h"

enum { VM_SEGS_MAX = 1024, VM_CHUNK = 4096 };

struct range {
	u64 base, len;
};

static int ranges_get(u64 addr, u64 count, struct range **out)
{
	*out = NULL;
	if (count > VM_SEGS_MAX)
		return -EINVAL;
	struct range *v = kmalloc(MAX(count, 1ull) * sizeof(*v), ALLOC_KERNEL);
	if (!v)
		return -ENOMEM;
	if (copy_in(v, uaddr(addr), count * sizeof(*v))) {
		kfree(v);
		return -EFAULT;
	}
	*out = v;
	return 0;
}

/* Copy between local[] and remote[] of @mm, chunk by chunk; stops at the first fault. */
static s64 copy_ranges(struct mm *mm, struct range *local, u64 locals, struct range *remote, u64 remotes, bool write, char *buf)
{
	u64 l = 0, m = 0;
	s64 done = 0;

	while (l < locals && m < remotes) {
		u64 n = MIN(MIN(local[l].len, remote[m].len), (u64)VM_CHUNK);

		if (n) {
			s64 got;

			if (write && copy_in(buf, uaddr(local[l].base), n))
				return done ? done : -EFAULT;
			got = mm_access(mm, remote[m].base, buf, n, write, false);
			if (got <= 0)
				return done ? done : -EFAULT;
			if (!write && copy_out(uaddr(local[l].base), buf, (u64)got))
				return done ? done : -EFAULT;
			done += got;
			if ((u64)got < n)
				return done;
		}
		local[l].base += n;
		remote[m].base += n;
		if (!(local[l].len -= n))
			l++;
		if (!(remote[m].len -= n))
			m++;
	}
	return done;
}

static s64 process_vm(const u64 a[6], bool write)
{
	struct range *local = NULL, *remote = NULL;

	if (a[5])
		return -EINVAL;
	int err = ranges_get(a[1], a[2], &local);
	if (!err)
		err = ranges_get(a[3], a[4], &remote);
	char *buf = kmalloc(VM_CHUNK, ALLOC_KERNEL);
	if (!err && !buf)
		err = -ENOMEM;
	s64 n = err;
	if (!err) {
		struct mm *mm;

		n = process_mm_for_access((s32)a[0], &mm);
		if (!n) {
			n = copy_ranges(mm, local, a[2], remote, a[4], write, buf);
			mm_put(mm);
		}
	}
	kfree(local);
	kfree(remote);
	kfree(buf);
	return n;
}

s64 sys_process_vm_readv(u64 pid, u64 local, u64 locals, u64 remote, u64 remotes, u64 flags)
{
	return process_vm((const u64[6]){ pid, local, locals, remote, remotes, flags }, false);
}

s64 sys_process_vm_writev(u64 pid, u64 local, u64 locals, u64 remote, u64 remotes, u64 flags)
{
	return process_vm((const u64[6]){ pid, local, locals, remote, remotes, flags }, true);
}
