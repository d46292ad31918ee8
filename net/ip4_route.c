/*
 * IPv4's answers to ip_route() and to questions about addresses.
 *
 * Source: RFC 1122 section 3.3.4 (choice of source).
 */
#include <linux/errno.h>
#include "net/device.h"
#include "net/internal.h"
#include "net/route4.h"

bool ip4_is_local(const struct ip_addr *a, u32 ifindex)
{
	const struct route4 *r = route4_lookup(a->w[3], 0);

	return r && r->type == RTN_LOCAL && (!ifindex || r->dev->ifindex == ifindex || !(r->dev->flags & IFF_LOOPBACK));
}

bool ip4_may_bind(const struct ip_addr *a)
{
	if (!a->w[3] || a->w[3] == ~0u || ip4_is_multicast(a->w[3]))
		return true;
	const struct route4 *r = route4_lookup(a->w[3], 0);

	return r && (r->type == RTN_LOCAL || r->type == RTN_BROADCAST);
}

/* Where multicast and limited broadcast go without a route: the first device that is no loopback. */
static struct net_device *any_device(void)
{
	struct net_device *d = NULL;

	while ((d = device_next(d)) != NULL)
		if (device_is_up(d) && !(d->flags & IFF_LOOPBACK))
			break;
	return d;
}

static int finish(const struct ip_flow *f, struct ip_dst *out, be32 preferred)
{
	be32 src = f->src.w[3];

	if (src && !f->any_src && !ip4_is_local(&f->src, 0))
		return -ENETUNREACH;
	if (!src)
		src = preferred ? preferred : ip4_source(out->dev, out->gateway.w[3]);
	out->src = ip_addr_v4(src);
	out->mtu = ip_pmtu(&f->dst, out->mtu ? out->mtu : out->dev->mtu);
	out->advmss = out->dev->mtu - 40;
	return 0;
}

/* Broadcast to all, or a group: over the device asked for. */
static int to_many(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif)
{
	const struct route4 *r = oif ? NULL : route4_lookup(f->dst.w[3], 0);

	out->kind = ip4_is_multicast(f->dst.w[3]) ? IP_DST_MULTICAST : IP_DST_BROADCAST;
	out->dev = oif ? oif : r && r->dev && out->kind == IP_DST_MULTICAST ? r->dev : any_device();
	if (!out->dev)
		return -ENETUNREACH;
	return finish(f, out, 0);
}

static int by_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif)
{
	const struct route4 *r = route4_lookup(f->dst.w[3], f->oif);

	if (!r && !oif)
		return -ENETUNREACH;
	if (!r) {
		out->dev = oif;		/* an interface was named: its link, for want of better */
		return finish(f, out, 0);
	}
	switch (r->type) {
	case RTN_LOCAL:
		out->kind = IP_DST_LOCAL;
		out->dev = device_loopback();
		break;
	case RTN_BROADCAST:
		out->kind = IP_DST_BROADCAST;
		out->dev = r->dev;
		break;
	case RTN_UNICAST:
		out->dev = r->dev;
		if (r->gateway && !f->onlink)
			out->gateway = ip_addr_v4(r->gateway);
		break;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_BLACKHOLE:
		return -EINVAL;
	default:
		return -EHOSTUNREACH;
	}
	out->mtu = r->mtu;
	return finish(f, out, r->type == RTN_LOCAL && !ip4_is_loopback(f->dst.w[3]) ? f->dst.w[3] : r->src);
}

int ip4_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif)
{
	if (!f->dst.w[3])
		return -EINVAL;
	if (f->dst.w[3] == ~0u || ip4_is_multicast(f->dst.w[3]))
		return to_many(f, out, oif);
	return by_route(f, out, oif);
}
