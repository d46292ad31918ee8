/*
 * What goes out: segments of the stream, retransmissions, ACKs, probes, resets.
 *
 * A new segment is sent if all of these allow it: the peer's window, the congestion window, Nagle (as amended by Minshall: at most one small segment
 * unacknowledged) or a cork, the pacing clock, and the small queue (no more than limit_output_bytes below the socket, so that a socket does not fill the
 * device's queue; tcp_resume goes on when the device lets go).
 *
 * Source: RFC 9293 3.7.4, 3.8.6; RFC 1122 4.2.3.4; draft-minshall-nagle; RFC 5681 4.1 (restart after idle); RFC 7661 in spirit (window validation).
 */
#include "base/string.h"
#include "net/tcp/internal.h"

enum { TSO_SHIFT = 10 };

static void fill_options(struct tcp_conn *c, struct tcp_out *o, u64 now_ns)
{
	struct tcp_options opt;

	tcp_options_clear(&opt);
	if (c->ts_ok) {
		opt.has_ts = true;
		opt.tsval = tcp_ts_now(c, now_ns);
		opt.tsecr = c->ts_recent;
	}
	tcp_sack_fill(c, &opt, c->ts_ok ? 3 : 4);
	o->options_len = (u8)tcp_options_build(&opt, o->options);
}

static void fill_syn_options(struct tcp_conn *c, struct tcp_out *o, bool synack, u64 now_ns)
{
	struct tcp_options opt;

	tcp_options_clear(&opt);
	opt.mss = (u16)MIN(c->advmss, 65535u);
	if (synack ? c->ts_ok : c->cfg->timestamps) {
		opt.has_ts = true;
		opt.tsval = tcp_ts_now(c, now_ns);
		opt.tsecr = c->ts_recent;
	}
	opt.sack_ok = synack ? c->sack_ok : c->cfg->sack;
	if (synack ? c->wscale_ok : c->cfg->window_scaling) {
		opt.has_wscale = true;
		opt.wscale = c->rcv_wscale;
	}
	if (!synack && c->syn_fastopen) {
		opt.fo_len = c->fo_len;
		opt.fo_experimental = c->fo_experimental;
		memcpy(opt.fo_cookie, c->fo_cookie, sizeof(opt.fo_cookie));
	}
	o->options_len = (u8)tcp_options_build(&opt, o->options);
}

/* An ACK went with a segment: nothing is due any more. */
static void ack_sent(struct tcp_conn *c)
{
	if (c->quick && !--c->quick)
		c->ato_us = TCP_ATO_MIN_US;
	tcp_ack_schedule_clear(c);
}

static int emit(struct tcp_conn *c, struct tcp_out *o)
{
	int err = c->hooks->emit(c, o);

	if (err)
		return err;
	u32 segs = o->len && o->mss ? (o->len + o->mss - 1) / o->mss : 1;

	c->segs_out += segs;
	c->hooks->count_tcp(TCP_MIB_OUTSEGS, o->retransmit ? 0 : segs);
	if (o->len)
		c->data_segs_out += segs;
	return 0;
}

/* ECN bits of a data segment (RFC 3168, 6.1). */
static void fill_ecn(struct tcp_conn *c, struct tcp_out *o)
{
	if (!(c->ecn & TCP_ECN_OK))
		return;
	if (o->len && !o->retransmit) {
		o->ect = true;
		if (c->ecn & TCP_ECN_QUEUE_CWR) {
			c->ecn &= (u8)~TCP_ECN_QUEUE_CWR;
			o->flags |= TH_CWR;
		}
	}
	if (c->ecn & TCP_ECN_DEMAND_CWR)
		o->flags |= TH_ECE;
}

static void fill_urgent(const struct tcp_conn *c, struct tcp_out *o)
{
	if (!c->urg_out || !seq_before(o->seq, c->snd_up))
		return;
	u32 off = c->snd_up - o->seq;

	if (off < 0xffff) {
		o->flags |= TH_URG;
		o->urgent = (u16)off;
	} else if (seq_after(o->seq + 0xffff, c->snd_nxt)) {
		o->flags |= TH_URG;
		o->urgent = 0xffff;
	}
}

