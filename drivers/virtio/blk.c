/*
 * virtio-blk: /dev/vda, /dev/vdb, …
 *
 * As many queues as the device and the CPUs have (VIRTIO_BLK_F_MQ).  A request of the block layer becomes a header, the segments
 * as they are, and a status byte; all of it lies in the request's own memory.  There is no FUA: the block layer sends a flush.
 *
 * Departures from the specification where devices depart from it: a max_discard_seg of 0 counts as 1.
 *
 * Locks: vq->lock guards the queue; requests end outside of it.
 * Source: VIRTIO 1.2, section 5.2.
 */
#include <linux/errno.h>
#include <linux/virtio_blk.h>
#include "base/bitops.h"
#include "base/printf.h"
#include "block/queue.h"
#include "drivers/virtio/virtio.h"
#include "kern/slab.h"
#include "kern/work.h"

enum { BLK_MAJOR = 254, SEGS_MAX = 126, DISKS_MAX = 256, RANGE_SECTORS_MAX = 1 << 22, QUEUES_MAX = 8 /* no more have interrupts of their own */ };

/* Locks: I immutable after probe */
struct blk {
	struct virtio_device *dev;	/* [I] */
	struct disk disk;
	struct work resize_work;
};

/* What the device sees of a request besides the data: request->data. */
struct wire {
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	u8 status;
};

static u32 disk_count;			/* boot only */

static u32 request_type(enum bio_op op)
{
	switch (op) {
	case BIO_READ: return VIRTIO_BLK_T_IN;
	case BIO_WRITE: return VIRTIO_BLK_T_OUT;
	case BIO_FLUSH: return VIRTIO_BLK_T_FLUSH;
	case BIO_DISCARD: return VIRTIO_BLK_T_DISCARD;
	case BIO_WRITE_ZEROES: return VIRTIO_BLK_T_WRITE_ZEROES;
	case BIO_SECURE_ERASE: return VIRTIO_BLK_T_SECURE_ERASE;
	}
	return VIRTIO_BLK_T_IN;
}

static void wire_fill(struct wire *w, const struct request *r)
{
	bool bytes = op_has_bytes(r->op);

	w->header.type = request_type(r->op);
	w->header.ioprio = 0;
	w->header.sector = bytes ? r->sector : 0;
	w->range.sector = r->sector;
	w->range.num_sectors = (u32)r->sectors;
	w->range.flags = r->op == BIO_WRITE_ZEROES && !(r->flags & BIO_NOUNMAP) ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	w->status = 0xff;
}

/* Fill @segs. *out, *in: how many of each direction. */
static void request_segs(struct request *r, struct virtqueue_seg *segs, unsigned *out, unsigned *in)
{
	struct wire *w = r->data;
	const struct bio_seg *s;
	struct request_iter it;
	unsigned n = 0;

	segs[n++] = (struct virtqueue_seg){ virt_to_phys(&w->header), sizeof(w->header) };
	if (r->op != BIO_FLUSH && !op_has_bytes(r->op))
		segs[n++] = (struct virtqueue_seg){ virt_to_phys(&w->range), sizeof(w->range) };
	*out = n;
	request_iter_init(&it, r);
	while (op_has_bytes(r->op) && (s = request_next_seg(&it)))
		segs[n++] = (struct virtqueue_seg){ s->addr, s->len_bytes };
	if (r->op == BIO_WRITE)
		*out = n;
	segs[n++] = (struct virtqueue_seg){ virt_to_phys(&w->status), 1 };
	*in = n - *out;
}

static int blk_queue(struct hw_queue *q, struct request *r)
{
	struct virtqueue *vq = q->data;
	struct virtqueue_seg segs[SEGS_MAX + 3];
	unsigned out, in;
	u64 irq;
	int err;

	wire_fill(r->data, r);
	request_segs(r, segs, &out, &in);
	irq = spin_lock_irqsave(&vq->lock);
	err = virtqueue_add(vq, segs, out, in, r);
	spin_unlock_irqrestore(&vq->lock, irq);
	return err == -ENOSPC ? -EBUSY : err;
}

static void blk_commit(struct hw_queue *q)
{
	struct virtqueue *vq = q->data;
	u64 irq = spin_lock_irqsave(&vq->lock);
	bool kick = virtqueue_kick_prepare(vq);

	spin_unlock_irqrestore(&vq->lock, irq);
	if (kick)
		virtqueue_notify(vq);
}

