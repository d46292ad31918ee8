/* Bios: making, checking, handing on, waiting; the contract is in block.h. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "block/queue.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/wait.h"

void bio_init(struct bio *b, struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max)
{
	memset(b, 0, sizeof(*b));
	b->bdev = bdev;
	b->op = op;
	b->sector = sector;
	b->seg_max = seg_max;
	list_init(&b->node);
}

struct bio *bio_alloc(struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max, u32 alloc_flags)
{
	struct bio *b = kmalloc(bio_bytes(seg_max), alloc_flags);

	if (b)
		bio_init(b, bdev, op, sector, seg_max);
	return b;
}

void bio_free(struct bio *b)
{
	kfree(b);
}

bool bio_add(struct bio *b, paddr_t addr, u32 len_bytes)
{
	const struct disk_limits *limits = &b->bdev->disk->limits;
	struct bio_seg *last = b->seg_count ? &b->segs[b->seg_count - 1] : NULL;
	u32 sectors = len_bytes >> SECTOR_SHIFT;

	if (b->sectors + sectors > limits->sectors_max)
		return false;
	if (last && last->addr + last->len_bytes == addr && (u64)last->len_bytes + len_bytes <= limits->seg_bytes_max) {
		last->len_bytes += len_bytes;
	} else {
		if (b->seg_count >= b->seg_max || b->seg_count >= limits->segs_max || len_bytes > limits->seg_bytes_max)
			return false;
		if (last && ((last->addr + last->len_bytes) | addr) & limits->virt_boundary)
			return false;
		b->segs[b->seg_count++] = (struct bio_seg){ .addr = addr, .len_bytes = len_bytes };
	}
	b->sectors += sectors;
	return true;
}

static u32 range_sectors_max(const struct disk_limits *l, enum bio_op op)
{
	switch (op) {
	case BIO_DISCARD: return l->discard_sectors_max;
	case BIO_WRITE_ZEROES: return l->zeroes_sectors_max;
	case BIO_SECURE_ERASE: return l->erase_sectors_max;
	default: return 0;
	}
}

static int check(const struct bio *b)
{
	const struct block_device *bdev = b->bdev;
	const struct disk_limits *limits = &bdev->disk->limits;
	u64 size = atomic_load(&bdev->sectors);
	u32 block_sectors = limits->block_bytes >> SECTOR_SHIFT;

	if (b->op == BIO_FLUSH)
		return 0;
	if (b->sectors > size || b->sector > size - b->sectors)
		return -EIO;
	if ((b->sector | b->sectors) & (block_sectors - 1))
		return -EIO;
	if (bdev->part && (bdev->start + b->sector + b->sectors > atomic_load(&bdev->disk->whole.sectors)))
		return -EIO;
	if (b->op != BIO_READ && block_read_only(bdev))
		return -EROFS;
	if (!op_has_bytes(b->op))
		return b->sectors <= range_sectors_max(limits, b->op) ? 0 : -EOPNOTSUPP;
	return b->seg_count && b->seg_count <= limits->segs_max ? 0 : -EINVAL;
}

void bio_issue(struct bio *b)
{
	struct disk *d = b->bdev->disk;

	if (d->ops->submit)
		d->ops->submit(d, b);
	else
		queue_add(d, b, true);
}

static bool has_cache(const struct disk *d)
{
	return d->limits.flush && !atomic_load(&d->cache_override);
}

static u16 (*thread_ioprio)(void);

void block_register_ioprio(u16 (*get)(void))
{
	thread_ioprio = get;
}

void bio_submit(struct bio *b)
{
	struct disk *disk = b->bdev->disk;
	int err = check(b);

	b->part = b->bdev;
	b->next = NULL;
	b->last = b;
	b->run_sectors = b->sectors;
	b->run_segs = b->seg_count;
	b->stage = b->tries = 0;
	b->accounted = false;
	if (!has_cache(disk))
		b->flags &= ~(u32)(BIO_FUA | BIO_PREFLUSH);
	if (err || (b->op == BIO_FLUSH && !has_cache(disk))) {
		bio_end(b, err);
		return;
	}
	if (!b->ioprio && thread_ioprio && plat_irq_enabled())
		b->ioprio = thread_ioprio();
	if (b->bdev->part) {
		b->sector += b->bdev->start;
		b->bdev = &disk->whole;
	}
	bio_stats_start(b);
	if (flush_needed(b))
		flush_start(b);
	else if (!plug_add(b))
		bio_issue(b);
}

void bio_end(struct bio *b, int status)
{
	if (b->stage) {
		flush_data_done(b, status);
		return;
	}
	if (b->accounted)
		bio_stats_end(b);
	b->status = status;
	b->done(b);
}

static void wake_submitter(struct bio *b)
{
	complete(b->private);
}

int bio_submit_wait(struct bio *b)
{
	struct completion c;

	completion_init(&c);
	b->done = wake_submitter;
	b->private = &c;
	b->flags |= BIO_SYNC;
	bio_submit(b);
	wait_for_completion(&c);
	return b->status;
}

bool bio_poll(struct block_device *bdev, u32 cookie)
{
	struct disk *d = bdev->disk;
	bool any = false;

	for (u32 i = 0; i < d->queue_count; i++) {
		struct hw_queue *q = &d->queues[i];

		if (!q->ops->poll)
			continue;
		any = true;
		if (atomic_load(&q->started))
			atomic_add(&q->polled, q->ops->poll(q));
	}
	return any;
}

int block_flush(struct block_device *bdev)
{
	struct bio *b;
	int err;

	if (!has_cache(bdev->disk))
		return 0;
	b = bio_alloc(bdev, BIO_FLUSH, 0, 0, ALLOC_NOFS);
	if (!b)
		return -ENOMEM;
	err = bio_submit_wait(b);
	bio_free(b);
	return err;
}
