/*
 * Memory and string functions that check their ranges and then do the work with base/string.c's, which in this build bear a prefix.
 * What would go wrong is not done: after a report the kernel may have to go on.
 */
#include "base/string.h"
#include "kern/kasan_internal.h"

void *base_memcpy(void *restrict to, const void *restrict from, size_t len);
void *base_memmove(void *to, const void *from, size_t len);
void *base_memset(void *to, int byte, size_t len);
int base_memcmp(const void *a, const void *b, size_t len);
void *base_memchr(const void *mem, int byte, size_t len);
size_t base_strnlen(const char *s, size_t max);
s64 base_strscpy(char *to, const char *from, size_t size);
size_t base_strlcpy(char *to, const char *from, size_t size);
bool base_mem_is_zero(const void *mem, size_t len);

/* The caller's place is what a report should name. */
static ALWAYS_INLINE bool check(const void *addr, size_t len, bool write, u64 ip)
{
	const u8 *s = kasan_shadow(addr);

	if (!kasan_enabled || !len)
		return true;
	/* The quick answer for what fits into one granule; the rest goes through the full check. */
	if ((u64)addr >= 0xffff800000000000ull && len <= 8 - ((u64)addr & 7) && !*s)
		return true;
	return kasan_check_at(addr, len, write, ip);
}

#define READS(addr, len) check(addr, len, false, (u64)__builtin_return_address(0))
#define WRITES(addr, len) check(addr, len, true, (u64)__builtin_return_address(0))

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	if (!READS(from, len) || !WRITES(to, len))
		return to;
	return base_memcpy(to, from, len);
}

void *memmove(void *to, const void *from, size_t len)
{
	if (!READS(from, len) || !WRITES(to, len))
		return to;
	return base_memmove(to, from, len);
}

void *memset(void *to, int byte, size_t len)
{
	if (!WRITES(to, len))
		return to;
	return base_memset(to, byte, len);
}

int memcmp(const void *a, const void *b, size_t len)
{
	READS(a, len);
	READS(b, len);
	return base_memcmp(a, b, len);
}

void *memchr(const void *mem, int byte, size_t len)
{
	READS(mem, len);
	return base_memchr(mem, byte, len);
}

bool mem_is_zero(const void *mem, size_t len)
{
	READS(mem, len);
	return base_mem_is_zero(mem, len);
}

/* Each character is checked before it is read; a bad one ends the string, so that one mistake is one report. */
static ALWAYS_INLINE size_t length(const char *s, size_t max, u64 ip)
{
	size_t n = 0;

	for (; n < max; n++) {
		if (kasan_enabled && unlikely(*kasan_shadow(s + n)) && !kasan_check_at(s + n, 1, false, ip))
			return n;
		if (!s[n])
			return n;
	}
	return n;
}

size_t strlen(const char *s)
{
	if ((u64)s < 0xffff800000000000ull)
		READS(s, 1);
	return length(s, ~0ul, (u64)__builtin_return_address(0));
}

size_t strnlen(const char *s, size_t max)
{
	return length(s, max, (u64)__builtin_return_address(0));
}

s64 strscpy(char *to, const char *from, size_t size)
{
	size_t len = length(from, size, (u64)__builtin_return_address(0));

	WRITES(to, MIN(len + 1, size));
	return base_strscpy(to, from, size);
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t len = length(from, ~0ul, (u64)__builtin_return_address(0));

	WRITES(to, MIN(len + 1, size));
	return base_strlcpy(to, from, size);
}

int strncmp(const char *a, const char *b, size_t max)
{
	u64 ip = (u64)__builtin_return_address(0);

	for (size_t i = 0; i < max; i++) {
		if (!check(a + i, 1, false, ip) || !check(b + i, 1, false, ip))
			return 0;
		if (a[i] != b[i] || !a[i])
			return (u8)a[i] - (u8)b[i];
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	u64 ip = (u64)__builtin_return_address(0);

	for (;; a++, b++) {
		if (!check(a, 1, false, ip) || !check(b, 1, false, ip))
			return 0;
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
}

char *strchr(const char *s, int c)
{
	u64 ip = (u64)__builtin_return_address(0);

	for (;; s++) {
		if (!check(s, 1, false, ip))
			return NULL;
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	size_t len = length(s, ~0ul, (u64)__builtin_return_address(0));

	for (const char *p = s + len;; p--) {
		if (*p == (char)c)
			return (char *)p;
		if (p == s)
			return NULL;
	}
}

char *strstr(const char *s, const char *what)
{
	u64 ip = (u64)__builtin_return_address(0);
	size_t len = length(what, ~0ul, ip), all = length(s, ~0ul, ip);

	for (size_t i = 0; i + len <= all; i++)
		if (!base_memcmp(s + i, what, len))
			return (char *)s + i;
	return NULL;
}
