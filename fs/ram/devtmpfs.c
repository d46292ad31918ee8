/*
 * devtmpfs: one instance, filled by the kernel with the nodes of the devices that there are.
 *
 * Nodes are made through a private mount with the kernel's own credentials; directories in names ("input/event0") come and go with them.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/printk.h"
#include "vfs/device.h"
#include "vfs/ops.h"
#include "fs/ram/ram.h"

static struct super *instance;
static struct mount *own_mount;

static struct super *devtmpfs_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	if (!instance) {
		struct ram_super rs = { .mode = 0755 };

		instance = ram_super_new(t, TMPFS_MAGIC, &rs);
		return instance;
	}
	return super_get(instance);
}

static struct fs_type devtmpfs_type = { .name = "devtmpfs", .flags = FS_NODEV, .mount = devtmpfs_mount };

/* Stand in the directory of @name, made if it is not there; *rest is the last component. */
static int walk_parents(const char *name, struct path *at, const char **rest)
{
	*at = (struct path){ own_mount, own_mount->root };
	path_get(at);
	for (;;) {
		const char *slash = strchr(name, '/');
		struct dentry *d;
		int err = 0;

		*rest = name;
		if (!slash)
			return 0;
		d = vfs_lookup_one(at, name, (size_t)(slash - name));
		if (!IS_ERR(d) && !d_is_positive(d)) {
			struct inode *dir = at->dentry->inode;

			rwsem_write_lock_nested(&dir->lock, RANK_INODE_PARENT);
			err = vfs_mkdir_in(dir, d, 0755);
			rwsem_write_unlock_nested(&dir->lock, RANK_INODE_PARENT);
		}
		if (IS_ERR(d))
			err = (int)PTR_ERR(d);
		if (err) {
			if (!IS_ERR(d))
				d_put(d);
			path_put(at);
			return err;
		}
		d_put(at->dentry);
		at->dentry = d;
		name = slash + 1;
	}
}

static int node_make(struct devnode *n)
{
	struct path at;
	const char *name;
	int err = walk_parents(n->name, &at, &name);

	if (err)
		return err;
	struct inode *dir = at.dentry->inode;
	struct dentry *d = vfs_lookup_one(&at, name, strlen(name));

	if (IS_ERR(d)) {
		path_put(&at);
		return (int)PTR_ERR(d);
	}
	rwsem_write_lock_nested(&dir->lock, RANK_INODE_PARENT);
	err = vfs_create_in(dir, d, n->mode, n->rdev);
	rwsem_write_unlock_nested(&dir->lock, RANK_INODE_PARENT);
	if (!err) {
		d->inode->uid = n->uid;
		d->inode->gid = n->gid;
	}
	d_put(d);
	path_put(&at);
	return err;
}

static void node_added(struct devnode *n)
{
	const struct cred *old;
	int err;

	if (!n->rdev)
		return;
	old = cred_override(&cred_root);
	err = node_make(n);

	cred_revert(old);
	if (err)
		pr_warn("devtmpfs: cannot make %s: error %d", n->name, -err);
}

static void node_removed(struct devnode *n)
{
	const struct cred *old;
	struct path at;
	const char *name;

	if (!n->rdev)
		return;
	old = cred_override(&cred_root);

	if (!walk_parents(n->name, &at, &name)) {
		struct inode *dir = at.dentry->inode;
		struct dentry *d = vfs_lookup_one(&at, name, strlen(name));

		if (!IS_ERR(d)) {
			rwsem_write_lock_nested(&dir->lock, RANK_INODE_PARENT);
			if (d_is_positive(d) && d->inode->rdev == n->rdev)
				(void)vfs_unlink_in(dir, d);
			rwsem_write_unlock_nested(&dir->lock, RANK_INODE_PARENT);
			d_put(d);
		}
		path_put(&at);
	}
	cred_revert(old);
}

static struct devnode_listener listener = { .added = node_added, .removed = node_removed };

void devtmpfs_register(void)
{
	fs_register(&devtmpfs_type);
	own_mount = vfs_kern_mount("devtmpfs", "devtmpfs", "", 0);
	assert(!IS_ERR(own_mount));
	devnode_listen(&listener);
}
