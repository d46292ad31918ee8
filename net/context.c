/*
 * Net context: lists per CPU, who runs them, timers.  context.h is the contract.
 *
 * Locks: a CPU's lists are its own: touched by it alone, with interrupts off.
 */
#include "base/atomic.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "net/context.h"
#include "net/packet.h"

enum { BACKLOG_MAX = 1000, RUN_NS_MAX = 2 * NS_PER_MS };
enum { POLL_SCHEDULED = 1, POLL_MISSED = 2 };
enum { TIMER_LIVE, TIMER_RELEASING, TIMER_RELEASED };

/* Locks: i interrupts off, this CPU · c this CPU */
static struct net_cpu {
	u32 depth;			/* [c] net_enter less net_leave; also 1 while it runs */
	u32 backlog_len;		/* [i] */
	struct list_head work;		/* [i] struct net_work */
	struct list_head polls;		/* [i] struct net_poll */
	struct list_head backlog;	/* [i] struct packet */
	struct thread *thread;		/* [I] net/N; NULL during boot */
	struct net_cpu_stats stats;	/* [c] */
} CACHELINE_ALIGNED net_cpus[CPUS_MAX];

static inline struct net_cpu *here(void)
{
	return &net_cpus[plat_cpu_id()];
}

static bool pending(const struct net_cpu *c)
{
	return !list_empty(&c->work) || !list_empty(&c->polls) || !list_empty(&c->backlog);
}

/* Something was queued: somebody has to run it. Interrupts off. */
static void raise(struct net_cpu *c)
{
	if (!c->depth && c->thread)
		thread_wake(c->thread, WAKE_NORMAL);
}

/* ---- running ---- */

static bool run_work(struct net_cpu *c)
{
	u64 irq = plat_irq_save();
	struct net_work *w = list_empty(&c->work) ? NULL : list_first_entry(&c->work, struct net_work, node);

	if (w) {
		list_del_init(&w->node);
		__atomic_store_n(&w->pending, 0, __ATOMIC_SEQ_CST);
	}
	plat_irq_restore(irq);
	if (w)
		w->fn(w);
	return w;
}

static u32 run_backlog(struct net_cpu *c, u32 budget)
{
	u32 done = 0;

	while (done < budget) {
		u64 irq = plat_irq_save();
		struct packet *p = list_empty(&c->backlog) ? NULL : list_first_entry(&c->backlog, struct packet, node);

		if (p) {
			list_del_init(&p->node);
			c->backlog_len--;
		}
		plat_irq_restore(irq);
		if (!p)
			break;
		net_receive(p);
		done++;
	}
	return done;
}

static u32 run_poll(struct net_cpu *c)
{
	u64 irq = plat_irq_save();
	struct net_poll *np = list_empty(&c->polls) ? NULL : list_first_entry(&c->polls, struct net_poll, node);

	if (np)
		list_del_init(&np->node);
	plat_irq_restore(irq);
	if (!np)
		return 0;
	u32 n = np->poll(np, NET_POLL_WEIGHT);

	if (n >= NET_POLL_WEIGHT) {
		irq = plat_irq_save();
		list_add_tail(&np->node, &c->polls);
		plat_irq_restore(irq);
	}
	return n;
}

/* All that is pending, within the budget. depth is 1. */
static void run(struct net_cpu *c)
{
	u64 stop_ns = plat_mono_ns() + RUN_NS_MAX;
	u32 done = 0;

	while (pending(c)) {
		while (run_work(c))
			;
		done += run_backlog(c, NET_POLL_WEIGHT);
		done += run_poll(c);
		if (done >= NET_BUDGET || plat_mono_ns() > stop_ns) {
			c->stats.squeezed += pending(c);
			break;
		}
	}
	c->stats.processed += done;
}

void net_enter(void)
{
	here()->depth++;
	barrier();
}

void net_leave(void)
{
	struct net_cpu *c = here();

	barrier();
	assert(c->depth);
	if (c->depth == 1 && pending(c))
		run(c);
	u64 irq = plat_irq_save();

	c->depth--;
	if (!c->depth && pending(c) && current() != c->thread)
		raise(c);
	plat_irq_restore(irq);
}

