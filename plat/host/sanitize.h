/*
 * What the sanitizers are told of fibers.
 *
 * AddressSanitizer wants to know on which stack the host thread runs (fiber_*).  ThreadSanitizer takes each fiber for a thread (race_*): a switch says
 * whether what was done before it happens before what comes after.  It does where one CPU goes from one thread to the next, since threads of a CPU share
 * its data by that order; it does not where another CPU is played.  Interrupts between CPUs, the start of a CPU, and devices, which have a fiber of their own, order by
 * race_release and race_acquire.  So only what orders accesses on a machine does so here, although one host thread does everything, in the seed's order.
 *
 * The machine's own files are not watched for races (mk/host.mk): they are the machine.
 */
#ifndef PLAT_HOST_SANITIZE_H
#define PLAT_HOST_SANITIZE_H

#include "base/types.h"

/* gcc says it by a macro, clang by a feature. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack_save, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(const volatile void *addr, size_t size);
#else
static inline void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) {}
static inline void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size) {}
static inline void __asan_unpoison_memory_region(const volatile void *addr, size_t size) {}
#endif

#ifdef HOST_RACES
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);

static inline void *race_fiber_here(void) { return __tsan_get_current_fiber(); }
static inline void *race_fiber_new(void) { return __tsan_create_fiber(0); }
static inline void race_fiber_free(void *fiber) { if (fiber) __tsan_destroy_fiber(fiber); }
static inline void race_switch(void *fiber, bool ordered) { __tsan_switch_to_fiber(fiber, ordered ? 0 : 1); }
static inline void race_acquire(void *addr) { __tsan_acquire(addr); }
static inline void race_release(void *addr) { __tsan_release(addr); }
#else
static inline void *race_fiber_here(void) { return NULL; }
static inline void *race_fiber_new(void) { return NULL; }
static inline void race_fiber_free(void *fiber) {}
static inline void race_switch(void *fiber, bool ordered) {}
static inline void race_acquire(void *addr) {}
static inline void race_release(void *addr) {}
#endif

#endif
