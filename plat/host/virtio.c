/* See virtio.h. */
#include <linux/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include "base/string.h"
#include "plat/host/host.h"
#include "plat/host/virtio.h"

enum { BLOCK_BYTES = 0x200, MAGIC = 0x74726976, VENDOR = 0x6b7541 /* "Auk" */ };

#define WINDOW_PHYS 0xd0000000ull
#define WINDOW_VIRT 0x1f0000000000ull	/* nothing is mapped there: all accesses come by plat_mmio_* */

static struct vdev *devices[VDEV_MAX];
static u32 device_count;
static struct plat_mmio_device found[VDEV_MAX];

/* ---- the driver's memory ---- */

static void *driver_memory(u64 phys, u64 len)
{
	const struct plat_region *r;

	plat_memory(&r);
	if (phys < r->start || len > r->len_bytes || phys - r->start > r->len_bytes - len)
		host_stuck("a driver gave a device memory that is not there");
	return phys_to_virt(phys);
}

static struct vring_desc *desc_of(const struct vdev_queue *q) { return driver_memory(q->desc, q->size * sizeof(struct vring_desc)); }
static struct vring_avail *avail_of(const struct vdev_queue *q) { return driver_memory(q->avail, sizeof(struct vring_avail) + (q->size + 1) * 2); }
static struct vring_used *used_of(const struct vdev_queue *q) { return driver_memory(q->used, sizeof(struct vring_used) + q->size * sizeof(struct vring_used_elem) + 2); }

/* The word behind each ring (2.7.10): the other side wants to hear when this index is passed. */
static u16 *used_event(const struct vdev_queue *q) { return &avail_of(q)->ring[q->size]; }
static u16 *avail_event(const struct vdev_queue *q) { return (u16 *)&used_of(q)->ring[q->size]; }

bool vdev_has(const struct vdev *v, unsigned feature_bit) { return v->driver_features >> feature_bit & 1; }

static void interrupt(struct vdev *v, u32 why)
{
	v->interrupt |= why;
	host_line_raise(v->slot);
}

/* ---- buffers ---- */

static void add_seg(struct vdev_chain *c, const struct vring_desc *d)
{
	u32 n = c->out_count + c->in_count;

	if (n == VDEV_SEGS_MAX)
		host_stuck("a driver's buffer has too many segments");
	if (d->flags & VRING_DESC_F_WRITE)
		c->in_count++;
	else if (c->in_count)
		host_stuck("a driver's buffer has a segment to read behind one to write");
	else
		c->out_count++;
	c->seg[n] = (struct vdev_seg){ driver_memory(d->addr, d->len), d->len };
}

static void read_chain(struct vdev_chain *c, const struct vring_desc *table, u32 size, u16 at)
{
	for (u32 steps = 0;; steps++) {
		if (at >= size || steps == size)
			host_stuck("a driver's chain of descriptors has no end");
		const struct vring_desc *d = &table[at];

		if (d->flags & VRING_DESC_F_INDIRECT) {
			u32 n = d->len / sizeof(struct vring_desc);

			read_chain(c, driver_memory(d->addr, d->len), n, 0);
		} else {
			add_seg(c, d);
		}
		if (!(d->flags & VRING_DESC_F_NEXT))
			return;
		at = d->next;
	}
}

