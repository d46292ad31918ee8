/*
 * Pseudo-terminals: a terminal whose line is a file, the master.
 *
 *      program --write--> slave's line discipline --tx ring--> read of the master
 *      program <--read--- slave's line discipline <--rx ring-- write of the master
 *
 * The master has no line discipline: what it writes is what is typed, and most of its ioctls are the slave's.  The pair is
 * the slave's struct tty and lives by its references; the open master holds one.
 *
 * Locks: p the slave's tty->lock · I immutable.
 * Source: pty(7), ioctl_tty(2) (packet mode), Linux's Documentation/filesystems/devpts.rst.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/tty/pty.h"
#include "drivers/tty/tty.h"
#include "fs/devpts/devpts.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/poll.h"

enum { SLAVE_MAJOR = 136, SLAVES_MAX = 1 << 20, PTMX_MAJOR = 5, PTMX_MINOR = 2, COPY_BYTES = 512 };

struct pty {
	struct tty tty;			/* the slave */
	struct path root;		/* [I] of the devpts instance; held until the master closes */
	bool packet;			/* [p] TIOCPKT */
	u8 packet_bits;			/* [p] TIOCPKT_* to be read */
	bool slave_closed;		/* [p] opened once, and now by nobody */
	bool flow;			/* [p] ^S and ^Q work: what a packet-mode master was told last */
	struct waitq read_wait;		/* of the master */
	struct waitq write_wait;
	struct rcu_head rcu;		/* slave_node_open looks at it without a reference */
};

static struct pty *pty_of(struct tty *t)
{
	return container_of(t, struct pty, tty);
}

/* ---- the slave's driver ---- */

static int slave_open(struct tty *t)
{
	struct pty *p = pty_of(t);
	u64 irq = tty_lock(t);
	bool locked = t->flags & TTY_LOCKED;

	if (!locked)
		p->slave_closed = false;
	tty_unlock(t, irq);
	return locked ? -EIO : 0;
}

static void slave_close(struct tty *t)
{
	struct pty *p = pty_of(t);
	u64 irq = tty_lock(t);

	p->slave_closed = true;
	tty_unlock(t, irq);
	waitq_wake(&p->read_wait, 0, EPOLLIN | EPOLLHUP);
	waitq_wake(&p->write_wait, 0, EPOLLOUT | EPOLLHUP);
}

static void slave_start(struct tty *t)
{
	wake_up_poll(&pty_of(t)->read_wait, EPOLLIN | EPOLLRDNORM);
}

static void slave_unthrottle(struct tty *t)
{
	wake_up_poll(&pty_of(t)->write_wait, EPOLLOUT | EPOLLWRNORM);
}

static void slave_packet(struct tty *t, u8 bits)
{
	struct pty *p = pty_of(t);

	if (!p->packet)
		return;
	if (bits & (TIOCPKT_STOP | TIOCPKT_START))
		p->packet_bits &= ~(TIOCPKT_STOP | TIOCPKT_START);
	if (bits & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP))
		p->packet_bits &= ~(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
	p->packet_bits |= bits;
	wake_up_poll(&p->read_wait, EPOLLIN | EPOLLPRI | EPOLLRDNORM);
}

static bool has_flow(const struct ldisc *ld)
{
	return ldisc_iflag(ld, IXON) && ld->termios.c_cc[VSTART] == ('Q' & 31) && ld->termios.c_cc[VSTOP] == ('S' & 31);
}

