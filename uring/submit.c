/* From the submission ring to requests; chains; the polling thread. See uring.h. */
#include <linux/errno.h>
#include "base/string.h"
#include "block/block.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "uring/resource.h"
#include "uring/uring.h"

enum {
	SQE_FLAGS = IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC | IOSQE_BUFFER_SELECT |
		    IOSQE_CQE_SKIP_SUCCESS,
	SPINS = 100, STEP_NS = 20 * NS_PER_US,
};

static u32 flags_of(u8 sqe_flags)
{
	return (sqe_flags & IOSQE_FIXED_FILE ? REQ_FIXED_FILE : 0) | (sqe_flags & IOSQE_IO_DRAIN ? REQ_DRAIN : 0) |
	       (sqe_flags & IOSQE_IO_LINK ? REQ_LINK : 0) | (sqe_flags & IOSQE_IO_HARDLINK ? REQ_HARDLINK : 0) |
	       (sqe_flags & IOSQE_ASYNC ? REQ_ASYNC : 0) | (sqe_flags & IOSQE_BUFFER_SELECT ? REQ_BUFFER_SELECT : 0) |
	       (sqe_flags & IOSQE_CQE_SKIP_SUCCESS ? REQ_SKIP_SUCCESS : 0);
}

/* What holds for every opcode, in the order in which Linux complains. submit held */
static int prepare(struct uring *ring, struct uring_req *r, const struct io_uring_sqe *sqe)
{
	const struct uring_op *op = &uring_ops[r->op];

	if (sqe->opcode >= uring_op_count)
		return -EINVAL;
	if (sqe->flags & ~SQE_FLAGS)
		return -EINVAL;
	if (r->flags & REQ_BUFFER_SELECT && !(op->flags & OP_SELECT))
		return -EOPNOTSUPP;
	if (r->flags & REQ_SKIP_SUCCESS)
		ring->drain_off = true;
	if (r->flags & REQ_DRAIN && ring->drain_off)
		return -EOPNOTSUPP;
	if (ring->drain_next && !ring->chain_head) {
		ring->drain_next = false;
		r->flags |= REQ_DRAIN;
	}
	if (r->flags & REQ_DRAIN && ring->chain_head) {
		ring->chain_head->flags |= REQ_DRAIN;
		ring->drain_next = true;
	}
	if (ring->flags & RING_RESTRICTED && !uring_restrict_allows(ring->restrict_, sqe))
		return -EACCES;
	if (!(op->flags & OP_SUPPORTED))
		return -EINVAL;
	if (sqe->ioprio && !(op->flags & OP_IOPRIO))
		return -EINVAL;
	if (ring->setup & IORING_SETUP_IOPOLL && !(op->flags & OP_IOPOLL))
		return -EINVAL;
	if (sqe->personality) {
		const struct cred *c = uring_personality(ring, sqe->personality);

		if (!c)
			return -EINVAL;
		r->cred = cred_get(c);
	}
	if (r->op == IORING_OP_LINK_TIMEOUT && (!ring->chain_last || ring->chain_last->op == IORING_OP_LINK_TIMEOUT))
		return -EINVAL;
	r->flags |= REQ_PREPARED;
	return op->prep(r, sqe);
}

static void fail_early(struct uring_req *r, int err)
{
	r->flags = (r->flags & ~(u32)REQ_HARDLINK) | REQ_FAIL | REQ_FAILED_EARLY;
	r->res = err;
}

/* Into the chain being collected, or off it goes. submit held. Return: @err if submission should stop */
static int chain_add(struct uring *ring, struct uring_req *r, u8 sqe_flags, int err)
{
	bool more = sqe_flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
	struct uring_req *head = ring->chain_head;

	if (err) {
		fail_early(r, err);
		if (head && !(head->flags & REQ_FAILED_EARLY))
			fail_early(head, -ECANCELED);
	}
	if (head) {
		r->state = US_WAITING;
		ring->chain_last->link = r;
	} else {
		head = r;
	}
	ring->chain_head = more ? head : NULL;
	ring->chain_last = more ? r : NULL;
	if (more)
		return 0;
	uring_start(head);
	return err;
}

static int submit_one(struct uring *ring, struct uring_ident *ident, const struct io_uring_sqe *sqe)
{
	struct uring_req *r = uring_req_new(ring, ident);
	int err;

	if (!r)
		return -EAGAIN;
	r->op = sqe->opcode < uring_op_count ? sqe->opcode : IORING_OP_NOP;
	r->flags = flags_of(sqe->flags);
	r->user_data = sqe->user_data;
	r->fd = sqe->fd;
	r->buf_index = sqe->buf_index;
	err = prepare(ring, r, sqe);
	uring_req_accept(r);
	err = chain_add(ring, r, sqe->flags, err);
	return err && !(ring->setup & IORING_SETUP_SUBMIT_ALL) ? 1 : 0;
}

/* A chain whose end was not submitted ends here. */
static void chain_close(struct uring *ring)
{
	struct uring_req *head = ring->chain_head;

	ring->chain_head = ring->chain_last = NULL;
	if (head)
		uring_start(head);
}

static u32 entries(struct uring *ring)
{
	return __atomic_load_n(&ring->shared->sq.tail, __ATOMIC_ACQUIRE) - ring->sq_head;
}