bool vdev_pop(struct vdev *v, u32 queue, struct vdev_chain *c)
{
	struct vdev_queue *q = &v->queue[queue];

	if (!q->ready || !(v->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return false;
	struct vring_avail *a = avail_of(q);

	if (vdev_has(v, VIRTIO_RING_F_EVENT_IDX))
		*avail_event(q) = q->last_avail;
	if (a->idx == q->last_avail)
		return false;
	if ((u16)(a->idx - q->last_avail) > q->size)
		host_stuck("a driver made more buffers available than its queue holds");
	c->head = a->ring[q->last_avail++ % q->size];
	c->out_count = c->in_count = 0;
	read_chain(c, desc_of(q), q->size, c->head);
	return true;
}

void vdev_push(struct vdev *v, u32 queue, u16 head, u32 written)
{
	struct vdev_queue *q = &v->queue[queue];
	u16 old = q->used_idx;

	if (!q->ready)
		return;		/* reset meanwhile */
	used_of(q)->ring[old % q->size] = (struct vring_used_elem){ head, written };
	used_of(q)->idx = ++q->used_idx;
	if (vdev_has(v, VIRTIO_RING_F_EVENT_IDX) ? *used_event(q) == old : !(avail_of(q)->flags & VRING_AVAIL_F_NO_INTERRUPT))
		interrupt(v, VIRTIO_MMIO_INT_VRING);
}

void vdev_config_changed(struct vdev *v)
{
	v->generation++;
	interrupt(v, VIRTIO_MMIO_INT_CONFIG);
}

static u32 walk(const struct vdev_seg *seg, u32 count, u32 skip, u8 *buf, u32 len, bool out)
{
	u32 done = 0;

	for (u32 i = 0; i < count && done < len; i++) {
		if (skip >= seg[i].len) {
			skip -= seg[i].len;
			continue;
		}
		u32 part = MIN(seg[i].len - skip, len - done);

		if (out)
			memcpy(buf + done, seg[i].at + skip, part);
		else
			memcpy(seg[i].at + skip, buf + done, part);
		done += part;
		skip = 0;
	}
	return done;
}

u32 vdev_gather(const struct vdev_chain *c, u32 skip, void *to, u32 len)
{
	return walk(c->seg, c->out_count, skip, to, len, true);
}

u32 vdev_scatter(const struct vdev_chain *c, u32 skip, const void *from, u32 len)
{
	return walk(c->seg + c->out_count, c->in_count, skip, (u8 *)from, len, false);
}

static u32 bytes(const struct vdev_seg *seg, u32 count)
{
	u32 n = 0;

	for (u32 i = 0; i < count; i++)
		n += seg[i].len;
	return n;
}

u32 vdev_in_bytes(const struct vdev_chain *c) { return bytes(c->seg + c->out_count, c->in_count); }
u32 vdev_out_bytes(const struct vdev_chain *c) { return bytes(c->seg, c->out_count); }

/* ---- the registers ---- */

static u64 offered(const struct vdev *v)
{
	return v->features | 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << VIRTIO_RING_F_INDIRECT_DESC;
}

static struct vdev_queue *selected(struct vdev *v)
{
	static struct vdev_queue none;

	return v->queue_sel < v->queue_count ? &v->queue[v->queue_sel] : &none;
}

static void set_status(struct vdev *v, u32 status)
{
	v->status = status;
	if (status)
		return;
	v->driver_features = 0;
	v->interrupt = 0;
	memset(v->queue, 0, sizeof(v->queue));
	if (v->ops->reset)
		v->ops->reset(v);
}

static u32 reg_read(struct vdev *v, u32 reg)
{
	switch (reg) {
	case VIRTIO_MMIO_MAGIC_VALUE: return MAGIC;
	case VIRTIO_MMIO_VERSION: return 2;
	case VIRTIO_MMIO_DEVICE_ID: return v->id;
	case VIRTIO_MMIO_VENDOR_ID: return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES: return v->features_sel < 2 ? (u32)(offered(v) >> 32 * v->features_sel) : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX: return v->queue_sel < v->queue_count ? VDEV_QUEUE_SIZE : 0;
	case VIRTIO_MMIO_QUEUE_READY: return selected(v)->ready;
	case VIRTIO_MMIO_INTERRUPT_STATUS: return v->interrupt;
	case VIRTIO_MMIO_STATUS: return v->status;
	case VIRTIO_MMIO_CONFIG_GENERATION: return v->generation;
	}
	return 0;
}

static void set_half(u64 *word, u32 reg, u32 low, u32 value)
{
	*word = reg == low ? (*word & ~0xffffffffull) | value : (*word & 0xffffffffull) | (u64)value << 32;
}

static void notified(struct vdev *v, u32 queue)
{
	if (queue < v->queue_count && v->queue[queue].ready && v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		v->ops->notify(v, queue);
}

static void reg_write(struct vdev *v, u32 reg, u32 value)
{
	struct vdev_queue *q = selected(v);

	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: v->features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: v->driver_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if (v->driver_sel < 2)
			set_half(&v->driver_features, v->driver_sel, 0, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL: v->queue_sel = value; break;
	case VIRTIO_MMIO_QUEUE_NUM: q->size = value; break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (value && (!q->size || q->size > VDEV_QUEUE_SIZE || q->size & (q->size - 1)))
			host_stuck("a driver gave a queue a wrong size");
		q->ready = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY: notified(v, value); break;
	case VIRTIO_MMIO_INTERRUPT_ACK: v->interrupt &= ~value; break;
	case VIRTIO_MMIO_STATUS: set_status(v, value); break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_half(&q->desc, reg, VIRTIO_MMIO_QUEUE_DESC_LOW, value); break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW: case VIRTIO_MMIO_QUEUE_AVAIL_HIGH: set_half(&q->avail, reg, VIRTIO_MMIO_QUEUE_AVAIL_LOW, value); break;
	case VIRTIO_MMIO_QUEUE_USED_LOW: case VIRTIO_MMIO_QUEUE_USED_HIGH: set_half(&q->used, reg, VIRTIO_MMIO_QUEUE_USED_LOW, value); break;
	}
}

/* ---- the machine ---- */

int vdev_add(struct vdev *v)
{
	if (device_count == VDEV_MAX)
		return -ENOSPC;
	v->slot = device_count;
	devices[device_count] = v;
	found[device_count] = (struct plat_mmio_device){ WINDOW_PHYS + device_count * BLOCK_BYTES, BLOCK_BYTES, device_count };
	device_count++;
	return 0;
}

unsigned plat_mmio_devices(const struct plat_mmio_device **out)
{
	*out = found;
	return device_count;
}

void *plat_map_io(paddr_t phys, u64 len_bytes)
{
	return phys >= WINDOW_PHYS && phys - WINDOW_PHYS < VDEV_MAX * BLOCK_BYTES ? (void *)(WINDOW_VIRT + (phys - WINDOW_PHYS)) : NULL;
}

static struct vdev *decode(const volatile void *reg, u32 *offset)
{
	u64 at = (u64)reg - WINDOW_VIRT;

	if (at / BLOCK_BYTES >= device_count)
		host_stuck("a driver touches registers where there is no device");
	*offset = at % BLOCK_BYTES;
	return devices[at / BLOCK_BYTES];
}

u64 plat_mmio_read(const volatile void *reg, unsigned bytes)
{
	u32 offset;
	struct vdev *v = decode(reg, &offset);
	u64 value = 0;

	if (offset < VIRTIO_MMIO_CONFIG)
		return reg_read(v, offset);
	memcpy(&value, v->config + MIN(offset - VIRTIO_MMIO_CONFIG, VDEV_CONFIG_MAX - 8), bytes);
	return value;
}

void plat_mmio_write(volatile void *reg, unsigned bytes, u64 value)
{
	u32 offset;
	struct vdev *v = decode(reg, &offset);

	if (offset < VIRTIO_MMIO_CONFIG)
		reg_write(v, offset, (u32)value);
	else
		memcpy(v->config + MIN(offset - VIRTIO_MMIO_CONFIG, VDEV_CONFIG_MAX - 8), &value, bytes);
}
