/*
 * /dev/vportNpM: a port as a character device, with the manners of Linux's virtio_console:
 *
 * - one opener at a time (EBUSY); a console port cannot be opened here (ENXIO);
 * - while the host's side is closed, read gives 0, poll EPOLLHUP, write waits (or EAGAIN);
 * - closing tells the host, and input not read is lost.
 *
 * Departure: a blocking write goes on until all is written; Linux returns after 32 KiB.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/virtio/console.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/poll.h"

enum { VPORT_MAJOR = 243, MINORS_MAX = 256 };

static const u64 close_drain_ns = 5ull * NS_PER_SEC;

static struct port *ports[MINORS_MAX];	/* [atomic] by minor; a port stays once it is there */
static u32 port_count;			/* [atomic] */

static int vport_open(struct inode *i, struct file *f)
{
	u32 minor = dev_minor(i->rdev);
	struct port *p = minor < MINORS_MAX ? atomic_load_acquire(&ports[minor]) : NULL;
	u32 old;
	int err;

	if (!p || port_has(p, PORT_GONE) || atomic_load_acquire(&p->tty))
		return -ENXIO;
	old = atomic_fetch_or(&p->state, PORT_GUEST_OPEN);
	if (old & PORT_GUEST_OPEN)
		return -EBUSY;
	err = port_fill(p);
	if (err) {
		atomic_and(&p->state, ~(u32)PORT_GUEST_OPEN);
		return err;
	}
	f->private = p;
	console_send(p->console, p->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
	return 0;
}

static void vport_release(struct file *f)
{
	struct port *p = f->private;

	/* The message must not overtake what was written: wait for the device to take it, but not for ever. */
	if (port_has(p, PORT_HOST_OPEN))
		(void)wait_event_until(&p->wait, !READ_ONCE(p->tx_bytes) || !port_has(p, PORT_HOST_OPEN),
				       plat_mono_ns() + close_drain_ns);
	console_send(p->console, p->id, VIRTIO_CONSOLE_PORT_OPEN, 0);
	atomic_and(&p->state, ~(u32)PORT_GUEST_OPEN);
	port_discard(p);
}

/* Copy out what has arrived. The caller has the read lock. */
static s64 take_input(struct port *p, struct iter *to)
{
	u64 done = 0;
	struct port_buffer *b;

	while (iter_left(to) && (b = port_front(p))) {
		u32 want = MIN((u64)(b->len - b->taken), iter_left(to));
		u32 n = iter_put(to, b->data + b->taken, want);

		b->taken += n;
		done += n;
		if (n < want)
			return done ? (s64)done : -EFAULT;
		if (b->taken == b->len)
			port_recycle(p);
	}
	return done;
}

static s64 vport_read(struct file *f, struct iter *to, u64 *pos)
{
	struct port *p = f->private;
	s64 n;

	if (!iter_left(to))
		return 0;
	for (;;) {
		if (port_has(p, PORT_GONE))
			return -ENODEV;
		if (!port_has_input(p) && !port_has(p, PORT_HOST_OPEN))
			return 0;
		if (!port_has_input(p) && f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&p->wait, port_has_input(p) || !port_has(p, PORT_HOST_OPEN)))
			return -ERESTARTSYS;
		if (mutex_lock_interruptible(&p->read_lock))
			return -ERESTARTSYS;
		n = take_input(p, to);
		mutex_unlock(&p->read_lock);
		if (n)
			return n;
	}
}

static bool can_write(struct port *p)
{
	return port_has(p, PORT_GONE) || (port_has(p, PORT_HOST_OPEN) && port_has_room(p));
}

/* One chunk, copied to @chunk first. Returns bytes sent or -errno. */
static s64 write_chunk(struct port *p, struct iter *from, u8 *chunk, bool nonblock)
{
	u32 want = MIN(iter_left(from), (u64)PORT_CHUNK_BYTES), n;
	int err;

	if (nonblock && !can_write(p))
		return -EAGAIN;
	if (wait_event_interruptible(&p->wait, can_write(p)))
		return -ERESTARTSYS;
	if (port_has(p, PORT_GONE))
		return -ENODEV;
	n = iter_get(from, chunk, want);
	if (!n)
		return -EFAULT;
	do {
		err = port_send(p, chunk, n);
		if (err == -ENOSPC && wait_event_interruptible(&p->wait, can_write(p)))
			err = -ERESTARTSYS;
	} while (err == -ENOSPC);
	if (err)
		iter_revert(from, n);
	return err ? err : (s64)n;
}

static s64 vport_write(struct file *f, struct iter *from, u64 *pos)
{
	struct port *p = f->private;
	bool nonblock = f->flags & O_NONBLOCK;
	u8 small[512], *chunk = small;
	u64 done = 0;
	s64 n = 0;

	if (!iter_left(from))
		return 0;
	if (iter_left(from) > sizeof(small)) {
		chunk = kmalloc(MIN(iter_left(from), (u64)PORT_CHUNK_BYTES), ALLOC_KERNEL);
		if (!chunk)
			return -ENOMEM;
	}
	while (iter_left(from)) {
		n = write_chunk(p, from, chunk, nonblock);
		if (n < 0)
			break;
		done += n;
	}
	if (chunk != small)
		kfree(chunk);
	return done ? (s64)done : n;
}

static u32 vport_poll(struct file *f, struct poll_table *pt)
{
	struct port *p = f->private;
	u32 events = 0;

	poll_wait(f, &p->wait, pt);
	if (port_has(p, PORT_GONE))
		return EPOLLHUP;
	if (port_has_input(p) || !port_has(p, PORT_HOST_OPEN))
		events |= EPOLLIN | EPOLLRDNORM;
	if (can_write(p))
		events |= EPOLLOUT;
	if (!port_has(p, PORT_HOST_OPEN))
		events |= EPOLLHUP;
	return events;
}

static const struct file_ops vport_ops = {
	.open = vport_open,
	.release = vport_release,
	.read = vport_read,
	.write = vport_write,
	.poll = vport_poll,
	.seek = file_seek_none,
	.flags = FOP_STREAM,
};

static struct chrdev vport_chrdev = {
	.major = VPORT_MAJOR, .minor_first = 0, .minor_count = MINORS_MAX, .ops = &vport_ops, .name = "virtio-portsdev",
};

static size_t name_show(struct devnode *n, char *buf, size_t size)
{
	const struct port *p = n->private;
	const char *name = atomic_load_acquire(&p->name);

	return scnprintf(buf, size, "%s\n", name ? name : "");
}

static const struct devattr vport_attrs[] = { { .name = "name", .show = name_show }, {} };

void vport_add(struct port *p)
{
	u32 minor = atomic_fetch_add(&port_count, 1);

	if (minor >= MINORS_MAX) {
		pr_warn("%s: no number left for port %u", p->console->dev->name, p->id);
		return;
	}
	scnprintf(p->node_name, sizeof(p->node_name), "vport%up%u", p->console->index, p->id);
	p->devnode.name = p->node_name;
	p->devnode.class = "virtio-ports";
	p->devnode.mode = S_IFCHR | 0600;
	p->devnode.rdev = dev_make(VPORT_MAJOR, minor);
	p->devnode.attrs = vport_attrs;
	p->devnode.private = p;
	atomic_store_release(&ports[minor], p);
	devnode_add(&p->devnode);
}

void vport_init(void)
{
	chrdev_register(&vport_chrdev);
}
