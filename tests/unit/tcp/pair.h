/*
 * Two pure TCP machines joined by a faulty link, on a virtual clock: what the tests of net/tcp stand on.
 *
 * The stream of each end is a function of the offset and the end, so that every byte received can be checked.  Everything random comes from one seed.
 */
#ifndef TESTS_UNIT_TCP_PAIR_H
#define TESTS_UNIT_TCP_PAIR_H

#include "tests/unit/unit.h"
#include "net/tcp/internal.h"
#include "net/tcp/request.h"
#include "net/tcp/timewait.h"

struct link_faults {
	u32 loss, dup, reorder;		/* in 1/1000 */
	u64 delay_ns, jitter_ns;
	u64 down_from_ns, down_to_ns;	/* nothing passes in between */
};

struct packet_sim {
	struct list_head node;		/* in flight, by arrival */
	struct tcp_rx rx;
	struct tcp_segment seg;
	struct peer *to;
	u64 at_ns, order;
	u32 len;
	u8 bytes[];
};

enum peer_phase { PEER_LISTEN, PEER_REQUEST, PEER_CONN, PEER_TIMEWAIT, PEER_GONE };

struct peer {
	struct tcp_conn c;		/* first */
	struct tcp_request rq;
	struct tcp_timewait tw;
	struct pair *pair;
	struct peer *other;
	const char *name;
	enum peer_phase phase;
	u32 events;			/* all that came */
	int error;
	u64 to_write, written;		/* what the user has to say, and has said */
	u64 read;			/* and got */
	bool closes, closed, saw_fin, stops_reading;
	u32 read_most;			/* bytes a go, one a millisecond */
	u64 user_ns;			/* the user looks again; 0: when something happens */
	u32 emit_fails;			/* in 1/1000 */
	u32 tx_count, rx_count;		/* alive */
	u64 emitted, dropped;
	struct tcp_out last;
};

struct pair {
	struct peer a, b;		/* a connects to b */
	struct tcp_config cfg[2];
	struct link_faults faults;
	struct list_head flight;
	struct rng rng;
	u64 now_ns, order;
	u32 mtu;
	bool alloc_fails;
	bool timewait_stays;		/* TIME_WAIT does not end while the other end still repeats its FIN, however slowly */
	u64 counts[__LINUX_MIB_MAX + 1];
	/* filter: optional; return false to drop a packet on its way */
	bool (*filter)(struct pair *p, struct peer *from, const struct packet_sim *k);
	bool trace;
	bool bytes_unchecked;		/* forged data are among them */
};

void pair_init(struct pair *p, u64 seed);
void pair_start(struct pair *p);
/** pair_step - one event. Return: false: nothing will ever happen */
bool pair_step(struct pair *p);
/** pair_run - until @done says so, or @limit_ns. Return: whether it did */
bool pair_run(struct pair *p, bool (*done)(struct pair *p), u64 limit_ns);
void pair_write(struct peer *e, u32 n);
void pair_close(struct peer *e);
void pair_check(struct peer *e);
void pair_end(struct pair *p);
bool pair_both_gone(struct pair *p);
bool pair_connected(struct pair *p);

#endif
