/*
 * ICMPv6: echo, errors that we send, errors that we hear; messages of discovery go to ndp.c.
 *
 * Errors share ICMP's limit (icmp4.c) and are never about ICMPv6 errors.  They go to one address alone, and only packets that were sent to a group
 * with a parameter problem or that are too big are answered so (RFC 4443, 2.4 e).
 *
 * Source: RFC 4443, RFC 8201; ip(7) for the meanings to sockets.
 */
#include <linux/errno.h>
#include "net/checksum.h"
#include "net/ext6.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/ndp.h"

enum { UNREACHABLE = 1, TOO_BIG = 2, TIME_EXCEEDED = 3, PARAMETER = 4, ECHO = 128, ECHO_REPLY = 129, MLD_QUERY = 130 };
enum { HEADER = 8, QUOTE_MAX = 1280 - IP6_HEADER - HEADER, PORT_UNREACHABLE = 4, FIRST_INFORMATION = 128, UNKNOWN_OPTION = 2 };

/* Checksum and send what stands in @p. @src: any: to be chosen. @oif: of a peer on that link. Consumes */
static void output(struct packet *p, const struct ip_addr *src, const struct ip_addr *dst, u8 tos, u32 oif)
{
	struct ip_flow flow = { .src = *src, .dst = *dst, .protocol = IPPROTO_ICMPV6, .oif = ip6_needs_scope(dst) ? oif : 0 };
	struct ip_send send = { .dst = *dst, .protocol = IPPROTO_ICMPV6, .tos = tos };
	struct ip_dst route;

	if (ip_route(&flow, &route) || (route.kind != IP_DST_UNICAST && route.kind != IP_DST_LOCAL)) {
		packet_free(p);
		return;
	}
	send.src = route.src;
	memset(p->data + 2, 0, 2);
	be16 sum = csum_finish(packet_csum_bits(p, 0, p->len, csum_pseudo(&send.src, dst, IPPROTO_ICMPV6, p->len)));

	memcpy(p->data + 2, &sum, 2);
	p->csum = CSUM_NONE;
	IP6_COUNT(icmp_out);
	IP6_COUNT(icmp_out_type[p->data[0]]);
	ip_output(p, &route, &send);
}

/* May an error be sent about @p? Its data may be at any header of it. */
static bool deserves(struct packet *p, const struct ip_rx *ip, u8 type, u8 code)
{
	u32 back = (u32)(p->data - packet_net(p)), linear = back + packet_linear(p);
	struct ext6 ext;

	if (p->type != PACKET_TO_HOST && p->type != PACKET_TO_MULTICAST)
		return false;
	if (ip6_is_any(&ip->src) || ip6_is_multicast(&ip->src))
		return false;
	if (ip->kind != IP_DST_LOCAL && type != TOO_BIG && !(type == PARAMETER && code == UNKNOWN_OPTION))
		return false;
	if (ext6_walk(packet_net(p), linear, true, &ext) == EXT6_TRANSPORT && ext.next == IPPROTO_ICMPV6)
		return ext.at < linear && packet_net(p)[ext.at] >= FIRST_INFORMATION;
	return true;
}

void icmp6_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info)
{
	static const struct ip_addr any = { .q = { 0 } };
	u32 back = (u32)(p->data - packet_net(p)), quote = MIN(back + p->len, (u32)QUOTE_MAX);

	if (!deserves(p, ip, type, code) || !icmp_may_send())
		return;
	struct packet *e = packet_alloc(HEADER + quote, ALLOC_ATOMIC);

	if (!e)
		return;
	u8 *h = packet_put(e, HEADER + quote);
	u32 front = MIN(back, quote);

	memset(h, 0, HEADER);
	h[0] = type;
	h[1] = code;
	put_be32(h + 4, info);
	memcpy(h + HEADER, packet_net(p), front);
	if (packet_copy_bits(p, 0, h + HEADER + front, quote - front))
		output(e, ip->kind == IP_DST_LOCAL ? &ip->dst : &any, &ip->src, 0, ip->dev->ifindex);
	else
		packet_free(e);
}

void icmp6_unreachable_port(struct packet *p, const struct ip_rx *ip)
{
	icmp6_send(p, ip, UNREACHABLE, PORT_UNREACHABLE, 0);
}

