/*
 * The words that every file uses: exact-width types, error pointers, small macros.
 *
 * u64 is `unsigned long long`, as __u64 of the user ABI is, so that the two mix without casts:
 * print it with %llu or %llx.  size_t is `unsigned long`: print it with %zu.
 *
 * Contexts: any.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

/* An address in a user program: a struct, so that nobody dereferences it by mistake. */
typedef struct {
	u64 v;
} uaddr_t;

/* A physical address. */
typedef u64 paddr_t;

#ifndef static_assert
#define static_assert _Static_assert
#endif

static_assert(sizeof(u64) == 8 && sizeof(u32) == 4 && sizeof(u16) == 2, "integer widths");
static_assert(sizeof(void *) == 8, "64-bit pointers");

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

/* Attributes */
#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define CACHELINE_SIZE 64
#define CACHELINE_ALIGNED __attribute__((aligned(CACHELINE_SIZE)))
#define PRINTF(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNUSED __attribute__((unused))
#define FALLTHROUGH __attribute__((fallthrough))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The compiler moves no memory access across it; the CPU may. */
#define barrier() __asm__ volatile("" ::: "memory")

/* One untorn access to a word that others change at the same time; orders nothing. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile __typeof__(x) *)&(x) = (val))

#define BIT(n) (1ULL << (n))
#define ARRAY_SIZE(a) \
	(sizeof(a) / sizeof((a)[0]) + \
	 0 * sizeof(struct { \
		 int must_be_array : (__builtin_types_compatible_p(__typeof__(a), \
								   __typeof__(&(a)[0])) ? -1 : 1); \
	 }))

/* The struct of @type whose field @member lies at @ptr. */
#define container_of(ptr, type, member) \
	({ \
		static_assert(__builtin_types_compatible_p(__typeof__(*(ptr)), \
							   __typeof__(((type *)0)->member)) || \
			      __builtin_types_compatible_p(__typeof__(*(ptr)), void), \
			      "container_of: the pointer is not of the member's type"); \
		(type *)((uintptr_t)(ptr)-offsetof(type, member)); \
	})

/*
 * MIN, MAX, CLAMP evaluate each argument once.  Mixing a signed variable with an unsigned one is
 * a compile error; a constant that is not negative mixes with both.  Not for pointers.
 */
#define MINMAX_SIGNED(x) (((__typeof__((x) + 0))-1) < (__typeof__((x) + 0))1)
#define MINMAX_NONNEG(x) __builtin_choose_expr(__builtin_constant_p(x), (x), -1) >= 0
#define MINMAX_CHECK(a, b) \
	static_assert(MINMAX_SIGNED(a) == MINMAX_SIGNED(b) || MINMAX_NONNEG(a) || MINMAX_NONNEG(b), \
		      "signed and unsigned compared")
#define MIN(a, b) \
	({ \
		MINMAX_CHECK(a, b); \
		__typeof__((a) + 0) min_a_ = (a); \
		__typeof__((b) + 0) min_b_ = (b); \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b) \
	({ \
		MINMAX_CHECK(a, b); \
		__typeof__((a) + 0) max_a_ = (a); \
		__typeof__((b) + 0) max_b_ = (b); \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})
#define CLAMP(x, lo, hi) MIN(MAX(x, lo), hi)

/* @a is a power of two.  The results have the type of @x. */
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a) (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(x, d) (((x) + (d)-1) / (d))

/*
 * Error pointers: a function that returns a pointer can return -errno in it.  The last 4,095
 * addresses are never those of an object.
 */
#define ERRNO_MAX 4095UL

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return unlikely((uintptr_t)ptr >= (uintptr_t)-ERRNO_MAX);
}

static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return unlikely(!ptr) || IS_ERR(ptr);
}

/* The same error as a pointer of another type. */
static inline void *ERR_CAST(const void *ptr)
{
	return (void *)(uintptr_t)ptr;
}

#endif
