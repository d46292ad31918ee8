/*
 * RTM_*ROUTE: IPv4 routes.
 *
 * Kept of a route's metrics: RTAX_MTU.  Others, several next hops and encapsulation are refused.
 *
 * Source: rtnetlink(7); ip-route(8); <linux/rtnetlink.h>.
 */
#include <linux/errno.h>
#include <linux/in_route.h>
#include "base/string.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/route4.h"
#include "net/rtnetlink.h"

enum { ROUTE_ROOM = 512 };

static const struct nl_policy route_policy[RTA_MAX + 1] = {
	[RTA_DST] = { NL_U32 }, [RTA_SRC] = { NL_U32 }, [RTA_IIF] = { NL_U32 }, [RTA_OIF] = { NL_U32 }, [RTA_GATEWAY] = { NL_U32 },
	[RTA_PRIORITY] = { NL_U32 }, [RTA_PREFSRC] = { NL_U32 }, [RTA_METRICS] = { NL_NESTED }, [RTA_MULTIPATH] = { NL_ANY, sizeof(struct rtnexthop) },
	[RTA_FLOW] = { NL_U32 }, [RTA_ENCAP_TYPE] = { NL_U16 }, [RTA_ENCAP] = { NL_NESTED }, [RTA_UID] = { NL_U32 }, [RTA_MARK] = { NL_U32 },
	[RTA_TABLE] = { NL_U32 }, [RTA_IP_PROTO] = { NL_U8 }, [RTA_SPORT] = { NL_U16 }, [RTA_DPORT] = { NL_U16 }, [RTA_NH_ID] = { NL_U32 },
};

/* ---- telling ---- */

static void put_metrics(struct nl_buf *b, u32 mtu)
{
	if (!mtu)
		return;
	u32 nest = nl_nest(b, RTA_METRICS);

	nl_put_u32(b, RTAX_MTU, mtu);
	nl_nest_end(b, nest);
}

static u32 flags_of(const struct route4 *r)
{
	bool dead_link = r->dev && device_is_up(r->dev) && !atomic_load(&r->dev->carrier);

	return (r->onlink ? RTNH_F_ONLINK : 0) | (dead_link ? RTNH_F_LINKDOWN : 0);
}

static struct rtmsg header(const struct route4 *r)
{
	return (struct rtmsg){
		.rtm_family = RTNL_AF_INET, .rtm_dst_len = r->prefix_len, .rtm_tos = r->tos, .rtm_table = r->table, .rtm_protocol = r->protocol,
		.rtm_scope = r->scope, .rtm_type = r->type, .rtm_flags = flags_of(r),
	};
}

static void put_route(struct nl_buf *b, const struct route4 *r)
{
	nl_put_u32(b, RTA_TABLE, r->table);
	if (r->prefix_len)
		nl_put_u32(b, RTA_DST, r->prefix);
	if (r->metric)
		nl_put_u32(b, RTA_PRIORITY, r->metric);
	put_metrics(b, r->mtu);
	if (r->src)
		nl_put_u32(b, RTA_PREFSRC, r->src);
	if (r->gateway)
		nl_put_u32(b, RTA_GATEWAY, r->gateway);
	if (r->dev)
		nl_put_u32(b, RTA_OIF, r->dev->ifindex);
}

void rtnl_route_told(const struct route4 *r, bool added, bool replaced)
{
	struct rtmsg head = header(r);
	struct nl_buf b;

	if (!netlink_wanted(NETLINK_ROUTE, RTNLGRP_IPV4_ROUTE) || netlink_buf_new(&b, ROUTE_ROOM, ALLOC_KERNEL))
		return;
	u32 at = nl_begin(&b, added ? RTM_NEWROUTE : RTM_DELROUTE, replaced ? NLM_F_REPLACE : 0, rtnl_seq(), rtnl_portid(), &head, sizeof(head));

	put_route(&b, r);
	nl_end(&b, at);
	netlink_multicast(NETLINK_ROUTE, RTNLGRP_IPV4_ROUTE, &b, rtnl_requester());
}

/* ---- the list ---- */

/* What a strict request asks to see. 0: all */
struct route_filter {
	u8 table, protocol, type;
	bool none;			/* cached routes, which are not kept */
	u32 oif;
};
static_assert(sizeof(struct route_filter) <= 2 * sizeof(u64), "in two words of a dump");

static bool wanted(const struct route_filter *f, const struct route4 *r)
{
	return !f->none && (!f->table || f->table == r->table) && (!f->protocol || f->protocol == r->protocol) && (!f->type || f->type == r->type) &&
	       (!f->oif || (r->dev && r->dev->ifindex == f->oif));
}

