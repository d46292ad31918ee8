/*
 * Anonymous inodes: files without a name in any tree (pipes, sockets, epoll, eventfd, timerfd, memory files).
 *
 * One super each for pipes, sockets and the rest, mounted nowhere.  Files that need no inode of their own share one.
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

enum { ANON_REST, ANON_PIPE, ANON_SOCKET, ANON_COUNT };

static struct mount *mounts[ANON_COUNT];	/* each with its super; never unmounted */
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
static const struct fs_type anon_types[ANON_COUNT] = {
	[ANON_REST] = { .name = "anon_inodefs", .flags = FS_NODEV },
	[ANON_PIPE] = { .name = "pipefs", .flags = FS_NODEV },
	[ANON_SOCKET] = { .name = "sockfs", .flags = FS_NODEV },
};
static const u32 anon_magics[ANON_COUNT] = { ANON_INODE_FS_MAGIC, PIPEFS_MAGIC, SOCKFS_MAGIC };

static struct mount *mount_for(u32 mode)
{
	u32 type = mode & S_IFMT;

	return mounts[type == S_IFIFO ? ANON_PIPE : type == S_IFSOCK ? ANON_SOCKET : ANON_REST];
}

bool super_is_anon(const struct super *s)
{
	return s->ops == &anon_super_ops;
}

static struct inode *inode_on(struct super *s, u32 mode)
{
	struct inode *i = inode_alloc(s);

	if (!i)
		return NULL;
	i->ino = inode_next_ino();
	i->mode = mode;
	i->uid = current_cred()->fsuid;
	i->gid = current_cred()->fsgid;
	i->ops = &anon_inode_ops;
	return i;
}

struct inode *anon_inode_new(u32 mode)
{
	return inode_on(mount_for(mode)->super, mode);
}

int anon_path(struct inode *inode, const char *name, struct path *out)
{
	struct mount *m = mount_for(inode->mode);
	struct dentry *d = d_alloc(m->root, name, strlen(name));

	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	d_set_flag(d, DENTRY_NOCACHE);
	d_instantiate_unhashed(d, inode);
	out->mount = mount_get(m);
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

static struct mount *anon_mount_new(unsigned n)
{
	struct super *s = super_alloc(&anon_types[n], &anon_super_ops, anon_magics[n]);
	struct mount *m;

	assert(s);
	struct inode *root = inode_on(s, S_IFDIR | 0700);

	assert(root);
	s->root = d_alloc_root(s, root);
	assert(s->root);
	m = mount_hidden(s, anon_types[n].name);
	assert(m);
	return m;
}

void anon_init(void)
{
	for (unsigned n = 0; n < ANON_COUNT; n++)
		mounts[n] = anon_mount_new(n);
	shared = anon_inode_new(0600);
	assert(shared);
}