/* Send [seq, seq + len) with @flags; SYN and FIN not counted in @len. */
static int transmit(struct tcp_conn *c, u32 seq, u32 len, u8 flags, u32 mss, bool retransmit, u64 now_ns)
{
	struct tcp_out o = { .seq = seq, .len = len, .flags = flags, .mss = (u16)MIN(mss, 65535u), .retransmit = retransmit };

	if (flags & TH_SYN) {
		bool synack = c->state == TCP_SYN_RECV;

		fill_syn_options(c, &o, synack, now_ns);
		o.window = (u16)MIN(c->rcv_wnd, 65535u);
		if (synack)
			o.flags |= TH_ACK | (c->ecn & TCP_ECN_OK ? TH_ECE : 0);
		else if (c->ecn & TCP_ECN_OK && !(retransmit && c->cfg->ecn_fallback && c->retransmits > 1))
			o.flags |= TH_ECE | TH_CWR;
		o.ack = synack ? c->rcv_nxt : 0;
		c->rcv_wup = c->rcv_nxt;
	} else {
		o.flags |= TH_ACK;
		o.ack = c->rcv_nxt;
		fill_options(c, &o, now_ns);
		o.window = tcp_select_window(c);
		fill_ecn(c, &o);
		fill_urgent(c, &o);
	}
	o.departure_ns = c->pace_ns > now_ns ? c->pace_ns : 0;
	int err = emit(c, &o);

	if (!err && !(flags & TH_SYN))
		ack_sent(c);
	return err;
}

void tcp_send_ack(struct tcp_conn *c, u64 now_ns)
{
	if (c->state == TCP_CLOSE || c->state == TCP_SYN_SENT)
		return;
	if (transmit(c, c->snd_nxt, 0, 0, c->mss, false, now_ns)) {
		/* It could not go: try again soon. */
		c->ack_due = true;
		c->ato_us = TCP_ATO_MIN_US;
		c->delack_ns = now_ns + NS(TCP_DELACK_MAX_US);
	}
}

void tcp_send_synack(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t = tx_first(c);

	if (t && (t->flags & TH_SYN))
		(void)transmit(c, t->seq, 0, TH_SYN, c->mss, true, now_ns);
}

void tcp_send_reset(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_out o = { .seq = c->snd_nxt, .ack = c->rcv_nxt, .flags = TH_RST | TH_ACK };

	/* What the window forbids may not be the place of a reset. */
	if (seq_before(tcp_wnd_end(c), o.seq) && c->state != TCP_SYN_RECV)
		o.seq = seq_max(c->snd_una, tcp_wnd_end(c));
	COUNT_TCP(c, OUTRSTS);
	(void)emit(c, &o);
}

/* The byte before the window is out of it, so that an ACK must come (RFC 1122, 4.2.3.6). */
int tcp_send_probe(struct tcp_conn *c, u64 now_ns)
{
	return transmit(c, c->snd_una - 1, 0, 0, c->mss, false, now_ns);
}

/* ---- sizes ---- */

void tcp_update_mss(struct tcp_conn *c)
{
	u32 mss = c->mss_path, floor = MAX(c->cfg->min_snd_mss, (u32)TCP_MSS_MIN);

	if (c->mss_peer)
		mss = MIN(mss, c->mss_peer);
	else if (c->state != TCP_SYN_SENT && c->state != TCP_CLOSE)
		mss = MIN(mss, 536u);
	if (c->user_mss)
		mss = MIN(mss, c->user_mss);
	mss = MAX(mss, floor);
	if (c->ts_ok || (c->state == TCP_SYN_SENT && c->cfg->timestamps))
		mss -= TCP_TS_BYTES;
	/* At least two segments in the peer's window, if it is not tiny. */
	u32 half = c->max_window > 536 ? c->max_window >> 1 : c->max_window;

	if (half && mss > half)
		mss = MAX(half, floor - TCP_TS_BYTES);
	c->mss = mss;
}

static u32 current_mss(const struct tcp_conn *c)
{
	u32 blocks = MIN(c->recent_count + (c->dsack_due ? 1u : 0u), c->ts_ok ? 3u : 4u);

	if (!c->sack_ok || !blocks)
		return c->mss;
	return MAX(c->mss - MIN(c->mss, 4 + 8 * blocks), 8u);
}

/* ---- the queue of what was sent ---- */

void tcp_tx_drop(struct tcp_conn *c, struct tcp_tx *t)
{
	list_del(&t->node);
	list_del(&t->sent);
	c->hooks->tx_free(c, t);
}

void tcp_tx_purge(struct tcp_conn *c)
{
	struct tcp_tx *t;

	while ((t = tx_first(c)) != NULL)
		tcp_tx_drop(c, t);
	c->packets_out = c->sacked_out = c->lost_out = c->retrans_out = 0;
	c->tlp_high_seq = 0;
	c->tlp_outstanding = false;
	c->fin_queued = false;
}

