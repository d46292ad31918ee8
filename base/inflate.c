/*
 * Inflate and gunzip; see inflate.h.
 *
 * A table entry is a u32:
 *
 *	 31        16     9 8   7      4 3      0
 *	+------------+---+-----+--------+--------+
 *	|   value    |   |kind | extra  | length |
 *	+------------+---+-----+--------+--------+
 *
 * length: bits of the code, 0 where no code of at most the table's bits stands; extra: bits that follow
 * and are added to value.  A table is indexed by the next bits of the input, so a short code stands
 * in it many times.
 *
 * The bit buffer is refilled 8 bytes at a time without a loop: bits above bit_count may hold bits of the
 * next bytes already, and OR-ing these in again changes nothing.
 *
 * Source: RFC 1951, RFC 1952; the refill is variant 4 of Fabian Giesen, "Reading bits in far too many
 * ways", 2018.
 */
#include <linux/errno.h>

#include "base/bitops.h"
#include "base/crc32.h"
#include "base/inflate.h"
#include "base/string.h"

enum {
	CODE_BITS_MAX = 15,
	MATCH_MAX = 258,
	HISTORY_BYTES = 32768,
	COPY_SLACK = 16,		/* bytes that the fast copy may write too many */
	ROUND_BITS_MAX = 48,		/* input bits that one length and distance can take */
	LITLEN_CODES = 288,
	DIST_CODES = 32,
	PRECODE_CODES = 19,
	END_OF_BLOCK = 256,
};

enum kind {
	KIND_LITERAL,
	KIND_BASE,
	KIND_END,
	KIND_INVALID,
};

#define ENTRY(value, kind, extra) (((u32)(value) << 16) | ((u32)(kind) << 8) | ((u32)(extra) << 4))
#define ENTRY_LENGTH(e) ((e)&15)
#define ENTRY_EXTRA(e) (((e) >> 4) & 15)
#define ENTRY_KIND(e) (((e) >> 8) & 3)
#define ENTRY_VALUE(e) ((e) >> 16)

/* What the decoding loop keeps in registers. */
struct reader {
	const u8 *in;
	const u8 *in_end;
	u64 bits;
	u32 bit_count;
	u32 overrun;
};

static int damaged(struct inflate *z, const char *error)
{
	z->error = error;
	return -EINVAL;
}

static ALWAYS_INLINE void refill(struct reader *r)
{
	if (likely(r->in_end - r->in >= 8)) {
		r->bits |= get_le64(r->in) << r->bit_count;
		r->in += (63 - r->bit_count) >> 3;
		r->bit_count |= 56;
		return;
	}
	while (r->bit_count <= 56) {
		if (r->in < r->in_end)
			r->bits |= (u64)*r->in++ << r->bit_count;
		else
			r->overrun++;
		r->bit_count += 8;
	}
}

static ALWAYS_INLINE u32 take_bits(struct reader *r, unsigned count)
{
	u32 value = (u32)(r->bits & (BIT(count) - 1));

	r->bits >>= count;
	r->bit_count -= count;
	return value;
}

/* Were bits used that are past the end of the input? */
static ALWAYS_INLINE bool ran_out(const struct reader *r)
{
	return unlikely(r->overrun) && r->overrun * 8 > r->bit_count;
}

static ALWAYS_INLINE struct reader reader_load(const struct inflate *z)
{
	return (struct reader){ z->in, z->in_end, z->bits, z->bit_count, z->overrun };
}

static ALWAYS_INLINE void reader_save(struct inflate *z, const struct reader *r)
{
	z->in = r->in;
	z->in_end = r->in_end;
	z->bits = r->bits;
	z->bit_count = r->bit_count;
	z->overrun = r->overrun;
}

/* Back to whole bytes: what is loaded and not used goes back to the input. */
static int align_to_byte(struct inflate *z)
{
	struct reader r = reader_load(z);

	if (ran_out(&r))
		return damaged(z, "the input is cut short");
	z->in -= z->bit_count / 8 - z->overrun;
	z->bits = 0;
	z->bit_count = 0;
	z->overrun = 0;
	return 0;
}

/* ---- codes ---- */

static u32 litlen_entry(unsigned symbol)
{
	static const u16 base[29] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,	15,  17,  19,  23, 27,
				      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const u8 extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };

	if (symbol < END_OF_BLOCK)
		return ENTRY(symbol, KIND_LITERAL, 0);
	if (symbol == END_OF_BLOCK)
		return ENTRY(0, KIND_END, 0);
	if (symbol - 257 < ARRAY_SIZE(base))
		return ENTRY(base[symbol - 257], KIND_BASE, extra[symbol - 257]);
	return ENTRY(0, KIND_INVALID, 0);
}

