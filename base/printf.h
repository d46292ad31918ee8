/*
 * Formatted output as printf(3) has it.
 *
 * %d %i %u %x %X %o %c %s %p %%, with flags `-+ #0`, width and precision (numbers or *), and the
 * lengths hh h l ll z t j.  There is no floating point, no %n.  %p prints the raw value in hex after
 * 0x: callers never show it to users.  %s of NULL prints (null).  An unknown conversion is printed as it
 * stands, and from there on nothing more is taken from the arguments, since their types are unknown.
 *
 * Contexts: any; no allocation, about 200 bytes of stack.
 */
#ifndef BASE_PRINTF_H
#define BASE_PRINTF_H

#include <stdarg.h>

#include "base/types.h"

/* Takes the output in pieces, in order; @len is not 0. */
typedef void fmt_put_fn(void *ctx, const char *text, size_t len);

/** fmt_vprintf - format into a callback; returns the number of characters. */
size_t fmt_vprintf(fmt_put_fn *put, void *ctx, const char *fmt, va_list va);

/**
 * fmt_vsnprintf - format into a buffer, terminated if @size is not 0
 * Return: the length the whole text has: it was cut short if that is @size or more
 */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list va);
PRINTF(3, 4) int fmt_snprintf(char *buf, size_t size, const char *fmt, ...);

/** scnprintf - as fmt_snprintf; returns the length that stands in @buf (without the NUL). */
PRINTF(3, 4) int scnprintf(char *buf, size_t size, const char *fmt, ...);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list va);

/**
 * fmt_u64 - @value in decimal at @buf, not terminated: the fast path of files full of numbers
 * @buf: 20 bytes
 * Return: the number of digits
 */
unsigned fmt_u64(char *buf, u64 value);

#endif
