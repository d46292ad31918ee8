/*
 * Extended attributes: name-space rules over inode_ops.  Names and values are kernel memory.
 *
 * user.*: regular files and directories, by file permission; trusted.*: CAP_SYS_ADMIN; security.*: reading free, writing
 * CAP_SYS_ADMIN (security.capability: CAP_SETFCAP); system.*: whatever the file system offers.
 */
#ifndef VFS_XATTR_H
#define VFS_XATTR_H

#include <linux/limits.h>
#include <linux/xattr.h>
#include "base/types.h"

struct path;
struct file;

/** vfs_getxattr - size 0 asks for the length. Return: length, -ENODATA, -EOPNOTSUPP, -ERANGE… */
s64 vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size);
MUST_CHECK int vfs_setxattr(const struct path *p, const char *name, const void *value, size_t size, int flags);
s64 vfs_listxattr(const struct path *p, char *buf, size_t size);
MUST_CHECK int vfs_removexattr(const struct path *p, const char *name);

#endif
