/*
 * Transmit queues of virtio-net.
 *
 * Packets that the device is done with are collected when the next ones are sent, and by an interrupt: while packets are under way whose owner
 * waits for their end (a socket's send buffer, TCP's small queues), or while the ring is full, it comes once the device is done with
 * three quarters of what it has; otherwise none comes.  So an owner hears in time, and a stream costs few interrupts.
 *
 * Everything here runs with the queue's device_queue.lock held.
 */
#include <linux/errno.h>
#include "drivers/virtio/net.h"
#include "kern/assert.h"

enum { SEGS_MAX = 2 + PACKET_FRAGS_MAX };

static bool has_room(const struct nic_tx *tx)
{
	return tx->vq->free_count >= SEGS_MAX;
}

/* Free what the device is done with. */
static void collect(struct nic_tx *tx)
{
	LIST_HEAD(over);
	struct packet *p;
	u32 len;
	u64 irq = spin_lock_irqsave(&tx->vq->lock);

	while ((p = virtqueue_get(tx->vq, &len))) {
		tx->owned -= p->destroy != NULL;
		list_add_tail(&p->node, &over);
	}
	spin_unlock_irqrestore(&tx->vq->lock, irq);
	packet_free_list(&over);
}

/* Ask for an interrupt if one is needed. Return: false: there is something to collect already */
static bool interrupt_wanted(struct nic_tx *tx)
{
	u64 irq = spin_lock_irqsave(&tx->vq->lock);
	bool idle = true;

	if (tx->owned || !has_room(tx))
		idle = virtqueue_enable_callback_late(tx->vq);
	else
		virtqueue_disable_callback(tx->vq);
	spin_unlock_irqrestore(&tx->vq->lock, irq);
	return idle;
}

static void settle(struct nic_tx *tx)
{
	do
		collect(tx);
	while (!interrupt_wanted(tx));
	if (device_queue_stopped(tx->queue) && has_room(tx))
		device_queue_wake(tx->queue);
}

/* ---- sending ---- */

static unsigned fill_segs(const struct nic *nic, struct packet *p, struct virtqueue_seg *segs)
{
	unsigned n = 0;
	u32 linear = packet_linear(p);

	if (nic->split_header) {
		segs[n++] = (struct virtqueue_seg){ virt_to_phys(p->data), nic->header_len };
		if (linear > nic->header_len)
			segs[n++] = (struct virtqueue_seg){ virt_to_phys(p->data + nic->header_len), linear - nic->header_len };
	} else {
		segs[n++] = (struct virtqueue_seg){ virt_to_phys(p->data), linear };
	}
	for (u32 i = 0; i < p->frag_count; i++)
		segs[n++] = (struct virtqueue_seg){ page_phys(p->frag[i].page) + p->frag[i].offset, p->frag[i].len };
	return n;
}

/* The device's header in front. Return: false: it cannot be sent */
static bool push_header(struct nic *nic, struct packet *p)
{
	struct virtio_net_hdr_v1 h = { 0 };

	if (packet_ensure_headroom(p, nic->header_len) || !nic_header_write(p, (struct virtio_net_hdr *)&h, nic->dev->features))
		return false;
	memcpy(packet_push(p, nic->header_len), &h, nic->header_len);
	return true;
}

static int drop(struct net_device *net, struct packet *p)
{
	device_stats_here(net)->tx_errors++;
	packet_free(p);
	return XMIT_OK;
}

int nic_xmit(struct net_device *net, u32 queue, struct packet *p)
{
	struct nic *nic = net->driver_data;
	struct nic_tx *tx = &nic->tx[queue];
	struct virtqueue_seg segs[SEGS_MAX];
	unsigned n;
	u64 irq;
	int err;

	if (!has_room(tx))
		collect(tx);
	if (!push_header(nic, p))
		return drop(net, p);
	n = fill_segs(nic, p, segs);
	irq = spin_lock_irqsave(&tx->vq->lock);
	err = virtqueue_add(tx->vq, segs, n, 0, p);
	spin_unlock_irqrestore(&tx->vq->lock, irq);
	if (err)
		return drop(net, p);
	tx->owned += p->destroy != NULL;
	if (!has_room(tx))
		device_queue_stop(tx->queue);
	return XMIT_OK;
}

void nic_flush(struct net_device *net, u32 queue)
{
	struct nic *nic = net->driver_data;
	struct nic_tx *tx = &nic->tx[queue];
	u64 irq = spin_lock_irqsave(&tx->vq->lock);
	bool kick = virtqueue_kick_prepare(tx->vq);

	spin_unlock_irqrestore(&tx->vq->lock, irq);
	if (kick)
		virtqueue_notify(tx->vq);
	settle(tx);
}

/* ---- completion ---- */

static u32 tx_poll(struct net_poll *np, u32 budget)
{
	struct nic_tx *tx = container_of(np, struct nic_tx, poll);

	spin_lock(&tx->queue->lock);
	settle(tx);
	spin_unlock(&tx->queue->lock);
	return net_poll_complete(np) ? 0 : budget;
}

void nic_tx_interrupt(struct virtqueue *vq)
{
	struct nic_tx *tx = atomic_load_acquire(&vq->driver_data);

	if (!tx)
		return;		/* before the queue is set up: a shared line, or a device that should not */
	u64 irq = spin_lock_irqsave(&vq->lock);

	virtqueue_disable_callback(vq);
	spin_unlock_irqrestore(&vq->lock, irq);
	net_poll_schedule(&tx->poll);
}

void nic_tx_init(struct nic_tx *tx, struct nic *nic, struct virtqueue *vq, struct device_queue *queue)
{
	assert(vq->size >= 2 * SEGS_MAX);	/* net.c looked */
	tx->nic = nic;
	tx->vq = vq;
	tx->queue = queue;
	net_poll_init(&tx->poll, tx_poll);
	atomic_store_release(&vq->driver_data, tx);
}
