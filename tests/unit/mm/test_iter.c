/* Iters: copies over segments of every shape, against one flat buffer. */
#include "tests/unit/unit.h"
#include "mm/iter.h"
#include "mm/user.h"

enum { BYTES = 4000 };

static u8 flat[BYTES], parts[BYTES], back[BYTES];

/* Cut parts[] into segments, some empty. */
static u32 cut(struct rng *rng, struct iter_seg *seg, u32 max)
{
	u64 at = 0;
	u32 n = 0;

	while (at < BYTES) {
		u64 len = n == max - 1 ? BYTES - at : MIN((u64)BYTES - at, (u64)rng_below(rng, 300));

		seg[n++] = (struct iter_seg){ (u64)parts + at, len };
		at += len;
	}
	return n;
}

static void test_segments(void **state)
{
	struct rng rng = { 99 };

	for (unsigned i = 0; i < BYTES; i++)
		flat[i] = (u8)(i * 7 + i / 256);
	for (unsigned round = 0; round < 300; round++) {
		struct iter_seg seg[64];
		u32 count = cut(&rng, seg, 64);
		enum iter_kind kind = round & 1 ? ITER_USER : ITER_KERNEL;
		struct iter it;
		u64 at = 0;

		memset(parts, 0, BYTES);
		iter_init_segs(&it, kind, seg, count, BYTES);
		while (iter_left(&it)) {
			u64 n = 1 + rng_below(&rng, 500), done = iter_put(&it, flat + at, n);

			assert_int_equal(done, MIN(n, BYTES - at));
			at += done;
			n = rng_below(&rng, (u32)MIN(at, (u64)200) + 1);
			if (iter_left(&it)) {
				iter_revert(&it, n);
				at -= n;
			}
		}
		assert_memory_equal(parts, flat, BYTES);
		iter_init_segs(&it, kind, seg, count, BYTES);
		iter_advance(&it, 1000);
		assert_int_equal(iter_get(&it, back, BYTES), BYTES - 1000);
		assert_memory_equal(back, flat + 1000, BYTES - 1000);
	}
}

static void test_faults(void **state)
{
	struct iter_seg seg[3] = { { (u64)parts, 10 }, { 16, 10 }, { (u64)parts + 10, 10 } };
	struct iter it;

	iter_init_segs(&it, ITER_USER, seg, 3, 30);
	assert_int_equal(iter_fault_in(&it, 30, true), 0);
	assert_int_equal(iter_put(&it, flat, 30), 10);
	assert_int_equal(iter_left(&it), 20);
	assert_int_equal(iter_fault_in(&it, 20, true), -14);
	assert_int_equal(iter_zero(&it, 5), 0);
	iter_advance(&it, 10);
	assert_int_equal(iter_zero(&it, 50), 10);
	assert_int_equal(iter_left(&it), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
