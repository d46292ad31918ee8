/*
 * The ring of a packet socket (PACKET_RX_RING): frames in memory that the user maps, each owned by the kernel or by the user as its status word says.
 *
 *	block 0: frame 0, frame 1 … | block 1: …		frame: header, sockaddr_ll, gap, bytes of the packet
 *
 * Everything in it may be changed by the user at any time: the kernel reads nothing of it but the status word of the frame that is next.
 *
 * Departures: TPACKET_V1 and V2; V3 is refused, so is sending by a ring.
 *
 * Locks: the socket's queue lock guards head; the pages live as long as the socket or a mapping has them.
 * Source: packet(7), Linux Documentation/networking/packet_mmap.rst.
 */
#ifndef SOCK_PACKET_RING_H
#define SOCK_PACKET_RING_H

#include <linux/if_packet.h>
#include "base/types.h"
#include "net/packet.h"

struct mm_file;
struct packet_ring;

/* What a frame tells of its packet. */
struct packet_ring_info {
	struct sockaddr_ll from;
	u32 wire_len, snaplen;		/* snaplen bytes of the packet are wanted */
	u32 link_header;		/* of the bytes, so many are link header */
	u32 status;			/* TP_STATUS_* besides USER */
	u64 wall_ns;
};

/** packet_ring_header - bytes of a frame's header in @version; 0: no such version. */
u32 packet_ring_header(u32 version);
/** packet_ring_new - @reserve: bytes to be left free before the packet. Return: it, ERR_PTR(-EINVAL, -ENOMEM). Context: thread */
struct packet_ring *packet_ring_new(const struct tpacket_req *req, u32 version, u32 reserve);
void packet_ring_put(struct packet_ring *r);
bool packet_ring_mapped(const struct packet_ring *r);
/** packet_ring_add - Return: false: the next frame is the user's still. Queue lock held */
bool packet_ring_add(struct packet_ring *r, const struct packet *p, const struct packet_ring_info *info);
/** packet_ring_readable - whether the frame that was filled last has not been given back. */
bool packet_ring_readable(const struct packet_ring *r);
/** packet_ring_mmap - for socket_ops.mmap. 0, -EINVAL (not the whole ring) */
MUST_CHECK int packet_ring_mmap(struct packet_ring *r, struct mm_file *out, u64 len, u64 pgoff);

#endif
