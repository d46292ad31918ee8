/*
 * CRC-32 (IEEE 802.3, gzip, zip, GPT), eight tables of 256 words.
 *
 * Contexts: any.  Source: RFC 1952 section 8; Kounavis and Berry, "Slicing-by-8", 2005.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/types.h"

/**
 * crc32_le - go on with a running CRC, nothing inverted at either end
 * @crc: the state; ~0 is the usual beginning and the usual result is inverted
 */
u32 crc32_le(u32 crc, const void *data, size_t len);

/** crc32 - gzip's form: 0 to begin with, or the result so far; inverted at both ends. */
static inline u32 crc32(u32 crc, const void *data, size_t len)
{
	return ~crc32_le(~crc, data, len);
}

#endif