static u16 pcount_of(u32 bytes, u32 mss)
{
	u32 n = mss ? (bytes + mss - 1) / mss : 1;

	return (u16)MAX(MIN(n, 65535u), 1u);
}

static void counts_change(struct tcp_conn *c, const struct tcp_tx *t, s32 by)
{
	c->packets_out += (u32)by;
	if (t->sacked & TX_SACKED)
		c->sacked_out += (u32)by;
	if (t->sacked & TX_LOST)
		c->lost_out += (u32)by;
	if (t->sacked & TX_RETRANS)
		c->retrans_out += (u32)by;
	tcp_reno_limit(c);
}

int tcp_tx_split(struct tcp_conn *c, struct tcp_tx *t, u32 bytes)
{
	struct tcp_tx *rest = c->hooks->tx_alloc(c);

	if (!rest)
		return -ENOMEM;
	u16 before = t->pcount;

	*rest = *t;
	rest->seq = t->seq + bytes;
	rest->flags &= (u8)~TH_SYN;
	t->end = rest->seq;
	t->flags &= (u8)~TH_FIN;
	t->pcount = pcount_of(t->end - t->seq, t->mss);
	rest->pcount = pcount_of(rest->end - rest->seq, rest->mss);
	list_add(&rest->node, &t->node);
	if (list_empty(&t->sent))
		list_init(&rest->sent);
	else
		list_add(&rest->sent, &t->sent);
	counts_change(c, t, t->pcount + rest->pcount - before);
	return 0;
}

static struct tcp_tx *tx_new(struct tcp_conn *c, u32 seq, u32 end, u8 flags, u32 mss)
{
	struct tcp_tx *t = c->hooks->tx_alloc(c);

	if (!t)
		return NULL;
	*t = (struct tcp_tx){ .seq = seq, .end = end, .flags = flags, .mss = (u16)MIN(mss, 65535u), .pcount = pcount_of(end - seq, mss) };
	return t;
}

/* @t went out for the first time. */
static void tx_sent(struct tcp_conn *c, struct tcp_tx *t, u64 now_ns)
{
	bool first = !c->packets_out;

	if (first) {
		c->first_tx_ns = c->delivered_ns = now_ns;
		c->retrans_ns = 0;
	}
	t->xmit_ns = c->last_xmit_ns = MAX(now_ns, c->last_xmit_ns + 1);
	t->first_tx_ns = c->first_tx_ns;
	t->delivered_ns = c->delivered_ns;
	t->delivered = c->delivered;
	t->app_limited = c->app_limited != 0;
	t->transmissions = 1;
	list_add_tail(&t->node, &c->tx_queue);
	list_add_tail(&t->sent, &c->tx_sent);
	c->packets_out += t->pcount;
	c->snd_nxt = t->end;
	if (first || c->timer_kind == TCP_TIMER_TLP || c->timer_kind == TCP_TIMER_PROBE)
		tcp_rearm_rto(c, now_ns);
}

/* ---- pacing and sizes of bursts ---- */

static void update_pacing(struct tcp_conn *c)
{
	if (!c->srtt_us8) {
		c->pacing_rate = c->pacing_rate ? c->pacing_rate : ~0ull;
	} else {
		u32 ratio = c->cwnd < c->ssthresh / 2 ? c->cfg->pacing_ss_ratio : c->cfg->pacing_ca_ratio;
		u64 rate = (u64)c->mss * MAX(c->cwnd, c->packets_out) * (8ull * TCP_SEC) / c->srtt_us8;

		c->pacing_rate = rate / 100 * ratio;
	}
	c->pacing_rate = MIN(c->pacing_rate, c->max_pacing_rate);
}

static u32 burst_bytes(const struct tcp_conn *c, u32 mss)
{
	u64 bytes = c->pacing_rate == ~0ull ? c->gso_max : MIN(c->pacing_rate >> TSO_SHIFT, (u64)c->gso_max);

	bytes = MAX(bytes, (u64)mss * c->cfg->min_tso_segs);
	bytes = MIN(bytes, (u64)MAX(c->gso_max, mss));
	return MAX((u32)bytes - (u32)bytes % mss, mss);
}

static bool paced(const struct tcp_conn *c)
{
	return c->max_pacing_rate != ~0ull && c->pacing_rate && c->pacing_rate != ~0ull;
}

