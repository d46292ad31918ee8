/* Segmentation; gso.h is the contract. */
#include <linux/errno.h>
#include <linux/in.h>
#include "net/checksum.h"
#include "net/gso.h"

enum { IP4_MIN = 20, IP6_BYTES = 40, TCP_MIN = 20, UDP_BYTES = 8, TCP_CSUM_AT = 16, UDP_CSUM_AT = 6, TCP_FLAGS_AT = 13 };
enum { TCP_FIN = 1, TCP_PSH = 8, TCP_CWR = 0x80 };

static bool is_v6(u8 kind) { return kind == GSO_TCP6 || kind == GSO_UDP6; }
static bool is_tcp(u8 kind) { return kind == GSO_TCP4 || kind == GSO_TCP6; }

/* ---- headers: pure ---- */

/* The IP header is one, and says the transport that @kind says. IPv6 may have extension headers: their chain is the sender's business. */
static bool ip_sane(u8 kind, const u8 *ip, u32 between)
{
	u8 protocol = is_tcp(kind) ? IPPROTO_TCP : IPPROTO_UDP;

	if (is_v6(kind))
		return between >= IP6_BYTES && ip[0] >> 4 == 6 && (between > IP6_BYTES || ip[6] == protocol);
	return between >= IP4_MIN && ip[0] >> 4 == 4 && (ip[0] & 15) * 4u == between && ip[9] == protocol;
}

int gso_layout(struct gso_layout *g, u8 kind, const u8 *h, u32 linear, u32 len, u32 net, u32 transport, u32 size)
{
	u32 least = is_tcp(kind) ? TCP_MIN : UDP_BYTES, own = least;

	if (kind < GSO_TCP4 || kind > GSO_UDP6 || !size || net > transport || transport > linear || linear - transport < least || linear > len)
		return -EINVAL;
	if (!ip_sane(kind, h + net, transport - net))
		return -EINVAL;
	if (is_tcp(kind))
		own = (h[transport + 12] >> 4) * 4u;
	if (own < least || own > linear - transport || transport + own >= len)
		return -EINVAL;
	*g = (struct gso_layout){ .kind = kind, .net = net, .transport = transport, .headers = transport + own, .size = size };
	g->payload = len - g->headers;
	g->count = (g->payload + size - 1) / size;
	return 0;
}

static void ip_header(const struct gso_layout *g, u8 *ip, u32 i, u32 total)
{
	if (is_v6(g->kind)) {
		put_be16(ip + 4, (u16)(total - IP6_BYTES));
		return;
	}
	put_be16(ip + 2, (u16)total);
	put_be16(ip + 4, (u16)(get_be16(ip + 4) + i));
	memset(ip + 10, 0, 2);
	be16 sum = ip4_header_csum(ip, (ip[0] & 15));

	memcpy(ip + 10, &sum, 2);
}

static u16 pseudo(const struct gso_layout *g, const u8 *ip, u32 len)
{
	struct ip_addr src, dst;
	be32 v4[2];

	if (is_v6(g->kind)) {
		src = ip_addr_v6(ip + 8);
		dst = ip_addr_v6(ip + 24);
	} else {
		memcpy(v4, ip + 12, sizeof(v4));
		src = ip_addr_v4(v4[0]);
		dst = ip_addr_v4(v4[1]);
	}
	return csum_fold(csum_pseudo(&src, &dst, is_tcp(g->kind) ? IPPROTO_TCP : IPPROTO_UDP, len));
}

void gso_header(const struct gso_layout *g, u8 *h, u32 i)
{
	u32 payload = gso_payload(g, i), len = g->headers - g->transport + payload;
	u8 *t = h + g->transport;

	ip_header(g, h + g->net, i, g->headers - g->net + payload);
	u16 sum = pseudo(g, h + g->net, len);

	if (is_tcp(g->kind)) {
		put_be32(t + 4, get_be32(t + 4) + i * g->size);
		if (i)
			t[TCP_FLAGS_AT] &= (u8)~TCP_CWR;
		if (i + 1 < g->count)
			t[TCP_FLAGS_AT] &= (u8)~(TCP_FIN | TCP_PSH);
		memcpy(t + TCP_CSUM_AT, &sum, 2);
	} else {
		put_be16(t + 4, (u16)len);
		memcpy(t + UDP_CSUM_AT, &sum, 2);
	}
}

