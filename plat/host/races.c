/*
 * Under ThreadSanitizer alone: what the compiler calls for volatile accesses (READ_ONCE, WRITE_ONCE) when told to tell them apart.  They are taken for
 * relaxed atomic ones: no race by themselves, and no order for others.
 */
#include "base/types.h"

enum { RELAXED };

u8 __tsan_atomic8_load(const volatile u8 *at, int order);
u16 __tsan_atomic16_load(const volatile u16 *at, int order);
u32 __tsan_atomic32_load(const volatile u32 *at, int order);
u64 __tsan_atomic64_load(const volatile u64 *at, int order);

/* The access itself follows, in the compiler's code; a store is told by a load of the same place: it is never a race with another volatile one. */
#define TELL(bytes, bits)							\
	void __tsan_volatile_read##bytes(void *at);				\
	void __tsan_volatile_write##bytes(void *at);				\
	void __tsan_unaligned_volatile_read##bytes(void *at);			\
	void __tsan_unaligned_volatile_write##bytes(void *at);			\
	void __tsan_volatile_read##bytes(void *at) { (void)__tsan_atomic##bits##_load(at, RELAXED); }	\
	void __tsan_volatile_write##bytes(void *at) { (void)__tsan_atomic##bits##_load(at, RELAXED); }	\
	void __tsan_unaligned_volatile_read##bytes(void *at) {}		\
	void __tsan_unaligned_volatile_write##bytes(void *at) {}

TELL(1, 8)
TELL(2, 16)
TELL(4, 32)
TELL(8, 64)

/* Structures of two words. */
void __tsan_volatile_read16(void *at);
void __tsan_volatile_write16(void *at);

void __tsan_volatile_read16(void *at)
{
	(void)__tsan_atomic64_load(at, RELAXED);
	(void)__tsan_atomic64_load((u64 *)at + 1, RELAXED);
}

void __tsan_volatile_write16(void *at) { __tsan_volatile_read16(at); }
