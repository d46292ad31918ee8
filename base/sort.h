/*
 * Heap sort, in place, no recursion, O(n log n) always; not stable.  And binary search.
 *
 * Contexts: any; @compare must not change the array.
 * Source: Williams, "Algorithm 232: Heapsort", 1964; the bottom-up variant of Wegener, 1993.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include "base/types.h"

/* Less than, equal to, greater than 0 as *a is before, like, after *b. */
typedef int sort_compare_fn(const void *a, const void *b, void *ctx);

/** sort - @count elements of @size bytes, ascending by @compare. */
void sort(void *array, size_t count, size_t size, sort_compare_fn *compare, void *ctx);

/**
 * sort_search - binary search in a sorted array
 * @compare: called with (@key, element, @ctx)
 * Return: the first element that is not before @key's place: its index, or @count
 */
size_t sort_search(const void *key, const void *array, size_t count, size_t size,
		   sort_compare_fn *compare, void *ctx);

#endif
