/*
 * Network devices in /sys/class/net.
 *
 * /sys is changed under locks that come before rtnl, so devices appear and go there when rtnl is let go (rtnl_defer).  In
 * between a file of a device that went fails with ENODEV: show and store take a reference on the device before they sleep.
 *
 * Source: Linux Documentation/ABI/testing/sysfs-class-net, sysfs-class-net-statistics.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/internal.h"
#include "net/rtnl.h"
#include "vfs/device.h"

static struct mutex shown_lock;		/* over todo() */

/* Locks: R rtnl, read under RCU · s shown_lock */
struct device_node {
	struct devnode node;
	struct net_device *dev;		/* [R] NULL: gone */
	char name[IFNAMSIZ];		/* [s] as /sys has it */
	bool there;			/* [s] added */
	struct rtnl_todo todo;
};

/* The device of an attribute with a reference; NULL: it is gone. Does not sleep */
static struct net_device *dev_get(struct devnode *n)
{
	struct net_device *dev = rcu_dereference(container_of(n, struct device_node, node)->dev);

	if (dev)
		device_get(dev);
	return dev;
}

/* ---- what is read ---- */

static size_t number(struct devnode *n, char *buf, size_t size, const char *format, size_t offset)
{
	struct net_device *dev = dev_get(n);

	if (!dev)
		return (size_t)-ENODEV;
	u32 v = *(const u32 *)(const void *)((const u8 *)dev + offset);

	device_put(dev);
	return scnprintf(buf, size, format, v);
}

#define NUMBER(name, format, field)                                                                \
	static size_t show_##name(struct devnode *n, char *buf, size_t size)                       \
	{                                                                                          \
		static_assert(sizeof(((struct net_device *)0)->field) == sizeof(u32), "a u32");    \
		return number(n, buf, size, format, offsetof(struct net_device, field));           \
	}
NUMBER(ifindex, "%u\n", ifindex)
NUMBER(mtu, "%u\n", mtu)
NUMBER(tx_queue_len, "%u\n", tx_queue_len)
NUMBER(group, "%u\n", group)
NUMBER(carrier_up, "%u\n", carrier_changes[1])
NUMBER(carrier_down, "%u\n", carrier_changes[0])

/* The rest is made by a function of the device. */
static size_t show_by(struct devnode *n, char *buf, size_t size, size_t (*text)(struct net_device *dev, char *buf, size_t size))
{
	struct net_device *dev = dev_get(n);

	if (!dev)
		return (size_t)-ENODEV;
	size_t len = text(dev, buf, size);

	device_put(dev);
	return len;
}

#define TEXT(name)                                                                                 \
	static size_t show_##name(struct devnode *n, char *buf, size_t size) { return show_by(n, buf, size, text_##name); }

static size_t hardware_address(const u8 *addr, u32 len, char *buf, size_t size)
{
	size_t at = 0;

	for (u32 i = 0; i < len; i++)
		at += scnprintf(buf + at, size - at, "%s%02x", i ? ":" : "", addr[i]);
	return at + scnprintf(buf + at, size - at, "\n");
}

static size_t text_address(struct net_device *dev, char *buf, size_t size) { return hardware_address(dev->addr, dev->addr_len, buf, size); }
static size_t text_broadcast(struct net_device *dev, char *buf, size_t size) { return hardware_address(dev->broadcast, dev->addr_len, buf, size); }
static size_t text_addr_len(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "%u\n", dev->addr_len); }
static size_t text_type(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "%u\n", dev->type); }
static size_t text_iflink(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "%u\n", dev->ifindex); }
static size_t text_zero(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "0\n"); }
static size_t text_hex_zero(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "0x0\n"); }
static size_t text_addr_assign(struct net_device *dev, char *buf, size_t size) { return scnprintf(buf, size, "%u\n", dev->dynamic_addr); }

/* As it is kept: without what the link says. */
static size_t text_flags(struct net_device *dev, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%x\n", dev->flags & 0xffff);
}

static size_t text_carrier(struct net_device *dev, char *buf, size_t size)
{
	return device_is_up(dev) ? scnprintf(buf, size, "%u\n", atomic_load(&dev->carrier) != 0) : (size_t)-EINVAL;
}

static size_t text_carrier_changes(struct net_device *dev, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", atomic_load(&dev->carrier_changes[0]) + atomic_load(&dev->carrier_changes[1]));
}

