/* Heap sort; see sort.h. */
#include "base/bitops.h"
#include "base/sort.h"

static void swap(u8 *a, u8 *b, size_t size)
{
	for (; size >= 8; size -= 8, a += 8, b += 8) {
		u64 w = get_le64(a);

		put_le64(a, get_le64(b));
		put_le64(b, w);
	}
	for (; size; size--, a++, b++) {
		u8 c = *a;

		*a = *b;
		*b = c;
	}
}

/*
 * The element at @root sinks to its place in the heap [0, count).  Bottom-up: go down by the greater child
 * to a leaf, which costs one comparison a level, then up to where the element belongs, which
 * is near the leaf for most.
 */
static void sift_down(u8 *base, size_t root, size_t count, size_t size, sort_compare_fn *compare,
		      void *ctx)
{
	size_t at = root;

	while (2 * at + 2 < count) {
		size_t child = 2 * at + 1;

		if (compare(base + child * size, base + (child + 1) * size, ctx) < 0)
			child++;
		at = child;
	}
	if (2 * at + 1 < count)
		at = 2 * at + 1;
	while (at != root && compare(base + root * size, base + at * size, ctx) >= 0)
		at = (at - 1) / 2;
	/* Everything on the path from below @root to @at moves up by one; the element comes to @at. */
	for (size_t place = at; place != root; place = (place - 1) / 2)
		swap(base + root * size, base + place * size, size);
}

void sort(void *array, size_t count, size_t size, sort_compare_fn *compare, void *ctx)
{
	u8 *base = array;

	for (size_t root = count / 2; root-- > 0;)
		sift_down(base, root, count, size, compare, ctx);
	for (size_t end = count; end-- > 1;) {
		swap(base, base + end * size, size);
		sift_down(base, 0, end, size, compare, ctx);
	}
}

size_t sort_search(const void *key, const void *array, size_t count, size_t size,
		   sort_compare_fn *compare, void *ctx)
{
	size_t from = 0;

	while (count) {
		size_t half = count / 2;

		if (compare(key, (const u8 *)array + (from + half) * size, ctx) > 0) {
			from += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return from;
}
