/* See group.h.  Source: setpgid(2), setsid(2), POSIX 3.264 (orphaned process group). */
#include <linux/errno.h>
#include "task/group.h"
#include "task/internal.h"
#include "task/signal.h"

static void set_group(struct process *p, struct pid *g)
{
	struct pid *old = p->pgrp;

	if (old == g)
		return;
	pid_use(g);
	rcu_assign_pointer(p->pgrp, g);
	if (old)
		list_del_init(&p->group_node);
	list_add_tail(&p->group_node, &g->group);
	if (old)
		pid_unuse(old);
}

static void set_session(struct process *p, struct pid *s)
{
	struct pid *old = p->session;

	if (old == s)
		return;
	pid_use(s);
	rcu_assign_pointer(p->session, s);
	if (old)
		list_del_init(&p->session_node);
	list_add_tail(&p->session_node, &s->session);
	if (old)
		pid_unuse(old);
}

void group_join(struct process *p, struct pid *pgrp, struct pid *session)
{
	set_group(p, pgrp);
	set_session(p, session);
}

/* The pointers stay, with a reference's life of a grace period, for readers under RCU. */
void group_leave(struct process *p)
{
	list_del_init(&p->group_node);
	list_del_init(&p->session_node);
	pid_unuse(p->pgrp);
	pid_unuse(p->session);
}

bool group_is_orphaned(struct pid *pgrp, struct process *but)
{
	struct process *p;

	list_for_each_entry(p, &pgrp->group, group_node) {
		if (p == but || process_has_flag(p, PROC_ZOMBIE) || p->parent == init_process)
			continue;
		if (p->parent->pgrp != pgrp && p->parent->session == p->session)
			return false;
	}
	return true;
}

static bool has_stopped(struct pid *pgrp)
{
	struct process *p;

	list_for_each_entry(p, &pgrp->group, group_node)
		if (process_has_flag(p, PROC_STOPPED))
			return true;
	return false;
}

void group_orphan_check(struct process *p, struct process *parent)
{
	struct pid *g = p->pgrp;

	/* Only if @parent was what kept the group from being orphaned. */
	if (parent->pgrp == g || parent->session != p->session)
		return;
	if (group_is_orphaned(g, process_has_flag(p, PROC_ZOMBIE) ? p : NULL) && has_stopped(g)) {
		(void)signal_pgrp_locked(g, SIGHUP, NULL, false);
		(void)signal_pgrp_locked(g, SIGCONT, NULL, false);
	}
}

s64 session_create(void)
{
	struct process *p = current_process();
	s64 result = -EPERM;

	pids_lock_take();
	if (!p->session_leader && list_empty(&p->pid->group)) {
		p->session_leader = true;
		set_session(p, p->pid);
		set_group(p, p->pid);
		result = process_id(p);
	}
	pids_lock_drop();
	return result;
}

static int check_set(struct process *p, u32 pgid, struct pid **group)
{
	struct process *me = current_process(), *m;

	if (p->parent == me) {
		if (p->session != me->session)
			return -EPERM;
		if (process_has_flag(p, PROC_EXECED))
			return -EACCES;
	} else if (p != me) {
		return -ESRCH;
	}
	if (p->session_leader)
		return -EPERM;
	*group = p->pid;
	if (pgid == process_id(p))
		return 0;
	*group = pid_find(pgid);
	if (!*group)
		return -EPERM;
	list_for_each_entry(m, &(*group)->group, group_node)
		return m->session == me->session ? 0 : -EPERM;
	return -EPERM;
}

int group_set(s32 pid, s32 pgid)
{
	u32 nr = pid ? (u32)pid : process_id(current_process());
	struct pid *group = NULL;
	int err = -ESRCH;

	if (pgid < 0)
		return -EINVAL;
	pids_lock_take();
	struct task *t = pid_task(nr);
	if (t && !task_is_leader(t))
		err = -EINVAL;
	else if (t)
		err = check_set(t->process, pgid ? (u32)pgid : nr, &group);
	if (!err)
		set_group(t->process, group);
	pids_lock_drop();
	return err;
}

s64 group_of(s32 pid)
{
	rcu_read_lock();
	struct task *t = pid ? pid_task((u32)pid) : current_task();
	s64 nr = t ? (s64)rcu_dereference(t->process->pgrp)->nr : -ESRCH;
	rcu_read_unlock();
	return nr;
}

s64 session_of(s32 pid)
{
	rcu_read_lock();
	struct task *t = pid ? pid_task((u32)pid) : current_task();
	s64 nr = t ? (s64)rcu_dereference(t->process->session)->nr : -ESRCH;
	rcu_read_unlock();
	return nr;
}
