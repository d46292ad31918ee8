/*
 * Mounting an overlay: options, layers, the work directory, the root.
 *
 * The layers are held by references to their mounts: they stay busy as long as the overlay is mounted.
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "fs/overlay/overlay.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/slab.h"

enum { NAME_BYTES = 4096 };

static int ovl_statfs(struct super *s, struct fs_stat *out)
{
	struct ovl *o = ovl_of(s);
	struct super *real = (o->upper.dentry ? o->upper.dentry : o->lower[0].root.dentry)->super;
	int err = real->ops->statfs ? real->ops->statfs(real, out) : -ENOSYS;

	out->type = OVERLAYFS_SUPER_MAGIC;
	return err;
}

static int ovl_sync(struct super *s, bool wait)
{
	struct ovl *o = ovl_of(s);
	struct super *real = o->upper.dentry ? o->upper.dentry->super : NULL;

	return real && real->ops->sync ? real->ops->sync(real, wait) : 0;
}

static int ovl_remount(struct super *s, u32 flags, const char *options)
{
	if (!(flags & SUPER_RDONLY) && !ovl_of(s)->upper.dentry)
		return -EROFS;
	s->flags = (s->flags & ~(u32)SUPER_RDONLY) | (flags & SUPER_RDONLY);
	return 0;
}

static void ovl_show_options(struct super *s, char *buf, size_t size)
{
	strlcpy(buf, ovl_of(s)->options, size);
}

static void ovl_free(struct ovl *o)
{
	if (o->upper.dentry)
		path_put(&o->upper);
	if (o->work.dentry)
		path_put(&o->work);
	for (u32 n = 0; n < o->lower_count; n++)
		path_put(&o->lower[n].root);
	kfree(o->lower);
	kfree(o->options);
	if (o->cred)
		cred_put(o->cred);
	kfree(o);
}

static void ovl_put(struct super *s)
{
	ovl_free(ovl_of(s));
}

static const struct super_ops super_ops = {
	.alloc_inode = ovl_alloc_inode,
	.free_inode = ovl_free_inode,
	.evict = ovl_evict,
	.statfs = ovl_statfs,
	.sync = ovl_sync,
	.remount = ovl_remount,
	.show_options = ovl_show_options,
	.put = ovl_put,
};

/* ---- options ---- */

struct options {
	char *lower, *upper, *work;	/* within the copy of the text */
};

