/*
 * What datagram sockets of AF_INET share: UDP (inet_udp.c), raw (inet_raw.c), ping (inet_ping.c).
 *
 * A datagram that comes in is queued whole on the socket's queue, up to rcvbuf bytes, and copied to the user once.  A sender's packets are
 * counted in wmem until the device (or, over lo, the receiver) lets go of them.
 *
 * Locks: d->queue_lock (RANK_NET_QUEUE) the receive queue; i->lock what connect changes.  References: the file's one; packets under way that
 * are charged to the socket one each.
 * Source: ip(7), udp(7), raw(7), icmp(7).
 */
#ifndef SOCK_INET_DGRAM_H
#define SOCK_INET_DGRAM_H

#include "kern/rcu.h"
#include "sock/diag.h"
#include "sock/inet.h"

struct slab_cache;

/* Locks: q queue_lock · a atomic · I immutable */
struct inet_dgram {
	struct inet_sock inet;		/* first */
	struct spinlock queue_lock;	/* RANK_NET_QUEUE */
	struct list_head queue;		/* [q] packets; data at what the user gets */
	struct list_head errors;	/* [q] packets: what ICMP said about what was sent (IP_RECVERR) */
	bool want_errors;		/* [a] IP_RECVERR */
	bool dead;			/* [q] released: takes no more */
	u32 drops;			/* [a] datagrams that found no room */
	struct slab_cache *cache;	/* [I] where it came from */
	struct rcu_head rcu;
};

/* In the control block of a queued packet. */
struct inet_dgram_cb {
	struct ip_addr src, dst;
	u32 ifindex;
	u16 sport;
	u8 ttl, tos;
	u64 wall_ns;			/* when it came in; 0: nobody wanted to know then */
};

/* Where a datagram comes from and goes to. */
struct inet_dgram_route {
	struct ip_addr to, src;	/* src: of this datagram alone; any: the socket's */
	u32 oif;		/* over that device; 0: any */
	u16 sport, dport;
	u8 ttl;			/* of this datagram alone; 0: the socket's */
	s16 tos;		/* the same; -1 */
};

static inline struct inet_dgram *inet_dgram_of(struct socket *s) { return container_of(inet_of(s), struct inet_dgram, inet); }

/** inet_dgram_new - from @cache, whose objects begin with struct inet_dgram; zeroed, inet_init() called. NULL: no memory */
void *inet_dgram_new(struct slab_cache *cache, u32 bytes, const struct socket_ops *ops, bool v6, u32 type, u32 protocol);
/** inet_dgram_close - empty the queue and drop the file's reference. */
void inet_dgram_close(struct inet_dgram *d);

/* ---- sending ---- */
int inet_dgram_may_broadcast(const struct inet_sock *i, const struct ip_dst *dst);	/* 0, -EACCES */
/** inet_dgram_destination4 - @r->to: as the message says, or the peer; of sockets over IPv4 without ports. 0, -EDESTADDRREQ, -EINVAL… */
MUST_CHECK int inet_dgram_destination4(struct inet_sock *i, const struct sock_msg *m, struct inet_dgram_route *r);
/** inet_dgram_control - what the message says of this datagram alone: TTL, TOS, over IPv6 source and device too. 0, -EINVAL, -ENODEV */
MUST_CHECK int inet_dgram_control(const struct inet_sock *i, const struct sock_msg *m, struct inet_dgram_route *r);
/** inet_dgram_wait_room - until wmem is below sndbuf. 0, -EAGAIN, -EPIPE, -EINTR… */
MUST_CHECK int inet_dgram_wait_room(struct inet_sock *i, u32 flags);
/** inet_dgram_packet - a packet of @n bytes of @m, charged to @d. ERR_PTR(-ENOBUFS, -EFAULT…) */
struct packet *inet_dgram_packet(struct inet_dgram *d, struct sock_msg *m, u32 n);

/* ---- receiving ---- */
/** inet_dgram_enqueue - @p, whose data is what the user gets, with @ip in its control block. Net context. Consumes. Return: whether there was room */
bool inet_dgram_enqueue(struct inet_dgram *d, struct packet *p, const struct ip_rx *ip, u16 sport);
/** inet_dgram_filter - what the socket's filter leaves of @p, at least @least bytes. Return: false: nothing, @p is consumed */
MUST_CHECK bool inet_dgram_filter(struct inet_dgram *d, struct packet *p, u32 least);
/**
 * inet_dgram_error - ICMP says @e about a datagram of ours: told to a connected socket if it is hard, and to one that set IP_RECVERR always
 * @p:      what we sent, data at the transport header, of @header bytes
 * @port:   where it went
 * Net context. Does not consume.
 */
void inet_dgram_error(struct inet_dgram *d, const struct packet *p, u32 header, const struct ip_rx *sent, const struct ip_error *e, u16 port);

/** inet_dgram_tell - the control messages that @i asked for. */
void inet_dgram_tell(struct inet_sock *i, struct sock_msg *m, const struct inet_dgram_cb *cb);

/* For socket_ops. */
s64 inet_dgram_recvmsg(struct socket *s, struct sock_msg *m);
int inet_dgram_shutdown(struct socket *s, u32 how);
u32 inet_dgram_poll(struct socket *s);
s64 inet_dgram_ioctl(struct socket *s, u32 cmd, u64 arg);
int inet_dgram_setsockopt(struct socket *s, int level, int name, const void *value, u32 len);
int inet_dgram_getsockopt(struct socket *s, int level, int name, void *value, u32 *len);

/** inet_dgram_row - what ss and /proc/net are told of it. */
struct inet_diag_row inet_dgram_row(struct inet_dgram *d, u32 slot);

#endif
