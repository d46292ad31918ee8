/*
 * An open terminal: read, write, poll.
 *
 * read(2) copies through a small buffer on the stack, since the line discipline is guarded by a spin lock and user memory may
 * fault.  A file opened before a hang-up is dead for ever: reads give end of file, writes EIO.
 *
 * Source: termios(3) for VMIN and VTIME; POSIX.1-2017 11.1.7, 11.1.8.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include "drivers/tty/tty.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { COPY_BYTES = 512, TENTH_NS = 100000000 };

/* Job control for the background: 0, or what the call returns instead. */
static s64 job_check(struct tty_file *tf, int sig)
{
	return tf->is_console ? 0 : tty_check_change(tf->tty, sig);
}

static int lock_for_io(struct file *f, struct mutex *m)
{
	if (f->flags & O_NONBLOCK)
		return mutex_trylock(m) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(m);
}

/* ---- read ---- */

/* What one read(2) still waits for. */
struct read_goal {
	bool canonical;
	u64 min_bytes;		/* raw: sleep while fewer than this were read */
	u64 deadline_ns;	/* ~0: none; 0: do not sleep at all */
	u64 between_ns;		/* raw with VMIN and VTIME: the time allowed after each byte */
};

static void read_goal_init(struct tty *t, u64 want, struct read_goal *g)
{
	u64 min = t->ld.termios.c_cc[VMIN];
	u64 time_ns = t->ld.termios.c_cc[VTIME] * (u64)TENTH_NS;

	g->canonical = ldisc_lflag(&t->ld, ICANON);
	g->min_bytes = 1;
	g->deadline_ns = ~0ull;
	g->between_ns = 0;
	if (g->canonical)
		return;
	if (min) {
		g->min_bytes = MIN(min, want);
		g->between_ns = time_ns;
	} else {
		g->deadline_ns = time_ns ? plat_mono_ns() + time_ns : 0;
	}
}

static bool has_input(struct tty_file *tf)
{
	return ldisc_readable(&tf->tty->ld) || tty_file_dead(tf) || (READ_ONCE(tf->tty->flags) & TTY_PEER_CLOSED);
}

/* Sleep until there is input. 0, or why the read ends: 1 time or end of file, -errno */
static int wait_for_input(struct file *f, struct tty_file *tf, const struct read_goal *g)
{
	struct tty *t = tf->tty;
	int err;

	if (tty_file_dead(tf))
		return 1;
	if (READ_ONCE(t->flags) & TTY_PEER_CLOSED)
		return -EIO;
	if (g->deadline_ns == 0)
		return 1;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	err = wait_event_interruptible_until(&t->read_wait, has_input(tf), g->deadline_ns);
	return err == -ETIMEDOUT ? 1 : err;
}

/* Move what is there to the reader. Return: bytes, or -EFAULT; *done: the line ended or the buffer is full */
static s64 read_some(struct tty *t, struct iter *to, bool *done)
{
	u8 chunk[COPY_BYTES];
	u64 total = 0;

	while (!*done) {
		u64 want = MIN(iter_left(to), (u64)sizeof(chunk));
		bool line_done;
		u64 irq = tty_lock(t);
		u32 n = ldisc_read(&t->ld, chunk, want, &line_done);

		tty_unlock(t, irq);
		if (n && iter_put(to, chunk, n) != n)
			return total ? (s64)total : -EFAULT;
		total += n;
		*done = line_done || iter_left(to) == 0;
		if (n == 0)
			break;
	}
	if (total && !ring_empty(&t->rx))
		tty_feed(t);	/* there is room for more */
	return total;
}

static s64 read_locked(struct file *f, struct tty_file *tf, struct iter *to)
{
	struct tty *t = tf->tty;
	struct read_goal goal;
	u64 total = 0;
	bool done = false;

	read_goal_init(t, iter_left(to), &goal);
	for (;;) {
		s64 n = tty_file_dead(tf) ? 0 : read_some(t, to, &done);

		if (n < 0)
			return total ? (s64)total : n;
		total += n;
		if (done || total >= goal.min_bytes)
			return total;
		if (n && goal.between_ns)
			goal.deadline_ns = plat_mono_ns() + goal.between_ns;

		int err = wait_for_input(f, tf, &goal);

		if (err)
			return total || err == 1 ? (s64)total : err;
	}
}

