/*
 * Sockets in multicast groups: IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP, MCAST_JOIN_GROUP and their opposites; over which device a socket sends to
 * groups; which datagrams to groups a socket wants.
 *
 * Departure: no sources (IP_ADD_SOURCE_MEMBERSHIP and its kin: ENOPROTOOPT).
 *
 * Locks: rtnl for changes of i->groups; read under RCU.
 * Source: ip(7), ipv6(7), RFC 3493 section 5.2, RFC 3678 section 5.1.
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "net/group.h"
#include "net/route4.h"
#include "net/rtnl.h"
#include "sock/inet.h"

/* Of a socket: of IPv4 as Linux's net.ipv4.igmp_max_memberships begins with, of both as many as its net.core.optmem_max has about room for. */
enum { MEMBERSHIPS4_MAX = 20, MEMBERSHIPS_MAX = 256 };

/* [I] once in the list */
struct membership {
	struct list_head node;		/* i->groups */
	struct ip_addr group;
	u32 ifindex;
	struct rcu_head rcu;
};

/* What a request asks for. */
struct wish {
	struct ip_addr group;
	be32 address;			/* IPv4: the device that has this one; 0: none named */
	u32 ifindex;			/* 0: none named */
	bool leave;
};

/* ---- which device: [rtnl] ---- */

static struct net_device *device_with(be32 address)
{
	const struct route4 *r = route4_lookup(address, 0);

	return r && r->type == RTN_LOCAL ? r->dev : NULL;
}

static struct net_device *device_for(const struct wish *w)
{
	struct ip_flow f = { .dst = w->group, .src = ip_addr_v4(0) };
	struct ip_dst dst;

	if (w->ifindex)
		return device_by_index(w->ifindex);
	if (w->address)
		return device_with(w->address);
	return ip_route(&f, &dst) ? NULL : dst.dev;
}

/* ---- joining and leaving: [rtnl] ---- */

static int join(struct inet_sock *i, const struct wish *w)
{
	struct net_device *dev = ip_addr_is_multicast(&w->group) ? device_for(w) : NULL;
	struct membership *m;
	u32 count = 0;
	int err;

	if (!dev)
		return ip_addr_is_multicast(&w->group) ? -ENODEV : -EINVAL;
	list_for_each_entry(m, &i->groups, node) {
		if (m->ifindex == dev->ifindex && ip_addr_equal(&m->group, &w->group))
			return -EADDRINUSE;
		count++;
	}
	if (count >= MEMBERSHIPS4_MAX && ip_addr_is_v4(&w->group))
		return -ENOBUFS;
	m = count >= MEMBERSHIPS_MAX ? NULL : kzalloc(sizeof(*m), ALLOC_KERNEL);
	if (!m)
		return -ENOMEM;
	m->group = w->group;
	m->ifindex = dev->ifindex;
	err = device_group_join(dev, &m->group);
	if (err) {
		kfree(m);
		return err;
	}
	list_add_tail_rcu(&m->node, &i->groups);
	return 0;
}

static void drop(struct membership *m)
{
	struct net_device *dev = device_by_index(m->ifindex);

	list_del_rcu(&m->node);
	if (dev)
		device_group_leave(dev, &m->group);
	kfree_rcu(m, rcu);
}

static int leave(struct inet_sock *i, const struct wish *w)
{
	struct net_device *dev = w->ifindex || w->address ? device_for(w) : NULL;
	struct membership *m;

	if (!ip_addr_is_v4(&w->group) && !ip6_is_multicast(&w->group))
		return -EINVAL;
	if ((w->ifindex || w->address) && !dev)
		return ip_addr_is_v4(&w->group) ? -EADDRNOTAVAIL : -ENODEV;
	list_for_each_entry(m, &i->groups, node) {
		if (ip_addr_equal(&m->group, &w->group) && (!dev || m->ifindex == dev->ifindex)) {
			drop(m);
			return 0;
		}
	}
	return -EADDRNOTAVAIL;
}

void inet_groups_leave(struct inet_sock *i)
{
	struct membership *m, *tmp;

	if (list_empty(&i->groups))
		return;
	rtnl_lock();
	list_for_each_entry_safe(m, tmp, &i->groups, node)
		drop(m);
	rtnl_unlock();
}

