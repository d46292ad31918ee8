/*
 * SYN cookies: the ISN says all that must be known.
 *
 *	cookie = H1(flow) + irs + (count << 24) + ((H2(flow, count) + mss index) mod 2^24)
 *
 * count goes up once a minute; a cookie is good for two.  With time stamps, the low bits of ours carry the peer's window scale, SACK and ECN.
 *
 * Source: D. J. Bernstein, "SYN cookies" (the layout above is the one described there, with SipHash).
 */
#include "base/hash.h"
#include "base/string.h"
#include "net/tcp/internal.h"
#include "net/tcp/request.h"

enum { COUNT_BITS = 24, MINUTES_MAX = 2, TS_BITS = 6, TS_WSCALE = 15, TS_SACK = 16, TS_ECN = 32 };
#define COOKIE_MASK ((1u << COUNT_BITS) - 1)

static const u16 mss_table[] = { 536, 1300, 1440, 1460, 8960, 16344, 32741, 65483 };

static u32 keyed(const u8 *key, const void *flow, u32 flow_len, u32 extra)
{
	u8 buf[64];
	struct siphash_key k;

	memcpy(&k, key, sizeof(k));
	flow_len = MIN(flow_len, (u32)sizeof(buf) - 4);
	memcpy(buf, flow, flow_len);
	memcpy(buf + flow_len, &extra, 4);
	return (u32)siphash(buf, flow_len + 4, &k);
}

static u32 minute(u64 now_ns)
{
	return (u32)(now_ns / 60000000000ull);
}

u32 tcp_cookie_make(const struct tcp_cookie_key *key, const void *flow, u32 flow_len, u32 irs, u16 *mss, u64 now_ns)
{
	u32 count = minute(now_ns), i = ARRAY_SIZE(mss_table) - 1;

	while (i && mss_table[i] > *mss)
		i--;
	*mss = mss_table[i];
	return keyed(key->bytes[0], flow, flow_len, 0) + irs + (count << COUNT_BITS) + ((keyed(key->bytes[1], flow, flow_len, count) + i) & COOKIE_MASK);
}

u16 tcp_cookie_check(const struct tcp_cookie_key *key, const void *flow, u32 flow_len, u32 irs, u32 cookie, u64 now_ns)
{
	u32 count = minute(now_ns);

	cookie -= keyed(key->bytes[0], flow, flow_len, 0) + irs;
	u32 age = (count - (cookie >> COUNT_BITS)) & (~0u >> COUNT_BITS);

	if (age >= MINUTES_MAX)
		return 0;
	u32 i = (cookie - keyed(key->bytes[1], flow, flow_len, count - age)) & COOKIE_MASK;

	return i < ARRAY_SIZE(mss_table) ? mss_table[i] : 0;
}

u32 tcp_cookie_ts(const struct tcp_request *r, u64 now_ns)
{
	u32 ts = tcp_now_ms(now_ns) + r->ts_offset, bits = r->wscale_ok ? r->snd_wscale : TS_WSCALE;

	bits |= (r->sack_ok ? TS_SACK : 0) | (r->ecn_ok ? TS_ECN : 0);
	u32 out = (ts & ~((1u << TS_BITS) - 1)) | bits;

	/* Never later than now. */
	return (s32)(out - ts) > 0 ? out - (1u << TS_BITS) : out;
}

bool tcp_cookie_ts_take(struct tcp_request *r, const struct tcp_config *cfg, const struct tcp_options *o)
{
	if (!o->has_ts) {
		r->sack_ok = r->wscale_ok = r->ts_ok = r->ecn_ok = false;
		r->snd_wscale = 0;
		return true;
	}
	u32 bits = o->tsecr & ((1u << TS_BITS) - 1);

	if (!cfg->timestamps || (bits & TS_SACK && !cfg->sack))
		return false;
	r->ts_ok = true;
	r->ts_recent = o->tsval;
	r->sack_ok = bits & TS_SACK;
	r->ecn_ok = bits & TS_ECN;
	r->wscale_ok = (bits & TS_WSCALE) != TS_WSCALE;
	r->snd_wscale = r->wscale_ok ? bits & TS_WSCALE : 0;
	return !r->wscale_ok || (cfg->window_scaling && r->snd_wscale <= TCP_WSCALE_MAX);
}
