/*
 * RTM_*LINK: devices.
 *
 * What Linux tells of a device and Auk does not have (masters, name spaces, XDP, virtual functions) is left out, not told as zero.
 *
 * Source: rtnetlink(7), <linux/if_link.h>, Linux Documentation/networking/operstates.rst.
 */
#include <linux/errno.h>
#include <linux/if_link.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/dummy.h"
#include "net/rtnetlink.h"

enum { LINK_ROOM = 2048, ALIAS_MAX = 255 };

static const struct nl_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { NL_STRING, IFNAMSIZ - 1 }, [IFLA_ADDRESS] = { NL_BINARY, DEVICE_ADDR_MAX }, [IFLA_BROADCAST] = { NL_BINARY, DEVICE_ADDR_MAX },
	[IFLA_MTU] = { NL_U32 }, [IFLA_LINK] = { NL_U32 }, [IFLA_MASTER] = { NL_U32 }, [IFLA_CARRIER] = { NL_U8 }, [IFLA_TXQLEN] = { NL_U32 },
	[IFLA_OPERSTATE] = { NL_U8 }, [IFLA_LINKMODE] = { NL_U8 }, [IFLA_LINKINFO] = { NL_NESTED }, [IFLA_NET_NS_PID] = { NL_U32 },
	[IFLA_NET_NS_FD] = { NL_U32 }, [IFLA_IFALIAS] = { NL_BINARY, ALIAS_MAX }, [IFLA_GROUP] = { NL_U32 }, [IFLA_EXT_MASK] = { NL_U32 },
	[IFLA_PROMISCUITY] = { NL_U32 }, [IFLA_NUM_TX_QUEUES] = { NL_U32 }, [IFLA_NUM_RX_QUEUES] = { NL_U32 }, [IFLA_ALT_IFNAME] = { NL_STRING, 127 },
	[IFLA_TARGET_NETNSID] = { NL_U32 }, [IFLA_PROTO_DOWN] = { NL_U8 },
};

/* Kinds of devices that users make. */
static const struct link_kind {
	const char *name;
	struct net_device *(*create)(const char *name);	/* NULL: no memory */
} kinds[] = {
	{ "dummy", dummy_create },
};

/* ---- telling ---- */

static void put_stats(struct nl_buf *b, const struct net_device *dev)
{
	struct device_stats s;
	struct rtnl_link_stats64 *wide = nl_reserve(b, IFLA_STATS64, sizeof(*wide));
	struct rtnl_link_stats64 all = { 0 };
	struct rtnl_link_stats narrow;

	device_stats_sum(dev, &s);
	all.rx_packets = s.rx_packets;
	all.tx_packets = s.tx_packets;
	all.rx_bytes = s.rx_bytes;
	all.tx_bytes = s.tx_bytes;
	all.rx_errors = s.rx_errors;
	all.tx_errors = s.tx_errors;
	all.rx_dropped = s.rx_dropped;
	all.tx_dropped = s.tx_dropped;
	all.multicast = s.multicast;
	all.rx_length_errors = s.rx_length_errors;
	all.rx_nohandler = s.rx_nohandler;
	if (wide)
		memcpy(wide, &all, sizeof(all));
	/* The older form has the same fields, half as wide. */
	static_assert(sizeof(narrow) / sizeof(u32) <= sizeof(all) / sizeof(u64), "both in one order");
	for (u32 i = 0; i < sizeof(narrow) / sizeof(u32); i++)
		((u32 *)(void *)&narrow)[i] = (u32)((u64 *)(void *)&all)[i];
	nl_put(b, IFLA_STATS, &narrow, sizeof(narrow));
}

static const char *qdisc(const struct net_device *dev)
{
	return !dev->was_up || !dev->registered ? "noop" : dev->no_queue ? "noqueue" : "pfifo";
}

static void put_counts(struct nl_buf *b, const struct net_device *dev)
{
	u32 down = atomic_load(&dev->carrier_changes[0]), up = atomic_load(&dev->carrier_changes[1]);

	nl_put_u32(b, IFLA_CARRIER_CHANGES, up + down);
	nl_put_u32(b, IFLA_CARRIER_UP_COUNT, up);
	nl_put_u32(b, IFLA_CARRIER_DOWN_COUNT, down);
}

static void put_addresses(struct nl_buf *b, const struct net_device *dev)
{
	if (!dev->addr_len)
		return;
	nl_put(b, IFLA_ADDRESS, dev->addr, dev->addr_len);
	nl_put(b, IFLA_BROADCAST, dev->broadcast, dev->addr_len);
	if (!mem_is_zero(dev->perm_addr, dev->addr_len))
		nl_put(b, IFLA_PERM_ADDRESS, dev->perm_addr, dev->addr_len);
}

