/*
 * IPv4: input and output.
 *
 * Departures: packets for others are dropped (no forwarding); options are skipped.
 *
 * Source: RFC 791, RFC 1122 section 3.2, RFC 6864 (identification).
 */
#include <linux/errno.h>
#include "kern/random.h"
#include "net/checksum.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/reassembly.h"
#include "net/route4.h"
#include "vfs/procfs.h"

enum { HEADER_MIN = 20, FLAG_DF = 0x4000, FLAG_MF = 0x2000, OFFSET_MASK = 0x1fff };

enum { TIME_EXCEEDED = 11, REASSEMBLY_TIME = 1 };

static u32 next_id;		/* [a] */

static void reassembly_expired(struct packet *first, const struct ip_rx *rx);
static void count_timeout(bool had_first);
static struct reassembly reassembly = { .high = 4 << 20, .seconds = 30, .expired = reassembly_expired, .count_timeout = count_timeout };

/* What changes in a header with the packet's length. */
static void set_total(u8 *h, u32 words, u32 total, u32 frag)
{
	put_be16(h + 2, (u16)total);
	put_be16(h + 6, (u16)frag);
	memset(h + 10, 0, 2);
	be16 sum = ip4_header_csum(h, words);

	memcpy(h + 10, &sum, 2);
}

/* ---- input ---- */

static enum ip_dst_kind kind_of(const struct net_device *dev, be32 dst, bool *ours)
{
	struct ip_addr group = ip_addr_v4(dst);
	const struct route4 *r;

	*ours = true;
	if (dst == ~0u)
		return IP_DST_BROADCAST;
	if (ip4_is_multicast(dst)) {
		*ours = device_in_group(dev, &group);
		return IP_DST_MULTICAST;
	}
	r = route4_lookup(dst, 0);
	if (r && r->type == RTN_BROADCAST)
		return IP_DST_BROADCAST;
	*ours = r && r->type == RTN_LOCAL;
	return IP_DST_LOCAL;
}

/* An address configured by DHCP is not there yet when the offer comes: unicast to a device without addresses is for us. */
static bool unconfigured(const struct net_device *dev)
{
	return !(dev->flags & IFF_LOOPBACK) && !ip4_first_address(dev);
}

