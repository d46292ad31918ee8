/*
 * A connection's life: creation, what the machine's events ask for, timers, connecting, the end.
 *
 * Source: RFC 6528 (initial sequence numbers), RFC 7323 section 5.4 (offsets of time stamps), tcp(7).
 */
#include <linux/errno.h>
#include "base/hash.h"
#include "kern/assert.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "net/device.h"
#include "net/stats.h"
#include "sock/tcp.h"
#include "vfs/poll.h"

/* With 20 bytes of IP and 60 of TCP a packet stays below 64 KiB. */
enum { GSO_BYTES = 65535 - 80, ADVMSS_MAX = 65535 - 40, PATH_MTU_MAX = 65535 };

struct port_table tcp_ports;
struct tcp_stats tcp_stats[CPUS_MAX];
static struct slab_cache *cache;
static struct siphash_key isn_key, ts_key;

u32 tcp_isn(const struct net_endpoint *ep, u64 now_ns)
{
	struct tcp_flow_name name = tcp_flow_name(ep);

	return (u32)siphash(&name, sizeof(name), &isn_key) + (u32)(now_ns >> 6);
}

u32 tcp_ts_offset(const struct net_endpoint *ep)
{
	struct ip_addr pair[2] = { ep->local, ep->remote };

	return (u32)siphash(pair, sizeof(pair), &ts_key);
}

/* ---- memory ---- */

static u64 memory_bytes;	/* [a] in all queues */
static u32 sockets, orphans;	/* [a] */

bool tcp_memory_over(void)
{
	return atomic_load(&memory_bytes) >> PAGE_SHIFT > atomic_load(&tcp_mem[2]);
}

void tcp_figures(struct tcp_figures *out)
{
	*out = (struct tcp_figures){
		.sockets = atomic_load(&sockets), .orphans = atomic_load(&orphans), .timewaits = tcp_wait_count(),
		.pages = (u32)(atomic_load(&memory_bytes) >> PAGE_SHIFT),
	};
}

/* What the queues hold changed. */
static void charge(struct tcp_sock *ts)
{
	u32 now = ts->conn.snd_memory + ts->conn.rcv_memory;

	if (now == ts->charged)
		return;
	atomic_add(&memory_bytes, (u64)now - ts->charged);
	ts->charged = now;
}

static void count_orphan(struct tcp_sock *ts)
{
	bool now = ts->conn.orphan && ts->conn.state != TCP_CLOSE;

	if (now && !ts->counted_orphan)
		atomic_inc(&orphans);
	else if (!now && ts->counted_orphan)
		atomic_dec(&orphans);
	ts->counted_orphan = now;
}

/* ---- events ---- */

static void give_back_port(struct tcp_sock *ts)
{
	if (ts->inet.ep.lport)
		ts->name_port = ts->inet.ep.lport;
	port_unbind(&tcp_ports, &ts->inet.ep);
}

/* The machine is in CLOSE: out of the table; the port stays with a socket that is open and asked for it. */
static void ended(struct tcp_sock *ts, u32 events, u64 now_ns)
{
	if (events & TCP_EV_TIMEWAIT)
		tcp_wait_enter(ts, now_ns);
	tcp_table_remove(&ts->entry);
	if (ts->conn.orphan || !ts->inet.ep.port_chosen)
		give_back_port(ts);
	tcp_chunks_drop(ts);
}

static void count_established(struct tcp_sock *ts)
{
	bool now = tcp_in_states(&ts->conn, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT));

	if (now && !ts->established)
		TCP_COUNT(CURRESTAB);
	else if (!now && ts->established)
		tcp_stats[plat_cpu_id()].tcp[TCP_MIB_CURRESTAB]--;
	ts->established = now;
}

/* A child of Fast Open got its ACK, or came to an end without. */
static void early_ended(struct tcp_sock *ts)
{
	struct tcp_sock *l = ts->early_of;

	if (!l || ts->conn.state == TCP_SYN_RECV)
		return;
	ts->early_of = NULL;
	atomic_dec(&l->fastopen_pending);
	tcp_sock_put(l);
}

