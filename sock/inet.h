/*
 * AF_INET and AF_INET6 sockets: what all types share.
 *
 *   inet.c         the families: creation by type and protocol, names, routes
 *   inet_addr.c    addresses of users
 *   inet_option.c  options of level IPPROTO_IP
 *   inet6_option.c options of level IPPROTO_IPV6
 *   inet_group.c   multicast groups
 *   inet_ioctl.c   interfaces: SIOCGIFCONF and its kin
 *   inet_dgram.c   what datagram sockets share; inet_udp.c UDP, inet_raw.c raw, inet_ping.c ICMP echo without privilege
 *   inet_stream.c  TCP, with inet_stream_*.c and tcp_*.c: see tcp.h
 *
 * Both families are one: addresses are struct ip_addr, and an AF_INET6 socket that speaks IPv4 has mapped addresses in its endpoint.
 * Departures: no flow labels, no extension headers from users.
 *
 * A type of socket registers itself with inet_register_type(); its struct begins with struct inet_sock.
 *
 * Locks: i->lock (spin, RANK_NET_SOCK) guards what is marked [i]; options marked [a] are plain words that are set and read alone.
 * Source: ip(7), ipv6(7), RFC 3493, RFC 3542.
 */
#ifndef SOCK_INET_H
#define SOCK_INET_H

#include <linux/in.h>
#include <linux/in6.h>
#include "net/endpoint.h"
#include "net/ip.h"
#include "sock/sock.h"

/* Locks: i lock · a atomic words · I immutable */
struct inet_sock {
	struct socket sock;		/* first */
	struct net_endpoint ep;		/* see net/endpoint.h */
	struct spinlock lock;		/* RANK_NET_SOCK */
	u32 refs;			/* [a] */
	struct ip_dst dst;		/* [i] cached route to ep.remote; ip_dst_valid() says whether it still holds */

	u8 tos;				/* [a] IP_TOS */
	s16 ttl;			/* [a] IP_TTL; -1: default */
	u8 mc_ttl;			/* [a] IP_MULTICAST_TTL */
	u8 pmtu;			/* [a] IP_MTU_DISCOVER */
	bool mc_loop, freebind, want_ttl, want_tos, want_pktinfo;	/* [a] */
	struct list_head groups;	/* memberships; see inet_group.c */
	u32 mc_if;			/* [a] IP_MULTICAST_IF; 0: by route */
	be32 mc_addr;			/* [a] the same as an address: the source of what is sent to groups */
	bool mc_all, mc_all6;		/* [a] IP_MULTICAST_ALL and its kin: groups that other sockets joined are wanted too */
	/* The same for IPv6. */
	u8 tclass;			/* [a] IPV6_TCLASS */
	s16 hops6, mc_hops6;		/* [a] IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS; -1: default */
	u8 pmtu6;			/* [a] IPV6_MTU_DISCOVER */
	u32 mc_if6;			/* [a] IPV6_MULTICAST_IF; 0: by route */
	bool mc_loop6, dontfrag6, want_hops6, want_tclass6, want_pktinfo6;	/* [a] */
	u32 wmem;			/* [a] bytes sent and not yet freed */
	u32 rmem;			/* [a] bytes in receive queues */
};

static inline struct inet_sock *inet_of(struct socket *s) { return container_of(s, struct inet_sock, sock); }

/* ---- types ---- */
struct inet_type {
	u32 type;			/* SOCK_STREAM… */
	u32 protocol;			/* IPPROTO_*; 0: any (raw) */
	bool by_default;		/* the one that protocol 0 means */
	bool v4_only;			/* not of AF_INET6 */
	u32 cap;			/* CAP_NET_RAW, or ~0: none */
	/* create: *out has inet_init() called. @v6: of family AF_INET6. */
	int (*create)(struct socket **out, bool v6, u32 type, u32 protocol);
	struct list_head node;
};
void inet_register_type(struct inet_type *t);
/** inet_init - what all have: socket_init and defaults. */
void inet_init(struct inet_sock *i, const struct socket_ops *ops, bool v6, u32 type, u32 protocol);

