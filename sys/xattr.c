/*
 * Extended attributes: three ways to name the file, four operations.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include "base/string.h"
#include "sys/sys.h"
#include "vfs/file.h"
#include "vfs/path.h"
#include "vfs/xattr.h"

/* A file named by path or descriptor, with its references. */
struct target {
	struct path path;
	struct file *file;
};

static int by_name(u64 user, u32 walk, struct target *t)
{
	char *name = sys_name_in(user);

	t->file = NULL;
	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	int err = path_lookup(AT_FDCWD, name, walk, &t->path);
	sys_name_put(name);
	return err;
}

static int by_fd(u64 fd, struct target *t)
{
	t->file = fd_get((int)fd);
	if (!t->file)
		return -EBADF;
	t->path = t->file->path;
	return 0;
}

static void target_put(struct target *t)
{
	if (t->file)
		file_put(t->file);
	else
		path_put(&t->path);
}

static int key_in(char key[XATTR_NAME_MAX + 1], u64 user)
{
	long n = copy_in_string(key, uaddr(user), XATTR_NAME_MAX + 1);

	return n == -ENAMETOOLONG || !n ? -ERANGE : n < 0 ? (int)n : 0;
}

/* @err: how finding the target went; consumes it. */
static s64 set(int err, struct target *t, u64 user_key, u64 value, u64 size, u64 flags)
{
	char key[XATTR_NAME_MAX + 1];
	void *buf = NULL;

	if (err)
		return err;
	if (flags & ~(u64)(XATTR_CREATE | XATTR_REPLACE))
		err = -EINVAL;
	if (!err)
		err = key_in(key, user_key);
	if (!err && size > XATTR_SIZE_MAX)
		err = -E2BIG;
	if (!err && size) {
		buf = kvmalloc(size, ALLOC_KERNEL);
		err = !buf ? -ENOMEM : copy_in(buf, uaddr(value), size);
	}
	if (!err)
		err = vfs_setxattr(&t->path, key, buf, size, (int)flags);
	kvfree(buf);
	target_put(t);
	return err;
}

/* key NULL: list. */
static s64 get_or_list(struct target *t, const char *key, u64 user, u64 size, u64 max)
{
	void *buf = NULL;
	s64 ret;

	if (size > max)
		size = max;
	if (size) {
		buf = kvmalloc(size, ALLOC_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	ret = key ? vfs_getxattr(&t->path, key, buf, size) : vfs_listxattr(&t->path, buf, size);
	if (ret > 0 && size && copy_out(uaddr(user), buf, (size_t)ret))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static s64 get(int err, struct target *t, u64 user_key, u64 value, u64 size)
{
	char key[XATTR_NAME_MAX + 1];

	if (err)
		return err;
	s64 ret = key_in(key, user_key);
	if (!ret)
		ret = get_or_list(t, key, value, size, XATTR_SIZE_MAX);
	target_put(t);
	return ret;
}

static s64 list(int err, struct target *t, u64 user, u64 size)
{
	if (err)
		return err;
	s64 ret = get_or_list(t, NULL, user, size, XATTR_LIST_MAX);
	target_put(t);
	return ret;
}

static s64 remove(int err, struct target *t, u64 user_key)
{
	char key[XATTR_NAME_MAX + 1];

	if (err)
		return err;
	err = key_in(key, user_key);
	if (!err)
		err = vfs_removexattr(&t->path, key);
	target_put(t);
	return err;
}

s64 sys_setxattr(u64 name, u64 key, u64 value, u64 size, u64 flags) { struct target t; return set(by_name(name, WALK_FOLLOW, &t), &t, key, value, size, flags); }
s64 sys_lsetxattr(u64 name, u64 key, u64 value, u64 size, u64 flags) { struct target t; return set(by_name(name, 0, &t), &t, key, value, size, flags); }
s64 sys_fsetxattr(u64 fd, u64 key, u64 value, u64 size, u64 flags) { struct target t; return set(by_fd(fd, &t), &t, key, value, size, flags); }
s64 sys_getxattr(u64 name, u64 key, u64 value, u64 size) { struct target t; return get(by_name(name, WALK_FOLLOW, &t), &t, key, value, size); }
s64 sys_lgetxattr(u64 name, u64 key, u64 value, u64 size) { struct target t; return get(by_name(name, 0, &t), &t, key, value, size); }
s64 sys_fgetxattr(u64 fd, u64 key, u64 value, u64 size) { struct target t; return get(by_fd(fd, &t), &t, key, value, size); }
s64 sys_listxattr(u64 name, u64 buf, u64 size) { struct target t; return list(by_name(name, WALK_FOLLOW, &t), &t, buf, size); }
s64 sys_llistxattr(u64 name, u64 buf, u64 size) { struct target t; return list(by_name(name, 0, &t), &t, buf, size); }
s64 sys_flistxattr(u64 fd, u64 buf, u64 size) { struct target t; return list(by_fd(fd, &t), &t, buf, size); }
s64 sys_removexattr(u64 name, u64 key) { struct target t; return remove(by_name(name, WALK_FOLLOW, &t), &t, key); }
s64 sys_lremovexattr(u64 name, u64 key) { struct target t; return remove(by_name(name, 0, &t), &t, key); }
s64 sys_fremovexattr(u64 fd, u64 key) { struct target t; return remove(by_fd(fd, &t), &t, key); }
