/*
 * AF_INET and AF_INET6 sockets: what all types share.
 *
 *   inet.c         the two families: creation by type and protocol, names, addresses of users, interface ioctls
 *   inet_option.c  options of levels IPPROTO_IP and IPPROTO_IPV6
 *   inet_cmsg.c    ancillary data of both
 *   inet_error.c   the error queue (IP_RECVERR)
 *   inet_group.c   multicast membership
 *   inet_dgram.c   UDP and ping;  inet_raw.c  raw sockets;  inet_stream.c  TCP (with net/tcp)
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

struct inet_group;

/* inet_sock->want: ancillary data that the receiver asked for */
enum {
	WANT_PKTINFO = 1 << 0, WANT_TTL = 1 << 1, WANT_TOS = 1 << 2, WANT_RECVOPTS = 1 << 3, WANT_RETOPTS = 1 << 4, WANT_ORIGDST = 1 << 5,
	WANT_CHECKSUM = 1 << 6, WANT_FRAGSIZE = 1 << 7,
	WANT6_PKTINFO = 1 << 8, WANT6_HOPLIMIT = 1 << 9, WANT6_TCLASS = 1 << 10, WANT6_HOPOPTS = 1 << 11, WANT6_DSTOPTS = 1 << 12,
	WANT6_RTHDR = 1 << 13, WANT6_ORIGDST = 1 << 14, WANT6_FLOWINFO = 1 << 15, WANT6_PATHMTU = 1 << 16, WANT6_FRAGSIZE = 1 << 17,
	WANT6_2292_PKTINFO = 1 << 18, WANT6_2292_HOPLIMIT = 1 << 19,
};

/* Locks: i lock · a atomic words · I immutable */
struct inet_sock {
	struct socket sock;		/* first */
	struct net_endpoint ep;		/* see net/endpoint.h */
	struct spinlock lock;		/* RANK_NET_SOCK */
	u32 refs;			/* [a] */
	struct ip_dst dst;		/* [i] cached route to ep.remote; ip_dst_valid() says whether it still holds */

	u8 tos, tclass;			/* [a] IP_TOS, IPV6_TCLASS */
	s16 ttl, hops;			/* [a] IP_TTL, IPV6_UNICAST_HOPS; -1: default */
	u8 mc_ttl;			/* [a] */
	s16 mc_hops;			/* [a] */
	u8 pmtu, pmtu6;			/* [a] IP_MTU_DISCOVER, IPV6_MTU_DISCOVER */
	bool recverr, recverr6;		/* [a] */
	bool mc_loop, mc_loop6, mc_all, mc_all6;	/* [a] */
	bool freebind, transparent, hdrincl, nodefrag, bind_no_port, router_alert;	/* [a] */
	bool dontfrag6, flowinfo_send, autoflow, recverr_rfc4884;			/* [a] */
	u8 min_ttl, min_hops;		/* [a] */
	u32 frag_size6;			/* [a] IPV6_MTU */
	u32 want;			/* [a] WANT_* */
	u32 mc_index, mc_index6;	/* [a] IP_MULTICAST_IF, IPV6_MULTICAST_IF */
	be32 mc_addr;			/* [a] */
	u32 ucast_index, ucast_index6;	/* [a] IP_UNICAST_IF */
	be32 flow_label;		/* [a] of a connected IPv6 socket */
	u32 addr_preferences;		/* [a] IPV6_ADDR_PREFERENCES */
	u32 scope;			/* [a] sin6_scope_id of the peer or local address */
	u8 options[40], options_len;	/* [i] IP_OPTIONS */
	struct list_head groups;	/* [rtnl] struct inet_group */
	struct list_head error_queue;	/* [i] packets with struct inet_error in their control block */
	u32 error_count;		/* [i, read anywhere] */
	u32 wmem;			/* [a] bytes sent and not yet freed */
	u32 rmem;			/* [a] bytes in receive queues */
};

