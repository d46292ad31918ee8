/* drivers/tty/ldisc.c, drivers/tty/output.c: what is typed, what is seen, what is read; then random bytes under random settings. */
#include "tests/unit/unit.h"

#include <signal.h>

#include "drivers/tty/ldisc.h"

enum { OUT_BYTES = 8192 };

struct term {
	struct ldisc ld;
	struct ring out;
	u8 out_data[OUT_BYTES];
};

static void term_init(struct term *t)
{
	ring_init(&t->out, t->out_data, OUT_BYTES);
	ldisc_init(&t->ld, &t->out, B9600 | CS8 | CREAD);
}

static void set_flags(struct term *t, u32 clear_l, u32 set_l, u32 clear_i, u32 set_i)
{
	struct ktermios k = t->ld.termios;

	k.c_lflag = (k.c_lflag & ~clear_l) | set_l;
	k.c_iflag = (k.c_iflag & ~clear_i) | set_i;
	ldisc_set_termios(&t->ld, &k);
}

static void type(struct term *t, const char *keys)
{
	assert_int_equal(ldisc_input(&t->ld, (const u8 *)keys, strlen(keys)), strlen(keys));
}

static void sees(struct term *t, const char *expected)
{
	char seen[OUT_BYTES + 1];
	u32 n = ring_get(&t->out, seen, OUT_BYTES);

	seen[n] = '\0';
	assert_string_equal(seen, expected);
}

static void reads(struct term *t, const char *expected)
{
	u8 got[LDISC_BYTES + 1];
	bool done;
	u32 n = ldisc_read(&t->ld, got, LDISC_BYTES, &done);

	got[n] = '\0';
	assert_string_equal((char *)got, expected);
}