static void pace_advance(struct tcp_conn *c, u32 bytes, u64 now_ns)
{
	if (paced(c))
		c->pace_ns = MAX(c->pace_ns, now_ns) + (u64)bytes * 1000000000 / c->pacing_rate;
}

static bool small_queue_full(struct tcp_conn *c, u32 next)
{
	u64 limit = MAX(2ull * (next + 512), c->pacing_rate == ~0ull ? 0 : c->pacing_rate >> TSO_SHIFT);

	limit = MIN(limit, (u64)c->cfg->limit_output_bytes);
	if (c->pacing_rate == ~0ull)
		limit = c->cfg->limit_output_bytes;
	if (c->queued_bytes <= limit || list_empty(&c->tx_queue) || list_is_singular(&c->tx_queue))
		return false;
	c->throttled = true;
	return true;
}

/* ---- new data ---- */

/* How many bytes of the unsent may go in one segment now; 0: none. @unsent > 0 */
static u32 next_bytes(struct tcp_conn *c, u32 unsent, u32 quota, u8 nagle, u32 mss)
{
	s32 window = (s32)(tcp_wnd_end(c) - c->snd_nxt);
	u32 need = MIN(unsent, mss), most = MIN(burst_bytes(c, mss), (u32)MIN((u64)quota * mss, 0x7fffffffull));

	if (window < (s32)need)
		return 0;
	u32 len = MIN(MIN(unsent, most), (u32)window);

	if (len < unsent)
		return len >= mss ? len - len % mss : 0;
	u32 tail = len % mss;

	if (!tail || nagle & TCP_NAGLE_PUSH || c->fin_queued || (c->urg_out && seq_before(c->snd_nxt, c->snd_up)))
		return len;
	bool small_out = seq_after(c->snd_sml, c->snd_una) && seq_at_most(c->snd_sml, c->snd_nxt);
	bool hold = nagle & TCP_NAGLE_CORK || (!(nagle & TCP_NAGLE_OFF) && c->packets_out && small_out);

	return hold ? len - tail : len;
}

static int send_new(struct tcp_conn *c, u32 len, u32 mss, u64 now_ns)
{
	u32 seq = c->snd_nxt, end = seq + len;
	bool fin = c->fin_queued && !c->fin_sent && end == c->write_seq;
	u8 flags = fin ? TH_FIN : 0;
	struct tcp_tx *t = tx_new(c, seq, end + fin, flags, mss);

	if (!t)
		return -ENOMEM;
	/* PSH: the user's write ends here, or nothing more waits. */
	if (len && (end == c->write_seq || seq_between(c->push_seq, seq + 1, end)))
		flags |= TH_PSH;
	int err = transmit(c, seq, len, flags, mss, false, now_ns);

	if (err) {
		c->hooks->tx_free(c, t);
		return err;
	}
	if (len) {
		if (len % mss)
			c->snd_sml = end;
		/* An answer to what came: the connection is interactive. */
		if (now_ns - c->last_rcv_ns < NS(c->ato_us) && c->pingpong < 255)
			c->pingpong++;
		c->last_sent_ns = now_ns;
		c->bytes_sent += len;
		COUNT_N(c, TCPORIGDATASENT, t->pcount);
		pace_advance(c, len, now_ns);
	}
	c->fin_sent |= fin;
	tx_sent(c, t, now_ns);
	if (c->prr_out < ~0u - t->pcount)
		c->prr_out += t->pcount;
	return 0;
}

bool tcp_send_syn(struct tcp_conn *c, u64 now_ns)
{
	u32 data = c->syn_data ? c->write_seq - c->iss - 1 : 0;
	struct tcp_tx *t = tx_new(c, c->iss, c->iss + 1, TH_SYN, c->mss), *d = NULL;

	if (!t)
		return false;
	data = MIN(data, c->mss);
	if (data && c->fo_len > 0) {
		d = tx_new(c, c->iss + 1, c->iss + 1 + data, 0, c->mss);
	} else {
		data = 0;
	}
	(void)transmit(c, c->iss, d ? data : 0, TH_SYN, c->mss, false, now_ns);
	tx_sent(c, t, now_ns);
	c->syn_data = d != NULL;
	if (d) {
		tx_sent(c, d, now_ns);
		COUNT(c, TCPFASTOPENACTIVE);
		c->bytes_sent += data;
	}
	tcp_rearm_rto(c, now_ns);
	return true;
}

