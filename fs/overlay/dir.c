/*
 * Changing directories of an overlay.  All operations come with the overlay directory locked, so that what the overlay shows at
 * a name changes in one step, though the upper directory may change in two.
 *
 * New objects are made with the caller's own credentials, which have been checked against the overlay directory and
 * make the owner right; whiteouts and all else with the mounter's.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "kern/slab.h"

/* ---- real directories ---- */

static void lock_real(const struct path *dir)
{
	rwsem_write_lock_nested(&dir->dentry->inode->lock, RANK_INODE_PARENT);
}

static void unlock_real(const struct path *dir)
{
	rwsem_write_unlock_nested(&dir->dentry->inode->lock, RANK_INODE_PARENT);
}

/* The upper dentry of a name of an overlay directory that has an upper. ERR_PTR */
static struct dentry *upper_lookup(struct inode *dir, const struct dentry *d)
{
	struct path parent = ovl_upper_path(dir);
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	struct dentry *real = real_lookup(&parent, d->name, d->name_len);

	cred_revert(old);
	return real ? real : ERR_PTR(-EIO);
}

/* Remove an upper object with the mounter's rights. */
static int upper_remove(struct inode *dir, struct dentry *real)
{
	struct path parent = ovl_upper_path(dir);
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	int err;

	lock_real(&parent);
	if (real->parent != parent.dentry)
		err = -ESTALE;
	else if ((real->inode->mode & S_IFMT) == S_IFDIR)
		err = vfs_rmdir_in(parent.dentry->inode, real);
	else
		err = vfs_unlink_in(parent.dentry->inode, real);
	unlock_real(&parent);
	cred_revert(old);
	return err;
}

/* Make a whiteout at a free upper name. */
static int make_whiteout(struct inode *dir, const struct dentry *d)
{
	struct path parent = ovl_upper_path(dir);
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	struct dentry *real = real_lookup(&parent, d->name, d->name_len);
	int err = IS_ERR_OR_NULL(real) ? (real ? PTR_ERR(real) : -EIO) : 0;

	if (!err) {
		lock_real(&parent);
		err = d_is_positive(real) ? -EEXIST : vfs_create_in(parent.dentry->inode, real, S_IFCHR, 0);
		unlock_real(&parent);
		d_put(real);
	}
	cred_revert(old);
	return err;
}

static int set_opaque(struct super *s, struct dentry *real)
{
	const struct cred *old = cred_override(ovl_of(s)->cred);
	int err = real_setxattr(real, OVL_XATTR_OPAQUE, "y", 1);

	cred_revert(old);
	return err;
}

static int lower_has(struct inode *dir, const struct dentry *d)
{
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	int has = ovl_lower_has(dir, d->name, d->name_len);

	cred_revert(old);
	return has;
}

/* ---- making ---- */

/*
 * Make @d's parent upper and its name there free.
 * Return: the negative upper dentry with a reference, or ERR_PTR; *covers: a whiteout was there: something lies below
 */
static struct dentry *prepare_name(struct inode *dir, struct dentry *d, bool *covers)
{
	int err = ovl_copy_up(d->parent, ~0ull);
	struct dentry *real;

	*covers = false;
	if (err)
		return ERR_PTR(err);
	real = upper_lookup(dir, d);
	if (IS_ERR(real) || !d_is_positive(real))
		return real;
	if (!ovl_is_whiteout(real)) {
		d_put(real);
		return ERR_PTR(-EEXIST);
	}
	*covers = true;
	err = upper_remove(dir, real);
	d_put(real);
	return err ? ERR_PTR(err) : upper_lookup(dir, d);
}

/* The upper directory's times and link count are the overlay directory's too. */
static void dir_changed(struct inode *dir)
{
	if (!ovl_inode(dir)->lower_count)
		dir->nlink = 0;		/* take the real one's */
	ovl_sync_attrs(dir);
}

