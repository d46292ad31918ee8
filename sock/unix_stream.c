/*
 * SOCK_STREAM of AF_UNIX: bytes.
 *
 * A sender copies straight into chunks on the receiver's queue, under the receiver's lock: small writes fill up the last chunk, large ones
 * make chunks of several pages.  Chunks join only where nobody could tell: same credentials, no files.  Files go with
 * the first byte of their message; a read stops behind them, so they are never mixed with those of the next.
 *
 * The peer of a connected stream never changes while its file is open, so it is used without a reference.
 *
 * Source: unix(7), recv(2), send(2).
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/page.h"
#include "sock/unix.h"

/* ---- sending ---- */

struct stream_send {
	struct unix_sock *u, *peer;
	struct sock_msg *m;
	struct scm scm;
	s64 sent;
};

static bool creds_equal(const struct ucred_kernel *a, const struct ucred_kernel *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* The last chunk of the queue, if bytes of this message may follow in it. peer->lock held. */
static struct unix_msg *joinable(const struct stream_send *s)
{
	struct unix_sock *peer = s->peer;

	if (s->scm.files || list_empty(&peer->queue))
		return NULL;
	struct unix_msg *last = list_last_entry(&peer->queue, struct unix_msg, node);

	return last->end < last->room && !READ_ONCE(last->files) && creds_equal(&last->creds, &s->scm.creds) ? last : NULL;
}

/* An empty chunk for up to @bytes: the queue's spare one if that is large enough. */
static struct unix_msg *chunk_get(struct stream_send *s, u64 bytes)
{
	struct unix_sock *peer = s->peer;
	struct unix_msg *c = peer->spare;
	u32 n = (u32)MIN(bytes, UNIX_CHUNK_PAGES * PAGE_SIZE);

	if (!c || n > c->room)
		return unix_msg_new(s->u, n, true);
	peer->spare = NULL;
	c->start = c->end = 0;
	c->from = unix_get(s->u);
	atomic_add(&s->u->unsent, c->charge);
	return c;
}

/* A received chunk of a page is kept for the next sender. u->lock held. Return: what is to be freed, or NULL */
static struct unix_msg *chunk_retire(struct unix_sock *u, struct unix_msg *c)
{
	if (u->spare || c->pages != 1 || READ_ONCE(c->files))
		return c;
	unix_charge_drop(c->from, c->charge);
	unix_put(c->from);
	c->from = NULL;
	u->spare = c;
	return NULL;
}

/* Copy into a chunk of its own. peer->lock held. Return: bytes, or -errno */
static s64 send_chunk(struct stream_send *s, struct unix_msg **unused)
{
	u64 left = iter_left(s->m->iter);
	struct unix_msg *c = chunk_get(s, left);

	*unused = c;
	if (!c)
		return -ENOMEM;
	u32 n = unix_msg_fill(c, s->m->iter, (u32)MIN(left, c->room));

	if (!n)
		return -EFAULT;
	c->creds = s->scm.creds;
	c->files = s->scm.files;
	int err = unix_queue_add_locked(s->peer, c);

	if (err) {
		c->files = NULL;
		return err;
	}
	s->scm.files = NULL;
	*unused = NULL;
	return n;
}

/* Copy what fits now. Return: bytes; 0: no room; -errno */
static s64 send_some(struct stream_send *s)
{
	struct unix_sock *peer = s->peer;
	struct unix_msg *c, *unused = NULL;
	s64 n = 0;

	mutex_lock(&peer->lock);
	if (unix_dead(peer) || unix_shut(s->u) & SHUTDOWN_SEND) {
		n = -EPIPE;
	} else if ((c = joinable(s)) != NULL) {
		n = unix_msg_fill(c, s->m->iter, (u32)MIN(iter_left(s->m->iter), c->room - c->end));
		__atomic_store_n(&peer->queued_bytes, peer->queued_bytes + (u64)n, __ATOMIC_RELEASE);
		n = n ? n : -EFAULT;
	} else if (atomic_load(&s->u->unsent) < s->u->sock.sndbuf) {
		n = send_chunk(s, &unused);
	}
	mutex_unlock(&peer->lock);
	if (unused)
		unix_msg_free(unused);
	if (n > 0)
		wake_up_poll(&peer->sock.waitq, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	return n;
}

static int wait_room(struct stream_send *s, u64 deadline_ns)
{
	struct unix_sock *u = s->u;

	if (!deadline_ns)
		return -EAGAIN;
	int err = wait_event_interruptible_until(&u->sock.waitq, atomic_load(&u->unsent) < u->sock.sndbuf || unix_shut(u) & SHUTDOWN_SEND ||
						 unix_dead(s->peer), deadline_ns);
	return sock_wait_error(err, u->sock.sndtimeo_ns);
}

static s64 send_all(struct stream_send *s)
{
	u64 deadline = sock_deadline(s->u->sock.sndtimeo_ns, s->m->flags & MSG_DONTWAIT);

	while (iter_left(s->m->iter)) {
		s64 n = send_some(s);

		if (!n)
			n = wait_room(s, deadline);
		if (n < 0)
			return n;
		s->sent += n;
	}
	return 0;
}

s64 unix_stream_send(struct unix_sock *u, struct sock_msg *m)
{
	struct stream_send s = { .u = u, .m = m };
	s64 err = scm_send(&u->sock, m, &s.scm);

	if (err)
		return err;
	s.peer = atomic_load_acquire(&u->peer);
	if (m->flags & MSG_OOB)
		err = -EOPNOTSUPP;
	else if (m->addr && m->addr->len)
		err = unix_state(u) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	else if (!s.peer)
		err = -ENOTCONN;
	else if (unix_shut(u) & SHUTDOWN_SEND)
		err = -EPIPE;
	if (!err) {
		unix_stamp(&s.scm.creds, u, s.peer);
		err = send_all(&s);
	}
	scm_drop(&s.scm);
	if (s.sent)
		return s.sent;
	return err == -EPIPE ? sock_pipe_error(m->flags) : err;
}

/* ---- receiving ---- */

struct stream_recv {
	struct unix_sock *u;
	struct sock_msg *m;
	struct scm scm;
	bool stamped;			/* scm.creds are set: of the first chunk */
	bool stop;			/* nothing more in this call */
	u64 at;				/* peek: where in the queue to go on; else 0 */
	s64 copied;
};

/* The chunk at r->at of the queue, and where in it that is; NULL: there is nothing. u->lock held. */
static struct unix_msg *chunk_at(struct stream_recv *r, u32 *offset)
{
	struct unix_msg *c;
	u64 at = r->at;

	list_for_each_entry(c, &r->u->queue, node) {
		if (at < unix_msg_left(c)) {
			*offset = (u32)at;
			return c;
		}
		at -= unix_msg_left(c);
	}
	return NULL;
}

/* @n bytes of @c have been copied: take them away. u->lock held. Return: a chunk to be freed, or NULL */
static struct unix_msg *consume(struct stream_recv *r, struct unix_msg *c, u32 n)
{
	struct unix_sock *u = r->u;

	c->start += n;
	__atomic_store_n(&u->queued_bytes, u->queued_bytes - n, __ATOMIC_RELAXED);
	if (u->sock.peek_off >= 0)
		u->sock.peek_off -= MIN(u->sock.peek_off, (s32)n);
	r->scm.files = unix_files_take(c);
	if (unix_msg_left(c)) {
		r->stop = true;
		return NULL;
	}
	r->stop = r->scm.files != NULL;
	unix_queue_take_locked(u, c);
	return chunk_retire(u, c);
}

static void peeked(struct stream_recv *r, struct unix_msg *c, u32 n)
{
	r->at += n;
	if (r->u->sock.peek_off >= 0)
		r->u->sock.peek_off += (s32)n;
	r->scm.files = unix_files_peek(c);
	r->stop = r->scm.files != NULL;
}

/* Copy from one chunk. u->lock held. Return: 0: go on, or -errno; *gone: to be freed once unlocked */
static int recv_chunk(struct stream_recv *r, struct unix_msg *c, u32 offset, struct unix_msg **gone)
{
	bool peek = r->m->flags & MSG_PEEK;
	u32 n = (u32)MIN(iter_left(r->m->iter), unix_msg_left(c) - offset);

	if (r->stamped && unix_passcred(r->u) && !creds_equal(&r->scm.creds, &c->creds)) {
		r->stop = true;
		return 0;
	}
	if (!r->stamped) {
		r->scm.creds = c->creds;
		r->stamped = true;
		if (r->m->addr)
			unix_addr_tell(c->from, r->m->addr);
	}
	u32 got = unix_msg_drain(c, offset, r->m->iter, n);

	if (got < n && !got)
		return -EFAULT;
	r->copied += got;
	if (peek)
		peeked(r, c, got);
	else
		*gone = consume(r, c, got);
	if (got < n || !iter_left(r->m->iter))
		r->stop = true;
	return 0;
}

/* Copy what is there. Return: 0, or -errno */
static int recv_some(struct stream_recv *r)
{
	struct unix_sock *u = r->u;
	struct unix_msg *c, *gone;
	u32 offset;
	int err = 0;

	mutex_lock(&u->lock);
	while (!err && !r->stop && (c = chunk_at(r, &offset)) != NULL) {
		gone = NULL;
		err = recv_chunk(r, c, offset, &gone);
		if (gone) {
			mutex_unlock(&u->lock);
			unix_msg_free(gone);
			mutex_lock(&u->lock);
		}
	}
	mutex_unlock(&u->lock);
	return err;
}

/* Nothing is left to copy, and less than wanted has been. Return: 0: look again; 1: that was all; -errno */
static int wait_bytes(struct stream_recv *r, u64 deadline_ns)
{
	struct unix_sock *u = r->u;
	u64 seen = r->at;
	int err = sock_take_error(&u->sock);

	if (err)
		return err;
	if (unix_shut(u) & SHUTDOWN_RCV)
		return atomic_load(&u->queued_bytes) > seen ? 0 : 1;
	if (!deadline_ns)
		return -EAGAIN;
	err = wait_event_interruptible_until(&u->sock.waitq, atomic_load(&u->queued_bytes) > seen || unix_shut(u) & SHUTDOWN_RCV ||
					     atomic_load(&u->sock.error), deadline_ns);
	return sock_wait_error(err, u->sock.rcvtimeo_ns);
}

s64 unix_stream_recv(struct unix_sock *u, struct sock_msg *m)
{
	struct stream_recv r = { .u = u, .m = m };
	u64 deadline = sock_deadline(u->sock.rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	u64 target = m->flags & MSG_WAITALL ? iter_left(m->iter) : MIN(u->sock.rcvlowat, iter_left(m->iter));
	int err;

	if (unix_state(u) != UNIX_CONNECTED)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->flags & MSG_PEEK && u->sock.peek_off > 0)
		r.at = (u32)u->sock.peek_off;
	do {
		err = recv_some(&r);
		if (err || r.stop || (u64)r.copied >= MAX(target, 1u) || (r.copied && m->flags & MSG_PEEK))
			break;
		err = wait_bytes(&r, deadline);
	} while (!err);
	if (r.stamped)
		scm_recv(&u->sock, m, &r.scm);
	scm_drop(&r.scm);
	if (r.copied)
		return r.copied;
	return err < 0 ? err : 0;
}
