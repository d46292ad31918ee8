/*
 * AF_INET: the family.  inet.h is the contract.
 *
 * Source: ip(7), socket(2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "kern/cred.h"
#include "net/device.h"
#include "sock/inet.h"
#include "sock/internal.h"

static LIST_HEAD(types);	/* appended to at boot */

void inet_register_type(struct inet_type *t)
{
	list_add_tail(&t->node, &types);
}

static int create(struct socket **out, u32 type, u32 protocol)
{
	int err = -ESOCKTNOSUPPORT;
	struct inet_type *t;

	if (protocol > 262)
		return -EINVAL;
	list_for_each_entry(t, &types, node) {
		if (t->type != type)
			continue;
		err = -EPROTONOSUPPORT;
		if (t->protocol && protocol && t->protocol != protocol)
			continue;
		if (!protocol && !t->by_default)
			continue;
		if (t->cap != ~0u && !capable((int)t->cap))
			return -EPERM;
		return t->create(out, false, type, protocol ? protocol : t->protocol);
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
	i->pmtu = IP_PMTUDISC_WANT;
	i->ep.local = i->ep.remote = ip_addr_v4(0);
	i->ep.protocol = (u8)protocol;
	i->ep.v6 = v6;
	i->ep.uid = current()->cred->euid;
}

int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, struct ip_addr *addr, u16 *port, u32 *scope)
{
	struct sockaddr_in in;

	if (a->len < sizeof(in))
		return -EINVAL;
	memcpy(&in, a->bytes, sizeof(in));
	if (in.sin_family != AF_INET && in.sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	*addr = ip_addr_v4(in.sin_addr.s_addr);
	*port = be16_to_cpu(in.sin_port);
	*scope = 0;
	return 0;
}

void inet_addr_tell(const struct inet_sock *i, const struct ip_addr *addr, u16 port, u32 scope, struct sock_addr *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = cpu_to_be16(port), .sin_addr.s_addr = addr->w[3] };

	memcpy(out->bytes, &in, sizeof(in));
	out->len = sizeof(in);
}

int inet_getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct inet_sock *i = inet_of(s);

	if (peer && !i->ep.rport)
		return -ENOTCONN;
	inet_addr_tell(i, peer ? &i->ep.remote : &i->ep.local, peer ? i->ep.rport : i->ep.lport, 0, out);
	return 0;
}

/* 0.0.0.0 as a destination is this machine. */
static struct ip_addr or_loopback(const struct ip_addr *dst)
{
	return dst->w[3] ? *dst : ip_addr_v4(cpu_to_be32(0x7f000001));
}

int inet_route(struct inet_sock *i, const struct ip_addr *dst, u16 dport, struct ip_dst *out)
{
	struct ip_flow f = {
		.src = i->ep.local, .dst = or_loopback(dst), .oif = i->ep.ifindex, .mark = i->sock.mark, .uid = i->ep.uid, .sport = i->ep.lport,
		.dport = dport, .protocol = i->ep.protocol, .tos = i->tos, .onlink = atomic_load(&i->sock.flags) & SOCKF_DONTROUTE,
	};

	if (ip4_is_multicast(f.src.w[3]) || f.src.w[3] == ~0u)
		f.src = ip_addr_v4(0);
	return ip_route(&f, out);
}

void inet_send_fill(struct inet_sock *i, const struct ip_addr *to, const struct ip_dst *dst, struct ip_send *out)
{
	bool many = dst->kind == IP_DST_MULTICAST;

	*out = (struct ip_send){
		.src = dst->src, .dst = or_loopback(to), .protocol = i->ep.protocol, .tos = i->tos, .pmtu = i->pmtu, .mark = i->sock.mark,
		.ttl = many ? i->mc_ttl : i->ttl > 0 ? (u8)i->ttl : 0, .priority = i->sock.priority,
	};
}

static const struct socket_family inet_family = { .family = AF_INET, .create = create };

void inet_families_init(void)
{
	udp_init();
	sock_register(&inet_family);
}