/* The same packet goes back; one to a group from an address of ours. Consumes. */
static void echo(struct packet *p, const struct ip_rx *ip)
{
	static const struct ip_addr any = { .q = { 0 } };

	packet_orphan(p);
	p->data[0] = ECHO_REPLY;
	p->type = PACKET_GOING_OUT;
	output(p, ip->kind == IP_DST_LOCAL ? &ip->dst : &any, &ip->src, ip->tos, ip->dev->ifindex);
}

/* What an error means to a socket. */
static void meaning(struct ip_error *e)
{
	static const struct {
		u8 error;
		bool hard;
	} unreachable[] = {
		{ ENETUNREACH, false }, { EACCES, true }, { EHOSTUNREACH, false }, { EHOSTUNREACH, false }, { ECONNREFUSED, true },
		{ EACCES, true }, { EACCES, true },
	};

	switch (e->type) {
	case UNREACHABLE:
		e->error = e->code < ARRAY_SIZE(unreachable) ? unreachable[e->code].error : EPROTO;
		e->hard = e->code < ARRAY_SIZE(unreachable) ? unreachable[e->code].hard : true;
		break;
	case TOO_BIG:
		e->error = EMSGSIZE;
		e->is_pmtu = true;
		break;
	case TIME_EXCEEDED: e->error = EHOSTUNREACH; break;
	default: e->error = EPROTO; e->hard = true; break;
	}
}

/* An error about something that we sent. Does not consume. */
static void error(struct packet *p, const struct ip_rx *ip)
{
	struct ip_error e = { .type = p->data[0], .code = p->data[1], .info = get_be32(p->data + 4), .offender = ip->src };
	struct ip_rx sent = { .dev = ip->dev };
	struct ext6 ext;

	packet_drop_front(p, HEADER);
	if (!packet_pull(p, IP6_HEADER + 8) || !packet_pull(p, MIN(p->len, (u32)EXT6_BYTES_MAX)) || p->data[0] >> 4 != 6)
		return;
	sent.src = ip_addr_v6(p->data + 8);
	sent.dst = ip_addr_v6(p->data + 24);
	if (!ip6_is_local(&sent.src, ip6_is_link_local(&sent.src) ? ip->dev->ifindex : 0))
		return;				/* not ours: nothing that it says may change anything */
	enum ext6_verdict v = ext6_walk(p->data, packet_linear(p), false, &ext);

	if (v == EXT6_FRAGMENT && !(get_be16(p->data + ext.at + 2) & 0xfff8)) {
		ext.next = p->data[ext.at];	/* the first piece: what follows is the transport header */
		ext.at += 8;
	} else if (v != EXT6_TRANSPORT) {
		return;
	}
	if (ext.at + 8 > packet_linear(p))
		return;
	meaning(&e);
	if (e.is_pmtu)
		ip_pmtu_update(&sent.dst, 0, e.info);
	const struct ip_protocol *proto = ip_protocol_find(ext.next, true);

	sent.protocol = ext.next;
	packet_drop_front(p, ext.at);
	if (proto && proto->error)
		proto->error(p, &sent, &e);
}

static bool checksum_good(const struct packet *p, const struct ip_rx *ip)
{
	return p->csum != CSUM_NONE || csum_fold(packet_csum_bits(p, 0, p->len, csum_pseudo(&ip->src, &ip->dst, IPPROTO_ICMPV6, p->len))) == 0xffff;
}

static void rx(struct packet *p, const struct ip_rx *ip)
{
	IP6_COUNT(icmp_in);
	if (!packet_pull(p, HEADER)) {
		IP6_COUNT(icmp_in_errors);
	} else if (!checksum_good(p, ip)) {
		IP6_COUNT(icmp_in_csum_errors);
		IP6_COUNT(icmp_in_errors);
	} else {
		IP6_COUNT(icmp_in_type[p->data[0]]);
		switch (p->data[0]) {
		case ECHO:
			echo(p, ip);
			return;
		case UNREACHABLE: case TOO_BIG: case TIME_EXCEEDED: case PARAMETER:
			error(p, ip);
			break;
		case ND_ROUTER_SOLICIT: case ND_ROUTER_ADVERT: case ND_NEIGHBOUR_SOLICIT: case ND_NEIGHBOUR_ADVERT: case ND_REDIRECT:
			ndp_rx(p, ip);
			break;
		case MLD_QUERY:
			mld_rx(p, ip);
			break;
		default:
			break;
		}
	}
	packet_free(p);
}

void icmp6_init(void)
{
	static const struct ip_protocol icmp = { .protocol = IPPROTO_ICMPV6, .rx = rx, .v6 = true };

	ip_protocol_register(&icmp);
}
