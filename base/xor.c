/* Exclusive or of buffers; see xor.h.  Up to four sources are taken in one pass over the target. */
#include "base/bitops.h"
#include "base/string.h"
#include "base/xor.h"

static ALWAYS_INLINE void xor_pass(u8 *to, const void *const *from, unsigned count, size_t len)
{
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		u64 w = get_le64(to + at);

		for (unsigned i = 0; i < count; i++)
			w ^= get_le64((const u8 *)from[i] + at);
		put_le64(to + at, w);
	}
	for (; at < len; at++) {
		for (unsigned i = 0; i < count; i++)
			to[at] ^= ((const u8 *)from[i])[at];
	}
}

void xor_blocks(void *to, const void *const *from, unsigned count, size_t len)
{
	for (; count >= 4; count -= 4, from += 4)
		xor_pass(to, from, 4, len);
	switch (count) {
	case 3:
		xor_pass(to, from, 3, len);
		break;
	case 2:
		xor_pass(to, from, 2, len);
		break;
	case 1:
		xor_pass(to, from, 1, len);
		break;
	}
}

void xor_gen(void *to, const void *const *from, unsigned count, size_t len)
{
	memmove(to, from[0], len);
	xor_blocks(to, from + 1, count - 1, len);
}
