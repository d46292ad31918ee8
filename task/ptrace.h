/*
 * ptrace: a process stops and looks into another.
 *
 * A traced task stops only in its own context (ptrace_stop), on its way to user mode or at an event; the tracer hears of it
 * by wait and SIGCHLD.  All links and states are under pids_lock.
 *
 * Source: ptrace(2).
 */
#ifndef TASK_PTRACE_H
#define TASK_PTRACE_H

#include <linux/signal.h>
#include "kern/sched.h"
#include "task/task.h"

/* task->trace.flags */
enum { TRACED = 1, TRACED_SEIZED = 2 };

static inline bool task_is_traced(const struct task *t) { return t->trace.flags != 0; }

/** ptrace_holds - whether only its tracer may let it go on. */
static inline bool ptrace_holds(const struct task *t) { return t->trace.stopped; }
void ptrace_cont_received_locked(struct task *t);
/** ptrace_fork_locked - a new task: traced like its parent if the options say so. pids_lock held. */
void ptrace_fork_locked(struct task *child, u64 clone_flags, int exit_signal);
/** ptrace_fork_event - the event that the tracer wants to see for this clone, or 0. */
int ptrace_fork_event(u64 clone_flags, int exit_signal);
/** ptrace_event - stop for @event; _if: only if its option is set. */
void ptrace_event(int event, u64 message);
void ptrace_event_if(int event, u64 message);
/** ptrace_exec - exec succeeded: PTRACE_EVENT_EXEC or the old SIGTRAP. @old_tid: for the message */
void ptrace_exec(u32 old_tid);
/** ptrace_signal - the tracer looks at a signal first. Return: the signal to deliver, 0: none. Locks: none */
int ptrace_signal(int sig, siginfo_t *info);
/** ptrace_group_stop - a seized task stops for job control. Return: false if it is not traced */
bool ptrace_job_stop(int sig);
/** ptrace_interrupted - PTRACE_INTERRUPT was asked for: stop. */
void ptrace_interrupted(void);
/** ptrace_syscall_stop - @leaving: after the call. Return: whether the call shall still be made */
bool ptrace_syscall_stop(struct plat_regs *regs, bool leaving);
/** ptrace_signal_stepped - a handler was entered while single-stepping: stop at its first instruction. */
void ptrace_signal_stepped(void);
/** ptrace_exit_locked - the current task goes: what it traces is let go. pids_lock held. */
void ptrace_exit_locked(struct task *tracer);
/** ptrace_unlink_locked - @t is traced no more. pids_lock held. */
void ptrace_unlink_locked(struct task *t);
/** ptrace_may_access - may the current thread look into @t? @attach: change it too. 0, -EPERM, -ESRCH */
MUST_CHECK int ptrace_may_access(struct task *t, bool attach);
/** process_mm_for_access - the address space of a thread that the current one may look into, with a users reference. 0, -ESRCH, -EPERM */
MUST_CHECK int process_mm_for_access(s32 pid, struct mm **out);
/** ptrace_request - the call; @addr, @data as in ptrace(2). */
s64 ptrace_request(s64 request, s32 pid, u64 addr, u64 data);

/* ---- between ptrace.c and ptrace_request.c ---- */

static inline struct plat_regs *ptrace_regs(struct task *t)
{
	return (struct plat_regs *)thread_stack_top(&t->thread) - 1;
}
void ptrace_link_locked(struct task *t, struct process *tracer, struct task *by, u32 flags, u32 options);
void ptrace_resume_locked(struct task *t, u32 sig, bool syscalls, bool step);

#endif
