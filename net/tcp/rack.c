/*
 * RACK-TLP: loss by time.  A segment is lost if one sent later was delivered and a round trip and a reordering window have passed since it was sent; a probe
 * after two round trips without an answer turns losses of a tail into SACKs.
 *
 * Source: RFC 8985.  The numbers in comments are its sections.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

enum { REO_PERSIST = 16, RECOVERY_STATIC = 2, RECOVERY_NO_DUPTHRESH = 4, TIMEOUT_MIN_US = 2 * TCP_MS };

/* Whether (t1, seq1) was sent after (t2, seq2): the end breaks ties. */
static bool sent_after(u64 t1, u32 seq1, u64 t2, u32 seq2)
{
	return t1 > t2 || (t1 == t2 && seq_after(seq1, seq2));
}

/* 6.2, steps 1 and 2. */
void tcp_rack_advance(struct tcp_conn *c, const struct tcp_tx *t, u64 now_ns)
{
	u32 rtt = (u32)MIN(tcp_since_us(now_ns, t->xmit_ns), 0x7fffffffull);

	/* Retransmitted and answered sooner than any round trip: the answer is to the first one. */
	if (rtt < tcp_min_rtt_us(c) && t->sacked & TX_EVER_RETRANS)
		return;
	c->rack.advanced = true;
	c->rack.rtt_us = rtt;
	if (sent_after(t->xmit_ns, t->end, c->rack.xmit_ns, c->rack.end_seq)) {
		c->rack.xmit_ns = t->xmit_ns;
		c->rack.end_seq = t->end;
	}
}

/* 6.2, step 4. */
static u32 reo_window_us(const struct tcp_conn *c)
{
	if (!c->reord_seen) {
		if (c->ca_phase >= CA_RECOVERY)
			return 0;
		if (c->sacked_out >= c->reordering && !(c->cfg->recovery & RECOVERY_NO_DUPTHRESH))
			return 0;
	}
	u32 min = tcp_min_rtt_us(c);

	return min == ~0u ? 0 : (u32)MIN((u64)(min >> 2) * c->rack.reo_wnd_steps, (u64)c->srtt_us8 >> 3);
}

s64 tcp_rack_left_us(const struct tcp_conn *c, const struct tcp_tx *t, u64 now_ns)
{
	return (s64)c->rack.rtt_us + reo_window_us(c) - (s64)tcp_since_us(now_ns, t->xmit_ns);
}

/* 6.2, step 4: the window widens when a DSACK shows that a retransmission was needless. */
void tcp_rack_reo_window(struct tcp_conn *c, const struct tcp_ack *a)
{
	if (c->cfg->recovery & RECOVERY_STATIC || !a->rate_valid)
		return;
	if (seq_before(a->rate_delivered, c->rack.last_delivered))
		c->rack.dsack_seen = false;
	if (c->rack.dsack_seen) {
		c->rack.reo_wnd_steps = (u8)MIN(255, c->rack.reo_wnd_steps + 1);
		c->rack.dsack_seen = false;
		c->rack.last_delivered = c->delivered;
		c->rack.reo_wnd_persist = REO_PERSIST;
	} else if (!c->rack.reo_wnd_persist) {
		c->rack.reo_wnd_steps = 1;
	}
}

/* 6.2, step 5. Return: how long until the next one counts as lost; 0: none */
static u64 detect(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t, *next;
	s64 wait = 0;

	list_for_each_entry_safe(t, next, &c->tx_sent, sent) {
		if (t->sacked & TX_LOST && !(t->sacked & TX_RETRANS))
			continue;
		if (!sent_after(c->rack.xmit_ns, c->rack.end_seq, t->xmit_ns, t->end))
			break;
		s64 left = tcp_rack_left_us(c, t, now_ns);

		if (left <= 0) {
			tcp_mark_lost(c, t);
			list_del_init(&t->sent);
		} else {
			wait = MAX(wait, left);
		}
	}
	return (u64)wait;
}

void tcp_rack_mark(struct tcp_conn *c, u64 now_ns)
{
	if (!c->rack.advanced)
		return;
	c->rack.advanced = false;
	u64 wait = detect(c, now_ns);

	if (wait)
		tcp_timer_set(c, TCP_TIMER_REORDER, now_ns + NS(wait + TIMEOUT_MIN_US));
}

