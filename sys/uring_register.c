/*
 * io_uring_register: decoding; what is kept is uring/resource.c's.
 *
 * Not there: IORING_REGISTER_IOWQ_AFF (EINVAL).  Pinned buffers are not counted against RLIMIT_MEMLOCK.
 *
 * Source: io_uring_register(2); the order of checks: tests/abi/uring_register.c.
 */
#include <linux/errno.h>
#include <linux/time_types.h>
#include "kern/timer.h"
#include "sys/iov.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "task/task.h"
#include "vfs/eventfd.h"

enum { PROBE_OPS_MAX = 256, RESTRICTIONS_MAX = IORING_RESTRICTION_LAST + IORING_REGISTER_LAST + IORING_OP_LAST, RING_FDS_MAX = 16 };
static const u64 buffer_max = 1 << 30;

/* ---- files ---- */

/* One descriptor of an update. Return: 0, -errno */
static int file_update(struct uring *ring, u32 slot, s32 fd, u64 tag)
{
	struct file *f = NULL;
	int err;

	if ((fd == -1 || fd == IORING_REGISTER_FILES_SKIP) && tag)
		return -EINVAL;
	if (fd == IORING_REGISTER_FILES_SKIP)
		return 0;
	if (fd != -1) {
		f = fd_get(fd);
		if (!f)
			return -EBADF;
	}
	err = uring_file_set(ring, slot, f, tag, false);
	if (err && f)
		file_put(f);
	return err;
}

s64 sys_uring_files_update(struct uring *ring, u32 offset, u64 fds, u64 tags, u32 nr)
{
	s64 done = 0;
	int err = 0;

	if (offset + nr < offset)
		return -EOVERFLOW;
	if (!uring_files_count(ring))
		return -ENXIO;
	if (offset + nr > uring_files_count(ring))
		return -EINVAL;
	for (; !err && done < nr; done += !err) {
		u64 tag = 0;
		s32 fd;

		if ((tags && get_user(tag, uaddr(tags + (u64)done * sizeof(tag)))) || get_user(fd, uaddr(fds + (u64)done * sizeof(fd))))
			err = -EFAULT;
		else
			err = file_update(ring, offset + (u32)done, fd, tag);
	}
	return done ? done : err;
}

static s64 files_register(struct uring *ring, u64 fds, u64 tags, u32 nr)
{
	int err;

	if (uring_files_count(ring))
		return -EBUSY;
	if (!nr)
		return -EINVAL;
	if (nr > URING_FILES_MAX || nr > current_rlimit(RLIMIT_NOFILE))
		return -EMFILE;
	err = uring_files_register(ring, nr);
	for (u32 i = 0; !err && i < nr; i++) {
		u64 tag = 0;
		s32 fd = -1;

		if (tags && get_user(tag, uaddr(tags + (u64)i * sizeof(tag))))
			err = -EFAULT;
		else if (fds && get_user(fd, uaddr(fds + (u64)i * sizeof(fd))))
			err = -EFAULT;
		else
			err = fd == IORING_REGISTER_FILES_SKIP ? -EBADF : file_update(ring, i, fd, tag);
		if (err)
			(void)!uring_files_unregister(ring);
	}
	return err;
}

/* ---- buffers ---- */

/* One buffer, or none. */
static int buffer_update(struct uring *ring, u32 slot, const struct iter_seg *v, u64 tag)
{
	struct uring_buf *b = NULL;
	int err;

	if (!v->base) {
		if (v->len)
			return -EFAULT;
		if (tag)
			return -EINVAL;
	} else {
		if (!v->len || v->len > buffer_max)
			return -EFAULT;
		if (v->base + v->len < v->base)
			return -EOVERFLOW;
		b = uring_buf_new(v->base, v->len, tag);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
	}
	err = uring_buf_set(ring, slot, b);
	if (err)
		uring_buf_put(ring, b);
	return err;
}

static int buffer_in(struct uring *ring, u32 slot, u64 vectors, u64 tags, u32 i)
{
	struct iter_seg v = { 0, 0 };
	u64 tag = 0;

	if ((vectors && copy_in(&v, uaddr(vectors + (u64)i * sizeof(v)), sizeof(v))) ||
	    (tags && get_user(tag, uaddr(tags + (u64)i * sizeof(tag)))))
		return -EFAULT;
	return buffer_update(ring, slot, &v, tag);
}

