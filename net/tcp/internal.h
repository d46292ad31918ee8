/* What the files of the pure machine share: see conn.h. */
#ifndef NET_TCP_INTERNAL_H
#define NET_TCP_INTERNAL_H

#include <linux/errno.h>
#include "net/tcp/conn.h"

enum {
	TCP_RTO_INITIAL_US = 1 * TCP_SEC, TCP_RTO_MIN_US = 200 * TCP_MS, TCP_RTO_MAX_US = 120 * TCP_SEC,
	TCP_DELACK_MIN_US = 40 * TCP_MS, TCP_DELACK_MAX_US = 200 * TCP_MS, TCP_ATO_MIN_US = 40 * TCP_MS,
	TCP_CWND_INITIAL = 10, TCP_SSTHRESH_INFINITE = 0x7fffffff, TCP_QUICKACKS_MAX = 16, TCP_PINGPONG = 3,
	TCP_WINDOW_MAX = 32767, TCP_MSS_MIN = 48, TCP_TS_BYTES = 12, TCP_DUPTHRESH = 3, TCP_HEADER = 20,
	TCP_RTO_JITTER_US = 2 * TCP_MS,
};
#define TCP_PAWS_OLD_NS (24ull * 24 * 3600 * 1000000000ull)

#define NS(us) ((u64)(us) * 1000)
#define COUNT(c, name) ((c)->hooks->count(LINUX_MIB_##name, 1))
#define COUNT_N(c, name, n) ((c)->hooks->count(LINUX_MIB_##name, (n)))
#define COUNT_TCP(c, name) ((c)->hooks->count_tcp(TCP_MIB_##name, 1))

#define tx_first(c) list_first_entry_or_null(&(c)->tx_queue, struct tcp_tx, node)

/* What one acknowledgement said. */
struct tcp_ack {
	u64 now_ns;
	u32 prior_una, prior_delivered, prior_lost, prior_in_flight;
	u32 acked;				/* segments newly acknowledged cumulatively */
	u32 sacked;				/* segments newly SACKed */
	u32 bytes;
	s64 rtt_us;				/* of what was sent once; -1: none */
	s64 ca_rtt_us, sack_rtt_us;
	bool una_advanced, data_acked, dsack, window_update, ece, retrans_acked, orig_sacked, nonhead_retrans, reneged, syn_acked, lost_retrans;
	u64 first_ack_ns;			/* xmit time of the earliest cumulatively acknowledged, never retransmitted */
	u32 reorder_low;			/* lowest sequence delivered after higher ones; == snd_nxt: none */
	bool reordered, reducing;		/* reducing: the window was going down before */
	struct tcp_tx *rate;			/* unused after */
	u64 rate_delivered_ns, rate_first_ns, rate_xmit_ns;
	u32 rate_delivered;
	bool rate_valid, rate_app_limited;
};

static inline u32 tcp_in_flight(const struct tcp_conn *c) { return c->packets_out - c->sacked_out - c->lost_out + c->retrans_out; }
/** tcp_since_us - transmissions that share an instant get times a nanosecond apart, so one may lie just after @now_ns. */
static inline u64 tcp_since_us(u64 now_ns, u64 then_ns) { return now_ns > then_ns ? (now_ns - then_ns) / 1000 : 0; }
static inline bool tcp_is_rack(const struct tcp_conn *c) { return c->sack_ok && (c->cfg->recovery & 1); }
static inline u32 tcp_now_ms(u64 now_ns) { return (u32)(now_ns / 1000000); }
static inline u32 tcp_ts_now(const struct tcp_conn *c, u64 now_ns) { return tcp_now_ms(now_ns) + c->ts_offset; }
static inline u32 tcp_wnd_end(const struct tcp_conn *c) { return c->snd_una + c->snd_wnd; }
static inline bool tcp_in_slow_start(const struct tcp_conn *c) { return c->cwnd < c->ssthresh; }
/** tcp_window_used - whether the congestion window was what limited the sender: only then may it grow (RFC 7661, in spirit). */
static inline bool tcp_window_used(const struct tcp_conn *c) { return c->cwnd_limited || (tcp_in_slow_start(c) && c->cwnd < 2 * c->max_packets_out); }
static inline u64 tcp_user_timeout_ns(const struct tcp_conn *c) { return (u64)c->user_timeout_ms * 1000000; }

