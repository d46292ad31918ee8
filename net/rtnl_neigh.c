/*
 * RTM_*NEIGH: neighbours of both IP versions.
 *
 * Source: rtnetlink(7), arp(7), <linux/neighbour.h>.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "net/neighbour.h"
#include "net/rtnetlink.h"

enum { NEIGH_ROOM = 256, HZ = 100 };

static const struct nl_policy neigh_policy[NDA_MAX + 1] = {
	[NDA_DST] = { NL_BINARY, 32 }, [NDA_LLADDR] = { NL_BINARY, 32 }, [NDA_IFINDEX] = { NL_U32 }, [NDA_MASTER] = { NL_U32 },
	[NDA_PROBES] = { NL_U32 },
};

/* ---- telling ---- */

static struct ndmsg header(const struct neighbour_view *v)
{
	return (struct ndmsg){
		.ndm_family = ip_addr_is_v4(&v->ip) ? RTNL_AF_INET : RTNL_AF_INET6, .ndm_ifindex = (int)v->dev->ifindex, .ndm_state = v->state,
		.ndm_flags = v->router ? NTF_ROUTER : 0, .ndm_type = RTN_UNICAST,
	};
}

static void put_neighbour(struct nl_buf *b, const struct neighbour_view *v)
{
	u32 age = (u32)((plat_mono_ns() - v->confirmed_ns) / (NS_PER_SEC / HZ));
	struct nda_cacheinfo info = { .ndm_confirmed = age, .ndm_used = age, .ndm_updated = age };

	if (ip_addr_is_v4(&v->ip))
		nl_put_u32(b, NDA_DST, v->ip.w[3]);
	else
		nl_put(b, NDA_DST, &v->ip, sizeof(v->ip));
	if (v->state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY))
		nl_put(b, NDA_LLADDR, v->addr, ETH_ALEN);
	nl_put(b, NDA_CACHEINFO, &info, sizeof(info));
	nl_put_u32(b, NDA_PROBES, v->probes);
}

/* In thread or net context. */
static void told(struct neighbour *n, bool gone)
{
	struct neighbour_view v;
	struct nl_buf b;

	if (!netlink_wanted(NETLINK_ROUTE, RTNLGRP_NEIGH) || netlink_buf_new(&b, NEIGH_ROOM, ALLOC_ATOMIC))
		return;
	neighbour_look(n, &v);
	struct ndmsg head = header(&v);
	u32 at = nl_begin(&b, gone ? RTM_DELNEIGH : RTM_NEWNEIGH, 0, 0, 0, &head, sizeof(head));

	put_neighbour(&b, &v);
	nl_end(&b, at);
	netlink_multicast(NETLINK_ROUTE, RTNLGRP_NEIGH, &b, NULL);
}

/* ---- asking ---- */

struct walk {
	struct netlink_dump *d;
	struct nl_buf *b;
	u64 n;
	bool full;
};

static bool tell_one(struct neighbour *n, void *arg)
{
	struct walk *w = arg;
	struct neighbour_view v;

	if (w->n++ < w->d->at[0])
		return true;
	neighbour_look(n, &v);
	struct ndmsg head = header(&v);

	if (v.state == NUD_NONE || (w->d->at[1] && v.dev->ifindex != w->d->at[1]) || (w->d->at[2] && head.ndm_family != w->d->at[2]))
		return true;
	u32 at = netlink_dump_begin(w->d, w->b, RTM_NEWNEIGH, w->d->at[1] ? NLM_F_DUMP_FILTERED : 0, &head, sizeof(head));

	put_neighbour(w->b, &v);
	w->full = !nl_end(w->b, at);
	return !w->full;
}

/* d->at: [0] neighbours passed; [1] the only device, 0: all; [2] the only family, 0: all */
static int neighbours_step(struct netlink_dump *d, struct nl_buf *b)
{
	struct walk w = { .d = d, .b = b };

	neighbour_each(tell_one, &w);
	d->at[0] = w.full ? w.n - 1 : w.n;
	return w.full;
}

static int check_strict_dump(struct netlink_request *r, const struct ndmsg *head, const struct nl_attr *t)
{
	if (head->ndm_pad1 || head->ndm_pad2 || head->ndm_ifindex || head->ndm_state || head->ndm_type)
		return rtnl_refuse(r, -EINVAL, "Invalid values in header for neighbor dump request");
	if (head->ndm_flags & ~(u32)NTF_PROXY)
		return rtnl_refuse(r, -EINVAL, "Invalid flags in header for neighbor dump request");
	for (u32 i = 0; i <= NDA_MAX; i++)
		if (t[i].data && i != NDA_IFINDEX && i != NDA_MASTER)
			return rtnl_refuse_attr(r, -EINVAL, "Unsupported attribute in neighbor dump request", &t[i]);
	return 0;
}

