/* IPv6's own part of output, for discovery (ndp.c), which names the device and the hardware address itself. */
#ifndef NET_IP6_H
#define NET_IP6_H

#include "net/packet.h"

struct net_device;

/**
 * ip6_output_link - put an IPv6 header (ICMPv6) before @p and send it over @dev
 * @link: the hardware address; NULL: that of @dst's group, or its neighbour's
 * Net context; with @link or a group as @dst, a neighbour's lock may be held.  Consumes
 */
void ip6_output_link(struct packet *p, struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link, u8 hop_limit);

#endif
