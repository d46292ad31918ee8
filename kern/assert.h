/*
 * Programmer errors stop the machine.  assert() stays on in every build; nothing that a user, a disk or the
 * wire can cause may reach one.
 */
#ifndef KERN_ASSERT_H
#define KERN_ASSERT_H

#include "base/types.h"

NORETURN PRINTF(1, 2) void panic(const char *fmt, ...);
NORETURN void assert_failed(const char *expr, const char *file, int line);

#define assert(expr)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!(expr), 0))                                                  \
			assert_failed(#expr, __FILE__, __LINE__);                                  \
	} while (0)

#endif
