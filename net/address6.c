/* IPv6 addresses of devices.  address6.h is the contract; the choice of a source is in source6.c, questions to the link in ndp.c. */
#include <linux/errno.h>
#include "kern/slab.h"
#include "kern/work.h"
#include "net/group.h"
#include "net/address6.h"
#include "net/internal.h"
#include "net/ndp.h"
#include "net/route6.h"
#include "net/rtnl.h"

enum { HOST_PREFIX = 128, LINK_PREFIX = 64, EXPIRY_CHECK_S = 60 };

static struct delayed_work expiry;
static u64 expiry_ns = IP6_FOREVER;	/* [rtnl] when it runs; IP6_FOREVER: it is not queued */

/* ---- small questions ---- */

static const struct ip_addr loopback6 = { .b = { [15] = 1 } };

struct ip_addr ip6_solicited_node(const struct ip_addr *a)
{
	struct ip_addr group = { .b = { 0xff, 2, [11] = 1, [12] = 0xff } };

	memcpy(group.b + 13, a->b + 13, 3);
	return group;
}

void ip6_interface_id(const struct net_device *dev, struct ip_addr *a)
{
	memcpy(a->b + 8, dev->addr, 3);
	a->b[8] ^= 2;
	a->b[11] = 0xff;
	a->b[12] = 0xfe;
	memcpy(a->b + 13, dev->addr + 3, 3);
}

static struct ip6_address *find_on(const struct net_device *dev, const struct ip_addr *local)
{
	const struct ip6_config *c = rcu_dereference(dev->ip6);
	struct ip6_address *a;

	if (c)
		list_for_each_entry_rcu(a, &c->addresses, node)
			if (ip_addr_equal(&a->local, local))
				return a;
	return NULL;
}

struct ip6_address *ip6_address_find(const struct net_device *dev, const struct ip_addr *local)
{
	struct ip6_address *a = dev ? find_on(dev, local) : NULL;

	if (dev)
		return a;
	for (struct net_device *d = device_next(NULL); d && !a; d = device_next(d))
		a = find_on(d, local);
	return a;
}

const struct ip6_address *ip6_link_local(const struct net_device *dev)
{
	const struct ip6_config *c = rcu_dereference(dev->ip6);
	const struct ip6_address *a;

	if (c)
		list_for_each_entry_rcu(a, &c->addresses, node)
			if (ip6_is_link_local(&a->local) && ip6_address_usable(a))
				return a;
	return NULL;
}

/* ---- coming ---- */

static struct ip6_config *config(struct net_device *dev)
{
	if (!dev->ip6) {
		struct ip6_config *c = kzalloc(sizeof(*c), ALLOC_KERNEL);

		if (!c)
			return NULL;
		list_init(&c->addresses);
		ndp_config_init(dev, c);
		rcu_assign_pointer(dev->ip6, c);
	}
	return dev->ip6;
}

static int add_route(struct net_device *dev, u8 type, const struct ip_addr *prefix, u32 prefix_len, u32 metric, u64 expires_ns)
{
	struct route6 r = {
		.prefix = *prefix, .prefix_len = (u8)prefix_len, .type = type, .protocol = RTPROT_KERNEL, .metric = metric, .dev = dev,
		.expires_ns = expires_ns,
	};
	int err = route6_renew(&r) ? 0 : route6_add(&r);

	return err == -EEXIST ? 0 : err;
}

/* An address brings the route to itself and, unless a router manages that, to its prefix. */
static int address_routes(struct net_device *dev, const struct ip6_address *a)
{
	int err = add_route(dev, RTN_LOCAL, &a->local, HOST_PREFIX, 0, IP6_FOREVER);

	if (err || a->flags & (IFA_F_NOPREFIXROUTE | IP6_ADDRESS_BY_ROUTER))
		return err;
	struct ip_addr prefix = ip6_prefix(&a->local, a->prefix_len);

	return add_route(dev, RTN_UNICAST, &prefix, a->prefix_len, ROUTE6_METRIC_KERNEL, IP6_FOREVER);
}

/* [rtnl] Something ends at @until_ns. What is queued for an earlier time stays so: queueing anew would put it off. */
static void check_expiry(u64 until_ns)
{
	u64 now = plat_mono_ns(), at = MIN(until_ns, now + EXPIRY_CHECK_S * (u64)NS_PER_SEC);

	if (until_ns == IP6_FOREVER || at >= expiry_ns)
		return;
	expiry_ns = at;
	delayed_work_queue(&expiry, at > now ? at - now : 0);
}

static bool valid(const struct net_device *dev, const struct ip_addr *local, u32 prefix_len)
{
	if (prefix_len > 128 || ip6_is_multicast(local) || ip6_is_any(local) || ip_addr_is_v4(local))
		return false;
	return !ip6_is_loopback(local) || dev->flags & IFF_LOOPBACK;
}

int ip6_address_add(struct net_device *dev, const struct ip_addr *local, u32 prefix_len, u32 flags, u64 preferred_ns, u64 valid_ns)
{
	struct ip6_config *c;
	struct ip6_address *a;

	if (!valid(dev, local, prefix_len))
		return -EINVAL;
	if (!device_is_up(dev))
		return -ENODEV;
	if (find_on(dev, local))
		return -EEXIST;
	c = config(dev);
	a = c ? kzalloc(sizeof(*a), ALLOC_KERNEL) : NULL;
	if (!a)
		return -ENOMEM;
	device_get(dev);
	a->dev = dev;
	a->local = *local;
	a->prefix_len = (u8)prefix_len;
	a->flags = flags | (valid_ns == IP6_FOREVER ? IFA_F_PERMANENT : 0);
	a->preferred_ns = preferred_ns;
	a->valid_ns = valid_ns;
	ndp_address_init(a);
	list_add_tail_rcu(&a->node, &c->addresses);
	struct ip_addr group = ip6_solicited_node(local);
	int err = device_group_join(dev, &group);

	if (!err)
		err = address_routes(dev, a);
	if (err) {
		(void)ip6_address_delete(dev, local, prefix_len);
		return err;
	}
	ndp_address_begin(a);
	ip_route_changed();
	check_expiry(MIN(preferred_ns, valid_ns));
	return 0;
}