/* ---- addresses of users ---- */
/**
 * inet_addr_parse - check a sockaddr for this socket; IPv4 on an AF_INET6 socket only as mapped address, unless v6only
 * @scope: the interface that was given with an address of one link, else 0
 * Return: 0, -EINVAL (too short), -EAFNOSUPPORT, -ENETUNREACH (mapped but v6only)
 */
MUST_CHECK int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, struct ip_addr *addr, u16 *port, u32 *scope);
/** inet_addr_parse4 - a sockaddr_in, for AF_INET6 sockets that take these too. */
MUST_CHECK int inet_addr_parse4(const struct sock_addr *a, struct ip_addr *addr, u16 *port);
/** inet_addr_tell - as the socket's family shows it. */
void inet_addr_tell(const struct inet_sock *i, const struct ip_addr *addr, u16 port, u32 scope, struct sock_addr *out);
int inet_getname(struct socket *s, struct sock_addr *out, bool peer);	/* for socket_ops */

/** inet_bind_scope - bind() to @addr: the interface that an address of one link needs becomes the socket's. 0, -EINVAL (none), -ENODEV */
MUST_CHECK int inet_bind_scope(struct inet_sock *i, const struct ip_addr *addr, u32 scope);
/** inet_connect_scope - the same for connect(). 0, -EINVAL (none, or another than the socket is bound to) */
MUST_CHECK int inet_connect_scope(struct inet_sock *i, const struct ip_addr *addr, u32 scope);
/** inet_any - the wildcard of the socket's family. inet_loopback - what a wildcard as destination means */
struct ip_addr inet_any(const struct inet_sock *i);
struct ip_addr inet_or_loopback(const struct inet_sock *i, const struct ip_addr *dst);
/** inet_bind - bind(2): check the address and take the port in @ports, once. 0 or -errno */
MUST_CHECK int inet_bind(struct inet_sock *i, struct port_table *ports, const struct sock_addr *a);

/** inet_route - route for @i to @dst, by its options (device, TOS, mark, sources). Under RCU. 0 or -errno */
MUST_CHECK int inet_route(struct inet_sock *i, const struct ip_addr *dst, u16 dport, struct ip_dst *out);
/** inet_route_via - the same over @oif (0: any), from @src (NULL: the socket's own address) */
MUST_CHECK int inet_route_via(struct inet_sock *i, const struct ip_addr *dst, u16 dport, u32 oif, const struct ip_addr *src, struct ip_dst *out);
/** inet_send_fill - how the socket's packets to @to look: addresses, TTL, TOS, PMTU. */
void inet_send_fill(struct inet_sock *i, const struct ip_addr *to, const struct ip_dst *dst, struct ip_send *out);

/* ---- options: levels IPPROTO_IP, IPPROTO_IPV6, and those of SOL_SOCKET that families know; for socket_ops ---- */
int inet_setsockopt(struct socket *s, int level, int name, const void *value, u32 len);
int inet_getsockopt(struct socket *s, int level, int name, void *value, u32 *len);
int inet6_setsockopt(struct inet_sock *i, int name, const void *value, u32 len);
int inet6_getsockopt(struct inet_sock *i, int name, void *value, u32 *len);
/** inet_ioctl - addresses of interfaces, routes, for all types; -ENOTTY otherwise. */
s64 inet_ioctl(struct socket *s, u32 cmd, u64 arg);

/* inet_group.c */
/** inet_group_option - whether this option joins or leaves a group; inet_group_set does it. */
bool inet_group_option(int level, int name);
MUST_CHECK int inet_group_set(struct inet_sock *i, int level, int name, const void *value, u32 len);
MUST_CHECK int inet_group_set_device(struct inet_sock *i, const void *value, u32 len);
/** inet_groups_leave - all, at release. Context: thread, no lock */
void inet_groups_leave(struct inet_sock *i);
/** inet_group_wants - whether a datagram to @group that came over @ifindex is for this socket (its port and address fit). Under RCU */
bool inet_group_wants(const struct inet_sock *i, const struct ip_addr *group, u32 ifindex);

/* Started by sock_init(). */
void inet_families_init(void);
void tcp_init(void);		/* inet_stream.c */
void udp_init(void);		/* inet_udp.c */
void raw_init(void);		/* inet_raw.c */
void ping_init(void);		/* inet_ping.c */

#endif
