/* fork, vfork, clone, clone3. */
#ifndef TASK_FORK_H
#define TASK_FORK_H

#include "task/task.h"

/* As clone3(2) has it; addresses are the user's. */
struct clone_request {
	u64 flags;		/* CLONE_*, without the exit signal */
	u64 pidfd, child_tid, parent_tid;
	int exit_signal;
	u64 stack;		/* stack pointer of the child; 0: the parent's */
	u64 tls;
	u32 set_tid;		/* the number it shall have; 0: any */
};

/** task_clone - Return: the child's number, or -errno */
s64 task_clone(const struct clone_request *r, const struct plat_regs *regs);
/** task_unshare - unshare(2). */
MUST_CHECK int task_unshare(u64 flags);
#endif
