/*
 * O_DIRECT on block devices: bios straight from and to the caller's pages, several under way.
 *
 * Coherence with the page cache: dirty pages of the range are written first; a write drops the cached pages before it
 * starts and again after its end, since a reader may have brought them back meanwhile.
 *
 * Pages are pinned while the device uses them.  An asynchronous transfer ends where the device says so, in an interrupt,
 * unless that takes a thread: pages of a file that were read into become dirty; cached pages have to be dropped.
 *
 * Alignment: position and length of each buffer by the logical block, its address by limits.dma_mask.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/direct.h"
#include "block/queue.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "mm/iter.h"
#include "mm/mm.h"
#include "vfs/file.h"

enum { PIECE_BYTES_MAX = 8 << 20, SEGS_MAX = 128 };

struct direct;

/* One bio of a transfer. */
struct direct_bio {
	struct direct *owner;
	struct direct_bio *next;	/* all bios of the transfer */
	struct bio bio;			/* last: its segments follow */
};

/* Locks: a atomic · the rest: the submitting thread, then the work item */
struct direct {
	u32 pending;			/* [a] bios under way, and one while more are being made */
	int status;			/* [a] first error */
	bool write, user, poll;
	bool file_pages;		/* read into pages that are not anonymous: they become dirty */
	u64 bytes;			/* asked of the device */
	struct direct_bio *bios;
	struct completion over;
	struct async_io *io;		/* NULL: the submitter waits */
	struct block_device *bdev;
	u64 pos;
	struct work work;
};

/* ---- pages ---- */

static struct page *page_at(const struct iter *it, u64 at, bool write)
{
	struct page *p;

	if (it->kind != ITER_USER) {
		p = virt_page((void *)at);
		page_get(page_head(p));
		return p;
	}
	p = current()->mm ? mm_pin_page(current()->mm, at, write) : ERR_PTR(-EFAULT);
	return p;
}

static void page_let_go(struct page *p, bool dirty)
{
	mm_unpin_page(p, dirty);
}

/* Let go of the pages of a segment from @from bytes on. */
static void seg_let_go(const struct bio_seg *s, u32 from, bool dirty)
{
	paddr_t at = from ? ALIGN_UP(s->addr + from, PAGE_SIZE) : s->addr & ~(paddr_t)(PAGE_SIZE - 1);

	for (; at < s->addr + s->len_bytes; at += PAGE_SIZE)
		page_let_go(phys_page(at), dirty);
}

static void bios_free(struct direct *d)
{
	bool dirty = !d->write && d->file_pages;

	while (d->bios) {
		struct direct_bio *db = d->bios;

		d->bios = db->next;
		for (u32 i = 0; i < db->bio.seg_count; i++)
			seg_let_go(&db->bio.segs[i], 0, dirty);
		kfree(db);
	}
}

/* ---- ends ---- */

static s64 result(const struct direct *d)
{
	return d->status ? d->status : (s64)d->bytes;
}

static void drop_cached(struct block_device *b, u64 pos, u64 len)
{
	u64 first = pos >> PAGE_SHIFT, last = (pos + len - 1) >> PAGE_SHIFT;

	if (!len || !mapping_invalidate(&b->mapping, first, last))
		return;
	/* Mapped or dirtied meanwhile: out with them all the same. */
	(void)!mapping_sync(&b->mapping, pos, pos + len);
	mapping_punch(&b->mapping, first << PAGE_SHIFT, (last + 1) << PAGE_SHIFT);
}

/* Nothing to be done that would need a thread: no page becomes dirty, none is cached. */
static bool is_light(const struct direct *d)
{
	return d->write ? xa_empty(&d->bdev->mapping.tree) : !d->file_pages;
}

static void finish(struct direct *d)
{
	struct async_io *io = d->io;
	s64 ret = result(d);

	bios_free(d);
	if (d->write && !xa_empty(&d->bdev->mapping.tree))
		drop_cached(d->bdev, d->pos, d->bytes);
	kfree(d);
	io->done(io, ret);
}

static void finish_work(struct work *w)
{
	finish(container_of(w, struct direct, work));
}

static void put_pending(struct direct *d)
{
	if (!atomic_dec_and_test(&d->pending))
		return;
	if (!d->io)
		complete(&d->over);
	else if (is_light(d))
		finish(d);
	else
		(void)work_queue(&d->work);
}

static void bio_done(struct bio *b)
{
	struct direct *d = container_of(b, struct direct_bio, bio)->owner;

	if (b->status)
		(void)cmpxchg(&d->status, 0, b->status);
	put_pending(d);
}

/* ---- making bios ---- */

static struct direct_bio *bio_new(struct direct *d, u64 pos, u64 bytes)
{
	const struct disk_limits *l = &d->bdev->disk->limits;
	u32 segs = MIN(MIN(l->segs_max, (u32)SEGS_MAX), (u32)MIN((bytes >> SECTOR_SHIFT) + 1, (u64)SEGS_MAX));
	struct direct_bio *db = kmalloc(offsetof(struct direct_bio, bio) + bio_bytes(segs), ALLOC_KERNEL);

	if (!db)
		return NULL;
	bio_init(&db->bio, d->bdev, d->write ? BIO_WRITE : BIO_READ, pos >> SECTOR_SHIFT, segs);
	db->owner = d;
	db->next = d->bios;
	d->bios = db;
	db->bio.done = bio_done;
	db->bio.flags = BIO_SYNC | (d->poll ? BIO_POLLED : 0);
	return db;
}

