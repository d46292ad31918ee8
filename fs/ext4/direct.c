/*
 * O_DIRECT: transfers between the caller's pages and the blocks of a file (block/direct.h).
 *
 * A reader holds the inode lock shared, a writer exclusively, from the look at the size until all its bios are submitted;
 * `direct` of the inode counts transfers until they have ended.  Whoever frees or moves blocks has the inode lock and waits for
 * that count to be 0 (ext4_direct_drain).  So the places of a transfer stay what they are, and nothing is held while it lasts.
 *
 * A write into a hole allocates unwritten blocks first, writes, and then, in a handle, says that they hold data, and how long the file
 * is: what a crash leaves reads as zeroes or as what was written.  That takes a thread (later.c).
 *
 * Through the page cache instead, and on the disk when write(2) returns: what Linux does so (inline data, holes of the old
 * block map, pages that mappings keep dirty), and, as a departure, a write of a part of a block that holds no data yet, for which Linux
 * writes zeroes around it.  A second departure: a crash in the middle of a write past the end leaves blocks past the end, as fallocate's
 * KEEP_SIZE does; Linux puts the file on the orphan list for that time.
 */
#include <linux/fcntl.h>
#include "block/direct.h"
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

/* ---- transfers under way ---- */

static struct waitq drain_waitq = WAITQ_INIT(drain_waitq);

static void direct_put(struct inode *i)
{
	/* the inode may be gone once the count is 0 */
	if (atomic_dec_and_test(&ext4_i(i)->direct))
		wake_up_all(&drain_waitq);
}

void ext4_direct_drain(struct inode *i)
{
	wait_event(&drain_waitq, atomic_load_acquire(&ext4_i(i)->direct) == 0);
}

/* ---- hooks of a transfer ---- */

static int place(struct direct *d, u64 pos, u64 bytes, struct direct_place *out)
{
	struct inode *i = d->host;
	struct ext4 *fs = ext4_of(i);
	u64 off = pos & (fs->block_bytes - 1);
	struct map m;
	int err = ext4_map(i, (u32)(pos >> fs->block_bits), (u32)DIV_ROUND_UP(off + bytes, (u64)fs->block_bytes), &m);

	if (err)
		return err;
	if (d->write && !m.flags)
		return ext4_error_inode(i, "block %u was there and is not", m.lblk);
	*out = (struct direct_place){ .at = (m.pblk << fs->block_bits) + off, .bytes = MIN(bytes, ((u64)m.len << fs->block_bits) - off),
				      .hole = m.flags != MAP_MAPPED && !d->write };
	return 0;
}

static bool heavy(const struct direct *d)
{
	return d->write && (d->fresh || d->extends || !xa_empty(&d->mapping->tree));
}

/* Pages that were read into take any thread; blocks that were written one of ours. */
static void defer(struct direct *d)
{
	if (d->write)
		ext4_later(ext4_of(d->host), &d->work);
	else
		(void)work_queue(&d->work);
}

/* In a handle: the blocks of *m hold data, and the file reaches to @size at least. */
static int enter_one(struct inode *i, const struct map *m, u64 size)
{
	struct ext4_inode *e = ext4_i(i);
	struct handle h;
	int err = jh_start(ext4_of(i), &h, 3 * EXT_CREDITS);

	if (err)
		return err;
	rwsem_write_lock(&e->map_lock);
	err = m->flags == MAP_UNWRITTEN ? ext_convert(&h, i, m->lblk, m->len, false) : 0;
	rwsem_write_unlock(&e->map_lock);
	if (!err && size > inode_size(i))
		inode_set_size(i, size);
	if (!err)
		e->disksize = MAX(e->disksize, size);
	int e2 = ext4_inode_dirty(&h, i);

	jh_stop(&h);
	return err ? err : e2;
}

/* The bytes of [pos, end) are there. A file that grows does so with each piece: no block with data lies past the size that the disk knows. */
static int enter(struct inode *i, u64 pos, u64 end, bool extends)
{
	struct ext4 *fs = ext4_of(i);
	u32 at = (u32)(pos >> fs->block_bits), stop = (u32)((end + fs->block_bytes - 1) >> fs->block_bits);

	while (at < stop) {
		struct map m;
		int err = ext4_map(i, at, stop - at, &m);
		u64 size = extends ? MIN(end, (u64)(at + m.len) << fs->block_bits) : 0;

		if (!err && (m.flags == MAP_UNWRITTEN || size > ext4_i(i)->disksize))
			err = enter_one(i, &m, size);
		if (err)
			return err;
		at += m.len;
	}
	return 0;
}

