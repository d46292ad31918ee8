/*
 * Regular files, open.  Bytes go through the page cache; what differs between loose and strict caching is when it
 * is believed (open) and when it is written back (write, close).
 */
#include <linux/errno.h>
#include "fs/9p/p9fs.h"

static void count_opens(struct inode *i, bool open)
{
	struct p9_node *n = p9_node(i);

	mutex_lock(&n->lock);
	n->opens += open ? 1 : -1;
	if (!n->opens && !p9_loose(i))
		p9_fids_close(i);
	mutex_unlock(&n->lock);
}

static int p9_file_open(struct inode *i, struct file *f)
{
	u32 fid;
	int err = 0;

	count_opens(i, true);
	if (!p9_loose(i))
		err = p9_refresh(i, true);
	if (!err && f->mode & FMODE_WRITE)
		err = p9_write_fid(i, &fid);
	if (!err && f->mode & (FMODE_READ | FMODE_EXEC))
		err = p9_read_fid(i, &fid);
	if (err)
		count_opens(i, false);
	return err;
}

static void p9_file_release(struct file *f)
{
	struct inode *i = f->inode;

	if (f->mode & FMODE_WRITE) {
		if (!p9_loose(i))
			(void)!mapping_sync(&i->mapping, 0, ~0ull);	/* flush has reported, but for late mappings */
		p9_attr_expire(i);
	}
	count_opens(i, false);
}

static int p9_file_flush(struct file *f)
{
	if (!(f->mode & FMODE_WRITE) || p9_loose(f->inode))
		return 0;
	return mapping_sync(&f->inode->mapping, 0, ~0ull);
}

static s64 p9_file_write(struct file *f, struct iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	bool loose = p9_loose(i);
	s64 n;
	int err = 0;

	if (!loose && file_appends(f, from))
		err = p9_refresh(i, true);	/* where the end is now */
	if (err)
		return err;
	n = file_write_pages(f, from, pos);
	if (n > 0 && !loose)
		err = mapping_sync(&i->mapping, *pos - n, *pos);
	return err ? err : n;
}

static int p9_file_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	struct inode *i = f->inode;
	u32 fid = atomic_load_acquire(&p9_node(i)->write_fid);
	int err = mapping_sync(&i->mapping, start, end);

	if (!err && fid != P9_NOFID)
		err = p9_fsync(p9_client_of(i), fid, datasync);
	return err;
}

const struct file_ops p9_file_fops = {
	.open = p9_file_open,
	.release = p9_file_release,
	.flush = p9_file_flush,
	.read = file_read_pages,
	.write = p9_file_write,
	.mmap = file_mmap_pages,
	.fsync = p9_file_fsync,
};

const struct inode_ops p9_file_iops = {
	.getattr = p9_getattr_op,
	.setattr = p9_setattr_op,
	.getxattr = p9_getxattr_op,
	.setxattr = p9_setxattr_op,
	.listxattr = p9_listxattr_op,
	.removexattr = p9_removexattr_op,
};

const struct inode_ops p9_special_iops = {
	.getattr = p9_getattr_op,
	.setattr = p9_setattr_op,
	.getxattr = p9_getxattr_op,
	.listxattr = p9_listxattr_op,
};
