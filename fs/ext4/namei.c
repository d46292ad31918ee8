/*
 * Names: looking up, creating, linking, unlinking, renaming.  Each operation is one handle.
 *
 * An operation that finds no free block is tried again once after a commit, which makes what was freed usable.
 * Contexts: directories locked by the VFS (inode_ops).
 */
#include <linux/fs.h>
#include "fs/ext4/ext4.h"
#include "vfs/super.h"

enum { CREATE_CREDITS = DIR_CREDITS + EXT_CREDITS + XATTR_CREDITS + 12 };

static struct dentry *ext4_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct inode *i = NULL;
	struct dir_slot s;
	int err;

	if (d->name_len > EXT4_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	err = dir_find(dir, d->name, d->name_len, &s);
	if (err && err != -ENOENT)
		return ERR_PTR(err);
	if (!err) {
		u64 ino = s.de->inode;

		buf_put(s.b);
		if (ino == dir->ino)
			return ERR_PTR(ext4_error_inode(dir, "an entry that names the directory itself"));
		i = ext4_iget(dir->super, ino);
		if (IS_ERR(i) && PTR_ERR(i) == -ESTALE)
			return ERR_PTR(ext4_error_inode(dir, "an entry that names inode %llu, which is deleted", ino));
		if (IS_ERR(i))
			return ERR_CAST(i);
	}
	return d_splice(d, i);
}

/* ---- link counts of directories: past the limit they stay 1 ---- */

static void dir_inc_nlink(struct inode *i)
{
	if (i->nlink == 1)
		return;
	inode_inc_nlink(i);
	if (i->nlink >= EXT4_LINK_MAX)
		i->nlink = 1;
}

static void dir_drop_nlink(struct inode *i)
{
	if (i->nlink > 2)
		inode_drop_nlink(i);
}

static bool dir_link_full(const struct ext4 *fs, const struct inode *dir)
{
	return dir->nlink >= EXT4_LINK_MAX - 1 && !(fs->sb->s_feature_ro_compat & RO_DIR_NLINK);
}

/* ---- again after a commit ---- */

static bool retry(struct ext4 *fs, int err, unsigned *tries)
{
	if (err != -ENOSPC || (*tries)++)
		return false;
	u32 tid = journal_running_tid(fs);

	return !journal_committed(fs, tid) && !journal_commit(fs, tid);
}

/* ---- making ---- */

static int touch_dir(struct handle *h, struct inode *dir)
{
	inode_touch(dir, SET_MTIME | SET_CTIME);
	return ext4_inode_dirty(h, dir);
}

/* A long target takes a block, which is metadata like a directory's. */
static int write_symlink(struct handle *h, struct inode *i, const char *target, u32 len)
{
	struct ext4_inode *e = ext4_i(i);
	struct map m;
	int err;

	if (len < sizeof(e->block)) {
		e->flags &= ~(u32)FL_EXTENTS;
		memset(e->block, 0, sizeof(e->block));
		memcpy(e->block, target, len);
		i->link = kstrdup(target, ALLOC_NOFS);
		if (!i->link)
			return -ENOMEM;
	} else {
		err = ext4_alloc_map(h, i, 0, 1, MAP_MAPPED, &m);
		if (err)
			return err;
		struct buf *b = buf_get(h->fs, m.pblk);

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		jh_modify(h, b);
		memset(b->data, 0, h->fs->block_bytes);
		memcpy(b->data, target, len);
		b->kind = BUF_PLAIN;
		__atomic_fetch_or(&b->flags, BUF_UPTODATE, __ATOMIC_RELEASE);
		buf_put(b);
	}
	inode_set_size(i, len);
	e->disksize = len;
	return 0;
}

struct making { u32 mode; u64 rdev; const char *target; bool unnamed; };

static int fill_new(struct handle *h, struct inode *dir, struct inode *i, const struct making *k)
{
	int err = 0;

	if (S_ISDIR(k->mode)) {
		err = dir_init(h, i, dir->ino);
		i->nlink = 2;
	} else if (k->target) {
		err = write_symlink(h, i, k->target, (u32)strlen(k->target));
	}
	return err;
}

