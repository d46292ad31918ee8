/*
 * The table of connections, requests and TIME_WAITs, by the four parts of their names.
 *
 * A bucket is a chain under a spin lock; readers walk it under RCU.  An entry may leave a chain and enter another without a grace period between (a
 * socket that connects again), and take a reader along.  So a reader that found nothing looks whether its bucket changed meanwhile, and if so walks
 * again.  Who found something compares all four parts once more when it holds a reference: an entry's parts are constant while it is in the table.
 *
 * Locks: a bucket's, RANK_NET_TABLE.
 */
#include <linux/errno.h>
#include "base/bitops.h"
#include "kern/assert.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "sock/tcp.h"

enum { BITS_MIN = 8, BITS_MAX = 16, PAGES_PER_BUCKET = 16 };

struct bucket {
	struct spinlock lock;
	u32 changes;			/* [lock, read anywhere] */
	struct hlist_head chain;
};

static struct bucket *buckets;		/* [I] */
static u32 bits, seed;			/* [I] */

static u32 hash_of(const struct net_endpoint *ep)
{
	return port_flow_hash(&ep->local, ep->lport, &ep->remote, ep->rport, seed);
}

static struct bucket *bucket_of(u32 hash)
{
	return &buckets[hash & ((1u << bits) - 1)];
}

static bool same(const struct net_endpoint *a, const struct net_endpoint *b)
{
	return a->lport == b->lport && a->rport == b->rport && ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->remote, &b->remote);
}

static bool fits(const struct tcp_entry *e, u32 hash, const struct net_endpoint *name)
{
	return e->hash == hash && same(e->ep, name) && (!e->ep->ifindex || e->ep->ifindex == name->ifindex);
}

static struct tcp_entry *walk(struct bucket *b, u32 hash, const struct net_endpoint *name)
{
	struct tcp_entry *e;

	hlist_for_each_entry_rcu(e, &b->chain, node) {
		if (!fits(e, hash, name) || !tcp_entry_hold(e))
			continue;
		if (fits(e, hash, name) && READ_ONCE(e->hashed))
			return e;
		tcp_entry_put(e);
	}
	return NULL;
}

struct tcp_entry *tcp_table_find(const struct ip_addr *local, u16 lport, const struct ip_addr *remote, u16 rport, u32 ifindex)
{
	struct net_endpoint name = { .local = *local, .remote = *remote, .lport = lport, .rport = rport, .ifindex = ifindex };
	u32 hash = hash_of(&name), changes;
	struct bucket *b = bucket_of(hash);
	struct tcp_entry *e;

	do {
		changes = atomic_load_acquire(&b->changes);
		e = walk(b, hash, &name);
		smp_rmb();
	} while (!e && atomic_load(&b->changes) != changes);
	return e;
}

/* ---- writers ---- */

static void changed(struct bucket *b)
{
	atomic_store_release(&b->changes, b->changes + 1);
}

static void link_locked(struct bucket *b, struct tcp_entry *e)
{
	atomic_inc(&e->refs);
	e->hashed = true;
	hlist_add_head_rcu(&e->node, &b->chain);
}

static void unlink_locked(struct bucket *b, struct tcp_entry *e)
{
	e->hashed = false;
	hlist_del_rcu(&e->node);
	changed(b);
}

/* Another with the name of @e. @b locked. */
static struct tcp_entry *rival(struct bucket *b, const struct tcp_entry *e)
{
	struct tcp_entry *o;

	hlist_for_each_entry(o, &b->chain, node)
		if (o->hash == e->hash && same(o->ep, e->ep) && (!o->ep->ifindex || !e->ep->ifindex || o->ep->ifindex == e->ep->ifindex))
			return o;
	return NULL;
}

int tcp_table_insert(struct tcp_entry *e)
{
	struct tcp_timewait_sock *gives_way = NULL;
	int err = 0;

	e->hash = hash_of(e->ep);
	struct bucket *b = bucket_of(e->hash);

	spin_lock(&b->lock);
	struct tcp_entry *o = rival(b, e);

	if (o && e->kind == TCP_ENTRY_CONN && o->kind == TCP_ENTRY_TIMEWAIT)
		gives_way = container_of(o, struct tcp_timewait_sock, entry);
	if (gives_way && tcp_wait_yields(gives_way))
		unlink_locked(b, o);
	else
		err = o ? -EADDRNOTAVAIL : 0;
	if (!err)
		link_locked(b, e);
	spin_unlock(&b->lock);
	if (!err && o) {
		tcp_wait_gone(gives_way);
		tcp_entry_put(o);
	}
	return err;
}

bool tcp_table_replace(struct tcp_entry *old, struct tcp_entry *new)
{
	struct bucket *b = bucket_of(old->hash);

	new->hash = old->hash;
	spin_lock(&b->lock);
	bool there = old->hashed;

	if (there) {
		link_locked(b, new);
		unlink_locked(b, old);
	}
	spin_unlock(&b->lock);
	if (there)
		tcp_entry_put(old);
	return there;
}

bool tcp_table_remove(struct tcp_entry *e)
{
	struct bucket *b = bucket_of(e->hash);

	spin_lock(&b->lock);
	bool there = e->hashed;

	if (there)
		unlink_locked(b, e);
	spin_unlock(&b->lock);
	if (there)
		tcp_entry_put(e);
	return there;
}

void tcp_entry_put(struct tcp_entry *e)
{
	static void (*const free_rcu[])(struct rcu_head *h) = {
		[TCP_ENTRY_CONN] = tcp_sock_free_rcu, [TCP_ENTRY_REQUEST] = tcp_request_free_rcu, [TCP_ENTRY_TIMEWAIT] = tcp_wait_free_rcu,
	};

	if (atomic_dec_and_test(&e->refs))
		call_rcu(&e->rcu, free_rcu[e->kind]);
}

bool tcp_table_walk(bool (*fn)(struct tcp_entry *e, void *arg), void *arg)
{
	struct tcp_entry *e;

	for (u32 i = 0; i < 1u << bits; i++)
		hlist_for_each_entry_rcu(e, &buckets[i].chain, node)
			if (!fn(e, arg))
				return false;
	return true;
}

void tcp_table_init(void)
{
	struct page_stats memory;

	page_stats(&memory);
	for (bits = BITS_MIN; bits < BITS_MAX && (1ull << bits) * PAGES_PER_BUCKET < memory.total; bits++)
		;
	buckets = kvmalloc(sizeof(*buckets) << bits, ALLOC_KERNEL);
	assert(buckets);
	for (u32 i = 0; i < 1u << bits; i++) {
		spin_init(&buckets[i].lock, RANK_NET_TABLE);
		buckets[i].changes = 0;
		hlist_init(&buckets[i].chain);
	}
	seed = (u32)random_u64();
}