static size_t text_operstate(struct net_device *dev, char *buf, size_t size)
{
	u8 state = device_is_up(dev) ? READ_ONCE(dev->operstate) : IF_OPER_DOWN;

	return scnprintf(buf, size, "%s\n", state == IF_OPER_UP ? "up" : state == IF_OPER_DOWN ? "down" : "unknown");
}

/* Only a device that is up has a state that it could be asked for. */
static size_t text_dormant(struct net_device *dev, char *buf, size_t size)
{
	return device_is_up(dev) ? scnprintf(buf, size, "0\n") : (size_t)-EINVAL;
}

static size_t text_unknown(struct net_device *dev, char *buf, size_t size) { return (size_t)-EINVAL; }

static size_t text_alias(struct net_device *dev, char *buf, size_t size)
{
	rtnl_lock();
	size_t len = dev->alias ? scnprintf(buf, size, "%s\n", dev->alias) : 0;

	rtnl_unlock();
	return len;
}

TEXT(address)
TEXT(broadcast)
TEXT(addr_len)
TEXT(addr_assign)
TEXT(type)
TEXT(iflink)
TEXT(zero)
TEXT(hex_zero)
TEXT(flags)
TEXT(carrier)
TEXT(carrier_changes)
TEXT(operstate)
TEXT(dormant)
TEXT(unknown)
TEXT(alias)

/* ---- statistics ---- */

static size_t statistic(struct devnode *n, char *buf, size_t size, size_t offset)
{
	struct net_device *dev = dev_get(n);
	struct device_stats s;

	if (!dev)
		return (size_t)-ENODEV;
	device_stats_sum(dev, &s);
	device_put(dev);
	return scnprintf(buf, size, "%llu\n", *(const u64 *)(const void *)((const u8 *)&s + offset));
}

#define STATISTIC(field)                                                                           \
	static size_t stat_##field(struct devnode *n, char *buf, size_t size)                      \
	{                                                                                          \
		return statistic(n, buf, size, offsetof(struct device_stats, field));              \
	}
STATISTIC(rx_packets)
STATISTIC(rx_bytes)
STATISTIC(tx_packets)
STATISTIC(tx_bytes)
STATISTIC(rx_errors)
STATISTIC(tx_errors)
STATISTIC(rx_dropped)
STATISTIC(tx_dropped)
STATISTIC(multicast)
STATISTIC(rx_length_errors)
STATISTIC(rx_nohandler)

/* ---- what is written ---- */

static int store_number(struct devnode *n, const char *text, int (*set)(struct net_device *dev, u64 v))
{
	struct net_device *dev = dev_get(n);
	u64 v;
	int err;

	if (!dev)
		return -ENODEV;
	err = capable(CAP_NET_ADMIN) ? parse_u64(text, 0, &v) : -EPERM;
	if (!err) {
		rtnl_lock();
		err = dev->registered ? set(dev, v) : -ENODEV;
		rtnl_unlock();
	}
	device_put(dev);
	return err;
}

static int set_mtu(struct net_device *dev, u64 v) { return v > 0x7fffffff ? -EINVAL : device_set_mtu(dev, (u32)v); }
static int set_flags(struct net_device *dev, u64 v) { return v > ~0u ? -ERANGE : device_set_flags(dev, (u32)v, ~0u); }

static int set_tx_queue_len(struct net_device *dev, u64 v)
{
	if (v > 0x7fffffff)
		return -ERANGE;
	WRITE_ONCE(dev->tx_queue_len, (u32)v);
	return 0;
}

static int store_mtu(struct devnode *n, const char *buf, size_t len) { return store_number(n, buf, set_mtu); }
static int store_flags(struct devnode *n, const char *buf, size_t len) { return store_number(n, buf, set_flags); }
static int store_tx_queue_len(struct devnode *n, const char *buf, size_t len) { return store_number(n, buf, set_tx_queue_len); }

