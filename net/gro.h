/*
 * Received TCP segments of one connection that follow each other become one packet, before IP sees them: one walk up for many.
 *
 * A segment is appended to the one before if nothing is lost by it: the same addresses, ports, traffic class, hop limit, acknowledgement, window and
 * options; a sequence number that is the next one; no flags but ACK and PSH; no more bytes than the first has.  A shorter one, or one with
 * PSH, ends the packet.  Packets of one connection are never reordered: whatever cannot be appended sends what is held ahead of itself.
 *
 * The packet has gso and gso_size set, its IP header's length is right, and its checksum is good: those of all segments were looked at here.
 *
 * Departures from Linux: identifications of IPv4 are not compared, since nothing is forwarded; packets with IPv4 options or IPv6 extension headers are
 * left as they are.
 *
 * Pure.  A struct gro belongs to whoever polls.  Contexts: net.
 * Source: RFC 9293 (what a segment is), RFC 3168 (marks are kept apart).
 */
#ifndef NET_GRO_H
#define NET_GRO_H

#include "net/packet.h"

enum { GRO_HELD_MAX = 8 };

struct gro {
	struct list_head held;		/* struct packet, oldest first; data at the IP header */
	u32 count;
};

static inline void gro_init(struct gro *g)
{
	list_init(&g->held);
	g->count = 0;
}

/**
 * gro_receive - one more packet
 * @p:   data at the network header; protocol and type set, headers up to TCP's end linear (else it is not held). Consumes
 * @out: gets those that are to go up now, in order
 */
void gro_receive(struct gro *g, struct packet *p, struct list_head *out);
/** gro_flush - all that are held, at the end of a poll. */
void gro_flush(struct gro *g, struct list_head *out);

/**
 * gro_header_bytes - how much of a frame is headers: what a driver makes linear, so that payload lies in pages
 * @frame: its first @n bytes, from the Ethernet header
 * Return: for TCP the end of its header, else @n; never more than @n
 */
u32 gro_header_bytes(const u8 *frame, u32 n);

#endif
