/*
 * I/O priorities: kept for each thread; queues do not look at them.
 *
 * Source: ioprio_set(2).
 */
#include <linux/capability.h>
#include <linux/ioprio.h>
#include "kern/cred.h"
#include "sys/sys.h"
#include "task/task.h"

static int check_value(u32 ioprio)
{
	u32 level = ioprio & (u32)IOPRIO_PRIO_MASK;

	switch (ioprio >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		FALLTHROUGH;
	case IOPRIO_CLASS_BE: return level >= IOPRIO_NR_LEVELS ? -EINVAL : 0;
	case IOPRIO_CLASS_IDLE: return 0;
	case IOPRIO_CLASS_NONE: return level ? -EINVAL : 0;
	default: return -EINVAL;
	}
}

static bool matches(struct process *p, struct task *leader, int which, u32 who)
{
	switch (which) {
	case IOPRIO_WHO_PGRP: return p->pgrp->nr == (who ? who : current_process()->pgrp->nr);
	case IOPRIO_WHO_USER: return leader->thread.cred->uid == (who ? who : current_cred()->uid);
	default: return false;
	}
}

static int may_set(struct task *t)
{
	const struct cred *me = current_cred(), *c = task_cred_get(t);
	bool ok = c->uid == me->euid || c->uid == me->uid || capable(CAP_SYS_NICE);

	cred_put(c);
	return ok ? 0 : -EPERM;
}

/* Set (@set) or find the best of those that (which, who) names. */
static s64 for_each(int which, u32 who, bool set, u32 ioprio)
{
	s64 result = -ESRCH;
	struct process *p;

	if (which == IOPRIO_WHO_PROCESS) {
		struct task *t = who ? task_find_get(who) : task_get(current_task());

		if (!t)
			return -ESRCH;
		result = set ? may_set(t) : t->ioprio;
		if (set && !result)
			t->ioprio = (u16)ioprio;
		task_put(t);
		return result;
	}
	if (which != IOPRIO_WHO_PGRP && which != IOPRIO_WHO_USER)
		return -EINVAL;
	rcu_read_lock();
	for (u32 nr = 1; (p = pid_next_process(nr)) != NULL; nr = process_id(p) + 1) {
		struct task *leader = rcu_dereference(p->leader);

		if (!leader || !matches(p, leader, which, who))
			continue;
		if (!set) {
			result = result < 0 ? leader->ioprio : MIN(result, (s64)leader->ioprio);
			continue;
		}
		result = may_set(leader);
		if (result)
			break;
		leader->ioprio = (u16)ioprio;
	}
	rcu_read_unlock();
	return result;
}

s64 sys_ioprio_set(u64 which, u64 who, u64 ioprio)
{
	int err = check_value((u32)ioprio);

	return err ? err : for_each((int)which, (u32)who, true, (u32)ioprio);
}

s64 sys_ioprio_get(u64 which, u64 who) { return for_each((int)which, (u32)who, false, 0); }
