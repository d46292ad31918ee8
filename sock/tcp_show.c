/*
 * The text of /proc/net/tcp and tcp6: the sockets of AF_INET and those of AF_INET6.
 *
 * Source: Linux Documentation/networking/proc_net_tcp.rst, proc(5).
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "kern/timer.h"
#include "net/stats.h"
#include "sock/tcp.h"
#include "vfs/procfs.h"

enum { LINE = 149, TICKS_PER_SEC = 100 };
#define NS_PER_TICK ((u64)NS_PER_SEC / TICKS_PER_SEC)

/* A line, gathered while nothing may sleep. */
struct line {
	struct net_endpoint ep;
	u64 timer_ns, ino;
	u32 tx, rx, retransmits, probes, rto_ticks, ato_ticks, quick, cwnd, refs;
	s32 ssthresh;
	u8 state, timer;
};

struct gather {
	struct line *line;
	u32 count, max;
	u64 now_ns;
};

static void timer_of(const struct tcp_conn *c, struct line *l)
{
	static const u8 kind[] = { [TCP_TIMER_RTO] = 1, [TCP_TIMER_TLP] = 1, [TCP_TIMER_REORDER] = 1, [TCP_TIMER_PROBE] = 4 };

	if (c->timer_kind) {
		l->timer = kind[c->timer_kind];
		l->timer_ns = c->timer_ns;
	} else if (c->keep_ns != TCP_NEVER) {
		l->timer = 2;
		l->timer_ns = c->keep_ns;
	}
}

/* Figures are read without the lock: each is right, together they may be of two moments. */
static void from_sock(struct tcp_sock *ts, struct line *l)
{
	const struct tcp_conn *c = &ts->conn;

	*l = (struct line){
		.ep = ts->inet.ep, .state = c->state, .ino = atomic_load(&ts->inet.sock.file) ? ts->inet.sock.ino : 0, .refs = atomic_load(&ts->entry.refs),
		.retransmits = c->retransmits, .probes = c->probes_out, .rto_ticks = c->rto_us / (1000000 / TICKS_PER_SEC),
		.ato_ticks = c->ato_us / (1000000 / TICKS_PER_SEC), .quick = (u32)c->quick << 1 | (c->pingpong != 0), .cwnd = c->cwnd,
		.ssthresh = c->ssthresh >= 0x7fffffff ? -1 : (s32)c->ssthresh,
	};
	if (c->state == TCP_LISTEN) {
		l->rx = atomic_load(&ts->accept_count);
		l->ssthresh = 0;
	} else {
		l->tx = tcp_outq(ts, c->snd_una);
		l->rx = c->rcv_nxt - c->copied_seq;
		timer_of(c, l);
	}
}

static void from_other(struct tcp_entry *e, struct line *l)
{
	*l = (struct line){ .ep = *e->ep, .refs = atomic_load(&e->refs) };
	if (e->kind == TCP_ENTRY_REQUEST) {
		struct tcp_request_sock *r = container_of(e, struct tcp_request_sock, entry);

		l->state = TCP_SYN_RECV;
		l->timer = 1;
		l->timer_ns = r->rq.expires_ns;
		l->retransmits = r->rq.timeouts;
	} else {
		l->state = TCP_TIME_WAIT;
		l->timer = 3;
		l->timer_ns = container_of(e, struct tcp_timewait_sock, entry)->tw.expires_ns;
		l->ep.uid = 0;
	}
}

static bool gather_entry(struct tcp_entry *e, void *arg)
{
	struct gather *g = arg;

	if (g->count == g->max)
		return false;
	if (e->kind == TCP_ENTRY_CONN)
		from_sock(tcp_of_entry(e), &g->line[g->count++]);
	else
		from_other(e, &g->line[g->count++]);
	return true;
}

static bool gather_listener(struct net_endpoint *ep, void *arg)
{
	struct gather *g = arg;

	if (g->count == g->max)
		return false;
	from_sock(container_of(container_of(ep, struct inet_sock, ep), struct tcp_sock, inet), &g->line[g->count++]);
	return true;
}

