/*
 * The scheduler.
 *
 * A run queue per CPU: real-time lists by priority (FIFO, RR), a tree of fair threads ordered by virtual runtime (run time divided by
 * weight), the idle class as fair threads of the least weight, and the CPU's idle thread.  The running thread is on no list.
 *
 * A thread's run-queue fields are guarded by the lock of runq[thread->cpu].  schedule() takes the lock, decides, switches, and the *next* thread
 * releases it; so whoever holds the lock sees no thread half switched away from.  These locks carry no rank: they are innermost but for
 * the console, and pass between threads.
 *
 * Invariants: on_rq is 1 exactly while a thread is queued or running; state is not RUNNING only between set_state() and wake-up;
 * runq->queued counts the threads on lists, the running one excluded.
 * Source: the fair class follows the idea of start-time fair queueing (Goyal, Guo, Vin 1996); weights by nice as in sched(7), 1.25 a step.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include "base/bitops.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/printk.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/sched_cpu.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/timer_cpu.h"
#include "kern/cred.h"

enum {
	RT_PRIOS = 100,
	WEIGHT_NICE_0 = 1024,
	WEIGHT_IDLE = 3,
	SAMPLE_NS = 10 * NS_PER_MS,	/* how often a busy CPU looks up */
	SLICE_NS = 4 * NS_PER_MS,	/* of a fair thread when others wait */
	RR_SLICE_NS = 100 * NS_PER_MS,
	WAKEUP_GRAN_NS = NS_PER_MS / 5,	/* a sleeper must be this far behind to preempt */
	SLEEPER_CREDIT_NS = 6 * NS_PER_MS,
};
static const u64 stack_end_mark = 0x57ac6e4d0f0a11edull;	/* the lowest word of every kernel stack: gone, it overflowed */

/* Locks: q lock · a atomic · c this CPU, interrupts off */
struct runq {
	struct spinlock lock;
	struct rb_root fair;		/* [q] by vruntime */
	struct rb_node *fair_first;	/* [q] */
	u64 min_vruntime;		/* [q; readers a] never back */
	u64 rt_bitmap[2];		/* [q] bit p: rt[p] is not empty */
	struct list_head rt[RT_PRIOS];	/* [q] */
	u32 queued;			/* [q; readers a] */
	struct thread *current;		/* [q; readers a] */
	struct thread *idle;		/* [I] */
	struct thread *dead;		/* [c] switched away from for good: its last() is to be called */
	void (*dead_fn)(struct thread *t);
	u64 sample_ns;			/* [c] when time was last charged as user or system */
	u64 switches, idle_ns, user_ns, system_ns;	/* [c] */
} CACHELINE_ALIGNED;

static struct runq runq[CPUS_MAX];
static struct thread boot_idle;
static struct thread *idle_threads;
static u64 online;		/* [a] */
static u64 idle_cpus;		/* [a] bit n: CPU n runs its idle thread */
static u64 forks;		/* [a] */
static u32 load_avg[3];		/* [a] 11-bit fixed point */
static struct timer load_timer;

/* 1024 * 1.25^-nice, as sched(7) states the ratio between steps; computed once. */
static u32 weight_of_nice[40];

static void weights_init(void)
{
	u64 up = (u64)WEIGHT_NICE_0 << 16, down = up;

	weight_of_nice[20] = WEIGHT_NICE_0;
	for (int i = 1; i <= 20; i++) {
		up = up * 5 / 4;
		down = down * 4 / 5;
		weight_of_nice[20 - i] = (u32)((up + 0x8000) >> 16);
		if (i < 20)
			weight_of_nice[20 + i] = (u32)((down + 0x8000) >> 16);
	}
}

static inline struct runq *this_rq(void)
{
	return &runq[plat_cpu_id()];
}

