/* See virtio.h: registers and queues of the machine's virtio devices. */
#include <linux/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include "base/string.h"
#include "plat/host/virtio.h"

enum { MAGIC = 0x74726976, VERSION = 2, VENDOR = 0x6b7541 };

static struct host_virtio devices[AUK_DEVICES_MAX];
static unsigned device_count;

u64 host_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull >> 11;
}

u64 host_random_seed(u64 seed) { return (seed + 1) * 0x9e3779b97f4a7c15ull | 1; }

/* ---- queues ---- */

/* The memory at a physical address that the driver gave. */
static void *memory(u64 addr, u64 len)
{
	const struct plat_region *r;

	(void)plat_memory(&r);
	if (addr < r->start || len > r->len_bytes || addr - r->start > r->len_bytes - len)
		host_stuck("a driver gave a device an address outside of memory");
	return phys_to_virt(addr);
}

u32 host_vq_available(struct host_virtio *v, u32 queue)
{
	struct host_vq *q = &v->queue[queue];

	if (!q->ready || !host_virtio_running(v))
		return 0;
	struct vring_avail *avail = memory(q->avail, sizeof(*avail) + q->size * 2);
	u16 n = (u16)(__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) - q->taken);

	if (n > q->size)
		host_stuck("a driver made more chains available than a queue has descriptors");
	return n;
}

static void chain_add(struct host_chain *c, const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;

	if (!in && c->in)
		host_stuck("a driver put a buffer to read behind one to write");
	if (c->out + c->in == VQ_SEGS_MAX)
		host_stuck("a driver made a chain too long, or one that loops");
	c->seg[c->out + c->in].at = memory(d->addr, d->len);
	c->seg[c->out + c->in].len = d->len;
	if (in) {
		c->in++;
		c->in_bytes += d->len;
	} else {
		c->out++;
		c->out_bytes += d->len;
	}
}

static void chain_walk(struct host_chain *c, const struct vring_desc *table, u32 size, u16 index, bool may_be_indirect)
{
	for (;;) {
		if (index >= size)
			host_stuck("a driver named a descriptor that is not in its table");
		const struct vring_desc *d = &table[index];

		if (d->flags & VRING_DESC_F_INDIRECT) {
			if (!may_be_indirect || d->flags & VRING_DESC_F_NEXT || d->len % sizeof(*d) || !d->len)
				host_stuck("a driver made a wrong indirect table");
			chain_walk(c, memory(d->addr, d->len), d->len / sizeof(*d), 0, false);
			return;
		}
		chain_add(c, d);
		if (!(d->flags & VRING_DESC_F_NEXT))
			return;
		index = d->next;
	}
}

bool host_vq_pop(struct host_virtio *v, u32 queue, struct host_chain *c)
{
	struct host_vq *q = &v->queue[queue];

	if (!host_vq_available(v, queue))
		return false;
	struct vring_avail *avail = memory(q->avail, sizeof(*avail) + q->size * 2);

	c->out = c->in = c->out_bytes = c->in_bytes = 0;
	c->head = avail->ring[q->taken % q->size];
	chain_walk(c, memory(q->desc, (u64)q->size * sizeof(struct vring_desc)), q->size, c->head, true);
	q->taken++;
	if (v->accepted >> VIRTIO_RING_F_EVENT_IDX & 1) {
		struct vring_used *used = memory(q->used, sizeof(*used) + q->size * sizeof(struct vring_used_elem) + 2);

		*(u16 *)&used->ring[q->size] = q->taken;	/* avail_event: tell of the next one */
	}
	return true;
}

