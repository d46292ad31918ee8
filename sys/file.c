/*
 * System calls on open files: bytes and descriptors.
 */
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/uio.h>
#include <asm/ioctls.h>
#include "kern/rcu.h"
#include "kern/sched.h"
#include "sys/iov.h"
#include "sys/sys.h"
#include "vfs/file.h"
#include "vfs/locks.h"
#include "vfs/ops.h"
#include "vfs/pipe.h"
#include "vfs/poll.h"
#include "vfs/super.h"

enum { IOV_MAX = 1024 };
static const u64 rw_max = 0x7ffff000;		/* the most that one call moves: as Linux, INT_MAX less a page */

static u64 clamp_len(u64 n) { return n > rw_max ? rw_max : n; }

/* read(2) and write(2), each its own copy by inlining: they are called most of all. */
static inline __attribute__((always_inline)) s64 rw(u64 fd, u64 buf, u64 n, bool write)
{
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);
	struct iter it;

	if (!f)
		return -EBADF;
	s64 ret = -EFAULT;
	if ((s64)n < 0)
		ret = -EINVAL;
	else if (user_range_ok(uaddr(buf), n)) {
		iter_init_user(&it, uaddr(buf), clamp_len(n));
		ret = write ? file_write_at_pos(f, &it) : file_read_at_pos(f, &it);
	}
	fd_return(f, borrowed);
	return ret;
}

s64 sys_read(u64 fd, u64 buf, u64 n) { return rw(fd, buf, n, false); }
s64 sys_write(u64 fd, u64 buf, u64 n) { return rw(fd, buf, n, true); }

/* A positioned transfer through @it. */
static s64 rw_at(struct file *f, struct iter *it, s64 off, bool write)
{
	u64 pos = (u64)off;

	if (f->mode & FMODE_STREAM)
		return -ESPIPE;
	if (iter_left(it) > 0x7fffffffffffffffull - pos)
		return -EINVAL;
	return write ? file_write(f, it, &pos) : file_read(f, it, &pos);
}

static s64 prw64(u64 fd, u64 buf, u64 n, s64 off, bool write)
{
	struct iter it;

	if (off < 0)
		return -EINVAL;
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);
	if (!f)
		return -EBADF;
	s64 ret = (s64)n < 0 ? -EINVAL : -EFAULT;
	if (f->mode & FMODE_STREAM)
		ret = -ESPIPE;
	else if ((s64)n >= 0 && user_range_ok(uaddr(buf), n)) {
		iter_init_user(&it, uaddr(buf), clamp_len(n));
		ret = rw_at(f, &it, off, write);
	}
	fd_return(f, borrowed);
	return ret;
}

s64 sys_pread64(u64 fd, u64 buf, u64 n, u64 off) { return prw64(fd, buf, n, (s64)off, false); }
s64 sys_pwrite64(u64 fd, u64 buf, u64 n, u64 off) { return prw64(fd, buf, n, (s64)off, true); }

/* ---- vectors ---- */

int sys_iov_get(struct iov_in *v, u64 user, u64 count)
{
	v->seg = v->fast;
	v->count = (u32)count;
	v->total = 0;
	if (count > IOV_MAX)
		return -EINVAL;
	if (count > IOV_FAST) {
		v->seg = kmalloc_array(count, sizeof(*v->seg), ALLOC_KERNEL);
		if (!v->seg)
			return -ENOMEM;
	}
	static_assert(sizeof(struct iter_seg) == sizeof(struct iovec), "an iovec is copied as a segment");
	int err = copy_in(v->seg, uaddr(user), count * sizeof(*v->seg));
	for (u64 i = 0; !err && i < count; i++) {
		if ((s64)v->seg[i].len < 0)
			err = -EINVAL;
		else if (!user_range_ok(uaddr(v->seg[i].base), v->seg[i].len))
			err = -EFAULT;
		else if (v->seg[i].len > rw_max - v->total)
			v->seg[i].len = rw_max - v->total;
		v->total += v->seg[i].len;
	}
	if (err && v->seg != v->fast)
		kfree(v->seg);
	return err;
}

void sys_iov_put(struct iov_in *v)
{
	if (v->seg != v->fast)
		kfree(v->seg);
}

