/* base/list.h, base/ring.h */
#include "tests/unit/unit.h"

#include "base/list.h"
#include "base/ring.h"

enum { ITEMS = 32 };

struct item {
	int value;
	struct list_head link;
	struct hlist_node hash;
	struct llist_node stack;
};

/* The list holds exactly model[0, count), both ways. */
static void check_list(struct list_head *head, const int *model, int count)
{
	struct item *item;
	int at = 0;

	list_for_each_entry(item, head, link) {
		assert_true(at < count);
		assert_int_equal(item->value, model[at++]);
	}
	assert_int_equal(at, count);
	list_for_each_entry_reverse(item, head, link)
		assert_int_equal(item->value, model[--at]);
	assert_int_equal(at, 0);
	assert_int_equal(list_empty(head), count == 0);
	assert_int_equal(list_is_singular(head), count == 1);
}

static int model_index(const int *model, int count, int value)
{
	for (int i = 0; i < count; i++) {
		if (model[i] == value)
			return i;
	}
	return -1;
}

static void model_remove(int *model, int *count, int at)
{
	memmove(model + at, model + at + 1, (size_t)(*count - at - 1) * sizeof(*model));
	(*count)--;
}

static void model_insert(int *model, int *count, int at, int value)
{
	memmove(model + at + 1, model + at, (size_t)(*count - at) * sizeof(*model));
	model[at] = value;
	(*count)++;
}

static void list_model(void **state)
{
	struct rng rng = { 2 };
	struct item items[ITEMS];
	int model[ITEMS];
	int count = 0;
	LIST_HEAD(head);

	for (int i = 0; i < ITEMS; i++) {
		items[i].value = i;
		list_init(&items[i].link);
	}
	for (int round = 0; round < 20000; round++) {
		struct item *item = &items[rng_below(&rng, ITEMS)];
		int at = model_index(model, count, item->value);
		bool front = rng_u64(&rng) & 1;

		if (at < 0) {
			(front ? list_add : list_add_tail)(&item->link, &head);
			model_insert(model, &count, front ? 0 : count, item->value);
		} else if (rng_below(&rng, 3) == 0) {
			(front ? list_move : list_move_tail)(&item->link, &head);
			model_remove(model, &count, at);
			model_insert(model, &count, front ? 0 : count, item->value);
		} else {
			if (front) {
				list_del(&item->link);
				assert_ptr_equal(item->link.next, LIST_POISON_NEXT);
			} else {
				list_del_init(&item->link);
				assert_true(list_empty(&item->link));
			}
			model_remove(model, &count, at);
		}
		check_list(&head, model, count);
	}
}

static void list_splices(void **state)
{
	struct item items[6];
	struct item *item, *tmp;
	LIST_HEAD(a);
	LIST_HEAD(b);

	for (int i = 0; i < 6; i++) {
		items[i].value = i;
		list_add_tail(&items[i].link, i < 3 ? &a : &b);
	}
	list_splice_init(&b, &a);
	check_list(&b, NULL, 0);
	check_list(&a, (int[]){ 3, 4, 5, 0, 1, 2 }, 6);
	list_splice_init(&b, &a);
	list_splice_tail_init(&a, &b);
	list_for_each_entry_safe(item, tmp, &b, link) {
		if (item->value % 2)
			list_move_tail(&item->link, &a);
	}
	list_splice_tail_init(&a, &b);
	check_list(&b, (int[]){ 4, 0, 2, 3, 5, 1 }, 6);
	assert_int_equal(list_first_entry(&b, struct item, link)->value, 4);
	assert_int_equal(list_last_entry(&b, struct item, link)->value, 1);
	assert_null(list_first_entry_or_null(&a, struct item, link));
	list_replace(&items[4].link, &a);	/* any node will do */
	assert_ptr_equal(b.next, &a);
}

