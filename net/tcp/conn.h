/*
 * One TCP connection as a state machine.  Pure: no lock, no clock, no memory of its own; time is an argument.
 *
 * The machine knows sequence numbers, not bytes.  What is to be sent stands in the caller's stream, which it can find by sequence number; what was
 * received stands in the caller's packets, of which each carries a struct tcp_rx that the machine links into its queues.  Segments go out through
 * hooks->emit.  What the caller should look at afterwards is collected in c->events.
 *
 *	tcp_input(c, seg, now)			a segment came
 *	tcp_timer(c, now)			the time of tcp_next_wake_ns(c) has come
 *	tcp_connect, tcp_write, tcp_receive, tcp_shutdown_send, tcp_close, tcp_abort		what users do
 *	tcp_resume(c, now)			a device let go of packets, or memory came back
 *
 * States and what leads from one to the next (the caller handles LISTEN and NEW_SYN_RECV in request.h, TIME_WAIT in timewait.h):
 *
 *	state		event					next		with
 *	CLOSE		tcp_connect				SYN_SENT	SYN out
 *	CLOSE		tcp_conn_accept (a request's ACK)	SYN_RECV	then tcp_input of that ACK: ESTABLISHED
 *	SYN_SENT	SYN|ACK, acceptable			ESTABLISHED	ACK out, EV_CONNECTED
 *	SYN_SENT	SYN (both open at once)			SYN_RECV	SYN|ACK out
 *	SYN_SENT	RST with an acceptable ACK		CLOSE		ECONNREFUSED
 *	SYN_RECV	ACK of our SYN				ESTABLISHED	EV_CONNECTED
 *	SYN_RECV	tcp_shutdown_send			FIN_WAIT1	FIN out
 *	ESTABLISHED	tcp_shutdown_send			FIN_WAIT1	FIN out after the data
 *	ESTABLISHED	FIN					CLOSE_WAIT	EV_READ
 *	FIN_WAIT1	ACK of our FIN				FIN_WAIT2	if the user is gone: a limit of time
 *	FIN_WAIT1	FIN					CLOSING
 *	FIN_WAIT1	FIN and ACK of ours			TIME_WAIT	EV_TIMEWAIT, state CLOSE
 *	FIN_WAIT2	FIN					TIME_WAIT	the same
 *	CLOSING		ACK of our FIN				TIME_WAIT	the same
 *	CLOSE_WAIT	tcp_shutdown_send			LAST_ACK	FIN out
 *	LAST_ACK	ACK of our FIN				CLOSE		EV_CLOSED
 *	any		RST in the window (RFC 5961)		CLOSE		ECONNRESET; EPIPE in CLOSE_WAIT
 *	any		tcp_abort				CLOSE		RST out
 *	any		too long without an answer		CLOSE		ETIMEDOUT
 *
 * Counts of segments (packets_out, sacked_out, lost_out, retrans_out, cwnd) are in units of the MSS at the time of sending.
 *	in flight = packets_out - sacked_out - lost_out + retrans_out
 *
 * Departures: 1. without SACK, loss recovery is NewReno (RFC 6582).  2. the receive window never shrinks, as RFC 9293 advises.
 * Source: RFC 9293, 1122, 2018, 2883, 3042, 3522, 4015, 5681, 5682, 5961, 6298, 6582, 6675, 6937, 7323, 7413, 8985, 9438, 3168.
 */
#ifndef NET_TCP_CONN_H
#define NET_TCP_CONN_H

#include <linux/snmp.h>
#include "base/list.h"
#include "base/rbtree.h"
#include "net/tcp/options.h"
#include "net/tcp/seq.h"

/* As Linux numbers them in /proc/net/tcp and struct tcp_info. */
enum tcp_state {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK,
	TCP_LISTEN, TCP_CLOSING, TCP_NEW_SYN_RECV,
};
#define TCP_STATE_BIT(s) (1u << (s))

/* Flags of headers, as in byte 13. */
enum { TH_FIN = 1, TH_SYN = 2, TH_RST = 4, TH_PSH = 8, TH_ACK = 16, TH_URG = 32, TH_ECE = 64, TH_CWR = 128 };