/* The queue whose lock guards @t, locked.  Interrupts off. */
static struct runq *rq_of(struct thread *t)
{
	for (;;) {
		u32 cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct runq *rq = &runq[cpu];

		spin_lock_raw(&rq->lock);
		if (__builtin_expect(t->cpu == cpu, 1))
			return rq;
		spin_unlock_raw(&rq->lock);
	}
}

/* ---- the queue ---- */

static void class_update(struct thread *t)
{
	if (t->policy == SCHED_FIFO || t->policy == SCHED_RR) {
		t->class = CLASS_RT;
	} else {
		t->class = t->policy == SCHED_IDLE ? CLASS_IDLE : CLASS_FAIR;
		t->weight = t->policy == SCHED_IDLE ? WEIGHT_IDLE : weight_of_nice[t->nice + 20];
	}
}

static void enqueue(struct runq *rq, struct thread *t, bool front)
{
	WRITE_ONCE(rq->queued, rq->queued + 1);
	if (t->class == CLASS_RT) {
		if (front)
			list_add(&t->rt_node, &rq->rt[t->rt_prio]);
		else
			list_add_tail(&t->rt_node, &rq->rt[t->rt_prio]);
		rq->rt_bitmap[t->rt_prio / 64] |= 1ull << (t->rt_prio % 64);
		return;
	}
	struct rb_node **link = &rq->fair.node, *parent = NULL;
	bool first = true;
	while (*link) {
		parent = *link;
		if ((s64)(t->vruntime - RB_ENTRY(parent, struct thread, fair_node)->vruntime) < 0) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_link(&t->fair_node, parent, link);
	rb_insert_fixup(&rq->fair, &t->fair_node);
	if (first)
		rq->fair_first = &t->fair_node;
}

static void dequeue(struct runq *rq, struct thread *t)
{
	WRITE_ONCE(rq->queued, rq->queued - 1);
	if (t->class == CLASS_RT) {
		list_del_init(&t->rt_node);
		if (list_empty(&rq->rt[t->rt_prio]))
			rq->rt_bitmap[t->rt_prio / 64] &= ~(1ull << (t->rt_prio % 64));
		return;
	}
	if (rq->fair_first == &t->fair_node)
		rq->fair_first = rb_next(&t->fair_node);
	rb_erase(&rq->fair, &t->fair_node);
}

static struct thread *pick(struct runq *rq)
{
	if (rq->rt_bitmap[1])
		return list_first_entry(&rq->rt[127 - clz64(rq->rt_bitmap[1])], struct thread, rt_node);
	if (rq->rt_bitmap[0])
		return list_first_entry(&rq->rt[63 - clz64(rq->rt_bitmap[0])], struct thread, rt_node);
	return rq->fair_first ? RB_ENTRY(rq->fair_first, struct thread, fair_node) : NULL;
}

/* Charge the running thread up to @now. */
static void charge(struct runq *rq, struct thread *t, u64 now)
{
	u64 delta = now - t->slice_start_ns;

	t->slice_start_ns = now;
	if (thread_has_flag(t, TF_IDLE)) {
		rq->idle_ns += delta;
		return;
	}
	t->sum_exec_ns += delta;
	if (t->class == CLASS_RT)
		return;
	t->vruntime += t->weight == WEIGHT_NICE_0 ? delta : delta * WEIGHT_NICE_0 / t->weight;
	u64 min = t->vruntime;
	if (rq->fair_first) {
		u64 first = RB_ENTRY(rq->fair_first, struct thread, fair_node)->vruntime;

		if ((s64)(first - min) < 0)
			min = first;
	}
	if ((s64)(min - rq->min_vruntime) > 0)
		WRITE_ONCE(rq->min_vruntime, min);
}

/* Should @t, just queued, run instead of the current thread?  @now: 0 if it is not known */
static bool preempts(struct runq *rq, struct thread *t, u64 now)
{
	struct thread *cur = rq->current;

	if (thread_has_flag(cur, TF_IDLE))
		return true;
	if (t->class != cur->class)
		return t->class < cur->class;
	if (t->class == CLASS_RT)
		return t->rt_prio > cur->rt_prio;
	if (t->policy != SCHED_NORMAL)
		return false;
	if ((s64)(cur->vruntime - t->vruntime) > WAKEUP_GRAN_NS)
		return true;
	charge(rq, cur, now ? now : plat_mono_ns());	/* it has run since it was last looked at */
	return (s64)(cur->vruntime - t->vruntime) > WAKEUP_GRAN_NS;
}

static void resched(struct runq *rq)
{
	struct thread *cur = rq->current;
	u32 cpu = (u32)(rq - runq);

	if (thread_has_flag(cur, TF_NEED_RESCHED))
		return;
	thread_set_flag(cur, TF_NEED_RESCHED);
	if (cpu != plat_cpu_id())
		plat_cpu_kick(cpu);
}

static u64 slice_of(struct thread *t)
{
	return t->policy == SCHED_FIFO ? ~0ull : t->policy == SCHED_RR ? RR_SLICE_NS : SLICE_NS;
}

/* @t becomes runnable on @rq (locked). */
static void activate(struct runq *rq, struct thread *t, u64 now)
{
	t->on_rq = 1;
	enqueue(rq, t, false);
	if (preempts(rq, t, now))
		resched(rq);
	else if (rq->queued == 1 && rq == this_rq())	/* the current thread now has a competitor */
		timer_hint(rq->current->slice_start_ns + slice_of(rq->current));
}

/* ---- placement ---- */

static u32 choose_cpu(struct thread *t, struct runq *rq)
{
	u32 prev = (u32)(rq - runq);
	u64 allowed = t->affinity & online;
	u64 idle = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & allowed;

	if (!allowed)
		return prev;
	if (idle >> prev & 1 || (!idle && allowed >> prev & 1))
		return prev;
	if (idle)
		return (u32)ctz64(idle);
	return (u32)ctz64(allowed);
}

/* Carry a thread's virtual runtime from one queue to another. */
static void rebase(struct thread *t, struct runq *from, struct runq *to)
{
	t->vruntime = t->vruntime - READ_ONCE(from->min_vruntime) + READ_ONCE(to->min_vruntime);	/* one of the two is not locked */
	__atomic_store_n(&t->cpu, (u32)(to - runq), __ATOMIC_RELEASE);
}

bool thread_wake(struct thread *t, u32 states)
{
	if (!(1u << __atomic_load_n(&t->state, __ATOMIC_SEQ_CST) & states))
		return false;
	u64 flags = plat_irq_save();
	struct runq *rq = rq_of(t);
	bool woken = 1u << __atomic_load_n(&t->state, __ATOMIC_RELAXED) & states;

	if (!woken)
		goto out;
	__atomic_store_n(&t->state, TS_RUNNING, __ATOMIC_RELAXED);
	if (t->on_rq)
		goto out;	/* it has not gone to sleep yet, and will not */
	/* Who slept as long as the credit is owed just that, however much or little the others ran meanwhile. */
	u64 now = plat_mono_ns();
	if (t->class != CLASS_RT && (now - t->slice_start_ns > SLEEPER_CREDIT_NS ||
				     (s64)(rq->min_vruntime - SLEEPER_CREDIT_NS - t->vruntime) > 0))
		t->vruntime = rq->min_vruntime - SLEEPER_CREDIT_NS;
	u32 cpu = choose_cpu(t, rq);
	struct runq *to = &runq[cpu];
	if (to != rq) {
		rebase(t, rq, to);
		spin_unlock_raw(&rq->lock);
		rq = rq_of(t);
	}
	activate(rq, t, now);
out:
	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
	return woken;
}

/* Take a queued thread from a busier CPU for @rq (locked).  Only tries: nobody waits for a second queue. */
static struct thread *steal(struct runq *rq, u32 margin)
{
	u32 me = (u32)(rq - runq);
	u64 others = online & ~(1ull << me);

	for (; others; others &= others - 1) {
		struct runq *from = &runq[ctz64(others)];

		if (__atomic_load_n(&from->queued, __ATOMIC_RELAXED) <= rq->queued + margin || !spin_trylock_raw(&from->lock))
			continue;
		struct thread *t = NULL;
		for (struct rb_node *n = from->fair_first; n; n = rb_next(n)) {
			t = RB_ENTRY(n, struct thread, fair_node);
			if (t->affinity >> me & 1)
				break;
			t = NULL;
		}
		if (t) {
			dequeue(from, t);
			rebase(t, from, rq);
		}
		spin_unlock_raw(&from->lock);
		if (t)
			return t;
	}
	return NULL;
}

/* ---- switching ---- */

/* First thing on the other side of a switch: release the queue, and see off a thread that ended. */
static void finish_switch(void)
{
	struct runq *rq = this_rq();
	struct thread *dead = rq->dead;
	void (*fn)(struct thread *t) = rq->dead_fn;

	rq->dead = NULL;
	spin_unlock_raw(&rq->lock);
	plat_irq_enable();
	if (dead)
		fn(dead);
}

static void switch_to(struct runq *rq, struct thread *prev, struct thread *next)
{
	u64 bit = 1ull << (rq - runq);

	rq->switches++;
	WRITE_ONCE(rq->current, next);
	if (thread_has_flag(prev, TF_IDLE))
		__atomic_fetch_and(&idle_cpus, ~bit, __ATOMIC_RELAXED);
	if (thread_has_flag(next, TF_IDLE))
		__atomic_fetch_or(&idle_cpus, bit, __ATOMIC_RELAXED);
	else if (rq->queued)
		timer_hint(next->slice_start_ns + slice_of(next));
	else
		timer_hint(next->slice_start_ns + SAMPLE_NS);
	plat_ctx_switch(&prev->ctx, &next->ctx);
	finish_switch();
}

static void do_schedule(struct thread *prev)
{
	struct runq *rq = this_rq();
	u64 now = plat_mono_ns();

	spin_lock_raw(&rq->lock);
	thread_clear_flag(prev, TF_NEED_RESCHED);
	charge(rq, prev, now);
	bool stays = prev->state == TS_RUNNING && !thread_has_flag(prev, TF_IDLE);
	if (stays)
		enqueue(rq, prev, prev->class == CLASS_RT && (prev->policy == SCHED_FIFO || now < prev->slice_end_ns));
	else if (prev->state != TS_RUNNING)
		prev->on_rq = 0;
	struct thread *next = pick(rq);
	if (next)
		dequeue(rq, next);
	else
		next = steal(rq, 0);
	if (!next)
		next = rq->idle;
	next->slice_start_ns = now;
	if (next == prev) {
		if (next->class == CLASS_RT && now >= next->slice_end_ns)
			next->slice_end_ns = now + RR_SLICE_NS;
		if (!(next->flags & TF_IDLE))
			timer_hint(now + (rq->queued ? slice_of(next) : SAMPLE_NS));
		spin_unlock_raw(&rq->lock);
		plat_irq_enable();
		return;
	}
	if (stays)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	if (next->class == CLASS_RT && now >= next->slice_end_ns)
		next->slice_end_ns = now + RR_SLICE_NS;
	switch_to(rq, prev, next);
}

static void (*sleep_hook)(struct thread *t);

void sched_register_sleep(void (*give_out)(struct thread *t))
{
	sleep_hook = give_out;
}

void schedule(void)
{
	struct thread *prev = current();

	/* No lock of a spinning rank may be held across a switch. */
	if (__builtin_expect(prev->ranks_held[1] | prev->ranks_held[0] >> RANK_SPIN, 0))
		rank_violation(RANK_SPIN, prev->ranks_held);
	if (__atomic_load_n(&prev->state, __ATOMIC_RELAXED) != TS_RUNNING) {
		prev->wait_pc = __builtin_return_address(0);
		if (prev->plug)
			sleep_hook(prev);
	}
	assert(!prev->stack || prev->flags & TF_IDLE || *(u64 *)prev->stack == stack_end_mark);
	plat_irq_disable();
	rcu_note_switch();
	do_schedule(prev);
	prev->wait_pc = NULL;
}

void sched_yield_current(void)
{
	struct thread *t = current();
	u64 flags = plat_irq_save();
	struct runq *rq = rq_of(t);

	if (t->class != CLASS_RT && rq->fair_first) {	/* behind the last that is queued now */
		struct rb_node *last = rb_last(&rq->fair);
		u64 v = RB_ENTRY(last, struct thread, fair_node)->vruntime;

		if ((s64)(v - t->vruntime) > 0)
			t->vruntime = v;
	}
	t->slice_end_ns = 0;
	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
	schedule();
}

/* ---- timed sleep ---- */

struct sleeper {
	struct timer timer;
	struct thread *thread;
	u32 fired;
};

static void sleeper_fire(struct timer *t)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);

	__atomic_store_n(&s->fired, 1, __ATOMIC_RELEASE);
	thread_wake(s->thread, WAKE_NORMAL);
}