static bool count_entry(struct tcp_entry *e, void *arg)
{
	(*(u32 *)arg)++;
	return true;
}

static bool count_listener(struct net_endpoint *ep, void *arg)
{
	(*(u32 *)arg)++;
	return true;
}

static void show_address(struct seq *s, const struct ip_addr *a, u16 port, bool v6)
{
	seq_putc(s, ' ');
	for (u32 i = v6 ? 0 : 3; i < 4; i++)
		seq_printf(s, "%08X", a->w[i]);
	seq_printf(s, ":%04X", port);
}

static void show_line(struct seq *s, u32 n, const struct line *l, u64 now_ns)
{
	u64 left = l->timer && l->timer_ns > now_ns ? (l->timer_ns - now_ns) / NS_PER_TICK : 0;
	size_t start = s->len;

	seq_printf(s, "%4u:", n);
	show_address(s, &l->ep.local, l->ep.lport, l->ep.v6);
	show_address(s, &l->ep.remote, l->ep.rport, l->ep.v6);
	seq_printf(s, " %02X %08X:%08X %02X:%08llX %08X %5u %8u %llu %u %016llx", l->state, l->tx, l->rx, l->timer, left, l->retransmits, l->ep.uid,
		   l->probes, l->ino, l->refs, 0ull);
	if (l->state != TCP_SYN_RECV && l->state != TCP_TIME_WAIT)
		seq_printf(s, " %u %u %u %u %d", l->rto_ticks, l->ato_ticks, l->quick, l->cwnd, l->ssthresh);
	while (!s->err && !l->ep.v6 && s->len - start < LINE)
		seq_putc(s, ' ');
	seq_putc(s, '\n');
}

static void show_all(struct seq *s, bool v6)
{
	struct gather g = { .now_ns = plat_mono_ns() };
	u32 n = 0;

	rcu_read_lock();
	port_listeners_walk(&tcp_ports, count_listener, &g.max);
	tcp_table_walk(count_entry, &g.max);
	rcu_read_unlock();
	g.line = kvmalloc((g.max + 1) * sizeof(*g.line), ALLOC_KERNEL);
	if (!g.line) {
		s->err = -ENOMEM;
		return;
	}
	rcu_read_lock();
	port_listeners_walk(&tcp_ports, gather_listener, &g);
	tcp_table_walk(gather_entry, &g);
	rcu_read_unlock();
	for (u32 i = 0; i < g.count; i++)
		if (g.line[i].ep.v6 == v6)
			show_line(s, n++, &g.line[i], g.now_ns);
	kvfree(g.line);
}

static void show(struct seq *s)
{
	static const char head[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

	seq_printf(s, "%s", head);
	for (size_t i = sizeof(head) - 1; i < LINE; i++)
		seq_putc(s, ' ');
	seq_putc(s, '\n');
	show_all(s, false);
}

static void show6(struct seq *s)
{
	seq_puts(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid"
		    "  timeout inode\n");
	show_all(s, true);
}

/* In the order of /proc/net/snmp. A gauge that sums to less than 0 was read between two CPUs. */
static const u64 *counters(void)
{
	static u64 sum[PROC_NET_TCP_COUNTERS];

	memset(sum, 0, sizeof(sum));
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++)
		for (u32 i = 0; i < PROC_NET_TCP_COUNTERS; i++)
			sum[i] += tcp_stats[cpu].tcp[TCP_MIB_ACTIVEOPENS + i];
	if ((s64)sum[TCP_MIB_CURRESTAB - TCP_MIB_ACTIVEOPENS] < 0)
		sum[TCP_MIB_CURRESTAB - TCP_MIB_ACTIVEOPENS] = 0;
	return sum;
}

void tcp_show_init(void)
{
	static_assert(TCP_MIB_CSUMERRORS - TCP_MIB_ACTIVEOPENS + 1 == PROC_NET_TCP_COUNTERS, "the counters of /proc/net/snmp");

	proc_net_tcp_counters(counters);
	proc_add("net/tcp", 0444, show);
	proc_add("net/tcp6", 0444, show6);
}
