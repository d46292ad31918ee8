/*
 * The lock of the network's configuration: devices, addresses, routes.  Sleeping, RANK_RTNL.  Packets never take it.
 */
#ifndef NET_RTNL_H
#define NET_RTNL_H

void rtnl_lock(void);
void rtnl_unlock(void);

#endif
