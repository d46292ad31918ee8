/*
 * /dev/random and /dev/urandom: the same generator; random waits until it is seeded.
 *
 * What is written is mixed in and credited nothing, as on Linux.
 *
 * Source: random(4), <linux/random.h>.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/random.h>
#include "base/string.h"
#include "drivers/char/char.h"
#include "kern/cred.h"
#include "kern/random.h"
#include "kern/sched.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { CHUNK_BYTES = 256, POOL_BITS = 256, POLL_NS = 10 * NS_PER_MS };

static s64 urandom_read(struct file *f, struct iter *to, u64 *pos)
{
	u8 chunk[CHUNK_BYTES];
	u64 done = 0;

	while (iter_left(to)) {
		u64 want = MIN(iter_left(to), (u64)sizeof(chunk));

		random_bytes(chunk, want);
		u64 n = iter_put(to, chunk, want);

		done += n;
		if (n < want) {
			memzero_explicit(chunk, sizeof(chunk));
			return done ? (s64)done : -EFAULT;
		}
		if ((done & 4095) == 0) {
			cond_resched();
			if (signal_pending())
				break;
		}
	}
	memzero_explicit(chunk, sizeof(chunk));
	return done;
}

static s64 random_read(struct file *f, struct iter *to, u64 *pos)
{
	while (!random_ready()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_until_ns(plat_mono_ns() + POLL_NS, TS_INTERRUPTIBLE))
			return -ERESTARTSYS;
	}
	return urandom_read(f, to, pos);
}

static s64 random_write(struct file *f, struct iter *from, u64 *pos)
{
	u8 chunk[CHUNK_BYTES];
	u64 done = 0;

	while (iter_left(from)) {
		u64 want = MIN(iter_left(from), (u64)sizeof(chunk));
		u64 n = iter_get(from, chunk, want);

		random_add(chunk, n);
		done += n;
		if (n < want)
			return done ? (s64)done : -EFAULT;
		if (signal_pending() && iter_left(from))
			break;
	}
	return done;
}

static u32 random_poll(struct file *f, struct poll_table *pt)
{
	return (random_ready() ? EPOLLIN | EPOLLRDNORM : 0) | EPOLLOUT | EPOLLWRNORM;
}

/* RNDADDENTROPY: struct rand_pool_info with its bytes behind it. */
static s64 add_entropy(uaddr_t arg)
{
	int head[2];		/* entropy_count, buf_size */
	u8 chunk[CHUNK_BYTES];

	if (copy_in(head, arg, sizeof(head)))
		return -EFAULT;
	if (head[0] < 0 || head[1] < 0)
		return -EINVAL;
	for (u64 at = 0; at < (u64)head[1];) {
		u64 n = MIN((u64)head[1] - at, (u64)sizeof(chunk));

		if (copy_in(chunk, uaddr_add(arg, sizeof(head) + at), n))
			return -EFAULT;
		random_add(chunk, n);
		at += n;
	}
	return 0;
}

static s64 random_ioctl(struct file *f, u32 cmd, u64 arg)
{
	int v;

	switch (cmd) {
	case RNDGETENTCNT:
		v = random_ready() ? POOL_BITS : 0;
		return put_user(v, uaddr(arg));
	case RNDADDTOENTCNT:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (get_user(v, uaddr(arg)))
			return -EFAULT;
		return v < 0 ? -EINVAL : 0;
	case RNDADDENTROPY:
		return capable(CAP_SYS_ADMIN) ? add_entropy(uaddr(arg)) : -EPERM;
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

static s64 random_seek(struct file *f, s64 off, int whence)
{
	return f->pos;
}

const struct file_ops random_ops = {
	.read = random_read,
	.write = random_write,
	.poll = random_poll,
	.ioctl = random_ioctl,
	.seek = random_seek,
};

const struct file_ops urandom_ops = {
	.read = urandom_read,
	.write = random_write,
	.ioctl = random_ioctl,
	.seek = random_seek,
};