static void list_rcu(void **state)
{
	struct item items[3];
	struct item *item;
	int sum = 0;
	LIST_HEAD(head);

	for (int i = 0; i < 3; i++) {
		items[i].value = 1 << i;
		list_add_tail_rcu(&items[i].link, &head);
	}
	list_for_each_entry_rcu(item, &head, link) {
		sum += item->value;
		if (item == &items[1])
			list_del_rcu(&item->link);	/* the reader goes on */
	}
	assert_int_equal(sum, 7);
	check_list(&head, (int[]){ 1, 4 }, 2);
}

static void hlists(void **state)
{
	struct item items[4];
	struct item *item;
	struct hlist_node *tmp;
	struct hlist_head head = HLIST_HEAD_INIT;
	int sum = 0;

	for (int i = 0; i < 4; i++) {
		hlist_node_init(&items[i].hash);
		assert_true(hlist_unhashed(&items[i].hash));
		items[i].value = 1 << i;
	}
	assert_true(hlist_empty(&head));
	hlist_add_head(&items[0].hash, &head);
	hlist_add_head_rcu(&items[1].hash, &head);
	hlist_add_behind(&items[2].hash, &items[0].hash);
	hlist_add_before(&items[3].hash, &items[1].hash);
	hlist_for_each_entry(item, &head, hash)
		sum = sum * 16 + item->value;
	assert_int_equal(sum, 0x8214);
	hlist_del_init(&items[0].hash);
	hlist_del_init(&items[0].hash);
	assert_true(hlist_unhashed(&items[0].hash));
	sum = 0;
	hlist_for_each_entry_rcu(item, &head, hash) {
		sum = sum * 16 + item->value;
		if (item == &items[1])
			hlist_del_init_rcu(&item->hash);
	}
	assert_int_equal(sum, 0x824);
	assert_true(hlist_unhashed(&items[1].hash));
	hlist_for_each_entry_safe(item, tmp, &head, hash)
		hlist_del(&item->hash);
	assert_true(hlist_empty(&head));
}

static void llists(void **state)
{
	struct item items[3];
	struct llist_node *node, *tmp;
	LLIST_HEAD(head);
	int sum = 0;

	assert_true(llist_empty(&head));
	for (int i = 0; i < 3; i++) {
		items[i].value = i + 1;
		assert_int_equal(llist_add(&items[i].stack, &head), i == 0);
	}
	node = llist_del_all(&head);
	assert_true(llist_empty(&head));
	assert_int_equal(llist_entry(node, struct item, stack)->value, 3);
	llist_for_each_safe(node, tmp, llist_reverse(node))
		sum = sum * 10 + llist_entry(node, struct item, stack)->value;
	assert_int_equal(sum, 123);
	assert_null(llist_del_all(&head));
}

static void rings(void **state)
{
	struct rng rng = { 3 };
	u8 data[64];
	struct ring ring;
	u8 put = 0, got = 0;

	ring_init(&ring, data, sizeof(data));
	ring.head = ring.tail = 0xffffffe0;	/* the counters wrap on the way */
	for (int round = 0; round < 20000; round++) {
		u8 buf[100];
		u32 len = (u32)rng_below(&rng, sizeof(buf));
		u32 used = ring_used(&ring);
		u32 done;

		if (rng_u64(&rng) & 1) {
			for (u32 i = 0; i < len; i++)
				buf[i] = (u8)(put + i);
			done = ring_put(&ring, buf, len);
			assert_int_equal(done, MIN(len, 64 - used));
			put = (u8)(put + done);
		} else {
			u32 skip = (u32)rng_below(&rng, 10);
			u32 peeked = ring_peek(&ring, buf, len, skip);

			assert_int_equal(peeked, skip >= used ? 0 : MIN(len, used - skip));
			if (peeked)
				assert_int_equal(buf[0], (u8)(got + skip));
			done = ring_get(&ring, buf, len);
			assert_int_equal(done, MIN(len, used));
			for (u32 i = 0; i < done; i++)
				assert_int_equal(buf[i], (u8)(got + i));
			got = (u8)(got + done);
		}
		assert_int_equal(ring_used(&ring) + ring_free(&ring), 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_model), cmocka_unit_test(list_splices),
		cmocka_unit_test(list_rcu), cmocka_unit_test(hlists),
		cmocka_unit_test(llists), cmocka_unit_test(rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
