/*
 * Readiness: a file's poll() names the wait queues that will tell of a change, and says what is ready now.
 */
#ifndef VFS_POLL_H
#define VFS_POLL_H

#include <linux/eventpoll.h>
#include <asm/poll.h>
#include "kern/wait.h"

struct file;
struct poll_table {
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);	/* NULL: only asks */
};

/** poll_wait - call from poll() for each queue, before looking at the state. @pt may be NULL. */
static inline void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->add)
		pt->add(pt, f, q);
}

#endif
