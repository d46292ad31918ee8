/* See gro.h. */
#include <linux/if_ether.h>
#include "base/bitops.h"
#include "net/checksum.h"
#include "net/gro.h"

enum {
	IP4_HEADER = 20, IP6_HEADER = 40, TCP_HEADER = 20, TCP = 6, TOTAL_MAX = 65535, IP4_FRAGMENT = 0x3fff,
	SEQ_AT = 4, ACK_AT = 8, OFFSET_AT = 12, FLAGS_AT = 13, WINDOW_AT = 14, OPTIONS_AT = 20,
	PSH = 0x08, ACK = 0x10,
};

/* A segment, once its headers have been looked at. */
struct segment {
	bool v6;
	u32 transport, payload;		/* from the IP header */
	u32 len;			/* of the payload */
	u8 flags;
};

/* ---- what a packet is ---- */

static bool parse_ip4(struct packet *p, struct segment *s)
{
	const u8 *h = p->data;

	if (packet_linear(p) < IP4_HEADER + TCP_HEADER || h[0] != 0x45 || h[9] != TCP || get_be16(h + 6) & IP4_FRAGMENT)
		return false;
	u32 total = get_be16(h + 2);

	if (total > p->len || total < IP4_HEADER + TCP_HEADER || ip4_header_csum(h, IP4_HEADER / 4))
		return false;
	packet_trim(p, total);
	s->transport = IP4_HEADER;
	return true;
}

static bool parse_ip6(struct packet *p, struct segment *s)
{
	const u8 *h = p->data;

	if (packet_linear(p) < IP6_HEADER + TCP_HEADER || h[0] >> 4 != 6 || h[6] != TCP)
		return false;
	u32 total = IP6_HEADER + (u32)get_be16(h + 4);

	if (total > p->len || total < IP6_HEADER + TCP_HEADER)
		return false;
	packet_trim(p, total);
	s->transport = IP6_HEADER;
	return true;
}

/* TCP over IP, all of it there and linear as far as headers go? */
static bool parse(struct packet *p, struct segment *s)
{
	s->v6 = p->protocol == cpu_to_be16(ETH_P_IPV6);
	if (p->type != PACKET_TO_HOST || p->gso != GSO_NONE)
		return false;
	if (s->v6 ? !parse_ip6(p, s) : p->protocol != cpu_to_be16(ETH_P_IP) || !parse_ip4(p, s))
		return false;
	const u8 *t = p->data + s->transport;
	u32 header = (t[OFFSET_AT] >> 4) * 4u;

	s->payload = s->transport + header;
	if (header < TCP_HEADER || s->payload > packet_linear(p))
		return false;
	s->len = p->len - s->payload;
	s->flags = t[FLAGS_AT];
	return true;
}

/* Nobody needs to look again. */
static bool csum_good(struct packet *p, const struct segment *s)
{
	const u8 *h = p->data;
	struct ip_addr src, dst;
	be32 a, b;

	if (p->csum != CSUM_NONE)
		return true;
	if (s->v6) {
		src = ip_addr_v6(h + 8);
		dst = ip_addr_v6(h + 24);
	} else {
		memcpy(&a, h + 12, sizeof(a));
		memcpy(&b, h + 16, sizeof(b));
		src = ip_addr_v4(a);
		dst = ip_addr_v4(b);
	}
	u32 n = p->len - s->transport;

	if (csum_fold(packet_csum_bits(p, s->transport, n, csum_pseudo(&src, &dst, TCP, n))) != 0xffff)
		return false;
	p->csum = CSUM_GOOD;
	return true;
}

/* ---- what belongs together ---- */

/* The same connection? */
static bool same_flow(const struct packet *a, const struct packet *b, const struct segment *s)
{
	const u8 *x = a->data, *y = b->data;

	if (a->dev != b->dev || a->protocol != b->protocol)
		return false;
	return s->v6 ? !memcmp(x + 8, y + 8, 32) && !memcmp(x + IP6_HEADER, y + IP6_HEADER, 4)
		     : !memcmp(x + 12, y + 12, 8) && !memcmp(x + IP4_HEADER, y + IP4_HEADER, 4);
}

/* The same traffic class and hop limit; of IPv6 the flow label too. */
static bool same_path(const u8 *x, const u8 *y, bool v6)
{
	return v6 ? !memcmp(x, y, 4) && x[7] == y[7] : x[1] == y[1] && x[8] == y[8];
}

