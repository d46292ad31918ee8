/*
 * System calls of io_uring, and the table of its opcodes.  The mechanism is uring/'s.
 *
 * Source: io_uring_setup(2), io_uring_enter(2); the order of checks: tests/abi/uring.c.
 */
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include "base/string.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "sys/uring.h"
#include "task/ns.h"
#include "task/task.h"
#include "vfs/file.h"

/* ---- the table ---- */

static int nop_prep(struct uring_req *r, const struct io_uring_sqe *sqe) { return 0; }
static s64 nop_issue(struct uring_req *r, enum uring_how how) { return 0; }

#define OP(noun, events, bits) { .prep = uring_##noun##_prep, .issue = uring_##noun##_issue, .poll_events = (events), .flags = OP_SUPPORTED | (bits) }
#define OP_CLEAN(noun, events, bits) \
	{ .prep = uring_##noun##_prep, .issue = uring_##noun##_issue, .cleanup = uring_##noun##_cleanup, .poll_events = (events), \
	  .flags = OP_SUPPORTED | (bits) }
enum { RW = OP_FILE | OP_IOPOLL | OP_IOPRIO };

const struct uring_op sys_uring_ops[IORING_OP_LAST] = {
	[IORING_OP_NOP] = { .prep = nop_prep, .issue = nop_issue, .flags = OP_SUPPORTED | OP_IOPOLL },
	[IORING_OP_READV] = OP_CLEAN(rw, EPOLLIN, RW | OP_SELECT),
	[IORING_OP_WRITEV] = OP_CLEAN(rw, EPOLLOUT, RW),
	[IORING_OP_READ] = OP(rw, EPOLLIN, RW | OP_SELECT),
	[IORING_OP_WRITE] = OP(rw, EPOLLOUT, RW),
	[IORING_OP_READ_FIXED] = OP(rw, EPOLLIN, RW),
	[IORING_OP_WRITE_FIXED] = OP(rw, EPOLLOUT, RW),
	[IORING_OP_FSYNC] = OP(fsync, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_POLL_ADD] = OP(poll_add, 0, OP_FILE),
	[IORING_OP_POLL_REMOVE] = OP(poll_remove, 0, 0),
	[IORING_OP_TIMEOUT] = OP(timeout, 0, 0),
	[IORING_OP_TIMEOUT_REMOVE] = OP(timeout_remove, 0, OP_IOPOLL),
	[IORING_OP_LINK_TIMEOUT] = {
		.prep = uring_ltimeout_prep, .issue = uring_ltimeout_issue, .deadline = uring_ltimeout_deadline, .flags = OP_SUPPORTED,
	},
	[IORING_OP_ASYNC_CANCEL] = OP(cancel, 0, OP_IOPOLL),
	[IORING_OP_SENDMSG] = OP_CLEAN(msg, EPOLLOUT, OP_FILE | OP_IOPRIO),
	[IORING_OP_RECVMSG] = OP_CLEAN(msg, EPOLLIN, OP_FILE | OP_IOPRIO | OP_SELECT),
	[IORING_OP_SEND] = OP_CLEAN(msg, EPOLLOUT, OP_FILE | OP_IOPRIO),
	[IORING_OP_RECV] = OP_CLEAN(msg, EPOLLIN, OP_FILE | OP_IOPRIO | OP_SELECT),
	[IORING_OP_ACCEPT] = OP(accept, EPOLLIN, OP_FILE | OP_IOPRIO),
	[IORING_OP_CONNECT] = OP(connect, EPOLLOUT, OP_FILE),
	[IORING_OP_SHUTDOWN] = OP(shutdown, 0, OP_FILE),
	[IORING_OP_SOCKET] = OP(socket, 0, 0),
	[IORING_OP_SYNC_FILE_RANGE] = OP(range, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_FALLOCATE] = OP(range, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_FADVISE] = OP(range, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_MADVISE] = OP(range, 0, OP_REGULAR),
	[IORING_OP_OPENAT] = OP_CLEAN(open, 0, 0),
	[IORING_OP_OPENAT2] = OP_CLEAN(open, 0, 0),
	[IORING_OP_CLOSE] = OP(close, 0, 0),
	[IORING_OP_STATX] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_RENAMEAT] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_UNLINKAT] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_MKDIRAT] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_SYMLINKAT] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_LINKAT] = OP_CLEAN(name, 0, OP_REGULAR),
	[IORING_OP_FSETXATTR] = OP_CLEAN(xattr, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_FGETXATTR] = OP_CLEAN(xattr, 0, OP_FILE | OP_REGULAR),
	[IORING_OP_SETXATTR] = OP_CLEAN(xattr, 0, OP_REGULAR),
	[IORING_OP_GETXATTR] = OP_CLEAN(xattr, 0, OP_REGULAR),
	[IORING_OP_SPLICE] = OP(splice, 0, OP_FILE),
	[IORING_OP_TEE] = OP(splice, 0, OP_FILE),
	[IORING_OP_EPOLL_CTL] = OP(epoll_ctl, 0, 0),
	[IORING_OP_FILES_UPDATE] = OP(files_update, 0, OP_IOPOLL),
	[IORING_OP_PROVIDE_BUFFERS] = OP(provide, 0, OP_IOPOLL),
	[IORING_OP_REMOVE_BUFFERS] = OP(unprovide, 0, OP_IOPOLL),
	[IORING_OP_MSG_RING] = OP(msg_ring, 0, OP_FILE | OP_IOPOLL),
};

/* ---- hooks ---- */

static void ns_ref(struct namespaces *ns) { atomic_inc(&ns->refs); }

static const struct uring_task_ops task_ops = { .ns_get = ns_ref, .ns_put = ns_put };

