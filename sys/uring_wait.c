/* io_uring: readiness, time, cancelling. */
#include <linux/errno.h>
#include <linux/time_types.h>
#include "kern/timer.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "vfs/poll.h"

/* ---- POLL_ADD, POLL_REMOVE ---- */

struct op_poll {
	u32 events;
	bool multi, level, started;
};

enum { POLL_BEHAVIOUR = (u32)EPOLLEXCLUSIVE | EPOLLONESHOT };

int uring_poll_add_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_poll *p = uring_data(r);

	if (sqe->buf_index || sqe->off || sqe->addr || sqe->len & ~(u32)(IORING_POLL_ADD_MULTI | IORING_POLL_ADD_LEVEL))
		return -EINVAL;
	if (sqe->len & IORING_POLL_ADD_MULTI && r->flags & REQ_SKIP_SUCCESS)
		return -EINVAL;
	p->events = sqe->poll32_events & ~(u32)(POLL_BEHAVIOUR | EPOLLET);
	p->multi = sqe->len & IORING_POLL_ADD_MULTI;
	p->level = sqe->len & IORING_POLL_ADD_LEVEL;
	if (p->multi)
		r->flags |= REQ_MULTISHOT;
	return 0;
}

/* One shot ends with what is ready; several tell of each wake-up and wait on. */
s64 uring_poll_add_issue(struct uring_req *r, enum uring_how how)
{
	struct op_poll *p = uring_data(r);
	bool multi = p->multi, level = p->level;	/* once it is armed, @r is no longer ours */
	s64 mask;

	if (p->started) {
		mask = file_poll(r->file, NULL) & (p->events | EPOLLERR | EPOLLHUP);
		if (!mask)
			mask = uring_arm(r, p->events, false);
	} else {
		p->started = true;
		mask = uring_arm(r, p->events, false);
	}
	while (multi && mask > 0) {
		if (!uring_post(r, (s32)mask, IORING_CQE_F_MORE))
			return mask;
		mask = uring_arm(r, p->events, !level);
	}
	return mask ? mask : -EIOCBQUEUED;
}

struct op_poll_remove {
	u64 old_data, new_data;
	u32 events, flags;
};

int uring_poll_remove_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	const u32 update = IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA;
	struct op_poll_remove *p = uring_data(r);

	if (sqe->buf_index || sqe->splice_fd_in || sqe->len & ~(update | IORING_POLL_ADD_MULTI) || sqe->len == IORING_POLL_ADD_MULTI)
		return -EINVAL;
	if (!(sqe->len & IORING_POLL_UPDATE_USER_DATA) && sqe->off)
		return -EINVAL;
	if (!(sqe->len & IORING_POLL_UPDATE_EVENTS) && sqe->poll32_events)
		return -EINVAL;
	p->old_data = sqe->addr;
	p->new_data = sqe->off;
	p->flags = sqe->len;
	p->events = sqe->poll32_events & ~(u32)(POLL_BEHAVIOUR | EPOLLET);
	return 0;
}

s64 uring_poll_remove_issue(struct uring_req *r, enum uring_how how)
{
	struct op_poll_remove *p = uring_data(r);
	const struct uring_match m = { .user_data = p->old_data, .only_op = true, .op = IORING_OP_POLL_ADD, .not = r };

	if (!(p->flags & (IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA)))
		return uring_cancel(r->ring, &m);
	struct uring_req *target = uring_claim(r->ring, &m);
	if (IS_ERR(target))
		return PTR_ERR(target);
	struct op_poll *t = uring_data(target);
	u64 irq = uring_lock(r->ring);

	if (p->flags & IORING_POLL_UPDATE_EVENTS)
		t->events = p->events;
	if (p->flags & IORING_POLL_UPDATE_USER_DATA)
		target->user_data = p->new_data;
	uring_unlock(r->ring, irq);
	if (target->poll)
		WRITE_ONCE(target->poll->events, t->events);
	uring_issue(target, ISSUE_NOWAIT);
	return 0;
}

/* ---- TIMEOUT, LINK_TIMEOUT, TIMEOUT_REMOVE ---- */

struct op_timeout {
	u64 ns;
	u32 count, flags;
};

