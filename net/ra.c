/*
 * Routers: asking for them, and what their advertisements bring: a default route, prefixes on the link, addresses, a hop limit, an MTU.
 *
 * An advertisement is checked and taken apart where it comes in (ra_parse.c) and applied by a worker, since routes and addresses change
 * under a sleeping lock.  What waits for the worker is bounded, and so is what routers may make us keep.
 *
 * Departures: no preferences of routers, no more specific routes (RFC 4191), no temporary addresses; DNS options are left to programs.
 *
 * Source: RFC 4861 sections 6.1.2, 6.3.4, 6.3.7; RFC 4862 section 5.5.3.
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "kern/work.h"
#include "net/internal.h"
#include "net/ndp.h"
#include "net/ra.h"
#include "net/route6.h"
#include "net/rtnl.h"

enum { QUESTIONS = 3, WAITING_MAX = 16, ADDRESSES_MAX = 16, ROUTES_MAX = 64, TWO_HOURS_S = 7200 };
#define ASK_AGAIN_NS (4ull * NS_PER_SEC)

struct waiting {
	struct list_head node;
	u32 ifindex;
	struct ip_addr router;
	struct ra_news news;
};

static struct spinlock wait_lock = SPINLOCK_INIT(RANK_NET_LEAF);
static LIST_HEAD(waiting);	/* [wait_lock] */
static u32 waiting_count;	/* [wait_lock] */
static struct work apply_work;

/* ---- asking ---- */

static void ask(struct net_device *dev)
{
	static const struct ip_addr all_routers = { .b = { 0xff, 2, [15] = 2 } };
	const struct ip6_address *own = ip6_link_local(dev);
	u8 m[16] = { ND_ROUTER_SOLICIT, [8] = ND_OPT_SOURCE, 1 };

	if (!own)
		return;
	memcpy(m + 10, dev->addr, ETH_ALEN);
	ndp_send(dev, &own->local, &all_routers, NULL, m, sizeof(m));
}

static void ask_fn(struct net_timer *t)
{
	struct ip6_config *c = container_of(t, struct ip6_config, timer);

	spin_lock(&ndp_lock);
	bool once_more = !c->heard && c->solicitations < QUESTIONS && device_is_up(c->dev);

	if (once_more) {
		c->solicitations++;
		net_timer_arm(t, plat_mono_ns() + ASK_AGAIN_NS);
	}
	spin_unlock(&ndp_lock);
	if (once_more)
		ask(c->dev);
}

void ndp_config_init(struct net_device *dev, struct ip6_config *c)
{
	c->dev = dev;
	net_timer_init(&c->timer, ask_fn);
}

void ndp_config_release(struct ip6_config *c, void (*done)(struct net_timer *t))
{
	spin_lock(&ndp_lock);
	net_timer_release(&c->timer, done);
	spin_unlock(&ndp_lock);
}

void ndp_device_down(struct ip6_config *c)
{
	spin_lock(&ndp_lock);
	net_timer_cancel(&c->timer);
	c->solicitations = 0;
	c->heard = false;
	spin_unlock(&ndp_lock);
	atomic_store(&c->mtu, 0);
	atomic_store(&c->hop_limit, 0);
}

void ra_ask_begin(struct net_device *dev)
{
	struct ip6_config *c = rcu_dereference(dev->ip6);

	if (!c)
		return;
	spin_lock(&ndp_lock);
	net_timer_arm(&c->timer, plat_mono_ns());
	spin_unlock(&ndp_lock);
}

/* ---- an advertisement comes in ---- */

static u64 until(u64 now, u32 seconds)
{
	return seconds == ~0u ? IP6_FOREVER : now + seconds * (u64)NS_PER_SEC;
}

void ra_rx(struct packet *p, const struct ip_rx *ip)
{
	struct waiting *w;

	if (!ip6_is_link_local(&ip->src) || packet_linearize(p) || !(w = kzalloc(sizeof(*w), ALLOC_ATOMIC)))
		return;
	if (!ra_parse(p->data, p->len, &w->news)) {
		kfree(w);
		return;
	}
	w->ifindex = p->dev->ifindex;
	w->router = ip->src;
	spin_lock(&wait_lock);
	bool room = waiting_count < WAITING_MAX;

	if (room) {
		list_add_tail(&w->node, &waiting);
		waiting_count++;
	}
	spin_unlock(&wait_lock);
	if (room)
		work_queue(&apply_work);
	else
		kfree(w);
}

