/*
 * Ports: who is bound to which, and whom a packet is for.  endpoint.h is the contract.
 *
 * Departures: no reuseport groups with programs yet: members of SO_REUSEPORT are chosen among by flow hash in the chain itself.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "kern/random.h"
#include "net/endpoint.h"
#include "vfs/procfs.h"

static u32 range[2] = { 32768, 60999 };		/* net.ipv4.ip_local_port_range */
static u32 unprivileged = 1024;			/* net.ipv4.ip_unprivileged_port_start */

void port_range(u16 *low, u16 *high)
{
	u32 l = atomic_load(&range[0]), h = atomic_load(&range[1]);

	*low = (u16)MIN(l, h);
	*high = (u16)MAX(l, h);
}

bool port_privileged(u16 port)
{
	return port && port < atomic_load(&unprivileged);
}

void port_table_init(struct port_table *t)
{
	for (u32 i = 0; i < PORT_BUCKETS; i++)
		spin_init(&t->bucket[i].lock, RANK_NET_PORT);
	t->seed = (u32)random_u64();
}

static struct port_bucket *bucket_of(struct port_table *t, u16 port)
{
	return &t->bucket[port % PORT_BUCKETS];
}

/* Could one packet be for both? */
static bool addresses_meet(const struct net_endpoint *a, const struct net_endpoint *b)
{
	bool any_a = ip_addr_is_any(&a->local), any_b = ip_addr_is_any(&b->local);
	bool v4_a = ip_addr_is_v4(&a->local), v4_b = ip_addr_is_v4(&b->local);

	if (any_a && !v4_a && a->v6only && v4_b)
		return false;
	if (any_b && !v4_b && b->v6only && v4_a)
		return false;
	if (any_a && any_b)
		return true;
	if (any_a)
		return !v4_a || v4_b;
	if (any_b)
		return !v4_b || v4_a;
	return ip_addr_equal(&a->local, &b->local);
}

bool port_share_refused(const struct net_endpoint *a, const struct net_endpoint *b)
{
	return !(a->reuse && b->reuse && !b->listening) && !(a->reuseport && b->reuseport && a->uid == b->uid);
}

static bool conflict(const struct port_table *t, const struct net_endpoint *a, const struct net_endpoint *b)
{
	if (a == b || a->lport != b->lport || (a->ifindex && b->ifindex && a->ifindex != b->ifindex) || !addresses_meet(a, b))
		return false;
	return t->conflict ? t->conflict(a, b) : port_share_refused(a, b);
}

static bool conflicts_locked(const struct port_table *t, struct port_bucket *b, const struct net_endpoint *ep)
{
	struct net_endpoint *other;

	hlist_for_each_entry(other, &b->chain, port_node)
		if (conflict(t, ep, other))
			return true;
	return false;
}

/* Take exactly @port. */
static int take(struct port_table *t, struct net_endpoint *ep, u16 port)
{
	struct port_bucket *b = bucket_of(t, port);
	u16 old = ep->lport;

	spin_lock(&b->lock);
	ep->lport = port;
	if (conflicts_locked(t, b, ep)) {
		ep->lport = old;
		spin_unlock(&b->lock);
		return -EADDRINUSE;
	}
	hlist_add_head_rcu(&ep->port_node, &b->chain);
	ep->bound = true;
	spin_unlock(&b->lock);
	return 0;
}

int port_bind(struct port_table *t, struct net_endpoint *ep, u16 port)
{
	u16 low, high;

	port_unbind(t, ep);
	if (port)
		return take(t, ep, port);
	port_range(&low, &high);
	u32 count = high - low + 1u, start = (u32)random_u64() % count;

	for (u32 i = 0; i < count; i++)
		if (!take(t, ep, (u16)(low + (start + i) % count)))
			return 0;
	return -EADDRINUSE;
}

int port_listen(struct port_table *t, struct net_endpoint *ep)
{
	struct port_bucket *b = bucket_of(t, ep->lport);

	spin_lock(&b->lock);
	bool refused = conflicts_locked(t, b, ep);

	if (!refused) {
		ep->listening = true;
		hlist_add_head_rcu(&ep->listen_node, &b->listeners);
	}
	spin_unlock(&b->lock);
	return refused ? -EADDRINUSE : 0;
}

static void listen_end_locked(struct net_endpoint *ep)
{
	if (ep->listening)
		hlist_del_rcu(&ep->listen_node);
	ep->listening = false;
}

void port_listen_end(struct port_table *t, struct net_endpoint *ep)
{
	struct port_bucket *b = bucket_of(t, ep->lport);

	spin_lock(&b->lock);
	listen_end_locked(ep);
	spin_unlock(&b->lock);
}

void port_inherit(struct port_table *t, struct net_endpoint *ep, const struct net_endpoint *from)
{
	struct port_bucket *b = bucket_of(t, from->lport);

	spin_lock(&b->lock);
	ep->lport = from->lport;
	hlist_add_head_rcu(&ep->port_node, &b->chain);
	ep->bound = true;
	spin_unlock(&b->lock);
}

