/*
 * io_uring: bytes.  What points to user memory is copied when the entry is submitted; an error of it is told when the
 * request runs, as on Linux, so that what was submitted with it goes on.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <linux/capability.h>
#include "base/string.h"
#include "kern/slab.h"
#include "mm/mapping.h"
#include "sys/iov.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "vfs/internal.h"
#include "vfs/ops.h"

enum { RW_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };
enum { RW_MAX = 0x7ffff000 };		/* the most that one call moves */
enum { CACHED_MAX = 256 << 10 };	/* the most that is looked up page by page */

struct op_rw {
	u64 pos;			/* ~0: the file's own */
	u64 addr, total;
	u32 flags;
	u32 count;
	int err;			/* met when it was submitted */
	struct iter_seg *seg;		/* of several; or &one */
	struct iter_seg one;
};
URING_DATA_FITS(struct op_rw);

static bool is_write(const struct uring_req *r)
{
	return r->op == IORING_OP_WRITEV || r->op == IORING_OP_WRITE || r->op == IORING_OP_WRITE_FIXED;
}

bool uring_file_bounded(const struct file *f)
{
	return inode_is_reg(f->inode) || inode_is_dir(f->inode) || inode_type(f->inode) == S_IFBLK;
}

static int vector_in(struct op_rw *rw, u64 user, u32 count)
{
	struct iov_in v;
	int err = sys_iov_get(&v, user, count);

	if (err)
		return err;
	rw->count = v.count;
	rw->total = v.total;
	rw->seg = &rw->one;
	if (v.count == 1)
		rw->one = v.seg[0];
	else if (v.count)
		rw->seg = kmemdup(v.seg, v.count * sizeof(*v.seg), ALLOC_KERNEL);
	sys_iov_put(&v);
	if (rw->seg)
		return 0;
	rw->count = 0;
	return -ENOMEM;
}

static int ioprio_check(u16 prio)
{
	u32 class = prio >> IOPRIO_CLASS_SHIFT;

	if (class > IOPRIO_CLASS_IDLE)
		return -EINVAL;
	return class == IOPRIO_CLASS_RT && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE) ? -EPERM : 0;
}

int uring_rw_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_rw *rw = uring_data(r);
	bool vector = r->op == IORING_OP_READV || r->op == IORING_OP_WRITEV;

	rw->pos = sqe->off;
	rw->addr = sqe->addr;
	rw->flags = (u32)sqe->rw_flags;
	rw->seg = &rw->one;
	if ((r->op == IORING_OP_READ_FIXED || r->op == IORING_OP_WRITE_FIXED) && r->buf_index >= uring_bufs_count(r->ring))
		return -EFAULT;
	if (sqe->ioprio && ioprio_check(sqe->ioprio))
		return ioprio_check(sqe->ioprio);
	if (r->flags & REQ_BUFFER_SELECT && vector && sqe->len != 1)
		return -EINVAL;
	if (vector) {
		rw->err = vector_in(rw, sqe->addr, sqe->len);
	} else {
		rw->total = MIN(sqe->len, (u32)RW_MAX);
		rw->one = (struct iter_seg){ sqe->addr, rw->total };
		rw->count = 1;
		if (!(r->flags & REQ_BUFFER_SELECT) && !user_range_ok(uaddr(sqe->addr), sqe->len))
			rw->err = -EFAULT;
	}
	return 0;
}

void uring_rw_cleanup(struct uring_req *r)
{
	struct op_rw *rw = uring_data(r);

	if (rw->seg != &rw->one)
		kfree(rw->seg);
	rw->seg = &rw->one;
}

/* The buffers, as far as they are known before it starts. */
static int rw_iter(struct uring_req *r, struct op_rw *rw, struct iter *it)
{
	int err = rw->err;

	if (err)
		return err;
	if (r->op == IORING_OP_READ_FIXED || r->op == IORING_OP_WRITE_FIXED) {
		err = uring_buf_iter(r, rw->addr, rw->total, it);
	} else if (r->flags & REQ_BUFFER_SELECT) {
		u32 len = (u32)rw->total;
		u64 addr;

		err = uring_pick(r, &addr, &len);
		if (!err)
			iter_init_user(it, uaddr(addr), len);
	} else {
		iter_init_segs(it, ITER_USER, rw->seg, rw->count, rw->total);
	}
	return err;
}

static int rw_check(const struct uring_req *r, const struct op_rw *rw)
{
	const struct file *f = r->file;
	bool write = is_write(r), polled = r->ring->setup & IORING_SETUP_IOPOLL;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(write ? (void *)f->ops->write : (void *)f->ops->read))
		return -EINVAL;
	if (rw->flags & ~(u32)RW_FLAGS)
		return -EOPNOTSUPP;
	if (rw->flags & RWF_NOWAIT && !(f->ops->flags & FOP_RWF_NOWAIT))
		return -EOPNOTSUPP;
	if (polled && (!(f->flags & O_DIRECT) || !f->ops->start))
		return -EOPNOTSUPP;
	if (!polled && rw->flags & RWF_HIPRI)
		return -EINVAL;
	return 0;
}