/* Whom to wake for what. */
static void wake(struct tcp_sock *ts, u32 events)
{
	struct socket *s = &ts->inet.sock;
	u32 key = 0;

	if (events & TCP_EV_STATE && ts->conn.orphan)
		wake_up_all(&s->waitq);		/* a close() that lingers */
	if (events & TCP_EV_READ && tcp_readable_to(ts, s->rcvlowat))
		key |= EPOLLIN | EPOLLRDNORM | (ts->conn.shut_rcv ? EPOLLRDHUP : 0);
	if (events & TCP_EV_URGENT)
		key |= EPOLLPRI;
	if (events & (TCP_EV_WRITE | TCP_EV_ACKED) && atomic_load(&ts->nospace) && tcp_writable(&ts->conn)) {
		atomic_store(&ts->nospace, false);
		key |= EPOLLOUT | EPOLLWRNORM;
	}
	if (events & TCP_EV_CONNECTED)
		key |= EPOLLOUT | EPOLLWRNORM;
	if (events & (TCP_EV_CLOSED | TCP_EV_ERROR)) {
		key = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLHUP | EPOLLRDHUP | (events & TCP_EV_ERROR ? EPOLLERR : 0);
		if (waitq_active(&s->waitq))
			waitq_wake(&s->waitq, 0, key);
	} else if (key) {
		wake_up_poll(&s->waitq, key);
	}
}

static void defer_resume(struct tcp_sock *ts)
{
	atomic_inc(&ts->entry.refs);
	if (!net_defer(&ts->resume))
		tcp_sock_put(ts);
}

static void arm(struct tcp_sock *ts, u64 now_ns)
{
	u64 at = tcp_next_wake_ns(&ts->conn);

	/* A timer that goes off too early does no harm and is armed anew: fewer armings than one for each segment. */
	if (at >= ts->armed_ns)
		return;
	ts->armed_ns = at;
	net_timer_arm(&ts->timer, MAX(at, now_ns));
}

void tcp_sock_events(struct tcp_sock *ts, u64 now_ns)
{
	struct tcp_conn *c = &ts->conn;
	struct socket *s = &ts->inet.sock;
	u32 events = c->events;

	c->events = 0;
	if (events & TCP_EV_STATE) {
		count_established(ts);
		count_orphan(ts);
		early_ended(ts);
	}
	if (c->fo_got) {
		c->fo_got = false;
		tcp_fastopen_keep(&ts->inet.ep.remote, c);
	}
	if (events & TCP_EV_ERROR) {
		sock_set_error(s, c->error);
		c->error = 0;
	}
	WRITE_ONCE(s->shutdown, (c->shut_rcv ? SHUTDOWN_RCV : 0u) | (c->shut_snd ? SHUTDOWN_SEND : 0u));
	if (!c->sndbuf_locked)
		s->sndbuf = c->sndbuf;
	if (!c->rcvbuf_locked)
		s->rcvbuf = c->rcvbuf;
	if (events & TCP_EV_CLOSED)
		ended(ts, events, now_ns);
	else if (events & TCP_EV_ACKED)
		tcp_chunks_drop(ts);
	if (events & TCP_EV_ADVICE)
		ip_negative_advice(&ts->inet.dst);
	if (events & TCP_EV_CONFIRM && ip_dst_valid(&ts->inet.dst))
		ip_confirm(&ts->inet.dst);
	charge(ts);
	arm(ts, now_ns);
	/* What held it back may have gone before it said so. */
	if (c->throttled) {
		smp_mb();
		if (!atomic_load(&c->queued_bytes))
			defer_resume(ts);
	}
	if (events)
		wake(ts, events);
}

static void timer(struct net_timer *t)
{
	struct tcp_sock *ts = container_of(t, struct tcp_sock, timer);
	u64 now = plat_mono_ns();

	if (!tcp_entry_hold(&ts->entry))
		return;
	tcp_sock_lock(ts);
	ts->armed_ns = TCP_NEVER;
	tcp_timer(&ts->conn, now);
	tcp_sock_unlock(ts, now);
	tcp_sock_put(ts);
}

/* The device, or the receiver over lo, let go of packets. */
static void resume(struct net_work *w)
{
	struct tcp_sock *ts = container_of(w, struct tcp_sock, resume);
	u64 now = plat_mono_ns();

	tcp_sock_lock(ts);
	tcp_resume(&ts->conn, now);
	tcp_sock_unlock(ts, now);
	tcp_sock_put(ts);
}