/* d->at: [0] routes passed; [1] and [2] the filter */
static int routes_step(struct netlink_dump *d, struct nl_buf *b)
{
	struct route_filter f;
	u32 count = 0, n;
	int more = 0;

	memcpy(&f, &d->at[1], sizeof(f));
	netlink_dump_check(d, route4_generation());
	struct route4_slot *all = route4_sorted(&count);

	if (!all)
		return -ENOBUFS;
	for (n = (u32)d->at[0]; n < count && !more; n++) {
		if (!wanted(&f, all[n].route))
			continue;
		struct rtmsg head = header(all[n].route);
		u32 at = netlink_dump_begin(d, b, RTM_NEWROUTE, 0, &head, sizeof(head));

		put_route(b, all[n].route);
		if (!nl_end(b, at)) {
			d->at[0] = n;
			more = 1;
		}
	}
	kvfree(all);
	return more;
}

static bool table_exists(u32 table)
{
	if (table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL)
		return true;
	for (const struct route4 *r = route4_next(NULL); r; r = route4_next(r))
		if (r->table == table)
			return true;
	return false;
}

/* @flags: NLM_F_DUMP_FILTERED once it is known that it is one */
static int strict_filter(struct netlink_request *r, struct route_filter *f, u16 *flags)
{
	struct nl_attr t[RTA_MAX + 1];
	struct rtmsg head;
	int err = rtnl_parse(r, &head, sizeof(head), route_policy, RTA_MAX, t, NL_STRICT);

	if (err)
		return err;
	if (head.rtm_dst_len || head.rtm_src_len || head.rtm_tos || head.rtm_scope)
		return rtnl_refuse(r, -EINVAL, "Invalid values in header for FIB dump request");
	if (head.rtm_flags & ~(u32)(RTM_F_CLONED | RTM_F_PREFIX))
		return rtnl_refuse(r, -EINVAL, "Invalid flags for FIB dump request");
	for (u32 i = 0; i <= RTA_MAX; i++)
		if (t[i].data && i != RTA_TABLE && i != RTA_OIF)
			return rtnl_refuse_attr(r, -EINVAL, "Unsupported attribute in dump request", &t[i]);
	u32 table = t[RTA_TABLE].data ? nl_get_u32(&t[RTA_TABLE]) : head.rtm_table;

	f->none = head.rtm_flags & RTM_F_CLONED;
	f->protocol = head.rtm_protocol;
	f->type = head.rtm_type;
	f->oif = nl_get_u32(&t[RTA_OIF]);
	f->table = (u8)table;
	if (f->oif && !device_by_index(f->oif))
		return -ENODEV;
	*flags = f->protocol || f->type || f->oif || table ? NLM_F_DUMP_FILTERED : 0;
	if (table > 255 || (table && !table_exists(table)))
		return rtnl_refuse(r, -ENOENT, "ipv4: FIB table does not exist");
	return 0;
}

static int dump_routes(struct netlink_request *r)
{
	struct netlink_dump d = { .step = routes_step };
	struct route_filter f = { 0 };
	struct rtmsg head;
	int err = 0;

	if (r->strict) {
		rtnl_lock();
		err = strict_filter(r, &f, &d.flags);
		rtnl_unlock();
	} else if (r->msg.len >= sizeof(head)) {
		memcpy(&head, r->msg.body, sizeof(head));
		f.none = head.rtm_flags & RTM_F_CLONED;
	}
	memcpy(&d.at[1], &f, sizeof(f));
	return err ? rtnl_dump_failed(r, err, d.flags) : rtnl_dump(r, &d);
}

static int dump_other_routes(struct netlink_request *r)
{
	return r->msg.body[0] == RTNL_AF_UNSPEC ? dump_routes(r) : rtnl_dump_nothing(r);
}

/* ---- ip route get ---- */

static const u8 type_of_kind[] = {
	[IP_DST_UNICAST] = RTN_UNICAST, [IP_DST_LOCAL] = RTN_LOCAL, [IP_DST_BROADCAST] = RTN_BROADCAST, [IP_DST_MULTICAST] = RTN_MULTICAST,
};

static u32 flags_of_kind(u8 kind)
{
	return RTM_F_CLONED | (kind == IP_DST_LOCAL ? RTCF_LOCAL : kind == IP_DST_BROADCAST ? RTCF_BROADCAST | RTCF_LOCAL :
			       kind == IP_DST_MULTICAST ? RTCF_MULTICAST : 0);
}

