/*
 * The pages of files: read in, promised blocks when they become dirty, written out.
 *
 * A write-back looks up where the blocks lie, picks places for those that have none, writes, and then enters what is new in one
 * handle (ext4.h, departure 1).  It counts in e->writing until then, so that no block is freed or moved under it.  One that was
 * only started (write_start) is finished by the file system's thread (later.c), after many others may have been started.
 * The page with the end of the file is written from a copy with zeroes after the end.
 */
#include "fs/ext4/ext4.h"
#include "kern/page.h"

/* ---- reading ---- */

static u32 blocks_per_page(const struct ext4 *fs)
{
	return (u32)(PAGE_SIZE >> fs->block_bits);
}

static void zero_past_end(struct mapping *m, struct page *p)
{
	u64 start = p->index << PAGE_SHIFT, size = READ_ONCE(m->size);

	if (size < start + PAGE_SIZE) {
		u64 keep = size > start ? size - start : 0;

		memset((u8 *)page_virt(p) + keep, 0, PAGE_SIZE - keep);
	}
}

static int read_inline(struct inode *i, struct page *p)
{
	u32 len = 0;
	int err = p->index ? 0 : inline_read(i, page_virt(p), PAGE_SIZE, &len);

	if (!err)
		memset((u8 *)page_virt(p) + len, 0, PAGE_SIZE - len);
	return err;
}

/* Block by block; sleeps. */
static int read_page(struct mapping *m, struct page *p)
{
	struct inode *i = m->host;
	struct ext4 *fs = ext4_of(i);
	u32 per = blocks_per_page(fs), first = (u32)(p->index * per);
	u8 *data = page_virt(p);
	int err = 0;

	if (ext4_i(i)->flags & FL_INLINE_DATA)
		return read_inline(i, p);
	for (u32 k = 0; k < per && !err;) {
		struct map map;

		err = ext4_map(i, first + k, per - k, &map);
		if (err)
			return err;
		if (map.flags == MAP_MAPPED)
			err = ext4_io(fs, BIO_READ, map.pblk, data + (k << fs->block_bits), map.len, 0);
		else
			memset(data + (k << fs->block_bits), 0, (size_t)map.len << fs->block_bits);
		k += map.len;
	}
	if (!err)
		zero_past_end(m, p);
	return err;
}

static void read_done(struct bio *b)
{
	struct mapping *m = b->private;

	for (u32 s = 0; s < b->seg_count; s++)
		for (paddr_t at = b->segs[s].addr, end = at + b->segs[s].len_bytes; at < end; at += PAGE_SIZE) {
			if (!b->status)
				zero_past_end(m, phys_page(at));
			page_read_done(phys_page(at), b->status);
		}
	bio_free(b);
}

static void submit_read(struct bio *b)
{
	if (!b)
		return;
	b->done = read_done;
	bio_submit(b);
}

/* Whole pages that lie in one piece on disk go into bios together; the others one by one. */
static void read_run(struct mapping *m, struct page **run, unsigned n)
{
	struct inode *i = m->host;
	struct ext4 *fs = ext4_of(i);
	u32 per = blocks_per_page(fs);
	struct bio *b = NULL;
	u64 next = 0;

	for (unsigned k = 0; k < n; k++) {
		struct map map = { 0 };
		bool whole = !(ext4_i(i)->flags & FL_INLINE_DATA) && !ext4_map(i, (u32)(run[k]->index * per), per, &map) &&
			     map.len == per && map.flags == MAP_MAPPED;

		if (!whole) {
			page_read_done(run[k], read_page(m, run[k]));
			continue;
		}
		if (b && (map.pblk != next || !bio_add(b, page_phys(run[k]), PAGE_SIZE))) {
			submit_read(b);
			b = NULL;
		}
		if (!b) {
			b = bio_alloc(fs->bdev, BIO_READ, map.pblk * fs->sectors_per_block, MIN(n - k, 64u), ALLOC_NOFS);
			if (!b || !bio_add(b, page_phys(run[k]), PAGE_SIZE)) {
				if (b)
					bio_free(b);
				b = NULL;
				page_read_done(run[k], -ENOMEM);
				continue;
			}
			b->private = m;
		}
		next = map.pblk + per;
	}
	submit_read(b);
}

/* ---- becoming dirty ---- */

