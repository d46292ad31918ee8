/*
 * Opening files: open(2), openat2(2), and the kernel's own opens.
 *
 * Without O_CREAT: a walk, then open_path().  With it: a walk to the parent; an existing file is found without the parent's lock where
 * possible; else it is looked up again and created under it.  A dangling symlink is followed to the name it stands for.
 *
 * Source: open(2), openat2(2), Linux Documentation/admin-guide/sysctl/fs.rst (protected_fifos 1, protected_regular 2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/ops.h"
#include "vfs/walk.h"

/* ---- what may be opened how ---- */

static u32 access_mask(u32 o_flags)
{
	static const u8 masks[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	u32 mask = masks[o_flags & O_ACCMODE];

	if (o_flags & O_TRUNC)
		mask |= MAY_WRITE;
	return mask;
}

int open_check(const struct path *p, u32 mask, u32 o_flags)
{
	struct inode *i = p->dentry->inode;
	int err;

	switch (inode_type(i)) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mount->flags & MNT_NODEV)
			return -EACCES;
		break;
	case S_IFREG:
		if (mask & MAY_WRITE && mount_want_write(p->mount))
			return -EROFS;
		break;
	}
	err = inode_permission(i, (int)mask);
	if (err)
		return err;
	if (i->iflags & IFLAG_APPEND && ((o_flags & O_ACCMODE && !(o_flags & O_APPEND)) || o_flags & O_TRUNC))
		return -EPERM;
	if (o_flags & O_NOATIME && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* ---- making the file ---- */

static const struct file_ops path_fops = { 0 };

struct file *file_open_as_path(const struct path *p, u32 o_flags)
{
	struct file *f = file_alloc();

	if (IS_ERR(f))
		return f;
	path_get(p);
	f->path = *p;
	file_setup(f, p->dentry->inode, &path_fops, o_flags & (O_DIRECTORY | O_NOFOLLOW | O_PATH));
	f->mode = FMODE_PATH;
	return f;
}

/* Count @f, which is on @m, among the writers of its inode and its mount. Return: 0, -ETXTBSY, -EROFS */
static int writer_begin(struct file *f, struct inode *i, struct mount *m)
{
	int err;

	if (!(f->mode & FMODE_WRITE) || !inode_is_reg(i))
		return 0;
	err = inode_get_write(i);
	if (err)
		return err;
	err = mount_writer_begin(m);
	if (err)
		inode_put_write(i);
	else
		f->mode |= FMODE_WRITER;
	return err;
}

void file_writer_end(struct file *f, struct inode *i, struct mount *m)
{
	if (!(f->mode & FMODE_WRITER))
		return;
	f->mode &= ~(u32)FMODE_WRITER;
	mount_writer_end(m);
	inode_put_write(i);
}

/* The permission checks are done. Takes its own references. */
struct file *open_dentry(struct file *f, const struct path *path, u32 o_flags)
{
	struct inode *i = path->dentry->inode;
	int err = 0;

	file_setup(f, i, i->fops ? i->fops : &no_open_fops, o_flags);
	err = writer_begin(f, i, path->mount);
	if (err)
		goto out_discard;
	path_get(path);
	f->path = *path;
	if (f->ops->open)
		err = f->ops->open(i, f);
	if (err)
		goto out_path;
	f->flags &= ~(u32)(O_NOCTTY | O_TRUNC | O_EXCL);
	if (f->ops->flags & FOP_STREAM) {
		f->mode |= FMODE_STREAM;
		f->mode &= ~(u32)(FMODE_PREAD | FMODE_PWRITE);
	}
	return f;
out_path:
	file_writer_end(f, i, path->mount);
	file_discard(f);
	path_put(path);
	return ERR_PTR(err);
out_discard:
	file_discard(f);
	return ERR_PTR(err);
}

static int truncate_opened(struct file *f)
{
	struct setattr sa = { .valid = SET_SIZE | SET_MTIME_NOW | SET_FORCE, .file = f };
	struct inode *i = f->inode;
	int err;

	if (!inode_is_reg(i))
		return 0;
	if (!capable(CAP_FSETID))
		sa.valid |= SET_KILL_PRIV;
	inode_lock(i);
	err = inode_setattr_check(i, &sa);
	if (!err)
		err = i->ops->setattr ? i->ops->setattr(f->path.dentry, i, &sa) : inode_setattr_simple(f->path.dentry, i, &sa);
	inode_unlock(i);
	if (!err)
		notify_dentry(f->path.dentry, IN_MODIFY);
	return err;
}

/* @created: just made by us: neither checked nor truncated. */
static struct file *open_path(const struct path *p, u32 o_flags, bool created)
{
	struct file *f;
	int err;

	if (!created) {
		if (o_flags & O_DIRECTORY && !inode_is_dir(p->dentry->inode))
			return ERR_PTR(-ENOTDIR);
		err = open_check(p, access_mask(o_flags), o_flags);
		if (err)
			return ERR_PTR(err);
	}
	f = file_alloc();
	if (IS_ERR(f))
		return f;
	f = open_dentry(f, p, o_flags);
	if (IS_ERR(f))
		return f;
	if (o_flags & O_TRUNC && !created) {
		err = truncate_opened(f);
		if (err) {
			file_put(f);
			return ERR_PTR(err);
		}
	}
	notify_dentry(p->dentry, IN_OPEN);
	return f;
}

struct file *file_open_path(const struct path *p, u32 o_flags, const struct cred *cred)
{
	const struct cred *old = cred_override(cred);
	struct file *f = open_path(p, o_flags, false);

	cred_revert(old);
	return f;
}

struct file *file_open(const char *name, u32 o_flags, u32 mode)
{
	return path_open(AT_FDCWD, name, o_flags, mode, 0);
}

/* ---- O_CREAT ---- */

/* In sticky directories that others may write, no surprise: what somebody else put there is not opened by O_CREAT. */
static int may_create_in_sticky(const struct inode *dir, const struct inode *i)
{
	if (!(dir->mode & S_ISVTX) || i->uid == dir->uid || i->uid == current_cred()->fsuid)
		return 0;
	return dir->mode & S_IWOTH || (dir->mode & S_IWGRP && inode_is_reg(i)) ? -EACCES : 0;
}

/* Create @d, negative, in the locked parent of w->path. */
static int create_locked(struct walk *w, struct dentry *d, u32 o_flags, u32 mode)
{
	struct inode *dir = w->path.dentry->inode;
	int err;

	err = mount_want_write(w->path.mount);
	if (!err)
		err = dir_may_create(&w->path, dir, d);
	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	mode &= ~atomic_load(&current()->fs->umask);
	err = dir->ops->create(dir, d, (mode & 07777) | S_IFREG, o_flags & O_EXCL);
	if (!err)
		notify_child(dir, IN_CREATE, d->name, d->name_len, 0);
	return err;
}

/* The last component: the dentry, made if it was not there. *created says so. Pinned. */
static struct dentry *find_or_create(struct walk *w, u32 o_flags, u32 mode, bool *created)
{
	struct dentry *parent = w->path.dentry, *d;
	struct inode *dir = parent->inode;
	int err = 0;

	*created = false;
	if (!(o_flags & O_EXCL)) {
		d = d_lookup(parent, w->last, w->last_len);
		if (d && d_is_positive(d) && !(d->ops && d->ops->revalidate))
			return d;
		d_put(d);
	}
	inode_lock_parent(dir);
	d = lookup_locked(parent, w->last, w->last_len, 0);
	if (!IS_ERR(d) && !d_is_positive(d)) {
		err = create_locked(w, d, o_flags, mode);
		*created = !err;
	}
	inode_unlock_parent(dir);
	if (err) {
		d_put(d);
		return ERR_PTR(err);
	}
	return d;
}

static int check_existing(struct walk *w, const struct inode *dir, const struct path *p, u32 o_flags)
{
	struct inode *i = p->dentry->inode;

	if (w->flags & WALK_NO_XDEV && p->mount != w->path.mount)
		return -EXDEV;
	if (inode_is_dir(i))
		return -EISDIR;
	return may_create_in_sticky(dir, i);
}

/* w stands on the parent, pinned. Return: 1: a symlink to be followed; 0: *out; -errno */
static int create_last(struct walk *w, u32 o_flags, u32 mode, struct file **out)
{
	struct inode *dir = w->path.dentry->inode;
	bool created;
	int err;

	if (w->type != LAST_NORMAL)
		return o_flags & O_EXCL ? -EEXIST : -EISDIR;
	if (w->trailing_slash)
		return -EISDIR;
	struct dentry *d = find_or_create(w, o_flags, mode, &created);

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (!created && o_flags & O_EXCL) {
		d_put(d);
		return -EEXIST;
	}
	if (!created && inode_is_link(d->inode)) {
		if (!(o_flags & O_NOFOLLOW)) {
			err = walk_follow_pinned(w, d);
			return err;
		}
		d_put(d);
		return -ELOOP;
	}
	struct path p = { mount_get(w->path.mount), d };

	path_cross_mounts(&p);
	err = created ? 0 : check_existing(w, dir, &p, o_flags);
	*out = err ? ERR_PTR(err) : open_path(&p, o_flags, created);
	path_put(&p);
	return IS_ERR(*out) ? (int)PTR_ERR(*out) : 0;
}

static struct file *open_magic_target(struct walk *w, u32 o_flags)
{
	if (inode_is_dir(w->inode))
		return ERR_PTR(-EISDIR);
	return open_path(&w->path, o_flags, false);
}

static struct file *create_once(struct walk *w, int dirfd, const char *name, u32 o_flags, u32 mode, u32 flags, bool rcu)
{
	struct file *f = NULL;
	int err = walk_start(w, dirfd, NULL, name, flags, rcu);

	while (!err) {
		err = walk_to_parent(w);
		if (!err)
			err = walk_pin(w);
		if (err)
			break;
		unsigned depth = w->depth;
		struct dentry *at = w->path.dentry;

		err = create_last(w, o_flags, mode, &f);
		if (err < 0)
			break;
		if (!f && err == 0 && w->depth == depth && at != w->path.dentry)
			f = open_magic_target(w, o_flags);	/* the walk has arrived through a magic link */
		if (f)
			break;
		err = 0;
	}
	walk_abort(w);
	return err ? ERR_PTR(err) : f;
}

static struct file *open_create(int dirfd, const char *name, u32 o_flags, u32 mode, u32 flags)
{
	struct walk w;
	struct file *f = create_once(&w, dirfd, name, o_flags, mode, flags, true);

	if (IS_ERR(f) && PTR_ERR(f) == -ECHILD)
		f = create_once(&w, dirfd, name, o_flags, mode, flags, false);
	return f;
}

/* ---- O_TMPFILE ---- */

static struct file *open_tmpfile(int dirfd, const char *name, u32 o_flags, u32 mode, u32 flags)
{
	struct path dir, p;
	struct file *f = NULL;
	int err = path_lookup(dirfd, name, flags | WALK_FOLLOW | WALK_DIRECTORY, &dir);

	if (err)
		return ERR_PTR(err);
	struct inode *di = dir.dentry->inode;

	err = mount_want_write(dir.mount);
	if (!err)
		err = inode_permission(di, MAY_WRITE | MAY_EXEC);
	if (!err && !di->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (err)
		goto out;
	p = (struct path){ dir.mount, d_alloc(dir.dentry, "#", 1) };
	err = -ENOMEM;
	if (!p.dentry)
		goto out;
	inode_lock_parent(di);
	err = di->ops->tmpfile(di, p.dentry, (mode & ~atomic_load(&current()->fs->umask) & 07777) | S_IFREG);
	inode_unlock_parent(di);
	if (!err) {
		if (!(o_flags & O_EXCL))
			__atomic_fetch_or(&p.dentry->inode->state, INODE_LINKABLE, __ATOMIC_RELAXED);
		f = open_path(&p, o_flags, true);
	}
	d_put(p.dentry);
out:
	path_put(&dir);
	return err ? ERR_PTR(err) : f;
}

/* ---- open(2) ---- */

struct file *path_open(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags)
{
	struct path p;
	int err;

	if (o_flags & O_PATH) {
		o_flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	} else {
		o_flags |= 0100000;	/* O_LARGEFILE: 64-bit programs always have it */
		if ((o_flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
			return ERR_PTR(-EINVAL);
		if ((o_flags & O_TMPFILE) == O_TMPFILE)
			return open_tmpfile(dirfd, name, o_flags, mode, walk_flags);
		if (o_flags & O_CREAT)
			return open_create(dirfd, name, o_flags, mode, walk_flags);
	}
	if (!(o_flags & O_NOFOLLOW))
		walk_flags |= WALK_FOLLOW;
	if (o_flags & O_DIRECTORY)
		walk_flags |= WALK_DIRECTORY;
	err = path_lookup(dirfd, name, walk_flags, &p);
	if (err)
		return ERR_PTR(err);
	struct file *f = o_flags & O_PATH ? file_open_as_path(&p, o_flags) : open_path(&p, o_flags, false);

	path_put(&p);
	return f;
}
