/*
 * Timers: retransmission, loss probe, reordering, window probe (one slot: a connection waits for one of them at a time), delayed ACK, keep-alive,
 * the life of orphans, pacing.
 *
 * Source: RFC 6298 section 5, RFC 9293 3.8.3, 3.8.4, 3.8.6.1, RFC 5482 (user time-out), RFC 8985 section 7.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

void tcp_timer_set(struct tcp_conn *c, enum tcp_timer_kind kind, u64 at_ns)
{
	c->timer_kind = (u8)kind;
	c->timer_ns = at_ns;
}

/* RFC 6298: restart when new data are acknowledged; off when nothing is outstanding. */
void tcp_rearm_rto(struct tcp_conn *c, u64 now_ns)
{
	if (!c->packets_out) {
		if (c->timer_kind != TCP_TIMER_PROBE)
			tcp_timer_clear(c);
		return;
	}
	u64 at = now_ns + NS(tcp_rto_backed_us(c));

	/* A probe or reordering timer ran in its place: count from when the first segment went out. */
	if (c->timer_kind == TCP_TIMER_REORDER || c->timer_kind == TCP_TIMER_TLP) {
		struct tcp_tx *t = tx_first(c);

		if (t)
			at = MAX(t->xmit_ns + NS(tcp_rto_backed_us(c)), now_ns + 1000);
	}
	tcp_timer_set(c, TCP_TIMER_RTO, at);
}

/* Something waits, nothing is outstanding that an ACK would come for: ask now and then. */
void tcp_probe_check(struct tcp_conn *c, u64 now_ns)
{
	if (c->packets_out || c->timer_kind != TCP_TIMER_NONE)
		return;
	if (tcp_unsent(c) || (c->fin_queued && !c->fin_sent))
		tcp_timer_set(c, TCP_TIMER_PROBE, now_ns + NS(MAX(tcp_rto_backed_us(c), (u32)TCP_RTO_MIN_US)));
}

static u32 orphan_retries(const struct tcp_conn *c, bool alive)
{
	u32 n = c->cfg->orphan_retries;

	if (c->error_soft && !alive)
		return 0;
	return !n && alive ? 8 : n;
}

/* Whether retransmissions have gone on longer than @limit of them would take, from the first one. */
static bool timed_out(const struct tcp_conn *c, u32 limit, u64 user_ns, u64 now_ns)
{
	if (!c->retransmits || !c->retrans_ns)
		return false;
	if (user_ns)
		return now_ns - c->retrans_ns >= user_ns;
	u64 base = c->rto_min_us, most = TCP_RTO_MAX_US;
	u32 thresh = 0;

	while (base << (thresh + 1) <= most)
		thresh++;
	u64 us = limit <= thresh ? ((2ull << limit) - 1) * base : ((2ull << thresh) - 1) * base + (limit - thresh) * most;

	return now_ns - c->retrans_ns >= us * 1000;
}

static void write_error(struct tcp_conn *c)
{
	COUNT(c, TCPABORTONTIMEOUT);
	tcp_done(c, c->error_soft ? c->error_soft : ETIMEDOUT);
}

/* Return: whether the connection was given up */
static bool give_up(struct tcp_conn *c, u64 now_ns)
{
	u64 user = tcp_user_timeout_ns(c);

	if (tcp_in_states(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV))) {
		u32 most = c->state == TCP_SYN_RECV ? c->cfg->synack_retries : c->syn_retries ? c->syn_retries : c->cfg->syn_retries;

		if (c->retransmits)
			c->events |= TCP_EV_ADVICE;
		if (c->retransmits < most && !(user && c->retrans_ns && now_ns - c->retrans_ns >= user))
			return false;
		write_error(c);
		return true;
	}
	u32 limit = c->cfg->retries2;

	if (timed_out(c, c->cfg->retries1, 0, now_ns))
		c->events |= TCP_EV_ADVICE;
	if (c->orphan) {
		bool alive = tcp_rto_backed_us(c) < TCP_RTO_MAX_US;

		limit = orphan_retries(c, alive);
		if (c->retransmits > limit && !alive) {
			write_error(c);
			return true;
		}
	}
	if (!timed_out(c, limit, user, now_ns))
		return false;
	write_error(c);
	return true;
}

