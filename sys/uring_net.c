/*
 * io_uring: sockets.  Each is tried without waiting; what would wait waits for readiness.
 *
 * Not there: IORING_RECV_MULTISHOT of RECVMSG, SEND_ZC, SENDMSG_ZC (EINVAL).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "kern/slab.h"
#include "mm/user.h"
#include "sock/sock.h"
#include "sys/msg.h"
#include "sys/sys.h"
#include "sys/uring.h"

enum { TYPE_FLAGS = O_NONBLOCK | O_CLOEXEC };

/* ---- SEND, RECV, SENDMSG, RECVMSG ---- */

struct op_msg {
	u64 addr;			/* the bytes, or the message in user memory */
	u32 len, done;
	u32 flags;			/* MSG_* */
	u32 options;			/* IORING_RECVSEND_*, IORING_RECV_MULTISHOT */
	int err;			/* met when it was submitted */
	u64 total;
	struct msg_copy *copy;		/* of a message */
	struct sock_addr *to;		/* SEND to an address */
};
URING_DATA_FITS(struct op_msg);

void uring_msg_cleanup(struct uring_req *r)
{
	struct op_msg *m = uring_data(r);

	if (m->copy)
		sys_msg_free(m->copy);
	kfree(m->copy);
	kfree(m->to);
	m->copy = NULL;
	m->to = NULL;
}

static bool is_send(const struct uring_req *r) { return r->op == IORING_OP_SEND || r->op == IORING_OP_SENDMSG; }
static bool is_msg(const struct uring_req *r) { return r->op == IORING_OP_SENDMSG || r->op == IORING_OP_RECVMSG; }

/* The whole message in the kernel, so that the program may reuse what it gave. */
static int copy_msg(struct uring_req *r, struct op_msg *m)
{
	struct msg_copy *c = kzalloc(sizeof(*c), ALLOC_KERNEL);
	int err;

	if (!c)
		return -ENOMEM;
	m->copy = c;
	err = sys_msg_in(c, m->addr, 0);
	if (err)
		return err;
	m->total = iter_left(&c->it);
	if (is_send(r)) {
		if (c->user.name_len) {
			err = sys_addr_in(&c->addr, c->user.name, (u64)c->user.name_len);
			c->m.addr = &c->addr;
		}
		return err ? err : sys_control_in(c);
	}
	if (r->flags & REQ_BUFFER_SELECT && c->user.iov_len > 1)
		return -EINVAL;
	c->m.addr = &c->addr;
	return sys_control_room(c);
}

static int options_check(struct uring_req *r, const struct op_msg *m)
{
	if (is_send(r))
		return m->options & ~(u32)IORING_RECVSEND_POLL_FIRST ? -EINVAL : 0;
	if (m->options & ~(u32)(IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT))
		return -EINVAL;
	if (!(m->options & IORING_RECV_MULTISHOT))
		return 0;
	if (r->op == IORING_OP_RECVMSG || !(r->flags & REQ_BUFFER_SELECT) || m->flags & MSG_WAITALL || m->len)
		return -EINVAL;
	r->flags |= REQ_MULTISHOT;
	return 0;
}

int uring_msg_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_msg *m = uring_data(r);
	int err;

	if (r->op == IORING_OP_SEND ? sqe->__pad3[0] : sqe->addr2 || sqe->file_index)
		return -EINVAL;
	m->addr = sqe->addr;
	m->len = sqe->len;
	m->options = sqe->ioprio;
	m->flags = sqe->msg_flags | (is_send(r) ? MSG_NOSIGNAL : 0);
	err = options_check(r, m);
	if (err)
		return err;
	if (m->flags & MSG_DONTWAIT)
		r->flags |= REQ_NOWAIT;
	if (is_msg(r)) {
		m->err = copy_msg(r, m);
	} else if (r->op == IORING_OP_SEND && sqe->addr2) {
		m->to = kzalloc(sizeof(*m->to), ALLOC_KERNEL);
		m->err = m->to ? sys_addr_in(m->to, sqe->addr2, sqe->addr_len) : -ENOMEM;
	}
	if (!m->err && !is_msg(r) && !(r->flags & REQ_BUFFER_SELECT) && !user_range_ok(uaddr(m->addr), m->len))
		m->err = -EFAULT;
	return 0;
}

