/* What the files of net/ share and others do not see. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/device.h"
#include "net/ip.h"

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
/* icmp4.c: tell the sender of @p (data at the transport header) what went wrong; rate-limited. Does not consume */
void icmp4_send(struct packet *p, const struct ip_rx *ip, u8 type, u8 code, u32 info);
void icmp4_init(void);
void ip4_init(void);

/* Counters of /proc/net/snmp, one set a CPU. */
struct ip4_stats {
	u64 in_receives, in_header_errors, in_address_errors, in_unknown_protocols, in_discards, in_delivers, out_requests, out_discards,
		out_no_routes, reasm_fails, frag_oks, frag_fails, frag_creates;
	u64 icmp_in, icmp_in_errors, icmp_in_csum_errors, icmp_out, icmp_in_type[19], icmp_out_type[19];
	u64 udp_in, udp_no_ports, udp_in_errors, udp_out, udp_rcvbuf_errors, udp_csum_errors;
} CACHELINE_ALIGNED;
extern struct ip4_stats ip4_stats[CPUS_MAX];
#define IP4_COUNT(field) (ip4_stats[plat_cpu_id()].field++)

#endif