/* The real object is there: show it. Consumes the reference to @real. */
static int instantiate(struct inode *dir, struct dentry *d, struct dentry *real)
{
	struct inode *i = ovl_inode_new(dir->super, real, NULL, 0);

	if (IS_ERR(i))
		return PTR_ERR(i);
	d_instantiate(d, i);
	dir_changed(dir);
	return 0;
}

static int make_real(struct inode *dir, struct dentry *real, u32 mode, u64 rdev, const char *target)
{
	struct path parent = ovl_upper_path(dir);
	int err;

	lock_real(&parent);
	if (real->parent != parent.dentry)
		err = -ESTALE;
	else if ((mode & S_IFMT) == S_IFDIR)
		err = vfs_mkdir_in(parent.dentry->inode, real, mode & 07777);
	else if ((mode & S_IFMT) == S_IFLNK)
		err = vfs_symlink_in(parent.dentry->inode, real, target);
	else
		err = vfs_create_in(parent.dentry->inode, real, mode, rdev);
	unlock_real(&parent);
	return err;
}

static int make(struct inode *dir, struct dentry *d, u32 mode, u64 rdev, const char *target)
{
	bool covers;
	struct dentry *real = prepare_name(dir, d, &covers);
	int err;

	if (IS_ERR(real))
		return PTR_ERR(real);
	err = make_real(dir, real, mode, rdev, target);
	if (!err && covers && (mode & S_IFMT) == S_IFDIR) {
		err = set_opaque(dir->super, real);
		if (err)
			(void)!upper_remove(dir, real);
	}
	if (!err)
		return instantiate(dir, d, real);
	d_put(real);
	if (covers)
		(void)!make_whiteout(dir, d);	/* best effort: the first error is the one to tell */
	return err;
}

static int ovl_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make(dir, d, (mode & 07777) | S_IFREG, 0, NULL);
}

static int ovl_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, (mode & 07777) | S_IFDIR, 0, NULL);
}

static int ovl_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	if ((mode & S_IFMT) == S_IFCHR && rdev == 0)
		return -EPERM;	/* that is a whiteout */
	return make(dir, d, mode, rdev, NULL);
}

static int ovl_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, S_IFLNK | 0777, 0, target);
}

static int ovl_link(struct dentry *old_d, struct inode *dir, struct dentry *d)
{
	struct inode *i = old_d->inode;
	const struct cred *old;
	struct dentry *from, *real;
	struct path parent;
	bool covers;
	int err = ovl_copy_up(old_d, ~0ull);

	if (err)
		return err;
	real = prepare_name(dir, d, &covers);
	if (IS_ERR(real))
		return PTR_ERR(real);
	from = ovl_upper(ovl_inode(i));
	parent = ovl_upper_path(dir);
	if (i->state & INODE_LINKABLE)
		atomic_or(&from->inode->state, (u32)INODE_LINKABLE);
	old = cred_override(ovl_of(dir->super)->cred);
	lock_real(&parent);
	err = vfs_link_in(from, parent.dentry->inode, real);
	unlock_real(&parent);
	cred_revert(old);
	d_put(real);
	if (err) {
		if (covers)
			(void)!make_whiteout(dir, d);
		return err;
	}
	inode_get(i);
	ovl_sync_attrs(i);
	d_instantiate(d, i);
	dir_changed(dir);
	return 0;
}

static int ovl_tmpfile(struct inode *dir, struct dentry *d, u32 mode)
{
	struct path parent;
	struct dentry *real;
	struct inode *i;
	int err = ovl_copy_up(d->parent, ~0ull);

	if (err)
		return err;
	parent = ovl_upper_path(dir);
	if (!parent.dentry->inode->ops->tmpfile)
		return -EOPNOTSUPP;
	real = d_alloc(parent.dentry, d->name, d->name_len);
	if (!real)
		return -ENOMEM;
	lock_real(&parent);
	err = parent.dentry->inode->ops->tmpfile(parent.dentry->inode, real, mode);
	unlock_real(&parent);
	if (err) {
		d_put(real);
		return err;
	}
	i = ovl_inode_new(dir->super, real, NULL, 0);
	if (IS_ERR(i))
		return PTR_ERR(i);
	d_tmpfile(d, i);
	return 0;
}