static void retransmit_timeout(struct tcp_conn *c, u64 now_ns)
{
	struct tcp_tx *t = tx_first(c);

	if (!c->packets_out || !t) {
		tcp_timer_clear(c);
		/* A SYN that could not even be made. */
		if (c->state == TCP_SYN_SENT && c->snd_nxt == c->iss) {
			c->retransmits++;
			if (!give_up(c, now_ns) && !tcp_push_all(c, TCP_NAGLE_PUSH, false, now_ns))
				tcp_timer_set(c, TCP_TIMER_RTO, now_ns + NS(c->rto_us));
		}
		return;
	}
	/* The window is shut and data are outstanding: the peer took it back. It stays alive as long as it answers. */
	if (!c->snd_wnd && !c->orphan && !tcp_in_states(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV))) {
		if (now_ns - MAX(c->last_ack_rcv_ns, 1ull) > NS(TCP_RTO_MAX_US) * 2 && c->retransmits) {
			write_error(c);
			return;
		}
	} else if (give_up(c, now_ns)) {
		return;
	}
	if (!c->retransmits)
		COUNT(c, TCPTIMEOUTS);
	if (!(t->flags & TH_SYN))
		tcp_enter_loss(c, now_ns);
	c->retransmits++;
	t = tx_first(c);
	u64 at;

	if (tcp_retransmit(c, t, 1, now_ns)) {
		/* The device is full: do not back off for that. */
		c->retransmits -= c->retransmits > 1;
		at = now_ns + 500 * 1000000ull;
	} else {
		c->backoff++;
		at = now_ns + NS(tcp_rto_backed_us(c));
	}
	u64 user = tcp_user_timeout_ns(c);

	if (user && c->retrans_ns)
		at = MIN(at, MAX(c->retrans_ns + user, now_ns + 1000000));
	tcp_timer_set(c, TCP_TIMER_RTO, at);
}

/* ---- window probes ---- */

/* One segment into a window that may have opened, or else one below it. Return: 0, or -errno */
static int wake_peer(struct tcp_conn *c, u64 now_ns)
{
	if (tcp_unsent(c) && seq_before(c->snd_nxt, tcp_wnd_end(c))) {
		u32 room = tcp_wnd_end(c) - c->snd_nxt, mss = c->mss;

		/* Let the part that fits go though it is small. */
		if (room < MIN(tcp_unsent(c), mss)) {
			c->mss = room;
			bool sent = tcp_push_all(c, TCP_NAGLE_PUSH, true, now_ns);

			c->mss = mss;
			return sent ? 0 : -ENOBUFS;
		}
		return tcp_push_all(c, TCP_NAGLE_PUSH, true, now_ns) ? 0 : -ENOBUFS;
	}
	COUNT(c, TCPWINPROBE);
	return tcp_send_probe(c, now_ns);
}

static void probe_timeout(struct tcp_conn *c, u64 now_ns)
{
	u64 user = tcp_user_timeout_ns(c);
	u32 most = c->cfg->retries2;

	tcp_timer_clear(c);
	if (c->packets_out || (!tcp_unsent(c) && !(c->fin_queued && !c->fin_sent))) {
		c->probes_out = 0;
		c->probe_start_ns = 0;
		return;
	}
	if (!c->probe_start_ns)
		c->probe_start_ns = now_ns;
	else if (user && now_ns - c->probe_start_ns >= user) {
		write_error(c);
		return;
	}
	if (c->orphan) {
		bool alive = tcp_rto_backed_us(c) < TCP_RTO_MAX_US;

		most = orphan_retries(c, alive);
		if (!alive && c->backoff >= most) {
			write_error(c);
			return;
		}
	}
	if (c->probes_out >= most) {
		write_error(c);
		return;
	}
	int err = wake_peer(c, now_ns);

	if (c->packets_out || c->state == TCP_CLOSE) {
		c->probes_out = 0;
		c->backoff = 0;
		return;
	}
	u64 wait_us = 500 * TCP_MS;

	c->probes_out++;
	if (!err) {
		if (c->backoff < most)
			c->backoff++;
		wait_us = MAX(tcp_rto_backed_us(c), (u32)TCP_RTO_MIN_US);
	}
	u64 at = now_ns + NS(wait_us);

	if (user)
		at = MIN(at, MAX(c->probe_start_ns + user, now_ns + 1000000));
	tcp_timer_set(c, TCP_TIMER_PROBE, at);
}

/* ---- keep-alive ---- */

static u64 keep_idle_ns(const struct tcp_conn *c)
{
	return (u64)(c->keep_idle_s ? c->keep_idle_s : c->cfg->keepalive_time_s) * 1000000000;
}

