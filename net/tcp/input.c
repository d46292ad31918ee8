/*
 * What comes in, by state.
 *
 * The order is RFC 9293's, 3.10.7.4: PAWS, sequence, RST, SYN, ACK, urgent, data, FIN.
 *
 * Source: RFC 9293 3.10.7, RFC 5961 (resets, SYNs and ACKs from off the path are challenged), RFC 7323 section 5 (PAWS), RFC 7413.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

bool tcp_reset_for(const struct tcp_segment *s, struct tcp_out *o)
{
	if (s->flags & TH_RST)
		return false;
	*o = (struct tcp_out){ .flags = TH_RST };
	if (s->flags & TH_ACK) {
		o->seq = s->ack;
	} else {
		o->ack = s->end;
		o->flags |= TH_ACK;
	}
	return true;
}

static void refuse(struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_out o;

	if (tcp_reset_for(s, &o)) {
		COUNT_TCP(c, OUTRSTS);
		(void)c->hooks->emit(c, &o);
	}
}

static void was_reset(struct tcp_conn *c)
{
	int error = c->state == TCP_SYN_SENT ? ECONNREFUSED : c->state == TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;

	tcp_done(c, error);
}

/* ACKs of segments out of the window are limited for each connection, so that two confused ends do not answer each other for ever. */
static bool oow_limited(struct tcp_conn *c, u64 now_ns)
{
	u64 gap = (u64)c->cfg->invalid_ratelimit_ms * 1000000;

	if (c->oow_ack_ns && now_ns - c->oow_ack_ns < gap)
		return true;
	c->oow_ack_ns = now_ns;
	return false;
}

static void challenge(struct tcp_conn *c, u64 now_ns)
{
	if (oow_limited(c, now_ns)) {
		COUNT(c, TCPACKSKIPPEDCHALLENGE);
		return;
	}
	if (c->hooks->challenge_allowed && !c->hooks->challenge_allowed(now_ns))
		return;
	COUNT(c, TCPCHALLENGEACK);
	tcp_send_ack(c, now_ns);
}

static void dup_ack(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	u32 end = s->end;

	if (s->end != s->seq && seq_before(s->seq, c->rcv_nxt)) {
		COUNT(c, DELAYEDACKLOST);
		tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
		if (c->sack_ok && c->cfg->dsack) {
			if (seq_after(end, c->rcv_nxt))
				end = c->rcv_nxt;
			tcp_dsack_set(c, s->seq, end);
		}
	}
	tcp_send_ack(c, now_ns);
}

/* ---- time stamps ---- */

static bool paws_old(const struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	if (!c->ts_ok || !s->opt.has_ts || (s32)(s->opt.tsval - c->ts_recent) >= 0)
		return false;
	return now_ns - c->ts_recent_ns < TCP_PAWS_OLD_NS;
}

/* A pure ACK overtaken by a later one is no attack and no old duplicate. */
static bool disordered(const struct tcp_conn *c, const struct tcp_segment *s)
{
	return s->flags & TH_ACK && s->seq == s->end && s->seq == c->rcv_nxt && s->ack == c->snd_una &&
	       (u32)s->window << c->snd_wscale == c->snd_wnd && c->ts_recent - s->opt.tsval <= c->rto_us / 1000;
}

static void ts_take(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	if (!c->ts_ok || !s->opt.has_ts || seq_after(s->seq, c->rcv_wup))
		return;
	if ((s32)(s->opt.tsval - c->ts_recent) >= 0 || now_ns - c->ts_recent_ns >= TCP_PAWS_OLD_NS) {
		c->ts_recent = s->opt.tsval;
		c->ts_recent_ns = now_ns;
	}
}

/* ---- checks ---- */

static bool in_window(const struct tcp_conn *c, const struct tcp_segment *s)
{
	return !seq_before(s->end, c->rcv_wup) && !seq_after(s->seq, c->rcv_nxt + tcp_receive_window(c));
}

/* RFC 5961, 3.2: only a RST at the exact place resets. */
static bool rst_exact(const struct tcp_conn *c, const struct tcp_segment *s)
{
	if (s->seq == c->rcv_nxt)
		return true;
	if (c->sack_ok && c->recent_count) {
		u32 highest = c->recent[0].end;

		for (u32 i = 1; i < c->recent_count; i++)
			highest = seq_max(highest, c->recent[i].end);
		return s->seq == highest;
	}
	return false;
}

/* The peer's SYN|ACK when both opened at once (RFC 9293, figure 7). */
static bool crossing_synack(const struct tcp_conn *c, const struct tcp_segment *s)
{
	return c->state == TCP_SYN_RECV && s->flags & TH_ACK && s->seq + 1 == c->rcv_nxt && s->end == c->rcv_nxt && s->ack == c->snd_nxt;
}

