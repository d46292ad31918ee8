/*
 * Block devices as open files: /dev/vda, /dev/vda1.
 *
 * Reads and writes go through the page cache, O_DIRECT ones around it (direct.c).  A file's size is the device's: writes
 * end there (ENOSPC).  O_EXCL at open is a claim (block_claim).
 *
 * Errors of write-back: a file that was open when one happened hears of it at its next fsync, once.
 */
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include "base/atomic.h"
#include "block/block.h"
#include "block/direct.h"
#include "vfs/file.h"
#include "vfs/inode.h"

static int block_open(struct inode *i, struct file *f)
{
	struct block_device *b = block_device_open(i->rdev);
	int err;

	if (!b)
		return -ENXIO;
	/* A read-only device may be opened for writing: the writes fail. */
	err = f->flags & O_EXCL ? block_claim(b, f) : 0;
	if (err) {
		block_device_close(b);
		return err;
	}
	f->private = b;
	f->mapping = &b->mapping;
	f->error_seen = atomic_load(&b->mapping.error_seq);
	return 0;
}

static void block_release(struct file *f)
{
	struct block_device *b = f->private;

	block_unclaim(b, f);
	block_device_close(b);
}

/* ---- read, write, seek ---- */

static s64 block_read(struct file *f, struct iter *to, u64 *pos)
{
	struct block_device *b = f->private;

	if (!iter_left(to) || *pos >= block_device_bytes(b))
		return 0;
	if (f->flags & O_DIRECT)
		return block_direct_io(f, to, pos, false, direct_polls(b, to));
	return mapping_read(&b->mapping, &f->ra, to, pos);
}

static s64 block_write(struct file *f, struct iter *from, u64 *pos)
{
	struct block_device *b = f->private;
	u64 size = block_device_bytes(b), want = iter_left(from), start = *pos;
	s64 n;

	if (block_read_only(b))
		return -EPERM;
	if (!want)
		return 0;
	if (*pos >= size)
		return -ENOSPC;
	/* What lies past the end is left over: a short count, as on Linux. */
	from->left = MIN(want, size - *pos);
	if (f->flags & O_DIRECT) {
		n = block_direct_io(f, from, pos, true, direct_polls(b, from));
	} else {
		/* shared: each pauses for itself, and the size is fixed */
		rwsem_read_lock(&b->write_lock);
		n = mapping_write(&b->mapping, from, pos);
		rwsem_read_unlock(&b->write_lock);
	}
	from->left += want - MIN(want, size - start);
	if (n > 0 && f->flags & (O_DSYNC | O_SYNC)) {
		int err = file_sync(f, *pos - n, *pos, true);

		if (err)
			return err;
	}
	return n;
}

static s64 block_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io)
{
	struct block_device *b = f->private;

	if (!(f->flags & O_DIRECT) || f->flags & (O_DSYNC | O_SYNC) || !iter_left(it))
		return -EOPNOTSUPP;
	if (pos >= block_device_bytes(b))
		return write ? -ENOSPC : 0;
	if (iter_left(it) > block_device_bytes(b) - pos || (write && block_read_only(b)))
		return -EOPNOTSUPP;
	return block_direct_start(f, it, pos, write, io);
}

static void block_iopoll(struct file *f)
{
	(void)bio_poll(f->private, 0);
}

static s64 block_seek(struct file *f, s64 off, int whence)
{
	u64 size = block_device_bytes(f->private), base = whence == SEEK_CUR ? f->pos : whence == SEEK_END ? size : 0;

	/* The size is fixed: no place past the end, and no holes. */
	if (whence > SEEK_END || (off > 0 && (u64)off > size - MIN(base, size)))
		return -EINVAL;
	return file_seek_size(f, off, whence, size);
}

static int block_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	struct block_device *b = f->private;
	int err = mapping_sync(&b->mapping, start, end), flush_err, seen_err;

	spin_lock(&f->lock);
	seen_err = mapping_error_since(&b->mapping, &f->error_seen);
	spin_unlock(&f->lock);
	flush_err = block_flush(b);
	/* What mapping_sync met is noted in the mapping too: it is not told twice. */
	return seen_err ? seen_err : err ? err : flush_err == -EOPNOTSUPP ? 0 : flush_err;
}

/* ---- fallocate ---- */

static int block_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	const int hide = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, stale = hide | FALLOC_FL_NO_HIDE_STALE;
	struct block_device *b = f->private;
	u64 size = block_device_bytes(b), sector = off >> SECTOR_SHIFT, sectors;
	int err;

	if (mode & ~(stale | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (off >= size)
		return -EINVAL;
	if (len > size - off) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		len = size - off;
	}
	if ((off | len) & (b->disk->limits.block_bytes - 1))
		return -EINVAL;
	sectors = len >> SECTOR_SHIFT;
	rwsem_write_lock(&b->write_lock);
	mapping_punch(&b->mapping, off, off + len);
	if (mode == FALLOC_FL_ZERO_RANGE || mode == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE))
		err = block_range_zeroes(b, sector, sectors, BIO_NOUNMAP, true);
	else if (mode == hide)
		err = block_range_zeroes(b, sector, sectors, 0, false);
	else if (mode == stale)
		err = block_range_op(b, BIO_DISCARD, sector, sectors);
	else
		err = -EOPNOTSUPP;
	rwsem_write_unlock(&b->write_lock);
	return err;
}

const struct file_ops block_file_ops = {
	.open = block_open,
	.release = block_release,
	.read = block_read,
	.write = block_write,
	.start = block_start,
	.iopoll = block_iopoll,
	.seek = block_seek,
	.ioctl = block_ioctl,
	.mmap = file_mmap_pages,
	.fsync = block_fsync,
	.fallocate = block_fallocate,
};
