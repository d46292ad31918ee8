/*
 * Network devices: what drivers implement, what protocols send through.
 *
 * Configuration (names, addresses, up and down) is guarded by one sleeping lock, rtnl (net/rtnl.h); whoever holds it may sleep.  Packets take no
 * lock but a transmit queue's: devices are found under RCU, and a device that goes away is first closed, its queues flushed, a grace
 * period waited for.
 *
 * Sending: device_xmit() gives the packet to the first-in-first-out list of this CPU's transmit queue; packets go on to ops->xmit as long as the
 * queue is not stopped (departure: no other queueing discipline yet).  A driver whose ring is full calls device_queue_stop(), and
 * device_queue_wake() once there is room.
 *
 * Source: netdevice(7).
 */
#ifndef NET_DEVICE_H
#define NET_DEVICE_H

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include "kern/lock.h"
#include "kern/rcu.h"
#include "kern/work.h"
#include "net/context.h"
#include "net/packet.h"

struct device_node;
struct ip4_config;
struct group_set;
struct ip6_config;
struct net_device;

enum { DEVICE_ADDR_MAX = 32, DEVICE_QUEUES_MAX = 64 };

/* dev->features */
enum {
	DEV_SG = 1 << 0,		/* takes fragments */
	DEV_CSUM4 = 1 << 1,		/* completes CSUM_PARTIAL of TCP and UDP over IPv4 */
	DEV_CSUM6 = 1 << 2,
	DEV_TSO4 = 1 << 3,
	DEV_TSO6 = 1 << 4,
	DEV_TSO_ECN = 1 << 5,
	DEV_USO = 1 << 6,		/* UDP segmentation */
	DEV_RXCSUM = 1 << 7,
	DEV_LOOPBACK = 1 << 8,		/* packets do not leave the machine */
	DEV_CSUM = DEV_CSUM4 | DEV_CSUM6,
	DEV_TSO = DEV_TSO4 | DEV_TSO6,
};

enum { XMIT_OK = 0, XMIT_BUSY = 1 };

/* [rtnl] unless a line says otherwise; all optional but xmit */
struct net_device_ops {
	int (*open)(struct net_device *dev);
	void (*stop)(struct net_device *dev);
	/* xmit: XMIT_OK: consumed. XMIT_BUSY: not taken, the queue was stopped. Net context, the queue's lock held */
	int (*xmit)(struct net_device *dev, u32 queue, struct packet *p);
	void (*flush)(struct net_device *dev, u32 queue);	/* a batch ends: tell the device of what xmit queued. As xmit */
	int (*set_mtu)(struct net_device *dev, u32 mtu);
	void (*destroy)(struct net_device *dev);		/* the last reference went: free driver_data */
	int (*set_addr)(struct net_device *dev, const u8 *addr);	/* may refuse; dev->addr is set afterwards. NULL: cannot be changed */
	void (*set_rx_mode)(struct net_device *dev);		/* promiscuity or allmulti changed. NULL: the device gives all that it hears */
	const char *driver;					/* ethtool -i */
	const char *kind;					/* IFLA_INFO_KIND of devices that users make; NULL: of hardware */
};

/* Link layers: how a header is put before a packet and read. */
struct link_ops {
	/* build: push a header; @dst NULL: broadcast. 0, -errno (packet not consumed) */
	int (*build)(struct packet *p, struct net_device *dev, be16 protocol, const u8 *dst, const u8 *src);
	u32 header_len;
};

struct device_stats {
	u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
	u64 rx_errors, tx_errors, rx_dropped, tx_dropped, multicast, rx_length_errors, rx_nohandler;
	u64 rx_otherhost;	/* for another address on the link: dropped by IP */
} CACHELINE_ALIGNED;

/* Locks: q lock · a atomic */
struct device_queue {
	struct spinlock lock;		/* RANK_NET_XMIT: fifo and ops->xmit */
	u32 stopped;			/* [a] */
	u32 index;
	struct net_device *dev;
	struct list_head fifo;		/* [q] packets that wait for the device */
	u32 fifo_len;			/* [q] at most tx_queue_len */
	struct net_work run;		/* sends what waits */
	u64 xmit_packets;		/* [q] */
} CACHELINE_ALIGNED;

/* Locks: I immutable once registered · R rtnl, read under RCU · a atomic */
struct net_device {
	char name[IFNAMSIZ];		/* [R] */
	u32 ifindex;			/* [I] */
	u32 flags;			/* [R] IFF_*; IFF_RUNNING and IFF_LOWER_UP by device_carrier_* */
	u32 mtu, mtu_min, mtu_max;	/* [R] */
	u16 type;			/* [I] ARPHRD_* */
	u8 addr_len;			/* [I] */
	u8 header_len;			/* [I] link header */
	u8 addr[DEVICE_ADDR_MAX];	/* [R] */
	u8 broadcast[DEVICE_ADDR_MAX];	/* [I] */
	u8 perm_addr[DEVICE_ADDR_MAX];	/* [I] */
	u32 features;			/* [R] DEV_*, in use */
	u32 carrier;			/* [a] */
	u32 tx_queue_len;		/* [R] */
	u32 promiscuity, allmulti;	/* [R] how many want it */
	u32 group;			/* [R] IFLA_GROUP */
	u8 operstate;			/* [a] IF_OPER_UNKNOWN as long as the driver says nothing of its link */
	bool no_queue;			/* [I] xmit never says XMIT_BUSY: nothing ever waits */
	bool was_up;			/* [R] once up, it has a queue */
	u32 carrier_changes[2];		/* [a] to down, to up */
	u32 user_flags;			/* [R] IFF_PROMISC, IFF_ALLMULTI as users set them */
	char *alias;			/* [R] IFLA_IFALIAS; NULL: none */
	struct work carrier_work;	/* tells of a change of carrier */
	const struct net_device_ops *ops;	/* [I] */
	const struct link_ops *link;	/* [I] NULL: no header */
	void *driver_data;		/* [I] */
	u32 queue_count;		/* [I] transmit queues */
	struct device_queue *queues;	/* [I] */
	struct device_stats *stats;	/* [I] one a CPU */
	struct ip4_config *ip4;		/* [R] NULL: none */
	struct ip6_config *ip6;		/* [R] NULL: none */
	struct group_set *groups;	/* [R] NULL: none was joined yet */
	struct device_node *shown;	/* [R] device_node.c's; NULL: not in /sys */
	bool registered;		/* [R] */
	bool dynamic_addr;		/* [I] the address was made up */
	struct refcount refs;
	struct rcu_head rcu;
	struct list_head node;		/* [R] all devices */
	struct hlist_node index_node;	/* [R] */
};

