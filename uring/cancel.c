/* Taking requests back; see uring.h, invariant 3. */
#include <linux/errno.h>
#include "uring/uring.h"

static bool matches(const struct uring_req *r, const struct uring_match *m)
{
	if (r == m->not || (m->thread && r->ident->thread != m->thread))
		return false;
	if (m->seq)
		return r->seq == m->seq;
	if (m->only_op && r->op != m->op)
		return false;
	if (m->flags & IORING_ASYNC_CANCEL_ANY)
		return true;
	if (m->flags & IORING_ASYNC_CANCEL_FD)
		return r->file && r->file == m->file;
	return r->user_data == m->user_data;
}

bool uring_busy(struct uring *ring, const struct uring_match *m)
{
	u64 irq = uring_lock(ring);
	struct uring_req *r;
	bool found = false;

	list_for_each_entry(r, &ring->all, all)
		found |= matches(r, m);
	uring_unlock(ring, irq);
	return found;
}

/* Lock held. Return: 0: it is the caller's, RUNNING; -ENOENT: not to be had; -EALREADY: it runs */
static int claim_locked(struct uring_req *r, const struct uring_match *m)
{
	switch ((enum uring_state)r->state) {
	case US_READY:
		if (r->todo == TODO_TIMER)
			return m->everything ? -ENOENT : -EALREADY;
		if (r->todo == TODO_END)
			return -ENOENT;
		break;
	case US_DEFERRED:
		if (!m->everything)
			return -ENOENT;
		break;
	case US_TIMER:
		if (r->head)		/* watches another, and ends with it */
			return m->only_op ? 0 : -ENOENT;
		break;
	case US_ARMED:
	case US_QUEUED:
		break;
	case US_RUNNING:
		if (!r->worker || r->interrupted)
			return -ENOENT;
		r->interrupted = true;
		uring_worker_interrupt_locked(r->worker);
		return -EALREADY;
	default:
		return -ENOENT;
	}
	list_del_init(&r->node);
	r->count_on = false;
	r->worker = NULL;
	r->state = US_RUNNING;
	return 0;
}

/* The first behind number *@after that matches and can be had; *err: what was met otherwise. Each is met once. */
static struct uring_req *claim_next(struct uring *ring, const struct uring_match *m, u64 *after, int *err)
{
	u64 irq = uring_lock(ring);
	struct uring_req *r, *found = NULL;

	*err = -ENOENT;
	list_for_each_entry(r, &ring->all, all) {
		int e = r->seq > *after && matches(r, m) ? claim_locked(r, m) : -ENOENT;

		if (e == -ENOENT)
			continue;
		*err = e;
		*after = r->seq;
		found = e ? NULL : r;
		break;
	}
	uring_unlock(ring, irq);
	return found;
}

struct uring_req *uring_claim(struct uring *ring, const struct uring_match *m)
{
	u64 after = 0;
	int err;
	struct uring_req *r = claim_next(ring, m, &after, &err);

	return r ? r : ERR_PTR(err);
}

/* What is taken back ends as any other does, by who runs what is ready: so after the completion of who asked for it. */
int uring_cancel(struct uring *ring, const struct uring_match *m)
{
	bool all = m->flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
	u64 after = 0;
	int count = 0;

	for (;;) {
		int err;
		struct uring_req *r = claim_next(ring, m, &after, &err);

		if (r) {
			u64 irq = uring_lock(ring);

			r->res = -ECANCELED;
			uring_make_ready_locked(r, TODO_END);
			uring_unlock(ring, irq);
		}
		if (!all)
			return err;
		if (err == -ENOENT)
			return count;
		count++;
	}
}
