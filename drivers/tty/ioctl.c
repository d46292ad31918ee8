/*
 * The ioctls of a terminal that are neither settings (termios.c) nor job control (jobctl.c).
 *
 * Source: ioctl_tty(2), <asm-generic/ioctls.h>.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/tty.h>
#include "drivers/tty/tty.h"
#include "kern/cred.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "vfs/file.h"

static s64 get_winsize(struct tty *t, uaddr_t to)
{
	u64 irq = tty_lock(t);
	struct winsize w = t->winsize;

	tty_unlock(t, irq);
	return copy_out(to, &w, sizeof(w));
}

static s64 set_winsize(struct tty *t, uaddr_t from)
{
	struct winsize w;

	if (copy_in(&w, from, sizeof(w)))
		return -EFAULT;
	return tty_set_winsize(t, &w);
}

/* TIOCSTI: a byte as if it had been typed. */
static s64 fake_input(struct tty *t, uaddr_t from)
{
	u64 irq;
	u8 c;

	if (!capable(CAP_SYS_ADMIN) && READ_ONCE(t->session) != tty_jobs()->session())
		return -EPERM;
	if (get_user(c, from))
		return -EFAULT;
	irq = tty_lock(t);
	ring_put_byte(&t->rx, c);
	tty_unlock(t, irq);
	tty_feed(t);
	return 0;
}

static s64 flush(struct tty *t, u64 which)
{
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (which > TCIOFLUSH)
		return -EINVAL;
	tty_flush(t, which != TCOFLUSH, which != TCIFLUSH);
	return 0;
}

/* TCXONC: stop or start output, or send the characters that ask the other end to. */
static s64 flow(struct tty *t, u64 what)
{
	struct ldisc_events e;
	u64 irq;
	u8 c = 0;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (what > TCION)
		return -EINVAL;
	irq = tty_lock(t);
	if (what == TCOOFF) {
		ldisc_stop(&t->ld);
		t->ld.stopped_by_ioctl = true;
	} else if (what == TCOON) {
		t->ld.stopped_by_ioctl = false;
		ldisc_start(&t->ld);
	} else {
		c = t->ld.termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (c)
			ldisc_put_out(&t->ld, c);
	}
	e = ldisc_take_events(&t->ld);
	if (e.packet && t->ops->packet)
		t->ops->packet(t, e.packet);
	tty_start_output(t);
	tty_unlock(t, irq);
	tty_deliver(t, &e);
	return 0;
}

static s64 send_break(struct tty *t, u64 duration_ns)
{
	if (!t->ops->send_break)
		return 0;
	t->ops->send_break(t, true);
	sleep_ns(duration_ns);
	t->ops->send_break(t, false);
	return 0;
}

/* Those that wait for the output first. */
static s64 break_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	int err = tty_check_change(t, SIGTTOU);

	if (!err)
		err = tty_drain(t);
	if (err)
		return err;
	switch (cmd) {
	case TIOCSBRK:
	case TIOCCBRK:
		if (t->ops->send_break)
			t->ops->send_break(t, cmd == TIOCSBRK);
		return 0;
	case TCSBRK:
		return arg ? 0 : send_break(t, 250 * (u64)NS_PER_MS);
	default:
		return send_break(t, arg ? arg * 100 * NS_PER_MS : 250 * (u64)NS_PER_MS);
	}
}

static s64 modem_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	u32 bits, now;

	if (!t->ops->modem_get)
		return -ENOTTY;
	now = t->ops->modem_get(t);
	if (cmd == TIOCMGET)
		return put_user(now, uaddr(arg));
	if (get_user(bits, uaddr(arg)))
		return -EFAULT;
	bits &= TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1 | TIOCM_OUT2 | TIOCM_LOOP;
	t->ops->modem_set(t, cmd == TIOCMBIC ? 0 : bits, cmd == TIOCMBIC ? bits : cmd == TIOCMSET ? ~bits : 0);
	return 0;
}

static s64 queue_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	u64 irq = tty_lock(t);
	s32 n = cmd == FIONREAD ? ldisc_queued(&t->ld) :
				  ring_used(&t->tx) + (t->ops->tx_pending ? t->ops->tx_pending(t) : 0);

	tty_unlock(t, irq);
	return put_user(n, uaddr(arg));
}

static s64 exclusive_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	u64 irq;

	if (cmd == TIOCGEXCL)
		return put_user((s32)((t->flags & TTY_EXCLUSIVE) != 0), uaddr(arg));
	irq = tty_lock(t);
	if (cmd == TIOCEXCL)
		t->flags |= TTY_EXCLUSIVE;
	else
		t->flags &= ~TTY_EXCLUSIVE;
	tty_unlock(t, irq);
	return 0;
}

static s64 carrier_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	s32 v;
	u64 irq;

	if (cmd == TIOCGSOFTCAR)
		return put_user((s32)((t->ld.termios.c_cflag & CLOCAL) != 0), uaddr(arg));
	if (get_user(v, uaddr(arg)))
		return -EFAULT;
	irq = tty_lock(t);
	t->ld.termios.c_cflag = (t->ld.termios.c_cflag & ~CLOCAL) | (v ? CLOCAL : 0);
	tty_unlock(t, irq);
	return 0;
}

/* Only one line discipline is there. */
static s64 discipline_ioctl(u32 cmd, u64 arg)
{
	s32 v = N_TTY;

	if (cmd == TIOCGETD)
		return put_user(v, uaddr(arg));
	if (get_user(v, uaddr(arg)))
		return -EFAULT;
	return v == N_TTY ? 0 : -EINVAL;
}

static u32 user_rdev(const struct tty *t)
{
	return t->rdev;		/* struct stat's 32-bit form is the same for minors below 2^20 */
}

static s64 line_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCGWINSZ:
		return get_winsize(t, uaddr(arg));
	case TIOCSWINSZ:
		return set_winsize(t, uaddr(arg));
	case TIOCSTI:
		return fake_input(t, uaddr(arg));
	case TCFLSH:
		return flush(t, arg);
	case TCXONC:
		return flow(t, arg);
	case TIOCSBRK:
	case TIOCCBRK:
	case TCSBRK:
	case TCSBRKP:
		return break_ioctl(t, cmd, arg);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem_ioctl(t, cmd, arg);
	case FIONREAD:
	case TIOCOUTQ:
		return queue_ioctl(t, cmd, arg);
	case TIOCEXCL:
	case TIOCNXCL:
	case TIOCGEXCL:
		return exclusive_ioctl(t, cmd, arg);
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return carrier_ioctl(t, cmd, arg);
	case TIOCGETD:
	case TIOCSETD:
		return discipline_ioctl(cmd, arg);
	case TIOCGDEV:
		return put_user(user_rdev(t), uaddr(arg));
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup_now(t);
		return 0;
	default:
		return -ENOTTY;
	}
}

s64 tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	s64 ret;

	if (tty_file_dead(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	ret = line_ioctl(t, cmd, arg);
	if (ret == -ENOTTY)
		ret = tty_mode_ioctl(t, cmd, arg);
	if (ret == -ENOTTY)
		ret = tty_job_ioctl(t, f, cmd, arg);
	if (ret == -ENOTTY && t->ops->ioctl)
		ret = t->ops->ioctl(t, cmd, arg);
	return ret;
}
