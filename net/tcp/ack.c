/*
 * Acknowledgements: what they free, what they measure, what they let go out.
 *
 * Source: RFC 9293 3.10.7.4 (fifth), RFC 5961 section 5, RFC 6298 section 3 (Karn), RFC 7323 section 4.3.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

/* ---- the window ---- */

void tcp_window_take(struct tcp_conn *c, const struct tcp_segment *s)
{
	c->snd_wl1 = s->seq;
	u32 window = s->flags & TH_SYN ? s->window : (u32)s->window << c->snd_wscale;

	if (c->snd_wnd != window) {
		c->snd_wnd = window;
		if (window > c->max_window) {
			c->max_window = window;
			tcp_update_mss(c);
		}
	}
}

static bool window_update(struct tcp_conn *c, const struct tcp_segment *s)
{
	u32 window = s->flags & TH_SYN ? s->window : (u32)s->window << c->snd_wscale;

	if (!(seq_after(s->ack, c->snd_una) || seq_after(s->seq, c->snd_wl1) || (s->seq == c->snd_wl1 && window > c->snd_wnd)))
		return false;
	bool changed = c->snd_wnd != window;

	tcp_window_take(c, s);
	return changed;
}

/* ---- cumulative ---- */

/* The segments that a cumulative ACK of dupack-counted data leaves counted (RFC 5681 without SACK). */
static void reno_acked(struct tcp_conn *c, u32 acked)
{
	if (c->sack_ok || !acked)
		return;
	c->delivered += acked > c->sacked_out ? acked - c->sacked_out : 1;
	c->sacked_out -= MIN(c->sacked_out, acked - 1);
}

static void tx_acked(struct tcp_conn *c, struct tcp_tx *t, u32 pcount, struct tcp_ack *a)
{
	if (t->sacked & TX_RETRANS)
		c->retrans_out -= pcount;
	if (t->sacked & TX_EVER_RETRANS) {
		a->retrans_acked = true;
	} else if (!(t->sacked & TX_SACKED)) {
		if (!a->first_ack_ns)
			a->first_ack_ns = t->xmit_ns;
		a->ca_rtt_us = (s64)tcp_since_us(a->now_ns, t->xmit_ns);
		if (c->sacked_out && seq_before(t->seq, c->fack) && (!a->reordered || seq_before(t->seq, a->reorder_low))) {
			a->reorder_low = t->seq;
			a->reordered = true;
		}
		if (seq_at_most(t->end, c->high_seq))
			a->orig_sacked = true;
	}
	if (t->sacked & TX_SACKED) {
		c->sacked_out -= pcount;
	} else {
		if (c->sack_ok)
			c->delivered += pcount;
		tcp_tx_delivered(c, t, a);
	}
	if (t->sacked & TX_LOST)
		c->lost_out -= pcount;
	c->packets_out -= pcount;
	a->acked += pcount;
	if (t->flags & TH_SYN) {
		a->syn_acked = true;
		c->retrans_ns = 0;
	} else {
		a->data_acked = true;
	}
}

static void clean(struct tcp_conn *c, struct tcp_ack *a)
{
	struct tcp_tx *t;
	u32 fack = c->fack, reno_sacked = c->sack_ok ? 0 : c->sacked_out;

	if (!c->sack_ok)
		c->sacked_out = 0;		/* not of any one segment */
	while ((t = tx_first(c)) != NULL) {
		if (seq_after(t->end, c->snd_una)) {
			if (!seq_after(c->snd_una, t->seq))
				break;
			/* Part of it: whole segments leave the counts. */
			u32 left = t->end - c->snd_una, keep = t->mss ? (left + t->mss - 1) / t->mss : 1;
			u32 gone = t->pcount > keep ? t->pcount - keep : 0;

			if (gone)
				tx_acked(c, t, gone, a);
			t->pcount = (u16)(t->pcount - gone);
			t->seq = c->snd_una;
			break;
		}
		tx_acked(c, t, t->pcount, a);
		tcp_tx_drop(c, t);
	}
	if (!c->sack_ok) {
		c->sacked_out = reno_sacked;
		reno_acked(c, a->acked);
		tcp_reno_limit(c);
	} else if (a->reordered && seq_before(a->reorder_low, fack)) {
		u32 now_fack = c->fack;

		c->fack = fack;
		tcp_check_reordering(c, a->reorder_low, false);
		c->fack = now_fack;
	}
	if (c->urg_out && seq_at_least(c->snd_una, c->snd_up))
		c->urg_out = false;
}