void sys_uring_init(void)
{
	uring_register_ops(sys_uring_ops, IORING_OP_LAST);
	uring_register_task_ops(&task_ops);
	task_register_io_hook(uring_task_gone);
}

/* ---- io_uring_setup ---- */

/* IORING_SETUP_ATTACH_WQ: the descriptor must be a ring's. */
static int attach_check(const struct io_uring_params *p)
{
	if (!(p->flags & IORING_SETUP_ATTACH_WQ))
		return 0;
	struct file *f = fd_get((int)p->wq_fd);
	int err = !f ? -ENXIO : !file_uring(f) ? -EINVAL : 0;

	if (f)
		file_put(f);
	return err;
}

s64 sys_io_uring_setup(u64 entries, u64 params)
{
	struct io_uring_params p;
	int err;

	if (copy_in(&p, uaddr(params), sizeof(p)))
		return -EFAULT;
	if (p.resv[0] || p.resv[1] || p.resv[2])
		return -EINVAL;
	struct file *f = uring_create((u32)entries, &p);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = attach_check(&p);
	if (!err && copy_out(uaddr(params), &p, sizeof(p)))
		err = -EFAULT;
	int fd = err ? err : fd_add(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* ---- io_uring_enter ---- */

struct enter_args {
	u64 sigmask, sigmask_size, deadline_ns;
};

static int ext_arg_in(u32 flags, u64 arg, u64 size, struct enter_args *out)
{
	struct io_uring_getevents_arg a;
	u64 deadline;

	*out = (struct enter_args){ arg, size, ~0ull };
	if (!(flags & IORING_ENTER_EXT_ARG))
		return 0;
	if (size != sizeof(a))
		return -EINVAL;
	if (copy_in(&a, uaddr(arg), sizeof(a)))
		return -EFAULT;
	if (a.pad)
		return -EINVAL;
	out->sigmask = a.sigmask;
	out->sigmask_size = a.sigmask_sz;
	if (!a.ts)
		return 0;
	struct __kernel_timespec ts;

	if (copy_in(&ts, uaddr(a.ts), sizeof(ts)))
		return -EFAULT;
	deadline = plat_mono_ns();
	if (ts.tv_sec >= 0 && ts.tv_sec < 4000000000)
		deadline += (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	else if (ts.tv_sec >= 0)
		deadline = ~0ull;
	out->deadline_ns = deadline;
	return 0;
}

static s64 get_events(struct uring *ring, u32 min, u32 flags, u64 arg, u64 size)
{
	struct enter_args a;
	int err = ext_arg_in(flags, arg, size, &a);

	if (err)
		return err;
	if (uring_satisfied(ring, min))
		return 0;
	int masked = sys_mask_in(a.sigmask, a.sigmask_size);
	if (masked < 0)
		return masked;
	err = uring_wait(ring, min, a.deadline_ns);
	sys_mask_out(masked, err);
	return err;
}

/* Submission by the ring's own thread. */
static s64 poke_poller(struct uring *ring, u32 to_submit, u32 flags)
{
	int err = 0;

	(void)uring_overflow_flush(ring);
	if (READ_ONCE(ring->poller_gone))
		return -EOWNERDEAD;
	if (flags & IORING_ENTER_SQ_WAKEUP)
		err = uring_poller_wake(ring);
	if (!err && flags & IORING_ENTER_SQ_WAIT)
		err = uring_poller_wait_space(ring);
	return err ? err : to_submit;
}

static s64 enter(struct uring *ring, u32 to_submit, u32 min, u32 flags, u64 arg, u64 size)
{
	s64 ret = 0;

	if (ring->flags & RING_DISABLED)
		return -EBADFD;
	if (ring->setup & IORING_SETUP_SQPOLL)
		ret = poke_poller(ring, to_submit, flags);
	else if (to_submit)
		ret = uring_submit(ring, to_submit);
	if (ret < 0 || (ret != to_submit && !(ring->setup & IORING_SETUP_SQPOLL)))
		return ret;
	if (flags & IORING_ENTER_GETEVENTS) {
		s64 err = ring->setup & IORING_SETUP_DEFER_TASKRUN ? uring_check_issuer(ring) : 0;

		if (!err)
			err = get_events(ring, min, flags, arg, size);

		ret = ret ? ret : err;
	}
	return ret;
}

s64 sys_io_uring_enter(u64 fd, u64 to_submit, u64 min, u64 flags, u64 arg, u64 size)
{
	const u32 known = IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG |
		IORING_ENTER_REGISTERED_RING;

	if ((u32)flags & ~known)
		return -EINVAL;
	struct file *f = flags & IORING_ENTER_REGISTERED_RING ? uring_registered_fd((u32)fd) : fd_get((int)fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!f)
		return -EBADF;
	struct uring *ring = file_uring(f);
	s64 ret = -EOPNOTSUPP;
	if (ring) {
		uring_enter_begin(ring);
		ret = enter(ring, (u32)to_submit, (u32)min, (u32)flags, arg, size);
		uring_enter_end(ring);
	}
	file_put(f);
	return ret;
}

/* ---- io_uring_register ---- */

s64 sys_io_uring_register(u64 fd, u64 op, u64 arg, u64 nr)
{
	if ((u32)op >= IORING_REGISTER_LAST)
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	struct uring *ring = file_uring(f);
	s64 ret = -EOPNOTSUPP;
	if (ring) {
		mutex_lock(&ring->submit);
		ret = sys_uring_register_op(ring, (u32)op, arg, (u32)nr);
		mutex_unlock(&ring->submit);
	}
	file_put(f);
	return ret;
}
