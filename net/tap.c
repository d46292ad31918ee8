/* Taps.  tap.h is the contract. */
#include "kern/lock.h"
#include "kern/rcu.h"
#include "net/device.h"
#include "net/tap.h"

static LIST_HEAD(taps);			/* [tap_lock, read under RCU] */
static struct spinlock tap_lock = SPINLOCK_INIT(RANK_NET_LEAF);
u32 tap_count;

void tap_add(struct packet_tap *t)
{
	spin_lock(&tap_lock);
	list_add_tail_rcu(&t->node, &taps);
	atomic_inc(&tap_count);
	spin_unlock(&tap_lock);
}

void tap_remove(struct packet_tap *t)
{
	spin_lock(&tap_lock);
	list_del_rcu(&t->node);
	atomic_dec(&tap_count);
	spin_unlock(&tap_lock);
}

void tap_show(struct packet *p)
{
	bool out = p->type == PACKET_GOING_OUT;
	struct packet_tap *t;

	list_for_each_entry_rcu(t, &taps, node) {
		bool all = t->type == cpu_to_be16(ETH_P_ALL);

		if ((all || (!out && t->type == p->protocol)) && (!t->ifindex || t->ifindex == p->dev->ifindex))
			t->rx(t, p);
	}
}
