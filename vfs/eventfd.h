/* Eventfd: a 64-bit counter as a file. */
#ifndef VFS_EVENTFD_H
#define VFS_EVENTFD_H

enum { EFD_SEMAPHORE = 1 };	/* not in the user headers of 6.1 */
#include "base/types.h"

struct file;

#ifndef EFD_SEMAPHORE
#define EFD_SEMAPHORE 1
#endif

/** eventfd_create - @flags: EFD_SEMAPHORE | O_NONBLOCK (others checked by the caller). ERR_PTR */
struct file *eventfd_create(u64 count, u32 flags);
/** eventfd_signal - add @n from kernel code. Context: any. -EINVAL via false: not an eventfd */
bool eventfd_signal(struct file *f, u64 n);

#endif