static const struct devattr attrs[] = {
	{ "addr_assign_type", show_addr_assign }, { "addr_len", show_addr_len }, { "address", show_address }, { "broadcast", show_broadcast },
	{ "carrier", show_carrier }, { "carrier_changes", show_carrier_changes }, { "carrier_down_count", show_carrier_down },
	{ "carrier_up_count", show_carrier_up }, { "dev_id", show_hex_zero }, { "dev_port", show_zero }, { "dormant", show_dormant },
	{ "duplex", show_unknown }, { "flags", show_flags, store_flags }, { "ifalias", show_alias }, { "ifindex", show_ifindex },
	{ "iflink", show_iflink }, { "link_mode", show_zero }, { "mtu", show_mtu, store_mtu }, { "netdev_group", show_group },
	{ "operstate", show_operstate }, { "speed", show_unknown }, { "tx_queue_len", show_tx_queue_len, store_tx_queue_len }, { "type", show_type },
	{ "statistics/multicast", stat_multicast }, { "statistics/rx_bytes", stat_rx_bytes }, { "statistics/rx_dropped", stat_rx_dropped },
	{ "statistics/rx_errors", stat_rx_errors }, { "statistics/rx_length_errors", stat_rx_length_errors },
	{ "statistics/rx_nohandler", stat_rx_nohandler }, { "statistics/rx_packets", stat_rx_packets }, { "statistics/tx_bytes", stat_tx_bytes },
	{ "statistics/tx_dropped", stat_tx_dropped }, { "statistics/tx_errors", stat_tx_errors }, { "statistics/tx_packets", stat_tx_packets },
	{ "statistics/collisions", show_zero }, { "statistics/rx_compressed", show_zero }, { "statistics/rx_crc_errors", show_zero },
	{ "statistics/rx_fifo_errors", show_zero }, { "statistics/rx_frame_errors", show_zero }, { "statistics/rx_missed_errors", show_zero },
	{ "statistics/rx_over_errors", show_zero }, { "statistics/tx_aborted_errors", show_zero }, { "statistics/tx_carrier_errors", show_zero },
	{ "statistics/tx_compressed", show_zero }, { "statistics/tx_fifo_errors", show_zero }, { "statistics/tx_heartbeat_errors", show_zero },
	{ "statistics/tx_window_errors", show_zero }, { NULL },
};

static size_t uevent(struct devnode *n, char *buf, size_t size)
{
	const struct device_node *d = container_of(n, struct device_node, node);
	const struct net_device *dev = rcu_dereference(d->dev);

	return scnprintf(buf, size, "INTERFACE=%s\nIFINDEX=%u\n", d->name, dev ? dev->ifindex : d->node.uid);
}

/* ---- coming and going ---- */

/* Without rtnl: make /sys what the device is now. */
static void todo(struct rtnl_todo *t)
{
	struct device_node *d = container_of(t, struct device_node, todo);
	char name[IFNAMSIZ];

	mutex_lock(&shown_lock);
	rtnl_lock();
	bool gone = !d->dev;

	if (!gone)
		memcpy(name, d->dev->name, IFNAMSIZ);
	rtnl_unlock();
	if (d->there && (gone || strncmp(name, d->name, IFNAMSIZ))) {
		devnode_remove(&d->node);
		d->there = false;
	}
	if (gone) {
		kfree(d);
	} else if (!d->there) {
		memcpy(d->name, name, IFNAMSIZ);
		devnode_add(&d->node);
		d->there = true;
	}
	mutex_unlock(&shown_lock);
}

static void device_event(struct net_device *dev, enum device_event event)
{
	struct device_node *d = dev->shown;

	if (event == DEVICE_REGISTERED) {
		d = kzalloc(sizeof(*d), ALLOC_KERNEL);
		if (!d)
			return;			/* it works, unseen by /sys */
		d->node = (struct devnode){ .name = d->name, .class = "net", .attrs = attrs, .uevent = uevent };
		d->dev = dev;
		d->todo.fn = todo;
		list_init(&d->todo.node);
		dev->shown = d;
	} else if (event == DEVICE_UNREGISTERING && d) {
		d->node.uid = dev->ifindex;	/* for the last event */
		rcu_assign_pointer(d->dev, NULL);
		dev->shown = NULL;
	} else if (event != DEVICE_RENAMED) {
		return;
	}
	if (d && list_empty(&d->todo.node))
		rtnl_defer(&d->todo);
}

void device_nodes_init(void)
{
	static struct device_listener listener = { .event = device_event };

	mutex_init(&shown_lock, RANK_NET_SHOWN);
	device_listen(&listener);
}
