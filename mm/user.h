/*
 * Copies from and to user memory, typed so that a user address cannot be dereferenced by mistake.
 * Only sys/ and ioctl entry points use them.  Thread context; may sleep.
 */
#ifndef MM_USER_H
#define MM_USER_H

#include <linux/errno.h>
#include "base/types.h"
#include "plat/plat.h"

static inline uaddr_t uaddr(u64 v) { return (uaddr_t){ v }; }
static inline uaddr_t uaddr_add(uaddr_t a, u64 n) { return (uaddr_t){ a.v + n }; }
static inline bool uaddr_null(uaddr_t a) { return a.v == 0; }

/** user_range_ok - whether [a, a + n) are user addresses; no wrap. */
static inline bool user_range_ok(uaddr_t a, u64 n)
{
	return n <= PLAT_USER_TOP && a.v <= PLAT_USER_TOP - n;
}

/** copy_in / copy_out - Return: 0, -EFAULT */
static inline MUST_CHECK int copy_in(void *dst, uaddr_t src, size_t n)
{
	return plat_copy_from_user(dst, src.v, n) ? -EFAULT : 0;
}

static inline MUST_CHECK int copy_out(uaddr_t dst, const void *src, size_t n)
{
	return plat_copy_to_user(dst.v, src, n) ? -EFAULT : 0;
}

/**
 * copy_in_struct - an extensible struct: @user_size bytes from user, the rest of @dst zeroed
 * Return: 0, -EFAULT, -E2BIG if bytes beyond what we know are not zero
 */
MUST_CHECK int copy_in_struct(void *dst, size_t size, uaddr_t src, size_t user_size);

/** copy_in_string - Return: length, -EFAULT, -ENAMETOOLONG if it does not fit with its NUL */
MUST_CHECK long copy_in_string(char *dst, uaddr_t src, size_t size);

#define get_user(x, ua) copy_in(&(x), (ua), sizeof(x))
#define put_user(x, ua) ({ __auto_type put_v_ = (x); copy_out((ua), &put_v_, sizeof(put_v_)); })

#endif
