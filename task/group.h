/*
 * Process groups and sessions.
 */
#ifndef TASK_GROUP_H
#define TASK_GROUP_H

#include "task/task.h"

MUST_CHECK s64 session_create(void);			/* setsid: its number, -EPERM */
MUST_CHECK int group_set(s32 pid, s32 pgid);		/* setpgid: -EINVAL, -ESRCH, -EPERM, -EACCES */
MUST_CHECK s64 group_of(s32 pid);			/* getpgid: -ESRCH */
MUST_CHECK s64 session_of(s32 pid);
/** group_is_orphaned - no member has a parent in another group of the session. pids_lock held. */
bool group_is_orphaned(struct pid *pgrp, struct process *but);

#endif
