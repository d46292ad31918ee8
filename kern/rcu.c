/*
 * RCU over quiescent states.
 *
 * Callbacks gather on per-CPU lists.  One kernel thread takes them all, waits until every CPU has passed a quiescent state since, and calls
 * them.  A quiescent state is a thread switch, idling, or a timer tick out of user mode; a CPU that is late gets a nudge to reschedule.
 */
#include "base/list.h"
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/sched_cpu.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/wait.h"

struct rcu_cpu {
	struct rcu_head *first, **last;	/* [this CPU, interrupts off; or the taker, by exchange under lock] */
	struct spinlock lock;
	u64 quiescent;			/* counts quiescent states; written by its CPU */
} CACHELINE_ALIGNED;

enum { OFFSET_MAX = 4096 };		/* fn below it: an offset, for kfree_rcu */

static struct rcu_cpu rcu_cpu[CPUS_MAX];
static struct waitq work = WAITQ_INIT(work);
static u32 pending;			/* [a] */

void rcu_note_switch(void)
{
	struct rcu_cpu *c = &rcu_cpu[plat_cpu_id()];

	__atomic_store_n(&c->quiescent, c->quiescent + 1, __ATOMIC_RELEASE);
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	u64 flags = plat_irq_save();
	struct rcu_cpu *c = &rcu_cpu[plat_cpu_id()];

	head->fn = fn;
	head->next = NULL;
	spin_lock_rank(&c->lock, RANK_SLAB);
	*c->last = head;
	c->last = &head->next;
	spin_unlock_irqrestore(&c->lock, flags);
	if (!__atomic_load_n(&pending, __ATOMIC_RELAXED) && !__atomic_exchange_n(&pending, 1, __ATOMIC_ACQ_REL))
		wake_up_all(&work);
}

void kfree_rcu_at(struct rcu_head *head, void *ptr)
{
	u64 offset = (u64)head - (u64)ptr;

	assert(offset < OFFSET_MAX);
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

/* Wait until every CPU other than this one, which sleeps here, has been quiescent. */
static void grace_period(void)
{
	u64 seen[CPUS_MAX];
	u64 waiting = sched_online_mask();
	u32 tries = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 i = 0; i < CPUS_MAX; i++)
		seen[i] = __atomic_load_n(&rcu_cpu[i].quiescent, __ATOMIC_ACQUIRE);
	while (waiting) {
		for (u64 m = waiting; m; m &= m - 1) {
			u32 i = (u32)__builtin_ctzll(m);

			if (__atomic_load_n(&rcu_cpu[i].quiescent, __ATOMIC_ACQUIRE) != seen[i] || sched_cpu_idle(i) || i == plat_cpu_id())
				waiting &= ~(1ull << i);
			else if (tries >= 2)
				sched_nudge(i);
		}
		if (waiting) {
			sleep_ns(NS_PER_MS);
			tries++;
		}
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void synchronize_rcu(void)
{
	grace_period();
}

static struct rcu_head *take_all(void)
{
	struct rcu_head *all = NULL, **last = &all;

	for (u32 i = 0; i < CPUS_MAX; i++) {
		struct rcu_cpu *c = &rcu_cpu[i];
		u64 flags = spin_lock_irqsave(&c->lock);

		if (c->first) {
			*last = c->first;
			last = c->last;
			c->first = NULL;
			c->last = &c->first;
		}
		spin_unlock_irqrestore(&c->lock, flags);
	}
	return all;
}

static void rcu_main(void *arg)
{
	for (;;) {
		wait_event(&work, __atomic_load_n(&pending, __ATOMIC_ACQUIRE));
		sleep_ns(2 * NS_PER_MS);	/* gather */
		__atomic_store_n(&pending, 0, __ATOMIC_SEQ_CST);
		struct rcu_head *h = take_all();
		grace_period();
		while (h) {
			struct rcu_head *next = h->next;

			if ((u64)h->fn < OFFSET_MAX)
				kfree((char *)h - (u64)h->fn);
			else
				h->fn(h);
			h = next;
			cond_resched();
		}
	}
}

void rcu_init(void)
{
	for (u32 i = 0; i < CPUS_MAX; i++) {
		rcu_cpu[i].last = &rcu_cpu[i].first;
		spin_init(&rcu_cpu[i].lock, RANK_SLAB);
	}
	if (IS_ERR(kthread_create(rcu_main, NULL, "rcu")))
		panic("no memory for the RCU thread");
}
