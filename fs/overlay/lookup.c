/*
 * Finding a name: the upper layer first, then the lower ones, as far as directories merge.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/overlay/internal.h"

struct dentry *real_lookup(const struct path *parent, const char *name, size_t len)
{
	struct dentry *d = d_lookup(parent->dentry, name, len);

	if (d && !(d->ops && d->ops->revalidate))
		return d;
	d_put(d);
	d = vfs_lookup_one(parent, name, len);
	if (IS_ERR(d) && PTR_ERR(d) == -ENOENT)
		return NULL;
	return d;
}

/* As real_lookup, but nothing there is NULL. */
static struct dentry *lookup_positive(const struct path *parent, const char *name, size_t len)
{
	struct dentry *d = real_lookup(parent, name, len);

	if (IS_ERR_OR_NULL(d) || d_is_positive(d))
		return d;
	d_put(d);
	return NULL;
}

bool ovl_is_opaque(struct dentry *upper)
{
	char value[2];

	return real_getxattr(upper, OVL_XATTR_OPAQUE, value, sizeof(value)) == 1 && value[0] == 'y';
}

static bool real_is_dir(const struct dentry *d)
{
	return (d->inode->mode & S_IFMT) == S_IFDIR;
}

/* What a lookup has found so far. */
struct found {
	struct dentry *upper;
	struct ovl_lower lower[OVL_LAYERS_MAX];
	u32 count;
	bool stop;		/* nothing below counts */
};

static void found_drop(struct found *f)
{
	d_put(f->upper);
	for (u32 n = 0; n < f->count; n++)
		d_put(f->lower[n].dentry);
}

static int find_upper(struct inode *dir, const struct dentry *d, struct found *f)
{
	struct path parent = ovl_upper_path(dir);
	struct dentry *real;

	if (!parent.dentry)
		return 0;
	real = lookup_positive(&parent, d->name, d->name_len);
	if (IS_ERR_OR_NULL(real))
		return PTR_ERR(real);
	if (ovl_is_whiteout(real)) {
		f->stop = true;
		d_put(real);
		return 0;
	}
	f->upper = real;
	f->stop = !real_is_dir(real) || ovl_is_opaque(real);
	return 0;
}

/* One lower layer. A file ends the search; under a directory found before, a file hides itself and all below. */
static int find_lower(struct inode *dir, u32 n, const struct dentry *d, struct found *f)
{
	struct path parent = ovl_lower_path(dir, n);
	struct dentry *real = lookup_positive(&parent, d->name, d->name_len);
	bool have = f->upper || f->count;

	if (IS_ERR_OR_NULL(real))
		return PTR_ERR(real);
	if (ovl_is_whiteout(real) || (have && !real_is_dir(real))) {
		f->stop = true;
		d_put(real);
		return 0;
	}
	f->lower[f->count++] = (struct ovl_lower){ ovl_inode(dir)->lower[n].layer, real };
	f->stop = !real_is_dir(real) || (n + 1 < ovl_inode(dir)->lower_count && ovl_is_opaque(real));
	return 0;
}

static int find(struct inode *dir, const struct dentry *d, struct found *f)
{
	struct ovl_inode *o = ovl_inode(dir);
	int err = find_upper(dir, d, f);

	for (u32 n = 0; !err && !f->stop && n < o->lower_count; n++)
		err = find_lower(dir, n, d, f);
	return err;
}

struct dentry *ovl_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	struct found f;
	struct inode *i = NULL;
	int err;

	f.upper = NULL;
	f.count = 0;
	f.stop = false;
	err = find(dir, d, &f);
	if (err)
		found_drop(&f);
	else if (f.upper || f.count)
		i = ovl_inode_new(dir->super, f.upper, f.lower, f.count);
	cred_revert(old);
	if (err)
		return ERR_PTR(err);
	if (IS_ERR(i))
		return ERR_CAST(i);
	d_add(d, i);
	return NULL;
}

int ovl_lower_has(struct inode *dir, const char *name, size_t len)
{
	for (u32 n = 0; n < ovl_inode(dir)->lower_count; n++) {
		struct path parent = ovl_lower_path(dir, n);
		struct dentry *real = lookup_positive(&parent, name, len);

		if (IS_ERR(real))
			return PTR_ERR(real);
		if (real) {
			bool shows = !ovl_is_whiteout(real);

			d_put(real);
			return shows;
		}
	}
	return 0;
}
