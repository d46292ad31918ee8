/*
 * Memory and strings: the C library's functions of the same names and contracts, and a few more.
 *
 * In a kernel they stand under their libc names, since the compiler emits calls to memcpy, memmove,
 * memset and memcmp.  A hosted build takes those of the C library; with BASE_STRING_PREFIX defined,
 * ours are called base_memcpy and so on, so that a test can hold the two against each other.
 *
 * The memory functions use 8-byte moves, 64 bytes a round, and no string instructions: under software
 * emulation `rep movsb` costs a step for each byte.
 *
 * Contexts: any.
 */
#ifndef BASE_STRING_H
#define BASE_STRING_H

#include "base/types.h"

#ifdef BASE_STRING_PREFIX
#define BASE_STRING_NAME(name) base_##name
#else
#define BASE_STRING_NAME(name) name
#endif

void *BASE_STRING_NAME(memcpy)(void *restrict to, const void *restrict from, size_t len);
void *BASE_STRING_NAME(memmove)(void *to, const void *from, size_t len);
void *BASE_STRING_NAME(memset)(void *to, int byte, size_t len);
int BASE_STRING_NAME(memcmp)(const void *a, const void *b, size_t len);
void *BASE_STRING_NAME(memchr)(const void *mem, int byte, size_t len);
size_t BASE_STRING_NAME(strlen)(const char *s);
size_t BASE_STRING_NAME(strnlen)(const char *s, size_t max);
int BASE_STRING_NAME(strcmp)(const char *a, const char *b);
int BASE_STRING_NAME(strncmp)(const char *a, const char *b, size_t max);
char *BASE_STRING_NAME(strchr)(const char *s, int c);
char *BASE_STRING_NAME(strrchr)(const char *s, int c);
char *BASE_STRING_NAME(strstr)(const char *s, const char *what);

/**
 * strlcpy - copy what fits of @from, always terminated if @size is not 0
 * Return: strlen(@from): the copy was cut short if that is @size or more
 */
size_t strlcpy(char *to, const char *from, size_t size);

/** strscpy - as strlcpy; the length copied, or -E2BIG if it was cut short. Reads no further than needed. */
s64 strscpy(char *to, const char *from, size_t size);

/** str_skip_spaces - the first character of @s that is not white space. */
const char *str_skip_spaces(const char *s);

/** str_starts_with - does @s begin with @prefix? */
bool str_starts_with(const char *s, const char *prefix);

/** mem_is_zero - are all @len bytes 0? */
bool mem_is_zero(const void *mem, size_t len);

/** memzero_explicit - clear a secret; the compiler does not leave it out. */
void memzero_explicit(void *mem, size_t len);

/**
 * parse_u64 - a whole string as a number
 * @s:    digits; with @base 16 or 0 a 0x prefix may lead; one trailing newline is allowed
 * @base: 2 to 16, or 0: 0x means 16, a leading 0 means 8, else 10
 * @out:  untouched on failure
 * Return: 0, -EINVAL (no digits, or something else in it, a sign or a space included), -ERANGE
 */
MUST_CHECK int parse_u64(const char *s, unsigned base, u64 *out);

/** parse_s64 - as parse_u64, with a '-' allowed in front. */
MUST_CHECK int parse_s64(const char *s, unsigned base, s64 *out);

/**
 * parse_u64_prefix - the number at the start of a string
 * @end: out: the first character after it (@s itself if there was no digit)
 * Return: the number; ~0 if it does not fit.  @base as in parse_u64.
 */
u64 parse_u64_prefix(const char *s, const char **end, unsigned base);

/** parse_size - as parse_u64 with base 0 and an optional K, M, G, T (either case), powers of 1,024. */
MUST_CHECK int parse_size(const char *s, u64 *out);

#endif
