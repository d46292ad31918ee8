/*
 * TIME_WAIT: what is kept of a connection so that late segments do no harm and a lost last ACK can be repeated.
 *
 * Pure: the caller finds it, sends what is said, and frees it.
 * Source: RFC 9293 3.10.7.4, RFC 6191 (reuse by time stamps), RFC 1337.
 */
#ifndef NET_TCP_TIMEWAIT_H
#define NET_TCP_TIMEWAIT_H

#include "net/tcp/conn.h"

#define TCP_TIMEWAIT_NS (60ull * 1000000000)

struct tcp_timewait {
	u32 rcv_nxt, snd_nxt, rcv_wnd;
	u32 ts_recent, ts_offset;
	u64 ts_recent_ns, expires_ns, oow_ack_ns;
	u8 rcv_wscale;
	bool ts_ok;
};

enum tcp_timewait_verdict {
	TW_DROP,
	TW_ACK,			/* send tcp_timewait_ack() */
	TW_NEW,			/* a SYN that may begin a new connection; its ISN must be at least *isn */
	TW_RESET,		/* answer by tcp_reset_for() */
	TW_KILL,		/* forget it */
};

void tcp_timewait_init(struct tcp_timewait *tw, const struct tcp_conn *c, u64 now_ns);
enum tcp_timewait_verdict tcp_timewait_input(struct tcp_timewait *tw, const struct tcp_config *cfg, const struct tcp_segment *s, u32 *isn, u64 now_ns);
void tcp_timewait_ack(const struct tcp_timewait *tw, struct tcp_out *o, u64 now_ns);
/** tcp_timewait_reusable - whether connect() may take the place (tcp_tw_reuse): time stamps tell old from new. */
bool tcp_timewait_reusable(const struct tcp_timewait *tw, u64 now_ns);

#endif
