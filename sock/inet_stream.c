/*
 * TCP sockets: the calls of users, but for those that move bytes (inet_stream_io.c) and options (inet_stream_option.c).
 *
 * Departures: SIGURG and O_ASYNC signals are not sent; a reader of a connection that TCP_FASTOPEN_CONNECT put off gets ENOTCONN.
 *
 * Source: tcp(7), ip(7), connect(2), accept(2), shutdown(2), socket(7); RFC 9293 section 3.10.
 */
#include <linux/errno.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "mm/user.h"
#include "kern/timer.h"
#include "sock/internal.h"
#include "sock/tcp.h"
#include "vfs/poll.h"

static u32 state_bit(const struct tcp_sock *ts)
{
	return TCP_STATE_BIT(READ_ONCE(ts->conn.state));
}

enum { OPENING = TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV), CLOSED = TCP_STATE_BIT(TCP_CLOSE), LISTENS = TCP_STATE_BIT(TCP_LISTEN) };

/* ---- names ---- */

static int stream_bind(struct socket *s, const struct sock_addr *a)
{
	return inet_bind(inet_of(s), &tcp_ports, a);
}

static int stream_getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct tcp_sock *ts = tcp_of(s);
	const struct net_endpoint *ep = &ts->inet.ep;

	if (peer && (!ep->rport || state_bit(ts) & (CLOSED | TCP_STATE_BIT(TCP_SYN_SENT))))
		return -ENOTCONN;
	u16 port = peer ? ep->rport : ep->lport ? ep->lport : ts->name_port;

	inet_addr_tell(&ts->inet, peer ? &ep->remote : &ep->local, port, 0, out);
	return 0;
}

/* ---- connecting ---- */

/* TCP_FASTOPEN_CONNECT: with a cookie at hand the SYN waits for the first write. */
static bool put_off(struct tcp_sock *ts)
{
	struct tcp_fastopen_cookie k;

	ts->deferred = ts->fastopen_connect && atomic_load(&tcp_config.fastopen) & TCP_FASTOPEN_CLIENT && tcp_fastopen_find(&ts->inet.ep.remote, &k);
	return ts->deferred;
}

/* Return: 0: under way, or put off; -EALREADY, -errno */
static int connect_start(struct tcp_sock *ts, const struct sock_addr *a)
{
	struct ip_addr to;
	u32 scope;
	u16 port;
	int err;

	switch (ts->phase) {
	case TCP_CONNECTED:
		return -EISCONN;
	case TCP_CONNECTING:
		return ts->deferred ? -EISCONN : -EALREADY;
	case TCP_DISCONNECTING:
		return -EALREADY;
	}
	if (ts->conn.state != TCP_CLOSE)
		return -EISCONN;
	err = inet_addr_parse(&ts->inet, a, &to, &port, &scope);
	if (!err)
		err = inet_connect_scope(&ts->inet, &to, scope);
	if (!err)
		err = tcp_sock_name(ts, &to, port);
	if (err)
		return err;
	ts->phase = TCP_CONNECTING;
	if (!put_off(ts))
		tcp_sock_open(ts, NULL);
	return 0;
}

int tcp_connect_result(struct tcp_sock *ts)
{
	int err = 0;

	tcp_sock_lock(ts);
	if (ts->conn.state == TCP_CLOSE)
		err = -ECONNABORTED;
	else if (ts->phase == TCP_CONNECTING)
		ts->phase = TCP_CONNECTED;
	spin_unlock(&ts->inet.lock);
	if (!err)
		return 0;
	int why = sock_take_error(&ts->inet.sock);

	tcp_sock_disconnect(ts);
	return why ? why : err;
}

