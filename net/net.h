/* The start of net/: what init/ calls. */
#ifndef NET_NET_H
#define NET_NET_H

/** net_init - everything of this directory; lo is up afterwards. Context: thread; before drivers and sockets. */
void net_init(void);

#endif
