/*
 * The text of /proc/net/tcp and tcp6: the sockets of AF_INET and those of AF_INET6.
 *
 * Source: Linux Documentation/networking/proc_net_tcp.rst, proc(5).
 */
#include <linux/in.h>
#include <linux/socket.h>
#include "net/stats.h"
#include "sock/diag.h"
#include "sock/tcp.h"
#include "vfs/procfs.h"

enum { WIDTH = 149 };

static void show(struct seq *s)
{
	seq_printf(s, "%-*s\n", WIDTH, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	inet_diag_show(s, tcp_diag_each, AF_INET, 4, WIDTH);
}

static void show6(struct seq *s)
{
	seq_puts(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid"
		    "  timeout inode\n");
	inet_diag_show(s, tcp_diag_each, AF_INET6, 4, 0);
}

/* In the order of /proc/net/snmp. A gauge that sums to less than 0 was read between two CPUs. */
static void counters(u64 sum[PROC_NET_TCP_COUNTERS])
{
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++)
		for (u32 i = 0; i < PROC_NET_TCP_COUNTERS; i++)
			sum[i] += tcp_stats[cpu].tcp[TCP_MIB_ACTIVEOPENS + i];
	if ((s64)sum[TCP_MIB_CURRESTAB - TCP_MIB_ACTIVEOPENS] < 0)
		sum[TCP_MIB_CURRESTAB - TCP_MIB_ACTIVEOPENS] = 0;
}

void tcp_show_init(void)
{
	static_assert(TCP_MIB_CSUMERRORS - TCP_MIB_ACTIVEOPENS + 1 == PROC_NET_TCP_COUNTERS, "the counters of /proc/net/snmp");

	proc_net_tcp_counters(counters);
	proc_add("net/tcp", 0444, show);
	proc_add("net/tcp6", 0444, show6);
}
