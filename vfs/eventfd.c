/*
 * Eventfd.
 *
 * Locks: lock, taken with interrupts off since signals come from any context.
 * Source: eventfd(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/printf.h"
#include "kern/slab.h"
#include "vfs/eventfd.h"
#include "vfs/file.h"
#include "vfs/poll.h"

static const u64 COUNT_MAX = ~0ull - 1;

struct eventfd {
	struct spinlock lock;
	u64 count;			/* [lock] */
	u32 flags;			/* [I] */
	struct waitq readers, writers;
};

static const struct file_ops eventfd_ops;

static bool try_take(struct eventfd *e, u64 *out)
{
	u64 irq = spin_lock_irqsave(&e->lock);
	bool some = e->count != 0;

	if (some) {
		*out = e->flags & EFD_SEMAPHORE ? 1 : e->count;
		e->count -= *out;
	}
	spin_unlock_irqrestore(&e->lock, irq);
	return some;
}

static bool try_add(struct eventfd *e, u64 n)
{
	u64 irq = spin_lock_irqsave(&e->lock);
	bool fits = n <= COUNT_MAX - e->count;

	if (fits)
		e->count += n;
	spin_unlock_irqrestore(&e->lock, irq);
	return fits;
}

static s64 eventfd_read(struct file *f, struct iter *to, u64 *pos)
{
	struct eventfd *e = f->private;
	u64 n = 0;

	if (iter_left(to) < sizeof(n))
		return -EINVAL;
	while (!try_take(e, &n)) {
		if (file_nonblocking(f, to))
			return -EAGAIN;
		int err = wait_event_interruptible_exclusive(&e->readers, READ_ONCE(e->count) != 0);

		if (err)
			return err;
	}
	wake_up_poll(&e->writers, EPOLLOUT);
	if (e->flags & EFD_SEMAPHORE && READ_ONCE(e->count))
		wake_up_poll(&e->readers, EPOLLIN);
	return iter_put(to, &n, sizeof(n)) == sizeof(n) ? (s64)sizeof(n) : -EFAULT;
}

static s64 eventfd_write(struct file *f, struct iter *from, u64 *pos)
{
	struct eventfd *e = f->private;
	u64 n;

	if (iter_left(from) < sizeof(n))
		return -EINVAL;
	if (iter_get(from, &n, sizeof(n)) != sizeof(n))
		return -EFAULT;
	if (n == ~0ull)
		return -EINVAL;
	while (!try_add(e, n)) {
		if (file_nonblocking(f, from))
			return -EAGAIN;
		int err = wait_event_interruptible(&e->writers, n <= COUNT_MAX - READ_ONCE(e->count));

		if (err)
			return err;
	}
	wake_up_poll(&e->readers, EPOLLIN);
	return sizeof(n);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;

	poll_wait(f, &e->readers, pt);
	poll_wait(f, &e->writers, pt);
	u64 count = READ_ONCE(e->count);

	return (count ? EPOLLIN : 0) | (count == ~0ull ? EPOLLERR : 0) | (count < COUNT_MAX ? EPOLLOUT : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static void eventfd_fdinfo(struct file *f, char *buf, size_t size)
{
	fmt_snprintf(buf, size, "eventfd-count: %16llx\n", ((struct eventfd *)f->private)->count);
}

/* There is no position to move; asking for it is no error. */
static s64 eventfd_seek(struct file *f, s64 off, int whence)
{
	return (s64)f->pos;
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
	.seek = eventfd_seek,
	.flags = FOP_STREAM | FOP_NOWAIT | FOP_RWF_NOWAIT,
};

bool eventfd_signal(struct file *f, u64 n)
{
	if (f->ops != &eventfd_ops)
		return false;
	struct eventfd *e = f->private;
	u64 irq = spin_lock_irqsave(&e->lock);

	e->count = n > ~0ull - e->count ? ~0ull : e->count + n;
	spin_unlock_irqrestore(&e->lock, irq);
	wake_up_poll(&e->readers, EPOLLIN);
	return true;
}

struct file *eventfd_create(u64 count, u32 flags)
{
	struct eventfd *e = kzalloc(sizeof(*e), ALLOC_KERNEL);
	struct file *f;

	if (!e)
		return ERR_PTR(-ENOMEM);
	spin_init(&e->lock, RANK_QUEUE);
	waitq_init(&e->readers);
	waitq_init(&e->writers);
	e->count = count;
	e->flags = flags;
	f = file_anon("anon_inode:[eventfd]", &eventfd_ops, e, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f))
		kfree(e);
	return f;
}
