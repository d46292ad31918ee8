/* Posting signals and the queues; see signal.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/posix_timer.h"
#include "task/ptrace.h"
#include "task/signal.h"

static struct slab_cache *cache;

void signals_init(void)
{
	cache = slab_create("sigqueue", sizeof(struct sigqueue), 0);
	if (!cache)
		panic("no memory for signals");
}

/* ---- entries ---- */

struct sigqueue *sigqueue_alloc(struct process *charge, bool force)
{
	u32 before = atomic_fetch_add(&charge->queued, 1);

	if (force || before < rlimit_cur(charge, RLIMIT_SIGPENDING)) {
		struct sigqueue *q = slab_alloc(cache, ALLOC_ATOMIC);

		if (q) {
			list_init(&q->node);
			q->timer = NULL;
			q->charge = process_get(charge);
			return q;
		}
	}
	atomic_dec(&charge->queued);
	return NULL;
}

void sigqueue_free(struct sigqueue *q)
{
	atomic_dec(&q->charge->queued);
	process_put(q->charge);
	slab_free(cache, q);
}

void sigpending_init(struct sigpending *q)
{
	q->set = 0;
	list_init(&q->list);
}

void sigpending_flush(struct sigpending *q, u64 set)
{
	struct sigqueue *e, *next;

	q->set &= ~set;
	list_for_each_entry_safe(e, next, &q->list, node) {
		if (!(sigbit(e->info.si_signo) & set))
			continue;
		list_del_init(&e->node);
		if (!e->timer)
			sigqueue_free(e);
	}
}

/* ---- whom it reaches ---- */

void siginfo_user(siginfo_t *info, int sig, int code)
{
	siginfo_init(info, sig, code);
	info->si_pid = (int)process_id(current_process());
	info->si_uid = current_cred()->uid;
}

static bool is_default(const struct process *p, int sig)
{
	return p->sighand->action[sig - 1].handler == K_SIG_DFL;
}

bool signal_ignored_by(struct task *t, int sig)
{
	const struct ksigaction *a = &t->process->sighand->action[sig - 1];

	return a->handler == K_SIG_IGN || (a->handler == K_SIG_DFL && (sigbit(sig) & SIG_IGNORED_DEFAULT));
}

static bool dropped(struct task *t, int sig)
{
	if ((t->blocked | t->waiting_for) & sigbit(sig))
		return false;
	if (t->trace.flags && sig != SIGKILL)
		return false;
	if (process_has_flag(t->process, PROC_UNKILLABLE) && is_default(t->process, sig))
		return true;
	return signal_ignored_by(t, sig);
}

void signal_wake(struct task *t, bool kill)
{
	thread_set_flag(&t->thread, kill ? TF_SIGNAL | TF_KILL : TF_SIGNAL);
	if (thread_wake(&t->thread, kill ? WAKE_KILL : WAKE_INTERRUPTIBLE))
		return;
	if (&t->thread != current() && atomic_load(&t->thread.on_cpu))
		plat_cpu_kick(t->thread.cpu);
}

static bool wants(struct task *t, int sig)
{
	if (t->dead || (t->blocked & sigbit(sig) & ~sigbit(SIGKILL)))
		return false;
	if (sig == SIGKILL)
		return true;
	return !t->trace.stopped;
}

/* The thread that shall take a signal sent to the process: the leader, or whoever does not block it. */
static struct task *choose(struct process *p, int sig)
{
	struct task *t;

	if (p->leader && wants(p->leader, sig))
		return p->leader;
	list_for_each_entry(t, &p->tasks, node)
		if (wants(t, sig))
			return t;
	return NULL;
}

u32 signal_kill_others_locked(struct process *p, struct task *but)
{
	struct task *t;
	u32 n = 0;

	list_for_each_entry(t, &p->tasks, node) {
		if (t == but || t->dead)
			continue;
		t->stop_pending = false;
		t->pending.set |= sigbit(SIGKILL);
		signal_wake(t, true);
		n++;
	}
	return n;
}

