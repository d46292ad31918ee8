/* fs/9p/wire.c: what is written is read back; whatever is damaged gives an error and reads nothing outside. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "fs/9p/wire.h"

static void numbers_and_strings(void **state)
{
	u8 buf[64];
	struct p9_writer w = { .buf = buf, .size = sizeof(buf) };
	struct p9_reader r;
	const char *s;

	p9_put_u8(&w, 0x12);
	p9_put_u16(&w, 0x3456);
	p9_put_u32(&w, 0x789abcde);
	p9_put_u64(&w, 0x0123456789abcdefull);
	p9_put_string(&w, "hello", 5);
	p9_put_string(&w, "", 0);
	assert_false(w.bad);
	assert_int_equal(w.len, 1 + 2 + 4 + 8 + 7 + 2);
	assert_int_equal(buf[1], 0x56);		/* little-endian */
	r = (struct p9_reader){ .buf = buf, .len = w.len };
	assert_int_equal(p9_get_u8(&r), 0x12);
	assert_int_equal(p9_get_u16(&r), 0x3456);
	assert_int_equal(p9_get_u32(&r), 0x789abcde);
	assert_true(p9_get_u64(&r) == 0x0123456789abcdefull);
	assert_int_equal(p9_get_string(&r, &s), 5);
	assert_memory_equal(s, "hello", 5);
	assert_int_equal(p9_get_string(&r, &s), 0);
	assert_false(r.bad);
	assert_int_equal(p9_get_u8(&r), 0);
	assert_true(r.bad);
}

static void writer_stops_at_the_end(void **state)
{
	for (u32 size = 0; size < 40; size++) {
		u8 *buf = malloc(size + 1);	/* the sanitizer watches its end */
		struct p9_writer w = { .buf = buf, .size = size };

		p9_message_begin(&w, P9_TWALK, 7);
		p9_put_u64(&w, 1);
		p9_put_string(&w, "0123456789", 10);
		p9_message_end(&w, 0);
		assert_int_equal(w.bad, size < 7 + 8 + 12);
		free(buf);
	}
}

static u32 reply(u8 *buf, u32 size, u8 type, u16 tag, const void *body, u32 len)
{
	struct p9_writer w = { .buf = buf, .size = size };

	p9_message_begin(&w, type, tag);
	memcpy(buf + w.len, body, len);
	w.len += len;
	p9_message_end(&w, 0);
	return w.len;
}

static void reply_headers(void **state)
{
	static const u8 error_noent[4] = { ENOENT }, error_zero[4], error_big[4] = { 0, 2 };
	struct p9_reader r;
	u8 buf[64];
	u32 n = reply(buf, sizeof(buf), P9_TCLUNK + 1, 5, "", 0);

	assert_int_equal(p9_reply_check(buf, n, n, P9_TCLUNK, 5, &r), 0);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TCLUNK, 6, &r), -EIO);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TREAD, 5, &r), -EIO);
	assert_int_equal(p9_reply_check(buf, n, n - 1, P9_TCLUNK, 5, &r), -EIO);
	buf[0] = 6;
	assert_int_equal(p9_reply_check(buf, n, n, P9_TCLUNK, 5, &r), -EIO);
	buf[0] = 200;
	assert_int_equal(p9_reply_check(buf, n, n, P9_TCLUNK, 5, &r), -EIO);
	n = reply(buf, sizeof(buf), P9_RLERROR, 5, error_noent, 4);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TREAD, 5, &r), -ENOENT);
	n = reply(buf, sizeof(buf), P9_RLERROR, 5, error_zero, 4);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TREAD, 5, &r), -EIO);
	n = reply(buf, sizeof(buf), P9_RLERROR, 5, error_big, 4);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TREAD, 5, &r), -EIO);
	n = reply(buf, sizeof(buf), P9_RLERROR, 5, error_noent, 2);
	assert_int_equal(p9_reply_check(buf, n, n, P9_TREAD, 5, &r), -EIO);
}

