/*
 * Endpoints: the part of a socket that finds packets: addresses, ports, and the rules by which sockets share them.
 *
 * A struct net_endpoint is embedded in each UDP, TCP, raw socket (and in what TCP keeps of connections).  A struct port_table is one protocol's:
 * which ports are bound.  UDP looks sockets up here too (port_lookup); TCP keeps its own table of connections and uses this one for bound ports
 * and listeners, which stand in a chain of their own: a port may have any number of connections.
 *
 * Sharing (socket(7), SO_REUSEADDR and SO_REUSEPORT): two endpoints conflict on a port if their devices meet (same, or one has none), their
 * addresses meet (same, or one is a wildcard that covers the other's version), and not
 *	both have reuse, and the one that was there first does not listen (TCP), nor
 *	both have reuseport and belong to the same user.
 *
 * Locks: each bucket's, RANK_NET_PORT.  Lookups take none: RCU; endpoints are freed after a grace period.
 * Source: ip(7), ipv6(7), socket(7), RFC 6056 (choice of ports).
 */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include "base/list.h"
#include "kern/lock.h"
#include "kern/rcu.h"
#include "net/address.h"

/* Locks: b the bucket's · a atomic, read anywhere · I immutable */
struct net_endpoint {
	struct ip_addr local;		/* [b, read anywhere] any: not bound to one */
	struct ip_addr remote;		/* [a] any: not connected */
	u16 lport, rport;		/* [a] host order; 0: none */
	u8 protocol;			/* [I] IPPROTO_* */
	bool v6;			/* [I] an AF_INET6 socket */
	bool v6only;			/* [a] */
	bool reuse, reuseport;		/* [a] */
	bool listening;			/* [b, read anywhere] TCP: keeps others from sharing by reuse */
	bool local_chosen;		/* [a] local was given by bind, not by connect */
	bool port_chosen;		/* [a] lport was given by bind */
	u32 ifindex;			/* [a] SO_BINDTODEVICE, 0: none */
	u32 uid;			/* [I] the creator's */
	u32 wanted_cpu;			/* [a] SO_INCOMING_CPU plus 1: among equals, packets of this CPU; 0: any */
	struct hlist_node port_node;	/* [b] in the table's chain of its port */
	struct hlist_node listen_node;	/* [b, read under RCU] if listening, in that of the listeners */
	u32 bound;			/* [b] whether it is in the table */
};

enum { PORT_BUCKETS = 256 };

struct port_bucket {
	struct spinlock lock;		/* RANK_NET_PORT */
	struct hlist_head chain;
	struct hlist_head listeners;
} CACHELINE_ALIGNED;

struct port_table {
	struct port_bucket bucket[PORT_BUCKETS];	/* by port */
	u32 seed;
	/* conflict: whether @a and @b, which have the same port and whose devices and addresses meet, may not both have it; NULL: as told above */
	bool (*conflict)(const struct net_endpoint *a, const struct net_endpoint *b);
};

void port_table_init(struct port_table *t);

/**
 * port_bind - take @port (0: any of the local port range) with ep->local, ifindex, reuse… as set
 * Sets ep->lport.  An endpoint that is bound already is moved.
 * Return: 0, -EADDRINUSE (the endpoint is then bound to none); for port 0: all are taken
 */
MUST_CHECK int port_bind(struct port_table *t, struct net_endpoint *ep, u16 port);
/** port_share_refused - the rule above, for a table's own `conflict` to begin with; @b was there first. */
bool port_share_refused(const struct net_endpoint *a, const struct net_endpoint *b);
/** port_listen - @ep, which is bound, listens from now on (TCP). Return: 0, -EADDRINUSE (it stays as it was) */
MUST_CHECK int port_listen(struct port_table *t, struct net_endpoint *ep);
/** port_listen_end - and no longer; it stays bound. */
void port_listen_end(struct port_table *t, struct net_endpoint *ep);
/** port_inherit - @ep (a connection that a listener made) shares the listener's port without a check. */
void port_inherit(struct port_table *t, struct net_endpoint *ep, const struct net_endpoint *from);
/** port_unbind - give it back. */
void port_unbind(struct port_table *t, struct net_endpoint *ep);
/** port_set_local - ep->local changes to @local (connect chose it, or it is dissolved). */
void port_set_local(struct port_table *t, struct net_endpoint *ep, const struct ip_addr *local);

/**
 * port_lookup - the endpoint that a packet is for: the most specific match; among equals with SO_REUSEPORT by flow hash
 * @listening: only endpoints that listen (TCP)
 * Under RCU. NULL: none.
 */
struct net_endpoint *port_lookup(struct port_table *t, const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 ifindex,
				 bool listening);

/** port_each - call @fn for each endpoint that a packet to many (a group, a broadcast) fits, but for what the endpoint's owner decides. Under RCU */
void port_each(struct port_table *t, const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 ifindex,
	       void (*fn)(struct net_endpoint *ep, void *arg), void *arg);

/** port_listeners_walk - call @fn for each that listens, under RCU. Return: false: @fn did, and it ended there */
bool port_listeners_walk(struct port_table *t, bool (*fn)(struct net_endpoint *ep, void *arg), void *arg);

/** port_range - the local port range, inclusive. port_privileged - a port that needs CAP_NET_BIND_SERVICE */
void port_range(u16 *low, u16 *high);
bool port_privileged(u16 port);

/** port_flow_hash - of a flow, by the four parts of its name. */
u32 port_flow_hash(const struct ip_addr *src, u16 sport, const struct ip_addr *dst, u16 dport, u32 seed);

void net_ports_init(void);

#endif
