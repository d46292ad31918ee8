/*
 * The counters of IP, ICMP, UDP and TCP (RFC 4293, RFC 4113, RFC 4022), as /proc/net/snmp and netstat will show them: one set a CPU, each touched by
 * its CPU alone.
 */
#ifndef NET_STATS_H
#define NET_STATS_H

#include <linux/snmp.h>
#include "plat/plat.h"

struct ip4_stats {
	u64 in_receives, in_header_errors, in_address_errors, in_unknown_protocols, in_discards, in_delivers, out_requests, out_discards,
		out_no_routes, reasm_requests, reasm_oks, reasm_fails, reasm_timeouts, frag_oks, frag_fails, frag_creates;
	u64 icmp_in, icmp_in_errors, icmp_in_csum_errors, icmp_out, icmp_out_limited, icmp_in_type[19], icmp_out_type[19];
	u64 udp_in, udp_no_ports, udp_in_errors, udp_out, udp_rcvbuf_errors, udp_csum_errors;
} CACHELINE_ALIGNED;
extern struct ip4_stats ip4_stats[CPUS_MAX];
#define IP4_COUNT(field) (ip4_stats[plat_cpu_id()].field++)

/* The same of IPv6, as /proc/net/snmp6 shows them (RFC 4293). */
struct ip6_stats {
	u64 in_receives, in_header_errors, in_address_errors, in_unknown_protocols, in_truncated, in_discards, in_delivers, out_requests,
		out_discards, reasm_requests, reasm_oks, reasm_fails, reasm_timeouts, frag_oks, frag_fails, frag_creates, in_multicast, out_multicast;
	u64 icmp_in, icmp_in_errors, icmp_in_csum_errors, icmp_out, icmp_in_type[256], icmp_out_type[256];
	u64 udp_in, udp_no_ports, udp_in_errors, udp_out, udp_rcvbuf_errors, udp_csum_errors;
} CACHELINE_ALIGNED;
extern struct ip6_stats ip6_stats[CPUS_MAX];
#define IP6_COUNT(field) (ip6_stats[plat_cpu_id()].field++)

/* TCP's: by TCP_MIB_* and LINUX_MIB_* of <linux/snmp.h>.  TCP_MIB_CURRESTAB is a gauge: it may go below 0 on one CPU, the sum may not. */
struct tcp_stats {
	u64 tcp[__TCP_MIB_MAX], more[__LINUX_MIB_MAX];
} CACHELINE_ALIGNED;
extern struct tcp_stats tcp_stats[CPUS_MAX];
#define TCP_COUNT(mib) (tcp_stats[plat_cpu_id()].tcp[TCP_MIB_##mib]++)
#define TCP_COUNT_MORE(mib) (tcp_stats[plat_cpu_id()].more[LINUX_MIB_##mib]++)

/* TCP's part of /proc/net/snmp: ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors. */
enum { PROC_NET_TCP_COUNTERS = 11 };
/** proc_net_tcp_counters - who adds them up; @out is all 0 before. At boot */
void proc_net_tcp_counters(void (*counters)(u64 out[PROC_NET_TCP_COUNTERS]));

#endif
