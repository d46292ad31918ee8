/* What sockets hear of ICMP: answers to the echoes of ping sockets. */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include "net/ip.h"

struct icmp_ping_ops {
	/* reply: an echo reply, data at the ICMP header, which is linear; under RCU, net context. Consumes */
	void (*reply)(struct packet *p, const struct ip_rx *ip);
	/* error: about an echo of ours; as struct ip_protocol's */
	void (*error)(struct packet *p, const struct ip_rx *sent, const struct ip_error *e);
};
void icmp_register_ping(const struct icmp_ping_ops *ops);	/* one */

#endif
