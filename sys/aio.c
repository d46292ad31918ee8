/*
 * System calls of asynchronous I/O: decoding; the work is vfs/aio.c's.
 *
 * Not there: IOCB_CMD_POLL (EINVAL, as kernels before 4.18 say), and so nothing that io_cancel could cancel.
 *
 * Source: io_submit(2), io_getevents(2); the order of checks: tests/abi/aio.c.
 */
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include "block/block.h"
#include "kern/cred.h"
#include "kern/sched.h"
#include "kern/timer.h"
#include "sys/iov.h"
#include "sys/sys.h"
#include "task/signal.h"
#include "vfs/aio.h"
#include "vfs/eventfd.h"

enum { RW_FLAGS = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };

s64 sys_io_setup(u64 nr, u64 place)
{
	u64 id;
	int err;

	if (get_user(id, uaddr(place)))
		return -EFAULT;
	if (id || !(u32)nr)
		return -EINVAL;
	err = aio_create((u32)nr, &id);
	if (!err && put_user(id, uaddr(place))) {
		(void)aio_destroy(id);
		err = -EFAULT;
	}
	return err;
}

s64 sys_io_destroy(u64 id)
{
	return aio_destroy(id);
}

/* ---- io_submit ---- */

static int rw_check(const struct iocb *cb)
{
	if (cb->aio_flags & IOCB_FLAG_IOPRIO) {
		u32 class = (u16)cb->aio_reqprio >> IOPRIO_CLASS_SHIFT;

		if (class > IOPRIO_CLASS_IDLE)
			return -EINVAL;
		if (class == IOPRIO_CLASS_RT && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
	}
	return (u32)cb->aio_rw_flags & ~(u32)RW_FLAGS || (u32)cb->aio_rw_flags & RWF_NOWAIT ? -EOPNOTSUPP : 0;
}

static int transfer(struct aio_request *r, const struct iocb *cb, bool write, bool vector)
{
	struct file *f = r->file;
	struct iov_in v;
	struct iter it;
	int err = rw_check(cb);

	if (err)
		return err;
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(write ? (void *)f->ops->write : (void *)f->ops->read))
		return -EINVAL;
	if (vector) {
		err = sys_iov_get(&v, cb->aio_buf, cb->aio_nbytes);
		if (err)
			return err;
		iter_init_segs(&it, ITER_USER, v.seg, v.count, v.total);
	} else if (!user_range_ok(uaddr(cb->aio_buf), cb->aio_nbytes)) {
		return -EFAULT;
	} else {
		iter_init_user(&it, uaddr(cb->aio_buf), MIN(cb->aio_nbytes, 0x7ffff000ull));
	}
	if (!(f->mode & FMODE_STREAM) && (cb->aio_offset < 0 || iter_left(&it) > 0x7fffffffffffffffull - (u64)cb->aio_offset)) {
		err = -EINVAL;
	} else {
		it.append = cb->aio_rw_flags & RWF_APPEND;
		it.hipri = cb->aio_rw_flags & RWF_HIPRI;
		aio_transfer(r, &it, (u64)cb->aio_offset, write, it.append || cb->aio_rw_flags & (RWF_DSYNC | RWF_SYNC));
	}
	if (vector)
		sys_iov_put(&v);
	return err;
}

static int fsync_start(struct aio_request *r, const struct iocb *cb, bool datasync)
{
	if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags || !r->file->ops->fsync)
		return -EINVAL;
	r->datasync = datasync;
	aio_fsync(r);
	return 0;
}

static int dispatch(struct aio_request *r, const struct iocb *cb)
{
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD: return transfer(r, cb, false, false);
	case IOCB_CMD_PWRITE: return transfer(r, cb, true, false);
	case IOCB_CMD_PREADV: return transfer(r, cb, false, true);
	case IOCB_CMD_PWRITEV: return transfer(r, cb, true, true);
	case IOCB_CMD_FSYNC: return fsync_start(r, cb, false);
	case IOCB_CMD_FDSYNC: return fsync_start(r, cb, true);
	default: return -EINVAL;
	}
}

static int eventfd_take(struct aio_request *r, const struct iocb *cb)
{
	if (!(cb->aio_flags & IOCB_FLAG_RESFD))
		return 0;
	r->eventfd = fd_get((int)cb->aio_resfd);
	if (!r->eventfd)
		return -EBADF;
	return eventfd_signal(r->eventfd, 0) ? 0 : -EINVAL;
}

