/* The life of a connection: see conn.h. */
#include "base/string.h"
#include "net/tcp/internal.h"

const struct tcp_config tcp_config_default = {
	.sack = 1, .dsack = 1, .timestamps = 1, .window_scaling = 1, .ecn = 2,
	.recovery = 1, .early_retrans = 3, .frto = 2, .reordering = 3, .max_reordering = 300,
	.syn_retries = 6, .synack_retries = 5, .retries1 = 3, .retries2 = 15, .orphan_retries = 0,
	.keepalive_time_s = 7200, .keepalive_intvl_s = 75, .keepalive_probes = 9, .fin_timeout_s = 60,
	.slow_start_after_idle = 1, .moderate_rcvbuf = 1,
	.limit_output_bytes = 1048576, .challenge_ack_limit = 0x7fffffff, .invalid_ratelimit_ms = 500, .notsent_lowat = ~0u,
	.min_tso_segs = 2, .tso_win_divisor = 3, .pacing_ss_ratio = 200, .pacing_ca_ratio = 120,
	.rmem = { 4096, 131072, 6291456 }, .wmem = { 4096, 16384, 4194304 },
	.fastopen = 1, .autocorking = 1, .min_snd_mss = 48, .base_mss = 1024, .tw_reuse = 2, .max_tw_buckets = 8192, .max_syn_backlog = 256,
	.syncookies = 1, .retrans_collapse = 1, .min_rtt_wlen_s = 300, .comp_sack_nr = 44, .comp_sack_delay_us = 1000, .ecn_fallback = 1,
	.max_orphans = 8192,
};

void tcp_conn_init(struct tcp_conn *c, const struct tcp_hooks *hooks, const struct tcp_config *cfg)
{
	memset(c, 0, sizeof(*c));
	c->hooks = hooks;
	c->cfg = cfg;
	c->ca = &tcp_cubic;
	c->state = TCP_CLOSE;
	list_init(&c->tx_queue);
	list_init(&c->tx_sent);
	list_init(&c->rx_queue);
	c->ooo = RB_ROOT;
	c->rto_min_us = TCP_RTO_MIN_US;
	tcp_rtt_init(c);
	c->cwnd = TCP_CWND_INITIAL;
	c->ssthresh = TCP_SSTHRESH_INFINITE;
	c->cwnd_clamp = ~0u;
	c->mss = c->mss_path = 536;
	c->header_bytes = 20;
	c->gso_max = 536;
	c->reordering = cfg->reordering;
	c->rcvbuf = cfg->rmem[1];
	c->sndbuf = cfg->wmem[1];
	c->max_pacing_rate = ~0ull;
	c->timer_ns = c->keep_ns = c->life_ns = c->pace_timer_ns = c->delack_ns = TCP_NEVER;
	c->fo_len = TCP_FO_NONE;
	c->rack.reo_wnd_steps = 1;
	c->rcv_mss = 536;
	c->ato_us = 0;
}

void tcp_conn_fini(struct tcp_conn *c)
{
	tcp_tx_purge(c);
	tcp_rx_purge(c);
}

void tcp_set_state(struct tcp_conn *c, enum tcp_state state)
{
	c->state = (u8)state;
	c->events |= TCP_EV_STATE;
}

void tcp_done(struct tcp_conn *c, int error)
{
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECV)
		COUNT_TCP(c, ATTEMPTFAILS);
	else if ((c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT) && error)
		COUNT_TCP(c, ESTABRESETS);
	if (error) {
		c->error = error;
		c->events |= TCP_EV_ERROR;
	}
	tcp_set_state(c, TCP_CLOSE);
	c->shut_rcv = c->shut_snd = true;
	c->timer_kind = TCP_TIMER_NONE;
	c->timer_ns = c->keep_ns = c->life_ns = c->pace_timer_ns = c->delack_ns = TCP_NEVER;
	tcp_ack_schedule_clear(c);
	tcp_tx_purge(c);
	c->write_seq = c->snd_nxt;
	c->events |= TCP_EV_CLOSED | TCP_EV_ACKED | TCP_EV_READ | TCP_EV_WRITE;
}

/* Both ends have closed; what may still come is the caller's small tcp_timewait's. */
void tcp_time_wait(struct tcp_conn *c, u64 now_ns)
{
	if (c->ack_due || c->ack_now)
		tcp_send_ack(c, now_ns);
	c->events |= TCP_EV_TIMEWAIT;
	tcp_done(c, 0);
}

void tcp_set_mtu(struct tcp_conn *c, u32 mtu)
{
	u32 headers = c->header_bytes + TCP_HEADER;
	u32 floor = MAX(c->cfg->min_snd_mss, (u32)TCP_MSS_MIN);

	c->mss_path = mtu > headers + floor ? mtu - headers : floor;
	c->mss_path = MIN(c->mss_path, 65535u);
	if (!c->advmss)
		c->advmss = c->mss_path;
	tcp_update_mss(c);
}

