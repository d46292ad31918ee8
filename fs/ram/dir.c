/*
 * Directories in memory.
 *
 * An entry is a pinned dentry; entries[] keeps them by position.  Positions grow and are never used again in a directory, so a
 * reader's position stays good whatever comes and goes: entries made while it reads come later, entries removed are
 * skipped, none comes twice.  d->private is the position.
 *
 * Locks: the directory's inode lock (shared for reading) guards entries.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "fs/ram/ram.h"

enum { FIRST_POS = 2, DENTRY_BYTES = 20 /* what a name adds to a directory's size */ };

static struct slab_cache *node_cache;

static struct xa_node *node_alloc(void *ctx)
{
	if (!node_cache)
		node_cache = slab_create("ram_dir_node", sizeof(struct xa_node), 0);
	return node_cache ? slab_alloc(node_cache, ALLOC_KERNEL) : NULL;
}

static void node_free(void *ctx, struct xa_node *node)
{
	slab_free(node_cache, node);
}

static const struct xa_ops dir_xa_ops = { .node_alloc = node_alloc, .node_free = node_free };

void ram_dir_init(struct ram_inode *r)
{
	xa_init(&r->entries, &dir_xa_ops);
	r->next_pos = FIRST_POS;
	inode_set_size(&r->inode, 2 * DENTRY_BYTES);
}

void ram_dir_fini(struct ram_inode *r)
{
	if (r->entries.ops)
		xa_destroy(&r->entries);
}

static int entry_add(struct inode *dir, struct dentry *d)
{
	struct ram_inode *r = ram_i(dir);
	int err = xa_store(&r->entries, r->next_pos, d);

	if (err)
		return err;
	d->private = (void *)r->next_pos++;
	inode_set_size(dir, inode_size(dir) + DENTRY_BYTES);
	inode_touch(dir, SET_MTIME | SET_CTIME);
	return 0;
}

static void entry_remove(struct inode *dir, struct dentry *d)
{
	xa_erase(&ram_i(dir)->entries, (u64)d->private);
	inode_set_size(dir, inode_size(dir) - DENTRY_BYTES);
	inode_touch(dir, SET_MTIME | SET_CTIME);
}

/* Put @d at the position of another entry. Cannot fail: the slot exists. */
static void entry_replace(struct inode *dir, void *pos, struct dentry *d)
{
	(void)!xa_store(&ram_i(dir)->entries, (u64)pos, d);
	d->private = pos;
	inode_touch(dir, SET_MTIME | SET_CTIME);
}

static bool dir_empty(struct inode *i)
{
	return xa_empty(&ram_i(i)->entries);
}

/* ---- looking up and reading ---- */

/* What is not in the dentry cache is not there. */
static struct dentry *ram_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	d_add(d, NULL);
	return NULL;
}

static int ram_readdir(struct file *f, struct dir_context *c)
{
	struct ram_inode *r = ram_i(f->inode);
	struct dentry *d;

	if (!dir_emit_dots(f, c))
		return 0;
	for (u64 pos = c->pos; (d = xa_find(&r->entries, &pos, ~0ull)) != NULL; pos++) {
		struct inode *i = d->inode;

		if (!dir_emit(c, d->name, d->name_len, pos + 1, i->ino, (u8)((i->mode & S_IFMT) >> 12)))
			return 0;
		c->pos = pos + 1;
	}
	return 0;
}

static s64 ram_dir_seek(struct file *f, s64 off, int whence)
{
	s64 pos = whence == SEEK_SET ? off : whence == SEEK_CUR ? (s64)f->pos + off : -1;

	if (whence == SEEK_END)
		pos = (s64)ram_i(f->inode)->next_pos + off;
	if (pos < 0)
		return -EINVAL;
	f->pos = (u64)pos;
	return pos;
}

/* ---- making ---- */

static int publish(struct inode *dir, struct dentry *d, struct inode *i)
{
	int err = entry_add(dir, d);

	if (err) {
		i->nlink = 0;
		inode_put(i);
		return err;
	}
	d_instantiate(d, i);
	d_pin(d);
	return 0;
}

static int ram_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	struct inode *i = ram_inode_new(dir->super, dir, mode, rdev);

	return IS_ERR(i) ? (int)PTR_ERR(i) : publish(dir, d, i);
}

static int ram_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return ram_mknod(dir, d, mode, 0);
}

static int ram_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	int err = ram_mknod(dir, d, mode | S_IFDIR, 0);

	if (!err)
		inode_inc_nlink(dir);
	return err;
}

static int ram_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *i = ram_inode_new(dir->super, dir, S_IFLNK | 0777, 0);

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	i->link = kstrdup(target, ALLOC_KERNEL);
	if (!i->link) {
		i->nlink = 0;
		inode_put(i);
		return -ENOMEM;
	}
	inode_set_size(i, strlen(target));
	return publish(dir, d, i);
}

