/*
 * Which pieces of a datagram have come: the part of reassembly that both IP versions share.  Pure.
 *
 * Invariants of a set: (1) its pieces are sorted and do not overlap; (2) have is the sum of their lengths; (3) end is the largest end, and that
 * of the whole datagram once the last piece has come.  So have == end, with the last one there, says that all is there.
 *
 * A piece that overlaps others makes the whole datagram worthless (RFC 5722): who sends such wants a filter and its target to read different
 * datagrams.  One that lies within what is there already is taken for a copy that the network made, and forgotten (RFC 8200, 4.5).
 *
 * Source: RFC 791 section 3.2, RFC 815, RFC 5722, RFC 8200 section 4.5.
 */
#ifndef NET_FRAGMENT_H
#define NET_FRAGMENT_H

#include "base/list.h"

enum { FRAGMENTS_MAX = 2048 };	/* of a datagram: 64 KiB in pieces of 32 bytes. It bounds the search for a piece's place */

struct fragment {
	struct list_head node;
	u32 start, end;		/* bytes of the datagram's payload */
};

struct fragment_set {
	struct list_head list;
	u32 have, end, count;
	bool last;		/* the piece without "more fragments" is there */
};

enum fragment_verdict {
	FRAGMENT_KEPT,
	FRAGMENT_COMPLETE,	/* kept, and all are there */
	FRAGMENT_DUPLICATE,	/* not kept; the set is as it was */
	FRAGMENT_BAD,		/* not kept: empty, or at odds with where the datagram ends; the set is to be given up */
	FRAGMENT_OVERLAP,	/* not kept; the set is to be given up */
};

static inline void fragment_set_init(struct fragment_set *s)
{
	*s = (struct fragment_set){ .have = 0 };
	list_init(&s->list);
}

/** fragment_insert - @f (start, end set) has come; @more: it is not the last one */
enum fragment_verdict fragment_insert(struct fragment_set *s, struct fragment *f, bool more);

#endif
