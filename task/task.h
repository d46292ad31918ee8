/*
 * Tasks and processes.
 *
 * A task is a thread with what programs see of it: a number, signal masks, a robust list.  A process is what its
 * tasks share: children, limits, signal handlers, the exit status that its parent waits for.  The first task of a process is its
 * leader; the leader stays, dead, until all others are gone and the parent has waited.
 *
 * Lock order: pids_lock, then one sighand lock (siglock).  Interrupts (timers) post signals, so siglocks are taken with
 * interrupts off.  Never two siglocks at once.
 *
 * Life of a task: task_alloc (refs 1, for the scheduler), task_link (a second, while it is in the thread list), thread_start, task_exit,
 * task_release (unlinked: by itself, or by the parent's wait), the scheduler lets go, freed after a grace period.
 */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <linux/resource.h>
#include "base/atomic.h"
#include "base/list.h"
#include "kern/lock.h"
#include "kern/rcu.h"
#include "kern/thread.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "kern/cred.h"
#include "task/pid.h"

struct mm;
struct posix_timer;
struct seccomp_filter;
struct sigqueue;

enum { SIGNALS = 64 };

static inline u64 sigbit(int sig) { return 1ull << (sig - 1); }

/* As rt_sigaction(2) has it on x86-64. */
struct ksigaction {
	u64 handler;		/* SIG_DFL 0, SIG_IGN 1 */
	u64 flags;
	u64 restorer;
	u64 mask;
};

/* Locks: L lock · a atomic */
struct sighand {
	struct refcount refs;		/* [a] */
	struct spinlock lock;		/* the siglock */
	struct ksigaction action[SIGNALS];	/* [L] by signal - 1 */
	struct waitq wait;		/* signalfds */
	struct rcu_head rcu;
};

struct sigpending {
	u64 set;
	struct list_head list;		/* struct sigqueue */
};

/* How a system call that was interrupted goes on: restart_syscall(2). */
struct restart_block {
	s64 (*fn)(struct restart_block *r);
	u64 arg[6];
};

/* A count of what getrusage(2) reports. */
struct usage {
	u64 user_ns, system_ns;
	u64 minor_faults, major_faults;
	u64 nvcsw, nivcsw;
	u64 in_blocks, out_blocks;
	u64 max_rss_pages;
};

/* process->flags */
enum {
	PROC_GROUP_EXIT = 1,		/* [s] all threads are dying with exit_code */
	PROC_STOPPED = 2,		/* [s] all threads have stopped */
	PROC_STOP_NOTIFY = 4,		/* [s] the parent is to hear of a stop */
	PROC_CONT_NOTIFY = 8,		/* [s] … of going on */
	PROC_CONTINUED = 16,		/* [s] a wait with WCONTINUED will see it */
	PROC_EXECED = 32,		/* [P] has called exec since fork: setpgid by the parent fails */
	PROC_SUBREAPER = 64,		/* [P] */
	PROC_UNKILLABLE = 128,		/* [I] init: signals without a handler are dropped */
	PROC_ZOMBIE = 256,		/* [P] the leader and all others are dead: wait may reap */
	PROC_WAIT_STOPPED = 512,	/* [s] a stop that no wait has reported yet */
	PROC_EXECING = 1024,		/* [s] a thread is de-threading */
	PROC_HAS_SUBREAPER = 2048,	/* [P] some ancestor is a subreaper */
};

/*
 * Locks: P pids_lock · s its siglock · a atomic · I immutable · c only the current process
 */
struct process {
	struct refcount refs;		/* [a] each linked task holds one, and the parent's children list one */
	u32 flags;			/* atomic; see above for who writes */
	struct pid *pid;		/* [I] a reference */
	struct task *leader;		/* [P] changes when another thread execs */
	struct list_head tasks;		/* [P and s for writing; either or RCU to read] task->node */
	u32 task_count;			/* [P] linked */
	u32 live_count;			/* [a] not yet exiting */

	/* family */
	struct process *parent;		/* [P, readers RCU] */
	struct list_head children;	/* [P] process->sibling */
	struct list_head sibling;	/* [P] */
	struct list_head tracees;	/* [P] task->trace_node: threads that our threads trace */
	struct pid *pgrp, *session;	/* [P, readers RCU]; a use of each */
	struct list_head group_node, session_node;	/* [P] */
	bool session_leader;		/* [P] */
	struct waitq child_wait;	/* wait4 of our threads */
	int exit_signal;		/* [P] sent to the parent; 0: none, -1: reap by itself */
	u32 exit_code;			/* [P] as wait reports it */
	u64 start_ns, start_boot_ns;	/* [I] */