enum { TCP_MS = 1000, TCP_SEC = 1000000 };	/* in microseconds */
#define TCP_NEVER (~0ull)

/* What /proc/sys/net/ipv4/tcp_* and others set; read only here.  Times in ms unless named. */
struct tcp_config {
	u32 sack, dsack, timestamps, window_scaling, ecn;
	u32 recovery;			/* bit 0: RACK; bit 1: static reordering window; bit 2: no DupThresh mode */
	u32 early_retrans;		/* 3: TLP */
	u32 frto, reordering, max_reordering;
	u32 syn_retries, synack_retries, retries1, retries2, orphan_retries;
	u32 keepalive_time_s, keepalive_intvl_s, keepalive_probes;
	u32 fin_timeout_s;
	u32 slow_start_after_idle, moderate_rcvbuf, abort_on_overflow, rfc1337, no_metrics_save;
	u32 limit_output_bytes, challenge_ack_limit, invalid_ratelimit_ms, notsent_lowat;
	u32 min_tso_segs, tso_win_divisor, pacing_ss_ratio, pacing_ca_ratio;
	u32 rmem[3], wmem[3];		/* min, default, max */
	u32 fastopen, fastopen_blackhole_timeout_s;
	u32 thin_linear_timeouts, autocorking, workaround_signed_windows, min_snd_mss, base_mss, mtu_probing;
	u32 tw_reuse, max_tw_buckets, max_syn_backlog, syncookies, retrans_collapse, stdurg, migrate_req, l3mdev_accept, max_orphans;
	u32 min_rtt_wlen_s, comp_sack_nr, comp_sack_delay_us, ecn_fallback, syn_linear_timeouts;
};
extern const struct tcp_config tcp_config_default;

/* ---- segments ---- */

/* Part of a received packet: the bytes [seq, end) that are wanted, of which @seq0 is the first in the packet.  Lives in the packet. */
struct tcp_rx {
	union {
		struct list_head node;		/* in c->rx_queue */
		struct rb_node rb;		/* in c->ooo */
	};
	u32 seq0, seq, end;
	u32 memory;				/* what the buffer is charged */
	bool fin;				/* a FIN follows the byte before @end: it is not counted in @end */
};

/* A segment as it came in. */
struct tcp_segment {
	u32 seq, ack;
	u32 len;				/* payload */
	u32 end;				/* seq + len + SYN + FIN */
	u16 window, urgent;			/* as in the header */
	u8 flags;				/* TH_* */
	bool ce;				/* IP said: congestion experienced */
	bool ect;
	u16 segs;				/* segments of the wire that were put together */
	struct tcp_options opt;
	struct tcp_rx *rx;			/* NULL only if len is 0 and no FIN is set */
	bool rx_kept;				/* out: the machine keeps rx; it comes back through hooks->rx_free */
};

/* A segment to be sent. */
struct tcp_out {
	u32 seq, ack;
	u32 len;				/* payload: stream bytes from seq (of a SYN: from seq + 1) */
	u16 window, urgent;
	u8 flags;
	u8 options_len;
	bool ect, retransmit;
	u16 mss;				/* longer payloads are to be cut into pieces of this */
	u64 departure_ns;			/* not before; 0: now */
	u8 options[TCP_OPTIONS_MAX];
};

/* What stands for sent and unacknowledged sequence space. */
struct tcp_tx {
	struct list_head node;			/* c->tx_queue, by sequence */
	struct list_head sent;			/* c->tx_sent, by time of the last transmission (RACK) */
	u32 seq, end;				/* FIN and SYN counted */
	u64 xmit_ns;				/* the last transmission */
	u64 delivered_ns, first_tx_ns;		/* rate samples: the connection's when this was sent */
	u32 delivered;
	u16 pcount;				/* segments */
	u16 mss;
	u8 sacked;				/* TX_* */
	u8 flags;				/* TH_SYN, TH_FIN */
	bool app_limited;
	u8 transmissions;			/* saturating */
};
enum { TX_SACKED = 1, TX_RETRANS = 2, TX_LOST = 4, TX_EVER_RETRANS = 8 };

