/* Job control as terminals ask for it: the implementation of vfs/tty_job.h. */
#ifndef TASK_TTY_JOB_H
#define TASK_TTY_JOB_H

#include "vfs/tty_job.h"

struct process;

extern const struct tty_job_ops task_tty_ops;
/** tty_job_register - what drivers/tty offers; before the first terminal is opened. */
void tty_job_register(const struct tty_task_ops *ops);
/** tty_job_foreground - the number of @p's controlling terminal, and the foreground group there (-1: no terminal); for /proc/PID/stat. */
s32 tty_job_foreground(struct process *p, u64 *rdev);
/** tty_job_leader_exit - the current process led its session and exits. */
void tty_job_leader_exit(struct process *p);
/** tty_job_hangup_current - vhangup(2). */
void tty_job_hangup_current(void);

#endif
