/*
 * System calls on open files that are not plain reading and writing: fallocate, fadvise, copies between files, syncing, flags.
 */
#include <linux/errno.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "kern/cred.h"
#include "kern/page.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/ops.h"

/* The kinds of fallocate(2), each of which excludes the others. */
static int fallocate_mode_check(int mode)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
			  FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;

	if (mode & ~known)
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) && mode & (mode - 1))
		return -EINVAL;
	return 0;
}

int vfs_fallocate(struct file *f, int mode, s64 off, s64 len)
{
	struct inode *i = f->inode;
	int err;

	if (off < 0 || len <= 0)
		return -EINVAL;
	err = fallocate_mode_check(mode);
	if (err)
		return err;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((mode & ~FALLOC_FL_KEEP_SIZE && i->iflags & IFLAG_APPEND) || i->iflags & IFLAG_IMMUTABLE)
		return -EPERM;
	if (inode_type(i) == S_IFIFO)
		return -ESPIPE;
	if (inode_is_dir(i))
		return -EISDIR;
	if (!inode_is_reg(i) && inode_type(i) != S_IFBLK)
		return -ENODEV;
	if ((u64)off + (u64)len > i->super->max_bytes)
		return -EFBIG;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	inode_lock(i);
	err = f->ops->fallocate(f, mode, (u64)off, (u64)len);
	inode_unlock(i);
	if (!err)
		notify_dentry(f->path.dentry, IN_MODIFY);
	return err;
}

int vfs_fadvise(struct file *f, s64 off, s64 len, int advice)
{
	u64 first, last;

	if (inode_type(f->inode) == S_IFIFO)
		return -ESPIPE;
	if (len < 0 || !f->mapping || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	if (advice != POSIX_FADV_DONTNEED)
		return 0;	/* read-ahead finds out by itself */
	first = DIV_ROUND_UP((u64)off, PAGE_SIZE);
	last = len ? ((u64)off + (u64)len) >> PAGE_SHIFT : ~0ull >> PAGE_SHIFT;
	if (last > first)
		mapping_invalidate(f->mapping, first, last - 1);
	return 0;
}

int vfs_readahead(struct file *f, s64 off, size_t count)
{
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->mapping || !f->mapping->ops || (!inode_is_reg(f->inode) && inode_type(f->inode) != S_IFBLK))
		return -EINVAL;
	u64 end = MIN((u64)off + count, inode_size(f->inode));

	for (u64 i = (u64)off >> PAGE_SHIFT; i << PAGE_SHIFT < end; i++) {
		struct page *p = mapping_get(f->mapping, i, &f->ra);

		if (IS_ERR(p))
			return 0;
		page_put(p);
		cond_resched();
	}
	return 0;
}

int vfs_sync_range(struct file *f, s64 off, s64 len, u32 flags)
{
	u64 end = len ? (u64)off + (u64)len - 1 : ~0ull;

	if (flags & ~7u || off < 0 || len < 0 || off + len < off)
		return -EINVAL;
	if (!inode_is_reg(f->inode) && inode_type(f->inode) != S_IFBLK && !inode_is_dir(f->inode))
		return -ESPIPE;
	return flags ? mapping_sync(f->mapping, (u64)off, end) : 0;
}

static void start_one(struct inode *i)
{
	mapping_write_start(&i->mapping);
}

static void sync_one(struct inode *i)
{
	(void)!mapping_sync(&i->mapping, 0, ~0ull);
}

int vfs_syncfs(struct file *f)
{
	struct super *s = f->path.dentry->super;
	struct writeback_plug plug;

	writeback_plug_begin(&plug);
	super_for_each_inode(s, start_one);
	writeback_plug_end(&plug);
	super_for_each_inode(s, sync_one);
	return s->ops->sync ? s->ops->sync(s, true) : 0;
}

int file_set_flags(struct file *f, u32 o_flags)
{
	const u32 settable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC;

	if ((f->flags ^ o_flags) & O_APPEND && f->inode->iflags & IFLAG_APPEND)
		return -EPERM;
	if (o_flags & O_NOATIME && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	spin_lock(&f->lock);
	f->flags = (f->flags & ~settable) | (o_flags & settable);
	spin_unlock(&f->lock);
	return 0;
}

/* ---- copies ---- */

enum { COPY_CHUNK = 16 * PAGE_SIZE };

static int copy_range_check(struct file *in, u64 pos_in, struct file *out, u64 pos_out, size_t *len)
{
	if (inode_is_dir(in->inode) || inode_is_dir(out->inode))
		return -EISDIR;
	if (!inode_is_reg(in->inode) || !inode_is_reg(out->inode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	if (in->inode->super != out->inode->super)
		return -EXDEV;
	if (out->inode->iflags & IFLAG_IMMUTABLE)
		return -EPERM;
	if (pos_in + *len < pos_in || pos_out + *len < pos_out)
		return -EOVERFLOW;
	u64 size = inode_size(in->inode);

	*len = pos_in >= size ? 0 : MIN(*len, size - pos_in);
	if (in->inode == out->inode && pos_out + *len > pos_in && pos_out < pos_in + *len)
		return -EINVAL;
	return 0;
}

/* Through a buffer; stops at the first short step. */
static s64 file_copy_bytes(struct file *in, u64 *pos_in, struct file *out, u64 *pos_out, size_t len)
{
	void *buf = kmalloc(COPY_CHUNK, ALLOC_KERNEL);
	size_t done = 0;
	s64 n = 0;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		struct iter it;
		s64 got;

		iter_init_kernel(&it, buf, MIN((size_t)COPY_CHUNK, len - done));
		got = n = file_read(in, &it, pos_in);
		if (n <= 0)
			break;
		iter_init_kernel(&it, buf, (u64)got);
		n = file_write(out, &it, pos_out);
		if (n > 0)
			done += (size_t)n;
		if (n < got) {
			*pos_in -= (u64)(got - MAX(n, (s64)0));
			break;
		}
		if (fatal_signal_pending())
			break;
		cond_resched();
	}
	kfree(buf);
	return done ? (s64)done : n;
}

s64 vfs_copy_file_range(struct file *in, u64 *off_in, struct file *out, u64 *off_out, size_t len, u32 flags)
{
	u64 pos_in = off_in ? *off_in : in->pos, pos_out = off_out ? *off_out : out->pos;
	int err;

	if (flags)
		return -EINVAL;
	err = copy_range_check(in, pos_in, out, pos_out, &len);
	if (err || !len)
		return err;
	s64 n = file_copy_bytes(in, &pos_in, out, &pos_out, len);

	if (n > 0) {
		*(off_in ? off_in : &in->pos) += (u64)n;
		*(off_out ? off_out : &out->pos) += (u64)n;
	}
	return n;
}
