/*
 * TCP Fast Open: cookies that a server gives, those that a client keeps.
 *
 * A cookie is a keyed hash of both addresses: who sends one back has received at the address before.  Clients keep what they got in a small
 * table, by server; a newer one takes an older one's place.
 *
 * Departures: no detection of paths that swallow SYNs with data, no backup keys, no net.ipv4.tcp_fastopen_key.
 *
 * Locks: kept_lock (RANK_NET_LEAF).
 * Source: RFC 7413; Linux Documentation/networking/ip-sysctl.rst (tcp_fastopen).
 */
#include <linux/errno.h>
#include "base/hash.h"
#include "base/string.h"
#include "kern/random.h"
#include "sock/tcp.h"

enum { SLOTS = 128, COOKIE = 8 };

static struct siphash_key general_key;		/* [I] */
static u32 slot_seed;				/* [I] */

static struct spinlock kept_lock = SPINLOCK_INIT(RANK_NET_LEAF);
static struct kept {				/* [kept_lock] */
	struct ip_addr server;
	struct tcp_fastopen_cookie cookie;
} kept[SLOTS];

void tcp_fastopen_make(const struct tcp_sock *l, const struct net_endpoint *name, struct tcp_fastopen_cookie *out)
{
	struct ip_addr pair[2] = { name->remote, name->local };
	u64 hash = siphash(pair, sizeof(pair), l->fastopen_key_chosen ? &l->fastopen_key : &general_key);

	*out = (struct tcp_fastopen_cookie){ .len = COOKIE };
	memcpy(out->bytes, &hash, COOKIE);
}

bool tcp_fastopen_good(const struct tcp_sock *l, const struct net_endpoint *name, const struct tcp_options *o)
{
	struct tcp_fastopen_cookie want;

	tcp_fastopen_make(l, name, &want);
	return o->fo_len == want.len && !memcmp(o->fo_cookie, want.bytes, COOKIE);
}

void tcp_fastopen_key_show(const struct tcp_sock *ts, void *out)
{
	memcpy(out, ts->fastopen_key_chosen ? &ts->fastopen_key : &general_key, sizeof(general_key));
}

static struct kept *slot_of(const struct ip_addr *server)
{
	return &kept[ip_addr_hash(server, slot_seed) % SLOTS];
}

bool tcp_fastopen_find(const struct ip_addr *server, struct tcp_fastopen_cookie *out)
{
	struct kept *k = slot_of(server);

	spin_lock(&kept_lock);
	bool found = k->cookie.len && ip_addr_equal(&k->server, server);

	if (found)
		*out = k->cookie;
	spin_unlock(&kept_lock);
	return found;
}

void tcp_fastopen_keep(const struct ip_addr *server, const struct tcp_conn *c)
{
	struct kept *k = slot_of(server);

	spin_lock(&kept_lock);
	k->server = *server;
	k->cookie = (struct tcp_fastopen_cookie){ .len = (u8)c->fo_len, .experimental = c->fo_experimental };
	memcpy(k->cookie.bytes, c->fo_cookie, sizeof(k->cookie.bytes));
	spin_unlock(&kept_lock);
}

void tcp_fastopen_init(void)
{
	random_bytes(&general_key, sizeof(general_key));
	slot_seed = (u32)random_u64();
}
