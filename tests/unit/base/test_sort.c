/* base/sort.c, xor.c, utf8.h */
#include "tests/unit/unit.h"

#include "base/sort.h"
#include "base/utf8.h"
#include "base/xor.h"

struct sort_count {
	size_t calls;
};

static int compare_u16(const void *a, const void *b, void *ctx)
{
	u16 x, y;

	memcpy(&x, a, 2);
	memcpy(&y, b, 2);
	((struct sort_count *)ctx)->calls++;
	return (int)x - (int)y;
}

static int compare_u16_libc(const void *a, const void *b)
{
	struct sort_count count = { 0 };

	return compare_u16(a, b, &count);
}

/* Elements of every size up to 24, the key first; each carries bytes that its key determines. */
static void sorts(void **state)
{
	struct rng rng = { 70 };

	for (int round = 0; round < 2000; round++) {
		size_t size = 2 + rng_below(&rng, 23), count = rng_below(&rng, 200);
		u64 keys = rng_u64(&rng) & 1 ? 65536 : 1 + rng_below(&rng, 10);
		u8 *array = malloc(size * count + 1);
		u8 *expected = malloc(size * count + 1);
		struct sort_count calls = { 0 };

		for (size_t i = 0; i < count; i++) {
			u16 key = (u16)rng_below(&rng, keys);

			memset(array + i * size, key * 7, size);
			memcpy(array + i * size, &key, 2);
		}
		memcpy(expected, array, size * count);
		sort(array, count, size, compare_u16, &calls);
		qsort(expected, count, size, compare_u16_libc);
		assert_memory_equal(array, expected, size * count);
		for (int i = 0; i < 5; i++) {
			u16 key = (u16)rng_below(&rng, keys + 2);
			size_t at = sort_search(&key, array, count, size, compare_u16, &calls);

			assert_true(at == 0 || compare_u16(array + (at - 1) * size, &key, &calls) < 0);
			assert_true(at == count || compare_u16(array + at * size, &key, &calls) >= 0);
		}
		free(array);
		free(expected);
	}
}

static void sort_bound(void **state)
{
	enum { COUNT = 4096 };
	static u16 array[COUNT];
	struct sort_count calls;

	for (int kind = 0; kind < 4; kind++) {
		for (int i = 0; i < COUNT; i++)
			array[i] = (u16)(kind == 0 ? i : kind == 1 ? COUNT - i : kind == 2 ? 5 : i * 7919);
		calls.calls = 0;
		sort(array, COUNT, sizeof(u16), compare_u16, &calls);
		assert_true(calls.calls < 3 * 12 * COUNT);
		for (int i = 1; i < COUNT; i++)
			assert_true(array[i - 1] <= array[i]);
	}
}

static void parity(void **state)
{
	struct rng rng = { 71 };

	for (int round = 0; round < 2000; round++) {
		size_t len = rng_below(&rng, 100);
		unsigned count = 1 + (unsigned)rng_below(&rng, 9);
		u8 *buf[10];
		const void *from[10];
		u8 *to = malloc(len + 1), *expected = calloc(len + 1, 1);

		for (unsigned i = 0; i < count; i++) {
			buf[i] = malloc(len + 1);
			from[i] = buf[i];
			rng_bytes(&rng, buf[i], len);
			for (size_t b = 0; b < len; b++)
				expected[b] ^= buf[i][b];
		}
		xor_gen(to, from, count, len);
		assert_memory_equal(to, expected, len);
		xor_blocks(to, from, count, len);
		for (size_t b = 0; b < len; b++)
			assert_int_equal(to[b], 0);
		/* A lost buffer comes back from the parity and the others. */
		xor_gen(to, from, count, len);
		xor_blocks(to, from + 1, count - 1, len);
		assert_memory_equal(to, buf[0], len);
		for (unsigned i = 0; i < count; i++)
			free(buf[i]);
		free(to);
		free(expected);
	}
}

static void utf8_all_characters(void **state)
{
	for (u32 code = 0; code <= 0x110010; code++) {
		char s[5] = { 0 };
		unsigned len;
		u32 decoded = 0;
		bool valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

		if (code < 0x80) {
			s[0] = (char)code;
			len = 1;
		} else if (code < 0x800) {
			s[0] = (char)(0xc0 | code >> 6);
			s[1] = (char)(0x80 | (code & 0x3f));
			len = 2;
		} else if (code < 0x10000) {
			s[0] = (char)(0xe0 | code >> 12);
			s[1] = (char)(0x80 | (code >> 6 & 0x3f));
			s[2] = (char)(0x80 | (code & 0x3f));
			len = 3;
		} else {
			s[0] = (char)(0xf0 | code >> 18);
			s[1] = (char)(0x80 | (code >> 12 & 0x3f));
			s[2] = (char)(0x80 | (code >> 6 & 0x3f));
			s[3] = (char)(0x80 | (code & 0x3f));
			len = 4;
		}
		if (utf8_decode(s, len, &decoded) != (valid ? len : 0) || (valid && decoded != code))
			fail_msg("U+%04X", code);
		assert_int_equal(utf8_decode(s, len - 1, &decoded), 0);
	}
}

static void utf8_damaged(void **state)
{
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
	assert_false(utf8_valid("\xc0\x80", 2));	/* overlong */
	assert_false(utf8_valid("\xc1\xbf", 2));
	assert_false(utf8_valid("\xe0\x9f\xbf", 3));
	assert_false(utf8_valid("\xf0\x8f\xbf\xbf", 4));
	assert_false(utf8_valid("\x80", 1));
	assert_false(utf8_valid("a\xc3", 2));
	assert_false(utf8_valid("\xc3(", 2));
	assert_false(utf8_valid("\xf5\x80\x80\x80", 4));
	assert_false(utf8_valid("\xff", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts), cmocka_unit_test(sort_bound),
		cmocka_unit_test(parity), cmocka_unit_test(utf8_all_characters),
		cmocka_unit_test(utf8_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
