/*
 * Atomic operations on plain u32, u64 and pointer variables, and a reference count.
 *
 * The operations are type-generic macros over the compiler's __atomic builtins: they take a pointer
 * to the variable.  Plain loads and stores come relaxed, acquire and release; whatever reads and
 * writes in one step is sequentially consistent (on x86 a locked instruction is so anyhow).
 *
 * Contexts: any.
 * Source: C11 7.17, GCC manual "Built-in Functions for Memory Model Aware Atomic Operations".
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include "base/types.h"

/* Loads.  The name without a suffix is relaxed. */
#define atomic_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

/* Stores.  The name without a suffix is relaxed. */
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* No result. */
#define atomic_inc(p) ((void)__atomic_fetch_add((p), 1, __ATOMIC_SEQ_CST))
#define atomic_dec(p) ((void)__atomic_fetch_sub((p), 1, __ATOMIC_SEQ_CST))
#define atomic_add(p, n) ((void)__atomic_fetch_add((p), (n), __ATOMIC_SEQ_CST))
#define atomic_sub(p, n) ((void)__atomic_fetch_sub((p), (n), __ATOMIC_SEQ_CST))
#define atomic_or(p, bits) ((void)__atomic_fetch_or((p), (bits), __ATOMIC_SEQ_CST))
#define atomic_and(p, bits) ((void)__atomic_fetch_and((p), (bits), __ATOMIC_SEQ_CST))

/* The value before. */
#define atomic_fetch_add(p, n) __atomic_fetch_add((p), (n), __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, n) __atomic_fetch_sub((p), (n), __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, bits) __atomic_fetch_or((p), (bits), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, bits) __atomic_fetch_and((p), (bits), __ATOMIC_SEQ_CST)

/* The value after. */
#define atomic_add_return(p, n) __atomic_add_fetch((p), (n), __ATOMIC_SEQ_CST)
#define atomic_sub_return(p, n) __atomic_sub_fetch((p), (n), __ATOMIC_SEQ_CST)
#define atomic_inc_return(p) __atomic_add_fetch((p), 1, __ATOMIC_SEQ_CST)
#define atomic_dec_return(p) __atomic_sub_fetch((p), 1, __ATOMIC_SEQ_CST)

/* Whether the count dropped to 0. */
#define atomic_dec_and_test(p) (__atomic_sub_fetch((p), 1, __ATOMIC_SEQ_CST) == 0)

/* Store @v; the value before. */
#define xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

/* Store @new if *@p is @old.  The value before: @old says that it was stored. */
#define cmpxchg(p, old, new) \
	({ \
		__typeof__(*(p)) cmpxchg_seen_ = (old); \
		__atomic_compare_exchange_n((p), &cmpxchg_seen_, (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		cmpxchg_seen_; \
	})

/* Store @new if *@p is *@oldp, and return true; else put *@p into *@oldp and return false. */
#define try_cmpxchg(p, oldp, new) \
	__atomic_compare_exchange_n((p), (oldp), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Add 1 unless the value is 0; whether it was added. */
#define atomic_inc_not_zero(p) \
	({ \
		__typeof__(p) inz_p_ = (p); \
		__typeof__(*(p)) inz_old_ = atomic_load(inz_p_); \
		while (inz_old_ != 0 && !try_cmpxchg(inz_p_, &inz_old_, inz_old_ + 1)) \
			; \
		inz_old_ != 0; \
	})

/* Set or clear bit @nr of a u64 array; the test_ forms return the bit before. */
static inline void atomic_set_bit(u64 *map, u64 nr)
{
	atomic_or(&map[nr / 64], BIT(nr % 64));
}

static inline void atomic_clear_bit(u64 *map, u64 nr)
{
	atomic_and(&map[nr / 64], ~BIT(nr % 64));
}

static inline bool atomic_test_and_set_bit(u64 *map, u64 nr)
{
	return (atomic_fetch_or(&map[nr / 64], BIT(nr % 64)) >> (nr % 64)) & 1;
}

static inline bool atomic_test_and_clear_bit(u64 *map, u64 nr)
{
	return (atomic_fetch_and(&map[nr / 64], ~BIT(nr % 64)) >> (nr % 64)) & 1;
}

/* Fences between CPUs: full, reads before reads, writes before writes. */
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/*
 * A reference count.  It starts at 1; whoever drops it to 0 frees the object, and from then on
 * ref_get_not_zero() fails, which is what a lookup under RCU uses.  Overflow is a programmer's error
 * and is kept from freeing a live object: a count that reaches REF_SATURATED stays there for ever.
 */
#define REF_SATURATED 0xc0000000U

struct refcount {
	u32 n;
};

#define REFCOUNT_INIT(count) { .n = (count) }

static inline void ref_init(struct refcount *r)
{
	atomic_store(&r->n, 1U);
}

static inline u32 ref_read(const struct refcount *r)
{
	return atomic_load(&r->n);
}

/* The caller holds a reference already. */
static inline void ref_get(struct refcount *r)
{
	u32 before = __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);

	if (unlikely(before >= REF_SATURATED - 1))
		atomic_store(&r->n, REF_SATURATED + (REF_SATURATED >> 2));
}

/* For a finder that holds none: false if the object is already dying. */
static inline MUST_CHECK bool ref_get_not_zero(struct refcount *r)
{
	u32 seen = atomic_load(&r->n);

	do {
		if (unlikely(seen == 0))
			return false;
		if (unlikely(seen >= REF_SATURATED - 1))
			return true;
	} while (!__atomic_compare_exchange_n(&r->n, &seen, seen + 1, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

/* True when the last reference went: the caller frees the object. */
static inline MUST_CHECK bool ref_put(struct refcount *r)
{
	u32 before = __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL);

	if (unlikely(before > REF_SATURATED)) {
		atomic_store(&r->n, REF_SATURATED + (REF_SATURATED >> 2));
		return false;
	}
	return before == 1;
}

#endif
