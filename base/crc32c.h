/*
 * CRC-32C (Castagnoli), eight tables of 256 words: btrfs, ext4 metadata, iSCSI, SCTP.
 *
 * Contexts: any.  Source: RFC 3720 appendix B.4; Kounavis and Berry, "Slicing-by-8", 2005.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/types.h"

/**
 * crc32c - go on with a running CRC
 * @crc: the state: ~0 to begin with.  Nothing is inverted at either end: the CRC-32C of the iSCSI
 *       specification is ~crc32c(~0, data, len).
 */
u32 crc32c(u32 crc, const void *data, size_t len);

#endif