/* Round trips: of what was sent once; else by the echoed time stamp. */
static void measure(struct tcp_conn *c, struct tcp_ack *a)
{
	if (a->first_ack_ns && !a->retrans_acked)
		a->rtt_us = (s64)tcp_since_us(a->now_ns, a->first_ack_ns);
	else if (a->retrans_acked)
		a->ca_rtt_us = -1;
	if (a->rtt_us < 0 && a->sack_rtt_us >= 0)
		a->rtt_us = a->sack_rtt_us;
	if (a->rtt_us < 0 && c->ts_ok && c->ts_ecr_valid && c->ts_ecr && a->acked) {
		u32 ms = tcp_ts_now(c, a->now_ns) - c->ts_ecr;

		if (ms < 0x7fffffff / 1000)
			a->rtt_us = a->ca_rtt_us = (s64)MAX(ms, 1u) * 1000;
	}
	if (a->rtt_us < 0)
		return;
	if (a->ca_rtt_us >= 0)
		tcp_min_rtt_update(c, (u32)MIN(a->ca_rtt_us, (s64)0x7fffffff), a->now_ns);
	tcp_rtt_sample(c, (u32)MIN(a->rtt_us, (s64)0x7fffffff), a->now_ns);
}

static void rate_sample(struct tcp_conn *c, struct tcp_ack *a)
{
	if (c->app_limited && seq_after(c->delivered, c->app_limited))
		c->app_limited = 0;
	if (a->acked || a->sacked)
		c->delivered_ns = a->now_ns;
	if (!a->rate_valid)
		return;
	u64 sent = tcp_since_us(a->rate_xmit_ns, a->rate_first_ns), acked = tcp_since_us(a->now_ns, a->rate_delivered_ns);
	u64 interval = MAX(sent, acked);
	u32 delivered = c->delivered - a->rate_delivered;

	if (interval < tcp_min_rtt_us(c) || !interval)
		return;
	/* A sample that the application limited counts only if it is faster. */
	if (!a->rate_app_limited || !c->rate_interval_us || (u64)delivered * c->rate_interval_us >= (u64)c->rate_delivered * interval) {
		c->rate_delivered = delivered;
		c->rate_interval_us = interval;
		c->rate_app_limited = a->rate_app_limited;
	}
}

/* ---- congestion ---- */

static void control(struct tcp_conn *c, struct tcp_ack *a)
{
	u32 delivered = c->delivered - a->prior_delivered, lost = c->lost_total - a->prior_lost;

	if (c->ca_phase == CA_CWR || c->ca_phase == CA_RECOVERY)
		tcp_cwnd_reduction(c, delivered, lost, a->una_advanced);
	else if (a->reducing)
		return;			/* the ACK that ends a reduction leaves ssthresh as the window (RFC 6582, 3.2) */
	else if (c->reordering > c->cfg->reordering ? delivered != 0 : a->data_acked)
		c->ca->acked(c, c->ca_phase == CA_LOSS ? MIN(delivered, 2u) : delivered, a->now_ns);
}

static void ack_probe(struct tcp_conn *c, u64 now_ns)
{
	if (!tcp_unsent(c) && !(c->fin_queued && !c->fin_sent))
		return;
	u32 need = MIN(MAX(tcp_unsent(c), 1u), c->mss);

	if (seq_at_most(c->snd_nxt + need, tcp_wnd_end(c))) {
		c->backoff = 0;
		c->probes_out = 0;
		c->probe_start_ns = 0;
		if (c->timer_kind == TCP_TIMER_PROBE)
			tcp_timer_clear(c);
	} else if (c->timer_kind == TCP_TIMER_PROBE || c->timer_kind == TCP_TIMER_NONE) {
		tcp_timer_set(c, TCP_TIMER_PROBE, now_ns + NS(MAX(tcp_rto_backed_us(c), (u32)TCP_RTO_MIN_US)));
	}
}

static void send_more(struct tcp_conn *c, u8 send, u64 now_ns)
{
	if (send == SEND_NONE)
		return;
	if (send == SEND_NEW) {
		tcp_push_all(c, TCP_NAGLE_OFF, false, now_ns);
		if (seq_after(c->snd_nxt, c->high_seq))
			return;
		c->frto = false;
	}
	tcp_retransmit_lost(c, now_ns);
}

