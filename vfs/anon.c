/*
 * Anonymous inodes: files without a name in any tree (pipes, sockets, epoll, eventfd, timerfd, memory files).
 *
 * One super, mounted nowhere.  Files that need no inode of their own share one.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

struct super *anon_super;
struct mount *anon_mount;
static struct inode *shared;

static const struct inode_ops anon_inode_ops = { 0 };

static int anon_statfs(struct super *s, struct fs_stat *out)
{
	out->type = s->magic;
	out->bsize = PAGE_SIZE;
	out->namelen = 255;
	return 0;
}

static const struct super_ops anon_super_ops = { .statfs = anon_statfs };
static const struct fs_type anon_type = { .name = "anon_inodefs", .flags = FS_NODEV };

struct inode *anon_inode_new(u32 mode)
{
	struct inode *i = inode_alloc(anon_super);

	if (!i)
		return NULL;
	i->ino = inode_next_ino();
	i->mode = mode;
	i->uid = current_cred()->fsuid;
	i->gid = current_cred()->fsgid;
	i->ops = &anon_inode_ops;
	return i;
}

int anon_path(struct inode *inode, const char *name, struct path *out)
{
	struct dentry *d = d_alloc(anon_super->root, name, strlen(name));

	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	d_set_flag(d, DENTRY_NOCACHE);
	d_instantiate_unhashed(d, inode);
	out->mount = mount_get(anon_mount);
	out->dentry = d;
	return 0;
}

struct file *file_anon(const char *name, const struct file_ops *ops, void *private, u32 o_flags)
{
	struct file *f = file_alloc();
	int err;

	if (IS_ERR(f))
		return f;
	inode_get(shared);
	err = anon_path(shared, name, &f->path);
	if (err) {
		file_discard(f);
		return ERR_PTR(err);
	}
	file_setup(f, shared, ops, o_flags);
	f->private = private;
	return f;
}

void anon_init(void)
{
	struct inode *root;

	anon_super = super_alloc(&anon_type, &anon_super_ops, ANON_INODE_FS_MAGIC);
	assert(anon_super);
	root = anon_inode_new(S_IFDIR | 0700);
	shared = anon_inode_new(0600);
	assert(root && shared);
	anon_super->root = d_alloc_root(anon_super, root);
	assert(anon_super->root);
	anon_mount = mount_hidden(anon_super, "anon_inodefs");
	assert(anon_mount);
}
