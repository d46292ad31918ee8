/*
 * The Internet checksum: sums of 16-bit words in one's complement, unfolded in 32 bits.
 *
 * Sums are of words as they lie in memory (network order); only offsets matter, so that a sum of pieces is the sum of the sums if
 * each piece but the last has an even length, or is rotated by csum_shift() where it begins at an odd one.
 *
 * Contexts: any.  Pure.
 * Source: RFC 1071, RFC 1624 (updates), RFC 768, RFC 8200 section 8.1 (pseudo headers).
 */
#ifndef NET_CHECKSUM_H
#define NET_CHECKSUM_H

#include "net/address.h"

/** csum_partial - add @n bytes to @sum. */
u32 csum_partial(const void *data, size_t n, u32 sum);
/** csum_copy - copy @n bytes and add them to @sum. */
u32 csum_copy(void *dst, const void *src, size_t n, u32 sum);

static inline u32 csum_add(u32 a, u32 b)
{
	u64 s = (u64)a + b;

	return (u32)(s + (s >> 32));
}

/** csum_shift - the sum of a piece that begins at an odd offset of the whole. */
static inline u32 csum_shift(u32 sum, u32 offset)
{
	return offset & 1 ? sum << 8 | sum >> 24 : sum;
}

/** csum_fold - to 16 bits, not complemented. */
static inline u16 csum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)(sum + (sum >> 16));
}

/** csum_finish - what stands in the header. */
static inline be16 csum_finish(u32 sum) { return (be16)~csum_fold(sum); }

/** csum_pseudo - of the pseudo header of either version; @len: of transport header and payload. */
static inline u32 csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, u8 protocol, u32 len)
{
	u64 s = (u64)cpu_to_be32(len) + cpu_to_be32(protocol);

	if (ip_addr_is_v4(src)) {
		s += (u64)src->w[3] + dst->w[3];
	} else {
		for (u32 i = 0; i < 4; i++)
			s += (u64)src->w[i] + dst->w[i];
	}
	s = (s & 0xffffffff) + (s >> 32);
	return (u32)(s + (s >> 32));
}

/** csum_replace - the checksum after a 16-bit word changed from @from to @to. */
static inline be16 csum_replace(be16 check, be16 from, be16 to)
{
	return csum_finish(csum_add(csum_add((u16)~check, (u16)~from), to));
}

/** ip4_header_csum - over a header of @words 32-bit words, its checksum field being 0; or of a received one: 0 if good. */
static inline be16 ip4_header_csum(const void *header, u32 words) { return csum_finish(csum_partial(header, words * 4, 0)); }

#endif
