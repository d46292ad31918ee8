/* What a router advertisement says (RFC 4861, section 4.2), taken apart.  Pure; ra.c applies it. */
#ifndef NET_RA_H
#define NET_RA_H

#include "net/address.h"

enum { RA_HEADER = 16, RA_PREFIXES_MAX = 8 };

struct ra_prefix {
	struct ip_addr prefix;
	u8 len;
	bool on_link, autonomous;
	u32 valid_s, preferred_s;	/* ~0: for ever; preferred_s <= valid_s */
};

struct ra_news {
	u8 hop_limit;			/* 0: not told */
	u32 router_lifetime_s;		/* 0: no default router */
	u32 mtu;			/* 0: not told; not checked */
	u32 prefix_count;
	struct ra_prefix prefix[RA_PREFIXES_MAX];
};

/** ra_parse - @len bytes from the ICMPv6 header. Return: false: too short, or an option of a wrong length (the message is to be dropped) */
bool ra_parse(const u8 *m, u32 len, struct ra_news *out);

#endif
