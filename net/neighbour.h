/*
 * Neighbours on a link, of both IP versions: who has which hardware address.  ARP (arp.c) and IPv6's discovery (ndp.c) ask and bring news.
 *
 *	none --packet--> INCOMPLETE --answer--> REACHABLE --packet after 30 s--> PROBE --answer--> REACHABLE
 *	                     | 3 questions unanswered  ^                          | 3 unanswered
 *	                     v                         | answer                   v
 *	                   FAILED: what waits is     STALE --packet--> PROBE    FAILED
 *	                   dropped, -EHOSTUNREACH for 1 s
 *
 * STALE: somebody claimed the address without having been asked, or a user set it so.  Packets use the last known address while it is probed.
 * PERMANENT: a user set it; it is never probed nor learnt anew.
 *
 * Packets for an INCOMPLETE neighbour wait in its queue, at most NEIGH_QUEUE_MAX: the oldest goes.
 *
 * Locks: n n->lock (RANK_NET_NEIGH) · t the table's · lookups under RCU.
 * Source: RFC 826, RFC 1122 section 2.3.2, RFC 4861 section 7.3 (states); arp(7).
 */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H

#include <linux/neighbour.h>
#include "net/device.h"

enum { NEIGH_QUEUE_MAX = 64, NEIGH_TABLE_MAX = 1024, NEIGH_PROBES = 3 };

struct neighbour {
	struct hlist_node node;		/* [t, read under RCU] */
	struct net_device *dev;		/* [I] counted */
	struct ip_addr ip;		/* [I] of either version */
	struct spinlock lock;
	u8 state;			/* [n, read anywhere] NUD_* */
	u8 probes;			/* [n] sent and unanswered */
	u8 addr[ETH_ALEN];		/* [n] */
	bool router;			/* [n] IPv6: it says that it is one */
	u64 confirmed_ns;		/* [n] */
	struct list_head queue;		/* [n] */
	u32 queued;			/* [n] */
	struct net_timer timer;
};

/** neighbour_output - send @p to @ip over @dev: now, or once the address is known. Net context. Consumes. 0, -EHOSTUNREACH, -ENOMEM, -ENOBUFS */
int neighbour_output(struct packet *p, struct net_device *dev, const struct ip_addr *ip);
/** neighbour_confirm - it answered, as a protocol above knows. Net context */
void neighbour_confirm(struct net_device *dev, const struct ip_addr *ip);
/** neighbour_each - call @fn for each until it returns false, under RCU: it does not sleep. */
void neighbour_each(bool (*fn)(struct neighbour *n, void *arg), void *arg);

/* As it is at one moment. */
struct neighbour_view {
	struct net_device *dev;		/* valid under rtnl */
	struct ip_addr ip;
	bool router;
	u16 state;			/* NUD_*; what was REACHABLE too long ago is STALE */
	u8 probes;
	u8 addr[ETH_ALEN];
	u64 confirmed_ns;
};
void neighbour_look(struct neighbour *n, struct neighbour_view *out);
/** neighbour_get - Under RCU or rtnl. Return: whether it is there */
bool neighbour_get(const struct net_device *dev, const struct ip_addr *ip, struct neighbour_view *out);
/**
 * neighbour_set - make or change one as a user says [rtnl]
 * @addr: NULL: as it is
 * @how:  NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE
 * Return: 0, -ENOENT, -EEXIST, -ENOBUFS
 */
MUST_CHECK int neighbour_set(struct net_device *dev, const struct ip_addr *ip, u16 state, const u8 *addr, u32 how);
/** neighbour_delete - [rtnl] 0, -ENOENT */
int neighbour_delete(struct net_device *dev, const struct ip_addr *ip);
/** neighbour_flush - all of @dev go. [rtnl] */
void neighbour_flush(const struct net_device *dev);
/** neighbour_listen - who is told of changes; one, or none. In thread or net context, no lock held but perhaps rtnl. */
void neighbour_listen(void (*told)(struct neighbour *n, bool gone));

/* News of a neighbour. */
struct neighbour_news {
	const u8 *addr;			/* its hardware address; NULL: not told */
	bool answer;			/* we had asked: it is reachable. Else a claim: it becomes STALE if that changes anything */
	bool override;			/* the address may replace one that is known */
	bool create;			/* worth an entry if there is none */
	bool tells_router, router;	/* IPv6: whether it is a router is told */
};
/** neighbour_hear - ARP and discovery bring news; what waited is sent. Net context */
void neighbour_hear(struct net_device *dev, const struct ip_addr *ip, const struct neighbour_news *news);

/* solicit: ask for @ip's address; @known: by unicast to that address, NULL: the whole link. n->lock held: sending takes locks of higher rank only */
typedef void neighbour_solicit_fn(struct net_device *dev, const struct ip_addr *ip, const u8 *known);
neighbour_solicit_fn arp_solicit, ndp_solicit;

void neighbour_init(void);

#endif
