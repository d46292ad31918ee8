/*
 * Bits of a word: find, count, rotate, logarithms, byte order, unaligned access.
 *
 * ctz64, clz64, log2 of 0 are undefined, as the instructions are; ffs and fls of 0 are 0 (bits count
 * from 1 there, as ffs(3) has it).
 *
 * Contexts: any.
 */
#ifndef BASE_BITOPS_H
#define BASE_BITOPS_H

#include "base/types.h"

/* ffs(3) is the C library's name as well: this is an inline form of that same function. */
int ffs(int x);
extern inline __attribute__((gnu_inline, always_inline)) int ffs(int x)
{
	return __builtin_ffs(x);
}

/* Number (from 1) of the lowest bit set; 0 if none. */
static inline int ffs64(u64 x)
{
	return __builtin_ffsll((long long)x);
}

/* Number (from 1) of the highest bit set; 0 if none. */
static inline int fls(u32 x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline unsigned ctz32(u32 x)
{
	return (unsigned)__builtin_ctz(x);
}

static inline unsigned clz32(u32 x)
{
	return (unsigned)__builtin_clz(x);
}

static inline unsigned ctz64(u64 x)
{
	return (unsigned)__builtin_ctzll(x);
}

static inline unsigned clz64(u64 x)
{
	return (unsigned)__builtin_clzll(x);
}

/* Bits set.  Spelt out: without -mpopcnt the builtin is a call into the compiler's library. */
static inline unsigned popcount64(u64 x)
{
	x -= (x >> 1) & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned)((x * 0x0101010101010101ULL) >> 56);
}

static inline unsigned popcount32(u32 x)
{
	return popcount64(x);
}

#define popcount(x) popcount64((u64)(x))

static inline u32 rol32(u32 x, unsigned n)
{
	return (x << (n & 31)) | (x >> (-n & 31));
}

static inline u32 ror32(u32 x, unsigned n)
{
	return (x >> (n & 31)) | (x << (-n & 31));
}

static inline u64 rol64(u64 x, unsigned n)
{
	return (x << (n & 63)) | (x >> (-n & 63));
}

static inline u64 ror64(u64 x, unsigned n)
{
	return (x >> (n & 63)) | (x << (-n & 63));
}

static inline bool is_power_of_2(u64 x)
{
	return x && !(x & (x - 1));
}

/* Rounded down; @x is not 0. */
static inline unsigned log2_floor(u64 x)
{
	return 63 - clz64(x);
}

/* Rounded up; @x is not 0. */
static inline unsigned log2_ceil(u64 x)
{
	return x <= 1 ? 0 : 64 - clz64(x - 1);
}

/* The least power of two that is at least @x; 1 for 0.  @x is at most 2^63. */
static inline u64 roundup_pow2(u64 x)
{
	return x <= 1 ? 1 : 1ULL << log2_ceil(x);
}

/* The greatest power of two that is at most @x; @x is not 0. */
static inline u64 rounddown_pow2(u64 x)
{
	return 1ULL << log2_floor(x);
}

/* The least order such that PAGE_SIZE << order holds @bytes. */
static inline unsigned bytes_to_order(u64 bytes)
{
	return bytes <= PAGE_SIZE ? 0 : log2_ceil((bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* ---- unaligned and byte order (this machine is little-endian) ---- */

struct unaligned_u16 {
	u16 v;
} PACKED __attribute__((may_alias));
struct unaligned_u32 {
	u32 v;
} PACKED __attribute__((may_alias));
struct unaligned_u64 {
	u64 v;
} PACKED __attribute__((may_alias));

static inline u16 get_le16(const void *p)
{
	return ((const struct unaligned_u16 *)p)->v;
}

static inline u32 get_le32(const void *p)
{
	return ((const struct unaligned_u32 *)p)->v;
}

static inline u64 get_le64(const void *p)
{
	return ((const struct unaligned_u64 *)p)->v;
}

static inline u16 get_be16(const void *p)
{
	return __builtin_bswap16(get_le16(p));
}

static inline u32 get_be32(const void *p)
{
	return __builtin_bswap32(get_le32(p));
}

static inline u64 get_be64(const void *p)
{
	return __builtin_bswap64(get_le64(p));
}

static inline void put_le16(void *p, u16 v)
{
	((struct unaligned_u16 *)p)->v = v;
}

static inline void put_le32(void *p, u32 v)
{
	((struct unaligned_u32 *)p)->v = v;
}

static inline void put_le64(void *p, u64 v)
{
	((struct unaligned_u64 *)p)->v = v;
}

static inline void put_be16(void *p, u16 v)
{
	put_le16(p, __builtin_bswap16(v));
}

static inline void put_be32(void *p, u32 v)
{
	put_le32(p, __builtin_bswap32(v));
}

static inline void put_be64(void *p, u64 v)
{
	put_le64(p, __builtin_bswap64(v));
}

#endif
