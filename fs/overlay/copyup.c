/*
 * Copy-up: before something of a lower layer changes, it is copied to the upper one, and so are the directories above it.
 *
 * The copy is made in the work directory, complete with owner, mode, times and extended attributes, and then renamed to its
 * place: whoever looks sees all of it or nothing.  What open files read does not change: they go on to the copy (file.c).
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/slab.h"

enum { CHUNK_BYTES = 65536 };

/* ---- the work directory ---- */

static struct inode *work_inode(struct ovl *o)
{
	return o->work.dentry->inode;
}

static void lock_work(struct ovl *o)
{
	rwsem_write_lock_nested(&work_inode(o)->lock, RANK_INODE_PARENT);
}

static void unlock_work(struct ovl *o)
{
	rwsem_write_unlock_nested(&work_inode(o)->lock, RANK_INODE_PARENT);
}

static int make_object(struct inode *dir, struct dentry *d, u32 mode, u64 rdev, const char *target)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return vfs_mkdir_in(dir, d, mode & 07777);
	case S_IFLNK:
		return vfs_symlink_in(dir, d, target);
	default:
		return vfs_create_in(dir, d, mode, rdev);
	}
}

struct dentry *ovl_temp(struct ovl *o, u32 mode, u64 rdev, const char *target)
{
	char name[24];
	size_t len = scnprintf(name, sizeof(name), "#%llx", atomic_fetch_add(&o->next_temp, 1));
	struct dentry *d = real_lookup(&o->work, name, len);
	int err;

	if (IS_ERR_OR_NULL(d))
		return d ? d : ERR_PTR(-EIO);
	lock_work(o);
	err = make_object(work_inode(o), d, mode, rdev, target);
	unlock_work(o);
	if (!err && d_is_positive(d))
		return d;
	d_put(d);
	return ERR_PTR(err ? err : -EIO);
}

void ovl_temp_remove(struct ovl *o, struct dentry *temp)
{
	int err;

	lock_work(o);
	err = (temp->inode->mode & S_IFMT) == S_IFDIR ? vfs_rmdir_in(work_inode(o), temp) : vfs_unlink_in(work_inode(o), temp);
	unlock_work(o);
	if (err)
		pr_warn("overlay: %s stays in the work directory (error %d)\n", temp->name, err);
}

int ovl_work_rename(struct ovl *o, struct dentry *temp, const struct path *dir, const char *name, size_t len)
{
	struct dentry *target = real_lookup(dir, name, len);
	struct inode *to = dir->dentry->inode;
	int err = -ESTALE;

	if (IS_ERR_OR_NULL(target))
		return target ? PTR_ERR(target) : -EIO;
	lock_work(o);
	rwsem_write_lock_nested(&to->lock, RANK_INODE_PARENT2);
	if (temp->parent == o->work.dentry && target->parent == dir->dentry)
		err = vfs_rename_in(work_inode(o), temp, to, target, 0);
	rwsem_write_unlock_nested(&to->lock, RANK_INODE_PARENT2);
	unlock_work(o);
	d_put(target);
	return err;
}

/* ---- what is copied ---- */

static s64 copy_chunk(struct file *from, struct file *to, char *buf, u64 pos, u64 want)
{
	s64 n = file_read_kernel(from, buf, want, pos);

	if (n <= 0)
		return n;
	if (mem_is_zero(buf, n))
		return n;	/* a hole stays one */

	s64 put = file_write_kernel(to, buf, n, pos);

	return put == n ? n : put < 0 ? put : -EIO;
}

static int copy_bytes(struct file *from, struct file *to, u64 size)
{
	char *buf = kvmalloc(CHUNK_BYTES, ALLOC_KERNEL);
	s64 n = 0;

	if (!buf)
		return -ENOMEM;
	for (u64 pos = 0; pos < size; pos += n) {
		n = copy_chunk(from, to, buf, pos, MIN(size - pos, (u64)CHUNK_BYTES));
		if (n <= 0)
			break;
		if (fatal_signal_pending()) {
			n = -EINTR;
			break;
		}
		cond_resched();
	}
	kvfree(buf);
	return n < 0 ? n : 0;
}

