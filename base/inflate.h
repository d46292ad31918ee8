/*
 * Decompression of deflate streams (RFC 1951) and of gzip files (RFC 1952), memory to memory, or memory
 * to a callback.
 *
 * The input lies in memory whole.  The decoder's tables lie in a struct inflate of the caller's (about 13
 * KiB: not on a kernel stack).  Damaged input ends in an error, whatever it holds: no byte outside the
 * given buffers is read or written.
 *
 * Departures: (1) codes longer than the tables' index are decoded bit by bit (they are rare by their
 * nature), so there are no second-level tables; (2) an incomplete code is an error but for one
 * of a single one-bit code, which the RFC allows for distances, and one that has no code at all.
 *
 * Contexts: any.
 */
#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include "base/types.h"

#define INFLATE_LITLEN_BITS 11
#define INFLATE_DIST_BITS 9

/* What a streaming caller lends: 32 KiB of history and as much again to write into. */
#define INFLATE_WINDOW_BYTES 65536

/* A canonical code: a table for short codes, counts and sorted symbols for long ones. */
struct inflate_code {
	u16 count[16];		/* codes of each length */
	u16 symbol[288];	/* by length, then by value */
};

/* Takes @len bytes; returns 0 to go on, or a negative errno, which ends the decoding and is returned. */
typedef int inflate_sink_fn(void *ctx, const u8 *data, size_t len);

struct inflate {
	const u8 *in;		/* next byte to load */
	const u8 *in_end;
	u64 bits;		/* loaded, not yet used: the low bits come first */
	u32 bit_count;
	u32 overrun;		/* zero bytes that were made up past the end of the input */
	u8 *out;
	size_t out_pos;
	size_t out_size;
	inflate_sink_fn *sink;	/* NULL: out is all there is */
	void *sink_ctx;
	size_t sink_from;	/* out[sink_from, out_pos) has not gone to the sink */
	u64 total;		/* bytes that went to the sink since the member began */
	u32 crc;
	const char *error;	/* what was wrong with the input, NULL if nothing */
	size_t error_at;	/* and near which offset */
	u32 litlen[1 << INFLATE_LITLEN_BITS];
	u32 dist[1 << INFLATE_DIST_BITS];
	struct inflate_code litlen_code;
	struct inflate_code dist_code;
	u8 lengths[320];	/* of the codes while they are built */
};

/**
 * inflate_raw - a deflate stream into a buffer
 * @in_used: out, may be NULL: bytes of input taken
 * @out_len: out: bytes written (also on failure)
 * Return: 0, -EINVAL (damaged or cut short: z->error says what), -ENOSPC (@out_size is too small)
 */
MUST_CHECK int inflate_raw(struct inflate *z, const void *in, size_t in_len, size_t *in_used,
			   void *out, size_t out_size, size_t *out_len);

/** gunzip - one gzip member into a buffer, length and CRC checked; else as inflate_raw. */
MUST_CHECK int gunzip(struct inflate *z, const void *in, size_t in_len, size_t *in_used, void *out,
		      size_t out_size, size_t *out_len);

/**
 * gunzip_stream - one gzip member into a callback
 * @window: INFLATE_WINDOW_BYTES
 * @sink:   called with at most that many bytes at a time, in order.  The CRC is known only at the end.
 * Return:  0, -EINVAL, or what @sink returned
 */
MUST_CHECK int gunzip_stream(struct inflate *z, const void *in, size_t in_len, size_t *in_used,
			     u8 *window, inflate_sink_fn *sink, void *ctx);

/** gunzip_is_gzip - do these bytes begin like a gzip file? */
static inline bool gunzip_is_gzip(const void *in, size_t in_len)
{
	const u8 *b = in;

	return in_len >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8;
}

/** gunzip_size_hint - the length (modulo 2^32) that the last 4 bytes of a gzip file claim. */
u32 gunzip_size_hint(const void *in, size_t in_len);

#endif
