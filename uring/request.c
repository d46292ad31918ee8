/* The life of a request; see uring.h. */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "uring/uring.h"
#include "vfs/internal.h"

const struct uring_op *uring_ops;
u32 uring_op_count;
const struct uring_task_ops *uring_task;

void uring_register_ops(const struct uring_op *ops, u32 count)
{
	uring_ops = ops;
	uring_op_count = count;
}

void uring_register_task_ops(const struct uring_task_ops *ops) { uring_task = ops; }

/* ---- birth ---- */

struct uring_req *uring_req_new(struct uring *ring, struct uring_ident *ident)
{
	struct uring_req *r = kzalloc(sizeof(*r), ALLOC_KERNEL);

	if (!r)
		return NULL;
	uring_get(ring);
	atomic_inc(&ident->refs);
	r->ring = ring;
	r->ident = ident;
	r->refs = 1;
	r->late.owner = r;
	list_init(&r->all);
	list_init(&r->node);
	return r;
}

void uring_req_accept(struct uring_req *r)
{
	u64 irq = uring_lock(r->ring);

	r->seq = ++r->ring->seq;
	list_add_tail(&r->all, &r->ring->all);
	uring_unlock(r->ring, irq);
}

void uring_req_put(struct uring_req *r)
{
	if (atomic_dec_and_test(&r->refs))
		kfree(r);
}

/* Let go of everything but the struct. Context: thread */
static void release(struct uring_req *r)
{
	struct uring *ring = r->ring;

	if (r->flags & REQ_PREPARED && uring_ops[r->op].cleanup)
		uring_ops[r->op].cleanup(r);
	uring_disarm(r);
	uring_req_release_buffers(r);
	if (r->file)
		file_put(r->file);
	if (r->cred)
		cred_put(r->cred);
	uring_ident_put(ring, r->ident);
	uring_req_put(r);
	wake_up_all(&ring->idle);
	uring_put(ring);
}

/* ---- files ---- */

int uring_get_file(struct uring_req *r)
{
	if (r->file)
		return 0;
	r->file = r->flags & REQ_FIXED_FILE ? uring_fixed_file(r->ring, (u32)r->fd, &r->tagged) : fd_get(r->fd);
	return r->file ? 0 : -EBADF;
}

bool uring_file_pollable(const struct file *f)
{
	return f->ops->poll && !inode_is_reg(f->inode) && !inode_is_dir(f->inode);
}

/* ---- starting ---- */

bool uring_doomed(const struct uring_req *r)
{
	return r->ring->flags & RING_DYING || r->ident->gone;
}

/* Where @r goes: those that were woken keep the order of their submission, in which they will find what they wait for. */
static struct list_head *behind_younger(const struct uring_req *r, enum uring_todo todo)
{
	struct list_head *at = &r->ring->ready;

	while (todo == TODO_RETRY && at->prev != &r->ring->ready) {
		struct uring_req *before = list_entry(at->prev, struct uring_req, node);

		if (before->todo != TODO_RETRY || before->seq < r->seq)
			break;
		at = &before->node;
	}
	return at;
}

void uring_make_ready_locked(struct uring_req *r, enum uring_todo todo)
{
	r->state = US_READY;
	r->todo = todo;
	r->worker = NULL;
	list_add_tail(&r->node, behind_younger(r, todo));
	uring_kick_locked(r->ring, r);
}

/* Those at the head that may start, invariant 1. */
static void kick_deferred_locked(struct uring *ring)
{
	while (!list_empty(&ring->deferred)) {
		struct uring_req *r = list_first_entry(&ring->deferred, struct uring_req, node);

		if (r->flags & REQ_DRAIN && !list_is_first(&r->all, &ring->all))
			break;
		list_del_init(&r->node);
		uring_make_ready_locked(r, TODO_START);
	}
}

/* Its turn has come: RUNNING, the caller's. */
static void begin(struct uring_req *r)
{
	if (r->link && r->link->op == IORING_OP_LINK_TIMEOUT)
		uring_ltimeout_arm(r, r->link);
	if (r->flags & REQ_ASYNC)
		uring_queue(r);
	else
		uring_issue(r, ISSUE_NOWAIT);
}

void uring_start(struct uring_req *r)
{
	struct uring *ring = r->ring;
	u64 irq = uring_lock(ring);
	bool wait = !list_empty(&ring->deferred) || (r->flags & REQ_DRAIN && !list_is_first(&r->all, &ring->all));

	if (wait && !(r->flags & REQ_FAILED_EARLY) && !uring_doomed(r)) {
		r->state = US_DEFERRED;
		list_add_tail(&r->node, &ring->deferred);
		uring_unlock(ring, irq);
		return;
	}
	r->state = US_RUNNING;
	uring_unlock(ring, irq);
	if (r->flags & REQ_FAILED_EARLY)
		uring_end(r, r->res);
	else
		begin(r);
}

