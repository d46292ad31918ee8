/*
 * See ptrace.h: stops, links between tracer and traced, events.  The requests are in ptrace_request.c.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include "base/string.h"
#include "kern/sched.h"
#include "mm/mm.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/signal.h"

enum { FLAG_STEP = 0x100 };

int ptrace_may_access(struct task *t, bool attach)
{
	const struct cred *me = current_cred(), *c;
	int err = 0;

	if (t->process == current_process())
		return 0;
	c = task_cred_get(t);
	/* /proc looks with the file-system ids, ptrace with the real ones. */
	u32 uid = attach ? me->uid : me->fsuid, gid = attach ? me->gid : me->fsgid;
	bool same = uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid && gid == c->egid && gid == c->sgid;
	if (!same && !capable(CAP_SYS_PTRACE))
		err = -EPERM;
	if (!err && !capable(CAP_SYS_PTRACE) && c->cap_permitted & ~me->cap_permitted)
		err = -EPERM;
	cred_put(c);
	struct mm *mm = err ? NULL : task_mm_get(t);
	if (mm) {
		if (mm->dumpable != 1 && !capable(CAP_SYS_PTRACE))
			err = -EPERM;
		mm_put(mm);
	}
	return err;
}

int process_mm_for_access(s32 pid, struct mm **out)
{
	struct task *t = pid > 0 ? task_find_get((u32)pid) : NULL;

	if (!t)
		return -ESRCH;
	int err = ptrace_may_access(t, true);
	if (!err) {
		*out = task_mm_get(t);
		if (!*out)
			err = -ESRCH;
	}
	task_put(t);
	return err;
}

/* ---- links ---- */

void ptrace_link_locked(struct task *t, struct process *tracer, struct task *by, u32 flags, u32 options)
{
	t->tracer = tracer;
	t->tracer_task = by;
	t->trace.flags = flags;
	t->trace.options = options;
	list_add_tail(&t->trace_node, &tracer->tracees);
}

static void set_step(struct task *t, bool on)
{
	struct plat_regs *r = ptrace_regs(t);

	if (on) {
		r->flags |= FLAG_STEP;
		thread_set_flag(&t->thread, TF_FULL_REGS);
	} else if (t->trace.step) {
		r->flags &= ~(u64)FLAG_STEP;
		thread_set_flag(&t->thread, TF_FULL_REGS);
	}
	t->trace.step = on;
}

void ptrace_resume_locked(struct task *t, u32 sig, bool syscalls, bool step)
{
	set_step(t, step);
	t->trace.syscalls = syscalls;
	if (syscalls || step || t->seccomp_mode)
		thread_set_flag(&t->thread, TF_TRACE_SYSCALL);
	else
		thread_clear_flag(&t->thread, TF_TRACE_SYSCALL);
	t->trace.resume_sig = sig;
	t->trace.listening = false;
	t->trace.stop_code = 0;
	t->trace.stopped = false;
	thread_wake(&t->thread, 1u << TS_TRACED);
}

void ptrace_unlink_locked(struct task *t)
{
	bool stopped = t->trace.stopped;

	list_del_init(&t->trace_node);
	t->tracer = NULL;
	t->tracer_task = NULL;
	t->trace.flags = t->trace.options = 0;
	t->trace.interrupt = false;
	if (t->zombie)
		return;
	u32 sig = t->trace.resume_sig;
	if (stopped) {
		ptrace_resume_locked(t, sig, false, false);
	} else {
		t->trace.syscalls = false;
		if (!t->seccomp_mode)
			thread_clear_flag(&t->thread, TF_TRACE_SYSCALL);
	}
}

void ptrace_exit_locked(struct task *tracer)
{
	struct process *p = tracer->process;
	struct task *t, *next;
	bool last = !atomic_load(&p->live_count);

	list_for_each_entry_safe(t, next, &p->tracees, trace_node) {
		if (!last && t->tracer_task != tracer)
			continue;
		bool kill = t->trace.options & PTRACE_O_EXITKILL;

		t->trace.resume_sig = 0;
		ptrace_unlink_locked(t);
		if (kill && !t->zombie)
			(void)signal_task(t, SIGKILL, NULL);
		if (!t->zombie)
			continue;
		struct process *tp = process_get(t->process);
		if (tp->leader != t)
			task_unlink(t);
		exit_check_zombie(tp);
		process_put(tp);
	}
}

/* ---- stopping ---- */

static void notify_tracer(struct task *t, u32 code)
{
	struct process *tracer = t->tracer;
	siginfo_t info;

	siginfo_init(&info, SIGCHLD, CLD_TRAPPED);
	info.si_pid = (int)task_tid(t);
	info.si_uid = t->thread.cred->uid;
	info.si_status = (int)(code & 0x7f);
	u64 irq = process_siglock(tracer);
	const struct ksigaction *a = &tracer->sighand->action[SIGCHLD - 1];
	if (a->handler != K_SIG_IGN && !(a->flags & SA_NOCLDSTOP))
		(void)signal_process_locked(tracer, SIGCHLD, &info);
	process_sigunlock(tracer, irq);
	waitq_wake(&tracer->child_wait, 0, 0);
}