static s64 finish(struct direct *d, s64 n)
{
	struct inode *i = d->host;
	int err = 0;

	if (n > 0 && (d->fresh || d->extends))
		err = enter(i, d->pos, d->pos + (u64)n, d->extends);
	direct_cache_end(d);
	n = err ? err : MIN(n, (s64)d->most);
	direct_put(i);
	return n;
}

static const struct direct_ops ops = { .map = place, .heavy = heavy, .defer = defer, .finish = finish };

/* ---- reading ---- */

/* Inode locked, shared. What can be read at *d's place. Return: 0, or -errno; d->most 0: nothing */
static int read_begin(struct direct *d, const struct iter *to, u64 pos, u64 *bytes)
{
	struct inode *i = d->host;
	u64 size = inode_size(i), block = d->bdev->disk->limits.block_bytes;

	if (ext4_i(i)->flags & FL_INLINE_DATA)
		return -EOPNOTSUPP;
	*bytes = d->io ? iter_left(to) : MIN(iter_left(to), (u64)EXT4_DIRECT_PIECE);
	d->most = pos < size ? MIN(*bytes, size - pos) : 0;
	*bytes = MIN(*bytes, ALIGN_UP(d->most, block));
	return d->most ? direct_cache_begin(&i->mapping, pos, d->most, false) : 0;
}

static struct direct *direct_make(struct direct *own, struct file *f, u64 pos, bool write, struct async_io *io)
{
	struct inode *i = f->inode;
	struct direct *d = io ? kmalloc(sizeof(*d), ALLOC_KERNEL) : own;

	if (!d)
		return NULL;
	direct_init(d, &ops, ext4_of(i)->bdev, &i->mapping, pos, write, io);
	d->host = i;
	return d;
}

/* As on Linux, an error half way is that of the whole. */
static int submit(struct direct *d, struct iter *it, u64 bytes)
{
	int err;

	atomic_inc(&ext4_i(d->host)->direct);
	err = direct_submit(d, it, bytes);
	if (err)
		(void)cmpxchg(&d->status, 0, err);
	return err;
}

s64 ext4_direct_read(struct file *f, struct iter *to, u64 pos, struct async_io *io)
{
	struct inode *i = f->inode;
	struct direct own, *d = direct_make(&own, f, pos, false, io);
	u64 bytes = 0;

	if (!d)
		return -ENOMEM;
	d->poll = !io && direct_polls(d->bdev, to);
	inode_lock_shared(i);
	int err = read_begin(d, to, pos, &bytes);

	if (err || !d->most) {
		inode_unlock_shared(i);
		if (io)
			kfree(d);
		return err;
	}
	err = submit(d, to, bytes);
	inode_unlock_shared(i);
	return io ? direct_leave(d, err) : direct_wait(d, err);
}

/* ---- writing ---- */

/* What lies at [first, stop): whether there are holes, whether blocks without data. */
static int survey(struct inode *i, u32 first, u32 stop, bool *holes, bool *unwritten)
{
	for (u32 at = first; at < stop;) {
		struct map m;
		int err = ext4_map(i, at, stop - at, &m);

		if (err)
			return err;
		*holes |= !m.flags;
		*unwritten |= m.flags == MAP_UNWRITTEN;
		at += m.len;
	}
	return 0;
}

/* Whether the block with byte @pos within it, if that is not its first, holds data. */
static int edge_holds_data(struct inode *i, u64 pos, bool *yes)
{
	struct ext4 *fs = ext4_of(i);
	struct map m = { .flags = MAP_MAPPED };
	int err = pos & (fs->block_bytes - 1) ? ext4_map(i, (u32)(pos >> fs->block_bits), 1, &m) : 0;

	*yes &= m.flags == MAP_MAPPED;
	return err;
}

