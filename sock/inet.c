/*
 * AF_INET and AF_INET6: the families.  inet.h is the contract.
 *
 * Source: ip(7), ipv6(7), socket(2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "kern/cred.h"
#include "net/device.h"
#include "sock/inet.h"
#include "sock/internal.h"
#include "vfs/procfs.h"

static LIST_HEAD(types);	/* appended to at boot */
static u32 bindv6only;		/* [a] net.ipv6.bindv6only */

void inet_register_type(struct inet_type *t)
{
	list_add_tail(&t->node, &types);
}

static int create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	int err = -ESOCKTNOSUPPORT;
	struct inet_type *t;

	if (protocol > 262)
		return -EINVAL;
	list_for_each_entry(t, &types, node) {
		if (t->type != type || (v6 && t->v4_only))
			continue;
		err = -EPROTONOSUPPORT;
		if (t->protocol && protocol && t->protocol != protocol)
			continue;
		if (!protocol && !t->by_default)
			continue;
		if (t->cap != ~0u && !capable((int)t->cap))
			return -EPERM;
		return t->create(out, v6, type, protocol ? protocol : t->protocol);
	}
	return err;
}

void inet_init(struct inet_sock *i, const struct socket_ops *ops, bool v6, u32 type, u32 protocol)
{
	memset(i, 0, sizeof(*i));
	socket_init(&i->sock, ops, v6 ? AF_INET6 : AF_INET, type, protocol);
	spin_init(&i->lock, RANK_NET_SOCK);
	i->refs = 1;
	i->ttl = -1;
	i->mc_ttl = 1;
	i->mc_loop = true;
	i->mc_all = i->mc_all6 = true;
	list_init(&i->groups);
	i->pmtu = IP_PMTUDISC_WANT;
	i->hops6 = i->mc_hops6 = -1;
	i->mc_loop6 = true;
	i->pmtu6 = IPV6_PMTUDISC_WANT;
	i->ep.v6 = v6;
	i->ep.v6only = v6 && atomic_load(&bindv6only);
	i->ep.local = i->ep.remote = inet_any(i);
	i->ep.protocol = (u8)protocol;
	i->ep.uid = current()->cred->euid;
}

int inet_getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct inet_sock *i = inet_of(s);

	if (peer && !i->ep.rport)
		return -ENOTCONN;
	const struct ip_addr *addr = peer ? &i->ep.remote : &i->ep.local;

	inet_addr_tell(i, addr, peer ? i->ep.rport : i->ep.lport, ip6_needs_scope(addr) ? i->ep.ifindex : 0, out);
	return 0;
}

/* The source that a route is asked for: what the socket is bound to, where that is an address one can send from. */
static int flow_source(const struct ip_addr *local, const struct ip_addr *dst, struct ip_addr *out)
{
	*out = ip_addr_v4(0);
	if (ip_addr_is_any(local) || ip_addr_is_multicast(local) || (ip_addr_is_v4(local) && local->w[3] == ~0u))
		return 0;
	if (ip_addr_is_v4(local) != ip_addr_is_v4(dst))
		return -ENETUNREACH;
	*out = *local;
	return 0;
}

int inet_route_via(struct inet_sock *i, const struct ip_addr *to, u16 dport, u32 oif, const struct ip_addr *src, struct ip_dst *out)
{
	struct ip_addr dst = inet_or_loopback(i, to);
	bool v4 = ip_addr_is_v4(&dst);
	struct ip_flow f = {
		.dst = dst, .oif = oif, .mark = i->sock.mark, .uid = i->ep.uid, .sport = i->ep.lport, .dport = dport, .protocol = i->ep.protocol,
		.tos = v4 ? i->tos : i->tclass, .onlink = atomic_load(&i->sock.flags) & SOCKF_DONTROUTE,
	};
	int err = flow_source(src ? src : &i->ep.local, &dst, &f.src);

	if (ip_addr_is_multicast(&dst)) {
		f.oif = f.oif ? f.oif : v4 ? i->mc_if : i->mc_if6;
		if (v4 && !f.src.w[3])
			f.src.w[3] = i->mc_addr;
	}
	return err ? err : ip_route(&f, out);
}