static bool is_fatal(struct task *t, int sig)
{
	struct process *p = t->process;

	if (!is_default(p, sig) || (sigbit(sig) & (SIG_STOPS | SIG_IGNORED_DEFAULT)))
		return false;
	if (process_has_flag(p, PROC_UNKILLABLE | PROC_GROUP_EXIT))
		return false;
	if (sig == SIGKILL)
		return true;
	return !(t->waiting_for & sigbit(sig)) && !t->trace.flags;
}

/* A signal was queued: have the right thread see it. @t: only this one; NULL: the process. */
static void complete_post(struct process *p, struct task *t, int sig)
{
	waitq_wake(&p->sighand->wait, 0, 0);
	if (!t)
		t = choose(p, sig);
	else if (!wants(t, sig))
		t = NULL;
	if (!t)
		return;		/* whoever unblocks it finds it */
	if (is_fatal(t, sig)) {
		process_set_flag(p, PROC_GROUP_EXIT);
		p->group_exit_code = (u32)sig;
		p->stop_count = 0;
		(void)signal_kill_others_locked(p, NULL);
		return;
	}
	signal_wake(t, sig == SIGKILL);
}

/* SIGCONT and stop signals undo each other at once, blocked or not. */
static void before_post(struct process *p, int sig)
{
	struct task *t;

	if (sigbit(sig) & SIG_STOPS) {
		sigpending_flush(&p->shared, sigbit(SIGCONT));
		list_for_each_entry(t, &p->tasks, node)
			sigpending_flush(&t->pending, sigbit(SIGCONT));
	} else if (sig == SIGCONT) {
		bool was_stopped = process_has_flag(p, PROC_STOPPED);
		bool stopping = p->stop_count != 0;

		p->stop_dequeued = false;
		sigpending_flush(&p->shared, SIG_STOPS);
		list_for_each_entry(t, &p->tasks, node) {
			sigpending_flush(&t->pending, SIG_STOPS);
			t->stop_pending = false;
			if (!ptrace_holds(t))
				thread_wake(&t->thread, 1u << TS_STOPPED);
			ptrace_cont_received_locked(t);
		}
		p->stop_count = 0;
		if (was_stopped || stopping) {
			process_clear_flag(p, PROC_STOPPED | PROC_STOP_NOTIFY | PROC_WAIT_STOPPED);
			process_set_flag(p, was_stopped ? PROC_CONT_NOTIFY | PROC_CONTINUED : 0);
			if (!was_stopped)
				process_set_flag(p, PROC_STOP_NOTIFY);
			list_for_each_entry(t, &p->tasks, node)
				thread_set_flag(&t->thread, TF_NOTIFY);
		}
	}
}

/* siglock held. @t: the thread, or NULL for the process. */
static int post(struct process *p, struct task *t, int sig, const siginfo_t *info)
{
	struct sigpending *queue = t ? &t->pending : &p->shared;
	struct task *who = t ? t : p->leader;

	if (process_has_flag(p, PROC_GROUP_EXIT) && sig != SIGKILL)
		return 0;
	before_post(p, sig);
	if (!who || (t && t->dead) || dropped(who, sig))
		return 0;
	if (sig < SIG_RT_MIN && (queue->set & sigbit(sig)))
		return 0;
	if (sig != SIGKILL) {
		bool kernel = !info || info->si_code >= 0;
		struct sigqueue *q = sigqueue_alloc(plat_in_irq() || !current_task() || (current()->flags & TF_KERNEL) ? p : current_process(),
						    sig < SIG_RT_MIN && kernel);

		if (q) {
			if (info)
				q->info = *info;
			else
				siginfo_init(&q->info, sig, SI_KERNEL);
			q->info.si_signo = sig;
			list_add_tail(&q->node, &queue->list);
		} else if (sig >= SIG_RT_MIN && info && info->si_code != SI_USER && !kernel) {
			return -EAGAIN;
		}
	}
	queue->set |= sigbit(sig);
	complete_post(p, t, sig);
	return 0;
}

