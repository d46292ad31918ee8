/*
 * The table of neighbours and their states.  neighbour.h is the contract.
 *
 * Entries live until their device goes down, or, once the table is three quarters full, until they are found idle: FAILED, STALE, or not heard of
 * for long.  That makes room until half is left, whoever filled it (departure from Linux: which idle ones go is not a matter of age).
 */
#include <linux/errno.h>
#include <linux/netlink.h>
#include "kern/slab.h"
#include "net/neighbour.h"

enum { BUCKETS = 64, COLLECT_FROM = NEIGH_TABLE_MAX / 4 * 3, COLLECT_TO = NEIGH_TABLE_MAX / 2 };
#define RETRY_NS (1000ull * NS_PER_MS)
#define REACHABLE_NS (30ull * NS_PER_SEC)

static struct hlist_head table[BUCKETS];	/* [table_lock, read under RCU] */
static struct spinlock table_lock;
static u32 entries;				/* [table_lock] */
static struct net_work collection;
static void (*listener)(struct neighbour *n, bool gone);	/* set at boot */

void neighbour_listen(void (*told)(struct neighbour *n, bool gone))
{
	listener = told;
}

static void tell(struct neighbour *n, bool gone)
{
	if (listener)
		listener(n, gone);
}

static u32 bucket_of(const struct net_device *dev, const struct ip_addr *ip)
{
	return ip_addr_hash(ip, dev->ifindex) % BUCKETS;
}

static struct neighbour *find(const struct net_device *dev, const struct ip_addr *ip)
{
	struct neighbour *n;

	hlist_for_each_entry_rcu(n, &table[bucket_of(dev, ip)], node)
		if (n->dev == dev && ip_addr_equal(&n->ip, ip))
			return n;
	return NULL;
}

/* ---- states ---- */

/* Ask again; n->lock held: sending takes locks of higher rank only. */
static void probe_locked(struct neighbour *n)
{
	n->probes++;
	net_timer_arm(&n->timer, plat_mono_ns() + RETRY_NS);
	const u8 *known = n->state == NUD_PROBE ? n->addr : NULL;

	if (ip_addr_is_v4(&n->ip))
		arp_solicit(n->dev, &n->ip, known);
	else
		ndp_solicit(n->dev, &n->ip, known);
}

static void timer_fn(struct net_timer *t)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);
	bool failed = false;
	LIST_HEAD(lost);

	spin_lock(&n->lock);
	if (n->state & (NUD_INCOMPLETE | NUD_PROBE)) {
		if (n->probes < NEIGH_PROBES) {
			probe_locked(n);
		} else {
			n->state = NUD_FAILED;
			failed = true;
			n->confirmed_ns = plat_mono_ns();
			list_splice_init(&n->queue, &lost);
			n->queued = 0;
		}
	}
	spin_unlock(&n->lock);
	packet_free_list(&lost);
	if (failed)
		tell(n, false);
}

static struct neighbour *create(struct net_device *dev, const struct ip_addr *ip)
{
	struct neighbour *n = kzalloc(sizeof(*n), ALLOC_ATOMIC), *have;

	if (!n)
		return NULL;
	n->dev = dev;
	n->ip = *ip;
	n->state = NUD_NONE;
	spin_init(&n->lock, RANK_NET_NEIGH);
	list_init(&n->queue);
	net_timer_init(&n->timer, timer_fn);
	spin_lock(&table_lock);
	have = find(dev, ip);
	if (!have && entries < NEIGH_TABLE_MAX) {
		device_get(dev);
		entries++;
		hlist_add_head_rcu(&n->node, &table[bucket_of(dev, ip)]);
		have = n;
	}
	bool crowded = entries > COLLECT_FROM;

	spin_unlock(&table_lock);
	if (crowded)
		net_defer(&collection);		/* not here: who is told of those that go may not be called with a socket's lock */
	if (have != n)
		kfree(n);
	return have;
}

static int xmit_to(struct packet *p, struct net_device *dev, const u8 *addr)
{
	int err = dev->link->build(p, dev, p->protocol, addr, NULL);

	if (err) {
		packet_free(p);
		return err;
	}
	return device_xmit(p);
}

/* @p waits for the address. n->lock held. Return: a packet to be dropped for it, or NULL */
static struct packet *enqueue_locked(struct neighbour *n, struct packet *p)
{
	struct packet *oldest = NULL;

	if (n->queued == NEIGH_QUEUE_MAX) {
		oldest = list_first_entry(&n->queue, struct packet, node);
		list_del_init(&oldest->node);
		n->queued--;
	}
	list_add_tail(&p->node, &n->queue);
	n->queued++;
	return oldest;
}

