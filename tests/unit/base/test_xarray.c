/* base/xarray.c: random operations against a flat model; every allocation failed in turn. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/xarray.h"

enum { KEYS = 400 };

/* Allocations: how many live, and after how many one fails (negative: none). */
static int live_nodes;
static int fail_after = -1;

static struct xa_node *node_alloc(void *ctx)
{
	struct xa_node *node;

	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	node = malloc(sizeof(*node));
	memset(node, 0xa5, sizeof(*node));
	live_nodes++;
	return node;
}

static void node_free(void *ctx, struct xa_node *node)
{
	live_nodes--;
	free(node);
}

static const struct xa_ops ops = { .node_alloc = node_alloc, .node_free = node_free };

struct model {
	u64 index[KEYS];		/* ascending */
	void *entry[KEYS];
	bool mark[KEYS][XA_MARKS];
};

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void model_init(struct model *model, struct rng *rng, int kind)
{
	memset(model, 0, sizeof(*model));
	for (int i = 0; i < KEYS; i++)
		model->index[i] = kind == 0 ? (u64)i :
				  kind == 1 ? rng_magnitude(rng) :
					      rng_below(rng, 5000);
	model->index[0] = 0;
	model->index[1] = ~0ULL;
	if (kind != 1)
		model->index[1] = 64;
	qsort(model->index, KEYS, sizeof(u64), compare_u64);
	for (int i = 1; i < KEYS; i++) {
		if (model->index[i] <= model->index[i - 1])
			model->index[i] = model->index[i - 1] == ~0ULL ? ~0ULL : model->index[i - 1] + 1;
	}
}

/* Everything that the tree says agrees with the model. */
static void check_all(struct xarray *xa, const struct model *model)
{
	bool any_mark[XA_MARKS] = { false };
	int count = 0, seen = 0;
	u64 index;
	void *entry;

	for (int i = 0; i < KEYS; i++) {
		assert_ptr_equal(xa_load(xa, model->index[i]), model->entry[i]);
		count += model->entry[i] != NULL;
		for (int m = 0; m < XA_MARKS; m++) {
			assert_int_equal(xa_get_mark(xa, model->index[i], m), model->mark[i][m]);
			any_mark[m] |= model->mark[i][m];
		}
	}
	for (int m = 0; m < XA_MARKS; m++)
		assert_int_equal(xa_marked(xa, m), any_mark[m]);
	xa_for_each(xa, index, entry) {
		assert_ptr_equal(xa_load(xa, index), entry);
		seen++;
	}
	assert_int_equal(seen, count);
	assert_int_equal(xa_empty(xa), count == 0);
	if (count == 0 || (count == 1 && model->entry[0]))
		assert_int_equal(live_nodes, 0);
}

static void check_finds(struct xarray *xa, const struct model *model, struct rng *rng)
{
	u64 from = rng_u64(rng) & 1 ? model->index[rng_below(rng, KEYS)] : rng_magnitude(rng);
	u64 to = rng_u64(rng) & 1 ? model->index[rng_below(rng, KEYS)] : rng_magnitude(rng);
	int mark = (int)rng_below(rng, XA_MARKS);
	int first = -1, first_marked = -1, last = -1;
	u64 index;

	for (int i = 0; i < KEYS; i++) {
		if (!model->entry[i] || model->index[i] < from || model->index[i] > to)
			continue;
		if (first < 0)
			first = i;
		if (first_marked < 0 && model->mark[i][mark])
			first_marked = i;
		last = i;
	}
	index = from;
	assert_ptr_equal(xa_find(xa, &index, to), first < 0 ? NULL : model->entry[first]);
	assert_int_equal(index, first < 0 ? from : model->index[first]);
	index = from;
	assert_ptr_equal(xa_find_marked(xa, &index, to, mark),
			 first_marked < 0 ? NULL : model->entry[first_marked]);
	assert_int_equal(index, first_marked < 0 ? from : model->index[first_marked]);
	index = to;
	assert_ptr_equal(xa_find_last(xa, &index, from), last < 0 ? NULL : model->entry[last]);
	assert_int_equal(index, last < 0 ? to : model->index[last]);
}

