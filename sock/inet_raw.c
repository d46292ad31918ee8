/*
 * Raw sockets over IPv4: packets of one protocol, with their headers.
 *
 * What comes in is shown to every raw socket of its protocol, as a copy with its IP header; what goes out gets a header, unless the sender
 * gives one (IP_HDRINCL; always so for protocol 255, which receives nothing of its own).
 *
 * Locks: raw_lock (RANK_NET_PORT) the table's writers; readers RCU.
 * Source: raw(7), icmp(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/icmp.h>
#include "kern/assert.h"
#include "kern/slab.h"
#include "net/context.h"
#include "net/device.h"
#include "sock/inet_dgram.h"
#include "vfs/procfs.h"

enum { SOL_RAW = 255, BUCKETS = 64, HEADER = 20, ADDRESS_OFFSET = 12, ICMP_TYPES_FILTERED = 32 };

/* Locks: T raw_lock, read under RCU · a atomic */
struct raw_sock {
	struct inet_dgram dgram;	/* first */
	struct hlist_node node;		/* [T] */
	bool gives_header;		/* [a] IP_HDRINCL */
	u32 icmp_filter;		/* [a] ICMP_FILTER: types that it does not want */
};

static struct spinlock raw_lock;
static struct hlist_head table[BUCKETS];	/* [raw_lock, read under RCU] by protocol */
static struct slab_cache *raw_cache;

static struct raw_sock *raw_of(struct socket *s) { return container_of(inet_dgram_of(s), struct raw_sock, dgram); }
static struct inet_sock *inet(struct raw_sock *r) { return &r->dgram.inet; }

static void release(struct socket *s)
{
	struct raw_sock *r = raw_of(s);

	spin_lock(&raw_lock);
	hlist_del_rcu(&r->node);
	spin_unlock(&raw_lock);
	inet_dgram_close(&r->dgram);
}

/* ---- names ---- */

static int bind(struct socket *s, const struct sock_addr *a)
{
	struct inet_sock *i = inet_of(s);
	struct ip_addr addr;
	u32 scope;
	u16 port;
	int err = inet_addr_parse(i, a, &addr, &port, &scope);

	if (err)
		return err;
	if (!i->freebind && !ip_may_bind(&addr, i->ep.ifindex))
		return -EADDRNOTAVAIL;
	spin_lock(&i->lock);
	i->ep.local = addr;
	i->ep.local_chosen = addr.w[3];
	spin_unlock(&i->lock);
	return 0;
}

static int connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct inet_sock *i = inet_of(s);
	struct ip_addr addr = ip_addr_v4(0);
	struct ip_dst dst = { 0 };
	u16 port = 0;
	u32 scope;
	int err = 0;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = inet_addr_parse(i, a, &addr, &port, &scope);
		if (!err)
			err = inet_route(i, &addr, port, &dst);
		if (!err)
			err = inet_dgram_may_broadcast(i, &dst);
		if (!addr.w[3])
			addr = ip_addr_v4(cpu_to_be32(0x7f000001));
	}
	if (err)
		return err;
	spin_lock(&i->lock);
	i->ep.remote = addr;
	i->ep.rport = port;
	if (a->family == AF_UNSPEC)
		i->ep.remote = ip_addr_v4(0);
	if (!i->ep.local_chosen)
		i->ep.local = a->family == AF_UNSPEC ? ip_addr_v4(0) : dst.src;
	spin_unlock(&i->lock);
	return 0;
}

/* ---- sending ---- */

/* A header that the user made: is it all there? */
static int check_header(struct packet *p)
{
	if (!packet_pull(p, HEADER) || (p->data[0] & 15) * 4u < HEADER || !packet_pull(p, (p->data[0] & 15) * 4u))
		return -EINVAL;
	return 0;
}

static int output(struct raw_sock *r, struct packet *p, struct ip_dst *dst, const struct inet_dgram_route *route)
{
	struct ip_send send;

	if (!r->gives_header) {
		inet_send_fill(inet(r), &route->to, dst, &send);
		send.ttl = route->ttl ? route->ttl : send.ttl;
		send.tos = route->tos >= 0 ? (u8)route->tos : send.tos;
		return ip_output(p, dst, &send);
	}
	be32 src;
	int err = p->len > dst->dev->mtu ? -EMSGSIZE : check_header(p);

	if (err) {
		packet_free(p);
		return err;
	}
	memcpy(&src, p->data + ADDRESS_OFFSET, sizeof(src));
	if (!src)
		memcpy(p->data + ADDRESS_OFFSET, &dst->src.w[3], sizeof(src));
	return ip_output_header(p, dst);
}

static s64 sendmsg(struct socket *s, struct sock_msg *m)
{
	struct raw_sock *r = raw_of(s);
	struct inet_sock *i = inet(r);
	struct inet_dgram_route route = { .tos = -1 };
	u64 n = iter_left(m->iter);
	struct ip_dst dst;
	int err;

	if (n > 65535)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = inet_dgram_destination4(i, m, &route);
	if (!err)
		err = inet_dgram_control(i, m, &route);
	if (!err)
		err = sock_take_error(s);
	if (!err)
		err = inet_dgram_wait_room(i, m->flags);
	if (err)
		return err;
	struct packet *p = inet_dgram_packet(&r->dgram, m, (u32)n);

	if (IS_ERR(p))
		return PTR_ERR(p);
	net_enter();
	err = inet_route(i, &route.to, 0, &dst);
	if (!err)
		err = inet_dgram_may_broadcast(i, &dst);
	if (err)
		packet_free(p);
	else
		err = output(r, p, &dst, &route);
	net_leave();
	return err ? err : (s64)n;
}

/* ---- receiving ---- */

