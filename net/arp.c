/*
 * ARP and the table of neighbours.  neighbour.h is the contract.
 *
 * Entries live until their device goes down (departure from Linux: no collection of idle ones; a full table learns nothing new).
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "net/neighbour.h"
#include "net/route4.h"

enum { BUCKETS = 64, ARP_BYTES = 28, REQUEST = 1, REPLY = 2 };
#define RETRY_NS (1000ull * NS_PER_MS)
#define REACHABLE_NS (30ull * NS_PER_SEC)

static struct hlist_head table[BUCKETS];	/* [table_lock, read under RCU] */
static struct spinlock table_lock;
static u32 entries;				/* [table_lock] */

static u32 bucket_of(const struct net_device *dev, be32 ip)
{
	return hash_2words(ip, dev->ifindex, 0) % BUCKETS;
}

static struct neighbour *find(const struct net_device *dev, be32 ip)
{
	struct neighbour *n;

	hlist_for_each_entry_rcu(n, &table[bucket_of(dev, ip)], node)
		if (n->ip == ip && n->dev == dev)
			return n;
	return NULL;
}

/* ---- packets of ARP ---- */

/* @dst NULL: broadcast. */
static void send(struct net_device *dev, u16 op, be32 sender, const u8 *target_addr, be32 target, const u8 *dst)
{
	struct packet *p = packet_alloc(ARP_BYTES, ALLOC_ATOMIC);

	if (!p)
		return;
	u8 *a = packet_put(p, ARP_BYTES);

	put_be16(a, 1);
	put_be16(a + 2, ETH_P_IP);
	a[4] = ETH_ALEN;
	a[5] = 4;
	put_be16(a + 6, op);
	memcpy(a + 8, dev->addr, ETH_ALEN);
	memcpy(a + 14, &sender, 4);
	if (target_addr)
		memcpy(a + 18, target_addr, ETH_ALEN);
	else
		memset(a + 18, 0, ETH_ALEN);
	memcpy(a + 24, &target, 4);
	p->dev = dev;
	p->protocol = cpu_to_be16(ETH_P_ARP);
	packet_mark_net(p);
	if (dev->link->build(p, dev, p->protocol, dst, NULL)) {
		packet_free(p);
		return;
	}
	device_xmit(p);
}

/* ---- states ---- */

/* Ask again; n->lock held: sending takes locks of higher rank only. */
static void probe_locked(struct neighbour *n)
{
	n->probes++;
	net_timer_arm(&n->timer, plat_mono_ns() + RETRY_NS);
	send(n->dev, REQUEST, ip4_source(n->dev, n->ip), NULL, n->ip, n->state == NUD_PROBE ? n->addr : NULL);
}

static void timer_fn(struct net_timer *t)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);
	LIST_HEAD(lost);

	spin_lock(&n->lock);
	if (n->state & (NUD_INCOMPLETE | NUD_PROBE)) {
		if (n->probes < NEIGH_PROBES) {
			probe_locked(n);
		} else {
			n->state = NUD_FAILED;
			n->confirmed_ns = plat_mono_ns();
			list_splice_init(&n->queue, &lost);
			n->queued = 0;
		}
	}
	spin_unlock(&n->lock);
	packet_free_list(&lost);
}

static struct neighbour *create(struct net_device *dev, be32 ip)
{
	struct neighbour *n = kzalloc(sizeof(*n), ALLOC_ATOMIC), *have;

	if (!n)
		return NULL;
	n->dev = dev;
	n->ip = ip;
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
	spin_unlock(&table_lock);
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

int neighbour_output(struct packet *p, struct net_device *dev, be32 ip)
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
	if (n->state == NUD_REACHABLE && now - n->confirmed_ns > REACHABLE_NS) {
		n->state = NUD_PROBE;
		n->probes = 0;
		probe_locked(n);
	}
	memcpy(addr, n->addr, ETH_ALEN);
	spin_unlock(&n->lock);
	return xmit_to(p, dev, addr);
}

