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
/* for net_device_ops.set_addr of devices that take any station's address. 0, -EADDRNOTAVAIL */
int ethernet_any_addr(struct net_device *dev, const u8 *addr);

/* device_node.c */
void device_nodes_init(void);

/* proc_net.c */
void proc_net_init(void);

/* loopback.c */
void loopback_init(void);

/* ip.c */
const struct ip_protocol *ip_protocol_find(u8 protocol, bool v6);
/* icmp4.c: types and codes that other files name */
enum { ICMP_UNREACHABLE = 3, ICMP_PROTOCOL_UNREACHABLE = 2 };
/* icmp4.c: tell the sender of @p (data at the transport header) what went wrong; rate-limited. Does not consume */
void icmp4_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info);
void icmp4_unreachable_port(struct packet *p, const struct ip_rx *ip);
/** icmp_may_send - whether one more error may go out this second, of either version */
bool icmp_may_send(void);
void icmp4_init(void);

/* Each version's part of net/ip.h. */
/** ip_pmtu - what is known of the path to @dst, at most @mtu */
u32 ip_pmtu(const struct ip_addr *dst, u32 mtu);
/* ip4_route, ip6_route: @out is cleared but for generation, kind (unicast) and gateway (flow->dst); @oif: flow->oif's device, NULL: any */
MUST_CHECK int ip4_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif);
MUST_CHECK int ip6_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif);
bool ip4_is_local(const struct ip_addr *a, u32 ifindex);
bool ip6_is_local(const struct ip_addr *a, u32 ifindex);
bool ip4_may_bind(const struct ip_addr *a);
bool ip6_may_bind(const struct ip_addr *a, u32 ifindex);
int ip4_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s);
int ip6_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s);
void ip4_init(void);
void ip6_init(void);

/* arp.c */
void arp_init(void);

/* icmp6.c: as icmp4_send. @info: the MTU or the pointer */
void icmp6_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info);
void icmp6_unreachable_port(struct packet *p, const struct ip_rx *ip);
void icmp6_init(void);

/* proc_net6.c */
void proc_net6_init(void);

#endif
