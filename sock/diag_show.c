/*
 * Sockets as lines of /proc/net/udp, /proc/net/raw, /proc/net/icmp.
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "sock/diag.h"
#include "vfs/procfs.h"

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

static void show_row(struct seq *s, const struct inet_diag_row *r, u32 digits, u32 width)
{
	char line[160];
	u32 n = (u32)scnprintf(line, sizeof(line), "%*u: %08X:%04X %08X:%04X %02X %08X:%08X 00:00000000 00000000 %5u        0 %llu %u %016llx %u",
			       (int)digits, r->slot, r->local.w[3], r->lport, r->remote.w[3], r->rport, r->state, r->wqueue, r->rqueue, r->uid, r->ino,
			       r->refs, 0ull, r->drops);

	seq_write(s, line, n);
	for (; n < width; n++)
		seq_putc(s, ' ');
	seq_putc(s, '\n');
}

void inet_diag_show(struct seq *s, void (*each)(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg), u32 digits, u32 width)
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
		show_row(s, &g.rows[i], digits, width);
	kvfree(g.rows);
}
