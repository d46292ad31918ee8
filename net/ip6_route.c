/*
 * IPv6's answers to ip_route() and to questions about addresses.
 *
 * Source: RFC 8200, RFC 4007 (scopes), RFC 6724 (source).
 */
#include <linux/errno.h>
#include "net/address6.h"
#include "net/internal.h"
#include "net/route6.h"

enum { TCP_AND_IP_HEADERS = 60 };

bool ip6_is_local(const struct ip_addr *a, u32 ifindex)
{
	const struct route6 *r = route6_lookup(a, ip6_is_link_local(a) ? ifindex : 0);

	return r && r->type == RTN_LOCAL && (!ifindex || r->dev->ifindex == ifindex || !(r->dev->flags & IFF_LOOPBACK));
}

bool ip6_may_bind(const struct ip_addr *a, u32 ifindex)
{
	if (ip6_is_any(a) || ip6_is_multicast(a))
		return true;
	const struct net_device *dev = ip6_is_link_local(a) ? device_by_index(ifindex) : NULL;
	const struct ip6_address *own = ip6_is_link_local(a) && !dev ? NULL : ip6_address_find(dev, a);

	return own && ip6_address_usable(own);
}

/* Where groups go without a route: the first device that is no loopback. */
static struct net_device *group_device(void)
{
	struct net_device *d = NULL;

	while ((d = device_next(d)) != NULL)
		if (device_is_up(d) && d->flags & IFF_MULTICAST)
			break;
	return d;
}

/* @f->src asked for: it must be ours; or the best one. */
static int choose_source(const struct ip_flow *f, struct ip_dst *out, const struct ip_addr *preferred)
{
	if (!ip_addr_is_any(&f->src)) {
		if (ip_addr_is_v4(&f->src) || (!f->any_src && !ip6_may_bind(&f->src, f->oif ? f->oif : out->dev->ifindex)))
			return -EINVAL;
		out->src = f->src;
		return 0;
	}
	if (preferred && !ip6_is_any(preferred)) {
		out->src = *preferred;
		return 0;
	}
	return ip6_source(out->dev, &f->dst, &out->src) ? 0 : -EADDRNOTAVAIL;
}

static int finish(const struct ip_flow *f, struct ip_dst *out, const struct ip_addr *preferred)
{
	const struct ip6_config *c = rcu_dereference(out->dev->ip6);
	u32 said = c ? atomic_load(&c->mtu) : 0;
	int err = choose_source(f, out, preferred);

	if (!out->mtu)
		out->mtu = said ? MIN(said, out->dev->mtu) : out->dev->mtu;
	out->advmss = out->mtu - TCP_AND_IP_HEADERS;
	out->mtu = ip_pmtu(&f->dst, out->mtu);
	return err;
}

static int by_route(const struct ip_flow *f, struct ip_dst *out, const struct route6 *r)
{
	switch (r->type) {
	case RTN_LOCAL:
		out->kind = IP_DST_LOCAL;
		out->dev = device_loopback();
		return finish(f, out, &f->dst);
	case RTN_UNICAST:
		out->dev = r->dev;
		if (!ip6_is_any(&r->gateway) && !f->onlink)
			out->gateway = r->gateway;
		out->mtu = r->mtu;
		return finish(f, out, &r->src);
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_BLACKHOLE:
		return -EINVAL;
	default:
		return -EHOSTUNREACH;
	}
}

int ip6_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif)
{
	if (ip6_is_any(&f->dst))
		return -EINVAL;
	if (ip6_is_multicast(&f->dst)) {
		out->kind = IP_DST_MULTICAST;
		out->dev = oif ? oif : group_device();
		return out->dev && out->dev->flags & IFF_MULTICAST ? finish(f, out, NULL) : -ENETUNREACH;
	}
	const struct route6 *r = route6_lookup(&f->dst, f->oif);

	return r ? by_route(f, out, r) : -ENETUNREACH;
}
