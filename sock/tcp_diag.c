/*
 * What ss is told of TCP, and /proc/net/tcp and tcp6 show: listeners, connections, requests, TIME_WAITs, each as a row (sock/diag.h).
 *
 * Figures of a row are read without the socket's lock: each is right, together they may be of two moments.  INET_DIAG_INFO is of one moment.
 *
 * Source: sock_diag(7), ss(8), <linux/inet_diag.h>; Linux Documentation/networking/proc_net_tcp.rst, proc(5).
 */
#include <linux/in.h>
#include <linux/tcp.h>
#include "base/string.h"
#include "kern/timer.h"
#include "sock/diag.h"
#include "sock/tcp.h"

/* struct inet_diag_msg's idiag_timer. */
enum { TIMER_NONE, TIMER_RETRANSMIT, TIMER_KEEPALIVE, TIMER_WAIT, TIMER_PROBE };

enum { US_PER_TICK = 10000 };

struct walk {
	bool (*fn)(const struct inet_diag_row *row, void *arg);
	void *arg;
	u64 now_ns;
	u32 told[2];			/* of AF_INET, of AF_INET6 */
};

static u32 left_ms(u64 when_ns, u64 now_ns)
{
	return when_ns > now_ns ? (u32)((when_ns - now_ns) / NS_PER_MS) : 0;
}

static void put_extra(const struct inet_diag_row *row, u8 ext, struct nl_buf *b)
{
	struct tcp_sock *ts = (struct tcp_sock *)row->socket;
	struct tcp_info info;

	if (ext & 1u << (INET_DIAG_INFO - 1)) {
		tcp_sock_info(ts, &info);
		nl_put(b, INET_DIAG_INFO, &info, sizeof(info));
	}
	if (ext & 1u << (INET_DIAG_CONG - 1)) {
		const char *name = READ_ONCE(ts->conn.ca)->name;

		nl_put(b, INET_DIAG_CONG, name, (u32)strlen(name) + 1);
	}
}

static void set_timer(const struct tcp_conn *c, u64 now_ns, struct inet_diag_row *row)
{
	if (c->timer_kind) {
		row->timer = c->timer_kind == TCP_TIMER_PROBE ? TIMER_PROBE : TIMER_RETRANSMIT;
		row->expires_ms = left_ms(c->timer_ns, now_ns);
		row->retrans = (u8)MIN(c->timer_kind == TCP_TIMER_PROBE ? c->probes_out : c->retransmits, 255u);
	} else if (c->keep_ns != TCP_NEVER) {
		row->timer = TIMER_KEEPALIVE;
		row->expires_ms = left_ms(c->keep_ns, now_ns);
		row->retrans = (u8)MIN(c->probes_out, 255u);
	}
}

static struct inet_diag_row row_of_sock(struct tcp_sock *ts, u64 now_ns)
{
	const struct net_endpoint *ep = &ts->inet.ep;
	const struct socket *s = &ts->inet.sock;
	const struct tcp_conn *c = &ts->conn;
	struct inet_diag_row row = {
		.family = ep->v6 ? AF_INET6 : AF_INET, .state = c->state, .shutdown = (u8)READ_ONCE(s->shutdown), .local = ep->local, .remote = ep->remote,
		.lport = ep->lport, .rport = ep->rport, .ifindex = ep->ifindex, .uid = ep->uid, .mark = s->mark,
		.ino = atomic_load(&s->file) ? s->ino : 0, .refs = atomic_load(&ts->entry.refs), .extra = put_extra, .socket = ts,
		.mem = {
			[SK_MEMINFO_RMEM_ALLOC] = c->rcv_memory, [SK_MEMINFO_RCVBUF] = c->rcvbuf, [SK_MEMINFO_WMEM_ALLOC] = c->queued_bytes,
			[SK_MEMINFO_SNDBUF] = c->sndbuf, [SK_MEMINFO_WMEM_QUEUED] = c->snd_memory,
		},
		.retransmits = c->retransmits, .probes = c->probes_out, .tail = INET_DIAG_TAIL_TCP,
		.tcp = {
			.rto_ticks = c->rto_us / US_PER_TICK, .ato_ticks = c->ato_us / US_PER_TICK, .quick = (u32)c->quick << 1 | (c->pingpong != 0),
			.cwnd = c->cwnd, .ssthresh = c->ssthresh >= 0x7fffffff ? -1 : (s32)c->ssthresh,
		},
	};

	if (c->state == TCP_LISTEN) {
		row.rqueue = atomic_load(&ts->accept_count);
		row.wqueue = atomic_load(&ts->accept_max);
		row.tcp.ssthresh = 0;
	} else {
		row.rqueue = c->rcv_nxt - c->copied_seq;
		row.wqueue = tcp_outq(ts, c->snd_una);
		set_timer(c, now_ns, &row);
	}
	return row;
}

static struct inet_diag_row row_of_other(struct tcp_entry *e, u64 now_ns)
{
	const struct net_endpoint *ep = e->ep;
	struct inet_diag_row row = {
		.family = ep->v6 ? AF_INET6 : AF_INET, .local = ep->local, .remote = ep->remote, .lport = ep->lport, .rport = ep->rport,
		.ifindex = ep->ifindex, .refs = atomic_load(&e->refs), .tail = INET_DIAG_TAIL_NONE,
	};

	if (e->kind == TCP_ENTRY_REQUEST) {
		const struct tcp_request *rq = &container_of(e, struct tcp_request_sock, entry)->rq;

		row.state = TCP_SYN_RECV;
		row.timer = TIMER_RETRANSMIT;
		row.uid = ep->uid;
		row.retrans = rq->timeouts;
		row.retransmits = rq->timeouts;
		row.expires_ms = left_ms(rq->expires_ns, now_ns);
	} else {
		row.state = TCP_TIME_WAIT;
		row.timer = TIMER_WAIT;
		row.expires_ms = left_ms(container_of(e, struct tcp_timewait_sock, entry)->tw.expires_ns, now_ns);
	}
	return row;
}

static bool tell(struct walk *w, struct inet_diag_row row)
{
	row.slot = w->told[row.family == AF_INET6]++;
	return w->fn(&row, w->arg);
}

static bool tell_entry(struct tcp_entry *e, void *arg)
{
	struct walk *w = arg;

	return tell(w, e->kind == TCP_ENTRY_CONN ? row_of_sock(tcp_of_entry(e), w->now_ns) : row_of_other(e, w->now_ns));
}

static bool tell_listener(struct net_endpoint *ep, void *arg)
{
	struct walk *w = arg;

	return tell(w, row_of_sock(container_of(container_of(ep, struct inet_sock, ep), struct tcp_sock, inet), w->now_ns));
}

void tcp_diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg)
{
	struct walk w = { .fn = fn, .arg = arg, .now_ns = plat_mono_ns() };

	if (port_listeners_walk(&tcp_ports, tell_listener, &w))
		tcp_table_walk(tell_entry, &w);
}

void tcp_diag_init(void)
{
	static struct inet_diag_source source = { .protocol = IPPROTO_TCP, .each = tcp_diag_each };

	inet_diag_register(&source);
}
