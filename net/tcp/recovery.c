/*
 * From loss to recovery and back: phases Open, Disorder, CWR, Recovery, Loss.
 *
 *	Open, Disorder	losses marked (RACK; without it, dupacks past the threshold)	-> Recovery: retransmit, window down by PRR
 *	Open		ECE								-> CWR: window down by PRR
 *	any		time-out							-> Loss: window 1, slow start; F-RTO looks whether it was spurious
 *	Recovery, Loss	all that was out at its start is acknowledged			-> Open
 *	Recovery, Loss	proof that nothing was lost (DSACK, time stamps, F-RTO)		-> Open, window as before
 *
 * Source: RFC 5681, 6675, 6582 (NewReno), 6937 (PRR), 5682 (F-RTO), 3522 and 4015 (Eifel), 3708 (DSACK), 3168.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

/* ---- windows ---- */

static void reduction_begin(struct tcp_conn *c)
{
	c->high_seq = c->snd_nxt;
	c->tlp_outstanding = false;
	c->cwnd_cnt = 0;
	c->prior_cwnd = c->cwnd;
	c->prr_delivered = c->prr_out = 0;
	c->ssthresh = c->ca->ssthresh(c);
	if (c->ecn & TCP_ECN_OK)
		c->ecn |= TCP_ECN_QUEUE_CWR;
}

/* RFC 6937: in proportion while above ssthresh; below it, as in slow start or by what was delivered. */
void tcp_cwnd_reduction(struct tcp_conn *c, u32 newly_delivered, u32 newly_lost, bool una_advanced)
{
	s32 delta = (s32)c->ssthresh - (s32)tcp_in_flight(c), send;

	if (!newly_delivered || !c->prior_cwnd)
		return;
	c->prr_delivered += newly_delivered;
	if (delta < 0) {
		u64 n = (u64)c->ssthresh * c->prr_delivered + c->prior_cwnd - 1;

		send = (s32)(n / c->prior_cwnd) - (s32)c->prr_out;
	} else {
		send = MAX((s32)(c->prr_delivered - c->prr_out), (s32)newly_delivered);
		if (una_advanced && !newly_lost)
			send++;
		send = MIN(delta, send);
	}
	/* The first retransmission goes in any case. */
	send = MAX(send, c->prr_out ? 0 : 1);
	c->cwnd = MAX(tcp_in_flight(c) + (u32)send, 1u);
}

static void reduction_end(struct tcp_conn *c)
{
	if (c->ssthresh < TCP_SSTHRESH_INFINITE && (c->ca_phase == CA_CWR || c->undo_valid)) {
		c->cwnd = c->ssthresh;
	}
	if (c->rack.reo_wnd_persist)
		c->rack.reo_wnd_persist--;
}

void tcp_enter_cwr(struct tcp_conn *c)
{
	c->prior_ssthresh = 0;
	if (c->ca_phase < CA_CWR) {
		c->undo_valid = false;
		reduction_begin(c);
		c->ca_phase = CA_CWR;
	}
}

/* ---- undo ---- */

static bool any_retrans(const struct tcp_conn *c)
{
	struct tcp_tx *t = list_first_entry_or_null((struct list_head *)&c->tx_queue, struct tcp_tx, node);

	return c->retrans_out || (t && t->sacked & TX_EVER_RETRANS);
}

/* RFC 3522: the ACK echoes a time before the retransmission, so it is for the first one. */
static bool was_delayed(const struct tcp_conn *c)
{
	return c->retrans_ns && c->ts_ok && c->ts_ecr_valid && c->ts_ecr && (s32)(c->ts_ecr - tcp_ts_now(c, c->retrans_ns)) < 0;
}

static bool may_undo(const struct tcp_conn *c)
{
	return c->undo_valid && (!c->undo_retrans || was_delayed(c));
}

static void undo_window(struct tcp_conn *c, bool unmark)
{
	struct tcp_tx *t;

	if (unmark) {
		list_for_each_entry(t, &c->tx_queue, node)
			t->sacked &= (u8)~TX_LOST;
		c->lost_out = 0;
	}
	if (c->prior_ssthresh) {
		c->cwnd = c->ca->undo(c);
		if (c->prior_ssthresh > c->ssthresh) {
			c->ssthresh = c->prior_ssthresh;
			c->ecn &= (u8)~TCP_ECN_QUEUE_CWR;
		}
	}
	c->undo_valid = false;
	c->rack.advanced = true;
}

