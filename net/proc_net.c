/*
 * /proc/net: what devices, routes, neighbours and IPv4's counters say.
 *
 * Not there, since what they would tell is not kept: netstat, igmp, dev_mcast, protocols.
 *
 * Source: proc(5), Linux Documentation/networking/snmp_counter.rst; RFC 4293, RFC 4113, RFC 4022 (names and order of counters).
 */
#include <linux/errno.h>
#include <linux/if_arp.h>
#include <linux/route.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/route4.h"
#include "net/rtnl.h"
#include "vfs/procfs.h"

enum { ROUTE_WIDTH = 127, ARP_MAX = NEIGH_TABLE_MAX };

/* ---- dev ---- */

static void show_dev(struct seq *s)
{
	seq_puts(s, "Inter-|   Receive                                                |  Transmit\n"
		 " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	rtnl_lock();
	for (struct net_device *dev = device_next(NULL); dev; dev = device_next(dev)) {
		struct device_stats d;

		device_stats_sum(dev, &d);
		seq_printf(s, "%6s: %7llu %7llu %4llu %4llu %4u %5llu %10u %9llu %8llu %7llu %4llu %4llu %4u %5u %7u %10u\n", dev->name, d.rx_bytes,
			   d.rx_packets, d.rx_errors, d.rx_dropped, 0, d.rx_length_errors, 0, d.multicast, d.tx_bytes, d.tx_packets, d.tx_errors,
			   d.tx_dropped, 0, 0, 0, 0);
	}
	rtnl_unlock();
}

/* ---- route ---- */

static void padded(struct seq *s, size_t start, u32 width)
{
	while (s->len - start < width && !s->err)
		seq_putc(s, ' ');
	seq_putc(s, '\n');
}

static u32 flags_of(const struct route4 *r)
{
	return RTF_UP | (r->gateway ? RTF_GATEWAY : 0) | (r->prefix_len == 32 ? RTF_HOST : 0) |
	       (r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT ? RTF_REJECT : 0);
}

static bool shown(const struct route4 *r)
{
	return r->table == RT_TABLE_MAIN && r->type != RTN_BROADCAST && r->type != RTN_MULTICAST;
}

static void show_route(struct seq *s)
{
	size_t start = s->len;
	u32 n = 0;

	seq_puts(s, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	padded(s, start, ROUTE_WIDTH);
	rtnl_lock();
	struct route4_slot *all = route4_sorted(&n);

	if (!all)
		s->err = -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		const struct route4 *r = all[i].route;

		if (!shown(r))
			continue;
		start = s->len;
		seq_printf(s, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0", r->dev ? r->dev->name : "*", r->prefix, r->gateway, flags_of(r),
			   r->metric, ip4_mask(r->prefix_len));
		padded(s, start, ROUTE_WIDTH);
	}
	rtnl_unlock();
	kvfree(all);
}

/* ---- arp ---- */

struct arp_list {
	struct neighbour_view *all;
	u32 count;
};

static bool take_neighbour(struct neighbour *n, void *arg)
{
	struct arp_list *l = arg;

	neighbour_look(n, &l->all[l->count]);
	if (ip_addr_is_v4(&l->all[l->count].ip) && l->all[l->count].state != NUD_NONE && l->all[l->count].state != NUD_NOARP)
		l->count++;
	return l->count < ARP_MAX;
}

static void show_neighbour(struct seq *s, const struct neighbour_view *v)
{
	bool valid = v->state & (NUD_PERMANENT | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY);
	const u8 *ip = v->ip.b + 12, *a = v->addr;
	char text[16];

	scnprintf(text, sizeof(text), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	seq_printf(s, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", text, v->dev->type,
		   (valid ? ATF_COM : 0u) | (v->state == NUD_PERMANENT ? ATF_PERM : 0u), a[0], a[1], a[2], a[3], a[4], a[5], v->dev->name);
}

static void show_arp(struct seq *s)
{
	struct arp_list l = { .all = kvmalloc(ARP_MAX * sizeof(*l.all), ALLOC_KERNEL) };

	if (!l.all) {
		s->err = -ENOMEM;
		return;
	}
	seq_puts(s, "IP address       HW type     Flags       HW address            Mask     Device\n");
	rtnl_lock();
	neighbour_each(take_neighbour, &l);
	for (u32 i = 0; i < l.count; i++)
		show_neighbour(s, &l.all[i]);
	rtnl_unlock();
	kvfree(l.all);
}

/* ---- snmp ---- */

static u64 sum(size_t offset)
{
	u64 n = 0;

	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++)
		n += *(const u64 *)(const void *)((const u8 *)&ip4_stats[cpu] + offset);
	return n;
}
#define SUM(field) sum(offsetof(struct ip4_stats, field))

static void show_snmp_ip(struct seq *s)
{
	seq_puts(s, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests "
		 "OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n");
	seq_printf(s, "Ip: 2 %u %llu %llu %llu 0 %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n", ip_ttl_default(false), SUM(in_receives),
		   SUM(in_header_errors), SUM(in_address_errors), SUM(in_unknown_protocols), SUM(in_discards), SUM(in_delivers), SUM(out_requests),
		   SUM(out_discards), SUM(out_no_routes), SUM(reasm_timeouts), SUM(reasm_requests), SUM(reasm_oks), SUM(reasm_fails), SUM(frag_oks),
		   SUM(frag_fails), SUM(frag_creates));
}

/* The types that have columns of their own, in their order. */
static const u8 icmp_columns[] = { 3, 11, 12, 4, 5, 8, 0, 13, 14, 17, 18 };

static void show_snmp_icmp(struct seq *s)
{
	seq_puts(s, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps "
		 "InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost "
		 "OutDestUnreachs OutTimeExcds OutParmProbs "
		 "OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps\n");
	seq_printf(s, "Icmp: %llu %llu %llu", SUM(icmp_in), SUM(icmp_in_errors), SUM(icmp_in_csum_errors));
	for (u32 i = 0; i < ARRAY_SIZE(icmp_columns); i++)
		seq_u64(s, ' ', SUM(icmp_in_type[icmp_columns[i]]));
	seq_printf(s, " %llu 0 %llu 0", SUM(icmp_out), SUM(icmp_out_limited));
	for (u32 i = 0; i < ARRAY_SIZE(icmp_columns); i++)
		seq_u64(s, ' ', SUM(icmp_out_type[icmp_columns[i]]));
	seq_putc(s, '\n');
}

/* Only types that have been seen. */
static void show_snmp_icmp_types(struct seq *s)
{
	const u32 types = ARRAY_SIZE(ip4_stats[0].icmp_in_type);
	bool any = false;

	for (u32 line = 0; line < 2; line++) {
		for (u32 t = 0; t < 2 * types; t++) {
			bool out = t >= types;
			u64 n = out ? SUM(icmp_out_type[t - types]) : SUM(icmp_in_type[t]);

			if (!n)
				continue;
			if (!any)
				seq_puts(s, "IcmpMsg:");
			any = true;
			if (line)
				seq_u64(s, ' ', n);
			else
				seq_printf(s, " %sType%u", out ? "Out" : "In", out ? t - types : t);
		}
		if (any)
			seq_puts(s, line ? "\n" : "\nIcmpMsg:");
	}
}

static void (*tcp_counters)(u64 out[PROC_NET_TCP_COUNTERS]);	/* set at boot; NULL: no TCP */

void proc_net_tcp_counters(void (*counters)(u64 out[PROC_NET_TCP_COUNTERS]))
{
	tcp_counters = counters;
}

static void show_snmp(struct seq *s)
{
	u64 tcp[PROC_NET_TCP_COUNTERS] = { 0 };

	if (tcp_counters)
		tcp_counters(tcp);
	show_snmp_ip(s);
	show_snmp_icmp(s);
	show_snmp_icmp_types(s);
	seq_puts(s, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs "
		 "InErrs OutRsts InCsumErrors\nTcp: 1 200 120000 -1");
	for (u32 i = 0; i < PROC_NET_TCP_COUNTERS; i++)
		seq_u64(s, ' ', tcp[i]);
	seq_puts(s, "\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n");
	seq_printf(s, "Udp: %llu %llu %llu %llu %llu 0 %llu 0 0\n", SUM(udp_in), SUM(udp_no_ports), SUM(udp_in_errors), SUM(udp_out),
		   SUM(udp_rcvbuf_errors), SUM(udp_csum_errors));
	seq_puts(s, "UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n"
		 "UdpLite: 0 0 0 0 0 0 0 0 0\n");
}

/* ---- softnet_stat ---- */

static void show_softnet(struct seq *s)
{
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		struct net_cpu_stats c;

		net_context_stats(cpu, &c);
		seq_printf(s, "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x\n", (u32)c.processed, (u32)c.dropped, (u32)c.squeezed,
			   0, 0, 0, 0, 0, 0, 0, 0, 0, cpu);
	}
}

void proc_net_init(void)
{
	proc_add("net/dev", 0444, show_dev);
	proc_add("net/route", 0444, show_route);
	proc_add("net/arp", 0444, show_arp);
	proc_add("net/snmp", 0444, show_snmp);
	proc_add("net/softnet_stat", 0444, show_softnet);
}
