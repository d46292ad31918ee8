/*
 * ICMP: echo, errors that we send, errors that we hear.
 *
 * Errors go out at most ERRORS_PER_SECOND a second in all, and never about ICMP errors or broadcasts.  Nothing goes to a broadcast or multicast
 * address: whoever names one as the source wants others to be flooded.
 *
 * Source: RFC 792, RFC 1122 section 3.2.2, RFC 1191.
 */
#include <linux/errno.h>
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/internal.h"

enum { ECHO_REPLY = 0, ECHO = 8, TIME_EXCEEDED = 11, PARAMETER = 12, TYPES = ARRAY_SIZE(ip4_stats[0].icmp_in_type) };
enum { HEADER = 8, QUOTE_MAX = 548, ERRORS_PER_SECOND = 1000, FRAG_NEEDED = 4, PORT_UNREACHABLE = 3 };

static struct spinlock rate_lock = SPINLOCK_INIT(RANK_NET_LEAF);
static u64 rate_second;			/* [rate_lock] */
static u32 rate_count;			/* [rate_lock] */

static const struct icmp_ping_ops *ping;	/* set at boot; NULL: none */

void icmp_register_ping(const struct icmp_ping_ops *ops)
{
	ping = ops;
}

bool icmp_may_send(void)
{
	u64 second = plat_mono_ns() / NS_PER_SEC;

	spin_lock(&rate_lock);
	if (second != rate_second) {
		rate_second = second;
		rate_count = 0;
	}
	bool ok = rate_count++ < ERRORS_PER_SECOND;

	spin_unlock(&rate_lock);
	return ok;
}

/* Checksum and send what stands in @p. Consumes. */
static void output(struct packet *p, const struct ip_addr *src, const struct ip_addr *dst, u8 tos)
{
	struct ip_flow flow = { .src = *src, .dst = *dst, .protocol = IPPROTO_ICMP };
	struct ip_send send = { .dst = *dst, .protocol = IPPROTO_ICMP, .tos = tos };
	struct ip_dst route;

	if (ip_route(&flow, &route) || (route.kind != IP_DST_UNICAST && route.kind != IP_DST_LOCAL)) {
		packet_free(p);
		return;
	}
	send.src = route.src;
	memset(p->data + 2, 0, 2);
	be16 sum = csum_finish(packet_csum_bits(p, 0, p->len, 0));

	memcpy(p->data + 2, &sum, 2);
	p->csum = CSUM_NONE;
	IP4_COUNT(icmp_out);
	if (p->data[0] < TYPES)
		IP4_COUNT(icmp_out_type[p->data[0]]);
	ip_output(p, &route, &send);
}

void icmp4_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info)
{
	u32 back = (u32)(p->data - packet_net(p)), quote = MIN(back + p->len, (u32)QUOTE_MAX);

	u8 about;

	if (ip->kind != IP_DST_LOCAL || p->type != PACKET_TO_HOST || !ip->src.w[3])
		return;
	if (ip->protocol == IPPROTO_ICMP && (!packet_copy_bits(p, 0, &about, 1) || about != ECHO))
		return;
	if (!icmp_may_send()) {
		IP4_COUNT(icmp_out_limited);
		return;
	}
	struct packet *e = packet_alloc(HEADER + quote, ALLOC_ATOMIC);

	if (!e)
		return;
	u8 *h = packet_put(e, HEADER + quote);

	memset(h, 0, HEADER);
	h[0] = type;
	h[1] = code;
	put_be32(h + 4, info);
	memcpy(h + HEADER, packet_net(p), back);
	if (packet_copy_bits(p, 0, h + HEADER + back, quote - back))
		output(e, &ip->dst, &ip->src, 0xc0);
	else
		packet_free(e);
}

void icmp4_unreachable_port(struct packet *p, const struct ip_rx *ip)
{
	icmp4_send(p, ip, ICMP_UNREACHABLE, PORT_UNREACHABLE, 0);
}

/* The same packet goes back. Consumes. */
static void echo(struct packet *p, const struct ip_rx *ip)
{
	if (ip->kind != IP_DST_LOCAL) {
		packet_free(p);
		return;
	}
	packet_orphan(p);
	p->data[0] = ECHO_REPLY;
	p->type = PACKET_GOING_OUT;
	output(p, &ip->dst, &ip->src, ip->tos);
}

