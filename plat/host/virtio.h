/*
 * The device's side of virtio, between the models of this machine: a register block and split queues in plat/host/virtio.c, and one file for each
 * kind of device.
 *
 * Everything runs in the machine's own context: when the driver writes a register, and when virtual time reaches a device's due_ns.
 * A model never calls the kernel but to raise its interrupt, and owns no kernel memory.  What a driver does wrong (an address outside of
 * memory, a chain that loops) ends the machine: here the driver is the one that is tested.
 *
 * Source: VIRTIO 1.2, sections 2.7 (split virtqueues) and 4.2 (MMIO).
 */
#ifndef PLAT_HOST_VIRTIO_H
#define PLAT_HOST_VIRTIO_H

#include "plat/host/host.h"
#include "plat/host/models.h"

enum { VQ_MAX = 8, VQ_SIZE_MAX = 256, VQ_SEGS_MAX = 300, CONFIG_BYTES = 128 };

struct host_virtio;

struct host_virtio_ops {
	u32 id;
	void (*notify)(struct host_virtio *v, u32 queue);	/* something may be available */
	void (*due)(struct host_virtio *v);			/* due_ns is reached; sets the next */
	void (*reset)(struct host_virtio *v);			/* forget what is under way; the machine may be going */
};

struct host_vq {
	bool ready;
	u32 size;
	u64 desc, avail, used;		/* physical addresses */
	u16 taken, given;		/* indices of the rings */
};

struct host_virtio {
	const struct host_virtio_ops *ops;
	struct auk_device setup;
	u32 number;			/* its place among the devices */
	u64 offered, accepted;		/* features */
	u32 offered_sel, accepted_sel, queue_sel, status, interrupt, generation;
	u32 queue_count;
	struct host_vq queue[VQ_MAX];
	u8 config[CONFIG_BYTES];
	u64 due_ns;			/* ~0: nothing is to come */
	u64 random;
};

/* A chain that the driver made available, as the model sees it. */
struct host_chain {
	u16 head;
	u32 out, in;			/* segments to read, then segments to write */
	u32 out_bytes, in_bytes;
	struct { void *at; u32 len; } seg[VQ_SEGS_MAX];
};

/** host_vq_pop - take the next available chain. Return: false: none */
bool host_vq_pop(struct host_virtio *v, u32 queue, struct host_chain *c);
/** host_vq_available - how many chains wait. */
u32 host_vq_available(struct host_virtio *v, u32 queue);
/** host_vq_push - give @head back with @written bytes; the interrupt, if the driver wants it. */
void host_vq_push(struct host_virtio *v, u32 queue, u16 head, u32 written);
/** host_chain_read / host_chain_write - copy from what the driver gave, to where it wants answers. Return: bytes copied */
u32 host_chain_read(const struct host_chain *c, u32 offset, void *to, u32 len);
u32 host_chain_write(const struct host_chain *c, u32 offset, const void *from, u32 len);
void host_config_changed(struct host_virtio *v);
bool host_virtio_running(const struct host_virtio *v);	/* DRIVER_OK is set */

/** host_random - the next number of a seeded stream. */
u64 host_random(u64 *state);
u64 host_random_seed(u64 seed);

/* ---- devices.c ---- */
void host_interrupt(u32 gsi);		/* pend it on some CPU */

/* The models: fill ops, features, queue_count, config of @v from v->setup. Return: 0, -EINVAL */
MUST_CHECK int host_blk_setup(struct host_virtio *v);
MUST_CHECK int host_net_setup(struct host_virtio *v);
MUST_CHECK int host_console_setup(struct host_virtio *v);
MUST_CHECK int host_rng_setup(struct host_virtio *v);

/* ---- virtio.c ---- */
MUST_CHECK int host_virtio_setup(const struct auk_device *devices, unsigned count, u64 seed);
void host_virtio_power_off(void);
unsigned host_virtio_count(void);
struct host_virtio *host_virtio_at(unsigned i);
u32 host_virtio_reg_read(struct host_virtio *v, u32 reg, u32 bytes);
void host_virtio_reg_write(struct host_virtio *v, u32 reg, u32 bytes, u32 value);

/** host_virtio_next_ns - when the next device has something to do. host_virtio_run - let those do it whose time has come. */
u64 host_virtio_next_ns(void);
void host_virtio_run(u64 now_ns);

#endif
