/*
 * UDP.
 *
 * Source: RFC 768, RFC 8200 section 8.1, udp(7), ip(7), ipv6(7).
 */
#include <linux/errno.h>
#include <linux/udp.h>
#include "kern/assert.h"
#include "kern/slab.h"
#include "net/checksum.h"
#include "net/context.h"
#include "net/device.h"
#include "net/stats.h"
#include "sock/inet_dgram.h"
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

static struct port_table ports;
static struct slab_cache *udp_cache;

/* ---- life ---- */

static void udp_release(struct socket *s)
{
	struct inet_dgram *d = inet_dgram_of(s);

	port_unbind(&ports, &d->inet.ep);
	inet_dgram_close(d);
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
		err = inet_dgram_may_broadcast(i, &dst);
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

static void header(struct packet *p, const struct inet_sock *i, const struct ip_send *send, const struct inet_dgram_route *r)
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
static int transmit(struct inet_dgram *u, struct packet *p, const struct inet_dgram_route *r)
{
	struct inet_sock *i = &u->inet;
	struct ip_send send;
	struct ip_dst dst;

	net_enter();
	int err = inet_route_via(i, &r->to, r->dport, r->oif ? r->oif : i->ep.ifindex, ip_addr_is_any(&r->src) ? NULL : &r->src, &dst);

	if (!err)
		err = inet_dgram_may_broadcast(i, &dst);
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
static int destination(struct inet_sock *i, const struct sock_msg *m, struct inet_dgram_route *r)
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

static s64 udp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct inet_dgram *u = inet_dgram_of(s);
	struct inet_sock *i = &u->inet;
	u64 n = iter_left(m->iter);
	struct inet_dgram_route route = { .tos = -1 };
	int err;

	if (n > 65535)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = destination(i, m, &route);
	if (!err)
		err = inet_dgram_control(i, m, &route);
	if (!err && n > (ip_addr_is_v4(&route.to) ? PAYLOAD_MAX : PAYLOAD6_MAX))
		err = -EMSGSIZE;
	if (!err)
		err = sock_take_error(s);
	if (!err)
		err = autobind(i, &route.sport);
	if (!err)
		err = inet_dgram_wait_room(i, m->flags);
	if (err)
		return err;
	struct packet *p = inet_dgram_packet(u, m, (u32)n);

	if (IS_ERR(p))
		return PTR_ERR(p);
	err = transmit(u, p, &route);
	return err ? err : (s64)n;
}

/* ---- receiving ---- */

static struct inet_dgram *of_endpoint(struct net_endpoint *ep)
{
	return container_of(container_of(ep, struct inet_sock, ep), struct inet_dgram, inet);
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

/* Queue what the socket's filter leaves of @p, whose data is at the header. Consumes. */
static void give(struct inet_dgram *d, struct packet *p, const struct ip_rx *ip, u16 sport)
{
	bool v4 = ip_addr_is_v4(&ip->src);

	if (!inet_dgram_filter(d, p, HEADER)) {
		UDP_COUNT(v4, udp_in_errors);
		return;
	}
	packet_drop_front(p, HEADER);
	if (inet_dgram_enqueue(d, p, ip, sport)) {
		UDP_COUNT(v4, udp_in);
	} else {
		UDP_COUNT(v4, udp_rcvbuf_errors);
		UDP_COUNT(v4, udp_in_errors);
	}
}

/* A datagram to many, and the last socket found for it, which gets the packet itself; those before it get copies. */
struct many {
	struct packet *packet;
	const struct ip_rx *ip;
	u16 sport;
	struct inet_dgram *last;
};

static void one_of_many(struct net_endpoint *ep, void *arg)
{
	struct many *m = arg;
	struct inet_dgram *d = of_endpoint(ep);

	if (ip_addr_is_multicast(&m->ip->dst) && !inet_group_wants(&d->inet, &m->ip->dst, m->ip->dev->ifindex))
		return;
	if (m->last) {
		struct packet *copy = packet_clone(m->packet, ALLOC_ATOMIC);

		if (copy)
			give(m->last, copy, m->ip, m->sport);
	}
	m->last = d;
}

/* To a group or to all: every socket that fits gets it. Consumes. */
static void rx_many(struct packet *p, const struct ip_rx *ip, u16 sport, u16 dport)
{
	struct many m = { .packet = p, .ip = ip, .sport = sport };

	port_each(&ports, &ip->src, sport, &ip->dst, dport, ip->dev->ifindex, one_of_many, &m);
	if (m.last)
		give(m.last, p, ip, sport);
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
	give(of_endpoint(ep), p, ip, sport);
}

/* An ICMP error about a datagram of ours. */
static void rx_error(struct packet *p, const struct ip_rx *what, const struct ip_error *e)
{
	u16 sport = get_be16(p->data), dport = get_be16(p->data + 2);
	struct net_endpoint *ep = port_lookup(&ports, &what->dst, dport, &what->src, sport, what->dev->ifindex, false);

	if (ep)
		inet_dgram_error(of_endpoint(ep), p, HEADER, what, e, dport);
}

static const struct socket_ops udp_ops = {
	.release = udp_release, .bind = udp_bind, .connect = udp_connect, .getname = inet_getname, .shutdown = inet_dgram_shutdown, .poll = inet_dgram_poll,
	.ioctl = inet_dgram_ioctl, .sendmsg = udp_sendmsg, .recvmsg = inet_dgram_recvmsg, .setsockopt = inet_dgram_setsockopt, .getsockopt = inet_dgram_getsockopt,
	.filters = true,
};

static int udp_create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	struct inet_dgram *d = inet_dgram_new(udp_cache, sizeof(*d), &udp_ops, v6, type, protocol);

	if (!d)
		return -ENOMEM;
	*out = &d->inet.sock;
	return 0;
}

/* ---- what others are told ---- */

static void diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg)
{
	struct net_endpoint *ep;

	for (u32 i = 0; i < PORT_BUCKETS; i++) {
		hlist_for_each_entry_rcu(ep, &ports.bucket[i].chain, port_node) {
			struct inet_diag_row row = inet_dgram_row(of_endpoint(ep), i);

			if (!fn(&row, arg))
				return;
		}
	}
}

static void show(struct seq *s)
{
	seq_printf(s, "%-127s\n", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops");
	inet_diag_show(s, diag_each, AF_INET, 5, 127);
}

static void show6(struct seq *s)
{
	seq_puts(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid"
		    "  timeout inode ref pointer drops\n");
	inet_diag_show(s, diag_each, AF_INET6, 5, 0);
}

void udp_init(void)
{
	static struct inet_diag_source diag = { .protocol = IPPROTO_UDP, .each = diag_each };

	static struct inet_type udp = { .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .by_default = true, .cap = ~0u, .create = udp_create };
	static const struct ip_protocol proto = { .protocol = IPPROTO_UDP, .rx = rx, .error = rx_error, .v4 = true, .v6 = true };

	udp_cache = slab_create("udp_sock", sizeof(struct inet_dgram), 0);
	assert(udp_cache);
	port_table_init(&ports);
	inet_diag_register(&diag);
	proc_add("net/udp", 0444, show);
	proc_add("net/udp6", 0444, show6);
	inet_register_type(&udp);
	ip_protocol_register(&proto);
}
