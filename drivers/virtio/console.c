/*
 * virtio-console: the device and its control queue.
 *
 * Without MULTIPORT there is port 0 and it is a console.  With it the host announces ports:
 *
 *	host: PORT_ADD   -> guest: PORT_READY -> host: CONSOLE_PORT?, PORT_NAME?, PORT_OPEN
 *	guest: PORT_OPEN when a program opens or closes the port
 *
 * Ports that the host takes away become PORT_GONE and keep their memory: they are few, and files may be open.
 *
 * Source: VIRTIO 1.2, sections 5.3.4 to 5.3.6.
 */
#include <linux/errno.h>
#include "base/bitops.h"
#include "base/string.h"
#include "drivers/tty/tty.h"
#include "drivers/virtio/console.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "vfs/poll.h"

enum {
	CTRL_RX_BUFFERS = 8, CTRL_BYTES_MAX = 256,
	CTRL_RX_QUEUE = 2, CTRL_TX_QUEUE = 3,
	QUEUE_SIZE_MAX = 64,
	LEGACY_PORTS_MAX = 16,		/* a legacy queue takes two pages at least */
};

static u32 console_count;		/* boot only */

/* A message of the host's: the header, and for PORT_NAME the name behind it. */
struct ctrl_buffer {
	u32 len;
	u8 data[CTRL_BYTES_MAX];
};

static bool ctrl_try_send(struct console *c, struct virtio_console_control *msg, int *err)
{
	struct virtqueue_seg seg = { .addr = virt_to_phys(msg), .len = sizeof(*msg) };
	u64 irq = spin_lock_irqsave(&c->ctrl_tx->lock);
	bool kick = false;

	*err = virtqueue_add(c->ctrl_tx, &seg, 1, 0, msg);
	if (!*err)
		kick = virtqueue_kick_prepare(c->ctrl_tx);
	spin_unlock_irqrestore(&c->ctrl_tx->lock, irq);
	if (kick)
		virtqueue_notify(c->ctrl_tx);
	return *err != -ENOSPC;
}

void console_send(struct console *c, u32 port_id, u16 event, u16 value)
{
	struct virtio_console_control *msg;
	int err = -ENOMEM;

	if (!c->multiport)
		return;
	msg = kmalloc(sizeof(*msg), ALLOC_KERNEL);
	if (msg) {
		msg->id = port_id;
		msg->event = event;
		msg->value = value;
		wait_event(&c->ctrl_room, ctrl_try_send(c, msg, &err));
	}
	if (err) {
		pr_warn("%s: control message %u for port %u is lost: error %d", c->dev->name, event, port_id, -err);
		kfree(msg);
	}
}

static void ctrl_tx_done(struct virtqueue *vq)
{
	struct console *c = vq->driver_data;
	u64 irq = spin_lock_irqsave(&vq->lock);
	void *msg;
	u32 len;

	do {
		virtqueue_disable_callback(vq);
		while ((msg = virtqueue_get(vq, &len)))
			kfree(msg);
	} while (!virtqueue_enable_callback(vq));
	spin_unlock_irqrestore(&vq->lock, irq);
	wake_up_all(&c->ctrl_room);
}

static void port_add(struct console *c, u32 id)
{
	struct port *p = c->ports[id];

	if (!p) {
		p = kzalloc(sizeof(*p), ALLOC_KERNEL);
		if (!p) {
			console_send(c, id, VIRTIO_CONSOLE_PORT_READY, 0);
			return;
		}
		port_init(p, c, id);
		atomic_store_release(&c->ports[id], p);
		vport_add(p);
	}
	atomic_and(&p->state, ~(u32)PORT_GONE);
	console_send(c, id, VIRTIO_CONSOLE_PORT_READY, 1);
}

static void port_set_name(struct port *p, const u8 *name, u32 len)
{
	if (p->name || !len)
		return;
	atomic_store_release(&p->name, kstrndup((const char *)name, len, ALLOC_KERNEL));
}

static void port_set_state(struct port *p, u32 set, u32 clear)
{
	atomic_and(&p->state, ~clear);
	atomic_or(&p->state, set);
	/* Everyone looks again: readers at end of file, writers, poll. */
	waitq_wake(&p->wait, 0, EPOLLIN | EPOLLRDNORM | EPOLLOUT | (clear | (set & PORT_GONE) ? EPOLLHUP : 0));
}

static void handle_resize(struct port *p, const struct ctrl_buffer *b)
{
	const u8 *size = b->data + sizeof(struct virtio_console_control);

	if (b->len >= sizeof(struct virtio_console_control) + 4)
		hvc_resize(p, get_le16(size + 2), get_le16(size));	/* the device sends columns first */
}

static void handle_message(struct console *c, const struct ctrl_buffer *b)
{
	struct virtio_console_control msg;
	struct port *p;

	if (b->len < sizeof(msg))
		return;
	memcpy(&msg, b->data, sizeof(msg));
	if (msg.id >= c->port_count) {
		pr_warn("%s: message %u for port %u; ports below %u are known", c->dev->name, msg.event, msg.id,
			c->port_count);
		return;
	}
	p = c->ports[msg.id];
	if (msg.event == VIRTIO_CONSOLE_PORT_ADD)
		port_add(c, msg.id);
	if (!p)
		return;
	switch (msg.event) {
	case VIRTIO_CONSOLE_PORT_REMOVE:
		port_set_state(p, PORT_GONE, PORT_HOST_OPEN);
		break;
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		if (msg.value)
			hvc_add(p);
		break;
	case VIRTIO_CONSOLE_RESIZE:
		handle_resize(p, b);
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		port_set_state(p, msg.value ? PORT_HOST_OPEN : 0, msg.value ? 0 : PORT_HOST_OPEN);
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		port_set_name(p, b->data + sizeof(msg), b->len - sizeof(msg));
		break;
	}
}