/* An inode that fails on its way: deleted by its last put, after the handle. */
static struct inode *give_up(struct handle *h, struct inode *i, int *err)
{
	i->nlink = 0;
	int e2 = orphan_add(h, i);

	if (e2)
		*err = e2;
	inode_publish(i);
	return i;
}

static int make_once(struct inode *dir, struct dentry *d, const struct making *k)
{
	struct ext4 *fs = ext4_of(dir);
	struct inode *i, *dead = NULL;
	struct handle h;
	int err;

	if (d->name_len > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (S_ISDIR(k->mode) && dir_link_full(fs, dir))
		return -EMLINK;
	err = jh_start(fs, &h, CREATE_CREDITS);
	if (err)
		return err;
	i = ext4_inode_new(&h, dir, k->mode, k->rdev);
	if (IS_ERR(i)) {
		jh_stop(&h);
		return (int)PTR_ERR(i);
	}
	err = fill_new(&h, dir, i, k);
	if (!err && !k->unnamed)
		err = dir_add(&h, dir, d->name, d->name_len, i->ino, i->mode);
	if (err) {
		dead = give_up(&h, i, &err);
	} else if (k->unnamed) {
		i->nlink = 0;
		err = orphan_add(&h, i);
	} else {
		if (S_ISDIR(k->mode))
			dir_inc_nlink(dir);
		err = touch_dir(&h, dir);
	}
	if (!dead) {
		int e2 = ext4_inode_dirty(&h, i);

		err = err ? err : e2;
	}
	jh_stop(&h);
	if (dead) {
		inode_put(dead);
		return err;
	}
	inode_publish(i);
	if (k->unnamed)
		d_tmpfile(d, i);
	else
		d_instantiate(d, i);
	return err;
}

static int make(struct inode *dir, struct dentry *d, const struct making *k)
{
	unsigned tries = 0;
	int err;

	do {
		err = make_once(dir, d, k);
	} while (retry(ext4_of(dir), err, &tries));
	return err;
}

static int ext4_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make(dir, d, &(struct making){ .mode = (mode & 07777) | S_IFREG });
}

static int ext4_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, &(struct making){ .mode = (mode & 07777) | S_IFDIR });
}

static int ext4_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	return make(dir, d, &(struct making){ .mode = mode, .rdev = rdev });
}

static int ext4_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	if (strlen(target) >= ext4_of(dir)->block_bytes)
		return -ENAMETOOLONG;
	return make(dir, d, &(struct making){ .mode = S_IFLNK | 0777, .target = target });
}

static int ext4_tmpfile(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, &(struct making){ .mode = (mode & 07777) | S_IFREG, .unnamed = true });
}

/* ---- links ---- */

static int link_once(struct inode *i, struct inode *dir, struct dentry *d)
{
	struct ext4 *fs = ext4_of(dir);
	struct handle h;
	int err;

	if (d->name_len > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (i->nlink >= EXT4_LINK_MAX)
		return -EMLINK;
	err = jh_start(fs, &h, DIR_CREDITS + 8);
	if (err)
		return err;
	err = dir_add(&h, dir, d->name, d->name_len, i->ino, i->mode);
	if (!err && !i->nlink)
		err = orphan_del(&h, i);
	if (!err) {
		inode_inc_nlink(i);
		inode_touch(i, SET_CTIME);
		err = ext4_inode_dirty(&h, i);
	}
	if (!err)
		err = touch_dir(&h, dir);
	jh_stop(&h);
	return err;
}

static int ext4_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	unsigned tries = 0;
	int err;

	do {
		err = link_once(i, dir, d);
	} while (retry(ext4_of(dir), err, &tries));
	if (err)
		return err;
	inode_get(i);
	d_instantiate(d, i);
	return 0;
}

