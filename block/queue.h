/*
 * Queues of requests between bios and a driver.
 *
 *	bio_submit -> plug (this thread's) -> elevator (the disk's, or none) -> hw_queue (of this CPU) -> driver
 *
 * A disk has one or more hardware queues; each CPU submits to one.  A request is a chain of bios whose sectors follow on;
 * it is started when a tag is free.  Requests of a queue are handed to the driver by one CPU at a time, with no lock held.
 *
 * A driver fills struct disk, calls disk_queues_create(), then disk_add().
 *
 *	queue   -> the driver starts it, or says -EBUSY (full: it is offered again when a request of this queue has ended)
 *	commit  -> the dispatcher has nothing more to start: ring the doorbell once for all
 *	          request_end() by the driver, from any context, once
 *	timeout -> it took too long: abort, reset, request_requeue(), or wait on
 *
 * Locks: hw_queue->lock (RANK_BLOCK_QUEUE, interrupts off).
 */
#ifndef BLOCK_QUEUE_H
#define BLOCK_QUEUE_H

#include "block/block.h"
#include "kern/timer.h"
#include "kern/work.h"

enum { REQUEST_TRIES_MAX = 5 };
enum request_state { REQUEST_FREE, REQUEST_STARTED, REQUEST_ENDED };

/* Locks: I immutable · q queue->lock · a atomic · o whoever has it: the dispatcher, then the driver */
struct request {
	struct hw_queue *queue;		/* [I] */
	u32 tag;			/* [I] its number in the queue */
	u32 state;			/* [a] enum request_state */
	struct bio *bio;		/* [o] the first of the chain */
	enum bio_op op;			/* [o] */
	u32 flags;			/* [o] BIO_* */
	u64 sector, sectors;		/* [o] */
	u32 segs;			/* [o] */
	u16 ioprio;			/* [o] */
	u64 deadline_ns;		/* [a] */
	struct list_head node;		/* [q] */
	void *data;			/* [I] the driver's: request_bytes of queue_ops */
};

struct queue_ops {
	int (*queue)(struct hw_queue *q, struct request *r);	/* 0: started; -EBUSY; other -errno: over with that error */
	void (*commit)(struct hw_queue *q);			/* optional */
	unsigned (*poll)(struct hw_queue *q);			/* optional: end what has ended; how many */
	void (*timeout)(struct hw_queue *q, struct request *r);	/* optional; thread; a deadline in the past is set anew before */
	u32 request_bytes;					/* of request->data, zeroed once */
};

/* Locks: I immutable · q lock */
struct hw_queue {
	struct disk *disk;		/* [I] */
	u32 number;			/* [I] */
	const struct queue_ops *ops;	/* [I] */
	void *data;			/* [I] the driver's */
	struct spinlock lock;
	struct list_head waiting;	/* [q] bios (chains) without a tag, oldest first */
	struct list_head free;		/* [q] requests */
	u32 started;			/* [q] requests with the driver */
	bool dispatching, again;	/* [q] a CPU is at it; something came meanwhile */
	bool frozen;			/* [q] nothing is started (reset) */
	struct request *requests;	/* [I] depth of them */
	u32 depth;			/* [I] */
	u64 polled;			/* [a] statistics */
};

/**
 * disk_queues_create - @count queues of @depth requests
 * The last @poll_count of them get BIO_POLLED bios only.  Return: 0, -ENOMEM
 */
MUST_CHECK int disk_queues_create(struct disk *d, const struct queue_ops *ops, u32 count, u32 poll_count, u32 depth);
/** disk_queues_destroy - nothing is under way any more. */
void disk_queues_destroy(struct disk *d);

/** request_end - it is over, or its first bio's share (see bio_end). Context: any */
void request_end(struct request *r, int status);
/** request_claim_end - first half of request_end: false if somebody else has ended it. For drivers whose time-out races with the end. */
bool request_claim_end(struct request *r);
/** request_finish - second half: ends the bios, frees the tag. */
void request_finish(struct request *r, int status);
/** request_requeue - the driver gives a claimed request back to be started again; after REQUEST_TRIES_MAX times it fails (-EIO). */
void request_requeue(struct request *r);

/** queue_freeze - start nothing more until queue_thaw. */
void queue_freeze(struct hw_queue *q);
void queue_thaw(struct hw_queue *q);
/** queue_run - start what can be started. Context: any */
void queue_run(struct hw_queue *q);
/** queue_add - a bio (chain) on its way to the driver; runs the queue. Context: any */
void queue_add(struct disk *d, struct bio *b, bool run);
/** disk_queues_run - all of them. */
void disk_queues_run(struct disk *d);

/* The segments of a request, chain and all. */
struct request_iter {
	const struct bio *bio;
	u32 seg;
};
static inline void request_iter_init(struct request_iter *it, const struct request *r)
{
	it->bio = r->bio;
	it->seg = 0;
}
/** request_next_seg - NULL: no more. */
static inline const struct bio_seg *request_next_seg(struct request_iter *it)
{
	while (it->bio && it->seg == it->bio->seg_count) {
		it->bio = it->bio->next;
		it->seg = 0;
	}
	return it->bio ? &it->bio->segs[it->seg++] : NULL;
}

static inline bool op_has_bytes(enum bio_op op) { return op == BIO_READ || op == BIO_WRITE; }

/* ---- merging: plug.c ---- */

/** bio_try_merge - hang the chain @b behind (or before) @head if the result is a request that the disk takes. Return: the first of the chain, or NULL */
struct bio *bio_try_merge(struct bio *head, struct bio *b);

/* ---- elevators: deadline.c is the only one; its lock is RANK_BLOCK_SORT ---- */

/** elevator_set - by name, "none" or "mq-deadline". Return: 0, -EINVAL (no such), -ENOMEM */
MUST_CHECK int elevator_set(struct disk *d, const char *name);
const char *elevator_name(const struct disk *d);
/** elevator_add - Return: false: there is none any more */
bool elevator_add(struct disk *d, struct bio *b);
/** elevator_next - the chain to start next, NULL: none. */
struct bio *elevator_next(struct disk *d);
bool elevator_has_work(struct disk *d);

#endif