/* @off -1: at the file's position. @flags: RWF_APPEND: a write goes to the end; RWF_HIPRI: polling is welcome. */
static s64 rwv(u64 fd, u64 iov, u64 count, s64 off, bool write, u64 flags)
{
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);
	struct iov_in v;
	struct iter it;

	if (!f)
		return -EBADF;
	s64 ret = off != -1 && f->mode & FMODE_STREAM ? -ESPIPE : sys_iov_get(&v, iov, count);
	if (!ret) {
		iter_init_segs(&it, ITER_USER, v.seg, v.count, v.total);
		it.append = flags & RWF_APPEND;
		it.hipri = flags & RWF_HIPRI;
		if (off != -1)
			ret = rw_at(f, &it, off, write);
		else
			ret = write ? file_write_at_pos(f, &it) : file_read_at_pos(f, &it);
		sys_iov_put(&v);
	}
	fd_return(f, borrowed);
	return ret;
}

s64 sys_readv(u64 fd, u64 iov, u64 count) { return rwv(fd, iov, count, -1, false, 0); }
s64 sys_writev(u64 fd, u64 iov, u64 count) { return rwv(fd, iov, count, -1, true, 0); }

s64 sys_preadv(u64 fd, u64 iov, u64 count, u64 lo, u64 hi)
{
	return (s64)lo < 0 ? -EINVAL : rwv(fd, iov, count, (s64)lo, false, 0);
}

s64 sys_pwritev(u64 fd, u64 iov, u64 count, u64 lo, u64 hi)
{
	return (s64)lo < 0 ? -EINVAL : rwv(fd, iov, count, (s64)lo, true, 0);
}

/* RWF_HIPRI and the sync flags are hints or done here; RWF_NOWAIT is what no file of ours can promise. */
static s64 rwv2(u64 fd, u64 iov, u64 count, s64 off, u64 flags, bool write)
{
	if (flags & ~(u64)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if (flags & RWF_NOWAIT)
		return -EOPNOTSUPP;
	if (off < -1)
		return -EINVAL;
	s64 ret = rwv(fd, iov, count, off, write, flags);
	if (ret > 0 && write && flags & (RWF_DSYNC | RWF_SYNC)) {
		struct file *f = fd_get((int)fd);
		int err = f ? file_sync(f, 0, ~0ull, !(flags & RWF_SYNC)) : 0;

		if (f)
			file_put(f);
		if (err)
			return err;
	}
	return ret;
}

s64 sys_preadv2(u64 fd, u64 iov, u64 count, u64 lo, u64 hi, u64 flags) { return rwv2(fd, iov, count, (s64)lo, flags, false); }
s64 sys_pwritev2(u64 fd, u64 iov, u64 count, u64 lo, u64 hi, u64 flags) { return rwv2(fd, iov, count, (s64)lo, flags, true); }

s64 sys_lseek(u64 fd, u64 off, u64 whence)
{
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);

	if (!f)
		return -EBADF;
	s64 ret = file_lseek(f, (s64)off, (int)whence);
	fd_return(f, borrowed);
	return ret;
}

/* ---- descriptors ---- */

s64 sys_close(u64 fd)
{
	s64 ret = fd_close((int)fd);

	/* The descriptor is gone whatever flush said: a restart would close another's. */
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK ? -EINTR : ret;
}

s64 sys_dup(u64 fd)
{
	struct file *f = fd_get_path((int)fd);

	if (!f)
		return -EBADF;
	int new = fd_add(f, false);
	if (new < 0)
		file_put(f);
	return new;
}

s64 sys_dup2(u64 old, u64 new)
{
	if ((u32)old == (u32)new) {
		struct file *f = fd_get_path((int)old);

		if (!f)
			return -EBADF;
		file_put(f);
		return (s64)(u32)new;
	}
	return fd_dup2((int)old, (int)new, 0);
}

s64 sys_dup3(u64 old, u64 new, u64 flags)
{
	if (flags & ~(u64)O_CLOEXEC || (u32)old == (u32)new)
		return -EINVAL;
	return fd_dup2((int)old, (int)new, (u32)flags);
}

