/*
 * RTM_*ADDR: IPv4 addresses of devices.
 *
 * Source: rtnetlink(7), <linux/if_addr.h>.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "net/device.h"
#include "net/route4.h"
#include "net/rtnetlink.h"

enum { ADDR_ROOM = 256 };

static const struct nl_policy addr_policy[IFA_MAX + 1] = {
	[IFA_ADDRESS] = { NL_U32 }, [IFA_LOCAL] = { NL_U32 }, [IFA_BROADCAST] = { NL_U32 }, [IFA_LABEL] = { NL_STRING, IFNAMSIZ - 1 },
	[IFA_CACHEINFO] = { NL_ANY, sizeof(struct ifa_cacheinfo) }, [IFA_FLAGS] = { NL_U32 }, [IFA_RT_PRIORITY] = { NL_U32 }, [IFA_PROTO] = { NL_U8 },
	[IFA_TARGET_NETNSID] = { NL_U32 },
};

/* ---- telling ---- */

/* What is left of a life of @life_s seconds. */
static u32 left_s(const struct ip4_address *a, u32 life_s, u64 now)
{
	u64 past = (now - a->updated_ns) / NS_PER_SEC;

	return life_s == ~0u ? life_s : past < life_s ? life_s - (u32)past : 0;
}

static void put_address(struct nl_buf *b, const struct ip4_address *a)
{
	u64 now = plat_mono_ns();
	struct ifa_cacheinfo life = {
		.ifa_valid = left_s(a, a->valid_s, now), .ifa_prefered = left_s(a, a->preferred_s, now),
		.cstamp = (u32)(a->created_ns / (NS_PER_SEC / 100)), .tstamp = (u32)(a->updated_ns / (NS_PER_SEC / 100)),
	};

	if (a->peer)
		nl_put_u32(b, IFA_ADDRESS, a->peer);
	if (a->local)
		nl_put_u32(b, IFA_LOCAL, a->local);
	if (a->broadcast)
		nl_put_u32(b, IFA_BROADCAST, a->broadcast);
	if (a->label[0])
		nl_put_string(b, IFA_LABEL, a->label);
	if (a->protocol)
		nl_put_u8(b, IFA_PROTO, a->protocol);
	nl_put_u32(b, IFA_FLAGS, a->flags);
	if (a->metric)
		nl_put_u32(b, IFA_RT_PRIORITY, a->metric);
	nl_put(b, IFA_CACHEINFO, &life, sizeof(life));
}

static struct ifaddrmsg header(const struct net_device *dev, const struct ip4_address *a)
{
	return (struct ifaddrmsg){
		.ifa_family = RTNL_AF_INET, .ifa_prefixlen = a->prefix_len, .ifa_flags = (u8)a->flags, .ifa_scope = a->scope, .ifa_index = dev->ifindex,
	};
}

void rtnl_address_told(const struct net_device *dev, const struct ip4_address *a, bool added)
{
	struct ifaddrmsg head = header(dev, a);
	struct nl_buf b;

	if (!netlink_wanted(NETLINK_ROUTE, RTNLGRP_IPV4_IFADDR) || netlink_buf_new(&b, ADDR_ROOM, ALLOC_KERNEL))
		return;
	u32 at = nl_begin(&b, added ? RTM_NEWADDR : RTM_DELADDR, 0, rtnl_seq(), rtnl_portid(), &head, sizeof(head));

	put_address(&b, a);
	nl_end(&b, at);
	netlink_multicast(NETLINK_ROUTE, RTNLGRP_IPV4_IFADDR, &b, rtnl_requester());
}

/* ---- asking ---- */

/* d->at: [0] addresses told; [1] the only device, 0: all */
static int addresses_step(struct netlink_dump *d, struct nl_buf *b)
{
	const struct ip4_address *a;
	u64 n = 0;

	netlink_dump_check(d, device_generation() ^ ip4_address_generation() << 16 ?: 1);
	for (struct net_device *dev = device_next(NULL); dev; dev = device_next(dev)) {
		if (!dev->ip4 || (d->at[1] && dev->ifindex != d->at[1]))
			continue;
		list_for_each_entry(a, &dev->ip4->addresses, node) {
			if (n++ < d->at[0])
				continue;
			struct ifaddrmsg head = header(dev, a);
			u32 at = netlink_dump_begin(d, b, RTM_NEWADDR, 0, &head, sizeof(head));

			put_address(b, a);
			if (!nl_end(b, at)) {
				d->at[0] = n - 1;
				return 1;
			}
		}
	}
	return 0;
}

static int check_strict_dump(struct netlink_request *r, const struct ifaddrmsg *head, const struct nl_attr *t)
{
	if (head->ifa_prefixlen || head->ifa_flags || head->ifa_scope)
		return rtnl_refuse(r, -EINVAL, "ipv4: Invalid values in header for address dump request");
	for (u32 i = 0; i <= IFA_MAX; i++)
		if (t[i].data)
			return rtnl_refuse_attr(r, -EINVAL, i == IFA_TARGET_NETNSID ? "ipv4: Invalid target network namespace id" :
						"ipv4: Unsupported attribute in dump request", &t[i]);
	return 0;
}

static int dump_addresses(struct netlink_request *r)
{
	struct netlink_dump d = { .step = addresses_step };
	struct nl_attr t[IFA_MAX + 1];
	struct ifaddrmsg head = { 0 };
	int err = 0;

	if (r->strict) {
		err = rtnl_parse(r, &head, sizeof(head), addr_policy, IFA_MAX, t, NL_STRICT);
		d.flags = !err && head.ifa_index ? NLM_F_DUMP_FILTERED : 0;
		if (!err)
			err = check_strict_dump(r, &head, t);
		if (!err && head.ifa_index && !device_by_index(head.ifa_index))
			err = -ENODEV;
		d.at[1] = head.ifa_index;
	}
	return err ? rtnl_dump_failed(r, err, d.flags) : rtnl_dump(r, &d);
}

