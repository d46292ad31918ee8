/*
 * The lock of the network's configuration: devices, addresses, routes.  Sleeping, RANK_RTNL.  Packets never take it.
 */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include "base/list.h"

void rtnl_lock(void);
/** rtnl_unlock - and then run what was deferred, without the lock. */
void rtnl_unlock(void);

/* A function to be called once rtnl is let go: what takes locks that come before it. */
struct rtnl_todo {
	struct list_head node;
	void (*fn)(struct rtnl_todo *t);
};
void rtnl_defer(struct rtnl_todo *t);	/* [rtnl] in order */

#endif
