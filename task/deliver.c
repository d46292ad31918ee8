/*
 * What signals do to the current thread, on its way to user mode: handlers, stops, the end.
 *
 * Group stop.  Whoever takes a stop signal marks all threads (stop_pending) and counts them in process->stop_count; each
 * stops when it comes by here; the last one tells the parent.  SIGCONT (signal.c) undoes it at once; the first thread that
 * runs again tells the parent.
 *
 * Restart.  A call that a signal interrupted has left -ERESTART… in ax.  A handler without SA_RESTART makes it EINTR;
 * otherwise ip goes back over the two bytes of the SYSCALL instruction.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include "kern/sched.h"
#include "task/group.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/seccomp.h"
#include "task/signal.h"

enum { SYSCALL_BYTES = 2 };

/* ---- stopping ---- */

static void tell_parent(struct process *p, int code, int status)
{
	struct process *parent = p->parent;
	siginfo_t info;

	siginfo_init(&info, SIGCHLD, code);
	info.si_pid = (int)process_id(p);
	info.si_uid = current_cred()->uid;
	info.si_status = status;
	u64 irq = process_siglock(parent);
	const struct ksigaction *a = &parent->sighand->action[SIGCHLD - 1];
	if (a->handler != K_SIG_IGN && !(a->flags & SA_NOCLDSTOP))
		(void)signal_process_locked(parent, SIGCHLD, &info);
	process_sigunlock(parent, irq);
	waitq_wake(&parent->child_wait, 0, 0);
}

/* PROC_STOP_NOTIFY, PROC_CONT_NOTIFY: this thread was the first to come by. */
static void notify_changes(struct process *p, u32 which)
{
	pids_lock_take();
	if (p->parent != p) {
		if (which & PROC_STOP_NOTIFY)
			tell_parent(p, CLD_STOPPED, (int)p->stop_sig);
		if (which & PROC_CONT_NOTIFY)
			tell_parent(p, CLD_CONTINUED, SIGCONT);
	}
	pids_lock_drop();
}

/* siglock held; it is released. */
static void stop_here(struct task *t, u64 irq)
{
	struct process *p = t->process;
	bool tell = false;
	int sig = (int)p->stop_sig;

	t->stop_pending = false;
	if (p->stop_count && --p->stop_count == 0) {
		process_set_flag(p, PROC_STOPPED | PROC_WAIT_STOPPED);
		process_clear_flag(p, PROC_CONTINUED);
		tell = true;
	}
	if (t->trace.flags) {
		process_sigunlock(p, irq);
		if (tell)
			notify_changes(p, PROC_STOP_NOTIFY);
		ptrace_job_stop(sig);
		return;
	}
	set_state(TS_STOPPED);
	process_sigunlock(p, irq);
	if (tell)
		notify_changes(p, PROC_STOP_NOTIFY);
	schedule();
}

/* siglock held. */
static void stop_begin(struct process *p, int sig)
{
	struct task *t;

	p->stop_sig = (u32)sig;
	p->stop_count = 0;
	list_for_each_entry(t, &p->tasks, node) {
		if (t->dead || t->trace.stopped || t->thread.state == TS_STOPPED)
			continue;
		t->stop_pending = true;
		p->stop_count++;
		if (t != current_task())
			signal_wake(t, false);
	}
}

/* A stop signal was taken; SIGTSTP and its kin do nothing in an orphaned group. siglock held, dropped in between. */
static void stop_by(struct process *p, int sig, u64 *irq)
{
	p->stop_dequeued = true;
	if (sig != SIGSTOP) {
		process_sigunlock(p, *irq);
		pids_lock_take();
		bool orphaned = group_is_orphaned(p->pgrp, NULL);
		pids_lock_drop();
		*irq = process_siglock(p);
		if (orphaned)
			return;
	}
	if (p->stop_dequeued && !process_has_flag(p, PROC_GROUP_EXIT))
		stop_begin(p, sig);
}

/* ---- taking one ---- */

/* Things other than a queued signal. siglock held; true: it was released and everything is to be looked at again. */
static bool other_work(struct task *t, u64 irq)
{
	struct process *p = t->process;
	u32 notify = atomic_load(&p->flags) & (PROC_STOP_NOTIFY | PROC_CONT_NOTIFY);

	if (unlikely(notify)) {
		process_clear_flag(p, notify);
		process_sigunlock(p, irq);
		notify_changes(p, notify);
		return true;
	}
	if (unlikely(process_has_flag(p, PROC_GROUP_EXIT) || (t->pending.set & sigbit(SIGKILL)))) {
		process_sigunlock(p, irq);
		process_exit_group(SIGKILL);
	}
	if (unlikely(t->stop_pending)) {
		stop_here(t, irq);
		return true;
	}
	if (unlikely(t->trace.interrupt)) {
		process_sigunlock(p, irq);
		ptrace_interrupted();
		return true;
	}
	return false;
}

