/*
 * Interface ioctls: SIOCGIFCONF and its kin, for sockets of every family; addresses and routes, as ifconfig and auk-init set them, for AF_INET.
 *
 * Source: netdevice(7); rtentry as in <linux/route.h>.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include "kern/cred.h"
#include "mm/user.h"
#include "net/device.h"
#include "net/route4.h"
#include "net/rtnl.h"
#include "sock/inet.h"
#include "sock/internal.h"

static void put_address(struct sockaddr *out, be32 a)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = a };

	memcpy(out, &in, sizeof(in));
}

static be32 get_address(const struct sockaddr *from)
{
	struct sockaddr_in in;

	memcpy(&in, from, sizeof(in));
	return in.sin_addr.s_addr;
}

/* [rtnl] All devices with an IPv4 address. */
static int conf(u64 arg)
{
	struct ifconf c;
	u32 used = 0;
	int err = get_user(c, uaddr(arg));

	if (err)
		return err;
	for (struct net_device *d = device_next(NULL); d && !err; d = device_next(d)) {
		const struct ip4_address *a = ip4_first_address(d);
		struct ifreq r = { 0 };

		if (!a)
			continue;
		memcpy(r.ifr_name, d->name, IFNAMSIZ);
		put_address(&r.ifr_addr, a->local);
		if (c.ifc_buf) {
			if (c.ifc_len < 0 || used + sizeof(r) > (u32)c.ifc_len)
				break;
			err = copy_out(uaddr((u64)(uintptr_t)c.ifc_buf + used), &r, sizeof(r));
		}
		used += sizeof(r);
	}
	c.ifc_len = (int)used;
	return err ? err : put_user(c, uaddr(arg));
}

/* Return: the length of the prefix that @mask stands for; -EINVAL: its ones are not in one piece at the front */
static int prefix_of(be32 mask)
{
	u32 len = popcount64(mask);

	return mask == ip4_mask(len) ? (int)len : -EINVAL;
}

static int get(struct net_device *d, u32 cmd, struct ifreq *r)
{
	const struct ip4_address *a = ip4_first_address(d);

	switch (cmd) {
	case SIOCGIFFLAGS: r->ifr_flags = (short)device_user_flags(d); return 0;
	case SIOCGIFMTU: r->ifr_mtu = (int)d->mtu; return 0;
	case SIOCGIFINDEX: r->ifr_ifindex = (int)d->ifindex; return 0;
	case SIOCGIFMETRIC: r->ifr_metric = 0; return 0;
	case SIOCGIFTXQLEN: r->ifr_qlen = (int)d->tx_queue_len; return 0;
	case SIOCGIFHWADDR:
		memset(&r->ifr_hwaddr, 0, sizeof(r->ifr_hwaddr));
		r->ifr_hwaddr.sa_family = d->type;
		memcpy(r->ifr_hwaddr.sa_data, d->addr, MIN((u32)d->addr_len, 14u));
		return 0;
	default:
		break;
	}
	if (!a)
		return -EADDRNOTAVAIL;
	if (cmd == SIOCGIFBRDADDR)
		put_address(&r->ifr_broadaddr, a->broadcast);
	else if (cmd == SIOCGIFNETMASK)
		put_address(&r->ifr_netmask, ip4_mask(a->prefix_len));
	else
		put_address(&r->ifr_addr, a->local);
	return 0;
}

