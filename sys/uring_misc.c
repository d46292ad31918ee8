/* io_uring: ranges of files and memory, pipes, epoll, registered things, other rings. */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fadvise.h>
#include "mm/mm.h"
#include "mm/user.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "vfs/epoll.h"
#include "vfs/ops.h"
#include "vfs/pipe.h"

struct op_range {
	u64 off, len;
	u32 flags;
};

/* ---- SYNC_FILE_RANGE, FALLOCATE, FADVISE, MADVISE ---- */

int uring_range_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_range *g = uring_data(r);
	bool bad = sqe->buf_index || sqe->splice_fd_in;

	g->off = sqe->off;
	g->len = sqe->len;
	g->flags = sqe->sync_range_flags;
	switch (r->op) {
	case IORING_OP_SYNC_FILE_RANGE:
	case IORING_OP_FADVISE:
		bad |= sqe->addr != 0;
		break;
	case IORING_OP_FALLOCATE:
		bad |= sqe->rw_flags != 0;
		g->len = sqe->addr;
		g->flags = sqe->len;
		break;
	case IORING_OP_MADVISE:
		bad |= sqe->off != 0;
		g->off = sqe->addr;
		break;
	}
	return bad ? -EINVAL : 0;
}

s64 uring_range_issue(struct uring_req *r, enum uring_how how)
{
	struct op_range *g = uring_data(r);

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	switch (r->op) {
	case IORING_OP_SYNC_FILE_RANGE: return vfs_sync_range(r->file, (s64)g->off, (s64)g->len, g->flags);
	case IORING_OP_FADVISE: return vfs_fadvise(r->file, (s64)g->off, (s64)g->len, (int)g->flags);
	case IORING_OP_FALLOCATE: return vfs_fallocate(r->file, (int)g->flags, (s64)g->off, (s64)g->len);
	case IORING_OP_MADVISE: return mm_advise(current()->mm, g->off, g->len, (int)g->flags);
	default: return -EINVAL;
	}
}

/* ---- SPLICE, TEE ---- */

enum { SPLICE_FLAGS = 15 };		/* SPLICE_F_* */
static const u32 splice_in_fixed = 1u << 31;

struct op_splice {
	u64 off_in, off_out;
	u32 len, flags;
	s32 fd_in;
};

int uring_splice_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_splice *s = uring_data(r);

	s->off_in = sqe->splice_off_in;
	s->off_out = sqe->off;
	s->len = sqe->len;
	s->flags = sqe->splice_flags;
	s->fd_in = sqe->splice_fd_in;
	if (r->op == IORING_OP_TEE && (s->off_in || s->off_out))
		return -EINVAL;
	return s->flags & ~(SPLICE_FLAGS | splice_in_fixed) ? -EINVAL : 0;
}

static s64 splice_do(struct uring_req *r, struct op_splice *s, struct file *in)
{
	u64 *off_in = s->off_in == ~0ull ? NULL : &s->off_in, *off_out = s->off_out == ~0ull ? NULL : &s->off_out;
	u32 flags = s->flags & SPLICE_FLAGS;

	if (!s->len)
		return 0;
	if (r->op == IORING_OP_TEE)
		return vfs_tee(in, r->file, s->len, flags);
	if ((off_in && file_pipe(in)) || (off_out && file_pipe(r->file)))
		return -ESPIPE;
	return vfs_splice(in, off_in, r->file, off_out, s->len, flags);
}

s64 uring_splice_issue(struct uring_req *r, enum uring_how how)
{
	struct op_splice *s = uring_data(r);
	struct uring_tagged *tagged = NULL;

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	struct file *in = s->flags & splice_in_fixed ? uring_fixed_file(r->ring, (u32)s->fd_in, &tagged) : fd_get(s->fd_in);
	if (!in)
		return -EBADF;
	s64 ret = splice_do(r, s, in);
	file_put(in);
	uring_tagged_put(r->ring, tagged);
	if (ret != s->len)
		r->flags |= REQ_FAIL;
	return ret;
}

/* ---- EPOLL_CTL ---- */

struct op_epoll {
	struct epoll_event event;
	s32 fd, op;
};

int uring_epoll_ctl_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_epoll *e = uring_data(r);

	if (sqe->buf_index || sqe->splice_fd_in)
		return -EINVAL;
	e->op = (s32)sqe->len;
	e->fd = (s32)sqe->off;
	return e->op != EPOLL_CTL_DEL ? copy_in(&e->event, uaddr(sqe->addr), sizeof(e->event)) : 0;
}

s64 uring_epoll_ctl_issue(struct uring_req *r, enum uring_how how)
{
	struct op_epoll *e = uring_data(r);
	struct file *ep = fd_get(r->fd), *target = ep ? fd_get(e->fd) : NULL;
	s64 ret = target ? epoll_ctl_file(ep, e->op, e->fd, target, &e->event) : -EBADF;

	if (target)
		file_put(target);
	if (ep)
		file_put(ep);
	return ret;
}

/* ---- FILES_UPDATE, PROVIDE_BUFFERS, REMOVE_BUFFERS ---- */

