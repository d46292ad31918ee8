/*
 * virtio-9p: the transport under fs/9p.  A device is a share with a name, the mount tag.
 *
 * An exchange is one chain of buffers: what the server reads, then room for the reply.  Page lists of reads and writes go
 * in as they are.  When the queue is full an exchange waits on `waiting`, in order.
 *
 * Locks: vq->lock guards the queue and `waiting`; exchanges end outside of it.
 * Source: VIRTIO 1.2 reserves device id 9; the layout is that of QEMU's and Linux's 9p transports, <linux/virtio_9p.h>.
 */
#include <linux/errno.h>
#include <linux/virtio_9p.h>
#include "base/atomic.h"
#include "base/string.h"
#include "drivers/virtio/virtio.h"
#include "fs/9p/transport.h"
#include "kern/slab.h"

enum { TAG_BYTES_MAX = 255, QUEUE_SIZE_MAX = 256 };

static_assert(sizeof(struct p9_seg) == sizeof(struct virtqueue_seg) &&
	      offsetof(struct p9_seg, len) == offsetof(struct virtqueue_seg, len), "the two are passed on as one");

/* Locks: I immutable after probe · q vq->lock · a atomic */
struct share {
	struct virtqueue *vq;		/* [I] */
	u32 in_use;			/* [a] mounted: one connection at a time */
	struct list_head waiting;	/* [q] exchanges, oldest first */
	struct list_head node;		/* [I] */
	char tag[TAG_BYTES_MAX + 1];	/* [I] */
};

/* What is remembered of an exchange that failed to start. */
struct over_list {
	struct list_head exchanges;
	int err;
};

static LIST_HEAD(shares);		/* boot only; then immutable */

static int exchange_add(struct share *s, struct p9_exchange *x)
{
	return virtqueue_add(s->vq, (const struct virtqueue_seg *)x->segs, x->out_count, x->in_count, x);
}

/* Lock held: start what waits, as far as there is room. */
static void waiting_start(struct share *s, struct over_list *failed)
{
	while (!list_empty(&s->waiting)) {
		struct p9_exchange *x = list_first_entry(&s->waiting, struct p9_exchange, node);
		int err = exchange_add(s, x);

		if (err == -ENOSPC)
			return;
		list_del_init(&x->node);
		if (err) {
			failed->err = err;
			list_add_tail(&x->node, &failed->exchanges);
		}
	}
}

static void fail_all(struct over_list *failed)
{
	struct p9_exchange *x, *next;

	list_for_each_entry_safe(x, next, &failed->exchanges, node) {
		list_del_init(&x->node);
		x->done(x, failed->err, 0);
	}
}

static void share_submit(void *conn, struct p9_exchange *x)
{
	struct share *s = conn;
	struct over_list failed = { .exchanges = LIST_HEAD_INIT(failed.exchanges) };
	bool kick;
	u64 irq = spin_lock_irqsave(&s->vq->lock);

	list_add_tail(&x->node, &s->waiting);
	waiting_start(s, &failed);
	kick = virtqueue_kick_prepare(s->vq);
	spin_unlock_irqrestore(&s->vq->lock, irq);
	if (kick)
		virtqueue_notify(s->vq);
	fail_all(&failed);
}

/* The next exchange that is over, under the lock for no longer than that: done() may take a while. */
static struct p9_exchange *share_get(struct share *s, u32 *len, struct over_list *failed)
{
	struct virtqueue *vq = s->vq;
	u64 irq = spin_lock_irqsave(&vq->lock);
	struct p9_exchange *x;
	bool kick;

	virtqueue_disable_callback(vq);
	do
		x = virtqueue_get(vq, len);
	while (!x && !virtqueue_enable_callback(vq));
	waiting_start(s, failed);
	kick = virtqueue_kick_prepare(vq);
	spin_unlock_irqrestore(&vq->lock, irq);
	if (kick)
		virtqueue_notify(vq);
	return x;
}

static void share_done(struct virtqueue *vq)
{
	struct share *s = vq->driver_data;
	struct over_list failed = { .exchanges = LIST_HEAD_INIT(failed.exchanges) };
	struct p9_exchange *x;
	u32 len;

	while ((x = share_get(s, &len, &failed)))
		x->done(x, 0, len);
	fail_all(&failed);
}

static void *share_open(const char *source)
{
	struct share *s;

	list_for_each_entry(s, &shares, node) {
		if (strcmp(s->tag, source) == 0)
			return xchg(&s->in_use, 1) ? ERR_PTR(-EBUSY) : s;
	}
	return ERR_PTR(-ENOENT);
}

static void share_close(void *conn)
{
	atomic_store_release(&((struct share *)conn)->in_use, 0);
}

static unsigned share_segs_max(void *conn)
{
	return ((struct share *)conn)->vq->size;
}

static struct p9_transport transport = {
	.name = "virtio", .open = share_open, .close = share_close, .segs_max = share_segs_max, .submit = share_submit,
};

static int read_tag(struct virtio_device *dev, struct share *s)
{
	u16 len = virtio_config_get(dev, struct virtio_9p_config, tag_len);

	if (!len || len > TAG_BYTES_MAX)
		return -EINVAL;
	virtio_config_read(dev, offsetof(struct virtio_9p_config, tag), s->tag, len);
	s->tag[len] = '\0';
	return 0;
}

static int probe(struct virtio_device *dev)
{
	static const struct virtqueue_want want = { .callback = share_done, .size_max = QUEUE_SIZE_MAX };
	struct share *s;
	int err;

	if (!virtio_has(dev, VIRTIO_9P_MOUNT_TAG))
		return -EINVAL;
	s = kzalloc(sizeof(*s), ALLOC_KERNEL);
	if (!s)
		return -ENOMEM;
	err = read_tag(dev, s);
	if (!err)
		err = virtio_find_queues(dev, 1, &want);
	if (err) {
		kfree(s);
		return err;
	}
	s->vq = &dev->queues[0];
	s->vq->driver_data = s;
	list_init(&s->waiting);
	dev->driver_data = s;
	virtio_device_ready(dev);
	list_add_tail(&s->node, &shares);
	return 0;
}

static struct virtio_driver driver = {
	.name = "9pnet_virtio", .id = VIRTIO_ID_9P, .features = VIRTIO_FEATURE(VIRTIO_9P_MOUNT_TAG), .probe = probe,
};

void virtio_9p_init(void)
{
	p9_transport_register(&transport);
	virtio_register_driver(&driver);
}