static bool is_dubious(const struct tcp_conn *c, const struct tcp_segment *s, const struct tcp_ack *a)
{
	bool not_dup = s->len || a->window_update || a->acked;

	return !not_dup || a->sacked || a->ece || a->dsack || c->ca_phase != CA_OPEN;
}

/* An ACK of nothing new below snd_una: its SACK blocks may still tell. */
static int old_ack(struct tcp_conn *c, const struct tcp_segment *s, struct tcp_ack *a)
{
	u8 send = SEND_NONE;

	if (s->opt.sack_count && c->packets_out) {
		tcp_sack_blocks(c, s, a);
		tcp_recovery_ack(c, a, s, false, &send);
		measure(c, a);
		send_more(c, send, a->now_ns);
	}
	return 0;
}

static void una_advance(struct tcp_conn *c, const struct tcp_segment *s, struct tcp_ack *a)
{
	c->bytes_acked += s->ack - c->snd_una;
	c->snd_una = s->ack;
	a->una_advanced = true;
	c->retransmits = 0;
	c->events |= TCP_EV_ACKED | TCP_EV_CONFIRM;
}

int tcp_ack_process(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns, bool slow)
{
	struct tcp_ack a = {
		.now_ns = now_ns, .prior_una = c->snd_una, .prior_delivered = c->delivered, .prior_lost = c->lost_total,
		.prior_in_flight = tcp_in_flight(c), .rtt_us = -1, .ca_rtt_us = -1, .sack_rtt_us = -1,
	};
	u32 prior_packets = c->packets_out, prior_sacked = c->sacked_out;
	u8 send = SEND_NONE;

	if (seq_before(s->ack, c->snd_una)) {
		if (seq_before(s->ack, c->snd_una - c->max_window))
			return -1;			/* RFC 5961, 5.2: a challenge */
		return old_ack(c, s, &a);
	}
	if (seq_after(s->ack, c->snd_nxt))
		return -1;
	a.reducing = c->ca_phase == CA_CWR || c->ca_phase == CA_RECOVERY;
	c->error_soft = 0;
	c->last_ack_rcv_ns = now_ns;
	c->probes_out = 0;
	c->keep_probes = 0;
	a.window_update = window_update(c, s);		/* first: whether it counts depends on what was acknowledged before */
	if (seq_after(s->ack, c->snd_una))
		una_advance(c, s, &a);
	a.ece = s->flags & TH_ECE && !(s->flags & TH_SYN) && c->ecn & TCP_ECN_OK;
	tcp_sack_blocks(c, s, &a);
	if (!prior_packets) {
		if (a.dsack)
			tcp_recovery_ack(c, &a, s, false, &send);
		ack_probe(c, now_ns);
		return 1;
	}
	if (a.una_advanced)
		clean(c, &a);
	measure(c, &a);
	tcp_rack_reo_window(c, &a);
	tcp_tlp_ack(c, s, &a);
	if (a.acked && c->ca->rtt && a.ca_rtt_us > 0)
		c->ca->rtt(c, (u32)MIN(a.ca_rtt_us, (s64)0x7fffffff), now_ns);
	if (a.una_advanced || a.acked) {
		c->timer_kind = c->timer_kind == TCP_TIMER_PROBE ? TCP_TIMER_PROBE : TCP_TIMER_RTO;
		tcp_rearm_rto(c, now_ns);
	}
	if (is_dubious(c, s, &a)) {
		bool dup = !a.una_advanced && !a.window_update && !s->len;

		tcp_recovery_ack(c, &a, s, dup && c->packets_out, &send);
	}
	COUNT_N(c, TCPDELIVERED, c->delivered - a.prior_delivered);
	if (a.una_advanced)
		tcp_tlp_schedule(c, true, now_ns);
	rate_sample(c, &a);
	control(c, &a);
	if (!c->sndbuf_locked && a.acked && c->packets_out + c->sacked_out < c->cwnd + prior_sacked)
		tcp_sndbuf_expand(c);
	send_more(c, send, now_ns);
	if (!c->packets_out)
		ack_probe(c, now_ns);
	return 1;
}