/* ---- and is applied: [rtnl] ---- */

static bool room_for_route(void)
{
	const struct route6 *r = NULL;
	u32 n = 0;

	while ((r = route6_next(r)) != NULL)
		n += r->expires_ns != IP6_FOREVER || r->protocol == RTPROT_RA;
	return n < ROUTES_MAX;
}

/* A route that lasts until r->expires_ns; one that is past its time goes. */
static void set_route(const struct route6 *r, bool keep)
{
	if (!keep)
		(void)route6_delete(r);
	else if (!route6_renew(r) && room_for_route() && route6_add(r))
		return;		/* no memory: the next advertisement brings it again */
	ip6_lifetimes_changed(keep ? r->expires_ns : IP6_FOREVER);
}

/* The address that a prefix makes: new, or with new lifetimes. */
static void set_address(struct net_device *dev, const struct ra_prefix *x, u64 now)
{
	struct ip_addr own = x->prefix;
	u32 count = 0;

	ip6_interface_id(dev, &own);
	struct ip6_address *a = ip6_address_find(dev, &own), *other;

	if (a) {
		u64 valid = until(now, x->valid_s), two_hours = until(now, TWO_HOURS_S), left = a->valid_ns;

		if (left == IP6_FOREVER && a->flags & IFA_F_PERMANENT)
			return;
		if (valid > two_hours || valid > left)
			atomic_store(&a->valid_ns, valid);
		else if (left > two_hours)
			atomic_store(&a->valid_ns, two_hours);
		atomic_store(&a->preferred_ns, until(now, x->preferred_s));
		ip6_lifetimes_changed(MIN(a->preferred_ns, a->valid_ns));
		return;
	}
	list_for_each_entry(other, &dev->ip6->addresses, node)
		count++;
	if (x->valid_s && count < ADDRESSES_MAX &&
	    ip6_address_add(dev, &own, x->len, IFA_F_MANAGETEMPADDR | IP6_ADDRESS_BY_ROUTER, until(now, x->preferred_s), until(now, x->valid_s)))
		return;		/* no memory: as above */
}

static void apply(struct net_device *dev, const struct waiting *w)
{
	struct ip6_config *c = dev->ip6;
	const struct ra_news *n = &w->news;
	u64 now = plat_mono_ns();
	struct route6 r = {
		.gateway = w->router, .type = RTN_UNICAST, .protocol = RTPROT_RA, .metric = ROUTE6_METRIC_USER, .dev = dev,
		.expires_ns = until(now, n->router_lifetime_s),
	};

	c->heard = true;
	if (n->hop_limit)
		atomic_store(&c->hop_limit, n->hop_limit);
	if (n->mtu >= IP6_MTU_MIN && n->mtu <= dev->mtu && n->mtu != c->mtu) {
		atomic_store(&c->mtu, n->mtu);
		ip_route_changed();
	}
	set_route(&r, n->router_lifetime_s);
	for (u32 i = 0; i < n->prefix_count; i++) {
		const struct ra_prefix *x = &n->prefix[i];
		struct route6 link = {
			.prefix = ip6_prefix(&x->prefix, x->len), .prefix_len = x->len, .type = RTN_UNICAST, .protocol = RTPROT_KERNEL,
			.metric = ROUTE6_METRIC_KERNEL, .dev = dev, .expires_ns = until(now, x->valid_s),
		};

		if (x->on_link && !ip6_prefix_needed(dev, &link.prefix, x->len))
			set_route(&link, x->valid_s);
		if (x->autonomous && x->len == 64)
			set_address(dev, x, now);
	}
}

static struct waiting *take(void)
{
	struct waiting *w = NULL;

	spin_lock(&wait_lock);
	if (!list_empty(&waiting)) {
		w = list_first_entry(&waiting, struct waiting, node);
		list_del(&w->node);
		waiting_count--;
	}
	spin_unlock(&wait_lock);
	return w;
}

static void apply_fn(struct work *work)
{
	struct waiting *w;

	rtnl_lock();
	while ((w = take()) != NULL) {
		struct net_device *dev = device_by_index(w->ifindex);

		if (dev && device_is_up(dev) && dev->ip6)
			apply(dev, w);
		kfree(w);
	}
	rtnl_unlock();
}

void ra_init(void)
{
	work_init(&apply_work, apply_fn);
}
