/*
 * Scheduling: policies, priorities, niceness, affinity.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>
#include "base/string.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/rusage.h"
#include "task/task.h"

/* The thread numbered @pid (0: the current one), with a reference. */
static struct task *target(s32 pid)
{
	if (pid < 0)
		return ERR_PTR(-EINVAL);
	if (!pid)
		return task_get(current_task());
	struct task *t = task_find_get((u32)pid);
	return t ? t : ERR_PTR(-ESRCH);
}

static bool owns(struct task *t)
{
	const struct cred *c = task_cred_get(t), *me = current_cred();
	bool ok = me->euid == c->euid || me->euid == c->uid || capable(CAP_SYS_NICE);

	cred_put(c);
	return ok;
}

/* What RLIMIT_NICE allows: its value counts from nice 20 downwards. */
static bool nice_allowed(struct task *t, int nice)
{
	return nice >= t->thread.nice || (u64)(20 - nice) <= rlimit_cur(t->process, RLIMIT_NICE) || capable(CAP_SYS_NICE);
}

static bool is_rt(u32 policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

/* ---- policy ---- */

struct wanted {
	u32 policy, prio;
	int nice;
	bool reset;
};

static int policy_check(struct task *t, const struct wanted *w)
{
	if (w->policy != SCHED_NORMAL && !is_rt(w->policy) && w->policy != SCHED_BATCH && w->policy != SCHED_IDLE)
		return -EINVAL;
	if (is_rt(w->policy) ? w->prio < 1 || w->prio > 99 : w->prio != 0)
		return -EINVAL;
	if (capable(CAP_SYS_NICE))
		return 0;
	if (!owns(t) || (t->thread.reset_on_fork && !w->reset))
		return -EPERM;
	if (is_rt(w->policy) && !(t->thread.policy == w->policy && w->prio <= t->thread.rt_prio) &&
	    w->prio > rlimit_cur(t->process, RLIMIT_RTPRIO))
		return -EPERM;
	if (t->thread.policy == SCHED_IDLE && w->policy != SCHED_IDLE && !nice_allowed(t, t->thread.nice))
		return -EPERM;
	return nice_allowed(t, w->nice) ? 0 : -EPERM;
}

static s64 policy_set(s32 pid, struct wanted *w, bool keep_nice)
{
	struct task *t = target(pid);

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (keep_nice)
		w->nice = t->thread.nice;
	int err = policy_check(t, w);
	if (!err) {
		sched_set_policy(&t->thread, w->policy, w->prio, w->nice);
		t->thread.reset_on_fork = w->reset;
	}
	task_put(t);
	return err;
}

s64 sys_sched_setscheduler(u64 pid, u64 policy, u64 user)
{
	int prio;

	if ((int)policy < 0 || !user || (s32)pid < 0)
		return -EINVAL;
	if (get_user(prio, uaddr(user)))
		return -EFAULT;
	struct wanted w = { .policy = (u32)policy & ~(u32)SCHED_RESET_ON_FORK, .prio = (u32)prio, .reset = policy & SCHED_RESET_ON_FORK };
	return policy_set((s32)pid, &w, true);
}

s64 sys_sched_setparam(u64 pid, u64 user)
{
	int prio;

	if (!user || (s32)pid < 0)
		return -EINVAL;
	if (get_user(prio, uaddr(user)))
		return -EFAULT;
	struct task *t = target((s32)pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	struct wanted w = { .policy = t->thread.policy, .prio = (u32)prio, .reset = t->thread.reset_on_fork };
	task_put(t);
	return policy_set((s32)pid, &w, true);
}

s64 sys_sched_getscheduler(u64 pid)
{
	struct task *t = target((s32)pid);

	if (IS_ERR(t))
		return PTR_ERR(t);
	s64 ret = t->thread.policy | (t->thread.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	task_put(t);
	return ret;
}

s64 sys_sched_getparam(u64 pid, u64 user)
{
	if (!user)
		return -EINVAL;
	struct task *t = target((s32)pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	int prio = is_rt(t->thread.policy) ? t->thread.rt_prio : 0;
	task_put(t);
	return put_user(prio, uaddr(user));
}

s64 sys_sched_setattr(u64 pid, u64 user, u64 flags)
{
	struct sched_attr a;
	u32 size;

	if (!user || (s32)pid < 0 || flags)
		return -EINVAL;
	if (get_user(size, uaddr(user)))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return put_user((u32)sizeof(a), uaddr(user)) ? -EFAULT : -E2BIG;
	int err = copy_in_struct(&a, sizeof(a), uaddr(user), size);
	if (err)
		return err;
	if (a.sched_flags & ~(u64)SCHED_FLAG_RESET_ON_FORK || (int)a.sched_policy < 0)
		return -EINVAL;
	struct wanted w = { .policy = a.sched_policy, .prio = a.sched_priority, .nice = CLAMP(a.sched_nice, -20, 19),
			    .reset = a.sched_flags & SCHED_FLAG_RESET_ON_FORK };
	return policy_set((s32)pid, &w, is_rt(a.sched_policy));
}

s64 sys_sched_getattr(u64 pid, u64 user, u64 size, u64 flags)
{
	struct sched_attr a;

	if (!user || (s32)pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	struct task *t = target((s32)pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	memset(&a, 0, sizeof(a));
	a.size = (u32)MIN(size, sizeof(a));
	a.sched_policy = t->thread.policy;
	a.sched_flags = t->thread.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_rt(t->thread.policy))
		a.sched_priority = t->thread.rt_prio;
	else
		a.sched_nice = t->thread.nice;
	task_put(t);
	return copy_out(uaddr(user), &a, a.size);
}

s64 sys_sched_get_priority_max(u64 policy)
{
	return is_rt((u32)policy) ? 99 : policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

s64 sys_sched_get_priority_min(u64 policy)
{
	s64 max = sys_sched_get_priority_max(policy);

	return max > 0 ? 1 : max;
}

s64 sys_sched_rr_get_interval(u64 pid, u64 user)
{
	struct task *t = target((s32)pid);

	if (IS_ERR(t))
		return PTR_ERR(t);
	u64 ns = t->thread.policy == SCHED_RR ? 100 * NS_PER_MS : t->thread.policy == SCHED_FIFO ? 0 : 4 * NS_PER_MS;
	task_put(t);
	struct __kernel_timespec ts = { (s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC) };
	return copy_out(uaddr(user), &ts, sizeof(ts));
}

s64 sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

/* ---- affinity ---- */

s64 sys_sched_setaffinity(u64 pid, u64 size, u64 user)
{
	u64 mask = 0;

	if (copy_in(&mask, uaddr(user), MIN(size, sizeof(mask))))
		return -EFAULT;
	struct task *t = target((s32)pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	mask &= sched_online_mask();
	s64 ret = !owns(t) ? -EPERM : !mask ? -EINVAL : 0;
	if (!ret)
		sched_set_affinity(&t->thread, mask);
	task_put(t);
	return ret;
}

s64 sys_sched_getaffinity(u64 pid, u64 size, u64 user)
{
	if (size * 8 < plat_cpu_count() || size & 7 || size > PAGE_SIZE)
		return -EINVAL;
	struct task *t = target((s32)pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	u64 mask = t->thread.affinity & sched_online_mask();
	task_put(t);
	return copy_out(uaddr(user), &mask, sizeof(mask)) ? -EFAULT : (s64)sizeof(mask);
}

s64 sys_getcpu(u64 cpu, u64 node)
{
	if (cpu && put_user(plat_cpu_id(), uaddr(cpu)))
		return -EFAULT;
	return node ? put_user((u32)0, uaddr(node)) : 0;
}

/* ---- nice ---- */

/* Under RCU. */
static bool matches(struct process *p, int which, u32 who)
{
	if (which == PRIO_PGRP)
		return p->pgrp == (who ? pid_find(who) : current_process()->pgrp);
	return rcu_dereference(p->leader->thread.cred)->uid == (who ? who : current_cred()->uid);
}

/* Whose niceness getpriority and setpriority mean, one after the other: visit() is called for each. */
static int each_target(int which, u32 who, int (*visit)(struct task *t, int *arg), int *arg)
{
	int err = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS) {
		struct task *t = who ? task_find_get(who) : task_get(current_task());

		if (!t)
			return -ESRCH;
		err = visit(t, arg);
		task_put(t);
		return err;
	}
	u32 from = 1;
	for (;;) {
		rcu_read_lock();
		struct process *p = pid_next_process(from);
		struct task *t = p ? p->leader : NULL;
		bool match = false;

		if (p) {
			from = process_id(p) + 1;
			match = matches(p, which, who) && task_get_not_zero(t);
		}
		rcu_read_unlock();
		if (!p)
			break;
		if (!match)
			continue;
		int e = visit(t, arg);
		err = e || err == -ESRCH ? e : err;
		task_put(t);
	}
	return err;
}

static int visit_get(struct task *t, int *best)
{
	*best = MAX(*best, 20 - t->thread.nice);
	return 0;
}

static int visit_set(struct task *t, int *nice)
{
	if (!owns(t))
		return -EPERM;
	if (!nice_allowed(t, *nice))
		return -EACCES;
	sched_set_policy(&t->thread, t->thread.policy, t->thread.rt_prio, *nice);
	return 0;
}

s64 sys_getpriority(u64 which, u64 who)
{
	int best = 0;
	int err = each_target((int)which, (u32)who, visit_get, &best);

	return err ? err : best;
}

s64 sys_setpriority(u64 which, u64 who, u64 nice64)
{
	int nice = CLAMP((int)nice64, -20, 19);

	return each_target((int)which, (u32)who, visit_set, &nice);
}
