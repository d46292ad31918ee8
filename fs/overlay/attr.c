/*
 * Attributes and extended attributes: the real object's, but for the numbers.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "kern/slab.h"

/* ---- of real objects ---- */

int real_getattr(struct dentry *d, struct attrs *out)
{
	struct inode *i = d->inode;

	if (i->ops->getattr)
		return i->ops->getattr(d, i, out);
	inode_fill_attrs(i, out);
	return 0;
}

int real_setattr(struct dentry *d, const struct setattr *sa)
{
	struct inode *i = d->inode;
	int err;

	inode_lock(i);
	err = i->ops->setattr ? i->ops->setattr(d, i, sa) : inode_setattr_simple(d, i, sa);
	inode_unlock(i);
	return err;
}

s64 real_getxattr(struct dentry *d, const char *name, void *buf, size_t size)
{
	struct inode *i = d->inode;

	return i->ops->getxattr ? i->ops->getxattr(d, i, name, buf, size) : -EOPNOTSUPP;
}

int real_setxattr(struct dentry *d, const char *name, const void *value, size_t size)
{
	struct inode *i = d->inode;
	int err;

	if (!i->ops->setxattr)
		return -EOPNOTSUPP;
	inode_lock(i);
	err = i->ops->setxattr(d, i, name, value, size, 0);
	inode_unlock(i);
	return err;
}

/* ---- attributes ---- */

int ovl_getattr(struct dentry *d, struct inode *i, struct attrs *out)
{
	struct ovl_inode *o = ovl_inode(i);
	struct dentry *real = ovl_real(i).dentry;
	int err;

	if (likely(!real->inode->ops->getattr)) {
		inode_fill_attrs(real->inode, out);
	} else {
		const struct cred *old = cred_override(ovl_of(i->super)->cred);

		err = real->inode->ops->getattr(real, real->inode, out);
		cred_revert(old);
		if (err)
			return err;
	}
	out->ino = o->shown_ino;
	out->dev = i->super->dev;
	if (ovl_is_dir(i) && o->lower_count)
		out->nlink = 1;
	return 0;
}

int ovl_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	struct setattr real_sa = *sa;
	const struct cred *old;
	int err = ovl_copy_up(d, sa->valid & SET_SIZE ? sa->size : ~0ull);

	if (err)
		return err;
	real_sa.file = NULL;	/* the real file's own handle is of no use to it: it has the path */
	old = cred_override(ovl_of(i->super)->cred);
	err = real_setattr(ovl_upper(ovl_inode(i)), &real_sa);
	cred_revert(old);
	ovl_sync_attrs(i);
	return err;
}

/* ---- extended attributes ---- */

static bool is_own(const char *name)
{
	return str_starts_with(name, OVL_XATTR_PREFIX);
}

s64 ovl_getxattr(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size)
{
	const struct cred *old;
	s64 ret;

	if (is_own(name))
		return -EOPNOTSUPP;
	old = cred_override(ovl_of(i->super)->cred);
	ret = real_getxattr(ovl_real(i).dentry, name, buf, size);
	cred_revert(old);
	return ret;
}

int ovl_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	const struct cred *old;
	struct inode *real;
	int err;

	if (is_own(name))
		return -EOPNOTSUPP;
	err = ovl_copy_up(d, ~0ull);
	if (err)
		return err;
	real = ovl_upper(ovl_inode(i))->inode;
	if (!real->ops->setxattr)
		return -EOPNOTSUPP;
	old = cred_override(ovl_of(i->super)->cred);
	inode_lock(real);
	err = real->ops->setxattr(ovl_upper(ovl_inode(i)), real, name, value, size, flags);
	inode_unlock(real);
	cred_revert(old);
	ovl_sync_attrs(i);
	return err;
}

int ovl_removexattr(struct dentry *d, struct inode *i, const char *name)
{
	const struct cred *old;
	struct inode *real;
	s64 there;
	int err;

	if (is_own(name))
		return -EOPNOTSUPP;
	there = ovl_getxattr(d, i, name, NULL, 0);
	if (there < 0)
		return there;
	err = ovl_copy_up(d, ~0ull);
	if (err)
		return err;
	real = ovl_upper(ovl_inode(i))->inode;
	if (!real->ops->removexattr)
		return -EOPNOTSUPP;
	old = cred_override(ovl_of(i->super)->cred);
	inode_lock(real);
	err = real->ops->removexattr(ovl_upper(ovl_inode(i)), real, name);
	inode_unlock(real);
	cred_revert(old);
	return err;
}

/* Take our own names out of a list of NUL-terminated ones. Return: its new length */
static s64 filter_list(char *list, s64 len)
{
	s64 kept = 0;

	for (s64 at = 0; at < len;) {
		size_t n = strlen(list + at) + 1;

		if (!is_own(list + at)) {
			memmove(list + kept, list + at, n);
			kept += n;
		}
		at += n;
	}
	return kept;
}

s64 ovl_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size)
{
	struct dentry *real = ovl_real(i).dentry;
	const struct cred *old;
	char *list;
	s64 len;

	if (!real->inode->ops->listxattr)
		return -EOPNOTSUPP;
	list = kvmalloc(XATTR_LIST_MAX, ALLOC_KERNEL);
	if (!list)
		return -ENOMEM;
	old = cred_override(ovl_of(i->super)->cred);
	len = real->inode->ops->listxattr(real, real->inode, list, XATTR_LIST_MAX);
	cred_revert(old);
	if (len > 0)
		len = filter_list(list, len);
	if (len > 0 && size) {
		if ((u64)len > size)
			len = -ERANGE;
		else
			memcpy(buf, list, len);
	}
	kvfree(list);
	return len;
}
