/*
 * TIME_WAIT: what is left of a connection for a minute, in the table and in the port table.
 *
 * Locks: w->lock (RANK_NET_SOCK) guards w->tw.  The table's reference is the only one besides those of lookups and of a timer that runs.
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "net/stats.h"
#include "sock/tcp.h"

static struct slab_cache *cache;
static u32 count;		/* [a] */

u32 tcp_wait_count(void)
{
	return atomic_load(&count);
}

void tcp_wait_gone(struct tcp_timewait_sock *w)
{
	port_unbind(&tcp_ports, &w->ep);
	atomic_dec(&count);
}

static void kill(struct tcp_timewait_sock *w)
{
	/* The table's reference may be the last: hold one over the rest. */
	if (!tcp_entry_hold(&w->entry))
		return;
	if (tcp_table_remove(&w->entry))
		tcp_wait_gone(w);
	tcp_entry_put(&w->entry);
}

static void timer(struct net_timer *t)
{
	struct tcp_timewait_sock *w = container_of(t, struct tcp_timewait_sock, timer);

	if (!tcp_entry_hold(&w->entry))
		return;
	spin_lock(&w->lock);
	bool over = w->tw.expires_ns <= plat_mono_ns();

	if (!over)
		net_timer_arm(&w->timer, w->tw.expires_ns);
	spin_unlock(&w->lock);
	if (over) {
		TCP_COUNT_MORE(TIMEWAITED);
		kill(w);
	}
	tcp_entry_put(&w->entry);
}

void tcp_wait_enter(struct tcp_sock *ts, u64 now_ns)
{
	struct tcp_timewait_sock *w = NULL;

	if (atomic_load(&count) < atomic_load(&tcp_config.max_tw_buckets))
		w = slab_alloc(cache, ALLOC_ATOMIC);
	if (!w) {
		TCP_COUNT_MORE(TCPTIMEWAITOVERFLOW);
		return;
	}
	memset(w, 0, sizeof(*w));
	w->ep = ts->inet.ep;
	w->ep.bound = w->ep.listening = false;
	w->entry.ep = &w->ep;
	w->entry.kind = TCP_ENTRY_TIMEWAIT;
	w->entry.refs = 1;
	spin_init(&w->lock, RANK_NET_SOCK);
	tcp_timewait_init(&w->tw, &ts->conn, now_ns);
	net_timer_init(&w->timer, timer);
	atomic_inc(&count);
	port_inherit(&tcp_ports, &w->ep, &ts->inet.ep);
	if (tcp_table_replace(&ts->entry, &w->entry))
		net_timer_arm(&w->timer, w->tw.expires_ns);
	else
		tcp_wait_gone(w);
	tcp_entry_put(&w->entry);
}

enum tcp_timewait_verdict tcp_wait_segment(struct tcp_timewait_sock *w, struct tcp_segment *s, u32 *isn)
{
	u64 now = plat_mono_ns();
	struct tcp_out o;

	spin_lock(&w->lock);
	enum tcp_timewait_verdict v = tcp_timewait_input(&w->tw, &tcp_config, s, isn, now);

	if (v == TW_ACK)
		tcp_timewait_ack(&w->tw, &o, now);
	spin_unlock(&w->lock);
	if (v == TW_ACK)
		tcp_send_loose(&w->ep, &o, 0);
	if (v == TW_NEW) {
		TCP_COUNT_MORE(TIMEWAITRECYCLED);
		kill(w);
	} else if (v == TW_KILL) {
		TCP_COUNT_MORE(TIMEWAITKILLED);
		kill(w);
	}
	return v;
}

static bool is_loopback(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) ? ip4_is_loopback(a->w[3]) : ip6_is_loopback(a);
}

/* Over lo always, elsewhere if it is wished (net.ipv4.tcp_tw_reuse). The clock of time stamps must have moved: it tells old segments apart. */
bool tcp_wait_yields(struct tcp_timewait_sock *w)
{
	u32 reuse = atomic_load(&tcp_config.tw_reuse);

	if (!reuse || (reuse == 2 && !is_loopback(&w->ep.remote)))
		return false;
	return tcp_timewait_reusable(&w->tw, plat_mono_ns());
}

static void done(struct net_timer *t)
{
	slab_free(cache, container_of(t, struct tcp_timewait_sock, timer));
}

void tcp_wait_free_rcu(struct rcu_head *h)
{
	struct tcp_timewait_sock *w = container_of(h, struct tcp_timewait_sock, entry.rcu);

	net_timer_release(&w->timer, done);
}

void tcp_wait_init(void)
{
	cache = slab_create("tw_sock_TCP", sizeof(struct tcp_timewait_sock), 0);
	assert(cache);
}