static int class_prefix(be32 a)
{
	u8 first = *(const u8 *)&a;

	return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/* Replace the first address by @local/@prefix_len, 0: by none. @prefix_len: or -errno */
static int set_address(struct net_device *d, be32 local, int prefix_len)
{
	const struct ip4_address *a = ip4_first_address(d);

	if (prefix_len < 0 || be32_to_cpu(local) >= 0xe0000000)
		return -EINVAL;
	be32 broadcast = prefix_len < 31 && !(d->flags & IFF_LOOPBACK) ? local | ~ip4_mask((u32)prefix_len) : 0;
	int err = a ? ip4_address_delete(d, a->local, a->prefix_len) : 0;

	return err || !local ? err : ip4_address_add(d, local, (u32)prefix_len, broadcast);
}

static int set(struct net_device *d, u32 cmd, const struct ifreq *r)
{
	const struct ip4_address *a = ip4_first_address(d);

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	switch (cmd) {
	case SIOCSIFFLAGS: return device_set_flags(d, (u16)r->ifr_flags, 0xffff);
	case SIOCSIFMTU: return r->ifr_mtu < 0 ? -EINVAL : device_set_mtu(d, (u32)r->ifr_mtu);
	case SIOCSIFHWADDR:
		return r->ifr_hwaddr.sa_family == d->type ? device_set_addr(d, (const u8 *)r->ifr_hwaddr.sa_data) : -EINVAL;
	case SIOCSIFADDR:
		if (r->ifr_addr.sa_family != AF_INET)
			return -EINVAL;
		return set_address(d, get_address(&r->ifr_addr), class_prefix(get_address(&r->ifr_addr)));
	case SIOCSIFNETMASK: return a ? set_address(d, a->local, prefix_of(get_address(&r->ifr_netmask))) : -EADDRNOTAVAIL;
	default: return -EINVAL;
	}
}

/* Of <linux/ethtool.h>, which wants the C library's <limits.h>. */
enum { ETHTOOL_GDRVINFO = 3, ETHTOOL_GLINK = 10 };
struct ethtool_value { u32 cmd, data; };
struct ethtool_drvinfo {
	u32 cmd;
	char driver[32], version[32], firmware[32], bus[32], rom[32], reserved[12];
	u32 counts[5];
};
static_assert(sizeof(struct ethtool_drvinfo) == 196, "struct ethtool_drvinfo of the user ABI");

/* What ethtool asks: who drives it, and whether its link is up. The rest nobody here can tell. */
static int ethtool(u64 arg)
{
	struct ifreq r;
	u32 cmd;
	int err = get_user(r, uaddr(arg));

	if (err)
		return err;
	u64 data = (u64)(uintptr_t)r.ifr_data;

	r.ifr_name[IFNAMSIZ - 1] = 0;
	const struct net_device *d = device_by_name(r.ifr_name);

	if (!d)
		return -ENODEV;
	err = get_user(cmd, uaddr(data));
	if (err)
		return err;
	if (cmd == ETHTOOL_GLINK) {
		struct ethtool_value v = { .cmd = cmd, .data = device_is_up(d) && atomic_load(&d->carrier) };

		return put_user(v, uaddr(data));
	}
	if (cmd != ETHTOOL_GDRVINFO || !d->ops->driver)
		return -EOPNOTSUPP;
	struct ethtool_drvinfo info = { .cmd = cmd };

	strlcpy(info.driver, d->ops->driver, sizeof(info.driver));
	return put_user(info, uaddr(data));
}

static int by_device(u32 cmd, u64 arg, bool setting)
{
	struct ifreq r;
	int err = get_user(r, uaddr(arg));

	if (err)
		return err;
	r.ifr_name[IFNAMSIZ - 1] = 0;
	struct net_device *d = device_by_name(r.ifr_name);

	if (!d)
		return -ENODEV;
	err = setting ? set(d, cmd, &r) : get(d, cmd, &r);
	return err || setting ? err : put_user(r, uaddr(arg));
}

static int name_of(u64 arg)
{
	struct ifreq r;
	int err = get_user(r, uaddr(arg));
	const struct net_device *d = err ? NULL : device_by_index((u32)r.ifr_ifindex);

	if (err)
		return err;
	if (!d)
		return -ENODEV;
	memcpy(r.ifr_name, d->name, IFNAMSIZ);
	return put_user(r, uaddr(arg));
}

static int route(u32 cmd, u64 arg)
{
	struct rtentry e;
	struct route4 r = { .type = RTN_UNICAST, .protocol = RTPROT_BOOT, .table = RT_TABLE_MAIN, .scope = RT_SCOPE_NOWHERE };
	char name[IFNAMSIZ] = { 0 };
	int err = capable(CAP_NET_ADMIN) ? get_user(e, uaddr(arg)) : -EPERM;

	if (err)
		return err;
	if (e.rt_dev) {
		err = copy_in(name, uaddr((u64)(uintptr_t)e.rt_dev), IFNAMSIZ - 1);
		r.dev = err ? NULL : device_by_name(name);
		if (!r.dev)
			return err ? err : -ENODEV;
	}
	if (e.rt_flags & (RTF_MTU | RTF_WINDOW | RTF_IRTT))
		return -EOPNOTSUPP;	/* routes carry no such metrics yet */
	int prefix_len = e.rt_flags & RTF_HOST ? 32 : prefix_of(get_address(&e.rt_genmask));

	if (prefix_len < 0)
		return prefix_len;
	r.prefix_len = (u8)prefix_len;
	r.prefix = get_address(&e.rt_dst);
	r.metric = e.rt_metric > 0 ? (u32)e.rt_metric - 1 : 0;
	if (r.prefix & ~ip4_mask(r.prefix_len))
		return -EINVAL;
	if (e.rt_flags & RTF_GATEWAY)
		r.gateway = get_address(&e.rt_gateway);
	if (r.gateway)
		r.scope = RT_SCOPE_UNIVERSE;
	if (cmd == SIOCDELRT)
		return route4_delete(&r);
	if (!r.gateway)
		r.scope = RT_SCOPE_LINK;
	if (!r.dev && r.gateway) {
		const struct route4 *via = route4_lookup(r.gateway, 0);

		r.dev = via ? via->dev : NULL;
	}
	return r.dev ? route4_add(&r) : -ENODEV;
}

/* What sockets of AF_INET alone answer. */
static int dispatch(u32 cmd, u64 arg)
{
	switch (cmd) {
	case SIOCADDRT:
	case SIOCDELRT: return route(cmd, arg);
	case SIOCGIFADDR: case SIOCGIFBRDADDR: case SIOCGIFNETMASK: case SIOCGIFDSTADDR:
		return by_device(cmd, arg, false);
	case SIOCSIFFLAGS: case SIOCSIFADDR: case SIOCSIFNETMASK:
		return by_device(cmd, arg, true);
	default: return -ENOTTY;
	}
}

/* What sockets of every family answer. */
static int dispatch_any(u32 cmd, u64 arg)
{
	switch (cmd) {
	case SIOCGIFCONF: return conf(arg);
	case SIOCGIFNAME: return name_of(arg);
	case SIOCETHTOOL: return ethtool(arg);
	case SIOCGIFFLAGS: case SIOCGIFMTU: case SIOCGIFINDEX: case SIOCGIFMETRIC: case SIOCGIFTXQLEN: case SIOCGIFHWADDR:
		return by_device(cmd, arg, false);
	case SIOCSIFFLAGS: case SIOCSIFMTU: case SIOCSIFHWADDR:
		return by_device(cmd, arg, true);
	default: return -ENOTTY;
	}
}

static s64 locked(int (*fn)(u32 cmd, u64 arg), u32 cmd, u64 arg)
{
	rtnl_lock();
	int err = fn(cmd, arg);

	rtnl_unlock();
	return err;
}

s64 inet_ioctl(struct socket *s, u32 cmd, u64 arg) { return locked(dispatch, cmd, arg); }
s64 sock_device_ioctl(u32 cmd, u64 arg) { return locked(dispatch_any, cmd, arg); }
