/*
 * IP as protocols above see it, for both versions: the registry of protocols, path MTUs, and who answers what is asked.
 *
 * Source: RFC 1191, RFC 8201 (path MTU).
 */
#include <linux/errno.h>
#include "net/device.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/route4.h"
#include "net/route6.h"

enum { PMTU_SLOTS = 256, PMTU4_MIN = 552, PMTU6_MIN = 1280 };
#define PMTU_LIFE_NS (600ull * NS_PER_SEC)

u32 ip_route_generation = 1;
static const struct ip_protocol *protocols[2][256];	/* by version; set at boot */
struct ip4_stats ip4_stats[CPUS_MAX];

/* A small table of what was learnt; a newer destination takes an older one's place. */
static struct pmtu {
	struct ip_addr dst;		/* [pmtu_lock, as all; read without: at worst a path is tried again] */
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

static const struct ip_raw_ops *raw;		/* set at boot; NULL: none */

void ip_register_raw(const struct ip_raw_ops *ops)
{
	raw = ops;
}

bool ip_raw_heard(const struct packet *p, const struct ip_rx *ip)
{
	return raw && raw->rx(p, ip);
}

void ip_raw_error(struct packet *p, const struct ip_rx *sent, const struct ip_error *e)
{
	if (raw)
		raw->error(p, sent, e);
}

/* ---- path MTU ---- */

static struct pmtu *pmtu_slot(const struct ip_addr *dst)
{
	return &pmtus[ip_addr_hash(dst, 0) % PMTU_SLOTS];
}

void ip_pmtu_update(const struct ip_addr *dst, u32 oif, u32 mtu)
{
	struct pmtu *m = pmtu_slot(dst);
	u64 now = plat_mono_ns();

	mtu = MAX(mtu, ip_addr_is_v4(dst) ? (u32)PMTU4_MIN : (u32)PMTU6_MIN);
	spin_lock(&pmtu_lock);
	bool lower = !ip_addr_equal(&m->dst, dst) || m->expires_ns <= now || mtu < m->mtu;

	if (lower)
		*m = (struct pmtu){ .dst = *dst, .mtu = mtu, .expires_ns = now + PMTU_LIFE_NS };
	spin_unlock(&pmtu_lock);
	if (lower)
		ip_route_changed();
}

u32 ip_pmtu(const struct ip_addr *dst, u32 mtu)
{
	const struct pmtu *m = pmtu_slot(dst);
	u32 learnt = READ_ONCE(m->mtu);		/* 0: the first one here is being written */

	return learnt && m->expires_ns > plat_mono_ns() && ip_addr_equal(&m->dst, dst) ? MIN(learnt, mtu) : mtu;
}

void ip_confirm(struct ip_dst *dst)
{
	if (dst->kind == IP_DST_UNICAST)
		neighbour_confirm(dst->dev, &dst->gateway);
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
	return ip_addr_is_v4(a) ? ip4_is_local(a, ifindex) : ip6_is_local(a, ifindex);
}

bool ip_may_bind(const struct ip_addr *a, u32 ifindex)
{
	return ip_addr_is_v4(a) ? ip4_may_bind(a) : ip6_may_bind(a, ifindex);
}

int ip_route(const struct ip_flow *f, struct ip_dst *out)
{
	struct net_device *oif = NULL;

	memset(out, 0, sizeof(*out));
	out->generation = atomic_load(&ip_route_generation);
	out->kind = IP_DST_UNICAST;
	out->gateway = f->dst;
	if (f->oif) {
		oif = device_by_index(f->oif);
		if (!oif || !device_is_up(oif))
			return -ENODEV;
	}
	return ip_addr_is_v4(&f->dst) ? ip4_route(f, out, oif) : ip6_route(f, out, oif);
}

void ip_route_changed(void)
{
	if (!atomic_inc_return(&ip_route_generation))
		atomic_inc(&ip_route_generation);
}

/* ---- output ---- */

int ip_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s)
{
	return ip_addr_is_v4(&s->dst) ? ip4_output(p, dst, s) : ip6_output(p, dst, s);
}

u32 ip_header_bytes(const struct ip_dst *dst, const struct ip_send *s)
{
	return ip_header_min(!ip_addr_is_v4(&s->dst)) + s->options_len + ETH_HLEN;
}

void ip_unreachable_port(struct packet *p, const struct ip_rx *ip)
{
	if (ip_addr_is_v4(&ip->src))
		icmp4_unreachable_port(p, ip);
	else
		icmp6_unreachable_port(p, ip);
}

void ip_init(void)
{
	neighbour_init();
	route4_init();
	arp_init();
	ip4_init();
	icmp4_init();
	groups_init();
	ip6_init();
}
