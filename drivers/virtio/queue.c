/*
 * Split virtqueues; the contract is in queue.h.
 *
 * Memory order (VIRTIO 1.2, 2.7.13): a chain's descriptors and its entry in the available ring are written before
 * avail->idx (release); avail->idx before avail_event or used->flags is read (full fence), else both sides could
 * miss each other.  used->idx is read before the entry (acquire).  Enabling the callback writes used_event, and after
 * a full fence looks at used->idx again.
 */
#include <linux/errno.h>
#include <linux/virtio_ring.h>
#include "base/atomic.h"
#include "base/bitops.h"
#include "base/string.h"
#include "drivers/virtio/virtio.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { INDIRECT_FROM = 3 };	/* chains of so many buffers go through an indirect table */

u32 virtqueue_layout_bytes(u32 size, u32 align, u32 *avail, u32 *used)
{
	*avail = size * sizeof(struct vring_desc);
	*used = ALIGN_UP(*avail + (u32)sizeof(u16) * (3 + size), align);
	return *used + sizeof(u16) * 3 + size * sizeof(struct vring_used_elem);
}

/* used_event lies behind the available ring, avail_event behind the used one. */
static u16 *used_event(struct virtqueue *vq)
{
	return &vq->avail->ring[vq->size];
}

static u16 *avail_event(struct virtqueue *vq)
{
	return (u16 *)&vq->used->ring[vq->size];
}

int virtqueue_create(struct virtqueue *vq, u32 size, u32 align)
{
	u32 avail, used, bytes = virtqueue_layout_bytes(size, align, &avail, &used);
	struct page *page;

	assert(is_power_of_2(size) && size <= VIRTQUEUE_SIZE_MAX);
	page = page_alloc(bytes_to_order(bytes), ALLOC_KERNEL | ALLOC_ZERO);
	vq->slots = kzalloc(size * sizeof(*vq->slots), ALLOC_KERNEL);
	if (!page || !vq->slots) {
		if (page)
			page_put(page);
		kfree(vq->slots);
		vq->slots = NULL;
		return -ENOMEM;
	}
	vq->memory = page_virt(page);
	vq->desc = vq->memory;
	vq->avail = (void *)((u8 *)vq->memory + avail);
	vq->used = (void *)((u8 *)vq->memory + used);
	vq->size = size;
	spin_init(&vq->lock, RANK_QUEUE);
	for (u32 i = 0; i < size; i++)
		vq->slots[i].next = i + 1;
	vq->slots[size - 1].next = VIRTQUEUE_NONE;
	vq->free_head = 0;
	vq->free_count = size;
	if (!vq->callback)
		virtqueue_disable_callback(vq);
	return 0;
}

void virtqueue_destroy(struct virtqueue *vq)
{
	if (vq->memory)
		page_put(virt_page(vq->memory));
	kfree(vq->slots);
	vq->memory = NULL;
	vq->slots = NULL;
}

static void desc_set(struct vring_desc *d, const struct virtqueue_seg *seg, bool in, bool last, u16 next)
{
	d->addr = seg->addr;
	d->len = seg->len;
	d->flags = (in ? VRING_DESC_F_WRITE : 0) | (last ? 0 : VRING_DESC_F_NEXT);
	d->next = last ? 0 : next;
}

static struct vring_desc *indirect_build(const struct virtqueue_seg *segs, unsigned out_count, unsigned total)
{
	struct vring_desc *table = kmalloc(total * sizeof(*table), ALLOC_ATOMIC | ALLOC_NOWARN);

	for (unsigned i = 0; table && i < total; i++)
		desc_set(&table[i], &segs[i], i >= out_count, i + 1 == total, i + 1);
	return table;
}

static u16 slot_take(struct virtqueue *vq)
{
	u16 slot = vq->free_head;

	vq->free_head = vq->slots[slot].next;
	vq->free_count--;
	return slot;
}

/* Fill descriptors from the free list; there are enough. Returns the first. */
static u16 chain_build(struct virtqueue *vq, const struct virtqueue_seg *segs, unsigned out_count, unsigned total)
{
	u16 head = vq->free_head, slot = head;

	for (unsigned i = 0; i < total; i++) {
		slot = slot_take(vq);
		desc_set(&vq->desc[slot], &segs[i], i >= out_count, i + 1 == total, vq->slots[slot].next);
	}
	vq->slots[slot].next = VIRTQUEUE_NONE;
	return head;
}

