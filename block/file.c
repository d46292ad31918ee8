/*
 * Block devices as open files: /dev/vda, /dev/vda1.
 *
 * Reads and writes go through the page cache; O_DIRECT ones go around it, by way of a bounce buffer, after writing back
 * and before dropping the cached pages of the range.  A file's size is the device's: writes end there (ENOSPC).
 *
 * Source: block device ioctls: <linux/fs.h>, ioctl_list(2), and Linux's Documentation/ABI.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "kern/cred.h"
#include "kern/page.h"
#include "mm/user.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { DIRECT_ORDER_MAX = 5, READAHEAD_SECTORS = 256 };

static u64 device_bytes(const struct block_device *b)
{
	return atomic_load(&b->sectors) << SECTOR_SHIFT;
}

static int block_open(struct inode *i, struct file *f)
{
	struct block_device *b = block_device_open(i->rdev);

	if (!b)
		return -ENXIO;
	if (f->mode & FMODE_WRITE && b->disk->limits.read_only) {
		block_device_close(b);
		return -EROFS;
	}
	f->private = b;
	f->mapping = &b->mapping;
	return 0;
}

static void block_release(struct file *f)
{
	struct block_device *b = f->private;

	if (f->mode & FMODE_WRITE)
		(void)!mapping_sync(&b->mapping, 0, ~0ull);	/* fsync is who reports; errors stay noted in the mapping */
	block_device_close(b);
}

/* ---- O_DIRECT ---- */

/* One transfer of at most a bounce buffer's length, at a multiple of the block size. */
static s64 direct_piece(struct block_device *b, struct iter *it, struct page *bounce, u64 pos, u32 len, bool write)
{
	struct bio *bio;
	int err;

	if (write && iter_get(it, page_virt(bounce), len) != len)
		return -EFAULT;
	bio = bio_alloc(b, write ? BIO_WRITE : BIO_READ, pos >> SECTOR_SHIFT, 1, ALLOC_KERNEL);
	if (!bio)
		return -ENOMEM;
	err = bio_add(bio, page_phys(bounce), len) ? bio_submit_wait(bio) : -EINVAL;
	bio_free(bio);
	if (err)
		return err;
	return write ? len : (s64)iter_put(it, page_virt(bounce), len);
}

static s64 direct(struct block_device *b, struct iter *it, u64 *pos, bool write)
{
	u64 size = device_bytes(b), done = 0;
	u32 unit = b->disk->limits.block_bytes, most;
	unsigned order = DIRECT_ORDER_MAX;
	struct page *bounce = page_alloc(order, ALLOC_KERNEL | ALLOC_NOWARN | ALLOC_NOOOM);
	s64 n = 0;

	if (!bounce)
		bounce = page_alloc(order = 0, ALLOC_KERNEL);
	if (!bounce)
		return -ENOMEM;
	most = MIN((u32)PAGE_SIZE << order, b->disk->limits.seg_bytes_max & ~(unit - 1));
	while (iter_left(it) && *pos < size) {
		u32 len = MIN(MIN(iter_left(it), size - *pos), (u64)most);

		n = direct_piece(b, it, bounce, *pos, len, write);
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		if (n < len)
			break;
	}
	page_put(bounce);
	return done ? (s64)done : n;
}

static s64 direct_io(struct block_device *b, struct iter *it, u64 *pos, bool write)
{
	u64 start = *pos, end = start + iter_left(it);
	s64 n;
	int err;

	if ((start | iter_left(it)) & (b->disk->limits.block_bytes - 1))
		return -EINVAL;
	err = mapping_sync(&b->mapping, start, end);
	if (err)
		return err;
	n = direct(b, it, pos, write);
	if (write && n > 0)
		(void)mapping_invalidate(&b->mapping, start >> PAGE_SHIFT, (start + n - 1) >> PAGE_SHIFT);
	return n;
}

/* ---- read, write, seek ---- */

static s64 block_read(struct file *f, struct iter *to, u64 *pos)
{
	struct block_device *b = f->private;

	if (!iter_left(to) || *pos >= device_bytes(b))
		return 0;
	if (f->flags & O_DIRECT)
		return direct_io(b, to, pos, false);
	return mapping_read(&b->mapping, &f->ra, to, pos);
}