/* Options that ask for what is so anyhow: the absence of a feature, mostly. */
static int feature_option(const char *key, const char *value)
{
	static const struct {
		const char *key, *value;	/* value NULL: none, or any */
	} accepted[] = {
		{ "redirect_dir", "off" }, { "redirect_dir", "nofollow" }, { "index", "off" }, { "metacopy", "off" },
		{ "nfs_export", "off" }, { "uuid", "on" }, { "uuid", "null" }, { "xino", NULL }, { "volatile", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		if (!strcmp(key, accepted[i].key) && (!accepted[i].value || (value && !strcmp(value, accepted[i].value))))
			return 0;
	pr_err("overlay: option '%s%s%s' is not supported\n", key, value ? "=" : "", value ? value : "");
	return -EINVAL;
}

static int parse_options(char *text, struct options *out)
{
	char *key, *value;
	int err = 0;

	while (!err && option_next(&text, &key, &value)) {
		if (!strcmp(key, "lowerdir") && value)
			out->lower = value;
		else if (!strcmp(key, "upperdir") && value)
			out->upper = value;
		else if (!strcmp(key, "workdir") && value)
			out->work = value;
		else
			err = feature_option(key, value);
	}
	if (!err && !out->lower) {
		pr_err("overlay: missing 'lowerdir'\n");
		err = -EINVAL;
	}
	if (!err && out->upper && !out->work) {
		pr_err("overlay: missing 'workdir'\n");
		err = -EINVAL;
	}
	return err;
}

/* Cut the next name off a list with colons; a backslash quotes. */
static char *next_layer(char **list)
{
	char *name = *list, *to = name, *from = name;

	if (!name)
		return NULL;
	for (; *from && *from != ':'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*list = *from ? from + 1 : NULL;
	*to = '\0';
	return name;
}

/* ---- layers ---- */

static int open_layer(const char *name, struct path *out)
{
	int err = path_lookup(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, out);

	if (err) {
		pr_err("overlay: failed to resolve '%s': %d\n", name, err);
		out->dentry = NULL;
		return err;
	}
	if (out->dentry->super->stack_depth) {
		pr_err("overlay: '%s' is itself on an overlay: stacking them is not supported\n", name);
		path_put(out);
		out->dentry = NULL;
		return -EINVAL;
	}
	return 0;
}

static u32 fsid_of(const struct ovl *o, const struct super *s)
{
	u32 next = 0;

	for (u32 n = 0; n < o->lower_count; n++) {
		if (o->lower[n].root.dentry->super == s)
			return o->lower[n].fsid;
		next = MAX(next, o->lower[n].fsid + 1);
	}
	return next;
}

static int open_lower(struct ovl *o, char *list)
{
	char *name;

	o->lower = kzalloc(OVL_LAYERS_MAX * sizeof(*o->lower), ALLOC_KERNEL);
	if (!o->lower)
		return -ENOMEM;
	while ((name = next_layer(&list))) {
		struct ovl_layer *l = &o->lower[o->lower_count];
		int err;

		if (o->lower_count == OVL_LAYERS_MAX) {
			pr_err("overlay: too many lower directories, limit is %d\n", OVL_LAYERS_MAX);
			return -EINVAL;
		}
		err = open_layer(name, &l->root);
		if (err)
			return err;
		l->fsid = fsid_of(o, l->root.dentry->super);
		o->lower_count++;
	}
	return 0;
}

/* The directory "work" in @workdir, made if it is not there. */
static int open_work(struct ovl *o, const struct path *workdir)
{
	struct dentry *d = vfs_lookup_one(workdir, "work", 4);
	int err = 0;

	if (IS_ERR(d))
		return PTR_ERR(d);
	if (!d_is_positive(d)) {
		rwsem_write_lock_nested(&workdir->dentry->inode->lock, RANK_INODE_PARENT);
		err = vfs_mkdir_in(workdir->dentry->inode, d, 0);
		rwsem_write_unlock_nested(&workdir->dentry->inode->lock, RANK_INODE_PARENT);
	}
	if (!err && (!d_is_positive(d) || (d->inode->mode & S_IFMT) != S_IFDIR))
		err = -ENOTDIR;
	if (err) {
		d_put(d);
		return err;
	}
	o->work.mount = mount_get(workdir->mount);
	o->work.dentry = d;
	return 0;
}

static int open_upper(struct ovl *o, const char *upper, const char *work)
{
	struct path workdir;
	int err = open_layer(upper, &o->upper);

	if (err)
		return err;
	err = open_layer(work, &workdir);
	if (err)
		return err;
	if (o->upper.mount != workdir.mount || d_is_below(workdir.dentry, o->upper.dentry) ||
	    d_is_below(o->upper.dentry, workdir.dentry)) {
		pr_err("overlay: workdir and upperdir must be separate directories of one mount\n");
		err = -EINVAL;
	} else if (o->upper.mount->flags & MNT_RDONLY) {
		pr_err("overlay: upperdir is mounted read-only\n");
		err = -EINVAL;
	} else {
		err = open_work(o, &workdir);
	}
	path_put(&workdir);
	o->upper_fsid = fsid_of(o, o->upper.dentry->super);
	return err;
}

/* ---- the super ---- */

static void list_options(const struct options *opt, struct ovl *o)
{
	if (opt->upper)
		o->options = kasprintf(ALLOC_KERNEL, ",lowerdir=%s,upperdir=%s,workdir=%s", opt->lower, opt->upper, opt->work);
	else
		o->options = kasprintf(ALLOC_KERNEL, ",lowerdir=%s", opt->lower);
}

static int setup(struct ovl *o, const char *text)
{
	struct options opt = { NULL };
	char *copy = kstrdup(text, ALLOC_KERNEL);
	int err;

	if (!copy)
		return -ENOMEM;
	err = parse_options(copy, &opt);
	if (err)
		goto out;
	list_options(&opt, o);
	if (!o->options) {
		err = -ENOMEM;
		goto out;
	}
	err = open_lower(o, opt.lower);
	if (!err && opt.upper)
		err = open_upper(o, opt.upper, opt.work);
out:
	kfree(copy);
	return err;
}

static struct dentry *make_root(struct super *s)
{
	struct ovl *o = ovl_of(s);
	struct ovl_lower lower[OVL_LAYERS_MAX];
	struct inode *i;

	for (u32 n = 0; n < o->lower_count; n++)
		lower[n] = (struct ovl_lower){ n, d_get(o->lower[n].root.dentry) };
	i = ovl_inode_new(s, o->upper.dentry ? d_get(o->upper.dentry) : NULL, lower, o->lower_count);
	return IS_ERR(i) ? NULL : d_alloc_root(s, i);
}

static struct super *ovl_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	struct ovl *o = kzalloc(sizeof(*o), ALLOC_KERNEL);
	struct super *s;
	int err;

	if (!o)
		return ERR_PTR(-ENOMEM);
	o->cred = cred_get(current_cred());
	o->next_temp = random_u64() & 0xffffffff;
	spin_init(&o->hash_lock, RANK_FS_SPIN);
	err = setup(o, options ? options : "");
	if (err)
		goto out_free;
	err = -ENOMEM;
	s = super_alloc(t, &super_ops, OVERLAYFS_SUPER_MAGIC);
	if (!s)
		goto out_free;
	s->private = o;
	s->stack_depth = 1;
	s->flags = o->upper.dentry ? flags & SUPER_RDONLY : SUPER_RDONLY;
	s->blksize = (o->upper.dentry ? o->upper.dentry : o->lower[0].root.dentry)->super->blksize;
	s->root = make_root(s);
	if (s->root)
		return s;
	super_put(s);	/* frees what is private, too */
	return ERR_PTR(-ENOMEM);
out_free:
	ovl_free(o);
	return ERR_PTR(err);
}

static struct fs_type overlay_type = { .name = "overlay", .flags = FS_NODEV, .mount = ovl_mount };

void overlay_init(void)
{
	ovl_inode_cache_init();
	fs_register(&overlay_type);
}