	/* signals */
	struct sighand *sighand;	/* [s; RCU to find the lock]: process_siglock() */
	struct sigpending shared;	/* [s] */
	u32 group_exit_code;		/* [s] with PROC_GROUP_EXIT */
	u32 stop_count;			/* [s] threads still to stop */
	u32 stop_sig;			/* [s] */
	bool stop_dequeued;		/* [s] a thread took a stop signal; SIGCONT clears it */
	struct task *exec_task;		/* [s] waits for the others to be gone */
	u32 queued;			/* [a] entries queued, against RLIMIT_SIGPENDING */

	/* limits and accounts */
	struct { u64 cur, max; } rlimit[RLIM_NLIMITS];	/* [s]; single words are read without */
	struct usage dead_usage;	/* [s] of threads that are gone */
	struct usage child_usage;	/* [s] of children waited for */
	u64 dead_runtime_ns;		/* [s] */
	s32 oom_score_adj;		/* [a] */
	u64 read_bytes, write_bytes, read_calls, write_calls;	/* [a] gone threads' */

	/* timers */
	struct timer real_timer;	/* ITIMER_REAL */
	u64 real_value_ns, real_interval_ns;	/* [s] 0: off; expiry as monotonic time */
	struct { u64 value_ns, interval_ns; } cpu_itimer[2];	/* [s] VIRTUAL, PROF: CPU time at which it expires */
	struct timer cpu_timer;		/* looks after cpu_itimer, RLIMIT_CPU and CPU-clock timers */
	bool real_ready, cpu_ready;	/* [s] initialised */
	bool membarrier;		/* [a] registered for private barriers */
	u64 cpu_seen_ns;		/* [s] */
	u32 cpu_limit_signals;		/* [s] SIGXCPU sent so far */
	struct list_head posix_timers;	/* [s] */
	u32 next_timer_id;		/* [s] */
	struct rcu_head rcu;
};

/* task->trace: ptrace.c */
struct trace_state {
	u32 flags;			/* [P] TRACED…: 0 not traced */
	u32 options;			/* [P] PTRACE_O_* */
	u64 message;			/* [P] PTRACE_GETEVENTMSG */
	u32 stop_code;			/* [P] what wait is to report: signal | event << 8; 0: nothing */
	u32 resume_sig;			/* [P] the signal with which it goes on */
	void *info;			/* [P] siginfo_t of the stop while stopped, or NULL */
	bool stopped;			/* [P] in a ptrace stop */
	bool listening;			/* [P] PTRACE_LISTEN: SIGCONT makes it stop anew */
	bool interrupt;			/* [s] is to stop soon: PTRACE_INTERRUPT, or newly seized */
	bool syscalls;			/* [P] stop at system calls */
	bool step;			/* [P] go on by single step */
	u8 syscall_op;			/* [P] PTRACE_SYSCALL_INFO_* of the stop */
};

/* Locks: P pids_lock · s the process's siglock · t only the task itself · a atomic · I immutable */
struct task {
	struct thread thread;		/* first: current() */
	struct refcount refs;		/* [a] */
	struct process *process;	/* [I] */
	struct pid *pid;		/* [I, but for exec by a non-leader] */
	struct list_head node;		/* [P and s] process->tasks */
	bool dead;			/* [s] exits: takes no more signals */
	bool zombie;			/* [P] has gone through task_exit; only the status is left */
	u32 exit_code;			/* [t, then P] */
	u64 start_ns;			/* [I] */

	/* signals */
	u64 blocked;			/* [s to write, t reads] */
	u64 saved_mask;			/* [t] with TF_RESTORE_MASK */
	u64 waiting_for;		/* [s] sigtimedwait: these wake it though blocked */
	struct sigpending pending;	/* [s] */
	struct { u64 sp, size; u32 flags; } altstack;	/* [t] */
	struct restart_block restart;	/* [t] */
	bool stop_pending;		/* [s] takes part in a group stop */
	u32 pdeath_signal;		/* [t] PR_SET_PDEATHSIG */
	u64 trap_no, trap_error, trap_addr;	/* [t] of the last exception, for signal frames */