/* One message about @dev; nl_end() is the caller's. */
static void put_link(struct nl_buf *b, const struct net_device *dev)
{
	nl_put_string(b, IFLA_IFNAME, dev->name);
	nl_put_u32(b, IFLA_TXQLEN, dev->tx_queue_len);
	nl_put_u8(b, IFLA_OPERSTATE, device_is_up(dev) ? READ_ONCE(dev->operstate) : IF_OPER_DOWN);
	nl_put_u8(b, IFLA_LINKMODE, IF_LINK_MODE_DEFAULT);
	nl_put_u32(b, IFLA_MTU, dev->mtu);
	nl_put_u32(b, IFLA_MIN_MTU, dev->mtu_min);
	nl_put_u32(b, IFLA_MAX_MTU, dev->mtu_max);
	nl_put_u32(b, IFLA_GROUP, dev->group);
	nl_put_u32(b, IFLA_PROMISCUITY, dev->promiscuity);
	nl_put_u32(b, IFLA_ALLMULTI, dev->allmulti);
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, dev->queue_count);
	nl_put_u32(b, IFLA_GSO_MAX_SEGS, 65535);
	nl_put_u32(b, IFLA_GSO_MAX_SIZE, 65536);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
	nl_put_u8(b, IFLA_CARRIER, atomic_load(&dev->carrier) != 0);
	nl_put_string(b, IFLA_QDISC, qdisc(dev));
	if (dev->alias)
		nl_put_string(b, IFLA_IFALIAS, dev->alias);
	put_counts(b, dev);
	nl_put_u8(b, IFLA_PROTO_DOWN, 0);
	put_addresses(b, dev);
	put_stats(b, dev);
	if (dev->ops->kind) {
		u32 nest = nl_nest(b, IFLA_LINKINFO);

		nl_put_string(b, IFLA_INFO_KIND, dev->ops->kind);
		nl_nest_end(b, nest);
	}
}

static struct ifinfomsg header(const struct net_device *dev, u32 change)
{
	return (struct ifinfomsg){ .ifi_type = dev->type, .ifi_index = (int)dev->ifindex, .ifi_flags = device_user_flags(dev), .ifi_change = change };
}

static void notify(const struct net_device *dev, u16 type, u32 change)
{
	struct ifinfomsg head = header(dev, change);
	struct nl_buf b;

	if (!netlink_wanted(NETLINK_ROUTE, RTNLGRP_LINK) || netlink_buf_new(&b, LINK_ROOM, ALLOC_KERNEL))
		return;
	u32 at = nl_begin(&b, type, 0, 0, 0, &head, sizeof(head));

	put_link(&b, dev);
	nl_end(&b, at);
	netlink_multicast(NETLINK_ROUTE, RTNLGRP_LINK, &b, NULL);
}

static void device_event(struct net_device *dev, enum device_event event)
{
	switch (event) {
	case DEVICE_REGISTERED: notify(dev, RTM_NEWLINK, ~0u); break;
	case DEVICE_UNREGISTERING: notify(dev, RTM_DELLINK, ~0u); break;
	case DEVICE_UP: notify(dev, RTM_NEWLINK, IFF_UP | IFF_RUNNING | IFF_LOWER_UP); break;
	case DEVICE_DOWN: notify(dev, RTM_NEWLINK, IFF_UP | IFF_RUNNING | IFF_LOWER_UP); break;
	case DEVICE_MTU:
	case DEVICE_RENAMED:
	case DEVICE_CHANGED: notify(dev, RTM_NEWLINK, 0); break;
	default: break;
	}
}

/* ---- asking ---- */

/* The device that a request names. @need: it has to name one. ERR_PTR(-EINVAL, -ENODEV) */
static struct net_device *named(struct netlink_request *r, const struct ifinfomsg *head, const struct nl_attr *t)
{
	char name[128];
	struct net_device *dev;

	if (head->ifi_index > 0) {
		dev = device_by_index((u32)head->ifi_index);
	} else if (t[IFLA_IFNAME].data || t[IFLA_ALT_IFNAME].data) {
		nl_get_string(t[IFLA_IFNAME].data ? &t[IFLA_IFNAME] : &t[IFLA_ALT_IFNAME], name, sizeof(name));
		dev = strlen(name) < IFNAMSIZ ? device_by_name(name) : NULL;
	} else {
		return ERR_PTR(-EINVAL);
	}
	return dev ? dev : ERR_PTR(-ENODEV);
}

