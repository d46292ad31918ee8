/* Requests: see request.h. */
#include "base/string.h"
#include "net/tcp/internal.h"
#include "net/tcp/request.h"

void tcp_request_init(struct tcp_request *r, const struct tcp_config *cfg, const struct tcp_segment *s, u32 iss, u32 advmss, u32 user_mss, u32 rcvbuf,
		      u32 clamp, u32 ts_offset, bool ect, u64 now_ns)
{
	const struct tcp_options *o = &s->opt;
	u32 peer = o->mss ? o->mss : 536;

	*r = (struct tcp_request){
		.iss = iss, .irs = s->seq, .snd_wnd = s->window, .ts_offset = ts_offset, .fo_len = TCP_FO_NONE,
		.mss = (u16)MIN(user_mss ? MIN(user_mss, peer) : peer, 65535u),
		.advmss = (u16)MIN(user_mss ? MIN(user_mss, advmss) : advmss, 65535u),
		.sack_ok = o->sack_ok && cfg->sack,
		.ts_ok = o->has_ts && cfg->timestamps,
		.ts_recent = o->has_ts ? o->tsval : 0,
		.wscale_ok = o->has_wscale && cfg->window_scaling,
		.snd_wscale = o->wscale,
		.sent_ns = now_ns, .expires_ns = now_ns + NS(TCP_RTO_INITIAL_US),
		/* RFC 3168: a SYN that asks for it may not be marked itself. */
		.ecn_ok = (s->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR) && !ect && cfg->ecn,
	};
	/* Whole segments, as they will come. */
	tcp_initial_window(cfg, rcvbuf, clamp, r->advmss - (r->ts_ok ? TCP_TS_BYTES : 0u), r->wscale_ok, &r->rcv_wnd, &r->window_clamp, &r->rcv_wscale);
}

void tcp_request_synack(const struct tcp_request *r, struct tcp_out *o, u64 now_ns)
{
	struct tcp_options opt;

	tcp_options_clear(&opt);
	opt.mss = r->advmss;
	opt.sack_ok = r->sack_ok;
	opt.has_ts = r->ts_ok;
	opt.tsval = tcp_now_ms(now_ns) + r->ts_offset;
	opt.tsecr = r->ts_recent;
	opt.has_wscale = r->wscale_ok;
	opt.wscale = r->rcv_wscale;
	opt.fo_len = r->fo_len;
	opt.fo_experimental = r->fo_experimental;
	memcpy(opt.fo_cookie, r->fo_cookie, sizeof(opt.fo_cookie));
	*o = (struct tcp_out){ .seq = r->iss, .ack = r->irs + 1, .flags = TH_SYN | TH_ACK, .window = (u16)MIN(r->rcv_wnd, 65535u) };
	if (r->ecn_ok)
		o->flags |= TH_ECE;
	o->options_len = (u8)tcp_options_build(&opt, o->options);
}

void tcp_request_ack(const struct tcp_request *r, struct tcp_out *o, u64 now_ns)
{
	struct tcp_options opt;

	tcp_options_clear(&opt);
	opt.has_ts = r->ts_ok;
	opt.tsval = tcp_now_ms(now_ns) + r->ts_offset;
	opt.tsecr = r->ts_recent;
	*o = (struct tcp_out){ .seq = r->iss + 1, .ack = r->irs + 1, .flags = TH_ACK };
	o->window = (u16)MIN(r->rcv_wnd >> (r->wscale_ok ? r->rcv_wscale : 0), 65535u);
	o->options_len = (u8)tcp_options_build(&opt, o->options);
}

enum tcp_request_verdict tcp_request_input(struct tcp_request *r, const struct tcp_segment *s, u64 now_ns)
{
	u32 rcv_nxt = r->irs + 1;
	bool old = r->ts_ok && s->opt.has_ts && (s32)(s->opt.tsval - r->ts_recent) < 0;

	/* The SYN once more: the SYN|ACK was lost. */
	if (s->seq == r->irs && (s->flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN && !old)
		return RQ_SYNACK;
	if (s->flags & TH_ACK && !(s->flags & TH_RST) && s->ack != r->iss + 1)
		return RQ_RESET;
	/* Also the echo must be of a time that we told. */
	if (old || seq_before(s->end, rcv_nxt) || seq_after(s->seq, rcv_nxt + r->rcv_wnd))
		return s->flags & TH_RST ? RQ_DROP : RQ_ACK;
	if (s->flags & TH_RST)
		return s->seq == rcv_nxt ? RQ_KILL : RQ_DROP;
	if (s->flags & TH_SYN)
		return RQ_ACK;
	if (!(s->flags & TH_ACK))
		return RQ_DROP;
	if (s->opt.has_ts && r->ts_ok && !seq_after(s->seq, rcv_nxt))
		r->ts_recent = s->opt.tsval;
	return RQ_CHILD;
}

bool tcp_request_timer(struct tcp_request *r, u32 retries_max, u64 now_ns)
{
	if (r->timeouts >= retries_max)
		return false;
	r->timeouts++;
	r->retries++;
	r->expires_ns = now_ns + MIN((u64)TCP_RTO_INITIAL_US << r->timeouts, (u64)TCP_RTO_MAX_US) * 1000;
	return true;
}

void tcp_request_agreed(const struct tcp_request *r, struct tcp_agreed *out)
{
	*out = (struct tcp_agreed){
		.iss = r->iss, .irs = r->irs, .snd_wnd = r->snd_wnd, .rcv_wnd = r->rcv_wnd, .window_clamp = r->window_clamp, .mss = r->mss,
		.snd_wscale = r->snd_wscale, .rcv_wscale = r->rcv_wscale, .sack_ok = r->sack_ok, .ts_ok = r->ts_ok, .wscale_ok = r->wscale_ok,
		.ecn_ok = r->ecn_ok, .ts_recent = r->ts_recent, .ts_offset = r->ts_offset, .synack_ns = r->retries ? 0 : r->sent_ns,
	};
}