void tcp_rack_timeout(struct tcp_conn *c, u64 now_ns)
{
	u32 before = tcp_in_flight(c);

	tcp_timer_clear(c);
	u64 wait = detect(c, now_ns);

	if (before != tcp_in_flight(c)) {
		if (c->ca_phase != CA_RECOVERY) {
			u8 send = SEND_NONE;
			struct tcp_ack a = { .now_ns = now_ns, .prior_una = c->snd_una, .rtt_us = -1, .ca_rtt_us = -1, .sack_rtt_us = -1 };
			struct tcp_segment none = { 0 };

			if (c->ca_phase != CA_LOSS)
				tcp_recovery_ack(c, &a, &none, false, &send);
			else
				c->cwnd = MAX(c->cwnd, 1u);
		}
		tcp_retransmit_lost(c, now_ns);
	}
	if (wait)
		tcp_timer_set(c, TCP_TIMER_REORDER, now_ns + NS(wait + TIMEOUT_MIN_US));
	else if (c->timer_kind != TCP_TIMER_RTO)
		tcp_rearm_rto(c, now_ns);
}

/* ---- 7: tail loss probe ---- */

bool tcp_tlp_schedule(struct tcp_conn *c, bool advancing_rto, u64 now_ns)
{
	u32 us = TCP_SEC;

	if (c->cfg->early_retrans != 3 && c->cfg->early_retrans != 4)
		return false;
	if (!c->packets_out || !c->sack_ok || (c->ca_phase != CA_OPEN && c->ca_phase != CA_CWR) || c->tlp_outstanding || c->retransmits)
		return false;
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECV)
		return false;
	if (c->srtt_us8) {
		us = c->srtt_us8 >> 2;
		us += c->packets_out == 1 ? (u32)TCP_RTO_MIN_US : (u32)TIMEOUT_MIN_US;
	}
	u64 at = now_ns + NS(us), rto_at = c->timer_kind == TCP_TIMER_RTO && !advancing_rto ? c->timer_ns : now_ns + NS(tcp_rto_backed_us(c));

	tcp_timer_set(c, TCP_TIMER_TLP, MIN(at, MAX(rto_at, now_ns)));
	return true;
}

void tcp_tlp_send(struct tcp_conn *c, u64 now_ns)
{
	bool sent = false;

	tcp_timer_clear(c);
	if (!c->packets_out) {
		tcp_probe_check(c, now_ns);
		return;
	}
	c->tlp_retrans = false;
	if (!c->tlp_outstanding) {
		sent = tcp_unsent(c) && seq_before(c->snd_nxt, tcp_wnd_end(c)) && tcp_push_all(c, TCP_NAGLE_PUSH, true, now_ns);
		if (!sent) {
			struct tcp_tx *t = list_last_entry(&c->tx_queue, struct tcp_tx, node);
			u32 len = t->end - t->seq;

			if (t->pcount > 1 && len > t->mss && !tcp_tx_split(c, t, (len - 1) / t->mss * t->mss))
				t = list_last_entry(&c->tx_queue, struct tcp_tx, node);
			if (!tcp_retransmit(c, t, 1, now_ns))
				sent = c->tlp_retrans = true;
		}
		if (sent) {
			c->tlp_outstanding = true;
			c->tlp_high_seq = c->snd_nxt;
			COUNT(c, TCPLOSSPROBES);
		}
	}
	c->timer_kind = TCP_TIMER_NONE;
	tcp_timer_set(c, TCP_TIMER_RTO, now_ns + NS(tcp_rto_backed_us(c)));
}

/* 7.4: did the probe repair a loss that nobody saw?  Then the window must shrink as for any loss. */
void tcp_tlp_ack(struct tcp_conn *c, const struct tcp_segment *s, const struct tcp_ack *a)
{
	if (!c->tlp_outstanding || seq_before(s->ack, c->tlp_high_seq))
		return;
	if (!c->tlp_retrans || a->dsack) {
		c->tlp_outstanding = false;
	} else if (seq_after(s->ack, c->tlp_high_seq)) {
		c->tlp_outstanding = false;
		tcp_enter_cwr(c);
		c->cwnd = MIN(c->cwnd, c->ssthresh);
		c->ca_phase = CA_OPEN;
		c->undo_valid = false;
		COUNT(c, TCPLOSSPROBERECOVERY);
	} else if (!a->una_advanced && !a->sacked && !s->len && !a->window_update) {
		c->tlp_outstanding = false;
	}
}
