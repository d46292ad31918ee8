/*
 * Ethernet headers.
 *
 * Source: IEEE 802.3; packet(7).
 */
#include <linux/errno.h>
#include "net/device.h"
#include "net/ethernet.h"
#include "net/internal.h"

static int build(struct packet *p, struct net_device *dev, be16 protocol, const u8 *dst, const u8 *src)
{
	int err = packet_ensure_headroom(p, ETH_HLEN);

	if (err)
		return err;
	u8 *h = packet_push(p, ETH_HLEN);

	packet_mark_mac(p);
	memcpy(h, dst ? dst : dev->broadcast, ETH_ALEN);
	memcpy(h + ETH_ALEN, src ? src : dev->addr, ETH_ALEN);
	memcpy(h + 2 * ETH_ALEN, &protocol, sizeof(protocol));
	return 0;
}

const struct link_ops ethernet_link = { .build = build, .header_len = ETH_HLEN };

int ethernet_any_addr(struct net_device *dev, const u8 *addr)
{
	return addr[0] & 1 || mem_is_zero(addr, ETH_ALEN) ? -EADDRNOTAVAIL : 0;
}

bool ethernet_parse(struct packet *p, struct net_device *dev)
{
	if (!packet_pull(p, ETH_HLEN))
		return false;
	const u8 *h = p->data;

	p->dev = dev;
	packet_mark_mac(p);
	memcpy(&p->protocol, h + 2 * ETH_ALEN, sizeof(p->protocol));
	if (!(h[0] & 1))
		p->type = memcmp(h, dev->addr, ETH_ALEN) ? PACKET_TO_OTHER : PACKET_TO_HOST;
	else
		p->type = memcmp(h, dev->broadcast, ETH_ALEN) ? PACKET_TO_MULTICAST : PACKET_TO_BROADCAST;
	packet_drop_front(p, ETH_HLEN);
	return true;
}
