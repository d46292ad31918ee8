/*
 * System calls on names: opening, making, removing, renaming, changing attributes.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include "base/string.h"
#include "kern/cred.h"
#include "sys/sys.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/ops.h"
#include "vfs/path.h"

static struct slab_cache *names;

char *sys_name_in(u64 user)
{
	if (__builtin_expect(!names, 0))	/* made by the first process: nobody races */
		names = slab_create("names", PATH_MAX, 64);
	char *buf = names ? slab_alloc(names, ALLOC_KERNEL) : NULL;
	if (!buf)
		return ERR_PTR(-ENOMEM);
	long n = copy_in_string(buf, uaddr(user), PATH_MAX);
	if (n >= 0)
		return buf;
	slab_free(names, buf);
	return ERR_PTR(n);
}

void sys_name_put(char *name)
{
	slab_free(names, name);
}

/* A path that a call names by descriptor or string; references in *p. */
static int path_in(u64 dirfd, u64 user_name, u32 walk, struct path *p)
{
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	int err = path_lookup((int)dirfd, name, walk, p);
	sys_name_put(name);
	return err;
}

/* ---- open ---- */

/* Flags that open(2) knows; it ignores others. */
enum { OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | O_DIRECT | O_DIRECTORY |
		    O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_SYNC | O_PATH | O_TMPFILE | 0100000 /* O_LARGEFILE */ };

