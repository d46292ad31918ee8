/*
 * Round-trip times and the retransmission time-out.
 *
 * Departure from RFC 6298: the variation is measured as a maximum over each round trip, with a floor of 200 ms under 4 RTTVAR (as Linux does), so that the
 * time-out is at least SRTT + 200 ms.
 *
 * Source: RFC 6298; minimum over a window: K. Nichols, "windowed min/max".
 */
#include "base/string.h"
#include "net/tcp/internal.h"

void tcp_rtt_init(struct tcp_conn *c)
{
	c->srtt_us8 = 0;
	c->mdev_us = c->rttvar_us = TCP_RTO_INITIAL_US;
	c->mdev_max_us = c->rttvar_us;
	c->rto_us = TCP_RTO_INITIAL_US;
	for (u32 i = 0; i < 3; i++)
		c->min_rtt[i] = (struct tcp_min_sample){ 0, ~0u };
}

void tcp_set_rto(struct tcp_conn *c)
{
	c->rto_us = MIN((c->srtt_us8 >> 3) + c->rttvar_us, (u32)TCP_RTO_MAX_US);
}

u32 tcp_rto_backed_us(const struct tcp_conn *c)
{
	u64 us = (u64)c->rto_us << MIN(c->backoff, 16u);

	return (u32)MIN(us, (u64)TCP_RTO_MAX_US);
}

static void first_sample(struct tcp_conn *c, u32 us)
{
	c->srtt_us8 = us << 3;
	c->mdev_us = us << 1;
	c->rttvar_us = MAX(c->mdev_us, c->rto_min_us);
	c->mdev_max_us = c->rttvar_us;
	c->rtt_seq = c->snd_nxt;
}

void tcp_rtt_sample(struct tcp_conn *c, u32 us, u64 now_ns)
{
	us = CLAMP(us, 1u, (u32)TCP_RTO_MAX_US);
	if (!c->srtt_us8) {
		first_sample(c, us);
	} else {
		s32 m = (s32)us - (s32)(c->srtt_us8 >> 3);

		c->srtt_us8 += (u32)m;
		if (m < 0) {
			m = -m;
			m -= (s32)(c->mdev_us >> 2);
			/* A round trip that became shorter is no reason to wait longer. */
			if (m > 0)
				m >>= 3;
		} else {
			m -= (s32)(c->mdev_us >> 2);
		}
		c->mdev_us += (u32)m;
		if (c->mdev_us > c->mdev_max_us) {
			c->mdev_max_us = c->mdev_us;
			c->rttvar_us = MAX(c->rttvar_us, c->mdev_max_us);
		}
		if (seq_after(c->snd_una, c->rtt_seq)) {
			if (c->mdev_max_us < c->rttvar_us)
				c->rttvar_us -= (c->rttvar_us - c->mdev_max_us) >> 2;
			c->rtt_seq = c->snd_nxt;
			c->mdev_max_us = c->rto_min_us;
		}
	}
	c->srtt_us8 = MAX(c->srtt_us8, 1u);
	c->backoff = 0;
	tcp_set_rto(c);
}

u32 tcp_min_rtt_us(const struct tcp_conn *c)
{
	return c->min_rtt[0].v;
}

/* The three best minima of the window, each later than the one before; they move up when the first is too old. */
void tcp_min_rtt_update(struct tcp_conn *c, u32 us, u64 now_ns)
{
	u64 window_ns = (u64)c->cfg->min_rtt_wlen_s * 1000000000;
	struct tcp_min_sample s = { now_ns, MAX(us, 1u) }, *m = c->min_rtt;

	if (s.v <= m[0].v || now_ns - m[2].t_ns > window_ns) {
		m[0] = m[1] = m[2] = s;
		return;
	}
	if (s.v <= m[1].v)
		m[1] = m[2] = s;
	else if (s.v <= m[2].v)
		m[2] = s;
	if (now_ns - m[0].t_ns > window_ns) {
		m[0] = m[1];
		m[1] = m[2];
		m[2] = s;
	} else if (m[1].t_ns == m[0].t_ns && now_ns - m[0].t_ns > window_ns / 4) {
		m[1] = m[2] = s;
	} else if (m[2].t_ns == m[1].t_ns && now_ns - m[0].t_ns > window_ns / 2) {
		m[2] = s;
	}
}