static int stream_connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct tcp_sock *ts = tcp_of(s);

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == AF_UNSPEC) {
		if (state_bit(ts) & LISTENS)
			tcp_listen_end(ts);
		tcp_sock_disconnect(ts);
		return 0;
	}
	net_enter();
	tcp_sock_lock(ts);
	int err = connect_start(ts, a);
	bool deferred = ts->deferred;

	tcp_sock_unlock(ts, plat_mono_ns());
	net_leave();
	if ((err && err != -EALREADY) || deferred)
		return err;
	/* Without waiting even an answer that has come already is not looked at. */
	if (!err && !deadline_ns)
		return -EINPROGRESS;
	if (state_bit(ts) & OPENING) {
		if (!deadline_ns)
			return err;
		err = wait_event_interruptible_until(&s->waitq, !(state_bit(ts) & OPENING), deadline_ns);
		if (err)
			return err == -ETIMEDOUT ? -EINPROGRESS : sock_wait_error(err, s->sndtimeo_ns);
	}
	return tcp_connect_result(ts);
}

/* ---- listening ---- */

static int stream_listen(struct socket *s, u32 backlog)
{
	struct tcp_sock *ts = tcp_of(s);
	int err = -EINVAL;

	tcp_sock_lock(ts);
	if (ts->phase == TCP_UNCONNECTED && state_bit(ts) & (CLOSED | LISTENS))
		err = tcp_listen_start(ts, backlog);
	spin_unlock(&ts->inet.lock);
	return err;
}

static int stream_accept(struct socket *s, struct socket **out, u64 deadline_ns)
{
	struct tcp_sock *ts = tcp_of(s), *child;

	while (state_bit(ts) & LISTENS) {
		child = tcp_accept_take(ts);
		if (child) {
			*out = &child->inet.sock;
			return 0;
		}
		if (!deadline_ns)
			return -EAGAIN;
		int err = wait_event_state(&s->waitq, tcp_accept_ready(ts) || !(state_bit(ts) & LISTENS), TS_INTERRUPTIBLE, deadline_ns, true);

		if (err)
			return sock_wait_error(err, s->rcvtimeo_ns);
	}
	return -EINVAL;
}

/* ---- closing ---- */

static void shut_locked(struct tcp_sock *ts, u32 how)
{
	struct tcp_conn *c = &ts->conn;

	if (how & SHUTDOWN_RCV)
		c->shut_rcv = true;
	if (how & SHUTDOWN_SEND) {
		c->shut_snd = true;
		tcp_shutdown_send(c, plat_mono_ns());
	}
}

static int stream_shutdown(struct socket *s, u32 how)
{
	struct tcp_sock *ts = tcp_of(s);
	u32 state = state_bit(ts);

	if (state & LISTENS) {
		if (!(how & SHUTDOWN_RCV))
			return 0;
		tcp_listen_end(ts);
		tcp_sock_disconnect(ts);
	} else if (state & TCP_STATE_BIT(TCP_SYN_SENT)) {
		tcp_sock_disconnect(ts);
	} else {
		net_enter();
		tcp_sock_lock(ts);
		shut_locked(ts, how);
		tcp_sock_unlock(ts, plat_mono_ns());
		net_leave();
	}
	if (waitq_active(&s->waitq))
		waitq_wake(&s->waitq, 0, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	return state & CLOSED ? -ENOTCONN : 0;
}

/* SO_LINGER: close() waits for what was sent to be acknowledged. */
static void linger(struct tcp_sock *ts)
{
	u32 unsent = TCP_STATE_BIT(TCP_FIN_WAIT1) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK);
	struct socket *s = &ts->inet.sock;
	u64 deadline = sock_deadline((u64)s->linger_sec * NS_PER_SEC, false);

	(void)wait_event_interruptible_until(&s->waitq, !(state_bit(ts) & unsent), deadline);
}

static void stream_release(struct socket *s)
{
	struct tcp_sock *ts = tcp_of(s);
	bool lingers = atomic_load(&s->flags) & SOCKF_LINGER;

	if (state_bit(ts) & LISTENS)
		tcp_listen_end(ts);
	atomic_inc(&ts->entry.refs);
	tcp_sock_orphan(ts, lingers && !s->linger_sec);
	if (lingers && s->linger_sec)
		linger(ts);
	tcp_sock_put(ts);
}

/* ---- readiness, figures ---- */

