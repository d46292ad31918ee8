/*
 * IPv6 and its link: neighbour discovery, duplicate addresses, routers.
 *
 *   ndp.c    questions and answers about hardware addresses; keeps neighbour.c's table
 *   dad.c    whether somebody on the link has an address already
 *   ra.c     finds routers; what they advertise becomes routes and addresses
 *
 * All messages count only with a hop limit of 255: nobody off the link can send one.
 *
 * Departures: redirects are ignored; no proxies, no SEND.
 *
 * Locks: ndp_lock (RANK_NET_CONFIG) guards the arming and the release of timers of addresses and devices.
 * Source: RFC 4861, RFC 4862.
 */
#ifndef NET_NDP_H
#define NET_NDP_H

#include "net/address6.h"
#include "net/ip.h"

struct packet;

/* Types of ICMPv6 messages, as <linux/icmpv6.h> has no names for these. */
enum { ND_ROUTER_SOLICIT = 133, ND_ROUTER_ADVERT, ND_NEIGHBOUR_SOLICIT, ND_NEIGHBOUR_ADVERT, ND_REDIRECT };
enum { ND_OPT_SOURCE = 1, ND_OPT_TARGET = 2, ND_OPT_PREFIX = 3, ND_OPT_MTU = 5, ND_LINK_OPTION = 8 /* bytes of one with an Ethernet address */ };

/** ndp_rx - a message of the types above; checksum good, 8 bytes linear, data at the ICMPv6 header. Net context. Does not consume */
void ndp_rx(struct packet *p, const struct ip_rx *ip);
/** ndp_option_next - walk options. *@at: in: offset of one, out: of the next. Return: false: the end, or one with a wrong length. Pure */
bool ndp_option_next(const u8 *options, u32 len, u32 *at, const u8 **option);
/** ndp_link_address - the hardware address in an option of type @type, or NULL */
const u8 *ndp_link_address(const u8 *options, u32 len, u8 type);
/** ndp_send - put @len bytes in an ICMPv6 message and send it over @dev; @link: to that hardware address, NULL: to whom @dst belongs. Net context */
void ndp_send(struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link, const void *message, u32 len);

/* dad.c */
extern struct spinlock ndp_lock;
/** ndp_address_init - prepare a->timer and a->flags of an address that is about to be added */
void ndp_address_init(struct ip6_address *a);
/** ndp_address_begin - it is in the list: ask the link, or use it at once. ndp_address_release - it is out: @done when nobody sees it any more */
void ndp_address_begin(struct ip6_address *a);
void ndp_address_release(struct ip6_address *a, void (*done)(struct net_timer *t));
/** dad_ask - the question for a tentative address */
void dad_ask(const struct ip6_address *a);

/* ra.c */
void ndp_config_init(struct net_device *dev, struct ip6_config *c);
void ndp_config_release(struct ip6_config *c, void (*done)(struct net_timer *t));
/** ndp_device_down - stop asking for routers. ra_ask_begin - @dev has an address for its link: begin to */
void ndp_device_down(struct ip6_config *c);
void ra_ask_begin(struct net_device *dev);
void ra_rx(struct packet *p, const struct ip_rx *ip);
void ra_init(void);

#endif
