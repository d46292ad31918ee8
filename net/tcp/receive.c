/*
 * What comes in: the queue in order, the segments beyond a hole, SACK blocks, urgent data, and when to acknowledge.
 *
 * Invariants: rx_queue covers [copied_seq, rcv_nxt) without a hole; ooo holds disjoint ranges that begin after rcv_nxt.
 *
 * Source: RFC 9293 3.10.7.4, RFC 2018, RFC 2883, RFC 1122 4.2.3.2 (delayed ACKs), RFC 5681 4.2.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

#define rx_of(n) RB_ENTRY(n, struct tcp_rx, rb)

static void rx_drop(struct tcp_conn *c, struct tcp_rx *rx)
{
	c->rcv_memory -= rx->memory;
	c->hooks->rx_free(c, rx);
}

void tcp_rx_purge(struct tcp_conn *c)
{
	struct tcp_rx *rx;

	while ((rx = list_first_entry_or_null(&c->rx_queue, struct tcp_rx, node)) != NULL) {
		list_del(&rx->node);
		rx_drop(c, rx);
	}
	while (c->ooo.node) {
		rx = rx_of(rb_first(&c->ooo));
		rb_erase(&c->ooo, &rx->rb);
		rx_drop(c, rx);
	}
	c->ooo_count = 0;
	c->recent_count = 0;
}

/* ---- SACK blocks to send ---- */

static void recent_push(struct tcp_conn *c, struct tcp_sack_block b)
{
	u32 n = MIN((u32)c->recent_count, TCP_SACKS_MAX - 1u);

	memmove(&c->recent[1], &c->recent[0], n * sizeof(b));
	c->recent[0] = b;
	c->recent_count = (u8)(n + 1);
}

static void recent_remove(struct tcp_conn *c, u32 i)
{
	memmove(&c->recent[i], &c->recent[i + 1], (c->recent_count - i - 1u) * sizeof(c->recent[0]));
	c->recent_count--;
}

/* [seq, end) has come: the block that holds it is the first from now on. */
static void recent_add(struct tcp_conn *c, u32 seq, u32 end)
{
	struct tcp_sack_block b = { seq, end };

	for (u32 i = 0; i < c->recent_count;) {
		struct tcp_sack_block *o = &c->recent[i];

		if (seq_at_most(o->start, b.end) && seq_at_most(b.start, o->end)) {
			b.start = seq_min(b.start, o->start);
			b.end = seq_max(b.end, o->end);
			recent_remove(c, i);
		} else {
			i++;
		}
	}
	recent_push(c, b);
}

static void recent_trim(struct tcp_conn *c)
{
	if (!c->ooo.node)
		c->recent_count = 0;
	for (u32 i = 0; i < c->recent_count;) {
		if (seq_at_least(c->rcv_nxt, c->recent[i].start))
			recent_remove(c, i);
		else
			i++;
	}
}

void tcp_sack_fill(struct tcp_conn *c, struct tcp_options *o, u32 max)
{
	o->sack_count = 0;
	if (!c->sack_ok)
		return;
	if (c->dsack_due && max) {
		o->sack[o->sack_count++] = c->dsack;
		c->dsack_due = false;
	}
	for (u32 i = 0; i < c->recent_count && o->sack_count < MIN(max, (u32)TCP_SACKS_MAX); i++)
		o->sack[o->sack_count++] = c->recent[i];
}

void tcp_dsack_set(struct tcp_conn *c, u32 seq, u32 end)
{
	if (!c->sack_ok || !c->cfg->dsack)
		return;
	if (seq_before(seq, c->rcv_nxt))
		COUNT(c, TCPDSACKOLDSENT);
	else
		COUNT(c, TCPDSACKOFOSENT);
	c->dsack_due = true;
	c->dsack = (struct tcp_sack_block){ seq, end };
}

/* ---- when to acknowledge ---- */

void tcp_enter_quickack(struct tcp_conn *c, u32 max)
{
	u32 n = c->rcv_wnd / (2 * MAX(c->rcv_mss, 1u));

	n = MIN(MAX(n, 2u), max);
	if (n > c->quick)
		c->quick = (u8)n;
	c->pingpong = 0;
	c->ato_us = TCP_ATO_MIN_US;
}

void tcp_set_quickack(struct tcp_conn *c, int value, u64 now_ns)
{
	if (!value) {
		c->pingpong = 1;
		return;
	}
	c->pingpong = 0;
	if (c->ack_due && tcp_in_states(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT)))
		tcp_send_ack(c, now_ns);
	if (!(value & 1))
		c->pingpong = 1;
}