/* ---- removing ---- */

/*
 * Take a name away: its upper object goes, and a whiteout comes if a lower layer has the name.  Under the inode's copy_lock, so
 * that no copy-up brings it back.
 */
static int remove_name(struct inode *dir, struct dentry *d)
{
	struct ovl_inode *o = ovl_inode(d->inode);
	int covers, err = ovl_copy_up(d->parent, ~0ull);
	struct dentry *real;

	if (err)
		return err;
	covers = lower_has(dir, d);
	if (covers < 0)
		return covers;
	real = upper_lookup(dir, d);
	if (IS_ERR(real))
		return PTR_ERR(real);
	mutex_lock(&o->copy_lock);
	if (d_is_positive(real))
		err = upper_remove(dir, real);
	if (!err && covers)
		err = make_whiteout(dir, d);
	if (!err && !o->upper)
		o->gone = true;
	mutex_unlock(&o->copy_lock);
	d_put(real);
	return err;
}

static int ovl_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = remove_name(dir, d);

	if (err)
		return err;
	if (ovl_upper(ovl_inode(i)))
		ovl_sync_attrs(i);
	else
		inode_drop_nlink(i);
	dir_changed(dir);
	return 0;
}

static int ovl_rmdir(struct inode *dir, struct dentry *d)
{
	int err = ovl_check_empty(d, true);

	if (!err)
		err = remove_name(dir, d);
	if (err)
		return err;
	d->inode->nlink = 0;
	dir_changed(dir);
	return 0;
}

/* ---- rename ---- */

/* A directory that a lower layer takes part in stays where it is: programs then copy it (EXDEV), as with redirect_dir=off. */
static bool is_rooted_below(const struct dentry *d)
{
	return d->inode && ovl_is_dir(d->inode) && ovl_inode(d->inode)->lower_count;
}

struct renaming {
	struct inode *olddir, *newdir;
	struct dentry *old, *new;		/* of the overlay */
	unsigned flags;
	int old_covers, new_covers;		/* a lower layer has the name */
	struct dentry *real_old, *real_new;
};

