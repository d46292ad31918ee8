/*
 * A split virtqueue: descriptors, the ring of what is available to the device, the ring of what it has used.
 *
 *	driver --- available ---> device
 *	driver <---   used    --- device
 *
 * The descriptor table and both rings are shared with the device, which may write anything anywhere in them at
 * any time.  So nothing is read back from the table: which buffers a chain had, and which descriptors are
 * free, is kept in `slots`, in private memory; of the used ring only index and id are read, once, and checked.
 *
 * Use, with vq->lock held (interrupts off):
 *
 *	virtqueue_add() …; kick = virtqueue_kick_prepare(); unlock; if (kick) virtqueue_notify();
 *
 * and in the callback, with the lock held:
 *
 *	do { virtqueue_disable_callback(); while ((token = virtqueue_get(&len))) …; } while (!virtqueue_enable_callback());
 *
 * Source: VIRTIO 1.2, section 2.7 (split virtqueues; 2.7.7 and 2.7.10 notification suppression by event index).
 */
#ifndef DRIVERS_VIRTIO_QUEUE_H
#define DRIVERS_VIRTIO_QUEUE_H

#include "base/types.h"
#include "kern/lock.h"

struct virtio_device;
struct virtqueue;
struct vring_desc;
struct vring_avail;
struct vring_used;

typedef void (*virtqueue_fn)(struct virtqueue *vq);

enum { VIRTQUEUE_SIZE_MAX = 1024, VIRTQUEUE_NONE = 0xffff };

/* A piece of memory that the device reads (out) or writes (in). */
struct virtqueue_seg {
	paddr_t addr;
	u32 len;
};

/* What the driver remembers of the chain that begins at a descriptor, and of the descriptor itself. */
struct virtqueue_slot {
	void *token;			/* NULL: no chain begins here */
	struct vring_desc *indirect;	/* its indirect table, or NULL */
	u32 in_bytes;			/* what the device may write: more than that in a used entry is a lie */
	u16 next;			/* the next descriptor of the chain, or of the free list */
	u16 count;			/* descriptors of the chain in the table */
};

/* Locks: q lock · I immutable once enabled */
struct virtqueue {
	struct virtio_device *dev;	/* [I] */
	void *driver_data;		/* [I] */
	u16 index;			/* [I] its number within the device */
	u16 vector;			/* [I] the transport's */
	u32 cpu;			/* [I] where its interrupts go */
	u32 size;			/* [I] power of two */
	bool event_idx;			/* [I] VIRTIO_F_EVENT_IDX was negotiated */
	bool use_indirect;		/* [I] */
	bool enabled;			/* [I] */
	virtqueue_fn callback;		/* [I] */
	volatile void *notify_addr;	/* [I] the transport's */
	void *memory;			/* [I] what holds the rings */
	struct vring_desc *desc;	/* [I] shared with the device, as the next two */
	struct vring_avail *avail;	/* [I] */
	struct vring_used *used;	/* [I] */
	struct virtqueue_slot *slots;	/* [I] the array; [q] contents */

	struct spinlock lock;		/* RANK_QUEUE */
	u16 free_head;			/* [q] */
	u16 free_count;			/* [q] */
	u16 avail_idx;			/* [q] our copy of avail->idx */
	u16 notified_idx;		/* [q] avail_idx at the last kick_prepare */
	u16 used_idx;			/* [q] used entries taken so far */
	bool broken;			/* [q] the device wrote nonsense: nothing is taken any more */
};

/** virtqueue_layout_bytes - memory for rings of @size, used ring aligned to @align. *avail, *used: their offsets. Pure. */
u32 virtqueue_layout_bytes(u32 size, u32 align, u32 *avail, u32 *used);

/**
 * virtqueue_create - memory and state of a queue; dev, index, callback are set by the caller
 * @align: of the used ring: 4096 for legacy devices, else 4 or more
 * Return: 0, -ENOMEM
 */
MUST_CHECK int virtqueue_create(struct virtqueue *vq, u32 size, u32 align);
void virtqueue_destroy(struct virtqueue *vq);

/**
 * virtqueue_add - make a chain of @out_count buffers that the device reads, then @in_count that it writes, available
 * @token: comes back from virtqueue_get; not NULL
 * Context: lock held.
 * Return: 0, -ENOSPC (full: more room after a virtqueue_get), -EINVAL (no buffer, or more than the queue's size),
 *         -EIO (the queue is broken)
 */
MUST_CHECK int virtqueue_add(struct virtqueue *vq, const struct virtqueue_seg *segs, unsigned out_count,
			     unsigned in_count, void *token);

/** virtqueue_kick_prepare - publish what was added. Return: whether the device wants virtqueue_notify. Lock held. */
bool virtqueue_kick_prepare(struct virtqueue *vq);

/** virtqueue_notify - wake the device. Context: any; better without the lock. */
void virtqueue_notify(struct virtqueue *vq);

/** virtqueue_get - the token of the next chain that the device is done with, or NULL. *len: bytes it wrote. Lock held. */
void *virtqueue_get(struct virtqueue *vq, u32 *len);

/** virtqueue_disable_callback - a hint that interrupts are not wanted. Lock held. */
void virtqueue_disable_callback(struct virtqueue *vq);
/** virtqueue_enable_callback - interrupts please. Return: false if there is something to get already. Lock held. */
bool virtqueue_enable_callback(struct virtqueue *vq);
/**
 * virtqueue_enable_callback_late - one interrupt once the device is done with three quarters of what it has now, if it knows event indices;
 * else as virtqueue_enable_callback.  Return: false if it is done with so many already.  Lock held.
 */
bool virtqueue_enable_callback_late(struct virtqueue *vq);

/** virtqueue_take_back - after a reset of the device: tokens of chains that it never finished, one a call; NULL at the end. Lock held. */
void *virtqueue_take_back(struct virtqueue *vq);

#endif
