/*
 * MLDv2, the part of a host: reports to ff02::16, and a router's questions.  group.h is the contract.
 *
 * Source: RFC 3810, sections 5.1, 5.2, 6; RFC 2711 (router alert).
 */
#include "net/address6.h"
#include "net/group.h"
#include "net/ip.h"
#include "net/ip6.h"
#include "net/checksum.h"
#include "net/stats.h"

enum { REPORT = 143, REPORT_HEADER = 8, RECORD = 20, QUERY_MIN = 24, RECORDS_MAX = 64, HOP_BY_HOP = 8, HOP_LIMIT = 1 };

static u8 *put_record(u8 *at, const struct ip_addr *group, enum group_record record)
{
	memset(at, 0, 4);
	at[0] = (u8)record;
	memcpy(at + 4, group, sizeof(*group));
	return at + RECORD;
}

void mld_report(struct net_device *dev, const struct ip_addr *group, enum group_record record)
{
	/* hop-by-hop options: a router alert for MLD, and padding */
	static const u8 hop_by_hop[HOP_BY_HOP] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	static const struct ip_addr routers = { .b = { 0xff, 2, [15] = 0x16 } };
	const struct ip6_address *own = ip6_link_local(dev);
	struct ip_addr src = own ? own->local : (struct ip_addr){ .q = { 0 } };	/* :: while there is none (section 5.2.13) */
	u8 m[REPORT_HEADER + RECORD * RECORDS_MAX] = { REPORT }, *at = m + REPORT_HEADER;

	if (group)
		at = put_record(at, group, record);
	for (const struct device_group *g = group ? NULL : device_group_next(dev, NULL); g && at < m + sizeof(m); g = device_group_next(dev, g))
		if (!ip_addr_is_v4(&g->addr))
			at = put_record(at, &g->addr, record);
	u32 len = (u32)(at - m);
	struct packet *p = len > REPORT_HEADER ? packet_alloc(HOP_BY_HOP + len, ALLOC_ATOMIC) : NULL;

	if (!p)
		return;
	put_be16(m + 6, (u16)((len - REPORT_HEADER) / RECORD));
	be16 sum = csum_finish(csum_partial(m, len, csum_pseudo(&src, &routers, IPPROTO_ICMPV6, len)));

	memcpy(m + 2, &sum, 2);
	memcpy(packet_put(p, HOP_BY_HOP), hop_by_hop, HOP_BY_HOP);
	memcpy(packet_put(p, len), m, len);
	IP6_COUNT(icmp_out);
	IP6_COUNT(icmp_out_type[REPORT]);
	ip6_output_link(p, dev, &src, &routers, NULL, IPPROTO_HOPOPTS, HOP_LIMIT);
}

/* The longest time to an answer, in milliseconds (section 5.1.3: larger ones have an exponent). */
static u32 response_ms(u32 code)
{
	return code < 32768 ? code : ((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

void mld_rx(struct packet *p, const struct ip_rx *ip)
{
	if (packet_pull(p, QUERY_MIN) && ip6_is_link_local(&ip->src) && ip->ttl == HOP_LIMIT && !ip->loopback)
		device_groups_asked(p->dev, true, response_ms(get_be16(p->data + 4)));
}
