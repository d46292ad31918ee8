/* See tty_job.h. The controlling terminal belongs to the session: struct pid. */
#include <linux/signal.h>
#include "task/group.h"
#include "task/signal.h"
#include "task/tty_job.h"

static const struct tty_task_ops *tty_ops;

void tty_job_register(const struct tty_task_ops *ops)
{
	tty_ops = ops;
}

static struct process *me(void)
{
	struct task *t = current_task();

	return t ? t->process : NULL;
}

static u32 my_session(void)
{
	struct process *p = me();

	return p ? rcu_dereference(p->session)->nr : 0;
}

static u32 my_pgrp(void)
{
	struct process *p = me();

	return p ? rcu_dereference(p->pgrp)->nr : 0;
}

static bool am_leader(void)
{
	return me() && me()->session_leader;
}

static void *ctty(void)
{
	void *tty = NULL;

	if (!me())
		return NULL;
	pids_lock_take();
	tty = me()->session->tty;
	if (tty)
		tty_ops->get(tty);
	pids_lock_drop();
	return tty;
}

static void set_ctty(void *tty, u64 rdev)
{
	void *old;

	tty_ops->get(tty);
	pids_lock_take();
	struct pid *s = me()->session;
	old = s->tty;
	s->tty = tty;
	s->tty_rdev = rdev;
	pids_lock_drop();
	if (old)
		tty_ops->put(old);
}

static void clear_ctty(u32 session)
{
	void *old = NULL;

	pids_lock_take();
	struct pid *s = pid_find(session);
	if (s) {
		old = s->tty;
		s->tty = NULL;
		s->tty_rdev = 0;
	}
	pids_lock_drop();
	if (old)
		tty_ops->put(old);
}

s32 tty_job_foreground(struct process *p, u64 *rdev)
{
	s32 pgrp = -1;

	pids_lock_take();
	*rdev = p->session->tty_rdev;
	if (p->session->tty)
		pgrp = (s32)tty_ops->pgrp(p->session->tty);
	pids_lock_drop();
	return pgrp;
}

static bool sig_ignored(int sig)
{
	struct task *t = current_task();

	return t && ((t->blocked & sigbit(sig)) || t->process->sighand->action[sig - 1].handler == K_SIG_IGN);
}

static bool orphaned(void)
{
	pids_lock_take();
	bool yes = me() && group_is_orphaned(me()->pgrp, NULL);
	pids_lock_drop();
	return yes;
}

static bool group_in_session(u32 pgrp, u32 session)
{
	struct pid *g = pid_find(pgrp);
	struct process *p;

	if (g)
		list_for_each_entry(p, &g->group, group_node)
			return p->session->nr == session;
	return false;
}

static void send_pgrp(u32 session, u32 pgrp, int sig)
{
	pids_lock_take();
	if (pgrp && group_in_session(pgrp, session))
		(void)signal_pgrp_locked(pid_find(pgrp), sig, NULL, false);
	pids_lock_drop();
}

static void send_leader(u32 session, int sig)
{
	rcu_read_lock();
	struct process *p = pid_process(session);
	if (p && p->session_leader)
		(void)signal_process(p, sig, NULL);
	rcu_read_unlock();
}

static bool in_session(u32 pgrp, u32 session)
{
	pids_lock_take();
	bool yes = group_in_session(pgrp, session);
	pids_lock_drop();
	return yes;
}

/* Numbers are the same everywhere; one that names nothing is no number. */
static u32 known_id(u32 id)
{
	rcu_read_lock();
	u32 known = pid_find(id) ? id : 0;
	rcu_read_unlock();
	return known;
}

const struct tty_job_ops task_tty_ops = {
	.session = my_session, .pgrp = my_pgrp, .is_session_leader = am_leader,
	.ctty = ctty, .set_ctty = set_ctty, .clear_ctty = clear_ctty,
	.signal_ignored = sig_ignored, .pgrp_orphaned = orphaned,
	.signal_pgrp = send_pgrp, .signal_leader = send_leader, .pgrp_in_session = in_session,
	.from_user = known_id,
};

void tty_job_leader_exit(struct process *p)
{
	void *tty = ctty();

	if (!tty)
		return;
	tty_ops->leader_exit(tty, process_id(p));
	clear_ctty(process_id(p));	/* whatever the terminal did */
	tty_ops->put(tty);
}

void tty_job_hangup_current(void)
{
	void *tty = ctty();

	if (!tty)
		return;
	tty_ops->leader_exit(tty, my_session());
	tty_ops->put(tty);
}
