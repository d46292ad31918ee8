/*
 * The devpts file system; see devpts.h.
 *
 * Locks: instance->lock (RANK_FS_PRIVATE) guards the list of nodes and the options.  An inode's private pointer is read
 * without it: the terminal outlives its node's inode being opened because the open file system holds the inode, and
 * pty.c takes its own reference before it uses the object.
 *
 * Source: Linux's Documentation/filesystems/devpts.rst, pts(4).
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/devpts/devpts.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "kern/slab.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

enum { SLAVE_MAJOR = 136, PTMX_MAJOR = 5, PTMX_MINOR = 2, PTYS_MAX = 4096, INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3,
       POS_PTMX = 2, POS_FIRST = 3, DT_CHR_ = 2 };

struct options {
	u32 uid, gid, mode, ptmx_mode, max;
	bool has_uid, has_gid;
};

struct node {
	struct list_head node;	/* [lock] by index */
	u32 index;
	struct inode *inode;	/* a reference */
};

struct instance {
	struct mutex lock;
	struct options opt;		/* [lock] */
	struct list_head nodes;		/* [lock] */
	struct inode *ptmx;		/* [I] */
};

static struct instance *instance_of(const struct super *s)
{
	return s->private;
}

/* ---- options ---- */

static int parse_number(const char *value, unsigned base, u32 *out)
{
	u64 v;

	if (!value || parse_u64(value, base, &v) || v > 0xffffffff)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_option(struct options *o, const char *key, const char *value)
{
	if (!strcmp(key, "newinstance") && !value)
		return 0;
	if (!strcmp(key, "uid")) {
		o->has_uid = true;
		return parse_number(value, 10, &o->uid);
	}
	if (!strcmp(key, "gid")) {
		o->has_gid = true;
		return parse_number(value, 10, &o->gid);
	}
	if (!strcmp(key, "max"))
		return parse_number(value, 10, &o->max);
	if (!strcmp(key, "mode"))
		return parse_number(value, 8, &o->mode);
	if (!strcmp(key, "ptmxmode"))
		return parse_number(value, 8, &o->ptmx_mode);
	return -EINVAL;
}

static int parse_options(struct options *o, const char *text)
{
	char *copy = kstrdup(text ? text : "", ALLOC_KERNEL), *at = copy;
	char *key, *value;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&at, &key, &value))
		err = parse_option(o, key, value);
	kfree(copy);
	o->mode &= 0777;
	o->ptmx_mode &= 0777;
	return err;
}

/* ---- nodes ---- */

static struct node *find_locked(struct instance *in, u32 index)
{
	struct node *n;

	list_for_each_entry(n, &in->nodes, node)
		if (n->index == index)
			return n;
	return NULL;
}

static struct inode *char_inode(struct super *s, u64 ino, u32 mode, u32 major, u32 minor)
{
	struct inode *i = inode_alloc(s);

	if (!i)
		return NULL;
	inode_init_special(i, S_IFCHR | mode, dev_make(major, minor));
	i->ino = ino;
	return i;
}

/* The lowest free number and the place in the list before which it belongs. */
static u32 free_index(struct instance *in, struct list_head **before)
{
	u32 index = 0;
	struct node *n;

	*before = &in->nodes;
	list_for_each_entry(n, &in->nodes, node) {
		if (n->index != index) {
			*before = &n->node;
			break;
		}
		index++;
	}
	return index;
}

int devpts_add(struct super *s, void *private)
{
	struct instance *in = instance_of(s);
	struct node *n = kzalloc(sizeof(*n), ALLOC_KERNEL);
	struct list_head *before;
	int ret;

	if (!n)
		return -ENOMEM;
	mutex_lock(&in->lock);
	n->index = free_index(in, &before);
	ret = -ENOSPC;
	if (n->index >= in->opt.max)
		goto out_free;
	ret = -ENOMEM;
	n->inode = char_inode(s, INO_FIRST + n->index, in->opt.mode, SLAVE_MAJOR, n->index);
	if (!n->inode)
		goto out_free;
	n->inode->uid = in->opt.has_uid ? in->opt.uid : current_cred()->fsuid;
	n->inode->gid = in->opt.has_gid ? in->opt.gid : current_cred()->fsgid;
	n->inode->private = private;
	list_add_tail(&n->node, before);
	ret = n->index;
	mutex_unlock(&in->lock);
	return ret;
out_free:
	mutex_unlock(&in->lock);
	kfree(n);
	return ret;
}

void devpts_remove(struct super *s, u32 index)
{
	struct instance *in = instance_of(s);
	struct node *n;

	mutex_lock(&in->lock);
	n = find_locked(in, index);
	if (n)
		list_del(&n->node);
	mutex_unlock(&in->lock);
	if (!n)
		return;
	n->inode->private = NULL;
	n->inode->nlink = 0;

	struct dentry *d = d_any_alias(n->inode);

	if (d) {
		d_drop(d);
		d_put(d);
	}
	inode_put(n->inode);
	kfree(n);
}

static const struct super_ops super_ops;

void *devpts_private(struct inode *i)
{
	return i->super->ops == &super_ops ? READ_ONCE(i->private) : NULL;
}

/* ---- the directory ---- */

static struct inode *node_get(struct instance *in, const struct dentry *d)
{
	struct inode *i = NULL;
	struct node *n;
	u64 index;

	if (d->name_len == 4 && !memcmp(d->name, "ptmx", 4)) {
		i = in->ptmx;
		inode_get(i);
		return i;
	}
	if (d->name[0] < '0' || d->name[0] > '9' || (d->name[0] == '0' && d->name_len > 1) || parse_u64(d->name, 10, &index))
		return NULL;
	mutex_lock(&in->lock);
	n = find_locked(in, index);
	if (n) {
		i = n->inode;
		inode_get(i);
	}
	mutex_unlock(&in->lock);
	return i;
}

