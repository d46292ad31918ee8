/*
 * IPv6: input and output.
 *
 * Departures: packets for others are dropped (no forwarding); flow labels are 0.
 *
 * Source: RFC 8200; RFC 4007 (scopes); RFC 7739 (identification).
 */
#include <linux/errno.h>
#include "kern/random.h"
#include "net/address6.h"
#include "net/ext6.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/ip6.h"
#include "net/ndp.h"
#include "net/neighbour.h"
#include "net/reassembly.h"
#include "net/route6.h"
#include "vfs/procfs.h"

enum { FRAGMENT = 44, FRAGMENT_HEADER = 8, MORE = 1, HOP_LIMIT_AT = 7, UNKNOWN_NEXT_HEADER = 1, PARAMETER_PROBLEM = 4 };

enum { TIME_EXCEEDED = 3, REASSEMBLY_TIME = 1, ERRONEOUS_FIELD = 0, PAYLOAD_LENGTH_AT = 4 };

struct ip6_stats ip6_stats[CPUS_MAX];

static void reassembly_expired(struct packet *first, const struct ip_rx *rx);
static void count_timeout(bool had_first);
static struct reassembly reassembly = { .high = 4 << 20, .seconds = 60, .expired = reassembly_expired, .count_timeout = count_timeout };

/* ---- input ---- */

/* Whether @dst is one of ours, as seen from @dev: an address of the link counts only there. */
static bool for_us(const struct net_device *dev, const struct ip_addr *dst)
{
	return ip6_is_multicast(dst) ? device_in_group(dev, dst) : ip6_is_local(dst, ip6_is_link_local(dst) ? dev->ifindex : 0);
}

/* Addresses that no packet on a wire may have (RFC 4291, 2.5 and 2.7). */
static bool impossible(const struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst)
{
	if (ip6_is_multicast(src) || ip_addr_is_v4(src) || ip_addr_is_v4(dst) || ip6_is_any(dst))
		return true;
	return !(dev->flags & IFF_LOOPBACK) && (ip6_is_loopback(src) || ip6_is_loopback(dst) || (ip6_is_multicast(dst) && ip6_mc_scope(dst) <= 1));
}

/* Check the header. Return: whether the packet is good so far; it ends where its header says */
static bool parse(struct packet *p)
{
	if (!packet_pull(p, IP6_HEADER) || p->data[0] >> 4 != 6)
		return false;
	u32 total = get_be16(p->data + 4) + (u32)IP6_HEADER;

	if (total > p->len) {
		IP6_COUNT(in_truncated);
		return false;
	}
	packet_trim(p, total);
	return true;
}

static void deliver(struct packet *p, const struct ext6 *ext)
{
	struct ip_rx ip = *ip_rx_of(p);
	const struct ip_protocol *proto = ip_protocol_find(ext->next, true);

	ip.protocol = ext->next;
	ip.header_len = (u8)MIN(ext->at, 255u);
	packet_drop_front(p, ext->at);
	packet_mark_transport(p);
	if (proto) {
		IP6_COUNT(in_delivers);
		proto->rx(p, &ip);
		return;
	}
	IP6_COUNT(in_unknown_protocols);
	icmp6_send(p, &ip, PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, ext->next_field);
	packet_free(p);
}

static void reassembly_expired(struct packet *first, const struct ip_rx *rx)
{
	icmp6_send(first, rx, TIME_EXCEEDED, REASSEMBLY_TIME, 0);
}

static void count_timeout(bool had_first)
{
	IP6_COUNT(reasm_timeouts);
	IP6_COUNT(reasm_fails);
}

/* A piece that cannot be: drop it and tell the sender which field is wrong. */
static void bad_piece(struct packet *p, u32 pointer)
{
	IP6_COUNT(reasm_fails);
	icmp6_send(p, ip_rx_of(p), PARAMETER_PROBLEM, ERRONEOUS_FIELD, pointer);
	packet_free(p);
}

