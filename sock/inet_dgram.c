/*
 * UDP.
 *
 * A datagram that comes in is queued whole on the socket's queue, up to rcvbuf bytes, and copied to the user once.  A sender's packets are
 * counted in wmem until the device (or, over lo, the receiver) lets go of them.
 *
 * Departures: no cork (MSG_MORE sends at once), no error queue, no GSO.
 *
 * Locks: u->lock (RANK_NET_QUEUE) the receive queue; i->lock what connect changes.  References: the file's one; packets under way that
 * are charged to the socket one each.
 * Source: RFC 768, udp(7), ip(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <linux/udp.h>
#include <asm/ioctls.h>
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "net/checksum.h"
#include "net/context.h"
#include "net/device.h"
#include "net/stats.h"
#include "sock/diag.h"
#include "sock/inet.h"
#include "vfs/poll.h"
#include "vfs/procfs.h"

enum { HEADER = 8, PAYLOAD_MAX = 65507, PAYLOAD6_MAX = 65527 };

/* One more in a counter of the IP version that carried it. */
#define UDP_COUNT(v4, field)                    \
	do {                                    \
		if (v4)                         \
			IP4_COUNT(field);       \
		else                            \
			IP6_COUNT(field);       \
	} while (0)

/* Locks: q u->queue_lock */
struct udp_sock {
	struct inet_sock inet;		/* first */
	struct spinlock queue_lock;	/* RANK_NET_QUEUE */
	struct list_head queue;		/* [q] packets; data at the payload */
	bool dead;			/* [q] released: takes no more */
	u32 drops;			/* [a] datagrams that found no room */
	struct rcu_head rcu;
};

/* In the control block of a queued packet. */
struct udp_cb {
	struct ip_addr src, dst;
	u32 ifindex;
	u16 sport;
	u8 ttl, tos;
};

static struct port_table ports;
static struct slab_cache *udp_cache;

static struct udp_sock *udp_of(struct socket *s)
{
	return container_of(inet_of(s), struct udp_sock, inet);
}

/* ---- life ---- */

static void udp_free_rcu(struct rcu_head *h)
{
	slab_free(udp_cache, container_of(h, struct udp_sock, rcu));
}

static void udp_put(struct udp_sock *u)
{
	if (atomic_dec_and_test(&u->inet.refs))
		call_rcu(&u->rcu, udp_free_rcu);
}

static void udp_release(struct socket *s)
{
	struct udp_sock *u = udp_of(s);
	LIST_HEAD(gone);

	inet_groups_leave(&u->inet);
	port_unbind(&ports, &u->inet.ep);
	spin_lock(&u->queue_lock);
	u->dead = true;
	list_splice_init(&u->queue, &gone);
	spin_unlock(&u->queue_lock);
	packet_free_list(&gone);
	udp_put(u);
}

/* ---- binding ---- */

static int udp_bind(struct socket *s, const struct sock_addr *a)
{
	return inet_bind(inet_of(s), &ports, a);
}

/* Any port if it has none; *@port: the one it has, whatever becomes of the binding later. */
static int autobind(struct inet_sock *i, u16 *port)
{
	spin_lock(&i->lock);
	int err = i->ep.lport ? 0 : port_bind(&ports, &i->ep, 0);

	*port = i->ep.lport;
	spin_unlock(&i->lock);
	return err == -EADDRINUSE ? -EAGAIN : err;
}

static void udp_disconnect(struct inet_sock *i)
{
	struct ip_addr any = inet_any(i);

	spin_lock(&i->lock);
	i->ep.remote = any;
	i->ep.rport = 0;
	i->dst.generation = 0;
	if (!i->ep.local_chosen)
		port_set_local(&ports, &i->ep, &any);
	if (!i->ep.port_chosen)
		port_unbind(&ports, &i->ep);
	spin_unlock(&i->lock);
}