static struct dentry *root_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct inode *i = node_get(instance_of(dir->super), d);

	if (!i)
		return ERR_PTR(-ENOENT);	/* not remembered: the next number may be this one */
	d_add(d, i);
	return NULL;
}

static int root_readdir(struct file *f, struct dir_context *c)
{
	struct instance *in = instance_of(f->inode->super);
	struct node *n;

	if (!dir_emit_dots(f, c))
		return 0;
	if (c->pos == POS_PTMX) {
		if (!dir_emit(c, "ptmx", 4, POS_FIRST, INO_PTMX, DT_CHR_))
			return 0;
		c->pos = POS_FIRST;
	}
	mutex_lock(&in->lock);
	list_for_each_entry(n, &in->nodes, node) {
		char name[12];
		size_t len;

		if (n->index < c->pos - POS_FIRST)
			continue;
		len = scnprintf(name, sizeof(name), "%u", n->index);
		if (!dir_emit(c, name, len, POS_FIRST + n->index + 1, n->inode->ino, DT_CHR_))
			break;
		c->pos = POS_FIRST + n->index + 1;
	}
	mutex_unlock(&in->lock);
	return 0;
}

static const struct inode_ops root_ops = { .lookup = root_lookup };
static const struct file_ops root_fops = { .readdir = root_readdir };

/* ---- instances ---- */

static int devpts_statfs(struct super *s, struct fs_stat *out)
{
	out->type = DEVPTS_SUPER_MAGIC;
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = 255;
	return 0;
}

static int devpts_remount(struct super *s, u32 flags, const char *options)
{
	struct instance *in = instance_of(s);
	struct options o = in->opt;
	int err = parse_options(&o, options);

	if (err)
		return err;
	mutex_lock(&in->lock);
	in->opt = o;
	in->ptmx->mode = S_IFCHR | o.ptmx_mode;
	mutex_unlock(&in->lock);
	return 0;
}

static void devpts_show_options(struct super *s, char *buf, size_t size)
{
	const struct options *o = &instance_of(s)->opt;
	size_t n = 0;

	if (o->has_uid)
		n += scnprintf(buf + n, size - n, ",uid=%u", o->uid);
	if (o->has_gid)
		n += scnprintf(buf + n, size - n, ",gid=%u", o->gid);
	n += scnprintf(buf + n, size - n, ",mode=%03o,ptmxmode=%03o", o->mode, o->ptmx_mode);
	if (o->max < PTYS_MAX)
		scnprintf(buf + n, size - n, ",max=%u", o->max);
}

/* Every master holds a mount of the instance open, so no node is left. */
static void devpts_put(struct super *s)
{
	struct instance *in = instance_of(s);

	if (!in)
		return;
	inode_put(in->ptmx);
	kfree(in);
	s->private = NULL;
}

static const struct super_ops super_ops = {
	.statfs = devpts_statfs,
	.remount = devpts_remount,
	.show_options = devpts_show_options,
	.put = devpts_put,
};

static struct inode *root_inode(struct super *s)
{
	struct inode *i = inode_alloc(s);

	if (!i)
		return NULL;
	i->ino = INO_ROOT;
	i->mode = S_IFDIR | 0755;
	i->nlink = 2;
	i->ops = &root_ops;
	i->fops = &root_fops;
	return i;
}

static struct super *devpts_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	struct instance *in = kzalloc(sizeof(*in), ALLOC_KERNEL);
	struct super *s;
	int err = -ENOMEM;

	if (!in)
		return ERR_PTR(-ENOMEM);
	in->opt = (struct options){ .mode = 0600, .ptmx_mode = 0, .max = PTYS_MAX };
	mutex_init(&in->lock, RANK_FS_PRIVATE);
	list_init(&in->nodes);
	err = parse_options(&in->opt, options);
	if (err)
		goto out_instance;
	err = -ENOMEM;
	s = super_alloc(t, &super_ops, DEVPTS_SUPER_MAGIC);
	if (!s)
		goto out_instance;
	s->blksize = 1024;
	s->flags = flags & SUPER_RDONLY;
	in->ptmx = char_inode(s, INO_PTMX, in->opt.ptmx_mode, PTMX_MAJOR, PTMX_MINOR);
	if (!in->ptmx)
		goto out_super;
	s->private = in;
	s->root = d_alloc_root(s, root_inode(s));
	if (!s->root) {
		super_put(s);	/* frees the instance */
		return ERR_PTR(-ENOMEM);
	}
	return s;
out_super:
	super_put(s);
out_instance:
	kfree(in);
	return ERR_PTR(err);
}

static struct fs_type devpts_type = { .name = "devpts", .flags = FS_NODEV, .mount = devpts_mount };

/* ---- finding the instance ---- */

static bool is_devpts(const struct path *p)
{
	return p->dentry->super->ops == &super_ops;
}

int devpts_of_ptmx(struct file *f, struct path *root)
{
	struct path beside = f->path;
	int err;

	if (is_devpts(&f->path)) {
		root->mount = mount_get(f->path.mount);
		root->dentry = d_get(f->path.dentry->super->root);
		return 0;
	}
	if (beside.dentry != beside.mount->root)
		beside.dentry = beside.dentry->parent;
	err = path_lookup_at(&beside, "pts", WALK_FOLLOW | WALK_DIRECTORY, root);
	if (!err && is_devpts(root) && root->dentry == root->dentry->super->root)
		return 0;
	if (!err)
		path_put(root);
	return -ENODEV;
}

void devpts_init(void)
{
	fs_register(&devpts_type);
}
