/*
 * Addresses of both IP versions in one form: 16 bytes, an IPv4 address mapped as ::ffff:a.b.c.d.
 *
 * Above the IP layers (sockets, ports, routes as sockets see them) only this form is used, so that UDP, TCP and raw sockets exist once and a
 * socket of AF_INET6 that also serves IPv4 is no special case.  The two wildcards differ: 0.0.0.0 is ::ffff:0.0.0.0, :: is zero.
 *
 * Ports are in host order everywhere but in packets and user structures; addresses are in network order everywhere.
 *
 * Contexts: any.  Pure.
 * Source: RFC 4291, sections 2.4, 2.5.5.2, 2.7.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/bitops.h"
#include "base/hash.h"
#include "base/string.h"

/* A number in network order, as it lies in a packet. */
typedef u16 be16;
typedef u32 be32;

static inline be16 cpu_to_be16(u16 v) { return __builtin_bswap16(v); }
static inline be32 cpu_to_be32(u32 v) { return __builtin_bswap32(v); }
static inline u16 be16_to_cpu(be16 v) { return __builtin_bswap16(v); }
static inline u32 be32_to_cpu(be32 v) { return __builtin_bswap32(v); }

struct ip_addr {
	union {
		u8 b[16];
		be16 h[8];
		be32 w[4];
		u64 q[2];
	};
};

static inline struct ip_addr ip_addr_v4(be32 a)
{
	return (struct ip_addr){ .w = { 0, 0, cpu_to_be32(0xffff), a } };
}

static inline struct ip_addr ip_addr_v6(const void *bytes)
{
	struct ip_addr a;

	memcpy(&a, bytes, sizeof(a));
	return a;
}

static inline bool ip_addr_is_v4(const struct ip_addr *a) { return !a->q[0] && a->w[2] == cpu_to_be32(0xffff); }
static inline be32 ip_addr_get_v4(const struct ip_addr *a) { return a->w[3]; }
static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b) { return a->q[0] == b->q[0] && a->q[1] == b->q[1]; }
/** ip_addr_is_any - :: or ::ffff:0.0.0.0. */
static inline bool ip_addr_is_any(const struct ip_addr *a) { return !a->q[0] && (!a->q[1] || a->q[1] == ip_addr_v4(0).q[1]); }

static inline bool ip4_is_multicast(be32 a) { return (be32_to_cpu(a) >> 28) == 0xe; }
static inline bool ip4_is_loopback(be32 a) { return (be32_to_cpu(a) >> 24) == 127; }
static inline bool ip4_is_zeronet(be32 a) { return (be32_to_cpu(a) >> 24) == 0; }
static inline bool ip4_is_link_local(be32 a) { return (be32_to_cpu(a) >> 16) == 0xa9fe; }
static inline bool ip4_is_reserved(be32 a) { return (be32_to_cpu(a) >> 28) == 0xf; }	/* 255.255.255.255 too */
static inline be32 ip4_mask(u32 prefix_len) { return prefix_len ? cpu_to_be32(~0u << (32 - prefix_len)) : 0; }

static inline bool ip6_is_multicast(const struct ip_addr *a) { return a->b[0] == 0xff; }
static inline bool ip6_is_link_local(const struct ip_addr *a) { return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80; }
static inline bool ip6_is_loopback(const struct ip_addr *a) { return !a->q[0] && !a->w[2] && a->w[3] == cpu_to_be32(1); }
static inline bool ip6_is_any(const struct ip_addr *a) { return !a->q[0] && !a->q[1]; }
/** ip6_mc_scope - of a multicast address: 1 node, 2 link, 5 site, 14 global. */
static inline u32 ip6_mc_scope(const struct ip_addr *a) { return a->b[1] & 15; }
/** ip6_needs_scope - whether the address means something only on one link: a socket address of it carries an interface. */
static inline bool ip6_needs_scope(const struct ip_addr *a)
{
	return ip6_is_link_local(a) || (ip6_is_multicast(a) && (ip6_mc_scope(a) == 1 || ip6_mc_scope(a) == 2));
}
static inline bool ip_addr_is_multicast(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) ? ip4_is_multicast(a->w[3]) : ip6_is_multicast(a);
}

/** ip6_prefix_equal - whether the first @bits (0 to 128) bits agree. */
static inline bool ip6_prefix_equal(const struct ip_addr *a, const struct ip_addr *b, u32 bits)
{
	u32 whole = bits / 8, rest = bits % 8;

	return !memcmp(a->b, b->b, whole) && (!rest || !((a->b[whole] ^ b->b[whole]) >> (8 - rest)));
}

/** ip6_common_bits - length of the common prefix. */
static inline u32 ip6_common_bits(const struct ip_addr *a, const struct ip_addr *b)
{
	for (u32 i = 0; i < 4; i++)
		if (a->w[i] != b->w[i])
			return i * 32 + (u32)__builtin_clz(be32_to_cpu(a->w[i] ^ b->w[i]));
	return 128;
}

static inline u32 ip_addr_hash(const struct ip_addr *a, u32 seed)
{
	return (u32)hash_u64(a->q[0] * 0x9e3779b97f4a7c15ULL ^ a->q[1] ^ ((u64)seed << 17 | seed));
}

#endif
