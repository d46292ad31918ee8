/*
 * TCP sockets: sending and receiving.
 *
 * A writer copies up to SEND_BATCH bytes into chunks with only send_lock held, then hands them to the machine under i->lock.  A reader looks for the
 * next packet under i->lock, copies from it with only recv_lock held, and tells the machine how far it got every RECV_BATCH bytes and at the end.
 * Both sleeping locks are let go while their holder waits for the peer.
 *
 * Source: send(2), recv(2), tcp(7); RFC 9293 section 3.8.5 and RFC 6093 (urgent data).
 */
#include <linux/errno.h>
#include "kern/page.h"
#include "kern/timer.h"
#include "mm/iter.h"
#include "net/stats.h"
#include "sock/tcp.h"
#include "vfs/poll.h"

enum { SEND_BATCH = 65536, CHUNK_MAX = 32768, RECV_BATCH = 65536 };
enum { MSG_FASTOPEN = 0x20000000 };

/* ---- sending ---- */

struct sender {
	struct tcp_sock *ts;
	struct sock_msg *m;
	u64 deadline_ns;
	s64 sent;
	bool held;			/* what was written last waits for more of this call */
};

static u32 state_bit(const struct tcp_sock *ts)
{
	return TCP_STATE_BIT(READ_ONCE(ts->conn.state));
}

enum { OPENING = TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV) };

static bool broken(const struct tcp_sock *ts)
{
	return atomic_load(&ts->inet.sock.error) || ts->conn.shut_snd || !tcp_may_write(&ts->conn);
}

/* Wait until the connection stands. Return: 0, -errno */
static int wait_connected(struct sender *s)
{
	struct socket *sock = &s->ts->inet.sock;

	while (!tcp_may_write(&s->ts->conn)) {
		int err = sock_take_error(sock);

		if (err)
			return err;
		if (!(state_bit(s->ts) & OPENING))
			return -EPIPE;
		if (!s->deadline_ns)
			return -EAGAIN;
		err = wait_event_interruptible_until(&sock->waitq, !(state_bit(s->ts) & OPENING), s->deadline_ns);
		if (err)
			return sock_wait_error(err, sock->sndtimeo_ns);
	}
	return 0;
}

/* All of @n bytes to @dst, or none: a piece that the user's memory does not hold whole is not sent in part. */
static bool copy_whole(struct iter *it, void *dst, u32 n)
{
	u32 got = (u32)iter_get(it, dst, n);

	if (got < n)
		iter_revert(it, got);
	return got == n;
}

/* Copy up to @n bytes: into the rest of @tail, if there is one, then into new chunks on @fresh. Return: bytes, or -EFAULT, -ENOMEM */
static s64 copy_in(struct sender *s, struct tcp_chunk *tail, u32 *tail_got, struct list_head *fresh, u32 n)
{
	u32 got = 0;

	if (tail) {
		u32 part = MIN(n, tail->room - tail->len);

		if (!copy_whole(s->m->iter, (u8 *)page_virt(tail->page) + tail->len, part))
			return -EFAULT;
		*tail_got = got = part;
	}
	while (got < n) {
		struct tcp_chunk *c = tcp_chunk_new(MIN(n - got, (u32)CHUNK_MAX), ALLOC_KERNEL);

		if (!c)
			return got ? (s64)got : -ENOMEM;
		c->len = MIN(n - got, c->room);
		if (!copy_whole(s->m->iter, page_virt(c->page), c->len)) {
			tcp_chunk_free(c);
			return got ? (s64)got : -EFAULT;
		}
		got += c->len;
		list_add_tail(&c->node, fresh);
	}
	return got;
}

/* The bytes become part of the stream. i->lock */
static void append_locked(struct sender *s, struct tcp_chunk *tail, u32 tail_got, struct list_head *fresh, u32 n)
{
	struct tcp_conn *c = &s->ts->conn;
	bool last = !iter_left(s->m->iter), urgent = last && s->m->flags & MSG_OOB;
	u32 seq = c->write_seq + tail_got;
	struct tcp_chunk *k;

	if (tail)
		tail->len += tail_got;
	list_for_each_entry(k, fresh, node) {
		k->seq = seq;
		seq += k->len;
		c->snd_memory += k->room;
	}
	list_splice_tail_init(fresh, &s->ts->chunks);
	s->held = !last;
	tcp_write(c, n, !last || s->m->flags & MSG_MORE, urgent, plat_mono_ns());
}

