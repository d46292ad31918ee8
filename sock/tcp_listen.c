/*
 * Listeners: requests, SYN cookies, children, the queue that accept() takes from.
 *
 * Nothing here that comes in takes a lock of the listener.  Counts may be passed by as many segments as there are CPUs: they are limits of memory.
 *
 * Locks: r->lock (RANK_NET_SOCK) guards r->rq. A child's own lock is taken before it is in the table: its first segment is the ACK that made it.
 * Source: RFC 9293 section 3.10.7.2, RFC 4987; listen(2), tcp(7).
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "net/device.h"
#include "net/stats.h"
#include "sock/tcp.h"
#include "vfs/poll.h"

enum { ADVMSS_MAX = 65535 - 40 };
#define COOKIES_FOR_NS (120ull * NS_PER_SEC)	/* so long after the last one an ACK may hold one */
#define ACCEPT_SHUT ((struct llist_node *)1)

static struct slab_cache *cache;
static struct tcp_cookie_key cookie_key;

static bool listening(const struct tcp_sock *ts)
{
	return READ_ONCE(ts->conn.state) == TCP_LISTEN;
}

/* ---- the queue of accept ---- */

static bool accept_full(const struct tcp_sock *ts)
{
	return atomic_load(&ts->accept_count) > atomic_load(&ts->accept_max);
}

/* Return: false: the listener is gone */
static bool accept_push(struct tcp_sock *ts, struct tcp_sock *child)
{
	struct llist_node *first = atomic_load(&ts->accept_first);

	atomic_inc(&ts->accept_count);
	do {
		if (first == ACCEPT_SHUT) {
			atomic_dec(&ts->accept_count);
			return false;
		}
		child->accept_node.next = first;
	} while (!try_cmpxchg(&ts->accept_first, &first, &child->accept_node));
	wake_up_poll(&ts->inet.sock.waitq, EPOLLIN | EPOLLRDNORM);
	return true;
}

/* Leave @with (NULL or ACCEPT_SHUT) there. Return: what was pushed, the newest first */
static struct llist_node *accept_take_pushed(struct tcp_sock *ts, struct llist_node *with)
{
	struct llist_node *first = atomic_load(&ts->accept_first);

	while (first != ACCEPT_SHUT && !try_cmpxchg(&ts->accept_first, &first, with))
		;
	return first == ACCEPT_SHUT ? NULL : first;
}

bool tcp_accept_ready(const struct tcp_sock *ts)
{
	const struct llist_node *first = atomic_load(&ts->accept_first);

	return atomic_load(&ts->accept_ready) || (first && first != ACCEPT_SHUT);
}

struct tcp_sock *tcp_accept_take(struct tcp_sock *ts)
{
	mutex_lock(&ts->accept_lock);
	if (!ts->accept_ready)
		ts->accept_ready = llist_reverse(accept_take_pushed(ts, NULL));
	struct llist_node *n = ts->accept_ready;

	if (n) {
		ts->accept_ready = n->next;
		atomic_dec(&ts->accept_count);
	}
	mutex_unlock(&ts->accept_lock);
	return n ? container_of(n, struct tcp_sock, accept_node) : NULL;
}

int tcp_listen_start(struct tcp_sock *ts, u32 backlog)
{
	struct net_endpoint *ep = &ts->inet.ep;

	if (!listening(ts)) {
		if (!ep->lport && port_bind(&tcp_ports, ep, 0))
			return -EADDRINUSE;
		if (port_listen(&tcp_ports, ep))
			return -EADDRINUSE;
		atomic_store(&ts->accept_first, NULL);
		tcp_sock_reset(ts);
		WRITE_ONCE(ts->conn.state, TCP_LISTEN);
	}
	atomic_store(&ts->accept_max, backlog);
	return 0;
}

void tcp_listen_end(struct tcp_sock *ts)
{
	tcp_sock_lock(ts);
	port_listen_end(&tcp_ports, &ts->inet.ep);
	struct llist_node *n = llist_reverse(accept_take_pushed(ts, ACCEPT_SHUT)), *next;

	WRITE_ONCE(ts->conn.state, TCP_CLOSE);
	spin_unlock(&ts->inet.lock);
	mutex_lock(&ts->accept_lock);
	for (; ts->accept_ready; ts->accept_ready = next) {
		next = ts->accept_ready->next;
		atomic_dec(&ts->accept_count);
		tcp_sock_orphan(container_of(ts->accept_ready, struct tcp_sock, accept_node), true);
	}
	mutex_unlock(&ts->accept_lock);
	for (; n; n = next) {
		next = n->next;
		atomic_dec(&ts->accept_count);
		tcp_sock_orphan(container_of(n, struct tcp_sock, accept_node), true);
	}
}

