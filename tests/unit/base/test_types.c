/* base/types.h, base/atomic.h, base/bitops.h */
#include "tests/unit/unit.h"

#include "base/atomic.h"
#include "base/bitops.h"

struct outer {
	int before;
	u32 inner;
};

static void macros(void **state)
{
	struct outer o;
	u32 *inner = &o.inner;
	int calls = 0;
	u64 big = 5000;
	size_t size = 4096;

	assert_ptr_equal(container_of(inner, struct outer, inner), &o);
	assert_int_equal(MIN(calls++, 7), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(MAX(-3, calls), 1);
	assert_int_equal(MIN(big, size), 4096);
	assert_int_equal(MAX(big, PAGE_SIZE), 5000);
	assert_int_equal(CLAMP(big, 1, 10), 10);
	assert_int_equal(MIN(MIN(big, 6000), MAX(size, 3)), 4096);
	assert_int_equal(ALIGN_UP(1ULL, PAGE_SIZE), 4096);
	assert_int_equal(ALIGN_UP(4096ULL, PAGE_SIZE), 4096);
	assert_int_equal(ALIGN_DOWN(0xffffffffffffffffULL, PAGE_SIZE), 0xfffffffffffff000ULL);
	assert_true(IS_ALIGNED(0x100000000ULL, 4096));
	assert_false(IS_ALIGNED(0x100000008ULL, 4096));
	assert_int_equal(DIV_ROUND_UP(10, 4), 3);
	assert_int_equal(PAGE_MASK, 0xfffffffffffff000ULL);
}

static void error_pointers(void **state)
{
	int x;

	assert_true(IS_ERR(ERR_PTR(-1)));
	assert_true(IS_ERR(ERR_PTR(-4095)));
	assert_false(IS_ERR(ERR_PTR(-4096)));
	assert_false(IS_ERR(NULL));
	assert_false(IS_ERR(&x));
	assert_true(IS_ERR_OR_NULL(NULL));
	assert_int_equal(PTR_ERR(ERR_PTR(-12)), -12);
	assert_int_equal(PTR_ERR(ERR_CAST(ERR_PTR(-12))), -12);
}

static void atomics(void **state)
{
	u32 n = 1;
	u64 w = 10;
	u64 expected = 3;
	u64 map[2] = { 0, 0 };
	void *p = NULL;

	assert_int_equal(atomic_fetch_add(&n, 4U), 1);
	assert_int_equal(atomic_load(&n), 5);
	assert_int_equal(cmpxchg(&w, 10ULL, 3ULL), 10);
	assert_int_equal(cmpxchg(&w, 10ULL, 4ULL), 3);
	assert_true(try_cmpxchg(&w, &expected, 8ULL));
	assert_false(try_cmpxchg(&w, &expected, 9ULL));
	assert_int_equal(expected, 8);
	assert_ptr_equal(xchg(&p, &n), NULL);
	assert_ptr_equal(p, &n);
	n = 0;
	assert_false(atomic_inc_not_zero(&n));
	n = 2;
	assert_true(atomic_inc_not_zero(&n));
	atomic_dec(&n);
	assert_false(atomic_dec_and_test(&n));
	assert_true(atomic_dec_and_test(&n));
	assert_false(atomic_test_and_set_bit(map, 100));
	assert_true(atomic_test_and_set_bit(map, 100));
	assert_int_equal(map[1], BIT(36));
	assert_true(atomic_test_and_clear_bit(map, 100));
	assert_int_equal(map[1], 0);
}

static void refcounts(void **state)
{
	struct refcount r;

	ref_init(&r);
	ref_get(&r);
	assert_true(ref_get_not_zero(&r));
	assert_int_equal(ref_read(&r), 3);
	assert_false(ref_put(&r));
	assert_false(ref_put(&r));
	assert_true(ref_put(&r));
	assert_false(ref_get_not_zero(&r));
	/* Saturation: the object lives for ever. */
	r.n = REF_SATURATED - 1;
	ref_get(&r);
	for (int i = 0; i < 1000; i++)
		assert_false(ref_put(&r));
	assert_true(ref_get_not_zero(&r));
	assert_true(ref_read(&r) >= REF_SATURATED);
}

static void bits(void **state)
{
	struct rng rng = { 1 };

	assert_int_equal(ffs(0), 0);
	assert_int_equal(ffs(8), 4);
	assert_int_equal(ffs64(BIT(63)), 64);
	assert_int_equal(fls(0), 0);
	assert_int_equal(fls(1), 1);
	assert_int_equal(fls64(~0ULL), 64);
	assert_int_equal(log2_ceil(1), 0);
	assert_int_equal(log2_ceil(5), 3);
	assert_int_equal(log2_floor(5), 2);
	assert_int_equal(roundup_pow2(0), 1);
	assert_int_equal(roundup_pow2(65), 128);
	assert_int_equal(rounddown_pow2(65), 64);
	assert_int_equal(bytes_to_order(0), 0);
	assert_int_equal(bytes_to_order(4096), 0);
	assert_int_equal(bytes_to_order(4097), 1);
	assert_int_equal(bytes_to_order(3 * 4096), 2);
	assert_int_equal(rol32(0x80000001, 1), 3);
	assert_int_equal(rol32(5, 0), 5);
	assert_int_equal(ror64(1, 1), BIT(63));
	for (int i = 0; i < 10000; i++) {
		u64 x = rng_magnitude(&rng);
		unsigned count = 0;

		for (int b = 0; b < 64; b++)
			count += (x >> b) & 1;
		assert_int_equal(popcount64(x), count);
		assert_int_equal(ror64(rol64(x, i), i), x);
		if (x && x <= BIT(62)) {
			assert_true(is_power_of_2(roundup_pow2(x)));
			assert_true(roundup_pow2(x) >= x && roundup_pow2(x) / 2 < x);
		}
	}
}

static void byte_order(void **state)
{
	u8 b[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	assert_int_equal(get_le16(b + 1), 0x0201);
	assert_int_equal(get_be16(b + 1), 0x0102);
	assert_int_equal(get_be32(b + 1), 0x01020304);
	assert_int_equal(get_le64(b + 1), 0x0807060504030201ULL);
	put_be64(b + 1, 0x1112131415161718ULL);
	assert_int_equal(b[1], 0x11);
	assert_int_equal(b[8], 0x18);
	put_le32(b + 1, 0xa1a2a3a4);
	assert_int_equal(b[1], 0xa4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macros), cmocka_unit_test(error_pointers),
		cmocka_unit_test(atomics), cmocka_unit_test(refcounts),
		cmocka_unit_test(bits), cmocka_unit_test(byte_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