struct tcp_conn;
struct tcp_hooks {
	/* emit: send it. 0; -errno: it could not be queued, and will be tried again */
	int (*emit)(struct tcp_conn *c, const struct tcp_out *o);
	struct tcp_tx *(*tx_alloc)(struct tcp_conn *c);		/* NULL: no memory; what needed it is put off */
	void (*tx_free)(struct tcp_conn *c, struct tcp_tx *t);
	void (*rx_free)(struct tcp_conn *c, struct tcp_rx *rx);	/* its packet is no longer needed */
	void (*count)(u32 mib, u32 by);				/* LINUX_MIB_* */
	void (*count_tcp)(u32 mib, u32 by);			/* TCP_MIB_* */
	u32 (*random)(void);
	bool (*challenge_allowed)(u64 now_ns);			/* the machine-wide limit of RFC 5961, section 7 */
};

/* c->events: set by the machine, cleared by the caller. */
enum {
	TCP_EV_READ = 1,			/* data or end of data */
	TCP_EV_WRITE = 2,			/* room in the send buffer */
	TCP_EV_CONNECTED = 4,
	TCP_EV_CLOSED = 8,			/* state is CLOSE; c->error says why, if it was an error */
	TCP_EV_ERROR = 16,
	TCP_EV_URGENT = 32,
	TCP_EV_TIMEWAIT = 64,			/* leave a tcp_timewait in the table; then as CLOSED */
	TCP_EV_STATE = 128,
	TCP_EV_ADVICE = 256,			/* retransmissions go unanswered: look for another route */
	TCP_EV_CONFIRM = 512,			/* the peer answers */
	TCP_EV_ACKED = 1024,			/* snd_una moved: stream bytes before it can go */
	TCP_EV_SYN_DATA_ACKED = 2048,
};

/* ---- congestion control ---- */

struct tcp_ca {
	const char *name;
	void (*init)(struct tcp_conn *c, u64 now_ns);
	u32 (*ssthresh)(struct tcp_conn *c);
	/* acked: @segs were delivered in order in Open state; @rtt_us 0: no sample */
	void (*acked)(struct tcp_conn *c, u32 segs, u64 now_ns);
	void (*rtt)(struct tcp_conn *c, u32 rtt_us, u64 now_ns);	/* optional */
	void (*idle)(struct tcp_conn *c, u64 idle_ns);			/* optional: about to send after a pause */
	void (*loss)(struct tcp_conn *c);				/* optional: a time-out */
	u32 (*undo)(struct tcp_conn *c);				/* the window to return to */
};
extern const struct tcp_ca tcp_reno, tcp_cubic;
/** tcp_ca_find - by name; NULL: none. */
const struct tcp_ca *tcp_ca_find(const char *name);
extern const struct tcp_ca *const tcp_ca_all[];		/* ends with NULL */

enum tcp_ca_phase { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };	/* as tcpi_ca_state */

struct cubic_state {
	u32 cnt, last_cwnd, last_max_cwnd, origin_cwnd, k_ms, tcp_cwnd, ack_cnt;
	u32 delay_min_us, curr_rtt_us, round_end_seq, samples;
	u64 epoch_ns, last_ns, round_ns, last_ack_ns;
	bool found;				/* the end of slow start (HyStart) */
};

/* What the one retransmission timer is armed for. */
enum tcp_timer_kind { TCP_TIMER_NONE, TCP_TIMER_RTO, TCP_TIMER_TLP, TCP_TIMER_REORDER, TCP_TIMER_PROBE };

enum { TCP_NAGLE_OFF = 1, TCP_NAGLE_CORK = 2, TCP_NAGLE_PUSH = 4 };
enum { TCP_ECN_OK = 1, TCP_ECN_QUEUE_CWR = 2, TCP_ECN_DEMAND_CWR = 4, TCP_ECN_SEEN = 8 };

struct tcp_min_sample { u64 t_ns; u32 v; };

