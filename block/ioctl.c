/*
 * The ioctls of block devices.
 *
 * Source: <linux/fs.h>, <linux/blkpg.h>, <linux/hdreg.h>, <linux/blkzoned.h>; ioctl_list(2); the order of checks: tests/abi/blkdev.c.
 */
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/pr.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "block/pr.h"
#include "kern/cred.h"
#include "mm/user.h"
#include "vfs/file.h"

static int need_admin(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
}

/* ---- ranges ---- */

static bool range_offered(const struct disk_limits *l, enum bio_op op)
{
	return op == BIO_DISCARD ? l->discard_sectors_max : op == BIO_SECURE_ERASE ? l->erase_sectors_max : true;
}

static bool range_ok(const struct block_device *b, enum bio_op op, u64 start, u64 len)
{
	u64 size = block_device_bytes(b), unit = op == BIO_WRITE_ZEROES ? SECTOR_BYTES : b->disk->limits.block_bytes;

	if ((start | len) & (unit - 1) || len > size || start > size - len)
		return false;
	return len || op == BIO_DISCARD;
}

static s64 range_ioctl(struct file *f, enum bio_op op, uaddr_t arg)
{
	struct block_device *b = f->private;
	u64 range[2];
	int err;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!range_offered(&b->disk->limits, op))
		return -EOPNOTSUPP;
	if (copy_in(range, arg, sizeof(range)))
		return -EFAULT;
	if (!range_ok(b, op, range[0], range[1]))
		return -EINVAL;
	if (!range[1])
		return 0;
	rwsem_write_lock(&b->write_lock);
	mapping_punch(&b->mapping, range[0], range[0] + range[1]);
	if (op == BIO_WRITE_ZEROES)
		err = block_range_zeroes(b, range[0] >> SECTOR_SHIFT, range[1] >> SECTOR_SHIFT, BIO_NOUNMAP, true);
	else
		err = block_range_op(b, op, range[0] >> SECTOR_SHIFT, range[1] >> SECTOR_SHIFT);
	rwsem_write_unlock(&b->write_lock);
	return err;
}

/* ---- partitions ---- */

static s64 rescan_ioctl(struct block_device *b)
{
	int err = need_admin();

	if (err)
		return err;
	if (b->part || b->disk->no_partitions)
		return -EINVAL;
	err = mapping_sync(&b->mapping, 0, ~0ull);
	return err ? err : disk_rescan(b->disk);
}

static s64 partition_change(struct block_device *b, int op, const struct blkpg_partition *p)
{
	u64 start = (u64)p->start >> SECTOR_SHIFT, sectors = (u64)p->length >> SECTOR_SHIFT;
	u64 unit = b->disk->limits.block_bytes;

	if (b->part || p->pno <= 0)
		return -EINVAL;
	if (op == BLKPG_DEL_PARTITION)
		return disk_partition_delete(b->disk, (u32)p->pno);
	if (p->start < 0 || p->length <= 0 || p->start > (s64)(~0ull >> 1) - p->length)
		return -EINVAL;
	if (((u64)p->start | (u64)p->length) & (unit - 1))
		return -EINVAL;
	switch (op) {
	case BLKPG_ADD_PARTITION: return disk_partition_add(b->disk, (u32)p->pno, start, sectors);
	case BLKPG_RESIZE_PARTITION: return disk_partition_resize(b->disk, (u32)p->pno, start, sectors);
	default: return -EINVAL;
	}
}