static s64 buffers_register(struct uring *ring, u64 vectors, u64 tags, u32 nr)
{
	int err;

	if (uring_bufs_count(ring))
		return -EBUSY;
	if (!nr || nr > URING_BUFS_MAX)
		return -EINVAL;
	err = uring_bufs_register(ring, nr);
	for (u32 i = 0; !err && i < nr; i++) {
		err = buffer_in(ring, i, vectors, tags, i);
		if (err)
			(void)!uring_bufs_unregister(ring);
	}
	return err;
}

static s64 buffers_update(struct uring *ring, u32 offset, u64 vectors, u64 tags, u32 nr)
{
	s64 done = 0;
	int err = 0;

	if (offset + nr < offset)
		return -EOVERFLOW;
	if (!uring_bufs_count(ring))
		return -ENXIO;
	if (offset + nr > uring_bufs_count(ring))
		return -EINVAL;
	for (; !err && done < nr; done += !err)
		err = buffer_in(ring, offset + (u32)done, vectors, tags, (u32)done);
	return done ? done : err;
}

static s64 rsrc_register(struct uring *ring, u64 arg, u32 size, bool files)
{
	struct io_uring_rsrc_register rr;

	if (size != sizeof(rr))
		return -EINVAL;
	if (copy_in(&rr, uaddr(arg), sizeof(rr)))
		return -EFAULT;
	if (!rr.nr || rr.resv2 || rr.flags & ~(u32)IORING_RSRC_REGISTER_SPARSE || (rr.flags && rr.data))
		return -EINVAL;
	return files ? files_register(ring, rr.data, rr.tags, rr.nr) : buffers_register(ring, rr.data, rr.tags, rr.nr);
}

static s64 rsrc_update(struct uring *ring, u64 arg, u32 size, bool files)
{
	struct io_uring_rsrc_update2 up;

	if (size != sizeof(up))
		return -EINVAL;
	if (copy_in(&up, uaddr(arg), sizeof(up)))
		return -EFAULT;
	if (!up.nr || up.resv || up.resv2)
		return -EINVAL;
	return files ? sys_uring_files_update(ring, up.offset, up.data, up.tags, up.nr) :
		       buffers_update(ring, up.offset, up.data, up.tags, up.nr);
}

static s64 files_update_old(struct uring *ring, u64 arg, u32 nr)
{
	struct io_uring_rsrc_update up;

	if (!nr)
		return -EINVAL;
	if (copy_in(&up, uaddr(arg), sizeof(up)))
		return -EFAULT;
	return up.resv ? -EINVAL : sys_uring_files_update(ring, up.offset, up.data, 0, nr);
}

/* ---- the rest ---- */

static s64 eventfd_register(struct uring *ring, u64 arg, u32 nr, bool async)
{
	s32 fd;
	int err;

	if (nr != 1)
		return -EINVAL;
	if (ring->eventfd)
		return -EBUSY;
	if (get_user(fd, uaddr(arg)))
		return -EFAULT;
	struct file *f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = eventfd_signal(f, 0) ? uring_eventfd_set(ring, f, async) : -EINVAL;
	if (err)
		file_put(f);
	return err;
}

static s64 probe(u64 arg, u32 nr)
{
	struct io_uring_probe_op ops[IORING_OP_LAST];
	struct io_uring_probe p;

	if (!arg || nr > PROBE_OPS_MAX)
		return -EINVAL;
	if (copy_in(&p, uaddr(arg), sizeof(p)))
		return -EFAULT;
	if (p.last_op || p.ops_len || p.resv || p.resv2[0] || p.resv2[1] || p.resv2[2])
		return -EINVAL;
	for (u32 i = 0; i < nr; i++) {
		struct io_uring_probe_op op;

		if (copy_in(&op, uaddr(arg + sizeof(p) + i * sizeof(op)), sizeof(op)))
			return -EFAULT;
		if (op.op || op.resv || op.flags || op.resv2)
			return -EINVAL;
	}
	nr = MIN(nr, (u32)IORING_OP_LAST);
	for (u32 i = 0; i < nr; i++)
		ops[i] = (struct io_uring_probe_op){ .op = (u8)i, .flags = uring_ops[i].flags & OP_SUPPORTED ? IO_URING_OP_SUPPORTED : 0 };
	p.last_op = IORING_OP_LAST - 1;
	p.ops_len = (u8)nr;
	if (copy_out(uaddr(arg), &p, sizeof(p)) || copy_out(uaddr(arg + sizeof(p)), ops, nr * sizeof(ops[0])))
		return -EFAULT;
	return 0;
}