/* One transfer of SEND or RECV. */
static s64 bytes_do(struct uring_req *r, struct op_msg *m, u32 flags)
{
	u64 addr = m->addr + m->done;
	u32 len = m->len - m->done;
	struct iter it;
	struct sock_msg s = { .iter = &it, .flags = flags, .addr = m->to };
	s64 ret = 0;

	if (r->flags & REQ_BUFFER_SELECT) {
		len = m->len;
		ret = uring_pick(r, &addr, &len);
	}
	if (ret)
		return ret;
	iter_init_user(&it, uaddr(addr), MIN(len, 0x7ffff000u));
	m->total = m->done + iter_left(&it);
	if (is_send(r))
		return sock_sendmsg(r->file, &s);
	ret = sock_recvmsg(r->file, &s);
	sock_msg_end(&s, false);
	return ret;
}

static s64 msg_do(struct uring_req *r, struct op_msg *m, u32 flags)
{
	struct msg_copy *c = m->copy;
	s64 ret = 0;

	if (r->flags & REQ_BUFFER_SELECT) {
		u32 len = c->user.iov_len ? (u32)c->seg[0].len : 0;
		u64 addr;

		ret = uring_pick(r, &addr, &len);
		if (ret)
			return ret;
		iter_init_user(&c->it, uaddr(addr), len);
	} else {
		iter_init_segs(&c->it, ITER_USER, c->seg, (u32)c->user.iov_len, m->total);
	}
	c->m.flags = flags;
	c->m.flags_out = 0;
	if (is_send(r))
		return sock_sendmsg(r->file, &c->m);
	c->m.control_len = 0;
	ret = sock_recvmsg(r->file, &c->m);
	if (ret >= 0) {
		int err = sys_msg_out(c, m->addr);

		ret = err ? err : ret;
	}
	sock_msg_end(&c->m, ret >= 0);
	return ret;
}

static void pick_settle(struct uring_req *r, s64 ret)
{
	if (!r->picked.kind)
		return;
	if (ret == -EAGAIN)
		uring_pick_back(r);
	else
		uring_pick_done(r);
}

s64 uring_msg_issue(struct uring_req *r, enum uring_how how)
{
	struct op_msg *m = uring_data(r);
	u32 flags = m->flags | (how == ISSUE_NOWAIT ? MSG_DONTWAIT : 0);
	s64 ret;

	if (!file_socket(r->file))
		return -ENOTSOCK;
	if (m->err)
		return m->err;
	if (m->options & IORING_RECVSEND_POLL_FIRST && !r->poll && how == ISSUE_NOWAIT)
		return -EAGAIN;
	for (;;) {
		ret = is_msg(r) ? msg_do(r, m, flags) : bytes_do(r, m, flags);
		pick_settle(r, ret);
		if (!(r->flags & REQ_MULTISHOT) || ret <= 0)
			break;
		if (!uring_post(r, (s32)ret, r->cflags | IORING_CQE_F_MORE))
			return ret;
		r->cflags = 0;
	}
	/* What was asked for as a whole goes on where it stopped. */
	if (ret > 0 && !is_msg(r) && m->flags & MSG_WAITALL && !(r->flags & REQ_BUFFER_SELECT) && m->done + ret < (s64)m->len &&
	    how == ISSUE_NOWAIT && !(m->flags & MSG_DONTWAIT)) {
		m->done += (u32)ret;
		return -EAGAIN;
	}
	if (ret >= 0 && m->flags & MSG_WAITALL && m->done + ret < (s64)m->total)
		r->flags |= REQ_FAIL;
	return ret >= 0 || (m->done && ret != -EAGAIN) ? m->done + MAX(ret, (s64)0) : ret;
}

/* ---- ACCEPT ---- */

struct op_accept {
	u64 addr, addr_len;
	u32 flags, slot;
};

int uring_accept_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_accept *a = uring_data(r);

	if (sqe->len || sqe->buf_index)
		return -EINVAL;
	a->addr = sqe->addr;
	a->addr_len = sqe->addr2;
	a->flags = sqe->accept_flags;
	a->slot = sqe->file_index;
	if (sqe->ioprio & ~IORING_ACCEPT_MULTISHOT)
		return -EINVAL;
	if (a->slot && a->flags & O_CLOEXEC)
		return -EINVAL;
	if (sqe->ioprio & IORING_ACCEPT_MULTISHOT) {
		if (a->slot && a->slot != IORING_FILE_INDEX_ALLOC)
			return -EINVAL;
		r->flags |= REQ_MULTISHOT;
	}
	return a->flags & ~(u32)TYPE_FLAGS ? -EINVAL : 0;
}