static int answer_route(struct netlink_request *r, const struct ip_flow *flow, const struct ip_dst *dst, const struct nl_attr *t)
{
	struct rtmsg head = {
		.rtm_family = RTNL_AF_INET, .rtm_dst_len = 32, .rtm_src_len = t[RTA_SRC].data ? 32 : 0, .rtm_tos = flow->tos,
		.rtm_table = RT_TABLE_MAIN, .rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = type_of_kind[dst->kind], .rtm_flags = flags_of_kind(dst->kind),
	};
	struct rta_cacheinfo info = { 0 };
	struct nl_buf b;
	int err = netlink_buf_new(&b, ROUTE_ROOM, ALLOC_KERNEL);

	if (err)
		return err;
	u32 at = nl_begin(&b, RTM_NEWROUTE, 0, r->msg.head.nlmsg_seq, r->portid, &head, sizeof(head));

	nl_put_u32(&b, RTA_TABLE, head.rtm_table);
	nl_put_u32(&b, RTA_DST, flow->dst.w[3]);
	if (t[RTA_SRC].data)
		nl_put_u32(&b, RTA_SRC, flow->src.w[3]);
	nl_put_u32(&b, RTA_OIF, dst->dev->ifindex);
	if (!t[RTA_SRC].data)
		nl_put_u32(&b, RTA_PREFSRC, dst->src.w[3]);
	if (!ip_addr_equal(&dst->gateway, &flow->dst))
		nl_put_u32(&b, RTA_GATEWAY, dst->gateway.w[3]);
	put_metrics(&b, dst->mtu != dst->dev->mtu ? dst->mtu : 0);
	nl_put_u32(&b, RTA_UID, flow->uid);
	nl_put(&b, RTA_CACHEINFO, &info, sizeof(info));
	nl_end(&b, at);
	return netlink_reply(r, &b);
}

static int get_route(struct netlink_request *r)
{
	struct nl_attr t[RTA_MAX + 1];
	struct rtmsg head;
	struct ip_dst dst;
	int err = rtnl_parse(r, &head, sizeof(head), route_policy, RTA_MAX, t, r->strict ? NL_STRICT : NL_LIBERAL);

	if (err)
		return err;
	if (t[RTA_IIF].data)
		return -EOPNOTSUPP;		/* nothing is forwarded: there is no route from a device to another */
	struct ip_flow flow = {
		.src = ip_addr_v4(nl_get_u32(&t[RTA_SRC])), .dst = ip_addr_v4(nl_get_u32(&t[RTA_DST])), .oif = nl_get_u32(&t[RTA_OIF]),
		.mark = nl_get_u32(&t[RTA_MARK]), .uid = nl_get_u32(&t[RTA_UID]), .sport = be16_to_cpu(nl_get_u16(&t[RTA_SPORT])),
		.dport = be16_to_cpu(nl_get_u16(&t[RTA_DPORT])), .protocol = nl_get_u8(&t[RTA_IP_PROTO]), .tos = head.rtm_tos,
	};

	if (!flow.dst.w[3])
		flow.dst = ip_addr_v4(cpu_to_be32(0x7f000001));
	net_enter();
	err = ip_route(&flow, &dst);
	net_leave();
	return err ? err : answer_route(r, &flow, &dst, t);
}

/* ---- changing ---- */

static int read_metrics(struct netlink_request *r, const struct nl_attr *nest, struct route4 *out)
{
	struct nl_attr t[RTAX_MAX + 1];
	int err = nest->data ? nl_parse(nest->data, nest->len, NULL, RTAX_MAX, t, NL_LIBERAL, &r->ext) : 0;

	for (u32 i = 0; nest->data && !err && i <= RTAX_MAX; i++)
		if (t[i].data && i != RTAX_MTU && i != RTAX_LOCK)
			err = rtnl_refuse_attr(r, -EOPNOTSUPP, NULL, &t[i]);
	if (!err && nest->data)
		out->mtu = nl_get_u32(&t[RTAX_MTU]);
	return err;
}

