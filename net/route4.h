/*
 * IPv4 addresses of devices, and the routing table.
 *
 * One list of routes: the table "local", then "main", then "default"; each by prefix length, longest first, then metric (departure: no further
 * tables, rules or multipath yet).
 * Addresses bring their routes with them: local ones when they are added, those of the link while the device is up.
 * The first address of a network on a device is its primary; others there are secondary and go when it goes.
 *
 * Locks: rtnl for changes; lookups under RCU.
 */
#ifndef NET_ROUTE4_H
#define NET_ROUTE4_H

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "base/list.h"
#include "kern/rcu.h"
#include "net/ip.h"

/* [I] once in the list */
struct route4 {
	struct list_head node;
	be32 prefix;
	u8 prefix_len;
	u8 table;			/* RT_TABLE_LOCAL, MAIN, DEFAULT; route4_add: 0: by type */
	u8 tos;				/* only told: packets are not routed by it */
	bool onlink;			/* RTNH_F_ONLINK */
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
	be32 peer;			/* the far end of a point-to-point link; else local */
	u8 prefix_len;			/* of peer */
	u8 scope;			/* RT_SCOPE_* */
	u8 protocol;			/* IFAPROT_* */
	u32 flags;			/* [rtnl] IFA_F_PERMANENT, IFA_F_SECONDARY, IFA_F_NOPREFIXROUTE… */
	u32 metric;			/* of its network's route */
	u32 valid_s, preferred_s;	/* from updated_ns; ~0: for ever */
	u64 created_ns, updated_ns;	/* [rtnl] plat_mono_ns */
	char label[IFNAMSIZ];
	struct rcu_head rcu;
};

struct ip4_config {
	struct list_head addresses;	/* [rtnl, read under RCU] */
	struct rcu_head rcu;
};

/** route4_add - [rtnl] behind those that are like it. Return: 0, -EEXIST, -ENOMEM, -ENETUNREACH (gateway not on a link) */
MUST_CHECK int route4_add(const struct route4 *r);
/**
 * route4_insert - [rtnl] as a request says
 * @how: NLM_F_CREATE: make one if there is none; NLM_F_EXCL: only then; NLM_F_REPLACE: instead of the first like it; NLM_F_APPEND: behind, not before
 * Like it: same table, prefix, TOS and metric.
 * Return: as route4_add; -EEXIST (EXCL, or exactly that one is there), -ENOENT (no CREATE)
 */
MUST_CHECK int route4_insert(const struct route4 *r, u32 how);
/** route4_delete - [rtnl] the first that fits; 0 fits any (but of prefix), so does RT_SCOPE_NOWHERE. Return: 0, -ESRCH */
int route4_delete(const struct route4 *like);
/** route4_lookup - the route to @dst, out of @oif (0: any). Under RCU. NULL: none */
const struct route4 *route4_lookup(be32 dst, u32 oif);
/** route4_next - in order of the list; NULL: the first. [rtnl] */
const struct route4 *route4_next(const struct route4 *r);
struct route4_slot {
	const struct route4 *route;
	u32 at;				/* in the list */
};
/**
 * route4_sorted - [rtnl] all routes as they are shown: by table, main before local, then by prefix, the longer first, then by metric, then as in
 * the list
 * Return: @count of them, to be freed with kvfree; NULL: no memory
 */
struct route4_slot *route4_sorted(u32 *count);

/** ip4_address_add, ip4_address_delete - [rtnl] Return: 0, -EEXIST, -ENOMEM, -EINVAL; -EADDRNOTAVAIL */
MUST_CHECK int ip4_address_add(struct net_device *dev, be32 local, u32 prefix_len, be32 broadcast);
/** ip4_address_insert - [rtnl] @like is copied. Return: as ip4_address_add; -EINVAL: another scope than the network's others */
MUST_CHECK int ip4_address_insert(struct net_device *dev, const struct ip4_address *like);
int ip4_address_delete(struct net_device *dev, be32 local, u32 prefix_len);
/** ip4_source - an address of @dev (or of any device) to speak to @dst with; 0: none. Under RCU */
be32 ip4_source(struct net_device *dev, be32 dst);
/** ip4_first_address - of @dev, or NULL. Under RCU or rtnl */
const struct ip4_address *ip4_first_address(const struct net_device *dev);

/** route4_generation, ip4_address_generation - [rtnl] change with every change of the list. Never 0 */
u32 route4_generation(void);
u32 ip4_address_generation(void);

/* Who is told of changes that somebody asked for (not of what goes when a device does). [rtnl] One, or none. */
struct route4_listener {
	void (*route)(const struct route4 *r, bool added, bool replaced);
	void (*address)(const struct net_device *dev, const struct ip4_address *a, bool added);
};
void route4_listen(const struct route4_listener *l);

void route4_init(void);

#endif
