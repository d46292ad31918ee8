/*
 * Small-number allocator over a bitmap in memory that the owner gives: file descriptors, device minors,
 * pids.  Two manners: the lowest free number, or cyclic (the next free one after the last given, so that
 * a number is not soon used again).
 *
 * A second, 64 times smaller level says which words are full, so that a search skips 4,096 numbers a
 * step.
 *
 * Locks: none; the owner excludes callers from each other.
 * Contexts: any.
 */
#ifndef BASE_IDR_H
#define BASE_IDR_H

#include "base/bitmap.h"
#include "base/types.h"

struct ida {
	u64 *used;		/* bit n: number n is taken */
	u64 *full;		/* bit w: used[w] has no free bit */
	u32 limit;		/* numbers are [0, limit) */
	u32 next;		/* where ida_alloc_cyclic starts */
	u32 count;		/* numbers taken */
};

/* Words of memory for numbers [0, limit): both levels. */
#define IDA_WORDS(limit) (BITMAP_WORDS(limit) + BITMAP_WORDS(BITMAP_WORDS(limit)))

/** ida_init - @memory: IDA_WORDS(@limit) words, contents arbitrary; @limit at most 2^31. */
void ida_init(struct ida *ida, u64 *memory, u32 limit);

/**
 * ida_grow - move to larger memory; nothing taken changes
 * @memory: IDA_WORDS(@limit) words; the old memory is the caller's again
 * @limit:  at least the limit so far
 */
void ida_grow(struct ida *ida, u64 *memory, u32 limit);

/**
 * ida_alloc - take the lowest free number in [@min, @max]
 * Return: the number, or -ENOSPC
 */
MUST_CHECK s32 ida_alloc(struct ida *ida, u32 min, u32 max);

/** ida_alloc_cyclic - as ida_alloc, beginning after the last number it gave, then from @min again. */
MUST_CHECK s32 ida_alloc_cyclic(struct ida *ida, u32 min, u32 max);

/** ida_take - take @number itself: 0, -EBUSY if it is taken, -ENOSPC if it is not below the limit. */
MUST_CHECK int ida_take(struct ida *ida, u32 number);

/** ida_free - give back a number; freeing one that is not taken does nothing and returns false. */
bool ida_free(struct ida *ida, u32 number);

bool ida_is_taken(const struct ida *ida, u32 number);

#endif
