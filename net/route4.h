/*
 * IPv4 addresses of devices, and the routing table.
 *
 * One list of routes ordered by prefix length, longest first, then metric (departure: no further tables, rules or multipath yet).
 * Addresses bring their routes with them: local ones when they are added, those of the link while the device is up.
 *
 * Locks: rtnl for changes; lookups under RCU.
 */
#ifndef NET_ROUTE4_H
#define NET_ROUTE4_H

#include <linux/rtnetlink.h>
#include "base/list.h"
#include "kern/rcu.h"
#include "net/ip.h"

/* [I] once in the list */
struct route4 {
	struct list_head node;
	be32 prefix;
	u8 prefix_len;
	u8 type;			/* RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_UNREACHABLE… */
	u8 protocol;			/* RTPROT_* */
	u8 scope;			/* RT_SCOPE_* */
	u32 metric;
	struct net_device *dev;		/* uncounted: routes go before the device does */
	be32 gateway;			/* 0: on the link */
	be32 src;			/* preferred source, 0: none */
	u32 mtu;			/* 0: the device's */
	struct rcu_head rcu;
};

struct ip4_address {
	struct list_head node;		/* [rtnl, read under RCU] */
	be32 local, broadcast;
	u8 prefix_len;
	struct rcu_head rcu;
};

struct ip4_config {
	struct list_head addresses;	/* [rtnl, read under RCU] */
	struct rcu_head rcu;
};

/** route4_add, route4_delete - [rtnl] Return: 0, -EEXIST, -ENOMEM, -ENETUNREACH (gateway not on a link); -ESRCH */
MUST_CHECK int route4_add(const struct route4 *r);
int route4_delete(const struct route4 *like);
/** route4_lookup - the route to @dst, out of @oif (0: any). Under RCU. NULL: none */
const struct route4 *route4_lookup(be32 dst, u32 oif);
/** route4_next - in order of the list; NULL: the first. [rtnl] */
const struct route4 *route4_next(const struct route4 *r);

/** ip4_address_add, ip4_address_delete - [rtnl] Return: 0, -EEXIST, -ENOMEM, -EINVAL; -EADDRNOTAVAIL */
MUST_CHECK int ip4_address_add(struct net_device *dev, be32 local, u32 prefix_len, be32 broadcast);
int ip4_address_delete(struct net_device *dev, be32 local, u32 prefix_len);
/** ip4_source - an address of @dev (or of any device) to speak to @dst with; 0: none. Under RCU */
be32 ip4_source(struct net_device *dev, be32 dst);
/** ip4_first_address - of @dev, or NULL. Under RCU or rtnl */
const struct ip4_address *ip4_first_address(const struct net_device *dev);

void route4_init(void);

#endif
