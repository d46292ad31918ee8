/* base/string.c, held against the C library's functions. */
#define BASE_STRING_PREFIX
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/string.h"

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

/* Every length up to 300 at all alignments of both sides; nothing outside is touched. */
static void copies(void **state)
{
	struct rng rng = { 30 };
	static u8 from[512], to[512], expected[512];

	for (size_t len = 0; len < 300; len++) {
		for (unsigned shift = 0; shift < 16; shift++) {
			size_t f = shift % 8, t = rng_below(&rng, 16);

			rng_bytes(&rng, from, sizeof(from));
			rng_bytes(&rng, to, sizeof(to));
			memcpy(expected, to, sizeof(to));
			memcpy(expected + t, from + f, len);
			assert_ptr_equal(base_memcpy(to + t, from + f, len), to + t);
			assert_memory_equal(to, expected, sizeof(to));
			memset(expected + t, shift, len);
			assert_ptr_equal(base_memset(to + t, (int)(shift + 0x300), len), to + t);
			assert_memory_equal(to, expected, sizeof(to));
		}
	}
}

static void overlapping_moves(void **state)
{
	struct rng rng = { 31 };
	static u8 mem[1024], expected[1024];

	rng_bytes(&rng, mem, sizeof(mem));
	for (int round = 0; round < 100000; round++) {
		size_t from = rng_below(&rng, 400);
		size_t to = rng_u64(&rng) & 1 ? from + rng_below(&rng, 20) : rng_below(&rng, 400);
		size_t len = rng_u64(&rng) & 1 ? rng_below(&rng, 80) : rng_below(&rng, 500);

		memcpy(expected, mem, sizeof(mem));
		memmove(expected + to, expected + from, len);
		assert_ptr_equal(base_memmove(mem + to, mem + from, len), mem + to);
		if (memcmp(mem, expected, sizeof(mem)) != 0)
			fail_msg("memmove of %zu from %zu to %zu", len, from, to);
	}
}

static void comparisons(void **state)
{
	struct rng rng = { 32 };

	for (int round = 0; round < 100000; round++) {
		size_t len = rng_below(&rng, 40);
		u8 *a = malloc(len + 1), *b = malloc(len + 1);	/* exact: the sanitizer watches the ends */
		int c = (int)rng_below(&rng, 3) + (rng_u64(&rng) & 1 ? 0 : 0xfe);

		for (size_t i = 0; i < len; i++) {
			a[i] = (u8)(rng_below(&rng, 2) + (rng_below(&rng, 20) ? 1 : 0xfe));
			b[i] = rng_below(&rng, 20) ? a[i] : (u8)(rng_below(&rng, 255) + 1);
		}
		assert_int_equal(sign(base_memcmp(a, b, len)), sign(memcmp(a, b, len)));
		assert_ptr_equal(base_memchr(a, c, len), memchr(a, c, len));
		a[len] = b[len] = 0;
		assert_int_equal(base_strlen((char *)a), strlen((char *)a));
		assert_int_equal(base_strnlen((char *)a, len / 2), strnlen((char *)a, len / 2));
		assert_int_equal(sign(base_strcmp((char *)a, (char *)b)),
				 sign(strcmp((char *)a, (char *)b)));
		assert_int_equal(sign(base_strncmp((char *)a, (char *)b, len / 2)),
				 sign(strncmp((char *)a, (char *)b, len / 2)));
		assert_ptr_equal(base_strchr((char *)a, c), strchr((char *)a, c));
		assert_ptr_equal(base_strrchr((char *)a, c), strrchr((char *)a, c));
		assert_ptr_equal(base_strchr((char *)a, 0), a + len);
		b[len < 3 ? len : 3] = 0;
		assert_ptr_equal(base_strstr((char *)a, (char *)b), strstr((char *)a, (char *)b));
		assert_int_equal(mem_is_zero(a, len), len == 0);
		free(a);
		free(b);
	}
}