static int get_link(struct netlink_request *r)
{
	struct nl_attr t[IFLA_MAX + 1];
	struct ifinfomsg head;
	struct nl_buf b;
	int err = rtnl_parse(r, &head, sizeof(head), link_policy, IFLA_MAX, t, r->strict ? NL_STRICT : NL_LIBERAL);

	if (err)
		return err;
	if (t[IFLA_TARGET_NETNSID].data)
		return rtnl_refuse_attr(r, -EINVAL, "invalid target network namespace id", &t[IFLA_TARGET_NETNSID]);
	struct net_device *dev = named(r, &head, t);

	if (IS_ERR(dev))
		return (int)PTR_ERR(dev);
	err = netlink_buf_new(&b, LINK_ROOM, ALLOC_KERNEL);
	if (err)
		return err;
	head = header(dev, 0);
	u32 at = nl_begin(&b, RTM_NEWLINK, 0, r->msg.head.nlmsg_seq, r->portid, &head, sizeof(head));

	put_link(&b, dev);
	nl_end(&b, at);
	return netlink_reply(r, &b);
}

/* d->at: [0] devices told; [1] 1: only those with a master, of which there are none; [2] 1 + kind to be told, 0: all */
static int links_step(struct netlink_dump *d, struct nl_buf *b)
{
	u64 n = 0;

	netlink_dump_check(d, device_generation());
	for (struct net_device *dev = device_next(NULL); dev && !d->at[1]; dev = device_next(dev), n++) {
		if (n < d->at[0] || (d->at[2] && (!dev->ops->kind || strcmp(dev->ops->kind, kinds[d->at[2] - 1].name))))
			continue;
		struct ifinfomsg head = header(dev, 0);
		u32 at = netlink_dump_begin(d, b, RTM_NEWLINK, d->at[2] ? NLM_F_DUMP_FILTERED : 0, &head, sizeof(head));

		put_link(b, dev);
		if (!nl_end(b, at)) {
			d->at[0] = n;
			return 1;
		}
	}
	return 0;
}

/* Which kind of device an IFLA_LINKINFO names. -1: none; -EOPNOTSUPP: none that there is */
static int kind_of(const struct nl_attr *info)
{
	struct nl_attr t[IFLA_INFO_MAX + 1];
	char name[32];

	if (!info->data || nl_parse(info->data, info->len, NULL, IFLA_INFO_MAX, t, NL_LIBERAL, NULL) || !t[IFLA_INFO_KIND].data)
		return -1;
	nl_get_string(&t[IFLA_INFO_KIND], name, sizeof(name));
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return (int)i;
	return -EOPNOTSUPP;
}

static int check_strict_dump(struct netlink_request *r, const struct ifinfomsg *head, const struct nl_attr *t)
{
	if (head->ifi_type || head->ifi_flags || head->ifi_change)
		return rtnl_refuse(r, -EINVAL, "Invalid values in header for link dump request");
	if (head->ifi_index)
		return rtnl_refuse(r, -EINVAL, "Filter by device index not supported for link dumps");
	for (u32 i = 0; i <= IFLA_MAX; i++)
		if (t[i].data && i != IFLA_EXT_MASK && i != IFLA_MASTER && i != IFLA_LINKINFO && i != IFLA_TARGET_NETNSID)
			return rtnl_refuse_attr(r, -EINVAL, "Unsupported attribute in link dump request", &t[i]);
	return 0;
}

static int dump_links(struct netlink_request *r)
{
	struct netlink_dump d = { .step = links_step };
	struct nl_attr t[IFLA_MAX + 1] = { 0 };
	struct ifinfomsg head;
	int err = 0;

	if (r->msg.len >= sizeof(head) || r->strict) {
		err = rtnl_parse(r, &head, sizeof(head), link_policy, IFLA_MAX, t, r->strict ? NL_STRICT : NL_LIBERAL);
		if (!err && r->strict)
			err = check_strict_dump(r, &head, t);
	}
	if (!err && t[IFLA_TARGET_NETNSID].data)
		err = rtnl_refuse_attr(r, -EINVAL, "Invalid target network namespace id", &t[IFLA_TARGET_NETNSID]);
	if (err)
		return r->strict ? rtnl_dump_failed(r, err, 0) : err;
	int kind = kind_of(&t[IFLA_LINKINFO]);

	d.at[1] = nl_get_u32(&t[IFLA_MASTER]) != 0;
	if (kind >= 0)
		d.at[2] = (u64)kind + 1;
	return rtnl_dump(r, &d);
}

