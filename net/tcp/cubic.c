/*
 * CUBIC: the window is a cubic function of the time since the last loss; and HyStart, which ends slow start before it overshoots.
 *
 *	W(t) = C (t - K)^3 + Wmax,   K = cbrt((Wmax - cwnd) / C),   C = 0.4, beta = 0.7
 *
 * Times are in ms here; with d = |t - K| in ms, C d^3 = 4 d^3 / 10^10 segments.
 *
 * Source: RFC 9438; S. Ha, I. Rhee, "Taming the elephants: New TCP slow start" (HyStart: delay and acknowledgement train).
 */
#include "base/string.h"
#include "net/tcp/internal.h"

enum {
	BETA_NUM = 717, BETA_DEN = 1024,	/* 0.7 */
	HYSTART_LOW_WINDOW = 16, HYSTART_SAMPLES = 8, HYSTART_DELAY_MIN_US = 4000, HYSTART_DELAY_MAX_US = 16000, HYSTART_TRAIN_GAP_NS = 2000000,
	K_MAX_MS = 1 << 20,
};

/* Floor of the cube root, bit by bit. */
static u32 cube_root(u64 v)
{
	u64 root = 0;

	for (int shift = 63; shift >= 0; shift -= 3) {
		root <<= 1;
		u64 step = 3 * root * (root + 1) + 1;

		if ((v >> shift) >= step) {
			v -= step << shift;
			root++;
		}
	}
	return (u32)root;
}

static void hystart_round(struct tcp_conn *c, u64 now_ns)
{
	struct cubic_state *q = &c->cubic;

	q->round_ns = q->last_ack_ns = now_ns;
	q->round_end_seq = c->snd_nxt;
	q->curr_rtt_us = ~0u;
	q->samples = 0;
}

static void cubic_init(struct tcp_conn *c, u64 now_ns)
{
	memset(&c->cubic, 0, sizeof(c->cubic));
	hystart_round(c, now_ns);
}

/* A new epoch: where the curve begins and how long it takes to its plateau. */
static void epoch_begin(struct tcp_conn *c, u32 segs, u64 now_ns)
{
	struct cubic_state *q = &c->cubic;

	q->epoch_ns = now_ns;
	q->ack_cnt = segs;
	q->tcp_cwnd = c->cwnd;
	if (q->last_max_cwnd <= c->cwnd) {
		q->k_ms = 0;
		q->origin_cwnd = c->cwnd;
	} else {
		/* K^3 = (Wmax - cwnd) / 0.4 s^3 = 2.5e9 ms^3 for each segment; bounded so that it fits 64 bits. */
		u64 gap = MIN((u64)(q->last_max_cwnd - c->cwnd), 0xffffffffull);

		q->k_ms = MIN(cube_root(gap * 2500000000ull), (u32)K_MAX_MS);
		q->origin_cwnd = q->last_max_cwnd;
	}
}

/* How many acknowledged segments let the window grow by one. */
static void update(struct tcp_conn *c, u32 segs, u64 now_ns)
{
	struct cubic_state *q = &c->cubic;

	q->ack_cnt += segs;
	if (q->last_cwnd == c->cwnd && now_ns - q->last_ns <= 1000000000ull / 32)
		return;
	q->last_cwnd = c->cwnd;
	q->last_ns = now_ns;
	if (!q->epoch_ns)
		epoch_begin(c, segs, now_ns);
	u64 t = MIN((now_ns - q->epoch_ns) / 1000000 + q->delay_min_us / 1000, (u64)K_MAX_MS * 2);
	u64 d = t < q->k_ms ? q->k_ms - t : t - q->k_ms;
	u64 delta = d * d / 10000 * d / 250000;		/* 4 d^3 / 10^10 */
	u64 target = t < q->k_ms ? (q->origin_cwnd > delta ? q->origin_cwnd - delta : 0) : q->origin_cwnd + delta;

	q->cnt = target > c->cwnd ? (u32)(c->cwnd / (target - c->cwnd)) : 100 * c->cwnd;
	if (!q->last_max_cwnd && q->cnt > 20)
		q->cnt = 20;
	/* Never slower than Reno would be: its increase is 3 (1 - beta) / (1 + beta) = 0.53 segments a round trip. */
	u32 per_segment = c->cwnd * 15 / 8;

	while (per_segment && q->ack_cnt > per_segment) {
		q->ack_cnt -= per_segment;
		q->tcp_cwnd++;
	}
	if (q->tcp_cwnd > c->cwnd)
		q->cnt = MIN(q->cnt, c->cwnd / (q->tcp_cwnd - c->cwnd));
	q->cnt = MAX(q->cnt, 2u);
}

