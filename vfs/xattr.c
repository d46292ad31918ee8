/*
 * Extended attributes: name-space rules.  See vfs/xattr.h.
 *
 * Source: xattr(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/cred.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/xattr.h"

/* Access to @name of @i; @mask MAY_READ or MAY_WRITE. */
static int name_check(struct inode *i, const char *name, int mask)
{
	if (mask & MAY_WRITE && i->iflags & (IFLAG_IMMUTABLE | IFLAG_APPEND))
		return -EPERM;
	if (str_starts_with(name, "security.") || str_starts_with(name, "system."))
		return 0;
	if (str_starts_with(name, "trusted.")) {
		if (capable(CAP_SYS_ADMIN))
			return 0;
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	}
	if (str_starts_with(name, "user.")) {
		if (!inode_is_reg(i) && !inode_is_dir(i))
			return mask & MAY_WRITE ? -EPERM : -ENODATA;
		if (inode_is_dir(i) && i->mode & S_ISVTX && mask & MAY_WRITE && !inode_owner_or_capable(i))
			return -EPERM;
	}
	return inode_permission(i, mask);
}

/* Only privileged processes may write security attributes. */
static int security_check(const char *name)
{
	if (!str_starts_with(name, "security."))
		return 0;
	if (!strcmp(name, "security.capability"))
		return capable(CAP_SETFCAP) ? 0 : -EPERM;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

s64 vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	int err = name_check(i, name, MAY_READ);

	if (err)
		return err;
	if (!i->ops->getxattr)
		return -EOPNOTSUPP;
	return i->ops->getxattr(p->dentry, i, name, buf, size);
}

static int write_check(const struct path *p, const char *name)
{
	int err = mount_want_write(p->mount);

	if (!err)
		err = name_check(p->dentry->inode, name, MAY_WRITE);
	return err ? err : security_check(name);
}

int vfs_setxattr(const struct path *p, const char *name, const void *value, size_t size, int flags)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = write_check(p, name);
	if (err)
		return err;
	if (!i->ops->setxattr)
		return -EOPNOTSUPP;
	inode_lock(i);
	err = i->ops->setxattr(p->dentry, i, name, value, size, flags);
	inode_unlock(i);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB);
	return err;
}

s64 vfs_listxattr(const struct path *p, char *buf, size_t size)
{
	struct inode *i = p->dentry->inode;

	return i->ops->listxattr ? i->ops->listxattr(p->dentry, i, buf, size) : 0;
}

int vfs_removexattr(const struct path *p, const char *name)
{
	struct inode *i = p->dentry->inode;
	int err = write_check(p, name);

	if (err)
		return err;
	if (!i->ops->removexattr)
		return -EOPNOTSUPP;
	inode_lock(i);
	err = i->ops->removexattr(p->dentry, i, name);
	inode_unlock(i);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB);
	return err;
}
