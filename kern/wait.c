/*
 * Wait queues and completions.
 */
#include "kern/assert.h"
#include "kern/wait.h"

bool waiter_wake_thread(struct waiter *w, u32 key)
{
	return thread_wake(w->thread, WAKE_NORMAL);
}

bool waiter_wake_remove(struct waiter *w, u32 key)
{
	list_del_init(&w->node);
	return thread_wake(w->thread, WAKE_NORMAL);
}

static void add_locked(struct waitq *q, struct waiter *w)
{
	if (w->exclusive)
		list_add_tail(&w->node, &q->waiters);
	else
		list_add(&w->node, &q->waiters);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	add_locked(q, w);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (!list_empty(&w->node))
		list_del_init(&w->node);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_prepare(struct waitq *q, struct waiter *w, enum thread_state state)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (list_empty(&w->node))
		add_locked(q, w);
	set_state(state);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_finish(struct waitq *q, struct waiter *w)
{
	set_state(TS_RUNNING);
	/* Under the lock even if it looks removed: the waker may still be looking at it. */
	waitq_remove(q, w);
}

void waitq_wake(struct waitq *q, u32 exclusive, u32 key)
{
	u64 flags = spin_lock_irqsave(&q->lock);
	struct waiter *w, *next;

	list_for_each_entry_safe(w, next, &q->waiters, node) {
		bool exclusive_waiter = w->exclusive;	/* @w may be gone once it is woken */

		if (w->wake(w, key) && exclusive_waiter && exclusive && !--exclusive)
			break;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

void complete(struct completion *c)
{
	u64 flags = spin_lock_irqsave(&c->q.lock);
	struct waiter *w, *next;

	c->done = 1;
	list_for_each_entry_safe(w, next, &c->q.waiters, node)
		w->wake(w, 0);
	spin_unlock_irqrestore(&c->q.lock, flags);
}

static bool completion_done(struct completion *c)
{
	u64 flags = spin_lock_irqsave(&c->q.lock);	/* not before complete() has let go of @c */
	bool done = c->done;

	spin_unlock_irqrestore(&c->q.lock, flags);
	return done;
}

void wait_for_completion(struct completion *c)
{
	wait_event(&c->q, completion_done(c));
}
