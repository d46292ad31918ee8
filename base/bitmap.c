/* Bitmaps; see bitmap.h. */
#include "base/bitmap.h"

/* Bits [from, to) of one word; from < to <= 64. */
static inline u64 word_mask(unsigned from, unsigned to)
{
	return (~0ULL << from) & (~0ULL >> (64 - to));
}

/* The bits of the last word that are within @bits. */
static inline u64 tail_mask(u64 bits)
{
	return ~0ULL >> (-bits & 63);
}

void bitmap_set(u64 *map, u64 start, u64 len)
{
	while (len) {
		unsigned from = start % 64;
		u64 count = MIN(len, 64ULL - from);

		map[start / 64] |= word_mask(from, from + (unsigned)count);
		start += count;
		len -= count;
	}
}

void bitmap_clear(u64 *map, u64 start, u64 len)
{
	while (len) {
		unsigned from = start % 64;
		u64 count = MIN(len, 64ULL - from);

		map[start / 64] &= ~word_mask(from, from + (unsigned)count);
		start += count;
		len -= count;
	}
}

void bitmap_fill(u64 *map, u64 bits)
{
	bitmap_set(map, 0, bits);
}

void bitmap_zero(u64 *map, u64 bits)
{
	bitmap_clear(map, 0, bits);
}

/* @flip: ~0 to look for zero bits. */
static ALWAYS_INLINE u64 find_next(const u64 *map, u64 bits, u64 start, u64 flip)
{
	u64 word;
	u64 seen;

	if (start >= bits)
		return bits;
	word = start / 64;
	seen = (READ_ONCE(map[word]) ^ flip) & (~0ULL << (start % 64));
	while (!seen) {
		word++;
		if (word * 64 >= bits)
			return bits;
		seen = READ_ONCE(map[word]) ^ flip;
	}
	return MIN(word * 64 + ctz64(seen), bits);
}

u64 find_next_bit(const u64 *map, u64 bits, u64 start)
{
	return find_next(map, bits, start, 0);
}

u64 find_next_zero_bit(const u64 *map, u64 bits, u64 start)
{
	return find_next(map, bits, start, ~0ULL);
}

u64 find_last_bit(const u64 *map, u64 bits)
{
	u64 word = BITMAP_WORDS(bits);
	u64 mask = tail_mask(bits);

	while (word--) {
		u64 seen = map[word] & mask;

		if (seen)
			return word * 64 + log2_floor(seen);
		mask = ~0ULL;
	}
	return bits;
}

u64 bitmap_find_zero_area(const u64 *map, u64 bits, u64 start, u64 len, u64 align)
{
	while (start < bits) {
		u64 stop;

		start = ALIGN_UP(find_next_zero_bit(map, bits, start), align);
		if (start > bits || len > bits - start)
			break;
		stop = find_next_bit(map, start + len, start);
		if (stop == start + len)
			return start;
		start = stop + 1;
	}
	return bits;
}

u64 bitmap_weight(const u64 *map, u64 bits)
{
	u64 count = 0;
	u64 word;

	for (word = 0; word < bits / 64; word++)
		count += popcount64(map[word]);
	if (bits % 64)
		count += popcount64(map[word] & tail_mask(bits));
	return count;
}

bool bitmap_empty(const u64 *map, u64 bits)
{
	return find_first_bit(map, bits) == bits;
}

bool bitmap_full(const u64 *map, u64 bits)
{
	return find_first_zero_bit(map, bits) == bits;
}

/* Is (a ^ flip_a) & (b ^ flip_b), or a ^ b, nowhere set?  One loop for the three comparisons. */
enum compare {
	COMPARE_XOR,
	COMPARE_AND,
	COMPARE_ANDNOT,
};

static ALWAYS_INLINE bool none_set(const u64 *a, const u64 *b, u64 bits, enum compare how)
{
	for (u64 word = 0; word < BITMAP_WORDS(bits); word++) {
		u64 mask = (word + 1) * 64 > bits ? tail_mask(bits) : ~0ULL;
		u64 value = how == COMPARE_XOR ? a[word] ^ b[word] :
			    how == COMPARE_AND ? a[word] & b[word] :
						 a[word] & ~b[word];

		if (value & mask)
			return false;
	}
	return true;
}

bool bitmap_equal(const u64 *a, const u64 *b, u64 bits)
{
	return none_set(a, b, bits, COMPARE_XOR);
}

bool bitmap_subset(const u64 *a, const u64 *b, u64 bits)
{
	return none_set(a, b, bits, COMPARE_ANDNOT);
}

bool bitmap_intersects(const u64 *a, const u64 *b, u64 bits)
{
	return !none_set(a, b, bits, COMPARE_AND);
}

/* The bits of @value within @bits go to to[word]; the others stay. */
static inline void put_word(u64 *to, u64 word, u64 bits, u64 value)
{
	u64 mask = (word + 1) * 64 > bits ? tail_mask(bits) : ~0ULL;

	to[word] = (to[word] & ~mask) | (value & mask);
}

void bitmap_copy(u64 *to, const u64 *from, u64 bits)
{
	for (u64 word = 0; word < BITMAP_WORDS(bits); word++)
		put_word(to, word, bits, from[word]);
}

void bitmap_and(u64 *to, const u64 *a, const u64 *b, u64 bits)
{
	for (u64 word = 0; word < BITMAP_WORDS(bits); word++)
		put_word(to, word, bits, a[word] & b[word]);
}

void bitmap_or(u64 *to, const u64 *a, const u64 *b, u64 bits)
{
	for (u64 word = 0; word < BITMAP_WORDS(bits); word++)
		put_word(to, word, bits, a[word] | b[word]);
}

void bitmap_andnot(u64 *to, const u64 *a, const u64 *b, u64 bits)
{
	for (u64 word = 0; word < BITMAP_WORDS(bits); word++)
		put_word(to, word, bits, a[word] & ~b[word]);
}