static int reserve_blocks(struct inode *i, u32 first, u32 n)
{
	struct ext4_inode *e = ext4_i(i);

	for (u32 k = 0; k < n;) {
		struct map map;
		int err = ext4_map(i, first + k, n - k, &map);
		u32 start, len;

		if (err)
			return err;
		if (map.flags) {
			k += map.len;
			continue;
		}
		if (!ext4_has_extents(e))
			return -EOPNOTSUPP;
		if (da_next(e, first + k, &start, &len) && start <= first + k) {
			k = MIN(n, start + len - first);
			continue;
		}
		err = da_reserve(i, first + k, map.len);
		if (err)
			return err;
		k += map.len;
	}
	return 0;
}

static int reserve(struct mapping *m, u64 index)
{
	struct inode *i = m->host;
	struct ext4 *fs = ext4_of(i);
	u32 per = blocks_per_page(fs);
	int err = 0;

	if (fs->read_only || i->super->flags & SUPER_RDONLY)
		return -EROFS;
	if (!S_ISREG(i->mode) || index >= (1ull << 32) / per - 1)
		return -EFBIG;
	if (ext4_i(i)->flags & FL_INLINE_DATA) {
		err = inline_convert_file(i);
		if (err)
			return err;
	}
	err = reserve_blocks(i, (u32)(index * per), per);
	if (err != -ENOSPC)
		return err;
	/* what was freed can be used once it is committed */
	if (journal_commit(fs, journal_running_tid(fs)))
		return -EROFS;
	return reserve_blocks(i, (u32)(index * per), per);
}

/* ---- writing ---- */

enum piece_kind { PIECE_MAPPED, PIECE_UNWRITTEN, PIECE_NEW };
struct piece { u32 lblk, len; u64 pblk; enum piece_kind kind; };

struct writing {
	struct inode *i;
	struct ext4 *fs;
	struct page **run;
	u32 run_count;
	u32 first, end;		/* logical blocks */
	u64 size;
	struct piece *piece;
	u32 count, max, fresh;
	void *bounce;		/* for the page with the end of the file */
	u64 bounce_index;
	u32 pending;
	int err;
	bool started;		/* nobody waits: the thread finishes it */
	struct completion done;
	struct work work;
	struct page *pages[];	/* run, of one that nobody waits for */
};

static struct waitq gate_waitq = WAITQ_INIT(gate_waitq);

void ext4_gate_close(struct inode *i)
{
	rwsem_write_lock(&ext4_i(i)->gate);
	wait_event(&gate_waitq, atomic_load_acquire(&ext4_i(i)->writing) == 0);
}

void ext4_gate_open(struct inode *i)
{
	rwsem_write_unlock(&ext4_i(i)->gate);
}

/* The inode lives on while its pages are under write-back. */
static void writing_over(struct inode *i)
{
	if (atomic_dec_and_test(&ext4_i(i)->writing))
		wake_up_all(&gate_waitq);
}

static void piece_add(struct writing *w, u32 lblk, u32 len, u64 pblk, enum piece_kind kind)
{
	struct piece *last = w->count ? &w->piece[w->count - 1] : NULL;

	w->fresh += kind != PIECE_MAPPED;
	if (last && last->kind == kind && last->lblk + last->len == lblk && last->pblk + last->len == pblk) {
		last->len += len;
		return;
	}
	assert(w->count < w->max);
	w->piece[w->count++] = (struct piece){ lblk, len, pblk, kind };
}

/* Choose places for delayed blocks of the hole [lblk, +len); what is not delayed stays a hole. */
static int place_delayed(struct writing *w, u32 lblk, u32 len)
{
	struct ext4_inode *e = ext4_i(w->i);
	u32 end = lblk + len, start, n;

	while (lblk < end && da_next(e, lblk, &start, &n) && start < end) {
		u32 from = MAX(lblk, start), to = MIN(end, start + n);

		while (from < to) {
			u64 block;
			u32 got;
			int err = balloc_pick(w->fs, READ_ONCE(e->goal), to - from, true, &block, &got);

			if (err)
				return err;
			e->goal = block + got;
			piece_add(w, from, got, block, PIECE_NEW);
			from += got;
		}
		lblk = to;
	}
	return 0;
}

