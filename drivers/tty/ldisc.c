/*
 * The line discipline's way in: editing, signals, flow control.  See ldisc.h.
 *
 * Departures from POSIX, as on Linux: a line that outgrows the buffer keeps its first bytes and its newline; VERASE and
 * friends of value 0 are off.
 */
#include <linux/signal.h>
#include <asm/ioctls.h>
#include "base/string.h"
#include "drivers/tty/ldisc.h"

enum { MASK = LDISC_BYTES - 1, EOF_BYTE = 0 };

static const cc_t sane_cc[] = {
	[VINTR] = 'C' & 31, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 'U' & 31, [VEOF] = 'D' & 31, [VTIME] = 0, [VMIN] = 1,
	[VSTART] = 'Q' & 31, [VSTOP] = 'S' & 31, [VSUSP] = 'Z' & 31, [VREPRINT] = 'R' & 31, [VDISCARD] = 'O' & 31,
	[VWERASE] = 'W' & 31, [VLNEXT] = 'V' & 31,
};

void ldisc_init(struct ldisc *ld, struct ring *out, u32 cflag)
{
	memset(ld, 0, sizeof(*ld));
	ld->out = out;
	ld->termios.c_iflag = ICRNL | IXON;
	ld->termios.c_oflag = OPOST | ONLCR;
	ld->termios.c_cflag = cflag;
	ld->termios.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	ld->termios.c_ispeed = ld->termios.c_ospeed = 38400;
	memcpy(ld->termios.c_cc, sane_cc, sizeof(sane_cc));
}

struct ldisc_events ldisc_take_events(struct ldisc *ld)
{
	struct ldisc_events e = ld->events;

	memset(&ld->events, 0, sizeof(ld->events));
	return e;
}

/* ---- the buffer ---- */

static bool is_cc(const struct ldisc *ld, u8 c, unsigned which)
{
	return c && c == ld->termios.c_cc[which];
}

static void eol_set(struct ldisc *ld, u32 at)
{
	ld->eol[(at & MASK) / 64] |= BIT(at % 64);
}

static void eol_clear(struct ldisc *ld, u32 at)
{
	ld->eol[(at & MASK) / 64] &= ~BIT(at % 64);
}

static bool eol_test(const struct ldisc *ld, u32 at)
{
	return ld->eol[(at & MASK) / 64] >> (at % 64) & 1;
}

/* Room for one more byte.  In a line that fills all of the buffer the last byte gives way, so that a newline can still come. */
static bool make_room(struct ldisc *ld)
{
	u32 used = ld->head - ld->tail;

	if (used < LDISC_BYTES - 1)
		return true;
	if (!ldisc_lflag(ld, ICANON) || ld->canon_head != ld->tail)
		return false;
	if (used == LDISC_BYTES)
		ld->head--;
	return true;
}

static void put(struct ldisc *ld, u8 c)
{
	if (ld->head - ld->tail == LDISC_BYTES)
		return;
	ld->buf[ld->head++ & MASK] = c;
	if (!ldisc_lflag(ld, ICANON))
		ld->events.readable = true;
}

static void put_marked(struct ldisc *ld, u8 c)
{
	if (c == 0xff && ldisc_iflag(ld, PARMRK) && ld->head - ld->tail < LDISC_BYTES - 1)
		put(ld, c);
	put(ld, c);
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->head = ld->canon_head = ld->tail = 0;
	memset(ld->eol, 0, sizeof(ld->eol));
	ld->lnext = ld->erasing = false;
	ld->events.packet |= TIOCPKT_FLUSHREAD;
}

void ldisc_flush_output(struct ldisc *ld)
{
	ring_skip(ld->out, ring_used(ld->out));
	ld->events.packet |= TIOCPKT_FLUSHWRITE;
	ld->events.restart = true;
}

void ldisc_stop(struct ldisc *ld)
{
	if (ld->stopped)
		return;
	ld->stopped = true;
	ld->events.packet = (ld->events.packet & ~TIOCPKT_START) | TIOCPKT_STOP;
}

void ldisc_start(struct ldisc *ld)
{
	if (!ld->stopped || ld->stopped_by_ioctl)
		return;
	ld->stopped = false;
	ld->events.packet = (ld->events.packet & ~TIOCPKT_STOP) | TIOCPKT_START;
	ld->events.restart = true;
}