static void start_sequence(struct tcp_conn *c, u32 iss)
{
	c->iss = iss;
	c->snd_una = c->snd_sml = c->snd_up = c->push_seq = iss;
	c->snd_nxt = iss;
	c->write_seq = iss + 1;
	c->cwnd_usage_seq = iss;
}

void tcp_connect(struct tcp_conn *c, u32 iss, u32 syn_data, u64 now_ns)
{
	u32 want = c->user_mss ? MIN(c->user_mss, c->advmss) : c->advmss;

	c->error = 0;
	c->shut_rcv = c->shut_snd = false;
	start_sequence(c, iss);
	c->write_seq += syn_data;
	c->advmss = want;
	c->rcv_mss = MIN(want, 536u);
	c->snd_wl1 = 0;
	c->snd_wnd = 0;
	tcp_initial_window(c->cfg, c->rcvbuf, c->window_clamp, want, c->cfg->window_scaling, &c->rcv_wnd, &c->window_clamp, &c->rcv_wscale);
	c->rcv_ssthresh = c->rcv_wnd;
	c->rcv_nxt = c->rcv_wup = c->copied_seq = 0;
	c->syn_data = syn_data > 0;
	tcp_set_state(c, TCP_SYN_SENT);
	tcp_update_mss(c);
	COUNT_TCP(c, ACTIVEOPENS);
	c->ecn = c->cfg->ecn == 1 ? TCP_ECN_OK : 0;
	tcp_push_all(c, TCP_NAGLE_PUSH, false, now_ns);
	if (c->timer_kind == TCP_TIMER_NONE)		/* no memory, or the device refused: try again soon */
		tcp_timer_set(c, TCP_TIMER_RTO, now_ns + NS(c->rto_us));
}

void tcp_conn_accept(struct tcp_conn *c, const struct tcp_agreed *a, u64 now_ns)
{
	start_sequence(c, a->iss);
	c->snd_nxt = c->write_seq = a->iss + 1;
	c->snd_una = a->iss + 1;
	c->snd_sml = c->snd_up = c->push_seq = a->iss + 1;
	c->irs = a->irs;
	c->rcv_nxt = c->rcv_wup = c->copied_seq = a->irs + 1;
	c->rcvq_seq = c->copied_seq;
	c->snd_wl1 = a->irs;
	c->snd_wnd = a->snd_wnd;
	c->max_window = a->snd_wnd;
	c->rcv_wnd = a->rcv_wnd;
	c->rcv_ssthresh = a->rcv_wnd;
	c->window_clamp = a->window_clamp;
	c->mss_peer = a->mss;
	c->wscale_ok = a->wscale_ok;
	c->snd_wscale = a->wscale_ok ? a->snd_wscale : 0;
	c->rcv_wscale = a->wscale_ok ? a->rcv_wscale : 0;
	if (!a->wscale_ok)
		c->window_clamp = MIN(c->window_clamp, 65535u);
	c->sack_ok = a->sack_ok;
	c->ts_ok = a->ts_ok;
	c->ts_recent = a->ts_recent;
	c->ts_recent_ns = now_ns;
	c->ts_offset = a->ts_offset;
	c->ecn = a->ecn_ok ? TCP_ECN_OK : 0;
	if (a->synack_ns)
		tcp_rtt_sample(c, (u32)MIN((now_ns - a->synack_ns) / 1000, (u64)TCP_RTO_MAX_US), now_ns);
	tcp_set_state(c, TCP_SYN_RECV);
	tcp_update_mss(c);
	c->rcv_mss = MIN(c->mss, 536u);
	COUNT_TCP(c, PASSIVEOPENS);
}

bool tcp_conn_accept_early(struct tcp_conn *c, const struct tcp_agreed *a, struct tcp_segment *s, u64 now_ns)
{
	struct tcp_agreed agreed = *a;

	agreed.synack_ns = 0;
	tcp_conn_accept(c, &agreed, now_ns);
	start_sequence(c, a->iss);
	c->early = true;
	if (s->len) {
		s->flags &= (u8)~TH_FIN;
		s->end = s->seq + 1 + s->len;
		tcp_data_queue(c, s, now_ns);
		c->syn_data_acked = s->rx_kept;
	}
	if (!tcp_send_syn(c, now_ns))
		return false;
	tcp_ack_schedule_clear(c);
	return true;
}

void tcp_established(struct tcp_conn *c, u64 now_ns)
{
	tcp_set_state(c, TCP_ESTABLISHED);
	tcp_update_mss(c);
	tcp_window_init(c);
	c->ca->init(c, now_ns);
	c->delivered_ns = now_ns;
	c->last_sent_ns = now_ns;
	c->cwnd_stamp_ns = now_ns;
	c->last_rcv_ns = now_ns;
	c->rcvq_ns = now_ns;
	if (c->keepalive)
		c->keep_ns = now_ns + (u64)(c->keep_idle_s ? c->keep_idle_s : c->cfg->keepalive_time_s) * 1000000000;
	c->events |= TCP_EV_CONNECTED | TCP_EV_WRITE;
}

void tcp_set_ca(struct tcp_conn *c, const struct tcp_ca *ca, u64 now_ns)
{
	c->ca = ca;
	ca->init(c, now_ns);
}

