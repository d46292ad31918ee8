/* Limits: what drivers may leave out or say wrong, and how stacked ones follow. */
#include "tests/unit/unit.h"
#include "block/block.h"

static void defaults(void **state)
{
	struct disk_limits l = { .block_bytes = 0 };

	disk_limits_fill(&l);
	assert_int_equal(l.block_bytes, 512);
	assert_int_equal(l.physical_bytes, 512);
	assert_int_equal(l.io_min_bytes, 512);
	assert_int_equal(l.dma_mask, 511);
	assert_true(l.segs_max && l.seg_bytes_max >= 4096 && l.sectors_max && l.sectors_soft <= l.sectors_max);
	assert_int_equal(l.discard_granularity_bytes, 0);
}

static void nonsense_is_put_right(void **state)
{
	struct rng rng = { 3 };

	for (int i = 0; i < 100000; i++) {
		struct disk_limits l = {
			.block_bytes = (u32)rng_magnitude(&rng), .physical_bytes = (u32)rng_magnitude(&rng),
			.io_min_bytes = (u32)rng_magnitude(&rng), .segs_max = (u32)rng_magnitude(&rng),
			.seg_bytes_max = (u32)rng_magnitude(&rng), .sectors_max = (u32)rng_magnitude(&rng),
		};

		disk_limits_fill(&l);
		assert_true(l.block_bytes >= 512 && l.block_bytes <= 4096 && !(l.block_bytes & (l.block_bytes - 1)));
		assert_true(l.physical_bytes >= l.block_bytes && !(l.physical_bytes & (l.physical_bytes - 1)));
		assert_true(l.segs_max && l.seg_bytes_max >= 4096 && !(l.seg_bytes_max & 511));
		assert_true(l.sectors_max >= 8 && !(l.sectors_max & ((l.block_bytes >> 9) - 1)));
	}
}

static void stacking(void **state)
{
	struct disk_limits top = { .segs_max = 128, .seg_bytes_max = 65536, .block_bytes = 512, .physical_bytes = 512, .fua = false };
	struct disk_limits below = {
		.segs_max = 32, .seg_bytes_max = 1 << 20, .block_bytes = 4096, .physical_bytes = 4096, .io_min_bytes = 4096,
		.io_opt_bytes = 3 * 65536, .flush = true, .rotational = true, .discard_sectors_max = 1000, .sectors_max = 64,
	};

	top.io_opt_bytes = 2 * 65536;
	disk_limits_stack(&top, &below, 0);
	assert_int_equal(top.segs_max, 32);
	assert_int_equal(top.seg_bytes_max, 65536);
	assert_int_equal(top.block_bytes, 4096);
	assert_int_equal(top.sectors_max, 64);
	assert_int_equal(top.io_opt_bytes, 6 * 65536);
	assert_true(top.flush && top.rotational);
	assert_int_equal(top.alignment_bytes, 0);
	assert_int_equal(top.zeroes_sectors_max, 0);
}

static void misaligned_start(void **state)
{
	struct disk_limits top = { .block_bytes = 512 }, below = { .block_bytes = 512, .physical_bytes = 4096, .io_min_bytes = 4096 };

	disk_limits_stack(&top, &below, 1);
	assert_int_equal(top.alignment_bytes, 3584);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(nonsense_is_put_right), cmocka_unit_test(stacking),
		cmocka_unit_test(misaligned_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