bool schedule_timeout(u64 deadline_ns)
{
	struct sleeper s;

	if (deadline_ns == ~0ull) {
		schedule();
		return false;
	}
	if (plat_mono_ns() >= deadline_ns) {
		set_state(TS_RUNNING);
		return true;
	}
	timer_init(&s.timer, sleeper_fire);
	s.thread = current();
	s.fired = 0;
	timer_arm(&s.timer, deadline_ns);
	schedule();
	timer_cancel_sync(&s.timer);
	return s.fired;
}

int sleep_until_ns(u64 deadline_ns, enum thread_state state)
{
	for (;;) {
		set_state(state);
		if (state == TS_INTERRUPTIBLE && signal_pending()) {
			set_state(TS_RUNNING);
			return -EINTR;
		}
		if (schedule_timeout(deadline_ns))
			return 0;
		if (plat_mono_ns() >= deadline_ns)
			return 0;
	}
}

void sleep_ns(u64 ns)
{
	if (sleep_until_ns(plat_mono_ns() + ns, TS_UNINTERRUPTIBLE))
		panic("an uninterruptible sleep was interrupted");
}

/* ---- threads ---- */

int thread_init(struct thread *t, const char *name)
{
	struct thread *cur = current();

	t->stack = plat_stack_alloc();
	if (!t->stack)
		return -ENOMEM;
	*(u64 *)t->stack = stack_end_mark;
	t->state = TS_UNINTERRUPTIBLE;
	t->refs = 1;
	t->cpu = plat_cpu_id();
	bool reset = cur->reset_on_fork;
	t->policy = reset ? SCHED_NORMAL : cur->policy;
	t->nice = reset && cur->nice < 0 ? 0 : cur->nice;
	t->rt_prio = reset ? 0 : cur->rt_prio;
	t->affinity = cur->affinity;
	list_init(&t->rt_node);
	strscpy(t->comm, name, sizeof(t->comm));
	class_update(t);
	return 0;
}