void ldisc_set_termios(struct ldisc *ld, const struct ktermios *termios)
{
	struct ktermios old = ld->termios;
	u32 changed = old.c_lflag ^ termios->c_lflag;

	ld->termios = *termios;
	if (changed & ICANON) {
		memset(ld->eol, 0, sizeof(ld->eol));
		ld->canon_head = ld->tail;
		if (ldisc_lflag(ld, ICANON) && ld->head != ld->tail) {
			eol_set(ld, ld->head - 1);
			ld->canon_head = ld->head;
		}
		ld->lnext = ld->erasing = false;
		ld->events.readable = true;
	}
	if ((old.c_iflag & IXON) && !ldisc_iflag(ld, IXON))
		ldisc_start(ld);
}

/* ---- editing ---- */

static void finish_erasing(struct ldisc *ld)
{
	if (!ld->erasing)
		return;
	ldisc_echo_raw(ld, '/');
	ld->erasing = false;
}

static void rub_out(struct ldisc *ld)
{
	ldisc_put_out(ld, '\b');
	ldisc_put_out(ld, ' ');
	ldisc_put_out(ld, '\b');
	if (ld->column > 0)
		ld->column--;
}

/* A tab that ended at the cursor: back to where it began, which only the characters before it tell. */
static void rub_out_tab(struct ldisc *ld)
{
	u32 columns = 0;
	bool after_tab = false;

	for (u32 at = ld->head; at != ld->canon_head; at--) {
		u8 c = ld->buf[(at - 1) & MASK];

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (ldisc_is_control(c))
			columns += ldisc_lflag(ld, ECHOCTL) ? 2 : 0;
		else if (!ldisc_is_continuation(ld, c))
			columns++;
	}
	if (!after_tab)
		columns += ld->canon_column;
	for (u32 back = 8 - (columns & 7); back && ring_free(ld->out); back--) {
		ldisc_put_out(ld, '\b');
		if (ld->column > 0)
			ld->column--;
	}
}

/* Show that @c, which is no longer in the buffer, was erased. */
static void echo_erased(struct ldisc *ld, u8 c)
{
	if (ring_free(ld->out) < 8)
		return;
	if (ldisc_lflag(ld, ECHOPRT)) {
		if (!ld->erasing) {
			ldisc_echo_raw(ld, '\\');
			ld->erasing = true;
		}
		ldisc_echo_char(ld, c);
		return;
	}
	if (!ldisc_lflag(ld, ECHOE)) {
		ldisc_echo_char(ld, ld->termios.c_cc[VERASE]);
		return;
	}
	if (c == '\t') {
		rub_out_tab(ld);
		return;
	}
	if (ldisc_is_control(c)) {
		if (!ldisc_lflag(ld, ECHOCTL))
			return;
		rub_out(ld);
	}
	rub_out(ld);
}

/* Take the last character (all bytes of it) off the line; its first byte comes back in *c. */
static bool unput_char(struct ldisc *ld, u8 *c)
{
	u32 at = ld->head;

	if (at == ld->canon_head)
		return false;
	do
		*c = ld->buf[--at & MASK];
	while (ldisc_is_continuation(ld, *c) && at != ld->canon_head);
	if (ldisc_is_continuation(ld, *c))
		return false;	/* half a character at the start of the line: leave it */
	ld->head = at;
	return true;
}

static bool is_word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static void erase_char(struct ldisc *ld)
{
	u8 c;

	if (unput_char(ld, &c) && ldisc_lflag(ld, ECHO))
		echo_erased(ld, c);
}

static void erase_word(struct ldisc *ld)
{
	bool in_word = false;
	u8 c;

	while (ld->head != ld->canon_head) {
		if (is_word_char(ld->buf[(ld->head - 1) & MASK]))
			in_word = true;
		else if (in_word)
			break;
		if (!unput_char(ld, &c))
			break;
		if (ldisc_lflag(ld, ECHO))
			echo_erased(ld, c);
	}
}

static void erase_line(struct ldisc *ld)
{
	u8 c;

	if (ldisc_lflag(ld, ECHO) && ldisc_lflag(ld, ECHOK) && ldisc_lflag(ld, ECHOKE) && ldisc_lflag(ld, ECHOE)) {
		while (unput_char(ld, &c))
			echo_erased(ld, c);
		ld->head = ld->canon_head;
		return;
	}
	ld->head = ld->canon_head;
	if (!ldisc_lflag(ld, ECHO))
		return;
	finish_erasing(ld);
	ldisc_echo_char(ld, ld->termios.c_cc[VKILL]);
	if (ldisc_lflag(ld, ECHOK))
		ldisc_echo_raw(ld, '\n');
}