/* Stop the current task until its tracer lets it go or it is killed.  @code: signal | event << 8 */
static void stop(u32 code, siginfo_t *info, u8 syscall_op)
{
	struct task *t = current_task();

	pids_lock_take();
	if (!t->tracer || fatal_signal_pending()) {
		t->trace.resume_sig = t->tracer ? 0 : code & 0x7f;
		pids_lock_drop();
		return;
	}
	t->trace.info = info;
	t->trace.syscall_op = syscall_op;
	t->trace.resume_sig = 0;
	t->trace.stop_code = code;
	t->trace.stopped = true;
	set_state(TS_TRACED);
	notify_tracer(t, code);
	pids_lock_drop();
	for (;;) {
		schedule();
		set_state(TS_TRACED);
		if (!atomic_load(&t->trace.stopped) || fatal_signal_pending())
			break;
	}
	set_state(TS_RUNNING);
	pids_lock_take();
	t->trace.stopped = false;
	t->trace.stop_code = 0;
	t->trace.info = NULL;
	pids_lock_drop();
	u64 irq = process_siglock(t->process);
	signal_recalc_locked(t);	/* what came while it was stopped woke nobody */
	process_sigunlock(t->process, irq);
}

static void event_info(siginfo_t *info, int code)
{
	siginfo_init(info, SIGTRAP, code);
	info->si_pid = (int)task_tid(current_task());
	info->si_uid = current_cred()->uid;
}

void ptrace_event(int event, u64 message)
{
	struct task *t = current_task();
	siginfo_t info;

	event_info(&info, SIGTRAP | event << 8);
	t->trace.message = message;
	stop(SIGTRAP | (u32)event << 8, &info, 0);
	if (t->trace.resume_sig)
		(void)signal_task(t, (int)t->trace.resume_sig, NULL);
}

void ptrace_event_if(int event, u64 message)
{
	struct task *t = current_task();

	if (unlikely(t->trace.flags) && t->trace.options & (1u << event))
		ptrace_event(event, message);
}

static int fork_event(u64 clone_flags, int exit_signal)
{
	if (clone_flags & CLONE_UNTRACED)
		return 0;
	if (clone_flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

int ptrace_fork_event(u64 clone_flags, int exit_signal)
{
	struct task *t = current_task();
	int event = unlikely(t->trace.flags) ? fork_event(clone_flags, exit_signal) : 0;

	return event && t->trace.options & (1u << event) ? event : 0;
}

void ptrace_fork_locked(struct task *child, u64 clone_flags, int exit_signal)
{
	struct task *t = current_task();

	if (likely(!t->tracer))
		return;
	if (!ptrace_fork_event(clone_flags, exit_signal) && !(clone_flags & CLONE_PTRACE))
		return;
	ptrace_link_locked(child, t->tracer, t->tracer_task, t->trace.flags, t->trace.options);
	if (t->trace.flags & TRACED_SEIZED)
		child->trace.interrupt = true;
	else
		child->pending.set |= sigbit(SIGSTOP);
	thread_set_flag(&child->thread, TF_SIGNAL);
}

void ptrace_exec(u32 old_tid)
{
	struct task *t = current_task();

	if (likely(!t->trace.flags))
		return;
	if (t->trace.options & PTRACE_O_TRACEEXEC)
		ptrace_event(PTRACE_EVENT_EXEC, old_tid);
	else if (!(t->trace.flags & TRACED_SEIZED))
		(void)signal_task(t, SIGTRAP, NULL);
}

int ptrace_signal(int sig, siginfo_t *info)
{
	struct task *t = current_task();

	stop((u32)sig, info, 0);
	u32 with = t->trace.resume_sig;
	if (with && (int)with != info->si_signo) {
		siginfo_init(info, (int)with, SI_USER);
		rcu_read_lock();
		struct task *tracer = t->tracer_task;
		if (tracer)
			info->si_pid = (int)process_id(tracer->process);
		rcu_read_unlock();
	}
	if (with && (t->blocked & sigbit((int)with))) {
		(void)signal_task(t, (int)with, info);
		return 0;
	}
	return (int)with;
}

void ptrace_signal_stepped(void)
{
	struct task *t = current_task();
	siginfo_t info;

	if (!t->trace.step)
		return;
	event_info(&info, TRAP_TRACE);
	stop(SIGTRAP, &info, 0);
}

bool ptrace_job_stop(int sig)
{
	struct task *t = current_task();
	siginfo_t info;

	if (!t->trace.flags)
		return false;
	event_info(&info, sig | PTRACE_EVENT_STOP << 8);
	if (t->trace.flags & TRACED_SEIZED)
		stop((u32)sig | PTRACE_EVENT_STOP << 8, &info, 0);
	else
		stop((u32)sig, NULL, 0);
	return true;
}

void ptrace_interrupted(void)
{
	struct task *t = current_task();
	siginfo_t info;

	t->trace.interrupt = false;
	if (!t->trace.flags)
		return;
	event_info(&info, SIGTRAP | PTRACE_EVENT_STOP << 8);
	t->trace.message = 0;
	stop(SIGTRAP | PTRACE_EVENT_STOP << 8, &info, 0);
}

void ptrace_cont_received_locked(struct task *t)
{
	if (!t->trace.listening)
		return;
	t->trace.listening = false;
	t->trace.interrupt = true;
	atomic_store(&t->trace.stopped, false);
	thread_wake(&t->thread, 1u << TS_TRACED);
}

bool ptrace_syscall_stop(struct plat_regs *regs, bool leaving)
{
	struct task *t = current_task();
	siginfo_t info;

	if (t->trace.syscalls) {
		u32 code = SIGTRAP | (t->trace.options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

		event_info(&info, (int)code);
		t->trace.message = leaving ? PTRACE_EVENTMSG_SYSCALL_EXIT : PTRACE_EVENTMSG_SYSCALL_ENTRY;
		stop(code, &info, leaving ? PTRACE_SYSCALL_INFO_EXIT : PTRACE_SYSCALL_INFO_ENTRY);
		if (t->trace.resume_sig)
			(void)signal_task(t, (int)t->trace.resume_sig, NULL);
	}
	if (leaving && t->trace.step)
		signal_force(SIGTRAP, TRAP_BRKPT, regs->ip);
	return !fatal_signal_pending();
}
