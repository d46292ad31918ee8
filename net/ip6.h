/* IPv6's own part of output, for discovery (ndp.c) and group reports (mld.c), which name the device and the hardware address themselves. */
#ifndef NET_IP6_H
#define NET_IP6_H

#include "net/packet.h"

struct net_device;

/**
 * ip6_output_link - put an IPv6 header before @p and send it over @dev
 * @next: type of the header that @p begins with
 * @link: the hardware address; NULL: that of @dst's group, or its neighbour's
 * Net context; with @link or a group as @dst, a neighbour's lock may be held.  Consumes
 */
void ip6_output_link(struct packet *p, struct net_device *dev, const struct ip_addr *src, const struct ip_addr *dst, const u8 *link, u8 next, u8 hop_limit);

#endif
