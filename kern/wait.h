/*
 * Wait queues: threads that sleep until something may have changed, and callbacks that want to know of it (poll, epoll).
 *
 * The pattern, in one macro: enter the queue, set the state, test the condition, sleep, leave.  Whoever
 * changes the condition calls wake_up after it.  Waking is allowed in any context.
 */
#ifndef KERN_WAIT_H
#define KERN_WAIT_H

#include <linux/errno.h>
#include "base/list.h"
#include "kern/lock.h"
#include "kern/sched.h"

struct waitq {
	struct spinlock lock;
	struct list_head waiters;	/* [lock] */
};

struct waiter;
/* Called with the queue's lock held, interrupts off.  @key: poll events, or 0.  Return: true if an exclusive waiter was served. */
typedef bool (*waiter_fn)(struct waiter *w, u32 key);

struct waiter {
	struct list_head node;		/* [queue lock] */
	struct thread *thread;
	waiter_fn wake;
	bool exclusive;			/* wake_up_one stops after it */
};

#define WAITQ_INIT(q) { .lock = SPINLOCK_INIT(RANK_WAITQ), .waiters = LIST_HEAD_INIT((q).waiters) }

static inline void waitq_init(struct waitq *q)
{
	spin_init(&q->lock, RANK_WAITQ);
	list_init(&q->waiters);
}

/** waitq_init_rank - a queue that is woken from the callback of another (epoll's own). */
static inline void waitq_init_rank(struct waitq *q, enum lock_rank rank)
{
	spin_init(&q->lock, rank);
	list_init(&q->waiters);
}

bool waiter_wake_thread(struct waiter *w, u32 key);
/** waiter_wake_remove - as waiter_wake_thread, and leave the queue when woken. */
bool waiter_wake_remove(struct waiter *w, u32 key);

static inline void waiter_init(struct waiter *w)
{
	list_init(&w->node);
	w->thread = current();
	w->wake = waiter_wake_thread;
	w->exclusive = false;
}

void waitq_add(struct waitq *q, struct waiter *w);		/* exclusive ones at the tail */
void waitq_remove(struct waitq *q, struct waiter *w);

/** waitq_prepare - join @q if not on it yet and set the state; the condition is tested after it. */
void waitq_prepare(struct waitq *q, struct waiter *w, enum thread_state state);
/** waitq_finish - running again, off the queue. */
void waitq_finish(struct waitq *q, struct waiter *w);

/** waitq_wake - wake all non-exclusive waiters and up to @exclusive exclusive ones (0: all). @key: what poll wants to know */
void waitq_wake(struct waitq *q, u32 exclusive, u32 key);

/** waitq_active - whether anyone waits; the caller has ordered its change before it (the fence is in here). */
static inline bool waitq_active(struct waitq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !list_empty(&q->waiters);
}

static inline void wake_up_all(struct waitq *q)
{
	if (waitq_active(q))
		waitq_wake(q, 0, 0);
}

static inline void wake_up_one(struct waitq *q)
{
	if (waitq_active(q))
		waitq_wake(q, 1, 0);
}

/** wake_up_poll - all non-exclusive, one exclusive, telling poll which events. */
static inline void wake_up_poll(struct waitq *q, u32 events)
{
	if (waitq_active(q))
		waitq_wake(q, 1, events);
}

/** wait_state_interrupted - whether a signal ends a sleep in @state. */
static inline bool wait_state_interrupted(enum thread_state state)
{
	return state == TS_INTERRUPTIBLE ? signal_pending() : state == TS_KILLABLE && fatal_signal_pending();
}

/* Evaluates to 0, -ERESTARTSYS (a signal), or -ETIMEDOUT. deadline_ns U64_MAX: none */
#define wait_event_state(q, cond, state_, deadline_ns_, excl)                                      \
	({                                                                                         \
		int wait_ret_ = 0;                                                                 \
		if (!(cond)) {                                                                     \
			struct waiter waiter_;                                                     \
			u64 wait_deadline_ = (deadline_ns_);                                       \
			waiter_init(&waiter_);                                                     \
			waiter_.exclusive = (excl);                                                \
			for (;;) {                                                                 \
				waitq_prepare((q), &waiter_, (state_));                            \
				if (cond)                                                          \
					break;                                                     \
				if (wait_state_interrupted(state_)) {                              \
					wait_ret_ = -ERESTARTSYS;                                  \
					break;                                                     \
				}                                                                  \
				if (schedule_timeout(wait_deadline_)) {                            \
					wait_ret_ = (cond) ? 0 : -ETIMEDOUT;                       \
					break;                                                     \
				}                                                                  \
			}                                                                          \
			waitq_finish((q), &waiter_);                                               \
		}                                                                                  \
		wait_ret_;                                                                         \
	})

#define wait_event(q, cond) ((void)wait_event_state(q, cond, TS_UNINTERRUPTIBLE, ~0ull, false))
#define wait_event_interruptible(q, cond) wait_event_state(q, cond, TS_INTERRUPTIBLE, ~0ull, false)
#define wait_event_interruptible_exclusive(q, cond) wait_event_state(q, cond, TS_INTERRUPTIBLE, ~0ull, true)
#define wait_event_killable(q, cond) wait_event_state(q, cond, TS_KILLABLE, ~0ull, false)
#define wait_event_interruptible_until(q, cond, deadline_ns) wait_event_state(q, cond, TS_INTERRUPTIBLE, deadline_ns, false)
#define wait_event_until(q, cond, deadline_ns) wait_event_state(q, cond, TS_UNINTERRUPTIBLE, deadline_ns, false)

/* A completion: an event that happens once. */
struct completion {
	struct waitq q;
	u32 done;
};

static inline void completion_init(struct completion *c)
{
	waitq_init(&c->q);
	c->done = 0;
}
void complete(struct completion *c);		/* any context; @c may be gone on return */
void wait_for_completion(struct completion *c);

#endif