/* Whether a read of [pos, pos + len) finds all in the cache. A page may still go before it is read: then it waits for the disk once. */
static bool cached(const struct file *f, u64 pos, u64 len)
{
	struct mapping *m = f->mapping;
	u64 size = m ? READ_ONCE(m->size) : 0, end = pos < size ? pos + MIN(len, size - pos) : pos;
	bool all = end > pos && end - pos <= CACHED_MAX;

	for (u64 i = pos >> PAGE_SHIFT; all && i << PAGE_SHIFT < end; i++) {
		struct page *p = mapping_find(m, i);

		all = p && page_has(p, PG_UPTODATE);
		if (p)
			page_put(p);
	}
	return all;
}

/* Whether it may be tried at once. Return: 0, -EAGAIN: not ready, -URING_PUNT */
static int rw_may(struct uring_req *r, struct iter *it, u64 pos, enum uring_how how, bool nowait)
{
	struct file *f = r->file;

	if (uring_file_bounded(f)) {
		r->flags |= REQ_REGULAR;
		if (how == ISSUE_BLOCK || (f->mapping && f->mapping->flags & MAPPING_SHMEM))
			return 0;
		return !is_write(r) && inode_is_reg(f->inode) && cached(f, pos == ~0ull ? READ_ONCE(f->pos) : pos, iter_left(it)) ? 0 : -URING_PUNT;
	}
	if (f->ops->flags & FOP_NOWAIT) {
		it->nowait = how == ISSUE_NOWAIT || nowait;
		return 0;
	}
	if (how == ISSUE_BLOCK)
		return 0;
	if (uring_file_pollable(f) && !(file_poll(f, NULL) & ((is_write(r) ? EPOLLOUT : EPOLLIN) | EPOLLERR | EPOLLHUP)))
		return -EAGAIN;
	return -URING_PUNT;
}

/* By file_ops.start. Return: -EOPNOTSUPP: by read or write */
static s64 rw_start(struct uring_req *r, struct op_rw *rw, struct iter *it)
{
	struct file *f = r->file;
	s64 ret;

	if (!f->ops->start || !(f->flags & O_DIRECT) || rw->pos == ~0ull || rw->flags & (RWF_DSYNC | RWF_SYNC | RWF_APPEND))
		return -EOPNOTSUPP;
	it->hipri = r->ring->setup & IORING_SETUP_IOPOLL;
	ret = f->ops->start(f, it, rw->pos, is_write(r), uring_device(r));
	if (ret != -EIOCBQUEUED)
		uring_device_not(r);
	return ret;
}

static s64 rw_do(struct uring_req *r, struct op_rw *rw, struct iter *it)
{
	struct file *f = r->file;
	bool write = is_write(r);
	u64 pos = f->mode & FMODE_STREAM ? 0 : rw->pos;
	s64 ret;

	it->append = rw->flags & RWF_APPEND;
	if (!(f->mode & FMODE_STREAM) && rw->pos == ~0ull)
		ret = write ? file_write_at_pos(f, it) : file_read_at_pos(f, it);
	else if (iter_left(it) > 0x7fffffffffffffffull - pos)
		ret = -EINVAL;
	else
		ret = write ? file_write(f, it, &pos) : file_read(f, it, &pos);
	if (ret > 0 && write && rw->flags & (RWF_DSYNC | RWF_SYNC)) {
		int err = file_sync(f, 0, ~0ull, !(rw->flags & RWF_SYNC));

		ret = err ? err : ret;
	}
	return ret;
}

s64 uring_rw_issue(struct uring_req *r, enum uring_how how)
{
	struct op_rw *rw = uring_data(r);
	struct iter it;
	s64 ret = rw_iter(r, rw, &it);

	if (!ret)
		ret = rw_check(r, rw);
	if (ret)
		goto out;
	r->want = (s64)iter_left(&it);
	r->flags |= REQ_WANT | (rw->flags & RWF_NOWAIT ? REQ_NOWAIT : 0);
	if ((s64)rw->pos < 0 && rw->pos != ~0ull && !(r->file->mode & FMODE_STREAM)) {
		ret = -EINVAL;
		goto out;
	}
	if (r->file->flags & O_DIRECT && r->file->ops->start) {
		ret = rw_start(r, rw, &it);
		if (ret == -EIOCBQUEUED)
			return ret;
		if (ret != -EOPNOTSUPP)
			goto out;
	}
	ret = rw_may(r, &it, rw->pos, how, rw->flags & RWF_NOWAIT);
	if (!ret)
		ret = rw_do(r, rw, &it);
out:
	if (r->picked.kind) {
		if (ret == -EAGAIN || ret == -URING_PUNT)
			uring_pick_back(r);
		else
			uring_pick_done(r);
	}
	return ret;
}

/* ---- fsync ---- */

struct op_fsync {
	u64 off, end;
	bool datasync;
};

int uring_fsync_prep(struct uring_req *r, const struct io_uring_sqe *sqe)
{
	struct op_fsync *s = uring_data(r);

	if (sqe->addr || sqe->buf_index || sqe->splice_fd_in || sqe->fsync_flags & ~(u32)IORING_FSYNC_DATASYNC)
		return -EINVAL;
	s->off = sqe->off;
	s->end = sqe->len ? sqe->off + sqe->len : ~0ull;
	s->datasync = sqe->fsync_flags & IORING_FSYNC_DATASYNC;
	return 0;
}

s64 uring_fsync_issue(struct uring_req *r, enum uring_how how)
{
	struct op_fsync *s = uring_data(r);

	if (how == ISSUE_NOWAIT)
		return -URING_PUNT;
	return r->file->ops->fsync ? file_sync(r->file, s->off, s->end, s->datasync) : -EINVAL;
}
