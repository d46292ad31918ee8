/*
 * Read-ahead windows.
 *
 *	|<------------ size ------------>|
 *	start            mark            next window starts here
 *	                 |<-async_size-->|
 *
 * A file read from its start or on from where the last read ended is read in windows.  The first is a few times what was
 * asked for; when the reader touches the marked page, the next one, up to twice as large, is started, so that it is
 * there when the reader comes to it.  Everything else is a random access: only what was asked for is read.
 *
 * Pure: no locks, no clock.
 */
#include "mm/readahead.h"
#include "base/bitops.h"

static u64 first_size(u64 want)
{
	u64 size = roundup_pow2(MIN(want, (u64)READAHEAD_MAX_PAGES));

	if (size <= READAHEAD_MAX_PAGES / 16)
		return size * 4;
	if (size <= READAHEAD_MAX_PAGES / 4)
		return size * 2;
	return READAHEAD_MAX_PAGES;
}

static u64 next_size(u64 size)
{
	if (size < READAHEAD_MAX_PAGES / 16)
		return MAX(size, 1u) * 4;
	return MIN(size * 2, (u64)READAHEAD_MAX_PAGES);
}

static void window(struct readahead *ra, struct readahead_plan *out)
{
	out->start = ra->start;
	out->count = ra->size;
	out->mark = ra->async_size ? ra->start + ra->size - ra->async_size : ~0ull;
}

void readahead_plan_miss(struct readahead *ra, u64 index, u64 want, struct readahead_plan *out)
{
	u64 span;

	if (!ra) {
		span = roundup_pow2(MIN(want, (u64)READAHEAD_MAX_PAGES));
		out->start = index & ~(span - 1);
		out->count = span;
		out->mark = ~0ull;
		return;
	}
	if (ra->size && index == ra->start + ra->size) {		/* ran past the window */
		ra->start = index;
		ra->size = MAX(next_size(ra->size), MIN(want, (u64)READAHEAD_MAX_PAGES));
		ra->async_size = ra->size;
	} else if (index == 0 || index == ra->prev_index || index == ra->prev_index + 1) {
		ra->start = index;
		ra->size = first_size(want);
		ra->async_size = ra->size > want ? ra->size - want : ra->size;
	} else {
		out->start = index;
		out->count = MIN(want, (u64)READAHEAD_MAX_PAGES);
		out->mark = ~0ull;
		return;
	}
	if (ra->async_size == ra->size && ra->size > 1)
		ra->async_size = ra->size - 1;				/* the first page is about to be read: mark the second */
	window(ra, out);
}

void readahead_plan_mark(struct readahead *ra, u64 index, struct readahead_plan *out)
{
	bool current = index >= ra->start && index - ra->start < ra->size;

	ra->start = current ? ra->start + ra->size : index + 1;
	ra->size = next_size(ra->size);
	ra->async_size = ra->size;
	window(ra, out);
}
