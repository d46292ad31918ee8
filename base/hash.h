/*
 * Hash functions.
 *
 *   siphash, halfsiphash   keyed; for tables whose keys an adversary chooses
 *   hash_name              fast, seeded; for file names
 *   hash_u64, hash_ptr     one word
 *   hash_words             tuples of u32
 *
 * Contexts: any.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; hash_u64 is the finalizer of
 *         splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/types.h"

struct siphash_key {
	u64 k[2];
};

struct halfsiphash_key {
	u32 k[2];
};

/** siphash - SipHash-2-4 of @len bytes. */
u64 siphash(const void *data, size_t len, const struct siphash_key *key);

/** halfsiphash - HalfSipHash-1-3 with 32 bits of output. */
u32 halfsiphash(const void *data, size_t len, const struct halfsiphash_key *key);

/** halfsiphash_rounds - HalfSipHash-c-d, 32 bits of output. */
u32 halfsiphash_rounds(const void *data, size_t len, const struct halfsiphash_key *key, unsigned c,
		       unsigned d);

/** hash_u64 - every bit of @x changes about half of the bits of the result; one to one. */
static inline u64 hash_u64(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return x;
}

/* The upper @bits (1 to 64) of a multiplicative hash: an index into a table of 2^bits. */
static inline u64 hash_bits(u64 x, unsigned bits)
{
	return (x * 0x9e3779b97f4a7c15ULL) >> (64 - bits);
}

static inline u64 hash_ptr(const void *p)
{
	return hash_u64((uintptr_t)p >> 3);
}

/** hash_name - a name of @len bytes, 8 bytes a step; @seed tells directories apart. */
u64 hash_name(const char *name, size_t len, u64 seed);

/** hash_words - @count words of 32 bits; @seed as well random as the table's keys are hostile. */
u32 hash_words(const u32 *words, size_t count, u32 seed);

static inline u32 hash_2words(u32 a, u32 b, u32 seed)
{
	return (u32)hash_u64((((u64)a << 32) | b) + seed * 0x9e3779b97f4a7c15ULL);
}

#endif
