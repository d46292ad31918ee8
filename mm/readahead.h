/*
 * What to read ahead: a pure function of a file's read-ahead state and the access.  readahead.c reads it.
 */
#ifndef MM_READAHEAD_H
#define MM_READAHEAD_H

#include "mm/mapping.h"

enum { READAHEAD_MAX_PAGES = 64 };

struct readahead_plan {
	u64 start, count;	/* pages to read; count >= 1 */
	u64 mark;		/* the page that, when touched, starts the next window; ~0: none */
};

/**
 * readahead_plan_miss - the page at @index is needed and not cached
 * @ra:   state, updated; NULL: none (faults): the aligned window of @want pages around @index
 * @want: pages that the caller needs from @index on, at least 1
 */
void readahead_plan_miss(struct readahead *ra, u64 index, u64 want, struct readahead_plan *out);
/** readahead_plan_mark - the marked page at @index was touched: the window after the current one. */
void readahead_plan_mark(struct readahead *ra, u64 index, struct readahead_plan *out);

#endif