static s64 do_open(u64 dirfd, u64 user_name, u32 flags, u32 mode, u32 walk)
{
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int fd = fd_alloc(0, flags & O_CLOEXEC);
	if (fd >= 0) {
		struct file *f = path_open((int)dirfd, name, flags, mode, walk);

		if (IS_ERR(f)) {
			fd_unreserve(fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_install(fd, f);
		}
	}
	sys_name_put(name);
	return fd;
}

int sys_open_decode(u64 flags, u64 mode, struct open_in *out)
{
	u32 fl = (u32)flags & OPEN_FLAGS;

	if (fl & O_PATH)
		fl &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((fl & (O_TMPFILE & ~O_DIRECTORY)) && ((fl & O_TMPFILE) != O_TMPFILE || !(fl & O_ACCMODE)))
		return -EINVAL;
	*out = (struct open_in){ .flags = fl, .mode = fl & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? (u32)mode & 07777 : 0 };
	return 0;
}

s64 sys_openat(u64 dirfd, u64 name, u64 flags, u64 mode)
{
	struct open_in in;
	int err = sys_open_decode(flags, mode, &in);

	return err ? err : do_open(dirfd, name, in.flags, in.mode, 0);
}

s64 sys_open(u64 name, u64 flags, u64 mode) { return sys_openat((u64)AT_FDCWD, name, flags, mode); }
s64 sys_creat(u64 name, u64 mode) { return sys_openat((u64)AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* openat2 refuses what openat ignores. */
static int how_check(const struct open_how *how, u32 *walk)
{
	const u64 resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
	bool creates = how->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));

	if (how->flags & ~(u64)OPEN_FLAGS || how->resolve & ~resolve)
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (creates ? how->mode & ~07777ull : how->mode)
		return -EINVAL;
	if ((how->flags & (O_TMPFILE & ~O_DIRECTORY)) && ((how->flags & O_TMPFILE) != O_TMPFILE || !(how->flags & O_ACCMODE)))
		return -EINVAL;
	if ((how->flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) && !(how->flags & (O_TMPFILE & ~O_DIRECTORY)))
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED && how->flags & (O_TRUNC | O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return -EAGAIN;
	*walk = (how->resolve & RESOLVE_NO_XDEV ? WALK_NO_XDEV : 0) | (how->resolve & RESOLVE_NO_MAGICLINKS ? WALK_NO_MAGIC : 0) |
		(how->resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS : 0) | (how->resolve & RESOLVE_BENEATH ? WALK_BENEATH : 0) |
		(how->resolve & RESOLVE_IN_ROOT ? WALK_IN_ROOT : 0) | (how->resolve & RESOLVE_CACHED ? WALK_CACHED : 0);
	return 0;
}

int sys_open_decode_how(u64 user_how, u64 size, struct open_in *out)
{
	struct open_how how;
	u32 walk;

	if (size < 24)		/* OPEN_HOW_SIZE_VER0 */
		return -EINVAL;
	int err = copy_in_struct(&how, sizeof(how), uaddr(user_how), size);
	if (!err)
		err = how_check(&how, &walk);
	if (!err)
		*out = (struct open_in){ .flags = (u32)how.flags, .mode = (u32)how.mode, .walk = walk };
	return err;
}

s64 sys_openat2(u64 dirfd, u64 name, u64 user_how, u64 size)
{
	struct open_in in;
	int err = sys_open_decode_how(user_how, size, &in);

	return err ? err : do_open(dirfd, name, in.flags, in.mode, in.walk);
}

s64 sys_truncate(u64 name, u64 size)
{
	struct path p;

	if ((s64)size < 0)
		return -EINVAL;
	int err = path_in((u64)AT_FDCWD, name, WALK_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_truncate_path(&p, (s64)size);
	path_put(&p);
	return err;
}

/* ---- access ---- */

/* access(2) asks for the real user, whose capabilities are the permitted ones only if it is root. */
static const struct cred *real_cred(void)
{
	struct cred *c = cred_prepare();

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = c->uid ? 0 : c->cap_permitted;
	return c;
}

s64 sys_faccessat2(u64 dirfd, u64 name, u64 mode, u64 flags)
{
	const struct cred *real = NULL, *old = NULL;
	struct path p;

	if (mode & ~7ull || flags & ~(u64)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		real = real_cred();
		if (!real)
			return -ENOMEM;
		old = cred_override(real);
	}
	int err = path_in(dirfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (!err) {
		err = vfs_access(&p, (int)mode);
		path_put(&p);
	}
	if (real) {
		cred_revert(old);
		cred_put(real);
	}
	return err;
}

s64 sys_faccessat(u64 dirfd, u64 name, u64 mode) { return sys_faccessat2(dirfd, name, mode, 0); }
s64 sys_access(u64 name, u64 mode) { return sys_faccessat2((u64)AT_FDCWD, name, mode, 0); }

/* ---- attributes ---- */

s64 sys_fchmodat(u64 dirfd, u64 name, u64 mode)
{
	struct path p;
	int err = path_in(dirfd, name, WALK_FOLLOW, &p);

	if (err)
		return err;
	err = vfs_chmod(&p, (u32)mode & 07777);
	path_put(&p);
	return err;
}

s64 sys_chmod(u64 name, u64 mode) { return sys_fchmodat((u64)AT_FDCWD, name, mode); }

s64 sys_fchmod(u64 fd, u64 mode)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	int err = vfs_chmod(&f->path, (u32)mode & 07777);
	file_put(f);
	return err;
}

s64 sys_fchownat(u64 dirfd, u64 name, u64 uid, u64 gid, u64 flags)
{
	struct path p;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = path_in(dirfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (err)
		return err;
	err = vfs_chown(&p, (u32)uid, (u32)gid);
	path_put(&p);
	return err;
}

s64 sys_chown(u64 name, u64 uid, u64 gid) { return sys_fchownat((u64)AT_FDCWD, name, uid, gid, 0); }
s64 sys_lchown(u64 name, u64 uid, u64 gid) { return sys_fchownat((u64)AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW); }

s64 sys_fchown(u64 fd, u64 uid, u64 gid)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	int err = vfs_chown(&f->path, (u32)uid, (u32)gid);
	file_put(f);
	return err;
}

/* name NULL: the descriptor itself. */
static s64 set_times(u64 dirfd, u64 name, const struct timestamp *times, u64 flags)
{
	struct path p;
	int err;

	if (!name && (int)dirfd != AT_FDCWD) {
		struct file *f = flags ? NULL : fd_get((int)dirfd);

		if (!f)
			return flags ? -EINVAL : -EBADF;
		err = vfs_utimens(&f->path, times);
		file_put(f);
		return err;
	}
	err = path_in(dirfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (err)
		return err;
	err = vfs_utimens(&p, times);
	path_put(&p);
	return err;
}

enum { UTIME_NOW_ = 0x3fffffff, UTIME_OMIT_ = 0x3ffffffe };

s64 sys_utimensat(u64 dirfd, u64 name, u64 times, u64 flags)
{
	struct __kernel_timespec ts[2];
	struct timestamp t[2];

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times && copy_in(ts, uaddr(times), sizeof(ts)))
		return -EFAULT;
	for (int i = 0; times && i < 2; i++) {
		if ((u64)ts[i].tv_nsec > 999999999 && ts[i].tv_nsec != UTIME_NOW_ && ts[i].tv_nsec != UTIME_OMIT_)
			return -EINVAL;
		t[i] = (struct timestamp){ ts[i].tv_sec, (u32)ts[i].tv_nsec };
	}
	if (times && t[0].nsec == UTIME_OMIT_ && t[1].nsec == UTIME_OMIT_)
		return 0;
	return set_times(dirfd, name, times ? t : NULL, flags);
}

s64 sys_futimesat(u64 dirfd, u64 name, u64 times)
{
	struct { s64 sec, usec; } tv[2];
	struct timestamp t[2];

	if (times && copy_in(tv, uaddr(times), sizeof(tv)))
		return -EFAULT;
	for (int i = 0; times && i < 2; i++) {
		if ((u64)tv[i].usec > 999999)
			return -EINVAL;
		t[i] = (struct timestamp){ tv[i].sec, (u32)tv[i].usec * 1000 };
	}
	return set_times(dirfd, name, times ? t : NULL, 0);
}

s64 sys_utimes(u64 name, u64 times) { return sys_futimesat((u64)AT_FDCWD, name, times); }

s64 sys_utime(u64 name, u64 times)
{
	s64 sec[2];

	if (times && copy_in(sec, uaddr(times), sizeof(sec)))
		return -EFAULT;
	struct timestamp t[2] = { { times ? sec[0] : 0, 0 }, { times ? sec[1] : 0, 0 } };
	return set_times((u64)AT_FDCWD, name, times ? t : NULL, 0);
}

/* ---- making and removing names ---- */

s64 sys_mkdirat(u64 dirfd, u64 user, u64 mode)
{
	char *name = sys_name_in(user);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = vfs_mkdirat((int)dirfd, name, (u32)mode);
	sys_name_put(name);
	return err;
}

s64 sys_mkdir(u64 name, u64 mode) { return sys_mkdirat((u64)AT_FDCWD, name, mode); }

s64 sys_mknodat(u64 dirfd, u64 user, u64 mode, u64 dev)
{
	char *name = sys_name_in(user);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = vfs_mknodat((int)dirfd, name, (u32)mode, (u32)dev);
	sys_name_put(name);
	return err;
}

s64 sys_mknod(u64 name, u64 mode, u64 dev) { return sys_mknodat((u64)AT_FDCWD, name, mode, dev); }

s64 sys_unlinkat(u64 dirfd, u64 user, u64 flags)
{
	if (flags & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	char *name = sys_name_in(user);
	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = vfs_unlinkat((int)dirfd, name, (u32)flags);
	sys_name_put(name);
	return err;
}

s64 sys_unlink(u64 name) { return sys_unlinkat((u64)AT_FDCWD, name, 0); }
s64 sys_rmdir(u64 name) { return sys_unlinkat((u64)AT_FDCWD, name, AT_REMOVEDIR); }

/* Two names in; the second is not read if the first fails. */
static int names_in(u64 user_a, u64 user_b, char **a, char **b)
{
	*b = NULL;
	*a = sys_name_in(user_a);
	if (IS_ERR(*a))
		return (int)PTR_ERR(*a);
	*b = sys_name_in(user_b);
	if (!IS_ERR(*b))
		return 0;
	sys_name_put(*a);
	return (int)PTR_ERR(*b);
}

s64 sys_linkat(u64 olddir, u64 old, u64 newdir, u64 new, u64 flags)
{
	char *a, *b = NULL;

	if (flags & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = names_in(old, new, &a, &b);
	if (err)
		return err;
	err = vfs_linkat((int)olddir, a, (int)newdir, b, (u32)flags);
	sys_name_put(a);
	sys_name_put(b);
	return err;
}

s64 sys_link(u64 old, u64 new) { return sys_linkat((u64)AT_FDCWD, old, (u64)AT_FDCWD, new, 0); }

s64 sys_symlinkat(u64 target, u64 dirfd, u64 name)
{
	char *a, *b = NULL;
	int err = names_in(target, name, &a, &b);

	if (err)
		return err;
	err = *a ? vfs_symlinkat(a, (int)dirfd, b) : -ENOENT;
	sys_name_put(a);
	sys_name_put(b);
	return err;
}

s64 sys_symlink(u64 target, u64 name) { return sys_symlinkat(target, (u64)AT_FDCWD, name); }

s64 sys_renameat2(u64 olddir, u64 old, u64 newdir, u64 new, u64 flags)
{
	char *a, *b = NULL;
	int err = names_in(old, new, &a, &b);

	if (err)
		return err;
	err = vfs_renameat((int)olddir, a, (int)newdir, b, (u32)flags);
	sys_name_put(a);
	sys_name_put(b);
	return err;
}

s64 sys_renameat(u64 olddir, u64 old, u64 newdir, u64 new) { return sys_renameat2(olddir, old, newdir, new, 0); }
s64 sys_rename(u64 old, u64 new) { return sys_renameat2((u64)AT_FDCWD, old, (u64)AT_FDCWD, new, 0); }

s64 sys_readlinkat(u64 dirfd, u64 name, u64 buf, u64 size)
{
	struct path p;

	if ((int)size <= 0)
		return -EINVAL;
	int err = path_in(dirfd, name, WALK_EMPTY, &p);
	if (err)
		return err;
	s64 ret = vfs_readlink(&p, uaddr(buf), (u32)size);
	char first;

	path_put(&p);
	/* an empty name is the descriptor itself; where that is no symlink, it was no name */
	return ret == -EINVAL && !get_user(first, uaddr(name)) && !first ? -ENOENT : ret;
}

s64 sys_readlink(u64 name, u64 buf, u64 size) { return sys_readlinkat((u64)AT_FDCWD, name, buf, size); }

s64 sys_umask(u64 mask)
{
	return __atomic_exchange_n(&current()->fs->umask, (u32)mask & 0777, __ATOMIC_RELAXED);
}
