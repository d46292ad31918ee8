/*
 * Readiness: a file's poll() names the wait queues that will tell of a change, and says what is ready now.
 */
#ifndef VFS_POLL_H
#define VFS_POLL_H

#include <linux/eventpoll.h>
#include <asm/poll.h>
#include "kern/wait.h"

struct file;

enum { POLL_ALWAYS_READY = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM };

struct poll_table {
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);	/* NULL: only asks */
};

/** poll_wait - call from poll() for each queue, before looking at the state. @pt may be NULL. */
static inline void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->add)
		pt->add(pt, f, q);
}

/**
 * vfs_poll - poll(2) over a kernel array; fd < 0 is skipped, a closed one gets POLLNVAL
 * @deadline_ns: plat_mono_ns at which it gives up; 0: at once; U64_MAX: never
 * Return: descriptors with revents, 0 when time ran out, -EINTR (sys/ makes it the restart that the call has), -ENOMEM
 */
int vfs_poll(struct pollfd *fds, u32 n, u64 deadline_ns);

/**
 * vfs_select - select(2) over bitmaps of @n descriptors, in and out; a NULL set is not asked
 * Return: bits set in all, 0, -EBADF, -EINTR, -ENOMEM; the sets are undefined on failure
 */
int vfs_select(u32 n, u64 *in, u64 *out, u64 *ex, u64 deadline_ns);

#endif