void tcp_ack_schedule_clear(struct tcp_conn *c)
{
	c->ack_due = c->ack_now = c->delack_blocked = false;
	c->delack_ns = TCP_NEVER;
}

/* A guess of the peer's segment size: the largest full one, or a smaller one that keeps coming. */
static void measure_mss(struct tcp_conn *c, const struct tcp_segment *s)
{
	u32 len = s->segs > 1 ? (s->len + s->segs - 1) / s->segs : s->len;

	if (len >= c->rcv_mss)
		c->rcv_mss = MIN(len, MAX(c->advmss, 88u));
	else if (len >= 88 + TCP_HEADER && !(s->flags & TH_PSH))
		c->rcv_mss = MAX(len, 88u);
}

void tcp_ack_event(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	c->ack_due = true;
	measure_mss(c, s);
	tcp_rcv_rtt_measure(c, s, now_ns);
	if (!c->ato_us) {
		tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
	} else {
		u64 gap_us = (now_ns - c->last_rcv_ns) / 1000;

		if (gap_us <= TCP_ATO_MIN_US / 2)
			c->ato_us = (c->ato_us >> 1) + TCP_ATO_MIN_US / 2;
		else if (gap_us < c->ato_us)
			c->ato_us = MIN((c->ato_us >> 1) + (u32)gap_us, c->rto_us);
		else if (gap_us > c->rto_us)
			tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
	}
	c->last_rcv_ns = now_ns;
	if (s->ce && (c->ecn & TCP_ECN_OK)) {
		if (!(c->ecn & TCP_ECN_DEMAND_CWR))
			tcp_enter_quickack(c, 2);
		c->ecn |= TCP_ECN_DEMAND_CWR;
	}
	if (s->ect && (c->ecn & TCP_ECN_OK))
		c->ecn |= TCP_ECN_SEEN;
	if (s->len >= 128)
		tcp_grow_window(c, s);
}

void tcp_delayed_ack(struct tcp_conn *c, u64 now_ns)
{
	u32 ato = c->ato_us;

	if (ato > TCP_DELACK_MIN_US) {
		u32 most = c->pingpong ? (u32)TCP_DELACK_MAX_US : 500u * TCP_MS;

		if (c->srtt_us8)
			most = MIN(most, MAX(c->srtt_us8 >> 3, (u32)TCP_DELACK_MIN_US));
		ato = MIN(ato, most);
	}
	ato = CLAMP(ato, (u32)TCP_DELACK_MIN_US, (u32)TCP_DELACK_MAX_US);
	u64 at = now_ns + NS(ato);

	if (c->delack_ns != TCP_NEVER && c->delack_ns <= now_ns + NS(ato >> 2)) {
		tcp_send_ack(c, now_ns);
		return;
	}
	c->ack_due = true;
	if (c->delack_ns == TCP_NEVER || at < c->delack_ns)
		c->delack_ns = at;
}

void tcp_ack_check(struct tcp_conn *c, bool ofo_possible, u64 now_ns)
{
	bool quick = c->quick && !c->pingpong;
	bool full = c->rcv_nxt - c->rcv_wup > c->rcv_mss && tcp_window_would(c) >= c->rcv_wnd;

	if (!c->ack_due && !c->ack_now)
		return;
	if (full || quick || c->ack_now || (ofo_possible && c->ooo.node))
		tcp_send_ack(c, now_ns);
	else
		tcp_delayed_ack(c, now_ns);
}

/* ---- the queues ---- */

static void fin_take(struct tcp_conn *c, u64 now_ns)
{
	c->fin_rcvd = true;
	c->rcv_nxt++;
	c->shut_rcv = true;
	c->ack_due = true;
	c->events |= TCP_EV_READ;
	switch (c->state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		tcp_set_state(c, TCP_CLOSE_WAIT);
		c->pingpong = 1;
		break;
	case TCP_FIN_WAIT1:
		c->ack_now = true;
		tcp_set_state(c, TCP_CLOSING);
		break;
	}
	while (c->ooo.node) {		/* nothing comes after a FIN */
		struct tcp_rx *rx = rx_of(rb_first(&c->ooo));

		rb_erase(&c->ooo, &rx->rb);
		rx_drop(c, rx);
	}
	c->ooo_count = c->recent_count = 0;
	if (c->state == TCP_FIN_WAIT2)
		tcp_time_wait(c, now_ns);
}