/* ---- packets ---- */

bool gso_has_cwr(const struct packet *p)
{
	u8 flags = 0;

	if (!is_tcp(p->gso) || p->transport_off == PACKET_NO_OFFSET || p->transport_off < packet_headroom(p) ||
	    !packet_copy_bits(p, p->transport_off - packet_headroom(p) + TCP_FLAGS_AT, &flags, 1))
		return false;
	return flags & TCP_CWR;
}

/* Append @n payload bytes of @p from @at: copied where they are linear, shared where they are pages. */
static bool share(struct packet *q, const struct packet *p, u32 at, u32 n)
{
	u32 linear = packet_linear(p), here = at < linear ? MIN(n, linear - at) : 0;

	if (here)
		memcpy(packet_put(q, here), p->data + at, here);
	at = at + here - linear;
	n -= here;
	for (u32 i = 0; n && i < p->frag_count; i++) {
		const struct packet_frag *f = &p->frag[i];

		if (at >= f->len) {
			at -= f->len;
			continue;
		}
		u32 part = MIN(n, f->len - at);

		page_get(f->page);
		if (!packet_add_frag(q, f->page, f->offset + at, part)) {
			page_put(f->page);
			return false;
		}
		n -= part;
		at = 0;
	}
	return !n;
}

static struct packet *segment(const struct packet *p, const struct gso_layout *g, u32 i)
{
	u32 at = g->headers + i * g->size, n = gso_payload(g, i), linear = packet_linear(p);
	struct packet *q = packet_alloc(g->headers + (at < linear ? MIN(n, linear - at) : 0), ALLOC_ATOMIC);

	if (!q)
		return NULL;
	u32 front = packet_headroom(q);
	u8 *h = packet_put(q, g->headers);

	memcpy(h, p->data, g->headers);
	gso_header(g, h, i);
	if (!share(q, p, at, n)) {
		packet_free(q);
		return NULL;
	}
	q->dev = p->dev;
	q->protocol = p->protocol;
	q->type = p->type;
	q->mark = p->mark;
	q->priority = p->priority;
	q->mac_off = (u16)front;
	q->net_off = (u16)(front + g->net);
	q->transport_off = (u16)(front + g->transport);
	q->csum = CSUM_PARTIAL;
	q->csum_start = q->transport_off;
	q->csum_offset = is_tcp(g->kind) ? TCP_CSUM_AT : UDP_CSUM_AT;
	return q;
}

int gso_segment(struct packet *p, struct list_head *out)
{
	u32 front = packet_headroom(p);
	struct gso_layout g;
	LIST_HEAD(made);
	int err = -EINVAL;

	if (p->net_off != PACKET_NO_OFFSET && p->transport_off != PACKET_NO_OFFSET && p->net_off >= front && p->transport_off >= front)
		err = gso_layout(&g, p->gso, p->data, packet_linear(p), p->len, p->net_off - front, p->transport_off - front, p->gso_size);
	for (u32 i = 0; !err && i < g.count; i++) {
		struct packet *q = segment(p, &g, i);

		if (q)
			list_add_tail(&q->node, &made);
		else
			err = -ENOMEM;
	}
	if (err) {
		packet_free_list(&made);
	} else {
		struct packet *last = list_last_entry(&made, struct packet, node);

		last->owner = p->owner;
		last->destroy = p->destroy;
		last->charge = p->charge;
		p->destroy = NULL;
		list_splice_tail_init(&made, out);
	}
	packet_free(p);
	return err;
}
