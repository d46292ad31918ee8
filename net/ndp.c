/* Neighbour discovery: questions and answers about hardware addresses.  ndp.h is the contract. */
#include "net/checksum.h"
#include "net/internal.h"
#include "net/ip6.h"
#include "net/ndp.h"
#include "net/neighbour.h"
#include "net/stats.h"

enum { HOP_LIMIT = 255, MESSAGE = 24 };
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };

static const struct ip_addr all_nodes = { .b = { 0xff, 2, [15] = 1 } };

/* ---- sending ---- */

void ndp_send(struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link, const void *message, u32 len)
{
	struct packet *p = packet_alloc(len, ALLOC_ATOMIC);

	if (!p)
		return;
	u8 *m = packet_put(p, len);

	memcpy(m, message, len);
	memset(m + 2, 0, 2);
	be16 sum = csum_finish(csum_partial(m, len, csum_pseudo(src, dst, IPPROTO_ICMPV6, len)));

	memcpy(m + 2, &sum, 2);
	IP6_COUNT(icmp_out);
	IP6_COUNT(icmp_out_type[m[0]]);
	ip6_output_link(p, dev, src, dst, link, IPPROTO_ICMPV6, HOP_LIMIT);
}

/* A message with a target and, if the device has one to tell, our hardware address. */
static void send_target(struct net_device *dev, u8 type, u8 flags, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link,
			const struct ip_addr *target, u8 option)
{
	u8 m[MESSAGE + ND_LINK_OPTION] = { type, 0, 0, 0, flags };

	memcpy(m + 8, target, sizeof(*target));
	m[MESSAGE] = option;
	m[MESSAGE + 1] = ND_LINK_OPTION / 8;
	memcpy(m + MESSAGE + 2, dev->addr, ETH_ALEN);
	ndp_send(dev, src, dst, link, m, option ? sizeof(m) : MESSAGE);
}

void ndp_solicit(struct net_device *dev, const struct ip_addr *ip, const u8 *known)
{
	struct ip_addr group = ip6_solicited_node(ip), src;

	if (ip6_source(dev, ip, &src))
		send_target(dev, ND_NEIGHBOUR_SOLICIT, 0, &src, known ? ip : &group, known, ip, ND_OPT_SOURCE);
}

void dad_ask(const struct ip6_address *a)
{
	struct ip_addr group = ip6_solicited_node(&a->local), none = { .q = { 0 } };

	send_target(a->dev, ND_NEIGHBOUR_SOLICIT, 0, &none, &group, NULL, &a->local, 0);
}

/* ---- receiving ---- */

/* Are the options whole? A message with one of length 0 is dropped (RFC 4861, 7.1). */
static bool options_whole(const u8 *options, u32 len)
{
	const u8 *o;
	u32 at = 0;

	while (ndp_option_next(options, len, &at, &o))
		;
	return at == len;
}

static void solicited(const u8 *m, u32 len, struct net_device *dev, const struct ip_rx *ip)
{
	struct ip_addr target = ip_addr_v6(m + 8);
	struct ip6_address *a = ip6_address_find(dev, &target);
	const u8 *link = ndp_link_address(m + MESSAGE, len - MESSAGE, ND_OPT_SOURCE);
	bool probing = ip6_is_any(&ip->src), group = ip6_is_multicast(&ip->dst);

	/* Who asks a group says where he is, and who has no address yet asks a group and does not (RFC 4861, 4.3 and 7.1.1). */
	if (!a || (probing ? link || !group : group && !link))
		return;
	if (!ip6_address_usable(a)) {
		if (probing)
			ip6_address_duplicate(a);	/* another one wants it at the same time */
		return;
	}
	if (probing) {
		send_target(dev, ND_NEIGHBOUR_ADVERT, NA_OVERRIDE, &target, &all_nodes, NULL, &target, ND_OPT_TARGET);
		return;
	}
	struct neighbour_news news = { .addr = link, .override = true, .create = link };

	neighbour_hear(dev, &ip->src, &news);
	send_target(dev, ND_NEIGHBOUR_ADVERT, NA_SOLICITED | NA_OVERRIDE, &target, &ip->src, NULL, &target, ND_OPT_TARGET);
}

static void advertised(const u8 *m, u32 len, struct net_device *dev, const struct ip_rx *ip)
{
	struct ip_addr target = ip_addr_v6(m + 8);
	struct ip6_address *own = ip6_address_find(dev, &target);
	struct neighbour_news news = {
		.addr = ndp_link_address(m + MESSAGE, len - MESSAGE, ND_OPT_TARGET), .answer = m[4] & NA_SOLICITED, .override = m[4] & NA_OVERRIDE,
		.tells_router = true, .router = m[4] & NA_ROUTER,
	};

	if (own) {
		if (!ip6_address_usable(own))
			ip6_address_duplicate(own);
		return;
	}
	if (!(ip6_is_multicast(&ip->dst) && news.answer))
		neighbour_hear(dev, &target, &news);
}

void ndp_rx(struct packet *p, const struct ip_rx *ip)
{
	u8 type = p->data[0];

	if (ip->ttl != HOP_LIMIT || p->data[1] || p->dev->flags & (IFF_LOOPBACK | IFF_NOARP) || p->dev->addr_len != ETH_ALEN) {
		IP6_COUNT(icmp_in_errors);
		return;
	}
	if (type == ND_ROUTER_ADVERT) {
		ra_rx(p, ip);
		return;
	}
	if (type != ND_NEIGHBOUR_SOLICIT && type != ND_NEIGHBOUR_ADVERT)
		return;
	if (packet_linearize(p) || p->len < MESSAGE || ip6_is_multicast((const struct ip_addr *)(p->data + 8)) ||
	    !options_whole(p->data + MESSAGE, p->len - MESSAGE)) {
		IP6_COUNT(icmp_in_errors);
		return;
	}
	if (type == ND_NEIGHBOUR_SOLICIT)
		solicited(p->data, p->len, p->dev, ip);
	else
		advertised(p->data, p->len, p->dev, ip);
}