/* @rx begins at rcv_nxt (or before and is longer): the next in order. */
static void append(struct tcp_conn *c, struct tcp_rx *rx)
{
	rx->seq = c->rcv_nxt;
	list_add_tail(&rx->node, &c->rx_queue);
	c->bytes_received += rx->end - c->rcv_nxt;
	c->rcv_nxt = rx->end;
	c->events |= TCP_EV_READ;
}

/* What stood beyond the hole may be in order now. Return: whether a FIN was reached */
static bool drain_ooo(struct tcp_conn *c)
{
	bool fin = false;

	while (c->ooo.node && !fin) {
		struct tcp_rx *rx = rx_of(rb_first(&c->ooo));

		if (seq_after(rx->seq, c->rcv_nxt))
			break;
		rb_erase(&c->ooo, &rx->rb);
		c->ooo_count--;
		fin = rx->fin && seq_at_least(rx->end, c->rcv_nxt);
		if (seq_after(rx->end, c->rcv_nxt))
			append(c, rx);
		else
			rx_drop(c, rx);
	}
	recent_trim(c);
	return fin;
}

/* Room for one more packet; what is beyond holes goes first if there is none. */
static bool room_for(struct tcp_conn *c, struct tcp_rx *rx, bool in_order)
{
	if (c->rcv_memory <= c->rcvbuf)
		return true;
	COUNT(c, PRUNECALLED);
	tcp_clamp_window(c);
	while (in_order && c->rcv_memory > c->rcvbuf && c->ooo.node) {
		struct tcp_rx *last = rx_of(rb_last(&c->ooo));

		COUNT(c, OFOPRUNED);
		rb_erase(&c->ooo, &last->rb);
		c->ooo_count--;
		rx_drop(c, last);
		c->recent_count = 0;		/* reneging is allowed (RFC 2018, section 8): say nothing of what may be gone */
	}
	return c->rcv_memory <= c->rcvbuf || (in_order && list_empty(&c->rx_queue));
}

static void keep(struct tcp_conn *c, struct tcp_segment *s)
{
	s->rx_kept = true;
	c->rcv_memory += s->rx->memory;
}

static void in_order(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	struct tcp_rx *rx = s->rx;
	bool fin = rx->fin, had_hole = c->ooo.node != NULL;

	if (!room_for(c, rx, true)) {
		COUNT(c, TCPRCVQDROP);
		c->ack_now = true;
		c->ack_due = true;
		return;
	}
	if (seq_after(rx->end, c->rcv_nxt)) {
		keep(c, s);
		append(c, rx);
	}
	tcp_ack_event(c, s, now_ns);
	if (had_hole) {
		if (!fin)
			fin = drain_ooo(c);
		/* RFC 5681, 4.2: a hole that is filled is acknowledged at once. */
		if (!c->ooo.node)
			c->ack_now = true;
	}
	if (fin)
		fin_take(c, now_ns);
	recent_trim(c);
}

/* Insert @rx where it belongs. Return: false: all of it was there */
static bool ooo_insert(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct rb_node **link = &c->ooo.node, *parent = NULL;
	struct tcp_rx *before = NULL;

	while (*link) {
		struct tcp_rx *o = rx_of(*link);

		parent = *link;
		if (seq_before(rx->seq, o->seq)) {
			link = &parent->left;
		} else {
			before = o;
			link = &parent->right;
		}
	}
	if (before && seq_after(before->end, rx->seq)) {
		if (seq_at_most(rx->end, before->end)) {
			tcp_dsack_set(c, rx->seq, rx->end);
			return false;
		}
		tcp_dsack_set(c, rx->seq, before->end);
		rx->seq = before->end;
	} else if (before && before->end == rx->end && rx->fin && before->fin) {
		return false;
	}
	struct rb_node *after = before ? rb_next(&before->rb) : rb_first(&c->ooo);
	struct tcp_rx *follower = after ? rx_of(after) : NULL;

	/* The end of it may be there. */
	if (follower && seq_after(rx->end, follower->seq) && seq_before(rx->end, follower->end)) {
		tcp_dsack_set(c, follower->seq, rx->end);
		rx->end = follower->seq;
		rx->fin = false;
		if (seq_at_most(rx->end, rx->seq))
			return false;
	}
	rb_link(&rx->rb, parent, link);
	rb_insert_fixup(&c->ooo, &rx->rb);
	c->ooo_count++;
	for (struct rb_node *n = rb_next(&rx->rb); n; n = rb_next(&rx->rb)) {
		struct tcp_rx *o = rx_of(n);

		if (seq_at_most(rx->end, o->seq))
			break;
		tcp_dsack_set(c, o->seq, seq_min(o->end, rx->end));
		if (seq_before(rx->end, o->end)) {
			rx->end = o->seq;
			rx->fin = false;
			break;
		}
		rb_erase(&c->ooo, n);
		c->ooo_count--;
		rx_drop(c, o);
	}
	return true;
}

