/*
 * Control messages of datagrams: what one is sent with, what the receiver is told.  inet_dgram.h is the contract.
 *
 * Departures: IP_PKTINFO and IP_RETOPTS of a datagram that is sent are refused.
 *
 * Source: ip(7), ipv6(7), RFC 3542 section 6, cmsg(3).
 */
#include <linux/errno.h>
#include <linux/ipv6.h>
#include "kern/timer.h"
#include "net/device.h"
#include "sock/inet_dgram.h"

/* ---- sending ---- */

/* IPV6_PKTINFO: from which address, over which device. */
static int pktinfo6(const struct inet_sock *i, const struct sock_cmsg *c, struct inet_dgram_route *r)
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

static int control_take6(const struct inet_sock *i, const struct sock_cmsg *c, struct inet_dgram_route *r)
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

static int control_take(const struct inet_sock *i, const struct sock_cmsg *c, struct inet_dgram_route *r)
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

int inet_dgram_control(const struct inet_sock *i, const struct sock_msg *m, struct inet_dgram_route *r)
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

/* ---- receiving ---- */

/* What an AF_INET6 socket asked to be told. */
static void tell6(struct inet_sock *i, struct sock_msg *m, const struct inet_dgram_cb *cb)
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

/* SO_TIMESTAMP, SO_TIMESTAMPNS. A datagram that came in before they were set came in now. */
static void tell_time(u32 flags, struct sock_msg *m, const struct inet_dgram_cb *cb)
{
	u64 ns = cb->wall_ns ? cb->wall_ns : clock_realtime_ns();
	s64 t[2] = { (s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC) };

	if (!(flags & SOCKF_TIMESTAMPNS))
		t[1] /= (s64)NS_PER_US;
	sock_cmsg_put(m, SOL_SOCKET, flags & SOCKF_TIMESTAMPNS ? SO_TIMESTAMPNS_OLD : SO_TIMESTAMP_OLD, t, sizeof(t));
}

void inet_dgram_tell(struct inet_sock *i, struct sock_msg *m, const struct inet_dgram_cb *cb)
{
	u32 flags = atomic_load(&i->sock.flags);

	if (flags & (SOCKF_TIMESTAMP | SOCKF_TIMESTAMPNS))
		tell_time(flags, m, cb);
	if (i->ep.v6)
		tell6(i, m, cb);
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