static u32 stream_poll(struct socket *s)
{
	struct tcp_sock *ts = tcp_of(s);
	const struct tcp_conn *c = &ts->conn;
	u32 state = state_bit(ts), shut = READ_ONCE(s->shutdown), events = 0;

	if (READ_ONCE(ts->deferred))
		return EPOLLOUT | EPOLLWRNORM;
	if (state & LISTENS)
		return tcp_accept_ready(ts) ? EPOLLIN | EPOLLRDNORM : 0;
	if (shut == SHUTDOWN_BOTH || state & CLOSED)
		events |= EPOLLHUP;
	if (shut & SHUTDOWN_RCV)
		events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (!(state & OPENING) || tcp_may_write(c)) {
		bool at_mark = READ_ONCE(c->urg) && c->urg_seq == c->copied_seq && !(atomic_load(&s->flags) & SOCKF_OOBINLINE);

		if (tcp_readable_to(ts, s->rcvlowat + at_mark))
			events |= EPOLLIN | EPOLLRDNORM;
		if (!(shut & SHUTDOWN_SEND) && !tcp_writable(c))
			atomic_store(&ts->nospace, true);
		smp_mb();
		if (shut & SHUTDOWN_SEND || tcp_writable(c))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (READ_ONCE(c->urg) == URG_VALID)
			events |= EPOLLPRI;
	}
	if (atomic_load(&s->error))
		events |= EPOLLERR;
	return events;
}

u32 tcp_inq(const struct tcp_sock *ts)
{
	const struct tcp_conn *c = &ts->conn;

	if (tcp_in_states(c, OPENING))
		return 0;
	if (c->urg && !(atomic_load(&ts->inet.sock.flags) & SOCKF_OOBINLINE) && !seq_before(c->urg_seq, c->copied_seq) &&
	    seq_before(c->urg_seq, c->rcv_nxt))
		return c->urg_seq - c->copied_seq;
	return tcp_readable(c);
}

static s64 stream_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct tcp_sock *ts = tcp_of(s);
	struct tcp_conn *c = &ts->conn;
	int n = 0;

	if (cmd != FIONREAD && cmd != SIOCATMARK && cmd != TIOCOUTQ && cmd != SIOCOUTQNSD)
		return inet_ioctl(s, cmd, arg);
	tcp_sock_lock(ts);
	bool listens = c->state == TCP_LISTEN, opening = tcp_in_states(c, OPENING | CLOSED);

	if (cmd == FIONREAD)
		n = (int)tcp_inq(ts);
	else if (cmd == SIOCATMARK)
		n = c->urg && c->urg_seq == c->copied_seq;
	else if (!opening)
		n = (int)tcp_outq(ts, cmd == TIOCOUTQ ? c->snd_una : c->snd_nxt);
	spin_unlock(&ts->inet.lock);
	if (listens && cmd != SIOCATMARK)
		return -EINVAL;
	return put_user(MAX(n, 0), uaddr(arg));
}

const struct socket_ops tcp_socket_ops = {
	.release = stream_release, .bind = stream_bind, .connect = stream_connect, .listen = stream_listen, .accept = stream_accept,
	.getname = stream_getname, .shutdown = stream_shutdown, .poll = stream_poll, .ioctl = stream_ioctl, .sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg, .setsockopt = tcp_setsockopt, .getsockopt = tcp_getsockopt, .option_changed = tcp_option_changed,
};

static int stream_create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	struct tcp_sock *ts = tcp_sock_new(v6, ALLOC_KERNEL);

	if (!ts)
		return -ENOMEM;
	*out = &ts->inet.sock;
	return 0;
}

void tcp_init(void)
{
	static struct inet_type tcp = { .type = SOCK_STREAM, .protocol = IPPROTO_TCP, .by_default = true, .cap = ~0u, .create = stream_create };

	tcp_config_init();
	tcp_table_init();
	tcp_sock_init();
	tcp_output_init();
	tcp_fastopen_init();
	tcp_wait_init();
	tcp_listen_init();
	tcp_show_init();
	tcp_diag_init();
	inet_register_type(&tcp);
	tcp_input_init();
}
