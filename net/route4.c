/*
 * IPv4 addresses of devices, and the routing table.  route4.h is the contract.
 *
 * Source: RFC 1122, section 3.3.1; rtnetlink(7).
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "net/device.h"
#include "net/route4.h"

static LIST_HEAD(routes);	/* [rtnl, read under RCU] */

/* ---- the table ---- */

const struct route4 *route4_lookup(be32 dst, u32 oif)
{
	const struct route4 *r;

	list_for_each_entry_rcu(r, &routes, node) {
		if ((dst & ip4_mask(r->prefix_len)) != r->prefix)
			continue;
		if (oif && r->dev && r->dev->ifindex != oif && r->type == RTN_UNICAST)
			continue;
		return r;
	}
	return NULL;
}

const struct route4 *route4_next(const struct route4 *r)
{
	const struct list_head *next = r ? r->node.next : routes.next;

	return next == &routes ? NULL : list_entry(next, struct route4, node);
}

/* Local routes of equal length come first. */
static bool goes_before(const struct route4 *a, const struct route4 *b)
{
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len > b->prefix_len;
	if ((a->type == RTN_LOCAL) != (b->type == RTN_LOCAL))
		return a->type == RTN_LOCAL;
	return a->metric < b->metric;
}

static bool same(const struct route4 *a, const struct route4 *b)
{
	return a->prefix == b->prefix && a->prefix_len == b->prefix_len && a->type == b->type && a->metric == b->metric;
}

int route4_add(const struct route4 *r)
{
	struct route4 *have, *made;
	struct list_head *before = &routes;

	list_for_each_entry(have, &routes, node) {
		if (same(have, r) && have->dev == r->dev && have->gateway == r->gateway)
			return -EEXIST;
		if (before == &routes && goes_before(r, have))
			before = &have->node;
	}
	if (r->gateway) {
		const struct route4 *via = route4_lookup(r->gateway, r->dev ? r->dev->ifindex : 0);

		if (!via || via->gateway || via->type != RTN_UNICAST)
			return -ENETUNREACH;
	}
	made = kmemdup(r, sizeof(*r), ALLOC_KERNEL);
	if (!made)
		return -ENOMEM;
	list_add_tail_rcu(&made->node, before);
	ip_route_changed();
	return 0;
}

static void drop(struct route4 *r)
{
	list_del_rcu(&r->node);
	kfree_rcu(r, rcu);
	ip_route_changed();
}

int route4_delete(const struct route4 *like)
{
	struct route4 *r;

	list_for_each_entry(r, &routes, node) {
		if (r->prefix != like->prefix || r->prefix_len != like->prefix_len || (like->type && r->type != like->type) ||
		    (like->dev && r->dev != like->dev) || (like->gateway && r->gateway != like->gateway) || (like->metric && r->metric != like->metric))
			continue;
		drop(r);
		return 0;
	}
	return -ESRCH;
}

/* All routes over @dev; @local: the local ones too. */
static void flush_device(const struct net_device *dev, bool local)
{
	struct route4 *r, *tmp;

	list_for_each_entry_safe(r, tmp, &routes, node)
		if (r->dev == dev && (local || r->type == RTN_UNICAST || r->type == RTN_BROADCAST))
			drop(r);
}

/* ---- addresses ---- */

static int add(struct net_device *dev, u8 type, be32 prefix, u32 prefix_len, be32 src, u8 scope)
{
	struct route4 r = {
		.prefix = prefix, .prefix_len = (u8)prefix_len, .type = type, .protocol = RTPROT_KERNEL, .scope = scope, .dev = dev, .src = src,
	};
	int err = route4_add(&r);

	return err == -EEXIST ? 0 : err;
}

/* The routes of the link, while the device is up. */
static int link_routes(struct net_device *dev, const struct ip4_address *a)
{
	be32 net = a->local & ip4_mask(a->prefix_len);
	int err = 0;

	if (dev->flags & IFF_LOOPBACK)
		return a->prefix_len < 32 ? add(dev, RTN_BROADCAST, net | ~ip4_mask(a->prefix_len), 32, a->local, RT_SCOPE_LINK) : 0;
	if (a->prefix_len < 32)
		err = add(dev, RTN_UNICAST, net, a->prefix_len, a->local, RT_SCOPE_LINK);
	if (!err && a->prefix_len < 31)
		err = add(dev, RTN_BROADCAST, net | ~ip4_mask(a->prefix_len), 32, a->local, RT_SCOPE_LINK);
	if (!err && a->broadcast)
		err = add(dev, RTN_BROADCAST, a->broadcast, 32, a->local, RT_SCOPE_LINK);
	return err;
}

static int local_routes(struct net_device *dev, const struct ip4_address *a)
{
	int err = add(dev, RTN_LOCAL, a->local, 32, a->local, RT_SCOPE_HOST);

	if (!err && dev->flags & IFF_LOOPBACK && a->prefix_len < 32)
		err = add(dev, RTN_LOCAL, a->local & ip4_mask(a->prefix_len), a->prefix_len, a->local, RT_SCOPE_HOST);
	return err;
}

