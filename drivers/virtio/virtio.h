/*
 * Virtio devices and their drivers.
 *
 * A transport (pci.c, mmio.c) finds a device, fills struct virtio_device and calls virtio_device_register().  The
 * core (core.c) matches it with a driver, negotiates features and calls the driver's probe:
 *
 *	probe:  virtio_find_queues() -> set up own state -> virtio_device_ready() -> buffers may go into queues
 *
 * Whatever a device writes is checked: it may be hostile (queue.c).  Both the modern form (version 1) and, over MMIO, the
 * legacy form are spoken; drivers see the difference only in dev->legacy, which few need to look at, since this
 * machine is little-endian and the layouts used here are those that both allow.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.2, sections 2 (facilities), 3 (initialization).
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_H
#define DRIVERS_VIRTIO_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "base/list.h"
#include "base/types.h"
#include "drivers/virtio/queue.h"

struct virtio_device;
struct virtio_driver;

/* What a transport can do.  Thread context, but for notify, isr_ack and config_read (any). */
struct virtio_transport {
	const char *name;
	u8 (*get_status)(struct virtio_device *dev);
	void (*set_status)(struct virtio_device *dev, u8 status);	/* 0 resets; returns when the device says so */
	u64 (*get_features)(struct virtio_device *dev);
	void (*set_features)(struct virtio_device *dev, u64 features);
	void (*config_read)(struct virtio_device *dev, u32 offset, void *buf, u32 len);
	void (*config_write)(struct virtio_device *dev, u32 offset, const void *buf, u32 len);
	u32 (*config_generation)(struct virtio_device *dev);		/* changes when the device changed its configuration */
	/* irq_setup: interrupts for @count queues: sets vq->vector of each; called before queue_enable. 0 or -errno */
	int (*irq_setup)(struct virtio_device *dev, unsigned count);
	u32 (*queue_size_max)(struct virtio_device *dev, u16 index);	/* 0: there is no such queue */
	int (*queue_enable)(struct virtio_device *dev, struct virtqueue *vq);	/* tell the device where it is. 0 or -errno */
	void (*notify)(struct virtqueue *vq);
};

/* Locks: I immutable after virtio_device_register · P written by probe, before virtio_device_ready */
struct virtio_device {
	const struct virtio_transport *transport;	/* [I] */
	void *transport_data;				/* [I] */
	u32 id;						/* [I] VIRTIO_ID_* */
	u32 index;					/* [I] its number among virtio devices, from 0 */
	bool legacy;					/* [I] the form before version 1 */
	char name[24];					/* [I] "virtio3", for messages and sysfs */
	u64 features;					/* [P] as negotiated */
	struct virtqueue *queues;			/* [P] */
	unsigned queue_count;				/* [P] */
	const struct virtio_driver *driver;		/* [P] NULL: unclaimed */
	void *driver_data;				/* [P] */
	struct list_head node;				/* [I] */
};

struct virtio_driver {
	const char *name;
	u32 id;					/* VIRTIO_ID_* */
	u64 features;				/* those that it can use, besides those of the core */
	u64 (*features_fit)(u64 features);	/* optional: of those that both know, those that are of use together. Pure */
	int (*probe)(struct virtio_device *dev);	/* 0 or -errno: the device is then reset and left alone. Thread */
	void (*config_changed)(struct virtio_device *dev);	/* optional; interrupt context */
	void (*shutdown)(struct virtio_device *dev);		/* optional; before the device is reset for good. Any */
	struct list_head node;
};

#define VIRTIO_FEATURE(bit) (1ull << (bit))

static inline bool virtio_has(const struct virtio_device *dev, unsigned bit)
{
	return dev->features >> bit & 1;
}

/** virtio_init - registers the drivers of this directory and finds all devices. Context: thread, after pci_init. */
void virtio_init(void);

/** virtio_shutdown - stop and reset every device, so that none writes to memory any more. Context: any. */
void virtio_shutdown(void);

void virtio_register_driver(struct virtio_driver *drv);
/** virtio_device_register - a transport found @dev (transport, transport_data, id, legacy are set); kept for ever. */
void virtio_device_register(struct virtio_device *dev);
/** virtio_device_next - the device after @dev, NULL: the first; for listings. */
struct virtio_device *virtio_device_next(struct virtio_device *dev);

/* One queue that a driver wants. */
struct virtqueue_want {
	virtqueue_fn callback;	/* interrupt context; NULL: the driver polls */
	u32 size_max;		/* at most so many descriptors; a power of two */
	u32 cpu;		/* where its interrupts go, if it has a vector of its own */
	bool skip;		/* the device may have it, but it is not used: its number is left out */
};

/**
 * virtio_find_queues - make queues 0 … @count - 1 and tell the device
 * Return: 0, -ENOENT (the device has fewer), -ENOMEM, or what the transport's interrupts gave.  On failure the device has to be reset.
 */
MUST_CHECK int virtio_find_queues(struct virtio_device *dev, unsigned count, const struct virtqueue_want *want);

/** virtio_device_ready - set DRIVER_OK: the device may run. */
void virtio_device_ready(struct virtio_device *dev);

/** virtio_config_read - a consistent copy of part of the device's configuration. Context: any */
void virtio_config_read(struct virtio_device *dev, u32 offset, void *buf, u32 len);

#define virtio_config_get(dev, type, field)                                                        \
	({                                                                                         \
		__typeof__(((type *)0)->field) config_v_;                                          \
		virtio_config_read((dev), offsetof(type, field), &config_v_, sizeof(config_v_));   \
		config_v_;                                                                         \
	})

/* The transports' interrupt handlers end here. Interrupt context. */
void virtio_queue_interrupt(struct virtqueue *vq);
void virtio_queues_interrupt(struct virtio_device *dev);	/* any queue of the device */
void virtio_config_interrupt(struct virtio_device *dev);

/* The parts of this directory that virtio_init starts. */
void virtio_pci_init(void);
void virtio_mmio_init(void);
void virtio_rng_init(void);
void virtio_blk_init(void);
void virtio_console_init(void);
void virtio_9p_init(void);
void virtio_net_init(void);

#endif