/* The route that a request gives, as far as both adding and deleting read it. */
static int read_route(struct netlink_request *r, struct rtmsg *head, struct nl_attr *t, struct route4 *out)
{
	int err = rtnl_parse(r, head, sizeof(*head), route_policy, RTA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	if (head->rtm_dst_len > 32)
		return rtnl_refuse(r, -EINVAL, "Invalid prefix length");
	if (head->rtm_type > RTN_MAX)
		return rtnl_refuse(r, -EINVAL, "Invalid route type");
	if (t[RTA_MULTIPATH].data || t[RTA_ENCAP].data || t[RTA_VIA].data || t[RTA_FLOW].data || t[RTA_NH_ID].data)
		return -EOPNOTSUPP;
	u32 table = t[RTA_TABLE].data ? nl_get_u32(&t[RTA_TABLE]) : head->rtm_table;

	*out = (struct route4){
		.prefix = nl_get_u32(&t[RTA_DST]), .prefix_len = head->rtm_dst_len, .table = (u8)(table ? table : RT_TABLE_MAIN), .tos = head->rtm_tos,
		.type = head->rtm_type, .protocol = head->rtm_protocol, .scope = head->rtm_scope, .metric = nl_get_u32(&t[RTA_PRIORITY]),
		.gateway = nl_get_u32(&t[RTA_GATEWAY]), .src = nl_get_u32(&t[RTA_PREFSRC]), .onlink = head->rtm_flags & RTNH_F_ONLINK,
	};
	if (out->prefix & ~ip4_mask(out->prefix_len))
		return rtnl_refuse(r, -EINVAL, "Invalid prefix for given prefix length");
	if (t[RTA_OIF].data) {
		out->dev = device_by_index(nl_get_u32(&t[RTA_OIF]));
		if (!out->dev)
			return -ENODEV;
	}
	return table && table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL && table != RT_TABLE_DEFAULT ? -EOPNOTSUPP : 0;
}

static bool has_next_hop(u8 type)
{
	return type == RTN_UNICAST || type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_MULTICAST || type == RTN_ANYCAST || type == RTN_UNSPEC;
}

/* Where the next hop is, and whether it can be reached. */
static int check_next_hop(struct netlink_request *r, struct route4 *route)
{
	if (!has_next_hop(route->type)) {
		if (route->dev || route->gateway)
			return rtnl_refuse(r, -EINVAL, "Route type does not allow nexthop attributes");
		return 0;
	}
	if (route->gateway && route->onlink) {
		if (!route->dev)
			return rtnl_refuse(r, -ENODEV, "Nexthop device required for onlink");
		return device_is_up(route->dev) ? 0 : rtnl_refuse(r, -ENETDOWN, "Nexthop device is not up");
	}
	if (route->gateway) {
		const struct route4 *via = route4_lookup(route->gateway, route->dev ? route->dev->ifindex : 0);

		if (!via || via->gateway)
			return rtnl_refuse(r, -ENETUNREACH, "Nexthop has invalid gateway");
		if (via->type != RTN_UNICAST && via->type != RTN_LOCAL)
			return rtnl_refuse(r, -EINVAL, "Nexthop has invalid gateway");
		route->dev = route->dev ? route->dev : via->dev;
		return 0;
	}
	if (!route->dev)
		return -ENODEV;
	return device_is_up(route->dev) ? 0 : rtnl_refuse(r, -ENETDOWN, "Device for nexthop is not up");
}

static int new_route(struct netlink_request *r)
{
	struct nl_attr t[RTA_MAX + 1];
	struct route4 route;
	struct rtmsg head;
	int err = read_route(r, &head, t, &route);

	if (!err)
		err = read_metrics(r, &t[RTA_METRICS], &route);
	if (!err)
		err = check_next_hop(r, &route);
	if (err)
		return err;
	struct ip_addr src = ip_addr_v4(route.src);

	if (route.src && route.type != RTN_LOCAL && !ip_is_local(&src, 0))
		return rtnl_refuse(r, -EINVAL, "Invalid preferred source address");
	if (route.type == RTN_UNSPEC)
		route.type = RTN_UNICAST;
	return route4_insert(&route, r->msg.head.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE | NLM_F_APPEND));
}

static int delete_route(struct netlink_request *r)
{
	struct nl_attr t[RTA_MAX + 1];
	struct route4 route;
	struct rtmsg head;
	int err = read_route(r, &head, t, &route);

	return err ? err : route4_delete(&route);
}

static const struct route4_listener route_listener = { .route = rtnl_route_told, .address = rtnl_address_told };

void rtnl_routes_init(void)
{
	static const struct rtnl_handler table[] = {
		{ .type = RTM_GETROUTE, .family = RTNL_AF_INET, .request = get_route, .dump = dump_routes },
		{ .type = RTM_GETROUTE, .dump = dump_other_routes },
		{ .type = RTM_NEWROUTE, .family = RTNL_AF_INET, .request = new_route },
		{ .type = RTM_DELROUTE, .family = RTNL_AF_INET, .request = delete_route },
	};

	rtnl_register(table, ARRAY_SIZE(table));
	route4_listen(&route_listener);
}