int signal_process_locked(struct process *p, int sig, const siginfo_t *info)
{
	return post(p, NULL, sig, info);
}

int signal_task(struct task *t, int sig, const siginfo_t *info)
{
	u64 irq = process_siglock(t->process);
	int err = post(t->process, t, sig, info);

	process_sigunlock(t->process, irq);
	return err;
}

int signal_process(struct process *p, int sig, const siginfo_t *info)
{
	u64 irq = process_siglock(p);
	int err = post(p, NULL, sig, info);

	process_sigunlock(p, irq);
	return err;
}

bool signal_timer_locked(struct process *p, struct task *t, struct sigqueue *q)
{
	struct sigpending *queue = t ? &t->pending : &p->shared;
	struct task *who = t ? t : p->leader;
	int sig = q->info.si_signo;

	if (!list_empty(&q->node) || !who || process_has_flag(p, PROC_GROUP_EXIT) || (t && t->dead) || dropped(who, sig))
		return false;
	list_add_tail(&q->node, &queue->list);
	queue->set |= sigbit(sig);
	complete_post(p, t, sig);
	return true;
}

void signal_force_info(const siginfo_t *info)
{
	struct task *t = current_task();
	struct process *p = t->process;
	int sig = info->si_signo;
	u64 irq = process_siglock(p);
	struct ksigaction *a = &p->sighand->action[sig - 1];

	if (a->handler == K_SIG_IGN || (t->blocked & sigbit(sig))) {
		a->handler = K_SIG_DFL;
		t->blocked &= ~sigbit(sig);
	}
	/* Even init dies of its own faults. */
	if (a->handler == K_SIG_DFL)
		process_clear_flag(p, PROC_UNKILLABLE);
	(void)post(p, t, sig, info);
	signal_recalc_locked(t);
	process_sigunlock(p, irq);
}

void signal_force(int sig, int code, u64 addr)
{
	siginfo_t info;

	siginfo_init(&info, sig, code);
	info.si_addr = (void *)addr;
	signal_force_info(&info);
}

void signal_fatal(int sig)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);

	p->sighand->action[sig - 1] = (struct ksigaction){ 0 };
	process_sigunlock(p, irq);
	signal_force(sig, SI_KERNEL, 0);
}

/* ---- taking ---- */

void signal_recalc_locked(struct task *t)
{
	struct process *p = t->process;
	u64 set = (t->pending.set | p->shared.set) & ~t->blocked;

	if (set || t->stop_pending || t->trace.interrupt)
		thread_set_flag(&t->thread, TF_SIGNAL);
	else
		thread_clear_flag(&t->thread, TF_SIGNAL);
}

u64 signal_pending_set(struct task *t)
{
	return t->pending.set | t->process->shared.set;
}

static int next_in(u64 set)
{
	if (!set)
		return 0;
	return __builtin_ctzll(set & SIG_SYNCHRONOUS ? set & SIG_SYNCHRONOUS : set) + 1;
}

/* Take @sig out of @q. */
static void collect(struct sigpending *q, int sig, siginfo_t *info)
{
	struct sigqueue *e, *first = NULL;
	bool more = false;

	list_for_each_entry(e, &q->list, node) {
		if (e->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = e;
	}
	if (!more)
		q->set &= ~sigbit(sig);
	if (!first) {
		siginfo_init(info, sig, SI_USER);
		return;
	}
	*info = first->info;
	list_del_init(&first->node);
	if (first->timer)
		posix_timer_taken(first->timer, info);
	else
		sigqueue_free(first);
}

int signal_dequeue_locked(struct task *t, u64 mask, siginfo_t *info)
{
	struct process *p = t->process;
	int sig = next_in(t->pending.set & ~mask);

	if (sig) {
		collect(&t->pending, sig, info);
	} else {
		sig = next_in(p->shared.set & ~mask);
		if (sig)
			collect(&p->shared, sig, info);
	}
	signal_recalc_locked(t);
	return sig;
}

void signal_retarget_locked(struct task *t)
{
	struct process *p = t->process;
	u64 set = p->shared.set;
	struct task *o;

	if (!set)
		return;
	list_for_each_entry(o, &p->tasks, node)
		if (o != t && !o->dead && (set & ~o->blocked)) {
			signal_wake(o, false);
			set &= o->blocked;
			if (!set)
				break;
		}
}

/* ---- who may send ---- */

int signal_permission(struct task *t, int sig)
{
	const struct cred *me = current_cred();
	int err = 0;

	if (t->process == current_process())
		return 0;
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->thread.cred);
	if (me->euid != c->suid && me->euid != c->uid && me->uid != c->suid && me->uid != c->uid && !capable(CAP_KILL) &&
	    !(sig == SIGCONT && t->process->session == current_process()->session))
		err = -EPERM;
	rcu_read_unlock();
	return err;
}

