/*
 * Mounts by descriptor.  The callers have checked the flags of the system calls; names are kernel strings.
 */
#ifndef VFS_MOUNT_FD_H
#define VFS_MOUNT_FD_H

#include "base/types.h"

struct file;

/** vfs_open_tree - an O_PATH descriptor of a place, or (@clone) of a copy of what is mounted there. Return: descriptor or -errno */
int vfs_open_tree(int dirfd, const char *name, u32 walk_flags, bool clone, bool deep, bool cloexec);
/** vfs_move_mount - attach the tree of a descriptor, or move a mount. Return: 0 or -errno */
int vfs_move_mount(int from_dirfd, const char *from_name, u32 from_walk, int to_dirfd, const char *to_name, u32 to_walk);
/** vfs_fsopen - a context for a new instance of file system @type. Return: descriptor, -ENODEV, -ENOMEM, -EMFILE */
int vfs_fsopen(const char *type, bool cloexec);
/** vfs_fsconfig - @cmd: FSCONFIG_*; @key, @value as it needs them. Return: 0, -EINVAL (no context), -EBUSY, -EOPNOTSUPP */
int vfs_fsconfig(struct file *f, u32 cmd, const char *key, const char *value);
/** vfs_fsmount - the instance that was created as a tree with MNT_* @mount_flags. Return: descriptor, -EINVAL */
int vfs_fsmount(struct file *f, u32 mount_flags, bool cloexec);

#endif