int inet_route(struct inet_sock *i, const struct ip_addr *dst, u16 dport, struct ip_dst *out)
{
	return inet_route_via(i, dst, dport, i->ep.ifindex, NULL, out);
}

void inet_send_fill(struct inet_sock *i, const struct ip_addr *to, const struct ip_dst *dst, struct ip_send *out)
{
	struct ip_addr addr = inet_or_loopback(i, to);
	bool many = dst->kind == IP_DST_MULTICAST;

	*out = (struct ip_send){ .src = dst->src, .dst = addr, .protocol = i->ep.protocol, .mark = i->sock.mark, .priority = i->sock.priority };
	if (ip_addr_is_v4(&addr)) {
		out->tos = i->tos;
		out->pmtu = i->pmtu;
		out->mc_loop = i->mc_loop;
		out->ttl = many ? i->mc_ttl : i->ttl > 0 ? (u8)i->ttl : 0;
	} else {
		s16 hops = many ? i->mc_hops6 : i->hops6;

		out->tos = i->tclass;
		out->mc_loop = i->mc_loop6;
		out->pmtu = i->dontfrag6 ? IPV6_PMTUDISC_DO : i->pmtu6;
		out->ttl = hops >= 0 ? (u8)hops : 0;
	}
}

/* i->lock keeps two threads from binding one socket twice. */
static int bind_locked(struct inet_sock *i, struct port_table *ports, const struct ip_addr *addr, u16 port)
{
	struct ip_addr before = i->ep.local;

	if (i->ep.lport || i->ep.rport)
		return -EINVAL;
	i->ep.reuse = atomic_load(&i->sock.flags) & SOCKF_REUSEADDR;
	i->ep.reuseport = atomic_load(&i->sock.flags) & SOCKF_REUSEPORT;
	i->ep.local = *addr;
	int err = port_bind(ports, &i->ep, port);

	if (err) {
		i->ep.local = before;
		return err;
	}
	i->ep.local_chosen = !ip_addr_is_any(addr);
	i->ep.port_chosen = port;
	return 0;
}

int inet_bind(struct inet_sock *i, struct port_table *ports, const struct sock_addr *a)
{
	struct ip_addr addr;
	u32 scope;
	u16 port;
	int err = inet_addr_parse(i, a, &addr, &port, &scope);

	if (err)
		return err == -ENETUNREACH ? -EINVAL : err;
	if (a->family == AF_UNSPEC && addr.w[3])
		return -EAFNOSUPPORT;
	err = inet_bind_scope(i, &addr, scope);
	if (err)
		return err;
	if (!i->freebind && !ip_may_bind(&addr, i->ep.ifindex))
		return -EADDRNOTAVAIL;
	if (port_privileged(port) && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	spin_lock(&i->lock);
	err = bind_locked(i, ports, &addr, port);
	spin_unlock(&i->lock);
	return err;
}

static int create4(struct socket **out, u32 type, u32 protocol) { return create(out, false, type, protocol); }
static int create6(struct socket **out, u32 type, u32 protocol) { return create(out, true, type, protocol); }

static const struct socket_family inet_family = { .family = AF_INET, .create = create4 };
static const struct socket_family inet6_family = { .family = AF_INET6, .create = create6 };

void inet_families_init(void)
{
	static const struct sysctl table[] = {
		{ .path = "net/ipv6/bindv6only", .kind = SYSCTL_U32, .mode = 0644, .value = &bindv6only, .max = 1 },
	};

	tcp_init();
	udp_init();
	ping_init();
	raw_init();
	sock_register(&inet_family);
	sock_register(&inet6_family);
	proc_add_sysctl(table, ARRAY_SIZE(table));
}
