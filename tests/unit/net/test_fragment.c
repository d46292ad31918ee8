/* Pieces in every order, copies, overlaps and lies about the end, against a map of the bytes that are there. */
#include "tests/unit/unit.h"

#include "net/fragment.h"

enum { BYTES = 96 };

struct model {
	bool there[BYTES];
	u32 end;
	bool last;
};

/* What a piece is, by the rules as they stand in RFC 5722 and RFC 8200, with the departure for what is covered. */
static enum fragment_verdict judge(const struct model *m, u32 start, u32 end, bool more)
{
	u32 covered = 0, all = 0, run = start;

	if (start >= end)
		return FRAGMENT_BAD;
	if (!more && (end < m->end || (m->last && end != m->end)))
		return FRAGMENT_BAD;
	if (more && m->last && end > m->end)
		return FRAGMENT_BAD;
	for (u32 i = start; i < end; i++)
		covered += m->there[i];
	for (; run < end && m->there[run]; run++)
		;
	if (covered)
		return run == end ? FRAGMENT_DUPLICATE : FRAGMENT_OVERLAP;
	for (u32 i = 0; i < BYTES; i++)
		all += m->there[i];
	return (m->last || !more) && all + end - start == MAX(m->end, end) ? FRAGMENT_COMPLETE : FRAGMENT_KEPT;
}

static void invariants(const struct fragment_set *s)
{
	u32 have = 0, at = 0, count = 0;
	struct fragment *f;

	list_for_each_entry(f, &s->list, node) {
		assert_true(f->start >= at && f->start < f->end);
		at = f->end;
		have += f->end - f->start;
		count++;
	}
	assert_int_equal(have, s->have);
	assert_int_equal(at, s->end);
	assert_int_equal(count, s->count);
}

/* Insert, compare with the model; false: the set is given up. */
static bool insert(struct fragment_set *s, struct model *m, struct fragment *f, u32 start, u32 end, bool more)
{
	enum fragment_verdict want = judge(m, start, end, more);

	*f = (struct fragment){ .start = start, .end = end };
	assert_int_equal(fragment_insert(s, f, more), want);
	if (want == FRAGMENT_KEPT || want == FRAGMENT_COMPLETE) {
		memset(m->there + start, 1, end - start);
		m->end = MAX(m->end, end);
		m->last |= !more;
	}
	invariants(s);
	return want == FRAGMENT_KEPT || want == FRAGMENT_DUPLICATE;
}

/* All orders of six pieces, each with every piece sent a second time at every place. */
static void orders(void **state)
{
	static const u32 cuts[7] = { 0, 8, 24, 32, 64, 72, 80 };
	u32 perms = 0;

	for (u32 code = 0; code < 720; code++) {
		u32 left[6] = { 0, 1, 2, 3, 4, 5 }, order[6], c = code;

		for (u32 i = 0; i < 6; i++) {
			u32 n = 6 - i, k = c % n;

			c /= n;
			order[i] = left[k];
			memmove(left + k, left + k + 1, (n - k - 1) * sizeof(*left));
		}
		for (u32 again = 0; again < 6; again++) {
			struct fragment f[6], copy;
			struct fragment_set s;

			fragment_set_init(&s);
			for (u32 i = 0; i < 6; i++) {
				u32 k = order[i];

				f[k] = (struct fragment){ .start = cuts[k], .end = cuts[k + 1] };
				assert_int_equal(fragment_insert(&s, &f[k], k < 5), i == 5 ? FRAGMENT_COMPLETE : FRAGMENT_KEPT);
				invariants(&s);
				k = order[again];
				if (again > i)
					continue;
				copy = (struct fragment){ .start = cuts[k], .end = cuts[k + 1] };
				assert_int_equal(fragment_insert(&s, &copy, k < 5), FRAGMENT_DUPLICATE);
			}
			perms++;
		}
	}
	assert_int_equal(perms, 4320);
}

static void hostile(void **state)
{
	struct rng rng = { 5 };
	u32 seen[5] = { 0 };

	for (u32 n = 0; n < 60000; n++) {
		struct fragment f[40];
		struct fragment_set s;
		struct model m = { .end = 0 };

		fragment_set_init(&s);
		for (u32 i = 0; i < 40; i++) {
			u32 start = 8 * (u32)rng_below(&rng, BYTES / 8), end = start + 8 * (u32)rng_below(&rng, n % 3 ? 3 : 9);
			bool more = rng_below(&rng, 6);

			end = MIN(end, (u32)BYTES);
			seen[judge(&m, start, end, more)]++;
			if (!insert(&s, &m, &f[i], start, end, more))
				break;
		}
	}
	for (u32 i = 0; i < 5; i++)
		assert_true(seen[i] > 500);
}

/* As RFC 5722 has them, by hand: the same start and longer; the tail of one; one that bridges a hole; the end moved. */
static void by_hand(void **state)
{
	static const struct { u32 start, end; bool more; enum fragment_verdict want; } after[] = {
		{ 0, 24, true, FRAGMENT_OVERLAP }, { 8, 24, true, FRAGMENT_OVERLAP }, { 16, 32, true, FRAGMENT_KEPT },
		{ 8, 40, true, FRAGMENT_OVERLAP }, { 40, 56, true, FRAGMENT_OVERLAP }, { 0, 16, true, FRAGMENT_DUPLICATE },
		{ 8, 16, true, FRAGMENT_DUPLICATE }, { 32, 40, false, FRAGMENT_BAD }, { 48, 56, false, FRAGMENT_KEPT },
		{ 32, 48, false, FRAGMENT_DUPLICATE }, { 16, 16, true, FRAGMENT_BAD }, { 16, 8, true, FRAGMENT_BAD },
	};

	for (u32 i = 0; i < ARRAY_SIZE(after); i++) {
		struct fragment a = { .start = 0, .end = 16 }, b = { .start = 32, .end = 48 }, c = { .start = after[i].start, .end = after[i].end };
		struct fragment_set s;

		fragment_set_init(&s);
		assert_int_equal(fragment_insert(&s, &b, true), FRAGMENT_KEPT);
		assert_int_equal(fragment_insert(&s, &a, true), FRAGMENT_KEPT);
		assert_int_equal(fragment_insert(&s, &c, after[i].more), after[i].want);
	}
}

static void bounded(void **state)
{
	static struct fragment f[FRAGMENTS_MAX + 1];
	struct fragment_set s;

	fragment_set_init(&s);
	for (u32 i = 0; i < FRAGMENTS_MAX; i++) {
		f[i] = (struct fragment){ .start = 65528 - 16 * i, .end = 65536 - 16 * i };
		assert_int_equal(fragment_insert(&s, &f[i], true), FRAGMENT_KEPT);
	}
	f[FRAGMENTS_MAX] = (struct fragment){ .start = 0, .end = 8 };
	assert_int_equal(fragment_insert(&s, &f[FRAGMENTS_MAX], true), FRAGMENT_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders), cmocka_unit_test(hostile), cmocka_unit_test(by_hand), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
