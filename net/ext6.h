/*
 * The chain of IPv6 extension headers.  Pure.
 *
 * Source: RFC 8200 section 4 (headers, options), RFC 5095 (routing header 0), RFC 6946 (atomic fragments), RFC 7045.
 */
#ifndef NET_EXT6_H
#define NET_EXT6_H

#include "net/address.h"

enum { IP6_HEADER = 40, EXT6_BYTES_MAX = 1280 };
enum ext6_verdict {
	EXT6_TRANSPORT,		/* next, at: the header above IP */
	EXT6_FRAGMENT,		/* at: a fragment header of a real fragment */
	EXT6_NOTHING,		/* "no next header" */
	EXT6_TRUNCATED,		/* the chain goes beyond the bytes given */
	EXT6_PARAMETER,		/* drop, and say so: code, pointer */
	EXT6_DROP,
};

struct ext6 {
	u8 next;		/* type of the header at `at` */
	u32 at;			/* offset from the IPv6 header */
	u32 next_field;		/* offset of the byte that says `next` */
	u8 code;		/* EXT6_PARAMETER: of ICMPv6's parameter problem */
	u32 pointer;
};

/**
 * ext6_walk - find what is above the extension headers
 * @h:     the IPv6 header and what follows; @len bytes, IP6_HEADER at least
 * @group: it was sent to a multicast address (some options are then dropped in silence)
 */
enum ext6_verdict ext6_walk(const u8 *h, u32 len, bool group, struct ext6 *out);

static inline bool ext6_is_extension(u8 next) { return next == 0 || next == 43 || next == 44 || next == 60 || next == 135 || next == 59; }

#endif
