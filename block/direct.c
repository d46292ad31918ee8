/*
 * Direct transfers: bios straight from and to the caller's pages; the contract is in direct.h.
 *
 * A transfer counts its bios under way in `pending`, with one more while bios are being made; who takes the last ends it.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "block/direct.h"
#include "block/queue.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "mm/iter.h"
#include "mm/mm.h"

enum { PIECE_BYTES_MAX = 8 << 20, SEGS_MAX = 128, EVICT_TRIES = 3 };

/* One bio of a transfer. */
struct direct_bio {
	struct direct *owner;
	struct direct_bio *next;	/* all bios of the transfer */
	struct bio bio;			/* last: its segments follow */
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
	while (d->bios) {
		struct direct_bio *db = d->bios;

		d->bios = db->next;
		for (u32 i = 0; i < db->bio.seg_count; i++)
			seg_let_go(&db->bio.segs[i], 0, d->file_pages);
		kfree(db);
	}
}

/* ---- ends ---- */

static s64 result(const struct direct *d)
{
	return d->status ? d->status : (s64)d->bytes;
}

static s64 end(struct direct *d)
{
	s64 n = d->ops->finish(d, result(d));

	bios_free(d);
	return n;
}

static void finish(struct direct *d)
{
	struct async_io *io = d->io;
	s64 n = end(d);

	kfree(d);
	io->done(io, n);
}

static void finish_work(struct work *w)
{
	finish(container_of(w, struct direct, work));
}