/* ---- children ---- */

/* The device that a connection is tied to: the listener's, or that of a peer whose address means something on one link only. 0: none */
static u32 link_of(const struct tcp_sock *l, const struct net_endpoint *name)
{
	return l->inet.ep.ifindex ? l->inet.ep.ifindex : ip6_needs_scope(&name->remote) ? name->ifindex : 0;
}

/* A connection for what @rq agreed; it is in no table. NULL: no memory, no route */
static struct tcp_sock *child_new(struct tcp_sock *l, const struct tcp_request *rq, const struct net_endpoint *name)
{
	struct tcp_sock *ts = tcp_sock_new(l->inet.ep.v6, ALLOC_ATOMIC);
	struct ip_dst dst;

	if (!ts)
		return NULL;
	tcp_sock_inherit(ts, l);
	ts->inet.ep.local = name->local;
	ts->inet.ep.remote = name->remote;
	ts->inet.ep.rport = name->rport;
	ts->inet.ep.ifindex = link_of(l, name);
	if (inet_route(&ts->inet, &name->remote, name->rport, &dst)) {
		tcp_sock_put(ts);
		return NULL;
	}
	port_inherit(&tcp_ports, &ts->inet.ep, name);
	tcp_sock_path(ts, &dst);
	ts->conn.advmss = rq->advmss;
	ts->phase = TCP_CONNECTED;
	return ts;
}

/* It was not the first. */
static void child_discard(struct tcp_sock *ts)
{
	port_unbind(&tcp_ports, &ts->inet.ep);
	spin_unlock(&ts->inet.lock);
	tcp_sock_put(ts);
}

enum child_result { CHILD_DONE, CHILD_DROPPED, CHILD_LATE };

/* The last ACK: a child takes the place of @r (NULL: there was a cookie) and gets the segment. CHILD_LATE: another did so first */
static enum child_result child_make(struct tcp_sock *l, struct tcp_request_sock *r, const struct tcp_request *rq, const struct net_endpoint *name,
				    struct tcp_segment *s)
{
	u64 now = plat_mono_ns();
	struct tcp_sock *ts = child_new(l, rq, name);
	struct tcp_agreed agreed;

	if (!ts) {
		TCP_COUNT_MORE(LISTENDROPS);
		return CHILD_DROPPED;
	}
	tcp_sock_lock(ts);
	bool first = r ? tcp_table_replace(&r->entry, &ts->entry) : !tcp_table_insert(&ts->entry);

	if (!first) {
		child_discard(ts);
		return CHILD_LATE;
	}
	tcp_request_agreed(rq, &agreed);
	tcp_conn_accept(&ts->conn, &agreed, now);
	tcp_input(&ts->conn, s, now);
	tcp_sock_unlock(ts, now);
	if (r)
		atomic_dec(&l->request_count);
	if (!accept_push(l, ts))
		tcp_sock_orphan(ts, true);
	return CHILD_DONE;
}

/* Fast Open: a child at once, with the data of the SYN. */
static void child_early(struct tcp_sock *l, const struct tcp_request *rq, const struct net_endpoint *name, struct tcp_segment *s)
{
	u64 now = plat_mono_ns();
	struct tcp_sock *ts = child_new(l, rq, name);
	struct tcp_agreed agreed;

	if (!ts) {
		TCP_COUNT_MORE(LISTENDROPS);
		return;
	}
	tcp_sock_lock(ts);
	if (tcp_table_insert(&ts->entry)) {
		child_discard(ts);
		return;
	}
	ts->early_of = l;
	atomic_inc(&l->entry.refs);
	atomic_inc(&l->fastopen_pending);
	tcp_request_agreed(rq, &agreed);
	bool good = tcp_conn_accept_early(&ts->conn, &agreed, s, now);

	tcp_sock_unlock(ts, now);
	if (good)
		TCP_COUNT_MORE(TCPFASTOPENPASSIVE);
	if (!good || !accept_push(l, ts))
		tcp_sock_orphan(ts, true);
}

/* ---- requests ---- */