/* A peer's address: AF_INET6 sockets take AF_INET ones too, unless they are v6only: -errno @refused */
static int peer_parse(const struct inet_sock *i, const struct sock_addr *a, int refused, struct ip_addr *addr, u16 *port, u32 *scope)
{
	if (!i->ep.v6 || a->family != AF_INET)
		return inet_addr_parse(i, a, addr, port, scope);
	*scope = 0;
	return i->ep.v6only ? refused : inet_addr_parse4(a, addr, port);
}

/* Who is bound to an address of one version cannot have a peer of the other. */
static int meets_local(const struct inet_sock *i, const struct ip_addr *peer)
{
	bool v4 = ip_addr_is_v4(peer);

	if (ip_addr_is_any(&i->ep.local) || ip_addr_is_any(peer) || ip_addr_is_v4(&i->ep.local) == v4)
		return 0;
	return v4 ? -ENETUNREACH : -EAFNOSUPPORT;
}

static int may_broadcast(const struct inet_sock *i, const struct ip_dst *dst)
{
	return dst->kind == IP_DST_BROADCAST && !(atomic_load(&i->sock.flags) & SOCKF_BROADCAST) ? -EACCES : 0;
}

static int udp_connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct inet_sock *i = inet_of(s);
	struct ip_addr addr;
	struct ip_dst dst;
	u16 port, own;
	u32 scope;
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == AF_UNSPEC) {
		udp_disconnect(i);
		return 0;
	}
	err = peer_parse(i, a, -EAFNOSUPPORT, &addr, &port, &scope);
	if (!err)
		err = meets_local(i, &addr);
	if (!err)
		err = inet_connect_scope(i, &addr, scope);
	if (!err)
		err = inet_route(i, &addr, port, &dst);
	if (!err)
		err = may_broadcast(i, &dst);
	if (!err)
		err = autobind(i, &own);
	if (err)
		return err;
	addr = inet_or_loopback(i, &addr);
	spin_lock(&i->lock);
	if (ip_addr_is_any(&i->ep.local))
		port_set_local(&ports, &i->ep, &dst.src);
	i->ep.remote = addr;
	i->ep.rport = port;
	i->dst.generation = 0;
	spin_unlock(&i->lock);
	return 0;
}

/* ---- sending ---- */