int uring_files_update_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_range *g = uring_data(r);

	if (r->flags & (REQ_FIXED_FILE | REQ_BUFFER_SELECT) || sqe->rw_flags || sqe->splice_fd_in || !sqe->len)
		return -EINVAL;
	g->off = sqe->addr;
	g->len = sqe->len;
	g->flags = (u32)sqe->off;
	return 0;
}

/* Descriptors become slots, which are written in their place. */
static s64 files_add(struct uring *ring, u64 user, u32 nr)
{
	s64 done = 0;
	int err = 0;

	for (; !err && done < nr; done += !err) {
		uaddr_t at = uaddr(user + (u64)done * sizeof(s32));
		s32 fd;

		err = get_user(fd, at);
		if (err)
			break;
		struct file *f = fd_get(fd);
		int slot = f ? uring_file_add(ring, f) : -EBADF;

		if (slot < 0 && f)
			file_put(f);
		err = slot < 0 ? slot : put_user((s32)slot, at);
		if (err && slot >= 0)
			(void)!uring_file_set(ring, (u32)slot, NULL, 0, false);
	}
	return done ? done : err;
}

s64 uring_files_update_issue(struct uring_req *r, enum uring_how how)
{
	struct op_range *g = uring_data(r);

	if (g->flags == IORING_FILE_INDEX_ALLOC)
		return uring_files_count(r->ring) ? files_add(r->ring, g->off, (u32)g->len) : -ENXIO;
	return sys_uring_files_update(r->ring, g->flags, g->off, 0, (u32)g->len);
}

struct op_provide {
	u64 addr;
	u32 len, count;
	u16 bid;
};

int uring_provide_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_provide *p = uring_data(r);

	if (sqe->rw_flags || sqe->splice_fd_in)
		return -EINVAL;
	if (sqe->fd <= 0 || sqe->fd > 0xffff)
		return -E2BIG;
	p->addr = sqe->addr;
	p->len = sqe->len;
	p->count = (u32)sqe->fd;
	if (p->addr + (u64)p->len * p->count < p->addr)
		return -EOVERFLOW;
	if (!user_range_ok(uaddr(p->addr), (u64)p->len * p->count))
		return -EFAULT;
	if (sqe->off > 0xffff)
		return -E2BIG;
	if (sqe->off + p->count > 0xffff)
		return -EINVAL;
	p->bid = (u16)sqe->off;
	return 0;
}

s64 uring_provide_issue(struct uring_req *r, enum uring_how how)
{
	struct op_provide *p = uring_data(r);

	return uring_provide(r->ring, r->buf_index, p->addr, p->len, p->count, p->bid);
}

int uring_unprovide_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_provide *p = uring_data(r);

	if (sqe->rw_flags || sqe->addr || sqe->len || sqe->off || sqe->splice_fd_in || sqe->fd <= 0 || sqe->fd > 0xffff)
		return -EINVAL;
	p->count = (u32)sqe->fd;
	return 0;
}

s64 uring_unprovide_issue(struct uring_req *r, enum uring_how how)
{
	struct op_provide *p = uring_data(r);

	return uring_unprovide(r->ring, r->buf_index, p->count);
}

/* ---- MSG_RING ---- */

struct op_msg_ring {
	u64 user_data;
	u32 len, cmd, src, dst, flags;
};

int uring_msg_ring_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_msg_ring *m = uring_data(r);

	if (sqe->buf_index || sqe->personality)
		return -EINVAL;
	m->user_data = sqe->off;
	m->len = sqe->len;
	m->cmd = (u32)sqe->addr;
	m->src = (u32)sqe->addr3;
	m->dst = sqe->file_index;
	m->flags = sqe->msg_ring_flags;
	return m->flags & ~IORING_MSG_RING_CQE_SKIP ? -EINVAL : 0;
}

static s64 send_fd(struct uring_req *r, struct op_msg_ring *m, struct uring *to)
{
	struct uring_tagged *tagged = NULL;
	s64 ret;

	if (to == r->ring)
		return -EINVAL;
	struct file *f = uring_fixed_file(r->ring, m->src, &tagged);
	if (!f)
		return -EBADF;
	uring_tagged_put(r->ring, tagged);
	if (m->dst == IORING_FILE_INDEX_ALLOC)
		ret = uring_file_add(to, f);
	else
		ret = m->dst ? uring_file_set(to, m->dst - 1, f, 0, false) : -EINVAL;
	if (ret < 0) {
		file_put(f);
		return ret;
	}
	if (m->flags & IORING_MSG_RING_CQE_SKIP || uring_post_aux(to, m->user_data, (s32)ret, 0))
		return ret;
	return -EOVERFLOW;
}

s64 uring_msg_ring_issue(struct uring_req *r, enum uring_how how)
{
	struct op_msg_ring *m = uring_data(r);
	struct uring *to = file_uring(r->file);

	if (!to || READ_ONCE(to->flags) & RING_DISABLED)
		return -EBADFD;
	switch (m->cmd) {
	case IORING_MSG_DATA:
		if (m->src || m->dst || m->flags)
			return -EINVAL;
		return uring_post_aux(to, m->user_data, (s32)m->len, 0) ? 0 : -EOVERFLOW;
	case IORING_MSG_SEND_FD: return send_fd(r, m, to);
	default: return -EINVAL;
	}
}
