/*
 * Memory and strings; see string.h.
 *
 * Copies of up to 64 bytes load everything before they store anything, with overlapping pairs of head
 * and tail, so that they serve memmove as well.  Larger ones move 64 bytes a round.  The compiler
 * barrier in each loop keeps the compiler from seeing memcpy, memset or strlen in it and calling the
 * very function that it stands in.
 */
#include <linux/errno.h>

#include "base/bitops.h"
#include "base/string.h"

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

typedef u64 __attribute__((may_alias)) word_alias;

/* Not 0 if some byte of @w is 0; the lowest bit set belongs to the first such byte. */
static inline u64 zero_bytes(u64 w)
{
	return (w - ONES) & ~w & HIGHS;
}

/* Up to 64 bytes, overlapping or not. */
static ALWAYS_INLINE void copy_small(u8 *to, const u8 *from, size_t len)
{
	if (len >= 32) {
		u64 a0 = get_le64(from), a1 = get_le64(from + 8);
		u64 a2 = get_le64(from + 16), a3 = get_le64(from + 24);
		const u8 *end = from + len;
		u64 b0 = get_le64(end - 32), b1 = get_le64(end - 24);
		u64 b2 = get_le64(end - 16), b3 = get_le64(end - 8);

		put_le64(to, a0);
		put_le64(to + 8, a1);
		put_le64(to + 16, a2);
		put_le64(to + 24, a3);
		put_le64(to + len - 32, b0);
		put_le64(to + len - 24, b1);
		put_le64(to + len - 16, b2);
		put_le64(to + len - 8, b3);
	} else if (len >= 16) {
		u64 a0 = get_le64(from), a1 = get_le64(from + 8);
		u64 b0 = get_le64(from + len - 16), b1 = get_le64(from + len - 8);

		put_le64(to, a0);
		put_le64(to + 8, a1);
		put_le64(to + len - 16, b0);
		put_le64(to + len - 8, b1);
	} else if (len >= 8) {
		u64 a = get_le64(from), b = get_le64(from + len - 8);

		put_le64(to, a);
		put_le64(to + len - 8, b);
	} else if (len >= 4) {
		u32 a = get_le32(from), b = get_le32(from + len - 4);

		put_le32(to, a);
		put_le32(to + len - 4, b);
	} else if (len >= 2) {
		u16 a = get_le16(from), b = get_le16(from + len - 2);

		put_le16(to, a);
		put_le16(to + len - 2, b);
	} else if (len) {
		*to = *from;
	}
}

static ALWAYS_INLINE void copy_64(u8 *to, const u8 *from)
{
	u64 a0 = get_le64(from), a1 = get_le64(from + 8);
	u64 a2 = get_le64(from + 16), a3 = get_le64(from + 24);
	u64 a4 = get_le64(from + 32), a5 = get_le64(from + 40);
	u64 a6 = get_le64(from + 48), a7 = get_le64(from + 56);

	put_le64(to, a0);
	put_le64(to + 8, a1);
	put_le64(to + 16, a2);
	put_le64(to + 24, a3);
	put_le64(to + 32, a4);
	put_le64(to + 40, a5);
	put_le64(to + 48, a6);
	put_le64(to + 56, a7);
	barrier();
}

void *BASE_STRING_NAME(memcpy)(void *restrict to, const void *restrict from, size_t len)
{
	u8 *t = to;
	const u8 *f = from;

	while (len > 64) {
		copy_64(t, f);
		t += 64;
		f += 64;
		len -= 64;
	}
	copy_small(t, f, len);
	return to;
}

void *BASE_STRING_NAME(memmove)(void *to, const void *from, size_t len)
{
	u8 *t = to;
	const u8 *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= len) {	/* below, or apart: upwards */
		while (len > 64) {
			copy_64(t, f);
			t += 64;
			f += 64;
			len -= 64;
		}
	} else {
		while (len > 64) {
			len -= 64;
			copy_64(t + len, f + len);
		}
	}
	copy_small(t, f, len);
	return to;
}

void *BASE_STRING_NAME(memset)(void *to, int byte, size_t len)
{
	u64 w = ONES * (u8)byte;
	u8 *t = to;
	u8 *end = t + len;

	if (len < 8) {
		if (len >= 4) {
			put_le32(t, (u32)w);
			put_le32(end - 4, (u32)w);
		} else if (len >= 2) {
			put_le16(t, (u16)w);
			put_le16(end - 2, (u16)w);
		} else if (len) {
			*t = (u8)w;
		}
		return to;
	}
	while (len > 64) {
		for (unsigned i = 0; i < 64; i += 8)
			put_le64(t + i, w);
		barrier();
		t += 64;
		len -= 64;
	}
	for (; len > 8; len -= 8) {
		put_le64(t, w);
		barrier();
		t += 8;
	}
	put_le64(end - 8, w);
	return to;
}