/* ---- changing ---- */

/* What cannot be changed, or is not there to be changed. */
static int check_changes(struct netlink_request *r, const struct nl_attr *t)
{
	static const u16 refused[] = {
		IFLA_NET_NS_PID, IFLA_NET_NS_FD, IFLA_MASTER, IFLA_MAP, IFLA_LINK, IFLA_OPERSTATE, IFLA_LINKMODE, IFLA_CARRIER, IFLA_VFINFO_LIST,
		IFLA_VF_PORTS, IFLA_PORT_SELF, IFLA_AF_SPEC, IFLA_XDP, IFLA_PROTO_DOWN, IFLA_PROTO_DOWN_REASON, IFLA_PROP_LIST, IFLA_BROADCAST,
		IFLA_GSO_MAX_SIZE, IFLA_GSO_MAX_SEGS, IFLA_TARGET_NETNSID,
	};

	for (u32 i = 0; i < ARRAY_SIZE(refused); i++)
		if (t[refused[i]].data)
			return rtnl_refuse_attr(r, -EOPNOTSUPP, NULL, &t[refused[i]]);
	return 0;
}

static int check_mtu(struct netlink_request *r, const struct net_device *dev, u32 mtu)
{
	if ((s32)mtu < 0)
		return rtnl_refuse(r, -EINVAL, "mtu less than device minimum");
	if (mtu < dev->mtu_min)
		return rtnl_refuse(r, -EINVAL, "mtu less than device minimum");
	if (dev->mtu_max && mtu > dev->mtu_max)
		return rtnl_refuse(r, -EINVAL, "mtu greater than device maximum");
	return 0;
}

static int set_alias(struct net_device *dev, const struct nl_attr *a)
{
	char *alias = NULL;

	if (a->len && a->data[0]) {
		alias = kstrndup((const char *)a->data, a->len, ALLOC_KERNEL);
		if (!alias)
			return -ENOMEM;
	}
	char *old = dev->alias;

	dev->alias = alias;
	kfree(old);
	return 0;
}

static int set_txqlen(struct netlink_request *r, struct net_device *dev, u32 len)
{
	if ((s32)len < 0)
		return -ERANGE;
	WRITE_ONCE(dev->tx_queue_len, len);
	return 0;
}

static int set_link_addr(struct netlink_request *r, struct net_device *dev, const struct nl_attr *a)
{
	return a->len < dev->addr_len ? -EINVAL : device_set_addr(dev, a->data);
}

static int set_link_name(struct net_device *dev, const struct nl_attr *a)
{
	char name[IFNAMSIZ];

	nl_get_string(a, name, sizeof(name));
	return name[0] ? device_set_name(dev, name) : 0;
}

/* @rename: IFLA_IFNAME is a new name, not how the device was found. */
static int change(struct netlink_request *r, struct net_device *dev, const struct ifinfomsg *head, const struct nl_attr *t, bool rename)
{
	int err = check_changes(r, t);

	if (!err && t[IFLA_ADDRESS].data)
		err = set_link_addr(r, dev, &t[IFLA_ADDRESS]);
	if (!err && t[IFLA_MTU].data && nl_get_u32(&t[IFLA_MTU]) != dev->mtu) {
		err = check_mtu(r, dev, nl_get_u32(&t[IFLA_MTU]));
		if (!err)
			err = device_set_mtu(dev, nl_get_u32(&t[IFLA_MTU]));
	}
	if (!err && t[IFLA_GROUP].data)
		dev->group = nl_get_u32(&t[IFLA_GROUP]);
	if (!err && rename && t[IFLA_IFNAME].data)
		err = set_link_name(dev, &t[IFLA_IFNAME]);
	if (!err && t[IFLA_IFALIAS].data)
		err = set_alias(dev, &t[IFLA_IFALIAS]);
	if (!err && (head->ifi_flags || head->ifi_change))
		err = device_set_flags(dev, head->ifi_flags, head->ifi_change ? head->ifi_change : ~0u);
	if (!err && t[IFLA_TXQLEN].data)
		err = set_txqlen(r, dev, nl_get_u32(&t[IFLA_TXQLEN]));
	if (!err && (t[IFLA_GROUP].data || t[IFLA_IFALIAS].data || t[IFLA_TXQLEN].data))
		notify(dev, RTM_NEWLINK, 0);
	return err;
}