static void sent(struct packet *p)
{
	struct udp_sock *u = p->owner;

	atomic_sub(&u->inet.wmem, p->charge);
	wake_up_poll(&u->inet.sock.waitq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	udp_put(u);
}

static bool writable(const struct inet_sock *i)
{
	return atomic_load(&i->wmem) < i->sock.sndbuf;
}

static bool shut_send(const struct inet_sock *i)
{
	return READ_ONCE(i->sock.shutdown) & SHUTDOWN_SEND;
}

static int wait_room(struct inet_sock *i, u32 flags)
{
	u64 deadline = sock_deadline(i->sock.sndtimeo_ns, flags & MSG_DONTWAIT);

	while (!shut_send(i)) {
		if (writable(i))
			return 0;
		if (!deadline)
			return -EAGAIN;
		int err = wait_event_interruptible_until(&i->sock.waitq, writable(i) || shut_send(i), deadline);

		if (err)
			return sock_wait_error(err, i->sock.sndtimeo_ns);
	}
	return sock_pipe_error(flags);
}

/* Where a datagram comes from and goes to. */
struct udp_route {
	struct ip_addr to, src;	/* src: of this datagram alone; any: the socket's */
	u32 oif;		/* over that device; 0: any */
	u16 sport, dport;
	u8 ttl;			/* of this datagram alone; 0: the socket's */
	s16 tos;		/* the same; -1 */
};

static void header(struct packet *p, const struct inet_sock *i, const struct ip_send *send, const struct udp_route *r)
{
	u32 len = p->len + HEADER;
	u8 *h = packet_push(p, HEADER);

	put_be16(h, r->sport);
	put_be16(h + 2, r->dport);
	put_be16(h + 4, (u16)len);
	u16 pseudo = csum_fold(csum_pseudo(&send->src, &send->dst, IPPROTO_UDP, len));

	memset(h + 6, 0, 2);
	if (atomic_load(&i->sock.flags) & SOCKF_NO_CHECK)
		return;
	memcpy(h + 6, &pseudo, 2);
	p->csum = CSUM_PARTIAL;
	p->csum_start = (u16)packet_headroom(p);
	p->csum_offset = 6;
}

/* Route and send what stands in @p. Consumes. */
static int transmit(struct udp_sock *u, struct packet *p, const struct udp_route *r)
{
	struct inet_sock *i = &u->inet;
	struct ip_send send;
	struct ip_dst dst;

	net_enter();
	int err = inet_route_via(i, &r->to, r->dport, r->oif ? r->oif : i->ep.ifindex, ip_addr_is_any(&r->src) ? NULL : &r->src, &dst);

	if (!err)
		err = may_broadcast(i, &dst);
	if (err) {
		packet_free(p);
	} else {
		inet_send_fill(i, &r->to, &dst, &send);
		send.ttl = r->ttl ? r->ttl : send.ttl;
		send.tos = r->tos >= 0 ? (u8)r->tos : send.tos;
		header(p, i, &send, r);
		UDP_COUNT(ip_addr_is_v4(&send.dst), udp_out);
		err = ip_output(p, &dst, &send);
	}
	net_leave();
	return err;
}

/* To whom: as the message says, or the socket's peer. */
static int destination(struct inet_sock *i, const struct sock_msg *m, struct udp_route *r)
{
	if (m->addr && m->addr->len && !(i->ep.v6 && m->addr->family == AF_UNSPEC)) {
		int err = peer_parse(i, m->addr, -ENETUNREACH, &r->to, &r->dport, &r->oif);

		if (err)
			return i->ep.v6 && err == -EAFNOSUPPORT ? -EINVAL : err;
		return r->dport ? 0 : -EINVAL;
	}
	spin_lock(&i->lock);
	r->to = i->ep.remote;
	r->dport = i->ep.rport;
	spin_unlock(&i->lock);
	return r->dport ? 0 : -EDESTADDRREQ;
}

/* IPV6_PKTINFO: from which address, over which device. */
static int pktinfo6(const struct inet_sock *i, const struct sock_cmsg *c, struct udp_route *r)
{
	struct in6_pktinfo info;

	if (c->len < sizeof(info))
		return -EINVAL;
	memcpy(&info, c->data, sizeof(info));
	if (info.ipi6_ifindex) {
		if (i->ep.ifindex && i->ep.ifindex != (u32)info.ipi6_ifindex)
			return -EINVAL;
		if (!device_by_index((u32)info.ipi6_ifindex))
			return -ENODEV;
		r->oif = (u32)info.ipi6_ifindex;
	}
	r->src = ip_addr_v6(&info.ipi6_addr);
	return !ip_addr_is_any(&r->src) && !i->freebind && !ip_may_bind(&r->src, r->oif) ? -EINVAL : 0;
}

static int control_take6(const struct inet_sock *i, const struct sock_cmsg *c, struct udp_route *r)
{
	s32 value;

	if (c->type == IPV6_PKTINFO)
		return pktinfo6(i, c, r);
	if ((c->type != IPV6_HOPLIMIT && c->type != IPV6_TCLASS) || c->len != sizeof(value))
		return -EINVAL;
	memcpy(&value, c->data, sizeof(value));
	if (value < -1 || value > 255)
		return -EINVAL;
	if (c->type == IPV6_TCLASS)
		r->tos = (s16)value;
	else
		r->ttl = value < 0 ? 0 : (u8)value;
	return 0;
}

static int control_take(const struct inet_sock *i, const struct sock_cmsg *c, struct udp_route *r)
{
	s32 value;

	if (c->level == IPPROTO_IPV6 && i->ep.v6)
		return control_take6(i, c, r);
	if (c->level != IPPROTO_IP)
		return c->level == SOL_SOCKET ? -EINVAL : 0;	/* none of that level is known; other levels are passed over */
	if (c->type == IP_TOS && c->len == 1) {
		r->tos = *(const u8 *)c->data;
		return 0;
	}
	if ((c->type != IP_TTL && c->type != IP_TOS) || c->len != sizeof(value))
		return -EINVAL;
	memcpy(&value, c->data, sizeof(value));
	if (value < (c->type == IP_TTL) || value > 255)
		return -EINVAL;
	if (c->type == IP_TTL)
		r->ttl = (u8)value;
	else
		r->tos = (s16)value;
	return 0;
}

/* What the message says of this datagram alone. IP_PKTINFO and IP_RETOPTS are refused. */
static int control(const struct inet_sock *i, const struct sock_msg *m, struct udp_route *r)
{
	struct sock_cmsg c;
	u32 at = 0;
	int more;

	while ((more = sock_cmsg_next(m, &at, &c)) > 0) {
		int err = control_take(i, &c, r);

		if (err)
			return err;
	}
	return more;
}

static s64 udp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct udp_sock *u = udp_of(s);
	struct inet_sock *i = &u->inet;
	u64 n = iter_left(m->iter);
	struct udp_route route = { .tos = -1 };
	int err;

	if (n > 65535)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = destination(i, m, &route);
	if (!err)
		err = control(i, m, &route);
	if (!err && n > (ip_addr_is_v4(&route.to) ? PAYLOAD_MAX : PAYLOAD6_MAX))
		err = -EMSGSIZE;
	if (!err)
		err = sock_take_error(s);
	if (!err)
		err = autobind(i, &route.sport);
	if (!err)
		err = wait_room(i, m->flags);
	if (err)
		return err;
	struct packet *p = packet_alloc((u32)MIN(n, 2048ull), ALLOC_KERNEL);

	if (!p)
		return -ENOBUFS;
	err = packet_from_iter(p, m->iter, (u32)n);
	if (err) {
		packet_free(p);
		return err;
	}
	atomic_add(&i->wmem, p->memory);
	atomic_inc(&i->refs);
	packet_own(p, u, sent, p->memory);
	err = transmit(u, p, &route);
	return err ? err : (s64)n;
}

