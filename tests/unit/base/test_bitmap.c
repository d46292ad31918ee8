/* base/bitmap.c, base/idr.c: against arrays of bool. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bitmap.h"
#include "base/idr.h"

enum { BITS_MAX = 300 };

static void random_ranges(void **state)
{
	struct rng rng = { 50 };

	for (int round = 0; round < 3000; round++) {
		u64 bits = rng_below(&rng, BITS_MAX) + 1;
		u64 *map = calloc(BITMAP_WORDS(bits), 8);	/* exact: the sanitizer watches the end */
		bool model[BITS_MAX] = { false };
		u64 from, zero, one, last, weight = 0;

		for (int i = 0; i < 6; i++) {
			u64 start = rng_below(&rng, bits), len = rng_below(&rng, bits - start + 1);
			bool value = rng_u64(&rng) & 1;

			(value ? bitmap_set : bitmap_clear)(map, start, len);
			for (u64 b = start; b < start + len; b++)
				model[b] = value;
		}
		from = rng_below(&rng, bits + 2);
		zero = one = last = bits;
		for (u64 b = bits; b-- > 0;) {
			assert_int_equal(bitmap_test_bit(map, b), model[b]);
			weight += model[b];
			if (model[b] && last == bits)
				last = b;
			if (b >= from)
				*(model[b] ? &one : &zero) = b;
		}
		assert_int_equal(find_next_bit(map, bits, from), one);
		assert_int_equal(find_next_zero_bit(map, bits, from), zero);
		assert_int_equal(find_last_bit(map, bits), last);
		assert_int_equal(bitmap_weight(map, bits), weight);
		assert_int_equal(bitmap_empty(map, bits), weight == 0);
		assert_int_equal(bitmap_full(map, bits), weight == bits);
		free(map);
	}
}

static void zero_areas(void **state)
{
	struct rng rng = { 51 };

	for (int round = 0; round < 5000; round++) {
		u64 bits = rng_below(&rng, BITS_MAX) + 1;
		u64 *map = calloc(BITMAP_WORDS(bits), 8);
		u64 len = rng_below(&rng, 20) + 1, align = BIT(rng_below(&rng, 5));
		u64 from = rng_below(&rng, bits), expected = bits;

		for (u64 b = 0; b < bits; b++) {
			if (rng_below(&rng, 8) == 0)
				bitmap_set_bit(map, b);
		}
		for (u64 at = ALIGN_UP(from, align); at + len <= bits && expected == bits; at += align) {
			if (find_next_bit(map, at + len, at) == at + len)
				expected = at;
		}
		assert_int_equal(bitmap_find_zero_area(map, bits, from, len, align), expected);
		free(map);
	}
}

static void sets(void **state)
{
	struct rng rng = { 52 };

	for (int round = 0; round < 5000; round++) {
		u64 bits = rng_below(&rng, 190) + 1;
		u64 a[3], b[3], to[3], before[3];
		bool equal = true, subset = true, meets = false;

		rng_bytes(&rng, a, sizeof(a));
		memcpy(b, a, sizeof(b));
		rng_bytes(&rng, to, sizeof(to));
		memcpy(before, to, sizeof(to));
		for (u64 n = rng_below(&rng, 3); n; n--)
			b[rng_below(&rng, 3)] ^= rng_u64(&rng) & rng_u64(&rng);
		for (u64 i = 0; i < bits; i++) {
			bool x = bitmap_test_bit(a, i), y = bitmap_test_bit(b, i);

			equal &= x == y;
			subset &= !x || y;
			meets |= x && y;
		}
		assert_int_equal(bitmap_equal(a, b, bits), equal);
		assert_int_equal(bitmap_subset(a, b, bits), subset);
		assert_int_equal(bitmap_intersects(a, b, bits), meets);
		bitmap_andnot(to, a, b, bits);
		for (u64 i = 0; i < 192; i++)
			assert_int_equal(bitmap_test_bit(to, i),
					 i < bits ? bitmap_test_bit(a, i) && !bitmap_test_bit(b, i) :
						    bitmap_test_bit(before, i));
		bitmap_or(to, to, b, bits);
		assert_true(bitmap_subset(a, to, bits) && bitmap_subset(b, to, bits));
		bitmap_and(to, a, b, bits);
		assert_true(bitmap_subset(to, a, bits) && bitmap_subset(to, b, bits));
		bitmap_copy(to, a, bits);
		assert_true(bitmap_equal(to, a, bits));
		bitmap_zero(to, bits);
		assert_true(bitmap_empty(to, bits));
		bitmap_fill(to, bits);
		assert_true(bitmap_full(to, bits));
	}
}

static void id_model(void **state)
{
	struct rng rng = { 53 };

	for (u32 limit = 1; limit < 9000; limit = limit * 3 + 1) {
		u64 *memory = malloc(IDA_WORDS(limit) * 8);
		bool *model = calloc(limit, 1);
		u32 taken = 0, cursor = 0;
		struct ida ida;

		ida_init(&ida, memory, limit);
		for (int round = 0; round < 4000; round++) {
			u32 min = rng_u64(&rng) & 1 ? 0 : (u32)rng_below(&rng, limit + 1);
			u32 max = rng_u64(&rng) & 1 ? ~0U : min + (u32)rng_below(&rng, limit);
			bool cyclic = rng_u64(&rng) & 1;
			u32 from = cyclic && cursor > min && cursor <= max ? cursor : min;
			u32 number = (u32)rng_below(&rng, limit + 2);
			u32 n;
			s32 got;

			switch (rng_below(&rng, 4)) {
			case 0:
				assert_int_equal(ida_free(&ida, number), number < limit && model[number]);
				if (number < limit) {
					taken -= model[number];
					model[number] = false;
				}
				break;
			case 1:
				assert_int_equal(ida_take(&ida, number),
						 number >= limit ? -ENOSPC :
						 model[number]	 ? -EBUSY :
								   0);
				if (number < limit) {
					taken += !model[number];
					model[number] = true;
				}
				break;
			default:
				got = (cyclic ? ida_alloc_cyclic : ida_alloc)(&ida, min, max);
				for (n = from; n < limit && n <= max && model[n]; n++)
					;
				if ((n >= limit || n > max) && from != min) {
					for (n = min; n < limit && n <= max && model[n]; n++)
						;
				}
				if (n >= limit || n > max) {
					assert_int_equal(got, -ENOSPC);
					break;
				}
				assert_int_equal(got, n);
				model[n] = true;
				taken++;
				if (cyclic)
					cursor = n + 1;
			}
			assert_int_equal(ida.count, taken);
		}
		free(memory);
		free(model);
	}
}

static void id_grow(void **state)
{
	u64 small[IDA_WORDS(100)], big[IDA_WORDS(5000)];
	struct ida ida;

	ida_init(&ida, small, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ida_alloc(&ida, 0, ~0U), i);
	assert_int_equal(ida_alloc(&ida, 0, ~0U), -ENOSPC);
	assert_true(ida_free(&ida, 7));
	ida_grow(&ida, big, 5000);
	memset(small, 0xff, sizeof(small));
	assert_int_equal(ida_alloc(&ida, 0, ~0U), 7);
	for (int i = 100; i < 5000; i++)
		assert_int_equal(ida_alloc(&ida, 0, ~0U), i);
	assert_int_equal(ida_alloc(&ida, 0, ~0U), -ENOSPC);
	assert_int_equal(ida.count, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges), cmocka_unit_test(zero_areas),
		cmocka_unit_test(sets), cmocka_unit_test(id_model),
		cmocka_unit_test(id_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
