/*
 * System calls that report attributes: stat and its kin, statx, statfs.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include "base/string.h"
#include "sys/sys.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/ops.h"
#include "vfs/path.h"

/* The walk for stat: an automount point is not triggered. */
static int attrs_by_name(int dirfd, const char *name, u32 walk, struct attrs *a)
{
	if (*name || !(walk & WALK_EMPTY) || dirfd < 0)
		return vfs_statat(dirfd, name, walk, a);
	struct file *f = fd_get_path(dirfd);	/* fstatat(fd, ""): no walk at all */

	if (!f)
		return -EBADF;
	int err = vfs_getattr_file(f, a);
	file_put(f);
	return err;
}

/* The same of a name in user memory. */
static int attrs_at(u64 dirfd, u64 user_name, u32 walk, struct attrs *a)
{
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	int err = attrs_by_name((int)dirfd, name, walk, a);
	sys_name_put(name);
	return err;
}

static s64 stat_out(u64 user, const struct attrs *a)
{
	struct stat st = {
		.st_dev = a->dev, .st_ino = a->ino, .st_nlink = a->nlink, .st_mode = a->mode, .st_uid = a->uid, .st_gid = a->gid,
		.st_rdev = a->rdev, .st_size = (long)a->size, .st_blksize = a->blksize, .st_blocks = (long)a->blocks,
		.st_atime = (unsigned long)a->atime.sec, .st_atime_nsec = a->atime.nsec,
		.st_mtime = (unsigned long)a->mtime.sec, .st_mtime_nsec = a->mtime.nsec,
		.st_ctime = (unsigned long)a->ctime.sec, .st_ctime_nsec = a->ctime.nsec,
	};

	return copy_out(uaddr(user), &st, sizeof(st));
}

s64 sys_newfstatat(u64 dirfd, u64 name, u64 st, u64 flags)
{
	struct attrs a;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	int err = attrs_at(dirfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &a);
	return err ? err : stat_out(st, &a);
}

s64 sys_stat(u64 name, u64 st) { return sys_newfstatat((u64)AT_FDCWD, name, st, 0); }
s64 sys_lstat(u64 name, u64 st) { return sys_newfstatat((u64)AT_FDCWD, name, st, AT_SYMLINK_NOFOLLOW); }

s64 sys_fstat(u64 fd, u64 st)
{
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);
	struct attrs a;

	if (!f) {	/* one of O_PATH, or none */
		f = fd_get_path((int)fd);
		borrowed = false;
	}
	if (!f)
		return -EBADF;
	int err = vfs_getattr_file(f, &a);
	fd_return(f, borrowed);
	return err ? err : stat_out(st, &a);
}

static struct statx_timestamp stamp_out(struct timestamp t)
{
	return (struct statx_timestamp){ .tv_sec = t.sec, .tv_nsec = t.nsec };
}

static int statx_check(u64 flags, u64 mask)
{
	if (mask & STATX__RESERVED || flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	return (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ? -EINVAL : 0;
}

static s64 statx_out(u64 user, const struct attrs *a)
{
	struct statx x;

	memset(&x, 0, sizeof(x));
	x.stx_mask = a->mask;
	x.stx_blksize = a->blksize;
	x.stx_attributes = a->attributes;
	x.stx_attributes_mask = a->attributes_mask;
	x.stx_nlink = a->nlink;
	x.stx_uid = a->uid;
	x.stx_gid = a->gid;
	x.stx_mode = (u16)a->mode;
	x.stx_ino = a->ino;
	x.stx_size = a->size;
	x.stx_blocks = a->blocks;
	x.stx_atime = stamp_out(a->atime);
	x.stx_btime = stamp_out(a->btime);
	x.stx_ctime = stamp_out(a->ctime);
	x.stx_mtime = stamp_out(a->mtime);
	x.stx_rdev_major = dev_major(a->rdev);
	x.stx_rdev_minor = dev_minor(a->rdev);
	x.stx_dev_major = dev_major(a->dev);
	x.stx_dev_minor = dev_minor(a->dev);
	return copy_out(uaddr(user), &x, sizeof(x));
}

static u32 statx_walk(u64 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

s64 sys_statx_name(int dirfd, const char *name, u64 flags, u64 mask, u64 user)
{
	struct attrs a;
	int err = statx_check(flags, mask);

	if (!err)
		err = attrs_by_name(dirfd, name, statx_walk(flags), &a);
	return err ? err : statx_out(user, &a);
}

s64 sys_statx(u64 dirfd, u64 name, u64 flags, u64 mask, u64 user)
{
	struct attrs a;
	int err = statx_check(flags, mask);

	if (!err)
		err = attrs_at(dirfd, name, statx_walk(flags), &a);
	return err ? err : statx_out(user, &a);
}

s64 sys_statfs(u64 user_name, u64 buf)
{
	struct path p;
	struct statfs st;
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = path_lookup(AT_FDCWD, name, WALK_FOLLOW, &p);
	sys_name_put(name);
	if (err)
		return err;
	err = vfs_statfs(&p, &st);
	path_put(&p);
	return err ? err : copy_out(uaddr(buf), &st, sizeof(st));
}

s64 sys_fstatfs(u64 fd, u64 buf)
{
	struct file *f = fd_get_path((int)fd);
	struct statfs st;

	if (!f)
		return -EBADF;
	int err = vfs_statfs(&f->path, &st);
	file_put(f);
	return err ? err : copy_out(uaddr(buf), &st, sizeof(st));
}