static int ctrl_rx_give(struct console *c, struct ctrl_buffer *b)
{
	struct virtqueue_seg seg = { .addr = virt_to_phys(b->data), .len = CTRL_BYTES_MAX };
	u64 irq = spin_lock_irqsave(&c->ctrl_rx->lock);
	int err = virtqueue_add(c->ctrl_rx, &seg, 0, 1, b);
	bool kick = !err && virtqueue_kick_prepare(c->ctrl_rx);

	spin_unlock_irqrestore(&c->ctrl_rx->lock, irq);
	if (kick)
		virtqueue_notify(c->ctrl_rx);
	return err;
}

static struct ctrl_buffer *ctrl_rx_take(struct console *c)
{
	u64 irq = spin_lock_irqsave(&c->ctrl_rx->lock);
	struct ctrl_buffer *b;
	u32 len = 0;

	do
		b = virtqueue_get(c->ctrl_rx, &len);
	while (!b && !virtqueue_enable_callback(c->ctrl_rx));
	spin_unlock_irqrestore(&c->ctrl_rx->lock, irq);
	if (b)
		b->len = len;
	return b;
}

static void ctrl_work(struct work *w)
{
	struct console *c = container_of(w, struct console, ctrl_work);
	struct ctrl_buffer *b;

	while ((b = ctrl_rx_take(c))) {
		handle_message(c, b);
		if (ctrl_rx_give(c, b))
			kfree(b);
	}
}

static void ctrl_rx_done(struct virtqueue *vq)
{
	struct console *c = vq->driver_data;

	work_queue(&c->ctrl_work);
}

static void config_work(struct work *w)
{
	struct console *c = container_of(w, struct console, config_work);
	struct port *p = atomic_load_acquire(&c->ports[0]);

	if (p && virtio_has(c->dev, VIRTIO_CONSOLE_F_SIZE))
		hvc_resize(p, virtio_config_get(c->dev, struct virtio_console_config, rows),
			   virtio_config_get(c->dev, struct virtio_console_config, cols));
}

static void config_changed(struct virtio_device *dev)
{
	struct console *c = atomic_load_acquire(&dev->driver_data);

	if (c)
		work_queue(&c->config_work);
}

static int find_queues(struct console *c)
{
	unsigned count = c->multiport ? 2 * (c->port_count + 1) : 2;
	struct virtqueue_want *want = kzalloc(count * sizeof(*want), ALLOC_KERNEL);
	int err;

	if (!want)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		want[i].callback = i & 1 ? port_tx_done : port_rx_done;
		want[i].size_max = QUEUE_SIZE_MAX;
	}
	if (c->multiport) {
		want[CTRL_RX_QUEUE].callback = ctrl_rx_done;
		want[CTRL_TX_QUEUE].callback = ctrl_tx_done;
	}
	err = virtio_find_queues(c->dev, count, want);
	kfree(want);
	return err;
}

static void start_multiport(struct console *c)
{
	for (unsigned i = 0; i < CTRL_RX_BUFFERS; i++) {
		struct ctrl_buffer *b = kmalloc(sizeof(*b), ALLOC_KERNEL);

		if (b && ctrl_rx_give(c, b))
			kfree(b);
	}
	console_send(c, VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void start_single(struct console *c)
{
	struct port *p = kzalloc(sizeof(*p), ALLOC_KERNEL);

	if (!p)
		return;
	port_init(p, c, 0);
	p->state = PORT_HOST_OPEN;
	atomic_store_release(&c->ports[0], p);
	hvc_add(p);
	config_work(&c->config_work);
}

static int probe(struct virtio_device *dev)
{
	struct console *c = kzalloc(sizeof(*c), ALLOC_KERNEL);
	int err;

	if (!c)
		return -ENOMEM;
	c->dev = dev;
	c->index = console_count;
	c->multiport = virtio_has(dev, VIRTIO_CONSOLE_F_MULTIPORT);
	c->emergency = virtio_has(dev, VIRTIO_CONSOLE_F_EMERG_WRITE);
	c->port_count = 1;
	if (c->multiport)
		c->port_count = CLAMP(virtio_config_get(dev, struct virtio_console_config, max_nr_ports), 1u,
				      dev->legacy ? (u32)LEGACY_PORTS_MAX : (u32)PORTS_MAX);
	err = find_queues(c);
	if (err) {
		kfree(c);
		return err;
	}
	waitq_init(&c->ctrl_room);
	work_init(&c->ctrl_work, ctrl_work);
	work_init(&c->config_work, config_work);
	if (c->multiport) {
		c->ctrl_rx = &dev->queues[CTRL_RX_QUEUE];
		c->ctrl_tx = &dev->queues[CTRL_TX_QUEUE];
		c->ctrl_rx->driver_data = c;
		c->ctrl_tx->driver_data = c;
	}
	console_count++;
	atomic_store_release(&dev->driver_data, c);
	virtio_device_ready(dev);
	if (c->multiport) {
		tty_console_expect("hvc");
		start_multiport(c);
	}
	else
		start_single(c);
	return 0;
}

static struct virtio_driver driver = {
	.name = "virtio_console",
	.id = VIRTIO_ID_CONSOLE,
	.features = VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE) | VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT) |
		    VIRTIO_FEATURE(VIRTIO_CONSOLE_F_EMERG_WRITE),
	.probe = probe,
	.config_changed = config_changed,
};

void virtio_console_init(void)
{
	vport_init();
	hvc_init();
	virtio_register_driver(&driver);
}