static inline struct inet_sock *inet_of(struct socket *s) { return container_of(s, struct inet_sock, sock); }

/* ---- types ---- */
struct inet_type {
	u32 type;			/* SOCK_STREAM… */
	u32 protocol;			/* IPPROTO_*; 0: any (raw) */
	bool by_default;		/* the one that protocol 0 means */
	u32 cap;			/* CAP_NET_RAW, or ~0: none */
	/* create: *out has inet_init() called. @v6: of family AF_INET6. */
	int (*create)(struct socket **out, bool v6, u32 type, u32 protocol);
	struct list_head node;
};
void inet_register_type(struct inet_type *t);
/** inet_init - what all have: socket_init and defaults. */
void inet_init(struct inet_sock *i, const struct socket_ops *ops, bool v6, u32 type, u32 protocol);
/** inet_fini - leave groups, drop error queue; before the struct is freed after a grace period. Thread context. */
void inet_fini(struct inet_sock *i);

/* ---- addresses of users ---- */
/**
 * inet_addr_parse - check a sockaddr for this socket; IPv4 on an AF_INET6 socket only as mapped address, unless v6only
 * @scope: interface of a link-local address, 0: none given
 * Return: 0, -EINVAL (too short), -EAFNOSUPPORT, -ENETUNREACH (mapped but v6only)
 */
MUST_CHECK int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, struct ip_addr *addr, u16 *port, u32 *scope);
/** inet_addr_tell - as the socket's family shows it. */
void inet_addr_tell(const struct inet_sock *i, const struct ip_addr *addr, u16 port, u32 scope, struct sock_addr *out);
/**
 * inet_bind_check - may @i be bound to what @a says; nothing is changed.
 * Return: 0, -EADDRNOTAVAIL, -EACCES (privileged port), those of inet_addr_parse
 */
MUST_CHECK int inet_bind_check(struct inet_sock *i, const struct sock_addr *a, struct ip_addr *addr, u16 *port, u32 *scope);
int inet_getname(struct socket *s, struct sock_addr *out, bool peer);	/* for socket_ops */

/** inet_route - route for @i to @dst, by its options (device, TOS, mark, sources). Under RCU. 0 or -errno */
MUST_CHECK int inet_route(struct inet_sock *i, const struct ip_addr *dst, u16 dport, struct ip_dst *out);
/** inet_send_fill - how the socket's packets look: TTL, TOS, PMTU, options. */
void inet_send_fill(struct inet_sock *i, const struct ip_dst *dst, struct ip_send *out);

/* ---- options: levels IPPROTO_IP, IPPROTO_IPV6, and those of SOL_SOCKET that families know; for socket_ops ---- */
int inet_setsockopt(struct socket *s, int level, int name, const void *value, u32 len);
int inet_getsockopt(struct socket *s, int level, int name, void *value, u32 *len);
/** inet_ioctl - SIOCGIFCONF and its kin, for all types; -ENOTTY otherwise. */
s64 inet_ioctl(struct socket *s, u32 cmd, u64 arg);

/* ---- error queue ---- */
/** inet_error_icmp - an ICMP error for this socket: queued if IP_RECVERR. @p: data at the transport header, @payload bytes further is the user's data. Net context */
void inet_error_icmp(struct inet_sock *i, const struct packet *p, u32 payload, const struct ip_rx *sent, const struct ip_error *e);
/** inet_error_local - an error that sending itself found (EMSGSIZE). */
void inet_error_local(struct inet_sock *i, int error, const struct ip_addr *dst, u16 dport, u32 info);
/** inet_error_recv - recvmsg with MSG_ERRQUEUE. Return: bytes, -EAGAIN, -EFAULT */
s64 inet_error_recv(struct inet_sock *i, struct sock_msg *m);
static inline bool inet_wants_errors(const struct inet_sock *i, bool v6_peer) { return v6_peer ? i->recverr6 : i->recverr; }

/* Started by sock_init(). */
void inet_families_init(void);

#endif
