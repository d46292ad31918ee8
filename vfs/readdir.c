/*
 * Reading directories.
 *
 * A position is a file system's cookie; 0 and 1 are "." and ".." for those that use dir_emit_dots().
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/ops.h"

bool dir_emit_dots(struct file *f, struct dir_context *c)
{
	struct dentry *d = f->path.dentry;

	if (c->pos == 0) {
		if (!dir_emit(c, ".", 1, 1, f->inode->ino, 4 /* DT_DIR */))
			return false;
		c->pos = 1;
	}
	if (c->pos == 1) {
		struct dentry *parent = d_parent(d);
		u64 ino = parent->inode ? parent->inode->ino : f->inode->ino;
		bool room = dir_emit(c, "..", 2, 2, ino, 4);

		d_put(parent);
		if (!room)
			return false;
		c->pos = 2;
	}
	return true;
}

int vfs_readdir(struct file *f, struct dir_context *c)
{
	struct inode *i = f->inode;
	u32 rank = inode_rank_parent(i);
	int err;

	if (!f->ops->readdir)
		return -ENOTDIR;
	mutex_lock(&f->pos_lock);
	rwsem_read_lock_nested(&i->lock, rank);
	if (i->state & INODE_DEAD_DIR) {
		err = -ENOENT;
	} else {
		c->pos = f->pos;
		err = f->ops->readdir(f, c);
		f->pos = c->pos;
	}
	rwsem_read_unlock_nested(&i->lock, rank);
	mutex_unlock(&f->pos_lock);
	if (!err) {
		file_accessed(f, 1);
		notify_dentry(f->path.dentry, IN_ACCESS | IN_ISDIR);
	}
	return err;
}