static int clock_check(u32 flags)
{
	return (flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_CLOCK_MASK ? -EINVAL : 0;
}

static int time_in(u64 user, u64 *ns)
{
	struct __kernel_timespec ts;

	if (copy_in(&ts, uaddr(user), sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > 9000000000ull ? ~0ull : (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	return 0;
}

static u64 deadline_of(u64 ns, u32 flags)
{
	u64 now = plat_mono_ns();

	if (ns == ~0ull)
		return ns;
	if (!(flags & IORING_TIMEOUT_ABS))
		return now + ns;
	if (flags & IORING_TIMEOUT_REALTIME) {
		u64 off = clock_realtime_offset_ns();

		return ns > off ? ns - off : now;
	}
	return ns;
}

static int timeout_prep(struct uring_req *r, const struct io_uring_sqe *sqe, bool linked)
{
	struct op_timeout *t = uring_data(r);
	u32 flags = sqe->timeout_flags;

	if (sqe->buf_index || sqe->len != 1 || sqe->splice_fd_in || (linked && sqe->off))
		return -EINVAL;
	if (flags & ~(u32)(IORING_TIMEOUT_ABS | IORING_TIMEOUT_CLOCK_MASK | IORING_TIMEOUT_ETIME_SUCCESS) || clock_check(flags))
		return -EINVAL;
	t->count = (u32)sqe->off;
	t->flags = flags;
	if (flags & IORING_TIMEOUT_ETIME_SUCCESS)
		r->flags |= REQ_ETIME_OK;
	return time_in(sqe->addr, &t->ns);
}

int uring_timeout_prep(struct uring_req *r, const struct io_uring_sqe *sqe) { return timeout_prep(r, sqe, false); }
int uring_ltimeout_prep(struct uring_req *r, const struct io_uring_sqe *sqe) { return timeout_prep(r, sqe, true); }

s64 uring_timeout_issue(struct uring_req *r, enum uring_how how)
{
	struct op_timeout *t = uring_data(r);

	uring_timer_start(r, deadline_of(t->ns, t->flags), t->count);
	return -EIOCBQUEUED;
}

u64 uring_ltimeout_deadline(struct uring_req *r)
{
	struct op_timeout *t = uring_data(r);

	return deadline_of(t->ns, t->flags);
}

/* It is armed with the request that it watches, and never runs by itself; one with none left to watch is over. */
s64 uring_ltimeout_issue(struct uring_req *r, enum uring_how how) { return -ECANCELED; }

struct op_timeout_remove {
	u64 user_data, ns;
	u32 flags;
};

int uring_timeout_remove_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_timeout_remove *t = uring_data(r);
	u32 flags = sqe->timeout_flags;

	if (r->flags & (REQ_FIXED_FILE | REQ_BUFFER_SELECT) || sqe->buf_index || sqe->len || sqe->splice_fd_in)
		return -EINVAL;
	t->user_data = sqe->addr;
	t->flags = flags;
	if (!(flags & IORING_TIMEOUT_UPDATE_MASK))
		return flags ? -EINVAL : 0;
	if (clock_check(flags) || flags & ~(u32)(IORING_TIMEOUT_UPDATE_MASK | IORING_TIMEOUT_ABS))
		return -EINVAL;
	return time_in(sqe->addr2, &t->ns);
}

s64 uring_timeout_remove_issue(struct uring_req *r, enum uring_how how)
{
	struct op_timeout_remove *t = uring_data(r);
	const struct uring_match m = { .user_data = t->user_data, .only_op = true, .op = IORING_OP_TIMEOUT, .not = r };

	if (!(t->flags & IORING_TIMEOUT_UPDATE_MASK))
		return uring_cancel(r->ring, &m);
	return uring_timer_update(r->ring, t->user_data, t->flags & IORING_LINK_TIMEOUT_UPDATE, deadline_of(t->ns, t->flags));
}

/* ---- ASYNC_CANCEL ---- */

struct op_cancel {
	u64 user_data;
	u32 flags;
};

int uring_cancel_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	const u32 known = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD_FIXED;
	struct op_cancel *c = uring_data(r);

	if (r->flags & REQ_BUFFER_SELECT || sqe->off || sqe->splice_fd_in || sqe->cancel_flags & ~known)
		return -EINVAL;
	if (sqe->cancel_flags & IORING_ASYNC_CANCEL_FD && sqe->cancel_flags & IORING_ASYNC_CANCEL_ANY)
		return -EINVAL;
	c->user_data = sqe->addr;
	c->flags = sqe->cancel_flags;
	return 0;
}

int sys_uring_match_file(struct uring *ring, struct uring_match *m, s32 fd, struct uring_tagged **tagged)
{
	*tagged = NULL;
	if (!(m->flags & IORING_ASYNC_CANCEL_FD))
		return 0;
	m->file = m->flags & IORING_ASYNC_CANCEL_FD_FIXED ? uring_fixed_file(ring, (u32)fd, tagged) : fd_get(fd);
	return m->file ? 0 : -EBADF;
}

void sys_uring_match_end(struct uring *ring, struct uring_match *m, struct uring_tagged *tagged)
{
	if (m->file)
		file_put(m->file);
	uring_tagged_put(ring, tagged);
}

s64 uring_cancel_issue(struct uring_req *r, enum uring_how how)
{
	struct op_cancel *c = uring_data(r);
	struct uring_match m = { .user_data = c->user_data, .flags = c->flags, .not = r };
	struct uring_tagged *tagged;
	int ret;

	if (r->flags & REQ_FIXED_FILE)
		m.flags |= IORING_ASYNC_CANCEL_FD_FIXED;
	ret = sys_uring_match_file(r->ring, &m, r->fd, &tagged);
	if (!ret)
		ret = uring_cancel(r->ring, &m);
	sys_uring_match_end(r->ring, &m, tagged);
	return ret;
}