static void net_thread(void *arg)
{
	u32 cpu = (u32)(uintptr_t)arg;
	struct net_cpu *c = &net_cpus[cpu];

	sched_set_affinity(current(), BIT(cpu));
	while (plat_cpu_id() != cpu)
		sched_yield_current();
	c->thread = current();
	for (;;) {
		set_state(TS_INTERRUPTIBLE);
		if (!pending(c)) {
			schedule();
			continue;
		}
		set_state(TS_RUNNING);
		net_enter();
		net_leave();
		cond_resched();
	}
}

/* ---- queueing ---- */

bool net_defer(struct net_work *w)
{
	if (__atomic_exchange_n(&w->pending, 1, __ATOMIC_SEQ_CST))
		return false;
	u64 irq = plat_irq_save();
	struct net_cpu *c = here();

	list_add_tail(&w->node, &c->work);
	raise(c);
	plat_irq_restore(irq);
	return true;
}

bool net_poll_schedule(struct net_poll *np)
{
	u32 old = atomic_load(&np->state);

	while (!try_cmpxchg(&np->state, &old, old & POLL_SCHEDULED ? POLL_SCHEDULED | POLL_MISSED : POLL_SCHEDULED))
		;
	if (old & POLL_SCHEDULED)
		return false;
	u64 irq = plat_irq_save();
	struct net_cpu *c = here();

	list_add_tail(&np->node, &c->polls);
	raise(c);
	plat_irq_restore(irq);
	return true;
}

bool net_poll_complete(struct net_poll *np)
{
	u32 old = atomic_load(&np->state);

	while (!try_cmpxchg(&np->state, &old, old & POLL_MISSED ? POLL_SCHEDULED : 0))
		;
	return !(old & POLL_MISSED);
}

void net_backlog(struct packet *p)
{
	u64 irq = plat_irq_save();
	struct net_cpu *c = here();
	bool full = c->backlog_len >= BACKLOG_MAX;

	if (full) {
		c->stats.dropped++;
	} else {
		c->backlog_len++;
		list_add_tail(&p->node, &c->backlog);
		raise(c);
	}
	plat_irq_restore(irq);
	if (full)
		packet_free(p);
}

/* ---- timers ---- */

/* The last one out calls done. */
static void timer_done(struct rcu_head *h)
{
	struct net_timer *t = container_of(h, struct net_timer, rcu);

	t->done(t);
}

static void timer_try_done(struct net_timer *t)
{
	if (cmpxchg(&t->state, (u32)TIMER_RELEASING, (u32)TIMER_RELEASED) == TIMER_RELEASING)
		call_rcu(&t->rcu, timer_done);
}

static void timer_work(struct net_work *w)
{
	struct net_timer *t = container_of(w, struct net_timer, work);

	if (__atomic_load_n(&t->state, __ATOMIC_SEQ_CST) == TIMER_LIVE)
		t->fn(t);
	else
		timer_try_done(t);
}

static void timer_fired(struct timer *timer)
{
	net_defer(&container_of(timer, struct net_timer, timer)->work);
}

void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *t))
{
	timer_init(&t->timer, timer_fired);
	net_work_init(&t->work, timer_work);
	t->fn = fn;
	t->state = TIMER_LIVE;
}

void net_timer_arm(struct net_timer *t, u64 expires_ns)
{
	if (atomic_load(&t->state) == TIMER_LIVE)
		timer_arm(&t->timer, expires_ns);
}

bool net_timer_cancel(struct net_timer *t)
{
	return timer_cancel(&t->timer);
}

void net_timer_release(struct net_timer *t, void (*done)(struct net_timer *t))
{
	t->done = done;
	__atomic_store_n(&t->state, (u32)TIMER_RELEASING, __ATOMIC_SEQ_CST);
	timer_cancel_sync(&t->timer);
	if (!__atomic_load_n(&t->work.pending, __ATOMIC_SEQ_CST))
		timer_try_done(t);
}

void net_context_stats(u32 cpu, struct net_cpu_stats *out)
{
	*out = net_cpus[cpu].stats;
}

void net_context_init(void)
{
	for (u32 i = 0; i < plat_cpu_count(); i++) {
		list_init(&net_cpus[i].work);
		list_init(&net_cpus[i].polls);
		list_init(&net_cpus[i].backlog);
		struct thread *t = kthread_create(net_thread, (void *)(uintptr_t)i, "net/%u", i);

		assert(!IS_ERR(t));
	}
}
