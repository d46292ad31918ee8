/*
 * Network devices: the registry and their configuration.  Packets pass through xmit.c and receive.c.
 *
 * Locks: rtnl guards lists and configuration; readers are under RCU.
 * Source: netdevice(7).
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "kern/assert.h"
#include "kern/mutex.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/internal.h"
#include "net/rtnl.h"

enum { INDEX_BUCKETS = 64, MTU_MIN = 68, NAME_NUMBERS_MAX = 4096 };

static struct mutex rtnl;
static LIST_HEAD(devices);			/* [rtnl, read under RCU] */
static struct hlist_head by_index[INDEX_BUCKETS];	/* [rtnl, read under RCU] */
static LIST_HEAD(listeners);			/* [rtnl] */
static LIST_HEAD(todo);				/* [rtnl] */
static u32 next_index = 1;			/* [rtnl] */
static u32 generation = 1;			/* [rtnl] */
static struct net_device *loopback;		/* set once */

void rtnl_lock(void) { mutex_lock(&rtnl); }

void rtnl_unlock(void)
{
	LIST_HEAD(mine);

	list_splice_init(&todo, &mine);
	mutex_unlock(&rtnl);
	while (!list_empty(&mine)) {
		struct rtnl_todo *t = list_first_entry(&mine, struct rtnl_todo, node);

		list_del_init(&t->node);
		t->fn(t);
	}
}

void rtnl_defer(struct rtnl_todo *t)
{
	list_add_tail(&t->node, &todo);
}

u32 device_generation(void) { return generation; }

static void changed(void)
{
	if (!++generation)
		++generation;
}

/* ---- finding ---- */

struct net_device *device_by_index(u32 ifindex)
{
	struct net_device *d;

	hlist_for_each_entry_rcu(d, &by_index[ifindex % INDEX_BUCKETS], index_node)
		if (d->ifindex == ifindex)
			return d;
	return NULL;
}

struct net_device *device_by_name(const char *name)
{
	struct net_device *d;

	for (u32 i = 0; i < INDEX_BUCKETS; i++)
		hlist_for_each_entry_rcu(d, &by_index[i], index_node)
			if (!strncmp(d->name, name, IFNAMSIZ))
				return d;
	return NULL;
}

struct net_device *device_next(struct net_device *dev)
{
	struct list_head *at = dev ? &dev->node : &devices, *next = rcu_dereference(at->next);

	return next == &devices ? NULL : list_entry(next, struct net_device, node);
}

struct net_device *device_loopback(void)
{
	return loopback;
}

/* ---- life ---- */

static void carrier_told(struct work *w);

struct net_device *device_create(const char *name, u32 queues, const struct net_device_ops *ops, void *driver_data)
{
	struct net_device *dev = kzalloc(sizeof(*dev), ALLOC_KERNEL);

	assert(queues && queues <= DEVICE_QUEUES_MAX && ops->xmit);
	if (!dev)
		return NULL;
	dev->queues = kzalloc(queues * sizeof(*dev->queues), ALLOC_KERNEL);
	dev->stats = kzalloc(plat_cpu_count() * sizeof(*dev->stats), ALLOC_KERNEL);
	if (!dev->queues || !dev->stats) {
		kfree(dev->queues);
		kfree(dev->stats);
		kfree(dev);
		return NULL;
	}
	scnprintf(dev->name, sizeof(dev->name), "%s", name);
	dev->ops = ops;
	dev->driver_data = driver_data;
	dev->queue_count = queues;
	dev->mtu_min = MTU_MIN;
	dev->mtu_max = 65535;
	dev->tx_queue_len = 1000;
	dev->carrier = 1;
	ref_init(&dev->refs);
	work_init(&dev->carrier_work, carrier_told);
	for (u32 i = 0; i < queues; i++)
		device_queue_init(dev, i);
	return dev;
}

static void device_free(struct rcu_head *h)
{
	struct net_device *dev = container_of(h, struct net_device, rcu);

	if (dev->ops->destroy)
		dev->ops->destroy(dev);
	kfree(dev->queues);
	kfree(dev->stats);
	kfree(dev->alias);
	kfree(dev);
}

void device_put(struct net_device *dev)
{
	if (ref_put(&dev->refs))
		call_rcu(&dev->rcu, device_free);
}

/* A directory of /sys may have it: no path, nothing that a shell would split. */
static bool name_valid(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || (u8)*name <= ' ' || *name == 0x7f)
			return false;
	return true;
}

/* Does another than @dev have it? */
static bool name_taken(const struct net_device *dev, const char *name)
{
	struct net_device *d;

	list_for_each_entry(d, &devices, node)
		if (d != dev && !strncmp(d->name, name, IFNAMSIZ))
			return true;
	return false;
}