/* All of it belongs to whoever calls: the caller's lock. */
struct tcp_conn {
	const struct tcp_hooks *hooks;
	const struct tcp_config *cfg;
	const struct tcp_ca *ca;
	u8 state;				/* enum tcp_state */
	bool orphan;				/* the user closed it */
	bool shut_rcv, shut_snd;		/* the user shut it; shut_rcv also: the peer's FIN was taken */
	bool fin_rcvd;
	int error;				/* positive errno; taken by the caller */
	int error_soft;
	u32 events;

	/* sending: iss <= snd_una <= snd_nxt <= write_seq + FIN */
	u32 iss, snd_una, snd_nxt, write_seq;
	u32 snd_wl1, snd_wnd, max_window;
	u32 snd_sml;				/* end of the last small segment (Nagle as Minshall amended it) */
	u32 snd_up;				/* urgent pointer: after the urgent byte */
	u32 push_seq;				/* PSH is due on the segment that holds the byte before it */
	bool fin_queued, fin_sent, urg_out, zero_window_told;
	u8 nonagle;				/* TCP_NAGLE_* */
	struct list_head tx_queue, tx_sent;
	u32 packets_out, sacked_out, lost_out, retrans_out;
	u32 mss_peer, mss_path, mss;		/* announced; path's; payload of a full segment, options taken off */
	u32 user_mss, advmss, header_bytes;	/* header_bytes: of IP */
	u32 gso_max;				/* payload bytes of a segment handed to emit */
	u32 queued_bytes;			/* caller's count: below the socket, not yet let go by the device */
	u32 sndbuf, snd_memory;			/* caller's limits; the machine grows sndbuf unless sndbuf_locked */
	bool sndbuf_locked, rcvbuf_locked, throttled, write_blocked;
	u32 notsent_lowat;			/* 0: config's */
	u64 last_sent_ns, last_xmit_ns;		/* last_xmit_ns: the newest tcp_tx.xmit_ns; they are all different, in the order of sending */
	u64 pacing_rate, max_pacing_rate;	/* bytes a second; max ~0: not paced */
	u64 pace_ns;				/* next departure */

	/* receiving */
	u32 irs, rcv_nxt, rcv_wup, copied_seq;
	u32 rcv_wnd, window_clamp, rcv_ssthresh;
	u32 rcvbuf, rcv_memory;
	struct list_head rx_queue;		/* in order, [copied_seq, rcv_nxt) */
	struct rb_root ooo;			/* beyond rcv_nxt, disjoint */
	u32 ooo_count, ooo_packets_total;
	struct tcp_sack_block recent[TCP_SACKS_MAX];	/* the most recently changed ranges, newest first */
	u8 recent_count;
	bool dsack_due;
	struct tcp_sack_block dsack;
	u32 urg_seq;				/* the urgent byte */
	u8 urg;					/* URG_* */
	u8 urg_byte;
	u32 rcv_mss;				/* guess of what the peer sends */
	u64 last_rcv_ns;
	u32 rcv_rtt_us, rcv_rtt_seq;
	u64 rcv_rtt_ns;
	u32 rcvq_space, rcvq_seq;
	u64 rcvq_ns;

	/* acknowledging */
	bool ack_due;				/* an ACK is scheduled */
	bool ack_now;
	bool delack_blocked;
	u8 pingpong, quick;			/* interactive: delay ACKs; how many to send at once */
	u32 ato_us;
	u64 delack_ns;
	u64 oow_ack_ns;				/* last ACK of a segment out of the window (RFC 5961: limited) */

	/* options agreed */
	bool sack_ok, ts_ok, wscale_ok;
	u8 snd_wscale, rcv_wscale;
	u32 ts_recent, ts_offset, ts_ecr;	/* ts_ecr: of the segment in work */
	u64 ts_recent_ns;
	bool ts_ecr_valid;

	/* time */
	u32 srtt_us8, mdev_us, mdev_max_us, rttvar_us, rtt_seq;	/* srtt_us8: times 8 */
	u32 rto_us, rto_min_us, backoff, retransmits, probes_out, keep_probes;
	struct tcp_min_sample min_rtt[3];
	u8 timer_kind;				/* enum tcp_timer_kind */
	u64 timer_ns, keep_ns, life_ns, pace_timer_ns;	/* TCP_NEVER: not armed */
	u64 retrans_ns;				/* the first retransmission of this episode; 0: none */
	u64 probe_start_ns;
	u32 user_timeout_ms, keep_idle_s, keep_intvl_s, keep_count, syn_retries;
	s32 linger2_s;
	bool keepalive;
	u32 retries_syn_total;

