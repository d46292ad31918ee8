/*
 * Extended attributes in memory: a list on the inode.  trusted.* and security.*; user.* are refused, as by tmpfs in Linux 6.1.
 */
#include <linux/errno.h>
#include <linux/xattr.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "fs/ram/ram.h"

static bool names_acl(const char *name)
{
	return !strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default");
}

/* 0, -EOPNOTSUPP (another name space), -EINVAL (a name space and no name) */
static int name_check(struct inode *i, const char *name)
{
	if (!strcmp(name, "trusted.") || !strcmp(name, "security."))
		return -EINVAL;
	if (str_starts_with(name, "trusted.") || str_starts_with(name, "security."))
		return 0;
	return ram_s(i->super)->user_xattrs && str_starts_with(name, "user.") ? 0 : -EOPNOTSUPP;
}

static struct ram_xattr *find(struct ram_inode *r, const char *name)
{
	struct ram_xattr *x;

	list_for_each_entry(x, &r->xattrs, node)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

s64 ram_getxattr(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size)
{
	s64 ret = -ENODATA;

	int err = name_check(i, name);

	if (names_acl(name) && (i->mode & S_IFMT) != S_IFLNK)
		return -ENODATA;	/* ACLs are known here, and no file has one beyond its mode */
	if (err)
		return err;
	inode_lock_shared(i);
	struct ram_xattr *x = find(ram_i(i), name);

	if (x && size && size < x->size) {
		ret = -ERANGE;
	} else if (x) {
		if (size)
			memcpy(buf, x->value, x->size);
		ret = (s64)x->size;
	}
	inode_unlock_shared(i);
	return ret;
}

int ram_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	struct ram_inode *r = ram_i(i);
	struct ram_xattr *old = find(r, name), *x;

	int err = name_check(i, name);

	if (err)
		return err;
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & XATTR_REPLACE)
		return -ENODATA;
	x = kmalloc(sizeof(*x) + size + strlen(name) + 1, ALLOC_KERNEL);
	if (!x)
		return -ENOMEM;
	x->size = size;
	x->name = (char *)x->value + size;
	memcpy(x->value, value, size);
	memcpy(x->name, name, strlen(name) + 1);
	if (old) {
		list_replace(&old->node, &x->node);
		kfree(old);
	} else {
		list_add_tail(&x->node, &r->xattrs);
	}
	inode_touch(i, SET_CTIME);
	return 0;
}

s64 ram_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size)
{
	struct ram_xattr *x;
	size_t n = 0;

	inode_lock_shared(i);
	list_for_each_entry(x, &ram_i(i)->xattrs, node) {
		size_t len = strlen(x->name) + 1;

		if (str_starts_with(x->name, "trusted.") && !capable(21 /* CAP_SYS_ADMIN */))
			continue;
		if (size && n + len <= size)
			memcpy(buf + n, x->name, len);
		n += len;
	}
	inode_unlock_shared(i);
	return size && n > size ? -ERANGE : (s64)n;
}

int ram_removexattr(struct dentry *d, struct inode *i, const char *name)
{
	struct ram_xattr *x = find(ram_i(i), name);

	int err = name_check(i, name);

	if (err)
		return err;
	if (!x)
		return -ENODATA;
	list_del(&x->node);
	kfree(x);
	inode_touch(i, SET_CTIME);
	return 0;
}

void ram_xattrs_free(struct ram_inode *r)
{
	struct ram_xattr *x, *tmp;

	list_for_each_entry_safe(x, tmp, &r->xattrs, node)
		kfree(x);
	list_init(&r->xattrs);
}