/* Of another family there are none here. */
static int dump_other_addresses(struct netlink_request *r)
{
	return r->msg.body[0] == RTNL_AF_UNSPEC ? dump_addresses(r) : rtnl_dump_nothing(r);
}

/* ---- changing ---- */

static int read_life(struct netlink_request *r, const struct nl_attr *t, struct ip4_address *a)
{
	struct ifa_cacheinfo life;

	a->valid_s = a->preferred_s = ~0u;
	if (nl_get(&t[IFA_CACHEINFO], &life, sizeof(life))) {
		if (!life.ifa_valid || life.ifa_prefered > life.ifa_valid)
			return -EINVAL;
		a->valid_s = life.ifa_valid;
		a->preferred_s = life.ifa_prefered;
	}
	a->flags &= ~(u32)(IFA_F_PERMANENT | IFA_F_DEPRECATED);
	if (a->valid_s == ~0u)
		a->flags |= IFA_F_PERMANENT;
	if (!a->preferred_s)
		a->flags |= IFA_F_DEPRECATED;
	return 0;
}

/* The address that a request gives. */
static int read_address(struct netlink_request *r, struct net_device **dev, struct ip4_address *a)
{
	struct nl_attr t[IFA_MAX + 1];
	struct ifaddrmsg head;
	int err = rtnl_parse(r, &head, sizeof(head), addr_policy, IFA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	if (head.ifa_prefixlen > 32)
		return -EINVAL;
	if (!t[IFA_LOCAL].data)
		return -EINVAL;
	*dev = device_by_index(head.ifa_index);
	if (!*dev)
		return -ENODEV;
	*a = (struct ip4_address){
		.local = nl_get_u32(&t[IFA_LOCAL]), .broadcast = nl_get_u32(&t[IFA_BROADCAST]), .prefix_len = head.ifa_prefixlen,
		.scope = head.ifa_scope, .protocol = nl_get_u8(&t[IFA_PROTO]), .metric = nl_get_u32(&t[IFA_RT_PRIORITY]),
		.flags = t[IFA_FLAGS].data ? nl_get_u32(&t[IFA_FLAGS]) : head.ifa_flags,
	};
	a->peer = t[IFA_ADDRESS].data ? nl_get_u32(&t[IFA_ADDRESS]) : a->local;
	if (t[IFA_LABEL].data)
		nl_get_string(&t[IFA_LABEL], a->label, sizeof(a->label));
	else
		memcpy(a->label, (*dev)->name, IFNAMSIZ);
	return read_life(r, t, a);
}

static struct ip4_address *find_same(const struct net_device *dev, const struct ip4_address *like)
{
	struct ip4_address *a;

	if (dev->ip4)
		list_for_each_entry(a, &dev->ip4->addresses, node)
			if (a->local == like->local && a->prefix_len == like->prefix_len && !((a->peer ^ like->peer) & ip4_mask(a->prefix_len)))
				return a;
	return NULL;
}

static int new_address(struct netlink_request *r)
{
	struct net_device *dev;
	struct ip4_address a;
	int err = read_address(r, &dev, &a);

	if (err)
		return err;
	if (a.valid_s != ~0u)
		return -EOPNOTSUPP;		/* addresses do not expire yet */
	const struct ip4_address *have = find_same(dev, &a);

	if (!have) {
		err = ip4_address_insert(dev, &a);
		return err;
	}
	if (r->msg.head.nlmsg_flags & NLM_F_EXCL || !(r->msg.head.nlmsg_flags & NLM_F_REPLACE))
		return -EEXIST;
	rtnl_address_told(dev, have, true);	/* as it was: its life is for ever either way */
	return 0;
}

static int delete_address(struct netlink_request *r)
{
	struct nl_attr t[IFA_MAX + 1];
	struct ifaddrmsg head;
	int err = rtnl_parse(r, &head, sizeof(head), addr_policy, IFA_MAX, t, NL_LIBERAL);
	const struct ip4_address *a;
	char label[IFNAMSIZ];

	if (err)
		return err;
	struct net_device *dev = device_by_index(head.ifa_index);

	if (!dev)
		return -ENODEV;
	nl_get_string(&t[IFA_LABEL], label, sizeof(label));
	if (dev->ip4)
		list_for_each_entry(a, &dev->ip4->addresses, node) {
			if ((t[IFA_LOCAL].data && a->local != nl_get_u32(&t[IFA_LOCAL])) || (t[IFA_LABEL].data && strcmp(a->label, label)))
				continue;
			if (t[IFA_ADDRESS].data && (head.ifa_prefixlen != a->prefix_len ||
						    (nl_get_u32(&t[IFA_ADDRESS]) ^ a->peer) & ip4_mask(a->prefix_len)))
				continue;
			return ip4_address_delete(dev, a->local, a->prefix_len);
		}
	return -EADDRNOTAVAIL;
}

void rtnl_addresses_init(void)
{
	static const struct rtnl_handler table[] = {
		{ .type = RTM_GETADDR, .family = RTNL_AF_INET, .dump = dump_addresses }, { .type = RTM_GETADDR, .dump = dump_other_addresses },
		{ .type = RTM_NEWADDR, .family = RTNL_AF_INET, .request = new_address },
		{ .type = RTM_DELADDR, .family = RTNL_AF_INET, .request = delete_address },
	};

	rtnl_register(table, ARRAY_SIZE(table));
}
