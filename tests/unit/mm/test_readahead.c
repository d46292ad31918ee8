/* Read-ahead windows: a sequential reader finds every page read in time, a random one reads no more than it asked for. */
#include "tests/unit/unit.h"
#include "mm/readahead.h"

enum { FILE_PAGES = 5000 };

static u8 cached[FILE_PAGES + READAHEAD_MAX_PAGES * 4];
static u8 marked[FILE_PAGES + READAHEAD_MAX_PAGES * 4];

static void apply(const struct readahead_plan *p)
{
	assert_true(p->count >= 1 && p->count <= READAHEAD_MAX_PAGES);
	for (u64 i = p->start; i < p->start + p->count; i++) {
		cached[i] = 1;
		marked[i] = i == p->mark;
	}
}

static unsigned touch(struct readahead *ra, u64 index, u64 want)
{
	struct readahead_plan p;
	unsigned misses = 0;

	if (!cached[index]) {
		misses = 1;
		readahead_plan_miss(ra, index, want, &p);
		assert_true(p.start <= index && index < p.start + p.count);
		apply(&p);
	}
	if (marked[index] && ra) {
		marked[index] = 0;
		readahead_plan_mark(ra, index, &p);
		assert_true(p.start > index);
		apply(&p);
	}
	if (ra)
		ra->prev_index = index;
	return misses;
}

static void reset(void)
{
	memset(cached, 0, sizeof(cached));
	memset(marked, 0, sizeof(marked));
}

static void test_sequential(void **state)
{
	struct readahead ra = { 0 };
	unsigned misses = 0;

	reset();
	for (u64 i = 0; i < FILE_PAGES; i++)
		misses += touch(&ra, i, 1);
	assert_int_equal(misses, 1);
	assert_int_equal(ra.size, READAHEAD_MAX_PAGES);
}

static void test_random(void **state)
{
	struct readahead ra = { 0 };
	struct readahead_plan p;

	for (u64 i = 100; i < FILE_PAGES; i += 17) {
		readahead_plan_miss(&ra, i, 3, &p);
		assert_int_equal(p.start, i);
		assert_int_equal(p.count, 3);
		assert_int_equal(p.mark, ~0ull);
		ra.prev_index = i + 2;
	}
}

static void test_around(void **state)
{
	struct readahead_plan p;

	readahead_plan_miss(NULL, 37, 32, &p);
	assert_int_equal(p.start, 32);
	assert_int_equal(p.count, 32);
	readahead_plan_miss(NULL, 37, 1, &p);
	assert_int_equal(p.start, 37);
	assert_int_equal(p.count, 1);
}

static void test_huge_request(void **state)
{
	struct readahead ra = { 0 };
	struct readahead_plan p;

	readahead_plan_miss(&ra, 0, ~0ull >> 12, &p);
	assert_int_equal(p.count, READAHEAD_MAX_PAGES);
	readahead_plan_miss(NULL, 0, ~0ull >> 12, &p);
	assert_int_equal(p.count, READAHEAD_MAX_PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequential),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_huge_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