/* What was done with the window decides whether it may grow (and shrinks it after idleness). */
void tcp_cwnd_validate(struct tcp_conn *c, bool limited, u64 now_ns)
{
	/* Once a window's worth: the most that was in flight, and whether the window was the limit then. */
	if (seq_at_least(c->snd_una, c->cwnd_usage_seq) || limited || (!c->cwnd_limited && c->packets_out > c->max_packets_out)) {
		c->cwnd_limited = limited;
		c->max_packets_out = c->packets_out;
		c->cwnd_usage_seq = c->snd_nxt;
	}
	if (tcp_window_used(c)) {
		c->cwnd_used = 0;
		c->cwnd_stamp_ns = now_ns;
		return;
	}
	c->cwnd_used = MAX(c->cwnd_used, c->packets_out);
	if (c->cfg->slow_start_after_idle && now_ns - c->cwnd_stamp_ns >= NS(c->rto_us)) {
		if (c->ca_phase == CA_OPEN) {
			u32 used = MAX(c->cwnd_used, (u32)TCP_CWND_INITIAL);

			if (used < c->cwnd) {
				c->ssthresh = MAX(c->ssthresh, (c->cwnd >> 1) + (c->cwnd >> 2));
				c->cwnd = (c->cwnd + used) >> 1;
			}
			c->cwnd_used = 0;
		}
		c->cwnd_stamp_ns = now_ns;
	}
}

void tcp_after_idle(struct tcp_conn *c, u64 now_ns)
{
	u64 idle = now_ns - c->last_sent_ns, rto = NS(c->rto_us);

	if (idle <= rto)
		return;
	if (c->ca->idle)
		c->ca->idle(c, idle);
	u32 restart = MIN((u32)TCP_CWND_INITIAL, c->cwnd);

	c->ssthresh = MAX(c->ssthresh, (c->cwnd >> 1) + (c->cwnd >> 2));
	for (; idle > rto && c->cwnd > restart; idle -= rto)
		c->cwnd >>= 1;
	c->cwnd = MAX(c->cwnd, restart);
	c->cwnd_stamp_ns = now_ns;
	c->cwnd_used = 0;
}

static bool may_send_data(const struct tcp_conn *c)
{
	return tcp_may_write(c) || tcp_in_states(c, TCP_STATE_BIT(TCP_FIN_WAIT1) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK));
}

static bool fin_due(const struct tcp_conn *c)
{
	return c->fin_queued && !c->fin_sent;
}

/* Nothing more could go: note by what the sender is limited. */
static void after_push(struct tcp_conn *c, bool sent, bool limited, bool failed, u64 now_ns)
{
	if (sent) {
		if (tcp_in_flight(c) >= c->cwnd)
			limited = true;
		if (c->timer_kind != TCP_TIMER_PROBE)
			tcp_tlp_schedule(c, false, now_ns);
		tcp_cwnd_validate(c, limited, now_ns);
	} else if (limited) {
		c->cwnd_limited = true;
	}
	if (!tcp_unsent(c) && !limited && !c->lost_out && tcp_in_flight(c) < c->cwnd)
		c->app_limited = MAX(c->delivered + tcp_in_flight(c), 1u);
	if (failed && !c->packets_out)
		tcp_timer_set(c, TCP_TIMER_PROBE, now_ns + NS(c->rto_min_us));
	else
		tcp_probe_check(c, now_ns);
}

bool tcp_push_all(struct tcp_conn *c, u8 nagle, bool probe, u64 now_ns)
{
	bool sent = false, limited = false, failed = false;

	if (c->state == TCP_SYN_SENT && c->snd_nxt == c->iss)
		return tcp_send_syn(c, now_ns);
	if (!may_send_data(c) || (!tcp_unsent(c) && !fin_due(c)))
		return false;
	nagle |= c->nonagle;
	update_pacing(c);
	while (tcp_unsent(c) || fin_due(c)) {
		u32 unsent = tcp_unsent(c), in_flight = tcp_in_flight(c), mss = current_mss(c), len = 0;
		u32 quota = c->cwnd > in_flight ? c->cwnd - in_flight : 0;

		if (paced(c) && c->pace_ns > now_ns && unsent) {
			c->pace_timer_ns = c->pace_ns;
			break;
		}
		if (!quota && probe)
			quota = 1;
		if (!quota && unsent) {
			limited = true;
			break;
		}
		if (unsent) {
			len = next_bytes(c, unsent, quota, nagle, mss);
			if (!len)
				break;
			if (!probe && small_queue_full(c, len))
				break;
		} else if (!seq_before(c->snd_nxt, tcp_wnd_end(c)) && c->packets_out) {
			break;
		}
		if (send_new(c, probe ? MIN(len, mss) : len, mss, now_ns)) {
			failed = true;
			break;
		}
		sent = true;
		if (probe)
			break;
	}
	after_push(c, sent, limited, failed, now_ns);
	return sent;
}

