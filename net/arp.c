/*
 * ARP: IPv4's questions and answers about hardware addresses.  neighbour.c keeps what is learnt.
 *
 * Source: RFC 826, RFC 5227; arp(7).
 */
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/route4.h"

enum { ARP_BYTES = 28, REQUEST = 1, REPLY = 2 };

/* @dst NULL: broadcast. */
static void send(struct net_device *dev, u16 op, be32 sender, const u8 *target_addr, be32 target, const u8 *dst)
{
	struct packet *p = packet_alloc(ARP_BYTES, ALLOC_ATOMIC);

	if (!p)
		return;
	u8 *a = packet_put(p, ARP_BYTES);

	put_be16(a, 1);
	put_be16(a + 2, ETH_P_IP);
	a[4] = ETH_ALEN;
	a[5] = 4;
	put_be16(a + 6, op);
	memcpy(a + 8, dev->addr, ETH_ALEN);
	memcpy(a + 14, &sender, 4);
	if (target_addr)
		memcpy(a + 18, target_addr, ETH_ALEN);
	else
		memset(a + 18, 0, ETH_ALEN);
	memcpy(a + 24, &target, 4);
	p->dev = dev;
	p->protocol = cpu_to_be16(ETH_P_ARP);
	packet_mark_net(p);
	if (dev->link->build(p, dev, p->protocol, dst, NULL)) {
		packet_free(p);
		return;
	}
	device_xmit(p);
}

void arp_solicit(struct net_device *dev, const struct ip_addr *ip, const u8 *known)
{
	send(dev, REQUEST, ip4_source(dev, ip->w[3]), NULL, ip->w[3], known);
}

static void rx(struct packet *p)
{
	static const u8 head[6] = { 0, 1, ETH_P_IP >> 8, ETH_P_IP & 0xff, ETH_ALEN, 4 };
	struct net_device *dev = p->dev;
	be32 sender, target;

	if (p->type == PACKET_TO_OTHER || dev->flags & (IFF_NOARP | IFF_LOOPBACK) || !packet_pull(p, ARP_BYTES) ||
	    memcmp(p->data, head, sizeof(head)))
		goto out;
	const u8 *a = p->data, *addr = a + 8;
	u16 op = get_be16(a + 6);

	memcpy(&sender, a + 14, 4);
	memcpy(&target, a + 24, 4);
	if (ip4_is_multicast(target) || ip4_is_loopback(target) || addr[0] & 1)
		goto out;
	struct ip_addr t = ip_addr_v4(target), from = ip_addr_v4(sender);
	bool ours = ip_is_local(&t, dev->ifindex);
	struct neighbour_news news = { .addr = addr, .answer = op == REPLY && p->type == PACKET_TO_HOST, .override = true, .create = ours && op == REQUEST };

	if (sender && (ours || op == REPLY))
		neighbour_hear(dev, &from, &news);
	if (ours && op == REQUEST)
		send(dev, REPLY, target, addr, sender, addr);
out:
	packet_free(p);
}

void arp_init(void)
{
	static const struct link_protocol arp = { .type = __builtin_bswap16(ETH_P_ARP), .rx = rx };

	link_protocol_register(&arp);
}
