/*
 * The IPv6 routing table: one list ordered by prefix length, longest first, then local routes, then by metric (departure: no further tables,
 * rules or multipath yet).
 *
 * Locks: rtnl for changes; lookups under RCU.
 * Source: RFC 4861 (next hops), rtnetlink(7).
 */
#ifndef NET_ROUTE6_H
#define NET_ROUTE6_H

#include <linux/rtnetlink.h>
#include "base/list.h"
#include "kern/rcu.h"
#include "net/ip.h"

#define IP6_FOREVER (~0ull)	/* a time that does not come */

enum { ROUTE6_METRIC_KERNEL = 256, ROUTE6_METRIC_USER = 1024 };

/* [I] once in the list, but for expires_ns [a] */
struct route6 {
	struct list_head node;
	struct ip_addr prefix, gateway;	/* gateway ::: on the link */
	struct ip_addr src;		/* preferred source, ::: none */
	u8 prefix_len;
	u8 type;			/* RTN_UNICAST, RTN_LOCAL, RTN_UNREACHABLE… */
	u8 protocol;			/* RTPROT_* */
	u32 metric;
	u32 mtu;			/* 0: the device's */
	u64 expires_ns;			/* plat_mono_ns; IP6_FOREVER: never */
	struct net_device *dev;		/* uncounted: routes go before the device does. NULL: of a type that needs none */
	struct rcu_head rcu;
};

/** ip6_prefix - the first @len bits of @a, the rest 0. Pure */
struct ip_addr ip6_prefix(const struct ip_addr *a, u32 len);
/** route6_add, route6_delete - [rtnl] Return: 0, -EEXIST (another one with the same metric goes to the same place), -ENOMEM, -EHOSTUNREACH (gateway not on a link); -ESRCH */
MUST_CHECK int route6_add(const struct route6 *r);
int route6_delete(const struct route6 *like);
/** route6_renew - the same route exists, from the same protocol: it lasts until @like->expires_ns from now on. [rtnl] Return: whether it exists */
bool route6_renew(const struct route6 *like);
/** route6_lookup - the route to @dst, out of @oif (0: any). Under RCU. NULL: none */
const struct route6 *route6_lookup(const struct ip_addr *dst, u32 oif);
/** route6_next - in order of the list; NULL: the first. [rtnl] */
const struct route6 *route6_next(const struct route6 *r);
void route6_flush_device(const struct net_device *dev);	/* [rtnl] */
/** route6_expire - drop what is past its time. [rtnl] Return: when the next is */
u64 route6_expire(u64 now_ns);

#endif