static int restriction_add(struct uring_restrict *x, const struct io_uring_restriction *r)
{
	switch (r->opcode) {
	case IORING_RESTRICTION_REGISTER_OP:
		if (r->register_op >= IORING_REGISTER_LAST)
			return -EINVAL;
		x->register_ops |= 1ull << r->register_op;
		return 0;
	case IORING_RESTRICTION_SQE_OP:
		if (r->sqe_op >= IORING_OP_LAST)
			return -EINVAL;
		x->sqe_ops |= 1ull << r->sqe_op;
		return 0;
	case IORING_RESTRICTION_SQE_FLAGS_ALLOWED: x->sqe_flags_allowed = r->sqe_flags; return 0;
	case IORING_RESTRICTION_SQE_FLAGS_REQUIRED: x->sqe_flags_required = r->sqe_flags; return 0;
	default: return -EINVAL;
	}
}

static s64 restrictions(struct uring *ring, u64 arg, u32 nr)
{
	struct uring_restrict *x;
	int err = 0;

	if (!(ring->flags & RING_DISABLED))
		return -EBADFD;
	if (ring->restrict_)
		return -EBUSY;
	if (!arg || nr > RESTRICTIONS_MAX)
		return -EINVAL;
	x = kzalloc(sizeof(*x), ALLOC_KERNEL);
	if (!x)
		return -ENOMEM;
	for (u32 i = 0; !err && i < nr; i++) {
		struct io_uring_restriction r;

		err = copy_in(&r, uaddr(arg + i * sizeof(r)), sizeof(r));
		if (!err)
			err = restriction_add(x, &r);
	}
	if (err)
		kfree(x);
	else
		ring->restrict_ = x;
	return err;
}

static s64 max_workers(struct uring *ring, u64 arg, u32 nr)
{
	u32 max[POOLS];

	if (!arg || nr != POOLS)
		return -EINVAL;
	if (copy_in(max, uaddr(arg), sizeof(max)))
		return -EFAULT;
	if (max[0] > 0x7fffffff || max[1] > 0x7fffffff)
		return -EINVAL;
	uring_workers_max(ring, max);
	return copy_out(uaddr(arg), max, sizeof(max));
}

static int ring_fd_one(u64 user, bool add)
{
	struct io_uring_rsrc_update up;
	int slot;

	if (copy_in(&up, uaddr(user), sizeof(up)))
		return -EFAULT;
	if (up.resv || (!add && (up.data || up.offset >= RING_FDS_MAX)))
		return -EINVAL;
	if (!add)
		return MIN(uring_ring_fd_set(up.offset, NULL), 0);
	struct file *f = fd_get((int)up.data);
	if (!f)
		return -EBADF;
	slot = file_uring(f) ? uring_ring_fd_set(up.offset, f) : -EOPNOTSUPP;
	if (slot < 0) {
		file_put(f);
		return slot;
	}
	up.offset = (u32)slot;
	if (!copy_out(uaddr(user), &up, sizeof(up)))
		return 0;
	(void)!uring_ring_fd_set((u32)slot, NULL);
	return -EFAULT;
}

static s64 ring_fds(u64 arg, u32 nr, bool add)
{
	s64 done = 0;
	int err = 0;

	if (!nr || nr > RING_FDS_MAX)
		return -EINVAL;
	for (; !err && done < nr; done += !err)
		err = ring_fd_one(arg + (u64)done * sizeof(struct io_uring_rsrc_update), add);
	return done ? done : err;
}

static s64 pbuf_ring(struct uring *ring, u64 arg, u32 nr, bool add)
{
	struct io_uring_buf_reg reg;

	if (!arg || nr != 1)
		return -EINVAL;
	if (copy_in(&reg, uaddr(arg), sizeof(reg)))
		return -EFAULT;
	if (reg.resv[0] || reg.resv[1] || reg.resv[2] || (add && reg.pad))
		return -EINVAL;
	if (!add)
		return uring_pbuf_ring_unregister(ring, reg.bgid);
	if (!reg.ring_addr)
		return -EFAULT;
	if (reg.ring_addr & (PAGE_SIZE - 1) || !reg.ring_entries || reg.ring_entries & (reg.ring_entries - 1) || reg.ring_entries >= 65536)
		return -EINVAL;
	return uring_pbuf_ring_register(ring, reg.ring_addr, reg.ring_entries, reg.bgid);
}

/* Wait until nothing matches; others may submit meanwhile. */
static int cancel_wait(struct uring *ring, const struct uring_match *m, const struct __kernel_timespec *timeout)
{
	u64 deadline = ~0ull;
	int ret;

	if (timeout->tv_sec != -1 || timeout->tv_nsec != -1)
		deadline = plat_mono_ns() + (u64)timeout->tv_sec * NS_PER_SEC + (u64)timeout->tv_nsec;
	mutex_unlock(&ring->submit);
	ret = wait_event_interruptible_until(&ring->idle, !uring_busy(ring, m), deadline);
	mutex_lock(&ring->submit);
	return ret == -ETIMEDOUT ? -ETIME : ret ? -EINTR : 0;
}

