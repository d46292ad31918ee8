/*
 * Sockets as lines of /proc/net/tcp, tcp6, udp, udp6, raw, icmp; how many there are, in /proc/net/sockstat.
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include <linux/in.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "sock/diag.h"
#include "sock/internal.h"
#include "sock/tcp.h"
#include "vfs/procfs.h"

enum { MS_PER_TICK = 10 };

/* The text may sleep for memory, so the rows are gathered first. */
struct gather {
	struct inet_diag_row *rows;	/* NULL: only count */
	u32 count, max;
};

static bool take(const struct inet_diag_row *row, void *arg)
{
	struct gather *g = arg;

	if (g->rows && g->count == g->max)
		return false;
	if (g->rows)
		g->rows[g->count] = *row;
	g->count++;
	return true;
}

/* Words as they lie in memory, each as a number: what programs expect. */
static void address_text(char *out, size_t size, const struct inet_diag_row *r, const struct ip_addr *a)
{
	if (r->family == AF_INET)
		scnprintf(out, size, "%08X", a->w[3]);
	else
		scnprintf(out, size, "%08X%08X%08X%08X", a->w[0], a->w[1], a->w[2], a->w[3]);
}

static u32 tail_text(char *out, size_t size, const struct inet_diag_row *r)
{
	switch (r->tail) {
	case INET_DIAG_TAIL_DROPS:
		return (u32)scnprintf(out, size, " %u", r->drops);
	case INET_DIAG_TAIL_TCP:
		return (u32)scnprintf(out, size, " %u %u %u %u %d", r->tcp.rto_ticks, r->tcp.ato_ticks, r->tcp.quick, r->tcp.cwnd, r->tcp.ssthresh);
	default:
		return 0;
	}
}

static void show_row(struct seq *s, const struct inet_diag_row *r, u32 digits, u32 width)
{
	char line[280], local[33], remote[33];

	address_text(local, sizeof(local), r, &r->local);
	address_text(remote, sizeof(remote), r, &r->remote);
	u32 n = (u32)scnprintf(line, sizeof(line), "%*u: %s:%04X %s:%04X %02X %08X:%08X %02X:%08X %08X %5u %8u %llu %u %016llx", (int)digits, r->slot,
			       local, r->lport, remote, r->rport, r->state, r->state == TCP_LISTEN ? 0 : r->wqueue, r->rqueue, r->timer, r->expires_ms / MS_PER_TICK,
			       r->retransmits, r->uid, r->probes, r->ino, r->refs, 0ull);

	n += tail_text(line + n, sizeof(line) - n, r);
	seq_write(s, line, n);
	for (; n < width; n++)
		seq_putc(s, ' ');
	seq_putc(s, '\n');
}

void inet_diag_show(struct seq *s, void (*each)(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg), u8 family, u32 digits, u32 width)
{
	struct gather g = { .rows = NULL };

	rcu_read_lock();
	each(take, &g);
	rcu_read_unlock();
	g.max = g.count;
	g.count = 0;
	g.rows = kvmalloc((g.max + 1) * sizeof(*g.rows), ALLOC_KERNEL);
	if (!g.rows) {
		s->err = -ENOMEM;
		return;
	}
	rcu_read_lock();
	each(take, &g);
	rcu_read_unlock();
	for (u32 i = 0; i < g.count; i++)
		if (g.rows[i].family == family)
			show_row(s, &g.rows[i], digits, width);
	kvfree(g.rows);
}

/* ---- sockstat ---- */

struct tally {
	u32 count, bytes;
};

static bool add_up(const struct inet_diag_row *row, void *arg)
{
	struct tally *t = arg;

	if (row->tail == INET_DIAG_TAIL_NONE)
		return true;		/* a request, a TIME_WAIT: no socket */
	t->count++;
	t->bytes += row->rqueue;
	return true;
}

static struct tally tally(u8 protocol)
{
	const struct inet_diag_source *source = inet_diag_find(protocol);
	struct tally t = { 0 };

	rcu_read_lock();
	if (source)
		source->each(add_up, &t);
	rcu_read_unlock();
	return t;
}

static void show_sockstat(struct seq *s)
{
	struct tally udp = tally(IPPROTO_UDP), tcp = tally(IPPROTO_TCP), raw = tally(IPPROTO_RAW);
	const u32 page = PAGE_SIZE;
	struct tcp_figures figures;

	tcp_figures(&figures);
	seq_printf(s, "sockets: used %u\n", sock_count());
	seq_printf(s, "TCP: inuse %u orphan %u tw %u alloc %u mem %u\n", tcp.count, figures.orphans, figures.timewaits, figures.sockets, figures.pages);
	seq_printf(s, "UDP: inuse %u mem %u\nUDPLITE: inuse 0\n", udp.count, DIV_ROUND_UP(udp.bytes, page));
	seq_printf(s, "RAW: inuse %u\nFRAG: inuse 0 memory 0\n", raw.count);
}

void diag_show_init(void)
{
	proc_add("net/sockstat", 0444, show_sockstat);
}