static void reprint(struct ldisc *ld, u8 c)
{
	finish_erasing(ld);
	ldisc_echo_char(ld, c);
	ldisc_echo_raw(ld, '\n');
	for (u32 at = ld->canon_head; at != ld->head; at++)
		ldisc_echo_char(ld, ld->buf[at & MASK]);
}

/* ---- one byte ---- */

static void echo_input(struct ldisc *ld, u8 c)
{
	if (!ldisc_lflag(ld, ECHO))
		return;
	finish_erasing(ld);
	if (c == '\n') {
		ldisc_echo_raw(ld, c);
		return;
	}
	if (ld->canon_head == ld->head)
		ld->canon_column = ld->column;
	ldisc_echo_char(ld, c);
}

static void end_line(struct ldisc *ld, u8 c)
{
	eol_set(ld, ld->head);
	put(ld, c);
	ld->canon_head = ld->head;
	ld->events.readable = true;
}

static void raise_signal(struct ldisc *ld, int sig)
{
	ld->events.signals |= 1u << sig;
	if (!ldisc_lflag(ld, NOFLSH)) {
		ldisc_flush_input(ld);
		ldisc_flush_output(ld);
	}
}

/* Bytes that mean something in every mode. Return: whether @c was one */
static bool input_control(struct ldisc *ld, u8 c)
{
	int sig = 0;

	if (ldisc_iflag(ld, IXON) && is_cc(ld, c, VSTART)) {
		ldisc_start(ld);
		return true;
	}
	if (ldisc_iflag(ld, IXON) && is_cc(ld, c, VSTOP)) {
		ldisc_stop(ld);
		return true;
	}
	if (!ldisc_lflag(ld, ISIG))
		return false;
	if (is_cc(ld, c, VINTR))
		sig = SIGINT;
	else if (is_cc(ld, c, VQUIT))
		sig = SIGQUIT;
	else if (is_cc(ld, c, VSUSP))
		sig = SIGTSTP;
	if (!sig)
		return false;
	raise_signal(ld, sig);
	if (ldisc_iflag(ld, IXON))
		ldisc_start(ld);
	if (ldisc_lflag(ld, ECHO))
		ldisc_echo_char(ld, c);
	return true;
}

static void quote_next(struct ldisc *ld)
{
	ld->lnext = true;
	if (!ldisc_lflag(ld, ECHO))
		return;
	finish_erasing(ld);
	if (ldisc_lflag(ld, ECHOCTL) && ring_free(ld->out) >= 2) {
		ldisc_put_out(ld, '^');
		ldisc_put_out(ld, '\b');
	}
}

/* Bytes that edit or end a line. Return: whether @c was one */
static bool input_canonical(struct ldisc *ld, u8 c)
{
	bool iexten = ldisc_lflag(ld, IEXTEN);

	if (is_cc(ld, c, VERASE)) {
		erase_char(ld);
	} else if (is_cc(ld, c, VKILL)) {
		erase_line(ld);
	} else if (iexten && is_cc(ld, c, VWERASE)) {
		erase_word(ld);
	} else if (iexten && is_cc(ld, c, VLNEXT)) {
		quote_next(ld);
	} else if (iexten && ldisc_lflag(ld, ECHO) && is_cc(ld, c, VREPRINT)) {
		reprint(ld, c);
	} else if (c == '\n') {
		if (ldisc_lflag(ld, ECHO | ECHONL)) {
			finish_erasing(ld);
			ldisc_echo_raw(ld, c);
		}
		end_line(ld, c);
	} else if (is_cc(ld, c, VEOF)) {
		end_line(ld, EOF_BYTE);
	} else if (is_cc(ld, c, VEOL) || (iexten && is_cc(ld, c, VEOL2))) {
		echo_input(ld, c);
		end_line(ld, c);
	} else {
		return false;
	}
	return true;
}

static void input_literal(struct ldisc *ld, u8 c)
{
	ld->lnext = false;
	echo_input(ld, c);
	put_marked(ld, c);
}

