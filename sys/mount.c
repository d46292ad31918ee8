/*
 * System calls on mounts.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include "base/string.h"
#include "kern/cred.h"
#include <linux/capability.h>
#include "sys/sys.h"
#include "vfs/file.h"
#include "vfs/mount_fd.h"
#include "vfs/path.h"

/* An optional string argument of at most a page: NULL stays NULL. */
static int string_in(u64 user, char **out)
{
	*out = NULL;
	if (!user)
		return 0;
	char *s = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!s)
		return -ENOMEM;
	long n = copy_in_string(s, uaddr(user), PAGE_SIZE);
	if (n < 0) {
		kfree(s);
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	}
	*out = s;
	return 0;
}

/* Options are a page of which as much is read as there is; binary ones are not for any file system here. */
static int options_in(u64 user, char **out)
{
	*out = NULL;
	if (!user)
		return 0;
	char *s = kmalloc(PAGE_SIZE, ALLOC_KERNEL | ALLOC_ZERO);
	if (!s)
		return -ENOMEM;
	size_t left = plat_copy_from_user(s, user, PAGE_SIZE - 1);
	if (left == PAGE_SIZE - 1) {
		kfree(s);
		return -EFAULT;
	}
	*out = s;
	return 0;
}

s64 sys_mount(u64 source, u64 target, u64 type, u64 flags, u64 data)
{
	char *src = NULL, *fs = NULL, *opt = NULL;
	int err = string_in(type, &fs);

	if (!err)
		err = string_in(source, &src);
	if (!err)
		err = options_in(data, &opt);
	if (!err) {
		char *name = sys_name_in(target);

		if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
			flags &= ~(u64)MS_MGC_MSK;
		err = IS_ERR(name) ? (int)PTR_ERR(name) : vfs_mount(src, name, fs, flags, opt ? opt : "");
		if (!IS_ERR(name))
			sys_name_put(name);
	}
	kfree(src);
	kfree(fs);
	kfree(opt);
	return err;
}

s64 sys_umount2(u64 target, u64 flags)
{
	if (flags & ~0xfull)	/* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */
		return -EINVAL;
	char *name = sys_name_in(target);
	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = vfs_umount(name, (int)flags);
	sys_name_put(name);
	return err;
}

s64 sys_pivot_root(u64 new_root, u64 put_old)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	char *a = sys_name_in(new_root);
	if (IS_ERR(a))
		return PTR_ERR(a);
	char *b = sys_name_in(put_old);
	int err = IS_ERR(b) ? (int)PTR_ERR(b) : vfs_pivot_root(a, b);
	if (!IS_ERR(b))
		sys_name_put(b);
	sys_name_put(a);
	return err;
}

/* ---- mounts by descriptor ---- */

s64 sys_open_tree(u64 dirfd, u64 user_name, u64 flags)
{
	const u64 known = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;
	u32 walk = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);

	if (flags & ~known || (flags & AT_RECURSIVE && !(flags & OPEN_TREE_CLONE)))
		return -EINVAL;
	char *name = sys_name_in(user_name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	s64 ret = vfs_open_tree((int)dirfd, name, walk, flags & OPEN_TREE_CLONE, flags & AT_RECURSIVE, flags & OPEN_TREE_CLOEXEC);
	sys_name_put(name);
	return ret;
}

s64 sys_move_mount(u64 from_dirfd, u64 from, u64 to_dirfd, u64 to, u64 flags)
{
	u32 from_walk = (flags & MOVE_MOUNT_F_SYMLINKS ? WALK_FOLLOW : 0) | (flags & MOVE_MOUNT_F_EMPTY_PATH ? WALK_EMPTY : 0);
	u32 to_walk = (flags & MOVE_MOUNT_T_SYMLINKS ? WALK_FOLLOW : 0) | (flags & MOVE_MOUNT_T_EMPTY_PATH ? WALK_EMPTY : 0);

	if (flags & ~0x77ull)	/* all but MOVE_MOUNT_SET_GROUP */
		return -EINVAL;
	char *a = sys_name_in(from);
	if (IS_ERR(a))
		return PTR_ERR(a);
	char *b = sys_name_in(to);
	s64 ret = IS_ERR(b) ? PTR_ERR(b) : vfs_move_mount((int)from_dirfd, a, from_walk, (int)to_dirfd, b, to_walk);
	if (!IS_ERR(b))
		sys_name_put(b);
	sys_name_put(a);
	return ret;
}

s64 sys_fsopen(u64 user_type, u64 flags)
{
	char *type;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(u64)FSOPEN_CLOEXEC)
		return -EINVAL;
	int err = user_type ? string_in(user_type, &type) : -EFAULT;
	if (err)
		return err;
	err = vfs_fsopen(type, flags & FSOPEN_CLOEXEC);
	kfree(type);
	return err;
}

s64 sys_fsconfig(u64 fd, u64 cmd_word, u64 user_key, u64 user_value, u64 aux)
{
	u32 cmd = (u32)cmd_word;
	char *key = NULL, *value = NULL;
	bool wants_key = cmd == FSCONFIG_SET_FLAG || cmd == FSCONFIG_SET_STRING, wants_value = cmd == FSCONFIG_SET_STRING;

	if ((int)fd < 0 || cmd > FSCONFIG_CMD_RECONFIGURE)
		return (int)fd < 0 ? -EINVAL : -EOPNOTSUPP;
	if ((wants_key != !!user_key || wants_value != !!user_value || aux) && (wants_key || cmd == FSCONFIG_CMD_CREATE))
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	int err = wants_key ? string_in(user_key, &key) : 0;
	if (!err && wants_value)
		err = string_in(user_value, &value);
	if (!err)
		err = vfs_fsconfig(f, cmd, key, value);
	kfree(key);
	kfree(value);
	file_put(f);
	return err;
}

/* MOUNT_ATTR_* as MNT_*. Return: -1 for those that are not known */
static s64 attr_flags(u64 attr)
{
	u64 atime = attr & MOUNT_ATTR__ATIME;

	if (attr & ~(u64)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME))
		return -1;
	if (atime != MOUNT_ATTR_RELATIME && atime != MOUNT_ATTR_NOATIME && atime != MOUNT_ATTR_STRICTATIME)
		return -1;
	return (attr & MOUNT_ATTR_RDONLY ? MNT_RDONLY : 0) | (attr & MOUNT_ATTR_NOSUID ? MNT_NOSUID : 0) |
	       (attr & MOUNT_ATTR_NODEV ? MNT_NODEV : 0) | (attr & MOUNT_ATTR_NOEXEC ? MNT_NOEXEC : 0) |
	       (attr & MOUNT_ATTR_NODIRATIME ? MNT_NODIRATIME : 0) |
	       (atime == MOUNT_ATTR_NOATIME ? MNT_NOATIME : atime == MOUNT_ATTR_STRICTATIME ? MNT_STRICTATIME : MNT_RELATIME);
}

s64 sys_fsmount(u64 fd, u64 flags, u64 attr)
{
	s64 mnt = attr_flags(attr);

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(u64)FSMOUNT_CLOEXEC || mnt < 0)
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	s64 ret = vfs_fsmount(f, (u32)mnt, flags & FSMOUNT_CLOEXEC);
	file_put(f);
	return ret;
}
