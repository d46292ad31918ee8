/*
 * Taps: who sees every packet of a device, in and out, besides its protocol (packet sockets).
 *
 * Locks: the list: tap_lock; walks under RCU.  rx may be called with any lock of net/ up to RANK_NET_XMIT2 held: it queues a copy and no more.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include <linux/if_ether.h>
#include "base/list.h"
#include "net/packet.h"

struct packet_tap {
	struct list_head node;
	be16 type;			/* ETH_P_ALL: outgoing ones too */
	u32 ifindex;			/* 0: of all devices */
	/* rx: data is at the network header, the link header before it (packet_mac). Does not consume */
	void (*rx)(struct packet_tap *t, const struct packet *p);
};

void tap_add(struct packet_tap *t);
/** tap_remove - t->rx may still run for a grace period. */
void tap_remove(struct packet_tap *t);
extern u32 tap_count;			/* [a] */
/** tap_show - @p to those who want to see it; at receiving, and (type PACKET_GOING_OUT, data at the link header) at sending. Under RCU */
void tap_show(struct packet *p);

#endif