static u8 to_lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static void input_byte(struct ldisc *ld, u8 c)
{
	if (ldisc_iflag(ld, ISTRIP))
		c &= 0x7f;
	if (ldisc_iflag(ld, IUCLC) && ldisc_lflag(ld, IEXTEN))
		c = to_lower(c);
	if (ld->lnext) {
		input_literal(ld, c);
		return;
	}
	if (input_control(ld, c))
		return;
	if (ld->stopped && ldisc_iflag(ld, IXON) && ldisc_iflag(ld, IXANY))
		ldisc_start(ld);
	if (c == '\r') {
		if (ldisc_iflag(ld, IGNCR))
			return;
		if (ldisc_iflag(ld, ICRNL))
			c = '\n';
	} else if (c == '\n' && ldisc_iflag(ld, INLCR)) {
		c = '\r';
	}
	if (ldisc_lflag(ld, ICANON) && input_canonical(ld, c))
		return;
	echo_input(ld, c);
	put_marked(ld, c);
}

/* Whether input is stored as it comes: a program that does everything itself. */
static bool is_transparent(const struct ldisc *ld)
{
	return !ldisc_lflag(ld, ICANON | ISIG | ECHO) &&
	       !ldisc_iflag(ld, ISTRIP | IUCLC | IXON | IGNCR | ICRNL | INLCR | PARMRK) && !ld->lnext;
}

static u32 input_block(struct ldisc *ld, const u8 *data, u32 n)
{
	u32 used = ld->head - ld->tail;
	u32 room = used < LDISC_BYTES - 1 ? LDISC_BYTES - 1 - used : 0;
	u32 count = MIN(n, room);
	u32 first = MIN(count, (u32)LDISC_BYTES - (ld->head & MASK));

	memcpy(ld->buf + (ld->head & MASK), data, first);
	memcpy(ld->buf, data + first, count - first);
	ld->head += count;
	if (count)
		ld->events.readable = true;
	return count;
}

u32 ldisc_input(struct ldisc *ld, const u8 *data, u32 n)
{
	u32 done = 0;

	if (is_transparent(ld))
		return input_block(ld, data, n);
	while (done < n && make_room(ld))
		input_byte(ld, data[done++]);
	return done;
}

void ldisc_input_break(struct ldisc *ld)
{
	if (ldisc_iflag(ld, IGNBRK))
		return;
	if (ldisc_iflag(ld, BRKINT)) {
		raise_signal(ld, SIGINT);
		return;
	}
	if (ldisc_iflag(ld, PARMRK)) {
		put(ld, 0xff);
		put(ld, 0);
	}
	put(ld, 0);
}

/* ---- reading ---- */

u32 ldisc_readable(const struct ldisc *ld)
{
	return (ldisc_lflag(ld, ICANON) ? ld->canon_head : ld->head) - ld->tail;
}

u32 ldisc_queued(const struct ldisc *ld)
{
	u32 n = ldisc_readable(ld);
	u32 queued = n;

	if (!ldisc_lflag(ld, ICANON))
		return n;
	for (u32 at = ld->tail; at != ld->canon_head; at++)
		queued -= eol_test(ld, at) && ld->buf[at & MASK] == EOF_BYTE;
	return queued;
}

static u32 read_line(struct ldisc *ld, u8 *data, u32 n, bool *line_done)
{
	u32 done = 0;

	while (ld->tail != ld->canon_head) {
		u8 c = ld->buf[ld->tail & MASK];
		bool ends = eol_test(ld, ld->tail);
		bool eof = ends && c == EOF_BYTE;

		if (done == n && !eof)
			break;
		eol_clear(ld, ld->tail);
		ld->tail++;
		if (!eof)
			data[done++] = c;
		if (ends) {
			*line_done = true;
			break;
		}
	}
	return done;
}

u32 ldisc_read(struct ldisc *ld, u8 *data, u32 n, bool *line_done)
{
	*line_done = false;
	if (ldisc_lflag(ld, ICANON))
		return read_line(ld, data, n, line_done);

	u32 count = MIN(n, ld->head - ld->tail);
	u32 first = MIN(count, (u32)LDISC_BYTES - (ld->tail & MASK));

	memcpy(data, ld->buf + (ld->tail & MASK), first);
	memcpy(data + first, ld->buf, count - first);
	ld->tail += count;
	return count;
}