static int ram_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	int err = entry_add(dir, d);

	if (err)
		return err;
	inode_inc_nlink(i);
	inode_touch(i, SET_CTIME);
	inode_get(i);
	d_instantiate(d, i);
	d_pin(d);
	return 0;
}

static int ram_tmpfile(struct inode *dir, struct dentry *d, u32 mode)
{
	struct inode *i = ram_inode_new(dir->super, dir, mode, 0);

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	d_tmpfile(d, i);
	return 0;
}

/* ---- removing ---- */

static int ram_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;

	entry_remove(dir, d);
	inode_touch(i, SET_CTIME);
	inode_drop_nlink(i);
	d_unpin(d);
	return 0;
}

static int ram_rmdir(struct inode *dir, struct dentry *d)
{
	if (!dir_empty(d->inode))
		return -ENOTEMPTY;
	inode_drop_nlink(d->inode);	/* its "."; its name goes with ram_unlink */
	inode_drop_nlink(dir);
	return ram_unlink(dir, d);
}

/* ---- renaming ---- */

static void rename_exchange(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new)
{
	void *pos_old = old->private, *pos_new = new->private;
	bool old_is_dir = (old->inode->mode & S_IFMT) == S_IFDIR, new_is_dir = (new->inode->mode & S_IFMT) == S_IFDIR;

	entry_replace(olddir, pos_old, new);
	entry_replace(newdir, pos_new, old);
	inode_touch(old->inode, SET_CTIME);
	inode_touch(new->inode, SET_CTIME);
	if (olddir == newdir || old_is_dir == new_is_dir)
		return;
	inode_drop_nlink(old_is_dir ? olddir : newdir);
	inode_inc_nlink(old_is_dir ? newdir : olddir);
}

/* A whiteout (character device 0:0) takes the place that @old is about to leave. */
static int make_whiteout(struct inode *olddir, struct dentry *old)
{
	struct dentry *w = d_alloc(old->parent, old->name, old->name_len);
	int err;

	if (!w)
		return -ENOMEM;
	err = ram_mknod(olddir, w, S_IFCHR, 0);
	d_put(w);
	return err;
}

static int rename_plain(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new)
{
	bool isdir = (old->inode->mode & S_IFMT) == S_IFDIR;
	struct inode *victim = new->inode;
	int err;

	if (victim && isdir && !dir_empty(victim))
		return -ENOTEMPTY;
	void *pos_old = old->private;

	if (victim) {
		entry_replace(newdir, new->private, old);
		inode_touch(victim, SET_CTIME);
		inode_drop_nlink(victim);
		if (isdir)
			inode_drop_nlink(victim);
		d_unpin(new);
	} else {
		err = entry_add(newdir, old);
		if (err)
			return err;
	}
	xa_erase(&ram_i(olddir)->entries, (u64)pos_old);
	inode_set_size(olddir, inode_size(olddir) - DENTRY_BYTES);
	inode_touch(olddir, SET_MTIME | SET_CTIME);
	inode_touch(old->inode, SET_CTIME);
	if (isdir) {
		inode_drop_nlink(olddir);
		if (!victim)
			inode_inc_nlink(newdir);
	}
	return 0;
}

static int ram_rename(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE) {
		rename_exchange(olddir, old, newdir, new);
		return 0;
	}
	if (new->inode && (old->inode->mode & S_IFMT) == S_IFDIR && !dir_empty(new->inode))
		return -ENOTEMPTY;
	if (flags & RENAME_WHITEOUT) {
		err = make_whiteout(olddir, old);
		if (err)
			return err;
	}
	return rename_plain(olddir, old, newdir, new);
}

const struct inode_ops ram_dir_ops = {
	.lookup = ram_lookup,
	.create = ram_create,
	.mkdir = ram_mkdir,
	.mknod = ram_mknod,
	.symlink = ram_symlink,
	.link = ram_link,
	.unlink = ram_unlink,
	.rmdir = ram_rmdir,
	.rename = ram_rename,
	.tmpfile = ram_tmpfile,
	.setattr = ram_setattr,
	.getxattr = ram_getxattr,
	.setxattr = ram_setxattr,
	.listxattr = ram_listxattr,
	.removexattr = ram_removexattr,
};

static int ram_dir_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return 0;
}

static s64 ram_dir_read(struct file *f, struct iter *to, u64 *pos)
{
	return -EISDIR;
}

const struct file_ops ram_dir_fops = {
	.read = ram_dir_read,
	.readdir = ram_readdir,
	.seek = ram_dir_seek,
	.fsync = ram_dir_fsync,
};
