/*
 * virtio-blk: /dev/vda, /dev/vdb, …
 *
 * One queue.  A request is the header, the bio's segments as they are, and a status byte.  When the queue is full a bio waits
 * on `waiting`, in order, and is started as requests finish.  FUA is a write followed by a flush.
 *
 * Locks: vq->lock guards the queue and `waiting`; bios end outside of it.  submit may be called in any context.
 * Source: VIRTIO 1.2, section 5.2.
 */
#include <linux/errno.h>
#include <linux/virtio_blk.h>
#include "base/printf.h"
#include "block/block.h"
#include "drivers/virtio/virtio.h"
#include "kern/slab.h"
#include "kern/work.h"

enum { BLK_MAJOR = 254, SEGS_MAX = 126, DISKS_MAX = 256, ZERO_RANGE_SECTORS = 1 << 21 };

/* Locks: I immutable after probe · q vq->lock */
struct blk {
	struct virtio_device *dev;	/* [I] */
	struct virtqueue *vq;		/* [I] */
	struct disk disk;
	struct list_head waiting;	/* [q] bios, oldest first */
	struct work resize_work;
};

/* What the device sees of a request besides the data; in one piece of memory with what we remember of it. */
struct request {
	struct bio *bio;
	bool flush_follows;		/* a FUA write: the flush comes next */
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	u8 status;
};

static u32 disk_count;			/* boot only */

static u32 request_type(const struct bio *b)
{
	switch (b->op) {
	case BIO_READ: return VIRTIO_BLK_T_IN;
	case BIO_WRITE: return VIRTIO_BLK_T_OUT;
	case BIO_FLUSH: return VIRTIO_BLK_T_FLUSH;
	case BIO_DISCARD: return VIRTIO_BLK_T_DISCARD;
	case BIO_WRITE_ZEROES: return VIRTIO_BLK_T_WRITE_ZEROES;
	}
	return VIRTIO_BLK_T_IN;
}

/* Fill @segs for @r. *out, *in: how many of each direction. */
static void request_segs(struct request *r, struct virtqueue_seg *segs, unsigned *out, unsigned *in)
{
	struct bio *b = r->bio;
	u32 type = r->header.type;
	unsigned n = 0;

	segs[n++] = (struct virtqueue_seg){ virt_to_phys(&r->header), sizeof(r->header) };
	if (type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES)
		segs[n++] = (struct virtqueue_seg){ virt_to_phys(&r->range), sizeof(r->range) };
	*out = n;
	if (type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_OUT) {
		for (u32 i = 0; i < b->seg_count; i++)
			segs[n++] = (struct virtqueue_seg){ b->segs[i].addr, b->segs[i].len_bytes };
	}
	if (type == VIRTIO_BLK_T_OUT)
		*out = n;
	segs[n++] = (struct virtqueue_seg){ virt_to_phys(&r->status), 1 };
	*in = n - *out;
}

/* Lock held. */
static int request_add(struct blk *blk, struct request *r)
{
	struct virtqueue_seg segs[SEGS_MAX + 3];
	unsigned out, in;

	request_segs(r, segs, &out, &in);
	r->status = 0xff;
	return virtqueue_add(blk->vq, segs, out, in, r);
}

/* Lock held. 0, -ENOSPC (try later), or an error that ends the bio. */
static int bio_start(struct blk *blk, struct bio *b)
{
	struct request *r = kmalloc(sizeof(*r), ALLOC_ATOMIC);
	int err;

	if (!r)
		return blk->vq->free_count < blk->vq->size ? -ENOSPC : -ENOMEM;	/* nothing under way that would come back: give up */
	r->bio = b;
	r->header.type = request_type(b);
	r->header.ioprio = 0;
	r->header.sector = b->op == BIO_READ || b->op == BIO_WRITE ? b->sector : 0;
	r->flush_follows = b->op == BIO_WRITE && b->flags & BIO_FUA && blk->disk.limits.flush;
	r->range.sector = b->sector;
	r->range.num_sectors = b->sectors;
	r->range.flags = 0;
	err = request_add(blk, r);
	if (err)
		kfree(r);
	return err;
}

/* Lock held: start bios that wait, as far as there is room; those that cannot start go to @failed. */
static void waiting_start(struct blk *blk, struct list_head *failed)
{
	while (!list_empty(&blk->waiting)) {
		struct bio *b = list_first_entry(&blk->waiting, struct bio, node);
		int err = bio_start(blk, b);

		if (err == -ENOSPC)
			return;
		list_del_init(&b->node);
		if (err) {
			b->status = err;
			list_add_tail(&b->node, failed);
		}
	}
}

