/*
 * The two queues of a port.
 *
 * Input: pages travel  device -> arrived -> (read) -> device.  Output: each write is copied into a buffer of its own, which
 * is freed when the device is done with it; port->tx_bytes bounds what is under way.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "drivers/virtio/console.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/poll.h"

/* An output buffer: the header and then the bytes. */
struct tx_buffer {
	u32 len;
	u8 data[];
};

void port_init(struct port *p, struct console *c, u32 id)
{
	/* Port 0 has queues 0 and 1; 2 and 3 are the control queues; port n > 0 has 2n + 2 and 2n + 3. */
	unsigned first = id == 0 ? 0 : 2 * id + 2;

	p->console = c;
	p->id = id;
	p->rx = &c->dev->queues[first];
	p->tx = &c->dev->queues[first + 1];
	list_init(&p->arrived);
	mutex_init(&p->read_lock, RANK_TTY_READ);
	waitq_init(&p->wait);
	atomic_store_release(&p->rx->driver_data, p);
	atomic_store_release(&p->tx->driver_data, p);
}

static int rx_give(struct port *p, struct port_buffer *b)
{
	struct virtqueue_seg seg = { .addr = virt_to_phys(b->data), .len = PAGE_SIZE };

	return virtqueue_add(p->rx, &seg, 0, 1, b);
}

static struct port_buffer *buffer_alloc(void)
{
	struct port_buffer *b = kzalloc(sizeof(*b), ALLOC_KERNEL);
	struct page *page = b ? page_alloc(0, ALLOC_KERNEL) : NULL;

	if (!page) {
		kfree(b);
		return NULL;
	}
	b->data = page_virt(page);
	return b;
}

static void buffer_free(struct port_buffer *b)
{
	page_put(virt_page(b->data));
	kfree(b);
}

int port_fill(struct port *p)
{
	unsigned given = 0;
	bool kick;
	u64 irq;

	if (atomic_fetch_or(&p->state, PORT_RX_FILLED) & PORT_RX_FILLED)
		return 0;
	for (; given < MIN((u32)PORT_RX_BUFFERS, p->rx->size); given++) {
		struct port_buffer *b = buffer_alloc();
		int err;

		if (!b)
			break;
		irq = spin_lock_irqsave(&p->rx->lock);
		err = rx_give(p, b);
		spin_unlock_irqrestore(&p->rx->lock, irq);
		if (err) {
			buffer_free(b);
			break;
		}
	}
	if (!given) {
		atomic_and(&p->state, ~(u32)PORT_RX_FILLED);
		return -ENOMEM;
	}
	irq = spin_lock_irqsave(&p->rx->lock);
	kick = virtqueue_kick_prepare(p->rx);
	spin_unlock_irqrestore(&p->rx->lock, irq);
	if (kick)
		virtqueue_notify(p->rx);
	return 0;
}

struct port_buffer *port_front(struct port *p)
{
	u64 irq = spin_lock_irqsave(&p->rx->lock);
	struct port_buffer *b = list_first_entry_or_null(&p->arrived, struct port_buffer, node);

	spin_unlock_irqrestore(&p->rx->lock, irq);
	return b;
}

bool port_has_input(struct port *p)
{
	return !list_empty(&p->arrived);
}

/* Lock held: the first arrived buffer goes back. Returns whether to notify. */
static bool recycle_locked(struct port *p)
{
	struct port_buffer *b = list_first_entry(&p->arrived, struct port_buffer, node);

	list_del_init(&b->node);
	/* There is room: the queue had this buffer before.  Only a dead queue refuses it. */
	if (rx_give(p, b)) {
		buffer_free(b);
		return false;
	}
	return virtqueue_kick_prepare(p->rx);
}

void port_recycle(struct port *p)
{
	u64 irq = spin_lock_irqsave(&p->rx->lock);
	bool kick = recycle_locked(p);

	spin_unlock_irqrestore(&p->rx->lock, irq);
	if (kick)
		virtqueue_notify(p->rx);
}

void port_discard(struct port *p)
{
	bool kick = false;
	u64 irq = spin_lock_irqsave(&p->rx->lock);

	while (!list_empty(&p->arrived))
		kick |= recycle_locked(p);
	spin_unlock_irqrestore(&p->rx->lock, irq);
	if (kick)
		virtqueue_notify(p->rx);
}

void port_rx_done(struct virtqueue *vq)
{
	struct port *p = atomic_load_acquire(&vq->driver_data);
	struct port_buffer *b;
	bool kick = false;
	u64 irq;
	u32 len;

	if (!p)
		return;
	irq = spin_lock_irqsave(&vq->lock);
	do {
		virtqueue_disable_callback(vq);
		while ((b = virtqueue_get(vq, &len))) {
			b->len = len;
			b->taken = 0;
			list_add_tail(&b->node, &p->arrived);
		}
	} while (!virtqueue_enable_callback(vq));
	/* What comes while nobody has the port open is lost, as on Linux; so are empty buffers. */
	while (!list_empty(&p->arrived) &&
	       (!port_has(p, PORT_GUEST_OPEN) || !list_first_entry(&p->arrived, struct port_buffer, node)->len))
		kick |= recycle_locked(p);
	spin_unlock_irqrestore(&vq->lock, irq);
	if (kick)
		virtqueue_notify(vq);
	if (atomic_load_acquire(&p->tty))
		hvc_input(p);
	else
		wake_up_poll(&p->wait, EPOLLIN | EPOLLRDNORM);
}

bool port_has_room(struct port *p)
{
	return READ_ONCE(p->tx_bytes) < PORT_TX_BYTES_MAX && READ_ONCE(p->tx->free_count);
}

int port_send(struct port *p, const void *data, u32 len)
{
	u32 flags = plat_irq_enabled() ? ALLOC_KERNEL : ALLOC_ATOMIC;
	struct tx_buffer *b;
	struct virtqueue_seg seg;
	bool kick = false;
	u64 irq;
	int err;

	if (!port_has_room(p))
		return -ENOSPC;
	b = kmalloc(sizeof(*b) + len, flags);
	if (!b)
		return -ENOMEM;
	b->len = len;
	memcpy(b->data, data, len);
	seg.addr = virt_to_phys(b->data);
	seg.len = len;
	irq = spin_lock_irqsave(&p->tx->lock);
	err = virtqueue_add(p->tx, &seg, 1, 0, b);
	if (!err) {
		WRITE_ONCE(p->tx_bytes, p->tx_bytes + len);
		kick = virtqueue_kick_prepare(p->tx);
	}
	spin_unlock_irqrestore(&p->tx->lock, irq);
	if (err)
		kfree(b);
	if (kick)
		virtqueue_notify(p->tx);
	return err;
}

void port_tx_done(struct virtqueue *vq)
{
	struct port *p = atomic_load_acquire(&vq->driver_data);
	struct tx_buffer *b;
	u64 irq;
	u32 len;

	if (!p)
		return;
	irq = spin_lock_irqsave(&vq->lock);
	do {
		virtqueue_disable_callback(vq);
		while ((b = virtqueue_get(vq, &len))) {
			WRITE_ONCE(p->tx_bytes, p->tx_bytes - b->len);
			kfree(b);
		}
	} while (!virtqueue_enable_callback(vq));
	spin_unlock_irqrestore(&vq->lock, irq);
	if (atomic_load_acquire(&p->tty))
		hvc_output_room(p);
	wake_up_poll(&p->wait, EPOLLOUT | EPOLLWRNORM);
}
