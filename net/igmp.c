/*
 * IGMPv3, the part of a host: reports to 224.0.0.22, and a router's questions.  group.h is the contract.
 *
 * Source: RFC 3376, sections 4.1, 4.2, 5.2; RFC 2113 (router alert).
 */
#include "net/checksum.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/route4.h"

enum { QUERY = 0x11, REPORT = 0x22, REPORT_HEADER = 8, RECORD = 8, QUERY_MIN = 8, RECORDS_MAX = 64, TOS_INTERNETWORK_CONTROL = 0xc0 };

static u8 *put_record(u8 *at, const struct ip_addr *group, enum group_record record)
{
	memset(at, 0, RECORD);
	at[0] = (u8)record;
	memcpy(at + 4, &group->w[3], 4);
	return at + RECORD;
}

void igmp_report(struct net_device *dev, const struct ip_addr *group, enum group_record record)
{
	static const u8 router_alert[4] = { 148, 4, 0, 0 };
	struct ip_dst dst = { .kind = IP_DST_MULTICAST, .dev = dev, .mtu = dev->mtu };
	struct ip_send send = {
		.protocol = IPPROTO_IGMP, .ttl = 1, .tos = TOS_INTERNETWORK_CONTROL, .options = router_alert, .options_len = sizeof(router_alert),
	};
	u8 m[REPORT_HEADER + RECORD * RECORDS_MAX] = { REPORT }, *at = m + REPORT_HEADER;

	if (group)
		at = put_record(at, group, record);
	for (const struct device_group *g = group ? NULL : device_group_next(dev, NULL); g && at < m + sizeof(m); g = device_group_next(dev, g))
		if (ip_addr_is_v4(&g->addr))
			at = put_record(at, &g->addr, record);
	u32 len = (u32)(at - m);
	struct packet *p = len > REPORT_HEADER ? packet_alloc(len, ALLOC_ATOMIC) : NULL;

	if (!p)
		return;
	put_be16(m + 6, (u16)((len - REPORT_HEADER) / RECORD));
	be16 sum = csum_finish(csum_partial(m, len, 0));

	memcpy(m + 2, &sum, 2);
	memcpy(packet_put(p, len), m, len);
	send.dst = dst.gateway = ip_addr_v4(cpu_to_be32(0xe0000016));
	send.src = ip_addr_v4(ip4_source(dev, send.dst.w[3]));
	ip_output(p, &dst, &send);
}

/* The longest time to an answer, in tenths of a second (section 4.1.1: larger ones have an exponent). */
static u32 response_tenths(u8 code)
{
	return code < 128 ? code : (u32)((code & 15) | 16) << (((code >> 4) & 7) + 3);
}

static void rx(struct packet *p, const struct ip_rx *ip)
{
	if (packet_pull(p, QUERY_MIN) && csum_fold(packet_csum_bits(p, 0, p->len, 0)) == 0xffff && p->data[0] == QUERY && !ip->loopback)
		device_groups_asked(p->dev, false, response_tenths(p->data[1]) * 100);
	packet_free(p);
}

void igmp_init(void)
{
	static const struct ip_protocol igmp = { .protocol = IPPROTO_IGMP, .rx = rx, .v4 = true };

	ip_protocol_register(&igmp);
}