static int rename_check(struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;

	if (r->flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (is_rooted_below(r->old) || (exchange && is_rooted_below(r->new)))
		return -EXDEV;
	if (!exchange && r->new->inode && ovl_is_dir(r->new->inode))
		return ovl_check_empty(r->new, true);
	return 0;
}

static int rename_copy_up(struct renaming *r)
{
	int err = ovl_copy_up(r->old, ~0ull);

	if (!err)
		err = ovl_copy_up(r->new->parent, ~0ull);
	if (!err && (r->flags & RENAME_EXCHANGE))
		err = ovl_copy_up(r->new, ~0ull);
	if (err)
		return err;
	r->old_covers = lower_has(r->olddir, r->old);
	if (r->old_covers < 0)
		return r->old_covers;
	r->new_covers = lower_has(r->newdir, r->new);
	return MIN(r->new_covers, 0);
}

/* Directories that come to lie over a lower object must hide it; a whiteout in a directory's way must go. */
static int rename_clear_way(struct renaming *r)
{
	int err = 0;

	if (ovl_is_dir(r->old->inode) && r->new_covers)
		err = set_opaque(r->old->super, r->real_old);
	if (!err && (r->flags & RENAME_EXCHANGE) && ovl_is_dir(r->new->inode) && r->old_covers)
		err = set_opaque(r->old->super, r->real_new);
	if (!err && ovl_is_dir(r->old->inode) && ovl_is_whiteout(r->real_new)) {
		err = upper_remove(r->newdir, r->real_new);
		d_put(r->real_new);
		r->real_new = err ? NULL : upper_lookup(r->newdir, r->new);
		if (IS_ERR(r->real_new)) {
			err = PTR_ERR(r->real_new);
			r->real_new = NULL;
		}
	}
	return err;
}

static int rename_real(struct renaming *r)
{
	struct path from = ovl_upper_path(r->olddir), to = ovl_upper_path(r->newdir);
	const struct cred *old = cred_override(ovl_of(r->olddir->super)->cred);
	int err = -ESTALE;

	lock_real(&from);
	if (to.dentry != from.dentry)
		rwsem_write_lock_nested(&to.dentry->inode->lock, RANK_INODE_PARENT2);
	if (r->real_old->parent == from.dentry && r->real_new->parent == to.dentry)
		err = vfs_rename_in(from.dentry->inode, r->real_old, to.dentry->inode, r->real_new, r->flags & RENAME_EXCHANGE);
	if (to.dentry != from.dentry)
		rwsem_write_unlock_nested(&to.dentry->inode->lock, RANK_INODE_PARENT2);
	unlock_real(&from);
	cred_revert(old);
	return err;
}

static int rename_prepared(struct renaming *r)
{
	int err = rename_clear_way(r);

	if (!err)
		err = rename_real(r);
	if (!err && r->old_covers && !(r->flags & RENAME_EXCHANGE))
		err = make_whiteout(r->olddir, r->old);
	return err;
}

static void rename_sync(struct renaming *r)
{
	struct inode *victim = r->flags & RENAME_EXCHANGE ? NULL : r->new->inode;

	if (victim && ovl_is_dir(victim))
		victim->nlink = 0;
	else if (victim && ovl_upper(ovl_inode(victim)))
		ovl_sync_attrs(victim);
	else if (victim)
		inode_drop_nlink(victim);
	ovl_sync_attrs(r->old->inode);
	dir_changed(r->olddir);
	if (r->newdir != r->olddir)
		dir_changed(r->newdir);
}

/* The victim may be copied up at this moment by one who opened it: after this it has no name to come back to. */
static void mark_gone(struct dentry *d)
{
	struct ovl_inode *o = ovl_inode(d->inode);

	mutex_lock(&o->copy_lock);
	if (!o->upper)
		o->gone = true;
	mutex_unlock(&o->copy_lock);
}

static int ovl_rename(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	struct renaming r = { .olddir = olddir, .newdir = newdir, .old = old, .new = new, .flags = flags };
	int err = rename_check(&r);

	if (!err)
		err = rename_copy_up(&r);
	if (err)
		return err;
	if (new->inode && !(flags & RENAME_EXCHANGE))
		mark_gone(new);
	r.real_old = upper_lookup(olddir, old);
	if (IS_ERR(r.real_old))
		return PTR_ERR(r.real_old);
	r.real_new = upper_lookup(newdir, new);
	if (IS_ERR(r.real_new)) {
		err = PTR_ERR(r.real_new);
		goto out_old;
	}
	err = rename_prepared(&r);
	if (!err)
		rename_sync(&r);
	d_put(r.real_new);
out_old:
	d_put(r.real_old);
	return err;
}

const struct inode_ops ovl_dir_ops = {
	.lookup = ovl_lookup,
	.create = ovl_create,
	.mkdir = ovl_mkdir,
	.mknod = ovl_mknod,
	.symlink = ovl_symlink,
	.link = ovl_link,
	.unlink = ovl_unlink,
	.rmdir = ovl_rmdir,
	.rename = ovl_rename,
	.tmpfile = ovl_tmpfile,
	.getattr = ovl_getattr,
	.setattr = ovl_setattr,
	.getxattr = ovl_getxattr,
	.setxattr = ovl_setxattr,
	.listxattr = ovl_listxattr,
	.removexattr = ovl_removexattr,
};
