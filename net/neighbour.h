/*
 * Neighbours on a link: who has which hardware address (ARP; IPv6's discovery will share it).
 *
 *	none --packet--> INCOMPLETE --reply--> REACHABLE --packet after 30 s--> PROBE --reply--> REACHABLE
 *	                     | 3 requests unanswered                             | 3 unanswered
 *	                     v                                                   v
 *	                   FAILED: what waits is dropped, -EHOSTUNREACH for 1 s  FAILED
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
	be32 ip;			/* [I] */
	struct spinlock lock;
	u8 state;			/* [n, read anywhere] NUD_* */
	u8 probes;			/* [n] sent and unanswered */
	u8 addr[ETH_ALEN];		/* [n] */
	u64 confirmed_ns;		/* [n] */
	struct list_head queue;		/* [n] */
	u32 queued;			/* [n] */
	struct net_timer timer;
};

/** neighbour_output - send @p to @ip over @dev: now, or once the address is known. Net context. Consumes. 0, -EHOSTUNREACH, -ENOMEM, -ENOBUFS */
int neighbour_output(struct packet *p, struct net_device *dev, be32 ip);
/** neighbour_confirm - it answered, as a protocol above knows. Net context */
void neighbour_confirm(struct net_device *dev, be32 ip);
/** neighbour_each - call @fn for each, under RCU. */
void neighbour_each(void (*fn)(const struct neighbour *n, void *arg), void *arg);

void arp_init(void);

#endif
