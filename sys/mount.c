/*
 * System calls on mounts.
 */
#include <linux/limits.h>
#include <linux/mount.h>
#include "base/string.h"
#include "kern/cred.h"
#include <linux/capability.h>
#include "sys/sys.h"
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