/* Return: whether the segment goes on to its ACK */
static bool validate(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	bool rst = s->flags & TH_RST;

	/* A child made by Fast Open, and its SYN|ACK was lost. */
	if (c->early && c->state == TCP_SYN_RECV && (s->flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN && s->seq == c->irs) {
		tcp_send_synack(c, now_ns);
		return false;
	}
	if (paws_old(c, s, now_ns) && !rst && !disordered(c, s)) {
		COUNT(c, PAWSESTABREJECTED);
		if (s->flags & TH_SYN) {
			COUNT(c, TCPSYNCHALLENGE);
			challenge(c, now_ns);
		} else if (!oow_limited(c, now_ns)) {
			dup_ack(c, s, now_ns);
		} else {
			COUNT(c, TCPACKSKIPPEDPAWS);
		}
		return false;
	}
	if (!in_window(c, s)) {
		u32 closing = TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_LAST_ACK) | TCP_STATE_BIT(TCP_CLOSING);

		if (rst) {
			/* After its FIN some peers reset at the place of the FIN. */
			if (s->seq == c->rcv_nxt - 1 && tcp_in_states(c, closing))
				was_reset(c);
		} else if (s->flags & TH_SYN && !crossing_synack(c, s)) {
			COUNT(c, TCPSYNCHALLENGE);
			challenge(c, now_ns);
		} else if (s->seq == s->end ? !oow_limited(c, now_ns) : true) {
			dup_ack(c, s, now_ns);
		} else {
			COUNT(c, TCPACKSKIPPEDSEQ);
		}
		return false;
	}
	if (rst) {
		if (rst_exact(c, s))
			was_reset(c);
		else
			challenge(c, now_ns);
		return false;
	}
	if (s->flags & TH_SYN && !crossing_synack(c, s)) {
		COUNT(c, TCPSYNCHALLENGE);
		COUNT_TCP(c, INERRS);
		challenge(c, now_ns);
		return false;
	}
	return s->flags & TH_ACK;
}

/* ---- SYN_SENT ---- */

static void options_agree(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	const struct tcp_options *o = &s->opt;

	c->ts_ok = o->has_ts && c->cfg->timestamps;
	if (c->ts_ok) {
		c->ts_recent = o->tsval;
		c->ts_recent_ns = now_ns;
	}
	c->sack_ok = o->sack_ok && c->cfg->sack;
	c->wscale_ok = o->has_wscale && c->cfg->window_scaling;
	c->snd_wscale = c->wscale_ok ? o->wscale : 0;
	if (!c->wscale_ok) {
		c->rcv_wscale = 0;
		c->window_clamp = MIN(c->window_clamp, 65535u);
	}
	c->mss_peer = o->mss ? o->mss : 536;
	if (!(s->flags & TH_ACK))
		c->ecn = (s->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR) ? c->ecn : 0;
	else if ((s->flags & (TH_ECE | TH_CWR)) != TH_ECE)
		c->ecn = 0;
}

static void sequence_take(struct tcp_conn *c, const struct tcp_segment *s)
{
	c->irs = s->seq;
	c->rcv_nxt = c->rcv_wup = c->copied_seq = s->seq + 1;
	c->rcvq_seq = c->copied_seq;
	tcp_window_take(c, s);
	c->max_window = MAX(c->max_window, c->snd_wnd);
}

/* Data went with our SYN, and the answer has not all of it: the rest goes again at once, as plain data (RFC 7413, 4.2.2). */
static void syn_data_answered(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	struct tcp_tx *t, *next;

	if (s->opt.fo_len > 0) {
		c->fo_got = true;
		c->fo_len = s->opt.fo_len;
		c->fo_experimental = s->opt.fo_experimental;
		memcpy(c->fo_cookie, s->opt.fo_cookie, sizeof(c->fo_cookie));
	}
	c->syn_fastopen = false;
	if (!c->syn_data)
		return;
	if (s->ack != c->iss + 1) {
		c->syn_data_acked = true;
		c->events |= TCP_EV_SYN_DATA_ACKED;
	}
	list_for_each_entry_safe(t, next, &c->tx_queue, node)
		tcp_mark_lost(c, t);
	if (c->lost_out) {
		if (!c->syn_data_acked) {
			c->fastopen_client_fail = 2;
			COUNT(c, TCPFASTOPENACTIVEFAIL);
		}
		c->high_seq = c->snd_nxt;
		tcp_retransmit_lost(c, now_ns);
		tcp_rearm_rto(c, now_ns);
	}
}

static void synack_input(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	c->snd_wl1 = s->seq;
	options_agree(c, s, now_ns);
	if (c->ts_ok && c->advmss > TCP_TS_BYTES)
		c->advmss -= TCP_TS_BYTES;	/* what a segment may carry from now on */
	tcp_ack_process(c, s, now_ns, true);
	sequence_take(c, s);
	if (s->end != s->seq + 1)
		s->end = s->seq + 1;		/* data in a SYN|ACK come again */
	tcp_established(c, now_ns);
	syn_data_answered(c, s, now_ns);
	c->ack_due = true;
	if (tcp_unsent(c) || c->pingpong) {
		tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
		tcp_push_all(c, 0, false, now_ns);
		if (c->ack_due)
			tcp_delayed_ack(c, now_ns);
	} else {
		tcp_send_ack(c, now_ns);
	}
}