/* Whether the driver wants an interrupt for the used entry that has just become number @given - 1. */
static bool wants_interrupt(struct host_virtio *v, struct host_vq *q)
{
	struct vring_avail *avail = memory(q->avail, sizeof(*avail) + q->size * 2 + 2);

	if (v->accepted >> VIRTIO_RING_F_EVENT_IDX & 1)
		return (u16)(q->given - 1) == avail->ring[q->size];
	return !(avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
}

static void interrupt(struct host_virtio *v, u32 why)
{
	v->interrupt |= why;
	host_interrupt(HOST_GSI_FIRST + v->number);
}

void host_vq_push(struct host_virtio *v, u32 queue, u16 head, u32 written)
{
	struct host_vq *q = &v->queue[queue];

	if (!q->ready || !host_virtio_running(v))
		return;
	struct vring_used *used = memory(q->used, sizeof(*used) + q->size * sizeof(struct vring_used_elem));

	used->ring[q->given % q->size] = (struct vring_used_elem){ .id = head, .len = written };
	__atomic_store_n(&used->idx, ++q->given, __ATOMIC_RELEASE);
	if (wants_interrupt(v, q))
		interrupt(v, VIRTIO_MMIO_INT_VRING);
}

static u32 chain_copy(const struct host_chain *c, u32 first, u32 count, u32 offset, char *buf, u32 len, bool write)
{
	u32 done = 0;

	for (u32 i = first; i < first + count && done < len; i++) {
		u32 have = c->seg[i].len;

		if (offset >= have) {
			offset -= have;
			continue;
		}
		u32 part = MIN(have - offset, len - done);
		char *at = (char *)c->seg[i].at + offset;

		if (write)
			memcpy(at, buf + done, part);
		else
			memcpy(buf + done, at, part);
		done += part;
		offset = 0;
	}
	return done;
}

u32 host_chain_read(const struct host_chain *c, u32 offset, void *to, u32 len)
{
	return chain_copy(c, 0, c->out, offset, to, len, false);
}

u32 host_chain_write(const struct host_chain *c, u32 offset, const void *from, u32 len)
{
	return chain_copy(c, c->out, c->in, offset, (char *)(u64)from, len, true);
}

/* ---- registers ---- */

bool host_virtio_running(const struct host_virtio *v) { return v->status & VIRTIO_CONFIG_S_DRIVER_OK; }

void host_config_changed(struct host_virtio *v)
{
	v->generation++;
	if (host_virtio_running(v))
		interrupt(v, VIRTIO_MMIO_INT_CONFIG);
}

static void reset(struct host_virtio *v)
{
	v->ops->reset(v);
	v->accepted = 0;
	v->status = v->interrupt = v->queue_sel = v->offered_sel = v->accepted_sel = 0;
	v->due_ns = ~0ull;
	memset(v->queue, 0, sizeof(v->queue));
}

static u32 config_read(struct host_virtio *v, u32 offset, u32 bytes)
{
	u32 value = 0;

	if (offset <= CONFIG_BYTES - bytes)
		memcpy(&value, v->config + offset, bytes);
	return value;
}

u32 host_virtio_reg_read(struct host_virtio *v, u32 reg, u32 bytes)
{
	if (reg >= VIRTIO_MMIO_CONFIG)
		return config_read(v, reg - VIRTIO_MMIO_CONFIG, bytes);
	if (bytes != 4)
		host_stuck("a driver read a register of a virtio device in another width than 32 bits");
	switch (reg) {
	case VIRTIO_MMIO_MAGIC_VALUE: return MAGIC;
	case VIRTIO_MMIO_VERSION: return VERSION;
	case VIRTIO_MMIO_DEVICE_ID: return v->ops->id;
	case VIRTIO_MMIO_VENDOR_ID: return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES: return v->offered_sel < 2 ? (u32)(v->offered >> 32 * v->offered_sel) : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX: return v->queue_sel < v->queue_count ? VQ_SIZE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY: return v->queue_sel < v->queue_count ? v->queue[v->queue_sel].ready : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS: return v->interrupt;
	case VIRTIO_MMIO_STATUS: return v->status;
	case VIRTIO_MMIO_CONFIG_GENERATION: return v->generation;
	case VIRTIO_MMIO_SHM_LEN_LOW: case VIRTIO_MMIO_SHM_LEN_HIGH: return ~0u;
	}
	return 0;
}

static void set_status(struct host_virtio *v, u32 value)
{
	if (!value) {
		reset(v);
		return;
	}
	if (value & VIRTIO_CONFIG_S_FEATURES_OK && !(v->status & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (v->accepted & ~v->offered || !(v->accepted >> VIRTIO_F_VERSION_1 & 1)))
		value &= ~(u32)VIRTIO_CONFIG_S_FEATURES_OK;
	v->status = value;
	for (u32 i = 0; i < v->queue_count && host_virtio_running(v); i++)
		if (v->queue[i].ready)
			v->ops->notify(v, i);
}

static void queue_write(struct host_virtio *v, u32 reg, u32 value)
{
	u64 high = (u64)value << 32;

	if (v->queue_sel >= v->queue_count)
		return;
	struct host_vq *q = &v->queue[v->queue_sel];

	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NUM: q->size = value; break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: q->desc = (q->desc & ~0xffffffffull) | value; break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: q->desc = (u32)q->desc | high; break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW: q->avail = (q->avail & ~0xffffffffull) | value; break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH: q->avail = (u32)q->avail | high; break;
	case VIRTIO_MMIO_QUEUE_USED_LOW: q->used = (q->used & ~0xffffffffull) | value; break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH: q->used = (u32)q->used | high; break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (value && (!q->size || q->size > VQ_SIZE_MAX || q->size & (q->size - 1)))
			host_stuck("a driver gave a queue a size that is no power of two or too large");
		q->ready = value & 1;
		q->taken = q->given = 0;
		break;
	}
}

void host_virtio_reg_write(struct host_virtio *v, u32 reg, u32 bytes, u32 value)
{
	if (reg >= VIRTIO_MMIO_CONFIG)
		return;		/* no model has a field that a driver may write */
	if (bytes != 4)
		host_stuck("a driver wrote a register of a virtio device in another width than 32 bits");
	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: v->offered_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: v->accepted_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if (v->accepted_sel < 2)
			v->accepted = (v->accepted & ~(0xffffffffull << 32 * v->accepted_sel)) | (u64)value << 32 * v->accepted_sel;
		break;
	case VIRTIO_MMIO_QUEUE_SEL: v->queue_sel = value; break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value < v->queue_count && v->queue[value].ready && host_virtio_running(v))
			v->ops->notify(v, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK: v->interrupt &= ~value; break;
	case VIRTIO_MMIO_STATUS: set_status(v, value); break;
	default: queue_write(v, reg, value); break;
	}
}

