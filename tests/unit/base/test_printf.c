/* base/printf.c, held against the C library's printf over random conversions. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>

#include "base/printf.h"
#include "base/string.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

/* The same arguments through both. */
__attribute__((format(printf, 2, 3))) static void same(size_t size, const char *fmt, ...)
{
	static char ours[4096], theirs[4096];
	va_list va;
	int a, b;

	memset(ours, '#', sizeof(ours));
	memset(theirs, '#', sizeof(theirs));
	va_start(va, fmt);
	a = fmt_vsnprintf(ours, size, fmt, va);
	va_end(va);
	va_start(va, fmt);
	b = vsnprintf(theirs, size, fmt, va);
	va_end(va);
	if (a != b || memcmp(ours, theirs, sizeof(ours)) != 0)
		fail_msg("\"%s\": %d \"%s\", expected %d \"%s\"", fmt, a, ours, b, theirs);
}

static void fixed(void **state)
{
	same(100, "plain");
	same(100, "");
	same(100, "100%%");
	same(100, "%d %i %u", -5, INT_MIN, UINT_MAX);
	same(100, "%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX);
	same(100, "%hhd %hhu %hd %hu", 300, 300, 70000, 70000);
	same(100, "%zu %zd %td %jd", (size_t)-1, (ssize_t)-1, (ptrdiff_t)-7, (intmax_t)-8);
	same(100, "%x %X %#x %#X %o %#o", 0xabc, 0xabc, 0xabc, 0xabc, 8, 8);
	same(100, "%#x %#o %.0d|%.0x|%#.0o|%5.0d|", 0, 0, 0, 0, 0, 0);
	same(100, "%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|", "abc", "abc", "abc", "abc", "abc", "abc");
	same(100, "%c|%5c|%-5c|", 'a', 'b', 'c');
	same(100, "%*d|%-*d|%*d|%.*d|%.*d|", 5, 1, 5, 2, -5, 3, 4, 4, -1, 5);
	same(100, "%.*s|%*.*s", 2, "hello", 7, 3, "hello");
	same(100, "%05d|%+05d|% 05d|%-05d|%05.3d|", 42, 42, 42, 42, 42);
	same(100, "%+d % d %+ d", 1, 1, 1);
	same(100, "%p %20p %-20p|", (void *)0x1234, (void *)0x1234, (void *)0x1234);
	same(100, "%.3s", "no terminator needed");
	same(5, "%s", "cut short");
	same(1, "%d", 12345);
	same(0, "%d", 12345);
	same(4000, "%1000d|%.1000d|", 5, 5);
}

static void random_conversions(void **state)
{
	static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z", "t", "j" };
	static const char conversions[] = "diuxXo";
	struct rng rng = { 40 };

	for (int round = 0; round < 100000; round++) {
		char fmt[64];
		char *f = fmt;
		const char *length = lengths[rng_below(&rng, ARRAY_SIZE(lengths))];
		u64 value = rng_magnitude(&rng) * (rng_u64(&rng) & 1 ? 1 : -1ULL);

		*f++ = '<';
		*f++ = '%';
		for (unsigned i = rng_below(&rng, 4); i; i--)
			*f++ = "-+ #0"[rng_below(&rng, 5)];
		if (rng_u64(&rng) & 1)
			f += sprintf(f, "%u", (unsigned)rng_below(&rng, 30));
		if (rng_u64(&rng) & 1)
			f += sprintf(f, ".%u", (unsigned)rng_below(&rng, 30));
		f += sprintf(f, "%s%c>", length, conversions[rng_below(&rng, 6)]);
		if (strlen(length) == 0 || *length == 'h')
			same(rng_below(&rng, 80), fmt, (int)value);
		else
			same(rng_below(&rng, 80), fmt, value);
	}
}

static const char *volatile volatile_null;

static void ours_alone(void **state)
{
	char buf[64];

	assert_int_equal(fmt_snprintf(buf, sizeof(buf), "%p", NULL), 3);
	assert_string_equal(buf, "0x0");
	fmt_snprintf(buf, sizeof(buf), "%s", volatile_null);
	assert_string_equal(buf, "(null)");
	fmt_snprintf(buf, sizeof(buf), "%d %y %d", 1, 2, 3);
	assert_string_equal(buf, "1 %y %d");
	fmt_snprintf(buf, sizeof(buf), "%d %", 1);
	assert_string_equal(buf, "1 %");
	assert_int_equal(scnprintf(buf, 4, "%d", 123456), 3);
	assert_string_equal(buf, "123");
	assert_int_equal(scnprintf(buf, 0, "%d", 123456), 0);
	assert_int_equal(scnprintf(buf, 10, "%d", 12), 2);
	assert_int_equal(fmt_u64(buf, ~0ULL), 20);
	assert_memory_equal(buf, "18446744073709551615", 20);
	assert_int_equal(fmt_u64(buf, 0), 1);
	assert_int_equal(buf[0], '0');
}

struct pieces {
	char text[256];
	size_t len;
	int calls;
};

static void gather(void *ctx, const char *text, size_t len)
{
	struct pieces *pieces = ctx;

	assert_true(len > 0);
	memcpy(pieces->text + pieces->len, text, len);
	pieces->len += len;
	pieces->calls++;
}

static size_t to_pieces(struct pieces *pieces, const char *fmt, ...)
{
	va_list va;
	size_t len;

	va_start(va, fmt);
	len = fmt_vprintf(gather, pieces, fmt, va);
	va_end(va);
	return len;
}

static void callback(void **state)
{
	struct pieces pieces = { .len = 0 };

	assert_int_equal(to_pieces(&pieces, "a%40sb%d", "x", 7), 43);
	assert_int_equal(pieces.len, 43);
	assert_memory_equal(pieces.text + 39, " xb7", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed), cmocka_unit_test(random_conversions),
		cmocka_unit_test(ours_alone), cmocka_unit_test(callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
