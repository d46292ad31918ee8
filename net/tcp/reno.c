/*
 * Reno: additive increase, multiplicative decrease; and the names of the algorithms.
 *
 * Source: RFC 5681.
 */
#include "base/string.h"
#include "net/tcp/internal.h"

const struct tcp_ca *const tcp_ca_all[] = { &tcp_cubic, &tcp_reno, NULL };

const struct tcp_ca *tcp_ca_find(const char *name)
{
	for (u32 i = 0; tcp_ca_all[i]; i++)
		if (!strcmp(tcp_ca_all[i]->name, name))
			return tcp_ca_all[i];
	return NULL;
}

/* ---- what the algorithms share ---- */

u32 tcp_ca_slow_start(struct tcp_conn *c, u32 segs)
{
	if (!tcp_window_used(c))
		return 0;
	if (tcp_in_slow_start(c)) {
		u32 to = MIN(c->cwnd + segs, c->ssthresh);

		segs -= to - c->cwnd;
		c->cwnd = MIN(to, c->cwnd_clamp);
	}
	return segs;
}

void tcp_ca_add(struct tcp_conn *c, u32 segs, u32 per)
{
	c->cwnd_cnt += segs;
	if (c->cwnd_cnt >= per) {
		u32 by = c->cwnd_cnt / per;

		c->cwnd_cnt -= by * per;
		c->cwnd = MIN(c->cwnd + by, c->cwnd_clamp);
	}
}

u32 tcp_ca_undo(struct tcp_conn *c)
{
	return MAX(c->cwnd, c->prior_cwnd);
}

/* ---- Reno ---- */

static void reno_init(struct tcp_conn *c, u64 now_ns)
{
}

static u32 reno_ssthresh(struct tcp_conn *c)
{
	return MAX(c->cwnd >> 1, 2u);
}

static void reno_acked(struct tcp_conn *c, u32 segs, u64 now_ns)
{
	segs = tcp_ca_slow_start(c, segs);
	if (!segs)
		return;
	tcp_ca_add(c, segs, c->cwnd);
}

const struct tcp_ca tcp_reno = { .name = "reno", .init = reno_init, .ssthresh = reno_ssthresh, .acked = reno_acked, .undo = tcp_ca_undo };