/* ---- users ---- */

void tcp_write(struct tcp_conn *c, u32 n, bool more, bool urgent, u64 now_ns)
{
	u32 mss = c->mss ? c->mss : 536;

	c->write_seq += n;
	if (urgent) {
		c->snd_up = c->write_seq;
		c->urg_out = true;
	}
	if (!more || c->write_seq - c->push_seq > (c->max_window >> 1))
		c->push_seq = c->write_seq;
	if (!c->packets_out && c->last_sent_ns && c->cfg->slow_start_after_idle && n && seq_at_most(c->write_seq - n, c->snd_nxt))
		tcp_after_idle(c, now_ns);
	if (tcp_in_states(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV)) && !tcp_may_write(c))
		return;
	/* With more to come, only what is full goes; if nothing comes after all, the rest goes by the probe's timer. */
	if (more && tcp_unsent(c) < mss) {
		tcp_probe_check(c, now_ns);
		return;
	}
	tcp_push_all(c, more ? TCP_NAGLE_CORK : 0, false, now_ns);
}

void tcp_push(struct tcp_conn *c, u64 now_ns)
{
	if (tcp_in_states(c, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV)) && !tcp_may_write(c))
		return;
	c->push_seq = c->write_seq;
	tcp_push_all(c, TCP_NAGLE_PUSH, false, now_ns);
}

void tcp_shutdown_send(struct tcp_conn *c, u64 now_ns)
{
	c->shut_snd = true;
	if (c->state == TCP_ESTABLISHED || c->state == TCP_SYN_RECV)
		tcp_set_state(c, TCP_FIN_WAIT1);
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_set_state(c, TCP_LAST_ACK);
	else
		return;
	c->fin_queued = true;
	c->push_seq = c->write_seq;
	tcp_push_all(c, TCP_NAGLE_OFF, false, now_ns);
}

/* The user is gone: states that wait for the peer alone get a limit. */
static void orphan_limit(struct tcp_conn *c, u64 now_ns)
{
	if (c->state != TCP_FIN_WAIT2)
		return;
	if (c->linger2_s < 0) {
		COUNT(c, TCPABORTONLINGER);
		tcp_abort(c, 0, now_ns);
		return;
	}
	u64 s = c->linger2_s ? (u64)c->linger2_s : c->cfg->fin_timeout_s;

	c->life_ns = now_ns + MAX(s * 1000000000, NS(tcp_rto_backed_us(c)) * 7 / 2);
}

void tcp_close(struct tcp_conn *c, bool abort, u64 now_ns)
{
	u32 unread = tcp_readable(c);

	c->orphan = true;
	c->shut_rcv = true;
	tcp_rx_purge(c);
	if (c->state == TCP_CLOSE)
		return;
	if (c->state == TCP_SYN_SENT) {
		tcp_done(c, 0);
		return;
	}
	if (abort || unread) {
		if (unread && !abort)
			COUNT(c, TCPABORTONCLOSE);
		else
			COUNT(c, TCPABORTONDATA);
		tcp_abort(c, 0, now_ns);
		return;
	}
	tcp_shutdown_send(c, now_ns);
	orphan_limit(c, now_ns);
}

void tcp_abort(struct tcp_conn *c, int error, u64 now_ns)
{
	u32 synchronized = TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT1) | TCP_STATE_BIT(TCP_FIN_WAIT2) |
			   TCP_STATE_BIT(TCP_CLOSE_WAIT) | TCP_STATE_BIT(TCP_LAST_ACK) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_SYN_RECV);

	if (tcp_in_states(c, synchronized))
		tcp_send_reset(c, now_ns);
	if (c->state != TCP_CLOSE)
		tcp_done(c, error);
}

bool tcp_writable(const struct tcp_conn *c)
{
	u32 low = c->notsent_lowat ? c->notsent_lowat : c->cfg->notsent_lowat;

	return c->snd_memory < c->sndbuf && c->sndbuf - c->snd_memory >= c->snd_memory / 2 && tcp_unsent(c) < low;
}

void tcp_resume(struct tcp_conn *c, u64 now_ns)
{
	u32 sending = TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_FIN_WAIT1) | TCP_STATE_BIT(TCP_CLOSING) | TCP_STATE_BIT(TCP_CLOSE_WAIT) |
		      TCP_STATE_BIT(TCP_LAST_ACK);

	c->throttled = false;
	if (!tcp_in_states(c, sending))
		return;
	if (c->lost_out > c->retrans_out && c->cwnd > tcp_in_flight(c))
		tcp_retransmit_lost(c, now_ns);
	tcp_push_all(c, c->nonagle & ~TCP_NAGLE_CORK, false, now_ns);
}

void tcp_pmtu_reduced(struct tcp_conn *c, u32 mtu, u64 now_ns)
{
	u32 before = c->mss;

	if (mtu >= c->mss_path + c->header_bytes + TCP_HEADER)
		return;
	tcp_set_mtu(c, mtu);
	if (c->mss < before && c->state != TCP_SYN_SENT)
		tcp_simple_retransmit(c, now_ns);
}
