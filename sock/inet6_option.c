/*
 * Options of level IPPROTO_IPV6.
 *
 * Source: ipv6(7), RFC 3493 section 5, RFC 3542 section 6.
 */
#include <linux/errno.h>
#include "net/device.h"
#include "sock/inet.h"

/* A byte-sized number, or -1: the default. Return: 0, -EINVAL */
static int byte_or_default(int v, s16 *out)
{
	if (v < -1 || v > 255)
		return -EINVAL;
	*out = (s16)v;
	return 0;
}

static int set_v6only(struct inet_sock *i, int v)
{
	if (i->ep.lport)
		return -EINVAL;
	i->ep.v6only = v;
	return 0;
}

static int set_device(struct inet_sock *i, int v)
{
	if (i->sock.type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (v && (!device_by_index((u32)v) || (i->ep.ifindex && i->ep.ifindex != (u32)v)))
		return v && !device_by_index((u32)v) ? -ENODEV : -EINVAL;
	i->mc_if6 = (u32)v;
	return 0;
}

static int set(struct inet_sock *i, int name, int v)
{
	s16 byte;
	int err;

	switch (name) {
	case IPV6_V6ONLY: return set_v6only(i, v);
	case IPV6_UNICAST_HOPS: return byte_or_default(v, &i->hops6);
	case IPV6_MULTICAST_HOPS: return i->sock.type == SOCK_STREAM ? -ENOPROTOOPT : byte_or_default(v, &i->mc_hops6);
	case IPV6_MULTICAST_IF: return set_device(i, v);
	case IPV6_MULTICAST_LOOP:
		if (v != 0 && v != 1)
			return -EINVAL;
		i->mc_loop6 = v;
		return 0;
	case IPV6_MULTICAST_ALL:
		if (v != 0 && v != 1)
			return -EINVAL;
		i->mc_all6 = v;
		return 0;
	case IPV6_TCLASS:
		err = byte_or_default(v, &byte);
		if (!err)
			i->tclass = byte < 0 ? 0 : (u8)byte;
		return err;
	case IPV6_MTU_DISCOVER:
		if (v < IPV6_PMTUDISC_DONT || v > IPV6_PMTUDISC_OMIT)
			return -EINVAL;
		i->pmtu6 = (u8)v;
		return 0;
	case IPV6_RECVPKTINFO: i->want_pktinfo6 = v; return 0;
	case IPV6_RECVHOPLIMIT: i->want_hops6 = v; return 0;
	case IPV6_RECVTCLASS: i->want_tclass6 = v; return 0;
	case IPV6_DONTFRAG: i->dontfrag6 = v; return 0;
	case IPV6_FREEBIND: i->freebind = v; return 0;
	default: return -ENOPROTOOPT;
	}
}

int inet6_setsockopt(struct inet_sock *i, int name, const void *value, u32 len)
{
	int v;

	if (len < sizeof(v))
		return len || name != IPV6_ADDRFORM ? -EINVAL : -ENOPROTOOPT;
	memcpy(&v, value, sizeof(v));
	return set(i, name, v);
}

static int get(struct inet_sock *i, int name, int *v)
{
	struct ip_dst dst;

	switch (name) {
	case IPV6_V6ONLY: *v = i->ep.v6only; return 0;
	case IPV6_UNICAST_HOPS: *v = i->hops6 < 0 ? ip_ttl_default(true) : i->hops6; return 0;
	case IPV6_MULTICAST_HOPS: *v = i->mc_hops6 < 0 ? 1 : i->mc_hops6; return 0;
	case IPV6_MULTICAST_IF: *v = (int)i->mc_if6; return 0;
	case IPV6_MULTICAST_LOOP: *v = i->mc_loop6; return 0;
	case IPV6_MULTICAST_ALL: *v = i->mc_all6; return 0;
	case IPV6_TCLASS: *v = i->tclass; return 0;
	case IPV6_MTU_DISCOVER: *v = i->pmtu6; return 0;
	case IPV6_RECVPKTINFO: *v = i->want_pktinfo6; return 0;
	case IPV6_RECVHOPLIMIT: *v = i->want_hops6; return 0;
	case IPV6_RECVTCLASS: *v = i->want_tclass6; return 0;
	case IPV6_DONTFRAG: *v = i->dontfrag6; return 0;
	case IPV6_FREEBIND: *v = i->freebind; return 0;
	case IPV6_MTU: {
		int err = i->ep.rport ? inet_route(i, &i->ep.remote, i->ep.rport, &dst) : -ENOTCONN;

		*v = err ? 0 : (int)dst.mtu;
		return err;
	}
	default: return -ENOPROTOOPT;
	}
}

int inet6_getsockopt(struct inet_sock *i, int name, void *value, u32 *len)
{
	int v, err = get(i, name, &v);

	if (err)
		return err;
	*len = MIN(*len, (u32)sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}
