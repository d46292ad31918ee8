/*
 * UTF-8, decoding only, strict: no overlong forms, no surrogates, nothing past U+10FFFF.
 *
 * Contexts: any.  Source: RFC 3629 section 4.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/types.h"

/**
 * utf8_decode - the character at the start of @s
 * @len:  bytes that may be read
 * @code: out; untouched if there is none
 * Return: its bytes (1 to 4), or 0 if @s starts with none or is cut short
 */
static inline unsigned utf8_decode(const char *s, size_t len, u32 *code)
{
	const u8 *b = (const u8 *)s;
	unsigned bytes;
	u32 value;
	u32 least;

	if (len == 0)
		return 0;
	if (b[0] < 0x80) {
		*code = b[0];
		return 1;
	}
	if (b[0] >= 0xc2 && b[0] <= 0xdf) {
		bytes = 2;
		value = b[0] & 0x1f;
		least = 0x80;
	} else if ((b[0] & 0xf0) == 0xe0) {
		bytes = 3;
		value = b[0] & 0x0f;
		least = 0x800;
	} else if (b[0] >= 0xf0 && b[0] <= 0xf4) {
		bytes = 4;
		value = b[0] & 0x07;
		least = 0x10000;
	} else {
		return 0;
	}
	if (len < bytes)
		return 0;
	for (unsigned i = 1; i < bytes; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		value = (value << 6) | (b[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return bytes;
}

/** utf8_valid - are all @len bytes whole characters? */
static inline bool utf8_valid(const char *s, size_t len)
{
	while (len) {
		u32 code;
		unsigned bytes = utf8_decode(s, len, &code);

		if (bytes == 0)
			return false;
		s += bytes;
		len -= bytes;
	}
	return true;
}

#endif