/* Fill in the number of a name like "eth%d". */
static int choose_name(struct net_device *dev)
{
	char base[IFNAMSIZ], name[IFNAMSIZ + 8];
	size_t n = strlen(dev->name);

	if (!name_valid(dev->name))
		return -EINVAL;
	if (n < 2 || strcmp(dev->name + n - 2, "%d"))
		return name_taken(dev, dev->name) ? -EEXIST : 0;
	memcpy(base, dev->name, n - 2);
	base[n - 2] = 0;
	for (u32 i = 0; i < NAME_NUMBERS_MAX; i++) {
		scnprintf(name, sizeof(name), "%s%u", base, i);
		if (strlen(name) < IFNAMSIZ && !name_taken(dev, name)) {
			memcpy(dev->name, name, strlen(name) + 1);
			return 0;
		}
	}
	return -EEXIST;
}

static void tell(struct net_device *dev, enum device_event event)
{
	struct device_listener *l;

	list_for_each_entry(l, &listeners, node)
		l->event(dev, event);
}

int device_register(struct net_device *dev)
{
	int err = choose_name(dev);

	if (err)
		return err;
	dev->ifindex = next_index++;
	if (!loopback && dev->features & DEV_LOOPBACK)
		loopback = dev;
	list_add_tail_rcu(&dev->node, &devices);
	hlist_add_head_rcu(&dev->index_node, &by_index[dev->ifindex % INDEX_BUCKETS]);
	dev->registered = true;
	changed();
	tell(dev, DEVICE_REGISTERED);
	return 0;
}

void device_unregister(struct net_device *dev)
{
	device_close(dev);
	dev->registered = false;
	tell(dev, DEVICE_UNREGISTERING);
	list_del_rcu(&dev->node);
	hlist_del_rcu(&dev->index_node);
	changed();
	synchronize_rcu();
	device_put(dev);
}

void device_listen(struct device_listener *l)
{
	rtnl_lock();
	list_add_tail(&l->node, &listeners);
	rtnl_unlock();
}

/* ---- configuration ---- */

int device_open(struct net_device *dev)
{
	int err = 0;

	if (device_is_up(dev))
		return 0;
	if (dev->ops->open)
		err = dev->ops->open(dev);
	if (err)
		return err;
	WRITE_ONCE(dev->flags, dev->flags | IFF_UP);
	dev->was_up = true;
	tell(dev, DEVICE_UP);
	return 0;
}

void device_close(struct net_device *dev)
{
	if (!device_is_up(dev))
		return;
	tell(dev, DEVICE_GOING_DOWN);
	WRITE_ONCE(dev->flags, dev->flags & ~(u32)IFF_UP);
	synchronize_rcu();
	if (dev->ops->stop)
		dev->ops->stop(dev);
	for (u32 i = 0; i < dev->queue_count; i++)
		device_queue_purge(&dev->queues[i]);
	tell(dev, DEVICE_DOWN);
}

void device_promiscuity(struct net_device *dev, int by)
{
	dev->promiscuity += (u32)by;
	WRITE_ONCE(dev->flags, (dev->flags & ~(u32)IFF_PROMISC) | (dev->promiscuity ? IFF_PROMISC : 0));
	if (dev->ops->set_rx_mode)
		dev->ops->set_rx_mode(dev);
}

void device_allmulti(struct net_device *dev, int by)
{
	dev->allmulti += (u32)by;
	WRITE_ONCE(dev->flags, (dev->flags & ~(u32)IFF_ALLMULTI) | (dev->allmulti ? IFF_ALLMULTI : 0));
	if (dev->ops->set_rx_mode)
		dev->ops->set_rx_mode(dev);
}

/* What users asked for by flag is one of those who want it. */
static void user_mode(struct net_device *dev, u32 flags, u32 mask, u32 flag, void (*count)(struct net_device *dev, int by))
{
	if (!(mask & flag) || !((dev->user_flags ^ flags) & flag))
		return;
	dev->user_flags ^= flag;
	count(dev, flags & flag ? 1 : -1);
}

int device_set_flags(struct net_device *dev, u32 flags, u32 mask)
{
	const u32 may = IFF_NOARP | IFF_DEBUG | IFF_NOTRAILERS | IFF_DYNAMIC | IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA;
	u32 before = dev->flags, change = mask & may;

	user_mode(dev, flags, mask, IFF_PROMISC, device_promiscuity);
	user_mode(dev, flags, mask, IFF_ALLMULTI, device_allmulti);
	WRITE_ONCE(dev->flags, (dev->flags & ~change) | (flags & change));
	if (mask & IFF_UP && (flags ^ before) & IFF_UP) {
		if (flags & IFF_UP)
			return device_open(dev);
		device_close(dev);
	} else if (dev->flags != before) {
		tell(dev, DEVICE_CHANGED);
	}
	return 0;
}