/* Each: keys typed in canonical mode, what appears, what a read returns. */
static void canonical_editing(void **state)
{
	static const struct {
		const char *keys, *screen, *line;
	} cases[] = {
		{ "hello\r", "hello\r\n", "hello\n" },
		{ "ab\x7f" "c\n", "ab\b \bc\r\n", "ac\n" },
		{ "\x7fx\n", "x\r\n", "x\n" },				/* nothing to erase */
		{ "abc\x15xy\n", "abc\b \b\b \b\b \bxy\r\n", "xy\n" },	/* KILL */
		{ "one two\x17z\n", "one two\b \b\b \b\b \bz\r\n", "one z\n" },	/* WERASE */
		{ "a  \x17z\n", "a  \b \b\b \b\b \bz\r\n", "z\n" },
		{ "\x16\x03q\n", "^\b^Cq\r\n", "\x03q\n" },		/* LNEXT quotes ^C */
		{ "a\x01\x7f" "b\n", "a^A\b \b\b \bb\r\n", "ab\n" },	/* a control character takes two columns */
		{ "ab\x12" "c\n", "ab^R\r\nabc\r\n", "abc\n" },		/* REPRINT */
		{ "a\tb\x7f\x7f" "c\n", "a\tb\b \b\b\b\b\b\b\b\bc\r\n", "ac\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct term t;

		term_init(&t);
		type(&t, cases[i].keys);
		sees(&t, cases[i].screen);
		reads(&t, cases[i].line);
		assert_int_equal(ldisc_readable(&t.ld), 0);
	}
}

static void lines_are_read_one_by_one(void **state)
{
	struct term t;
	u8 small[3];
	bool done;

	term_init(&t);
	type(&t, "one\ntwo\nthr");
	reads(&t, "one\n");
	assert_int_equal(ldisc_read(&t.ld, small, 3, &done), 3);
	assert_false(done);
	reads(&t, "\n");
	assert_int_equal(ldisc_readable(&t.ld), 0);
	type(&t, "ee\n");
	reads(&t, "three\n");
}

static void end_of_file(void **state)
{
	struct term t;
	u8 buf[8];
	bool done;

	term_init(&t);
	type(&t, "\x04");
	assert_int_equal(ldisc_readable(&t.ld), 1);
	assert_int_equal(ldisc_queued(&t.ld), 0);
	assert_int_equal(ldisc_read(&t.ld, buf, 8, &done), 0);
	assert_true(done);
	type(&t, "abc\x04");			/* pushes the line without a newline */
	assert_int_equal(ldisc_read(&t.ld, buf, 3, &done), 3);
	assert_true(done);			/* the mark went with the last byte: no second, empty read */
	assert_int_equal(ldisc_readable(&t.ld), 0);
}

static void signals(void **state)
{
	struct term t;
	struct ldisc_events e;

	term_init(&t);
	type(&t, "abc\x03");
	e = ldisc_take_events(&t.ld);
	assert_int_equal(e.signals, 1u << SIGINT);
	sees(&t, "^C");				/* what was not sent yet is thrown away */
	type(&t, "x\n");
	reads(&t, "x\n");			/* and what was typed before, too */
	type(&t, "\x1a\x1c");
	e = ldisc_take_events(&t.ld);
	assert_int_equal(e.signals, 1u << SIGTSTP | 1u << SIGQUIT);
	set_flags(&t, ISIG, 0, 0, 0);
	type(&t, "\x03\n");
	assert_int_equal(ldisc_take_events(&t.ld).signals, 0);
	reads(&t, "\x03\n");
}

static void flow_control(void **state)
{
	struct term t;

	term_init(&t);
	type(&t, "\x13");
	assert_true(t.ld.stopped);
	type(&t, "\x11");
	assert_false(t.ld.stopped);
	assert_true(ldisc_take_events(&t.ld).restart);
	set_flags(&t, 0, 0, 0, IXANY);
	type(&t, "\x13q");
	assert_false(t.ld.stopped);
	t.ld.stopped_by_ioctl = false;
	ldisc_stop(&t.ld);
	t.ld.stopped_by_ioctl = true;
	type(&t, "\x11");
	assert_true(t.ld.stopped);		/* TCOOFF holds against ^Q */
}

static void raw_mode(void **state)
{
	struct term t;

	term_init(&t);
	set_flags(&t, ICANON | ECHO | ISIG | IEXTEN, 0, ICRNL | IXON, 0);
	type(&t, "a\r\x03\x7f");
	sees(&t, "");
	reads(&t, "a\r\x03\x7f");
}

static void mode_changes_keep_input(void **state)
{
	struct term t;

	term_init(&t);
	type(&t, "half");
	assert_int_equal(ldisc_readable(&t.ld), 0);
	set_flags(&t, ICANON, 0, 0, 0);
	assert_int_equal(ldisc_readable(&t.ld), 4);
	set_flags(&t, 0, ICANON, 0, 0);
	assert_int_equal(ldisc_readable(&t.ld), 4);
	reads(&t, "half");
}

static void utf8_erases_whole_characters(void **state)
{
	struct term t;

	term_init(&t);
	set_flags(&t, 0, 0, 0, IUTF8);
	type(&t, "a\xc3\xa9\x7f" "b\n");
	sees(&t, "a\xc3\xa9\b \bb\r\n");
	reads(&t, "ab\n");
}

static void output_processing(void **state)
{
	struct term t;
	struct ktermios k;

	term_init(&t);
	assert_int_equal(ldisc_write(&t.ld, (const u8 *)"a\nb\tc", 5), 5);
	sees(&t, "a\r\nb\tc");
	assert_int_equal(t.ld.column, 9);
	k = t.ld.termios;
	k.c_oflag |= XTABS;
	ldisc_set_termios(&t.ld, &k);
	ldisc_write(&t.ld, (const u8 *)"\r12\t3", 5);
	sees(&t, "\r12      3");
	k.c_oflag &= ~OPOST;
	ldisc_set_termios(&t.ld, &k);
	ldisc_write(&t.ld, (const u8 *)"\n\t", 2);
	sees(&t, "\n\t");
}

static void a_line_longer_than_the_buffer(void **state)
{
	struct term t;
	u8 got[LDISC_BYTES];
	bool done;
	u32 n;

	term_init(&t);
	set_flags(&t, ECHO, 0, 0, 0);
	for (int i = 0; i < 10000; i++)
		type(&t, "x");
	assert_int_equal(ldisc_readable(&t.ld), 0);
	type(&t, "\n");
	n = ldisc_read(&t.ld, got, sizeof(got), &done);
	assert_true(done);
	assert_true(n > 4000 && n <= LDISC_BYTES);
	assert_int_equal(got[n - 1], '\n');
}

static void a_full_output_ring(void **state)
{
	struct term t;
	u8 text[100];
	u32 total = 0, n;

	term_init(&t);
	memset(text, '\n', sizeof(text));
	while ((n = ldisc_write(&t.ld, text, sizeof(text))))
		total += n;
	assert_false(ldisc_write_room(&t.ld));
	assert_true(total * 2 <= OUT_BYTES - LDISC_ECHO_RESERVE);
	type(&t, "echo still fits\n");
	assert_true(ring_used(&t.out) > total * 2);
}

/* Whatever comes in under whatever settings: counters stay in order, nothing is read that was not there. */
static void random_bytes(void **state)
{
	struct rng rng = { 77 };

	for (int round = 0; round < 300; round++) {
		struct term t;

		term_init(&t);
		for (int step = 0; step < 200; step++) {
			u8 bytes[64];
			bool done;
			u32 n = rng_below(&rng, sizeof(bytes));

			for (u32 i = 0; i < n; i++)
				bytes[i] = rng_below(&rng, 4) ? 'a' + rng_below(&rng, 26) : rng_below(&rng, 256);
			if (rng_below(&rng, 10) == 0) {
				struct ktermios k = t.ld.termios;

				k.c_lflag ^= 1u << rng_below(&rng, 17);
				k.c_iflag ^= 1u << rng_below(&rng, 15);
				k.c_oflag ^= 1u << rng_below(&rng, 8);
				ldisc_set_termios(&t.ld, &k);
			}
			switch (rng_below(&rng, 4)) {
			case 0:
				ldisc_write(&t.ld, bytes, n);
				break;
			case 1:
				ldisc_read(&t.ld, bytes, n, &done);
				break;
			case 2:
				ring_skip(&t.out, ring_used(&t.out));
				break;
			default:
				ldisc_input(&t.ld, bytes, n);
				break;
			}
			assert_true(t.ld.head - t.ld.tail <= LDISC_BYTES);
			if (t.ld.termios.c_lflag & ICANON)
				assert_true(t.ld.canon_head - t.ld.tail <= t.ld.head - t.ld.tail);
			assert_true(ring_used(&t.out) <= OUT_BYTES);
			assert_true(ldisc_queued(&t.ld) <= ldisc_readable(&t.ld));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_editing),
		cmocka_unit_test(lines_are_read_one_by_one),
		cmocka_unit_test(end_of_file),
		cmocka_unit_test(signals),
		cmocka_unit_test(flow_control),
		cmocka_unit_test(raw_mode),
		cmocka_unit_test(mode_changes_keep_input),
		cmocka_unit_test(utf8_erases_whole_characters),
		cmocka_unit_test(output_processing),
		cmocka_unit_test(a_line_longer_than_the_buffer),
		cmocka_unit_test(a_full_output_ring),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
