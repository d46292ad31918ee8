/*
 * IP as protocols above see it: route questions, the registry of protocols, path MTUs.
 *
 * Departure: IPv6 has no routes yet; its destinations are unreachable.
 *
 * Source: RFC 1122 section 3.3.4 (choice of source), RFC 1191 (path MTU).
 */
#include <linux/errno.h>
#include "net/device.h"
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/route4.h"

enum { PMTU_SLOTS = 256, PMTU_MIN = 552 };
#define PMTU_LIFE_NS (600ull * NS_PER_SEC)

static const struct ip_protocol *protocols[2][256];	/* by version; set at boot */
struct ip4_stats ip4_stats[CPUS_MAX];

/* A small table of what was learnt; a newer destination takes an older one's place. */
static struct pmtu {
	be32 dst;			/* [pmtu_lock, as all; read without: at worst a path is tried again] */
	u32 mtu;
	u64 expires_ns;
} pmtus[PMTU_SLOTS];
static struct spinlock pmtu_lock = SPINLOCK_INIT(RANK_NET_LEAF);

void ip_protocol_register(const struct ip_protocol *proto)
{
	if (proto->v4)
		rcu_assign_pointer(protocols[0][proto->protocol], proto);
	if (proto->v6)
		rcu_assign_pointer(protocols[1][proto->protocol], proto);
}

const struct ip_protocol *ip_protocol_find(u8 protocol, bool v6)
{
	return rcu_dereference(protocols[v6][protocol]);
}

/* ---- path MTU ---- */

static struct pmtu *pmtu_slot(be32 dst)
{
	return &pmtus[hash_2words(dst, 0, 0) % PMTU_SLOTS];
}

void ip_pmtu_update(const struct ip_addr *dst, u32 oif, u32 mtu)
{
	if (!ip_addr_is_v4(dst))
		return;
	struct pmtu *m = pmtu_slot(dst->w[3]);
	u64 now = plat_mono_ns();

	mtu = MAX(mtu, (u32)PMTU_MIN);
	spin_lock(&pmtu_lock);
	bool lower = m->dst != dst->w[3] || m->expires_ns <= now || mtu < m->mtu;

	if (lower)
		*m = (struct pmtu){ .dst = dst->w[3], .mtu = mtu, .expires_ns = now + PMTU_LIFE_NS };
	spin_unlock(&pmtu_lock);
	if (lower)
		ip_route_changed();
}

static u32 pmtu_of(be32 dst, u32 mtu)
{
	const struct pmtu *m = pmtu_slot(dst);

	return m->dst == dst && m->expires_ns > plat_mono_ns() ? MIN(m->mtu, mtu) : mtu;
}

void ip_confirm(struct ip_dst *dst)
{
	if (dst->kind == IP_DST_UNICAST && ip_addr_is_v4(&dst->gateway))
		neighbour_confirm(dst->dev, dst->gateway.w[3]);
}

void ip_negative_advice(struct ip_dst *dst)
{
	dst->generation = 0;
}

u8 ip_ttl_default(bool v6)
{
	return 64;
}

/* ---- questions ---- */

bool ip_is_local(const struct ip_addr *a, u32 ifindex)
{
	if (!ip_addr_is_v4(a))
		return false;
	const struct route4 *r = route4_lookup(a->w[3], 0);

	return r && r->type == RTN_LOCAL && (!ifindex || r->dev->ifindex == ifindex || !(r->dev->flags & IFF_LOOPBACK));
}

bool ip_may_bind(const struct ip_addr *a, u32 ifindex)
{
	if (!ip_addr_is_v4(a))
		return ip_addr_is_any(a);
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

	if (src && !f->any_src && !ip_is_local(&f->src, 0))
		return -EINVAL;
	if (!src)
		src = preferred ? preferred : ip4_source(out->dev, out->gateway.w[3]);
	out->src = ip_addr_v4(src);
	out->mtu = pmtu_of(f->dst.w[3], out->mtu ? out->mtu : out->dev->mtu);
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

int ip_route(const struct ip_flow *f, struct ip_dst *out)
{
	struct net_device *oif = NULL;

	memset(out, 0, sizeof(*out));
	out->generation = atomic_load(&ip_route_generation);
	out->kind = IP_DST_UNICAST;
	out->gateway = f->dst;
	if (!ip_addr_is_v4(&f->dst))
		return -ENETUNREACH;
	if (f->oif) {
		oif = device_by_index(f->oif);
		if (!oif || !device_is_up(oif))
			return -ENODEV;
	}
	if (!f->dst.w[3])
		return -EINVAL;
	if (f->dst.w[3] == ~0u || ip4_is_multicast(f->dst.w[3]))
		return to_many(f, out, oif);
	return by_route(f, out, oif);
}

void ip_init(void)
{
	route4_init();
	arp_init();
	ip4_init();
	icmp4_init();
}