/* ---- retransmission ---- */

int tcp_retransmit(struct tcp_conn *c, struct tcp_tx *t, u32 segs, u64 now_ns)
{
	u32 mss = current_mss(c);
	u8 flags = t->flags;

	if (seq_before(t->seq, c->snd_una) && !(flags & TH_SYN))
		t->seq = c->snd_una;
	/* The peer took back its window: only the first segment may go, as a probe. */
	if (seq_at_least(t->seq, tcp_wnd_end(c)) && t->seq != c->snd_una && !(flags & TH_SYN))
		return -EAGAIN;
	u32 len = t->end - t->seq - (flags & TH_SYN ? 1 : 0) - (flags & TH_FIN ? 1 : 0);
	u32 most = (u32)MIN((u64)mss * MAX(segs, 1u), (u64)MAX(c->gso_max, mss));

	if (len > most) {
		if (tcp_tx_split(c, t, most))
			return -ENOMEM;
		flags = t->flags;
		len = most;
	}
	if (t->mss != mss && len) {
		u16 before = t->pcount;

		t->mss = (u16)MIN(mss, 65535u);
		t->pcount = pcount_of(t->end - t->seq, mss);
		counts_change(c, t, t->pcount - before);
	}
	int err = transmit(c, t->seq, len, flags | (len ? TH_PSH : 0), mss, true, now_ns);

	if (err) {
		COUNT(c, TCPRETRANSFAIL);
		return err;
	}
	c->hooks->count_tcp(TCP_MIB_RETRANSSEGS, t->pcount);
	if (flags & TH_SYN)
		COUNT(c, TCPSYNRETRANS);
	c->total_retrans += t->pcount;
	c->bytes_retrans += len;
	c->bytes_sent += len;
	if (!(t->sacked & TX_RETRANS)) {
		t->sacked |= TX_RETRANS;
		c->retrans_out += t->pcount;
	}
	t->sacked |= TX_EVER_RETRANS;
	t->transmissions += t->transmissions < 255;
	t->xmit_ns = c->last_xmit_ns = MAX(now_ns, c->last_xmit_ns + 1);
	t->first_tx_ns = c->first_tx_ns;
	t->delivered_ns = c->delivered_ns;
	t->delivered = c->delivered;
	list_move_tail(&t->sent, &c->tx_sent);
	if (!c->retrans_ns)
		c->retrans_ns = now_ns;
	c->undo_retrans = (c->undo_retrans == ~0u ? 0 : c->undo_retrans) + t->pcount;
	pace_advance(c, len, now_ns);
	return 0;
}

void tcp_retransmit_lost(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t, *next, *first = tx_first(c);
	bool rearm = false;

	if (!c->lost_out)
		return;
	list_for_each_entry_safe(t, next, &c->tx_queue, node) {
		u32 in_flight = tcp_in_flight(c);

		if (in_flight >= c->cwnd)
			break;
		if (!(t->sacked & TX_LOST) || t->sacked & (TX_SACKED | TX_RETRANS))
			continue;
		if (paced(c) && c->pace_ns > now_ns) {
			c->pace_timer_ns = c->pace_ns;
			break;
		}
		if (small_queue_full(c, t->end - t->seq))
			break;
		if (tcp_retransmit(c, t, c->cwnd - in_flight, now_ns))
			break;
		if (c->ca_phase == CA_LOSS)
			COUNT(c, TCPSLOWSTARTRETRANS);
		else
			COUNT(c, TCPFASTRETRANS);
		if (c->ca_phase == CA_RECOVERY || c->ca_phase == CA_CWR)
			c->prr_out += t->pcount;
		if (t == first && c->timer_kind != TCP_TIMER_REORDER)
			rearm = true;
		/* A split put the rest behind it, which may be lost too. */
		next = list_next_entry(t, node);
	}
	if (rearm)
		tcp_timer_set(c, TCP_TIMER_RTO, now_ns + NS(tcp_rto_backed_us(c)));
}