static int address_routes(struct net_device *dev, const struct ip4_address *a)
{
	int err = local_routes(dev, a);

	return err || !device_is_up(dev) ? err : link_routes(dev, a);
}

static struct ip4_config *config(struct net_device *dev)
{
	if (!dev->ip4) {
		struct ip4_config *c = kzalloc(sizeof(*c), ALLOC_KERNEL);

		if (!c)
			return NULL;
		list_init(&c->addresses);
		rcu_assign_pointer(dev->ip4, c);
	}
	return dev->ip4;
}

int ip4_address_add(struct net_device *dev, be32 local, u32 prefix_len, be32 broadcast)
{
	struct ip4_address *a;
	struct ip4_config *c;
	int err;

	if (prefix_len > 32 || ip4_is_multicast(local) || local == ~0u)
		return -EINVAL;
	c = config(dev);
	if (!c)
		return -ENOMEM;
	list_for_each_entry(a, &c->addresses, node)
		if (a->local == local && a->prefix_len == prefix_len)
			return -EEXIST;
	a = kzalloc(sizeof(*a), ALLOC_KERNEL);
	if (!a)
		return -ENOMEM;
	a->local = local;
	a->prefix_len = (u8)prefix_len;
	a->broadcast = broadcast;
	list_add_tail_rcu(&a->node, &c->addresses);
	ip_route_changed();
	err = local ? address_routes(dev, a) : 0;
	if (err)
		(void)ip4_address_delete(dev, local, prefix_len);
	return err;
}

/* The routes that speak from @local. */
static void flush_source(const struct net_device *dev, be32 local)
{
	struct route4 *r, *tmp;

	list_for_each_entry_safe(r, tmp, &routes, node)
		if (r->dev == dev && r->src == local)
			drop(r);
}

int ip4_address_delete(struct net_device *dev, be32 local, u32 prefix_len)
{
	struct ip4_address *a, *tmp;
	bool found = false;

	if (!dev->ip4)
		return -EADDRNOTAVAIL;
	list_for_each_entry_safe(a, tmp, &dev->ip4->addresses, node) {
		if (a->local == local && (prefix_len > 32 || a->prefix_len == prefix_len)) {
			list_del_rcu(&a->node);
			kfree_rcu(a, rcu);
			found = true;
		}
	}
	if (!found)
		return -EADDRNOTAVAIL;
	if (list_empty(&dev->ip4->addresses))
		flush_device(dev, true);
	else if (local)
		flush_source(dev, local);
	/* One of these may have been there for two addresses. */
	list_for_each_entry(a, &dev->ip4->addresses, node)
		if (a->local && address_routes(dev, a))
			return -ENOMEM;
	return 0;
}

/* @dev goes for good. */
static void forget(struct net_device *dev)
{
	struct ip4_config *c = dev->ip4;
	struct ip4_address *a, *tmp;

	flush_device(dev, true);
	if (!c)
		return;
	rcu_assign_pointer(dev->ip4, NULL);
	list_for_each_entry_safe(a, tmp, &c->addresses, node) {
		list_del_rcu(&a->node);
		kfree_rcu(a, rcu);
	}
	kfree_rcu(c, rcu);
}

const struct ip4_address *ip4_first_address(const struct net_device *dev)
{
	const struct ip4_config *c = rcu_dereference(dev->ip4);
	const struct ip4_address *a;

	if (c)
		list_for_each_entry_rcu(a, &c->addresses, node)
			return a;
	return NULL;
}

be32 ip4_source(struct net_device *dev, be32 dst)
{
	const struct ip4_config *c = rcu_dereference(dev->ip4);
	const struct ip4_address *a;

	if (c)
		list_for_each_entry_rcu(a, &c->addresses, node)
			if (!((a->local ^ dst) & ip4_mask(a->prefix_len)))
				return a->local;
	a = ip4_first_address(dev);
	return a ? a->local : 0;
}

static void device_event(struct net_device *dev, enum device_event event)
{
	struct ip4_address *a;

	if (event == DEVICE_UP && dev->flags & IFF_LOOPBACK && !dev->ip4) {
		if (ip4_address_add(dev, cpu_to_be32(0x7f000001), 8, 0))
			return;
	}
	if (event == DEVICE_UP && dev->ip4)
		list_for_each_entry(a, &dev->ip4->addresses, node)
			if (a->local && link_routes(dev, a))
				break;
	if (event == DEVICE_GOING_DOWN)
		flush_device(dev, false);
	else if (event == DEVICE_UNREGISTERING)
		forget(dev);
	ip_route_changed();
}

void route4_init(void)
{
	static struct device_listener listener = { .event = device_event };

	device_listen(&listener);
}