static int send_checked(struct process *p, int sig, const siginfo_t *info)
{
	struct task *leader = rcu_dereference(p->leader);
	int err = leader ? signal_permission(leader, sig) : -ESRCH;

	if (err || !sig)
		return err;
	return signal_process(p, sig, info);
}

int signal_pgrp_locked(struct pid *pgrp, int sig, const siginfo_t *info, bool check)
{
	struct process *p;
	int result = -ESRCH;
	bool sent = false;

	list_for_each_entry(p, &pgrp->group, group_node) {
		int err = check ? send_checked(p, sig, info) : signal_process(p, sig, info);

		if (!err)
			sent = true;
		else
			result = err;
	}
	return sent ? 0 : result;
}

void signal_pgrp(struct pid *pgrp, int sig)
{
	pids_lock_take();
	(void)signal_pgrp_locked(pgrp, sig, NULL, false);
	pids_lock_drop();
}

static int kill_everyone(int sig, const siginfo_t *info)
{
	struct process *p, *me = current_process();
	bool any = false;
	int result = 0;		/* as Linux: nobody who may be sent to is no error */

	for (u32 nr = 2; (p = pid_next_process(nr)) != NULL; nr = process_id(p) + 1) {
		if (p == me)
			continue;
		int err = send_checked(p, sig, info);

		any = true;
		if (err != -EPERM)
			result = err;
	}
	return any ? result : -ESRCH;
}

int signal_kill(s32 pid, int sig)
{
	siginfo_t info;
	int err = -ESRCH;

	if (sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (pid == (s32)0x80000000)
		return -ESRCH;
	siginfo_user(&info, sig, SI_USER);
	if (pid > 0) {
		rcu_read_lock();
		struct task *t = pid_task((u32)pid);
		if (t)
			err = send_checked(t->process, sig, &info);
		rcu_read_unlock();
		return err;
	}
	if (pid == -1)
		return kill_everyone(sig, &info);
	pids_lock_take();
	struct pid *g = pid ? pid_find((u32)-pid) : current_process()->pgrp;
	if (g)
		err = signal_pgrp_locked(g, sig, &info, true);
	pids_lock_drop();
	return err;
}

int signal_tgkill(s32 tgid, s32 tid, int sig, const siginfo_t *given)
{
	siginfo_t info;
	int err = -ESRCH;

	if (tid <= 0 || (tgid <= 0 && tgid != -1) || sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (given)
		info = *given;
	else
		siginfo_user(&info, sig, SI_TKILL);
	rcu_read_lock();
	struct task *t = pid_task((u32)tid);
	if (t && (tgid == -1 || process_id(t->process) == (u32)tgid)) {
		err = signal_permission(t, sig);
		if (!err && sig && !t->dead)
			err = signal_task(t, sig, &info);
	}
	rcu_read_unlock();
	return err;
}

int signal_queue(s32 tgid, int sig, const siginfo_t *info)
{
	int err = -ESRCH;

	if (sig < 0 || sig > SIGNALS)
		return -EINVAL;
	rcu_read_lock();
	struct task *t = tgid > 0 ? pid_task((u32)tgid) : NULL;
	if (t)
		err = send_checked(t->process, sig, info);
	rcu_read_unlock();
	return err;
}
