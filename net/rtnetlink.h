/*
 * NETLINK_ROUTE: what its files share.
 *
 *   rtnetlink.c   dispatch by type and family, under rtnl
 *   rtnl_link.c   RTM_*LINK
 *   rtnl_addr.c   RTM_*ADDR
 *   rtnl_route.c  RTM_*ROUTE
 *   rtnl_neigh.c  RTM_*NEIGH
 *   rtnl_rule.c   RTM_*RULE, RTM_*QDISC: what there is without any having been made
 *
 * Departures: one routing table for each of local, main, default; the rules and queueing disciplines are those of the start and cannot be
 * changed (EOPNOTSUPP); no name spaces.
 *
 * Locks: rtnl over requests and each step of a dump.
 * Source: rtnetlink(7), RFC 3549; <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/neighbour.h>, <linux/fib_rules.h>.
 */
#ifndef NET_RTNETLINK_H
#define NET_RTNETLINK_H

#include <linux/rtnetlink.h>
#include "net/netlink.h"
#include "net/rtnl.h"

enum { RTNL_AF_UNSPEC = 0, RTNL_AF_INET = 2, RTNL_AF_INET6 = 10 };

struct rtnl_handler {
	u16 type;			/* RTM_* */
	u8 family;			/* of which; RTNL_AF_UNSPEC: of those without a handler of their own */
	bool needs_family;		/* a request of another family is refused, though a dump is not */
	int (*request)(struct netlink_request *r);	/* [rtnl] NULL: EOPNOTSUPP */
	int (*dump)(struct netlink_request *r);		/* begins one, without rtnl. NULL: EOPNOTSUPP */
};
void rtnl_register(const struct rtnl_handler *h, u32 count);

/** rtnl_refuse - say why. Return: @err */
static inline int rtnl_refuse(struct netlink_request *r, int err, const char *text)
{
	r->ext.text = text;
	return err;
}
/** rtnl_refuse_attr - the same, pointing to an attribute. */
int rtnl_refuse_attr(struct netlink_request *r, int err, const char *text, const struct nl_attr *a);

/** rtnl_parse - the family's header of @len bytes into @head, attributes into @table[max + 1]. 0, -EINVAL (too short), or nl_parse's */
MUST_CHECK int rtnl_parse(struct netlink_request *r, void *head, u32 len, const struct nl_policy *policy, u32 max, struct nl_attr *table, u32 how);

/** rtnl_dump - begin a dump whose step runs under rtnl. */
int rtnl_dump(struct netlink_request *r, const struct netlink_dump *d);
/** rtnl_dump_nothing - an empty list. */
int rtnl_dump_nothing(struct netlink_request *r);
/** rtnl_dump_failed - a dump that is refused is told so at its end, with these flags, not by an acknowledgement. */
int rtnl_dump_failed(struct netlink_request *r, int err, u16 flags);

/** rtnl_requester - whose request is being served, for notifications; NULL: nobody's. [rtnl] */
struct netlink_request *rtnl_requester(void);
/* The numbers of a notification: those of the request that caused it. */
u32 rtnl_seq(void);
u32 rtnl_portid(void);

/* For route4_listen(). */
struct ip4_address;
struct net_device;
struct route4;
void rtnl_route_told(const struct route4 *r, bool added, bool replaced);
void rtnl_address_told(const struct net_device *dev, const struct ip4_address *a, bool added);

void rtnl_links_init(void);
void rtnl_addresses_init(void);
void rtnl_routes_init(void);
void rtnl_neighbours_init(void);
void rtnl_rules_init(void);
/** rtnetlink_init - before the first device, and before others listen to devices: it tells first. */
void rtnetlink_init(void);

#endif