static void free_chunks(struct list_head *list)
{
	struct tcp_chunk *c, *next;

	list_for_each_entry_safe(c, next, list, node)
		tcp_chunk_free(c);
}

/* How many bytes the buffer takes; *tail: the chunk to go on in. i->lock */
static u32 room_locked(struct sender *s, struct tcp_chunk **tail)
{
	struct tcp_sock *ts = s->ts;
	struct tcp_conn *c = &ts->conn;

	*tail = NULL;
	if (c->snd_memory >= c->sndbuf || (c->snd_memory && tcp_memory_over())) {
		atomic_store(&ts->nospace, true);
		return 0;
	}
	struct tcp_chunk *last = list_empty(&ts->chunks) ? NULL : list_last_entry(&ts->chunks, struct tcp_chunk, node);

	if (last && last->len < last->room)
		*tail = last;
	return tcp_memory_over() ? PAGE_SIZE : MAX(c->sndbuf - c->snd_memory, (u32)PAGE_SIZE);
}

/* Send what there is room for. Return: bytes; 0: no room; -errno. send_lock */
static s64 send_some(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	struct tcp_chunk *tail;
	LIST_HEAD(fresh);
	u32 tail_got = 0;

	tcp_sock_lock(ts);
	u32 room = room_locked(s, &tail);
	bool bad = broken(ts);

	ts->filling = bad ? NULL : tail;
	spin_unlock(&ts->inet.lock);
	if (bad || !room)
		return bad ? -EPIPE : 0;
	s64 n = copy_in(s, tail, &tail_got, &fresh, (u32)MIN(iter_left(s->m->iter), MIN(room, (u32)SEND_BATCH)));

	net_enter();
	tcp_sock_lock(ts);
	ts->filling = NULL;
	if (broken(ts)) {
		n = -EPIPE;
		tcp_chunks_drop(ts);
	} else if (n > 0) {
		append_locked(s, tail, tail_got, &fresh, (u32)n);
	}
	tcp_sock_unlock(ts, plat_mono_ns());
	net_leave();
	free_chunks(&fresh);
	return n;
}

/* Let go what was kept for the rest of this call. */
static void push(struct sender *s, bool before_waiting)
{
	struct tcp_sock *ts = s->ts;
	u64 now = plat_mono_ns();

	net_enter();
	tcp_sock_lock(ts);
	if (before_waiting)
		tcp_push(&ts->conn, now);
	else
		tcp_write(&ts->conn, 0, s->m->flags & MSG_MORE, false, now);
	tcp_sock_unlock(ts, now);
	net_leave();
	s->held = false;
}

static bool may_write(const struct tcp_sock *ts)
{
	return tcp_writable(&ts->conn) && (!READ_ONCE(ts->conn.snd_memory) || !tcp_memory_over());
}

static int wait_room(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	struct socket *sock = &ts->inet.sock;

	push(s, true);
	if (!s->deadline_ns)
		return -EAGAIN;
	atomic_store(&ts->nospace, true);
	int err = wait_event_interruptible_until(&sock->waitq, may_write(ts) || broken(ts), s->deadline_ns);

	return err ? sock_wait_error(err, sock->sndtimeo_ns) : 0;
}

static s64 send_all(struct sender *s)
{
	while (iter_left(s->m->iter)) {
		mutex_lock(&s->ts->send_lock);
		s64 n = send_some(s);

		mutex_unlock(&s->ts->send_lock);
		if (!n)
			n = wait_room(s);
		if (n < 0)
			return n;
		s->sent += n;
	}
	return broken(s->ts) && !s->sent ? -EPIPE : 0;
}

/* ---- Fast Open: the first bytes with the SYN ---- */

/* Bytes that fit into a SYN of this path, options taken off. */
enum { SYN_ROOM_LESS = 20 + 60, SYN_BYTES_MAX = 65535 - SYN_ROOM_LESS };