static void step(struct xarray *xa, struct model *model, struct rng *rng, bool filling)
{
	int i = (int)rng_below(rng, KEYS);
	int mark = (int)rng_below(rng, XA_MARKS);
	void *entry = (void *)(uintptr_t)((rng_u64(rng) >> 8) * 8 + 8);
	int err;

	switch (rng_below(rng, 4)) {
	case 0:
		if (model->entry[i])
			model->mark[i][mark] = true;
		xa_set_mark(xa, model->index[i], mark);
		break;
	case 1:
		model->mark[i][mark] = false;
		xa_clear_mark(xa, model->index[i], mark);
		break;
	default:
		if (!filling) {
			assert_ptr_equal(xa_erase(xa, model->index[i]), model->entry[i]);
			model->entry[i] = NULL;
			memset(model->mark[i], 0, sizeof(model->mark[i]));
			break;
		}
		fail_after = rng_below(rng, 3) ? -1 : (int)rng_below(rng, 12);
		err = xa_store(xa, model->index[i], entry);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(fail_after, 0);
			assert_null(model->entry[i]);
		} else {
			model->entry[i] = entry;
		}
		fail_after = -1;
	}
}

static void against_model(void **state)
{
	struct rng rng = { 20 };
	static struct model model;

	for (int kind = 0; kind < 3; kind++) {
		struct xarray xa = XARRAY_INIT(&ops);

		model_init(&model, &rng, kind);
		for (int round = 0; round < 6000; round++) {
			bool filling = rng_below(&rng, 10) < ((round / 1500) % 2 ? 1 : 6);

			step(&xa, &model, &rng, filling);
			check_finds(&xa, &model, &rng);
			if (round % 8 == 0)
				check_all(&xa, &model);
		}
		for (int i = 0; i < KEYS; i++) {
			assert_ptr_equal(xa_erase(&xa, model.index[i]), model.entry[i]);
			model.entry[i] = NULL;
			memset(model.mark[i], 0, sizeof(model.mark[i]));
			if (i % 16 == 0)
				check_all(&xa, &model);
		}
		check_all(&xa, &model);
		assert_int_equal(live_nodes, 0);
	}
}

/* Each store of a fixed series with each of its allocations failing: the array is as before. */
static void every_allocation_fails(void **state)
{
	static const u64 indices[] = { 5, 0, 1000, 1ULL << 40, ~0ULL, 1ULL << 63, 64, 1 };
	static int values[ARRAY_SIZE(indices)];
	struct xarray xa = XARRAY_INIT(&ops);

	for (unsigned i = 0; i < ARRAY_SIZE(indices); i++) {
		for (int n = 0;; n++) {
			int before = live_nodes;
			int err;

			fail_after = n;
			err = xa_store(&xa, indices[i], &values[i]);
			fail_after = -1;
			if (!err)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(live_nodes, before);
			assert_true(n < 24);
			for (unsigned k = 0; k < ARRAY_SIZE(indices); k++)
				assert_ptr_equal(xa_load(&xa, indices[k]), k < i ? &values[k] : NULL);
		}
	}
	xa_destroy(&xa);
	assert_int_equal(live_nodes, 0);
	assert_true(xa_empty(&xa));
}

static void insert_and_erase(void **state)
{
	static int a, b;
	struct xarray xa = XARRAY_INIT(&ops);
	u64 index;
	void *entry;
	int count = 0;

	assert_int_equal(xa_insert(&xa, 0, &a), 0);
	assert_int_equal(live_nodes, 0);
	xa_set_mark(&xa, 0, XA_MARK_2);
	assert_int_equal(xa_insert(&xa, 0, &b), -EBUSY);
	assert_int_equal(xa_store(&xa, 70, &b), 0);
	assert_true(xa_get_mark(&xa, 0, XA_MARK_2));
	assert_false(xa_get_mark(&xa, 70, XA_MARK_2));
	assert_int_equal(xa_store(&xa, 70, NULL), 0);
	assert_int_equal(live_nodes, 0);
	assert_true(xa_get_mark(&xa, 0, XA_MARK_2));
	assert_ptr_equal(xa_erase(&xa, 0), &a);
	assert_null(xa_erase(&xa, 0));
	assert_false(xa_marked(&xa, XA_MARK_2));
	/* The body erases what it is at. */
	for (u64 i = 0; i < 300; i++)
		assert_int_equal(xa_store(&xa, i * 7, &a), 0);
	xa_for_each(&xa, index, entry) {
		assert_ptr_equal(xa_erase(&xa, index), &a);
		count++;
	}
	assert_int_equal(count, 300);
	assert_int_equal(live_nodes, 0);
	assert_int_equal(xa_store(&xa, ~0ULL, &a), 0);
	count = 0;
	xa_for_each(&xa, index, entry)
		count++;
	assert_int_equal(count, 1);
	xa_destroy(&xa);
	assert_int_equal(live_nodes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_model), cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(insert_and_erase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