int neighbour_output(struct packet *p, struct net_device *dev, const struct ip_addr *ip)
{
	struct neighbour *n = find(dev, ip);
	u64 now = plat_mono_ns();
	u8 addr[ETH_ALEN];

	if (!n)
		n = create(dev, ip);
	if (!n) {
		packet_free(p);
		return -ENOBUFS;
	}
	spin_lock(&n->lock);
	if (n->state == NUD_FAILED && now - n->confirmed_ns < RETRY_NS) {
		spin_unlock(&n->lock);
		packet_free(p);
		return -EHOSTUNREACH;
	}
	if (n->state == NUD_NONE || n->state & (NUD_FAILED | NUD_INCOMPLETE)) {
		bool ask = n->state != NUD_INCOMPLETE;
		struct packet *dropped = enqueue_locked(n, p);

		if (ask) {
			n->state = NUD_INCOMPLETE;
			n->probes = 0;
			probe_locked(n);
		}
		spin_unlock(&n->lock);
		packet_free(dropped);
		return 0;
	}
	if (n->state == NUD_STALE || (n->state == NUD_REACHABLE && now - n->confirmed_ns > REACHABLE_NS)) {
		n->state = NUD_PROBE;
		n->probes = 0;
		probe_locked(n);
	}
	memcpy(addr, n->addr, ETH_ALEN);
	spin_unlock(&n->lock);
	return xmit_to(p, dev, addr);
}

/* Send what waited to what is the neighbour's address now. Net context */
static void send_list(struct neighbour *n, struct list_head *ready, const u8 *addr)
{
	while (!list_empty(ready)) {
		struct packet *p = list_first_entry(ready, struct packet, node);

		list_del_init(&p->node);
		xmit_to(p, n->dev, addr);
	}
}

/* The address is known, in n->addr: take what waited. n->lock held */
static void known_locked(struct neighbour *n, u8 state, struct list_head *ready)
{
	n->state = state;
	n->probes = 0;
	n->confirmed_ns = plat_mono_ns();
	list_splice_init(&n->queue, ready);
	n->queued = 0;
	net_timer_cancel(&n->timer);
}

enum { KNOWN = NUD_REACHABLE | NUD_STALE | NUD_PROBE | NUD_PERMANENT };

/* What the news make of @n's state; *ready: packets that may go to n->addr. n->lock held. Return: whether it changed */
static bool hear_locked(struct neighbour *n, const struct neighbour_news *news, struct list_head *ready)
{
	bool known = n->state & KNOWN;
	bool other = news->addr && (!known || memcmp(n->addr, news->addr, ETH_ALEN));
	u8 before = n->state;

	if (n->state == NUD_PERMANENT)
		return false;
	if (news->tells_router)
		n->router = news->router;
	if (!known && !news->addr)
		return false;
	if (known && other && !news->override) {
		if (n->state == NUD_REACHABLE)
			n->state = NUD_STALE;
		return n->state != before;
	}
	if (other)
		memcpy(n->addr, news->addr, ETH_ALEN);
	if (news->answer || other)
		known_locked(n, news->answer ? NUD_REACHABLE : NUD_STALE, ready);
	return other || n->state != before;
}

void neighbour_hear(struct net_device *dev, const struct ip_addr *ip, const struct neighbour_news *news)
{
	struct neighbour *n = find(dev, ip);
	LIST_HEAD(ready);
	u8 addr[ETH_ALEN];

	if (!n && news->create)
		n = create(dev, ip);
	if (!n)
		return;
	spin_lock(&n->lock);
	bool changed = hear_locked(n, news, &ready);

	memcpy(addr, n->addr, ETH_ALEN);
	spin_unlock(&n->lock);
	send_list(n, &ready, addr);
	if (changed)
		tell(n, false);
}

void neighbour_confirm(struct net_device *dev, const struct ip_addr *ip)
{
	struct neighbour *n = find(dev, ip);

	if (!n)
		return;
	spin_lock(&n->lock);
	if (n->state & (NUD_REACHABLE | NUD_STALE | NUD_PROBE)) {
		n->state = NUD_REACHABLE;
		n->confirmed_ns = plat_mono_ns();
	}
	spin_unlock(&n->lock);
}

void neighbour_each(bool (*fn)(struct neighbour *n, void *arg), void *arg)
{
	struct neighbour *n;

	for (u32 i = 0; i < BUCKETS; i++)
		hlist_for_each_entry_rcu(n, &table[i], node)
			if (!fn(n, arg))
				return;
}

