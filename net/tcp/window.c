/*
 * Windows and buffers: what we announce, and how the buffers grow with the path.
 *
 * Half of the receive buffer is for bytes, half for what packets cost besides.  The announced window never shrinks (RFC 9293, 3.8.6), follows
 * rcv_ssthresh (slow start of the receiver: proof that packets are not tiny), and moves in steps of an MSS or not at all (silly windows, RFC 1122 4.2.3.3).
 *
 * Source: RFC 9293 3.8.6, RFC 7323 section 2; receive buffer: Fisk and Feng, "Dynamic Right-Sizing in TCP".
 */
#include "base/string.h"
#include "net/tcp/internal.h"

static u32 full_space(const struct tcp_conn *c)
{
	return c->rcvbuf >> 1;
}

u32 tcp_rcv_space(const struct tcp_conn *c)
{
	return c->rcvbuf > c->rcv_memory ? (c->rcvbuf - c->rcv_memory) >> 1 : 0;
}

static u32 round_down(u32 v, u32 to)
{
	return to ? v - v % to : v;
}

static u32 log2_floor(u32 v)
{
	return v ? 31u - (u32)__builtin_clz(v) : 0;
}

void tcp_initial_window(const struct tcp_config *cfg, u32 rcvbuf, u32 clamp, u32 mss, bool scaling, u32 *wnd, u32 *wnd_clamp, u8 *scale)
{
	u32 limit = clamp ? clamp : 65535u << TCP_WSCALE_MAX;
	u32 space = MIN(rcvbuf >> 1, limit);

	if (space > mss)
		space = round_down(space, mss);
	*wnd = MIN(space, cfg->workaround_signed_windows ? (u32)TCP_WINDOW_MAX : 65535u);
	*scale = 0;
	if (scaling) {
		u32 most = MIN(MAX(space, cfg->rmem[2]), limit);
		u32 log = log2_floor(most);

		*scale = (u8)(log > 15 ? MIN(log - 15, (u32)TCP_WSCALE_MAX) : 0);
	}
	*wnd_clamp = MIN(65535u << *scale, limit);
}

/* The connection stands: buffers for what the path may hold at once. */
void tcp_window_init(struct tcp_conn *c)
{
	u32 space = full_space(c);

	if (!c->sndbuf_locked)
		tcp_sndbuf_expand(c);
	c->rcvq_space = MIN(c->rcv_wnd, 10u * c->advmss);
	c->rcvq_seq = c->copied_seq;
	if (!c->window_clamp || c->window_clamp >= space)
		c->window_clamp = MAX(space, c->advmss ? 2 * c->advmss : 0);
	c->rcv_ssthresh = MIN(c->rcv_ssthresh, c->window_clamp);
}

u32 tcp_receive_window(const struct tcp_conn *c)
{
	s32 left = (s32)(c->rcv_wup + c->rcv_wnd - c->rcv_nxt);

	return left < 0 ? 0 : (u32)left;
}

u32 tcp_window_would(struct tcp_conn *c)
{
	u32 free = tcp_rcv_space(c), full = MIN(c->window_clamp, full_space(c));
	u32 mss = MIN(c->rcv_mss, full);

	if (!full)
		return 0;
	if (free < full / 2) {
		c->quick = 0;
		free = round_down(free, 1u << c->rcv_wscale);
		if (free < full >> 4 || free < mss)
			return 0;
	}
	free = MIN(free, c->rcv_ssthresh);
	if (c->rcv_wscale)
		return (free + (1u << c->rcv_wscale) - 1) & ~((1u << c->rcv_wscale) - 1);
	u32 window = c->rcv_wnd;

	if (window > free || (free > mss && window <= free - mss))
		window = round_down(free, mss);
	else if (mss == full && free > window + full / 2)
		window = free;
	return window;
}

u16 tcp_select_window(struct tcp_conn *c)
{
	u32 old = c->rcv_wnd, left = tcp_receive_window(c), window = tcp_window_would(c);

	if (window < left) {
		if (!window)
			COUNT(c, TCPWANTZEROWINDOWADV);
		window = (left + (1u << c->rcv_wscale) - 1) & ~((1u << c->rcv_wscale) - 1);
	}
	window = MIN(window, 65535u << c->rcv_wscale);
	c->rcv_wnd = window;
	c->rcv_wup = c->rcv_nxt;
	if (!(window >> c->rcv_wscale)) {
		if (old)
			COUNT(c, TCPTOZEROWINDOWADV);
	} else if (!old) {
		COUNT(c, TCPFROMZEROWINDOWADV);
	}
	return (u16)(window >> c->rcv_wscale);
}

