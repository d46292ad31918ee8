/*
 * Operations on names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * vfs_*at() resolve names, in the order in which Linux finds fault; vfs_*_in() work on a locked parent, and are what stacking
 * file systems call.  Order of locks: super->rename_lock if the parents differ, parents (the upper one first), the victim.
 *
 * Source: the man pages of section 2; path_resolution(7); Linux Documentation/filesystems/directory-locking.rst;
 * Documentation/admin-guide/sysctl/fs.rst (protected_hardlinks).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/cred.h"
#include "vfs/internal.h"
#include "vfs/notify.h"

/* ---- may we? ---- */

static int dir_alive(const struct inode *dir)
{
	return dir->state & INODE_DEAD_DIR ? -ENOENT : 0;
}

static int may_create(struct inode *dir, struct dentry *d)
{
	if (d_is_positive(d))
		return -EEXIST;
	int err = dir_alive(dir);

	return err ? err : inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int dir_may_create(const struct path *parent, struct inode *dir, struct dentry *d)
{
	return may_create(dir, d);
}

int dir_may_delete(struct inode *dir, struct dentry *d, bool isdir)
{
	struct inode *i = d->inode;
	int err;

	if (!i)
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (dir->iflags & IFLAG_APPEND)
		return -EPERM;
	if (dir->mode & S_ISVTX) {
		u32 me = current_cred()->fsuid;

		if (me != i->uid && me != dir->uid && !capable(CAP_FOWNER))
			return -EPERM;
	}
	if (i->iflags & (IFLAG_APPEND | IFLAG_IMMUTABLE))
		return -EPERM;
	if (isdir && !inode_is_dir(i))
		return -ENOTDIR;
	if (isdir && d->parent == d)
		return -EBUSY;
	if (!isdir && inode_is_dir(i))
		return -EISDIR;
	return dir_alive(dir);
}

/* ---- on locked parents ---- */

static u32 apply_umask(u32 mode)
{
	return mode & ~(atomic_load(&current()->fs->umask) & 0777);
}

static void notify_created(struct inode *dir, struct dentry *d, u32 more)
{
	notify_child(dir, IN_CREATE | more, d->name, d->name_len, 0);
}

int vfs_create_in(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	u32 type = mode & S_IFMT;
	int err = may_create(dir, d);

	if (err)
		return err;
	if (type == S_IFREG || !type) {
		if (!dir->ops->create)
			return -EACCES;
		err = dir->ops->create(dir, d, (mode & 07777) | S_IFREG, true);
	} else {
		if ((type == S_IFCHR || type == S_IFBLK) && !(type == S_IFCHR && !rdev) && !capable(CAP_MKNOD))
			return -EPERM;
		if (!dir->ops->mknod)
			return -EPERM;
		err = dir->ops->mknod(dir, d, mode, rdev);
	}
	if (!err)
		notify_created(dir, d, 0);
	return err;
}

int vfs_mkdir_in(struct inode *dir, struct dentry *d, u32 mode)
{
	int err = may_create(dir, d);

	if (err)
		return err;
	if (!dir->ops->mkdir)
		return -EPERM;
	err = dir->ops->mkdir(dir, d, (mode & (0777 | S_ISVTX)) | S_IFDIR);
	if (!err)
		notify_created(dir, d, IN_ISDIR);
	return err;
}

int vfs_symlink_in(struct inode *dir, struct dentry *d, const char *target)
{
	int err = may_create(dir, d);

	if (err)
		return err;
	if (!dir->ops->symlink)
		return -EPERM;
	err = dir->ops->symlink(dir, d, target);
	if (!err)
		notify_created(dir, d, 0);
	return err;
}

int vfs_link_in(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	int err;

	if (!i)
		return -ENOENT;
	err = may_create(dir, d);
	if (err)
		return err;
	if (dir->super != i->super)
		return -EXDEV;
	if (i->iflags & (IFLAG_APPEND | IFLAG_IMMUTABLE))
		return -EPERM;
	if (!dir->ops->link || inode_is_dir(i))
		return -EPERM;
	inode_lock(i);
	if (!i->nlink && !(i->state & INODE_LINKABLE))
		err = -ENOENT;
	else
		err = dir->ops->link(old, dir, d);
	if (!err)
		__atomic_fetch_and(&i->state, ~(u32)INODE_LINKABLE, __ATOMIC_RELAXED);
	inode_unlock(i);
	if (!err) {
		notify_inode(i, IN_ATTRIB);
		notify_created(dir, d, 0);
	}
	return err;
}

int vfs_unlink_in(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = dir_may_delete(dir, d, false);

	if (err)
		return err;
	if (!dir->ops->unlink)
		return -EPERM;
	inode_get(i);
	inode_lock(i);
	err = dentry_is_mountpoint(d) ? -EBUSY : dir->ops->unlink(dir, d);
	inode_unlock(i);
	if (!err) {
		mounts_detach_dentry(d);
		notify_inode(i, IN_ATTRIB);
		d_delete(d);
		notify_child(dir, IN_DELETE, d->name, d->name_len, 0);
	}
	inode_put(i);
	return err;
}

int vfs_rmdir_in(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = dir_may_delete(dir, d, true);

	if (err)
		return err;
	if (!dir->ops->rmdir)
		return -EPERM;
	inode_get(i);
	inode_lock(i);
	err = dentry_is_mountpoint(d) ? -EBUSY : dir->ops->rmdir(dir, d);
	if (!err)
		__atomic_fetch_or(&i->state, INODE_DEAD_DIR, __ATOMIC_SEQ_CST);
	inode_unlock(i);
	if (!err) {
		d_prune_children(d);
		mounts_detach_dentry(d);
		d_delete(d);
		notify_child(dir, IN_DELETE | IN_ISDIR, d->name, d->name_len, 0);
	}
	inode_put(i);
	return err;
}

/* ---- rename ---- */

static int rename_check(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	bool isdir = inode_is_dir(old->inode);
	int err = dir_may_delete(olddir, old, isdir);

	if (err)
		return err;
	if (!new->inode) {
		err = may_create(newdir, new);
	} else {
		bool want = flags & RENAME_EXCHANGE ? inode_is_dir(new->inode) : isdir;

		err = dir_may_delete(newdir, new, want);
	}
	if (err)
		return err;
	if (!olddir->ops->rename)
		return -EPERM;
	/* a directory that gets another parent is written: its ".." changes */
	if (olddir != newdir) {
		if (isdir)
			err = inode_permission(old->inode, MAY_WRITE);
		if (!err && flags & RENAME_EXCHANGE && inode_is_dir(new->inode))
			err = inode_permission(new->inode, MAY_WRITE);
	}
	return err;
}

static void notify_renamed(struct inode *olddir, struct inode *newdir, const char *oldname, u32 oldlen, struct dentry *d)
{
	u32 dir = inode_is_dir(d->inode) ? IN_ISDIR : 0, cookie = notify_cookie();

	notify_child(olddir, IN_MOVED_FROM | dir, oldname, oldlen, cookie);
	notify_child(newdir, IN_MOVED_TO | dir, d->name, d->name_len, cookie);
	notify_inode(d->inode, IN_MOVE_SELF | dir);
}

/* The file system has done it: move the dentries. */
static void rename_commit(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	char oldname[256];
	u32 oldlen = old->name_len;
	struct inode *victim = flags & RENAME_EXCHANGE ? NULL : new->inode;

	memcpy(oldname, old->name, oldlen + 1);
	if (flags & RENAME_EXCHANGE) {
		d_exchange(old, new);
		notify_renamed(newdir, olddir, old->name, old->name_len, new);
	} else {
		if (victim && inode_is_dir(victim))
			__atomic_fetch_or(&victim->state, INODE_DEAD_DIR, __ATOMIC_SEQ_CST);
		d_move(old, new);
	}
	notify_renamed(olddir, newdir, oldname, oldlen, old);
	if (victim)
		notify_inode(victim, IN_ATTRIB);
}

int vfs_rename_in(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	struct inode *victim = new->inode;
	int err;

	if (!old->inode)
		return -ENOENT;
	if (old->inode == victim)
		return 0;
	err = rename_check(olddir, old, newdir, new, flags);
	if (err)
		return err;
	if (victim) {
		inode_get(victim);
		inode_lock(victim);
	}
	if (dentry_is_mountpoint(old) || (victim && dentry_is_mountpoint(new)))
		err = -EBUSY;
	else
		err = olddir->ops->rename(olddir, old, newdir, new, flags);
	if (!err)
		rename_commit(olddir, old, newdir, new, flags);
	if (victim) {
		inode_unlock(victim);
		if (!err && !(flags & RENAME_EXCHANGE))
			mounts_detach_dentry(new);
		inode_put(victim);
	}
	return err;
}

struct dentry *vfs_lookup_one(const struct path *parent, const char *name, size_t len)
{
	struct dentry *d;

	if (len > 255)
		return ERR_PTR(-ENAMETOOLONG);
	inode_lock_parent(parent->dentry->inode);
	d = lookup_locked(parent->dentry, name, (u32)len, 0);
	inode_unlock_parent(parent->dentry->inode);
	return d;
}

/* ---- by name: things that are made ---- */

struct creation {
	struct walk_parent w;
	struct inode *dir;
	struct dentry *d;
};

/* Resolve, lock the parent, and make sure that the name is free. */
static int creation_begin(struct creation *c, int dirfd, const char *name, bool isdir)
{
	int err = path_lookup_parent(dirfd, name, 0, &c->w);

	if (err)
		return err;
	if (c->w.type != LAST_NORMAL) {
		err = -EEXIST;
		goto out_path;
	}
	c->dir = c->w.parent.dentry->inode;
	inode_lock_parent(c->dir);
	c->d = lookup_locked(c->w.parent.dentry, c->w.last, c->w.len, 0);
	err = IS_ERR(c->d) ? (int)PTR_ERR(c->d) : 0;
	if (err)
		goto out_unlock;
	if (d_is_positive(c->d))
		err = -EEXIST;
	else if (c->w.trailing_slash && !isdir)
		err = -ENOENT;
	else
		err = mount_want_write(c->w.parent.mount);
	if (!err)
		return 0;
	d_put(c->d);
out_unlock:
	inode_unlock_parent(c->dir);
out_path:
	path_put(&c->w.parent);
	return err;
}

static int creation_end(struct creation *c, int err)
{
	inode_unlock_parent(c->dir);
	d_put(c->d);
	path_put(&c->w.parent);
	return err;
}

int vfs_mkdirat(int dirfd, const char *name, u32 mode)
{
	struct creation c;
	int err = creation_begin(&c, dirfd, name, true);

	return err ? err : creation_end(&c, vfs_mkdir_in(c.dir, c.d, apply_umask(mode)));
}

int vfs_mknodat(int dirfd, const char *name, u32 mode, u64 rdev)
{
	struct creation c;
	u32 type = mode & S_IFMT;
	int err;

	if (type == S_IFDIR)
		return -EPERM;
	if (type && type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	err = creation_begin(&c, dirfd, name, false);
	if (err)
		return err;
	mode = type ? apply_umask(mode) : apply_umask(mode) | S_IFREG;
	return creation_end(&c, vfs_create_in(c.dir, c.d, mode, type == S_IFCHR || type == S_IFBLK ? rdev : 0));
}

int vfs_symlinkat(const char *target, int dirfd, const char *name)
{
	struct creation c;
	int err;

	if (!*target)
		return -ENOENT;
	err = creation_begin(&c, dirfd, name, false);
	return err ? err : creation_end(&c, vfs_symlink_in(c.dir, c.d, target));
}

/* protected_hardlinks: no links to what one neither owns nor may read and write, nor to privileged programs. */
static int may_link(struct inode *i)
{
	bool safe = inode_is_reg(i) && !(i->mode & S_ISUID) && (i->mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) &&
		    !inode_permission(i, MAY_READ | MAY_WRITE);

	return safe || inode_owner_or_capable(i) ? 0 : -EPERM;
}

int vfs_linkat(int olddir, const char *old, int newdir, const char *new, u32 at_flags)
{
	struct creation c;
	struct path p;
	u32 flags = 0;
	int err;

	if (at_flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (at_flags & AT_EMPTY_PATH) {
		if (!capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		flags |= WALK_EMPTY;
	}
	if (at_flags & AT_SYMLINK_FOLLOW)
		flags |= WALK_FOLLOW;
	err = path_lookup(olddir, old, flags, &p);
	if (err)
		return err;
	err = creation_begin(&c, newdir, new, false);
	if (err)
		goto out_path;
	if (p.mount != c.w.parent.mount)
		err = -EXDEV;
	else
		err = may_link(p.dentry->inode);
	if (!err)
		err = vfs_link_in(p.dentry, c.dir, c.d);
	err = creation_end(&c, err);
out_path:
	path_put(&p);
	return err;
}

/* ---- by name: things that go ---- */

static int last_type_error(const struct walk_parent *w, bool isdir)
{
	if (w->type == LAST_NORMAL)
		return 0;
	if (!isdir)
		return -EISDIR;
	return w->type == LAST_DOT ? -EINVAL : w->type == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
}

static int remove_locked(struct walk_parent *w, struct inode *dir, struct dentry *d, bool isdir)
{
	if (!d_is_positive(d))
		return -ENOENT;
	if (!isdir && w->trailing_slash)
		return inode_is_dir(d->inode) ? -EISDIR : -ENOTDIR;
	return isdir ? vfs_rmdir_in(dir, d) : vfs_unlink_in(dir, d);
}

int vfs_unlinkat(int dirfd, const char *name, u32 at_flags)
{
	bool isdir = at_flags & AT_REMOVEDIR;
	struct inode *victim = NULL;
	struct walk_parent w;
	int err;

	if (at_flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	err = path_lookup_parent(dirfd, name, 0, &w);
	if (err)
		return err;
	err = last_type_error(&w, isdir);
	if (!err)
		err = mount_want_write(w.parent.mount);
	if (err)
		goto out_path;
	struct inode *dir = w.parent.dentry->inode;

	inode_lock_parent(dir);
	struct dentry *d = lookup_locked(w.parent.dentry, w.last, w.len, 0);

	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else {
		victim = d->inode;
		if (victim)
			inode_get(victim);	/* its pages go after the parent's lock */
		err = remove_locked(&w, dir, d, isdir);
		d_put(d);
	}
	inode_unlock_parent(dir);
	inode_put(victim);
out_path:
	path_put(&w.parent);
	return err;
}

/* ---- rename by name ---- */

/*
 * Lock two directories of one super. Return: the child of the upper one that leads to the other, if they lie on one path.
 * One directory has two dentries if one of them was removed and the server of a network file system used its number again.
 */
static struct dentry *lock_parents(struct dentry *a, struct dentry *b)
{
	if (a->inode == b->inode) {
		inode_lock_parent(a->inode);
		return NULL;
	}
	mutex_lock(&a->super->rename_lock);
	struct dentry *trap = d_child_towards(b, a), *first = trap ? b : a, *second = trap ? a : b;

	if (!trap)
		trap = d_child_towards(a, b);
	rwsem_write_lock_nested(&first->inode->lock, inode_rank_parent(first->inode));
	rwsem_write_lock_nested(&second->inode->lock, inode_rank_parent2(second->inode));
	return trap;
}

static void unlock_parents(struct dentry *a, struct dentry *b)
{
	if (a->inode == b->inode) {
		inode_unlock_parent(a->inode);
		return;
	}
	struct dentry *first = d_is_below(a, b) ? b : a, *second = first == a ? b : a;

	rwsem_write_unlock_nested(&second->inode->lock, inode_rank_parent2(second->inode));
	rwsem_write_unlock_nested(&first->inode->lock, inode_rank_parent(first->inode));
	mutex_unlock(&a->super->rename_lock);
}

struct renaming {
	struct walk_parent from, to;
	struct dentry *old, *new, *trap;
	unsigned flags;
};

static int renaming_names(const struct renaming *r)
{
	if (r->from.type != LAST_NORMAL)
		return -EBUSY;
	if (r->to.type != LAST_NORMAL)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return mount_want_write(r->from.parent.mount);
}

static int renaming_check(const struct renaming *r)
{
	if (!d_is_positive(r->old))
		return -ENOENT;
	if (r->flags & RENAME_NOREPLACE && d_is_positive(r->new))
		return -EEXIST;
	if (r->flags & RENAME_EXCHANGE) {
		if (!d_is_positive(r->new))
			return -ENOENT;
		if (!inode_is_dir(r->new->inode) && r->to.trailing_slash)
			return -ENOTDIR;
	}
	if (!inode_is_dir(r->old->inode)) {
		if (r->from.trailing_slash || (!(r->flags & RENAME_EXCHANGE) && r->to.trailing_slash))
			return -ENOTDIR;
	}
	if (r->old == r->trap)
		return -EINVAL;
	if (r->new == r->trap)
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int renaming_locked(struct renaming *r)
{
	struct dentry *pa = r->from.parent.dentry, *pb = r->to.parent.dentry;
	int err;

	r->old = lookup_locked(pa, r->from.last, r->from.len, 0);
	if (IS_ERR(r->old))
		return (int)PTR_ERR(r->old);
	r->new = lookup_locked(pb, r->to.last, r->to.len, 0);
	if (IS_ERR(r->new)) {
		err = (int)PTR_ERR(r->new);
	} else {
		err = renaming_check(r);
		if (!err)
			err = vfs_rename_in(pa->inode, r->old, pb->inode, r->new, r->flags);
		d_put(r->new);
	}
	d_put(r->old);
	return err;
}

int vfs_renameat(int olddir, const char *old, int newdir, const char *new, u32 flags)
{
	struct renaming r = { .flags = flags };
	int err;

	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) && flags & RENAME_EXCHANGE)
		return -EINVAL;
	err = path_lookup_parent(olddir, old, 0, &r.from);
	if (err)
		return err;
	err = path_lookup_parent(newdir, new, 0, &r.to);
	if (err)
		goto out_from;
	err = r.from.parent.mount != r.to.parent.mount ? -EXDEV : renaming_names(&r);
	if (!err) {
		r.trap = lock_parents(r.from.parent.dentry, r.to.parent.dentry);
		err = renaming_locked(&r);
		unlock_parents(r.from.parent.dentry, r.to.parent.dentry);
	}
	path_put(&r.to.parent);
out_from:
	path_put(&r.from.parent);
	return err;
}