static void bounded_copies(void **state)
{
	char buf[8];

	assert_int_equal(strlcpy(buf, "1234567", sizeof(buf)), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(strlcpy(buf, "abcdefghij", sizeof(buf)), 10);
	assert_string_equal(buf, "abcdefg");
	assert_int_equal(strlcpy(NULL, "abc", 0), 3);
	assert_int_equal(strscpy(buf, "1234567", sizeof(buf)), 7);
	assert_int_equal(strscpy(buf, "12345678", sizeof(buf)), -E2BIG);
	assert_string_equal(buf, "1234567");
	assert_int_equal(strscpy(buf, "x", 0), -E2BIG);
	assert_int_equal(strscpy(buf, "x", 1), -E2BIG);
	assert_string_equal(buf, "");
	assert_string_equal(str_skip_spaces(" \t\n\v\f\r x "), "x ");
	assert_true(str_starts_with("console=ttyS0", "console="));
	assert_false(str_starts_with("con", "console"));
	memzero_explicit(buf, sizeof(buf));
	assert_true(mem_is_zero(buf, sizeof(buf)));
}

static void check_parse(const char *s, unsigned base, int err, u64 value)
{
	u64 out = 77;

	if (parse_u64(s, base, &out) != err || out != (err ? 77 : value))
		fail_msg("parse_u64(\"%s\", %u): %llu", s, base, out);
}

static void numbers(void **state)
{
	s64 number;
	u64 size;
	const char *end;

	check_parse("0", 10, 0, 0);
	check_parse("0", 0, 0, 0);
	check_parse("123\n", 10, 0, 123);
	check_parse("123\n\n", 10, -EINVAL, 0);
	check_parse("18446744073709551615", 10, 0, ~0ULL);
	check_parse("18446744073709551616", 10, -ERANGE, 0);
	check_parse("99999999999999999999999", 10, -ERANGE, 0);
	check_parse("99999999999999999999999x", 10, -EINVAL, 0);
	check_parse("ffffffffffffffff", 16, 0, ~0ULL);
	check_parse("0xffffFFFFffffFFFF", 16, 0, ~0ULL);
	check_parse("0x10000000000000000", 0, -ERANGE, 0);
	check_parse("0x1f", 0, 0, 31);
	check_parse("0X1F", 0, 0, 31);
	check_parse("0x", 0, -EINVAL, 0);
	check_parse("0xg", 16, -EINVAL, 0);
	check_parse("017", 0, 0, 15);
	check_parse("08", 0, -EINVAL, 0);
	check_parse("017", 10, 0, 17);
	check_parse("101", 2, 0, 5);
	check_parse("102", 2, -EINVAL, 0);
	check_parse("", 10, -EINVAL, 0);
	check_parse("\n", 10, -EINVAL, 0);
	check_parse(" 1", 10, -EINVAL, 0);
	check_parse("1 ", 10, -EINVAL, 0);
	check_parse("-1", 10, -EINVAL, 0);
	check_parse("+1", 10, -EINVAL, 0);

	assert_int_equal(parse_s64("-9223372036854775808", 10, &number), 0);
	assert_true(number == INT64_MIN);
	assert_int_equal(parse_s64("-9223372036854775809", 10, &number), -ERANGE);
	assert_int_equal(parse_s64("9223372036854775808", 10, &number), -ERANGE);
	assert_int_equal(parse_s64("-0x10", 0, &number), 0);
	assert_int_equal(number, -16);
	assert_int_equal(parse_s64("--1", 10, &number), -EINVAL);

	assert_int_equal(parse_u64_prefix("12ab", &end, 10), 12);
	assert_string_equal(end, "ab");
	assert_int_equal(parse_u64_prefix("ab", &end, 10), 0);
	assert_string_equal(end, "ab");
	assert_true(parse_u64_prefix("99999999999999999999,", &end, 10) == ~0ULL);
	assert_string_equal(end, ",");

	assert_int_equal(parse_size("64M", &size), 0);
	assert_int_equal(size, 64 << 20);
	assert_int_equal(parse_size("0x10k\n", &size), 0);
	assert_int_equal(size, 16384);
	assert_int_equal(parse_size("4", &size), 0);
	assert_int_equal(size, 4);
	assert_int_equal(parse_size("4kk", &size), -EINVAL);
	assert_int_equal(parse_size("k", &size), -EINVAL);
	assert_int_equal(parse_size("99999999T", &size), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies), cmocka_unit_test(overlapping_moves),
		cmocka_unit_test(comparisons), cmocka_unit_test(bounded_copies),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