static int copy_data(struct ovl *o, const struct path *lower, struct dentry *temp, u64 size_max)
{
	struct path upper = { o->work.mount, temp };
	u64 size = MIN(inode_size(lower->dentry->inode), size_max);
	struct setattr sa = { .valid = SET_SIZE, .size = size };
	struct file *from, *to;
	int err;

	if (size == 0)
		return 0;
	from = file_open_path(lower, O_RDONLY | O_LARGEFILE | O_NOATIME, o->cred);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = file_open_path(&upper, O_WRONLY | O_LARGEFILE, o->cred);
	err = IS_ERR(to) ? PTR_ERR(to) : 0;
	if (err)
		goto out_from;
	err = copy_bytes(from, to, size);
	file_put(to);
	if (!err && inode_size(temp->inode) != size)
		err = real_setattr(temp, &sa);
out_from:
	file_put(from);
	return err;
}

static int copy_one_xattr(struct dentry *from, struct dentry *to, const char *name)
{
	s64 len = real_getxattr(from, name, NULL, 0);
	void *value;
	int err;

	if (len < 0)
		return len == -ENODATA || len == -EOPNOTSUPP ? 0 : len;
	value = kvmalloc(len + 1, ALLOC_KERNEL);
	if (!value)
		return -ENOMEM;
	len = real_getxattr(from, name, value, len);
	err = len < 0 ? len : real_setxattr(to, name, value, len);
	kvfree(value);
	return err == -EOPNOTSUPP ? 0 : err;	/* what the upper file system cannot hold is left behind */
}

static int copy_xattrs(struct dentry *from, struct dentry *to)
{
	struct inode *i = from->inode;
	char *list;
	s64 len;
	int err = 0;

	if (!i->ops->listxattr || !to->inode->ops->setxattr)
		return 0;
	len = i->ops->listxattr(from, i, NULL, 0);
	if (len <= 0)
		return len == -EOPNOTSUPP ? 0 : len;
	list = kvmalloc(XATTR_LIST_MAX, ALLOC_KERNEL);
	if (!list)
		return -ENOMEM;
	len = i->ops->listxattr(from, i, list, XATTR_LIST_MAX);
	for (s64 at = 0; !err && at < len; at += strlen(list + at) + 1)
		if (!str_starts_with(list + at, OVL_XATTR_PREFIX))
			err = copy_one_xattr(from, to, list + at);
	kvfree(list);
	return len < 0 ? len : err;
}

static int copy_attrs(const struct attrs *a, struct dentry *temp)
{
	struct setattr sa = {
		.valid = SET_UID | SET_GID | SET_ATIME | SET_MTIME | SET_CTIME,
		.mode = a->mode, .uid = a->uid, .gid = a->gid, .atime = a->atime, .mtime = a->mtime, .ctime = time_now(),
	};

	if ((a->mode & S_IFMT) != S_IFLNK)
		sa.valid |= SET_MODE;
	return real_setattr(temp, &sa);
}

static void keep_times(struct dentry *d, const struct attrs *a)
{
	struct setattr sa = { .valid = SET_ATIME | SET_MTIME, .atime = a->atime, .mtime = a->mtime };

	(void)!real_setattr(d, &sa);	/* the copy is made; that its directory's time moved is no reason to fail */
}

/* ---- one object ---- */

struct copy {
	struct ovl *fs;
	struct dentry *d;		/* of the overlay */
	struct inode *i;
	struct path lower;
	struct attrs attrs;
	u64 size_max;
};

static const char *read_link(struct copy *c, void (**done)(void *), void **arg)
{
	struct inode *real = c->lower.dentry->inode;

	if (real->link)
		return real->link;
	return real->ops->get_link ? real->ops->get_link(c->lower.dentry, real, done, arg) : ERR_PTR(-EINVAL);
}

static struct dentry *make_temp(struct copy *c)
{
	void (*done)(void *) = NULL;
	void *arg = NULL;
	const char *target = NULL;
	struct dentry *temp;

