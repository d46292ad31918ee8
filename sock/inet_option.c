/*
 * Options of level IPPROTO_IP, and those of SOL_SOCKET that concern devices.
 *
 * Source: ip(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "kern/cred.h"
#include "net/device.h"
#include "sock/inet.h"

/* An int, or one byte of it. Return: 0, -EINVAL */
static int number(const void *value, u32 len, int *out)
{
	if (len >= sizeof(*out))
		memcpy(out, value, sizeof(*out));
	else if (len)
		*out = *(const u8 *)value;
	else
		return -EINVAL;
	return 0;
}

static int set_ip(struct inet_sock *i, int name, int v)
{
	switch (name) {
	case IP_TOS: i->tos = (u8)v; return 0;
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		i->ttl = (s16)v;
		return 0;
	case IP_MULTICAST_TTL:
		if (i->sock.type == SOCK_STREAM || v < -1 || v > 255)
			return -EINVAL;
		i->mc_ttl = v == -1 ? 1 : (u8)v;
		return 0;
	case IP_MULTICAST_LOOP: i->mc_loop = v; return 0;
	case IP_MULTICAST_ALL:
		if (v != 0 && v != 1)
			return -EINVAL;
		i->mc_all = v;
		return 0;
	case IP_MTU_DISCOVER:
		if (v < IP_PMTUDISC_DONT || v > IP_PMTUDISC_OMIT)
			return -EINVAL;
		i->pmtu = (u8)v;
		return 0;
	case IP_FREEBIND: i->freebind = v; return 0;
	case IP_RECVTTL: i->want_ttl = v; return 0;
	case IP_RECVTOS: i->want_tos = v; return 0;
	case IP_PKTINFO: i->want_pktinfo = v; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int bind_device(struct inet_sock *i, const char *name, u32 len)
{
	char text[IFNAMSIZ] = { 0 };

	memcpy(text, name, MIN(len, (u32)IFNAMSIZ - 1));
	if (i->ep.ifindex && !capable(CAP_NET_RAW))
		return -EPERM;
	if (!text[0]) {
		i->ep.ifindex = 0;
		return 0;
	}
	const struct net_device *dev = device_by_name(text);

	if (!dev)
		return -ENODEV;
	i->ep.ifindex = dev->ifindex;
	return 0;
}

int inet_setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct inet_sock *i = inet_of(s);
	int v, err;

	if (level == SOL_SOCKET)
		return name == SO_BINDTODEVICE ? bind_device(i, value, len) : -ENOPROTOOPT;
	if ((level == IPPROTO_IP || (level == IPPROTO_IPV6 && i->ep.v6)) && inet_group_option(level, name))
		return inet_group_set(i, level, name, value, len);
	if (level == IPPROTO_IPV6 && i->ep.v6)
		return inet6_setsockopt(i, name, value, len);
	if (level != IPPROTO_IP)
		return -ENOPROTOOPT;
	if (name == IP_MULTICAST_IF)
		return inet_group_set_device(i, value, len);
	err = number(value, len, &v);
	return err ? err : set_ip(i, name, v);
}

static int get_ip(struct inet_sock *i, int name, int *v)
{
	switch (name) {
	case IP_TOS: *v = i->tos; return 0;
	case IP_TTL: *v = i->ttl < 0 ? ip_ttl_default(false) : i->ttl; return 0;
	case IP_MULTICAST_TTL: *v = i->mc_ttl; return 0;
	case IP_MULTICAST_LOOP: *v = i->mc_loop; return 0;
	case IP_MULTICAST_ALL: *v = i->mc_all; return 0;
	case IP_MULTICAST_IF: memcpy(v, &i->mc_addr, sizeof(*v)); return 0;
	case IP_MTU_DISCOVER: *v = i->pmtu; return 0;
	case IP_FREEBIND: *v = i->freebind; return 0;
	case IP_RECVTTL: *v = i->want_ttl; return 0;
	case IP_RECVTOS: *v = i->want_tos; return 0;
	case IP_PKTINFO: *v = i->want_pktinfo; return 0;
	case IP_MTU: {
		struct ip_dst dst;
		int err = i->ep.rport ? inet_route(i, &i->ep.remote, i->ep.rport, &dst) : -ENOTCONN;

		*v = err ? 0 : (int)MIN(dst.mtu, 65535u);
		return err;
	}
	default: return -ENOPROTOOPT;
	}
}

int inet_getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	int v, err;

	if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
		v = inet_of(s)->ep.listening;
	} else if (level == SOL_SOCKET && name == SO_BINDTODEVICE) {
		const struct net_device *dev = device_by_index(inet_of(s)->ep.ifindex);

		if (!dev) {
			*len = 0;
			return 0;
		}
		if (*len < IFNAMSIZ)
			return -EINVAL;
		*len = (u32)strlen(dev->name) + 1;
		memcpy(value, dev->name, *len);
		return 0;
	} else if (level == IPPROTO_IPV6 && inet_of(s)->ep.v6) {
		return inet6_getsockopt(inet_of(s), name, value, len);
	} else if (level != IPPROTO_IP) {
		return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
	} else {
		err = get_ip(inet_of(s), name, &v);
		if (err)
			return err;
	}
	if (*len > 0 && *len < sizeof(v) && v >= 0 && v <= 255 && level == IPPROTO_IP)
		*len = 1;
	*len = MIN(*len, (u32)sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}