static u32 dist_entry(unsigned symbol)
{
	static const u16 base[30] = { 1,   2,	3,   4,	  5,   7,    9,	   13,	 17,   25,
				      33,  49,	65,  97,  129, 193,  257,  385,	 513,  769,
				      1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };

	if (symbol >= ARRAY_SIZE(base))
		return ENTRY(0, KIND_INVALID, 0);
	return ENTRY(base[symbol], KIND_BASE, symbol < 4 ? 0 : symbol / 2 - 1);
}

static u32 precode_entry(unsigned symbol)
{
	return ENTRY(symbol, KIND_LITERAL, 0);
}

/* The low @len bits of @code in reverse. */
static inline u32 reverse_bits(u32 code, unsigned len)
{
	code = ((code >> 1) & 0x5555) | ((code & 0x5555) << 1);
	code = ((code >> 2) & 0x3333) | ((code & 0x3333) << 2);
	code = ((code >> 4) & 0x0f0f) | ((code & 0x0f0f) << 4);
	code = ((code >> 8) & 0x00ff) | ((code & 0x00ff) << 8);
	return code >> (16 - len);
}

/* Is this a prefix code?  Complete, or of one bit at most, which the RFC allows. */
static bool code_is_valid(const u16 count[16])
{
	int left = 1;
	bool longer = false;

	for (unsigned len = 1; len <= CODE_BITS_MAX; len++) {
		left = 2 * left - count[len];
		if (left < 0)
			return false;
		if (len > 1 && count[len])
			longer = true;
	}
	return left == 0 || !longer;
}

/*
 * A canonical code from the lengths of its symbols: @code, and @table of 2^@table_bits entries.
 * False if the lengths make no code.
 */
static bool build_code(struct inflate_code *code, u32 *table, unsigned table_bits, const u8 *lengths,
		       unsigned symbols, u32 (*entry_of)(unsigned symbol))
{
	u16 next[16];
	u32 value = 0;
	unsigned at = 0;

	memset(code->count, 0, sizeof(code->count));
	for (unsigned i = 0; i < symbols; i++)
		code->count[lengths[i]]++;
	code->count[0] = 0;
	if (!code_is_valid(code->count))
		return false;
	next[0] = 0;
	for (unsigned len = 0; len < CODE_BITS_MAX; len++)
		next[len + 1] = next[len] + code->count[len];
	for (unsigned i = 0; i < symbols; i++) {
		if (lengths[i])
			code->symbol[next[lengths[i]]++] = (u16)i;
	}
	memset(table, 0, sizeof(*table) << table_bits);
	for (unsigned len = 1; len <= table_bits && len <= CODE_BITS_MAX; len++) {
		for (unsigned i = 0; i < code->count[len]; i++) {
			u32 entry = entry_of(code->symbol[at++]) | len;

			for (u32 slot = reverse_bits(value, len); slot < 1U << table_bits;
			     slot += 1U << len)
				table[slot] = entry;
			value++;
		}
		value <<= 1;
	}
	return true;
}

/* The entry of a code that is not in the table; 0 if these bits begin no code. */
static NOINLINE u32 decode_long(const struct inflate_code *code, u64 bits,
				u32 (*entry_of)(unsigned symbol))
{
	u32 value = 0;
	u32 first = 0;
	u32 index = 0;

	for (unsigned len = 1; len <= CODE_BITS_MAX; len++) {
		u32 count = code->count[len];

		value = value << 1 | (bits & 1);
		bits >>= 1;
		if (value - first < count)
			return entry_of(code->symbol[index + value - first]) | len;
		index += count;
		first = (first + count) << 1;
	}
	return 0;
}

/* ---- output ---- */

/* What was written goes to the sink, and the last 32 KiB to the front of the window. */
static int flush(struct inflate *z)
{
	const u8 *data = z->out + z->sink_from;
	size_t len = z->out_pos - z->sink_from;
	int err;

	if (len == 0)
		return 0;
	z->crc = crc32(z->crc, data, len);
	z->total += len;
	err = z->sink(z->sink_ctx, data, len);
	if (err)
		return err;
	if (z->out_pos > HISTORY_BYTES) {
		memmove(z->out, z->out + z->out_pos - HISTORY_BYTES, HISTORY_BYTES);
		z->out_pos = HISTORY_BYTES;
	}
	z->sink_from = z->out_pos;
	return 0;
}

