/*
 * Sessions, foreground groups and hang-ups: what a terminal does to processes.
 *
 * t->session and t->pgrp are numbers; who is in them only task/ knows (struct tty_job_ops).  Both change under t->lock; the
 * hooks are called without it.
 *
 * Source: credentials(7), ioctl_tty(2), POSIX.1-2017 11.1.3, 11.1.4.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/signal.h>
#include "drivers/tty/tty.h"
#include "kern/cred.h"
#include "mm/user.h"
#include "vfs/file.h"
#include "vfs/poll.h"

/* ---- before task/ registers ---- */

static u32 no_id(void) { return 0; }
static bool no_flag(void) { return false; }
static void *no_tty(void) { return NULL; }
static void no_set(void *tty, u64 rdev) {}
static void no_drop(void) {}
static void no_clear(u32 session) {}
static bool no_ignored(int sig) { return false; }
static void no_pgrp(u32 session, u32 pgrp, int sig) {}
static void no_leader(u32 session, int sig) {}
static bool no_member(u32 pgrp, u32 session) { return false; }

static const struct tty_job_ops no_jobs = {
	.session = no_id,
	.pgrp = no_id,
	.is_session_leader = no_flag,
	.ctty = no_tty,
	.set_ctty = no_set,
	.drop_ctty = no_drop,
	.clear_ctty = no_clear,
	.signal_ignored = no_ignored,
	.pgrp_orphaned = no_flag,
	.signal_pgrp = no_pgrp,
	.signal_leader = no_leader,
	.pgrp_in_session = no_member,
};

static const struct tty_job_ops *jobs = &no_jobs;

void tty_register_jobs(const struct tty_job_ops *ops)
{
	jobs = ops;
}

const struct tty_job_ops *tty_jobs(void)
{
	return jobs;
}

static u32 to_user(u32 id)
{
	return jobs->to_user ? jobs->to_user(id) : id;
}

static u32 from_user(u32 id)
{
	return jobs->from_user ? jobs->from_user(id) : id;
}

/* ---- small things ---- */

struct tty_owner {
	u32 session, pgrp;
};

static struct tty_owner owner_of(struct tty *t)
{
	u64 irq = tty_lock(t);
	struct tty_owner o = { t->session, t->pgrp };

	tty_unlock(t, irq);
	return o;
}

static void set_owner(struct tty *t, u32 session, u32 pgrp)
{
	u64 irq = tty_lock(t);

	t->session = session;
	t->pgrp = pgrp;
	tty_unlock(t, irq);
}

/* Whether @t is the current process's controlling terminal. */
static bool is_ours(struct tty *t)
{
	u32 session = READ_ONCE(t->session);

	return session && session == jobs->session();
}

void tty_signal_pgrp(struct tty *t, int sig)
{
	struct tty_owner o = owner_of(t);

	if (o.pgrp)
		jobs->signal_pgrp(o.session, o.pgrp, sig);
}

