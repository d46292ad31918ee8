/* Areas: the tree against a map of pages; places; splitting and merging. */
#include "tests/unit/unit.h"
#include "mm/internal.h"
#include "tests/unit/mm/stubs.h"

enum { PAGES = 600, BASE = 1024, STEPS = 4000 };

static struct mm mm;
static u32 model[PAGES];		/* 0: free; else the area's flags */

static u64 addr_of(unsigned page)
{
	return (u64)(BASE + page) << PAGE_SHIFT;
}

static void setup(void)
{
	memset(&mm, 0, sizeof(mm));
	memset(model, 0, sizeof(model));
	vma_init();
}

static struct vma *add(unsigned first, unsigned count, u32 flags)
{
	struct vma *v = vma_alloc();

	v->start = addr_of(first);
	v->end = addr_of(first + count);
	v->pgoff = v->start >> PAGE_SHIFT;
	v->flags = flags;
	vma_link(&mm, v);
	for (unsigned i = 0; i < count; i++)
		model[first + i] = flags;
	return v;
}

static void check_tree(void)
{
	struct vma *v, *prev = NULL;
	unsigned n = 0, page = 0;

	for (v = vma_first(&mm); v; v = vma_next(v), n++) {
		u64 guard = v->flags & VM_GROWSDOWN ? STACK_GUARD_BYTES : 0, from = prev ? prev->end : 0;

		assert_true(!prev || prev->end <= v->start);
		assert_true(v->gap == (v->start > from + guard ? v->start - guard - from : 0));
		for (; addr_of(page) < v->start; page++)
			assert_int_equal(model[page], 0);
		for (; addr_of(page) < v->end; page++)
			assert_int_equal(model[page], v->flags);
		prev = v;
	}
	for (; page < PAGES; page++)
		assert_int_equal(model[page], 0);
	assert_int_equal(n, mm.vma_count);
}

/* The highest run of @count free pages in [low, high), no guards. */
static u64 model_gap(unsigned count, unsigned low, unsigned high)
{
	for (unsigned at = high - count + 1; at-- > low;) {
		unsigned i = 0;

		while (i < count && !model[at + i])
			i++;
		if (i == count)
			return addr_of(at);
	}
	return 0;
}

static void remove_range(unsigned first, unsigned count)
{
	LIST_HEAD(dead);
	struct vma *v, *next;

	assert_int_equal(vma_isolate(&mm, addr_of(first), addr_of(first + count)), 0);
	for (v = vma_overlap(&mm, addr_of(first), addr_of(first + count)); v && v->start < addr_of(first + count); v = next) {
		next = vma_next(v);
		vma_unlink(&mm, v);
		list_add_tail(&v->anon_node, &dead);
	}
	vmas_release(&dead);
	for (unsigned i = 0; i < count; i++)
		model[first + i] = 0;
}

static void test_random(void **state)
{
	struct rng rng = { 12345 };

	setup();
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned count = 1 + rng_below(&rng, 20), first = rng_below(&rng, PAGES - count);
		unsigned low = rng_below(&rng, PAGES / 2), high = PAGES / 2 + rng_below(&rng, PAGES / 2);
		LIST_HEAD(dead);

		assert_int_equal(vma_gap_find(&mm, (u64)count << PAGE_SHIFT, addr_of(low), addr_of(high)),
				 count <= high - low ? model_gap(count, low, high) : 0);
		remove_range(first, count);
		if (rng_below(&rng, 2)) {
			struct vma *v = add(first, count, VM_READ | (rng_below(&rng, 2) ? VM_WRITE : 0));

			if (rng_below(&rng, 2))
				vma_merge_around(&mm, v, &dead);
		}
		vmas_release(&dead);
		check_tree();
	}
	remove_range(0, PAGES);
}

static void test_guard(void **state)
{
	struct vma *v;

	setup();
	v = add(500, 10, VM_READ | VM_WRITE | VM_GROWSDOWN);
	assert_int_equal(vma_gap_find(&mm, PAGE_SIZE, addr_of(0), addr_of(505)), addr_of(500 - 256 - 1));
	assert_int_equal(vma_gap_find(&mm, PAGE_SIZE, addr_of(250), addr_of(505)), 0);
	assert_int_equal(v->gap, addr_of(500 - 256));
	remove_range(0, PAGES);
}

static void test_merge_rules(void **state)
{
	struct vma a = { .start = 0x10000, .end = 0x12000, .pgoff = 0x10, .flags = VM_READ }, b = a;
	int x, y;

	b.start = 0x12000;
	b.end = 0x13000;
	b.pgoff = 0x12;
	assert_true(vma_can_merge(&a, &b));
	b.pgoff = 0x13;
	assert_false(vma_can_merge(&a, &b));
	b.pgoff = 0x12;
	b.flags = VM_READ | VM_WRITE;
	assert_false(vma_can_merge(&a, &b));
	b.flags = VM_READ;
	a.anon = (void *)&x;
	assert_true(vma_can_merge(&a, &b));
	b.anon = (void *)&y;
	assert_false(vma_can_merge(&a, &b));
	b.anon = a.anon;
	assert_true(vma_can_merge(&a, &b));
	b.owner = &y;
	assert_false(vma_can_merge(&a, &b));
}

static void test_no_memory(void **state)
{
	setup();
	add(10, 20, VM_READ);
	stub_no_memory = true;
	assert_int_equal(vma_isolate(&mm, addr_of(15), addr_of(20)), -ENOMEM);
	assert_null(vma_alloc());
	stub_no_memory = false;
	check_tree();
	assert_int_equal(mm.vma_count, 1);
	remove_range(0, PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_merge_rules),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