/* Copy a match; up to COPY_SLACK bytes behind it may be overwritten. */
static ALWAYS_INLINE void copy_match_fast(u8 *to, u32 dist, u32 len)
{
	const u8 *from = to - dist;
	u8 *end = to + len;

	if (dist >= 8) {
		do {
			put_le64(to, get_le64(from));
			put_le64(to + 8, get_le64(from + 8));
			to += 16;
			from += 16;
		} while (to < end);
	} else if (dist == 1) {
		u64 w = *from * 0x0101010101010101ULL;

		do {
			put_le64(to, w);
			to += 8;
		} while (to < end);
	} else {
		do {
			*to++ = *from++;
			barrier();
		} while (to < end);
	}
}

static void copy_match_careful(u8 *to, u32 dist, u32 len)
{
	for (; len; len--, to++) {
		*to = *(to - dist);
		barrier();
	}
}

/* ---- blocks ---- */

static int inflate_stored(struct inflate *z)
{
	size_t len;
	int err = align_to_byte(z);

	if (err)
		return err;
	if (z->in_end - z->in < 4)
		return damaged(z, "the input is cut short");
	len = get_le16(z->in);
	if (get_le16(z->in + 2) != (u16)~len)
		return damaged(z, "a stored block's length does not match its complement");
	z->in += 4;
	if (len > (size_t)(z->in_end - z->in))
		return damaged(z, "the input is cut short");
	while (len) {
		size_t part;

		if (z->out_pos == z->out_size) {
			if (!z->sink)
				return -ENOSPC;
			err = flush(z);
			if (err)
				return err;
		}
		part = MIN(len, z->out_size - z->out_pos);
		memcpy(z->out + z->out_pos, z->in, part);
		z->out_pos += part;
		z->in += part;
		len -= part;
	}
	return 0;
}

/* The code lengths of a dynamic block into z->lengths; how many of each code through the pointers. */
static int read_lengths(struct inflate *z, struct reader *r, unsigned *litlens, unsigned *dists)
{
	static const u8 order[PRECODE_CODES] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						 11, 4,	 12, 3, 13, 2, 14, 1, 15 };
	unsigned precodes;
	unsigned at = 0;

	refill(r);
	*litlens = take_bits(r, 5) + 257;
	*dists = take_bits(r, 5) + 1;
	precodes = take_bits(r, 4) + 4;
	if (*litlens > 286 || *dists > 30)
		return damaged(z, "a block has too many length or distance codes");
	memset(z->lengths, 0, PRECODE_CODES);
	for (unsigned i = 0; i < precodes; i++) {
		if (r->bit_count < 3)
			refill(r);
		z->lengths[order[i]] = (u8)take_bits(r, 3);
	}
	if (!build_code(&z->dist_code, z->dist, INFLATE_DIST_BITS, z->lengths, PRECODE_CODES,
			precode_entry))
		return damaged(z, "the code of code lengths is no prefix code");
	while (at < *litlens + *dists) {
		unsigned repeat = 1;
		u8 length = 0;
		u32 entry;

		if (r->bit_count < ROUND_BITS_MAX)
			refill(r);
		entry = z->dist[r->bits & ((1 << INFLATE_DIST_BITS) - 1)];
		if (!entry)
			return damaged(z, "code lengths are coded by bits that are no code");
		take_bits(r, ENTRY_LENGTH(entry));
		if (ENTRY_VALUE(entry) < 16) {
			length = (u8)ENTRY_VALUE(entry);
		} else if (ENTRY_VALUE(entry) == 16) {
			if (at == 0)
				return damaged(z, "the first code length repeats the one before");
			length = z->lengths[at - 1];
			repeat = 3 + take_bits(r, 2);
		} else {
			repeat = ENTRY_VALUE(entry) == 17 ? 3 + take_bits(r, 3) : 11 + take_bits(r, 7);
		}
		if (ran_out(r))
			return damaged(z, "the input is cut short");
		if (repeat > *litlens + *dists - at)
			return damaged(z, "more code lengths than codes");
		memset(z->lengths + at, length, repeat);
		at += repeat;
	}
	return 0;
}

static int build_dynamic(struct inflate *z)
{
	struct reader r = reader_load(z);
	unsigned litlens;
	unsigned dists;
	int err = read_lengths(z, &r, &litlens, &dists);

	reader_save(z, &r);
	if (err)
		return err;
	if (z->lengths[END_OF_BLOCK] == 0)
		return damaged(z, "a block has no code for its end");
	if (!build_code(&z->litlen_code, z->litlen, INFLATE_LITLEN_BITS, z->lengths, litlens,
			litlen_entry))
		return damaged(z, "the code of literals and lengths is no prefix code");
	if (!build_code(&z->dist_code, z->dist, INFLATE_DIST_BITS, z->lengths + litlens, dists,
			dist_entry))
		return damaged(z, "the code of distances is no prefix code");
	return 0;
}

