/*
 * Which address to speak with: RFC 6724, section 5.  address6.h is the contract.
 *
 * Departures: no rule 4 (mobility), 5.5 (prefixes by next hop) and 7 (temporary addresses); the policy table is the default one.
 */
#include "net/address6.h"

u32 ip6_scope(const struct ip_addr *a)
{
	if (ip6_is_multicast(a))
		return ip6_mc_scope(a);
	if (ip6_is_link_local(a) || ip6_is_loopback(a))
		return 2;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0xc0 ? 5 : 14;
}

/* The default policy table's labels (section 2.1); the longest prefix counts, so longer ones come first. */
static u32 label_of(const struct ip_addr *a)
{
	static const struct {
		struct ip_addr prefix;
		u8 len, label;
	} policy[] = {
		{ { .b = { [15] = 1 } }, 128, 0 },
		{ { .b = { [10] = 0xff, 0xff } }, 96, 4 },
		{ { .b = { 0 } }, 96, 3 },
		{ { .b = { 0x20, 0x01 } }, 32, 5 },
		{ { .b = { 0x20, 0x02 } }, 16, 2 },
		{ { .b = { 0x3f, 0xfe } }, 16, 12 },
		{ { .b = { 0xfe, 0xc0 } }, 10, 11 },
		{ { .b = { 0xfc } }, 7, 13 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(policy); i++)
		if (ip6_prefix_equal(a, &policy[i].prefix, policy[i].len))
			return policy[i].label;
	return 1;
}

bool ip6_candidate_better(const struct ip6_candidate *a, const struct ip6_candidate *b, const struct ip_addr *dst)
{
	bool same_a = ip_addr_equal(&a->addr, dst), same_b = ip_addr_equal(&b->addr, dst);
	u32 scope_a = ip6_scope(&a->addr), scope_b = ip6_scope(&b->addr), scope = ip6_scope(dst);

	if (same_a != same_b)
		return same_a;					/* 1 */
	if (scope_a != scope_b)					/* 2 */
		return scope_a < scope_b ? scope_a >= scope : scope_b < scope;
	if (a->deprecated != b->deprecated)
		return b->deprecated;				/* 3 */
	if (a->outgoing != b->outgoing)
		return a->outgoing;				/* 5 */
	u32 label = label_of(dst);
	bool label_a = label_of(&a->addr) == label, label_b = label_of(&b->addr) == label;

	if (label_a != label_b)
		return label_a;					/* 6 */
	return ip6_common_bits(&a->addr, dst) > ip6_common_bits(&b->addr, dst);	/* 8 */
}

/* The best so far, and what @dev has. */
static void consider(const struct net_device *dev, bool outgoing, const struct ip_addr *dst, struct ip6_candidate *best, bool *found)
{
	const struct ip6_config *c = rcu_dereference(dev->ip6);
	const struct ip6_address *a;

	if (!c)
		return;
	list_for_each_entry_rcu(a, &c->addresses, node) {
		struct ip6_candidate now = { a->local, READ_ONCE(a->flags) & IFA_F_DEPRECATED, outgoing };

		if (!ip6_address_usable(a) || (*found && !ip6_candidate_better(&now, best, dst)))
			continue;
		*best = now;
		*found = true;
	}
}

bool ip6_source(const struct net_device *dev, const struct ip_addr *dst, struct ip_addr *out)
{
	bool here = ip6_needs_scope(dst), found = false;	/* only addresses of the link are candidates */
	struct ip6_candidate best;

	consider(dev, true, dst, &best, &found);
	for (struct net_device *d = device_next(NULL); d && !here; d = device_next(d))
		if (d != dev && !(d->flags & IFF_LOOPBACK))
			consider(d, false, dst, &best, &found);
	if (found)
		*out = best.addr;
	return found;
}