static s64 tty_read(struct file *f, struct iter *to, u64 *pos)
{
	struct tty_file *tf = f->private;
	s64 ret;

	if (tty_file_dead(tf) || iter_left(to) == 0)
		return 0;
	ret = job_check(tf, SIGTTIN);
	if (ret)
		return ret;
	ret = lock_for_io(f, &tf->tty->read_lock);
	if (ret)
		return ret;
	ret = read_locked(f, tf, to);
	mutex_unlock(&tf->tty->read_lock);
	return ret;
}

/* ---- write ---- */

static bool has_room(struct tty_file *tf)
{
	return ldisc_write_room(&tf->tty->ld) || tty_file_dead(tf) || (READ_ONCE(tf->tty->flags) & TTY_PEER_CLOSED);
}

/* One chunk, whole unless something ends it. Return: bytes sent; *err why it stopped early */
static u32 write_chunk(struct file *f, struct tty_file *tf, const u8 *chunk, u32 n, int *err)
{
	struct tty *t = tf->tty;
	u32 sent = 0;

	*err = 0;
	for (;;) {
		if (tty_file_dead(tf) || (READ_ONCE(t->flags) & TTY_PEER_CLOSED)) {
			*err = -EIO;
			break;
		}
		u64 irq = tty_lock(t);

		sent += ldisc_write(&t->ld, chunk + sent, n - sent);
		tty_start_output(t);
		tty_unlock(t, irq);
		if (sent == n)
			break;
		if (f->flags & O_NONBLOCK) {
			*err = -EAGAIN;
			break;
		}
		*err = wait_event_interruptible(&t->write_wait, has_room(tf));
		if (*err)
			break;
	}
	return sent;
}

static s64 write_locked(struct file *f, struct tty_file *tf, struct iter *from)
{
	u8 chunk[COPY_BYTES];
	u64 total = 0;
	int err = 0;

	while (iter_left(from) && !err) {
		u64 want = MIN(iter_left(from), (u64)sizeof(chunk));
		u64 n = iter_get(from, chunk, want);
		u32 sent = write_chunk(f, tf, chunk, n, &err);

		total += sent;
		if (sent < n)
			iter_revert(from, n - sent);
		else if (n < want)
			err = -EFAULT;
		cond_resched();
	}
	return total ? (s64)total : err;
}

static s64 tty_write(struct file *f, struct iter *from, u64 *pos)
{
	struct tty_file *tf = f->private;
	s64 ret;

	if (tty_file_dead(tf))
		return -EIO;
	if (ldisc_lflag(&tf->tty->ld, TOSTOP)) {
		ret = job_check(tf, SIGTTOU);
		if (ret)
			return ret;
	}
	ret = lock_for_io(f, &tf->tty->write_lock);
	if (ret)
		return ret;
	ret = write_locked(f, tf, from);
	mutex_unlock(&tf->tty->write_lock);
	return ret;
}

/* ---- poll ---- */

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	u32 least = 1;
	u32 events = 0;

	poll_wait(f, &t->read_wait, pt);
	poll_wait(f, &t->write_wait, pt);
	if (tty_file_dead(tf))
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
	if (!ldisc_lflag(&t->ld, ICANON) && !t->ld.termios.c_cc[VTIME] && t->ld.termios.c_cc[VMIN])
		least = t->ld.termios.c_cc[VMIN];
	if (ldisc_readable(&t->ld) >= least)
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(t->flags) & TTY_PEER_CLOSED)
		events |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	if (ldisc_write_room(&t->ld) && !t->ld.stopped)
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

const struct file_ops tty_file_ops = {
	.release = tty_file_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.seek = file_seek_none,
	.flags = FOP_STREAM,
};