void port_unbind(struct port_table *t, struct net_endpoint *ep)
{
	struct port_bucket *b = bucket_of(t, ep->lport);

	spin_lock(&b->lock);
	listen_end_locked(ep);
	if (ep->bound) {
		hlist_del_rcu(&ep->port_node);
		ep->bound = false;
	}
	ep->lport = 0;
	spin_unlock(&b->lock);
}

void port_set_local(struct port_table *t, struct net_endpoint *ep, const struct ip_addr *local)
{
	struct port_bucket *b = bucket_of(t, ep->lport);

	spin_lock(&b->lock);
	ep->local = *local;
	spin_unlock(&b->lock);
}

u32 port_flow_hash(const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 seed)
{
	return hash_2words(ip_addr_hash(src, seed), ip_addr_hash(dst, (u32)sport << 16 | dport), seed);
}

/* How well an endpoint fits; -1: not at all. The last bit: it is meant for this CPU. */
static int score(const struct net_endpoint *ep, const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 ifindex)
{
	bool v4 = ip_addr_is_v4(dst);
	int points = ep->v6 != v4;		/* a socket of the packet's own family is the better one */

	if (ep->lport != dport || (ep->ifindex && ep->ifindex != ifindex))
		return -1;
	if (!ip_addr_is_any(&ep->local)) {
		if (!ip_addr_equal(&ep->local, dst))
			return -1;
		points += 4;
	} else if (v4 ? !ip_addr_is_v4(&ep->local) && ep->v6only : ip_addr_is_v4(&ep->local)) {
		return -1;
	}
	if (!ip_addr_is_any(&ep->remote)) {
		if (!ip_addr_equal(&ep->remote, src))
			return -1;
		points += 4;
	}
	if (ep->rport) {
		if (ep->rport != sport)
			return -1;
		points += 4;
	}
	return 2 * (points + (ep->ifindex ? 4 : 0)) + (ep->wanted_cpu == plat_cpu_id() + 1);
}

/* A packet's addresses and ports, and the best so far of a walk. */
struct choice {
	const struct ip_addr *src, *dst;
	u16 sport, dport;
	u32 ifindex;
	struct net_endpoint *best;
	int most;
	u32 equals, hash;		/* hash: once there are equals */
};

static void consider(const struct port_table *t, struct choice *c, struct net_endpoint *ep)
{
	int points = score(ep, c->src, c->sport, c->dst, c->dport, c->ifindex);

	if (points > c->most) {
		c->best = ep;
		c->most = points;
		c->equals = 1;
	} else if (points >= 0 && points == c->most && ep->reuseport && c->best->reuseport) {
		/* The n-th of n equals replaces the choice for one flow in n. */
		if (c->equals++ == 1)
			c->hash = port_flow_hash(c->src, c->sport, c->dst, c->dport, t->seed);
		c->hash = c->hash * 1664525 + 1013904223;
		if (((u64)c->hash * c->equals) >> 32 == 0)
			c->best = ep;
	}
}

struct net_endpoint *port_lookup(struct port_table *t, const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 ifindex,
				 bool listening)
{
	struct choice c = { .src = src, .dst = dst, .sport = sport, .dport = dport, .ifindex = ifindex, .most = -1 };
	struct port_bucket *b = bucket_of(t, dport);
	struct net_endpoint *ep;

	if (listening) {
		hlist_for_each_entry_rcu(ep, &b->listeners, listen_node)
			consider(t, &c, ep);
	} else {
		hlist_for_each_entry_rcu(ep, &b->chain, port_node)
			consider(t, &c, ep);
	}
	return c.best;
}

bool port_listeners_walk(struct port_table *t, bool (*fn)(struct net_endpoint *ep, void *arg), void *arg)
{
	struct net_endpoint *ep;

	for (u32 i = 0; i < PORT_BUCKETS; i++)
		hlist_for_each_entry_rcu(ep, &t->bucket[i].listeners, listen_node)
			if (!fn(ep, arg))
				return false;
	return true;
}

void port_each(struct port_table *t, const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 ifindex,
	       void (*fn)(struct net_endpoint *ep, void *arg), void *arg)
{
	struct net_endpoint *ep;

	hlist_for_each_entry_rcu(ep, &bucket_of(t, dport)->chain, port_node)
		if (score(ep, src, sport, dst, dport, ifindex) >= 0)
			fn(ep, arg);
}

void net_ports_init(void)
{
	static const struct sysctl table[] = {
		{ .path = "net/ipv4/ip_local_port_range", .kind = SYSCTL_U32_LIST, .mode = 0644, .value = range, .size = 2, .min = 1, .max = 65535 },
		{ .path = "net/ipv4/ip_unprivileged_port_start", .kind = SYSCTL_U32, .mode = 0644, .value = &unprivileged, .max = 65535 },
	};

	proc_add_sysctl(table, ARRAY_SIZE(table));
}