/* Take the last @bytes out of the bio again. */
static void bio_shorten(struct bio *b, u32 bytes)
{
	b->sectors -= bytes >> SECTOR_SHIFT;
	while (bytes) {
		struct bio_seg *s = &b->segs[b->seg_count - 1];
		u32 n = MIN(bytes, s->len_bytes);

		seg_let_go(s, s->len_bytes - n, false);
		s->len_bytes -= n;
		b->seg_count -= s->len_bytes == 0;
		bytes -= n;
	}
}

/* Add what fits of the iter, up to @bytes. Return: bytes, 0 or -errno: none */
static s64 bio_fill(struct direct *d, struct bio *b, struct iter *it, u64 bytes)
{
	u32 block = d->bdev->disk->limits.block_bytes, over;
	u64 done = 0;
	s64 err = 0;

	while (done < bytes) {
		u64 at = it->seg->base + it->offset, off = at & (PAGE_SIZE - 1);
		u32 n = MIN(MIN(PAGE_SIZE - off, it->seg->len - it->offset), bytes - done), before = b->seg_count;
		struct page *p = page_at(it, at, !d->write);

		if (IS_ERR(p)) {
			err = PTR_ERR(p);
			break;
		}
		d->file_pages |= d->user && !page_has(page_head(p), PG_ANON);
		if (!bio_add(b, page_phys(p) + off, n)) {
			page_let_go(p, false);
			break;
		}
		if (b->seg_count == before && off)
			page_let_go(p, false);	/* the segment's last page once more: it has a reference already */
		iter_advance(it, n);
		done += n;
	}
	over = done % block;
	if (over) {
		bio_shorten(b, over);
		iter_revert(it, over);
	}
	return done - over ? (s64)(done - over) : err;
}

/* Submit [pos, pos + bytes). What was submitted goes to d->bytes; the rest failed with the error in the result. */
static int submit_all(struct direct *d, struct iter *it, u64 pos, u64 bytes)
{
	struct block_plug plug;
	int err = 0;

	block_plug_begin(&plug);
	while (d->bytes < bytes) {
		struct direct_bio *db = bio_new(d, pos + d->bytes, bytes - d->bytes);
		s64 n = db ? bio_fill(d, &db->bio, it, bytes - d->bytes) : -ENOMEM;

		if (n <= 0) {
			err = n ? (int)n : -EINVAL;
			break;
		}
		d->bytes += n;
		atomic_inc(&d->pending);
		bio_submit(&db->bio);
	}
	block_plug_end(&plug);
	return err;
}

/* ---- transfers ---- */

static bool aligned(const struct block_device *b, const struct iter *it, u64 pos)
{
	const struct disk_limits *l = &b->disk->limits;
	const struct iter_seg *s = it->seg;
	u64 offset = it->offset, left = it->left;

	if ((pos | left) & (l->block_bytes - 1))
		return false;
	while (left) {
		u64 n = MIN(left, s->len - offset);

		if ((s->base + offset) & l->dma_mask || n & (l->block_bytes - 1))
			return false;
		left -= n;
		offset = 0;
		s++;
	}
	return true;
}

static void wait_over(struct direct *d)
{
	while (d->poll && !atomic_load_acquire(&d->over.done) && bio_poll(d->bdev, 0)) {
		cond_resched();
		plat_cpu_relax();
	}
	wait_for_completion(&d->over);
}

static s64 transfer(struct block_device *b, struct iter *it, u64 pos, u64 bytes, bool write, bool poll)
{
	struct direct d = { .pending = 1, .write = write, .user = it->kind == ITER_USER, .poll = poll, .bdev = b, .pos = pos };
	int err;

	completion_init(&d.over);
	err = submit_all(&d, it, pos, bytes);
	put_pending(&d);
	wait_over(&d);
	bios_free(&d);
	return d.status || d.bytes ? result(&d) : err;
}

static int before(struct block_device *b, u64 pos, u64 len, bool write)
{
	int err = mapping_sync(&b->mapping, pos, pos + len);

	if (!err && write)
		drop_cached(b, pos, len);
	return err;
}

s64 block_direct_io(struct file *f, struct iter *it, u64 *pos, bool write, bool poll)
{
	struct block_device *b = f->private;
	u64 done = 0, total = MIN(iter_left(it), block_device_bytes(b) - MIN(*pos, block_device_bytes(b)));
	s64 n = 0;

	if (!aligned(b, it, *pos))
		return -EINVAL;
	n = before(b, *pos, total, write);
	while (!n && done < total) {
		u64 len = MIN(total - done, (u64)PIECE_BYTES_MAX);

		n = transfer(b, it, *pos + done, len, write, poll);
		if (n <= 0)
			break;
		done += n;
		n = n < (s64)len || fatal_signal_pending() ? -EINTR : 0;
	}
	if (write)
		drop_cached(b, *pos, total);
	*pos += done;
	return done ? (s64)done : n;
}

s64 block_direct_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io)
{
	struct block_device *b = f->private;
	u64 total = MIN(iter_left(it), block_device_bytes(b) - MIN(pos, block_device_bytes(b)));
	struct direct *d;
	int err;

	if (!aligned(b, it, pos))
		return -EINVAL;
	err = before(b, pos, total, write);
	if (err || !total)
		return err;
	d = kzalloc(sizeof(*d), ALLOC_KERNEL);
	if (!d)
		return -ENOMEM;
	*d = (struct direct){ .pending = 1, .write = write, .user = it->kind == ITER_USER, .io = io, .bdev = b, .pos = pos };
	work_init(&d->work, finish_work);
	err = submit_all(d, it, pos, total);
	if (err && !d->bytes) {
		bios_free(d);
		kfree(d);
		return err;
	}
	put_pending(d);
	return -EIOCBQUEUED;
}
