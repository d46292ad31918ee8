/* The IPv6 routing table.  route6.h is the contract. */
#include <linux/errno.h>
#include "kern/slab.h"
#include "net/device.h"
#include "net/route6.h"

static LIST_HEAD(routes);	/* [rtnl, read under RCU] */

struct ip_addr ip6_prefix(const struct ip_addr *a, u32 len)
{
	struct ip_addr p = { .q = { 0 } };

	memcpy(p.b, a->b, len / 8);
	if (len % 8)
		p.b[len / 8] = (u8)(a->b[len / 8] & (0xff00 >> len % 8));
	return p;
}

const struct route6 *route6_lookup(const struct ip_addr *dst, u32 oif)
{
	u32 lo = device_loopback()->ifindex;	/* over which an address of a link reaches itself */
	const struct route6 *r;

	list_for_each_entry_rcu(r, &routes, node) {
		if (!ip6_prefix_equal(dst, &r->prefix, r->prefix_len))
			continue;
		if (oif && r->dev && r->dev->ifindex != oif && (r->type == RTN_UNICAST || (ip6_is_link_local(dst) && oif != lo)))
			continue;
		return r;
	}
	return NULL;
}

const struct route6 *route6_next(const struct route6 *r)
{
	const struct list_head *next = r ? r->node.next : routes.next;

	return next == &routes ? NULL : list_entry(next, struct route6, node);
}

static bool goes_before(const struct route6 *a, const struct route6 *b)
{
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len > b->prefix_len;
	if ((a->type == RTN_LOCAL) != (b->type == RTN_LOCAL))
		return a->type == RTN_LOCAL;
	return a->metric < b->metric;
}

static bool same(const struct route6 *a, const struct route6 *b)
{
	return ip_addr_equal(&a->prefix, &b->prefix) && a->prefix_len == b->prefix_len && a->type == b->type && a->metric == b->metric &&
	       a->dev == b->dev && ip_addr_equal(&a->gateway, &b->gateway);
}

int route6_add(const struct route6 *r)
{
	struct list_head *before = &routes;
	struct route6 *have, *made;

	list_for_each_entry(have, &routes, node) {
		if (same(have, r))
			return -EEXIST;
		if (before == &routes && goes_before(r, have))
			before = &have->node;
	}
	if (!ip6_is_any(&r->gateway) && !ip6_is_link_local(&r->gateway)) {
		const struct route6 *via = route6_lookup(&r->gateway, r->dev ? r->dev->ifindex : 0);

		if (!via || !ip6_is_any(&via->gateway) || via->type != RTN_UNICAST)
			return -EHOSTUNREACH;
	}
	made = kmemdup(r, sizeof(*r), ALLOC_KERNEL);
	if (!made)
		return -ENOMEM;
	list_add_tail_rcu(&made->node, before);
	ip_route_changed();
	return 0;
}

static void drop(struct route6 *r)
{
	list_del_rcu(&r->node);
	kfree_rcu(r, rcu);
	ip_route_changed();
}

static bool matches(const struct route6 *r, const struct route6 *like)
{
	return ip_addr_equal(&r->prefix, &like->prefix) && r->prefix_len == like->prefix_len && (!like->type || r->type == like->type) &&
	       (!like->dev || r->dev == like->dev) && (ip6_is_any(&like->gateway) || ip_addr_equal(&r->gateway, &like->gateway)) &&
	       (!like->metric || r->metric == like->metric) && (!like->protocol || r->protocol == like->protocol);
}

int route6_delete(const struct route6 *like)
{
	struct route6 *r;

	list_for_each_entry(r, &routes, node) {
		if (matches(r, like)) {
			drop(r);
			return 0;
		}
	}
	return -ESRCH;
}

bool route6_renew(const struct route6 *like)
{
	struct route6 *r;

	list_for_each_entry(r, &routes, node) {
		if (same(r, like) && r->protocol == like->protocol) {
			atomic_store(&r->expires_ns, like->expires_ns);
			return true;
		}
	}
	return false;
}

void route6_flush_device(const struct net_device *dev)
{
	struct route6 *r, *tmp;

	list_for_each_entry_safe(r, tmp, &routes, node)
		if (r->dev == dev)
			drop(r);
}

u64 route6_expire(u64 now_ns)
{
	struct route6 *r, *tmp;
	u64 next = IP6_FOREVER;

	list_for_each_entry_safe(r, tmp, &routes, node) {
		if (r->expires_ns <= now_ns)
			drop(r);
		else
			next = MIN(next, r->expires_ns);
	}
	return next;
}
