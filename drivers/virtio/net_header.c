/*
 * The header before each frame: what is left to do on it (a checksum, cutting it into segments), and what is known of it.
 *
 * A frame with a checksum that is still to be filled in is good: it never left the host.  That is CSUM_PARTIAL, as over lo.
 *
 * Pure.  Source: VIRTIO 1.2, 5.1.6.2 (sending), 5.1.6.4.1 (receiving).
 */
#include <linux/if_ether.h>
#include "base/bitops.h"
#include "drivers/virtio/net.h"

enum { TCP_HEADER_MIN = 20, TCP_DATA_OFFSET_AT = 12, TCP_FLAGS_AT = 13, TCP_CWR = 0x80, UDP_HEADER = 8, ETHERTYPE_AT = 12 };

static bool has(u64 features, unsigned bit)
{
	return features >> bit & 1;
}

static be16 ethertype(const struct packet *p)
{
	be16 type;

	memcpy(&type, p->data + ETHERTYPE_AT, sizeof(type));
	return type;
}

static bool read_csum(struct packet *p, const struct virtio_net_hdr *h)
{
	u32 end = (u32)h->csum_start + h->csum_offset + 2;

	if (h->csum_start < ETH_HLEN || end > p->len || !packet_pull(p, end))
		return false;
	if (packet_headroom(p) + h->csum_start > 0xffff)
		return false;		/* no header ends so far behind */
	p->csum = CSUM_PARTIAL;
	p->csum_start = (u16)(packet_headroom(p) + h->csum_start);
	p->csum_offset = h->csum_offset;
	return true;
}

static bool read_gso(struct packet *p, const struct virtio_net_hdr *h, u64 features)
{
	u8 type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	bool v4 = ethertype(p) == cpu_to_be16(ETH_P_IP), v6 = ethertype(p) == cpu_to_be16(ETH_P_IPV6);

	if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN && !has(features, VIRTIO_NET_F_GUEST_ECN))
		return false;
	if (!h->gso_size || p->csum != CSUM_PARTIAL)
		return false;
	if (type == VIRTIO_NET_HDR_GSO_TCPV4 && has(features, VIRTIO_NET_F_GUEST_TSO4) && v4)
		p->gso = GSO_TCP4;
	else if (type == VIRTIO_NET_HDR_GSO_TCPV6 && has(features, VIRTIO_NET_F_GUEST_TSO6) && v6)
		p->gso = GSO_TCP6;
	else
		return false;
	p->gso_size = h->gso_size;
	return true;
}

bool nic_header_read(struct packet *p, const struct virtio_net_hdr *h, u64 features)
{
	if (!packet_pull(p, ETH_HLEN))
		return false;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (!has(features, VIRTIO_NET_F_GUEST_CSUM) || !read_csum(p, h))
			return false;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID && has(features, VIRTIO_NET_F_GUEST_CSUM)) {
		p->csum = CSUM_GOOD;
	}
	return h->gso_type == VIRTIO_NET_HDR_GSO_NONE || read_gso(p, h, features);
}

/* Where the transport header ends, from the frame's first byte; 0: not in the packet. */
static u32 transport_end(struct packet *p, u32 start)
{
	if (p->gso == GSO_UDP4 || p->gso == GSO_UDP6)
		return start + UDP_HEADER;
	if (!packet_pull(p, start + TCP_HEADER_MIN))
		return 0;
	return start + (p->data[start + TCP_DATA_OFFSET_AT] >> 4) * 4u;
}

static bool write_gso(struct packet *p, struct virtio_net_hdr *h, u64 features)
{
	static const u8 types[] = {
		[GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4, [GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[GSO_UDP4] = VIRTIO_NET_HDR_GSO_UDP_L4, [GSO_UDP6] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};
	u32 end = transport_end(p, h->csum_start);

	if (!end || end > p->len || !packet_pull(p, end) || !p->gso_size)
		return false;
	h->hdr_len = (u16)end;
	h->gso_size = p->gso_size;
	h->gso_type = types[p->gso];
	if (h->gso_type != VIRTIO_NET_HDR_GSO_UDP_L4 && p->data[h->csum_start + TCP_FLAGS_AT] & TCP_CWR && has(features, VIRTIO_NET_F_HOST_ECN))
		h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	return true;
}

bool nic_header_write(struct packet *p, struct virtio_net_hdr *h, u64 features)
{
	s64 start = (s64)p->csum_start - (s64)packet_headroom(p);

	memset(h, 0, sizeof(*h));
	if (p->csum != CSUM_PARTIAL)
		return p->gso == GSO_NONE;
	if (start < 0 || start + p->csum_offset + 2 > p->len)
		return false;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (u16)start;
	h->csum_offset = p->csum_offset;
	return p->gso == GSO_NONE || write_gso(p, h, features);
}