void thread_start(struct thread *t)
{
	u64 flags = plat_irq_save();
	struct runq *rq = this_rq();

	__atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
	spin_lock_raw(&rq->lock);
	u32 cpu = choose_cpu(t, rq);
	spin_unlock_raw(&rq->lock);
	rq = &runq[cpu];
	__atomic_store_n(&t->cpu, cpu, __ATOMIC_RELEASE);
	spin_lock_raw(&rq->lock);
	t->vruntime = rq->min_vruntime;
	t->state = TS_RUNNING;
	activate(rq, t, 0);
	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
}

void thread_fini(struct thread *t)
{
	plat_ctx_free(&t->ctx);
	if (t->stack)
		plat_stack_free(t->stack);
	t->stack = NULL;
}

void thread_exit_current(void (*last)(struct thread *t))
{
	struct thread *t = current();

	plat_irq_disable();
	struct runq *rq = this_rq();
	rcu_note_switch();
	t->state = TS_DEAD;
	rq->dead_fn = last;
	rq->dead = t;
	do_schedule(t);
	panic("a dead thread ran");
}

/* What a thread runs first comes out of a switch like everybody. */
void sched_first_run(void)
{
	finish_switch();
}

struct kthread {
	struct thread thread;
	void (*fn)(void *arg);
	void *arg;
};