void tcp_sock_sent(struct packet *p)
{
	struct tcp_sock *ts = p->owner;

	atomic_sub(&ts->conn.queued_bytes, p->charge);
	if (atomic_load(&ts->conn.throttled))
		defer_resume(ts);
	tcp_sock_put(ts);
}

/* ---- creation and options that outlive a connection ---- */

/* What users set and a new connection of the same socket, or a child, begins with. */
static void keep_options(struct tcp_conn *to, const struct tcp_conn *from)
{
	to->ca = from->ca;
	to->user_mss = from->user_mss;
	to->nonagle = from->nonagle;
	to->sndbuf = from->sndbuf_locked ? from->sndbuf : to->sndbuf;
	to->rcvbuf = from->rcvbuf_locked ? from->rcvbuf : to->rcvbuf;
	to->sndbuf_locked = from->sndbuf_locked;
	to->rcvbuf_locked = from->rcvbuf_locked;
	to->notsent_lowat = from->notsent_lowat;
	to->max_pacing_rate = from->max_pacing_rate;
	to->user_timeout_ms = from->user_timeout_ms;
	to->keepalive = from->keepalive;
	to->keep_idle_s = from->keep_idle_s;
	to->keep_intvl_s = from->keep_intvl_s;
	to->keep_count = from->keep_count;
	to->syn_retries = from->syn_retries;
	to->linger2_s = from->linger2_s;
}

void tcp_sock_reset(struct tcp_sock *ts)
{
	struct tcp_conn *c = &ts->conn, old;
	u32 clamp = c->window_clamp;

	memset(&old, 0, sizeof(old));
	keep_options(&old, c);
	u32 queued = c->queued_bytes;

	tcp_conn_init(c, &tcp_sock_hooks, &tcp_config);
	keep_options(c, &old);
	c->queued_bytes = queued;
	c->window_clamp = ts->clamp_chosen ? clamp : 0;
	ts->inet.dst.generation = 0;
}

void tcp_sock_inherit(struct tcp_sock *child, struct tcp_sock *listener)
{
	struct inet_sock *c = &child->inet, *l = &listener->inet;

	keep_options(&child->conn, &listener->conn);
	c->sock.flags = l->sock.flags;
	c->sock.sndbuf = child->conn.sndbuf;
	c->sock.rcvbuf = child->conn.rcvbuf;
	c->sock.rcvlowat = l->sock.rcvlowat;
	c->sock.priority = l->sock.priority;
	c->sock.mark = l->sock.mark;
	c->sock.linger_sec = l->sock.linger_sec;
	c->sock.rcvtimeo_ns = l->sock.rcvtimeo_ns;
	c->sock.sndtimeo_ns = l->sock.sndtimeo_ns;
	c->tos = l->tos;
	c->ttl = l->ttl;
	c->mc_ttl = l->mc_ttl;
	c->pmtu = l->pmtu;
	c->freebind = l->freebind;
	c->ep.reuse = l->ep.reuse;
	c->ep.reuseport = l->ep.reuseport;
	c->ep.uid = l->ep.uid;
	c->ep.v6only = l->ep.v6only;
	c->ep.local_chosen = c->ep.port_chosen = true;
	child->clamp_chosen = listener->clamp_chosen;
}

struct tcp_sock *tcp_sock_new(bool v6, u32 flags)
{
	struct tcp_sock *ts = slab_alloc(cache, flags);

	if (!ts)
		return NULL;
	memset(ts, 0, sizeof(*ts));
	inet_init(&ts->inet, &tcp_socket_ops, v6, SOCK_STREAM, IPPROTO_TCP);
	ts->entry.ep = &ts->inet.ep;
	ts->entry.kind = TCP_ENTRY_CONN;
	ts->entry.refs = 1;
	mutex_init(&ts->send_lock, RANK_SOCK);
	mutex_init(&ts->recv_lock, RANK_SOCK);
	mutex_init(&ts->accept_lock, RANK_SOCK);
	list_init(&ts->chunks);
	net_timer_init(&ts->timer, timer);
	net_work_init(&ts->resume, resume);
	ts->armed_ns = TCP_NEVER;
	atomic_inc(&sockets);
	tcp_conn_init(&ts->conn, &tcp_sock_hooks, &tcp_config);
	ts->conn.ca = atomic_load(&tcp_ca_default);
	ts->inet.sock.sndbuf = ts->conn.sndbuf;
	ts->inet.sock.rcvbuf = ts->conn.rcvbuf;
	return ts;
}

