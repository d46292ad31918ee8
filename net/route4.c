/*
 * IPv4 addresses of devices, and the routing table.  route4.h is the contract.
 *
 * Source: RFC 1122, section 3.3.1; rtnetlink(7).
 */
#include <linux/errno.h>
#include <linux/netlink.h>
#include "kern/slab.h"
#include "net/device.h"
#include "net/neighbour.h"
#include "net/route4.h"

static LIST_HEAD(routes);	/* [rtnl, read under RCU] */
static const struct route4_listener *listener;	/* set at boot; NULL: nobody */
static u32 route_changes = 1, address_changes = 1;	/* [rtnl] */

void route4_listen(const struct route4_listener *l)
{
	listener = l;
}

u32 route4_generation(void) { return route_changes; }
u32 ip4_address_generation(void) { return address_changes; }

static void bump(u32 *changes)
{
	if (!++*changes)
		++*changes;
}

static void tell_route(const struct route4 *r, bool added, bool replaced)
{
	if (listener)
		listener->route(r, added, replaced);
}

static void tell_address(const struct net_device *dev, const struct ip4_address *a, bool added)
{
	bump(&address_changes);
	if (listener)
		listener->address(dev, a, added);
}

/* ---- the tables ---- */

const struct route4 *route4_lookup(be32 dst, u32 oif)
{
	const struct route4 *r;
	u32 thrown = 0;			/* the table that a RTN_THROW told us to leave */

	list_for_each_entry_rcu(r, &routes, node) {
		if ((dst & ip4_mask(r->prefix_len)) != r->prefix || r->table == thrown)
			continue;
		if (r->type == RTN_THROW) {
			thrown = r->table;
			continue;
		}
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

static u8 table_of(const struct route4 *r)
{
	bool local = r->type == RTN_LOCAL || r->type == RTN_BROADCAST || r->type == RTN_ANYCAST || r->type == RTN_NAT;

	return r->table ? r->table : local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
}

/* The order of the list; a higher table is looked at first. 0: they are alike */
static int order(const struct route4 *a, const struct route4 *b)
{
	if (table_of(a) != b->table)
		return table_of(a) > b->table ? -1 : 1;
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len > b->prefix_len ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return 0;
}

static bool alike(const struct route4 *a, const struct route4 *b)
{
	return !order(a, b) && a->prefix == b->prefix && a->tos == b->tos;
}

static bool equal(const struct route4 *a, const struct route4 *b)
{
	return a->type == b->type && a->dev == b->dev && a->gateway == b->gateway && a->scope == b->scope && a->src == b->src &&
	       a->protocol == b->protocol && a->mtu == b->mtu;
}

static int check_gateway(const struct route4 *r)
{
	if (!r->gateway || r->onlink)
		return 0;
	const struct route4 *via = route4_lookup(r->gateway, r->dev ? r->dev->ifindex : 0);

	return !via || via->gateway || (via->type != RTN_UNICAST && via->type != RTN_LOCAL) ? -ENETUNREACH : 0;
}

/* Where a new one goes, and what is there. */
struct place {
	struct list_head *before;
	struct route4 *first;		/* that is like it */
	bool equal;			/* one of those is the same in all */
};

static struct place find_place(const struct route4 *r, bool behind)
{
	struct place p = { .before = NULL };
	struct route4 *have;

	list_for_each_entry(have, &routes, node) {
		int before = order(r, have);

		if (!before && alike(r, have)) {
			if (!p.first)
				p.first = have;
			p.equal |= equal(have, r);
			if (!behind && !p.before)
				p.before = &have->node;
		}
		if (before < 0 && !p.before)
			p.before = &have->node;
	}
	if (!p.before)
		p.before = &routes;
	return p;
}

int route4_insert(const struct route4 *r, u32 how)
{
	struct place p = find_place(r, how & NLM_F_APPEND);
	int err = check_gateway(r);

	if (err)
		return err;
	if (p.first && how & NLM_F_EXCL)
		return -EEXIST;
	bool replace = p.first && how & NLM_F_REPLACE;

	if (p.equal)
		return replace && equal(p.first, r) ? 0 : -EEXIST;
	if (!replace && !(how & NLM_F_CREATE))
		return -ENOENT;
	struct route4 *made = kmemdup(r, sizeof(*r), ALLOC_KERNEL);

	if (!made)
		return -ENOMEM;
	made->table = table_of(r);
	list_add_tail_rcu(&made->node, replace ? &p.first->node : p.before);
	if (replace) {
		list_del_rcu(&p.first->node);
		kfree_rcu(p.first, rcu);
	}
	bump(&route_changes);
	ip_route_changed();
	tell_route(made, true, replace);
	return 0;
}

int route4_add(const struct route4 *r)
{
	return route4_insert(r, NLM_F_CREATE | NLM_F_APPEND);
}

static void drop(struct route4 *r)
{
	list_del_rcu(&r->node);
	kfree_rcu(r, rcu);
	bump(&route_changes);
	ip_route_changed();
}

static bool fits(const struct route4 *r, const struct route4 *like)
{
	return r->prefix == like->prefix && r->prefix_len == like->prefix_len && (!like->type || r->type == like->type) &&
	       (!like->dev || r->dev == like->dev) && (!like->gateway || r->gateway == like->gateway) &&
	       (!like->metric || r->metric == like->metric) && (!like->table || r->table == like->table) && (!like->tos || r->tos == like->tos) &&
	       (!like->protocol || r->protocol == like->protocol) && (!like->src || r->src == like->src) &&
	       (like->scope == RT_SCOPE_NOWHERE || r->scope == like->scope);
}

int route4_delete(const struct route4 *like)
{
	struct route4 *r;

	list_for_each_entry(r, &routes, node) {
		if (!fits(r, like))
			continue;
		tell_route(r, false, false);
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

static bool same_network(const struct ip4_address *a, const struct ip4_address *b)
{
	return a->prefix_len == b->prefix_len && !((a->peer ^ b->peer) & ip4_mask(a->prefix_len));
}

/* The address that the routes of @a's network speak from. */
static be32 source_of(const struct net_device *dev, const struct ip4_address *a)
{
	const struct ip4_address *first;

	if (a->flags & IFA_F_SECONDARY)
		list_for_each_entry(first, &dev->ip4->addresses, node)
			if (!(first->flags & IFA_F_SECONDARY) && same_network(first, a))
				return first->local;
	return a->local;
}

static struct route4 route_of(struct net_device *dev, u8 type, be32 prefix, u32 prefix_len, const struct ip4_address *a)
{
	return (struct route4){
		.prefix = prefix, .prefix_len = (u8)prefix_len, .type = type, .protocol = RTPROT_KERNEL, .dev = dev, .src = source_of(dev, a),
		.scope = type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK, .metric = type == RTN_UNICAST ? a->metric : 0,
	};
}

/* The routes of the link that an address brings. Return: how many */
static u32 link_routes_of(struct net_device *dev, const struct ip4_address *a, struct route4 out[3])
{
	be32 mask = ip4_mask(a->prefix_len), net = a->peer & mask;
	u32 n = 0;

	if (a->broadcast && a->broadcast != ~0u)
		out[n++] = route_of(dev, RTN_BROADCAST, a->broadcast, 32, a);
	if (a->flags & IFA_F_SECONDARY || !net || (net == a->local && a->prefix_len == 32))
		return n;
	if (!(a->flags & IFA_F_NOPREFIXROUTE))
		out[n++] = route_of(dev, dev->flags & IFF_LOOPBACK ? RTN_LOCAL : RTN_UNICAST, net, a->prefix_len, a);
	if (a->prefix_len < 31 && (net | ~mask) != a->broadcast)
		out[n++] = route_of(dev, RTN_BROADCAST, net | ~mask, 32, a);
	return n;
}

/* While the device is up. */
static int link_routes(struct net_device *dev, const struct ip4_address *a)
{
	struct route4 r[3];
	u32 count = link_routes_of(dev, a, r);
	int err = 0;

	for (u32 i = 0; i < count && (!err || err == -EEXIST); i++)
		err = route4_add(&r[i]);
	return err == -EEXIST ? 0 : err;
}

static int address_routes(struct net_device *dev, const struct ip4_address *a)
{
	struct route4 local = route_of(dev, RTN_LOCAL, a->local, 32, a);
	int err = route4_add(&local);

	return (err && err != -EEXIST) || !device_is_up(dev) ? err : link_routes(dev, a);
}

/* The routes that an address had brought. */
static void drop_routes(struct net_device *dev, const struct ip4_address *a)
{
	struct route4 r[3], local = route_of(dev, RTN_LOCAL, a->local, 32, a);
	u32 count = link_routes_of(dev, a, r);

	for (u32 i = 0; i < count; i++)
		(void)route4_delete(&r[i]);
	(void)route4_delete(&local);
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

/* Is @a the second of its network? Return: 0, 1, -EEXIST, -EINVAL */
static int is_secondary(const struct ip4_config *c, const struct ip4_address *a)
{
	const struct ip4_address *have;
	int second = 0;

	list_for_each_entry(have, &c->addresses, node) {
		if (!same_network(a, have))
			continue;
		if (a->local == have->local)
			return -EEXIST;
		if (a->scope != have->scope)
			return -EINVAL;
		second = 1;
	}
	return second;
}

/* Primaries stand before secondaries, a wider scope before a narrower one. */
static struct list_head *address_place(struct ip4_config *c, const struct ip4_address *a)
{
	struct ip4_address *have;

	if (!(a->flags & IFA_F_SECONDARY))
		list_for_each_entry(have, &c->addresses, node)
			if (have->flags & IFA_F_SECONDARY || have->scope > a->scope)
				return &have->node;
	return &c->addresses;
}

int ip4_address_insert(struct net_device *dev, const struct ip4_address *like)
{
	struct ip4_config *c;

	if (like->prefix_len > 32 || ip4_is_multicast(like->local) || like->local == ~0u)
		return -EINVAL;
	c = config(dev);
	if (!c)
		return -ENOMEM;
	int second = is_secondary(c, like);

	if (second < 0)
		return second;
	struct ip4_address *a = kmemdup(like, sizeof(*like), ALLOC_KERNEL);

	if (!a)
		return -ENOMEM;
	a->flags = (a->flags & ~(u32)IFA_F_SECONDARY) | (second ? IFA_F_SECONDARY : 0);
	a->created_ns = a->updated_ns = plat_mono_ns();
	list_add_tail_rcu(&a->node, address_place(c, a));
	ip_route_changed();
	tell_address(dev, a, true);
	int err = a->local ? address_routes(dev, a) : 0;

	if (err)
		(void)ip4_address_delete(dev, like->local, like->prefix_len);
	return err;
}

int ip4_address_add(struct net_device *dev, be32 local, u32 prefix_len, be32 broadcast)
{
	struct ip4_address a = {
		.local = local, .peer = local, .broadcast = broadcast, .prefix_len = (u8)MIN(prefix_len, 255u), .flags = IFA_F_PERMANENT,
		.scope = dev->flags & IFF_LOOPBACK || ip4_is_loopback(local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, .valid_s = ~0u, .preferred_s = ~0u,
	};

	memcpy(a.label, dev->name, IFNAMSIZ);
	return ip4_address_insert(dev, &a);
}

/* The routes that speak from @local. */
static void flush_source(const struct net_device *dev, be32 local)
{
	struct route4 *r, *tmp;

	list_for_each_entry_safe(r, tmp, &routes, node)
		if (r->dev == dev && r->src == local)
			drop(r);
}

static void drop_address(struct net_device *dev, struct ip4_address *a)
{
	list_del_rcu(&a->node);
	tell_address(dev, a, false);
	if (a->local) {
		drop_routes(dev, a);
		flush_source(dev, a->local);
	}
	kfree_rcu(a, rcu);
}

/* A primary goes, and with it the secondaries of its network. */
static void drop_with_secondaries(struct net_device *dev, struct ip4_address *a)
{
	struct ip4_address *other, *tmp;

	if (!(a->flags & IFA_F_SECONDARY))
		list_for_each_entry_safe(other, tmp, &dev->ip4->addresses, node)
			if (other != a && other->flags & IFA_F_SECONDARY && same_network(a, other))
				drop_address(dev, other);
	drop_address(dev, a);
}

static struct ip4_address *find_address(const struct net_device *dev, be32 local, u32 prefix_len)
{
	struct ip4_address *a;

	list_for_each_entry(a, &dev->ip4->addresses, node)
		if (a->local == local && (prefix_len > 32 || a->prefix_len == prefix_len))
			return a;
	return NULL;
}

int ip4_address_delete(struct net_device *dev, be32 local, u32 prefix_len)
{
	struct ip4_address *a = dev->ip4 ? find_address(dev, local, prefix_len) : NULL;

	if (!a)
		return -EADDRNOTAVAIL;
	for (; a; a = prefix_len > 32 ? find_address(dev, local, prefix_len) : NULL)
		drop_with_secondaries(dev, a);
	if (list_empty(&dev->ip4->addresses)) {
		flush_device(dev, true);
		neighbour_flush(dev);
	}
	ip_route_changed();
	/* One of the routes may have been there for two addresses. */
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
		tell_address(dev, a, false);
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
