/*
 * Segmentation: one packet that stands for several is cut up, for devices that cannot (net/packet.h: packet->gso).
 *
 * The headers of a segment are pure: gso_layout() checks those of the whole, gso_header() makes those of one segment out of a copy.
 *
 *	IPv4	total length, identification counted up by one a segment, header checksum
 *	IPv6	payload length
 *	TCP	sequence number; FIN and PSH stay with the last segment, CWR with the first
 *	UDP	length
 *	both	the checksum field holds the pseudo header's sum, as CSUM_PARTIAL says
 *
 * Source: RFC 9293, RFC 3168 section 6.1.2 (CWR is sent once), RFC 768; udp(7), UDP_SEGMENT.
 */
#ifndef NET_GSO_H
#define NET_GSO_H

#include "base/list.h"
#include "net/packet.h"

struct gso_layout {
	u8 kind;		/* enum packet_gso */
	u32 net, transport;	/* offsets of the headers from the packet's first byte */
	u32 headers;		/* bytes of all headers */
	u32 payload, size;	/* bytes in all, and of a segment (the last one may have less) */
	u32 count;		/* of segments */
};

/**
 * gso_layout - where what is in a packet to be cut
 * @h:     its first @linear bytes; @len: of the whole
 * @size:  payload bytes of a segment
 * Return: 0, -EINVAL: headers that are none, are not all in @linear, or belong to another kind; a size of 0
 */
MUST_CHECK int gso_layout(struct gso_layout *g, u8 kind, const u8 *h, u32 linear, u32 len, u32 net, u32 transport, u32 size);
/** gso_header - make @h, a copy of the whole's headers, those of segment @i */
void gso_header(const struct gso_layout *g, u8 *h, u32 i);
static inline u32 gso_payload(const struct gso_layout *g, u32 i) { return MIN(g->size, g->payload - i * g->size); }

/** gso_has_cwr - whether @p is TCP's and has the CWR flag: the device then has to know about ECN */
bool gso_has_cwr(const struct packet *p);

/**
 * gso_segment - cut @p, whose data is at the link header, and append the segments to @out
 * Their checksums are CSUM_PARTIAL, pages are shared.  The owner goes over to the last one.  Consumes @p.  Any net.
 * Return: 0, -ENOMEM, -EINVAL as gso_layout (then nothing was appended)
 */
MUST_CHECK int gso_segment(struct packet *p, struct list_head *out);

#endif
