/*
 * The device's side of virtio over MMIO: register block, feature negotiation, queues, interrupts.
 *
 * A model embeds struct vdev, fills id, features, queue_count, config and ops, and calls vdev_add() before the kernel starts.
 * The driver's writes arrive as ops->notify; the model takes buffers with vdev_pop and gives them back with vdev_push.
 *
 * Memory that a driver names is checked: what lies outside the machine's memory ends the machine with a line (a driver's error).
 *
 * Source: VIRTIO 1.2, sections 2.7 (split queues), 4.2 (MMIO).
 */
#ifndef PLAT_HOST_VIRTIO_H
#define PLAT_HOST_VIRTIO_H

#include "base/types.h"

enum { VDEV_QUEUES_MAX = 16, VDEV_QUEUE_SIZE = 128, VDEV_SEGS_MAX = 256, VDEV_CONFIG_MAX = 256, VDEV_MAX = 16 };

struct vdev;

struct vdev_seg {
	u8 *at;
	u32 len;
};

/* A buffer of the driver's: out segments are read by the device, in segments written. */
struct vdev_chain {
	u16 head;
	u32 out_count, in_count;
	struct vdev_seg seg[VDEV_SEGS_MAX];	/* out first */
};

struct vdev_queue {
	u32 size;
	bool ready;
	u64 desc, avail, used;
	u16 last_avail;			/* the next to take */
	u16 used_idx;
};

struct vdev_ops {
	void (*notify)(struct vdev *v, u32 queue);	/* there are buffers in it */
	void (*reset)(struct vdev *v);			/* optional */
};

struct vdev {
	const struct vdev_ops *ops;
	u32 id, queue_count;
	u64 features;			/* offered, besides those of the queues */
	u64 driver_features;
	u32 status, interrupt, features_sel, driver_sel, queue_sel, generation;
	u32 slot;			/* which register block, and interrupt line */
	struct vdev_queue queue[VDEV_QUEUES_MAX];
	u8 config[VDEV_CONFIG_MAX];
};

/** vdev_add - the machine has it from now on. Return: 0, -ENOSPC */
int vdev_add(struct vdev *v);
bool vdev_has(const struct vdev *v, unsigned feature_bit);
/** vdev_pop - the next buffer of the queue. Return: false if there is none: the driver will notify then */
bool vdev_pop(struct vdev *v, u32 queue, struct vdev_chain *c);
/** vdev_push - a buffer goes back with @written bytes in its in segments; interrupts as the driver wants it. */
void vdev_push(struct vdev *v, u32 queue, u16 head, u32 written);
/** vdev_config_changed - after a change of v->config. */
void vdev_config_changed(struct vdev *v);

/** vdev_gather, vdev_scatter - copy from out, or into in segments, @skip bytes in. Return: bytes copied */
u32 vdev_gather(const struct vdev_chain *c, u32 skip, void *to, u32 len);
u32 vdev_scatter(const struct vdev_chain *c, u32 skip, const void *from, u32 len);
u32 vdev_in_bytes(const struct vdev_chain *c);
u32 vdev_out_bytes(const struct vdev_chain *c);

#endif