static int set_link(struct netlink_request *r)
{
	struct nl_attr t[IFLA_MAX + 1];
	struct ifinfomsg head;
	int err = rtnl_parse(r, &head, sizeof(head), link_policy, IFLA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	struct net_device *dev = named(r, &head, t);

	return IS_ERR(dev) ? (int)PTR_ERR(dev) : change(r, dev, &head, t, head.ifi_index > 0);
}

/* What a new device is before anybody sees it. */
static int furnish(struct netlink_request *r, struct net_device *dev, const struct nl_attr *t)
{
	const struct nl_attr *addr = &t[IFLA_ADDRESS];
	int err = check_changes(r, t);

	if (!err && t[IFLA_MTU].data)
		err = check_mtu(r, dev, nl_get_u32(&t[IFLA_MTU]));
	if (!err && addr->data)
		err = addr->len != dev->addr_len ? -EINVAL : dev->ops->set_addr ? dev->ops->set_addr(dev, addr->data) : -EOPNOTSUPP;
	if (!err && t[IFLA_IFALIAS].data)
		err = set_alias(dev, &t[IFLA_IFALIAS]);
	if (!err && t[IFLA_TXQLEN].data)
		err = set_txqlen(r, dev, nl_get_u32(&t[IFLA_TXQLEN]));
	if (err)
		return err;
	if (t[IFLA_MTU].data)
		dev->mtu = nl_get_u32(&t[IFLA_MTU]);
	if (addr->data)
		memcpy(dev->addr, addr->data, dev->addr_len);
	dev->group = nl_get_u32(&t[IFLA_GROUP]);
	return 0;
}

static int create(struct netlink_request *r, const struct ifinfomsg *head, const struct nl_attr *t)
{
	int kind = kind_of(&t[IFLA_LINKINFO]);
	char name[IFNAMSIZ];

	if (kind < 0)
		return rtnl_refuse_attr(r, -EOPNOTSUPP, "Unknown device type", &t[IFLA_LINKINFO]);
	nl_get_string(&t[IFLA_IFNAME], name, sizeof(name));
	if (!name[0])
		scnprintf(name, sizeof(name), "%s%%d", kinds[kind].name);
	struct net_device *dev = kinds[kind].create(name);

	if (!dev)
		return -ENOMEM;
	int err = furnish(r, dev, t);

	if (!err)
		err = device_register(dev);
	if (err) {
		device_put(dev);
		return err;
	}
	if (head->ifi_flags || head->ifi_change)
		err = device_set_flags(dev, head->ifi_flags, head->ifi_change ? head->ifi_change : ~0u);
	if (err)
		device_unregister(dev);
	return err;
}

static int new_link(struct netlink_request *r)
{
	struct nl_attr t[IFLA_MAX + 1];
	struct ifinfomsg head;
	u32 flags = r->msg.head.nlmsg_flags;
	int err = rtnl_parse(r, &head, sizeof(head), link_policy, IFLA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	struct net_device *dev = named(r, &head, t);

	if (!IS_ERR(dev)) {
		if (flags & NLM_F_EXCL)
			return -EEXIST;
		if (flags & NLM_F_REPLACE)
			return -EOPNOTSUPP;
		if (t[IFLA_LINKINFO].data && kind_of(&t[IFLA_LINKINFO]) != -1 &&
		    (!dev->ops->kind || kind_of(&t[IFLA_LINKINFO]) < 0 || strcmp(dev->ops->kind, kinds[kind_of(&t[IFLA_LINKINFO])].name)))
			return -EOPNOTSUPP;
		return change(r, dev, &head, t, head.ifi_index > 0);
	}
	if (!(flags & NLM_F_CREATE))
		return -ENODEV;
	if (head.ifi_index > 0)
		return -EOPNOTSUPP;		/* a number of one's own choice is not there yet */
	return create(r, &head, t);
}

static int delete_link(struct netlink_request *r)
{
	struct nl_attr t[IFLA_MAX + 1];
	struct ifinfomsg head;
	int err = rtnl_parse(r, &head, sizeof(head), link_policy, IFLA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	struct net_device *dev = named(r, &head, t);

	if (IS_ERR(dev))
		return (int)PTR_ERR(dev);
	if (!dev->ops->kind)
		return -EOPNOTSUPP;
	device_unregister(dev);
	return 0;
}

void rtnl_links_init(void)
{
	static const struct rtnl_handler table[] = {
		{ .type = RTM_GETLINK, .request = get_link, .dump = dump_links }, { .type = RTM_SETLINK, .request = set_link },
		{ .type = RTM_NEWLINK, .request = new_link }, { .type = RTM_DELLINK, .request = delete_link },
	};
	static struct device_listener listener = { .event = device_event };

	rtnl_register(table, ARRAY_SIZE(table));
	device_listen(&listener);
}
