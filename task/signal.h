/*
 * Signals: posting, queues, masks, delivery.
 *
 * A signal goes to one thread (its own queue) or to the process (the shared queue, any thread takes it).  Posting happens under
 * the siglock and in any context; everything a signal does to a thread (stop, die, run a handler) happens in that
 * thread, on its way to user mode (deliver.c).  TF_SIGNAL says that there may be something to do; only the thread itself
 * clears it.
 *
 * Source: signal(7), sigaction(2), POSIX 2.4.
 */
#ifndef TASK_SIGNAL_H
#define TASK_SIGNAL_H

#include <linux/signal.h>
#include "task/task.h"

#define SIG_KERNEL_ONLY (sigbit(SIGKILL) | sigbit(SIGSTOP))
#define SIG_STOPS (sigbit(SIGSTOP) | sigbit(SIGTSTP) | sigbit(SIGTTIN) | sigbit(SIGTTOU))
#define SIG_IGNORED_DEFAULT (sigbit(SIGCONT) | sigbit(SIGCHLD) | sigbit(SIGWINCH) | sigbit(SIGURG))
#define SIG_CORES (sigbit(SIGQUIT) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGABRT) | sigbit(SIGFPE) | \
		   sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGSYS) | sigbit(SIGXCPU) | sigbit(SIGXFSZ))
#define SIG_SYNCHRONOUS (sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGFPE) | sigbit(SIGSYS))

enum { K_SIG_DFL = 0, K_SIG_IGN = 1, SIG_RT_MIN = 32 };

static inline bool sig_valid(int sig) { return sig >= 1 && sig <= SIGNALS; }

/* A queued signal. */
struct sigqueue {
	struct list_head node;		/* [s] on a queue, or empty */
	siginfo_t info;
	struct posix_timer *timer;	/* it belongs to a timer, which frees it; NULL: freed when taken */
	struct process *charge;		/* whose count of queued signals it is in, with a reference */
};

/* ---- posting: signal.c ---- */

static inline void siginfo_init(siginfo_t *info, int sig, int code)
{
	__builtin_memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
}
/** siginfo_user - as kill(2) sends it. */
void siginfo_user(siginfo_t *info, int sig, int code);

/* @info may be NULL: SI_KERNEL. Context: any; under RCU or with a reference to the target. */
int signal_task(struct task *t, int sig, const siginfo_t *info);		/* to a thread. 0, -EAGAIN */
int signal_process(struct process *p, int sig, const siginfo_t *info);		/* to a process */
int signal_process_locked(struct process *p, int sig, const siginfo_t *info);	/* siglock held */
/** signal_pgrp - to every process of a group. pids_lock held. Return: 0 if at least one could be sent to, -ESRCH, -EPERM */
int signal_pgrp_locked(struct pid *pgrp, int sig, const siginfo_t *info, bool check);
void signal_pgrp(struct pid *pgrp, int sig);
/** signal_force - to the current thread, for what it did itself: neither blocked nor ignored. */
void signal_force(int sig, int code, u64 addr);
void signal_force_info(const siginfo_t *info);
/** signal_fatal - the current thread dies of @sig whatever its handlers. */
void signal_fatal(int sig);
/** signal_kill_all - every other thread of the current process dies. siglock held. Return: how many */
u32 signal_kill_others_locked(struct process *p, struct task *but);
/** signal_timer - post a timer's own entry. siglock held. Return: false if it was still queued (an overrun) or ignored */
bool signal_timer_locked(struct process *p, struct task *t, struct sigqueue *q);

/** signal_permission - may the current thread send @sig there? 0, -EPERM */
MUST_CHECK int signal_permission(struct task *t, int sig);

/* kill(2) and its kin; @info complete but for permission */
MUST_CHECK int signal_kill(s32 pid, int sig);
MUST_CHECK int signal_tgkill(s32 tgid, s32 tid, int sig, const siginfo_t *info);	/* tgid -1: any; info NULL: SI_TKILL */
MUST_CHECK int signal_queue(s32 tgid, int sig, const siginfo_t *info);

/* ---- queues ---- */

void sigpending_init(struct sigpending *q);
void sigpending_flush(struct sigpending *q, u64 set);	/* siglock held */
/** signal_dequeue_locked - take the next signal not in @mask for the current thread. Return: its number, or 0 */
int signal_dequeue_locked(struct task *t, u64 mask, siginfo_t *info);
/** signal_recalc - TF_SIGNAL of the current thread, as its queues and masks are. siglock held. */
void signal_recalc_locked(struct task *t);
void signal_wake(struct task *t, bool kill);	/* siglock held */
u64 signal_pending_set(struct task *t);		/* pending to it or the process */
bool signal_ignored_by(struct task *t, int sig);
/** signal_retarget - @t exits or blocks signals: others shall take what is pending for the process. siglock held. */
void signal_retarget_locked(struct task *t);
struct sigqueue *sigqueue_alloc(struct process *charge, bool force);
void sigqueue_free(struct sigqueue *q);
void signals_init(void);

/* ---- actions and masks: sigaction.c ---- */

MUST_CHECK int signal_action(int sig, const struct ksigaction *set, struct ksigaction *old);	/* -EINVAL */
void signal_set_mask(u64 mask);
/** signal_mask_for_call - a mask for the length of a call (sigsuspend, ppoll…); signal_mask_done(interrupted) ends it */
void signal_mask_for_call(u64 mask);
void signal_mask_done(bool interrupted);
/** signal_suspend - Return: -ERESTARTNOHAND */
int signal_suspend(u64 mask);
/** signal_wait - sigtimedwait(2): Return: the signal, -EAGAIN, -EINTR */
int signal_wait(u64 set, siginfo_t *info, u64 deadline_ns);
/** signal_reset_exec - handlers to default, as exec does; sighand_unshare was called. */
void signal_reset_exec(struct process *p);
void signal_clear_handlers(struct sighand *s);	/* CLONE_CLEAR_SIGHAND */

struct task_altstack {
	u64 sp, size;
	u32 flags;
};
MUST_CHECK int signal_altstack(const struct task_altstack *set, struct task_altstack *old, u64 user_sp);

/* ---- delivery: deliver.c ---- */

struct pending_signal {
	int sig;
	siginfo_t info;
	struct ksigaction action;
};
void signal_deliver(struct plat_regs *regs);
/** signal_stop_join - the current thread stops for job control. */
void signal_notify_parent_stop(struct process *p, bool to_tracer_only);

/* ---- frames: sigframe.c ---- */

MUST_CHECK int sigframe_setup(struct plat_regs *regs, const struct pending_signal *s, u64 mask);	/* -EFAULT */
s64 sigframe_return(struct plat_regs *regs);
enum { SIGFRAME_MIN_BYTES = 2048 };
u64 sigframe_min_stack(void);		/* AT_MINSIGSTKSZ */

#endif