	/* threads */
	u64 set_tid;			/* [t] user address: gets the number when the task starts */
	u64 clear_tid;			/* [t] user address: zeroed and woken at exit */
	u64 robust_list;		/* [t] user address */
	struct completion *vfork_done;	/* [t] the parent of a vfork waits */
	u32 personality;		/* [t] */
	u32 timer_slack_ns;		/* [t] */
	u16 ioprio;			/* [a] ioprio_set(2) */
	struct usage usage;		/* [t] faults and I/O; times are the thread's */
	u8 seccomp_mode;		/* [t] */
	struct seccomp_filter *seccomp;	/* [t] newest filter */
	u64 read_bytes, write_bytes, read_calls, write_calls;	/* [t] */

	struct process *tracer;		/* [P] */
	struct task *tracer_task;	/* [P] the thread that attached */
	struct list_head trace_node;	/* [P] tracer->tracees */
	struct trace_state trace;
	struct rcu_head rcu;
};

static inline struct task *current_task(void) { return current()->task; }
static inline struct process *current_process(void) { return current()->task->process; }
static inline struct task *thread_task(struct thread *t) { return t->task; }
static inline bool task_is_leader(const struct task *t) { return t->process->leader == t; }
static inline u32 task_tid(const struct task *t) { return t->pid->nr; }
static inline u32 process_id(const struct process *p) { return p->pid->nr; }

/* process.c */

/** task_alloc - a task of @p, not linked and not started. ERR_PTR */
struct task *task_alloc(struct process *p, const char *name);
static inline struct task *task_get(struct task *t)
{
	ref_get(&t->refs);
	return t;
}
void task_put(struct task *t);
bool task_get_not_zero(struct task *t);
/** task_thread_gone - the scheduler's reference: the stack is free. */
void task_thread_gone(struct thread *t);
/** process_alloc - a process without tasks. NULL: no memory */
struct process *process_alloc(void);
static inline struct process *process_get(struct process *p)
{
	ref_get(&p->refs);
	return p;
}
void process_put(struct process *p);
/** process_link, task_link - into the tree and the tables. pids_lock held. */
void task_link(struct task *t);
void task_unlink(struct task *t);
static inline void process_set_flag(struct process *p, u32 f) { atomic_or(&p->flags, f); }
static inline void process_clear_flag(struct process *p, u32 f) { atomic_and(&p->flags, ~f); }
static inline bool process_has_flag(const struct process *p, u32 f) { return atomic_load(&p->flags) & f; }

/** process_siglock - take the siglock of @p, interrupts off; follows a change of sighand. Under RCU or with a reference. */
u64 process_siglock(struct process *p);
void process_sigunlock(struct process *p, u64 irq);

struct sighand *sighand_alloc(void);
void sighand_put(struct sighand *s);
/** sighand_unshare - give the current process one of its own. 0, -ENOMEM */
MUST_CHECK int sighand_unshare(void);

static inline u64 rlimit_cur(const struct process *p, unsigned which) { return atomic_load(&p->rlimit[which].cur); }
static inline u64 current_rlimit(unsigned which) { return rlimit_cur(current_process(), which); }

/** task_find_get - the thread, process numbered @nr with a reference, or NULL. */
struct task *task_find_get(u32 nr);
struct process *process_find_get(u32 nr);
/** task_mm_get - its address space with a users reference, or NULL (kernel thread, exiting). */
struct mm *task_mm_get(struct task *t);
/** task_files_get - its descriptor table with a reference, or NULL (exiting). */
struct files *task_files_get(struct task *t);
/** task_cred_get - its credentials with a reference. */
const struct cred *task_cred_get(struct task *t);

/* start and end; each in its file */
void tasks_init(void);
/** task_start_init - process 1, which begins in @fn in kernel mode. */
void task_start_init(void (*fn)(void));
void task_user_work(struct plat_regs *regs);	/* upcall */
NORETURN void task_exit(u32 code);
/** process_exit_group - every thread of the process ends; the current one now. */
NORETURN void process_exit_group(u32 code);
/**
 * task_register_io_hook - @hook is called of each thread that ends or execs, before it lets go of anything; it may sleep.  One hook, at boot
 * task_end_io - call it
 */
void task_register_io_hook(void (*hook)(void));
void task_end_io(void);
/** task_register_exit_hook - @hook(p) is called by the last thread of each process that ends, once its memory is gone; it may sleep. One hook, at boot. */
void task_register_exit_hook(void (*hook)(struct process *p));
u64 process_count(void);
u64 task_count(void);

#endif