static void attributes(void **state)
{
	u8 buf[256];
	struct p9_writer w = { .buf = buf, .size = sizeof(buf) };
	struct p9_reader r;
	struct p9_attr a;

	p9_put_u64(&w, P9_GETATTR_BASIC);
	p9_put_u8(&w, P9_QTDIR);
	p9_put_u32(&w, 3);
	p9_put_u64(&w, 4);
	for (u32 i = 0; i < 3; i++)
		p9_put_u32(&w, 100 + i);
	for (u64 i = 0; i < 15; i++)
		p9_put_u64(&w, 200 + i);
	assert_int_equal(w.len, 153);
	r = (struct p9_reader){ .buf = buf, .len = w.len };
	p9_get_attr(&r, &a);
	assert_false(r.bad);
	assert_int_equal(r.at, 153);
	assert_int_equal(a.qid.path, 4);
	assert_int_equal(a.gid, 102);
	assert_int_equal(a.nlink, 200);
	assert_int_equal(a.size, 202);
	assert_int_equal(a.btime.nsec, 212);
	assert_int_equal(a.data_version, 214);
	r = (struct p9_reader){ .buf = buf, .len = w.len - 1 };
	p9_get_attr(&r, &a);
	assert_true(r.bad);
}

static u32 put_dirent(u8 *buf, u32 size, const char *name, u32 len)
{
	struct p9_writer w = { .buf = buf, .size = size };

	p9_put_u8(&w, 0);
	p9_put_u32(&w, 1);
	p9_put_u64(&w, 42);
	p9_put_u64(&w, 77);
	p9_put_u8(&w, 8);
	p9_put_string(&w, name, len);
	assert_false(w.bad);
	return w.len;
}

static void directory_entries(void **state)
{
	struct p9_dirent e;
	u8 buf[400];
	char longest[300];
	u32 n = put_dirent(buf, sizeof(buf), "passwd", 6);

	assert_int_equal(p9_dirent_parse(buf, n, &e), n);
	assert_int_equal(e.qid.path, 42);
	assert_int_equal(e.offset, 77);
	assert_int_equal(e.type, 8);
	assert_int_equal(e.name_len, 6);
	assert_memory_equal(e.name, "passwd", 6);
	assert_int_equal(p9_dirent_parse(buf, 0, &e), 0);
	for (u32 cut = 1; cut < n; cut++) {
		u8 *exact = malloc(cut);

		memcpy(exact, buf, cut);
		assert_int_equal(p9_dirent_parse(exact, cut, &e), -EIO);
		free(exact);
	}
	memset(longest, 'x', sizeof(longest));
	n = put_dirent(buf, sizeof(buf), longest, 255);
	assert_int_equal(p9_dirent_parse(buf, n, &e), n);
	n = put_dirent(buf, sizeof(buf), longest, 256);
	assert_int_equal(p9_dirent_parse(buf, n, &e), -EIO);
	n = put_dirent(buf, sizeof(buf), "a/b", 3);
	assert_int_equal(p9_dirent_parse(buf, n, &e), -EIO);
	n = put_dirent(buf, sizeof(buf), "a\0b", 3);
	assert_int_equal(p9_dirent_parse(buf, n, &e), -EIO);
	n = put_dirent(buf, sizeof(buf), "", 0);
	assert_int_equal(p9_dirent_parse(buf, n, &e), -EIO);
}

/* Random bytes, in memory of exactly their length: never a read outside, always an end. */
static void noise(void **state)
{
	struct rng rng = { .state = 9 };

	for (unsigned round = 0; round < 20000; round++) {
		u32 len = (u32)rng_below(&rng, 200), total = len + (u32)rng_below(&rng, 100), at = 0;
		u8 *buf = malloc(len ? len : 1);
		struct p9_reader r;
		struct p9_dirent e;
		struct p9_attr a;
		struct p9_statfs s;
		const char *text;
		int used;

		rng_bytes(&rng, buf, len);
		if (len >= 4 && rng_below(&rng, 2))
			memset(buf + 1, 0, 3);	/* sizes that make sense */
		if (p9_reply_check(buf, len, total, (u8)rng_u64(&rng), (u16)rng_below(&rng, 3), &r) == 0) {
			p9_get_attr(&r, &a);
			p9_get_statfs(&r, &s);
			(void)p9_get_string(&r, &text);
		}
		while ((used = p9_dirent_parse(buf + at, len - at, &e)) > 0)
			at += (u32)used;
		assert_true(at <= len);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_strings), cmocka_unit_test(writer_stops_at_the_end),
		cmocka_unit_test(reply_headers),       cmocka_unit_test(attributes),
		cmocka_unit_test(directory_entries),   cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
