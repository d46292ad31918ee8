/*
 * The sysfs file system over the tree: one instance, inodes made by lookup.
 *
 * Source: sysfs(5).
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include "base/string.h"
#include "fs/sysfs/tree.h"
#include "kern/assert.h"
#include "kern/slab.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

enum { FIRST = 2, DT_DIR_ = 4, DT_REG_ = 8, DT_LNK_ = 10 };

static struct super *the_super;

static struct sysfs_node *node_of(const struct inode *i)
{
	return i->private;
}

/* ---- files ---- */

static s64 file_show(struct file *f, struct iter *to, u64 *pos)
{
	struct sysfs_node *n = node_of(f->inode);
	char *buf;
	size_t len;
	s64 ret = 0;

	if (!n->show)
		return -EIO;
	buf = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!buf)
		return -ENOMEM;
	len = (size_t)-ENODEV;
	if (sysfs_call_begin(n)) {
		len = n->show(n->arg, buf, PAGE_SIZE);
		sysfs_call_end(n);
	}
	if ((s64)len < 0)
		ret = (s64)len;
	else if (*pos < len && iter_left(to)) {
		ret = iter_put(to, buf + *pos, MIN((u64)(len - *pos), iter_left(to)));
		if (!ret)
			ret = -EFAULT;
		else
			*pos += ret;
	}
	kfree(buf);
	return ret;
}

static s64 file_store(struct file *f, struct iter *from, u64 *pos)
{
	struct sysfs_node *n = node_of(f->inode);
	u64 len = MIN(iter_left(from), (u64)PAGE_SIZE - 1);
	char *buf;
	s64 ret;

	if (!n->store)
		return -EIO;
	buf = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (iter_get(from, buf, len) == len) {
		buf[len] = '\0';
		ret = -ENODEV;
		if (sysfs_call_begin(n)) {
			ret = n->store(n->arg, buf, len);
			sysfs_call_end(n);
		}
		if (!ret)
			ret = len;
	} else {
		ret = -EFAULT;
	}
	if (ret > 0)
		*pos += ret;
	kfree(buf);
	return ret;
}

/* Not even root may write what cannot be written. */
static int attr_open(struct inode *i, struct file *f)
{
	return (f->mode & FMODE_WRITE && !(i->mode & 0222)) || (f->mode & FMODE_READ && !(i->mode & 0444)) ? -EACCES : 0;
}

static int refuse_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	return sa->valid & (SET_MODE | SET_UID | SET_GID) ? -EPERM : 0;
}

static const struct file_ops file_fops = { .open = attr_open, .read = file_show, .write = file_store };
static const struct inode_ops file_ops_ = { .setattr = refuse_setattr };

/* ---- directories ---- */

static struct inode *inode_of_node(struct super *s, struct sysfs_node *n);

static struct dentry *dir_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct sysfs_node *n = sysfs_find(node_of(dir), d->name, d->name_len);
	struct inode *i;

	if (!n) {
		d_add(d, NULL);		/* not believed for long: see revalidate() */
		return NULL;
	}
	i = inode_of_node(dir->super, n);
	if (!i)
		return ERR_PTR(-ENOMEM);
	d_add(d, i);
	return NULL;
}

static int dir_readdir(struct file *f, struct dir_context *c)
{
	static const u8 dtype[] = { [SYSFS_DIR] = DT_DIR_, [SYSFS_FILE] = DT_REG_, [SYSFS_LINK] = DT_LNK_ };
	struct sysfs_node *n;
	bool room = true;

	if (!dir_emit_dots(f, c))
		return 0;
	while (room && (n = sysfs_after(node_of(f->inode), c->pos))) {
		room = dir_emit(c, n->name, strlen(n->name), n->pos + 1, n->ino, dtype[n->kind]);
		if (room)
			c->pos = n->pos + 1;
		sysfs_node_put(n);
	}
	return 0;
}

static const struct inode_ops dir_ops = { .lookup = dir_lookup, .setattr = refuse_setattr };
static const struct file_ops dir_fops = { .readdir = dir_readdir };
static const struct inode_ops link_ops = { .setattr = refuse_setattr };

/* ---- inodes ---- */

/* Consumes the reference to @n even on failure. */
static struct inode *inode_of_node(struct super *s, struct sysfs_node *n)
{
	struct inode *i = inode_alloc(s);

	if (!i) {
		sysfs_node_put(n);
		return NULL;
	}
	i->private = n;
	i->mode = n->mode;
	i->ino = n->ino;
	switch (n->kind) {
	case SYSFS_DIR:
		i->ops = &dir_ops;
		i->fops = &dir_fops;
		i->nlink = 2;
		break;
	case SYSFS_FILE:
		i->ops = &file_ops_;
		i->fops = &file_fops;
		i->mapping.size = PAGE_SIZE;
		break;
	case SYSFS_LINK:
		i->ops = &link_ops;
		i->link = n->owned;
		break;
	}
	return i;
}

static void evict(struct inode *i)
{
	i->link = NULL;
	sysfs_node_put(node_of(i));
}

static int revalidate(struct dentry *d, bool rcu)
{
	struct inode *i = READ_ONCE(d->inode);

	if (i && !READ_ONCE(node_of(i)->gone))
		return 1;
	return rcu ? -EAGAIN : 0;
}

static const struct dentry_ops dentry_ops = { .revalidate = revalidate };

static int sysfs_statfs(struct super *s, struct fs_stat *out)
{
	out->type = SYSFS_MAGIC;
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = 255;
	return 0;
}

static const struct super_ops super_ops = { .evict = evict, .statfs = sysfs_statfs };

static struct super *sysfs_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	return super_get(the_super);
}

static struct fs_type sysfs_type = { .name = "sysfs", .flags = FS_NODEV, .mount = sysfs_mount };

/* Directories that programs look for, with nothing in them yet. */
static void make_directories(void)
{
	static const char *const names[] = {
		"block", "bus", "class", "dev/block", "dev/char", "devices/system", "devices/virtual", "firmware",
		"fs/cgroup", "kernel/debug", "kernel/mm", "kernel/security", "kernel/tracing", "module", "power",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert(sysfs_add_dir(names[i]) == 0);
}

void sysfs_init(void)
{
	struct super *s = super_alloc(&sysfs_type, &super_ops, SYSFS_MAGIC);

	assert(s);
	s->dops = &dentry_ops;
	atomic_inc(&sysfs_root.refs);
	s->root = d_alloc_root(s, inode_of_node(s, &sysfs_root));
	assert(s->root);
	the_super = s;
	make_directories();
	sysfs_cpus_init();
	sysfs_devices_init();
	fs_register(&sysfs_type);
}