/* ---- going ---- */

static void address_free(struct net_timer *t)
{
	struct ip6_address *a = container_of(t, struct ip6_address, timer);

	device_put(a->dev);
	kfree(a);
}

bool ip6_prefix_needed(const struct net_device *dev, const struct ip_addr *prefix, u32 len)
{
	const struct ip6_address *a;

	list_for_each_entry(a, &dev->ip6->addresses, node)
		if (a->prefix_len == len && !(a->flags & (IFA_F_NOPREFIXROUTE | IP6_ADDRESS_BY_ROUTER)) &&
		    ip6_prefix_equal(&a->local, prefix, len))
			return true;
	return false;
}

/* [rtnl] */
static void drop(struct net_device *dev, struct ip6_address *a)
{
	struct route6 self = { .prefix = a->local, .prefix_len = HOST_PREFIX, .type = RTN_LOCAL, .dev = dev };
	struct route6 link = {
		.prefix = ip6_prefix(&a->local, a->prefix_len), .prefix_len = a->prefix_len, .type = RTN_UNICAST, .protocol = RTPROT_KERNEL,
		.metric = ROUTE6_METRIC_KERNEL, .dev = dev,
	};

	struct ip_addr group = ip6_solicited_node(&a->local);

	list_del_rcu(&a->node);
	device_group_leave(dev, &group);
	(void)route6_delete(&self);
	if (!(a->flags & (IFA_F_NOPREFIXROUTE | IP6_ADDRESS_BY_ROUTER)) && !ip6_prefix_needed(dev, &a->local, a->prefix_len))
		(void)route6_delete(&link);
	ndp_address_release(a, address_free);
	ip_route_changed();
}

int ip6_address_delete(struct net_device *dev, const struct ip_addr *local, u32 prefix_len)
{
	struct ip6_address *a = find_on(dev, local);

	if (!a || a->prefix_len != prefix_len)
		return -EADDRNOTAVAIL;
	drop(dev, a);
	return 0;
}

void ip6_address_duplicate(struct ip6_address *a)
{
	atomic_or(&a->flags, IFA_F_DADFAILED);
	net_timer_cancel(&a->timer);
}

/* What has come to its end. Return: when the next does */
static u64 expire(struct net_device *dev, u64 now)
{
	struct ip6_address *a, *tmp;
	u64 next = IP6_FOREVER;

	list_for_each_entry_safe(a, tmp, &dev->ip6->addresses, node) {
		u64 preferred = atomic_load(&a->preferred_ns), valid = atomic_load(&a->valid_ns);

		if (valid <= now) {
			drop(dev, a);
			continue;
		}
		next = MIN(next, valid);
		if (preferred > now) {
			atomic_and(&a->flags, ~(u32)IFA_F_DEPRECATED);
			next = MIN(next, preferred);
		} else {
			atomic_or(&a->flags, IFA_F_DEPRECATED);
		}
	}
	return next;
}

static void expiry_fn(struct work *w)
{
	u64 now = plat_mono_ns(), next;

	rtnl_lock();
	expiry_ns = IP6_FOREVER;
	next = route6_expire(now);
	for (struct net_device *d = device_next(NULL); d; d = device_next(d))
		if (d->ip6)
			next = MIN(next, expire(d, now));
	check_expiry(next);
	rtnl_unlock();
}

void ip6_lifetimes_changed(u64 until_ns)
{
	check_expiry(until_ns);
}

/* ---- devices come and go ---- */

/* Ethernet-like devices make themselves an address for the link. */
static void up(struct net_device *dev)
{
	struct ip_addr a = { .b = { 0xfe, 0x80 } };
	int err;

	if (dev->flags & IFF_LOOPBACK) {
		err = ip6_address_add(dev, &loopback6, HOST_PREFIX, IFA_F_PERMANENT, IP6_FOREVER, IP6_FOREVER);
	} else if (dev->type == ARPHRD_ETHER) {
		ip6_interface_id(dev, &a);
		err = ip6_address_add(dev, &a, LINK_PREFIX, IFA_F_PERMANENT, IP6_FOREVER, IP6_FOREVER);
	} else {
		return;
	}
	(void)err;		/* no memory, or it is there already: the device works without */
}

static void down(struct net_device *dev)
{
	struct ip6_address *a, *tmp;

	route6_flush_device(dev);
	if (!dev->ip6)
		return;
	ndp_device_down(dev->ip6);
	list_for_each_entry_safe(a, tmp, &dev->ip6->addresses, node)
		drop(dev, a);
}

static void config_free(struct net_timer *t)
{
	kfree(container_of(t, struct ip6_config, timer));
}

static void device_event(struct net_device *dev, enum device_event event)
{
	struct ip6_config *c = dev->ip6;

	if (event == DEVICE_UP) {
		up(dev);
	} else if (event == DEVICE_GOING_DOWN) {
		down(dev);
	} else if (event == DEVICE_UNREGISTERING && c) {
		rcu_assign_pointer(dev->ip6, NULL);
		ndp_config_release(c, config_free);
	}
	ip_route_changed();
}

void address6_init(void)
{
	static struct device_listener listener = { .event = device_event };

	delayed_work_init(&expiry, expiry_fn);
	device_listen(&listener);
}
