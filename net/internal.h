/* What the files of net/ share and others do not see. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/device.h"
#include "net/ip.h"
#include "net/stats.h"

/* xmit.c */
void device_queue_init(struct net_device *dev, u32 index);
void device_queue_purge(struct device_queue *q);

/* receive.c */
void receive_init(void);

/* ethernet.c */
extern const struct link_ops ethernet_link;

/* loopback.c */
void loopback_init(void);

/* ip.c */
const struct ip_protocol *ip_protocol_find(u8 protocol, bool v6);
/* icmp4.c: types and codes that other files name */
enum { ICMP_UNREACHABLE = 3, ICMP_PROTOCOL_UNREACHABLE = 2 };
/* icmp4.c: tell the sender of @p (data at the transport header) what went wrong; rate-limited. Does not consume */
void icmp4_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info);
void icmp4_init(void);
void ip4_init(void);

#endif
