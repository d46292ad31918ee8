/* Bios: making, checking, handing to the driver, waiting; the contract is in block.h. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "kern/slab.h"
#include "kern/wait.h"

struct bio *bio_alloc(struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max, u32 alloc_flags)
{
	struct bio *b = kmalloc(sizeof(*b) + seg_max * sizeof(b->segs[0]), alloc_flags);

	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->bdev = bdev;
	b->op = op;
	b->sector = sector;
	b->seg_max = seg_max;
	list_init(&b->node);
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

	if (last && last->addr + last->len_bytes == addr && (u64)last->len_bytes + len_bytes <= limits->seg_bytes_max) {
		last->len_bytes += len_bytes;
	} else {
		if (b->seg_count >= b->seg_max || b->seg_count >= limits->segs_max || len_bytes > limits->seg_bytes_max)
			return false;
		b->segs[b->seg_count++] = (struct bio_seg){ .addr = addr, .len_bytes = len_bytes };
	}
	b->sectors += len_bytes >> SECTOR_SHIFT;
	return true;
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
	if (b->op == BIO_READ)
		return b->seg_count && b->seg_count <= limits->segs_max ? 0 : -EINVAL;
	if (limits->read_only)
		return -EROFS;
	if (b->op == BIO_DISCARD)
		return b->sectors <= limits->discard_sectors_max ? 0 : -EOPNOTSUPP;
	if (b->op == BIO_WRITE_ZEROES)
		return b->sectors <= limits->zeroes_sectors_max ? 0 : -EOPNOTSUPP;
	return b->seg_count && b->seg_count <= limits->segs_max ? 0 : -EINVAL;
}

static void account(const struct bio *b)
{
	struct block_device *bdev = b->bdev;

	if (b->op == BIO_READ) {
		atomic_inc(&bdev->reads);
		atomic_add(&bdev->sectors_read, b->sectors);
	} else if (b->op == BIO_WRITE) {
		atomic_inc(&bdev->writes);
		atomic_add(&bdev->sectors_written, b->sectors);
	}
}

void bio_submit(struct bio *b)
{
	struct disk *disk = b->bdev->disk;
	int err = check(b);

	if (err) {
		bio_end(b, err);
		return;
	}
	account(b);
	if (b->op == BIO_FLUSH && !disk->limits.flush) {
		bio_end(b, 0);
		return;
	}
	if (b->bdev->part) {
		b->sector += b->bdev->start;
		b->bdev = &disk->whole;
		account(b);
	}
	disk->ops->submit(disk, b);
}

void bio_end(struct bio *b, int status)
{
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
	bio_submit(b);
	wait_for_completion(&c);
	return b->status;
}

int block_flush(struct block_device *bdev)
{
	struct bio *b;
	int err;

	if (!bdev->disk->limits.flush)
		return 0;
	b = bio_alloc(bdev, BIO_FLUSH, 0, 0, ALLOC_NOFS);
	if (!b)
		return -ENOMEM;
	err = bio_submit_wait(b);
	bio_free(b);
	return err;
}

int block_range_op(struct block_device *bdev, enum bio_op op, u64 sector, u64 sectors)
{
	const struct disk_limits *limits = &bdev->disk->limits;
	u64 step = op == BIO_DISCARD ? limits->discard_sectors_max : limits->zeroes_sectors_max;
	int err = 0;

	/* Pieces are whole blocks. */
	step &= ~(u64)((limits->block_bytes >> SECTOR_SHIFT) - 1);
	if (!step)
		return -EOPNOTSUPP;
	while (sectors && !err) {
		u64 n = MIN(sectors, step);
		struct bio *b = bio_alloc(bdev, op, sector, 0, ALLOC_NOFS);

		if (!b)
			return -ENOMEM;
		b->sectors = n;
		err = bio_submit_wait(b);
		bio_free(b);
		sector += n;
		sectors -= n;
	}
	return err;
}