/* May @p go on where @held ends? */
static bool follows(const struct packet *held, const struct packet *p, const struct segment *s)
{
	const u8 *x = held->data + s->transport, *y = p->data + s->transport;
	u32 have = held->len - s->payload;

	if (x[OFFSET_AT] != y[OFFSET_AT] || !same_path(held->data, p->data, s->v6))
		return false;
	if (memcmp(x + ACK_AT, y + ACK_AT, 4) || memcmp(x + WINDOW_AT, y + WINDOW_AT, 2) ||
	    memcmp(x + OPTIONS_AT, y + OPTIONS_AT, s->payload - s->transport - OPTIONS_AT))
		return false;
	return get_be32(y + SEQ_AT) == get_be32(x + SEQ_AT) + have && s->len <= held->gso_size && held->len + s->len <= TOTAL_MAX;
}

static void fix_length(struct packet *p, bool v6)
{
	u8 *h = p->data;

	if (v6) {
		put_be16(h + 4, (u16)(p->len - IP6_HEADER));
		return;
	}
	put_be16(h + 2, (u16)p->len);
	memset(h + 10, 0, 2);
	be16 sum = ip4_header_csum(h, IP4_HEADER / 4);

	memcpy(h + 10, &sum, sizeof(sum));
}

/* Append @p's payload to @held. Return: false: no room; @p is as it was but for its headers, which are put back */
static bool append(struct packet *held, struct packet *p, const struct segment *s)
{
	u32 waste = p->memory - (u32)sizeof(*p) - p->frag_len;

	packet_drop_front(p, s->payload);
	if (!packet_append(held, p)) {
		packet_push(p, s->payload);
		return false;
	}
	held->memory += waste;
	held->data[s->transport + FLAGS_AT] |= s->flags & PSH;
	held->csum = CSUM_GOOD;
	held->gso = s->v6 ? GSO_TCP6 : GSO_TCP4;
	fix_length(held, s->v6);
	return true;
}

/* ---- the list ---- */

/* A packet on its own is no row of segments. */
static void send_up(struct gro *g, struct packet *held, struct list_head *out)
{
	if (held->gso == GSO_NONE)
		held->gso_size = 0;
	list_move_tail(&held->node, out);
	g->count--;
}

static void hold(struct gro *g, struct packet *p, const struct segment *s, struct list_head *out)
{
	if (g->count == GRO_HELD_MAX)
		send_up(g, list_first_entry(&g->held, struct packet, node), out);
	p->gso_size = (u16)s->len;
	list_add_tail(&p->node, &g->held);
	g->count++;
}

static struct packet *find(const struct gro *g, const struct packet *p, const struct segment *s)
{
	struct packet *h;

	list_for_each_entry(h, &g->held, node)
		if (same_flow(h, p, s))
			return h;
	return NULL;
}

void gro_receive(struct gro *g, struct packet *p, struct list_head *out)
{
	struct segment s;

	if (!parse(p, &s)) {
		/* Of TCP that the device has put together, or that is odd, the order is kept: everything held goes first. */
		if (g->count)
			gro_flush(g, out);
		list_add_tail(&p->node, out);
		return;
	}
	struct packet *held = find(g, p, &s);
	bool plain = (s.flags & ~PSH) == ACK && s.len && csum_good(p, &s);

	if (held && plain && follows(held, p, &s)) {
		bool last = s.flags & PSH || s.len < held->gso_size;

		if (append(held, p, &s)) {
			if (last)
				send_up(g, held, out);
			return;
		}
	}
	if (held)
		send_up(g, held, out);
	if (plain && !(s.flags & PSH))
		hold(g, p, &s, out);
	else
		list_add_tail(&p->node, out);
}

void gro_flush(struct gro *g, struct list_head *out)
{
	while (!list_empty(&g->held))
		send_up(g, list_first_entry(&g->held, struct packet, node), out);
}

u32 gro_header_bytes(const u8 *frame, u32 n)
{
	u32 at = ETH_HLEN;

	if (n < ETH_HLEN + IP4_HEADER)
		return n;
	u16 type = get_be16(frame + 12);
	const u8 *ip = frame + ETH_HLEN;

	if (type == ETH_P_IP && ip[0] >> 4 == 4 && ip[9] == TCP)
		at += (ip[0] & 15) * 4u;
	else if (type == ETH_P_IPV6 && ip[6] == TCP)
		at += IP6_HEADER;
	else
		return n;
	if (n < at + TCP_HEADER)
		return n;
	return MIN(n, at + MAX((frame[at + OFFSET_AT] >> 4) * 4u, (u32)TCP_HEADER));
}