int BASE_STRING_NAME(memcmp)(const void *a, const void *b, size_t len)
{
	const u8 *x = a;
	const u8 *y = b;

	for (; len >= 8; len -= 8, x += 8, y += 8) {
		u64 p = get_le64(x);
		u64 q = get_le64(y);

		if (p != q) {
			p = __builtin_bswap64(p);
			q = __builtin_bswap64(q);
			return p < q ? -1 : 1;
		}
	}
	for (; len; len--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *BASE_STRING_NAME(memchr)(const void *mem, int byte, size_t len)
{
	const u8 *m = mem;
	u64 pattern = ONES * (u8)byte;

	for (; len >= 8; len -= 8, m += 8) {
		u64 hit = zero_bytes(get_le64(m) ^ pattern);

		if (hit)
			return (void *)(m + ctz64(hit) / 8);
	}
	for (; len; len--, m++) {
		if (*m == (u8)byte)
			return (void *)m;
	}
	return NULL;
}

/* Whole aligned words are read, so up to 7 bytes past the NUL, never past its page. */
__attribute__((no_sanitize("address"))) size_t BASE_STRING_NAME(strlen)(const char *s)
{
	const char *p = s;

	while (!IS_ALIGNED((uintptr_t)p, 8)) {
		if (!*p)
			return (size_t)(p - s);
		p++;
		barrier();
	}
	for (;; p += 8) {
		u64 hit = zero_bytes(*(const word_alias *)p);

		if (hit)
			return (size_t)(p - s) + ctz64(hit) / 8;
		barrier();
	}
}

size_t BASE_STRING_NAME(strnlen)(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len]) {
		len++;
		barrier();
	}
	return len;
}

int BASE_STRING_NAME(strcmp)(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int BASE_STRING_NAME(strncmp)(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *BASE_STRING_NAME(strchr)(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
	}
	return (char *)s;
}

char *BASE_STRING_NAME(strrchr)(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)last;
}

char *BASE_STRING_NAME(strstr)(const char *s, const char *what)
{
	size_t len = BASE_STRING_NAME(strlen)(what);

	if (len == 0)
		return (char *)s;
	while ((s = BASE_STRING_NAME(strchr)(s, *what))) {
		if (BASE_STRING_NAME(strncmp)(s, what, len) == 0)
			return (char *)s;
		s++;
	}
	return NULL;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t len = BASE_STRING_NAME(strlen)(from);

	if (size) {
		size_t fits = len < size ? len : size - 1;

		BASE_STRING_NAME(memcpy)(to, from, fits);
		to[fits] = '\0';
	}
	return len;
}

s64 strscpy(char *to, const char *from, size_t size)
{
	size_t len = BASE_STRING_NAME(strnlen)(from, size);

	if (size == 0)
		return -E2BIG;
	if (len < size) {
		BASE_STRING_NAME(memcpy)(to, from, len);
		to[len] = '\0';
		return (s64)len;
	}
	BASE_STRING_NAME(memcpy)(to, from, size - 1);
	to[size - 1] = '\0';
	return -E2BIG;
}

const char *str_skip_spaces(const char *s)
{
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	return s;
}

bool str_starts_with(const char *s, const char *prefix)
{
	for (; *prefix; s++, prefix++) {
		if (*s != *prefix)
			return false;
	}
	return true;
}

bool mem_is_zero(const void *mem, size_t len)
{
	const u8 *m = mem;

	for (; len >= 8; len -= 8, m += 8) {
		if (get_le64(m))
			return false;
	}
	for (; len; len--, m++) {
		if (*m)
			return false;
	}
	return true;
}

void memzero_explicit(void *mem, size_t len)
{
	BASE_STRING_NAME(memset)(mem, 0, len);
	__asm__ volatile("" ::"r"(mem) : "memory");
}

/* ---- numbers ---- */

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

/* The digits at the start of @s; -EINVAL without any, -ERANGE if they are too many (*@end is past them). */
static int parse_digits(const char *s, const char **end, unsigned base, u64 *out)
{
	u64 value = 0;
	bool fits = true;
	const char *p = s;

	*end = s;
	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
	    digit_value(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (base == 0) {
		base = *p == '0' ? 8 : 10;
	}
	if (digit_value(*p) >= base)
		return -EINVAL;
	for (; digit_value(*p) < base; p++) {
		u64 next;

		if (__builtin_mul_overflow(value, (u64)base, &next) ||
		    __builtin_add_overflow(next, (u64)digit_value(*p), &next))
			fits = false;
		else
			value = next;
	}
	*end = p;
	*out = value;
	return fits ? 0 : -ERANGE;
}

static bool at_end(const char *s)
{
	return s[0] == '\0' || (s[0] == '\n' && s[1] == '\0');
}

int parse_u64(const char *s, unsigned base, u64 *out)
{
	u64 value;
	const char *end;
	int err = parse_digits(s, &end, base, &value);

	if (err == -EINVAL || !at_end(end))
		return -EINVAL;
	if (err)
		return err;
	*out = value;
	return 0;
}

int parse_s64(const char *s, unsigned base, s64 *out)
{
	bool negative = *s == '-';
	u64 value;
	int err = parse_u64(s + negative, base, &value);

	if (err)
		return err;
	if (value > (u64)INT64_MAX + negative)
		return -ERANGE;
	*out = negative ? (s64)(0 - value) : (s64)value;
	return 0;
}

u64 parse_u64_prefix(const char *s, const char **end, unsigned base)
{
	u64 value = 0;
	int err = parse_digits(s, end, base, &value);

	return err == -ERANGE ? ~0ULL : err ? 0 : value;
}

int parse_size(const char *s, u64 *out)
{
	static const char units[] = "kmgt";
	u64 value;
	const char *end;
	int err = parse_digits(s, &end, 0, &value);
	unsigned shift = 0;

	if (err == -EINVAL)
		return err;
	for (unsigned i = 0; i < 4; i++) {
		if ((*end | 0x20) == units[i])
			shift = 10 * (i + 1);
	}
	if (!at_end(end + (shift != 0)))
		return -EINVAL;
	if (err || (value << shift) >> shift != value)
		return -ERANGE;
	*out = value << shift;
	return 0;
}
