/*
 * Mounts by descriptor: open_tree(2), move_mount(2), fsopen(2), fsconfig(2), fsmount(2).
 *
 *	fsopen -> context -fsconfig-> created -fsmount-> tree file -move_mount-> attached
 *	                        open_tree(OPEN_TREE_CLONE)-^
 *
 * A tree file is an O_PATH file on the root of a tree that hangs nowhere yet; with its last close a tree that was never
 * attached goes.  A context collects options as text and hands them to the file system at once.
 *
 * Departures: 1. a wrong option is said at FSCONFIG_CMD_CREATE, not when it is set.  2. Contexts are for new instances only:
 * no fspick(2), no FSCONFIG_CMD_RECONFIGURE; options that are binary, paths or descriptors are EOPNOTSUPP.
 *
 * Locks: context->lock guards all of a context.
 * Source: mount_setattr(2), mount(2), linux/mount.h, Documentation/filesystems/mount_api.rst.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/mount.h"
#include "vfs/mount_fd.h"

enum { OPTIONS_MAX_BYTES = PAGE_SIZE };

/* Locks: c lock · I immutable */
struct context {
	struct mutex lock;
	const struct fs_type *type;	/* [I] */
	char *source;			/* [c] or NULL */
	char *options;			/* [c] OPTIONS_MAX_BYTES */
	size_t len;			/* [c] of options */
	bool readonly, created;		/* [c] */
	struct mount *mount;		/* [c] from creation to fsmount */
};

/* ---- tree files ---- */

/* A descriptor for @top, whose reference is consumed on success. */
static int tree_fd(struct mount *top, bool cloexec)
{
	struct path p = { top, top->root };
	int fd = fd_alloc(0, cloexec);

	if (fd < 0)
		return fd;
	struct file *f = file_open_as_path(&p, O_PATH);

	if (IS_ERR(f)) {
		fd_unreserve(fd);
		return (int)PTR_ERR(f);
	}
	f->mode |= FMODE_TREE;
	fd_install(fd, f);
	return fd;
}

int vfs_open_tree(int dirfd, const char *name, u32 walk_flags, bool clone, bool deep, bool cloexec)
{
	struct mount *top;
	struct path p;
	int ret;

	if (clone && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = path_lookup(dirfd, name, walk_flags, &p);
	if (ret)
		return ret;
	if (!clone) {
		struct file *f = file_open_as_path(&p, O_PATH);

		path_put(&p);
		if (IS_ERR(f))
			return (int)PTR_ERR(f);
		ret = fd_add(f, cloexec);
		if (ret < 0)
			file_put(f);
		return ret;
	}
	top = mount_copy_bindable(&p, deep);
	path_put(&p);
	if (IS_ERR(top))
		return (int)PTR_ERR(top);
	ret = tree_fd(top, cloexec);
	if (ret < 0)
		mount_discard(top);
	return ret;
}

int vfs_move_mount(int from_dirfd, const char *from_name, u32 from_walk, int to_dirfd, const char *to_name, u32 to_walk)
{
	struct path from, to;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup(from_dirfd, from_name, from_walk, &from);
	if (err)
		return err;
	err = path_lookup(to_dirfd, to_name, to_walk, &to);
	if (!err) {
		if (from.dentry != from.mount->root)
			err = -EINVAL;
		else
			err = from.mount->ns ? mount_move(&from, &to) : mount_attach_tree(from.mount, &to);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

/* ---- contexts ---- */

static void context_free(struct context *c)
{
	if (c->mount)
		mount_discard(c->mount);
	kfree(c->source);
	kfree(c->options);
	kfree(c);
}

static void context_release(struct file *f)
{
	context_free(f->private);
}

/* The messages of the file system: there are none. */
static s64 context_read(struct file *f, struct iter *to, u64 *pos)
{
	return -ENODATA;
}

static const struct file_ops context_ops = { .read = context_read, .release = context_release, .seek = file_seek_none, .flags = FOP_STREAM };

static struct context *context_new(const struct fs_type *t)
{
	struct context *c = kzalloc(sizeof(*c), ALLOC_KERNEL);

	if (!c)
		return NULL;
	c->options = kzalloc(OPTIONS_MAX_BYTES, ALLOC_KERNEL);
	if (!c->options) {
		kfree(c);
		return NULL;
	}
	c->type = t;
	mutex_init(&c->lock, RANK_FILE_POS);
	return c;
}

int vfs_fsopen(const char *type, bool cloexec)
{
	struct fs_type *t = fs_find(type);
	struct context *c;
	struct file *f;
	int fd;

	if (!t)
		return -ENODEV;
	c = context_new(t);
	if (!c)
		return -ENOMEM;
	f = file_anon("anon_inode:[fscontext]", &context_ops, c, O_RDWR);
	if (IS_ERR(f)) {
		context_free(c);
		return (int)PTR_ERR(f);
	}
	fd = fd_add(f, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int option_add(struct context *c, const char *key, const char *value)
{
	size_t room = OPTIONS_MAX_BYTES - c->len;
	int n;

	if (!strcmp(key, "ro") || !strcmp(key, "rw")) {
		c->readonly = key[1] == 'o';
		return value ? -EINVAL : 0;
	}
	if (!strcmp(key, "source")) {
		if (!value || c->source)
			return -EINVAL;
		c->source = kstrdup(value, ALLOC_KERNEL);
		return c->source ? 0 : -ENOMEM;
	}
	if (strchr(key, ',') || (value && strchr(value, ',')))
		return -EINVAL;
	n = fmt_snprintf(c->options + c->len, room, "%s%s%s%s", c->len ? "," : "", key, value ? "=" : "", value ? value : "");
	if ((size_t)n >= room) {
		c->options[c->len] = 0;
		return -ENOMEM;
	}
	c->len += (size_t)n;
	return 0;
}

static int context_create(struct context *c)
{
	struct mount *m = vfs_kern_mount(c->type->name, c->source, c->options, c->readonly ? MNT_RDONLY : 0);

	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	if (c->readonly)
		m->super->flags |= SUPER_RDONLY;
	c->mount = m;
	c->created = true;
	return 0;
}

int vfs_fsconfig(struct file *f, u32 cmd, const char *key, const char *value)
{
	struct context *c = f->private;
	int err;

	if (f->ops != &context_ops)
		return -EINVAL;
	if (cmd != FSCONFIG_SET_FLAG && cmd != FSCONFIG_SET_STRING && cmd != FSCONFIG_CMD_CREATE)
		return -EOPNOTSUPP;
	mutex_lock(&c->lock);
	if (c->created)
		err = -EBUSY;
	else
		err = cmd == FSCONFIG_CMD_CREATE ? context_create(c) : option_add(c, key, value);
	mutex_unlock(&c->lock);
	return err;
}

int vfs_fsmount(struct file *f, u32 mount_flags, bool cloexec)
{
	struct context *c = f->private;
	int fd = -EINVAL;

	if (f->ops != &context_ops)
		return -EINVAL;
	mutex_lock(&c->lock);
	if (c->mount) {
		c->mount->flags = mount_flags;
		fd = tree_fd(c->mount, cloexec);
		if (fd >= 0)
			c->mount = NULL;
	}
	mutex_unlock(&c->lock);
	return fd;
}