/* rtt.c */
void tcp_rtt_init(struct tcp_conn *c);
/** tcp_rtt_sample - a round trip of @us >= 0. */
void tcp_rtt_sample(struct tcp_conn *c, u32 us, u64 now_ns);
u32 tcp_rto_backed_us(const struct tcp_conn *c);
void tcp_set_rto(struct tcp_conn *c);
u32 tcp_min_rtt_us(const struct tcp_conn *c);
void tcp_min_rtt_update(struct tcp_conn *c, u32 us, u64 now_ns);

/* output.c */
void tcp_send_ack(struct tcp_conn *c, u64 now_ns);
/** tcp_send_probe - a segment below the window that makes the peer answer. */
int tcp_send_probe(struct tcp_conn *c, u64 now_ns);
void tcp_send_reset(struct tcp_conn *c, u64 now_ns);
/** tcp_send_syn - the first SYN or SYN|ACK, with what data may go with it. Return: false: no memory */
bool tcp_send_syn(struct tcp_conn *c, u64 now_ns);
void tcp_send_synack(struct tcp_conn *c, u64 now_ns);
/** tcp_push_all - send what may go; @nagle: TCP_NAGLE_* besides c's own; @probe: one segment past the congestion window. Return: whether something went */
bool tcp_push_all(struct tcp_conn *c, u8 nagle, bool probe, u64 now_ns);
/** tcp_retransmit - send up to @segs segments from the start of @t again. Return: 0, -EAGAIN, -ENOMEM, the hook's error */
int tcp_retransmit(struct tcp_conn *c, struct tcp_tx *t, u32 segs, u64 now_ns);
/** tcp_retransmit_lost - as far as the window allows, what is marked lost. */
void tcp_retransmit_lost(struct tcp_conn *c, u64 now_ns);
void tcp_update_mss(struct tcp_conn *c);
void tcp_cwnd_validate(struct tcp_conn *c, bool limited, u64 now_ns);
void tcp_after_idle(struct tcp_conn *c, u64 now_ns);
/** tcp_tx_split - cut @t so that its first part has @bytes. Return: 0, -ENOMEM */
int tcp_tx_split(struct tcp_conn *c, struct tcp_tx *t, u32 bytes);
void tcp_tx_drop(struct tcp_conn *c, struct tcp_tx *t);
void tcp_tx_purge(struct tcp_conn *c);

