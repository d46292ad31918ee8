/*
 * The hashes by which directories are indexed: legacy, half MD4, TEA; of signed and of unsigned characters.  Pure.
 *
 * Source: Documentation/filesystems/ext4/directory.rst; the functions themselves: e2fsprogs, lib/ext2fs/dirhash.c (its
 * description of constants and order); RFC 1320 (MD4); Wheeler and Needham, "TEA, a tiny encryption algorithm", 1994.
 */
#include "base/bitops.h"
#include "base/string.h"
#include "fs/ext4/format.h"
#include "fs/ext4/hash.h"

static void tea(u32 buf[4], const u32 in[4])
{
	u32 sum = 0, x = buf[0], y = buf[1];

	for (unsigned n = 0; n < 16; n++) {
		sum += 0x9e3779b9;
		x += ((y << 4) + in[0]) ^ (y + sum) ^ ((y >> 5) + in[1]);
		y += ((x << 4) + in[2]) ^ (x + sum) ^ ((x >> 5) + in[3]);
	}
	buf[0] += x;
	buf[1] += y;
}

static u32 choose(u32 x, u32 y, u32 z) { return z ^ (x & (y ^ z)); }
static u32 majority(u32 x, u32 y, u32 z) { return (x & y) + ((x ^ y) & z); }
static u32 parity(u32 x, u32 y, u32 z) { return x ^ y ^ z; }

/* One round of eight steps: which words, in which order, rotated how far. */
static void md4_round(u32 v[4], u32 (*f)(u32, u32, u32), const u32 in[8], const u8 order[8], const u8 turn[4], u32 add)
{
	for (unsigned k = 0; k < 8; k++) {
		u32 *a = &v[(4 - k % 4) % 4], b = v[(5 - k % 4) % 4], c = v[(6 - k % 4) % 4], d = v[(7 - k % 4) % 4];

		*a = rol32(*a + f(b, c, d) + in[order[k]] + add, turn[k % 4]);
	}
}

static void half_md4(u32 buf[4], const u32 in[8])
{
	static const u8 order[3][8] = { { 0, 1, 2, 3, 4, 5, 6, 7 }, { 1, 3, 5, 7, 0, 2, 4, 6 }, { 3, 7, 2, 6, 1, 5, 0, 4 } };
	static const u8 turn[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	u32 v[4] = { buf[0], buf[1], buf[2], buf[3] };

	md4_round(v, choose, in, order[0], turn[0], 0);
	md4_round(v, majority, in, order[1], turn[1], 0x5a827999);
	md4_round(v, parity, in, order[2], turn[2], 0x6ed9eba1);
	for (unsigned k = 0; k < 4; k++)
		buf[k] += v[k];
}

static s32 character(const char *s, u32 k, bool is_unsigned)
{
	return is_unsigned ? (s32)(u8)s[k] : (s32)(s8)s[k];
}

static u32 legacy(const char *name, u32 len, bool is_unsigned)
{
	u32 h0 = 0x12a3fe2d, h1 = 0x37abe8f9;

	for (u32 k = 0; k < len; k++) {
		u32 h = h1 + (h0 ^ (u32)(character(name, k, is_unsigned) * 7152373));

		if (h & 0x80000000)
			h -= 0x7fffffff;
		h1 = h0;
		h0 = h;
	}
	return h0 << 1;
}

/* The next up to 4 * @words characters as words; what is missing is filled up with the length. */
static void words_of(const char *s, u32 len, u32 *out, u32 words, bool is_unsigned)
{
	u32 pad = len | len << 8, val, k;

	pad |= pad << 16;
	val = pad;
	len = MIN(len, words * 4);
	for (k = 0; k < len; k++) {
		val = (u32)character(s, k, is_unsigned) + (val << 8);
		if (k % 4 == 3) {
			*out++ = val;
			val = pad;
			words--;
		}
	}
	if (words) {
		*out++ = val;
		words--;
	}
	while (words--)
		*out++ = pad;
}

void ext4_hash(const char *name, u32 len, u32 version, const u32 seed[4], struct hash_info *out)
{
	u32 buf[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }, in[8];
	bool is_unsigned = version >= HASH_LEGACY_U;
	u32 kind = is_unsigned ? version - HASH_LEGACY_U : version, step = kind == HASH_TEA ? 16 : 32;

	if (seed[0] | seed[1] | seed[2] | seed[3])
		memcpy(buf, seed, sizeof(buf));
	out->minor = 0;
	if (kind == HASH_LEGACY) {
		out->hash = legacy(name, len, is_unsigned);
	} else {
		for (s64 left = len; left > 0; left -= step, name += step) {
			words_of(name, (u32)left, in, step / 4, is_unsigned);
			if (kind == HASH_TEA)
				tea(buf, in);
			else
				half_md4(buf, in);
		}
		out->hash = kind == HASH_TEA ? buf[0] : buf[1];
		out->minor = kind == HASH_TEA ? buf[1] : buf[2];
	}
	out->hash &= ~1u;
	if (out->hash == 0xfffffffe)
		out->hash = 0xfffffffc;
}