static int status_errno(u8 status)
{
	switch (status) {
	case VIRTIO_BLK_S_OK: return 0;
	case VIRTIO_BLK_S_UNSUPP: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

static unsigned end_list(struct list_head *over)
{
	struct request *r, *next;
	unsigned n = 0;

	list_for_each_entry_safe(r, next, over, node) {
		struct wire *w = r->data;

		list_del_init(&r->node);
		request_end(r, status_errno(READ_ONCE(w->status)));
		n++;
	}
	return n;
}

static void blk_done(struct virtqueue *vq)
{
	LIST_HEAD(over);
	struct request *r;
	u32 len;
	u64 irq = spin_lock_irqsave(&vq->lock);

	do {
		virtqueue_disable_callback(vq);
		while ((r = virtqueue_get(vq, &len)))
			list_add_tail(&r->node, &over);
	} while (!virtqueue_enable_callback(vq));
	spin_unlock_irqrestore(&vq->lock, irq);
	(void)end_list(&over);
}

static unsigned blk_poll(struct hw_queue *q)
{
	struct virtqueue *vq = q->data;
	LIST_HEAD(over);
	struct request *r;
	u32 len;
	u64 irq = spin_lock_irqsave(&vq->lock);

	while ((r = virtqueue_get(vq, &len)))
		list_add_tail(&r->node, &over);
	spin_unlock_irqrestore(&vq->lock, irq);
	return end_list(&over);
}

static const struct disk_ops blk_disk_ops = { .submit = NULL };
static const struct queue_ops blk_queue_ops = {
	.queue = blk_queue, .commit = blk_commit, .poll = blk_poll, .request_bytes = ALIGN_UP(sizeof(struct wire), 64),
};

static void resize(struct work *w)
{
	struct blk *blk = container_of(w, struct blk, resize_work);

	disk_resize(&blk->disk, virtio_config_get(blk->dev, struct virtio_blk_config, capacity));
}

static void config_changed(struct virtio_device *dev)
{
	struct blk *blk = atomic_load_acquire(&dev->driver_data);

	if (blk)
		work_queue(&blk->resize_work);
}

/* vda … vdz, vdaa … */
static void disk_name(char *buf, size_t size, u32 n)
{
	if (n < 26)
		scnprintf(buf, size, "vd%c", 'a' + n);
	else
		scnprintf(buf, size, "vd%c%c", 'a' + n / 26 - 1, 'a' + n % 26);
}

static u32 sane_block(u32 bytes)
{
	return bytes == 1024 || bytes == 2048 || bytes == 4096 ? bytes : SECTOR_BYTES;
}

static void read_topology(struct virtio_device *dev, struct disk_limits *l)
{
	u32 optimal;

	if (!virtio_has(dev, VIRTIO_BLK_F_TOPOLOGY))
		return;
	l->physical_bytes = l->block_bytes << MIN(virtio_config_get(dev, struct virtio_blk_config, physical_block_exp), 8);
	l->alignment_bytes = virtio_config_get(dev, struct virtio_blk_config, alignment_offset) * l->block_bytes;
	l->io_min_bytes = virtio_config_get(dev, struct virtio_blk_config, min_io_size) * l->block_bytes;
	optimal = virtio_config_get(dev, struct virtio_blk_config, opt_io_size);
	l->io_opt_bytes = optimal <= 1u << 20 ? optimal * l->block_bytes : 0;
}

static void read_ranges(struct virtio_device *dev, struct disk_limits *l)
{
	u32 grain;

	if (virtio_has(dev, VIRTIO_BLK_F_DISCARD)) {
		l->discard_sectors_max = virtio_config_get(dev, struct virtio_blk_config, max_discard_sectors);
		grain = virtio_config_get(dev, struct virtio_blk_config, discard_sector_alignment);
		l->discard_granularity_bytes = grain <= 1u << 20 && is_power_of_2(grain) ? grain << SECTOR_SHIFT : l->block_bytes;
		l->discard_segs_max = 1;	/* what a request is here, whatever the device would take */
	}
	if (virtio_has(dev, VIRTIO_BLK_F_WRITE_ZEROES))
		l->zeroes_sectors_max = MIN(virtio_config_get(dev, struct virtio_blk_config, max_write_zeroes_sectors),
					    (u32)RANGE_SECTORS_MAX);
	if (virtio_has(dev, VIRTIO_BLK_F_SECURE_ERASE))
		l->erase_sectors_max = virtio_config_get(dev, struct virtio_blk_config, max_secure_erase_sectors);
}

static void read_limits(struct virtio_device *dev, const struct virtqueue *vq, struct disk_limits *l)
{
	u32 queue_segs = vq->size > 3 ? vq->size - 2 : 1;

	l->segs_max = MIN(queue_segs, (u32)SEGS_MAX);
	if (virtio_has(dev, VIRTIO_BLK_F_SEG_MAX))
		l->segs_max = CLAMP(virtio_config_get(dev, struct virtio_blk_config, seg_max), 1u, l->segs_max);
	else
		l->segs_max = 1;
	l->seg_bytes_max = 1 << 20;
	if (virtio_has(dev, VIRTIO_BLK_F_SIZE_MAX))
		l->seg_bytes_max = CLAMP(virtio_config_get(dev, struct virtio_blk_config, size_max), 4096u, 1u << 20);
	l->block_bytes = SECTOR_BYTES;
	if (virtio_has(dev, VIRTIO_BLK_F_BLK_SIZE))
		l->block_bytes = sane_block(virtio_config_get(dev, struct virtio_blk_config, blk_size));
	l->rotational = true;		/* as Linux takes it to be: the device does not say */
	read_topology(dev, l);
	read_ranges(dev, l);
	l->flush = virtio_has(dev, VIRTIO_BLK_F_FLUSH);
	l->read_only = virtio_has(dev, VIRTIO_BLK_F_RO);
}

static int find_queues(struct virtio_device *dev)
{
	struct virtqueue_want want[QUEUES_MAX];
	u32 count = 1;

	if (virtio_has(dev, VIRTIO_BLK_F_MQ))
		count = virtio_config_get(dev, struct virtio_blk_config, num_queues);
	count = CLAMP(count, 1u, MIN(plat_cpu_count(), (u32)QUEUES_MAX));
	for (u32 i = 0; i < count; i++)
		want[i] = (struct virtqueue_want){ .callback = blk_done, .size_max = 256, .cpu = i };
	return virtio_find_queues(dev, count, want);
}

static int disk_setup(struct blk *blk, struct virtio_device *dev)
{
	struct disk *d = &blk->disk;
	int err;

	disk_name(d->name, sizeof(d->name), disk_count);
	d->driver_name = "virtblk";
	d->major = BLK_MAJOR;
	d->minor_first = disk_count * DISK_MINORS;
	d->ops = &blk_disk_ops;
	d->private = blk;
	d->geometry_heads = 16;
	d->geometry_sectors = 63;
	read_limits(dev, &dev->queues[0], &d->limits);
	err = disk_queues_create(d, &blk_queue_ops, dev->queue_count, 0, dev->queues[0].size);
	for (u32 i = 0; i < dev->queue_count && !err; i++) {
		d->queues[i].data = &dev->queues[i];
		dev->queues[i].driver_data = &d->queues[i];
	}
	return err;
}

static int probe(struct virtio_device *dev)
{
	struct blk *blk = kzalloc(sizeof(*blk), ALLOC_KERNEL);
	int err;

	if (!blk)
		return -ENOMEM;
	err = disk_count < DISKS_MAX ? find_queues(dev) : -ENOSPC;
	if (!err)
		err = disk_setup(blk, dev);
	if (err) {
		kfree(blk);
		return err;
	}
	blk->dev = dev;
	work_init(&blk->resize_work, resize);
	disk_count++;
	atomic_store_release(&dev->driver_data, blk);
	virtio_device_ready(dev);
	disk_add(&blk->disk, virtio_config_get(dev, struct virtio_blk_config, capacity));
	return 0;
}

static struct virtio_driver driver = {
	.name = "virtio_blk",
	.id = VIRTIO_ID_BLOCK,
	.features = VIRTIO_FEATURE(VIRTIO_BLK_F_SIZE_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |
		    VIRTIO_FEATURE(VIRTIO_BLK_F_RO) | VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
		    VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) | VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) |
		    VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES) |
		    VIRTIO_FEATURE(VIRTIO_BLK_F_SECURE_ERASE) | VIRTIO_FEATURE(VIRTIO_BLK_F_MQ),
	.probe = probe,
	.config_changed = config_changed,
};

void virtio_blk_init(void)
{
	virtio_register_driver(&driver);
}