static u64 keep_intvl_ns(const struct tcp_conn *c)
{
	return (u64)(c->keep_intvl_s ? c->keep_intvl_s : c->cfg->keepalive_intvl_s) * 1000000000;
}

void tcp_keep_arm(struct tcp_conn *c, u64 now_ns)
{
	u64 heard = MAX(c->last_rcv_ns, c->last_ack_rcv_ns), idle = now_ns > heard ? now_ns - heard : 0;

	c->keep_ns = now_ns + (keep_idle_ns(c) > idle ? keep_idle_ns(c) - idle : 0);
}

void tcp_set_keepalive(struct tcp_conn *c, bool on, u64 now_ns)
{
	if (tcp_in_states(c, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_LISTEN))) {
		c->keepalive = on;
		return;
	}
	if (on && !c->keepalive)
		c->keep_ns = now_ns + keep_idle_ns(c);
	else if (!on)
		c->keep_ns = TCP_NEVER;
	c->keepalive = on;
}

static void keep_timeout(struct tcp_conn *c, u64 now_ns)
{
	u64 user = tcp_user_timeout_ns(c), idle = now_ns - MAX(c->last_rcv_ns, c->last_ack_rcv_ns), next;
	u32 most = c->keep_count ? c->keep_count : c->cfg->keepalive_probes;

	c->keep_ns = TCP_NEVER;
	if (!c->keepalive || tcp_in_states(c, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_SYN_SENT)))
		return;
	next = keep_idle_ns(c);
	/* What is unacknowledged is asked for by retransmission. */
	if (!c->packets_out && !tcp_unsent(c)) {
		if (idle >= keep_idle_ns(c)) {
			if (user ? idle >= user && c->keep_probes > 0 : c->keep_probes >= most) {
				tcp_send_reset(c, now_ns);
				write_error(c);
				return;
			}
			COUNT(c, TCPKEEPALIVE);
			if (!tcp_send_probe(c, now_ns)) {
				c->keep_probes++;
				next = keep_intvl_ns(c);
			} else {
				next = 500 * 1000000ull;
			}
		} else {
			next = keep_idle_ns(c) - idle;
		}
	}
	c->keep_ns = now_ns + next;
}

/* ---- all ---- */

static void delack_timeout(struct tcp_conn *c, u64 now_ns)
{
	c->delack_ns = TCP_NEVER;
	if (!c->ack_due)
		return;
	if (!c->pingpong) {
		c->ato_us = MIN(c->ato_us << 1, c->rto_us);
	} else {
		c->pingpong = 0;
		c->ato_us = TCP_ATO_MIN_US;
	}
	tcp_send_ack(c, now_ns);
	COUNT(c, DELAYEDACKS);
}

static void slot_timeout(struct tcp_conn *c, u64 now_ns)
{
	switch (c->timer_kind) {
	case TCP_TIMER_RTO:
		retransmit_timeout(c, now_ns);
		break;
	case TCP_TIMER_TLP:
		tcp_tlp_send(c, now_ns);
		break;
	case TCP_TIMER_REORDER:
		tcp_rack_timeout(c, now_ns);
		break;
	case TCP_TIMER_PROBE:
		probe_timeout(c, now_ns);
		break;
	}
}

void tcp_timer(struct tcp_conn *c, u64 now_ns)
{
	if (c->state == TCP_CLOSE)
		return;
	if (c->life_ns <= now_ns) {
		/* An orphan that waited long enough for the peer's FIN. */
		tcp_done(c, 0);
		return;
	}
	if (c->delack_ns <= now_ns && c->ack_due)
		delack_timeout(c, now_ns);
	if (c->timer_ns <= now_ns && c->timer_kind)
		slot_timeout(c, now_ns);
	if (c->state != TCP_CLOSE && c->keep_ns <= now_ns)
		keep_timeout(c, now_ns);
	if (c->state != TCP_CLOSE && c->pace_timer_ns <= now_ns) {
		c->pace_timer_ns = TCP_NEVER;
		tcp_resume(c, now_ns);
	}
}

u64 tcp_next_wake_ns(const struct tcp_conn *c)
{
	u64 at = MIN(MIN(c->keep_ns, c->life_ns), c->pace_timer_ns);

	if (c->timer_kind)
		at = MIN(at, c->timer_ns);
	if (c->ack_due && c->delack_ns)
		at = MIN(at, c->delack_ns);
	return at;
}