	/* congestion */
	u8 ca_phase;				/* enum tcp_ca_phase */
	u32 cwnd, cwnd_cnt, cwnd_used, cwnd_clamp, ssthresh;
	u32 max_packets_out, cwnd_usage_seq;
	bool cwnd_limited;
	u32 prior_cwnd, prior_ssthresh, high_seq;
	u32 prr_delivered, prr_out;
	u32 undo_marker, undo_retrans;		/* retransmissions not yet shown to be needless; ~0: none was made yet */
	bool undo_valid, frto;
	u32 reordering, reord_seen;
	u32 fack;				/* the highest SACKed segment begins there, while sacked_out is not 0 */
	u32 delivered, delivered_ce, lost_total;
	u64 delivered_ns, first_tx_ns;
	u32 app_limited;
	u64 rate_interval_us;
	u32 rate_delivered;
	bool rate_app_limited;
	u32 tlp_high_seq;
	bool tlp_outstanding, tlp_retrans;
	u8 ecn;					/* TCP_ECN_* */
	u64 cwnd_stamp_ns;
	union { struct cubic_state cubic; };

	/* RACK (RFC 8985) */
	struct {
		u64 xmit_ns;
		u32 end_seq, rtt_us, last_delivered;
		u8 reo_wnd_steps, reo_wnd_persist;
		bool advanced, dsack_seen, reord_used;
	} rack;

	/* Fast Open */
	bool early;				/* a child that was made before the last ACK: it may send in SYN_RECV */
	bool syn_fastopen, syn_data, syn_data_acked;
	u8 fastopen_client_fail;
	s8 fo_len;				/* of the SYN's option; TCP_FO_NONE */
	bool fo_experimental;
	u8 fo_cookie[TCP_COOKIE_MAX];
	bool fo_got;				/* SYN|ACK brought a cookie: fo_cookie, fo_len */

	/* figures of TCP_INFO */
	u64 bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	u32 segs_in, segs_out, data_segs_in, data_segs_out, total_retrans, dsack_dups;
	u64 busy_us, rwnd_us, sndbuf_us, chrono_ns;
	u8 chrono;
	u64 last_ack_rcv_ns;
};

enum { URG_NONE, URG_NOTYET, URG_VALID, URG_READ };

/* ---- life ---- */

/** tcp_conn_init - state CLOSE, nothing agreed. @c is cleared; the caller sets user_mss, buffers, gso_max, header_bytes … afterwards */
void tcp_conn_init(struct tcp_conn *c, const struct tcp_hooks *hooks, const struct tcp_config *cfg);
/** tcp_conn_fini - free what the queues hold. */
void tcp_conn_fini(struct tcp_conn *c);
/** tcp_set_mtu - the path takes packets of @mtu bytes. Before connect, and whenever it changes. */
void tcp_set_mtu(struct tcp_conn *c, u32 mtu);

/** tcp_connect - from CLOSE: send a SYN. @syn_data: bytes at write_seq's beginning that may go with it (Fast Open) */
void tcp_connect(struct tcp_conn *c, u32 iss, u32 syn_data, u64 now_ns);

/* What a request agreed with the peer; the beginning of a child. */
struct tcp_agreed {
	u32 iss, irs, snd_wnd, rcv_wnd;
	u32 window_clamp;
	u16 mss;				/* the peer's */
	u8 snd_wscale, rcv_wscale;
	bool sack_ok, ts_ok, wscale_ok, ecn_ok;
	u32 ts_recent, ts_offset;
	u64 synack_ns;				/* when the SYN|ACK went out; 0: not known (cookie), or it went more than once */
};
/** tcp_conn_accept - become the child of a request: state SYN_RECV, our SYN sent.  The ACK that completes it goes to tcp_input next. */
void tcp_conn_accept(struct tcp_conn *c, const struct tcp_agreed *a, u64 now_ns);

