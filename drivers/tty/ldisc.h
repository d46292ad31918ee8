/*
 * The line discipline: what a terminal does to bytes on their way in and out (termios(3)).
 *
 * Pure: no locks, no time, no allocation, no processes.  Input goes in by ldisc_input and is edited, echoed into the output
 * ring and made readable; output goes through ldisc_write into the same ring.  What only the owner can do comes back in
 * `events`: signals to send, readers to wake, the packet-mode bits of a pty master.
 *
 * Buffer: three free-running counters into buf, tail <= canon_head <= head.
 *
 *      tail                canon_head              head
 *       | whole lines, readable | the line being edited |         (ICANON)
 *       | readable                                      |         (raw; canon_head means nothing)
 *
 * `eol` has a bit for each byte that ends a line; such a byte of value 0 is an end of file (VEOF) and never read.
 *
 * Echo always finds room: writers leave LDISC_ECHO_RESERVE bytes of the ring free; echo beyond that is lost.
 *
 * Invariants: head - tail <= LDISC_BYTES; eol bits lie within [tail, canon_head).
 * Context: any; the owner excludes callers from each other.
 * Source: termios(3), POSIX.1-2017 chapter 11, ioctl_tty(2).
 */
#ifndef DRIVERS_TTY_LDISC_H
#define DRIVERS_TTY_LDISC_H

#include <asm/termbits.h>
#include "base/ring.h"
#include "base/types.h"

enum { LDISC_BYTES = 4096, LDISC_ECHO_RESERVE = 1024 };

struct ldisc_events {
	u32 signals;		/* bit n: send signal n to the foreground group */
	bool readable;		/* something became readable */
	bool restart;		/* output was started again, or thrown away: writers may go on */
	u8 packet;		/* TIOCPKT_* for a master in packet mode */
};

struct ldisc {
	struct ktermios termios;
	struct ring *out;	/* where echo and output go */
	u32 head, canon_head, tail;
	u32 column;		/* of the cursor, as far as we know */
	u32 canon_column;	/* where the line being edited started */
	bool lnext;		/* the next byte is literal */
	bool erasing;		/* ECHOPRT: between \ and / */
	bool stopped;		/* output held by ^S or TCOOFF */
	bool stopped_by_ioctl;	/* TCOOFF: only TCOON starts it */
	struct ldisc_events events;
	u64 eol[LDISC_BYTES / 64];
	u8 buf[LDISC_BYTES];
};

/** ldisc_init - a terminal at rest with the usual settings ("stty sane"); @out: its output ring. */
void ldisc_init(struct ldisc *ld, struct ring *out, u32 cflag);
/** ldisc_set_termios - new settings; what is readable stays so when ICANON changes. */
void ldisc_set_termios(struct ldisc *ld, const struct ktermios *termios);

/** ldisc_input - bytes from the line. Return: how many were taken; fewer than @n only when the buffer is full. */
u32 ldisc_input(struct ldisc *ld, const u8 *data, u32 n);
void ldisc_input_break(struct ldisc *ld);
/** ldisc_take_events - what happened since the last call. */
struct ldisc_events ldisc_take_events(struct ldisc *ld);

/** ldisc_readable - bytes that read(2) could have now; ICANON: an end of file counts as one. */
u32 ldisc_readable(const struct ldisc *ld);
/** ldisc_queued - FIONREAD. */
u32 ldisc_queued(const struct ldisc *ld);
/**
 * ldisc_read - take up to @n bytes: ICANON: of one line at most
 * @line_done: out, ICANON: the line ended here (also by end of file, which gives 0 bytes)
 */
u32 ldisc_read(struct ldisc *ld, u8 *data, u32 n, bool *line_done);

/** ldisc_write - a program's output. Return: how many bytes were taken; fewer than @n when the ring is full. */
u32 ldisc_write(struct ldisc *ld, const u8 *data, u32 n);
/** ldisc_write_room - whether ldisc_write would take anything. */
bool ldisc_write_room(const struct ldisc *ld);

void ldisc_flush_input(struct ldisc *ld);
void ldisc_flush_output(struct ldisc *ld);
void ldisc_stop(struct ldisc *ld);
void ldisc_start(struct ldisc *ld);

/* output.c, for ldisc.c: echo */
void ldisc_echo_raw(struct ldisc *ld, u8 c);	/* as output */
void ldisc_echo_char(struct ldisc *ld, u8 c);	/* control characters as ^X if ECHOCTL */
void ldisc_put_out(struct ldisc *ld, u8 c);	/* neither processed nor counted */

static inline bool ldisc_is_control(u8 c) { return c < 32 || c == 127; }
static inline bool ldisc_lflag(const struct ldisc *ld, u32 flag) { return ld->termios.c_lflag & flag; }
static inline bool ldisc_iflag(const struct ldisc *ld, u32 flag) { return ld->termios.c_iflag & flag; }
static inline bool ldisc_oflag(const struct ldisc *ld, u32 flag) { return ld->termios.c_oflag & flag; }
/** ldisc_is_continuation - whether @c is inside a UTF-8 character and takes no column (IUTF8). */
static inline bool ldisc_is_continuation(const struct ldisc *ld, u8 c) { return ldisc_iflag(ld, IUTF8) && (c & 0xc0) == 0x80; }

#endif
