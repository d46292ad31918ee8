/*
 * Job control: what terminals must know of processes, and processes of terminals.
 *
 * Terminals (drivers/tty) and processes (task/) do not know each other.  task/ fills in a struct tty_job_ops, drivers/tty a
 * struct tty_task_ops; init/ hands each to the other (tty_register_jobs(), task's own register function).
 *
 * Sessions and process groups are named by their numbers in the first pid namespace.  A terminal may remember a group
 * that is gone; signal_pgrp therefore also names the session, and does nothing when the group is not of that session.
 */
#ifndef VFS_TTY_JOB_H
#define VFS_TTY_JOB_H

#include "base/types.h"

/* Filled in by task/.  None is called with a lock of rank RANK_PIDS or above held. */
struct tty_job_ops {
	/* the current process: its session and group (0: a kernel thread), and whether it leads the session */
	u32 (*session)(void);
	u32 (*pgrp)(void);
	bool (*is_session_leader)(void);
	/* the controlling terminal of the current process (inherited by fork): as set_ctty gave it, with a reference by tty_task_ops.get; NULL: none */
	void *(*ctty)(void);
	/* set_ctty: the current process's from now on; it takes its own reference. @rdev: for /proc/PID/stat */
	void (*set_ctty)(void *tty, u64 rdev);
	/* drop_ctty: the current process alone has none from now on (TIOCNOTTY of one that is no leader). NULL: that is refused */
	void (*drop_ctty)(void);
	/* clear_ctty: no process of session @session has one any more; drops those references */
	void (*clear_ctty)(u32 session);
	/* signals of the current thread that would have no effect: blocked or ignored */
	bool (*signal_ignored)(int sig);
	bool (*pgrp_orphaned)(void);		/* the current process's group */
	/* send @sig to a group (of that session) or to the leader of a session; as the kernel */
	void (*signal_pgrp)(u32 session, u32 pgrp, int sig);
	void (*signal_leader)(u32 session, int sig);
	bool (*pgrp_in_session)(u32 pgrp, u32 session);
	/* numbers as the current process's pid namespace sees them: 0 if it does not. NULL: they are the same */
	u32 (*to_user)(u32 id);
	u32 (*from_user)(u32 id);
};

/* Filled in by drivers/tty (tty_task_ops); @tty is what set_ctty gave. */
struct tty_task_ops {
	void (*get)(void *tty);
	void (*put)(void *tty);
	/* pgrp: the foreground group's number, 0: none. Any lock may be held */
	u32 (*pgrp)(void *tty);
	/* leader_exit: the current process led @session and exits: hang up what depends on it, as TIOCNOTTY does. Thread context, no locks */
	void (*leader_exit)(void *tty, u32 session);
};

#endif