/**
 * device_create - a device with name and defaults, not yet registered
 * @name:   "eth%d": the first free number is filled in by device_register
 * @queues: transmit queues
 * Return:  it, or NULL. Context: thread
 */
struct net_device *device_create(const char *name, u32 queues, const struct net_device_ops *ops, void *driver_data);
/** device_setup_ethernet - type, header, MTU 1500, broadcast; addr as given or, if NULL, made up. */
void device_setup_ethernet(struct net_device *dev, const u8 *addr);
/** device_register - make it visible; it is down. [rtnl] Return: 0, -EEXIST, -ENOMEM, -EINVAL (name) */
MUST_CHECK int device_register(struct net_device *dev);
/** device_unregister - close, take out, wait until nobody sees it, drop the reference. [rtnl] */
void device_unregister(struct net_device *dev);

static inline void device_get(struct net_device *dev) { ref_get(&dev->refs); }
void device_put(struct net_device *dev);
/** device_by_index, device_by_name - NULL: none. Under RCU (or rtnl); device_get() it to keep it over a sleep. */
struct net_device *device_by_index(u32 ifindex);
struct net_device *device_by_name(const char *name);
/** device_next - in order of registration; NULL: the first. Under RCU (or rtnl) */
struct net_device *device_next(struct net_device *dev);
struct net_device *device_loopback(void);

static inline bool device_is_up(const struct net_device *dev) { return READ_ONCE(dev->flags) & IFF_UP; }
/** device_open, device_close, device_set_flags, device_set_mtu - [rtnl]; they tell the listeners. */
MUST_CHECK int device_open(struct net_device *dev);
void device_close(struct net_device *dev);
MUST_CHECK int device_set_flags(struct net_device *dev, u32 flags, u32 mask);
MUST_CHECK int device_set_mtu(struct net_device *dev, u32 mtu);
/** device_set_name - [rtnl] Return: 0, -EEXIST, -EINVAL, -EBUSY (it is up) */
MUST_CHECK int device_set_name(struct net_device *dev, const char *name);
/** device_set_addr - [rtnl] dev->addr_len bytes. Return: 0, -EOPNOTSUPP, -EADDRNOTAVAIL, or the driver's errno */
MUST_CHECK int device_set_addr(struct net_device *dev, const u8 *addr);
/** device_promiscuity, device_allmulti - [rtnl] @by: +1, -1: one more, or one fewer, wants all frames. */
void device_promiscuity(struct net_device *dev, int by);
void device_allmulti(struct net_device *dev, int by);
/** device_generation - [rtnl] changes whenever a device comes, goes or is renamed. Never 0 */
u32 device_generation(void);

/** device_carrier - the link came up or went. Context: thread or net. */
void device_carrier(struct net_device *dev, bool up);
u32 device_user_flags(const struct net_device *dev);	/* IFF_* as users see them */
void device_stats_sum(const struct net_device *dev, struct device_stats *out);
static inline struct device_stats *device_stats_here(struct net_device *dev) { return &dev->stats[plat_cpu_id()]; }

/** device_xmit - send; link header in place, p->dev set. One that the device cannot cut up is cut here. Net context (net_enter). Consumes.
    Return: 0, -ENOBUFS (dropped), -ENETDOWN, -ENOMEM, -EINVAL (offsets of the checksum, headers of a GSO packet) */
int device_xmit(struct packet *p);
void device_queue_stop(struct device_queue *q);		/* in xmit */
void device_queue_wake(struct device_queue *q);		/* any but interrupts */
static inline bool device_queue_stopped(const struct device_queue *q) { return __atomic_load_n(&q->stopped, __ATOMIC_ACQUIRE); }

/* Changes, told to protocols and netlink. [rtnl] */
enum device_event {
	DEVICE_REGISTERED, DEVICE_UNREGISTERING, DEVICE_UP, DEVICE_GOING_DOWN, DEVICE_DOWN, DEVICE_MTU,
	DEVICE_RENAMED, DEVICE_CHANGED,		/* flags, address, carrier… */
};
struct device_listener {
	void (*event)(struct net_device *dev, enum device_event event);
	struct list_head node;
};
void device_listen(struct device_listener *l);

/* Protocols above devices, by Ethernet type; rx consumes. Net context. */
struct link_protocol {
	be16 type;
	void (*rx)(struct packet *p);
};
void link_protocol_register(const struct link_protocol *proto);

void device_init(void);

#endif
