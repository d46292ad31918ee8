/* mq-deadline's order: batches by sector, deadlines, writes not starved, priorities; merging with neighbours. */
#include "tests/unit/unit.h"
#include <linux/ioprio.h>
#include "block/deadline.h"

#define MS 1000000ull

static struct bio make(enum bio_op op, u64 sector, u16 class)
{
	struct bio b = { .op = op, .sector = sector, .sectors = 8, .run_sectors = 8, .ioprio = class << IOPRIO_CLASS_SHIFT };

	return b;
}

static void sectors_rise_within_a_batch(void **state)
{
	struct deadline d;
	struct bio b[5];
	const u64 at[5] = { 500, 100, 300, 200, 400 };

	deadline_init(&d);
	for (int i = 0; i < 5; i++) {
		b[i] = make(BIO_READ, at[i], IOPRIO_CLASS_BE);
		deadline_add(&d, &b[i], 0);
	}
	/* The first of a batch is the oldest; from there the sectors rise, and a new batch takes what lies before. */
	assert_ptr_equal(deadline_next(&d, 1), &b[0]);
	assert_ptr_equal(deadline_next(&d, 1), &b[1]);
	assert_ptr_equal(deadline_next(&d, 1), &b[3]);
	assert_ptr_equal(deadline_next(&d, 1), &b[2]);
	assert_ptr_equal(deadline_next(&d, 1), &b[4]);
	assert_null(deadline_next(&d, 1));
	assert_true(deadline_empty(&d));
}

static void one_past_its_deadline_starts_the_next_batch(void **state)
{
	struct deadline d;
	static struct bio b[40];

	deadline_init(&d);
	b[0] = make(BIO_READ, 9000, IOPRIO_CLASS_BE);
	for (int i = 1; i < 40; i++)
		b[i] = make(BIO_READ, 100 + 10 * i, IOPRIO_CLASS_BE);
	deadline_add(&d, &b[1], 0);
	deadline_add(&d, &b[0], 0);
	for (int i = 2; i < 40; i++)
		deadline_add(&d, &b[i], 400 * MS);
	for (int i = 1; i <= 16; i++)
		assert_ptr_equal(deadline_next(&d, 450 * MS), &b[i]);
	assert_ptr_equal(deadline_next(&d, 501 * MS), &b[0]);
}

static void writes_are_passed_over_twice_only(void **state)
{
	struct deadline d;
	static struct bio r[100], w[20];
	int before_first_write = 0;

	deadline_init(&d);
	for (int i = 0; i < 100; i++) {
		r[i] = make(BIO_READ, 1000 - 10 * i, IOPRIO_CLASS_BE);
		deadline_add(&d, &r[i], 0);
	}
	for (int i = 0; i < 20; i++) {
		w[i] = make(BIO_WRITE, 5000 + 10 * i, IOPRIO_CLASS_BE);
		deadline_add(&d, &w[i], 0);
	}
	while (deadline_next(&d, 1)->op == BIO_READ)
		before_first_write++;
	assert_in_range(before_first_write, 1, 2 * 16 + 16);
	for (int i = 1; i < 16; i++)
		assert_int_equal(deadline_next(&d, 1)->op, BIO_WRITE);
}

static void higher_priority_first_but_age_counts(void **state)
{
	struct deadline d;
	struct bio rt = make(BIO_WRITE, 10, IOPRIO_CLASS_RT), be = make(BIO_READ, 20, IOPRIO_CLASS_BE),
		   idle = make(BIO_READ, 30, IOPRIO_CLASS_IDLE), rt2 = make(BIO_READ, 40, IOPRIO_CLASS_RT);

	deadline_init(&d);
	deadline_add(&d, &idle, 0);
	deadline_add(&d, &be, 0);
	deadline_add(&d, &rt, 0);
	assert_ptr_equal(deadline_next(&d, 1), &rt);
	assert_ptr_equal(deadline_next(&d, 1), &be);
	deadline_add(&d, &rt2, 9999 * MS);
	assert_ptr_equal(deadline_next(&d, 10001 * MS), &idle);
	assert_ptr_equal(deadline_next(&d, 10001 * MS), &rt2);
}

static struct bio *merge(struct bio *head, struct bio *b)
{
	if (head->sector + head->run_sectors == b->sector) {
		head->run_sectors += b->run_sectors;
		return head;
	}
	if (b->sector + b->run_sectors == head->sector) {
		b->run_sectors += head->run_sectors;
		return b;
	}
	return NULL;
}

static void neighbours_merge(void **state)
{
	struct deadline d;
	struct bio a = make(BIO_WRITE, 100, IOPRIO_CLASS_BE), behind = make(BIO_WRITE, 108, IOPRIO_CLASS_BE),
		   before = make(BIO_WRITE, 92, IOPRIO_CLASS_BE), apart = make(BIO_WRITE, 200, IOPRIO_CLASS_BE),
		   read = make(BIO_READ, 116, IOPRIO_CLASS_BE);

	deadline_init(&d);
	deadline_add(&d, &a, 0);
	assert_true(deadline_merge(&d, &behind, merge));
	assert_true(deadline_merge(&d, &before, merge));
	assert_false(deadline_merge(&d, &apart, merge));
	assert_false(deadline_merge(&d, &read, merge));
	assert_ptr_equal(deadline_next(&d, 1), &before);
	assert_int_equal(before.run_sectors, 24);
	assert_true(deadline_empty(&d));
}

/* Whatever comes in goes out once, and no later than a bound after its deadline. */
static void nothing_is_lost(void **state)
{
	struct rng rng = { 7 };
	static struct bio b[2000];
	struct deadline d;
	u64 now = 0;
	u32 in = 0, out = 0;

	deadline_init(&d);
	while (out < 2000) {
		struct bio *got;

		if (in < 2000 && rng_below(&rng, 5) < 3) {
			b[in] = make(rng_below(&rng, 2) ? BIO_READ : BIO_WRITE, rng_below(&rng, 100000) * 8, 1 + rng_below(&rng, 3));
			deadline_add(&d, &b[in++], now);
		}
		if (rng_below(&rng, 2) && (got = deadline_next(&d, now))) {
			assert_int_equal(got->sectors, 8);
			got->sectors = 0;
			out++;
		}
		now += rng_below(&rng, 10 * MS);
	}
	assert_true(deadline_empty(&d));
	assert_int_equal(in, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sectors_rise_within_a_batch), cmocka_unit_test(one_past_its_deadline_starts_the_next_batch),
		cmocka_unit_test(writes_are_passed_over_twice_only), cmocka_unit_test(higher_priority_first_but_age_counts),
		cmocka_unit_test(neighbours_merge), cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
