/*
 * The worker pool: a queue of work and a few kernel threads that run it.
 */
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/sched.h"
#include "kern/wait.h"
#include "kern/work.h"

enum { WORKERS = 3 };

static struct spinlock lock = SPINLOCK_INIT(RANK_WORKQ);
static struct list_head queue = LIST_HEAD_INIT(queue);	/* [lock] */
static u64 queued, done;				/* [lock] */
/* Work is queued from the wake-up callbacks of other wait queues: this one ranks innermost. */
static struct waitq idle = { .lock = SPINLOCK_INIT(RANK_WAITQ4), .waiters = LIST_HEAD_INIT(idle.waiters) };
static struct waitq flushers = WAITQ_INIT(flushers);

bool work_queue(struct work *w)
{
	if (__atomic_exchange_n(&w->pending, 1, __ATOMIC_ACQ_REL))
		return false;
	u64 flags = spin_lock_irqsave(&lock);
	list_add_tail(&w->node, &queue);
	queued++;
	spin_unlock_irqrestore(&lock, flags);
	wake_up_one(&idle);
	return true;
}

static struct work *take(void)
{
	u64 flags = spin_lock_irqsave(&lock);
	struct work *w = NULL;

	if (!list_empty(&queue)) {
		w = list_first_entry(&queue, struct work, node);
		list_del_init(&w->node);
	}
	spin_unlock_irqrestore(&lock, flags);
	return w;
}

static void note_done(void)
{
	u64 flags = spin_lock_irqsave(&lock);

	done++;
	spin_unlock_irqrestore(&lock, flags);
	wake_up_all(&flushers);
}

static void worker(void *arg)
{
	for (;;) {
		struct work *w;

		(void)wait_event_state(&idle, (w = take()) != NULL, TS_UNINTERRUPTIBLE, ~0ull, true);
		__atomic_store_n(&w->pending, 0, __ATOMIC_RELEASE);
		w->fn(w);	/* @w may be gone now */
		note_done();
	}
}

void work_flush(void)
{
	u64 upto = __atomic_load_n(&queued, __ATOMIC_ACQUIRE);

	wait_event(&flushers, __atomic_load_n(&done, __ATOMIC_ACQUIRE) >= upto);
}

static void delayed_fire(struct timer *t)
{
	work_queue(&container_of(t, struct delayed_work, timer)->work);
}

void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w))
{
	work_init(&d->work, fn);
	timer_init(&d->timer, delayed_fire);
}

void delayed_work_queue(struct delayed_work *d, u64 delay_ns)
{
	timer_arm(&d->timer, plat_mono_ns() + delay_ns);
}

void work_init_pool(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (IS_ERR(kthread_create(worker, NULL, "kworker/%d", i)))
			panic("no memory for the worker pool");
}
