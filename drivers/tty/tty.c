/*
 * Terminals: lines, their rings, and the way between a driver and the line discipline.  See tty.h.
 *
 * Input: interrupts put bytes into rx and queue rx_work; the work (or a reader that made room, or a pty's other end) feeds
 * them to the line discipline, since that may send signals, which interrupts may not.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/tty/pty.h"
#include "drivers/tty/tty.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/poll.h"

enum { FEED_BYTES = 256, DEFAULT_CFLAG = B38400 | CS8 | CREAD | HUPCL, DRAIN_POLL_NS = 1000000 };

static struct mutex drivers_lock;
static LIST_HEAD(drivers);	/* [drivers_lock] */

/* ---- life ---- */

void tty_get(struct tty *t)
{
	atomic_inc(&t->refs);
}

void tty_put(struct tty *t)
{
	if (atomic_dec_and_test(&t->refs) && t->ops->freed)
		t->ops->freed(t);
}

static void rx_work(struct work *w)
{
	tty_feed(container_of(w, struct tty, rx_work));
}

static void hangup_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, hangup_work);

	tty_hangup_now(t);
	tty_put(t);
}

void tty_setup(struct tty *t, const struct tty_ops *ops, u32 cflag)
{
	t->refs = 1;
	t->ops = ops;
	spin_init(&t->lock, RANK_TTY);
	ring_init(&t->rx, t->rx_data, TTY_RX_BYTES);
	ring_init(&t->tx, t->tx_data, TTY_TX_BYTES);
	ldisc_init(&t->ld, &t->tx, cflag ? cflag : DEFAULT_CFLAG);
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	mutex_init(&t->read_lock, RANK_TTY_READ);
	mutex_init(&t->write_lock, RANK_TTY_WRITE);
	mutex_init(&t->open_lock, RANK_TTY_READ);
	work_init(&t->rx_work, rx_work);
	work_init(&t->hangup_work, hangup_work);
}

/* ---- input ---- */

void tty_deliver(struct tty *t, const struct ldisc_events *e)
{
	for (u32 signals = e->signals; signals; signals &= signals - 1)
		tty_signal_pgrp(t, __builtin_ctz(signals));
	if (e->readable)
		wake_up_poll(&t->read_wait, EPOLLIN | EPOLLRDNORM);
	if (e->restart)
		wake_up_all(&t->write_wait);
}

void tty_feed(struct tty *t)
{
	u8 chunk[FEED_BYTES];
	u32 n, taken;

	do {
		u64 irq = tty_lock(t);

		n = ring_peek(&t->rx, chunk, sizeof(chunk), 0);
		taken = ldisc_input(&t->ld, chunk, n);
		ring_skip(&t->rx, taken);

		struct ldisc_events e = ldisc_take_events(&t->ld);

		if (e.packet && t->ops->packet)
			t->ops->packet(t, e.packet);
		if ((t->flags & TTY_RX_SHORT) && ring_free(&t->rx) >= TTY_RX_BYTES / 2) {
			t->flags &= ~TTY_RX_SHORT;
			if (t->ops->unthrottle)
				t->ops->unthrottle(t);
		}
		tty_start_output(t);
		tty_unlock(t, irq);
		tty_deliver(t, &e);
	} while (taken && taken == n);
}

u32 tty_receive(struct tty *t, const void *data, u32 n)
{
	u64 irq = tty_lock(t);
	u32 taken = ring_put(&t->rx, data, n);

	if (taken < n)
		t->flags |= TTY_RX_SHORT;
	tty_unlock(t, irq);
	if (taken)
		work_queue(&t->rx_work);
	return taken;
}

u32 tty_receive_room(struct tty *t)
{
	return ring_free(&t->rx);
}

void tty_receive_break(struct tty *t)
{
	u64 irq = tty_lock(t);

	ldisc_input_break(&t->ld);
	tty_unlock(t, irq);
	work_queue(&t->rx_work);	/* delivers what came of it */
}

void tty_hangup(struct tty *t)
{
	tty_get(t);
	if (!work_queue(&t->hangup_work))
		tty_put(t);
}

/* ---- output ---- */

void tty_start_output(struct tty *t)
{
	if (!t->ld.stopped && !ring_empty(&t->tx))
		t->ops->start(t);
}

u32 tty_tx_take_locked(struct tty *t, void *buf, u32 n)
{
	u32 taken;

	if (t->ld.stopped)
		return 0;
	taken = ring_get(&t->tx, buf, n);
	if (taken && ring_used(&t->tx) < TTY_TX_BYTES / 2)
		wake_up_poll(&t->write_wait, EPOLLOUT | EPOLLWRNORM);
	return taken;
}

u32 tty_tx_take(struct tty *t, void *buf, u32 n)
{
	u64 irq = tty_lock(t);
	u32 taken = tty_tx_take_locked(t, buf, n);

	tty_unlock(t, irq);
	return taken;
}

static bool all_sent(struct tty *t)
{
	u64 irq = tty_lock(t);
	bool sent = ring_empty(&t->tx) && (!t->ops->tx_pending || !t->ops->tx_pending(t));

	tty_unlock(t, irq);
	return sent || (t->flags & TTY_PEER_CLOSED);
}

