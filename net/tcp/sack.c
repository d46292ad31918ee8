/*
 * The scoreboard: which of the sent segments the receiver says it has.
 *
 * Source: RFC 2018, 2883 (duplicate SACK), 6675; rate samples: draft-cheng-iccrg-delivery-rate-estimation.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

enum { BLOCKS = TCP_SACKS_MAX };

/* Without SACK, sacked_out counts dupacks: it leaves room for what is lost. */
void tcp_reno_limit(struct tcp_conn *c)
{
	if (c->sack_ok)
		return;
	u32 holes = MIN(MAX(c->lost_out, 1u), c->packets_out);

	c->sacked_out = MIN(c->sacked_out, c->packets_out - holes);
}

void tcp_mark_lost(struct tcp_conn *c, struct tcp_tx *t)
{
	if (t->sacked & TX_SACKED)
		return;
	if (t->sacked & TX_LOST) {
		/* Its retransmission is lost too. */
		if (t->sacked & TX_RETRANS) {
			t->sacked &= (u8)~TX_RETRANS;
			c->retrans_out -= t->pcount;
			c->lost_total += t->pcount;
			COUNT_N(c, TCPLOSTRETRANSMIT, t->pcount);
		}
		return;
	}
	t->sacked |= TX_LOST;
	c->lost_out += t->pcount;
	c->lost_total += t->pcount;
	if (t->sacked & TX_RETRANS) {
		t->sacked &= (u8)~TX_RETRANS;
		c->retrans_out -= t->pcount;
	}
	tcp_reno_limit(c);
}

/* Segments arrive out of order by as much as lies between @low and the highest SACKed one. */
void tcp_check_reordering(struct tcp_conn *c, u32 low, bool timestamps)
{
	if (!c->sacked_out && !seq_before(low, c->fack))
		return;
	u32 metric = (c->fack - low + c->mss - 1) / MAX(c->mss, 1u);

	if (!seq_before(low, c->fack) || !c->mss)
		return;
	if (metric > c->reordering)
		c->reordering = MIN(metric, c->cfg->max_reordering);
	c->reord_seen++;
	if (timestamps)
		COUNT(c, TCPTSREORDER);
	else
		COUNT(c, TCPSACKREORDER);
}

void tcp_tx_delivered(struct tcp_conn *c, struct tcp_tx *t, struct tcp_ack *a)
{
	/* The most recently sent of those delivered makes the sample. */
	if (t->delivered_ns && (!a->rate_valid || t->xmit_ns > a->rate_xmit_ns)) {
		a->rate_valid = true;
		a->rate_xmit_ns = t->xmit_ns;
		a->rate_delivered = t->delivered;
		a->rate_delivered_ns = t->delivered_ns;
		a->rate_first_ns = t->first_tx_ns;
		a->rate_app_limited = t->app_limited;
		c->first_tx_ns = t->xmit_ns;
	}
	if (t->sacked & TX_SACKED)
		t->delivered_ns = 0;
	tcp_rack_advance(c, t, a->now_ns);
}

/* ---- duplicate SACK ---- */

static void dsack_seen(struct tcp_conn *c, struct tcp_sack_block b, u32 prior_una, struct tcp_ack *a)
{
	u32 bytes = b.end - b.start, segs = 1;

	if (bytes > c->max_window || !seq_before(b.start, b.end))
		return;
	if (c->mss && bytes > c->mss)
		segs = (bytes + c->mss - 1) / c->mss;
	c->dsack_dups += segs;
	COUNT_N(c, TCPDSACKRECVSEGS, segs);
	/* More duplicates than retransmissions: the network duplicates. */
	if (c->dsack_dups > c->total_retrans) {
		COUNT(c, TCPDSACKIGNOREDDUBIOUS);
		a->dsack = true;
		return;
	}
	a->dsack = true;
	if (!(c->tlp_outstanding && c->tlp_high_seq == b.end))
		c->rack.dsack_seen = true;
	if (c->undo_valid && c->undo_retrans && c->undo_retrans != ~0u && seq_at_most(b.end, prior_una) && seq_after(b.end, c->undo_marker))
		c->undo_retrans -= MIN(c->undo_retrans, segs);
}

static bool dsack_check(struct tcp_conn *c, const struct tcp_segment *s, struct tcp_ack *a)
{
	const struct tcp_sack_block *b = s->opt.sack;

	if (seq_before(b[0].start, s->ack))
		COUNT(c, TCPDSACKRECV);
	else if (s->opt.sack_count > 1 && seq_at_most(b[0].end, b[1].end) && seq_at_least(b[0].start, b[1].start))
		COUNT(c, TCPDSACKOFORECV);
	else
		return false;
	dsack_seen(c, b[0], a->prior_una, a);
	return true;
}