static void slave_set_termios(struct tty *t)
{
	struct pty *p = pty_of(t);
	u64 irq = tty_lock(t);
	bool flow = has_flow(&t->ld);

	if (flow != p->flow)
		slave_packet(t, flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	p->flow = flow;
	tty_unlock(t, irq);
}

static void pty_free(struct rcu_head *h)
{
	kvfree(container_of(h, struct pty, rcu));
}

static void slave_freed(struct tty *t)
{
	call_rcu(&pty_of(t)->rcu, pty_free);
}

static const struct tty_ops slave_ops = {
	.open = slave_open,
	.close = slave_close,
	.start = slave_start,
	.unthrottle = slave_unthrottle,
	.set_termios = slave_set_termios,
	.packet = slave_packet,
	.freed = slave_freed,
};

/* ---- the master: reading ---- */

static bool master_readable(struct pty *p)
{
	return (!ring_empty(&p->tty.tx) && !p->tty.ld.stopped) || p->packet_bits || p->slave_closed;
}

/* What there is into @chunk; in packet mode with the leading byte. Return: bytes, -EIO: closed and empty, -EAGAIN */
static s32 take(struct pty *p, u8 *chunk, u32 n)
{
	u64 irq = tty_lock(&p->tty);
	u32 head = p->packet;
	s32 ret;

	if (p->packet && p->packet_bits) {
		chunk[0] = p->packet_bits;
		p->packet_bits = 0;
		tty_unlock(&p->tty, irq);
		return 1;
	}
	ret = n > head ? tty_tx_take_locked(&p->tty, chunk + head, n - head) : 0;
	if (ret && head) {
		chunk[0] = TIOCPKT_DATA;
		ret++;
	}
	if (!ret)
		ret = p->slave_closed && ring_empty(&p->tty.tx) ? -EIO : -EAGAIN;
	tty_unlock(&p->tty, irq);
	return ret;
}

static s64 master_read(struct file *f, struct iter *to, u64 *pos)
{
	struct pty *p = f->private;
	u8 chunk[COPY_BYTES];
	s64 total = 0;

	while (iter_left(to)) {
		s32 n = take(p, chunk, MIN(iter_left(to), (u64)sizeof(chunk)));

		if (n > 0) {
			u64 put = iter_put(to, chunk, n);

			total += put;
			if (put < (u64)n)
				return total ? total : -EFAULT;
			if (p->packet)
				return total;
			continue;
		}
		if (total)
			break;
		if (n == -EIO || (f->flags & O_NONBLOCK))
			return n;
		if (wait_event_interruptible(&p->read_wait, master_readable(p)))
			return -ERESTARTSYS;
	}
	return total;
}

/* ---- writing ---- */

static bool master_writable(struct pty *p)
{
	return ring_free(&p->tty.rx) || p->slave_closed;
}

/* Hand over what fits and have it seen at once. */
static u32 give(struct pty *p, const u8 *chunk, u32 n)
{
	u64 irq = tty_lock(&p->tty);
	u32 given = ring_put(&p->tty.rx, chunk, n);

	if (given < n)
		p->tty.flags |= TTY_RX_SHORT;
	tty_unlock(&p->tty, irq);
	tty_feed(&p->tty);
	return given;
}

static s64 master_write(struct file *f, struct iter *from, u64 *pos)
{
	struct pty *p = f->private;
	u8 chunk[COPY_BYTES];
	s64 total = 0;

	while (iter_left(from)) {
		u64 want = MIN(iter_left(from), (u64)sizeof(chunk));
		u64 n = iter_get(from, chunk, want);
		u32 given;

		if (n == 0)
			return total ? total : -EFAULT;
		if (p->slave_closed) {
			iter_revert(from, n);
			return total ? total : -EIO;
		}
		given = give(p, chunk, n);
		total += given;
		if (given == n)
			continue;
		iter_revert(from, n - given);
		if (f->flags & O_NONBLOCK)
			return total ? total : -EAGAIN;
		if (wait_event_interruptible(&p->write_wait, master_writable(p)))
			return total ? total : -ERESTARTSYS;
	}
	return total;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->private;
	u32 events = 0;

	poll_wait(f, &p->read_wait, pt);
	poll_wait(f, &p->write_wait, pt);
	if (!ring_empty(&p->tty.tx) && !p->tty.ld.stopped)
		events |= EPOLLIN | EPOLLRDNORM;
	if (p->packet && p->packet_bits)
		events |= EPOLLIN | EPOLLPRI | EPOLLRDNORM;
	if (p->slave_closed)
		events |= EPOLLHUP;
	if (ring_free(&p->tty.rx))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

/* ---- ioctls of the master ---- */

static s64 set_lock(struct tty *t, uaddr_t from)
{
	s32 v;
	u64 irq;

	if (get_user(v, from))
		return -EFAULT;
	irq = tty_lock(t);
	t->flags = v ? t->flags | TTY_LOCKED : t->flags & ~TTY_LOCKED;
	tty_unlock(t, irq);
	return 0;
}

static s64 set_packet(struct pty *p, uaddr_t from)
{
	s32 v;
	u64 irq;

	if (get_user(v, from))
		return -EFAULT;
	irq = tty_lock(&p->tty);
	if (v && !p->packet)
		p->packet_bits = 0;
	p->packet = v != 0;
	tty_unlock(&p->tty, irq);
	return 0;
}

static s64 send_signal(struct tty *t, u64 sig)
{
	if (sig < 1 || sig > 64)
		return -EINVAL;
	tty_signal_pgrp(t, sig);
	return 0;
}

/* TIOCGPTPEER: a descriptor of the slave, whatever is mounted where now. */
static s64 open_peer(struct pty *p, u32 o_flags)
{
	struct path path = p->root;
	char name[12];
	size_t len = scnprintf(name, sizeof(name), "%u", p->tty.index);
	struct file *f;
	int fd;

	if (o_flags & ~(u32)(O_ACCMODE | O_NONBLOCK | O_CLOEXEC | O_NOCTTY))
		return -EINVAL;
	path.dentry = vfs_lookup_one(&p->root, name, len);
	if (IS_ERR(path.dentry))
		return PTR_ERR(path.dentry);
	f = d_is_positive(path.dentry) ? file_open_path(&path, o_flags, current_cred()) : ERR_PTR(-EIO);
	d_put(path.dentry);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_add(f, o_flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* What the master flushes is the other way round for the slave. */
static s64 master_flush(struct pty *p, u64 which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	tty_flush(&p->tty, which != TCIFLUSH, which != TCOFLUSH);
	return 0;
}

static s64 pair_ioctl(struct pty *p, u32 cmd, u64 arg)
{
	struct tty *t = &p->tty;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(t->index, uaddr(arg));
	case TIOCSPTLCK:
		return set_lock(t, uaddr(arg));
	case TIOCGPTLCK:
		return put_user((s32)((t->flags & TTY_LOCKED) != 0), uaddr(arg));
	case TIOCPKT:
		return set_packet(p, uaddr(arg));
	case TIOCGPKT:
		return put_user((s32)p->packet, uaddr(arg));
	case TIOCSIG:
		return send_signal(t, arg);
	case TIOCGPTPEER:
		return open_peer(p, arg);
	case FIONREAD:
		return put_user((s32)ring_used(&t->tx), uaddr(arg));
	case TIOCOUTQ:
		return put_user((s32)ring_used(&t->rx), uaddr(arg));
	case TCFLSH:
		return master_flush(p, arg);
	default:
		return -ENOTTY;
	}
}

static s64 master_winsize(struct tty *t, u32 cmd, uaddr_t arg)
{
	struct winsize w;
	u64 irq;

	if (cmd == TIOCSWINSZ)
		return copy_in(&w, arg, sizeof(w)) ? -EFAULT : tty_set_winsize(t, &w);
	irq = tty_lock(t);
	w = t->winsize;
	tty_unlock(t, irq);
	return copy_out(arg, &w, sizeof(w));
}

static s64 master_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pty *p = f->private;
	s64 ret;

	if (cmd == TIOCGWINSZ || cmd == TIOCSWINSZ)
		return master_winsize(&p->tty, cmd, uaddr(arg));
	ret = pair_ioctl(p, cmd, arg);
	if (ret == -ENOTTY)
		ret = tty_mode_ioctl(&p->tty, cmd, arg);
	if (ret == -ENOTTY)
		ret = tty_job_ioctl(&p->tty, NULL, cmd, arg);
	return ret;
}

/* ---- opening and closing ---- */

static void master_release(struct file *f)
{
	struct pty *p = f->private;
	struct tty *t = &p->tty;
	u64 irq;

	devpts_remove(p->root.dentry->super, t->index);
	irq = tty_lock(t);
	t->flags |= TTY_PEER_CLOSED;
	tty_unlock(t, irq);
	tty_hangup_now(t);
	path_put(&p->root);
	tty_put(t);
}

static const struct file_ops master_fops = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.seek = file_seek_none,
	.flags = FOP_STREAM,
};

static struct pty *pty_new(void)
{
	struct pty *p = kvmalloc(sizeof(*p), ALLOC_KERNEL);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	tty_setup(&p->tty, &slave_ops, B38400 | CS8 | CREAD);
	p->tty.flags = TTY_IS_PTY | TTY_LOCKED;
	p->flow = true;
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	return p;
}

static int ptmx_open(struct inode *i, struct file *f)
{
	struct pty *p = pty_new();
	int ret;

	if (!p)
		return -ENOMEM;
	ret = devpts_of_ptmx(f, &p->root);
	if (ret)
		goto out_free;
	ret = devpts_add(p->root.dentry->super, p);
	if (ret < 0)
		goto out_root;
	p->tty.index = ret;
	p->tty.rdev = dev_make(SLAVE_MAJOR, ret);
	scnprintf(p->tty.name, sizeof(p->tty.name), "pts/%d", ret);
	f->private = p;
	f->ops = &master_fops;
	return 0;
out_root:
	path_put(&p->root);
out_free:
	tty_put(&p->tty);
	return ret;
}

/* The master may close at this moment: the reference is taken only while it has not. */
static int slave_node_open(struct inode *i, struct file *f)
{
	struct pty *p;
	int err;

	rcu_read_lock();
	p = devpts_private(i);
	if (p && !atomic_inc_not_zero(&p->tty.refs))
		p = NULL;
	rcu_read_unlock();
	if (!p)
		return -EIO;
	err = tty_open_line(&p->tty, f, false);
	tty_put(&p->tty);
	return err;
}

static const struct file_ops ptmx_fops = { .open = ptmx_open };
static const struct file_ops slave_fops = { .open = slave_node_open };
static struct chrdev ptmx_chrdev = {
	.major = PTMX_MAJOR, .minor_first = PTMX_MINOR, .minor_count = 1, .ops = &ptmx_fops, .name = "/dev/ptmx",
};
static struct chrdev slave_chrdev = {
	.major = SLAVE_MAJOR, .minor_first = 0, .minor_count = SLAVES_MAX, .ops = &slave_fops, .name = "pts",
};
static struct devnode ptmx_node = { .name = "ptmx", .class = "tty", .mode = S_IFCHR | 0666, .gid = 5 };

void pty_init(void)
{
	chrdev_register(&ptmx_chrdev);
	chrdev_register(&slave_chrdev);
	ptmx_node.rdev = dev_make(PTMX_MAJOR, PTMX_MINOR);
	devnode_add(&ptmx_node);
}
