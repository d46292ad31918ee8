/*
 * What every unit test includes first: cmocka with what it needs, and a seeded generator of numbers.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/types.h"

/* splitmix64; a test sets its seed. */
struct rng {
	u64 state;
};

static inline u64 rng_u64(struct rng *rng)
{
	u64 z = (rng->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* In [0, @limit). */
static inline u64 rng_below(struct rng *rng, u64 limit)
{
	return rng_u64(rng) % limit;
}

/* All magnitudes about equally likely. */
static inline u64 rng_magnitude(struct rng *rng)
{
	return rng_u64(rng) >> rng_below(rng, 64);
}

static inline void rng_bytes(struct rng *rng, void *to, size_t len)
{
	u8 *t = to;

	while (len--)
		*t++ = (u8)rng_u64(rng);
}

#endif
