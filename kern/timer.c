/*
 * Timers: a tree per CPU, ordered by expiry.  The platform's one-shot timer stands at the earlier of the first
 * timer and what the scheduler asked for (timer_hint); it is set again only when that moves forward, so most switches do not touch it.
 */
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/sched.h"
#include "kern/timer.h"
#include "kern/timer_cpu.h"

enum { IDLE, QUEUED, RUNNING };

/* Locks: l lock */
struct timer_cpu {
	struct spinlock lock;
	struct rb_root tree;		/* [l] */
	struct rb_node *first;		/* [l] */
	u64 armed_ns;			/* [this CPU, interrupts off] what the platform's timer stands at */
	struct timer *running;		/* [l] */
} CACHELINE_ALIGNED;

static struct timer_cpu timer_cpu[CPUS_MAX];
static u64 realtime_offset_ns;		/* [a] */
static u32 realtime_seq;		/* [a] */

void timers_init(void)
{
	for (u32 i = 0; i < CPUS_MAX; i++) {
		spin_init(&timer_cpu[i].lock, RANK_TIMER);
		timer_cpu[i].armed_ns = ~0ull;
	}
	realtime_offset_ns = plat_wall_boot_ns();
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

/* Interrupts off, on this CPU. */
void timer_hint(u64 deadline_ns)
{
	struct timer_cpu *c = &timer_cpu[plat_cpu_id()];

	if (deadline_ns < c->armed_ns) {
		c->armed_ns = deadline_ns;
		plat_timer_arm(deadline_ns);
	}
}

static void insert(struct timer_cpu *c, struct timer *t)
{
	struct rb_node **link = &c->tree.node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (t->expires_ns < RB_ENTRY(parent, struct timer, node)->expires_ns) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_link(&t->node, parent, link);
	rb_insert_fixup(&c->tree, &t->node);
	if (first)
		c->first = &t->node;
	t->state = QUEUED;
}

static void take_out(struct timer_cpu *c, struct timer *t)
{
	if (c->first == &t->node)
		c->first = rb_next(&t->node);
	rb_erase(&c->tree, &t->node);
	t->state = IDLE;
}

/* The tree that @t is on, locked; interrupts are off. */
static struct timer_cpu *lock_home(struct timer *t)
{
	for (;;) {
		u32 cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct timer_cpu *c = &timer_cpu[cpu];

		spin_lock_rank(&c->lock, RANK_TIMER);
		if (t->cpu == cpu)
			return c;
		spin_unlock_rank(&c->lock, RANK_TIMER);
	}
}

bool timer_cancel(struct timer *t)
{
	u64 flags = plat_irq_save();
	struct timer_cpu *c = lock_home(t);
	bool was = t->state == QUEUED;

	if (was)
		take_out(c, t);
	spin_unlock_irqrestore(&c->lock, flags);
	return was;
}

bool timer_cancel_sync(struct timer *t)
{
	for (;;) {
		bool was = timer_cancel(t);
		struct timer_cpu *c = &timer_cpu[__atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE)];

		if (__atomic_load_n(&c->running, __ATOMIC_ACQUIRE) != t)
			return was;
		plat_cpu_relax();
	}
}

void timer_arm(struct timer *t, u64 expires_ns)
{
	u64 flags = plat_irq_save();
	struct timer_cpu *c = lock_home(t);
	u32 me = plat_cpu_id();

	if (t->state == QUEUED)
		take_out(c, t);
	t->expires_ns = expires_ns;
	/* It moves to this CPU, unless its function is running there: then it stays, so that cancel_sync finds it. */
	if (c->running != t && t->cpu != me) {
		__atomic_store_n(&t->cpu, me, __ATOMIC_RELEASE);
		spin_unlock_rank(&c->lock, RANK_TIMER);
		c = lock_home(t);
		if (t->state == QUEUED) {	/* someone armed it in between: the later word is ours */
			take_out(c, t);
			t->expires_ns = expires_ns;
		}
	}
	insert(c, t);
	if (c->first == &t->node) {
		if (c == &timer_cpu[me])
			timer_hint(expires_ns);
		else
			plat_cpu_kick((u32)(c - timer_cpu));
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

u64 timers_next_ns(void)
{
	struct timer_cpu *c = &timer_cpu[plat_cpu_id()];
	u64 flags = spin_lock_irqsave(&c->lock);
	u64 next = c->first ? RB_ENTRY(c->first, struct timer, node)->expires_ns : ~0ull;

	spin_unlock_irqrestore(&c->lock, flags);
	return next;
}

/* Interrupt context. */
void timers_run(void)
{
	struct timer_cpu *c = &timer_cpu[plat_cpu_id()];
	u64 now = plat_mono_ns();

	c->armed_ns = ~0ull;
	u64 flags = spin_lock_irqsave(&c->lock);
	while (c->first) {
		struct timer *t = RB_ENTRY(c->first, struct timer, node);

		if (t->expires_ns > now)
			break;
		take_out(c, t);
		__atomic_store_n(&c->running, t, __ATOMIC_RELAXED);
		spin_unlock_irqrestore(&c->lock, flags);
		t->fn(t);
		flags = spin_lock_irqsave(&c->lock);
		__atomic_store_n(&c->running, NULL, __ATOMIC_RELEASE);
	}
	if (c->first)
		timer_hint(RB_ENTRY(c->first, struct timer, node)->expires_ns);
	spin_unlock_irqrestore(&c->lock, flags);
}

u64 clock_realtime_ns(void)
{
	return plat_mono_ns() + __atomic_load_n(&realtime_offset_ns, __ATOMIC_RELAXED);
}

u64 clock_realtime_offset_ns(void)
{
	return __atomic_load_n(&realtime_offset_ns, __ATOMIC_RELAXED);
}

void clock_set_realtime_ns(u64 ns)
{
	__atomic_store_n(&realtime_offset_ns, ns - plat_mono_ns(), __ATOMIC_RELEASE);
	__atomic_fetch_add(&realtime_seq, 1, __ATOMIC_RELEASE);
}

u32 clock_change_seq(void)
{
	return __atomic_load_n(&realtime_seq, __ATOMIC_ACQUIRE);
}