static bool doomed(struct uring_req *r)
{
	u64 irq = uring_lock(r->ring);
	bool yes = uring_doomed(r);

	uring_unlock(r->ring, irq);
	return yes;
}

void uring_run(struct uring_req *r)
{
	switch ((enum uring_todo)r->todo) {
	case TODO_START:
		if (doomed(r))
			uring_end(r, -ECANCELED);
		else if (r->flags & REQ_FAILED_EARLY)
			uring_end(r, r->res);
		else
			begin(r);
		break;
	case TODO_RETRY:
		if (doomed(r))
			uring_end(r, -ECANCELED);
		else
			uring_issue(r, ISSUE_NOWAIT);
		break;
	case TODO_TIMER: uring_timer_run(r); break;
	case TODO_END:
		uring_timer_stop(r);
		uring_end(r, r->res);
		break;
	}
}

/* Results that only the signal code may see. */
static s64 user_result(s64 ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK ? -EINTR : ret;
}

static s64 issue_as(struct uring_req *r, enum uring_how how)
{
	const struct uring_op *op = &uring_ops[r->op];
	const struct cred *old, *cred = r->cred ? r->cred : r->ident->cred;
	s64 ret = op->flags & OP_FILE ? uring_get_file(r) : 0;

	if (ret)
		return ret;
	old = cred_override(cred);
	ret = op->issue(r, how);	/* -EIOCBQUEUED: @r may be gone */
	cred_revert(old);
	return ret;
}

void uring_issue(struct uring_req *r, enum uring_how how)
{
	const struct uring_op *op = &uring_ops[r->op];

	/* Even in the pool: what can wait for readiness does, and can be taken back then. */
	if (how == ISSUE_BLOCK && op->poll_events && !(r->flags & REQ_PUNTED) && !uring_get_file(r) && r->file->ops->flags & FOP_NOWAIT)
		how = ISSUE_NOWAIT;
	for (;;) {
		s64 ret = issue_as(r, how);

		if (ret == -EIOCBQUEUED)
			return;
		if (ret == -URING_PUNT) {
			r->flags |= REQ_PUNTED;
			uring_queue(r);
			return;
		}
		if ((ret == -EAGAIN && !(r->flags & REQ_NOWAIT)) || ret == -URING_REARM) {
			if (op->poll_events && r->file && uring_file_pollable(r->file)) {
				ret = uring_arm(r, op->poll_events, false);
				if (!ret)
					return;
				if (ret > 0)
					continue;
			} else if (how == ISSUE_NOWAIT) {
				uring_queue(r);
				return;
			}
		}
		uring_end(r, user_result(ret));
		return;
	}
}

/* ---- the device ---- */

/* Let go of the file unless that closes it, which takes a thread. */
static bool file_put_light(struct uring_req *r)
{
	u32 refs = atomic_load(&r->file->refs);

	while (refs > 1) {
		if (try_cmpxchg(&r->file->refs, &refs, refs - 1)) {
			r->file = NULL;
			return true;
		}
	}
	return false;
}

static void note_failure(struct uring_req *r, s64 res)
{
	bool fine = (res == -ETIME && r->flags & REQ_ETIME_OK) || (r->op == IORING_OP_LINK_TIMEOUT && !(r->flags & REQ_FAILED_EARLY));

	if ((res < 0 && !fine) || (r->flags & REQ_WANT && res != r->want))
		r->flags |= REQ_FAIL;
}

static void complete_locked(struct uring_req *r, s64 res)
{
	const struct uring_cqe cqe = { r->user_data, (s32)res, r->cflags, { r->extra[0], r->extra[1] } };

	if (!(r->flags & REQ_SKIP_ALWAYS) && !(r->flags & REQ_SKIP_SUCCESS && !(r->flags & REQ_FAIL))) {
		uring_post_locked(r->ring, &cqe, &r->late);
		if (r->op != IORING_OP_TIMEOUT)
			r->ring->counted++;
		uring_count_locked(r->ring);
	}
	list_del_init(&r->all);
	r->state = US_DONE;
}

