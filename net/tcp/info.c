/* struct tcp_info: see tcp(7). */
#include <linux/tcp.h>
#include "base/string.h"
#include "net/tcp/internal.h"

static u32 ms_since(u64 then_ns, u64 now_ns)
{
	return then_ns && now_ns > then_ns ? (u32)((now_ns - then_ns) / 1000000) : 0;
}

static u64 rate(const struct tcp_conn *c)
{
	return c->rate_interval_us ? (u64)c->rate_delivered * c->mss * TCP_SEC / c->rate_interval_us : 0;
}

void tcp_info_fill(const struct tcp_conn *c, struct tcp_info *i, u64 now_ns)
{
	memset(i, 0, sizeof(*i));
	i->tcpi_state = c->state;
	i->tcpi_ca_state = c->ca_phase;
	i->tcpi_retransmits = (u8)MIN(c->retransmits, 255u);
	i->tcpi_probes = (u8)MIN(c->probes_out, 255u);
	i->tcpi_backoff = (u8)MIN(c->backoff, 255u);
	i->tcpi_options = (u8)((c->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (c->sack_ok ? TCPI_OPT_SACK : 0) | (c->wscale_ok ? TCPI_OPT_WSCALE : 0) |
			       (c->ecn & TCP_ECN_OK ? TCPI_OPT_ECN : 0) | (c->ecn & TCP_ECN_SEEN ? TCPI_OPT_ECN_SEEN : 0) |
			       (c->syn_data_acked ? TCPI_OPT_SYN_DATA : 0));
	i->tcpi_snd_wscale = c->snd_wscale & 15;
	i->tcpi_rcv_wscale = c->rcv_wscale & 15;
	i->tcpi_delivery_rate_app_limited = c->rate_app_limited;
	i->tcpi_fastopen_client_fail = c->fastopen_client_fail & 3;
	i->tcpi_rto = tcp_rto_backed_us(c);
	i->tcpi_ato = c->ato_us;
	i->tcpi_snd_mss = c->mss;
	i->tcpi_rcv_mss = c->rcv_mss;
	i->tcpi_unacked = c->packets_out;
	i->tcpi_sacked = c->sacked_out;
	i->tcpi_lost = c->lost_out;
	i->tcpi_retrans = c->retrans_out;
	i->tcpi_last_data_sent = ms_since(c->last_sent_ns, now_ns);
	i->tcpi_last_data_recv = ms_since(c->last_rcv_ns, now_ns);
	i->tcpi_last_ack_recv = ms_since(c->last_ack_rcv_ns, now_ns);
	i->tcpi_pmtu = c->mss_path + c->header_bytes + TCP_HEADER;
	i->tcpi_rcv_ssthresh = c->rcv_ssthresh;
	i->tcpi_rtt = c->srtt_us8 >> 3;
	i->tcpi_rttvar = c->mdev_us >> 2;
	i->tcpi_snd_ssthresh = c->ssthresh;
	i->tcpi_snd_cwnd = c->cwnd;
	i->tcpi_advmss = c->advmss;
	i->tcpi_reordering = c->reordering;
	i->tcpi_rcv_rtt = c->rcv_rtt_us >> 3;
	i->tcpi_rcv_space = c->rcvq_space;
	i->tcpi_total_retrans = c->total_retrans;
	i->tcpi_pacing_rate = c->pacing_rate;
	i->tcpi_max_pacing_rate = c->max_pacing_rate;
	i->tcpi_bytes_acked = c->bytes_acked;
	i->tcpi_bytes_received = c->bytes_received;
	i->tcpi_segs_out = c->segs_out;
	i->tcpi_segs_in = c->segs_in;
	i->tcpi_notsent_bytes = tcp_unsent(c);
	i->tcpi_min_rtt = tcp_min_rtt_us(c);
	i->tcpi_data_segs_in = c->data_segs_in;
	i->tcpi_data_segs_out = c->data_segs_out;
	i->tcpi_delivery_rate = rate(c);
	i->tcpi_busy_time = c->busy_us;
	i->tcpi_rwnd_limited = c->rwnd_us;
	i->tcpi_sndbuf_limited = c->sndbuf_us;
	i->tcpi_delivered = c->delivered;
	i->tcpi_delivered_ce = c->delivered_ce;
	i->tcpi_bytes_sent = c->bytes_sent;
	i->tcpi_bytes_retrans = c->bytes_retrans;
	i->tcpi_dsack_dups = c->dsack_dups;
	i->tcpi_reord_seen = c->reord_seen;
	i->tcpi_rcv_ooopack = c->ooo_packets_total;
	i->tcpi_snd_wnd = c->snd_wnd;
}