static int submit_one(struct aio_context *c, u64 user)
{
	struct aio_request *r;
	struct iocb cb;
	int err;

	if (copy_in(&cb, uaddr(user), sizeof(cb)))
		return -EFAULT;
	if (cb.aio_reserved2 || (s64)cb.aio_nbytes < 0)
		return -EINVAL;
	r = aio_request_new(c);
	if (!r)
		return -EAGAIN;
	r->data = cb.aio_data;
	r->object = user;
	r->file = fd_get((int)cb.aio_fildes);
	err = r->file ? eventfd_take(r, &cb) : -EBADF;
	if (!err && put_user((u32)0, uaddr_add(uaddr(user), offsetof(struct iocb, aio_key))))
		err = -EFAULT;
	if (!err)
		err = dispatch(r, &cb);
	if (err)
		aio_request_drop(r);
	return err;
}

s64 sys_io_submit(u64 id, u64 nr, u64 list)
{
	struct aio_context *c;
	struct block_plug plug;
	s64 done = 0;
	int err = 0;

	if ((s64)nr < 0)
		return -EINVAL;
	c = aio_find(id);
	if (!c)
		return -EINVAL;
	block_plug_begin(&plug);
	for (; done < (s64)MIN(nr, (u64)c->slots) && !err; done += !err) {
		u64 user;

		err = get_user(user, uaddr_add(uaddr(list), (u64)done * sizeof(user))) ? -EFAULT : submit_one(c, user);
	}
	block_plug_end(&plug);
	aio_put(c);
	return done ? done : err;
}

/* ---- io_getevents ---- */

static s64 wait_events(u64 id, s64 min, s64 nr, u64 events, u64 deadline_ns, bool no_wait)
{
	struct aio_context *c = aio_find(id);
	s64 total = 0, n = 0;

	if (!c)
		return -EINVAL;
	if (min < 0 || min > nr) {
		aio_put(c);
		return -EINVAL;
	}
	for (;;) {
		n = aio_events(c, uaddr_add(uaddr(events), (u64)total * sizeof(struct io_event)), nr - total);
		if (n < 0)
			break;
		total += n;
		if (total >= min || no_wait || READ_ONCE(c->dead))
			break;
		n = wait_event_interruptible_until(&c->waitq, aio_has_events(c) || READ_ONCE(c->dead), deadline_ns);
		if (n == -ETIMEDOUT) {
			n = 0;
			no_wait = true;		/* once more: something may have come */
		} else if (n) {
			n = -EINTR;
			break;
		}
	}
	if (!total && n >= 0 && READ_ONCE(c->dead))
		n = -EINVAL;
	aio_put(c);
	return total ? total : n;
}

/* As Linux's here, and nowhere else: the nanoseconds may be any number. */
static int timeout_in(u64 user, u64 *deadline_ns, bool *no_wait)
{
	const s64 far_sec = 4000000000;
	struct { s64 sec, nsec; } t;

	*deadline_ns = ~0ull;
	*no_wait = false;
	if (!user)
		return 0;
	if (copy_in(&t, uaddr(user), sizeof(t)))
		return -EFAULT;
	*no_wait = t.sec < 0 || t.nsec < 0 || (!t.sec && !t.nsec);
	if (!*no_wait && t.sec < far_sec && t.nsec < far_sec * 1000000)
		*deadline_ns = plat_mono_ns() + (u64)t.sec * NS_PER_SEC + (u64)t.nsec;
	return 0;
}

s64 sys_io_getevents(u64 id, u64 min, u64 nr, u64 events, u64 timeout)
{
	u64 deadline_ns;
	bool no_wait;
	int err = timeout_in(timeout, &deadline_ns, &no_wait);

	return err ? err : wait_events(id, (s64)min, (s64)nr, events, deadline_ns, no_wait);
}

s64 sys_io_pgetevents(u64 id, u64 min, u64 nr, u64 events, u64 timeout, u64 sig)
{
	struct { u64 mask, size; } s = { 0, 0 };
	u64 deadline_ns;
	bool no_wait;
	int masked, err = timeout_in(timeout, &deadline_ns, &no_wait);
	s64 ret;

	if (err)
		return err;
	if (sig && copy_in(&s, uaddr(sig), sizeof(s)))
		return -EFAULT;
	masked = sys_mask_in(s.mask, s.size);
	if (masked < 0)
		return masked;
	ret = wait_events(id, (s64)min, (s64)nr, events, deadline_ns, no_wait);
	sys_mask_out(masked, ret);
	return ret;
}

s64 sys_io_cancel(u64 id, u64 user, u64 result)
{
	struct aio_context *c;
	u32 key;

	if (get_user(key, uaddr_add(uaddr(user), offsetof(struct iocb, aio_key))))
		return -EFAULT;
	if (key)
		return -EINVAL;
	c = aio_find(id);
	if (c)
		aio_put(c);
	return -EINVAL;		/* nothing of ours can be called back */
}
