/*
 * Options of TCP headers: from bytes and to bytes.
 *
 * Contexts: any.  Pure.
 * Source: RFC 9293 section 3.1, RFC 7323 (window scale, time stamps), RFC 2018 and 2883 (SACK), RFC 7413 (Fast Open), RFC 6994 (experimental kind).
 */
#ifndef NET_TCP_OPTIONS_H
#define NET_TCP_OPTIONS_H

#include "base/types.h"

enum { TCP_SACKS_MAX = 4, TCP_OPTIONS_MAX = 40, TCP_COOKIE_MAX = 16, TCP_WSCALE_MAX = 14, TCP_FO_NONE = -1 };

struct tcp_sack_block {
	u32 start, end;			/* end is the first byte after it */
};

struct tcp_options {
	u32 tsval, tsecr;
	u16 mss;			/* 0: none */
	u8 wscale;			/* if has_wscale */
	bool has_wscale, has_ts, sack_ok;
	bool md5;			/* the option of RFC 2385 was there */
	u8 sack_count;
	s8 fo_len;			/* Fast Open cookie's length; 0: one is asked for; TCP_FO_NONE: no such option */
	bool fo_experimental;		/* it came (shall go) as kind 254 */
	u8 fo_cookie[TCP_COOKIE_MAX];
	struct tcp_sack_block sack[TCP_SACKS_MAX];
};

/**
 * tcp_options_parse - read the options of a header
 * @p, @len: the bytes between the fixed header and the data, up to 40
 * @syn:     of a segment with SYN: options that only those may carry are taken
 * What is malformed ends the list, what is unknown is skipped (RFC 9293, MUST-6, MUST-7).
 */
void tcp_options_parse(struct tcp_options *o, const u8 *p, u32 len, bool syn);

/**
 * tcp_options_build - write those that are set, padded to a multiple of 4
 * SACK blocks that do not fit beside the others are left out.
 * Return: bytes written, at most TCP_OPTIONS_MAX
 */
u32 tcp_options_build(const struct tcp_options *o, u8 *p);

static inline void tcp_options_clear(struct tcp_options *o)
{
	*o = (struct tcp_options){ .fo_len = TCP_FO_NONE };
}

#endif
