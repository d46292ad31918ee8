/*
 * The Internet checksum, eight bytes a step.  Pure.
 *
 * Source: RFC 1071, section 2 (any word size will do; the carries come round).
 */
#include "net/checksum.h"

static u32 fold64(u64 s)
{
	s = (s & 0xffffffff) + (s >> 32);
	return (u32)(s + (s >> 32));
}

/* Add @v and its carry. */
static u64 add64(u64 s, u64 v)
{
	s += v;
	return s + (s < v);
}

/* The last n < 8 bytes as one word, in memory order. */
static u64 tail_word(const u8 *p, size_t n)
{
	u64 v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (u64)p[i] << (i * 8);
	return v;
}

u32 csum_partial(const void *data, size_t n, u32 sum)
{
	const u8 *p = data;
	u64 s = sum;

	for (; n >= 8; n -= 8, p += 8)
		s = add64(s, get_le64(p));
	return fold64(add64(s, tail_word(p, n)));
}

u32 csum_copy(void *dst, const void *src, size_t n, u32 sum)
{
	memcpy(dst, src, n);
	return csum_partial(dst, n, sum);
}