/* ---- receiving ---- */

static void received(struct packet *p)
{
	struct udp_sock *u = p->owner;

	atomic_sub(&u->inet.rmem, p->charge);
}

/* Queue @p, whose data is at the payload. Consumes. */
static void enqueue(struct udp_sock *u, struct packet *p, bool v4)
{
	u32 memory = p->memory;
	struct inet_sock *i = &u->inet;

	packet_orphan(p);
	spin_lock(&u->queue_lock);
	bool room = !u->dead && (u64)atomic_load(&i->rmem) + memory <= i->sock.rcvbuf + (u64)sizeof(struct packet);

	if (room) {
		atomic_add(&i->rmem, memory);
		packet_own(p, u, received, memory);
		list_add_tail(&p->node, &u->queue);
	}
	spin_unlock(&u->queue_lock);
	if (room) {
		UDP_COUNT(v4, udp_in);
		wake_up_poll(&i->sock.waitq, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	} else {
		atomic_inc(&u->drops);
		UDP_COUNT(v4, udp_rcvbuf_errors);
		UDP_COUNT(v4, udp_in_errors);
		packet_free(p);
	}
}

/* Length and checksum; without one only over IPv4. */
static bool good(struct packet *p, const struct ip_rx *ip)
{
	if (!packet_pull(p, HEADER))
		return false;
	u32 len = get_be16(p->data + 4);

	if (len < HEADER || len > p->len)
		return false;
	packet_trim(p, len);
	bool v4 = ip_addr_is_v4(&ip->src);

	if (p->csum != CSUM_NONE || (v4 && !get_be16(p->data + 6)))
		return true;
	u32 sum = csum_pseudo(&ip->src, &ip->dst, IPPROTO_UDP, len);

	if (get_be16(p->data + 6) && csum_fold(packet_csum_bits(p, 0, len, sum)) == 0xffff)
		return true;
	UDP_COUNT(v4, udp_csum_errors);
	return false;
}

static struct udp_sock *udp_of_endpoint(struct net_endpoint *ep)
{
	return container_of(container_of(ep, struct inet_sock, ep), struct udp_sock, inet);
}

/* A datagram to many, and the last socket found for it, which gets the packet itself; those before it get copies. */
struct many {
	struct packet *packet;
	struct udp_sock *last;
};

static void one_of_many(struct net_endpoint *ep, void *arg)
{
	struct many *m = arg;
	struct udp_sock *u = udp_of_endpoint(ep);
	const struct udp_cb *cb = packet_cb(m->packet, struct udp_cb);

	if (ip_addr_is_multicast(&cb->dst) && !inet_group_wants(&u->inet, &cb->dst, cb->ifindex))
		return;
	if (m->last) {
		struct packet *copy = packet_clone(m->packet, ALLOC_ATOMIC);

		if (copy) {
			*packet_cb(copy, struct udp_cb) = *cb;
			enqueue(m->last, copy, ip_addr_is_v4(&cb->src));
		}
	}
	m->last = u;
}

/* To a group or to all: every socket that fits gets it. Consumes. */
static void rx_many(struct packet *p, const struct ip_rx *ip, u16 sport, u16 dport)
{
	struct many m = { .packet = p };

	packet_drop_front(p, HEADER);
	port_each(&ports, &ip->src, sport, &ip->dst, dport, ip->dev->ifindex, one_of_many, &m);
	if (m.last)
		enqueue(m.last, p, ip_addr_is_v4(&ip->src));
	else
		packet_free(p);
}

static void rx(struct packet *p, const struct ip_rx *ip)
{
	bool v4 = ip_addr_is_v4(&ip->src);

	if (!good(p, ip)) {
		UDP_COUNT(v4, udp_in_errors);
		packet_free(p);
		return;
	}
	u16 sport = get_be16(p->data), dport = get_be16(p->data + 2);

	*packet_cb(p, struct udp_cb) = (struct udp_cb){
		.src = ip->src, .dst = ip->dst, .ifindex = ip->dev->ifindex, .sport = sport, .ttl = ip->ttl, .tos = ip->tos,
	};
	if (ip->kind != IP_DST_LOCAL) {
		rx_many(p, ip, sport, dport);
		return;
	}
	struct net_endpoint *ep = port_lookup(&ports, &ip->src, sport, &ip->dst, dport, ip->dev->ifindex, false);

	if (!ep) {
		UDP_COUNT(v4, udp_no_ports);
		ip_unreachable_port(p, ip);
		packet_free(p);
		return;
	}
	packet_drop_front(p, HEADER);
	enqueue(udp_of_endpoint(ep), p, v4);
}

/* An ICMP error about a datagram of ours: a connected socket hears of it. */
static void rx_error(struct packet *p, const struct ip_rx *what, const struct ip_error *e)
{
	u16 sport = get_be16(p->data), dport = get_be16(p->data + 2);
	struct net_endpoint *ep = port_lookup(&ports, &what->dst, dport, &what->src, sport, what->dev->ifindex, false);
	struct inet_sock *i = ep ? container_of(ep, struct inet_sock, ep) : NULL;

	if (!i || !i->ep.rport || !e->error || !e->hard)
		return;
	sock_set_error(&i->sock, e->error);
	if (waitq_active(&i->sock.waitq))
		waitq_wake(&i->sock.waitq, 0, EPOLLERR | EPOLLIN | EPOLLRDNORM);
}

/* The first packet, or a copy of it. NULL: there is none; ERR_PTR(-ENOMEM): of a peek */
static struct packet *take(struct udp_sock *u, bool peek)
{
	struct packet *p = NULL;

	spin_lock(&u->queue_lock);
	if (!list_empty(&u->queue)) {
		p = list_first_entry(&u->queue, struct packet, node);
		if (!peek)
			list_del_init(&p->node);
		else if (!(p = packet_clone(p, ALLOC_ATOMIC)))
			p = ERR_PTR(-ENOMEM);
	}
	spin_unlock(&u->queue_lock);
	return p;
}

static bool queue_empty(struct udp_sock *u)
{
	return list_empty((struct list_head *)&u->queue);
}

static int wait_packet(struct udp_sock *u, u64 deadline)
{
	struct socket *s = &u->inet.sock;
	int err = sock_take_error(s);

	if (err)
		return err;
	if (READ_ONCE(s->shutdown) & SHUTDOWN_RCV)
		return 1;
	if (!deadline)
		return -EAGAIN;
	err = wait_event_interruptible_until(&s->waitq, !queue_empty(u) || atomic_load(&s->error) || READ_ONCE(s->shutdown) & SHUTDOWN_RCV, deadline);
	return err ? sock_wait_error(err, s->rcvtimeo_ns) : 0;
}

/* What an AF_INET6 socket asked to be told. */
static void tell_control6(struct inet_sock *i, struct sock_msg *m, const struct udp_cb *cb)
{
	bool v4 = ip_addr_is_v4(&cb->src);

	if (i->want_pktinfo6) {
		struct in6_pktinfo info = { .ipi6_ifindex = (int)cb->ifindex };

		memcpy(&info.ipi6_addr, &cb->dst, sizeof(cb->dst));
		sock_cmsg_put(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (i->want_hops6 && !v4) {
		int v = cb->ttl;

		sock_cmsg_put(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v));
	}
	if (i->want_tclass6 && !v4) {
		int v = cb->tos;

		sock_cmsg_put(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v));
	}
}

static void tell_control(struct inet_sock *i, struct sock_msg *m, const struct udp_cb *cb)
{
	if (i->ep.v6)
		tell_control6(i, m, cb);
	if (!ip_addr_is_v4(&cb->src))
		return;
	if (i->want_pktinfo) {
		struct in_pktinfo info = {
			.ipi_ifindex = (int)cb->ifindex, .ipi_spec_dst.s_addr = cb->dst.w[3], .ipi_addr.s_addr = cb->dst.w[3],
		};

		sock_cmsg_put(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (i->want_ttl) {
		int v = cb->ttl;

		sock_cmsg_put(m, IPPROTO_IP, IP_TTL, &v, sizeof(v));
	}
	if (i->want_tos)
		sock_cmsg_put(m, IPPROTO_IP, IP_TOS, &cb->tos, 1);
}

static s64 udp_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct udp_sock *u = udp_of(s);
	u64 deadline = sock_deadline(s->rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	struct packet *p;

	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	while (!(p = take(u, m->flags & MSG_PEEK))) {
		int err = wait_packet(u, deadline);

		if (err)
			return err < 0 ? err : 0;
	}
	if (IS_ERR(p))
		return PTR_ERR(p);
	const struct udp_cb *cb = packet_cb(p, struct udp_cb);
	u32 len = p->len, n = (u32)MIN(iter_left(m->iter), len);
	s64 result = m->flags & MSG_TRUNC ? len : n;

	if (packet_to_iter(p, 0, m->iter, n) < n) {
		result = -EFAULT;
	} else {
		if (n < len)
			m->flags_out |= MSG_TRUNC;
		if (m->addr)
			inet_addr_tell(&u->inet, &cb->src, cb->sport, ip6_is_link_local(&cb->src) ? cb->ifindex : 0, m->addr);
		tell_control(&u->inet, m, cb);
	}
	packet_free(p);
	return result;
}

/* ---- small calls ---- */

/* Without a peer it is an error, and done all the same: that ends a recv() of another thread. */
static int udp_shutdown(struct socket *s, u32 how)
{
	__atomic_fetch_or(&s->shutdown, how, __ATOMIC_ACQ_REL);
	if (waitq_active(&s->waitq))
		waitq_wake(&s->waitq, 0, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	return READ_ONCE(inet_of(s)->ep.rport) ? 0 : -ENOTCONN;
}

static u32 udp_poll(struct socket *s)
{
	struct udp_sock *u = udp_of(s);
	u32 shut = READ_ONCE(s->shutdown), events = 0;

	if (atomic_load(&s->error))
		events |= EPOLLERR;
	if (shut & SHUTDOWN_RCV)
		events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (shut == SHUTDOWN_BOTH)
		events |= EPOLLHUP;
	if (!queue_empty(u))
		events |= EPOLLIN | EPOLLRDNORM;
	if (writable(&u->inet))
		events |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return events;
}

static s64 udp_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct udp_sock *u = udp_of(s);
	int n = 0;

	switch (cmd) {
	case TIOCOUTQ:
		return put_user((int)atomic_load(&u->inet.wmem), uaddr(arg));
	case FIONREAD:
		spin_lock(&u->queue_lock);
		if (!list_empty(&u->queue))
			n = (int)list_first_entry(&u->queue, struct packet, node)->len;
		spin_unlock(&u->queue_lock);
		return put_user(n, uaddr(arg));
	default:
		return inet_ioctl(s, cmd, arg);
	}
}

static const struct socket_ops udp_ops = {
	.release = udp_release, .bind = udp_bind, .connect = udp_connect, .getname = inet_getname, .shutdown = udp_shutdown, .poll = udp_poll,
	.ioctl = udp_ioctl, .sendmsg = udp_sendmsg, .recvmsg = udp_recvmsg, .setsockopt = inet_setsockopt, .getsockopt = inet_getsockopt,
};

static int udp_create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	struct udp_sock *u = slab_alloc(udp_cache, ALLOC_KERNEL);

	if (!u)
		return -ENOMEM;
	memset(u, 0, sizeof(*u));
	inet_init(&u->inet, &udp_ops, v6, type, protocol);
	spin_init(&u->queue_lock, RANK_NET_QUEUE);
	list_init(&u->queue);
	*out = &u->inet.sock;
	return 0;
}

/* ---- what others are told ---- */

static struct inet_diag_row row_of(struct udp_sock *u)
{
	struct inet_sock *i = &u->inet;
	const struct net_endpoint *ep = &i->ep;

	return (struct inet_diag_row){
		.family = i->sock.family, .state = ep->rport ? 1 : 7, .shutdown = (u8)READ_ONCE(i->sock.shutdown), .local = ep->local,
		.remote = ep->remote, .lport = ep->lport, .rport = ep->rport, .ifindex = ep->ifindex, .uid = ep->uid, .mark = i->sock.mark,
		.rqueue = atomic_load(&i->rmem), .wqueue = atomic_load(&i->wmem), .ino = i->sock.ino, .socket = u, .refs = atomic_load(&i->refs) + 1,
		.drops = atomic_load(&u->drops), .slot = ep->lport % PORT_BUCKETS,
		.mem = {
			[SK_MEMINFO_RMEM_ALLOC] = atomic_load(&i->rmem), [SK_MEMINFO_WMEM_ALLOC] = atomic_load(&i->wmem),
			[SK_MEMINFO_RCVBUF] = i->sock.rcvbuf, [SK_MEMINFO_SNDBUF] = i->sock.sndbuf, [SK_MEMINFO_DROPS] = atomic_load(&u->drops),
		},
	};
}

static void diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg)
{
	struct net_endpoint *ep;

	for (u32 i = 0; i < PORT_BUCKETS; i++) {
		hlist_for_each_entry_rcu(ep, &ports.bucket[i].chain, port_node) {
			struct inet_diag_row row = row_of(container_of(container_of(ep, struct inet_sock, ep), struct udp_sock, inet));

			if (!fn(&row, arg))
				return;
		}
	}
}

static void show(struct seq *s)
{
	seq_printf(s, "%-127s\n", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops");
	inet_diag_show(s, diag_each, 5, 127);
}

void udp_init(void)
{
	static struct inet_diag_source diag = { .protocol = IPPROTO_UDP, .each = diag_each };

	static struct inet_type udp = { .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .by_default = true, .cap = ~0u, .create = udp_create };
	static const struct ip_protocol proto = { .protocol = IPPROTO_UDP, .rx = rx, .error = rx_error, .v4 = true, .v6 = true };

	udp_cache = slab_create("udp_sock", sizeof(struct udp_sock), 0);
	assert(udp_cache);
	port_table_init(&ports);
	inet_diag_register(&diag);
	proc_add("net/udp", 0444, show);
	inet_register_type(&udp);
	ip_protocol_register(&proto);
}
