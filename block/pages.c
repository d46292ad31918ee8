/*
 * The page cache of a block device: runs of pages become bios.
 *
 * A run that is read ahead is submitted and left: each page is unlocked when its bio is done, from the interrupt.  The
 * part of the last page past the device's end is zeroed, never read or written.
 *
 * Locks: none; pages are locked (reads) or under write-back (writes) by the caller.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "block/block.h"
#include "kern/page.h"

enum { RUN_SEGS_MAX = 128 };

/* Bytes of the page at @index that lie on the device. */
static u32 page_bytes(const struct block_device *b, u64 index)
{
	u64 size = atomic_load(&b->sectors) << SECTOR_SHIFT, start = index << PAGE_SHIFT;

	return start >= size ? 0 : MIN(size - start, (u64)PAGE_SIZE);
}

/* A bio of as many pages of the run as fit; *used says how many. NULL: no memory, or nothing on the device. */
static struct bio *run_bio(struct block_device *bdev, enum bio_op op, struct page **run, unsigned n, unsigned *used)
{
	u32 seg_max = MIN(MIN(n, (unsigned)RUN_SEGS_MAX), bdev->disk->limits.segs_max);
	struct bio *b = bio_alloc(bdev, op, run[0]->index << (PAGE_SHIFT - SECTOR_SHIFT), seg_max, ALLOC_NOFS);
	unsigned i = 0;

	*used = 0;
	if (!b)
		return NULL;
	for (; i < n; i++) {
		u32 len = page_bytes(bdev, run[i]->index);

		if (!len || !bio_add(b, page_phys(run[i]), len))
			break;
	}
	if (!i) {
		bio_free(b);
		return NULL;
	}
	*used = i;
	return b;
}

/* The pages lie in the segments one after the other, the last one perhaps cut short by the device's end. */
static void read_done(struct bio *b)
{
	for (u32 s = 0; s < b->seg_count; s++) {
		paddr_t at = b->segs[s].addr, end = at + b->segs[s].len_bytes;

		for (; at < end; at += PAGE_SIZE) {
			if (end - at < PAGE_SIZE && !b->status)
				memset(phys_to_virt(end), 0, PAGE_SIZE - (end - at));
			page_read_done(phys_page(at), b->status);
		}
	}
	bio_free(b);
}

static void read_run(struct mapping *m, struct page **run, unsigned n)
{
	struct block_device *bdev = m->host;

	while (n) {
		unsigned used;
		struct bio *b = run_bio(bdev, BIO_READ, run, n, &used);

		if (!b) {
			page_read_done(run[0], page_bytes(bdev, run[0]->index) ? -ENOMEM : -EIO);
			used = 1;
		} else {
			b->done = read_done;
			bio_submit(b);
		}
		run += used;
		n -= used;
	}
}

static int read_page(struct mapping *m, struct page *page)
{
	struct block_device *bdev = m->host;
	u32 len = page_bytes(bdev, page->index);
	unsigned used;
	struct bio *b = run_bio(bdev, BIO_READ, &page, 1, &used);
	int err;

	if (!b)
		return len ? -ENOMEM : -EIO;
	err = bio_submit_wait(b);
	bio_free(b);
	if (!err && len < PAGE_SIZE)
		memset((u8 *)page_virt(page) + len, 0, PAGE_SIZE - len);
	return err;
}

static int write_run(struct mapping *m, struct page **run, unsigned n, u64 file_size)
{
	struct block_device *bdev = m->host;
	int first_err = 0;

	while (n) {
		unsigned used;
		struct bio *b = run_bio(bdev, BIO_WRITE, run, n, &used);
		int err = page_bytes(bdev, run[0]->index) ? -ENOMEM : -EIO;

		if (b) {
			err = bio_submit_wait(b);
			bio_free(b);
		} else {
			used = 1;
		}
		if (!first_err)
			first_err = err;
		run += used;
		n -= used;
	}
	return first_err;
}

static int write_page(struct mapping *m, struct page *page, u64 file_size)
{
	return write_run(m, &page, 1, file_size);
}

const struct mapping_ops block_mapping_ops = {
	.read_page = read_page,
	.read_run = read_run,
	.write_page = write_page,
	.write_run = write_run,
};
