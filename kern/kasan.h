/*
 * The kernel-address sanitizer: every access of instrumented code is checked against a shadow of memory.
 *
 * One shadow byte tells of eight bytes: 0, all may be touched; 1 to 7, that many of the first; with the top bit, none, and why
 * (enum kasan_shadow).  The compiler calls __asan_load* and __asan_store* before each access (kasan.c), poisons around locals on
 * the stack by itself, and tells of the globals at boot.  Pages and slab objects are poisoned by their allocators through the
 * calls below; a freed slab object waits in a quarantine (kasan_slab.c) before it is used again.
 *
 * `make KASAN=1` builds build/kasan with it; elsewhere all of this is empty.  Not instrumented: kasan*.c, slab.c, base/string.c
 * (whose functions are checked by kasan_string.c) and what runs before the shadow is there.
 * Departures from Linux's: the stacks of allocation and free lie beside each object, not in a depot; there is no quarantine per CPU.
 * Source: Linux's Documentation/dev-tools/kasan.rst for the reports and the encoding of the shadow.
 *
 * Contexts: any, unless said otherwise.
 */
#ifndef KERN_KASAN_H
#define KERN_KASAN_H

#include "base/types.h"

struct slab_cache;

/* For the few functions that must read or write what the sanitizer would not let them. */
#define NO_KASAN __attribute__((no_sanitize_address))

#define KASAN_SHADOW_OFFSET 0xdffffc0000000000ull	/* mk/sanitize.mk tells the compiler */
#define KASAN_SHADOW_START 0xffffec0000000000ull	/* of 0xffff800000000000 */
#define KASAN_SHADOW_END 0xfffffc0000000000ull
enum { KASAN_SHIFT = 3, KASAN_GRANULE = 1 << KASAN_SHIFT };

enum kasan_shadow {
	KASAN_STACK_LEFT = 0xf1, KASAN_STACK_MID = 0xf2, KASAN_STACK_RIGHT = 0xf3, KASAN_STACK_PARTIAL = 0xf4,
	KASAN_VMAP_INVALID = 0xf8, KASAN_GLOBAL_REDZONE = 0xf9, KASAN_SLAB_QUARANTINE = 0xfa, KASAN_SLAB_FREE = 0xfb,
	KASAN_SLAB_REDZONE = 0xfc, KASAN_PAGE_REDZONE = 0xfe, KASAN_PAGE_FREE = 0xff,
};

/* Where the shadow of an address lies. */
static inline u64 kasan_shadow_at(u64 addr)
{
	return (addr >> KASAN_SHIFT) + KASAN_SHADOW_OFFSET;
}

#ifdef KASAN

enum { KASAN_STACK_ORDER = 1 };		/* redzones need room: kernel stacks are twice as large */

/** kasan_poison - @value for the granules of [@addr, @addr + @len); @addr is a multiple of 8, @len is rounded up. */
void kasan_poison(const void *addr, size_t len, u8 value);
/** kasan_unpoison - [@addr, @addr + @len) may be touched; @addr is a multiple of 8. */
void kasan_unpoison(const void *addr, size_t len);
/** kasan_check_read, kasan_check_write - what uninstrumented code is about to do. Return: false if it was reported */
bool kasan_check_read(const void *addr, size_t len);
bool kasan_check_write(const void *addr, size_t len);

/** kasan_large_alloc - a run of pages serves @asked bytes of kmalloc: what lies behind them is a red zone. */
void kasan_large_alloc(const void *addr, size_t asked, size_t run_bytes);
/** kasan_large_free - check a kfree of a run. Return: false if it was reported and must not happen */
bool kasan_large_free(const void *addr, const void *run);

/** kasan_slab_stride - bytes from one object to the next, room for the red zone and the stacks included. */
u32 kasan_slab_stride(u32 object_bytes, u32 align);
void kasan_slab_grown(void *base, size_t bytes);
void kasan_slab_alloc(void *object, u32 object_bytes, size_t asked);
/** kasan_slab_free - Return: true if the object is not to be freed now: it is in quarantine, or the free was reported */
bool kasan_slab_free(struct slab_cache *cache, void *object);
/** kasan_quarantine_drain - give back all that waits. */
void kasan_quarantine_drain(void);

/** kasan_enable - the shadow is there: check from now on.  Registers the globals. Context: boot */
void kasan_enable(void);
/** kasan_selftest - run the checklist of kasan_test.c if the kernel argument kasan_test asks for it; kasan_die: one mistake alone; kasan_overflow: a stack that overflows. Context: thread */
void kasan_selftest(void);

#else

enum { KASAN_STACK_ORDER = 0 };

static inline void kasan_poison(const void *addr, size_t len, u8 value) {}
static inline void kasan_unpoison(const void *addr, size_t len) {}
static inline bool kasan_check_read(const void *addr, size_t len) { return true; }
static inline bool kasan_check_write(const void *addr, size_t len) { return true; }
static inline void kasan_large_alloc(const void *addr, size_t asked, size_t run_bytes) {}
static inline bool kasan_large_free(const void *addr, const void *run) { return true; }
static inline u32 kasan_slab_stride(u32 object_bytes, u32 align) { return ALIGN_UP(object_bytes, align); }
static inline void kasan_slab_grown(void *base, size_t bytes) {}
static inline void kasan_slab_alloc(void *object, u32 object_bytes, size_t asked) {}
static inline bool kasan_slab_free(struct slab_cache *cache, void *object) { return false; }
static inline void kasan_quarantine_drain(void) {}
static inline void kasan_enable(void) {}
static inline void kasan_selftest(void) {}

#endif
#endif