static void put_pending(struct direct *d)
{
	if (!atomic_dec_and_test(&d->pending))
		return;
	if (!d->io) {
		complete(&d->over);
		return;
	}
	d->light = !d->file_pages && !d->ops->heavy(d);		/* once: another look may say otherwise, where finish cannot sleep */
	if (d->light)
		finish(d);
	else if (d->ops->defer)
		d->ops->defer(d);
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

static struct direct_bio *bio_new(struct direct *d, u64 at, u64 bytes)
{
	const struct disk_limits *l = &d->bdev->disk->limits;
	u32 segs = MIN(MIN(l->segs_max, (u32)SEGS_MAX), (u32)MIN((bytes >> SECTOR_SHIFT) + 1, (u64)SEGS_MAX));
	struct direct_bio *db = kmalloc(offsetof(struct direct_bio, bio) + bio_bytes(segs), ALLOC_KERNEL);

	if (!db)
		return NULL;
	bio_init(&db->bio, d->bdev, d->write ? BIO_WRITE : BIO_READ, at >> SECTOR_SHIFT, segs);
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
		d->file_pages |= d->user && !d->write && !page_has(page_head(p), PG_ANON);
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

bool direct_aligned(const struct block_device *b, const struct iter *it, u64 pos)
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

/* Submit a piece that has its place. Return: bytes, less than asked: what came after failed, with *err */
static u64 submit_place(struct direct *d, struct iter *it, const struct direct_place *p, int *err)
{
	u64 done = 0;

	while (done < p->bytes) {
		struct direct_bio *db = bio_new(d, p->at + done, p->bytes - done);
		s64 n = db ? bio_fill(d, &db->bio, it, p->bytes - done) : -ENOMEM;

		if (n <= 0) {
			*err = n ? (int)n : -EINVAL;
			break;
		}
		done += n;
		atomic_inc(&d->pending);
		bio_submit(&db->bio);
	}
	return done;
}

/* One piece. A hole's bytes ask nothing of the device, and nothing of the memory's alignment. */
static u64 submit_piece(struct direct *d, struct iter *it, u64 bytes, int *err)
{
	struct direct_place p;
	u64 n;

	*err = d->ops->map(d, d->pos + d->bytes, bytes, &p);
	if (*err)
		return 0;
	if (p.hole) {
		n = iter_zero(it, p.bytes);
		*err = n < p.bytes ? -EFAULT : 0;
		return n;
	}
	d->aligned = d->aligned || direct_aligned(d->bdev, it, d->pos + d->bytes);
	*err = d->aligned ? 0 : -EINVAL;
	return d->aligned ? submit_place(d, it, &p, err) : 0;
}

int direct_submit(struct direct *d, struct iter *it, u64 bytes)
{
	struct block_plug plug;
	int err = 0;

	d->user = it->kind == ITER_USER;
	block_plug_begin(&plug);
	while (!err && d->bytes < bytes)
		d->bytes += submit_piece(d, it, bytes - d->bytes, &err);
	block_plug_end(&plug);
	return err;
}

void direct_init(struct direct *d, const struct direct_ops *ops, struct block_device *bdev, struct mapping *m, u64 pos, bool write,
		 struct async_io *io)
{
	*d = (struct direct){ .pending = 1, .write = write, .pos = pos, .ops = ops, .bdev = bdev, .mapping = m, .io = io };
	work_init(&d->work, finish_work);
	completion_init(&d->over);
}

s64 direct_wait(struct direct *d, int err)
{
	s64 n;

	put_pending(d);
	while (d->poll && !atomic_load_acquire(&d->over.done) && bio_poll(d->bdev, 0)) {
		cond_resched();
		plat_cpu_relax();
	}
	wait_for_completion(&d->over);
	n = end(d);
	return n ? n : err;
}

s64 direct_leave(struct direct *d, int err)
{
	if (d->bytes || !err) {
		put_pending(d);
		return -EIOCBQUEUED;
	}
	(void)end(d);
	kfree(d);
	return err;
}

/* ---- the page cache ---- */

int direct_cache_begin(struct mapping *m, u64 pos, u64 bytes, bool write)
{
	u64 first = pos >> PAGE_SHIFT, last = (pos + bytes - 1) >> PAGE_SHIFT;
	int err = 0;

	if (!bytes || xa_empty(&m->tree))
		return 0;
	/* A page that a mapping makes dirty again between the two goes out again. */
	for (unsigned tries = 0; tries < EVICT_TRIES; tries++) {
		err = mapping_sync(m, pos, pos + bytes);
		if (err || !write || !mapping_evict(m, first, last))
			return err;
	}
	return -EBUSY;
}

void direct_cache_end(struct direct *d)
{
	/* light: the cache was empty when the device was done; a page that came since has what was written */
	if (d->write && !d->light && d->bytes && !xa_empty(&d->mapping->tree))
		(void)mapping_evict(d->mapping, d->pos >> PAGE_SHIFT, (d->pos + d->bytes - 1) >> PAGE_SHIFT);
}

/* ---- block devices ---- */

static int block_map(struct direct *d, u64 pos, u64 bytes, struct direct_place *out)
{
	*out = (struct direct_place){ .at = pos, .bytes = bytes };
	return 0;
}

static bool block_heavy(const struct direct *d)
{
	return d->write && !xa_empty(&d->mapping->tree);
}

static s64 block_finish(struct direct *d, s64 n)
{
	direct_cache_end(d);
	return n;
}

static const struct direct_ops block_direct_ops = { .map = block_map, .heavy = block_heavy, .finish = block_finish };

bool direct_polls(const struct block_device *b, const struct iter *it)
{
	return atomic_load(&b->disk->poll) || it->hipri;
}

/* What mappings hold on to stays in the cache: the write goes to the disk all the same, as the last one. */
static int before(struct block_device *b, u64 pos, u64 len, bool write)
{
	int err = direct_cache_begin(&b->mapping, pos, len, write);

	return err == -EBUSY ? 0 : err;
}

s64 block_direct_io(struct file *f, struct iter *it, u64 *pos, bool write, bool poll)
{
	struct block_device *b = f->private;
	u64 done = 0, total = MIN(iter_left(it), block_device_bytes(b) - MIN(*pos, block_device_bytes(b)));
	s64 n = 0;

	if (!direct_aligned(b, it, *pos))
		return -EINVAL;
	n = before(b, *pos, total, write);
	while (!n && done < total) {
		u64 len = MIN(total - done, (u64)PIECE_BYTES_MAX);
		struct direct d;

		direct_init(&d, &block_direct_ops, b, &b->mapping, *pos + done, write, NULL);
		d.poll = poll;
		d.aligned = true;
		n = direct_wait(&d, direct_submit(&d, it, len));
		if (n <= 0)
			break;
		done += n;
		n = n < (s64)len || fatal_signal_pending() ? -EINTR : 0;
	}
	*pos += done;
	return done ? (s64)done : n;
}

s64 block_direct_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io)
{
	struct block_device *b = f->private;
	u64 total = MIN(iter_left(it), block_device_bytes(b) - MIN(pos, block_device_bytes(b)));
	struct direct *d;
	int err;

	if (!direct_aligned(b, it, pos))
		return -EINVAL;
	err = before(b, pos, total, write);
	if (err || !total)
		return err;
	d = kmalloc(sizeof(*d), ALLOC_KERNEL);
	if (!d)
		return -ENOMEM;
	direct_init(d, &block_direct_ops, b, &b->mapping, pos, write, io);
	d->aligned = true;
	d->poll = it->hipri;
	return direct_leave(d, direct_submit(d, it, total));
}