/* What a destination-unreachable code means to a socket. */
static void unreachable_meaning(u8 code, struct ip_error *e)
{
	static const struct {
		u8 error;
		bool hard;
	} meaning[16] = {
		{ ENETUNREACH, false }, { EHOSTUNREACH, false }, { ENOPROTOOPT, true }, { ECONNREFUSED, true }, { EMSGSIZE, false },
		{ EOPNOTSUPP, false }, { ENETUNREACH, true }, { EHOSTDOWN, true }, { ENONET, true }, { ENETUNREACH, true },
		{ EHOSTUNREACH, true }, { ENETUNREACH, false }, { EHOSTUNREACH, false }, { EHOSTUNREACH, true }, { EHOSTUNREACH, true },
		{ EHOSTUNREACH, true },
	};

	if (code < ARRAY_SIZE(meaning)) {
		e->error = meaning[code].error;
		e->hard = meaning[code].hard;
	} else {
		e->error = EHOSTUNREACH;
		e->hard = true;
	}
}

/* An error about something that we sent. Does not consume. */
static void error(struct packet *p, const struct ip_rx *ip)
{
	struct ip_error e = { .type = p->data[0], .code = p->data[1], .info = get_be32(p->data + 4), .offender = ip->src };
	struct ip_rx sent = { .dev = ip->dev };

	packet_drop_front(p, HEADER);
	if (!packet_pull(p, 28))
		return;
	u32 header = (p->data[0] & 15) * 4u;
	const u8 *h = p->data;
	be32 src, dst;

	if (h[0] >> 4 != 4 || header < 20 || !packet_pull(p, header + 8))
		return;
	h = p->data;
	memcpy(&src, h + 12, 4);
	memcpy(&dst, h + 16, 4);
	sent.src = ip_addr_v4(src);
	sent.dst = ip_addr_v4(dst);
	sent.protocol = h[9];
	if (!ip_is_local(&sent.src, 0))
		return;				/* not ours: nothing that it says may change anything */
	if (e.type == ICMP_UNREACHABLE)
		unreachable_meaning(e.code, &e);
	else if (e.type == PARAMETER)
		e.error = EPROTO, e.hard = true;
	else
		e.error = EHOSTUNREACH;
	if (e.type == ICMP_UNREACHABLE && e.code == FRAG_NEEDED) {
		e.info &= 0xffff;
		e.is_pmtu = true;
		if (e.info)
			ip_pmtu_update(&sent.dst, 0, e.info);
	}
	const struct ip_protocol *proto = ip_protocol_find(sent.protocol, false);

	packet_drop_front(p, header);
	ip_raw_error(p, &sent, &e);
	if (proto && proto->error)
		proto->error(p, &sent, &e);
}

/* The same about an echo of ours. */
static void echo_error(struct packet *p, const struct ip_rx *sent, const struct ip_error *e)
{
	if (ping && p->data[0] == ECHO)
		ping->error(p, sent, e);
}

static void rx(struct packet *p, const struct ip_rx *ip)
{
	IP4_COUNT(icmp_in);
	if (!packet_pull(p, HEADER)) {
		IP4_COUNT(icmp_in_errors);
	} else if (p->csum == CSUM_NONE && csum_fold(packet_csum_bits(p, 0, p->len, 0)) != 0xffff) {
		IP4_COUNT(icmp_in_csum_errors);
		IP4_COUNT(icmp_in_errors);
	} else {
		if (p->data[0] < TYPES)
			IP4_COUNT(icmp_in_type[p->data[0]]);
		switch (p->data[0]) {
		case ECHO:
			echo(p, ip);
			return;
		case ECHO_REPLY:
			if (ping) {
				ping->reply(p, ip);
				return;
			}
			break;
		case ICMP_UNREACHABLE:
		case TIME_EXCEEDED:
		case PARAMETER:
			error(p, ip);
			break;
		default:
			break;
		}
	}
	packet_free(p);
}

void icmp4_init(void)
{
	static const struct ip_protocol icmp = { .protocol = IPPROTO_ICMP, .rx = rx, .error = echo_error, .v4 = true };

	ip_protocol_register(&icmp);
}