/* The default action of s->sig. siglock held. Return: whether the thread lives on (else it must end) */
static bool default_action(struct task *t, int sig, u64 *irq)
{
	struct process *p = t->process;

	if (sigbit(sig) & SIG_IGNORED_DEFAULT)
		return true;
	if (process_has_flag(p, PROC_UNKILLABLE))
		return true;
	if (sigbit(sig) & SIG_STOPS) {
		stop_by(p, sig, irq);
		return true;
	}
	return false;
}

/* The next signal with a handler. Does what the others do on the way. Return: whether there is one */
static bool take_signal(struct task *t, struct pending_signal *s)
{
	struct process *p = t->process;
	u64 irq = process_siglock(p);

	for (;;) {
		if (other_work(t, irq)) {
			irq = process_siglock(p);
			continue;
		}
		s->sig = signal_dequeue_locked(t, t->blocked, &s->info);
		if (!s->sig)
			break;
		if (unlikely(t->trace.flags) && s->sig != SIGKILL) {
			process_sigunlock(p, irq);
			s->sig = ptrace_signal(s->sig, &s->info);
			irq = process_siglock(p);
			if (!s->sig)
				continue;
		}
		struct ksigaction *a = &p->sighand->action[s->sig - 1];
		if (a->handler == K_SIG_IGN)
			continue;
		if (a->handler != K_SIG_DFL) {
			s->action = *a;
			if (a->flags & SA_RESETHAND)
				a->handler = K_SIG_DFL;
			break;
		}
		if (default_action(t, s->sig, &irq))
			continue;
		process_sigunlock(p, irq);
		process_exit_group((u32)s->sig);
	}
	process_sigunlock(p, irq);
	return s->sig != 0;
}

/* ---- running handlers ---- */

static bool in_syscall(const struct plat_regs *regs)
{
	return (s64)regs->orig_ax >= 0;
}

static void restart_with_handler(struct plat_regs *regs, u64 sa_flags)
{
	switch ((s64)regs->ax) {
	case -ERESTARTSYS:
		if (sa_flags & SA_RESTART)
			break;
		FALLTHROUGH;
	case -ERESTART_RESTARTBLOCK:
	case -ERESTARTNOHAND:
		regs->ax = (u64)-EINTR;
		return;
	case -ERESTARTNOINTR:
		break;
	default:
		return;
	}
	regs->ax = regs->orig_ax;
	regs->ip -= SYSCALL_BYTES;
}

static void restart_without(struct plat_regs *regs)
{
	switch ((s64)regs->ax) {
	case -ERESTARTSYS:
	case -ERESTARTNOHAND:
	case -ERESTARTNOINTR:
		regs->ax = regs->orig_ax;
		regs->ip -= SYSCALL_BYTES;
		break;
	case -ERESTART_RESTARTBLOCK:
		regs->ax = __NR_restart_syscall;
		regs->ip -= SYSCALL_BYTES;
		break;
	}
}

static void run_handler(struct task *t, struct plat_regs *regs, struct pending_signal *s)
{
	u64 mask = t->blocked;

	if (in_syscall(regs))
		restart_with_handler(regs, s->action.flags);
	if (thread_has_flag(&t->thread, TF_RESTORE_MASK)) {
		thread_clear_flag(&t->thread, TF_RESTORE_MASK);
		mask = t->saved_mask;
	}
	if (sigframe_setup(regs, s, mask)) {
		signal_set_mask(mask);
		if (s->sig == SIGSEGV)
			signal_fatal(SIGSEGV);
		else
			signal_force(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	u64 blocked = t->blocked | s->action.mask;
	if (!(s->action.flags & SA_NODEFER))
		blocked |= sigbit(s->sig);
	signal_set_mask(blocked);
	if (unlikely(t->trace.step))
		ptrace_signal_stepped();
}

void signal_deliver(struct plat_regs *regs)
{
	struct task *t = current_task();
	struct pending_signal s;

	if (take_signal(t, &s)) {
		run_handler(t, regs, &s);
		return;
	}
	if (in_syscall(regs))
		restart_without(regs);
	if (thread_has_flag(&t->thread, TF_RESTORE_MASK)) {
		thread_clear_flag(&t->thread, TF_RESTORE_MASK);
		signal_set_mask(t->saved_mask);
	}
}

void task_user_work(struct plat_regs *regs)
{
	struct thread *t = current();

	if (thread_has_flag(t, TF_NEED_RESCHED))
		schedule();
	if (!thread_has_flag(t, TF_SIGNAL | TF_KILL | TF_NOTIFY))
		return;
	thread_clear_flag(t, TF_NOTIFY);
	signal_deliver(regs);
}
