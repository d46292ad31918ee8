/*
 * IP of both versions, as the protocols above see it: routes, output, input, errors.
 *
 * Addresses are struct ip_addr: the destination's form (mapped or not) says the version.
 *
 * Routes: ip_route() answers by value, a struct ip_dst.  A socket keeps one in itself and asks ip_dst_valid() before each use; any change of
 * routes, addresses, devices or path MTU makes all older answers invalid by raising one counter.  So nobody counts references on
 * routes, and the fast path is one comparison.  A dst may be used only within one stretch under RCU: check, use, do not sleep between.
 *
 * Input: a protocol registers struct ip_protocol.  rx gets a packet whose data is at the transport header and whose len is exactly the payload of
 * the IP packet (padding is cut, fragments are put together); nothing of the transport header is checked or necessarily linear.
 *
 * Locks: what is called with none but spin locks of ranks below RANK_NET_ROUTE is said by "any net".  Context: within net_enter().
 */
#ifndef NET_IP_H
#define NET_IP_H

#include <linux/in.h>
#include <linux/in6.h>
#include "net/address.h"
#include "net/packet.h"

struct net_device;

/* What is asked for. */
struct ip_flow {
	struct ip_addr src;		/* any: to be chosen */
	struct ip_addr dst;
	u32 oif;			/* 0: any */
	u32 mark, uid;
	u16 sport, dport;		/* for multipath and rules */
	u8 protocol;
	u8 tos;				/* traffic class */
	bool onlink;			/* SO_DONTROUTE */
	bool any_src;			/* a source that is no address of ours is fine (transparent, raw with header) */
};

enum ip_dst_kind { IP_DST_UNICAST, IP_DST_LOCAL, IP_DST_BROADCAST, IP_DST_MULTICAST };

/* What is answered. */
struct ip_dst {
	u32 generation;			/* 0: none */
	u8 kind;			/* enum ip_dst_kind */
	struct net_device *dev;		/* goes out there */
	struct ip_addr src;		/* the source address to use */
	struct ip_addr gateway;		/* next hop, the destination itself if it is on the link */
	u32 mtu;			/* of the path, as known */
	u32 advmss;			/* MSS to announce (payload of TCP without options) */
};

extern u32 ip_route_generation;		/* [a] never 0 */

static inline bool ip_dst_valid(const struct ip_dst *d)
{
	return d->generation && d->generation == __atomic_load_n(&ip_route_generation, __ATOMIC_ACQUIRE);
}

/** ip_route - how to reach flow->dst. Any net, under RCU. Return: 0, -ENETUNREACH (also: source not ours), -EHOSTUNREACH, -EACCES, -EINVAL, -ENODEV */
MUST_CHECK int ip_route(const struct ip_flow *flow, struct ip_dst *out);
/** ip_route_changed - make all answers invalid. */
void ip_route_changed(void);

/** ip_is_local - whether the address is one of this machine's (127.0.0.0/8 and ::1 too). @ifindex: 0: of any device. Under RCU */
bool ip_is_local(const struct ip_addr *a, u32 ifindex);
/** ip_may_bind - whether a socket may bind to it: local, any, broadcast or multicast. */
bool ip_may_bind(const struct ip_addr *a, u32 ifindex);

/* How the IP header shall look. */
struct ip_send {
	struct ip_addr src, dst;
	u8 protocol, tos, ttl;		/* ttl 0: the default (of multicast: 1) */
	u8 pmtu;			/* IP_PMTUDISC_* */
	u32 mark, priority;
	const u8 *options;		/* IPv4 options, padded to 4, at most 40 bytes. NULL: none */
	u8 options_len;
	bool mc_loop;			/* to a group that this machine is in: receive it too */
	bool no_id;			/* IPv4: DF and an id of 0 are fine (connected TCP) */
};

/**
 * ip_output - put an IP header before @p and send it along @dst
 * p->data is at the transport header (packet_mark_transport is done here); its checksum is in place or CSUM_PARTIAL.
 * Packets longer than the MTU are fragmented if pmtu and DF allow, GSO packets are not.
 * Any net. Consumes @p.
 * Return: 0 (on its way), -EMSGSIZE, -ENOBUFS, -ENOMEM, -ENETDOWN, -EHOSTUNREACH
 */
