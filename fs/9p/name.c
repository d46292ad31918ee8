/*
 * Names: lookup, making and removing, symbolic links; and how long a cached name is believed.
 *
 * A lookup is two messages: Twalk of one name to a new fid, Tgetattr of that.  The fid stays with the inode.
 *
 * d->private of a dentry under strict caching: the time (ns) when the name was last seen to be true.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "base/string.h"
#include "fs/9p/p9fs.h"
#include "kern/cred.h"
#include "kern/slab.h"

enum { UNLINK_DIRECTORY = 0x200 };	/* Tunlinkat's flag, AT_REMOVEDIR */

static void name_seen(struct dentry *d)
{
	d->private = (void *)(uintptr_t)plat_mono_ns();
}

/* ---- lookup ---- */

/* Walk to @name in @dir; the inode that is there, or ERR_PTR. */
static struct inode *walk_to(struct inode *dir, const struct p9_name *name)
{
	struct p9_qid qid;
	u32 fid;
	int err = p9_walk_new(p9_client_of(dir), p9_any_fid(dir), name, 1, &fid, &qid);

	return err ? ERR_PTR(err) : p9_inode_get(dir->super, &qid, fid);
}

static struct dentry *p9_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct p9_name name = p9_name_of(d);
	struct inode *i;

	if (name.len > P9_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	i = walk_to(dir, &name);
	name_seen(d);
	if (i == ERR_PTR(-ENOENT)) {
		d_add(d, NULL);
		return NULL;
	}
	return IS_ERR(i) ? ERR_CAST(i) : d_splice(d, i);
}

/* ---- making ---- */

/* The object is there: give the dentry its inode.  What was made just now is no directory that has a name already, whatever the server says. */
static int instantiate(struct inode *dir, struct dentry *d)
{
	struct p9_name name = p9_name_of(d);
	struct inode *i = walk_to(dir, &name);

	p9_dir_changed(dir);
	if (IS_ERR(i))
		return PTR_ERR(i);
	if ((i->mode & S_IFMT) == S_IFDIR && d_dir_has_name(i)) {
		inode_put(i);
		return -EIO;
	}
	name_seen(d);
	d_instantiate(d, i);
	return 0;
}

/* A regular file: created and open at once; that fid serves the open(2) that follows. */
static int p9_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	struct p9_client *c = p9_client_of(dir);
	struct p9_name name = p9_name_of(d);
	struct p9_node *n;
	struct p9_qid qid;
	u32 fid;
	int err = p9_walk_new(c, p9_any_fid(dir), NULL, 0, &fid, &qid);

	if (err)
		return err;
	err = p9_lcreate(c, fid, &name, O_RDWR | O_CREAT | O_LARGEFILE | (excl ? O_EXCL : 0), mode & 07777,
			 current_cred()->fsgid);
	if (!err)
		err = instantiate(dir, d);
	if (err) {
		p9_clunk(c, fid);
		return err;
	}
	n = p9_node(d->inode);
	mutex_lock(&n->lock);
	if (n->write_fid == P9_NOFID) {
		n->write_fid_reads = true;
		atomic_store_release(&n->write_fid, fid);
		fid = P9_NOFID;
	}
	mutex_unlock(&n->lock);
	p9_clunk(c, fid);
	return 0;
}

static int p9_mkdir_op(struct inode *dir, struct dentry *d, u32 mode)
{
	struct p9_name name = p9_name_of(d);
	int err = p9_mkdir(p9_client_of(dir), p9_any_fid(dir), &name, mode & 07777, current_cred()->fsgid);

	return err ? err : instantiate(dir, d);
}

static int p9_mknod_op(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	struct p9_name name = p9_name_of(d);
	int err = p9_mknod(p9_client_of(dir), p9_any_fid(dir), &name, mode, dev_major(rdev), dev_minor(rdev),
			   current_cred()->fsgid);

	return err ? err : instantiate(dir, d);
}

static int p9_symlink_op(struct inode *dir, struct dentry *d, const char *target)
{
	struct p9_name name = p9_name_of(d);
	int err = p9_symlink(p9_client_of(dir), p9_any_fid(dir), &name, target, current_cred()->fsgid);

	return err ? err : instantiate(dir, d);
}

static int p9_link_op(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct p9_name name = p9_name_of(d);
	struct inode *i = old->inode;
	int err = p9_link(p9_client_of(dir), p9_any_fid(dir), p9_any_fid(i), &name);

	if (err)
		return err;
	p9_dir_changed(dir);
	p9_attr_expire(i);
	inode_inc_nlink(i);
	inode_get(i);
	name_seen(d);
	d_instantiate(d, i);
	return 0;
}

/* ---- removing, renaming ---- */

/* For servers that do not know Tunlinkat. */
static int remove_by_fid(struct inode *dir, const struct p9_name *name)
{
	struct p9_client *c = p9_client_of(dir);
	struct p9_qid qid;
	u32 fid;
	int err = p9_walk_new(c, p9_any_fid(dir), name, 1, &fid, &qid);

	return err ? err : p9_remove(c, fid);
}

static bool unknown_message(int err)
{
	return err == -EOPNOTSUPP || err == -ENOSYS;
}