s64 sys_pipe2(u64 fds, u64 flags)
{
	struct file *end[2];
	int fd[2];

	if (flags & ~(u64)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int err = pipe_create(&end[0], &end[1], (u32)flags);
	if (err)
		return err;
	fd[0] = fd_alloc(0, flags & O_CLOEXEC);
	fd[1] = fd[0] < 0 ? fd[0] : fd_alloc(0, flags & O_CLOEXEC);
	err = fd[1] < 0 ? fd[1] : copy_out(uaddr(fds), fd, sizeof(fd));
	if (!err) {
		fd_install(fd[0], end[0]);
		fd_install(fd[1], end[1]);
		return 0;
	}
	if (fd[1] >= 0)
		fd_unreserve(fd[1]);
	if (fd[0] >= 0)
		fd_unreserve(fd[0]);
	file_put(end[0]);
	file_put(end[1]);
	return err;
}

s64 sys_pipe(u64 fds) { return sys_pipe2(fds, 0); }

/* ---- control ---- */

/* The ioctls that every file knows. */
static s64 ioctl_common(struct file *f, int fd, u32 cmd, u64 arg, bool *done)
{
	int on;

	*done = true;
	switch (cmd) {
	case FIOCLEX: return fd_cloexec(fd, 1);
	case FIONCLEX: return fd_cloexec(fd, 0);
	case FIONBIO:
		if (get_user(on, uaddr(arg)))
			return -EFAULT;
		return file_set_flags(f, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
	case FIOASYNC:
		if (!(f->ops->flags & FOP_STREAM))
			return -ENOTTY;
		if (get_user(on, uaddr(arg)))
			return -EFAULT;
		return file_set_flags(f, on ? f->flags | FASYNC : f->flags & ~(u32)FASYNC);
	case FIOQSIZE:
		if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) && !S_ISLNK(f->inode->mode))
			return -ENOTTY;
		return put_user((s64)f->inode->blocks * 512, uaddr(arg));
	case FIONREAD:
		if (!S_ISREG(f->inode->mode))
			break;
		return put_user((int)(inode_size(f->inode) - f->pos), uaddr(arg));
	case FIGETBSZ:
		if (!f->inode->super || !f->inode->super->blksize)
			return -EINVAL;
		return put_user((int)f->inode->super->blksize, uaddr(arg));
	default: break;
	}
	*done = false;
	return -ENOTTY;
}

s64 sys_ioctl(u64 fd, u64 cmd, u64 arg)
{
	bool borrowed;
	struct file *f = fd_borrow((int)fd, &borrowed);
	bool done;

	if (!f)
		return -EBADF;
	s64 ret = ioctl_common(f, (int)fd, (u32)cmd, arg, &done);
	if (!done && f->ops->ioctl)
		ret = f->ops->ioctl(f, (u32)cmd, arg);
	fd_return(f, borrowed);
	return ret;
}

static s64 sync_fd(u64 fd, bool data)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = file_sync(f, 0, ~0ull, data);
	file_put(f);
	return ret;
}

s64 sys_fsync(u64 fd) { return sync_fd(fd, false); }
s64 sys_fdatasync(u64 fd) { return sync_fd(fd, true); }

s64 sys_sync(void)
{
	supers_sync(true);
	return 0;
}

s64 sys_syncfs(u64 fd)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = vfs_syncfs(f);
	file_put(f);
	return ret;
}

s64 sys_sync_file_range(u64 fd, u64 off, u64 n, u64 flags)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = vfs_sync_range(f, (s64)off, (s64)n, (u32)flags);
	file_put(f);
	return ret;
}

s64 sys_ftruncate(u64 fd, u64 size)
{
	if ((s64)size < 0)
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	s64 ret = vfs_ftruncate(f, (s64)size);
	file_put(f);
	return ret;
}

s64 sys_fallocate(u64 fd, u64 mode, u64 off, u64 len)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = vfs_fallocate(f, (int)mode, (s64)off, (s64)len);
	file_put(f);
	return ret;
}

s64 sys_fadvise64(u64 fd, u64 off, u64 len, u64 advice)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = vfs_fadvise(f, (s64)off, (s64)len, (int)advice);
	file_put(f);
	return ret;
}

s64 sys_readahead(u64 fd, u64 off, u64 n)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = vfs_readahead(f, (s64)off, n);
	file_put(f);
	return ret;
}

s64 sys_flock(u64 fd, u64 op)
{
	int check = flock_op_check((int)op);

	if (check)
		return check < 0 ? check : 0;
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = flock_file(f, (int)op);
	file_put(f);
	return ret;
}

/* ---- from file to file ---- */

/* An optional offset argument. */
static int off_in(u64 user, u64 *off, u64 **use)
{
	*use = NULL;
	if (!user)
		return 0;
	if (copy_in(off, uaddr(user), sizeof(*off)))
		return -EFAULT;
	*use = off;
	return 0;
}

static int off_out(u64 user, const u64 *off)
{
	return user ? copy_out(uaddr(user), off, sizeof(*off)) : 0;
}

struct two_files {
	struct file *in, *out;
};

static int two_get(struct two_files *t, u64 in, u64 out)
{
	t->in = fd_get((int)in);
	t->out = t->in ? fd_get((int)out) : NULL;
	if (t->out)
		return 0;
	if (t->in)
		file_put(t->in);
	return -EBADF;
}