static void request_drop(struct tcp_request_sock *r)
{
	if (tcp_table_remove(&r->entry))
		atomic_dec(&r->listener->request_count);
}

/* TCP_DEFER_ACCEPT: data are awaited; no SYN|ACK goes out again meanwhile. r->lock */
static bool deferred(const struct tcp_request_sock *r)
{
	u64 since = plat_mono_ns() - r->rq.sent_ns;

	return r->rq.acked && since < (u64)atomic_load(&r->listener->defer_accept_s) * NS_PER_SEC;
}

static u32 synack_retries(const struct tcp_sock *l)
{
	u32 own = l->conn.syn_retries;

	return own ? own : atomic_load(&tcp_config.synack_retries);
}

static void request_timer(struct net_timer *t)
{
	struct tcp_request_sock *r = container_of(t, struct tcp_request_sock, timer);
	u64 now = plat_mono_ns();
	struct tcp_out o;

	if (!tcp_entry_hold(&r->entry))
		return;
	spin_lock(&r->lock);
	bool again = listening(r->listener) && tcp_request_timer(&r->rq, synack_retries(r->listener), now), quiet = again && deferred(r);

	if (again) {
		tcp_request_synack(&r->rq, &o, now);
		net_timer_arm(&r->timer, r->rq.expires_ns);
	}
	spin_unlock(&r->lock);
	if (again && !quiet) {
		TCP_COUNT(RETRANSSEGS);
		TCP_COUNT_MORE(TCPSYNRETRANS);
		tcp_send_loose(&r->ep, &o, 0);
	}
	if (!again)
		request_drop(r);
	tcp_entry_put(&r->entry);
}

static void request_done(struct net_timer *t)
{
	struct tcp_request_sock *r = container_of(t, struct tcp_request_sock, timer);

	tcp_sock_put(r->listener);
	slab_free(cache, r);
}

void tcp_request_free_rcu(struct rcu_head *h)
{
	struct tcp_request_sock *r = container_of(h, struct tcp_request_sock, entry.rcu);

	net_timer_release(&r->timer, request_done);
}

/* The last ACK came. */
static bool request_complete(struct tcp_request_sock *r, const struct tcp_request *rq, struct tcp_segment *s, bool *again)
{
	struct tcp_sock *l = r->listener;

	if (!s->len && !(s->flags & TH_FIN) && atomic_load(&l->defer_accept_s)) {
		spin_lock(&r->lock);
		r->rq.acked = true;
		bool wait = deferred(r);

		spin_unlock(&r->lock);
		if (wait) {
			TCP_COUNT_MORE(TCPDEFERACCEPTDROP);
			return true;
		}
	}
	if (accept_full(l)) {
		TCP_COUNT_MORE(LISTENOVERFLOWS);
		TCP_COUNT_MORE(LISTENDROPS);
		if (!atomic_load(&tcp_config.abort_on_overflow))
			return true;
		request_drop(r);
		return false;
	}
	*again = child_make(l, r, rq, &r->ep, s) == CHILD_LATE;
	return true;
}

bool tcp_request_segment(struct tcp_request_sock *r, struct packet *p, struct tcp_segment *s, bool *again)
{
	u64 now = plat_mono_ns();
	struct tcp_request rq;
	struct tcp_out o;

	if (!listening(r->listener)) {
		request_drop(r);
		*again = true;
		return true;
	}
	spin_lock(&r->lock);
	enum tcp_request_verdict v = tcp_request_input(&r->rq, s, now);

	rq = r->rq;
	spin_unlock(&r->lock);
	switch (v) {
	case RQ_SYNACK:
		tcp_request_synack(&rq, &o, now);
		tcp_send_loose(&r->ep, &o, 0);
		return true;
	case RQ_ACK:
		tcp_request_ack(&rq, &o, now);
		tcp_send_loose(&r->ep, &o, 0);
		return true;
	case RQ_RESET:
		return false;
	case RQ_KILL:
		TCP_COUNT(ATTEMPTFAILS);
		request_drop(r);
		return true;
	case RQ_CHILD:
		return request_complete(r, &rq, s, again);
	default:
		return true;
	}
}

/* ---- SYNs ---- */

static u32 advmss_to(const struct tcp_sock *l, const struct net_endpoint *name)
{
	struct ip_flow f = { .src = name->local, .dst = name->remote, .oif = link_of(l, name), .protocol = IPPROTO_TCP };
	struct ip_dst dst;

	return ip_route(&f, &dst) ? 536 : MIN(dst.advmss, (u32)ADVMSS_MAX);
}

