/*
 * io_uring: names and attributes.  Names are copied when the entry is submitted; all of these may wait for a disk, so the pool does them.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/xattr.h>
#include "base/string.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "vfs/path.h"
#include "vfs/xattr.h"

/* One or two names; what else depends on the opcode. */
struct op_name {
	char *a, *b;
	s32 dir_a, dir_b;
	u32 flags, mode;
	u64 user;			/* STATX: where the answer goes */
	struct open_in open;
	u32 slot;
};
URING_DATA_FITS(struct op_name);

void uring_name_cleanup(struct uring_req *r)
{
	struct op_name *n = uring_data(r);

	if (n->a)
		sys_name_put(n->a);
	if (n->b)
		sys_name_put(n->b);
	n->a = n->b = NULL;
}

void uring_open_cleanup(struct uring_req *r) { uring_name_cleanup(r); }

static int name_in(u64 user, char **out)
{
	char *name = sys_name_in(user);

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	*out = name;
	return 0;
}

static int two_in(struct op_name *n, u64 a, u64 b)
{
	int err = name_in(a, &n->a);

	return err ? err : name_in(b, &n->b);
}

/* ---- OPENAT, OPENAT2, CLOSE ---- */

s64 uring_install(struct uring_req *r, struct file *f, u32 slot, bool cloexec)
{
	int ret;

	if (!slot)
		ret = fd_add(f, cloexec);
	else if (slot == IORING_FILE_INDEX_ALLOC)
		ret = uring_file_add(r->ring, f);
	else
		ret = uring_file_set(r->ring, slot - 1, f, 0, false);
	if (ret < 0)
		file_put(f);
	return ret;
}

int uring_open_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_name *n = uring_data(r);
	int err;

	if (sqe->buf_index)
		return -EINVAL;
	if (r->flags & REQ_FIXED_FILE)
		return -EBADF;
	if (r->op == IORING_OP_OPENAT2)
		err = sqe->len < 24 ? -EINVAL : sys_open_decode_how(sqe->addr2, sqe->len, &n->open);
	else
		err = sys_open_decode(sqe->open_flags, sqe->len, &n->open);
	if (!err)
		err = name_in(sqe->addr, &n->a);
	n->slot = sqe->file_index;
	if (!err && n->slot && n->open.flags & O_CLOEXEC)
		err = -EINVAL;
	return err;
}

s64 uring_open_issue(struct uring_req *r, enum uring_how how)
{
	struct op_name *n = uring_data(r);

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	struct file *f = path_open(r->fd, n->a, n->open.flags, n->open.mode, n->open.walk);

	return IS_ERR(f) ? PTR_ERR(f) : uring_install(r, f, n->slot, n->open.flags & O_CLOEXEC);
}

int uring_close_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_name *n = uring_data(r);

	if (sqe->off || sqe->addr || sqe->len || sqe->rw_flags || sqe->buf_index)
		return -EINVAL;
	if (r->flags & REQ_FIXED_FILE)
		return -EBADF;
	n->slot = sqe->file_index;
	return n->slot && sqe->fd ? -EINVAL : 0;
}

s64 uring_close_issue(struct uring_req *r, enum uring_how how)
{
	struct op_name *n = uring_data(r);

	if (n->slot)
		return uring_file_set(r->ring, n->slot - 1, NULL, 0, true);
	struct file *f = fd_get_path(r->fd);
	if (!f)
		return -EBADF;
	bool refused = file_uring(f), punt = how == ISSUE_NOWAIT && (f->ops->flush || uring_file_bounded(f));

	file_put(f);
	return refused ? -EBADF : punt ? -URING_PUNT : fd_close(r->fd);
}

/* ---- STATX and the makers and removers of names ---- */

int uring_name_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_name *n = uring_data(r);
	bool bad = sqe->buf_index || sqe->splice_fd_in;

	n->dir_a = sqe->fd;
	n->dir_b = (s32)sqe->len;
	n->flags = sqe->rename_flags;
	n->mode = sqe->len;
	n->user = sqe->addr2;
	if (r->op == IORING_OP_UNLINKAT)
		bad |= sqe->off || sqe->len;
	else if (r->op == IORING_OP_MKDIRAT)
		bad |= sqe->off || sqe->rw_flags;
	else if (r->op == IORING_OP_SYMLINKAT)
		bad |= sqe->len || sqe->rw_flags;
	if (bad)
		return -EINVAL;
	if (r->flags & REQ_FIXED_FILE)
		return -EBADF;
	if (r->op == IORING_OP_UNLINKAT && n->flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	if (r->op == IORING_OP_STATX || r->op == IORING_OP_UNLINKAT || r->op == IORING_OP_MKDIRAT)
		return name_in(sqe->addr, &n->a);
	return two_in(n, sqe->addr, sqe->addr2);
}

