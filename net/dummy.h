/* dummy: a device that takes every packet and keeps none, for addresses and routes that need a device. */
#ifndef NET_DUMMY_H
#define NET_DUMMY_H

struct net_device;

/** dummy_create - not yet registered. NULL: no memory. Context: thread */
struct net_device *dummy_create(const char *name);

#endif