static s64 block_write(struct file *f, struct iter *from, u64 *pos)
{
	struct block_device *b = f->private;
	u64 size = device_bytes(b), want = iter_left(from);
	s64 n;

	if (!want)
		return 0;
	if (*pos >= size)
		return -ENOSPC;
	/* What lies past the end is left over: a short count, as on Linux. */
	from->left = MIN(want, size - *pos);
	rwsem_write_lock(&b->write_lock);
	if (f->flags & O_DIRECT)
		n = direct_io(b, from, pos, true);
	else
		n = mapping_write(&b->mapping, from, pos);
	rwsem_write_unlock(&b->write_lock);
	from->left += want - MIN(want, size - (*pos - (n > 0 ? n : 0)));
	if (n > 0 && f->flags & (O_DSYNC | O_SYNC)) {
		int err = file_sync(f, *pos - n, *pos, true);

		if (err)
			return err;
	}
	return n;
}

static s64 block_seek(struct file *f, s64 off, int whence)
{
	return file_seek_size(f, off, whence, device_bytes(f->private));
}

static int block_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	struct block_device *b = f->private;
	int err = mapping_sync(&b->mapping, start, end);
	int flush_err = block_flush(b);

	return err ? err : flush_err;
}

/* ---- ioctl ---- */

static s64 range_ioctl(struct file *f, enum bio_op op, uaddr_t arg)
{
	struct block_device *b = f->private;
	u64 range[2], unit = b->disk->limits.block_bytes, size = device_bytes(b);
	int err;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (copy_in(range, arg, sizeof(range)))
		return -EFAULT;
	if ((range[0] | range[1]) & (unit - 1) || range[0] + range[1] < range[0] || range[0] + range[1] > size)
		return -EINVAL;
	if (!range[1])
		return 0;
	rwsem_write_lock(&b->write_lock);
	mapping_punch(&b->mapping, range[0], range[0] + range[1]);
	err = block_range_op(b, op, range[0] >> SECTOR_SHIFT, range[1] >> SECTOR_SHIFT);
	rwsem_write_unlock(&b->write_lock);
	return err;
}

static s64 flush_ioctl(struct block_device *b)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	err = mapping_sync(&b->mapping, 0, ~0ull);
	(void)mapping_invalidate(&b->mapping, 0, ~0ull >> PAGE_SHIFT);
	return err;
}

static s64 rescan_ioctl(struct block_device *b)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (b->part)
		return -EINVAL;
	err = mapping_sync(&b->mapping, 0, ~0ull);
	return err ? err : disk_rescan(b->disk);
}

static s64 geometry_ioctl(struct block_device *b, uaddr_t arg)
{
	struct hd_geometry geo = { .heads = 255, .sectors = 63, .start = b->start };

	geo.cylinders = MIN(atomic_load(&b->disk->whole.sectors) / (255 * 63), (u64)0xffff);
	return copy_out(arg, &geo, sizeof(geo));
}

static s64 block_ioctl(struct file *f, u32 cmd, u64 value)
{
	struct block_device *b = f->private;
	const struct disk_limits *limits = &b->disk->limits;
	uaddr_t arg = uaddr(value);

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user(device_bytes(b), arg);
	case BLKGETSIZE:
		return put_user((u64)atomic_load(&b->sectors), arg);
	case BLKSSZGET:
		return put_user((s32)limits->block_bytes, arg);
	case BLKPBSZGET:
		return put_user(limits->physical_bytes, arg);
	case BLKBSZGET:
		return put_user((s32)PAGE_SIZE, arg);
	case BLKROGET:
		return put_user((s32)limits->read_only, arg);
	case BLKRAGET:
	case BLKFRAGET:
		return put_user((u64)READAHEAD_SECTORS, arg);
	case BLKIOMIN:
		return put_user(limits->physical_bytes, arg);
	case BLKIOOPT:
		return put_user((u32)0, arg);
	case BLKALIGNOFF:
		return put_user((s32)0, arg);
	case BLKSECTGET:
		return put_user((u16)MIN(limits->segs_max * (PAGE_SIZE >> SECTOR_SHIFT), 0xfffful), arg);
	case BLKROTATIONAL:
		return put_user((u16)0, arg);
	case BLKDISCARDZEROES:
		return put_user((u32)0, arg);
	case BLKFLSBUF:
		return flush_ioctl(b);
	case BLKRRPART:
		return rescan_ioctl(b);
	case BLKDISCARD:
		return range_ioctl(f, BIO_DISCARD, arg);
	case BLKZEROOUT:
		return range_ioctl(f, BIO_WRITE_ZEROES, arg);
	case HDIO_GETGEO:
		return geometry_ioctl(b, arg);
	default:
		return b->disk->ops->ioctl ? b->disk->ops->ioctl(b->disk, cmd, value) : -ENOTTY;
	}
}

const struct file_ops block_file_ops = {
	.open = block_open,
	.release = block_release,
	.read = block_read,
	.write = block_write,
	.seek = block_seek,
	.ioctl = block_ioctl,
	.mmap = file_mmap_pages,
	.fsync = block_fsync,
};