static void kthread_free(struct thread *t)
{
	thread_fini(t);
	kfree(container_of(t, struct kthread, thread));
}

static void kthread_main(void *arg)
{
	struct kthread *k = arg;

	finish_switch();
	k->fn(k->arg);
	thread_exit_current(kthread_free);
}

struct thread *kthread_create(void (*fn)(void *arg), void *arg, const char *name_fmt, ...)
{
	struct kthread *k = kzalloc(sizeof(*k), ALLOC_KERNEL);
	char name[16];
	va_list ap;

	va_start(ap, name_fmt);
	fmt_vsnprintf(name, sizeof(name), name_fmt, ap);
	va_end(ap);
	if (!k || thread_init(&k->thread, name)) {
		kfree(k);
		return ERR_PTR(-ENOMEM);
	}
	k->fn = fn;
	k->arg = arg;
	k->thread.flags = TF_KERNEL;
	k->thread.policy = SCHED_NORMAL;
	k->thread.nice = 0;
	k->thread.affinity = ~0ull;
	k->thread.cred = &cred_root;
	class_update(&k->thread);
	k->thread.ctx.kernel_sp = (u64)thread_stack_top(&k->thread);
	plat_ctx_init(&k->thread.ctx, thread_stack_top(&k->thread), kthread_main, k);
	thread_start(&k->thread);
	return &k->thread;
}