static void request_agree(struct tcp_request *rq, struct tcp_sock *l, const struct tcp_segment *s, const struct net_endpoint *name, u32 iss,
			  u64 now_ns)
{
	tcp_request_init(rq, &tcp_config, s, iss, advmss_to(l, name), l->conn.user_mss, l->conn.rcvbuf, l->conn.window_clamp, tcp_ts_offset(name), s->ect,
			 now_ns);
}

/* Nothing is kept: the answer holds it all. */
static void answer_by_cookie(struct tcp_sock *l, const struct tcp_segment *s, const struct net_endpoint *name)
{
	struct tcp_flow_name flow = tcp_flow_name(name);
	u64 now = plat_mono_ns();
	struct tcp_request rq;
	struct tcp_out o;

	request_agree(&rq, l, s, name, 0, now);
	if (rq.ts_ok)
		rq.ts_offset = tcp_cookie_ts(&rq, now) - (u32)(now / NS_PER_MS);
	else
		rq.sack_ok = rq.wscale_ok = rq.ecn_ok = false;
	rq.iss = tcp_cookie_make(&cookie_key, &flow, sizeof(flow), s->seq, &rq.mss, now);
	tcp_request_synack(&rq, &o, now);
	atomic_store(&l->overflow_ns, now);
	TCP_COUNT_MORE(SYNCOOKIESSENT);
	tcp_send_loose(name, &o, 0);
}

/* What Fast Open makes of a SYN: 0: nothing; 1: *cookie is to go with the answer; 2: a child may be made at once */
static int fastopen_of(struct tcp_sock *l, const struct tcp_segment *s, const struct net_endpoint *name, struct tcp_fastopen_cookie *cookie)
{
	u32 most = atomic_load(&l->fastopen_max);

	if (!(atomic_load(&tcp_config.fastopen) & TCP_FASTOPEN_SERVER) || !most || s->opt.fo_len == TCP_FO_NONE)
		return 0;
	if (!s->opt.fo_len)
		TCP_COUNT_MORE(TCPFASTOPENCOOKIEREQD);
	if (s->opt.fo_len && tcp_fastopen_good(l, name, &s->opt)) {
		if (atomic_load(&l->fastopen_pending) < most)
			return 2;
		TCP_COUNT_MORE(TCPFASTOPENLISTENOVERFLOW);
		return 0;
	}
	if (s->opt.fo_len)
		TCP_COUNT_MORE(TCPFASTOPENPASSIVEFAIL);
	tcp_fastopen_make(l, name, cookie);
	cookie->experimental = s->opt.fo_experimental;
	return 1;
}

/* With cookie->len it goes with the SYN|ACK. */
static void request_new(struct tcp_sock *l, const struct tcp_segment *s, const struct net_endpoint *name, u32 isn,
			const struct tcp_fastopen_cookie *cookie)
{
	struct tcp_request_sock *r = slab_alloc(cache, ALLOC_ATOMIC);
	u64 now = plat_mono_ns();
	struct tcp_out o;

	if (!r) {
		TCP_COUNT_MORE(LISTENDROPS);
		return;
	}
	memset(r, 0, sizeof(*r));
	r->ep = *name;
	r->ep.ifindex = link_of(l, name);
	r->ep.v6 = l->inet.ep.v6;
	r->entry.ep = &r->ep;
	r->entry.kind = TCP_ENTRY_REQUEST;
	r->entry.refs = 1;
	r->listener = l;
	atomic_inc(&l->entry.refs);
	spin_init(&r->lock, RANK_NET_SOCK);
	net_timer_init(&r->timer, request_timer);
	request_agree(&r->rq, l, s, name, isn ? isn : tcp_isn(name, now), now);
	if (cookie->len) {
		r->rq.fo_len = (s8)cookie->len;
		r->rq.fo_experimental = cookie->experimental;
		memcpy(r->rq.fo_cookie, cookie->bytes, sizeof(r->rq.fo_cookie));
	}
	tcp_request_synack(&r->rq, &o, now);
	atomic_inc(&l->request_count);
	if (tcp_table_insert(&r->entry)) {
		atomic_dec(&l->request_count);		/* the same SYN on another CPU */
	} else {
		spin_lock(&r->lock);
		net_timer_arm(&r->timer, r->rq.expires_ns);
		spin_unlock(&r->lock);
		tcp_send_loose(&r->ep, &o, 0);
	}
	tcp_entry_put(&r->entry);
}

