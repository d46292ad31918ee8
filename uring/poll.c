/*
 * Waiting for readiness.  A request joins a file's wait queues once and stays until its end; between, each wake-up makes it READY if
 * it is ARMED, and is remembered in r->woken if not.  See uring.h, invariant 2.
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "uring/uring.h"

/* The queue's lock is held. */
static bool woken(struct waiter *w, u32 key)
{
	struct uring_req *r = container_of(w, struct uring_poll_entry, waiter)->req;

	if (key && !(key & (READ_ONCE(r->poll->events) | EPOLLERR | EPOLLHUP)))
		return false;
	u64 irq = uring_lock(r->ring);

	if (r->state == US_ARMED)
		uring_make_ready_locked(r, TODO_RETRY);
	else
		r->woken = true;
	uring_unlock(r->ring, irq);
	return true;
}

static void queue_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct uring_poll *p = container_of(pt, struct uring_poll, table);
	struct uring_poll_entry *e;

	if (p->used == URING_POLLS) {
		p->error = -ENOMEM;
		return;
	}
	e = &p->entry[p->used++];
	waiter_init(&e->waiter);
	e->waiter.wake = woken;
	e->q = q;
	e->file = file_get(f);
	waitq_add(q, &e->waiter);
}

/* Join the queues. Return: what is ready, -errno */
static s64 join(struct uring_req *r, u32 events)
{
	struct uring_poll *p = kzalloc(sizeof(*p), ALLOC_KERNEL);
	u32 mask;

	if (!p)
		return -ENOMEM;
	p->table.add = queue_add;
	p->events = events;
	for (int i = 0; i < URING_POLLS; i++)
		p->entry[i].req = r;
	r->poll = p;
	mask = file_poll(r->file, &p->table);
	return p->error ? p->error : (s64)mask;
}

int uring_arm(struct uring_req *r, u32 events, bool edge)
{
	struct uring *ring = r->ring;
	u32 wanted = events | EPOLLERR | EPOLLHUP;
	s64 mask = 0;

	if (!r->poll) {
		mask = join(r, events);
		if (mask < 0)
			return (int)mask;
	} else if (!edge) {
		WRITE_ONCE(r->poll->events, events);
		mask = file_poll(r->file, NULL);
	}
	for (;;) {
		if (mask & wanted)
			return (int)(mask & wanted);
		u64 irq = uring_lock(ring);
		bool again = r->woken, gone = uring_doomed(r);

		r->woken = false;
		if (!again && !gone)
			r->state = US_ARMED;
		uring_unlock(ring, irq);
		if (gone)
			return -ECANCELED;
		if (!again)
			return 0;
		mask = file_poll(r->file, NULL);
	}
}

void uring_disarm(struct uring_req *r)
{
	struct uring_poll *p = r->poll;

	if (!p)
		return;
	for (u32 i = 0; i < p->used; i++) {
		waitq_remove(p->entry[i].q, &p->entry[i].waiter);
		file_put(p->entry[i].file);
	}
	r->poll = NULL;
	kfree(p);
}