static void cubic_acked(struct tcp_conn *c, u32 segs, u64 now_ns)
{
	segs = tcp_ca_slow_start(c, segs);
	if (!segs)
		return;
	update(c, segs, now_ns);
	tcp_ca_add(c, segs, c->cubic.cnt);
}

static u32 cubic_ssthresh(struct tcp_conn *c)
{
	struct cubic_state *q = &c->cubic;

	q->epoch_ns = 0;
	/* Fast convergence: a flow that lost before it reached its last maximum leaves room to others. */
	if (c->cwnd < q->last_max_cwnd)
		q->last_max_cwnd = (u32)((u64)c->cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN));
	else
		q->last_max_cwnd = c->cwnd;
	return MAX((u32)((u64)c->cwnd * BETA_NUM / BETA_DEN), 2u);
}

static void hystart_found(struct tcp_conn *c, bool train)
{
	c->cubic.found = true;
	if (train) {
		COUNT(c, TCPHYSTARTTRAINDETECT);
		COUNT_N(c, TCPHYSTARTTRAINCWND, c->cwnd);
	} else {
		COUNT(c, TCPHYSTARTDELAYDETECT);
		COUNT_N(c, TCPHYSTARTDELAYCWND, c->cwnd);
	}
	c->ssthresh = c->cwnd;
}

static void hystart(struct tcp_conn *c, u32 rtt_us, u64 now_ns)
{
	struct cubic_state *q = &c->cubic;

	if (seq_after(c->snd_una, q->round_end_seq))
		hystart_round(c, now_ns);
	if (now_ns - q->last_ack_ns <= HYSTART_TRAIN_GAP_NS) {
		q->last_ack_ns = now_ns;
		if (now_ns - q->round_ns > NS(q->delay_min_us) / 2) {
			hystart_found(c, true);
			return;
		}
	}
	q->curr_rtt_us = MIN(q->curr_rtt_us, rtt_us);
	if (q->samples < HYSTART_SAMPLES)
		q->samples++;
	else if (q->curr_rtt_us > q->delay_min_us + CLAMP(q->delay_min_us >> 3, (u32)HYSTART_DELAY_MIN_US, (u32)HYSTART_DELAY_MAX_US))
		hystart_found(c, false);
}

static void cubic_rtt(struct tcp_conn *c, u32 rtt_us, u64 now_ns)
{
	struct cubic_state *q = &c->cubic;

	if (q->epoch_ns && now_ns - q->epoch_ns < 1000000000ull)
		return;
	if (!q->delay_min_us || q->delay_min_us > rtt_us)
		q->delay_min_us = MAX(rtt_us, 1u);
	if (!q->found && tcp_in_slow_start(c) && c->cwnd >= HYSTART_LOW_WINDOW)
		hystart(c, rtt_us, now_ns);
}

/* The curve does not go on while nothing is sent. */
static void cubic_idle(struct tcp_conn *c, u64 idle_ns)
{
	if (c->cubic.epoch_ns)
		c->cubic.epoch_ns += idle_ns;
}

static void cubic_loss(struct tcp_conn *c)
{
	u64 now = c->cubic.last_ns;

	cubic_init(c, now);
}

const struct tcp_ca tcp_cubic = {
	.name = "cubic", .init = cubic_init, .ssthresh = cubic_ssthresh, .acked = cubic_acked, .rtt = cubic_rtt, .idle = cubic_idle,
	.loss = cubic_loss, .undo = tcp_ca_undo,
};
