/*
 * virtio-net: what the files of the driver share.
 *
 *	net.c		the card: features, queues, the device of net/, link state
 *	net_rx.c	receive queues
 *	net_tx.c	transmit queues
 *	net_ctrl.c	the control queue
 *	net_header.c	the header before each frame, to and from struct packet; pure
 *
 * A pair of queues for each CPU, as far as the device has them: pair i is transmit queue i of the net_device, and its interrupts go to CPU i.
 *
 * Locks: a virtqueue's lock guards that queue's rings; a transmit queue's device_queue.lock is taken outside of it and guards who sends and who
 * collects.  Packets are received and freed with no virtqueue lock held.
 *
 * Hostile devices: rings are checked in queue.c; lengths and the number of buffers of a frame in net_rx.c (frame_take); the fields of
 * its header, copied out first, in net_header.c; MTU and counts of queues in net.c.  A frame that does not hold is dropped and counted.
 *
 * Source: VIRTIO 1.2, section 5.1; VIRTIO 1.3 for the segmentation of UDP.
 */
#ifndef DRIVERS_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_H

#include <linux/virtio_net.h>
#include "drivers/virtio/virtio.h"
#include "kern/work.h"
#include "net/device.h"
#include "net/gro.h"

struct nic;

/* Of VIRTIO 1.3, which <linux/virtio_net.h> of 6.1 does not have yet. */
enum { VIRTIO_NET_F_HOST_USO = 56, VIRTIO_NET_HDR_GSO_UDP_L4 = 5 };

/* Locks: I immutable after probe · q vq->lock */
struct nic_rx {
	struct nic *nic;		/* [I] */
	struct virtqueue *vq;		/* [I] token: the struct page of a buffer */
	struct net_poll poll;
	struct gro gro;			/* the poll's */
	struct delayed_work refill;	/* for want of memory */
} CACHELINE_ALIGNED;

/* Locks: I immutable after probe · x queue->lock */
struct nic_tx {
	struct nic *nic;		/* [I] */
	struct virtqueue *vq;		/* [I] token: the struct packet */
	struct device_queue *queue;	/* [I] */
	struct net_poll poll;
	u32 owned;			/* [x] packets under way whose owner waits for their end */
} CACHELINE_ALIGNED;

/* Locks: I immutable after probe · R rtnl */
struct nic {
	struct virtio_device *dev;	/* [I] */
	struct net_device *net;		/* [I] */
	u32 pairs;			/* [I] */
	u32 header_len;			/* [I] of the header before each frame: 12, or 10 of a legacy device without merged buffers */
	bool split_header;		/* [I] legacy: the header in a buffer of its own */
	struct nic_rx *rx;		/* [I] */
	struct nic_tx *tx;		/* [I] */
	struct virtqueue *ctrl;		/* [I] NULL: none */
	bool ctrl_dead;			/* [R] a command was never answered: no further one */
	struct work link_work;
};

enum { NIC_HEADER_MAX = sizeof(struct virtio_net_hdr_v1), NIC_HEADER_LEGACY = sizeof(struct virtio_net_hdr), NIC_PAIRS_MAX = 16 };
static_assert(NIC_HEADER_MAX == 12 && NIC_HEADER_LEGACY == 10, "as the specification has them");

/* ---- net_rx.c ---- */
void nic_rx_init(struct nic_rx *rx, struct nic *nic, struct virtqueue *vq);
/** nic_rx_fill - give the device buffers until the ring is full. Thread context. Return: 0, -ENOMEM: not one */
MUST_CHECK int nic_rx_fill(struct nic_rx *rx);
void nic_rx_interrupt(struct virtqueue *vq);

/* ---- net_tx.c ---- */
void nic_tx_init(struct nic_tx *tx, struct nic *nic, struct virtqueue *vq, struct device_queue *queue);
int nic_xmit(struct net_device *net, u32 queue, struct packet *p);	/* struct net_device_ops */
void nic_flush(struct net_device *net, u32 queue);
void nic_tx_interrupt(struct virtqueue *vq);

/* ---- net_ctrl.c ---- */
/**
 * nic_command - one command on the control queue
 * @data: @len bytes, copied
 * Context: thread, rtnl (or probe).  Return: 0, -EOPNOTSUPP (no such queue), -EINVAL (the device refuses), -ENOMEM, -EIO (no answer)
 */
MUST_CHECK int nic_command(struct nic *nic, u8 class, u8 cmd, const void *data, u32 len);

/* ---- net_header.c ---- */
/**
 * nic_header_read - take over what the device says of a frame that it gave
 * @p: the frame, data at its Ethernet header
 * Return: false: it cannot be (a checksum outside of the frame, a kind of segments that was not negotiated or is not what the frame is)
 */
MUST_CHECK bool nic_header_read(struct packet *p, const struct virtio_net_hdr *h, u64 features);
/** nic_header_write - the opposite. Return: false: the packet's own offsets do not hold */
MUST_CHECK bool nic_header_write(struct packet *p, struct virtio_net_hdr *h, u64 features);

#endif
