/*
 * A thread: what the scheduler switches between.
 *
 * kern/ knows no processes: task/ embeds a thread in a task, and the pointers to what the layers above own
 * (address space, descriptor table, credentials) are carried here untouched, because every layer needs the current one.
 */
#ifndef KERN_THREAD_H
#define KERN_THREAD_H

#include "base/atomic.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "base/types.h"
#include "kern/kasan.h"
#include "plat/plat.h"

struct block_plug;
struct cred;
struct files;
struct fs_context;
struct mm;
struct task;
struct namespaces;
struct uring_ident;
struct uring_task;

/* thread->flags, changed atomically */
enum {
	TF_NEED_RESCHED = 1 << 0,	/* should call schedule() soon */
	TF_SIGNAL = 1 << 1,		/* a signal is pending: interruptible sleeps end */
	TF_KILL = 1 << 2,		/* a fatal one: killable sleeps end */
	TF_NOTIFY = 1 << 3,		/* task/ has work before return to user mode */
	TF_TRACE_SYSCALL = 1 << 4,	/* ptrace wants system-call stops */
	TF_SINGLESTEP = 1 << 5,
	TF_WORK = TF_NEED_RESCHED | TF_SIGNAL | TF_KILL | TF_NOTIFY,	/* checked on the way to user mode */
	TF_KERNEL = 1 << 8,		/* a kernel thread */
	TF_IDLE = 1 << 9,
	TF_MEMALLOC = 1 << 10,		/* frees memory: may dip into the reserve */
	TF_FULL_REGS = 1 << 12,		/* platform: the user registers were rewritten (exec, sigreturn): restore all of them */
	TF_FPU_LOAD = 1 << 13,		/* platform: the FPU registers are not this thread's yet */
	TF_RESTORE_MASK = 1 << 11,	/* task/: put back the saved signal mask (sigsuspend, ppoll) */
};

enum thread_state {
	TS_RUNNING,		/* on a CPU or a run queue */
	TS_INTERRUPTIBLE,	/* sleeps; signals wake it */
	TS_UNINTERRUPTIBLE,
	TS_KILLABLE,		/* sleeps; only fatal signals wake it */
	TS_STOPPED,		/* job control */
	TS_TRACED,
	TS_DEAD,
};

enum sched_class { CLASS_RT, CLASS_FAIR, CLASS_IDLE };

/* Locks: r the run queue's lock of thread->cpu · a atomic · t only the thread itself · I immutable */
struct thread {
	struct plat_ctx ctx;		/* first: assembly knows */
	u32 flags;			/* [a] TF_* */
	u32 state;			/* [a] enum thread_state; written by the thread, and by wakers under r */
	u64 ranks_held[2];		/* [t] lock ranks held */
	void *stack;			/* [I] lowest address of the kernel stack */
	u32 refs;			/* [a] */

	/* scheduling */
	u32 cpu;			/* [r] the CPU whose queue it is on or was last */
	u32 on_cpu;			/* [a] 1 until it has been switched away from entirely */
	u32 on_rq;			/* [r] */
	u8 policy;			/* [r] SCHED_* */
	u8 class;			/* [r] enum sched_class */
	u8 rt_prio;			/* [r] 1..99 */
	s8 nice;			/* [r] */
	u32 weight;			/* [r] of the fair class */
	u32 reset_on_fork;		/* [r] */
	u64 affinity;			/* [r] bit n: may run on CPU n */
	struct rb_node fair_node;	/* [r] */
	struct list_head rt_node;	/* [r] */
	u64 vruntime;			/* [r] ns scaled by weight */
	u64 slice_start_ns;		/* [r] when it was last put on the CPU */
	u64 slice_end_ns;		/* [r] */
	u64 sum_exec_ns;		/* [r] run time, all told */
	u64 user_ns;			/* [t] time in user mode, as sampled */
	u64 nvcsw, nivcsw;		/* [t] context switches, voluntary and not */

	/* sleeping */
	const void *wait_pc;		/* [t] where it sleeps, for wchan; NULL when running */
	u32 rcu_depth;			/* [t] only for assertions */

	/* owned by the layers above, for the current thread to find */
	struct task *task;
	struct mm *mm;
	struct files *files;
	struct fs_context *fs;
	const struct cred *cred;	/* what checks use (fsuid…); replaced, never changed */
	struct namespaces *ns;
	struct uring_task *uring;	/* [t] the rings it has used, or NULL */
	struct uring_ident *uring_as;	/* [t] a ring's thread: whose part it takes */
	u64 dirty_due_ns;		/* [t] up to when the pages that it dirtied are paid for (mm/throttle.c) */
	u32 dirty_count, dirty_poll;	/* [t] pages dirtied since the last look; after how many the next is due */
	struct block_plug *plug;	/* [t] block requests held back; given out before it sleeps */
	u32 alloc_flags;		/* [t] allocations may not do these (see kern/page.h) */
	u32 pid;			/* [a] of its task, for reports; 0: none */
	char comm[16];			/* name */
};

static inline struct thread *current(void)
{
	return plat_current();
}

static inline void thread_set_flag(struct thread *t, u32 flag)
{
	__atomic_fetch_or(&t->flags, flag, __ATOMIC_ACQ_REL);
}

static inline void thread_clear_flag(struct thread *t, u32 flag)
{
	__atomic_fetch_and(&t->flags, ~flag, __ATOMIC_ACQ_REL);
}

static inline bool thread_has_flag(const struct thread *t, u32 flag)
{
	return __atomic_load_n(&t->flags, __ATOMIC_RELAXED) & flag;
}

/** signal_pending - whether an interruptible sleep of the current thread should end with -ERESTARTSYS or -EINTR. */
static inline bool signal_pending(void)
{
	return thread_has_flag(current(), TF_SIGNAL | TF_KILL);
}

static inline bool fatal_signal_pending(void)
{
	return thread_has_flag(current(), TF_KILL);
}

/* Results that mean "restart unless the handler says otherwise"; only the signal code ever shows them to users. */
enum { ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

enum { KSTACK_BYTES = 16384 << KASAN_STACK_ORDER };

#endif