bool inet_group_wants(const struct inet_sock *i, const struct ip_addr *group, u32 ifindex)
{
	const struct membership *m;

	list_for_each_entry_rcu(m, &i->groups, node)
		if (m->ifindex == ifindex && ip_addr_equal(&m->group, group))
			return true;
	return ip_addr_is_v4(group) ? i->mc_all : i->mc_all6;
}

/* ---- requests as users write them ---- */

static int wish4(const void *value, u32 len, struct wish *w)
{
	struct ip_mreqn m = { 0 };

	if (len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&m, value, len >= sizeof(m) ? sizeof(m) : sizeof(struct ip_mreq));
	w->group = ip_addr_v4(m.imr_multiaddr.s_addr);
	w->address = m.imr_address.s_addr;
	w->ifindex = (u32)m.imr_ifindex;
	return 0;
}

static int wish6(const void *value, u32 len, struct wish *w)
{
	struct ipv6_mreq m;

	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, value, sizeof(m));
	w->group = ip_addr_v6(&m.ipv6mr_multiaddr);
	w->ifindex = (u32)m.ipv6mr_ifindex;
	return ip_addr_is_v4(&w->group) ? -EINVAL : 0;
}

/* struct group_req; its sockaddr is of the option's level. */
static int wish_any(int level, const void *value, u32 len, struct wish *w)
{
	struct group_req r;
	u16 family;

	if (len < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	memcpy(&family, &r.gr_group, sizeof(family));
	if (family != (level == IPPROTO_IP ? AF_INET : AF_INET6))
		return level == IPPROTO_IP ? -EINVAL : -EADDRNOTAVAIL;
	w->ifindex = r.gr_interface;
	if (level == IPPROTO_IP)
		w->group = ip_addr_v4(((const struct sockaddr_in *)&r.gr_group)->sin_addr.s_addr);
	else
		w->group = ip_addr_v6(&((const struct sockaddr_in6 *)&r.gr_group)->sin6_addr);
	return 0;
}

bool inet_group_option(int level, int name)
{
	if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)
		return true;
	return level == IPPROTO_IP ? name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP : name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP;
}

int inet_group_set(struct inet_sock *i, int level, int name, const void *value, u32 len)
{
	struct wish w = { 0 };
	int err;

	if (i->sock.type == SOCK_STREAM)
		return -EPROTO;
	if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)
		err = wish_any(level, value, len, &w);
	else
		err = level == IPPROTO_IP ? wish4(value, len, &w) : wish6(value, len, &w);
	if (err)
		return err;
	w.leave = name == MCAST_LEAVE_GROUP || (level == IPPROTO_IP ? name == IP_DROP_MEMBERSHIP : name == IPV6_DROP_MEMBERSHIP);
	rtnl_lock();
	err = w.leave ? leave(i, &w) : join(i, &w);
	rtnl_unlock();
	return err;
}

/* ---- IP_MULTICAST_IF ---- */

int inet_group_set_device(struct inet_sock *i, const void *value, u32 len)
{
	struct ip_mreqn m = { 0 };

	if (i->sock.type == SOCK_STREAM || len < sizeof(struct in_addr))
		return -EINVAL;
	if (len >= sizeof(struct ip_mreq))
		memcpy(&m, value, len >= sizeof(m) ? sizeof(m) : sizeof(struct ip_mreq));
	else
		memcpy(&m.imr_address, value, sizeof(m.imr_address));
	const struct net_device *dev = m.imr_ifindex ? device_by_index((u32)m.imr_ifindex) : m.imr_address.s_addr ? device_with(m.imr_address.s_addr) : NULL;

	if (!dev && (m.imr_ifindex || m.imr_address.s_addr))
		return -EADDRNOTAVAIL;
	if (dev && i->ep.ifindex && i->ep.ifindex != dev->ifindex)
		return -EINVAL;
	i->mc_if = dev ? dev->ifindex : 0;
	i->mc_addr = m.imr_address.s_addr;
	return 0;
}