/* ---- all of them ---- */

unsigned host_virtio_count(void) { return device_count; }
struct host_virtio *host_virtio_at(unsigned i) { return &devices[i]; }

u64 host_virtio_next_ns(void)
{
	u64 next = ~0ull;

	for (unsigned i = 0; i < device_count; i++)
		next = MIN(next, devices[i].due_ns);
	return next;
}

void host_virtio_run(u64 now_ns)
{
	for (unsigned i = 0; i < device_count; i++)
		while (devices[i].due_ns <= now_ns)
			devices[i].ops->due(&devices[i]);
}

static int setup(struct host_virtio *v)
{
	switch (v->setup.kind) {
	case AUK_BLK: return host_blk_setup(v);
	case AUK_NET: return host_net_setup(v);
	case AUK_CONSOLE: return host_console_setup(v);
	case AUK_RNG: return host_rng_setup(v);
	}
	return -EINVAL;
}

int host_virtio_setup(const struct auk_device *list, unsigned count, u64 seed)
{
	int err = count > AUK_DEVICES_MAX ? -EINVAL : 0;

	for (unsigned i = 0; i < count && !err; i++) {
		struct host_virtio *v = &devices[i];

		*v = (struct host_virtio){ .setup = list[i], .number = i, .due_ns = ~0ull };
		v->random = host_random_seed(seed * AUK_DEVICES_MAX + i);
		v->offered = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX;
		err = setup(v);
		if (!err)
			device_count++;
	}
	return err;
}

void host_virtio_power_off(void)
{
	for (unsigned i = 0; i < device_count; i++)
		reset(&devices[i]);
	device_count = 0;
}