/* To where, if it is not known yet; the state must allow it. i->lock, net */
static int open_name(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	const struct sock_addr *a = s->m->addr;
	struct ip_addr to;
	u32 scope;
	u16 port;

	if (ts->deferred)
		return 0;
	if (ts->phase == TCP_CONNECTED || ts->conn.state == TCP_LISTEN)
		return -EISCONN;
	if (ts->phase != TCP_UNCONNECTED)
		return -EALREADY;
	int err = a ? inet_addr_parse(&ts->inet, a, &to, &port, &scope) : -EINVAL;

	return err ? err : tcp_sock_name(ts, &to, port);
}

/* Name it and find out how many bytes may go with the SYN; 0: there is no cookie yet. */
static s64 open_prepare(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	struct tcp_fastopen_cookie k;

	net_enter();
	tcp_sock_lock(ts);
	s64 err = open_name(s);

	if (!err && tcp_fastopen_find(&ts->inet.ep.remote, &k))
		err = MIN(MAX(ts->inet.dst.mtu, (u32)SYN_ROOM_LESS + 1) - SYN_ROOM_LESS, (u32)SYN_BYTES_MAX);
	if (err >= 0) {
		ts->phase = TCP_CONNECTING;
		ts->deferred = true;
	}
	tcp_sock_unlock(ts, plat_mono_ns());
	net_leave();
	return err;
}

/* Send the SYN with what there is room for. Return: 0: it is under way (s->sent bytes with it); -errno. send_lock */
static s64 open_fast(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	s64 room = open_prepare(s);

	if (room < 0)
		return room;
	u32 n = (u32)MIN(iter_left(s->m->iter), (u64)MIN(room, (s64)CHUNK_MAX));
	struct tcp_chunk *c = tcp_chunk_new(MAX(n, 1u), ALLOC_KERNEL);

	if (!c)
		return -ENOMEM;
	c->len = (u32)iter_get(s->m->iter, page_virt(c->page), n);
	if (c->len < n) {
		tcp_chunk_free(c);
		return -EFAULT;
	}
	net_enter();
	tcp_sock_lock(ts);
	bool still = ts->deferred;

	if (still)
		tcp_sock_open(ts, c);
	tcp_sock_unlock(ts, plat_mono_ns());
	net_leave();
	if (!still)
		tcp_chunk_free(c);
	else
		s->sent = n;
	return still ? 0 : -EPIPE;
}

static s64 connect_by_sending(struct sender *s)
{
	struct tcp_sock *ts = s->ts;
	struct socket *sock = &ts->inet.sock;

	if (!READ_ONCE(ts->deferred) && !(atomic_load(&tcp_config.fastopen) & TCP_FASTOPEN_CLIENT))
		return -EOPNOTSUPP;
	mutex_lock(&ts->send_lock);
	s64 err = open_fast(s);

	mutex_unlock(&ts->send_lock);
	if (err)
		return err;
	if (!s->deadline_ns)
		return s->sent ? 0 : -EINPROGRESS;
	err = wait_event_interruptible_until(&sock->waitq, !(state_bit(ts) & OPENING), s->deadline_ns);
	if (err)
		return sock_wait_error((int)err, sock->sndtimeo_ns);
	err = tcp_connect_result(ts);
	if (err)
		s->sent = 0;
	return err;
}

/* Ancillary data say nothing that TCP heeds; what is of SOL_SOCKET and not known is refused. */
static int control_check(const struct sock_msg *m)
{
	struct sock_cmsg c;
	u32 at = 0;
	int more;

	while ((more = sock_cmsg_next(m, &at, &c)) > 0)
		if (c.level == SOL_SOCKET && c.type != SCM_RIGHTS && c.type != SCM_CREDENTIALS)
			return -EINVAL;
	return more;
}

s64 tcp_sendmsg(struct socket *sock, struct sock_msg *m)
{
	struct sender s = { .ts = tcp_of(sock), .m = m, .deadline_ns = sock_deadline(sock->sndtimeo_ns, m->flags & MSG_DONTWAIT) };
	s64 err;

	err = m->flags & MSG_FASTOPEN || READ_ONCE(s.ts->deferred) ? connect_by_sending(&s) : 0;
	if (!err && !(s.sent && !iter_left(m->iter)))
		err = wait_connected(&s);
	if (!err)
		err = control_check(m);
	if (!err && !(s.sent && !iter_left(m->iter)))
		err = send_all(&s);
	if (s.held)
		push(&s, false);
	if (s.sent)
		return s.sent;
	if (err == -EPIPE) {
		int why = sock_take_error(sock);

		return why ? why : sock_pipe_error(m->flags);
	}
	return err;
}