int tty_drain(struct tty *t)
{
	while (!all_sent(t)) {
		int err = wait_event_interruptible_until(&t->write_wait, all_sent(t), plat_mono_ns() + DRAIN_POLL_NS);

		if (err == -ERESTARTSYS)
			return err;
	}
	return 0;
}

bool tty_drain_until(struct tty *t, u64 deadline_ns)
{
	while (!all_sent(t)) {
		if (plat_mono_ns() >= deadline_ns)
			return false;
		(void)wait_event_until(&t->write_wait, all_sent(t), plat_mono_ns() + DRAIN_POLL_NS);
	}
	return true;
}

void tty_flush(struct tty *t, bool input, bool output)
{
	struct ldisc_events e;
	u64 irq = tty_lock(t);

	if (input) {
		ring_skip(&t->rx, ring_used(&t->rx));
		ldisc_flush_input(&t->ld);
	}
	if (output)
		ldisc_flush_output(&t->ld);
	e = ldisc_take_events(&t->ld);
	if (e.packet && t->ops->packet)
		t->ops->packet(t, e.packet);
	tty_unlock(t, irq);
	tty_deliver(t, &e);
	if (input)
		tty_feed(t);	/* lets a throttled driver go on */
}

/* ---- opening ---- */

bool tty_file_dead(const struct tty_file *tf)
{
	return !tf->is_console && READ_ONCE(tf->tty->generation) != tf->generation;
}

struct tty_file *tty_of_file(struct file *f)
{
	return f->ops == &tty_file_ops ? f->private : NULL;
}

int tty_open_line(struct tty *t, struct file *f, bool is_console)
{
	struct tty_file *tf = kzalloc(sizeof(*tf), ALLOC_KERNEL);
	int err = 0;

	if (!tf)
		return -ENOMEM;
	mutex_lock(&t->open_lock);
	if (t->flags & TTY_PEER_CLOSED)
		err = -EIO;
	else if ((t->flags & TTY_EXCLUSIVE) && t->opens && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else if (t->opens == 0 && t->ops->open)
		err = t->ops->open(t);
	if (!err)
		t->opens++;
	mutex_unlock(&t->open_lock);
	if (err) {
		kfree(tf);
		return err;
	}
	tty_get(t);
	tf->tty = t;
	tf->generation = READ_ONCE(t->generation);
	tf->is_console = is_console;
	f->private = tf;
	f->ops = &tty_file_ops;
	if (!is_console)
		tty_adopt_on_open(t, f);
	return 0;
}

void tty_file_release(struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	bool last;

	mutex_lock(&t->open_lock);
	last = --t->opens == 0;
	if (last) {
		if (t->ops->close)
			t->ops->close(t);
		t->flags &= ~TTY_EXCLUSIVE;
	}
	mutex_unlock(&t->open_lock);
	if (last)
		tty_release_session(t);
	tty_put(t);
	kfree(tf);
}

static struct tty *find_line(u64 rdev)
{
	struct tty_driver *d;
	struct tty *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, node) {
		u32 index = dev_minor(rdev) - d->minor_first;

		if (d->major == dev_major(rdev) && index < d->count)
			found = d->ttys[index];
	}
	mutex_unlock(&drivers_lock);
	return found;
}

static int line_open(struct inode *i, struct file *f)
{
	struct tty *t = find_line(i->rdev);

	return t ? tty_open_line(t, f, false) : -ENXIO;
}

static const struct file_ops line_ops = { .open = line_open };

/* ---- registration ---- */

void tty_driver_register(struct tty_driver *d)
{
	assert(d->count <= TTY_LINES_MAX && d->ops->start);
	d->chrdev = (struct chrdev){
		.major = d->major, .minor_first = d->minor_first, .minor_count = d->count, .ops = &line_ops, .name = d->proc_name,
	};
	mutex_lock(&drivers_lock);
	list_add_tail(&d->node, &drivers);
	mutex_unlock(&drivers_lock);
	chrdev_register(&d->chrdev);
}

struct tty *tty_register_device(struct tty_driver *d, u32 index, void *driver_data)
{
	struct tty *t;

	if (index >= d->count)
		return ERR_PTR(-EINVAL);
	t = kzalloc(sizeof(*t), ALLOC_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);
	tty_setup(t, d->ops, d->cflag);
	t->driver = d;
	t->driver_data = driver_data;
	t->index = index;
	t->rdev = dev_make(d->major, d->minor_first + index);
	scnprintf(t->name, sizeof(t->name), "%s%u", d->name, index);
	t->devnode = (struct devnode){ .name = t->name, .class = "tty", .mode = S_IFCHR | 0660, .rdev = t->rdev, .gid = 5 };

	mutex_lock(&drivers_lock);
	if (d->ttys[index]) {
		mutex_unlock(&drivers_lock);
		kfree(t);
		return ERR_PTR(-EEXIST);
	}
	d->ttys[index] = t;
	mutex_unlock(&drivers_lock);
	devnode_add(&t->devnode);
	return t;
}

void tty_init(void)
{
	mutex_init(&drivers_lock, RANK_DEVICE);
	tty_console_init();
	pty_init();
}
