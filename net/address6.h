/*
 * IPv6 addresses of devices, and the choice of a source address.
 *
 * An address of an Ethernet-like device is tentative at first: nobody may use it until one question to the link (duplicate address detection,
 * ndp.c) stayed unanswered for a second.  Lifetimes come from router advertisements; what is no longer preferred is used only for want of
 * better, what is no longer valid goes.
 *
 * Departures from Linux: no temporary addresses (RFC 8981), no optimistic ones, one probe.
 *
 * Locks: R rtnl, read under RCU · a atomic, read anywhere.
 * Source: RFC 4291, RFC 4862 (section 5.4), RFC 6724 (choice of source).
 */
#ifndef NET_ADDRESS6_H
#define NET_ADDRESS6_H

#include <linux/if_addr.h>
#include "net/device.h"
#include "net/route6.h"

struct ip6_address {
	struct list_head node;		/* [R] the device's */
	struct net_device *dev;		/* [I] counted */
	struct ip_addr local;		/* [I] */
	u8 prefix_len;			/* [I] */
	u32 flags;			/* [a] IFA_F_*; of which TENTATIVE, DADFAILED, DEPRECATED change */
	u64 preferred_ns, valid_ns;	/* [a] until when, in plat_mono_ns; IP6_FOREVER: for ever */
	u32 probes;			/* [a] questions of duplicate address detection sent */
	struct net_timer timer;		/* of that detection */
	struct rcu_head rcu;
};

enum { IP6_MTU_MIN = 1280 };
/* In ip6_address_add's flags, beside IFA_F_*: a router's prefix made it, and that router says whether there is a route to the prefix */
#define IP6_ADDRESS_BY_ROUTER (1u << 31)

/* What a device has of IPv6. */
struct ip6_config {
	struct list_head addresses;	/* [R] */
	u8 hop_limit;			/* [a] as routers say; 0: the default */
	u32 mtu;			/* [a] as routers say; 0: the device's */
	u32 solicitations;		/* [a] questions for routers sent */
	bool heard;			/* [a] one answered */
	struct net_device *dev;		/* [I] uncounted */
	struct net_timer timer;		/* of these questions */
	struct rcu_head rcu;
};

/**
 * ip6_address_add - [rtnl]
 * @flags: IFA_F_PERMANENT, IFA_F_NODAD…; TENTATIVE is added where the link is to be asked
 * @preferred_ns, @valid_ns: until when; IP6_FOREVER: for ever
 * Return: 0, -EEXIST, -ENOMEM, -EINVAL (multicast, unspecified, prefix too long, loopback on another device), -ENODEV (the device is down)
 */
MUST_CHECK int ip6_address_add(struct net_device *dev, const struct ip_addr *local, u32 prefix_len, u32 flags, u64 preferred_ns, u64 valid_ns);
/** ip6_address_delete - [rtnl] Return: 0, -EADDRNOTAVAIL */
int ip6_address_delete(struct net_device *dev, const struct ip_addr *local, u32 prefix_len);
/** ip6_address_find - of @dev (NULL: of any); tentative ones too. Under RCU or rtnl. NULL: none */
struct ip6_address *ip6_address_find(const struct net_device *dev, const struct ip_addr *local);
/** ip6_address_duplicate - somebody else has it: it is never used. Net context */
void ip6_address_duplicate(struct ip6_address *a);
static inline bool ip6_address_usable(const struct ip6_address *a) { return !(READ_ONCE(a->flags) & (IFA_F_TENTATIVE | IFA_F_DADFAILED)); }
/** ip6_link_local - the usable link-local address of @dev, or NULL. Under RCU */
const struct ip6_address *ip6_link_local(const struct net_device *dev);
/** ip6_solicited_node - the group in which the owner of @a listens (RFC 4291, 2.7.1). */
struct ip_addr ip6_solicited_node(const struct ip_addr *a);
/** ip6_interface_id - the last 64 bits of an address, made from the hardware's (RFC 4291, appendix A). */
void ip6_interface_id(const struct net_device *dev, struct ip_addr *a);

/** ip6_prefix_needed - an address of @dev, which has some, brought the route to @prefix and stays: the route is not the routers'. [rtnl] */
bool ip6_prefix_needed(const struct net_device *dev, const struct ip_addr *prefix, u32 len);
/** ip6_lifetimes_changed - of an address or a route: it ends at @until_ns. [rtnl] */
void ip6_lifetimes_changed(u64 until_ns);

/** ip6_scope - as in multicast addresses: 1 node, 2 link, 5 site, 14 global. */
u32 ip6_scope(const struct ip_addr *a);

/* One that could be the source. */
struct ip6_candidate {
	struct ip_addr addr;
	bool deprecated;
	bool outgoing;			/* of the interface over which the packet leaves */
};
/** ip6_candidate_better - whether @a is better than @b as source for @dst: rules 1, 2, 3, 5, 6, 8 of RFC 6724 section 5. Pure */
bool ip6_candidate_better(const struct ip6_candidate *a, const struct ip6_candidate *b, const struct ip_addr *dst);
/** ip6_source - the address to speak to @dst with, over @dev. Under RCU. Return: false: there is none */
bool ip6_source(const struct net_device *dev, const struct ip_addr *dst, struct ip_addr *out);

void address6_init(void);

#endif