/* ---- receiving ---- */

struct reader {
	struct tcp_sock *ts;
	struct sock_msg *m;
	struct tcp_rx *rx;		/* the packet that holds seq, or the one before it; NULL: look from the front */
	u32 seq;			/* next byte */
	u64 target;
	u64 deadline_ns;
	s64 copied;
};

static bool inline_urgent(const struct tcp_sock *ts)
{
	return atomic_load(&ts->inet.sock.flags) & SOCKF_OOBINLINE;
}

/* Tell the machine what has been read. recv_lock */
static void commit(struct reader *r)
{
	struct tcp_sock *ts = r->ts;
	struct tcp_conn *c = &ts->conn;
	u64 now = plat_mono_ns();

	r->rx = NULL;
	if (r->m->flags & MSG_PEEK || r->seq == c->copied_seq)
		return;
	net_enter();
	tcp_sock_lock(ts);
	tcp_received(c, r->seq, now);
	if (c->urg && seq_after(c->copied_seq, c->urg_seq))
		c->urg = URG_NONE;
	tcp_sock_unlock(ts, now);
	net_leave();
}

/* The packet that holds r->seq. i->lock */
static struct tcp_rx *next_rx(struct reader *r)
{
	struct list_head *queue = &r->ts->conn.rx_queue;
	struct tcp_rx *rx = r->rx ? r->rx : list_first_entry_or_null(queue, struct tcp_rx, node);

	while (rx && seq_at_most(rx->end, r->seq))
		rx = list_is_last(&rx->node, queue) ? NULL : list_next_entry(rx, node);
	return rx;
}

enum found { FOUND_NOTHING, FOUND_BYTES, FOUND_MARK };

/* What is to be copied next: *n bytes of r->rx. The urgent byte ends a read, and is passed over where it is not inline. */
static enum found look(struct reader *r, u32 *n)
{
	struct tcp_sock *ts = r->ts;
	struct tcp_conn *c = &ts->conn;
	enum found result = FOUND_NOTHING;

	tcp_sock_lock(ts);
	bool marked = c->urg != URG_NONE;

	if (marked && c->urg_seq == r->seq && r->copied) {
		result = FOUND_MARK;
	} else {
		if (marked && c->urg_seq == r->seq && !inline_urgent(ts) && seq_before(r->seq, c->rcv_nxt))
			r->seq++;
		struct tcp_rx *rx = next_rx(r);

		if (rx) {
			r->rx = rx;
			*n = rx->end - r->seq;
			if (marked && seq_after(c->urg_seq, r->seq))
				*n = MIN(*n, c->urg_seq - r->seq);
			result = FOUND_BYTES;
		}
	}
	spin_unlock(&ts->inet.lock);
	return result;
}

/* Copy what is there. Return: 0: no more is there; 1: that is all for this call; -EFAULT. recv_lock */
static int recv_some(struct reader *r)
{
	enum found f;
	u32 n;

	if (!iter_left(r->m->iter) && !r->copied)
		return look(r, &n) != FOUND_NOTHING;
	while (iter_left(r->m->iter)) {
		f = look(r, &n);
		if (f != FOUND_BYTES)
			return f == FOUND_MARK;
		n = (u32)MIN(iter_left(r->m->iter), n);
		u32 got = n;

		if (r->m->flags & MSG_TRUNC)
			iter_advance(r->m->iter, n);
		else
			got = packet_to_iter(tcp_rx_packet(r->rx), r->seq - r->rx->seq0, r->m->iter, n);
		if (got < n)
			return r->copied ? 1 : -EFAULT;
		r->seq += n;
		r->copied += n;
		if (r->seq - r->ts->conn.copied_seq >= RECV_BATCH)
			commit(r);
	}
	return 1;
}

static bool more_at(const struct tcp_sock *ts, u32 seq)
{
	const struct tcp_conn *c = &ts->conn;

	return seq_after(READ_ONCE(c->rcv_nxt), seq) || c->shut_rcv || atomic_load(&ts->inet.sock.error) || c->state == TCP_CLOSE;
}