static void keep_open(struct tcp_conn *c)
{
	u8 phase = c->sacked_out || c->lost_out || any_retrans(c) ? CA_DISORDER : CA_OPEN;

	if (c->ca_phase != phase) {
		c->ca_phase = phase;
		c->high_seq = c->snd_nxt;
	}
}

static void reno_reset(struct tcp_conn *c)
{
	if (!c->sack_ok)
		c->sacked_out = 0;
}

/* Return: whether to stay: without SACK, until high_seq is passed (RFC 6582, section 4: false fast retransmits) */
static bool try_undo_recovery(struct tcp_conn *c)
{
	if (may_undo(c)) {
		if (c->ca_phase == CA_LOSS)
			COUNT(c, TCPLOSSUNDO);
		else
			COUNT(c, TCPFULLUNDO);
		undo_window(c, false);
	}
	if (!c->sack_ok && c->snd_una == c->high_seq) {
		if (!any_retrans(c))
			c->retrans_ns = 0;
		return true;
	}
	c->ca_phase = CA_OPEN;
	c->frto = false;
	return false;
}

static bool try_undo_dsack(struct tcp_conn *c)
{
	if (!c->undo_valid || c->undo_retrans)
		return false;
	undo_window(c, false);
	COUNT(c, TCPDSACKUNDO);
	return true;
}

static bool try_undo_loss(struct tcp_conn *c, bool frto_undo)
{
	if (!frto_undo && !may_undo(c))
		return false;
	undo_window(c, true);
	COUNT(c, TCPLOSSUNDO);
	if (frto_undo)
		COUNT(c, TCPSPURIOUSRTOS);
	c->retransmits = 0;
	if (frto_undo || c->sack_ok) {
		c->ca_phase = CA_OPEN;
		c->frto = false;
	}
	return true;
}

static bool try_undo_partial(struct tcp_conn *c)
{
	if (!c->undo_valid || !was_delayed(c))
		return false;
	/* Retransmissions are out yet: wait for them before all is well. */
	if (c->retrans_out)
		return true;
	if (!any_retrans(c))
		c->retrans_ns = 0;
	undo_window(c, true);
	COUNT(c, TCPPARTIALUNDO);
	keep_open(c);
	return true;
}

static void undo_init(struct tcp_conn *c)
{
	c->undo_marker = c->snd_una;
	c->undo_valid = true;
	c->undo_retrans = c->retrans_out ? c->retrans_out : ~0u;
}

/* ---- without SACK ---- */

static void reno_dupack(struct tcp_conn *c)
{
	c->sacked_out++;
	c->delivered++;
	tcp_reno_limit(c);
}

static void newreno_mark(struct tcp_conn *c, bool una_advanced)
{
	struct tcp_tx *t = tx_first(c);

	if (!t || !((c->ca_phase < CA_RECOVERY && c->sacked_out >= c->reordering) || (c->ca_phase == CA_RECOVERY && una_advanced)))
		return;
	if (t->sacked & TX_LOST)
		return;
	if (t->pcount > 1 && t->end - t->seq > t->mss)
		(void)!tcp_tx_split(c, t, t->mss);
	tcp_mark_lost(c, t);
}

/* RFC 6675 without RACK: what lies more than the threshold below the highest SACK. */
static void scoreboard_mark(struct tcp_conn *c)
{
	struct tcp_tx *t;

	if (c->sacked_out < c->reordering)
		return;
	u32 above = c->sacked_out;

	list_for_each_entry(t, &c->tx_queue, node) {
		if (t->sacked & TX_SACKED) {
			above -= MIN(above, (u32)t->pcount);
			continue;
		}
		if (above < c->reordering)
			break;
		if (!(t->sacked & TX_LOST))
			tcp_mark_lost(c, t);
	}
}

