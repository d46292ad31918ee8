/*
 * The sanitizer's checks: what the compiler calls, and the shadow.
 */
#include "kern/assert.h"
#include "kern/kasan_internal.h"
#include "kern/thread.h"

enum { GLOBAL_TABLES_MAX = 2048 };

/* As the compiler lays it out (version 5 of its interface). */
struct asan_global {
	const void *start;
	size_t bytes, bytes_with_redzone;
	const char *name, *file;
	u64 dynamic;
	const void *location;
	const char *odr_indicator;
};

bool kasan_enabled;
static struct { const struct asan_global *at; size_t count; } globals[GLOBAL_TABLES_MAX];
static u32 globals_count;

extern void (*const init_array_start[])(void), (*const init_array_end[])(void);

/* ---- the shadow ---- */

static void fill(u8 *s, size_t n, u8 value)
{
	u64 word = value * 0x0101010101010101ull;

	for (; n && ((u64)s & 7); n--)
		*(volatile u8 *)s++ = value;
	for (; n >= 8; n -= 8, s += 8)
		*(volatile u64 *)s = word;
	while (n--)
		*(volatile u8 *)s++ = value;
}

void kasan_poison(const void *addr, size_t len, u8 value)
{
	if (kasan_enabled)
		fill(kasan_shadow(addr), (len + KASAN_GRANULE - 1) >> KASAN_SHIFT, value);
}

void kasan_unpoison(const void *addr, size_t len)
{
	if (!kasan_enabled)
		return;
	fill(kasan_shadow(addr), len >> KASAN_SHIFT, 0);
	if (len & (KASAN_GRANULE - 1))
		*kasan_shadow((const char *)addr + len) = len & (KASAN_GRANULE - 1);
}

/* May [a, a + n) not be touched?  All granules but the last are touched to their end. */
static ALWAYS_INLINE bool poisoned(u64 a, size_t n)
{
	u64 last = a + n - 1;
	const u8 *s = kasan_shadow((void *)a), *end = kasan_shadow((void *)last);

	for (; s < end && ((u64)s & 7); s++)
		if (*s)
			return true;
	for (; end - s >= 8; s += 8)
		if (*(const u64 __attribute__((may_alias)) *)s)
			return true;
	for (; s < end; s++)
		if (*s)
			return true;
	s8 v = (s8)*end;

	return v && (s8)(last & (KASAN_GRANULE - 1)) >= v;
}

static ALWAYS_INLINE bool check(u64 a, size_t n, bool write, u64 ip)
{
	if (unlikely(!kasan_enabled || !n))
		return true;
	if (likely(a >= 0xffff800000000000ull && a + n > a && !poisoned(a, n)))
		return true;
	kasan_report((void *)a, n, write, ip);
	return false;
}

bool kasan_check_read(const void *addr, size_t len)
{
	return check((u64)addr, len, false, (u64)__builtin_return_address(0));
}

bool kasan_check_write(const void *addr, size_t len)
{
	return check((u64)addr, len, true, (u64)__builtin_return_address(0));
}

bool kasan_check_at(const void *addr, size_t len, bool write, u64 ip)
{
	return check((u64)addr, len, write, ip);
}

/* ---- what the compiler calls ---- */

#define ACCESS(kind, n, write)                                                                     \
	void __asan_##kind##n##_noabort(u64 addr);                                                 \
	void __asan_##kind##n##_noabort(u64 addr)                                                  \
	{                                                                                          \
		check(addr, n, write, (u64)__builtin_return_address(0));                           \
	}
ACCESS(load, 1, false)
ACCESS(load, 2, false)
ACCESS(load, 4, false)
ACCESS(load, 8, false)
ACCESS(load, 16, false)
ACCESS(store, 1, true)
ACCESS(store, 2, true)
ACCESS(store, 4, true)
ACCESS(store, 8, true)
ACCESS(store, 16, true)

void __asan_loadN_noabort(u64 addr, size_t n);
void __asan_loadN_noabort(u64 addr, size_t n)
{
	check(addr, n, false, (u64)__builtin_return_address(0));
}

void __asan_storeN_noabort(u64 addr, size_t n);
void __asan_storeN_noabort(u64 addr, size_t n)
{
	check(addr, n, true, (u64)__builtin_return_address(0));
}

/* Before a call that never returns: nobody will take the red zones off the frames above. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
	u64 sp = (u64)__builtin_frame_address(0), bottom = (u64)current()->stack;

	if (kasan_enabled && bottom && sp >= bottom && sp < bottom + KSTACK_BYTES)
		kasan_unpoison((void *)ALIGN_DOWN(sp, KASAN_GRANULE), bottom + KSTACK_BYTES - ALIGN_DOWN(sp, KASAN_GRANULE));
}

void __asan_register_globals(const struct asan_global *g, size_t n);
void __asan_register_globals(const struct asan_global *g, size_t n)
{
	assert(globals_count < GLOBAL_TABLES_MAX);
	globals[globals_count].at = g;
	globals[globals_count++].count = n;
	for (size_t i = 0; i < n; i++) {
		size_t used = ALIGN_UP(g[i].bytes, KASAN_GRANULE);

		kasan_unpoison(g[i].start, g[i].bytes);
		kasan_poison((const char *)g[i].start + used, g[i].bytes_with_redzone - used, KASAN_GLOBAL_REDZONE);
	}
}

/* Nothing is ever unloaded. */
void __asan_unregister_globals(const struct asan_global *g, size_t n);
void __asan_unregister_globals(const struct asan_global *g, size_t n) {}

const char *kasan_global_at(const void *addr, u64 *start, u64 *bytes)
{
	for (u32 t = 0; t < globals_count; t++)
		for (size_t i = 0; i < globals[t].count; i++) {
			const struct asan_global *g = &globals[t].at[i];

			if ((u64)addr - (u64)g->start >= g->bytes_with_redzone)
				continue;
			*start = (u64)g->start;
			*bytes = g->bytes;
			return g->name;
		}
	return NULL;
}

void kasan_enable(void)
{
	kasan_enabled = true;
	for (void (*const *f)(void) = init_array_start; f < init_array_end; f++)
		(*f)();
}