/* Inode locked. Places for all of [pos, pos + bytes). Return: 0, -EOPNOTSUPP: through the cache, -errno */
static int write_places(struct direct *d, u64 bytes)
{
	struct inode *i = d->host;
	struct ext4 *fs = ext4_of(i);
	u32 first = (u32)(d->pos >> fs->block_bits), stop = (u32)((d->pos + bytes + fs->block_bytes - 1) >> fs->block_bits);
	bool whole = true, holes = false;
	int err = edge_holds_data(i, d->pos, &whole);

	if (!err)
		err = edge_holds_data(i, d->pos + bytes, &whole);
	if (!err && !whole)
		err = -EOPNOTSUPP;
	if (!err)
		err = survey(i, first, stop, &holes, &d->fresh);
	if (!err && holes && !ext4_has_extents(ext4_i(i)))
		err = -EOPNOTSUPP;
	if (err || !holes)
		return err;
	/* a write-back that fills the same holes is kept out; dirty pages over them find unwritten blocks from here on */
	d->fresh = true;
	ext4_gate_close(i);
	err = ext4_allocate_range(i, first, stop);
	ext4_gate_open(i);
	return err;
}

/* Inode locked. Return: 0, -EOPNOTSUPP: through the cache, -errno */
static int write_begin(struct direct *d, const struct iter *from, u64 bytes)
{
	struct inode *i = d->host;
	struct ext4 *fs = ext4_of(i);
	u64 size = inode_size(i), start = MIN(d->pos, size);
	int err;

	if (fs->read_only || i->super->flags & SUPER_RDONLY)
		return -EROFS;
	if (ext4_i(i)->flags & FL_INLINE_DATA)
		return -EOPNOTSUPP;
	if (!direct_aligned(d->bdev, from, d->pos))
		return -EINVAL;
	d->aligned = true;
	d->most = bytes;
	d->extends = d->pos + bytes > MIN(size, READ_ONCE(ext4_i(i)->disksize));
	if (d->extends && d->io)
		return -EOPNOTSUPP;
	/* the page with the old end has zeroes after it on the disk, too */
	err = d->pos + bytes > size ? mapping_sync(&i->mapping, start, d->pos + 1) : 0;
	if (!err)
		err = direct_cache_begin(&i->mapping, d->pos, bytes, true);
	if (err)
		return err == -EBUSY ? -EOPNOTSUPP : err;
	return write_places(d, bytes);
}

/* A write past the end failed: what was allocated there goes. Inode locked */
static void take_back(struct inode *i)
{
	ext4_direct_drain(i);
	ext4_gate_close(i);
	(void)!ext4_truncate_blocks(i, inode_size(i));
	ext4_gate_open(i);
}

/* One piece, inode locked, which it unlocks: before it waits, unless the file is to grow. */
static s64 write_piece(struct direct *d, struct iter *from, u64 bytes)
{
	struct inode *i = d->host;
	struct async_io *io = d->io;
	bool extends;
	int err = write_begin(d, from, bytes);
	s64 n;

	extends = d->extends;
	if (err) {
		if (extends && err != -EOPNOTSUPP && err != -EINVAL && err != -EROFS)
			take_back(i);
		inode_unlock(i);
		if (io)
			kfree(d);
		return err;
	}
	err = submit(d, from, bytes);
	if (!extends) {
		inode_unlock(i);
		return io ? direct_leave(d, err) : direct_wait(d, err);
	}
	n = direct_wait(d, err);
	if (n < (s64)bytes)
		take_back(i);
	inode_unlock(i);
	return n;
}

s64 ext4_direct_write(struct file *f, struct iter *from, u64 *pos, struct async_io *io)
{
	struct inode *i = f->inode;
	u64 want = iter_left(from), bytes;
	struct direct own, *d = direct_make(&own, f, *pos, true, io);
	s64 n;

	if (!d)
		return -ENOMEM;
	inode_lock(i);
	n = file_write_begin(f, from, pos, &bytes);
	if (n) {
		inode_unlock(i);
		if (io)
			kfree(d);
		return n;
	}
	d->pos = *pos;
	d->poll = !io && direct_polls(d->bdev, from);
	/* what pins pages is bounded; a write that makes the file longer is one whole */
	if (!io && *pos + bytes <= inode_size(i))
		bytes = MIN(bytes, (u64)EXT4_DIRECT_PIECE);
	from->left = bytes;
	n = write_piece(d, from, bytes);
	if (n != -EIOCBQUEUED)
		from->left += want - bytes;
	if (n > 0)
		*pos += (u64)n;
	return n;
}