/* window.c */
void tcp_window_init(struct tcp_conn *c);
u32 tcp_rcv_space(const struct tcp_conn *c);
/** tcp_initial_window - what a SYN offers. */
void tcp_initial_window(const struct tcp_config *cfg, u32 rcvbuf, u32 clamp, u32 mss, bool scaling, u32 *wnd, u32 *wnd_clamp, u8 *scale);
/** tcp_select_window - the window to announce now; notes it. */
u16 tcp_select_window(struct tcp_conn *c);
/** tcp_receive_window - what of the announced window is left. */
u32 tcp_receive_window(const struct tcp_conn *c);
u32 tcp_window_would(struct tcp_conn *c);
void tcp_grow_window(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_sndbuf_expand(struct tcp_conn *c);
void tcp_clamp_window(struct tcp_conn *c);
void tcp_rcv_rtt_measure(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns);
void tcp_rcv_space_adjust(struct tcp_conn *c, u64 now_ns);

/* receive.c */
/** tcp_data_queue - take the payload and FIN of a segment that was found acceptable. */
void tcp_data_queue(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns);
void tcp_rx_purge(struct tcp_conn *c);
void tcp_urgent(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_dsack_set(struct tcp_conn *c, u32 seq, u32 end);
void tcp_ack_event(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns);
void tcp_ack_check(struct tcp_conn *c, bool ofo_possible, u64 now_ns);
void tcp_enter_quickack(struct tcp_conn *c, u32 max);
void tcp_ack_schedule_clear(struct tcp_conn *c);
void tcp_delayed_ack(struct tcp_conn *c, u64 now_ns);
/** tcp_sack_fill - the SACK blocks that an ACK should carry. */
void tcp_sack_fill(struct tcp_conn *c, struct tcp_options *o, u32 max);

/* ack.c */
/** tcp_ack_process - the acknowledgement of @s. Return: 1: fine; 0: old; -1: not acceptable */
int tcp_ack_process(struct tcp_conn *c, const struct tcp_segment *s, u64 now_ns, bool slow);
void tcp_window_take(struct tcp_conn *c, const struct tcp_segment *s);

/* sack.c */
/** tcp_sack_blocks - mark what the blocks of @s name. */
void tcp_sack_blocks(struct tcp_conn *c, const struct tcp_segment *s, struct tcp_ack *a);
/** tcp_tx_delivered - @t was delivered for the first time: rate sample, RACK. */
void tcp_tx_delivered(struct tcp_conn *c, struct tcp_tx *t, struct tcp_ack *a);
/** tcp_reno_limit - keep sacked_out + lost_out <= packets_out where dupacks are counted. */
void tcp_reno_limit(struct tcp_conn *c);
void tcp_mark_lost(struct tcp_conn *c, struct tcp_tx *t);
void tcp_check_reordering(struct tcp_conn *c, u32 low, bool timestamps);

/* rack.c */
void tcp_rack_advance(struct tcp_conn *c, const struct tcp_tx *t, u64 now_ns);
void tcp_rack_reo_window(struct tcp_conn *c, const struct tcp_ack *a);
/** tcp_rack_mark - mark what is lost by time; arms the reordering timer. */
void tcp_rack_mark(struct tcp_conn *c, u64 now_ns);
void tcp_rack_timeout(struct tcp_conn *c, u64 now_ns);
/** tcp_rack_left_us - how long until @t counts as lost; <= 0: it does. */
s64 tcp_rack_left_us(const struct tcp_conn *c, const struct tcp_tx *t, u64 now_ns);
/** tcp_tlp_schedule - Return: whether a loss probe was scheduled */
bool tcp_tlp_schedule(struct tcp_conn *c, bool advancing_rto, u64 now_ns);
void tcp_tlp_send(struct tcp_conn *c, u64 now_ns);
void tcp_tlp_ack(struct tcp_conn *c, const struct tcp_segment *s, const struct tcp_ack *a);

/* recovery.c; what an ACK lets go out besides */
enum { SEND_NONE, SEND_LOST, SEND_NEW };
void tcp_recovery_ack(struct tcp_conn *c, struct tcp_ack *a, const struct tcp_segment *s, bool is_dupack, u8 *send);
void tcp_cwnd_reduction(struct tcp_conn *c, u32 newly_delivered, u32 newly_lost, bool una_advanced);
void tcp_enter_cwr(struct tcp_conn *c);
/** tcp_enter_loss - a retransmission time-out. */
void tcp_enter_loss(struct tcp_conn *c, u64 now_ns);
void tcp_simple_retransmit(struct tcp_conn *c, u64 now_ns);

/* reno.c: what the algorithms share */
/** tcp_ca_slow_start - exponential growth for @segs acknowledged segments. Return: how many of them are left for what comes after it; 0: none,
    or the window was not used */
u32 tcp_ca_slow_start(struct tcp_conn *c, u32 segs);
/** tcp_ca_add - one segment more for each @per > 0 acknowledged. */
void tcp_ca_add(struct tcp_conn *c, u32 segs, u32 per);
u32 tcp_ca_undo(struct tcp_conn *c);

/* timers.c */
void tcp_rearm_rto(struct tcp_conn *c, u64 now_ns);
void tcp_timer_set(struct tcp_conn *c, enum tcp_timer_kind kind, u64 at_ns);
static inline void tcp_timer_clear(struct tcp_conn *c)
{
	c->timer_kind = TCP_TIMER_NONE;
	c->timer_ns = TCP_NEVER;
}
void tcp_probe_check(struct tcp_conn *c, u64 now_ns);
void tcp_keep_arm(struct tcp_conn *c, u64 now_ns);

/* conn.c */
void tcp_set_state(struct tcp_conn *c, enum tcp_state state);
/** tcp_done - state CLOSE, timers off, queues of the sender freed. */
void tcp_done(struct tcp_conn *c, int error);
void tcp_time_wait(struct tcp_conn *c, u64 now_ns);
void tcp_established(struct tcp_conn *c, u64 now_ns);

#endif