static void syn_sent_input(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	if (s->flags & TH_ACK) {
		if (!seq_after(s->ack, c->snd_una) || seq_after(s->ack, c->snd_nxt)) {
			refuse(c, s);
			return;
		}
		if (s->opt.has_ts && s->opt.tsecr && c->cfg->timestamps && (s32)(s->opt.tsecr - tcp_ts_now(c, now_ns)) > 0) {
			COUNT(c, PAWSACTIVEREJECTED);
			refuse(c, s);
			return;
		}
		if (s->flags & TH_RST) {
			was_reset(c);
			return;
		}
		if (s->flags & TH_SYN)
			synack_input(c, s, now_ns);
		return;
	}
	if (s->flags & TH_RST || !(s->flags & TH_SYN))
		return;
	/* Both open at once. */
	options_agree(c, s, now_ns);
	sequence_take(c, s);
	tcp_set_state(c, TCP_SYN_RECV);
	tcp_update_mss(c);
	tcp_send_synack(c, now_ns);
}

/* ---- what an ACK does to states ---- */

/* Return: false: the segment is done with */
static bool ack_states(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	bool fin_acked = c->fin_sent && c->snd_una == c->write_seq + 1;

	switch (c->state) {
	case TCP_SYN_RECV:
		tcp_established(c, now_ns);
		c->snd_wnd = (u32)s->window << c->snd_wscale;
		c->max_window = MAX(c->max_window, c->snd_wnd);
		tcp_update_mss(c);
		c->snd_wl1 = s->seq;
		if (c->shut_snd)
			tcp_shutdown_send(c, now_ns);
		break;
	case TCP_FIN_WAIT1:
		if (!fin_acked)
			break;
		tcp_set_state(c, TCP_FIN_WAIT2);
		if (!c->orphan)
			break;
		if (seq_after(s->seq + s->len, c->rcv_nxt) && s->len) {
			COUNT(c, TCPABORTONDATA);
			tcp_abort(c, 0, now_ns);
			return false;
		}
		if (c->linger2_s < 0) {
			tcp_abort(c, 0, now_ns);
			return false;
		}
		c->life_ns = now_ns + (u64)(c->linger2_s ? (u32)c->linger2_s : c->cfg->fin_timeout_s) * 1000000000;
		break;
	case TCP_CLOSING:
		if (fin_acked) {
			tcp_time_wait(c, now_ns);
			return false;
		}
		break;
	case TCP_LAST_ACK:
		if (fin_acked) {
			tcp_done(c, 0);
			return false;
		}
		break;
	}
	return true;
}

static void take_data(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	bool fin = s->flags & TH_FIN;
	u32 done = TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_LAST_ACK);
	u32 half = done | TCP_STATE_BIT(TCP_FIN_WAIT1) | TCP_STATE_BIT(TCP_FIN_WAIT2);

	if (!s->len && !fin)
		return;
	if (tcp_in_states(c, half) && (c->orphan || c->shut_rcv || tcp_in_states(c, done)) && s->len && seq_after(s->seq + s->len, c->rcv_nxt)) {
		/* RFC 1122, 4.2.2.13: nobody is there to read it. */
		COUNT(c, TCPABORTONDATA);
		refuse(c, s);
		was_reset(c);
		return;
	}
	if (c->ecn & TCP_ECN_OK && s->flags & TH_CWR) {
		c->ecn &= (u8)~TCP_ECN_DEMAND_CWR;
		if (s->len)
			c->ack_now = true;
	}
	tcp_data_queue(c, s, now_ns);
	if (c->urg == URG_NOTYET && seq_after(c->rcv_nxt, c->urg_seq)) {
		c->urg = URG_VALID;
		c->events |= TCP_EV_READ;
	}
}

void tcp_input(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	s->rx_kept = false;
	if (c->state == TCP_CLOSE)
		return;
	c->segs_in += s->segs ? s->segs : 1;
	if (s->len)
		c->data_segs_in += s->segs ? s->segs : 1;
	c->ts_ecr_valid = s->opt.has_ts;
	c->ts_ecr = s->opt.tsecr;
	if (c->state == TCP_SYN_SENT) {
		syn_sent_input(c, s, now_ns);
		return;
	}
	if (!validate(c, s, now_ns))
		return;
	bool opening = c->state == TCP_SYN_RECV;
	int acked = tcp_ack_process(c, s, now_ns, opening);

	if (opening && (acked <= 0 || (s->ack == c->iss))) {
		refuse(c, s);
		return;
	}
	if (acked < 0) {
		challenge(c, now_ns);
		return;
	}
	ts_take(c, s, now_ns);
	c->last_ack_rcv_ns = now_ns;
	if (!ack_states(c, s, now_ns) || c->state == TCP_CLOSE)
		return;
	tcp_urgent(c, s);
	take_data(c, s, now_ns);
	if (c->state == TCP_CLOSE)
		return;
	if (tcp_unsent(c) || (c->fin_queued && !c->fin_sent))
		tcp_push_all(c, 0, false, now_ns);
	tcp_ack_check(c, true, now_ns);
}