/* Nothing was there. Return: 0: look again; 1: that was all; -errno */
static int wait_bytes(struct reader *r)
{
	struct tcp_sock *ts = r->ts;
	struct socket *s = &ts->inet.sock;

	if ((u64)r->copied >= r->target)
		return 1;
	tcp_sock_lock(ts);
	bool more = seq_after(ts->conn.rcv_nxt - ts->conn.fin_rcvd, r->seq), over = ts->conn.shut_rcv, fin = ts->conn.fin_rcvd;
	bool closed = ts->conn.state == TCP_CLOSE;

	spin_unlock(&ts->inet.lock);
	if (more)
		return 0;
	if (fin || (r->copied && (over || closed || atomic_load(&s->error))))
		return 1;
	int err = sock_take_error(s);

	if (err)
		return err;
	if (over)
		return 1;
	if (closed)
		return -ENOTCONN;
	if (!r->deadline_ns)
		return -EAGAIN;
	err = wait_event_interruptible_until(&s->waitq, more_at(ts, r->seq), r->deadline_ns);
	return err ? sock_wait_error(err, s->rcvtimeo_ns) : 0;
}

static s64 recv_stream(struct reader *r)
{
	struct tcp_sock *ts = r->ts;
	int err = 0;

	r->seq = READ_ONCE(ts->conn.copied_seq);
	do {
		mutex_lock(&ts->recv_lock);
		/* Another reader may have been quicker. */
		if (!(r->m->flags & MSG_PEEK))
			r->seq = ts->conn.copied_seq;
		err = recv_some(r);
		commit(r);
		mutex_unlock(&ts->recv_lock);
		if (!err)
			err = wait_bytes(r);
	} while (!err);
	if (r->copied)
		return r->copied;
	return err < 0 ? err : 0;
}

/* The urgent byte, which stays in the queue until a reader passes it. */
static s64 recv_urgent(struct tcp_sock *ts, struct sock_msg *m)
{
	struct tcp_conn *c = &ts->conn;
	s64 result = -EINVAL;
	u8 byte = 0;

	mutex_lock(&ts->recv_lock);
	tcp_sock_lock(ts);
	if (!inline_urgent(ts) && (c->urg == URG_NOTYET || c->urg == URG_VALID)) {
		struct reader r = { .ts = ts, .seq = c->urg_seq };
		struct tcp_rx *rx = c->urg == URG_VALID ? next_rx(&r) : NULL;

		if (rx) {
			result = packet_copy_bits(tcp_rx_packet(rx), r.seq - rx->seq0, &byte, 1) ? 1 : -EAGAIN;
			if (!(m->flags & MSG_PEEK))
				c->urg = URG_READ;
		} else {
			result = c->state == TCP_CLOSE || c->shut_rcv ? 0 : -EAGAIN;
		}
	}
	spin_unlock(&ts->inet.lock);
	mutex_unlock(&ts->recv_lock);
	if (result != 1)
		return result;
	m->flags_out |= MSG_OOB;
	if (!iter_left(m->iter)) {
		m->flags_out |= MSG_TRUNC;
		return 0;
	}
	return m->flags & MSG_TRUNC || iter_put(m->iter, &byte, 1) == 1 ? 1 : -EFAULT;
}

s64 tcp_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct tcp_sock *ts = tcp_of(s);
	struct reader r = { .ts = ts, .m = m, .deadline_ns = sock_deadline(s->rcvtimeo_ns, m->flags & MSG_DONTWAIT) };

	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (state_bit(ts) & TCP_STATE_BIT(TCP_LISTEN))
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return recv_urgent(ts, m);
	r.target = m->flags & MSG_WAITALL ? iter_left(m->iter) : MIN(s->rcvlowat, iter_left(m->iter));
	r.target = MAX(r.target, 1u);
	return recv_stream(&r);
}

bool tcp_readable_to(struct tcp_sock *ts, u32 target)
{
	const struct tcp_conn *c = &ts->conn;
	u32 n = tcp_readable(c);

	if (c->shut_rcv)
		return true;
	return n && (n >= target || c->rcv_memory >= c->rcvbuf || (s32)(c->rcv_wup + c->rcv_wnd - c->rcv_nxt) <= (s32)c->rcv_mss);
}