/* Packets that carry about as much as they cost let the window open. */
void tcp_grow_window(struct tcp_conn *c, const struct tcp_segment *s)
{
	u32 most = MIN(c->window_clamp, tcp_rcv_space(c));

	if (most <= c->rcv_ssthresh || !s->rx)
		return;
	u32 cost = s->rx->memory >> 1, by = 0;

	if (cost <= s->len) {
		by = 2 * c->advmss;
	} else {
		/* Cheaper by half at each step that the window is below the full one. */
		for (u32 window = full_space(c); c->rcv_ssthresh <= window && cost; window >>= 1, cost >>= 1)
			if (cost <= s->len) {
				by = 2 * c->rcv_mss;
				break;
			}
	}
	if (by) {
		c->rcv_ssthresh += MIN(most - c->rcv_ssthresh, MAX(by, 2 * s->len));
		c->quick |= 1;
	}
}

void tcp_sndbuf_expand(struct tcp_conn *c)
{
	u64 per_mss = (u64)MAX(c->mss, c->mss_path) + 256 + 320;
	u64 segs = MAX(MAX((u32)TCP_CWND_INITIAL, c->cwnd), c->reordering + 1);
	u64 want = MIN(2 * segs * per_mss, (u64)c->cfg->wmem[2]);

	c->sndbuf = MAX(c->sndbuf, (u32)want);
}

/* The buffer is full though the window was respected: packets cost more than was thought. */
void tcp_clamp_window(struct tcp_conn *c)
{
	c->quick = 0;
	if (c->rcvbuf < c->cfg->rmem[2] && !c->rcvbuf_locked)
		c->rcvbuf = MIN(MAX(c->rcv_memory, c->rcvbuf), c->cfg->rmem[2]);
	if (c->rcv_memory > c->rcvbuf)
		c->rcv_ssthresh = MIN(c->window_clamp, 2 * c->advmss);
}

/* ---- dynamic right-sizing ---- */

static void rtt_take(struct tcp_conn *c, u32 us, bool window_based)
{
	us = MAX(us, 1u);
	if (!c->rcv_rtt_us)
		c->rcv_rtt_us = us << 3;
	else if (!window_based)
		c->rcv_rtt_us = c->rcv_rtt_us - (c->rcv_rtt_us >> 3) + us;
	else
		c->rcv_rtt_us = MIN(c->rcv_rtt_us, us << 3);
}

/* Without time stamps: how long a whole window took. */
void tcp_rcv_rtt_measure(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns)
{
	if (c->ts_ok && c->ts_ecr_valid) {
		if (c->ts_ecr && s->len >= c->rcv_mss) {
			u32 ms = tcp_ts_now(c, now_ns) - c->ts_ecr;

			if (ms < 1000000)
				rtt_take(c, MAX(ms, 1u) * TCP_MS, false);
		}
		return;
	}
	if (c->rcv_rtt_ns) {
		if (seq_before(c->rcv_nxt, c->rcv_rtt_seq))
			return;
		rtt_take(c, (u32)MIN((now_ns - c->rcv_rtt_ns) / 1000, 0x7ffffffull), true);
	}
	c->rcv_rtt_seq = c->rcv_nxt + c->rcv_wnd;
	c->rcv_rtt_ns = now_ns;
}

/* Once a round trip: if the user took more than before, let the window hold twice that. */
void tcp_rcv_space_adjust(struct tcp_conn *c, u64 now_ns)
{
	if (!c->rcv_rtt_us || now_ns - c->rcvq_ns < NS(c->rcv_rtt_us >> 3))
		return;
	u32 copied = c->copied_seq - c->rcvq_seq;

	if (copied > c->rcvq_space) {
		if (c->cfg->moderate_rcvbuf && !c->rcvbuf_locked) {
			u64 window = 2 * (u64)copied + 16 * c->advmss;

			/* The sender's window grows meanwhile. */
			window += window * (copied - c->rcvq_space) / MAX(c->rcvq_space, 1u) * 2;
			u32 want = (u32)MIN(window * 2, (u64)c->cfg->rmem[2]);

			if (want > c->rcvbuf) {
				c->rcvbuf = want;
				c->window_clamp = want >> 1;
			}
		}
		c->rcvq_space = copied;
	}
	c->rcvq_seq = c->copied_seq;
	c->rcvq_ns = now_ns;
}