static void freed(struct net_timer *t)
{
	slab_free(cache, container_of(t, struct tcp_sock, timer));
}

void tcp_sock_free_rcu(struct rcu_head *h)
{
	struct tcp_sock *ts = container_of(h, struct tcp_sock, entry.rcu);

	assert(ts->conn.state == TCP_CLOSE || ts->conn.state == TCP_SYN_RECV);
	port_unbind(&tcp_ports, &ts->inet.ep);
	tcp_conn_fini(&ts->conn);
	tcp_chunks_purge(ts);
	charge(ts);
	atomic_dec(&sockets);
	net_timer_release(&ts->timer, freed);
}

/* ---- the path ---- */

void tcp_sock_path(struct tcp_sock *ts, const struct ip_dst *dst)
{
	struct tcp_conn *c = &ts->conn;

	ts->inet.dst = *dst;
	c->header_bytes = ip_header_min(ts->inet.ep.v6 && !ip_addr_is_v4(&ts->inet.ep.remote));
	c->gso_max = GSO_BYTES;		/* who cannot cut them up gets them cut (net/gso.h) */
	if (c->state == TCP_CLOSE)
		c->advmss = MIN(dst->advmss, (u32)ADVMSS_MAX);
	tcp_set_mtu(c, MIN(dst->mtu, (u32)PATH_MTU_MAX));
}

int tcp_sock_route(struct tcp_sock *ts)
{
	struct inet_sock *i = &ts->inet;
	struct ip_dst dst;

	if (ip_dst_valid(&i->dst))
		return 0;
	int err = inet_route(i, &i->ep.remote, i->ep.rport, &dst);

	if (!err)
		tcp_sock_path(ts, &dst);
	return err;
}

/* ---- connecting ---- */

/* Many connections may leave from one port if they lead to different places and nobody asked for that port. */
static bool ports_conflict(const struct net_endpoint *a, const struct net_endpoint *b)
{
	if (!port_share_refused(a, b))
		return false;
	if (a->port_chosen || b->port_chosen || !a->rport || !b->rport)
		return true;
	return a->rport == b->rport && ip_addr_equal(&a->remote, &b->remote);
}

static int take_name(struct tcp_sock *ts, const struct ip_dst *dst)
{
	struct net_endpoint *ep = &ts->inet.ep;

	if (ip_addr_is_any(&ep->local)) {
		if (ep->lport)
			port_set_local(&tcp_ports, ep, &dst->src);
		else
			ep->local = dst->src;
	}
	if (!ep->lport && port_bind(&tcp_ports, ep, 0))
		return -EADDRNOTAVAIL;
	return tcp_table_insert(&ts->entry);
}

static void drop_name(struct tcp_sock *ts)
{
	struct net_endpoint *ep = &ts->inet.ep;
	struct ip_addr any = inet_any(&ts->inet);

	ep->remote = any;
	ep->rport = 0;
	if (!ep->port_chosen)
		give_back_port(ts);
	if (ep->local_chosen)
		return;
	if (ep->lport)
		port_set_local(&tcp_ports, ep, &any);
	else
		ep->local = any;
}

int tcp_sock_name(struct tcp_sock *ts, const struct ip_addr *to, u16 port)
{
	struct inet_sock *i = &ts->inet;
	struct ip_dst dst;
	int err = inet_route(i, to, port, &dst);

	if (!err && (dst.kind == IP_DST_BROADCAST || dst.kind == IP_DST_MULTICAST))
		err = -ENETUNREACH;
	if (err)
		return err;
	i->ep.remote = inet_or_loopback(i, to);
	i->ep.rport = port;
	i->ep.reuse = atomic_load(&i->sock.flags) & SOCKF_REUSEADDR;
	i->ep.reuseport = atomic_load(&i->sock.flags) & SOCKF_REUSEPORT;
	tcp_sock_reset(ts);
	err = take_name(ts, &dst);
	if (err)
		drop_name(ts);
	else
		tcp_sock_path(ts, &dst);
	return err;
}

