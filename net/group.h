/*
 * Multicast groups that devices receive, of both IP versions, and what routers and switches on the link are told about them.
 *
 * A device has one list; each group counts who wants it (sockets; IPv6 itself for the groups of its addresses).  The first one's coming and the last
 * one's going are reported at once; a router's question is answered for all groups at a random time within the limit that it sets.
 *
 * Departures: reports name whole groups, no sources (who asks for sources gets EOPNOTSUPP); each report is sent once; old versions of the protocols
 * (IGMPv1, IGMPv2, MLDv1) are not spoken.
 *
 * Locks: R rtnl, read under RCU · g group_lock (RANK_NET_CONFIG): arming of timers.
 * Source: RFC 1112, RFC 3376 (IGMPv3), RFC 3810 (MLDv2).
 */
#ifndef NET_GROUP_H
#define NET_GROUP_H

#include "net/device.h"

struct device_group {
	struct list_head node;		/* [R] */
	struct ip_addr addr;		/* [I] */
	u32 users;			/* [R] */
	struct rcu_head rcu;
};

/* What a device has of groups; made when the first one is joined. */
struct group_set {
	struct net_device *dev;		/* [I] uncounted */
	struct list_head groups;	/* [R] */
	struct net_timer answer[2];	/* [g] to a router's question, by version (IPv6: 1) */
	u64 answer_ns[2];		/* [g] when; in the past: no answer is due */
	u32 alive;			/* timers not yet released */
};

/** device_group_join - [rtnl] Return: 0, -ENOMEM. @group is a multicast address */
MUST_CHECK int device_group_join(struct net_device *dev, const struct ip_addr *group);
/** device_group_leave - [rtnl] one user less; a group that is not there (the device was taken out) is passed over */
void device_group_leave(struct net_device *dev, const struct ip_addr *group);
/** device_in_group - whether @dev receives @group: joined, or everybody's. Under RCU */
bool device_in_group(const struct net_device *dev, const struct ip_addr *group);
/** device_group_next - of @dev, NULL: the first. Under RCU or rtnl */
const struct device_group *device_group_next(const struct net_device *dev, const struct device_group *g);

/** device_groups_asked - a router asked for all groups of version @v6; answer within @max_ms. Net context */
void device_groups_asked(struct net_device *dev, bool v6, u32 max_ms);

/* What a record of a report says (RFC 3376, 4.2.12; RFC 3810, 5.2.12). */
enum group_record { RECORD_MEMBER = 2, RECORD_LEFT = 3, RECORD_JOINED = 4 };
/* igmp.c, mld.c: report on @group, or with NULL on all of @dev's. Net context */
void igmp_report(struct net_device *dev, const struct ip_addr *group, enum group_record record);
void mld_report(struct net_device *dev, const struct ip_addr *group, enum group_record record);
void igmp_init(void);
/** mld_rx - a query; ICMPv6's checksum is good. Does not consume */
struct ip_rx;
void mld_rx(struct packet *p, const struct ip_rx *ip);

void groups_init(void);

#endif