/* All pieces are in @p, whose data is behind the first one's fragment header: take that out. Return: @p at its IPv6 header, or NULL: dropped */
static struct packet *make_whole(struct packet *p, bool group)
{
	u32 head = (u32)(p->data - packet_net(p)), before = head - FRAGMENT_HEADER;
	u8 *h = packet_net(p);
	struct ext6 ext;

	if (before - IP6_HEADER + p->len > DATAGRAM_MAX || ext6_walk(h, head, group, &ext) != EXT6_FRAGMENT || ext.at != before) {
		IP6_COUNT(reasm_fails);
		packet_free(p);
		return NULL;
	}
	IP6_COUNT(reasm_oks);
	h[ext.next_field] = h[before];
	memmove(h + FRAGMENT_HEADER, h, before);
	h = packet_push(p, before);
	packet_mark_net(p);
	h[1] = (u8)((h[1] & 0xcf) | (ip_rx_of(p)->tos & 3) << 4);
	put_be16(h + PAYLOAD_LENGTH_AT, (u16)(p->len - IP6_HEADER));
	return p;
}

/* A piece of a datagram, the fragment header at ext->at. Consumes. Return: the whole at its IPv6 header, or NULL */
static struct packet *reassemble(struct packet *p, const struct ext6 *ext, bool group)
{
	const struct ip_rx *ip = ip_rx_of(p);
	const u8 *f = p->data + ext->at;
	u32 field = get_be16(f + 2), start = field & ~7u, len = p->len - ext->at - FRAGMENT_HEADER;
	bool scoped = ip6_needs_scope(&ip->src) || ip6_needs_scope(&ip->dst);
	struct reassembly_key key = { .src = ip->src, .dst = ip->dst, .id = get_be32(f + 4), .ifindex = scoped ? p->dev->ifindex : 0 };
	struct packet *whole;

	IP6_COUNT(reasm_requests);
	if (start + len > DATAGRAM_MAX - (ext->at - IP6_HEADER)) {
		bad_piece(p, ext->at + 2);
		return NULL;
	}
	if (field & MORE && len & 7) {
		bad_piece(p, PAYLOAD_LENGTH_AT);
		return NULL;
	}
	if (!len) {
		IP6_COUNT(reasm_fails);
		packet_free(p);
		return NULL;
	}
	packet_drop_front(p, ext->at + FRAGMENT_HEADER);
	switch (reassembly_put(&reassembly, &key, p, start, field & MORE, &whole)) {
	case REASSEMBLY_WAITS:
		break;
	case REASSEMBLY_WHOLE:
		return make_whole(whole, group);
	case REASSEMBLY_FAILED:
		IP6_COUNT(reasm_fails);
		break;
	}
	return NULL;
}

/* What is above the extension headers. EXT6_TRUNCATED also if there was no memory */
static enum ext6_verdict walk(struct packet *p, bool group, struct ext6 *ext)
{
	*ext = (struct ext6){ .next = p->data[6], .at = IP6_HEADER, .next_field = 6 };
	if (!ext6_is_extension(ext->next))
		return EXT6_TRANSPORT;
	if (!packet_pull(p, MIN(p->len, (u32)EXT6_BYTES_MAX)))
		return EXT6_TRUNCATED;
	return ext6_walk(p->data, packet_linear(p), group, ext);
}

/* For us: what is above the extension headers gets it. A datagram in pieces whose whole is a piece again is nonsense. Consumes. */
static void above(struct packet *p, bool group)
{
	struct ext6 ext;
	enum ext6_verdict v = walk(p, group, &ext);

	if (v == EXT6_FRAGMENT) {
		p = reassemble(p, &ext, group);
		if (!p)
			return;
		v = walk(p, group, &ext);
	}
	if (v == EXT6_TRANSPORT) {
		deliver(p, &ext);
		return;
	}
	if (v == EXT6_NOTHING)
		IP6_COUNT(in_delivers);
	else
		IP6_COUNT(in_header_errors);
	if (v == EXT6_PARAMETER)
		icmp6_send(p, ip_rx_of(p), PARAMETER_PROBLEM, ext.code, ext.pointer);
	packet_free(p);
}