/* submit held */
static s64 submit_as(struct uring *ring, struct uring_ident *ident, u32 n)
{
	struct block_plug plug;
	u32 done = 0;
	int stop = 0;

	n = MIN(MIN(n, ring->sq_entries), entries(ring));
	if (!n)
		return 0;
	block_plug_begin(&plug);
	while (done < n && !stop) {
		struct io_uring_sqe sqe;
		u32 index = uring_sq_index(ring, ring->sq_head);

		if (index >= ring->sq_entries) {
			WRITE_ONCE(ring->sq_head, ring->sq_head + 1);
			atomic_inc(&ring->shared->sq_dropped);
			break;
		}
		uring_sqe_read(ring, index, &sqe);
		stop = submit_one(ring, ident, &sqe);
		if (stop < 0)
			break;
		WRITE_ONCE(ring->sq_head, ring->sq_head + 1);
		done++;
	}
	chain_close(ring);
	__atomic_store_n(&ring->shared->sq.head, ring->sq_head, __ATOMIC_RELEASE);
	block_plug_end(&plug);
	return done || stop >= 0 ? (s64)done : stop;
}

s64 uring_submit(struct uring *ring, u32 n)
{
	struct uring_ident *id;
	s64 ret = uring_check_issuer(ring);

	if (ret)
		return ret;
	id = uring_ident_get(ring);
	if (!id)
		return -EAGAIN;
	mutex_lock(&ring->submit);
	ret = submit_as(ring, id, n);
	mutex_unlock(&ring->submit);
	uring_ident_put(ring, id);
	return ret;
}

/* ---- the polling thread ---- */

static bool poller_has_work(struct uring *ring)
{
	return entries(ring) && !(READ_ONCE(ring->flags) & RING_DISABLED);
}

/* Until there is something to do, first looking, then by small steps, then until it is woken. */
static void poller_rest(struct uring *ring, u64 since_ns)
{
	for (u32 i = 0; i < SPINS; i++) {
		if (poller_has_work(ring) || READ_ONCE(ring->poller_stop))
			return;
		plat_cpu_relax();
	}
	if (plat_mono_ns() - since_ns < ring->poller_idle_ns) {
		(void)wait_event_until(&ring->poller_wait, poller_has_work(ring) || READ_ONCE(ring->poller_stop), plat_mono_ns() + STEP_NS);
		return;
	}
	atomic_or(&ring->shared->sq_flags, IORING_SQ_NEED_WAKEUP);
	wait_event(&ring->poller_wait, poller_has_work(ring) || READ_ONCE(ring->poller_stop));
	atomic_and(&ring->shared->sq_flags, ~(u32)IORING_SQ_NEED_WAKEUP);
}

static void poller(void *arg)
{
	struct uring *ring = arg;
	u64 since_ns = plat_mono_ns();

	if (ring->poller_cpu >= 0)
		sched_set_affinity(current(), 1ull << ring->poller_cpu);
	uring_act_as(ring, ring->poller_ident);
	while (!READ_ONCE(ring->poller_stop)) {
		if (poller_has_work(ring)) {
			mutex_lock(&ring->submit);
			(void)submit_as(ring, ring->poller_ident, ~0u);
			mutex_unlock(&ring->submit);
			wake_up_all(&ring->space_wait);
			since_ns = plat_mono_ns();
		} else if (!list_empty(&ring->iopoll)) {
			uring_iopoll(ring);
			since_ns = plat_mono_ns();
		} else {
			poller_rest(ring, since_ns);
		}
		sched_yield_current();
	}
	uring_act_as_nobody(ring);
	u64 irq = uring_lock(ring);
	struct uring_ident *id = ring->poller_ident;

	ring->poller_ident = NULL;
	ring->poller_gone = true;
	uring_unlock(ring, irq);
	atomic_or(&ring->shared->sq_flags, IORING_SQ_NEED_WAKEUP);
	uring_ident_put(ring, id);
	wake_up_all(&ring->space_wait);
	uring_thread_ended(ring);
}

int uring_poller_start(struct uring *ring)
{
	struct uring_ident *id = uring_ident_get(ring);
	int err;

	if (!id)
		return -ENOMEM;
	ring->poller_ident = id;
	err = uring_poller_thread(ring, poller);
	if (err) {
		ring->poller_ident = NULL;
		uring_ident_put(ring, id);
	}
	return err;
}

void uring_poller_end(struct uring *ring)
{
	if (!(ring->setup & IORING_SETUP_SQPOLL))
		return;
	WRITE_ONCE(ring->poller_stop, true);
	wake_up_all(&ring->poller_wait);
	wait_event(&ring->idle, !READ_ONCE(ring->poller_ident));
}

int uring_poller_wake(struct uring *ring)
{
	if (READ_ONCE(ring->poller_gone))
		return -EOWNERDEAD;
	wake_up_all(&ring->poller_wait);
	return 0;
}

int uring_poller_wait_space(struct uring *ring)
{
	return wait_event_interruptible(&ring->space_wait, READ_ONCE(ring->shared->sq.tail) - READ_ONCE(ring->shared->sq.head) < ring->sq_entries ||
					READ_ONCE(ring->poller_gone)) ? -EINTR : 0;
}
