/*
 * The scheduler: a run queue per CPU with real-time, fair and idle classes.
 *
 * RT: 99 priorities, FIFO and RR.  Fair: earliest virtual runtime first, weights by nice.  Tickless: the timer is armed only
 * while a queue holds more threads than its CPU can run.  Idle CPUs pull from busy ones; waking places on an
 * idle CPU that affinity allows.  The kernel is not preempted; see lock.h.
 */
#ifndef KERN_SCHED_H
#define KERN_SCHED_H

#include "kern/thread.h"

/** sched_init - the boot CPU's queue and its idle thread, which the caller becomes. Context: boot. */
void sched_init(void);
/** sched_start_cpus - start the other CPUs, each with its idle thread. */
void sched_start_cpus(void);
NORETURN void sched_idle_loop(void);

/**
 * thread_init - make @t a thread of the fair class that inherits policy, nice and affinity from the current one
 * @stack: KSTACK_BYTES, or NULL to allocate
 * Return: 0, -ENOMEM
 */
MUST_CHECK int thread_init(struct thread *t, const char *name);
/** thread_stack_top - where the registers of a user thread end. */
static inline void *thread_stack_top(struct thread *t)
{
	return (char *)t->stack + KSTACK_BYTES;
}
/** thread_start - put a new thread on a run queue for the first time. */
void thread_start(struct thread *t);
/** sched_first_run - what the entry function of a new thread (plat_ctx_init) calls first. */
void sched_first_run(void);
/** thread_fini - release the stack; @t must be dead and switched away from. */
void thread_fini(struct thread *t);

/** kthread_create - start a kernel thread running @fn(@arg); it ends when @fn returns. Return: it, or ERR_PTR */
struct thread *kthread_create(void (*fn)(void *arg), void *arg, const char *name_fmt, ...) PRINTF(3, 4);

/** schedule - give up the CPU; the caller has set its state. Context: thread, no spin lock held. */
void schedule(void);
/** sched_register_sleep - @give_out is called of a thread that is about to sleep with thread->plug set; it must not sleep. */
void sched_register_sleep(void (*give_out)(struct thread *t));
/** schedule_timeout - the same, woken at @deadline_ns (plat_mono_ns) at the latest. Return: whether the time ran out */
bool schedule_timeout(u64 deadline_ns);
/** sched_yield_current - let others of the same priority run first. */
void sched_yield_current(void);
/** thread_exit_current - the current thread ends; @last(t) is called from another thread once its stack is free. */
NORETURN void thread_exit_current(void (*last)(struct thread *t));

/** cond_resched - in long loops: let others run if they should. Context: thread, no spin lock held. */
static inline void cond_resched(void)
{
	if (__builtin_expect(thread_has_flag(current(), TF_NEED_RESCHED), 0))
		schedule();
}

/**
 * thread_wake - make @t runnable if its state is among @states
 * @states: bit mask 1 << enum thread_state; WAKE_NORMAL for any sleep
 * Context: any. Return: whether it was woken
 */
bool thread_wake(struct thread *t, u32 states);
#define WAKE_NORMAL (1u << TS_INTERRUPTIBLE | 1u << TS_UNINTERRUPTIBLE | 1u << TS_KILLABLE)
#define WAKE_INTERRUPTIBLE (1u << TS_INTERRUPTIBLE)
#define WAKE_KILL (1u << TS_INTERRUPTIBLE | 1u << TS_KILLABLE | 1u << TS_STOPPED | 1u << TS_TRACED)

/** set_state - announce a sleep; test the condition after it, then schedule(). */
static inline void set_state(enum thread_state s)
{
	__atomic_store_n(&current()->state, s, __ATOMIC_SEQ_CST);
}

/* sleeping for a time: sleep_until_ns returns 0, or -EINTR if interruptible and a signal came */
MUST_CHECK int sleep_until_ns(u64 deadline_ns, enum thread_state state);
void sleep_ns(u64 ns);

/* policy; the caller has checked permissions and values */
void sched_set_policy(struct thread *t, u32 policy, u32 rt_prio, int nice);
void sched_set_affinity(struct thread *t, u64 mask);
u64 sched_online_mask(void);
u64 thread_runtime_ns(struct thread *t);	/* up to now */

struct sched_stats {
	u64 switches, idle_ns, user_ns, system_ns, irqs;
	u32 running;
};
void sched_cpu_stats(u32 cpu, struct sched_stats *out);
void sched_load_avg(u32 out[3]);		/* fixed point, 11 bits, as in sysinfo(2) before its shift by 5 */
u64 sched_total_forks(void);

/* upcalls that init/ wires to the platform */
void sched_tick(bool from_user);
void sched_kick(void);

#endif