static void rx(struct packet *p)
{
	IP6_COUNT(in_receives);
	if (p->type == PACKET_TO_OTHER) {
		device_stats_here(p->dev)->rx_otherhost++;
		packet_free(p);
		return;
	}
	if (!parse(p)) {
		IP6_COUNT(in_header_errors);
		packet_free(p);
		return;
	}
	packet_mark_net(p);
	const u8 *h = p->data;
	struct ip_addr src = ip_addr_v6(h + 8), dst = ip_addr_v6(h + 24);
	bool group = ip6_is_multicast(&dst);

	*ip_rx_of(p) = (struct ip_rx){
		.src = src, .dst = dst, .dev = p->dev, .protocol = h[6], .tos = (u8)(h[0] << 4 | h[1] >> 4), .ttl = h[HOP_LIMIT_AT],
		.kind = group ? IP_DST_MULTICAST : IP_DST_LOCAL, .header_len = IP6_HEADER, .loopback = p->dev->flags & IFF_LOOPBACK,
	};
	if (group)
		IP6_COUNT(in_multicast);
	if (impossible(p->dev, &src, &dst) || !for_us(p->dev, &dst)) {
		IP6_COUNT(in_address_errors);
		packet_free(p);
	} else {
		above(p, group);
	}
}

/* ---- output ---- */

static void group_address(const struct ip_addr *group, u8 *link)
{
	link[0] = link[1] = 0x33;
	memcpy(link + 2, group->b + 12, 4);
}

/* What goes to a group that this machine is in comes back to it, as from the link. */
static void loop_back(const struct packet *p, struct net_device *dev)
{
	struct packet *copy = packet_clone(p, ALLOC_ATOMIC);

	if (!copy)
		return;
	copy->dev = dev;
	copy->type = PACKET_TO_MULTICAST;
	copy->protocol = cpu_to_be16(ETH_P_IPV6);
	net_backlog(copy);
}

/* The header is in place: to the link. @link: to that address, NULL: see ip6_output_link */
static int to_link(struct packet *p, struct net_device *dev, const struct ip_addr *next, const u8 *link)
{
	u8 group[ETH_ALEN];

	p->dev = dev;
	p->protocol = cpu_to_be16(ETH_P_IPV6);
	if (!link && ip6_is_multicast(next)) {
		group_address(next, group);
		link = group;
	}
	if (!link && !(dev->flags & (IFF_LOOPBACK | IFF_NOARP)))
		return neighbour_output(p, dev, next);
	int err = dev->link ? dev->link->build(p, dev, p->protocol, link, NULL) : 0;

	if (err) {
		packet_free(p);
		return err;
	}
	return device_xmit(p);
}

static void fill_header(u8 *h, u8 next, u32 payload, u8 tos, u8 hop_limit, const struct ip_addr *src, const struct ip_addr *dst)
{
	put_be32(h, 6u << 28 | (u32)tos << 20);
	put_be16(h + 4, (u16)payload);
	h[6] = next;
	h[HOP_LIMIT_AT] = hop_limit;
	memcpy(h + 8, src, sizeof(*src));
	memcpy(h + 24, dst, sizeof(*dst));
}

/* One piece of @len bytes of @p's payload from @at, behind a fragment header. NULL: no memory */
static struct packet *piece(const struct packet *p, u32 at, u32 len, bool last, u32 id)
{
	const u32 headers = IP6_HEADER + FRAGMENT_HEADER;
	struct packet *f = packet_alloc(headers + len, ALLOC_ATOMIC);

	if (!f)
		return NULL;
	packet_mark_net(f);
	u8 *h = packet_put(f, headers);

	memcpy(h, p->data, IP6_HEADER);
	h[IP6_HEADER] = h[6];
	h[IP6_HEADER + 1] = 0;
	put_be16(h + IP6_HEADER + 2, (u16)(at | (last ? 0 : MORE)));
	put_be32(h + IP6_HEADER + 4, id);
	h[6] = FRAGMENT;
	put_be16(h + 4, (u16)(FRAGMENT_HEADER + len));
	if (!packet_copy_bits(p, IP6_HEADER + at, packet_put(f, len), len)) {
		packet_free(f);
		return NULL;
	}
	f->priority = p->priority;
	f->mark = p->mark;
	return f;
}

