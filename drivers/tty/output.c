/*
 * The line discipline's way out: OPOST and echo.  See ldisc.h.
 *
 * Departures from POSIX, as on Linux: the delays (NLDLY, CRDLY…) are accepted and not made, but for XTABS.
 */
#include "drivers/tty/ldisc.h"

void ldisc_put_out(struct ldisc *ld, u8 c)
{
	ring_put_byte(ld->out, c);
}

static u8 to_upper(u8 c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* The most ring bytes that one byte of output can become. */
enum { EXPAND_MAX = 8 };

static void output_newline(struct ldisc *ld)
{
	if (ldisc_oflag(ld, ONLCR)) {
		ldisc_put_out(ld, '\r');
		ld->column = 0;
	} else if (ldisc_oflag(ld, ONLRET)) {
		ld->column = 0;
	}
	ld->canon_column = ld->column;
	ldisc_put_out(ld, '\n');
}

static void output_return(struct ldisc *ld)
{
	if (ldisc_oflag(ld, ONOCR) && ld->column == 0)
		return;
	if (ldisc_oflag(ld, OCRNL)) {
		if (ldisc_oflag(ld, ONLRET))
			ld->canon_column = ld->column = 0;
		ldisc_put_out(ld, '\n');
		return;
	}
	ld->canon_column = ld->column = 0;
	ldisc_put_out(ld, '\r');
}

static void output_tab(struct ldisc *ld)
{
	u32 spaces = 8 - (ld->column & 7);

	ld->column += spaces;
	if ((ld->termios.c_oflag & TABDLY) != XTABS) {
		ldisc_put_out(ld, '\t');
		return;
	}
	while (spaces--)
		ldisc_put_out(ld, ' ');
}

/* One byte under OPOST; the ring has room for EXPAND_MAX. */
static void output_byte(struct ldisc *ld, u8 c)
{
	switch (c) {
	case '\n':
		output_newline(ld);
		return;
	case '\r':
		output_return(ld);
		return;
	case '\t':
		output_tab(ld);
		return;
	case '\b':
		if (ld->column > 0)
			ld->column--;
		break;
	default:
		if (ldisc_is_control(c))
			break;
		if (ldisc_oflag(ld, OLCUC))
			c = to_upper(c);
		if (!ldisc_is_continuation(ld, c))
			ld->column++;
		break;
	}
	ldisc_put_out(ld, c);
}

static bool opost(const struct ldisc *ld)
{
	return ldisc_oflag(ld, OPOST);
}

void ldisc_echo_raw(struct ldisc *ld, u8 c)
{
	if (ring_free(ld->out) < EXPAND_MAX)
		return;
	if (opost(ld))
		output_byte(ld, c);
	else
		ldisc_put_out(ld, c);
}

void ldisc_echo_char(struct ldisc *ld, u8 c)
{
	if (!ldisc_lflag(ld, ECHOCTL) || !ldisc_is_control(c) || c == '\t') {
		ldisc_echo_raw(ld, c);
		return;
	}
	if (ring_free(ld->out) < 2)
		return;
	ldisc_put_out(ld, '^');
	ldisc_put_out(ld, c ^ 0100);
	ld->column += 2;
}

static u32 write_room(const struct ldisc *ld)
{
	u32 room = ring_free(ld->out);

	return room > LDISC_ECHO_RESERVE ? room - LDISC_ECHO_RESERVE : 0;
}

bool ldisc_write_room(const struct ldisc *ld)
{
	return write_room(ld) >= EXPAND_MAX;
}

/* How many leading bytes of @data go out as they are: printable, and no case conversion asked for. */
static u32 plain_run(const struct ldisc *ld, const u8 *data, u32 n)
{
	u32 i = 0;

	if (ldisc_oflag(ld, OLCUC))
		return 0;
	while (i < n && !ldisc_is_control(data[i]))
		i++;
	return i;
}

static u32 columns_of(const struct ldisc *ld, const u8 *data, u32 n)
{
	u32 columns = 0;

	if (!ldisc_iflag(ld, IUTF8))
		return n;
	for (u32 i = 0; i < n; i++)
		columns += (data[i] & 0xc0) != 0x80;
	return columns;
}

u32 ldisc_write(struct ldisc *ld, const u8 *data, u32 n)
{
	u32 done = 0;

	if (!opost(ld))
		return ring_put(ld->out, data, n < write_room(ld) ? n : write_room(ld));
	while (done < n) {
		u32 room = write_room(ld);
		u32 left = n - done;

		if (room < EXPAND_MAX)
			break;
		u32 run = plain_run(ld, data + done, left < room ? left : room);
		if (run) {
			ring_put(ld->out, data + done, run);
			ld->column += columns_of(ld, data + done, run);
			done += run;
			continue;
		}
		output_byte(ld, data[done++]);
	}
	return done;
}