static int dump_neighbours(struct netlink_request *r)
{
	struct netlink_dump d = { .step = neighbours_step };
	struct nl_attr t[NDA_MAX + 1] = { 0 };
	struct ndmsg head = { .ndm_family = r->msg.body[0] };
	int err = rtnl_parse(r, &head, sizeof(head), neigh_policy, NDA_MAX, t, r->strict ? NL_STRICT : NL_LIBERAL);

	if (!err && r->strict)
		err = check_strict_dump(r, &head, t);
	d.ext = r->ext;				/* what is wrong with it is said, though nothing fails */
	if (err && r->strict)
		return rtnl_dump_failed(r, err, 0);
	d.at[1] = nl_get_u32(&t[NDA_IFINDEX]);
	d.at[2] = head.ndm_family;
	if (head.ndm_flags & NTF_PROXY || nl_get_u32(&t[NDA_MASTER]))
		return rtnl_dump_nothing(r);	/* there are none */
	return rtnl_dump(r, &d);
}

/* The neighbour that a request names. */
static int read_key(struct netlink_request *r, struct ndmsg *head, struct nl_attr *t, struct net_device **dev, struct ip_addr *ip)
{
	int err = rtnl_parse(r, head, sizeof(*head), neigh_policy, NDA_MAX, t, NL_LIBERAL);

	if (err)
		return err;
	if (!t[NDA_DST].data)
		return rtnl_refuse(r, -EINVAL, "Network address not specified");
	*dev = head->ndm_ifindex ? device_by_index((u32)head->ndm_ifindex) : NULL;
	if (head->ndm_ifindex && !*dev)
		return -ENODEV;
	if (head->ndm_family != RTNL_AF_INET && head->ndm_family != RTNL_AF_INET6)
		return -EAFNOSUPPORT;
	*ip = ip_addr_v4(0);
	if (head->ndm_family == RTNL_AF_INET ? !nl_get(&t[NDA_DST], &ip->w[3], sizeof(ip->w[3])) : !nl_get(&t[NDA_DST], ip, sizeof(*ip)))
		return rtnl_refuse(r, -EINVAL, "Invalid network address");
	if (head->ndm_flags & NTF_PROXY)
		return -EOPNOTSUPP;
	return *dev ? 0 : -EINVAL;
}

static int get_neighbour(struct netlink_request *r)
{
	struct nl_attr t[NDA_MAX + 1];
	struct neighbour_view v;
	struct net_device *dev;
	struct ndmsg head;
	struct nl_buf b;
	struct ip_addr ip;
	int err = read_key(r, &head, t, &dev, &ip);

	if (!err && !neighbour_get(dev, &ip, &v))
		err = rtnl_refuse(r, -ENOENT, "Neighbour entry not found");
	if (!err)
		err = netlink_buf_new(&b, NEIGH_ROOM, ALLOC_KERNEL);
	if (err)
		return err;
	head = header(&v);
	u32 at = nl_begin(&b, RTM_NEWNEIGH, 0, r->msg.head.nlmsg_seq, r->portid, &head, sizeof(head));

	put_neighbour(&b, &v);
	nl_end(&b, at);
	return netlink_reply(r, &b);
}

static int new_neighbour(struct netlink_request *r)
{
	struct nl_attr t[NDA_MAX + 1];
	struct net_device *dev;
	struct ndmsg head;
	struct ip_addr ip;
	int err = read_key(r, &head, t, &dev, &ip);

	if (err)
		return err;
	if (t[NDA_LLADDR].data && t[NDA_LLADDR].len < dev->addr_len)
		return rtnl_refuse(r, -EINVAL, "Invalid link address");
	switch (head.ndm_state) {
	case NUD_PERMANENT: case NUD_REACHABLE: case NUD_STALE: case NUD_NOARP: break;
	default: return -EOPNOTSUPP;		/* states that the machine alone comes to */
	}
	return neighbour_set(dev, &ip, head.ndm_state, t[NDA_LLADDR].data, r->msg.head.nlmsg_flags);
}

static int delete_neighbour(struct netlink_request *r)
{
	struct nl_attr t[NDA_MAX + 1];
	struct net_device *dev;
	struct ndmsg head;
	struct ip_addr ip;
	int err = read_key(r, &head, t, &dev, &ip);

	return err ? err : neighbour_delete(dev, &ip);
}

void rtnl_neighbours_init(void)
{
	static const struct rtnl_handler table[] = {
		{ .type = RTM_GETNEIGH, .request = get_neighbour, .dump = dump_neighbours }, { .type = RTM_NEWNEIGH, .request = new_neighbour },
		{ .type = RTM_DELNEIGH, .request = delete_neighbour },
	};

	rtnl_register(table, ARRAY_SIZE(table));
	neighbour_listen(told);
}