static void deliver(struct packet *p, u32 header)
{
	struct ip_rx ip = *ip_rx_of(p);
	const struct ip_protocol *proto = ip_protocol_find(ip.protocol, false);
	bool heard = ip_raw_heard(p, &ip);

	packet_drop_front(p, header);
	packet_mark_transport(p);
	IP4_COUNT(in_delivers);
	if (proto) {
		proto->rx(p, &ip);
		return;
	}
	if (!heard) {
		IP4_COUNT(in_unknown_protocols);
		icmp4_send(p, &ip, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
	}
	packet_free(p);
}

static void reassembly_expired(struct packet *first, const struct ip_rx *rx)
{
	icmp4_send(first, rx, TIME_EXCEEDED, REASSEMBLY_TIME, 0);
}

static void count_timeout(bool had_first)
{
	IP4_COUNT(reasm_timeouts);
	IP4_COUNT(reasm_fails);
}

/* All pieces are in @p, whose data is behind the first one's header: make that one the header of the whole, and deliver. Consumes. */
static void deliver_whole(struct packet *p)
{
	u32 header = ip_rx_of(p)->header_len;
	u8 *h = packet_push(p, header);

	if (p->len > DATAGRAM_MAX) {
		IP4_COUNT(reasm_fails);
		packet_free(p);
		return;
	}
	IP4_COUNT(reasm_oks);
	h[1] = ip_rx_of(p)->tos;
	set_total(h, header / 4, p->len, 0);
	deliver(p, header);
}

/* A piece of a datagram. Consumes. */
static void reassemble(struct packet *p, u32 header)
{
	const struct ip_rx *ip = ip_rx_of(p);
	u32 field = get_be16(p->data + 6), start = (field & OFFSET_MASK) * 8, len = p->len - header;
	struct reassembly_key key = { .src = ip->src, .dst = ip->dst, .id = get_be16(p->data + 4), .protocol = ip->protocol };
	bool more = field & FLAG_MF;
	struct packet *whole;

	IP4_COUNT(reasm_requests);
	if (more)
		len &= ~7u;
	if (!len || start + len > DATAGRAM_MAX - header) {
		IP4_COUNT(reasm_fails);
		packet_free(p);
		return;
	}
	packet_trim(p, header + len);
	packet_drop_front(p, header);
	switch (reassembly_put(&reassembly, &key, p, start, more, &whole)) {
	case REASSEMBLY_WAITS:
		break;
	case REASSEMBLY_WHOLE:
		deliver_whole(whole);
		break;
	case REASSEMBLY_FAILED:
		IP4_COUNT(reasm_fails);
		break;
	}
}

/* Check the header. Return: its length, 0: drop */
static u32 parse(struct packet *p)
{
	if (!packet_pull(p, HEADER_MIN))
		return 0;
	u32 header = (p->data[0] & 15) * 4u, total = get_be16(p->data + 2);

	if (p->data[0] >> 4 != 4 || header < HEADER_MIN || total < header || total > p->len || !packet_pull(p, header))
		return 0;
	if (ip4_header_csum(p->data, header / 4))
		return 0;
	packet_trim(p, total);
	return header;
}

static void rx(struct packet *p)
{
	IP4_COUNT(in_receives);
	if (p->type == PACKET_TO_OTHER) {
		device_stats_here(p->dev)->rx_otherhost++;
		packet_free(p);
		return;
	}
	u32 header = parse(p);

	if (!header) {
		IP4_COUNT(in_header_errors);
		packet_free(p);
		return;
	}
	packet_mark_net(p);
	const u8 *h = p->data;
	be32 src, dst;
	bool ours;

	memcpy(&src, h + 12, 4);
	memcpy(&dst, h + 16, 4);
	*ip_rx_of(p) = (struct ip_rx){
		.src = ip_addr_v4(src), .dst = ip_addr_v4(dst), .dev = p->dev, .protocol = h[9], .tos = h[1], .ttl = h[8],
		.kind = (u8)kind_of(p->dev, dst, &ours), .header_len = (u8)header, .loopback = p->dev->flags & IFF_LOOPBACK,
	};
	if ((!ours && (ip4_is_multicast(dst) || !unconfigured(p->dev))) || ip4_is_multicast(src) || src == ~0u ||
	    (!(p->dev->flags & IFF_LOOPBACK) && (ip4_is_loopback(src) || ip4_is_loopback(dst)))) {
		IP4_COUNT(in_address_errors);
		packet_free(p);
	} else if (get_be16(h + 6) & (FLAG_MF | OFFSET_MASK)) {
		reassemble(p, header);
	} else {
		deliver(p, header);
	}
}

/* ---- output ---- */

/* The header is in place: to the link. */
static int to_link(struct packet *p, const struct ip_dst *dst)
{
	struct net_device *dev = dst->dev;
	be32 to = dst->gateway.w[3];
	u8 group[ETH_ALEN] = { 1, 0, 0x5e };
	const u8 *addr = NULL;

	p->dev = dev;
	p->protocol = cpu_to_be16(ETH_P_IP);
	if (dst->kind == IP_DST_UNICAST && !(dev->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return neighbour_output(p, dev, &dst->gateway);
	if (dst->kind == IP_DST_MULTICAST) {
		const u8 *b = (const u8 *)&to;

		group[3] = b[1] & 0x7f;
		group[4] = b[2];
		group[5] = b[3];
		addr = group;
	}
	int err = dev->link ? dev->link->build(p, dev, p->protocol, addr, NULL) : 0;

	if (err) {
		packet_free(p);
		return err;
	}
	return device_xmit(p);
}

/* What goes to a group that this machine is in, or to all on the link, comes back to it, as from the link. */
static void loop_back(const struct packet *p, const struct ip_dst *dst)
{
	struct packet *copy = packet_clone(p, ALLOC_ATOMIC);

	if (!copy)
		return;
	copy->dev = dst->dev;
	copy->type = dst->kind == IP_DST_MULTICAST ? PACKET_TO_MULTICAST : PACKET_TO_BROADCAST;
	copy->protocol = cpu_to_be16(ETH_P_IP);
	net_backlog(copy);
}

static bool comes_back(const struct ip_dst *dst, const struct ip_send *s)
{
	if (dst->dev->flags & IFF_LOOPBACK)
		return false;		/* it does anyway */
	return dst->kind == IP_DST_BROADCAST || (dst->kind == IP_DST_MULTICAST && s->mc_loop && device_in_group(dst->dev, &s->dst));
}

/* One piece: the header of @p and @len bytes of its payload from @at. NULL: no memory */
static struct packet *piece(const struct packet *p, u32 header, u32 at, u32 len, bool last)
{
	struct packet *f = packet_alloc(header + len, ALLOC_ATOMIC);

	if (!f)
		return NULL;
	packet_mark_net(f);
	memcpy(packet_put(f, header), p->data, header);
	if (!packet_copy_bits(p, header + at, packet_put(f, len), len)) {
		packet_free(f);
		return NULL;
	}
	f->priority = p->priority;
	f->mark = p->mark;
	set_total(f->data, header / 4, header + len, at / 8 | (last ? 0 : FLAG_MF));
	return f;
}

/* Cut @p, whose header is in place, into pieces that fit @mtu, which no device has lower than header and 8 bytes. Consumes. */
static int fragment(struct packet *p, const struct ip_dst *dst, u32 header, u32 mtu)
{
	u32 room = (mtu - header) & ~7u, payload = p->len - header, at = 0;
	int err = packet_csum_finish(p);

	while (!err && at < payload) {
		u32 len = MIN(room, payload - at);
		struct packet *f = piece(p, header, at, len, at + len == payload);

		if (!f) {
			err = -ENOMEM;
			break;
		}
		IP4_COUNT(frag_creates);
		err = to_link(f, dst);
		at += len;
	}
	if (err)
		IP4_COUNT(frag_fails);
	else
		IP4_COUNT(frag_oks);
	packet_free(p);
	return err;
}

static void fill_header(u8 *h, const struct ip_dst *dst, const struct ip_send *s, u32 header, u32 total, bool df)
{
	h[0] = (u8)(0x40 | header / 4);
	h[1] = s->tos;
	put_be16(h + 4, df && s->no_id ? 0 : (u16)atomic_inc_return(&next_id));
	h[8] = s->ttl ? s->ttl : dst->kind == IP_DST_MULTICAST ? 1 : ip_ttl_default(false);
	h[9] = s->protocol;
	memcpy(h + 12, &s->src.w[3], 4);
	memcpy(h + 16, &s->dst.w[3], 4);
	if (s->options_len)
		memcpy(h + HEADER_MIN, s->options, s->options_len);
	set_total(h, header / 4, total, df ? FLAG_DF : 0);
}

int ip4_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s)
{
	u32 header = HEADER_MIN + s->options_len, total = p->len + header;
	bool fits = p->gso != GSO_NONE || total <= dst->mtu;	/* what is cut up later is as long as one of its pieces */
	bool df = s->pmtu == IP_PMTUDISC_DO || s->pmtu == IP_PMTUDISC_PROBE || (s->pmtu == IP_PMTUDISC_WANT && fits);
	u32 mtu = s->pmtu == IP_PMTUDISC_PROBE || s->pmtu == IP_PMTUDISC_INTERFACE ? dst->dev->mtu : dst->mtu;
	int err = total > 65535 ? -EMSGSIZE : packet_ensure_headroom(p, header);

	if (!err && p->gso == GSO_NONE && total > mtu && df)
		err = -EMSGSIZE;
	IP4_COUNT(out_requests);
	if (err) {
		IP4_COUNT(out_discards);
		packet_free(p);
		return err;
	}
	packet_mark_transport(p);
	fill_header(packet_push(p, header), dst, s, header, total, df);
	packet_mark_net(p);
	p->priority = s->priority;
	p->mark = s->mark;
	if (comes_back(dst, s))
		loop_back(p, dst);
	if (p->gso == GSO_NONE && total > mtu)
		return fragment(p, dst, header, mtu);
	return to_link(p, dst);
}

int ip_output_header(struct packet *p, struct ip_dst *dst)
{
	u8 *h = p->data;

	IP4_COUNT(out_requests);
	packet_mark_net(p);
	if (!get_be16(h + 4))
		put_be16(h + 4, (u16)atomic_inc_return(&next_id));
	set_total(h, h[0] & 15, p->len, get_be16(h + 6));
	return to_link(p, dst);
}

void ip4_init(void)
{
	static const struct link_protocol ip4 = { .type = __builtin_bswap16(ETH_P_IP), .rx = rx };

	static const struct sysctl table[] = {
		{ .path = "net/ipv4/ipfrag_high_thresh", .kind = SYSCTL_U64, .mode = 0644, .value = &reassembly.high },
		{ .path = "net/ipv4/ipfrag_time", .kind = SYSCTL_U32, .mode = 0644, .value = &reassembly.seconds, .max = 86400 },
	};

	reassembly_init(&reassembly);
	proc_add_sysctl(table, ARRAY_SIZE(table));
	next_id = (u32)random_u64();
	link_protocol_register(&ip4);
}