void neighbour_look(struct neighbour *n, struct neighbour_view *out)
{
	spin_lock(&n->lock);
	*out = (struct neighbour_view){
		.dev = n->dev, .ip = n->ip, .router = n->router, .state = n->state, .probes = n->probes, .confirmed_ns = n->confirmed_ns,
	};
	memcpy(out->addr, n->addr, ETH_ALEN);
	spin_unlock(&n->lock);
	if (out->state == NUD_REACHABLE && plat_mono_ns() - out->confirmed_ns > REACHABLE_NS)
		out->state = NUD_STALE;
}

bool neighbour_get(const struct net_device *dev, const struct ip_addr *ip, struct neighbour_view *out)
{
	struct neighbour *n = find(dev, ip);

	if (n)
		neighbour_look(n, out);
	return n;
}

/* ---- a device goes, or idle ones do ---- */

static void freed(struct net_timer *t)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);

	packet_free_list(&n->queue);
	device_put(n->dev);
	kfree(n);
}

static void release(struct neighbour *n)
{
	spin_lock(&n->lock);		/* under which others arm the timer */
	net_timer_release(&n->timer, freed);
	spin_unlock(&n->lock);
}

static bool idle(const struct neighbour *n)
{
	u8 state = READ_ONCE(n->state);

	return state & (NUD_FAILED | NUD_STALE) || (state == NUD_REACHABLE && READ_ONCE(n->confirmed_ns) + REACHABLE_NS < plat_mono_ns());
}

/* Take one of @dev's out of the table, with NULL an idle one while the table is more than half full; NULL: there is none. */
static struct neighbour *take(const struct net_device *dev, struct hlist_head *bucket)
{
	struct neighbour *n, *found = NULL;

	spin_lock(&table_lock);
	hlist_for_each_entry(n, bucket, node)
		if (dev ? n->dev == dev : entries > COLLECT_TO && idle(n))
			found = n;
	if (found) {
		hlist_del_rcu(&found->node);
		entries--;
	}
	spin_unlock(&table_lock);
	return found;
}

/* ---- as users say ---- */

/* What a user says of an entry; net context, in which no entry that was found is freed. Return: 0 or -errno */
static int set_entered(struct net_device *dev, const struct ip_addr *ip, u16 state, const u8 *addr, u32 how)
{
	struct neighbour *n = find(dev, ip);
	LIST_HEAD(ready);

	if (!n && !(how & NLM_F_CREATE))
		return -ENOENT;
	if (n && how & NLM_F_EXCL)
		return -EEXIST;
	if (n && !(how & NLM_F_REPLACE) && addr && n->state & KNOWN)
		return 0;			/* an address that is known is changed only by NLM_F_REPLACE */
	if (!n)
		n = create(dev, ip);
	if (!n)
		return -ENOBUFS;
	u8 use[ETH_ALEN];

	spin_lock(&n->lock);
	if (addr)
		memcpy(n->addr, addr, ETH_ALEN);
	memcpy(use, n->addr, ETH_ALEN);
	known_locked(n, (u8)state, &ready);
	spin_unlock(&n->lock);
	send_list(n, &ready, use);
	tell(n, false);
	return 0;
}

int neighbour_set(struct net_device *dev, const struct ip_addr *ip, u16 state, const u8 *addr, u32 how)
{
	net_enter();
	int err = set_entered(dev, ip, state, addr, how);

	net_leave();
	return err;
}

int neighbour_delete(struct net_device *dev, const struct ip_addr *ip)
{
	spin_lock(&table_lock);
	struct neighbour *n = find(dev, ip);

	if (n) {
		hlist_del_rcu(&n->node);
		entries--;
	}
	spin_unlock(&table_lock);
	if (!n)
		return -ENOENT;
	tell(n, true);
	release(n);
	return 0;
}

/* @dev: see take */
static void drop_all(const struct net_device *dev)
{
	struct neighbour *n;

	for (u32 i = 0; i < BUCKETS; i++) {
		while ((n = take(dev, &table[i])) != NULL) {
			tell(n, true);
			release(n);
		}
	}
}

void neighbour_flush(const struct net_device *dev)
{
	drop_all(dev);
}

static void collect(struct net_work *w)
{
	drop_all(NULL);
}

static void device_event(struct net_device *dev, enum device_event event)
{
	if (event == DEVICE_GOING_DOWN)
		neighbour_flush(dev);
}

void neighbour_init(void)
{
	static struct device_listener listener = { .event = device_event };

	spin_init(&table_lock, RANK_NET_NEIGH_TABLE);
	net_work_init(&collection, collect);
	device_listen(&listener);
}