/* @n's address is known: send what waited. */
static void learn(struct neighbour *n, const u8 *addr)
{
	LIST_HEAD(ready);

	spin_lock(&n->lock);
	memcpy(n->addr, addr, ETH_ALEN);
	n->state = NUD_REACHABLE;
	n->probes = 0;
	n->confirmed_ns = plat_mono_ns();
	list_splice_init(&n->queue, &ready);
	n->queued = 0;
	net_timer_cancel(&n->timer);
	spin_unlock(&n->lock);
	while (!list_empty(&ready)) {
		struct packet *p = list_first_entry(&ready, struct packet, node);

		list_del_init(&p->node);
		xmit_to(p, n->dev, addr);
	}
}

static void rx(struct packet *p)
{
	static const u8 head[6] = { 0, 1, ETH_P_IP >> 8, ETH_P_IP & 0xff, ETH_ALEN, 4 };
	struct net_device *dev = p->dev;
	be32 sender, target;

	if (p->type == PACKET_TO_OTHER || dev->flags & (IFF_NOARP | IFF_LOOPBACK) || !packet_pull(p, ARP_BYTES) ||
	    memcmp(p->data, head, sizeof(head)))
		goto out;
	const u8 *a = p->data, *addr = a + 8;
	u16 op = get_be16(a + 6);

	memcpy(&sender, a + 14, 4);
	memcpy(&target, a + 24, 4);
	if (ip4_is_multicast(target) || ip4_is_loopback(target) || addr[0] & 1)
		goto out;
	struct ip_addr t = ip_addr_v4(target);
	bool ours = ip_is_local(&t, dev->ifindex);
	struct neighbour *n = sender ? find(dev, sender) : NULL;

	if (!n && sender && ours && op == REQUEST)
		n = create(dev, sender);
	if (n && (ours || op == REPLY))
		learn(n, addr);
	if (ours && op == REQUEST)
		send(dev, REPLY, target, addr, sender, addr);
out:
	packet_free(p);
}

void neighbour_confirm(struct net_device *dev, be32 ip)
{
	struct neighbour *n = find(dev, ip);

	if (!n)
		return;
	spin_lock(&n->lock);
	if (n->state & (NUD_REACHABLE | NUD_PROBE)) {
		n->state = NUD_REACHABLE;
		n->confirmed_ns = plat_mono_ns();
	}
	spin_unlock(&n->lock);
}

void neighbour_each(void (*fn)(const struct neighbour *n, void *arg), void *arg)
{
	const struct neighbour *n;

	for (u32 i = 0; i < BUCKETS; i++)
		hlist_for_each_entry_rcu(n, &table[i], node)
			fn(n, arg);
}

/* ---- a device goes ---- */

static void freed(struct net_timer *t)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);

	packet_free_list(&n->queue);
	device_put(n->dev);
	kfree(n);
}

/* Take one of @dev's out of the table; NULL: there is none. */
static struct neighbour *take(const struct net_device *dev, struct hlist_head *bucket)
{
	struct neighbour *n, *found = NULL;

	spin_lock(&table_lock);
	hlist_for_each_entry(n, bucket, node)
		if (n->dev == dev)
			found = n;
	if (found) {
		hlist_del_rcu(&found->node);
		entries--;
	}
	spin_unlock(&table_lock);
	return found;
}

static void device_event(struct net_device *dev, enum device_event event)
{
	struct neighbour *n;

	if (event != DEVICE_GOING_DOWN)
		return;
	for (u32 i = 0; i < BUCKETS; i++) {
		while ((n = take(dev, &table[i])) != NULL) {
			spin_lock(&n->lock);		/* under which others arm the timer */
			net_timer_release(&n->timer, freed);
			spin_unlock(&n->lock);
		}
	}
}

void arp_init(void)
{
	static const struct link_protocol arp = { .type = __builtin_bswap16(ETH_P_ARP), .rx = rx };
	static struct device_listener listener = { .event = device_event };

	spin_init(&table_lock, RANK_NET_NEIGH_TABLE);
	link_protocol_register(&arp);
	device_listen(&listener);
}