int tty_check_change(struct tty *t, int sig)
{
	u32 foreground = READ_ONCE(t->pgrp);
	u32 pgrp;

	if (!foreground || !is_ours(t))
		return 0;
	pgrp = jobs->pgrp();
	if (pgrp == foreground)
		return 0;
	if (jobs->signal_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (jobs->pgrp_orphaned())
		return -EIO;
	jobs->signal_pgrp(READ_ONCE(t->session), pgrp, sig);
	return -ERESTARTSYS;
}

s64 tty_set_winsize(struct tty *t, const struct winsize *w)
{
	u64 irq = tty_lock(t);
	bool changed = w->ws_row != t->winsize.ws_row || w->ws_col != t->winsize.ws_col ||
		       w->ws_xpixel != t->winsize.ws_xpixel || w->ws_ypixel != t->winsize.ws_ypixel;

	t->winsize = *w;
	tty_unlock(t, irq);
	if (changed)
		tty_signal_pgrp(t, SIGWINCH);
	return 0;
}

/* ---- the controlling terminal ---- */

static void adopt(struct tty *t)
{
	set_owner(t, jobs->session(), jobs->pgrp());
	jobs->set_ctty(t, t->rdev);
}

static bool has_ctty(void)
{
	struct tty *t = jobs->ctty();

	if (t)
		tty_put(t);
	return t != NULL;
}

void tty_adopt_on_open(struct tty *t, struct file *f)
{
	if ((f->flags & O_NOCTTY) || !(f->mode & FMODE_READ) || READ_ONCE(t->session))
		return;
	if (jobs->is_session_leader() && !has_ctty())
		adopt(t);
}

void tty_release_session(struct tty *t)
{
	struct tty_owner o = owner_of(t);

	if (!o.session)
		return;
	set_owner(t, 0, 0);
	jobs->clear_ctty(o.session);
}

static s64 set_controlling(struct tty *t, struct file *f, u64 arg)
{
	u32 owner = READ_ONCE(t->session);

	if (jobs->is_session_leader() && owner && owner == jobs->session())
		return 0;
	if (!jobs->is_session_leader() || has_ctty())
		return -EPERM;
	if (owner) {
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		jobs->clear_ctty(owner);
	}
	if (f && !(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	adopt(t);
	return 0;
}

/* The current session leader gives its terminal up; those in the foreground are told. */
static void leave(struct tty *t, u32 session, bool exiting)
{
	struct tty_owner o = owner_of(t);

	if (o.session == session && o.pgrp) {
		jobs->signal_pgrp(session, o.pgrp, SIGHUP);
		if (!exiting)
			jobs->signal_pgrp(session, o.pgrp, SIGCONT);
	}
	if (o.session == session)
		set_owner(t, 0, 0);
	jobs->clear_ctty(session);
}

static s64 give_up(struct tty *t)
{
	struct tty *own = jobs->ctty();

	if (own)
		tty_put(own);
	if (own != t)
		return -ENOTTY;
	if (jobs->is_session_leader())
		leave(t, jobs->session(), false);
	else if (jobs->drop_ctty)
		jobs->drop_ctty();
	else
		return -EPERM;
	return 0;
}

/* ---- hang-up ---- */

void tty_hangup_now(struct tty *t)
{
	struct tty_owner o = owner_of(t);
	u64 irq = tty_lock(t);

	t->generation++;
	t->session = t->pgrp = 0;
	ring_skip(&t->rx, ring_used(&t->rx));
	ldisc_flush_input(&t->ld);
	ldisc_flush_output(&t->ld);
	ldisc_take_events(&t->ld);
	tty_unlock(t, irq);
	if (o.session) {
		jobs->signal_leader(o.session, SIGHUP);
		jobs->signal_leader(o.session, SIGCONT);
		if (o.pgrp)
			jobs->signal_pgrp(o.session, o.pgrp, SIGHUP);
		jobs->clear_ctty(o.session);
	}
	waitq_wake(&t->read_wait, 0, EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDNORM);
	waitq_wake(&t->write_wait, 0, EPOLLOUT | EPOLLHUP | EPOLLERR | EPOLLWRNORM);
}

static void task_get(void *tty)
{
	tty_get(tty);
}

static void task_put(void *tty)
{
	tty_put(tty);
}

/* A pty lives as long as its master; a line is hung up, so that the next login finds it clean. */
static void task_leader_exit(void *tty, u32 session)
{
	struct tty *t = tty;

	if (READ_ONCE(t->session) == session && !(t->flags & TTY_IS_PTY))
		tty_hangup_now(t);
	else
		leave(t, session, true);
}

static u32 task_pgrp(void *tty)
{
	return READ_ONCE(((struct tty *)tty)->pgrp);
}

const struct tty_task_ops tty_task_ops = { .get = task_get, .put = task_put, .pgrp = task_pgrp, .leader_exit = task_leader_exit };

/* ---- ioctls ---- */

static s64 get_pgrp(struct tty *t, bool from_master, uaddr_t to)
{
	struct tty_owner o = owner_of(t);

	if (!from_master && !is_ours(t))
		return -ENOTTY;
	return put_user((s32)to_user(o.pgrp), to);
}

static s64 set_pgrp(struct tty *t, uaddr_t from)
{
	s32 wanted;
	u32 pgrp;
	int err = tty_check_change(t, SIGTTOU);

	if (err == -EIO)
		return -ENOTTY;
	if (err)
		return err;
	if (!is_ours(t))
		return -ENOTTY;
	if (get_user(wanted, from))
		return -EFAULT;
	if (wanted < 0)
		return -EINVAL;
	pgrp = from_user(wanted);
	if (!pgrp)
		return -ESRCH;
	if (!jobs->pgrp_in_session(pgrp, jobs->session()))
		return -EPERM;
	set_owner(t, jobs->session(), pgrp);
	return 0;
}

static s64 get_session(struct tty *t, bool from_master, uaddr_t to)
{
	struct tty_owner o = owner_of(t);

	if ((!from_master && !is_ours(t)) || !o.session)
		return -ENOTTY;
	return put_user((s32)to_user(o.session), to);
}

s64 tty_job_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return set_controlling(t, f, arg);
	case TIOCNOTTY:
		return give_up(t);
	case TIOCGPGRP:
		return get_pgrp(t, !f, uaddr(arg));
	case TIOCSPGRP:
		return set_pgrp(t, uaddr(arg));
	case TIOCGSID:
		return get_session(t, !f, uaddr(arg));
	default:
		return -ENOTTY;
	}
}
