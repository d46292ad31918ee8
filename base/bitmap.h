/*
 * Bitmaps: arrays of u64, bit n in word n / 64.
 *
 * Sizes are in bits and need not be multiples of 64; what lies past the size in the last word is
 * neither read into a result nor changed.  Nothing here is atomic: see atomic_set_bit() for that.
 *
 * Contexts: any; the owner excludes writers.
 */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include "base/bitops.h"
#include "base/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)
#define BITMAP_BYTES(bits) (BITMAP_WORDS(bits) * sizeof(u64))
#define DECLARE_BITMAP(name, bits) u64 name[BITMAP_WORDS(bits)]

static inline void bitmap_set_bit(u64 *map, u64 bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear_bit(u64 *map, u64 bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

static inline bool bitmap_test_bit(const u64 *map, u64 bit)
{
	return (READ_ONCE(map[bit / 64]) >> (bit % 64)) & 1;
}

/* Set or clear @len bits from @start on. */
void bitmap_set(u64 *map, u64 start, u64 len);
void bitmap_clear(u64 *map, u64 start, u64 len);

/* Set or clear bits [0, @bits). */
void bitmap_fill(u64 *map, u64 bits);
void bitmap_zero(u64 *map, u64 bits);

/**
 * find_next_bit, find_next_zero_bit - the first such bit in [@start, @bits)
 * Return: its number, or @bits if there is none
 */
u64 find_next_bit(const u64 *map, u64 bits, u64 start);
u64 find_next_zero_bit(const u64 *map, u64 bits, u64 start);

static inline u64 find_first_bit(const u64 *map, u64 bits)
{
	return find_next_bit(map, bits, 0);
}

static inline u64 find_first_zero_bit(const u64 *map, u64 bits)
{
	return find_next_zero_bit(map, bits, 0);
}

#define find_first_zero(map, bits) find_first_zero_bit(map, bits)
#define find_next_zero(map, bits, start) find_next_zero_bit(map, bits, start)

/** find_last_bit - the highest bit set in [0, @bits), or @bits if there is none. */
u64 find_last_bit(const u64 *map, u64 bits);

/**
 * bitmap_find_zero_area - @len clear bits in a row
 * @align: the run starts at a multiple of this power of two
 * Return: where the first such run in [@start, @bits) starts, or @bits if there is none
 */
u64 bitmap_find_zero_area(const u64 *map, u64 bits, u64 start, u64 len, u64 align);

/* How many bits of [0, @bits) are set. */
u64 bitmap_weight(const u64 *map, u64 bits);

bool bitmap_empty(const u64 *map, u64 bits);
bool bitmap_full(const u64 *map, u64 bits);
bool bitmap_equal(const u64 *a, const u64 *b, u64 bits);
bool bitmap_subset(const u64 *a, const u64 *b, u64 bits);	/* every bit of @a is in @b */
bool bitmap_intersects(const u64 *a, const u64 *b, u64 bits);

void bitmap_copy(u64 *to, const u64 *from, u64 bits);
void bitmap_and(u64 *to, const u64 *a, const u64 *b, u64 bits);
void bitmap_or(u64 *to, const u64 *a, const u64 *b, u64 bits);
void bitmap_andnot(u64 *to, const u64 *a, const u64 *b, u64 bits);

/* @bit: a u64 variable, or a u32 if the map is that small. */
#define bitmap_for_each_set(bit, map, bits) \
	for ((bit) = find_next_bit(map, bits, 0); (bit) < (bits); \
	     (bit) = find_next_bit(map, bits, (bit) + 1))

#define for_each_set_bit(bit, map, bits) bitmap_for_each_set(bit, map, bits)

#endif