static int find_places(struct writing *w)
{
	for (u32 at = w->first; at < w->end;) {
		struct map map;
		int err = ext4_map(w->i, at, w->end - at, &map);

		if (err)
			return err;
		if (map.flags)
			piece_add(w, at, map.len, map.pblk, map.flags == MAP_MAPPED ? PIECE_MAPPED : PIECE_UNWRITTEN);
		else
			err = place_delayed(w, at, map.len);
		if (err)
			return err;
		at += map.len;
	}
	return 0;
}

static void write_put(struct writing *w)
{
	if (!atomic_dec_and_test(&w->pending))
		return;
	if (w->started)
		ext4_later(w->fs, &w->work);
	else
		complete(&w->done);
}

static void write_done(struct bio *b)
{
	struct writing *w = b->private;

	if (b->status)
		atomic_store(&w->err, b->status);
	bio_free(b);
	write_put(w);
}

static paddr_t block_addr(const struct writing *w, u32 lblk)
{
	u64 index = lblk / blocks_per_page(w->fs);
	paddr_t page = w->bounce && index == w->bounce_index ? virt_to_phys(w->bounce) : page_phys(w->run[index - w->run[0]->index]);

	return page + ((u64)(lblk % blocks_per_page(w->fs)) << w->fs->block_bits);
}

static void write_piece(struct writing *w, const struct piece *p)
{
	for (u32 k = 0; k < p->len;) {
		struct bio *b = bio_alloc(w->fs->bdev, BIO_WRITE, (p->pblk + k) * w->fs->sectors_per_block, MIN(p->len - k, 64u), ALLOC_NOFS);

		if (!b) {
			atomic_store(&w->err, -ENOMEM);
			return;
		}
		while (k < p->len && bio_add(b, block_addr(w, p->lblk + k), w->fs->block_bytes))
			k++;
		b->done = write_done;
		b->private = w;
		atomic_inc(&w->pending);
		bio_submit(b);
	}
}

/* One piece becomes part of the file. */
static int enter_piece(struct handle *h, struct inode *i, const struct piece *p)
{
	struct ext4_inode *e = ext4_i(i);
	int err;

	rwsem_write_lock(&e->map_lock);
	if (p->kind == PIECE_NEW)
		err = ext_insert_picked(h, i, p->lblk, p->len, p->pblk, false);
	else
		err = ext_convert(h, i, p->lblk, p->len, false);
	rwsem_write_unlock(&e->map_lock);
	return err;
}

static void drop_piece(struct writing *w, const struct piece *p)
{
	if (p->kind == PIECE_NEW) {
		balloc_unpick(w->fs, p->pblk, p->len);
		da_release(w->i, p->lblk, p->len);
	}
}

enum { PIECES_PER_HANDLE = 3 };

static int enter_some(struct writing *w, u32 *at)
{
	struct ext4_inode *e = ext4_i(w->i);
	struct handle h;
	int err = jh_start(w->fs, &h, PIECES_PER_HANDLE * EXT_CREDITS);

	if (err)
		return err;
	for (u32 done = 0; *at < w->count && done < PIECES_PER_HANDLE && !err; ++*at) {
		const struct piece *p = &w->piece[*at];

		if (p->kind == PIECE_MAPPED)
			continue;
		err = enter_piece(&h, w->i, p);
		if (err)
			break;
		da_release(w->i, p->lblk, p->len);
		done++;
	}
	/* in each handle: blocks with data lie within the size that the disk knows */
	u32 reached = *at == w->count ? w->end : w->piece[*at].lblk;
	u64 end = MIN((u64)reached << w->fs->block_bits, w->size);

	if (end > e->disksize && end <= inode_size(w->i))
		e->disksize = end;
	int e2 = ext4_inode_dirty(&h, w->i);

	jh_stop(&h);
	return err ? err : e2;
}

static int enter_all(struct writing *w)
{
	u64 end = MIN((u64)w->end << w->fs->block_bits, w->size);
	u32 at = 0;
	int err = 0;

	if (!w->fresh && end <= ext4_i(w->i)->disksize)
		return 0;
	do {
		err = enter_some(w, &at);
	} while (!err && at < w->count);
	for (; err && at < w->count; at++)
		drop_piece(w, &w->piece[at]);
	return err;
}