static void two_put(struct two_files *t)
{
	file_put(t->in);
	file_put(t->out);
}

s64 sys_sendfile(u64 out, u64 in, u64 user_off, u64 n)
{
	struct two_files t;
	u64 off = 0, *use;

	if (off_in(user_off, &off, &use))
		return -EFAULT;
	int err = two_get(&t, in, out);
	if (err)
		return err;
	s64 ret = (s64)off < 0 ? -EINVAL : vfs_sendfile(t.out, t.in, use, clamp_len(n));
	two_put(&t);
	return ret >= 0 && off_out(user_off, &off) ? -EFAULT : ret;
}

s64 sys_splice(u64 in, u64 user_in, u64 out, u64 user_out, u64 n, u64 flags)
{
	struct two_files t;
	u64 oi = 0, oo = 0, *ui, *uo;

	if (!n)
		return 0;
	if (flags & ~0xfull)	/* SPLICE_F_* */
		return -EINVAL;
	int err = two_get(&t, in, out);
	if (err)
		return err;
	s64 ret;
	if ((user_in && file_pipe(t.in)) || (user_out && file_pipe(t.out)))
		ret = -ESPIPE;
	else if (off_in(user_in, &oi, &ui) || off_in(user_out, &oo, &uo))
		ret = -EFAULT;
	else
		ret = vfs_splice(t.in, ui, t.out, uo, clamp_len(n), (unsigned)flags);
	two_put(&t);
	return ret >= 0 && (off_out(user_in, &oi) || off_out(user_out, &oo)) ? -EFAULT : ret;
}

s64 sys_tee(u64 in, u64 out, u64 n, u64 flags)
{
	struct two_files t;

	if (flags & ~0xfull)
		return -EINVAL;
	if (!n)
		return 0;
	int err = two_get(&t, in, out);
	if (err)
		return err;
	s64 ret = vfs_tee(t.in, t.out, clamp_len(n), (unsigned)flags);
	two_put(&t);
	return ret;
}

/* Bytes are copied either way: a gift of pages is a hint. */
s64 sys_vmsplice(u64 fd, u64 iov, u64 count, u64 flags)
{
	enum { SPLICE_F_NONBLOCK = 2 };
	struct file *f = fd_get((int)fd);
	struct iov_in v;
	struct iter it;

	if (flags & ~0xfull || !f) {
		if (f)
			file_put(f);
		return f ? -EINVAL : -EBADF;
	}
	bool write = f->mode & FMODE_WRITE;
	s64 ret = file_pipe(f) ? sys_iov_get(&v, iov, count) : -EBADF;
	if (!ret) {
		iter_init_segs(&it, ITER_USER, v.seg, v.count, v.total);
		if (v.total && flags & SPLICE_F_NONBLOCK && !(file_poll(f, NULL) & (write ? EPOLLOUT : EPOLLIN | EPOLLHUP)))
			ret = -EAGAIN;
		else
			ret = write ? file_write_at_pos(f, &it) : file_read_at_pos(f, &it);
		sys_iov_put(&v);
	}
	file_put(f);
	return ret;
}

s64 sys_copy_file_range(u64 in, u64 user_in, u64 out, u64 user_out, u64 n, u64 flags)
{
	struct two_files t;
	u64 oi = 0, oo = 0, *ui, *uo;
	int err = two_get(&t, in, out);

	if (err)
		return err;
	s64 ret = -EFAULT;
	if (!off_in(user_in, &oi, &ui) && !off_in(user_out, &oo, &uo))
		ret = vfs_copy_file_range(t.in, ui, t.out, uo, clamp_len(n), (u32)flags);
	two_put(&t);
	return ret > 0 && (off_out(user_in, &oi) || off_out(user_out, &oo)) ? -EFAULT : ret;
}

s64 sys_close_range(u64 first, u64 last, u64 flags)
{
	u32 from = (u32)first, to = (u32)last;

	if (flags & ~(u64)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || from > to)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE && __atomic_load_n(&current()->files->refs, __ATOMIC_ACQUIRE) > 1) {
		struct files *mine = files_fork(current()->files);

		if (IS_ERR(mine))
			return PTR_ERR(mine);
		struct files *old = current()->files;
		current()->files = mine;
		files_put(old);
	}
	rcu_read_lock();
	u32 max = rcu_dereference(current()->files->table)->max;
	rcu_read_unlock();
	for (u32 fd = from; fd <= to && fd < max; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			(void)fd_cloexec((int)fd, 1);
		else
			(void)fd_close((int)fd);
		cond_resched();
	}
	return 0;
}