int virtqueue_add(struct virtqueue *vq, const struct virtqueue_seg *segs, unsigned out_count, unsigned in_count,
		  void *token)
{
	unsigned total = out_count + in_count;
	struct vring_desc *table = NULL;
	struct virtqueue_slot *slot;
	u16 head;

	assert(token);
	if (vq->broken)
		return -EIO;
	if (!total || total > vq->size)
		return -EINVAL;
	if (!vq->free_count)
		return -ENOSPC;
	if (vq->use_indirect && total >= INDIRECT_FROM)
		table = indirect_build(segs, out_count, total);
	if (table) {
		head = slot_take(vq);
		vq->desc[head].addr = virt_to_phys(table);
		vq->desc[head].len = total * sizeof(*table);
		vq->desc[head].flags = VRING_DESC_F_INDIRECT;
		vq->desc[head].next = 0;
		vq->slots[head].next = VIRTQUEUE_NONE;
	} else {
		if (vq->free_count < total)
			return -ENOSPC;
		head = chain_build(vq, segs, out_count, total);
	}
	slot = &vq->slots[head];
	slot->token = token;
	slot->indirect = table;
	slot->count = table ? 1 : total;
	slot->in_bytes = 0;
	for (unsigned i = out_count; i < total; i++)
		slot->in_bytes += segs[i].len;
	vq->avail->ring[vq->avail_idx & (vq->size - 1)] = head;
	vq->avail_idx++;
	return 0;
}

bool virtqueue_kick_prepare(struct virtqueue *vq)
{
	u16 old = vq->notified_idx, new = vq->avail_idx;

	if (vq->broken)
		return false;
	atomic_store_release(&vq->avail->idx, new);
	smp_mb();
	vq->notified_idx = new;
	if (old == new)
		return false;
	if (vq->event_idx)
		return vring_need_event(READ_ONCE(*avail_event(vq)), new, old);
	return !(READ_ONCE(vq->used->flags) & VRING_USED_F_NO_NOTIFY);
}

void virtqueue_notify(struct virtqueue *vq)
{
	vq->dev->transport->notify(vq);
}

static void queue_break(struct virtqueue *vq, const char *why, u32 value)
{
	vq->broken = true;
	pr_err("%s: queue %u: the device wrote a bad %s (%u); the queue is dead", vq->dev->name, vq->index, why, value);
}

/* Give the descriptors of the chain at @head back. */
static void *chain_release(struct virtqueue *vq, u16 head)
{
	struct virtqueue_slot *slot = &vq->slots[head];
	void *token = slot->token;
	u16 last = head;

	kfree(slot->indirect);
	slot->indirect = NULL;
	slot->token = NULL;
	while (vq->slots[last].next != VIRTQUEUE_NONE)
		last = vq->slots[last].next;
	vq->slots[last].next = vq->free_head;
	vq->free_head = head;
	vq->free_count += slot->count;
	return token;
}

void *virtqueue_get(struct virtqueue *vq, u32 *len)
{
	const struct vring_used_elem *elem;
	u16 used_idx;
	u32 id, written;

	if (vq->broken)
		return NULL;
	used_idx = atomic_load_acquire(&vq->used->idx);
	if (used_idx == vq->used_idx)
		return NULL;
	if ((u16)(used_idx - vq->used_idx) > vq->size) {
		queue_break(vq, "used index", used_idx);
		return NULL;
	}
	elem = &vq->used->ring[vq->used_idx & (vq->size - 1)];
	id = READ_ONCE(elem->id);
	written = READ_ONCE(elem->len);
	if (id >= vq->size || !vq->slots[id].token) {
		queue_break(vq, "descriptor id", id);
		return NULL;
	}
	/* Some devices count more than they may have written; never pass on more than there is room. */
	*len = MIN(written, vq->slots[id].in_bytes);
	vq->used_idx++;
	return chain_release(vq, id);
}

void virtqueue_disable_callback(struct virtqueue *vq)
{
	if (vq->event_idx)
		WRITE_ONCE(*used_event(vq), vq->used_idx - 1);	/* passed already: an event the furthest away */
	else
		WRITE_ONCE(vq->avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

bool virtqueue_enable_callback(struct virtqueue *vq)
{
	if (vq->broken)
		return true;
	if (vq->event_idx)
		WRITE_ONCE(*used_event(vq), vq->used_idx);
	else
		WRITE_ONCE(vq->avail->flags, 0);
	smp_mb();
	return atomic_load_acquire(&vq->used->idx) == vq->used_idx;
}

bool virtqueue_enable_callback_late(struct virtqueue *vq)
{
	u16 after = (u16)((u16)(vq->avail_idx - vq->used_idx) * 3u / 4);

	if (vq->broken || !vq->event_idx)
		return virtqueue_enable_callback(vq);
	WRITE_ONCE(*used_event(vq), (u16)(vq->used_idx + after));
	smp_mb();
	return (u16)(atomic_load_acquire(&vq->used->idx) - vq->used_idx) <= after;
}

void *virtqueue_take_back(struct virtqueue *vq)
{
	for (u32 i = 0; i < vq->size; i++) {
		if (vq->slots[i].token)
			return chain_release(vq, i);
	}
	return NULL;
}