static s64 partition_ioctl(struct block_device *b, uaddr_t arg)
{
	struct blkpg_ioctl_arg a;
	struct blkpg_partition p;

	if (copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	if (need_admin())
		return -EACCES;
	if (copy_in(&p, uaddr((u64)a.data), sizeof(p)))
		return -EFAULT;
	return partition_change(b, a.op, &p);
}

/* ---- settings ---- */

static s64 flush_ioctl(struct block_device *b)
{
	int err = need_admin();

	if (err)
		return err;
	err = mapping_sync(&b->mapping, 0, ~0ull);
	(void)mapping_invalidate(&b->mapping, 0, ~0ull >> PAGE_SHIFT);
	return err;
}

static s64 read_only_ioctl(struct block_device *b, uaddr_t arg)
{
	int err = need_admin(), on;

	if (err)
		return err;
	if (get_user(on, arg))
		return -EFAULT;
	atomic_store(&b->read_only, on != 0);
	return 0;
}

static s64 block_size_ioctl(struct file *f, uaddr_t arg)
{
	struct block_device *b = f->private;
	int err = need_admin(), bytes;

	if (err)
		return err;
	if (uaddr_null(arg))
		return -EINVAL;
	if (get_user(bytes, arg))
		return -EFAULT;
	if (bytes < SECTOR_BYTES || bytes > (int)PAGE_SIZE || bytes & (bytes - 1))
		return -EINVAL;
	err = block_claim(b, f);	/* not while it is mounted */
	if (err)
		return err;
	block_unclaim(b, f);
	if ((u32)bytes < b->disk->limits.block_bytes)
		return -EINVAL;
	atomic_store(&b->block_bytes_soft, (u32)bytes);
	return 0;
}

static s64 readahead_set(struct block_device *b, u64 sectors)
{
	int err = need_admin();

	if (!err)
		atomic_store(&b->disk->readahead_kb, (u32)(MIN(sectors, 1ull << 24) / 2));
	return err;
}

static s64 geometry_ioctl(struct block_device *b, uaddr_t arg)
{
	struct hd_geometry geo;

	if (uaddr_null(arg))
		return -EINVAL;
	if (!b->disk->geometry_heads)
		return -ENOTTY;
	memset(&geo, 0, sizeof(geo));
	geo.heads = b->disk->geometry_heads;
	geo.sectors = b->disk->geometry_sectors;
	geo.cylinders = atomic_load(&b->disk->whole.sectors) / (geo.heads * geo.sectors);
	geo.start = b->start;
	return copy_out(arg, &geo, sizeof(geo));
}

/* ---- all ---- */

/* What only tells. -ENOTTY: not one of these. */
static s64 query_ioctl(struct block_device *b, u32 cmd, uaddr_t arg)
{
	const struct disk_limits *l = &b->disk->limits;

	switch (cmd) {
	case BLKGETSIZE64: return put_user(block_device_bytes(b), arg);
	case BLKGETSIZE: return put_user((u64)atomic_load(&b->sectors), arg);
	case BLKSSZGET: return put_user((s32)l->block_bytes, arg);
	case BLKPBSZGET: return put_user(l->physical_bytes, arg);
	case BLKBSZGET: return put_user((s32)atomic_load(&b->block_bytes_soft), arg);
	case BLKROGET: return put_user((s32)block_read_only(b), arg);
	case BLKRAGET:
	case BLKFRAGET: return uaddr_null(arg) ? -EINVAL : put_user((u64)atomic_load(&b->disk->readahead_kb) * 2, arg);
	case BLKIOMIN: return put_user(l->io_min_bytes, arg);
	case BLKIOOPT: return put_user(l->io_opt_bytes, arg);
	case BLKALIGNOFF: return put_user(l->alignment_bytes, arg);
	case BLKSECTGET: return put_user((u16)MIN(l->sectors_soft, 0xffffu), arg);
	case BLKROTATIONAL: return put_user((u16)l->rotational, arg);
	case BLKDISCARDZEROES: return put_user((u32)0, arg);
	case BLKGETZONESZ:
	case BLKGETNRZONES: return put_user((u32)0, arg);
	case BLKGETDISKSEQ: return put_user(b->disk->sequence, arg);
	case HDIO_GETGEO: return geometry_ioctl(b, arg);
	default: return -ENOTTY;
	}
}

s64 block_ioctl(struct file *f, u32 cmd, u64 value)
{
	struct block_device *b = f->private;
	uaddr_t arg = uaddr(value);
	s64 ret;

	switch (cmd) {
	case BLKROSET: return read_only_ioctl(b, arg);
	case BLKBSZSET: return block_size_ioctl(f, arg);
	case BLKRASET:
	case BLKFRASET: return readahead_set(b, value);
	case BLKFLSBUF: return flush_ioctl(b);
	case BLKRRPART: return rescan_ioctl(b);
	case BLKPG: return partition_ioctl(b, arg);
	case BLKDISCARD: return range_ioctl(f, BIO_DISCARD, arg);
	case BLKSECDISCARD: return range_ioctl(f, BIO_SECURE_ERASE, arg);
	case BLKZEROOUT: return range_ioctl(f, BIO_WRITE_ZEROES, arg);
	case IOC_PR_REGISTER:
	case IOC_PR_RESERVE:
	case IOC_PR_RELEASE:
	case IOC_PR_PREEMPT:
	case IOC_PR_PREEMPT_ABORT:
	case IOC_PR_CLEAR: return pr_ioctl(b, cmd, arg);
	}
	ret = query_ioctl(b, cmd, arg);
	if (ret != -ENOTTY || cmd == HDIO_GETGEO)
		return ret;
	return b->disk->ops->ioctl ? b->disk->ops->ioctl(b, f->mode, cmd, value) : -ENOTTY;
}