static int build_fixed(struct inflate *z)
{
	memset(z->lengths, 8, 144);
	memset(z->lengths + 144, 9, 112);
	memset(z->lengths + 256, 7, 24);
	memset(z->lengths + 280, 8, 8);
	memset(z->lengths + LITLEN_CODES, 5, DIST_CODES);
	if (!build_code(&z->litlen_code, z->litlen, INFLATE_LITLEN_BITS, z->lengths, LITLEN_CODES,
			litlen_entry) ||
	    !build_code(&z->dist_code, z->dist, INFLATE_DIST_BITS, z->lengths + LITLEN_CODES,
			DIST_CODES, dist_entry))
		return -EINVAL;
	return 0;
}

/* The distance that follows a length; 0 and z->error if there is none. */
static ALWAYS_INLINE u32 read_dist(struct inflate *z, struct reader *r)
{
	u32 entry = z->dist[r->bits & ((1 << INFLATE_DIST_BITS) - 1)];

	if (unlikely(!entry))
		entry = decode_long(&z->dist_code, r->bits, dist_entry);
	if (unlikely(!entry || ENTRY_KIND(entry) != KIND_BASE)) {
		z->error = "bits that are no distance code";
		return 0;
	}
	take_bits(r, ENTRY_LENGTH(entry));
	return ENTRY_VALUE(entry) + take_bits(r, ENTRY_EXTRA(entry));
}

/* The coded part of a block; the two codes are built. */
static int inflate_coded(struct inflate *z)
{
	struct reader r = reader_load(z);
	u8 *const out = z->out;
	const size_t size = z->out_size;
	size_t pos = z->out_pos;
	int err = 0;

	for (;;) {
		u32 entry;
		u32 len;
		u32 dist;

		if (r.bit_count < ROUND_BITS_MAX)
			refill(&r);
		if (z->sink && unlikely(size - pos < MATCH_MAX + COPY_SLACK)) {
			z->out_pos = pos;
			err = flush(z);
			pos = z->out_pos;
			if (err)
				break;
		}
		entry = z->litlen[r.bits & ((1 << INFLATE_LITLEN_BITS) - 1)];
		if (unlikely(!entry))
			entry = decode_long(&z->litlen_code, r.bits, litlen_entry);
		take_bits(&r, ENTRY_LENGTH(entry));
		if (ran_out(&r)) {
			err = damaged(z, "the input is cut short");
			break;
		}
		if (ENTRY_KIND(entry) == KIND_LITERAL && likely(entry)) {
			if (unlikely(pos == size)) {
				err = -ENOSPC;
				break;
			}
			out[pos++] = (u8)ENTRY_VALUE(entry);
			continue;
		}
		if (ENTRY_KIND(entry) == KIND_END)
			break;
		if (unlikely(ENTRY_KIND(entry) != KIND_BASE)) {
			err = damaged(z, "bits that are no literal or length code");
			break;
		}
		len = ENTRY_VALUE(entry) + take_bits(&r, ENTRY_EXTRA(entry));
		dist = read_dist(z, &r);
		if (unlikely(dist == 0 || dist > pos || ran_out(&r))) {
			err = damaged(z, dist == 0   ? z->error :
					 ran_out(&r) ? "the input is cut short" :
						       "a distance reaches behind the beginning");
			break;
		}
		if (likely(size - pos >= MATCH_MAX + COPY_SLACK)) {
			copy_match_fast(out + pos, dist, len);
		} else if (len <= size - pos) {
			copy_match_careful(out + pos, dist, len);
		} else {
			err = -ENOSPC;
			break;
		}
		pos += len;
	}
	z->out_pos = pos;
	reader_save(z, &r);
	return err;
}

/* All blocks of a stream, up to the byte boundary behind it. */
static int inflate_blocks(struct inflate *z)
{
	bool last;
	int err;

	do {
		struct reader r = reader_load(z);
		unsigned type;

		refill(&r);
		last = take_bits(&r, 1);
		type = take_bits(&r, 2);
		reader_save(z, &r);
		if (ran_out(&r))
			return damaged(z, "the input is cut short");
		switch (type) {
		case 0:
			err = inflate_stored(z);
			break;
		case 1:
			err = build_fixed(z);
			break;
		case 2:
			err = build_dynamic(z);
			break;
		default:
			return damaged(z, "a block of type 3");
		}
		if (!err && type != 0)
			err = inflate_coded(z);
		if (err)
			return err;
	} while (!last);
	return align_to_byte(z);
}

