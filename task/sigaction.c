/* Actions, masks, and the calls that wait for signals; see signal.h. */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/sched.h"
#include "task/signal.h"

#define SA_KNOWN (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | \
		  SA_EXPOSE_TAGBITS | SA_RESTORER)

int signal_action(int sig, const struct ksigaction *set, struct ksigaction *old)
{
	struct task *t = current_task(), *o;
	struct process *p = t->process;

	if (!sig_valid(sig) || (set && (sigbit(sig) & SIG_KERNEL_ONLY)))
		return -EINVAL;
	u64 irq = process_siglock(p);
	struct ksigaction *a = &p->sighand->action[sig - 1];
	if (old)
		*old = *a;
	if (set) {
		*a = *set;
		a->flags &= SA_KNOWN;
		a->mask &= ~SIG_KERNEL_ONLY;
		if (signal_ignored_by(t, sig)) {	/* POSIX: what is pending and now ignored is discarded */
			sigpending_flush(&p->shared, sigbit(sig));
			list_for_each_entry(o, &p->tasks, node)
				sigpending_flush(&o->pending, sigbit(sig));
		}
	}
	process_sigunlock(p, irq);
	return 0;
}

void signal_set_mask(u64 mask)
{
	struct task *t = current_task();
	struct process *p = t->process;

	mask &= ~SIG_KERNEL_ONLY;
	if (mask == t->blocked)
		return;
	u64 irq = process_siglock(p);
	u64 added = mask & ~t->blocked;
	t->blocked = mask;
	if (p->shared.set & added)
		signal_retarget_locked(t);
	signal_recalc_locked(t);
	process_sigunlock(p, irq);
}

void signal_mask_for_call(u64 mask)
{
	struct task *t = current_task();

	t->saved_mask = t->blocked;
	signal_set_mask(mask);
}

void signal_mask_done(bool interrupted)
{
	struct task *t = current_task();

	if (interrupted)	/* the handler runs with the call's mask; sigreturn puts the old one back */
		thread_set_flag(&t->thread, TF_RESTORE_MASK | TF_NOTIFY);
	else
		signal_set_mask(t->saved_mask);
}

int signal_suspend(u64 mask)
{
	signal_mask_for_call(mask);
	for (;;) {
		set_state(TS_INTERRUPTIBLE);
		if (signal_pending())
			break;
		schedule();
	}
	set_state(TS_RUNNING);
	signal_mask_done(true);
	return -ERESTARTNOHAND;
}

/* One try. Return: a signal, 0: none, -EINTR: another one came */
static int wait_once(struct task *t, u64 set, siginfo_t *info)
{
	u64 irq = process_siglock(t->process);
	int sig = signal_dequeue_locked(t, ~set, info);

	process_sigunlock(t->process, irq);
	return sig;
}

int signal_wait(u64 set, siginfo_t *info, u64 deadline_ns)
{
	struct task *t = current_task();
	struct process *p = t->process;
	int sig;

	set &= ~SIG_KERNEL_ONLY;
	sig = wait_once(t, set, info);
	if (sig || !deadline_ns)
		return sig ? sig : -EAGAIN;
	/* Let the signals waited for wake this thread, without handlers: waiting_for counts as blocked when posting. */
	u64 irq = process_siglock(p);
	t->waiting_for = t->blocked;
	u64 real = t->blocked;
	t->blocked &= ~set;
	signal_recalc_locked(t);
	process_sigunlock(p, irq);
	bool expired = false;
	set_state(TS_INTERRUPTIBLE);
	if (!signal_pending())
		expired = schedule_timeout(deadline_ns);
	set_state(TS_RUNNING);
	irq = process_siglock(p);
	t->blocked = real;
	t->waiting_for = 0;
	sig = signal_dequeue_locked(t, ~set, info);
	process_sigunlock(p, irq);
	if (sig)
		return sig;
	return expired ? -EAGAIN : -EINTR;
}

static void reset(struct sighand *s, bool ignored_too)
{
	for (int i = 0; i < SIGNALS; i++) {
		struct ksigaction *a = &s->action[i];

		if (ignored_too || a->handler != K_SIG_IGN)
			a->handler = K_SIG_DFL;
		a->flags = 0;
		a->mask = 0;
		a->restorer = 0;
	}
}

void signal_reset_exec(struct process *p)
{
	u64 irq = process_siglock(p);

	reset(p->sighand, false);
	process_sigunlock(p, irq);
}

void signal_clear_handlers(struct sighand *s)
{
	reset(s, false);
}

int signal_altstack(const struct task_altstack *set, struct task_altstack *old, u64 user_sp)
{
	struct task *t = current_task();
	bool on = !(t->altstack.flags & SS_AUTODISARM) && t->altstack.size && user_sp > t->altstack.sp &&
		  user_sp - t->altstack.sp <= t->altstack.size;

	if (old) {
		old->sp = t->altstack.sp;
		old->size = t->altstack.size;
		old->flags = t->altstack.size ? (on ? SS_ONSTACK : 0) | (t->altstack.flags & SS_AUTODISARM) : SS_DISABLE;
	}
	if (!set)
		return 0;
	u32 mode = set->flags & ~(u32)SS_AUTODISARM;
	if (on)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack.sp = t->altstack.size = 0;
		t->altstack.flags = set->flags;
		return 0;
	}
	if (set->size < 2048)	/* MINSIGSTKSZ */
		return -ENOMEM;
	t->altstack.sp = set->sp;
	t->altstack.size = set->size;
	t->altstack.flags = set->flags;
	return 0;
}