static int make_bounce(struct writing *w)
{
	u64 index = w->size >> PAGE_SHIFT, off = w->size & (PAGE_SIZE - 1), first = w->run[0]->index;

	if (!off || index < first || index >= first + w->run_count)
		return 0;
	w->bounce = kmalloc(PAGE_SIZE, ALLOC_NOFS);
	if (!w->bounce)
		return -ENOMEM;
	w->bounce_index = index;
	memcpy(w->bounce, page_virt(w->run[index - first]), off);
	memset((u8 *)w->bounce + off, 0, PAGE_SIZE - off);
	return 0;
}

static void forget(struct writing *w)
{
	kfree(w->piece);
	kfree(w->bounce);
	writing_over(w->i);
}

/* The gate is held, shared. */
static int plan(struct writing *w)
{
	int err = make_bounce(w);

	w->max = w->end - w->first + 1;
	w->piece = kmalloc(w->max * sizeof(*w->piece), ALLOC_NOFS);
	if (!w->piece)
		err = -ENOMEM;
	return err ? err : find_places(w);
}

/* Find places and send the data. Return: 1: they are on their way, with a hold on w->pending; 0: nothing to write; -errno */
static int send(struct writing *w, struct inode *i, struct page **run, unsigned n)
{
	struct ext4 *fs = ext4_of(i);
	u32 per = blocks_per_page(fs);
	int err;

	if (fs->read_only || i->super->flags & SUPER_RDONLY)
		return -EROFS;
	if (ext4_i(i)->flags & FL_INLINE_DATA)
		return 0;	/* the page was made dirty by zeroing alone */
	*w = (struct writing){ .i = i, .fs = fs, .run = run, .run_count = n, .pending = 1, .started = w->started };
	completion_init(&w->done);
	rwsem_read_lock(&ext4_i(i)->gate);
	atomic_inc(&ext4_i(i)->writing);
	w->size = READ_ONCE(i->mapping.size);
	w->first = (u32)(run[0]->index * per);
	w->end = (u32)MIN((u64)(run[n - 1]->index + 1) * per, (w->size + fs->block_bytes - 1) >> fs->block_bits);
	err = w->end > w->first ? plan(w) : 0;
	rwsem_read_unlock(&ext4_i(i)->gate);
	if (err || w->end <= w->first) {
		for (u32 k = 0; k < w->count; k++)
			drop_piece(w, &w->piece[k]);
		forget(w);
		return err;
	}
	for (u32 k = 0; k < w->count; k++)
		write_piece(w, &w->piece[k]);
	return 1;
}

/* The data are there: the file gets them. */
static int settle(struct writing *w)
{
	int err = w->err;

	if (!err)
		err = enter_all(w);
	else
		for (u32 k = 0; k < w->count; k++)
			drop_piece(w, &w->piece[k]);
	forget(w);
	return err;
}

static int write_run(struct mapping *m, struct page **run, unsigned n, u64 file_size)
{
	struct writing w = { .started = false };
	int ret = send(&w, m->host, run, n);

	if (ret <= 0)
		return ret;
	write_put(&w);
	wait_for_completion(&w.done);
	return settle(&w);
}

static void pages_done(struct mapping *m, struct page **run, unsigned n, int err)
{
	for (unsigned k = 0; k < n; k++)
		page_write_done(m, run[k], err);
}

static void started_over(struct work *work)
{
	struct writing *w = container_of(work, struct writing, work);
	int err = settle(w);

	pages_done(&w->i->mapping, w->run, w->run_count, err);
	kfree(w);
}

static void write_start(struct mapping *m, struct page **run, unsigned n, u64 file_size)
{
	struct writing *w = kmalloc(sizeof(*w) + n * sizeof(*run), ALLOC_NOFS | ALLOC_NOWARN);
	int ret;

	if (!w) {
		pages_done(m, run, n, write_run(m, run, n, file_size));
		return;
	}
	memcpy(w->pages, run, n * sizeof(*run));
	w->started = true;
	ret = send(w, m->host, w->pages, n);
	if (ret > 0) {
		work_init(&w->work, started_over);
		write_put(w);
		return;
	}
	kfree(w);
	pages_done(m, run, n, ret);
}

static int write_page(struct mapping *m, struct page *page, u64 file_size)
{
	return write_run(m, &page, 1, file_size);
}

const struct mapping_ops ext4_mapping_ops = {
	.read_page = read_page,
	.read_run = read_run,
	.write_page = write_page,
	.write_run = write_run,
	.write_start = write_start,
	.reserve = reserve,
};
