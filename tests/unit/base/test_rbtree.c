/* base/rbtree.c, base/interval.c: random operations against a sorted array, invariants after each. */
#include "tests/unit/unit.h"

#include "base/interval.h"
#include "base/rbtree.h"

enum { NODES = 200 };

struct item {
	u64 key;
	bool in;
	u64 sum;		/* augmented: of the subtree's keys */
	struct rb_node rb;
};

static struct item *item_of(struct rb_node *rb)
{
	return RB_ENTRY(rb, struct item, rb);
}

/* Checks order, colours and parents; returns the number of black nodes on each path. */
static int check_subtree(struct rb_node *rb, struct rb_node *parent)
{
	int left, right;
	bool black;

	if (!rb)
		return 1;
	assert_ptr_equal(rb_parent(rb), parent);
	black = rb->parent_color & 1;
	if (!black)
		assert_true(parent && (parent->parent_color & 1));
	if (rb->left)
		assert_true(item_of(rb->left)->key <= item_of(rb)->key);
	if (rb->right)
		assert_true(item_of(rb->right)->key >= item_of(rb)->key);
	left = check_subtree(rb->left, rb);
	right = check_subtree(rb->right, rb);
	assert_int_equal(left, right);
	return left + black;
}

static u64 subtree_sum(struct rb_node *rb, bool check)
{
	u64 sum;

	if (!rb)
		return 0;
	sum = item_of(rb)->key + subtree_sum(rb->left, check) + subtree_sum(rb->right, check);
	if (check)
		assert_int_equal(item_of(rb)->sum, sum);
	return sum;
}

static bool update_sum(struct rb_node *rb)
{
	u64 sum = item_of(rb)->key + (rb->left ? item_of(rb->left)->sum : 0) +
		  (rb->right ? item_of(rb->right)->sum : 0);
	bool changed = sum != item_of(rb)->sum;

	item_of(rb)->sum = sum;
	return changed;
}

static const struct rb_augment augment_sum = { update_sum };

static void check_tree(struct rb_root *root, struct item *items, bool augmented)
{
	u64 last = 0;
	int seen = 0, expected = 0;
	struct item *item;

	check_subtree(root->node, NULL);
	subtree_sum(root->node, augmented);
	for (int i = 0; i < NODES; i++)
		expected += items[i].in;
	rb_for_each_entry(item, root, rb) {
		assert_true(item->in);
		assert_true(item->key >= last);
		last = item->key;
		seen++;
	}
	assert_int_equal(seen, expected);
	for (struct rb_node *rb = rb_last(root); rb; rb = rb_prev(rb)) {
		assert_true(item_of(rb)->key <= last);
		last = item_of(rb)->key;
		seen--;
	}
	assert_int_equal(seen, 0);
}

static void insert(struct rb_root *root, struct item *item, bool augmented)
{
	struct rb_node **link = &root->node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_link(&item->rb, parent, link);
	if (augmented)
		rb_insert_fixup_augmented(root, &item->rb, &augment_sum);
	else
		rb_insert_fixup(root, &item->rb);
}

static void run(u64 seed, u64 keys, bool augmented)
{
	struct rng rng = { seed };
	static struct item items[NODES];
	struct rb_root root = RB_ROOT;

	memset(items, 0, sizeof(items));
	for (int round = 0; round < 4000; round++) {
		/* The tree fills up, then empties, and again. */
		bool want = rng_below(&rng, 1000) < ((round / 1000) % 2 ? 300 : 700);
		struct item *item = &items[rng_below(&rng, NODES)];

		if (!item->in && want) {
			item->key = rng_below(&rng, keys);
			insert(&root, item, augmented);
			item->in = true;
		} else if (item->in && !want) {
			if (augmented)
				rb_erase_augmented(&root, &item->rb, &augment_sum);
			else
				rb_erase(&root, &item->rb);
			item->in = false;
		} else if (item->in && augmented) {
			struct rb_node *next = rb_next(&item->rb);

			/* A larger key that keeps its place. */
			if (!next || item_of(next)->key > item->key) {
				item->key++;
				rb_propagate(&item->rb, &augment_sum);
			}
		}
		check_tree(&root, items, augmented);
	}
}

static void plain(void **state)
{
	run(10, 1000000, false);
	run(11, 5, false);		/* many equal keys */
}

static void augmented(void **state)
{
	run(12, 1000000, true);
	run(13, 5, true);
}

static void ascending_is_shallow(void **state)
{
	static struct item items[NODES];
	struct rb_root root = RB_ROOT;
	struct item *item, *tmp;
	int count = 0;

	memset(items, 0, sizeof(items));
	for (int i = 0; i < NODES; i++) {
		items[i].key = (u64)i;
		insert(&root, &items[i], false);
		items[i].in = true;
	}
	check_tree(&root, items, false);
	assert_true(check_subtree(root.node, NULL) <= 9);
	rb_for_each_entry_postorder_safe(item, tmp, &root, rb) {
		assert_true(!item->rb.left || !item_of(item->rb.left)->in);
		assert_true(!item->rb.right || !item_of(item->rb.right)->in);
		item->in = false;
		count++;
	}
	assert_int_equal(count, NODES);
}

static void replace(void **state)
{
	struct item items[NODES] = { 0 };
	struct item other;
	struct rb_root root = RB_ROOT;

	for (int i = 0; i < 20; i++) {
		items[i].key = (u64)i;
		items[i].in = true;
		insert(&root, &items[i], false);
	}
	for (int i = 0; i < 20; i++) {
		other = items[i];
		rb_replace(&root, &items[i].rb, &other.rb);
		check_tree(&root, items, false);
		rb_replace(&root, &other.rb, &items[i].rb);
	}
	rb_clear(&other.rb);
	assert_true(rb_is_clear(&other.rb));
	assert_false(rb_is_clear(&items[0].rb));
}

static void intervals(void **state)
{
	struct rng rng = { 14 };
	static struct interval_node nodes[NODES];
	static bool in[NODES];
	struct interval_tree tree = INTERVAL_TREE_INIT;

	for (int round = 0; round < 8000; round++) {
		unsigned i = (unsigned)rng_below(&rng, NODES);
		u64 start = rng_below(&rng, 1000);
		u64 last = rng_below(&rng, 10) ? start + rng_below(&rng, 50) : ~0ULL;
		struct interval_node *node;
		unsigned found = 0, expected = 0;
		u64 before = 0;

		if (in[i]) {
			interval_remove(&tree, &nodes[i]);
		} else {
			nodes[i].start = start;
			nodes[i].last = last;
			interval_insert(&tree, &nodes[i]);
		}
		in[i] = !in[i];
		start = rng_below(&rng, 1100);
		last = rng_below(&rng, 10) ? start + rng_below(&rng, 30) : ~0ULL;
		for (unsigned n = 0; n < NODES; n++)
			expected += in[n] && nodes[n].start <= last && nodes[n].last >= start;
		interval_for_each(node, &tree, start, last) {
			assert_true(node->start <= last && node->last >= start);
			assert_true(node->start >= before);
			before = node->start;
			found++;
		}
		assert_int_equal(found, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain), cmocka_unit_test(augmented),
		cmocka_unit_test(ascending_is_shallow), cmocka_unit_test(replace),
		cmocka_unit_test(intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