/* ---- policy ---- */

static void change(struct thread *t, void (*fn)(struct thread *t, u64 a, u64 b, u64 c), u64 a, u64 b, u64 c)
{
	u64 flags = plat_irq_save();
	struct runq *rq = rq_of(t);
	bool running = rq->current == t, listed = t->on_rq && !running;

	if (running)
		charge(rq, t, plat_mono_ns());
	if (listed)
		dequeue(rq, t);
	fn(t, a, b, c);
	if (listed) {
		struct runq *to = t->affinity >> t->cpu & 1 || !(t->affinity & online) ? rq : &runq[ctz64(t->affinity & online)];

		if (to != rq) {
			rebase(t, rq, to);
			spin_unlock_raw(&rq->lock);
			spin_lock_raw(&to->lock);
			rq = to;
		}
		activate(rq, t, 0);
	} else if (running) {
		resched(rq);
	}
	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
}

static void apply_policy(struct thread *t, u64 policy, u64 prio, u64 nice)
{
	t->policy = (u8)policy;
	t->rt_prio = (u8)prio;
	t->nice = (s8)nice;
	class_update(t);
}

void sched_set_policy(struct thread *t, u32 policy, u32 rt_prio, int nice)
{
	change(t, apply_policy, policy, rt_prio, (u64)(s64)nice);
}

static void apply_affinity(struct thread *t, u64 mask, u64 b, u64 c)
{
	t->affinity = mask;
}

