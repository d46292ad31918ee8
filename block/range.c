/*
 * Operations on ranges of any length: discard, zeroes, secure erase; cut at what the device takes in one go.
 *
 * Pieces of a discard end at multiples of the device's granularity, so that none but the first and last lose their ends.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/queue.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/wait.h"

enum { UNDER_WAY_MAX = 16, ZERO_ORDER = 4, ZERO_SEGS_MAX = 16 };

static struct page *zeroes;		/* boot: 2^ZERO_ORDER pages of them */

/* Locks: a atomic */
struct batch {
	u32 pending;			/* [a] bios under way, and one for the submitter */
	int status;			/* [a] the first error */
	struct waitq q;
};

void range_init(void)
{
	zeroes = page_alloc(ZERO_ORDER, ALLOC_KERNEL | ALLOC_ZERO);
	assert(zeroes);
}

static void piece_done(struct bio *b)
{
	struct batch *t = b->private;

	if (b->status)
		(void)cmpxchg(&t->status, 0, b->status);
	bio_free(b);
	atomic_dec(&t->pending);
	wake_up_all(&t->q);
}

static void piece_submit(struct batch *t, struct bio *b)
{
	b->done = piece_done;
	b->private = t;
	atomic_inc(&t->pending);
	bio_submit(b);
	wait_event(&t->q, atomic_load_acquire(&t->pending) < UNDER_WAY_MAX);
	cond_resched();
}

/* Until all are over; the queue's lock is passed once more, so that no waker still looks at it. */
static int batch_end(struct batch *t)
{
	wait_event(&t->q, atomic_load_acquire(&t->pending) == 0);
	spin_unlock_irqrestore(&t->q.lock, spin_lock_irqsave(&t->q.lock));
	return t->status;
}

static u64 step_of(const struct block_device *b, enum bio_op op)
{
	const struct disk_limits *l = &b->disk->limits;
	u64 step = 0;

	if (op == BIO_DISCARD)
		step = l->discard_sectors_soft ? MIN(l->discard_sectors_soft, l->discard_sectors_max) : l->discard_sectors_max;
	else if (op == BIO_SECURE_ERASE)
		step = l->erase_sectors_max;
	else
		step = l->zeroes_sectors_max;
	return step & ~(u64)((l->block_bytes >> SECTOR_SHIFT) - 1);
}

/* How much of [sector, sector + left) the next piece takes. */
static u64 piece_sectors(const struct block_device *b, enum bio_op op, u64 sector, u64 left, u64 step)
{
	u64 grain = b->disk->limits.discard_granularity_bytes >> SECTOR_SHIFT, past;

	if (left <= step)
		return left;
	if (op != BIO_DISCARD || grain <= 1 || grain >= step)
		return step;
	past = (b->start + sector + step) % grain;
	return step - past;
}

static int range_command(struct block_device *bdev, enum bio_op op, u64 sector, u64 sectors, u32 flags)
{
	struct batch t = { .pending = 0 };
	u64 step = step_of(bdev, op);

	if (!step)
		return -EOPNOTSUPP;
	waitq_init(&t.q);
	while (sectors && !atomic_load(&t.status)) {
		struct bio *b = bio_alloc(bdev, op, sector, 0, ALLOC_NOFS);
		u64 n = piece_sectors(bdev, op, sector, sectors, step);

		if (!b) {
			(void)cmpxchg(&t.status, 0, -ENOMEM);
			break;
		}
		b->sectors = n;
		b->flags |= flags;
		sector += n;
		sectors -= n;
		piece_submit(&t, b);
	}
	return batch_end(&t);
}

static int range_write_zeroes(struct block_device *bdev, u64 sector, u64 sectors)
{
	struct batch t = { .pending = 0 };

	waitq_init(&t.q);
	while (sectors && !atomic_load(&t.status)) {
		struct bio *b = bio_alloc(bdev, BIO_WRITE, sector, ZERO_SEGS_MAX, ALLOC_NOFS);

		if (!b) {
			(void)cmpxchg(&t.status, 0, -ENOMEM);
			break;
		}
		while (b->sectors < sectors) {
			u64 n = MIN((sectors - b->sectors) << SECTOR_SHIFT, (u64)PAGE_SIZE << ZERO_ORDER);

			n = MIN(n, (u64)ALIGN_DOWN(bdev->disk->limits.seg_bytes_max, (u32)PAGE_SIZE));
			if (!bio_add(b, page_phys(zeroes), n))
				break;
		}
		sector += b->sectors;
		sectors -= b->sectors;
		piece_submit(&t, b);
	}
	return batch_end(&t);
}

int block_range_zeroes(struct block_device *b, u64 sector, u64 sectors, u32 flags, bool fallback)
{
	int err = range_command(b, BIO_WRITE_ZEROES, sector, sectors, flags);

	return err == -EOPNOTSUPP && fallback ? range_write_zeroes(b, sector, sectors) : err;
}

int block_range_op(struct block_device *b, enum bio_op op, u64 sector, u64 sectors)
{
	if (op == BIO_WRITE_ZEROES)
		return block_range_zeroes(b, sector, sectors, 0, true);
	return range_command(b, op, sector, sectors, 0);
}
