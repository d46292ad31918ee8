/*
 * Inodes of files in memory: allocation against the super's limits, attributes.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "fs/ram/ram.h"

static struct slab_cache *cache;

static struct inode *ram_alloc(struct super *s)
{
	struct ram_inode *r;

	if (!cache)
		cache = slab_create("ram_inode", sizeof(struct ram_inode), 0);
	r = cache ? slab_alloc(cache, ALLOC_KERNEL) : NULL;
	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	list_init(&r->xattrs);
	return &r->inode;
}

static void ram_free(struct inode *i)
{
	kfree(i->link);
	slab_free(cache, ram_i(i));
}

static void ram_evict(struct inode *i)
{
	struct ram_super *rs = ram_s(i->super);

	ram_xattrs_free(ram_i(i));
	ram_dir_fini(ram_i(i));
	if (rs && rs->inodes_max)
		atomic_dec(&rs->inodes_used);
}

static bool inode_reserve(struct ram_super *rs)
{
	if (!rs->inodes_max)
		return true;
	if (atomic_add_return(&rs->inodes_used, 1) <= rs->inodes_max)
		return true;
	atomic_dec(&rs->inodes_used);
	return false;
}

struct inode *ram_inode_new(struct super *s, struct inode *dir, u32 mode, u64 rdev)
{
	struct inode *i;

	if (!inode_reserve(ram_s(s)))
		return ERR_PTR(-ENOSPC);
	i = inode_alloc(s);
	if (!i) {
		if (ram_s(s)->inodes_max)
			atomic_dec(&ram_s(s)->inodes_used);
		return ERR_PTR(-ENOMEM);
	}
	i->ino = atomic_add_return(&ram_s(s)->last_ino, 1);
	inode_init_owner(i, dir, mode);
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->ops = &ram_file_inode_ops;
		i->fops = &ram_file_fops;
		i->mapping.ops = &ram_mapping_ops;
		i->mapping.flags = MAPPING_SHMEM;
		ram_i(i)->seals = F_SEAL_SEAL;
		ram_i(i)->sealable = true;
		break;
	case S_IFDIR:
		i->ops = &ram_dir_ops;
		i->fops = &ram_dir_fops;
		i->nlink = 2;
		ram_dir_init(ram_i(i));
		break;
	case S_IFLNK:
		i->ops = &ram_link_ops;
		break;
	default:
		i->ops = &ram_special_ops;
		inode_init_special(i, i->mode, rdev);
	}
	return i;
}

int ram_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	u32 seals = ram_i(i)->seals;

	if (sa->valid & SET_SIZE) {
		if (sa->size < inode_size(i) && seals & F_SEAL_SHRINK)
			return -EPERM;
		if (sa->size > inode_size(i) && seals & F_SEAL_GROW)
			return -EPERM;
	}
	return inode_setattr_simple(d, i, sa);
}

static int ram_statfs(struct super *s, struct fs_stat *out)
{
	struct ram_super *rs = ram_s(s);
	u64 used = atomic_load(&rs->pages_used), inodes = atomic_load(&rs->inodes_used);

	out->type = s->magic;
	out->bsize = PAGE_SIZE;
	out->namelen = 255;
	if (rs->pages_max) {
		out->blocks = rs->pages_max;
		out->bfree = out->bavail = rs->pages_max - MIN(used, rs->pages_max);
	}
	if (rs->inodes_max) {
		out->files = rs->inodes_max;
		out->ffree = rs->inodes_max - MIN(inodes, rs->inodes_max);
	}
	return 0;
}

static void ram_put(struct super *s)
{
	kfree(s->private);
	s->private = NULL;
}


const struct super_ops ram_super_ops = {
	.alloc_inode = ram_alloc,
	.free_inode = ram_free,
	.evict = ram_evict,
	.statfs = ram_statfs,
	.remount = ram_remount,
	.show_options = ram_show_options,
	.put = ram_put,
};

const struct inode_ops ram_file_inode_ops = {
	.setattr = ram_setattr,
	.getxattr = ram_getxattr,
	.setxattr = ram_setxattr,
	.listxattr = ram_listxattr,
	.removexattr = ram_removexattr,
};

const struct inode_ops ram_special_ops = {
	.getxattr = ram_getxattr,
	.setxattr = ram_setxattr,
	.listxattr = ram_listxattr,
	.removexattr = ram_removexattr,
};

const struct inode_ops ram_link_ops = {
	.getxattr = ram_getxattr,
	.setxattr = ram_setxattr,
	.listxattr = ram_listxattr,
	.removexattr = ram_removexattr,
};