static void identify_loss(struct tcp_conn *c, struct tcp_ack *a)
{
	if (list_empty(&c->tx_queue))
		return;
	if (!c->sack_ok) {
		newreno_mark(c, a->una_advanced);
	} else if (tcp_is_rack(c)) {
		u32 before = c->retrans_out;

		tcp_rack_mark(c, a->now_ns);
		a->lost_retrans |= before > c->retrans_out;
	} else {
		scoreboard_mark(c);
	}
}

/* ---- entering ---- */

static void enter_recovery(struct tcp_conn *c, bool ece)
{
	if (c->sack_ok)
		COUNT(c, TCPSACKRECOVERY);
	else
		COUNT(c, TCPRENORECOVERY);
	c->prior_ssthresh = 0;
	undo_init(c);
	if (c->ca_phase < CA_CWR) {
		if (!ece)
			c->prior_ssthresh = c->cwnd < c->ssthresh ? c->ssthresh : MAX(c->ssthresh, (c->cwnd >> 1) + (c->cwnd >> 2));
		reduction_begin(c);
	}
	c->high_seq = c->snd_nxt;
	c->ca_phase = CA_RECOVERY;
}

void tcp_enter_loss(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t, *next, *first = tx_first(c);
	bool reneged = c->sack_ok && first && first->sacked & TX_SACKED, fresh = c->ca_phase < CA_RECOVERY;

	if (reneged) {
		COUNT(c, TCPSACKRENEGING);
		c->sacked_out = 0;
	}
	reno_reset(c);
	list_for_each_entry_safe(t, next, &c->tx_queue, node) {
		if (reneged)
			t->sacked &= (u8)~TX_SACKED;
		else if (tcp_is_rack(c) && t != first && tcp_rack_left_us(c, t, now_ns) > 0)
			continue;
		tcp_mark_lost(c, t);
		if (t->sacked & TX_LOST)
			list_del_init(&t->sent);
	}
	if (c->ca_phase <= CA_DISORDER || !seq_after(c->high_seq, c->snd_una) || (c->ca_phase == CA_LOSS && !c->retransmits)) {
		c->prior_ssthresh = c->cwnd < c->ssthresh ? c->ssthresh : MAX(c->ssthresh, (c->cwnd >> 1) + (c->cwnd >> 2));
		c->prior_cwnd = c->cwnd;
		c->ssthresh = c->ca->ssthresh(c);
		if (c->ca->loss)
			c->ca->loss(c);
		undo_init(c);
	}
	c->cwnd = tcp_in_flight(c) + 1;
	c->cwnd_cnt = 0;
	c->cwnd_stamp_ns = now_ns;
	/* RFC 5682: only if this is not the repair of a repair, and new data can tell. */
	c->frto = c->cfg->frto && (fresh || c->ca_phase != CA_LOSS) && c->sack_ok && !c->retransmits;
	c->ca_phase = CA_LOSS;
	c->high_seq = c->snd_nxt;
	c->tlp_outstanding = false;
	if (c->ecn & TCP_ECN_OK)
		c->ecn |= TCP_ECN_QUEUE_CWR;
}

/* The path takes less than was sent: send again what is too long, without a penalty (RFC 1191). */
void tcp_simple_retransmit(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t;
	u32 before = c->lost_out;

	list_for_each_entry(t, &c->tx_queue, node)
		if (t->mss > c->mss && t->end - t->seq > c->mss)
			tcp_mark_lost(c, t);
	if (before == c->lost_out)
		return;
	if (c->ca_phase != CA_LOSS) {
		c->high_seq = c->snd_nxt;
		c->ssthresh = c->ca->ssthresh(c);
		c->prior_ssthresh = 0;
		c->undo_valid = false;
		c->ca_phase = CA_LOSS;
	}
	tcp_retransmit_lost(c, now_ns);
}

/* ---- an acknowledgement ---- */

/* The receiver dropped what it had SACKed: a segment at the edge is marked as there, but was not acknowledged. */
static bool check_reneging(struct tcp_conn *c, const struct tcp_ack *a)
{
	struct tcp_tx *t = tx_first(c);

	if (!a->una_advanced || !t || !(t->sacked & TX_SACKED) || c->snd_una != t->seq)
		return false;
	tcp_timer_set(c, TCP_TIMER_RTO, a->now_ns + NS(MAX(c->srtt_us8 >> 4, 10u * TCP_MS)));
	return true;
}