/* ---- gzip ---- */

enum gzip_flags {
	GZIP_HEADER_CRC = 2,
	GZIP_EXTRA = 4,
	GZIP_NAME = 8,
	GZIP_COMMENT = 16,
	GZIP_RESERVED = 0xe0,
};

/* Skip a NUL-terminated field; false if it has no end. */
static bool skip_text(struct inflate *z)
{
	const u8 *nul = memchr(z->in, 0, (size_t)(z->in_end - z->in));

	if (!nul)
		return false;
	z->in = nul + 1;
	return true;
}

static int gzip_header(struct inflate *z)
{
	const u8 *start = z->in;
	unsigned flags;

	if (z->in_end - z->in < 10)
		return damaged(z, "the gzip header is cut short");
	if (!gunzip_is_gzip(start, 10))
		return damaged(z, "no gzip header (1f 8b 08)");
	flags = start[3];
	if (flags & GZIP_RESERVED)
		return damaged(z, "reserved flags in the gzip header");
	z->in += 10;
	if (flags & GZIP_EXTRA) {
		if (z->in_end - z->in < 2 || z->in_end - z->in - 2 < get_le16(z->in))
			return damaged(z, "the gzip header is cut short");
		z->in += 2 + get_le16(z->in);
	}
	if ((flags & GZIP_NAME && !skip_text(z)) || (flags & GZIP_COMMENT && !skip_text(z)))
		return damaged(z, "the gzip header is cut short");
	if (flags & GZIP_HEADER_CRC) {
		if (z->in_end - z->in < 2)
			return damaged(z, "the gzip header is cut short");
		if (get_le16(z->in) != (u16)crc32(0, start, (size_t)(z->in - start)))
			return damaged(z, "the gzip header has another CRC");
		z->in += 2;
	}
	return 0;
}

static int gzip_trailer(struct inflate *z)
{
	if (z->in_end - z->in < 8)
		return damaged(z, "the gzip trailer is cut short");
	if (get_le32(z->in) != z->crc)
		return damaged(z, "the data have another CRC");
	if (get_le32(z->in + 4) != (u32)z->total)
		return damaged(z, "the data have another length");
	z->in += 8;
	return 0;
}

static void start(struct inflate *z, const void *in, size_t in_len, void *out, size_t out_size)
{
	z->in = in;
	z->in_end = (const u8 *)in + in_len;
	z->bits = 0;
	z->bit_count = 0;
	z->overrun = 0;
	z->out = out;
	z->out_pos = 0;
	z->out_size = out_size;
	z->sink = NULL;
	z->sink_ctx = NULL;
	z->sink_from = 0;
	z->total = 0;
	z->crc = 0;
	z->error = NULL;
	z->error_at = 0;
}

static int finish(struct inflate *z, const void *in, size_t *in_used, int err)
{
	size_t used = (size_t)(z->in - (const u8 *)in);

	if (err)
		z->error_at = used;
	if (in_used)
		*in_used = used;
	return err;
}

int inflate_raw(struct inflate *z, const void *in, size_t in_len, size_t *in_used, void *out,
		size_t out_size, size_t *out_len)
{
	int err;

	start(z, in, in_len, out, out_size);
	err = inflate_blocks(z);
	*out_len = z->out_pos;
	return finish(z, in, in_used, err);
}

int gunzip(struct inflate *z, const void *in, size_t in_len, size_t *in_used, void *out,
	   size_t out_size, size_t *out_len)
{
	int err;

	start(z, in, in_len, out, out_size);
	err = gzip_header(z);
	if (!err)
		err = inflate_blocks(z);
	*out_len = z->out_pos;
	if (!err) {
		z->crc = crc32(0, out, z->out_pos);
		z->total = z->out_pos;
		err = gzip_trailer(z);
	}
	return finish(z, in, in_used, err);
}

int gunzip_stream(struct inflate *z, const void *in, size_t in_len, size_t *in_used, u8 *window,
		  inflate_sink_fn *sink, void *ctx)
{
	int err;

	start(z, in, in_len, window, INFLATE_WINDOW_BYTES);
	z->sink = sink;
	z->sink_ctx = ctx;
	err = gzip_header(z);
	if (!err)
		err = inflate_blocks(z);
	if (!err)
		err = flush(z);
	if (!err)
		err = gzip_trailer(z);
	return finish(z, in, in_used, err);
}

u32 gunzip_size_hint(const void *in, size_t in_len)
{
	return in_len >= 4 ? get_le32((const u8 *)in + in_len - 4) : 0;
}
