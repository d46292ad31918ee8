/*
 * Datagrams in pieces wait here until all have come: for both IP versions, each with a table of its own.  fragment.h says which pieces fit.
 *
 * Bounds: `high` bytes of packets in a table; when that is reached what is new is dropped, what is there stays (nobody may push out
 * others' datagrams). `seconds` from the first piece on; then all of it is dropped, and the sender is told if the piece with
 * offset 0 is there. FRAGMENTS_MAX pieces of one datagram.
 *
 * The pieces are copied into one packet when all are there: it may have more of them than a packet has fragments.
 *
 * Departures: a datagram times out up to a second late (one timer looks after all); a first piece that does not hold all of IPv6's
 * headers is taken (RFC 7112 would have it refused).
 *
 * Locks: the table's, RANK_NET_FRAG. Context: net, under RCU.
 * Source: RFC 791, RFC 1122 section 3.3.2, RFC 3168 section 5.3, RFC 8200 section 4.5; ip(7): ipfrag_high_thresh, ipfrag_time.
 */
#ifndef NET_REASSEMBLY_H
#define NET_REASSEMBLY_H

#include "net/context.h"
#include "net/fragment.h"
#include "net/ip.h"

enum { REASSEMBLY_BUCKETS = 256, DATAGRAM_MAX = 65535 };

/* What the pieces of a datagram have in common. */
struct reassembly_key {
	struct ip_addr src, dst;
	u32 id;
	u32 ifindex;		/* where it matters, else 0 */
	u8 protocol;		/* IPv4 */
};

/* Locks: l lock · I immutable · a atomic */
struct reassembly {
	struct spinlock lock;
	struct hlist_head bucket[REASSEMBLY_BUCKETS];	/* [l] */
	u32 seed;			/* [I] */
	u64 high;			/* [a] bytes */
	u32 seconds;			/* [a] */
	u64 memory;			/* [l] bytes in use */
	u32 count;			/* [l] datagrams that wait */
	struct net_timer timer;		/* armed while any waits */
	/* expired: tell the sender; @first is the piece with offset 0, its data at its payload. Does not consume. [I] */
	void (*expired)(struct packet *first, const struct ip_rx *rx);
	void (*count_timeout)(bool had_first);		/* [I] */
};

/* What became of a piece. */
enum reassembly_result {
	REASSEMBLY_WAITS,	/* or was a copy */
	REASSEMBLY_WHOLE,	/* *whole is the datagram */
	REASSEMBLY_FAILED,	/* it was dropped, and perhaps others with it; counted as one failure */
};

void reassembly_init(struct reassembly *r);

/**
 * reassembly_put - a piece: @p's data is at its payload, packet_net(p) its IP header, ip_rx_of(p) filled. Consumes
 * @start: of the payload; @more: others follow; start + p->len is at most DATAGRAM_MAX, p->len not 0
 * @whole: out: data at the whole payload, before it the headers of the first piece as they came; ip_rx_of: the first piece's
 */
enum reassembly_result reassembly_put(struct reassembly *r, const struct reassembly_key *key, struct packet *p, u32 start, bool more,
				      struct packet **whole);

/** reassembly_expire - drop what has waited too long at @now_ns. Return: whether anything still waits */
bool reassembly_expire(struct reassembly *r, u64 now_ns);

#endif