/* Cut @p, whose header is in place, into pieces that fit @mtu (1280 at least, or the device's). Consumes. */
static int fragment(struct packet *p, const struct ip_dst *dst, u32 mtu)
{
	u32 room = (mtu - IP6_HEADER - FRAGMENT_HEADER) & ~7u, payload = p->len - IP6_HEADER, at = 0, id = (u32)random_u64();
	int err = packet_csum_finish(p);

	while (!err && at < payload) {
		u32 len = MIN(room, payload - at);
		struct packet *f = piece(p, at, len, at + len == payload, id);

		if (!f) {
			err = -ENOMEM;
			break;
		}
		IP6_COUNT(frag_creates);
		err = to_link(f, dst->dev, &dst->gateway, NULL);
		at += len;
	}
	if (err)
		IP6_COUNT(frag_fails);
	else
		IP6_COUNT(frag_oks);
	packet_free(p);
	return err;
}

static u8 hop_limit(const struct ip_dst *dst, u8 asked)
{
	const struct ip6_config *c = rcu_dereference(dst->dev->ip6);
	u8 said = c ? atomic_load(&c->hop_limit) : 0;

	return asked ? asked : dst->kind == IP_DST_MULTICAST ? 1 : said ? said : ip_ttl_default(true);
}

int ip6_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s)
{
	u32 payload = p->len, total = payload + IP6_HEADER;
	bool interface = s->pmtu == IP_PMTUDISC_PROBE || s->pmtu == IP_PMTUDISC_INTERFACE;
	u32 mtu = interface ? dst->dev->mtu : dst->mtu;
	bool whole = s->pmtu == IP_PMTUDISC_DO || s->pmtu == IP_PMTUDISC_PROBE;
	int err = payload > 65535 ? -EMSGSIZE : packet_ensure_headroom(p, IP6_HEADER);

	if (!err && p->gso == GSO_NONE && total > mtu && (whole || mtu < IP6_HEADER + FRAGMENT_HEADER + 8))
		err = -EMSGSIZE;
	IP6_COUNT(out_requests);
	if (err) {
		IP6_COUNT(out_discards);
		packet_free(p);
		return err;
	}
	if (dst->kind == IP_DST_MULTICAST)
		IP6_COUNT(out_multicast);
	packet_mark_transport(p);
	fill_header(packet_push(p, IP6_HEADER), s->protocol, payload, s->tos, hop_limit(dst, s->ttl), &s->src, &s->dst);
	packet_mark_net(p);
	p->priority = s->priority;
	p->mark = s->mark;
	if (dst->kind == IP_DST_MULTICAST && s->mc_loop && !(dst->dev->flags & IFF_LOOPBACK) && device_in_group(dst->dev, &s->dst))
		loop_back(p, dst->dev);
	if (p->gso == GSO_NONE && total > mtu)
		return fragment(p, dst, mtu);
	return to_link(p, dst->dev, &dst->gateway, NULL);
}

void ip6_output_link(struct packet *p, struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link, u8 next,
		     u8 limit)
{
	u32 payload = p->len;

	IP6_COUNT(out_requests);
	packet_mark_transport(p);
	fill_header(packet_push(p, IP6_HEADER), next, payload, 0, limit, src, dst);
	packet_mark_net(p);
	if (to_link(p, dev, dst, link))
		IP6_COUNT(out_discards);
}

void ip6_init(void)
{
	static const struct sysctl table[] = {
		{ .path = "net/ipv6/ip6frag_high_thresh", .kind = SYSCTL_U64, .mode = 0644, .value = &reassembly.high },
		{ .path = "net/ipv6/ip6frag_time", .kind = SYSCTL_U32, .mode = 0644, .value = &reassembly.seconds, .max = 86400 },
	};
	static const struct link_protocol ip6 = { .type = __builtin_bswap16(ETH_P_IPV6), .rx = rx };

	reassembly_init(&reassembly);
	proc_add_sysctl(table, ARRAY_SIZE(table));
	address6_init();
	ra_init();
	icmp6_init();
	link_protocol_register(&ip6);
}