static void end_list(struct list_head *over)
{
	struct bio *b, *next;

	list_for_each_entry_safe(b, next, over, node) {
		list_del_init(&b->node);
		bio_end(b, b->status);
	}
}

static void blk_submit(struct disk *d, struct bio *b)
{
	struct blk *blk = d->private;
	LIST_HEAD(failed);
	bool kick;
	u64 irq = spin_lock_irqsave(&blk->vq->lock);

	list_add_tail(&b->node, &blk->waiting);
	waiting_start(blk, &failed);
	kick = virtqueue_kick_prepare(blk->vq);
	spin_unlock_irqrestore(&blk->vq->lock, irq);
	if (kick)
		virtqueue_notify(blk->vq);
	end_list(&failed);
}

static int status_errno(u8 status)
{
	switch (status) {
	case VIRTIO_BLK_S_OK: return 0;
	case VIRTIO_BLK_S_UNSUPP: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

/* Lock held: a request is over. Its bio goes to @over, unless a flush has to follow. */
static void request_done(struct blk *blk, struct request *r, struct list_head *over)
{
	struct bio *b = r->bio;

	b->status = status_errno(READ_ONCE(r->status));
	if (r->flush_follows && !b->status) {
		r->flush_follows = false;
		r->header.type = VIRTIO_BLK_T_FLUSH;
		r->header.sector = 0;
		/* There is room: this request has just given its descriptors back. */
		b->status = request_add(blk, r);
		if (!b->status)
			return;
	}
	list_add_tail(&b->node, over);
	kfree(r);
}

static void blk_done(struct virtqueue *vq)
{
	struct blk *blk = vq->driver_data;
	LIST_HEAD(over);
	struct request *r;
	bool kick;
	u32 len;
	u64 irq = spin_lock_irqsave(&vq->lock);

	do {
		virtqueue_disable_callback(vq);
		while ((r = virtqueue_get(vq, &len)))
			request_done(blk, r, &over);
	} while (!virtqueue_enable_callback(vq));
	waiting_start(blk, &over);
	kick = virtqueue_kick_prepare(vq);
	spin_unlock_irqrestore(&vq->lock, irq);
	if (kick)
		virtqueue_notify(vq);
	end_list(&over);
}

static const struct disk_ops blk_disk_ops = { .submit = blk_submit };

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
	l->physical_bytes = l->block_bytes;
	if (virtio_has(dev, VIRTIO_BLK_F_TOPOLOGY))
		l->physical_bytes <<= MIN(virtio_config_get(dev, struct virtio_blk_config, physical_block_exp), 8);
	if (virtio_has(dev, VIRTIO_BLK_F_DISCARD))
		l->discard_sectors_max = virtio_config_get(dev, struct virtio_blk_config, max_discard_sectors);
	if (virtio_has(dev, VIRTIO_BLK_F_WRITE_ZEROES))
		l->zeroes_sectors_max = MIN(virtio_config_get(dev, struct virtio_blk_config, max_write_zeroes_sectors),
					    (u32)ZERO_RANGE_SECTORS);
	l->flush = virtio_has(dev, VIRTIO_BLK_F_FLUSH);
	l->read_only = virtio_has(dev, VIRTIO_BLK_F_RO);
}

static int probe(struct virtio_device *dev)
{
	static const struct virtqueue_want want = { .callback = blk_done, .size_max = 256 };
	struct blk *blk = kzalloc(sizeof(*blk), ALLOC_KERNEL);
	int err;

	if (!blk)
		return -ENOMEM;
	err = disk_count < DISKS_MAX ? virtio_find_queues(dev, 1, &want) : -ENOSPC;
	if (err) {
		kfree(blk);
		return err;
	}
	blk->dev = dev;
	blk->vq = &dev->queues[0];
	blk->vq->driver_data = blk;
	list_init(&blk->waiting);
	work_init(&blk->resize_work, resize);
	disk_name(blk->disk.name, sizeof(blk->disk.name), disk_count);
	blk->disk.driver_name = "virtblk";
	blk->disk.major = BLK_MAJOR;
	blk->disk.minor_first = disk_count * DISK_MINORS;
	blk->disk.ops = &blk_disk_ops;
	blk->disk.private = blk;
	read_limits(dev, blk->vq, &blk->disk.limits);
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
		    VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES),
	.probe = probe,
	.config_changed = config_changed,
};

void virtio_blk_init(void)
{
	virtio_register_driver(&driver);
}
