/* Ethernet: what drivers call on a received frame. */
#ifndef NET_ETHERNET_H
#define NET_ETHERNET_H

#include "base/types.h"

struct net_device;
struct packet;

/** ethernet_parse - set dev, protocol and type from the header and take it off. Return: false: too short */
bool ethernet_parse(struct packet *p, struct net_device *dev);

#endif
