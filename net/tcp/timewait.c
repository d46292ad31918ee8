/* TIME_WAIT: see timewait.h. */
#include "net/tcp/internal.h"
#include "net/tcp/timewait.h"

void tcp_timewait_init(struct tcp_timewait *tw, const struct tcp_conn *c, u64 now_ns)
{
	*tw = (struct tcp_timewait){
		.rcv_nxt = c->rcv_nxt, .snd_nxt = c->snd_nxt, .rcv_wnd = tcp_receive_window(c), .ts_recent = c->ts_recent, .ts_offset = c->ts_offset,
		.ts_recent_ns = c->ts_recent_ns, .ts_ok = c->ts_ok, .rcv_wscale = c->rcv_wscale, .expires_ns = now_ns + TCP_TIMEWAIT_NS,
	};
}

bool tcp_timewait_reusable(const struct tcp_timewait *tw, u64 now_ns)
{
	return tw->ts_ok && now_ns - tw->ts_recent_ns > 1000000000ull;
}

void tcp_timewait_ack(const struct tcp_timewait *tw, struct tcp_out *o, u64 now_ns)
{
	struct tcp_options opt;

	tcp_options_clear(&opt);
	if (tw->ts_ok) {
		opt.has_ts = true;
		opt.tsval = tcp_now_ms(now_ns) + tw->ts_offset;
		opt.tsecr = tw->ts_recent;
	}
	*o = (struct tcp_out){ .seq = tw->snd_nxt, .ack = tw->rcv_nxt, .flags = TH_ACK };
	o->window = (u16)MIN(tw->rcv_wnd >> tw->rcv_wscale, 65535u);
	o->options_len = (u8)tcp_options_build(&opt, o->options);
}

enum tcp_timewait_verdict tcp_timewait_input(struct tcp_timewait *tw, const struct tcp_config *cfg, const struct tcp_segment *s, u32 *isn, u64 now_ns)
{
	bool ts = tw->ts_ok && s->opt.has_ts;
	bool old = ts && (s32)(s->opt.tsval - tw->ts_recent) < 0 && now_ns - tw->ts_recent_ns < TCP_PAWS_OLD_NS;
	bool newer = ts && (s32)(s->opt.tsval - tw->ts_recent) > 0;

	if (s->flags & TH_RST) {
		if (s->seq != tw->rcv_nxt || old)
			return TW_DROP;
		return cfg->rfc1337 ? TW_DROP : TW_KILL;
	}
	if (s->flags & TH_SYN && !(s->flags & TH_ACK) && !old && (seq_after(s->seq, tw->rcv_nxt) || newer)) {
		*isn = tw->snd_nxt + 65535 + 2;
		return TW_NEW;
	}
	if (!old && s->seq == tw->rcv_nxt && s->seq == s->end) {
		if (ts) {
			tw->ts_recent = s->opt.tsval;
			tw->ts_recent_ns = now_ns;
		}
		tw->expires_ns = now_ns + TCP_TIMEWAIT_NS;
		return TW_DROP;
	}
	if (s->flags & TH_ACK || s->flags & TH_SYN || s->end != s->seq) {
		/* A repeated FIN, or an old duplicate: tell where we are, not too often. */
		if (tw->oow_ack_ns && now_ns - tw->oow_ack_ns < (u64)cfg->invalid_ratelimit_ms * 1000000 && s->seq == s->end)
			return TW_DROP;
		tw->oow_ack_ns = now_ns;
		tw->expires_ns = now_ns + TCP_TIMEWAIT_NS;
		return TW_ACK;
	}
	return TW_DROP;
}