static void out_of_order(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	struct tcp_rx *rx = s->rx;

	c->ack_due = c->ack_now = true;
	tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
	if (!room_for(c, rx, false)) {
		COUNT(c, TCPOFODROP);
		return;
	}
	COUNT(c, TCPOFOQUEUE);
	c->ooo_packets_total += s->segs ? s->segs : 1;
	u32 end = rx->end + (rx->fin ? 1 : 0);

	if (c->sack_ok && end != rx->seq)
		recent_add(c, rx->seq, end);
	if (rx->end == rx->seq && !rx->fin)
		return;
	if (ooo_insert(c, rx)) {
		keep(c, s);
		tcp_grow_window(c, s);
	} else {
		COUNT(c, TCPOFOMERGE);
	}
	c->last_rcv_ns = now_ns;
}

static void refused(struct tcp_conn *c)
{
	tcp_enter_quickack(c, TCP_QUICKACKS_MAX);
	c->ack_due = c->ack_now = true;
}

void tcp_data_queue(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns)
{
	struct tcp_rx *rx = s->rx;
	bool fin = s->flags & TH_FIN;
	u32 end = s->seq + (s->flags & TH_SYN ? 1 : 0) + s->len;

	rx->seq0 = rx->seq = s->seq + (s->flags & TH_SYN ? 1 : 0);
	rx->end = end;
	rx->fin = fin;
	if (c->fin_rcvd || seq_at_most(end + fin, c->rcv_nxt)) {
		/* All of it was received before. */
		if (end + fin != rx->seq && seq_at_most(end + fin, c->rcv_nxt)) {
			COUNT(c, DELAYEDACKLOST);
			tcp_dsack_set(c, rx->seq, end + fin);
		}
		refused(c);
		return;
	}
	if (seq_at_least(rx->seq, c->rcv_nxt + tcp_receive_window(c)) && !(fin && rx->seq == end && rx->seq == c->rcv_nxt)) {
		if (rx->seq == c->rcv_nxt)
			COUNT(c, TCPZEROWINDOWDROP);
		refused(c);
		return;
	}
	if (seq_after(rx->seq, c->rcv_nxt)) {
		out_of_order(c, s, now_ns);
		return;
	}
	if (seq_before(rx->seq, c->rcv_nxt))
		tcp_dsack_set(c, rx->seq, c->rcv_nxt);
	in_order(c, s, now_ns);
}

/* ---- the user reads ---- */

void tcp_received(struct tcp_conn *c, u32 copied_seq, u64 now_ns)
{
	struct tcp_rx *rx;
	u32 copied = copied_seq - c->copied_seq;

	c->copied_seq = copied_seq;
	while ((rx = list_first_entry_or_null(&c->rx_queue, struct tcp_rx, node)) != NULL && seq_at_most(rx->end, copied_seq)) {
		list_del(&rx->node);
		rx_drop(c, rx);
	}
	if (!copied || c->state == TCP_CLOSE)
		return;
	tcp_rcv_space_adjust(c, now_ns);
	bool now = false;

	if (c->ack_due)
		now = c->delack_blocked || c->rcv_nxt - c->rcv_wup > c->rcv_mss ||
		      (!c->pingpong && list_empty(&c->rx_queue) && c->quick);
	if (!now && !c->shut_rcv) {
		u32 left = tcp_receive_window(c);

		if (2 * left <= c->window_clamp) {
			u32 would = tcp_window_would(c);

			now = would && would >= 2 * left;
		}
	}
	if (now)
		tcp_send_ack(c, now_ns);
}

/* ---- urgent data ---- */

void tcp_urgent(struct tcp_conn *c, const struct tcp_segment *s)
{
	u32 at = s->urgent;

	if (!(s->flags & TH_URG))
		return;
	if (at && !c->cfg->stdurg)
		at--;
	at += s->seq;
	/* Read already, an old pointer, or one that we know. */
	if (seq_after(c->copied_seq, at) || seq_before(at, c->rcv_nxt) || (c->urg && seq_at_most(at, c->urg_seq)))
		return;
	c->urg = URG_NOTYET;
	c->urg_seq = at;
	c->events |= TCP_EV_URGENT;
}
