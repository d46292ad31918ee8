/* Arrays of struct iovec from user memory. */
#ifndef SYS_IOV_H
#define SYS_IOV_H

#include "base/types.h"
#include "mm/iter.h"

enum { IOV_FAST = 8 };

struct iov_in {
	struct iter_seg fast[IOV_FAST];
	struct iter_seg *seg;
	u32 count;
	u64 total;
};

/** sys_iov_get - copy an array in and check it; sys_iov_put releases it. Return: 0, -EINVAL, -EFAULT, -ENOMEM */
MUST_CHECK int sys_iov_get(struct iov_in *v, u64 user, u64 count);
void sys_iov_put(struct iov_in *v);

#endif