/* Any context. What is left to do may need a thread; mostly nothing is. */
static void device_done(struct async_io *io, s64 res)
{
	struct uring_req *r = container_of(io, struct uring_req, io);
	struct uring *ring = r->ring;
	u64 irq = uring_lock(ring);
	bool light;

	list_del_init(&r->node);	/* of ring->iopoll */
	r->res = res;
	note_failure(r, res);
	light = !r->link && !r->cred && !r->poll && list_empty(&ring->deferred) && !(r->flags & REQ_PREPARED && uring_ops[r->op].cleanup) &&
		uring_req_buffers_light(r) && file_put_light(r);
	light = light && uring_ident_put_light(r->ident);
	if (light) {
		complete_locked(r, res);
	} else {
		uring_make_ready_locked(r, TODO_END);
	}
	uring_unlock(ring, irq);
	if (!light)
		return;
	uring_posted(ring, true);
	uring_req_put(r);
	wake_up_all(&ring->idle);
	uring_put(ring);
}

struct async_io *uring_device(struct uring_req *r)
{
	u64 irq = uring_lock(r->ring);

	r->state = US_DEVICE;
	r->io.done = device_done;
	if (r->ring->setup & IORING_SETUP_IOPOLL)
		list_add_tail(&r->node, &r->ring->iopoll);
	uring_unlock(r->ring, irq);
	return &r->io;
}

void uring_device_not(struct uring_req *r)
{
	u64 irq = uring_lock(r->ring);

	r->state = US_RUNNING;
	list_del_init(&r->node);
	uring_unlock(r->ring, irq);
}

/* ---- ends ---- */

static bool post(struct uring *ring, const struct uring_cqe *cqe)
{
	struct uring_late *late = kzalloc(sizeof(*late), ALLOC_KERNEL);

	if (!late)
		return false;
	u64 irq = uring_lock(ring);

	uring_post_locked(ring, cqe, late);
	ring->counted++;
	uring_count_locked(ring);
	uring_unlock(ring, irq);
	uring_posted(ring, true);
	return true;
}

bool uring_post(struct uring_req *r, s32 res, u32 cflags)
{
	const struct uring_cqe cqe = { r->user_data, res, cflags, { r->extra[0], r->extra[1] } };

	return post(r->ring, &cqe);
}

bool uring_post_aux(struct uring *ring, u64 user_data, s32 res, u32 cflags)
{
	const struct uring_cqe cqe = { .user_data = user_data, .res = res, .flags = cflags };

	return post(ring, &cqe);
}

/* The linked timeout that watches @r, unless it has fired: it is over, and so on @dead. The chain goes on behind it. */
static void detach_ltimeout_locked(struct uring_req *r, struct list_head *dead)
{
	struct uring_req *lt = r->link;

	if (!lt || lt->head != r)
		return;
	r->link = lt->link;
	lt->link = NULL;
	lt->head = NULL;
	if (lt->state != US_TIMER)
		return;
	complete_locked(lt, -ECANCELED);
	list_add_tail(&lt->node, dead);
}

/* All behind @r are cancelled; those that never could start have their own result. */
static void break_chain_locked(struct uring_req *r, bool skip, struct list_head *dead)
{
	struct uring_req *n = r->link, *next;

	r->link = NULL;
	for (; n; n = next) {
		next = n->link;
		n->link = NULL;
		n->flags |= REQ_FAIL | (skip ? REQ_SKIP_ALWAYS : 0);
		complete_locked(n, n->flags & REQ_FAILED_EARLY ? n->res : -ECANCELED);
		list_add_tail(&n->node, dead);
	}
}

void uring_end(struct uring_req *r, s64 res)
{
	struct uring *ring = r->ring;
	bool submitter = current() == r->ident->thread;
	LIST_HEAD(dead);

	note_failure(r, res);
	if (r->flags & REQ_PREPARED && uring_ops[r->op].cleanup)
		uring_ops[r->op].cleanup(r);
	r->flags &= ~(u32)REQ_PREPARED;
	u64 irq = uring_lock(ring);
	complete_locked(r, res);
	detach_ltimeout_locked(r, &dead);
	if (r->flags & REQ_FAIL && !(r->flags & REQ_HARDLINK && !(r->flags & REQ_FAILED_EARLY))) {
		break_chain_locked(r, r->flags & REQ_SKIP_SUCCESS, &dead);
	} else if (r->link) {
		uring_make_ready_locked(r->link, TODO_START);
		r->link = NULL;
	}
	kick_deferred_locked(ring);
	uring_unlock(ring, irq);
	uring_posted(ring, !submitter);
	while (!list_empty(&dead)) {
		struct uring_req *d = list_first_entry(&dead, struct uring_req, node);

		list_del_init(&d->node);
		uring_timer_stop(d);
		release(d);
	}
	release(r);
}