/* The entry of @d, which must name its inode. */
static int find_entry(struct inode *dir, struct dentry *d, struct dir_slot *s)
{
	int err = dir_find(dir, d->name, d->name_len, s);

	if (err)
		return err;
	if (s->de->inode == d->inode->ino)
		return 0;
	buf_put(s->b);
	return ext4_error_inode(dir, "an entry that names inode %u, not %llu", s->de->inode, d->inode->ino);
}

/* One name less; the last one makes it an orphan. */
static int drop_link(struct handle *h, struct inode *i, bool all)
{
	if (!i->nlink)
		ext4_error_inode(i, "a name is removed and there is none");
	else if (all)
		i->nlink = 0;
	else
		inode_drop_nlink(i);
	inode_touch(i, SET_CTIME);
	int err = i->nlink ? 0 : orphan_add(h, i);

	return err ? err : ext4_inode_dirty(h, i);
}

static int remove_name(struct inode *dir, struct dentry *d, bool is_dir)
{
	struct inode *i = d->inode;
	struct dir_slot s;
	struct handle h;
	int err = jh_start(ext4_of(dir), &h, 12);

	if (err)
		return err;
	err = find_entry(dir, d, &s);
	if (!err) {
		err = dir_remove(&h, dir, &s);
		buf_put(s.b);
	}
	if (!err)
		err = drop_link(&h, i, is_dir);
	if (!err && is_dir)
		dir_drop_nlink(dir);
	if (!err)
		err = touch_dir(&h, dir);
	jh_stop(&h);
	return err;
}

static int ext4_unlink(struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d, false);
}

static int ext4_rmdir(struct inode *dir, struct dentry *d)
{
	int err;

	if (!dir_is_empty(d->inode, &err))
		return err ? err : -ENOTEMPTY;
	return remove_name(dir, d, true);
}

/* ---- rename ---- */

/* Let the entry of @d in @dir name @i instead. */
static int point_at(struct handle *h, struct inode *dir, struct dentry *d, struct inode *i)
{
	struct dir_slot s;
	int err = find_entry(dir, d, &s);

	if (err)
		return err;
	jh_modify(h, s.b);
	s.de->inode = (u32)i->ino;
	if (h->fs->sb->s_feature_incompat & INCOMPAT_FILETYPE)
		s.de->file_type = mode_to_ft(i->mode);
	if (s.is_inline) {
		ext4_itable_dirty(s.b, dir->ino);
		err = inline_dir_reload(dir);
	}
	buf_put(s.b);
	return err;
}

static int exchange(struct handle *h, struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new)
{
	struct inode *a = old->inode, *b = new->inode;
	bool adir = S_ISDIR(a->mode), bdir = S_ISDIR(b->mode);
	int err = point_at(h, olddir, old, b);

	if (!err)
		err = point_at(h, newdir, new, a);
	if (!err && olddir != newdir && adir)
		err = dir_set_parent(h, a, newdir->ino);
	if (!err && olddir != newdir && bdir)
		err = dir_set_parent(h, b, olddir->ino);
	if (err)
		return err;
	if (olddir != newdir && adir != bdir) {
		dir_drop_nlink(adir ? olddir : newdir);
		dir_inc_nlink(adir ? newdir : olddir);
	}
	inode_touch(a, SET_CTIME);
	inode_touch(b, SET_CTIME);
	err = ext4_inode_dirty(h, a);
	return err ? err : ext4_inode_dirty(h, b);
}

static int move_name(struct handle *h, struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, struct inode *whiteout)
{
	struct inode *i = old->inode, *victim = new->inode;
	bool is_dir = S_ISDIR(i->mode);
	struct dir_slot s;
	int err = victim ? point_at(h, newdir, new, i) : dir_add(h, newdir, new->name, new->name_len, i->ino, i->mode);

	if (err)
		return err;
	/* only now: adding may have moved the old entry */
	if (whiteout) {
		err = point_at(h, olddir, old, whiteout);
	} else {
		err = find_entry(olddir, old, &s);
		if (!err) {
			err = dir_remove(h, olddir, &s);
			buf_put(s.b);
		}
	}
	if (!err && is_dir && olddir != newdir)
		err = dir_set_parent(h, i, newdir->ino);
	if (!err && victim)
		err = drop_link(h, victim, is_dir);
	if (err)
		return err;
	if (is_dir) {
		if (victim || olddir != newdir)
			dir_drop_nlink(olddir);
		if (!victim && olddir != newdir)
			dir_inc_nlink(newdir);
	}
	inode_touch(i, SET_CTIME);
	return ext4_inode_dirty(h, i);
}