static s64 accept_one(struct uring_req *r, struct op_accept *a, bool nowait)
{
	struct sock_addr peer;
	struct file *f = sock_accept_mode(r->file, a->flags & O_NONBLOCK, a->addr ? &peer : NULL, nowait || r->file->flags & O_NONBLOCK);

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (a->addr) {
		int err = sys_addr_out(&peer, a->addr, a->addr_len);

		if (err) {
			file_put(f);
			return err;
		}
	}
	return uring_install(r, f, a->slot, a->flags & O_CLOEXEC);
}

s64 uring_accept_issue(struct uring_req *r, enum uring_how how)
{
	struct op_accept *a = uring_data(r);
	s64 ret;

	if (!file_socket(r->file))
		return -ENOTSOCK;
	do {
		ret = accept_one(r, a, how == ISSUE_NOWAIT);
	} while (ret >= 0 && r->flags & REQ_MULTISHOT && uring_post(r, (s32)ret, IORING_CQE_F_MORE));
	return ret;
}

/* ---- CONNECT, SHUTDOWN, SOCKET ---- */

struct op_connect {
	struct sock_addr addr;
	int err;
	bool under_way;
};
URING_DATA_FITS(struct op_connect);

int uring_connect_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_connect *c = uring_data(r);

	if (sqe->len || sqe->buf_index || sqe->rw_flags || sqe->splice_fd_in)
		return -EINVAL;
	c->err = sys_addr_in(&c->addr, sqe->addr, sqe->addr2);
	return 0;
}

s64 uring_connect_issue(struct uring_req *r, enum uring_how how)
{
	struct op_connect *c = uring_data(r);
	struct socket *s = file_socket(r->file);
	bool nonblock = r->file->flags & O_NONBLOCK;
	int ret;

	if (!s)
		return -ENOTSOCK;
	if (c->err)
		return c->err;
	if (c->under_way)
		return sock_take_error(s);
	ret = sock_connect_mode(r->file, &c->addr, nonblock || how == ISSUE_NOWAIT);
	if (how == ISSUE_BLOCK || nonblock)
		return ret;
	if (ret == -EAGAIN)		/* AF_UNIX: the listener's queue is full, of which readiness does not tell */
		return -URING_PUNT;
	if (ret == -EINPROGRESS) {
		c->under_way = true;
		return -EAGAIN;
	}
	return ret;
}

struct op_socket {
	u32 type, protocol, slot;
};

int uring_shutdown_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_socket *s = uring_data(r);

	s->type = sqe->len;
	return sqe->off || sqe->addr || sqe->rw_flags || sqe->buf_index || sqe->splice_fd_in ? -EINVAL : 0;
}

s64 uring_shutdown_issue(struct uring_req *r, enum uring_how how)
{
	struct op_socket *s = uring_data(r);

	return file_socket(r->file) ? sock_shutdown(r->file, (int)s->type) : -ENOTSOCK;
}

int uring_socket_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_socket *s = uring_data(r);

	if (sqe->addr || sqe->rw_flags || sqe->buf_index)
		return -EINVAL;
	s->type = (u32)sqe->off;
	s->protocol = sqe->len;
	s->slot = sqe->file_index;
	if (s->slot && s->type & O_CLOEXEC)
		return -EINVAL;
	return s->type & ~(u32)(SOCK_TYPE_MASK | TYPE_FLAGS) ? -EINVAL : 0;
}

s64 uring_socket_issue(struct uring_req *r, enum uring_how how)
{
	struct op_socket *o = uring_data(r);
	struct socket *s;
	int err = socket_create(r->fd, (int)o->type & SOCK_TYPE_MASK, (int)o->protocol, &s);

	if (err)
		return err;
	struct file *f = sock_file(s, o->type & O_NONBLOCK);

	return IS_ERR(f) ? PTR_ERR(f) : uring_install(r, f, o->slot, o->type & O_CLOEXEC);
}
