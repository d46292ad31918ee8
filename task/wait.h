/* wait4, waitid. */
#ifndef TASK_WAIT_H
#define TASK_WAIT_H

#include "task/task.h"

struct wait_request {
	enum { WAIT_ANY, WAIT_PID, WAIT_GROUP } which;
	struct pid *pid;		/* WAIT_PID, WAIT_GROUP; held by the caller */
	u32 options;			/* WEXITED, WSTOPPED, WCONTINUED, WNOHANG, WNOWAIT, __WALL, __WCLONE, __WNOTHREAD */
};

struct wait_result {
	u32 pid, uid;
	u32 status;			/* as wait4 reports it */
	int cause, value;		/* CLD_*, si_status */
	struct usage usage;
};

/** task_wait - Return: 0 with out->pid != 0; 0 with 0: WNOHANG and nobody; -ECHILD, -ERESTARTSYS */
MUST_CHECK int task_wait(const struct wait_request *r, struct wait_result *out);

#endif
