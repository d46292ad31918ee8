/* Small-number allocator; see idr.h.  Bits past the limit in the last words count as taken. */
#include <linux/errno.h>

#include "base/idr.h"

static inline u32 word_count(const struct ida *ida)
{
	return (u32)BITMAP_WORDS((u64)ida->limit);
}

/* Mark as taken what the last words hold past the ends. */
static void set_tails(struct ida *ida)
{
	u32 words = word_count(ida);

	bitmap_set(ida->used, ida->limit, (u64)words * 64 - ida->limit);
	bitmap_set(ida->full, words, BITMAP_WORDS((u64)words) * 64 - words);
}

void ida_init(struct ida *ida, u64 *memory, u32 limit)
{
	ida->used = memory;
	ida->full = memory + BITMAP_WORDS((u64)limit);
	ida->limit = limit;
	ida->next = 0;
	ida->count = 0;
	for (u64 i = 0; i < IDA_WORDS((u64)limit); i++)
		memory[i] = 0;
	set_tails(ida);
}

void ida_grow(struct ida *ida, u64 *memory, u32 limit)
{
	struct ida old = *ida;

	ida_init(ida, memory, limit);
	bitmap_copy(ida->used, old.used, old.limit);
	for (u32 word = 0; word < word_count(ida); word++) {
		if (ida->used[word] == ~0ULL)
			bitmap_set_bit(ida->full, word);
	}
	ida->next = old.next;
	ida->count = old.count;
}

static void take(struct ida *ida, u32 number)
{
	bitmap_set_bit(ida->used, number);
	if (ida->used[number / 64] == ~0ULL)
		bitmap_set_bit(ida->full, number / 64);
	ida->count++;
}

/* The lowest free number in [@min, @max], or the limit. */
static u32 find_free(const struct ida *ida, u32 min, u32 max)
{
	u64 word = min / 64;
	u64 free;
	u64 number;

	if (min >= ida->limit)
		return ida->limit;
	free = ~ida->used[word] & (~0ULL << (min % 64));
	if (!free) {
		word = find_next_zero_bit(ida->full, word_count(ida), word + 1);
		if (word >= word_count(ida))
			return ida->limit;
		free = ~ida->used[word];
	}
	number = word * 64 + ctz64(free);
	return number <= max ? (u32)number : ida->limit;
}

s32 ida_alloc(struct ida *ida, u32 min, u32 max)
{
	u32 number = find_free(ida, min, max);

	if (number == ida->limit)
		return -ENOSPC;
	take(ida, number);
	return (s32)number;
}

s32 ida_alloc_cyclic(struct ida *ida, u32 min, u32 max)
{
	u32 number = ida->limit;

	if (ida->next > min && ida->next <= max)
		number = find_free(ida, ida->next, max);
	if (number == ida->limit)
		number = find_free(ida, min, max);
	if (number == ida->limit)
		return -ENOSPC;
	take(ida, number);
	ida->next = number + 1;
	return (s32)number;
}

int ida_take(struct ida *ida, u32 number)
{
	if (number >= ida->limit)
		return -ENOSPC;
	if (bitmap_test_bit(ida->used, number))
		return -EBUSY;
	take(ida, number);
	return 0;
}

bool ida_free(struct ida *ida, u32 number)
{
	if (!ida_is_taken(ida, number))
		return false;
	bitmap_clear_bit(ida->used, number);
	bitmap_clear_bit(ida->full, number / 64);
	ida->count--;
	return true;
}

bool ida_is_taken(const struct ida *ida, u32 number)
{
	return number < ida->limit && bitmap_test_bit(ida->used, number);
}