	if ((c->attrs.mode & S_IFMT) == S_IFLNK) {
		target = read_link(c, &done, &arg);
		if (IS_ERR(target))
			return ERR_CAST(target);
	}
	temp = ovl_temp(c->fs, (c->attrs.mode & S_IFMT) | 0700, c->attrs.rdev, target);
	if (done)
		done(arg);
	return temp;
}

/* One of several names of a lower file: the copy is a file of its own, with a number of its own. */
static bool has_links(const struct copy *c)
{
	return !ovl_is_dir(c->i) && c->attrs.nlink > 1;
}

static int fill_temp(struct copy *c, struct dentry *temp)
{
	int err = 0;

	if ((c->attrs.mode & S_IFMT) == S_IFREG)
		err = copy_data(c->fs, &c->lower, temp, c->size_max);
	if (!err)
		err = copy_xattrs(c->lower.dentry, temp);
	if (!err && !ovl_is_dir(c->i) && !has_links(c)) {
		u64 ino = ovl_inode(c->i)->shown_ino;

		(void)!real_setxattr(temp, OVL_XATTR_INO, &ino, sizeof(ino));	/* without it the number changes one day */
	}
	return err ? err : copy_attrs(&c->attrs, temp);
}

static int install_temp(struct copy *c, struct dentry *temp)
{
	struct dentry *parent = d_parent(c->d);
	struct path dir = ovl_upper_path(parent->inode);
	struct attrs before;
	int err;

	if (ovl_inode(c->i)->gone) {
		ovl_temp_remove(c->fs, temp);	/* nameless: it lives as long as it is open */
		err = 0;
	} else {
		err = real_getattr(dir.dentry, &before);
		if (!err)
			err = ovl_work_rename(c->fs, temp, &dir, c->d->name, c->d->name_len);
		if (!err)
			keep_times(dir.dentry, &before);
	}
	d_put(parent);
	return err;
}

static int copy_locked(struct copy *c)
{
	struct dentry *temp;
	int err = real_getattr(c->lower.dentry, &c->attrs);

	if (err)
		return err;
	temp = make_temp(c);
	if (IS_ERR(temp))
		return PTR_ERR(temp);
	err = fill_temp(c, temp);
	if (!err)
		err = install_temp(c, temp);
	if (err) {
		ovl_temp_remove(c->fs, temp);
		d_put(temp);
		return err;
	}
	if (has_links(c))
		ovl_inode(c->i)->shown_ino = c->i->ino = ovl_map_ino(temp->inode->ino, c->fs->upper_fsid);
	ovl_set_upper(c->i, temp);
	ovl_sync_attrs(c->i);
	return 0;
}

static int copy_one(struct dentry *d, u64 size_max)
{
	struct inode *i = d->inode;
	struct ovl_inode *o = ovl_inode(i);
	struct copy c = { .fs = ovl_of(i->super), .d = d, .i = i, .size_max = size_max };
	const struct cred *old = cred_override(c.fs->cred);
	int err = 0;

	mutex_lock(&o->copy_lock);
	if (!o->upper) {
		c.lower = ovl_lower_path(i, 0);
		err = copy_locked(&c);
	}
	mutex_unlock(&o->copy_lock);
	cred_revert(old);
	return err;
}

/* ---- and what is above it ---- */

/* The topmost ancestor of @d (or @d itself) that has no upper yet, with a reference. NULL: all have */
static struct dentry *first_missing(struct dentry *d)
{
	struct dentry *missing = NULL, *at = d_get(d);

	while (!ovl_upper(ovl_inode(at->inode))) {
		d_put(missing);
		missing = at;
		at = d_parent(at);
	}
	d_put(at);
	return missing;
}

int ovl_copy_up(struct dentry *d, u64 size_max)
{
	struct dentry *missing;
	int err = 0;

	if (likely(ovl_upper(ovl_inode(d->inode))))
		return 0;
	if (!ovl_of(d->super)->upper.dentry)
		return -EROFS;
	while (!err && (missing = first_missing(d))) {
		err = copy_one(missing, missing == d ? size_max : ~0ull);
		d_put(missing);
	}
	return err;
}