s64 uring_name_issue(struct uring_req *r, enum uring_how how)
{
	struct op_name *n = uring_data(r);

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	switch (r->op) {
	case IORING_OP_STATX: return sys_statx_name(n->dir_a, n->a, n->flags, n->mode, n->user);
	case IORING_OP_UNLINKAT: return vfs_unlinkat(n->dir_a, n->a, n->flags);
	case IORING_OP_MKDIRAT: return vfs_mkdirat(n->dir_a, n->a, n->mode);
	case IORING_OP_SYMLINKAT: return *n->a ? vfs_symlinkat(n->a, n->dir_a, n->b) : -ENOENT;
	case IORING_OP_RENAMEAT: return vfs_renameat(n->dir_a, n->a, n->dir_b, n->b, n->flags);
	case IORING_OP_LINKAT:
		if (n->flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
			return -EINVAL;
		return vfs_linkat(n->dir_a, n->a, n->dir_b, n->b, n->flags);
	default: return -EINVAL;
	}
}

/* ---- attributes ---- */

struct op_xattr {
	char *name, *key;
	void *value;
	u64 user;
	u32 size, flags;
};

void uring_xattr_cleanup(struct uring_req *r)
{
	struct op_xattr *x = uring_data(r);

	if (x->name)
		sys_name_put(x->name);
	kfree(x->key);
	kvfree(x->value);
	*x = (struct op_xattr){ 0 };
}

static bool is_set(const struct uring_req *r) { return r->op == IORING_OP_SETXATTR || r->op == IORING_OP_FSETXATTR; }

static int value_in(struct op_xattr *x, u64 user)
{
	if (x->size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (!x->size)
		return 0;
	x->value = kvmalloc(x->size, ALLOC_KERNEL);
	return !x->value ? -ENOMEM : copy_in(x->value, uaddr(user), x->size);
}

int uring_xattr_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_xattr *x = uring_data(r);
	bool by_name = r->op == IORING_OP_SETXATTR || r->op == IORING_OP_GETXATTR;
	long n;

	if (by_name && r->flags & REQ_FIXED_FILE)
		return -EBADF;
	x->size = sqe->len;
	x->user = sqe->addr2;
	x->flags = sqe->xattr_flags;
	if (is_set(r) ? x->flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE) : x->flags)
		return -EINVAL;
	x->key = kmalloc(XATTR_NAME_MAX + 1, ALLOC_KERNEL);
	if (!x->key)
		return -ENOMEM;
	n = copy_in_string(x->key, uaddr(sqe->addr), XATTR_NAME_MAX + 1);
	if (n <= 0)
		return n == -ENAMETOOLONG || !n ? -ERANGE : (int)n;
	int err = is_set(r) ? value_in(x, sqe->addr2) : 0;

	return err || !by_name ? err : name_in(sqe->addr3, &x->name);
}

static s64 get_xattr(struct op_xattr *x, const struct path *p)
{
	u32 size = MIN(x->size, (u32)XATTR_SIZE_MAX);
	void *buf = size ? kvmalloc(size, ALLOC_KERNEL) : NULL;
	s64 ret;

	if (size && !buf)
		return -ENOMEM;
	ret = vfs_getxattr(p, x->key, buf, size);
	if (ret > 0 && size && copy_out(uaddr(x->user), buf, (size_t)ret))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

s64 uring_xattr_issue(struct uring_req *r, enum uring_how how)
{
	struct op_xattr *x = uring_data(r);
	struct path p;
	s64 ret = 0;

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	if (x->name)
		ret = path_lookup(AT_FDCWD, x->name, WALK_FOLLOW, &p);
	else
		p = r->file->path;
	if (ret)
		return ret;
	ret = is_set(r) ? vfs_setxattr(&p, x->key, x->value, x->size, (int)x->flags) : get_xattr(x, &p);
	if (x->name)
		path_put(&p);
	return ret;
}