/* ---- blocks ---- */

/* Those that say something, by start. */
static u32 blocks_sort(struct tcp_conn *c, const struct tcp_segment *s, bool skip_first, struct tcp_sack_block *out)
{
	u32 n = 0;

	for (u32 i = skip_first ? 1 : 0; i < s->opt.sack_count; i++) {
		struct tcp_sack_block b = s->opt.sack[i];

		if (!seq_before(b.start, b.end) || seq_after(b.end, c->snd_nxt) || seq_before(b.start, c->snd_una - c->max_window)) {
			COUNT(c, TCPSACKDISCARD);
			continue;
		}
		if (seq_at_most(b.end, c->snd_una))
			continue;
		b.start = seq_max(b.start, c->snd_una);
		u32 at = n++;

		for (; at && seq_before(b.start, out[at - 1].start); at--)
			out[at] = out[at - 1];
		out[at] = b;
	}
	return n;
}

/* Cut @t so that what [b.start, b.end) covers of it, in whole segments, is a segment of its own. Return: whether @t begins outside and ends there */
static bool cut(struct tcp_conn *c, struct tcp_tx *t, struct tcp_sack_block b)
{
	u32 mss = MAX(t->mss, 1u), len = t->end - t->seq, off;

	if (seq_before(t->seq, b.start)) {
		off = (b.start - t->seq + mss - 1) / mss * mss;
		if (off >= len || tcp_tx_split(c, t, off))
			return false;
		return true;
	}
	off = (b.end - t->seq) / mss * mss;
	if (off && off < len)
		(void)!tcp_tx_split(c, t, off);
	return false;
}

static void sack_one(struct tcp_conn *c, struct tcp_tx *t, struct tcp_ack *a)
{
	if (t->sacked & TX_SACKED)
		return;
	if (t->sacked & TX_RETRANS) {
		if (t->sacked & TX_LOST) {
			t->sacked &= (u8)~(TX_LOST | TX_RETRANS);
			c->lost_out -= t->pcount;
			c->retrans_out -= t->pcount;
		}
	} else {
		if (!(t->sacked & TX_EVER_RETRANS)) {
			/* Sent once, and what was sent after it came before it. */
			if (c->sacked_out && seq_before(t->seq, c->fack)) {
				if (!a->reordered || seq_before(t->seq, a->reorder_low))
					a->reorder_low = t->seq;
				a->reordered = true;
			}
			if (seq_at_most(t->end, c->high_seq))
				a->orig_sacked = true;
			s64 rtt = (s64)tcp_since_us(a->now_ns, t->xmit_ns);

			a->sack_rtt_us = a->sack_rtt_us < 0 ? rtt : MAX(a->sack_rtt_us, rtt);
			a->ca_rtt_us = rtt;
		}
		if (t->sacked & TX_LOST) {
			t->sacked &= (u8)~TX_LOST;
			c->lost_out -= t->pcount;
		}
	}
	tcp_tx_delivered(c, t, a);
	t->sacked |= TX_SACKED;
	list_del_init(&t->sent);
	if (!c->sacked_out || seq_after(t->seq, c->fack))
		c->fack = t->seq;
	c->sacked_out += t->pcount;
	c->delivered += t->pcount;
	a->sacked += t->pcount;
}

void tcp_sack_blocks(struct tcp_conn *c, const struct tcp_segment *s, struct tcp_ack *a)
{
	struct tcp_sack_block b[BLOCKS];
	struct tcp_tx *t;

	if (!c->sack_ok || !s->opt.sack_count)
		return;
	bool dsack = dsack_check(c, s, a);

	if (seq_before(s->ack, a->prior_una - c->max_window))
		return;
	u32 n = blocks_sort(c, s, dsack, b), i = 0;

	list_for_each_entry(t, &c->tx_queue, node) {
		while (i < n && seq_at_least(t->seq, b[i].end))
			i++;
		if (i == n)
			break;
		if (seq_at_most(t->end, b[i].start))
			continue;
		if (t->flags & TH_SYN)
			continue;
		if (seq_before(t->seq, b[i].start) || seq_after(t->end, b[i].end)) {
			if (cut(c, t, b[i]) || seq_before(t->seq, b[i].start) || seq_after(t->end, b[i].end))
				continue;
		}
		sack_one(c, t, a);
	}
	if (a->reordered)
		tcp_check_reordering(c, a->reorder_low, false);
}