/* Cancel, and wait until what matched has ended. */
static s64 sync_cancel(struct uring *ring, u64 arg, u32 nr)
{
	const u32 known = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD_FIXED;
	struct io_uring_sync_cancel_reg sc;
	struct uring_tagged *tagged;
	int ret;

	if (!arg || nr != 1)
		return -EINVAL;
	if (copy_in(&sc, uaddr(arg), sizeof(sc)))
		return -EFAULT;
	if (sc.flags & ~known || sc.pad[0] || sc.pad[1] || sc.pad[2] || sc.pad[3])
		return -EINVAL;
	struct uring_match m = { .user_data = sc.addr, .flags = sc.flags };

	ret = sys_uring_match_file(ring, &m, sc.fd, &tagged);
	if (!ret)
		ret = uring_cancel(ring, &m);
	if (ret == -EALREADY)
		ret = cancel_wait(ring, &m, &sc.timeout);
	sys_uring_match_end(ring, &m, tagged);
	return ret;
}

static s64 alloc_range(struct uring *ring, u64 arg, u32 nr)
{
	struct io_uring_file_index_range r;

	if (!arg || nr)
		return -EINVAL;
	if (copy_in(&r, uaddr(arg), sizeof(r)))
		return -EFAULT;
	return r.resv && r.off + r.len >= r.off ? -EINVAL : uring_file_range(ring, r.off, r.len);
}

s64 sys_uring_register_op(struct uring *ring, u32 op, u64 arg, u32 nr)
{
	int err = uring_check_issuer(ring);

	if (err)
		return err;
	if (ring->flags & RING_RESTRICTED && !(ring->restrict_->register_ops >> op & 1))
		return -EACCES;
	switch (op) {
	case IORING_REGISTER_BUFFERS: return arg ? buffers_register(ring, arg, 0, nr) : -EFAULT;
	case IORING_UNREGISTER_BUFFERS: return arg || nr ? -EINVAL : uring_bufs_unregister(ring);
	case IORING_REGISTER_FILES: return arg ? files_register(ring, arg, 0, nr) : -EFAULT;
	case IORING_UNREGISTER_FILES: return arg || nr ? -EINVAL : uring_files_unregister(ring);
	case IORING_REGISTER_FILES_UPDATE: return files_update_old(ring, arg, nr);
	case IORING_REGISTER_EVENTFD: return eventfd_register(ring, arg, nr, false);
	case IORING_REGISTER_EVENTFD_ASYNC: return eventfd_register(ring, arg, nr, true);
	case IORING_UNREGISTER_EVENTFD: return arg || nr ? -EINVAL : uring_eventfd_set(ring, NULL, false);
	case IORING_REGISTER_PROBE: return probe(arg, nr);
	case IORING_REGISTER_PERSONALITY: return arg || nr ? -EINVAL : uring_personality_add(ring);
	case IORING_UNREGISTER_PERSONALITY: return arg ? -EINVAL : uring_personality_remove(ring, nr);
	case IORING_REGISTER_ENABLE_RINGS: return arg || nr ? -EINVAL : uring_enable(ring);
	case IORING_REGISTER_RESTRICTIONS: return restrictions(ring, arg, nr);
	case IORING_REGISTER_FILES2: return rsrc_register(ring, arg, nr, true);
	case IORING_REGISTER_FILES_UPDATE2: return rsrc_update(ring, arg, nr, true);
	case IORING_REGISTER_BUFFERS2: return rsrc_register(ring, arg, nr, false);
	case IORING_REGISTER_BUFFERS_UPDATE: return rsrc_update(ring, arg, nr, false);
	case IORING_REGISTER_IOWQ_MAX_WORKERS: return max_workers(ring, arg, nr);
	case IORING_REGISTER_RING_FDS: return ring_fds(arg, nr, true);
	case IORING_UNREGISTER_RING_FDS: return ring_fds(arg, nr, false);
	case IORING_REGISTER_PBUF_RING: return pbuf_ring(ring, arg, nr, true);
	case IORING_UNREGISTER_PBUF_RING: return pbuf_ring(ring, arg, nr, false);
	case IORING_REGISTER_SYNC_CANCEL: return sync_cancel(ring, arg, nr);
	case IORING_REGISTER_FILE_ALLOC_RANGE: return alloc_range(ring, arg, nr);
	default: return -EINVAL;
	}
}