static void syn_accepted(struct tcp_sock *l, struct tcp_segment *s, const struct net_endpoint *name, u32 isn)
{
	struct tcp_fastopen_cookie cookie = { 0 };
	u64 now = plat_mono_ns();
	struct tcp_request rq;

	if (fastopen_of(l, s, name, &cookie) < 2) {
		request_new(l, s, name, isn, &cookie);
		return;
	}
	request_agree(&rq, l, s, name, isn ? isn : tcp_isn(name, now), now);
	child_early(l, &rq, name, s);
}

static void syn(struct tcp_sock *l, struct tcp_segment *s, const struct net_endpoint *name, u32 isn)
{
	u32 cookies = atomic_load(&tcp_config.syncookies), waiting = atomic_load(&l->request_count), most = atomic_load(&tcp_config.max_syn_backlog);
	bool full = waiting >= atomic_load(&l->accept_max) && waiting;

	if (accept_full(l)) {
		TCP_COUNT_MORE(LISTENOVERFLOWS);
		TCP_COUNT_MORE(LISTENDROPS);
	} else if ((full || cookies == 2) && !isn && cookies) {
		if (full)
			TCP_COUNT_MORE(TCPREQQFULLDOCOOKIES);
		answer_by_cookie(l, s, name);
	} else if ((full && !isn) || (!cookies && waiting + (most >> 2) > most)) {
		TCP_COUNT_MORE(TCPREQQFULLDROP);
		TCP_COUNT_MORE(LISTENDROPS);
	} else {
		syn_accepted(l, s, name, isn);
	}
}

/* Does this ACK bring a cookie back? Return: false: no */
static bool cookie_ack(struct tcp_sock *l, struct tcp_segment *s, const struct net_endpoint *name)
{
	struct tcp_flow_name flow = tcp_flow_name(name);
	u64 now = plat_mono_ns(), sent = atomic_load(&l->overflow_ns);
	struct tcp_request rq = { 0 };

	if (!atomic_load(&tcp_config.syncookies) || !sent || now - sent > COOKIES_FOR_NS)
		return false;
	u16 mss = tcp_cookie_check(&cookie_key, &flow, sizeof(flow), s->seq - 1, s->ack - 1, now);

	if (!mss || !tcp_cookie_ts_take(&rq, &tcp_config, &s->opt)) {
		TCP_COUNT_MORE(SYNCOOKIESFAILED);
		return false;
	}
	TCP_COUNT_MORE(SYNCOOKIESRECV);
	/* The SYN as it must have been. */
	struct tcp_segment was = { .seq = s->seq - 1, .window = s->window, .flags = (u8)(TH_SYN | (rq.ecn_ok ? TH_ECE | TH_CWR : 0)) };

	tcp_options_clear(&was.opt);
	was.opt.mss = mss;
	was.opt.has_ts = rq.ts_ok;
	was.opt.tsval = rq.ts_recent;
	was.opt.sack_ok = rq.sack_ok;
	was.opt.has_wscale = rq.wscale_ok;
	was.opt.wscale = rq.snd_wscale;
	request_agree(&rq, l, &was, name, s->ack - 1, now);
	rq.retries = 1;				/* when it was sent is not known */
	if (accept_full(l)) {
		TCP_COUNT_MORE(LISTENOVERFLOWS);
		TCP_COUNT_MORE(LISTENDROPS);
	} else {
		(void)child_make(l, NULL, &rq, name, s);
	}
	return true;
}

bool tcp_listen_input(struct tcp_sock *l, struct packet *p, struct tcp_segment *s, const struct ip_rx *ip, const struct net_endpoint *name, u32 isn)
{
	if (s->flags & TH_RST)
		return true;
	if (s->flags & TH_ACK)
		return !(s->flags & TH_SYN) && cookie_ack(l, s, name);
	/* A SYN with FIN is not answered by anything sensible: drop it, as RFC 9293 allows. */
	if (s->flags & TH_SYN && !(s->flags & TH_FIN) && listening(l))
		syn(l, s, name, isn);
	return true;
}

void tcp_listen_init(void)
{
	cache = slab_create("request_sock_TCP", sizeof(struct tcp_request_sock), 0);
	assert(cache);
	random_bytes(&cookie_key, sizeof(cookie_key));
}