static int rename_once(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	struct ext4 *fs = ext4_of(olddir);
	struct inode *whiteout = NULL;
	struct handle h;
	int err;

	if (new->name_len > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (!(flags & RENAME_EXCHANGE) && new->inode && S_ISDIR(new->inode->mode) && !dir_is_empty(new->inode, &err))
		return err ? err : -ENOTEMPTY;
	if (S_ISDIR(old->inode->mode) && !new->inode && olddir != newdir && dir_link_full(fs, newdir))
		return -EMLINK;
	err = jh_start(fs, &h, CREATE_CREDITS + 12);
	if (err)
		return err;
	if (flags & RENAME_WHITEOUT) {
		whiteout = ext4_inode_new(&h, olddir, S_IFCHR, 0);
		if (IS_ERR(whiteout)) {
			jh_stop(&h);
			return (int)PTR_ERR(whiteout);
		}
	}
	err = flags & RENAME_EXCHANGE ? exchange(&h, olddir, old, newdir, new) : move_name(&h, olddir, old, newdir, new, whiteout);
	if (whiteout && err)
		give_up(&h, whiteout, &err);
	else if (whiteout)
		inode_publish(whiteout);
	if (!err)
		err = touch_dir(&h, olddir);
	if (!err && newdir != olddir)
		err = touch_dir(&h, newdir);
	jh_stop(&h);
	inode_put(whiteout);
	return err;
}

static int ext4_rename(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	unsigned tries = 0;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	do {
		err = rename_once(olddir, old, newdir, new, flags);
	} while (retry(ext4_of(olddir), err, &tries));
	return err;
}

/* ---- symlinks ---- */

static void put_link(void *p)
{
	kfree(p);
}

static const char *ext4_get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	struct ext4 *fs = ext4_of(i);
	u64 n = inode_size(i);
	struct map m;
	char *s;
	int err = 0;

	if (i->link)
		return i->link;
	if (!d)
		return ERR_PTR(-EAGAIN);
	s = kmalloc(n + 1, ALLOC_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	if (ext4_i(i)->flags & FL_INLINE_DATA) {
		u32 len;

		err = inline_read(i, (u8 *)s, (u32)n, &len);
	} else {
		err = ext4_map(i, 0, 1, &m);
		struct buf *b = err ? ERR_PTR(err) : m.flags == MAP_MAPPED ? buf_read(fs, m.pblk, BUF_PLAIN) : ERR_PTR(-EIO);

		err = IS_ERR(b) ? (int)PTR_ERR(b) : 0;
		if (!err) {
			memcpy(s, b->data, n);
			buf_put(b);
		}
	}
	s[n] = 0;
	if (!err && strlen(s) != n)
		err = ext4_error_inode(i, "a symlink with a NUL in it");
	if (err) {
		kfree(s);
		return ERR_PTR(err);
	}
	*done = put_link;
	*done_arg = s;
	return s;
}

const struct inode_ops ext4_symlink_iops = {
	.get_link = ext4_get_link,
	.getattr = ext4_getattr,
	.setattr = ext4_setattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
	.removexattr = ext4_removexattr,
};

const struct inode_ops ext4_dir_iops = {
	.lookup = ext4_lookup,
	.create = ext4_create,
	.mkdir = ext4_mkdir,
	.mknod = ext4_mknod,
	.symlink = ext4_symlink,
	.link = ext4_link,
	.unlink = ext4_unlink,
	.rmdir = ext4_rmdir,
	.rename = ext4_rename,
	.tmpfile = ext4_tmpfile,
	.permission = ext4_permission,
	.getattr = ext4_getattr,
	.setattr = ext4_setattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
	.removexattr = ext4_removexattr,
};