/**
 * tcp_conn_accept_early - the same at once with the SYN @s (RFC 7413): its data are taken, our SYN|ACK goes out, and data may follow it
 * Return: false: no memory; the connection is of no use
 */
MUST_CHECK bool tcp_conn_accept_early(struct tcp_conn *c, const struct tcp_agreed *a, struct tcp_segment *s, u64 now_ns);

/** tcp_input - a segment for this connection, in any state but LISTEN, TIME_WAIT, CLOSE. Checksum and length were checked. */
void tcp_input(struct tcp_conn *c, struct tcp_segment *s, u64 now_ns);
/** tcp_timer - do what is due at @now_ns; calls that come too early are harmless. */
void tcp_timer(struct tcp_conn *c, u64 now_ns);
/** tcp_next_wake_ns - when tcp_timer is due; TCP_NEVER: not. */
u64 tcp_next_wake_ns(const struct tcp_conn *c);

/* ---- users ---- */

/** tcp_write - @n bytes were appended to the stream. @more: MSG_MORE; @urgent: the last is urgent. Sends what may go */
void tcp_write(struct tcp_conn *c, u32 n, bool more, bool urgent, u64 now_ns);
/** tcp_push - send what Nagle or a cork held back. */
void tcp_push(struct tcp_conn *c, u64 now_ns);
/** tcp_received - the user took the bytes up to @copied_seq: packets read to their end are freed, the window opens. */
void tcp_received(struct tcp_conn *c, u32 copied_seq, u64 now_ns);
/** tcp_shutdown_send - no more data: FIN after what is queued. */
void tcp_shutdown_send(struct tcp_conn *c, u64 now_ns);
/** tcp_close - the user is gone: FIN, or RST if data were not read or @abort is set. The caller keeps the connection until EV_CLOSED or EV_TIMEWAIT */
void tcp_close(struct tcp_conn *c, bool abort, u64 now_ns);
/** tcp_abort - RST if the peer knows of us; state CLOSE with @error. */
void tcp_abort(struct tcp_conn *c, int error, u64 now_ns);
/** tcp_resume - the device or memory let go: go on sending. */
void tcp_resume(struct tcp_conn *c, u64 now_ns);
/** tcp_pmtu_reduced - ICMP says that the path takes @mtu (it was sent about @seq of ours). */
void tcp_pmtu_reduced(struct tcp_conn *c, u32 mtu, u64 now_ns);
void tcp_set_keepalive(struct tcp_conn *c, bool on, u64 now_ns);
void tcp_set_quickack(struct tcp_conn *c, int value, u64 now_ns);
void tcp_set_ca(struct tcp_conn *c, const struct tcp_ca *ca, u64 now_ns);

static inline u32 tcp_readable(const struct tcp_conn *c) { return c->rcv_nxt - c->copied_seq - (c->fin_rcvd ? 1u : 0u); }
static inline u32 tcp_unsent(const struct tcp_conn *c)
{
	return seq_after(c->write_seq, c->snd_nxt) ? c->write_seq - c->snd_nxt : 0;
}
static inline bool tcp_in_states(const struct tcp_conn *c, u32 bits) { return TCP_STATE_BIT(c->state) & bits; }
/** tcp_may_write - whether users may send now. */
static inline bool tcp_may_write(const struct tcp_conn *c)
{
	return tcp_in_states(c, TCP_STATE_BIT(TCP_ESTABLISHED) | TCP_STATE_BIT(TCP_CLOSE_WAIT)) || (c->state == TCP_SYN_RECV && c->early);
}
/** tcp_writable - whether poll says so: a third of the buffer is free, and the unsent is below the low-water mark. */
bool tcp_writable(const struct tcp_conn *c);

/** tcp_reset_for - the RST that answers a segment nobody wants (RFC 9293, 3.10.7.1). Return: false: it is a RST itself */
bool tcp_reset_for(const struct tcp_segment *s, struct tcp_out *o);

struct tcp_info;
void tcp_info_fill(const struct tcp_conn *c, struct tcp_info *out, u64 now_ns);

#endif
