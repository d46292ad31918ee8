/*
 * A request: a SYN that was answered and not yet acknowledged (state NEW_SYN_RECV; /proc shows SYN_RECV).
 *
 * Pure: the caller finds it by addresses and ports, and does what is said.
 * Source: RFC 9293 3.10.7.4, RFC 7323, RFC 3168 6.1.1; cookies: D. J. Bernstein, "SYN cookies"; RFC 4987.
 */
#ifndef NET_TCP_REQUEST_H
#define NET_TCP_REQUEST_H

#include "net/tcp/conn.h"

struct tcp_request {
	u32 iss, irs;			/* our number, the peer's */
	u32 snd_wnd, rcv_wnd, window_clamp;
	u32 ts_recent, ts_offset;
	u16 mss, advmss;		/* the peer's, ours */
	u8 snd_wscale, rcv_wscale;
	bool sack_ok, ts_ok, wscale_ok, ecn_ok;
	bool acked;			/* the last ACK came, but a child may not be made yet (TCP_DEFER_ACCEPT, full queue) */
	u8 retries;			/* SYN|ACKs sent again */
	u8 timeouts;
	s8 fo_len;			/* a Fast Open cookie that goes with the SYN|ACK; TCP_FO_NONE */
	bool fo_experimental;
	u8 fo_cookie[TCP_COOKIE_MAX];
	u64 sent_ns, expires_ns;
};

enum tcp_request_verdict {
	RQ_DROP,
	RQ_ACK,			/* out of the window: send tcp_request_ack() */
	RQ_SYNACK,		/* the SYN came again: send the SYN|ACK again */
	RQ_RESET,		/* an ACK of something else: answer by tcp_reset_for() */
	RQ_KILL,		/* the peer reset it */
	RQ_CHILD,		/* make the connection, give it the segment */
};

/** tcp_request_init - from a SYN. @advmss: ours; @rcvbuf, @clamp: of the listener */
void tcp_request_init(struct tcp_request *r, const struct tcp_config *cfg, const struct tcp_segment *s, u32 iss, u32 advmss, u32 user_mss, u32 rcvbuf,
		      u32 clamp, u32 ts_offset, bool ect, u64 now_ns);
void tcp_request_synack(const struct tcp_request *r, struct tcp_out *o, u64 now_ns);
void tcp_request_ack(const struct tcp_request *r, struct tcp_out *o, u64 now_ns);
enum tcp_request_verdict tcp_request_input(struct tcp_request *r, const struct tcp_segment *s, u64 now_ns);
/** tcp_request_timer - the time is up: Return: true: send the SYN|ACK again (expires_ns is set anew); false: give it up */
bool tcp_request_timer(struct tcp_request *r, u32 retries_max, u64 now_ns);
void tcp_request_agreed(const struct tcp_request *r, struct tcp_agreed *out);

/* ---- SYN cookies: the request is in the ISN (and the time stamp) of the SYN|ACK, and nothing is kept ---- */

struct tcp_cookie_key { u8 bytes[2][16]; };
/** tcp_cookie_make - the ISN. @flow: a hash input of addresses and ports; @mss: in: the peer's, out: the one that the cookie holds */
u32 tcp_cookie_make(const struct tcp_cookie_key *key, const void *flow, u32 flow_len, u32 irs, u16 *mss, u64 now_ns);
/** tcp_cookie_check - of the ACK's @ack - 1. Return: the MSS, or 0: not one of ours, or too old */
u16 tcp_cookie_check(const struct tcp_cookie_key *key, const void *flow, u32 flow_len, u32 irs, u32 cookie, u64 now_ns);
/** tcp_cookie_ts - a time stamp that holds the options; tcp_cookie_ts_take reads them from the echo. Return: false: cannot be */
u32 tcp_cookie_ts(const struct tcp_request *r, u64 now_ns);
bool tcp_cookie_ts_take(struct tcp_request *r, const struct tcp_config *cfg, const struct tcp_options *o);

#endif