static bool time_to_recover(const struct tcp_conn *c)
{
	return c->lost_out || (!tcp_is_rack(c) && c->sacked_out >= c->reordering && c->sack_ok);
}

/* RFC 5682 and what is done in Loss otherwise. */
static void loss_ack(struct tcp_conn *c, struct tcp_ack *a, bool is_dupack, u8 *send)
{
	bool recovered = seq_at_least(c->snd_una, c->high_seq);

	if (a->una_advanced && try_undo_loss(c, false))
		return;
	if (c->frto) {
		if (a->orig_sacked && try_undo_loss(c, true))
			return;
		if (seq_after(c->snd_nxt, c->high_seq)) {
			if (a->sacked || is_dupack)
				c->frto = false;
		} else if (a->una_advanced && !recovered) {
			c->high_seq = c->snd_nxt;
			if (tcp_unsent(c) && seq_after(tcp_wnd_end(c), c->snd_nxt)) {
				*send = SEND_NEW;
				return;
			}
			c->frto = false;
		}
	}
	if (recovered) {
		try_undo_recovery(c);
		return;
	}
	if (!c->sack_ok) {
		if (seq_after(c->snd_nxt, c->high_seq) && is_dupack)
			reno_dupack(c);
		else if (a->una_advanced)
			reno_reset(c);
	}
	*send = SEND_LOST;
}

/* high_seq is passed. Return: whether nothing more is to be done */
static bool phase_over(struct tcp_conn *c)
{
	if (c->ca_phase == CA_CWR && c->snd_una != c->high_seq) {
		reduction_end(c);
		c->ca_phase = CA_OPEN;
	} else if (c->ca_phase == CA_RECOVERY) {
		reno_reset(c);
		bool undo = may_undo(c);

		if (try_undo_recovery(c))
			return true;
		if (!undo)
			c->cwnd = MAX(c->ssthresh, 1u);
		if (c->rack.reo_wnd_persist)
			c->rack.reo_wnd_persist--;
	}
	return false;
}

static void open_ack(struct tcp_conn *c, struct tcp_ack *a, bool is_dupack, u8 *send)
{
	if (!c->sack_ok) {
		if (a->una_advanced)
			reno_reset(c);
		if (is_dupack)
			reno_dupack(c);
	}
	if (c->ca_phase <= CA_DISORDER)
		try_undo_dsack(c);
	identify_loss(c, a);
	if (!time_to_recover(c)) {
		if (!any_retrans(c))
			c->retrans_ns = 0;
		if (a->ece)
			tcp_enter_cwr(c);
		if (c->ca_phase != CA_CWR)
			keep_open(c);
		return;
	}
	enter_recovery(c, a->ece);
	*send = SEND_LOST;
}

void tcp_recovery_ack(struct tcp_conn *c, struct tcp_ack *a, const struct tcp_segment *s, bool is_dupack, u8 *send)
{
	if (!c->packets_out)
		c->sacked_out = 0;
	if (a->ece)
		c->prior_ssthresh = 0;
	if (check_reneging(c, a))
		return;
	if (c->ca_phase != CA_OPEN && c->ca_phase != CA_LOSS && seq_at_least(c->snd_una, c->high_seq) && phase_over(c))
		return;
	switch (c->ca_phase) {
	case CA_RECOVERY:
		if (!a->una_advanced) {
			if (!c->sack_ok && is_dupack)
				reno_dupack(c);
		} else if (try_undo_partial(c)) {
			return;
		}
		if (try_undo_dsack(c))
			keep_open(c);
		identify_loss(c, a);
		if (c->ca_phase != CA_RECOVERY) {
			if (!time_to_recover(c))
				return;
			enter_recovery(c, a->ece);
		}
		*send = SEND_LOST;
		return;
	case CA_LOSS:
		loss_ack(c, a, is_dupack, send);
		identify_loss(c, a);
		if (c->ca_phase == CA_OPEN)
			open_ack(c, a, is_dupack, send);
		else if (a->lost_retrans)
			*send = SEND_LOST;
		return;
	default:
		open_ack(c, a, is_dupack, send);
	}
}
