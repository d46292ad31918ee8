/* Options of TCP headers: see options.h. */
#include "base/string.h"
#include "net/tcp/options.h"

enum { KIND_END, KIND_NOP, KIND_MSS, KIND_WSCALE, KIND_SACK_OK, KIND_SACK, KIND_TS = 8, KIND_MD5 = 19, KIND_FASTOPEN = 34, KIND_EXPERIMENT = 254 };
enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACK_OK = 2, LEN_TS = 10, LEN_MD5 = 18, EXPERIMENT_MAGIC = 0xf989, COOKIE_MIN = 4 };

static u16 get16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 get32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static u8 *put16(u8 *p, u16 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
	return p + 2;
}

static u8 *put32(u8 *p, u32 v)
{
	return put16(put16(p, (u16)(v >> 16)), (u16)v);
}

static void take_cookie(struct tcp_options *o, const u8 *p, u32 len, bool syn, bool experimental)
{
	if (!syn || (len & 1) || (len && (len < COOKIE_MIN || len > TCP_COOKIE_MAX)))
		return;
	o->fo_len = (s8)len;
	o->fo_experimental = experimental;
	memcpy(o->fo_cookie, p, len);
}

static void take_sacks(struct tcp_options *o, const u8 *p, u32 len)
{
	if (len % 8 || !len)
		return;
	o->sack_count = (u8)MIN(len / 8, (u32)TCP_SACKS_MAX);
	for (u32 i = 0; i < o->sack_count; i++, p += 8)
		o->sack[i] = (struct tcp_sack_block){ get32(p), get32(p + 4) };
}

/* One option with a body of @len bytes at @p. */
static void take_one(struct tcp_options *o, u8 kind, const u8 *p, u32 len, bool syn)
{
	switch (kind) {
	case KIND_MSS:
		if (syn && len == LEN_MSS - 2)
			o->mss = get16(p);
		break;
	case KIND_WSCALE:
		if (syn && len == LEN_WSCALE - 2) {
			o->has_wscale = true;
			o->wscale = MIN(p[0], (u8)TCP_WSCALE_MAX);
		}
		break;
	case KIND_SACK_OK:
		if (syn && len == LEN_SACK_OK - 2)
			o->sack_ok = true;
		break;
	case KIND_SACK:
		take_sacks(o, p, len);
		break;
	case KIND_TS:
		if (len == LEN_TS - 2) {
			o->has_ts = true;
			o->tsval = get32(p);
			o->tsecr = get32(p + 4);
		}
		break;
	case KIND_MD5:
		o->md5 = len == LEN_MD5 - 2;
		break;
	case KIND_FASTOPEN:
		take_cookie(o, p, len, syn, false);
		break;
	case KIND_EXPERIMENT:
		if (len >= 2 && get16(p) == EXPERIMENT_MAGIC)
			take_cookie(o, p + 2, len - 2, syn, true);
		break;
	}
}

void tcp_options_parse(struct tcp_options *o, const u8 *p, u32 len, bool syn)
{
	const u8 *end = p + len;

	tcp_options_clear(o);
	while (p < end && *p != KIND_END) {
		if (*p == KIND_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return;
		take_one(o, p[0], p + 2, p[1] - 2u, syn);
		p += p[1];
	}
}

static u8 *put_ts(u8 *p, const struct tcp_options *o)
{
	*p++ = KIND_TS;
	*p++ = LEN_TS;
	return put32(put32(p, o->tsval), o->tsecr);
}

static u8 *put_cookie(u8 *p, const struct tcp_options *o)
{
	u32 body = (u32)o->fo_len + (o->fo_experimental ? 2 : 0);

	*p++ = o->fo_experimental ? KIND_EXPERIMENT : KIND_FASTOPEN;
	*p++ = (u8)(body + 2);
	if (o->fo_experimental)
		p = put16(p, EXPERIMENT_MAGIC);
	memcpy(p, o->fo_cookie, (size_t)o->fo_len);
	p += o->fo_len;
	while (body++ % 4 != 2)
		*p++ = KIND_NOP;
	return p;
}

static u8 *put_sacks(u8 *p, const u8 *end, const struct tcp_options *o)
{
	u32 n = MIN((u32)o->sack_count, (u32)(end - p - 4) / 8);

	if (end - p < 12 || !n)
		return p;
	*p++ = KIND_NOP;
	*p++ = KIND_NOP;
	*p++ = KIND_SACK;
	*p++ = (u8)(2 + n * 8);
	for (u32 i = 0; i < n; i++)
		p = put32(put32(p, o->sack[i].start), o->sack[i].end);
	return p;
}

u32 tcp_options_build(const struct tcp_options *o, u8 *start)
{
	u8 *p = start;

	if (o->mss) {
		*p++ = KIND_MSS;
		*p++ = LEN_MSS;
		p = put16(p, o->mss);
	}
	if (o->sack_ok || o->has_ts) {
		*p++ = o->sack_ok ? KIND_SACK_OK : KIND_NOP;
		*p++ = o->sack_ok ? LEN_SACK_OK : KIND_NOP;
		if (o->has_ts) {
			p = put_ts(p, o);
		} else {
			*p++ = KIND_NOP;
			*p++ = KIND_NOP;
		}
	}
	if (o->has_wscale) {
		*p++ = KIND_NOP;
		*p++ = KIND_WSCALE;
		*p++ = LEN_WSCALE;
		*p++ = o->wscale;
	}
	/* Widest: kind, length, magic of two bytes, cookie, padding to four. */
	if (o->fo_len >= 0 && (u32)(p - start) + 8 + (u32)o->fo_len <= TCP_OPTIONS_MAX)
		p = put_cookie(p, o);
	if (o->sack_count)
		p = put_sacks(p, start + TCP_OPTIONS_MAX, o);
	return (u32)(p - start);
}
