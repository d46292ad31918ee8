/* Hash functions; see hash.h. */
#include "base/bitops.h"
#include "base/hash.h"

#define MULTIPLIER 0x9e3779b97f4a7c15ULL	/* 2^64 divided by the golden ratio */

/* Up to 7 bytes, the first lowest. */
static inline u64 load_tail(const u8 *b, size_t len)
{
	u64 w = 0;

	for (size_t i = 0; i < len; i++)
		w |= (u64)b[i] << (8 * i);
	return w;
}

static ALWAYS_INLINE void sip_round(u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rol64(v[1], 13) ^ v[0];
	v[3] = rol64(v[3], 16) ^ v[2];
	v[0] = rol64(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rol64(v[1], 17) ^ v[2];
	v[3] = rol64(v[3], 21) ^ v[0];
	v[2] = rol64(v[2], 32);
}

u64 siphash(const void *data, size_t len, const struct siphash_key *key)
{
	const u8 *b = data;
	u64 last = (u64)len << 56;
	u64 v[4] = {
		key->k[0] ^ 0x736f6d6570736575ULL,
		key->k[1] ^ 0x646f72616e646f6dULL,
		key->k[0] ^ 0x6c7967656e657261ULL,
		key->k[1] ^ 0x7465646279746573ULL,
	};

	for (; len >= 8; len -= 8, b += 8) {
		u64 w = get_le64(b);

		v[3] ^= w;
		sip_round(v);
		sip_round(v);
		v[0] ^= w;
	}
	last |= load_tail(b, len);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static ALWAYS_INLINE void half_round(u32 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rol32(v[1], 5) ^ v[0];
	v[3] = rol32(v[3], 8) ^ v[2];
	v[0] = rol32(v[0], 16);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rol32(v[1], 13) ^ v[2];
	v[3] = rol32(v[3], 7) ^ v[0];
	v[2] = rol32(v[2], 16);
}

static ALWAYS_INLINE void half_absorb(u32 v[4], u32 w, unsigned c)
{
	v[3] ^= w;
	for (unsigned i = 0; i < c; i++)
		half_round(v);
	v[0] ^= w;
}

static ALWAYS_INLINE u32 half_sip(const u8 *b, size_t len, const struct halfsiphash_key *key,
				  unsigned c, unsigned d)
{
	u32 last = (u32)len << 24;
	u32 v[4] = {
		key->k[0],
		key->k[1],
		key->k[0] ^ 0x6c796765U,
		key->k[1] ^ 0x74656462U,
	};

	for (; len >= 4; len -= 4, b += 4)
		half_absorb(v, get_le32(b), c);
	half_absorb(v, last | (u32)load_tail(b, len), c);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < d; i++)
		half_round(v);
	return v[1] ^ v[3];
}

u32 halfsiphash(const void *data, size_t len, const struct halfsiphash_key *key)
{
	return half_sip(data, len, key, 1, 3);
}

u32 halfsiphash_rounds(const void *data, size_t len, const struct halfsiphash_key *key, unsigned c,
		       unsigned d)
{
	return half_sip(data, len, key, c, d);
}

u64 hash_name(const char *name, size_t len, u64 seed)
{
	const u8 *b = (const u8 *)name;
	u64 h = seed + len * MULTIPLIER;

	for (; len > 8; len -= 8, b += 8) {
		h = (h ^ get_le64(b)) * MULTIPLIER;
		h ^= h >> 29;
	}
	if (len == 8)
		h ^= get_le64(b);
	else if (len >= 4)
		h ^= get_le32(b) | ((u64)get_le32(b + len - 4) << 32);
	else if (len)
		h ^= b[0] | ((u64)b[len / 2] << 8) | ((u64)b[len - 1] << 16);
	return hash_u64(h);
}

u32 hash_words(const u32 *words, size_t count, u32 seed)
{
	u64 h = (((u64)count << 32) | seed) + MULTIPLIER;

	for (; count >= 2; count -= 2, words += 2) {
		h = (h ^ (words[0] | ((u64)words[1] << 32))) * MULTIPLIER;
		h ^= h >> 29;
	}
	if (count)
		h ^= words[0];
	return (u32)hash_u64(h);
}