int ip_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s);
/** ip_header_bytes - what ip_output will put before the packet, to be kept free: link header included. */
u32 ip_header_bytes(const struct ip_dst *dst, const struct ip_send *s);
/* A received packet, parsed. */
struct ip_rx {
	struct ip_addr src, dst;
	struct net_device *dev;		/* it came in there */
	u8 protocol, tos, ttl;
	u8 kind;			/* enum ip_dst_kind, of the destination */
	u8 header_len;			/* IPv4: with options. IPv6: up to the transport header, saturating */
	bool loopback;
};

/** ip_rx_of - of the packet that is being received; lives in its control block, first sizeof(struct ip_rx) bytes. */
static inline struct ip_rx *ip_rx_of(const struct packet *p) { return (struct ip_rx *)(void *)p->cb; }
static_assert(sizeof(struct ip_rx) <= sizeof(((struct packet *)0)->cb), "control block");

/* An ICMP error about a packet that we sent. */
struct ip_error {
	int error;			/* errno, positive; 0: none that a socket hears of */
	bool hard;			/* connected sockets fail with it even without IP_RECVERR */
	bool is_pmtu;			/* info is the new MTU */
	u8 type, code;			/* ICMP or ICMPv6 */
	u32 info;			/* MTU or pointer */
	struct ip_addr offender;	/* who says so */
};

struct ip_protocol {
	u8 protocol;			/* IPPROTO_* */
	/* rx: under RCU, net context. Consumes. Both versions, unless it is registered for one */
	void (*rx)(struct packet *p, const struct ip_rx *ip);
	/* error: p->data is at the transport header of what we had sent (8 bytes at least are linear); src is ours, dst where it went. Does not consume */
	void (*error)(struct packet *p, const struct ip_rx *sent, const struct ip_error *e);
	bool v4, v6;
};
void ip_protocol_register(const struct ip_protocol *proto);

/* Raw sockets hear of every packet for this machine, before its protocol does. */
struct ip_raw_ops {
	/* rx: p->data is at the IP header. Under RCU, net context. Does not consume. Return: whether anybody took a copy */
	bool (*rx)(const struct packet *p, const struct ip_rx *ip);
	void (*error)(struct packet *p, const struct ip_rx *sent, const struct ip_error *e);	/* as ip_protocol's */
};
void ip_register_raw(const struct ip_raw_ops *ops);	/* one */
bool ip_raw_heard(const struct packet *p, const struct ip_rx *ip);	/* for input */
void ip_raw_error(struct packet *p, const struct ip_rx *sent, const struct ip_error *e);
/**
 * ip_output_header - send @p, whose data is at an IPv4 header that a user made (checked: its length lies within the packet)
 * Total length and checksum are filled in, and the identification if it is 0. Any net. Consumes. Return: as ip_output
 */
int ip_output_header(struct packet *p, struct ip_dst *dst);

/** ip_unreachable_port - answer @p, whose data is at the transport header, with ICMP "port unreachable", rate-limited. Does not consume. */
void ip_unreachable_port(struct packet *p, const struct ip_rx *ip);

/** ip_pmtu_update - the path to @dst takes at most @mtu bytes (RFC 1191, 8201): lowers what is known, never raises it. Any net. */
void ip_pmtu_update(const struct ip_addr *dst, u32 oif, u32 mtu);
/** ip_confirm - the next hop answers (forward progress of TCP): no need to probe it. */
void ip_confirm(struct ip_dst *dst);
/** ip_negative_advice - retransmissions go unanswered: look for another route. */
void ip_negative_advice(struct ip_dst *dst);

/** ip_ttl_default - hop limit for a destination of this version. */
u8 ip_ttl_default(bool v6);

/* Header MTU arithmetic. */
static inline u32 ip_header_min(bool v6) { return v6 ? 40 : 20; }

void ip_init(void);

#endif