static int remove_name(struct inode *dir, struct dentry *d, u32 flags)
{
	struct p9_mount *m = p9_mount_of(dir);
	struct p9_name name = p9_name_of(d);
	int err = -EOPNOTSUPP;

	if (!m->no_unlinkat)
		err = p9_unlinkat(m->client, p9_any_fid(dir), &name, flags);
	if (unknown_message(err)) {
		m->no_unlinkat = true;
		err = remove_by_fid(dir, &name);
	}
	if (!err)
		p9_dir_changed(dir);
	return err;
}

static int p9_unlink_op(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = remove_name(dir, d, 0);

	if (err)
		return err;
	if (i->nlink)
		inode_drop_nlink(i);
	if (i->nlink)
		p9_attr_expire(i);
	return 0;
}

static int p9_rmdir_op(struct inode *dir, struct dentry *d)
{
	int err = remove_name(dir, d, UNLINK_DIRECTORY);

	if (!err)
		d->inode->nlink = 0;
	return err;
}

static int p9_rename_op(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags)
{
	struct p9_mount *m = p9_mount_of(olddir);
	struct p9_name from = p9_name_of(old), to = p9_name_of(new);
	int err = -EOPNOTSUPP;

	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	if (!m->no_renameat)
		err = p9_renameat(m->client, p9_any_fid(olddir), &from, p9_any_fid(newdir), &to);
	if (unknown_message(err)) {
		m->no_renameat = true;
		err = p9_rename(m->client, p9_any_fid(old->inode), p9_any_fid(newdir), &to);
	}
	if (err)
		return err;
	p9_dir_changed(olddir);
	p9_dir_changed(newdir);
	p9_attr_expire(old->inode);
	if (new->inode && (new->inode->mode & S_IFMT) == S_IFDIR)
		new->inode->nlink = 0;
	else if (new->inode && new->inode->nlink)
		inode_drop_nlink(new->inode);
	name_seen(old);
	return 0;
}

/* ---- symbolic links ---- */

static const char *p9_get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	char *target = atomic_load_acquire(&i->link), *expect = NULL;

	if (target)
		return target;
	target = p9_readlink(p9_client_of(i), p9_any_fid(i));
	if (IS_ERR(target))
		return target;
	if (p9_loose(i)) {
		if (try_cmpxchg(&i->link, &expect, target))
			return target;
		kfree(target);
		return expect;
	}
	*done = (void (*)(void *))kfree;
	*done_arg = target;
	return target;
}

/* ---- how long a name is believed: strict caching only ---- */

/* A name in its parent, as it is now. */
struct name_copy {
	struct dentry *parent;		/* with a reference */
	char text[P9_NAME_MAX + 1];
	struct p9_name name;
};

static bool name_copy(struct dentry *d, struct name_copy *out)
{
	spin_lock(&d->lock);
	bool ok = d->name_len <= P9_NAME_MAX;

	if (ok) {
		out->parent = d_get(d->parent);
		memcpy(out->text, d->name, d->name_len);
		out->name = (struct p9_name){ .s = out->text, .len = d->name_len };
	}
	spin_unlock(&d->lock);
	return ok;
}

static int still_true(struct dentry *d, struct inode *dir, const struct p9_name *name)
{
	struct inode *i = d->inode;
	struct p9_qid qid;
	u32 fid;
	int err = p9_walk_new(p9_client_of(dir), p9_any_fid(dir), name, 1, &fid, &qid);

	if (err == -ENOENT)
		return i == NULL;
	if (err)
		return err;
	p9_clunk(p9_client_of(dir), fid);
	if (!i || qid.path != i->ino)
		return 0;
	err = p9_refresh(i, false);
	return err == -ESTALE ? 0 : err ? err : 1;
}

static int p9_revalidate(struct dentry *d, bool rcu)
{
	u64 seen = (uintptr_t)READ_ONCE(d->private);
	struct name_copy copy;
	int ok;

	if (d->parent == d || plat_mono_ns() - seen < P9_ATTR_LIFE_NS)
		return 1;
	if (rcu)
		return -EAGAIN;
	if (!name_copy(d, &copy))
		return 0;
	ok = copy.parent->inode ? still_true(d, copy.parent->inode, &copy.name) : 0;
	d_put(copy.parent);
	if (ok == 1)
		name_seen(d);
	return ok;
}

const struct dentry_ops p9_dentry_ops = { .revalidate = p9_revalidate };

const struct inode_ops p9_dir_iops = {
	.lookup = p9_lookup,
	.create = p9_create,
	.mkdir = p9_mkdir_op,
	.mknod = p9_mknod_op,
	.symlink = p9_symlink_op,
	.link = p9_link_op,
	.unlink = p9_unlink_op,
	.rmdir = p9_rmdir_op,
	.rename = p9_rename_op,
	.getattr = p9_getattr_op,
	.setattr = p9_setattr_op,
	.getxattr = p9_getxattr_op,
	.setxattr = p9_setxattr_op,
	.listxattr = p9_listxattr_op,
	.removexattr = p9_removexattr_op,
};

const struct inode_ops p9_link_iops = {
	.get_link = p9_get_link,
	.getattr = p9_getattr_op,
	.setattr = p9_setattr_op,
	.listxattr = p9_listxattr_op,
};