/* Ask for a cookie, or show the one that there is. */
static void open_fast(struct tcp_sock *ts)
{
	struct tcp_conn *c = &ts->conn;
	struct tcp_fastopen_cookie k = { 0 };

	(void)tcp_fastopen_find(&ts->inet.ep.remote, &k);
	c->syn_fastopen = true;
	c->fo_len = (s8)k.len;
	c->fo_experimental = k.experimental;
	memcpy(c->fo_cookie, k.bytes, sizeof(c->fo_cookie));
}

void tcp_sock_open(struct tcp_sock *ts, struct tcp_chunk *chunk)
{
	struct tcp_conn *c = &ts->conn;
	u64 now = plat_mono_ns();
	u32 iss = tcp_isn(&ts->inet.ep, now);

	c->ts_offset = tcp_ts_offset(&ts->inet.ep);
	if (chunk || ts->fastopen_connect)
		open_fast(ts);
	if (chunk && chunk->len) {
		chunk->seq = iss + 1;
		c->snd_memory += chunk->room;
		list_add_tail(&chunk->node, &ts->chunks);
	} else if (chunk) {
		tcp_chunk_free(chunk);
		chunk = NULL;
	}
	ts->deferred = false;
	ts->phase = TCP_CONNECTING;
	tcp_connect(c, iss, chunk ? chunk->len : 0, now);
}

/* The first half: nothing more comes or goes. The phase keeps anybody from beginning anew before the second. send_lock, i->lock, net */
static void disconnect_locked(struct tcp_sock *ts, u64 now_ns)
{
	if (ts->conn.state != TCP_CLOSE) {
		tcp_abort(&ts->conn, 0, now_ns);
		sock_set_error(&ts->inet.sock, ECONNRESET);
	}
	tcp_sock_events(ts, now_ns);
	tcp_table_remove(&ts->entry);		/* one that was deferred */
	tcp_chunks_purge(ts);
	ts->phase = TCP_DISCONNECTING;
	ts->deferred = false;
}

void tcp_sock_disconnect(struct tcp_sock *ts)
{
	u64 now = plat_mono_ns();

	mutex_lock(&ts->send_lock);
	net_enter();
	tcp_sock_lock(ts);
	if (ts->conn.state != TCP_LISTEN)	/* else another thread listens since */
		disconnect_locked(ts, now);
	spin_unlock(&ts->inet.lock);
	net_leave();
	mutex_unlock(&ts->send_lock);
	mutex_lock(&ts->recv_lock);
	net_enter();
	tcp_sock_lock(ts);
	/* Of threads that do this at once one ends it, and what is begun afterwards stands. */
	if (ts->phase == TCP_DISCONNECTING) {
		tcp_conn_fini(&ts->conn);
		tcp_sock_reset(ts);
		drop_name(ts);
		ts->phase = TCP_UNCONNECTED;
	}
	tcp_sock_unlock(ts, now);
	net_leave();
	mutex_unlock(&ts->recv_lock);
}

void tcp_sock_orphan(struct tcp_sock *ts, bool abort)
{
	u64 now = plat_mono_ns();

	/* Nobody waits for an orphan: where there are too many, it ends at once. */
	if (!abort && (atomic_load(&orphans) >= atomic_load(&tcp_config.max_orphans) || tcp_memory_over())) {
		TCP_COUNT_MORE(TCPABORTONMEMORY);
		abort = true;
	}
	net_enter();
	tcp_sock_lock(ts);
	tcp_close(&ts->conn, abort, now);
	count_orphan(ts);
	tcp_sock_events(ts, now);
	if (ts->conn.state == TCP_CLOSE) {
		tcp_table_remove(&ts->entry);	/* one that was deferred */
		give_back_port(ts);
	}
	spin_unlock(&ts->inet.lock);
	net_leave();
	tcp_sock_put(ts);
}

void tcp_sock_init(void)
{
	cache = slab_create("TCP", sizeof(struct tcp_sock), CACHELINE_SIZE);
	assert(cache);
	port_table_init(&tcp_ports);
	tcp_ports.conflict = ports_conflict;
	random_bytes(&isn_key, sizeof(isn_key));
	random_bytes(&ts_key, sizeof(ts_key));
}