void sched_set_affinity(struct thread *t, u64 mask)
{
	change(t, apply_affinity, mask, 0, 0);
	/* The current thread leaves a CPU it may no longer use by sleeping for a moment: waking places it anew. */
	for (u64 ns = 50000; t == current(); ns *= 2) {
		u64 now = __atomic_load_n(&t->affinity, __ATOMIC_RELAXED);	/* another thread may have set it since */

		if (now >> plat_cpu_id() & 1 || !(now & online))
			break;
		sleep_ns(ns);	/* long enough not to be over before it begins */
	}
}

/* ---- idle, ticks ---- */

void sched_idle_loop(void)
{
	struct runq *rq = this_rq();

	for (;;) {
		plat_irq_disable();
		rcu_note_switch();
		if (thread_has_flag(rq->current, TF_NEED_RESCHED) || READ_ONCE(rq->queued))
			do_schedule(rq->current);	/* enables interrupts */
		else
			plat_cpu_idle();
	}
}

void sched_kick(void)
{
	/* NEED_RESCHED is set already; a kick may also mean that a timer moved here. */
	u64 next = timers_next_ns();

	if (next != ~0ull)
		timer_hint(next);
}

bool sched_cpu_idle(u32 cpu) { return __atomic_load_n(&idle_cpus, __ATOMIC_ACQUIRE) >> cpu & 1; }

void sched_nudge(u32 cpu)
{
	struct runq *rq = &runq[cpu];
	u64 flags = plat_irq_save();

	spin_lock_raw(&rq->lock);
	resched(rq);
	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
}

/* Tickless when idle; a busy CPU samples every 10 ms, whether to charge the time since to user or to system. */
void sched_tick(bool from_user)
{
	timers_run();
	struct runq *rq = this_rq();
	struct thread *t = rq->current;
	u64 now = plat_mono_ns();

	if (from_user)
		rcu_note_switch();
	if (thread_has_flag(t, TF_IDLE)) {
		rq->sample_ns = now;
		return;
	}
	spin_lock_raw(&rq->lock);
	u64 since = rq->sample_ns > t->slice_start_ns ? rq->sample_ns : t->slice_start_ns;
	u64 start = t->slice_start_ns;
	u64 delta = now - since;
	if (from_user) {
		t->user_ns += delta;
		rq->user_ns += delta;
	} else {
		rq->system_ns += delta;
	}
	rq->sample_ns = now;
	charge(rq, t, now);
	struct thread *stolen = !rq->queued ? steal(rq, 1) : NULL;
	if (stolen) {
		enqueue(rq, stolen, false);
	}
	u64 slice = slice_of(t);
	struct thread *first = pick(rq);
	bool better = first && (first->class < t->class || (first->class == t->class && (t->class == CLASS_RT ?
		first->rt_prio > t->rt_prio || (first->rt_prio == t->rt_prio && t->policy == SCHED_RR && now >= t->slice_end_ns) :
		(s64)(t->vruntime - first->vruntime) > 0)));
	if (better && (now - start >= slice / 2 || first->class < t->class))
		thread_set_flag(t, TF_NEED_RESCHED);
	spin_unlock_raw(&rq->lock);
	timer_hint(now + (rq->queued && slice < SAMPLE_NS ? slice : SAMPLE_NS));
}

/* ---- load average: 1, 5, 15 minutes; exponential decay every 5 seconds (as uptime(1) expects) ---- */

static void load_fire(struct timer *t)
{
	static const u32 decay[3] = { 1884, 2014, 2037 };	/* 2048 / exp(5 s / 60, 300, 900 s) */
	u32 running = 0;

	for (u32 i = 0; i < plat_cpu_count(); i++)
		running += READ_ONCE(runq[i].queued) + (READ_ONCE(runq[i].current) && !sched_cpu_idle(i));
	for (int i = 0; i < 3; i++)
		load_avg[i] = (u32)(((u64)load_avg[i] * decay[i] + (u64)(running << 11) * (2048 - decay[i]) + (running << 11 >= load_avg[i] ? 2047 : 0)) >> 11);
	timer_arm(t, t->expires_ns + 5ull * NS_PER_SEC);
}

