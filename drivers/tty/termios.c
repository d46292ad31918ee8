/*
 * Reading and changing a terminal's settings: the TCGETS and TCSETS families.
 *
 * The kernel keeps a struct ktermios; programs hand in termios (speed as a code in c_cflag), termios2 (speed in words) or
 * the old termio (16-bit flags).
 *
 * Source: ioctl_tty(2), <asm/termbits.h>, <asm/termios.h>.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include "base/string.h"
#include "drivers/tty/tty.h"
#include "mm/user.h"

enum { TERMIO_CCS = 8 };

static const struct {
	u32 code, baud;
} speeds[] = {
	{ B0, 0 }, { B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 }, { B150, 150 }, { B200, 200 }, { B300, 300 },
	{ B600, 600 }, { B1200, 1200 }, { B1800, 1800 }, { B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 },
	{ B19200, 19200 }, { B38400, 38400 }, { B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 },
	{ B460800, 460800 }, { B500000, 500000 }, { B576000, 576000 }, { B921600, 921600 }, { B1000000, 1000000 },
	{ B1152000, 1152000 }, { B1500000, 1500000 }, { B2000000, 2000000 }, { B2500000, 2500000 }, { B3000000, 3000000 },
	{ B3500000, 3500000 }, { B4000000, 4000000 },
};

/* The baud rate of a code; BOTHER and unknown codes leave @other. */
static u32 baud_of_code(u32 code, u32 other)
{
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i].code == code)
			return speeds[i].baud;
	return other;
}

static u32 code_of_baud(u32 baud)
{
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i].baud == baud)
			return speeds[i].code;
	return BOTHER;
}

static void settle_speeds(struct ktermios *k)
{
	u32 in_code = (k->c_cflag >> IBSHIFT) & CBAUD;

	k->c_ospeed = baud_of_code(k->c_cflag & CBAUD, k->c_ospeed);
	k->c_ispeed = in_code == B0 ? k->c_ospeed : baud_of_code(in_code, k->c_ispeed);
	if ((k->c_cflag & CBAUD) == BOTHER)
		k->c_cflag = (k->c_cflag & ~CBAUD) | code_of_baud(k->c_ospeed);
}

static struct ktermios current_termios(struct tty *t)
{
	u64 irq = tty_lock(t);
	struct ktermios k = t->ld.termios;

	tty_unlock(t, irq);
	return k;
}

/* ---- three forms ---- */

enum termios_form { FORM_TERMIO, FORM_TERMIOS, FORM_TERMIOS2 };

static s64 put_termios(struct tty *t, enum termios_form form, uaddr_t to)
{
	struct ktermios k = current_termios(t);

	static_assert(sizeof(struct ktermios) == sizeof(struct termios2), "one layout");
	static_assert(offsetof(struct ktermios, c_ispeed) == sizeof(struct termios), "termios is a prefix");
	if (form == FORM_TERMIOS2)
		return copy_out(to, &k, sizeof(k));
	if (form == FORM_TERMIOS)
		return copy_out(to, &k, sizeof(struct termios));

	struct termio old = {
		.c_iflag = k.c_iflag, .c_oflag = k.c_oflag, .c_cflag = k.c_cflag, .c_lflag = k.c_lflag, .c_line = k.c_line,
	};

	memcpy(old.c_cc, k.c_cc, TERMIO_CCS);
	return copy_out(to, &old, sizeof(old));
}

static int get_termios(struct tty *t, enum termios_form form, uaddr_t from, struct ktermios *k)
{
	struct termio old;

	*k = current_termios(t);
	if (form == FORM_TERMIOS2)
		return copy_in(k, from, sizeof(*k));
	if (form == FORM_TERMIOS)
		return copy_in(k, from, sizeof(struct termios));
	if (copy_in(&old, from, sizeof(old)))
		return -EFAULT;
	k->c_iflag = (k->c_iflag & 0xffff0000) | old.c_iflag;
	k->c_oflag = (k->c_oflag & 0xffff0000) | old.c_oflag;
	k->c_cflag = (k->c_cflag & 0xffff0000) | old.c_cflag;
	k->c_lflag = (k->c_lflag & 0xffff0000) | old.c_lflag;
	memcpy(k->c_cc, old.c_cc, TERMIO_CCS);
	return 0;
}

enum { SET_NOW = 0, SET_DRAIN = 1, SET_FLUSH = 2 };

static s64 set_termios(struct tty *t, enum termios_form form, int when, uaddr_t from)
{
	struct ktermios k;
	struct ldisc_events e;
	u64 irq;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (get_termios(t, form, from, &k))
		return -EFAULT;
	settle_speeds(&k);
	if (when == SET_FLUSH)
		tty_flush(t, true, false);
	if (when != SET_NOW) {
		err = tty_drain(t);
		if (err)
			return err;
	}
	irq = tty_lock(t);
	k.c_line = t->ld.termios.c_line;
	ldisc_set_termios(&t->ld, &k);
	e = ldisc_take_events(&t->ld);
	if (e.packet && t->ops->packet)
		t->ops->packet(t, e.packet);
	tty_start_output(t);
	tty_unlock(t, irq);
	if (t->ops->set_termios)
		t->ops->set_termios(t);
	tty_deliver(t, &e);
	return 0;
}

s64 tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TCGETS:
		return put_termios(t, FORM_TERMIOS, uaddr(arg));
	case TCSETS:
		return set_termios(t, FORM_TERMIOS, SET_NOW, uaddr(arg));
	case TCSETSW:
		return set_termios(t, FORM_TERMIOS, SET_DRAIN, uaddr(arg));
	case TCSETSF:
		return set_termios(t, FORM_TERMIOS, SET_FLUSH, uaddr(arg));
	case TCGETS2:
		return put_termios(t, FORM_TERMIOS2, uaddr(arg));
	case TCSETS2:
		return set_termios(t, FORM_TERMIOS2, SET_NOW, uaddr(arg));
	case TCSETSW2:
		return set_termios(t, FORM_TERMIOS2, SET_DRAIN, uaddr(arg));
	case TCSETSF2:
		return set_termios(t, FORM_TERMIOS2, SET_FLUSH, uaddr(arg));
	case TCGETA:
		return put_termios(t, FORM_TERMIO, uaddr(arg));
	case TCSETA:
		return set_termios(t, FORM_TERMIO, SET_NOW, uaddr(arg));
	case TCSETAW:
		return set_termios(t, FORM_TERMIO, SET_DRAIN, uaddr(arg));
	case TCSETAF:
		return set_termios(t, FORM_TERMIO, SET_FLUSH, uaddr(arg));
	default:
		return -ENOTTY;
	}
}