int device_set_name(struct net_device *dev, const char *name)
{
	char old[IFNAMSIZ];

	if (!strncmp(dev->name, name, IFNAMSIZ))
		return 0;
	if (device_is_up(dev))
		return -EBUSY;
	memcpy(old, dev->name, IFNAMSIZ);
	scnprintf(dev->name, sizeof(dev->name), "%s", name);
	int err = choose_name(dev);

	if (err) {
		memcpy(dev->name, old, IFNAMSIZ);
		return err;
	}
	changed();
	tell(dev, DEVICE_RENAMED);
	return 0;
}

int device_set_addr(struct net_device *dev, const u8 *addr)
{
	int err = dev->ops->set_addr ? dev->ops->set_addr(dev, addr) : -EOPNOTSUPP;

	if (err)
		return err;
	memcpy(dev->addr, addr, dev->addr_len);
	dev->dynamic_addr = false;
	tell(dev, DEVICE_CHANGED);
	return 0;
}

int device_set_mtu(struct net_device *dev, u32 mtu)
{
	int err = 0;

	if (mtu < dev->mtu_min || (dev->mtu_max && mtu > dev->mtu_max))
		return -EINVAL;
	if (dev->ops->set_mtu)
		err = dev->ops->set_mtu(dev, mtu);
	if (err)
		return err;
	WRITE_ONCE(dev->mtu, mtu);
	tell(dev, DEVICE_MTU);
	return 0;
}

u32 device_user_flags(const struct net_device *dev)
{
	u32 flags = (READ_ONCE(dev->flags) & ~(u32)(IFF_PROMISC | IFF_ALLMULTI)) | dev->user_flags;

	if (flags & IFF_UP && atomic_load(&dev->carrier))
		flags |= IFF_RUNNING | IFF_LOWER_UP;
	return flags;
}

/* A link came up or went: who is told sleeps. */
static void carrier_told(struct work *w)
{
	struct net_device *dev = container_of(w, struct net_device, carrier_work);

	rtnl_lock();
	if (dev->registered && device_is_up(dev))
		tell(dev, DEVICE_CHANGED);
	rtnl_unlock();
	device_put(dev);
}

void device_carrier(struct net_device *dev, bool up)
{
	u8 state = up ? IF_OPER_UP : IF_OPER_DOWN;

	if (__atomic_exchange_n(&dev->carrier, (u32)up, __ATOMIC_ACQ_REL) != up)
		atomic_inc(&dev->carrier_changes[up]);
	else if (READ_ONCE(dev->operstate) == state)
		return;
	WRITE_ONCE(dev->operstate, state);
	if (!READ_ONCE(dev->registered))
		return;
	device_get(dev);			/* carrier_told's */
	if (!work_queue(&dev->carrier_work))
		device_put(dev);
}

static void ethernet_address(u8 *addr)
{
	random_bytes(addr, ETH_ALEN);
	addr[0] = (addr[0] & 0xfc) | 2;		/* of one station, administered locally */
}

void device_setup_ethernet(struct net_device *dev, const u8 *addr)
{
	dev->type = ARPHRD_ETHER;
	dev->addr_len = ETH_ALEN;
	dev->header_len = ETH_HLEN;
	dev->mtu = ETH_DATA_LEN;
	dev->link = &ethernet_link;
	dev->flags |= IFF_BROADCAST | IFF_MULTICAST;
	memset(dev->broadcast, 0xff, ETH_ALEN);
	dev->dynamic_addr = !addr;
	if (addr)
		memcpy(dev->addr, addr, ETH_ALEN);
	else
		ethernet_address(dev->addr);
	memcpy(dev->perm_addr, dev->addr, ETH_ALEN);
}

void device_stats_sum(const struct net_device *dev, struct device_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		const struct device_stats *s = &dev->stats[cpu];

		out->rx_packets += s->rx_packets;
		out->rx_bytes += s->rx_bytes;
		out->tx_packets += s->tx_packets;
		out->tx_bytes += s->tx_bytes;
		out->rx_errors += s->rx_errors;
		out->tx_errors += s->tx_errors;
		out->rx_dropped += s->rx_dropped;
		out->tx_dropped += s->tx_dropped;
		out->multicast += s->multicast;
		out->rx_length_errors += s->rx_length_errors;
		out->rx_nohandler += s->rx_nohandler;
		out->rx_otherhost += s->rx_otherhost;
	}
}

void device_init(void)
{
	mutex_init(&rtnl, RANK_RTNL);
}
