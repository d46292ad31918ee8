/*
 * What crc32.c and crc32c.c share: tables from their basis, and slicing by 8.
 *
 * A CRC is linear: the table entry of a byte is the exclusive or of the entries of its bits.  So a table of
 * 256 words is written as the eight words of the single bits.
 *
 * table[k][b] is the CRC of the byte b followed by k zero bytes.
 *
 * Contexts: any.  Source: Kounavis and Berry, "Slicing-by-8", 2005.
 */
#ifndef BASE_CRC_TABLE_H
#define BASE_CRC_TABLE_H

#include "base/bitops.h"
#include "base/types.h"

#define CRC_2(x, b0) (x), (x) ^ (b0)
#define CRC_4(x, b0, b1) CRC_2(x, b0), CRC_2((x) ^ (b1), b0)
#define CRC_8(x, b0, b1, b2) CRC_4(x, b0, b1), CRC_4((x) ^ (b2), b0, b1)
#define CRC_16(x, b0, b1, b2, b3) CRC_8(x, b0, b1, b2), CRC_8((x) ^ (b3), b0, b1, b2)
#define CRC_32(x, b0, b1, b2, b3, b4) CRC_16(x, b0, b1, b2, b3), CRC_16((x) ^ (b4), b0, b1, b2, b3)
#define CRC_64(x, b0, b1, b2, b3, b4, b5) \
	CRC_32(x, b0, b1, b2, b3, b4), CRC_32((x) ^ (b5), b0, b1, b2, b3, b4)
#define CRC_128(x, b0, b1, b2, b3, b4, b5, b6) \
	CRC_64(x, b0, b1, b2, b3, b4, b5), CRC_64((x) ^ (b6), b0, b1, b2, b3, b4, b5)
#define CRC_TABLE(b0, b1, b2, b3, b4, b5, b6, b7) \
	{ \
		CRC_128(0U, b0, b1, b2, b3, b4, b5, b6), CRC_128(b7, b0, b1, b2, b3, b4, b5, b6) \
	}

static ALWAYS_INLINE u32 crc_run(const u32 table[8][256], u32 crc, const void *data, size_t len)
{
	const u8 *b = data;

	for (; len >= 8; len -= 8, b += 8) {
		u64 w = get_le64(b) ^ crc;

		crc = table[7][w & 0xff] ^ table[6][(w >> 8) & 0xff] ^ table[5][(w >> 16) & 0xff] ^
		      table[4][(w >> 24) & 0xff] ^ table[3][(w >> 32) & 0xff] ^
		      table[2][(w >> 40) & 0xff] ^ table[1][(w >> 48) & 0xff] ^ table[0][w >> 56];
	}
	for (; len; len--, b++)
		crc = (crc >> 8) ^ table[0][(crc ^ *b) & 0xff];
	return crc;
}

#endif