static bool fits(const struct raw_sock *r, u8 protocol, const struct ip_addr *remote, const struct ip_addr *local, u32 ifindex)
{
	const struct net_endpoint *ep = &r->dgram.inet.ep;

	return ep->protocol == protocol && (!ep->remote.w[3] || ip_addr_equal(&ep->remote, remote)) &&
	       (!ep->local.w[3] || ip_addr_equal(&ep->local, local)) && (!ep->ifindex || ep->ifindex == ifindex);
}

/* Does an ICMP filter let @p pass? @header: of IP */
static bool filtered(const struct raw_sock *r, const struct packet *p, u8 protocol, u32 header)
{
	u8 type;

	if (protocol != IPPROTO_ICMP)
		return false;
	if (!packet_copy_bits(p, header, &type, 1))
		return true;
	return type < ICMP_TYPES_FILTERED && atomic_load(&r->icmp_filter) & 1u << type;
}

static bool rx(const struct packet *p, const struct ip_rx *ip)
{
	struct raw_sock *r;
	bool heard = false;

	hlist_for_each_entry_rcu(r, &table[ip->protocol % BUCKETS], node) {
		if (!fits(r, ip->protocol, &ip->src, &ip->dst, ip->dev->ifindex))
			continue;
		heard = true;
		if (filtered(r, p, ip->protocol, ip->header_len))
			continue;
		struct packet *copy = packet_clone(p, ALLOC_ATOMIC);

		if (!copy)
			atomic_inc(&r->dgram.drops);
		else if (inet_dgram_filter(&r->dgram, copy, 1))
			inet_dgram_enqueue(&r->dgram, copy, ip, 0);
	}
	return heard;
}

static void rx_error(struct packet *p, const struct ip_rx *what, const struct ip_error *e)
{
	struct raw_sock *r;

	hlist_for_each_entry_rcu(r, &table[what->protocol % BUCKETS], node)
		if (fits(r, what->protocol, &what->dst, &what->src, what->dev->ifindex))
			inet_dgram_error(&r->dgram, p, 0, what, e, 0);
}

/* ---- options ---- */

static int setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct raw_sock *r = raw_of(s);
	struct icmp_filter filter = { atomic_load(&r->icmp_filter) };
	int v = 0;

	if (level == IPPROTO_IP && name == IP_HDRINCL) {
		if (!len)
			return -EINVAL;
		memcpy(&v, value, MIN(len, (u32)sizeof(v)));
		r->gives_header = v;
		return 0;
	}
	if (level != SOL_RAW)
		return inet_dgram_setsockopt(s, level, name, value, len);
	if (name != ICMP_FILTER)
		return -ENOPROTOOPT;
	if (s->protocol != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	memcpy(&filter, value, MIN(len, (u32)sizeof(filter)));
	__atomic_store_n(&r->icmp_filter, filter.data, __ATOMIC_RELAXED);
	return 0;
}

static int getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	struct raw_sock *r = raw_of(s);
	u32 v;

	if (level == IPPROTO_IP && name == IP_HDRINCL) {
		v = r->gives_header;
	} else if (level != SOL_RAW) {
		return inet_dgram_getsockopt(s, level, name, value, len);
	} else if (name != ICMP_FILTER) {
		return -ENOPROTOOPT;
	} else if (s->protocol != IPPROTO_ICMP) {
		return -EOPNOTSUPP;
	} else {
		v = atomic_load(&r->icmp_filter);
	}
	if (level == IPPROTO_IP && *len && *len < sizeof(v))
		*len = 1;
	*len = MIN(*len, (u32)sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}

/* ---- what others are told ---- */

static void diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg)
{
	struct raw_sock *r;

	for (u32 b = 0; b < BUCKETS; b++) {
		hlist_for_each_entry_rcu(r, &table[b], node) {
			struct inet_diag_row row = inet_dgram_row(&r->dgram, r->dgram.inet.ep.protocol);

			row.state = row.remote.w[3] ? 1 : 7;
			if (!fn(&row, arg))
				return;
		}
	}
}

static void show(struct seq *s)
{
	seq_puts(s, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
	inet_diag_show(s, diag_each, AF_INET, 4, 0);
}

static const struct socket_ops ops = {
	.release = release, .bind = bind, .connect = connect, .getname = inet_getname, .shutdown = inet_dgram_shutdown, .poll = inet_dgram_poll,
	.ioctl = inet_dgram_ioctl, .sendmsg = sendmsg, .recvmsg = inet_dgram_recvmsg, .setsockopt = setsockopt, .getsockopt = getsockopt,
	.filters = true,
};

static int create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	struct raw_sock *r = inet_dgram_new(raw_cache, sizeof(*r), &ops, v6, type, protocol);

	if (!r)
		return -ENOMEM;
	inet(r)->ep.lport = (u16)protocol;		/* what getsockname tells as the port */
	r->gives_header = protocol == IPPROTO_RAW;
	spin_lock(&raw_lock);
	hlist_add_head_rcu(&r->node, &table[protocol % BUCKETS]);
	spin_unlock(&raw_lock);
	*out = &inet(r)->sock;
	return 0;
}

void raw_init(void)
{
	static struct inet_type raw = { .type = SOCK_RAW, .v4_only = true, .cap = CAP_NET_RAW, .create = create };
	static const struct ip_raw_ops raw_ops = { .rx = rx, .error = rx_error };
	static struct inet_diag_source diag = { .protocol = IPPROTO_RAW, .each = diag_each };

	spin_init(&raw_lock, RANK_NET_PORT);
	raw_cache = slab_create("raw_sock", sizeof(struct raw_sock), 0);
	assert(raw_cache);
	inet_register_type(&raw);
	inet_diag_register(&diag);
	proc_add("net/raw", 0444, show);
	ip_register_raw(&raw_ops);
}
