/*
 * Timers, counts, linked timeouts; see uring.h.  A timer's function only makes its request READY: the request holds the timer, and ends
 * where timer_cancel_sync may be called.
 */
#include <linux/errno.h>
#include "uring/uring.h"

/* Interrupt context. */
static void expired(struct timer *t)
{
	struct uring_req *r = container_of(t, struct uring_req, timer);
	u64 irq = uring_lock(r->ring);

	if (r->state == US_TIMER) {
		if (r->count_on)
			list_del_init(&r->node);
		r->count_on = false;
		uring_make_ready_locked(r, TODO_TIMER);
	} else {
		r->woken = true;
	}
	uring_unlock(r->ring, irq);
}

/* In the order in which they are met. lock held */
static void count_add(struct uring *ring, struct uring_req *r)
{
	struct list_head *at = &ring->counting;
	struct uring_req *o;

	list_for_each_entry_reverse(o, &ring->counting, node) {
		if ((s32)(o->count_target - r->count_target) <= 0) {
			at = &o->node;
			break;
		}
	}
	list_add(&r->node, at);
	r->count_on = true;
}

void uring_count_locked(struct uring *ring)
{
	while (!list_empty(&ring->counting)) {
		struct uring_req *r = list_first_entry(&ring->counting, struct uring_req, node);

		if ((s32)(ring->counted - r->count_target) < 0)
			break;
		list_del_init(&r->node);
		r->count_on = false;
		r->res = 0;
		uring_make_ready_locked(r, TODO_TIMER);
	}
}

/* Armed before the state says so: once it does, the request may be over at any moment. */
static void arm(struct uring_req *r, u64 deadline_ns)
{
	timer_init(&r->timer, expired);
	r->res = -ETIME;
	r->woken = false;
	if (deadline_ns != ~0ull)
		timer_arm(&r->timer, deadline_ns);
}

void uring_timer_start(struct uring_req *r, u64 deadline_ns, u32 count)
{
	struct uring *ring = r->ring;

	arm(r, deadline_ns);
	u64 irq = uring_lock(ring);
	/* A linked one that got another deadline ends with whom it watches, which may have ended meanwhile. */
	bool gone = r->op == IORING_OP_LINK_TIMEOUT ? !r->head : uring_doomed(r);

	if (gone) {
		;
	} else if (r->woken) {
		uring_make_ready_locked(r, TODO_TIMER);
	} else {
		r->state = US_TIMER;
		r->count_target = ring->counted + count;
		if (count)
			count_add(ring, r);
	}
	uring_unlock(ring, irq);
	if (gone) {
		uring_timer_stop(r);
		uring_end(r, -ECANCELED);
	}
}

void uring_ltimeout_arm(struct uring_req *head, struct uring_req *lt)
{
	struct uring *ring = head->ring;

	if (lt->flags & REQ_FAILED_EARLY)
		return;
	arm(lt, uring_ops[lt->op].deadline(lt));
	u64 irq = uring_lock(ring);

	lt->head = head;
	if (lt->woken)
		uring_make_ready_locked(lt, TODO_TIMER);
	else
		lt->state = US_TIMER;
	uring_unlock(ring, irq);
}

int uring_timer_update(struct uring *ring, u64 user_data, bool linked, u64 deadline_ns)
{
	const struct uring_match m = { .user_data = user_data, .only_op = true, .op = linked ? IORING_OP_LINK_TIMEOUT : IORING_OP_TIMEOUT };
	struct uring_req *r = uring_claim(ring, &m);

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	uring_timer_stop(r);
	uring_timer_start(r, deadline_ns, 0);
	return 0;
}

void uring_timer_stop(struct uring_req *r)
{
	if (r->timer.fn)
		(void)timer_cancel_sync(&r->timer);
}

void uring_timer_run(struct uring_req *r)
{
	struct uring *ring = r->ring;
	s64 res = r->res;

	uring_timer_stop(r);
	if (r->op == IORING_OP_LINK_TIMEOUT) {
		u64 irq = uring_lock(ring);
		struct uring_req *head = r->head;
		struct uring_match m = { .seq = head ? head->seq : 0 };

		if (head) {
			head->link = r->link;
			r->link = NULL;
			r->head = NULL;
		}
		uring_unlock(ring, irq);
		if (head) {
			int err = uring_cancel(ring, &m);

			res = err ? err : -ETIME;
		}
	}
	uring_end(r, res);
}
