/*
 * The order of mq-deadline: sorted by sector as long as nobody waits too long.  Pure: no lock; time is an argument.
 *
 * For each of three priorities (real time, best effort, idle) and each direction there is a tree by sector and a list by
 * arrival.  Requests go out in batches of rising sectors of one direction; a new batch starts with the oldest request if
 * that is past its deadline.  Reads come before writes, but writes are passed over only a few times.  A lower priority
 * waits while a higher one has anything, but not longer than prio_aging_expire.
 *
 * Source: Linux's Documentation/block/deadline-iosched.rst and the ABI documents of queue/iosched.
 */
#ifndef BLOCK_DEADLINE_H
#define BLOCK_DEADLINE_H

#include "block/block.h"

enum { DEADLINE_PRIOS = 3 };

struct deadline {
	struct rb_root sorted[DEADLINE_PRIOS][2];	/* by sector; [1]: writes and the like */
	struct list_head arrived[DEADLINE_PRIOS][2];	/* bio->node */
	struct bio *next[DEADLINE_PRIOS][2];		/* where a batch goes on */
	u32 queued[DEADLINE_PRIOS];
	u32 last_write[DEADLINE_PRIOS];			/* direction of the batch */
	u32 batched[DEADLINE_PRIOS], starved[DEADLINE_PRIOS];
	/* tunables */
	u64 expire_ns[2], aging_ns;
	u32 batch_max, starved_max;
	bool front_merges;
};

void deadline_init(struct deadline *d);
void deadline_add(struct deadline *d, struct bio *b, u64 now_ns);
/** deadline_next - take the chain to start out. NULL: none */
struct bio *deadline_next(struct deadline *d, u64 now_ns);
/** deadline_merge - hang @b to a queued neighbour. Return: whether that was done */
bool deadline_merge(struct deadline *d, struct bio *b, struct bio *(*merge)(struct bio *head, struct bio *b));
static inline bool deadline_empty(const struct deadline *d) { return !(d->queued[0] | d->queued[1] | d->queued[2]); }

#endif