void sched_load_avg(u32 out[3])
{
	for (int i = 0; i < 3; i++)
		out[i] = __atomic_load_n(&load_avg[i], __ATOMIC_RELAXED);
}

u64 sched_total_forks(void) { return forks; }
u64 sched_online_mask(void) { return __atomic_load_n(&online, __ATOMIC_ACQUIRE); }

u64 thread_runtime_ns(struct thread *t)
{
	u64 flags = plat_irq_save();
	struct runq *rq = rq_of(t);
	u64 ns = t->sum_exec_ns + (rq->current == t ? plat_mono_ns() - t->slice_start_ns : 0);

	spin_unlock_raw(&rq->lock);
	plat_irq_restore(flags);
	return ns;
}

void sched_cpu_stats(u32 cpu, struct sched_stats *out)
{
	struct runq *rq = &runq[cpu];

	*out = (struct sched_stats){ .switches = rq->switches, .idle_ns = rq->idle_ns, .user_ns = rq->user_ns, .system_ns = rq->system_ns,
				     .running = rq->queued + (rq->current && !(rq->current->flags & TF_IDLE)) };
	if (rq->current && rq->current->flags & TF_IDLE)
		out->idle_ns += plat_mono_ns() - rq->current->slice_start_ns;
}

/* ---- start ---- */

static void rq_init(struct runq *rq, struct thread *idle)
{
	spin_init(&rq->lock, RANK_RUNQ);
	for (int i = 0; i < RT_PRIOS; i++)
		list_init(&rq->rt[i]);
	rq->idle = rq->current = idle;
	idle->flags = TF_KERNEL | TF_IDLE;
	idle->state = TS_RUNNING;
	idle->class = CLASS_IDLE;
	idle->weight = WEIGHT_NICE_0;
	idle->on_rq = 1;
	idle->cpu = (u32)(rq - runq);
	idle->affinity = ~0ull;
	idle->cred = &cred_root;
}

/* Before anything takes a lock: the boot CPU's current thread. */
void sched_init(void)
{
	weights_init();
	strscpy(boot_idle.comm, "swapper/0", sizeof(boot_idle.comm));
	rq_init(&runq[0], &boot_idle);
	plat_ctx_adopt(&boot_idle, NULL);	/* it never returns to user mode: no stack to start from */
	online = 1;
}

static void ap_main(void)
{
	struct runq *rq = this_rq();

	rq->current->slice_start_ns = plat_mono_ns();
	__atomic_fetch_or(&online, 1ull << plat_cpu_id(), __ATOMIC_ACQ_REL);
	__atomic_fetch_or(&idle_cpus, 1ull << plat_cpu_id(), __ATOMIC_ACQ_REL);
	sched_idle_loop();
}

void sched_start_cpus(void)
{
	u32 n = plat_cpu_count();

	timer_init(&load_timer, load_fire);
	timer_arm(&load_timer, plat_mono_ns() + 5ull * NS_PER_SEC);
	if (n == 1)
		return;
	idle_threads = kzalloc((n - 1) * sizeof(struct thread), ALLOC_KERNEL);
	if (!idle_threads)
		panic("no memory for %u idle threads", n - 1);
	for (u32 i = 1; i < n; i++) {
		struct thread *t = &idle_threads[i - 1];

		t->stack = plat_stack_alloc();
		if (!t->stack)
			panic("no memory for the stack of CPU %u", i);
		fmt_snprintf(t->comm, sizeof(t->comm), "swapper/%u", i);
		rq_init(&runq[i], t);
		if (plat_cpu_start(i, t, ap_main))
			pr_err("CPU %u does not start", i);
	}
	while (popcount64(sched_online_mask()) < n && plat_mono_ns() < 5ull * NS_PER_SEC)
		plat_cpu_relax();
	pr_info("smp: %u of %u CPUs", (u32)popcount64(online), n);
}
