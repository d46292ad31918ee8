/*
 * Byte ring of a power-of-two size in memory that the owner gives.
 *
 * One producer and one consumer may run at the same time without a lock: the producer alone writes
 * `tail`, the consumer alone writes `head`, each publishes with release and reads the other's with
 * acquire.  Both count bytes for ever and wrap at 2^32; tail - head is what the ring holds.
 *
 * Locks: p the producer · c the consumer.
 * Contexts: any.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/atomic.h"
#include "base/string.h"
#include "base/types.h"

struct ring {
	u8 *data;
	u32 mask;		/* size - 1 */
	u32 head;		/* [c] bytes taken */
	u32 tail;		/* [p] bytes put */
};

/** ring_init - @size: a power of two, at most 2^31. */
static inline void ring_init(struct ring *ring, void *data, u32 size)
{
	ring->data = data;
	ring->mask = size - 1;
	ring->head = 0;
	ring->tail = 0;
}

static inline u32 ring_size(const struct ring *ring)
{
	return ring->mask + 1;
}

/* Bytes held.  Exact for either side at rest, a lower bound for the consumer, an upper one for the producer. */
static inline u32 ring_used(const struct ring *ring)
{
	return atomic_load_acquire(&ring->tail) - atomic_load_acquire(&ring->head);
}

static inline u32 ring_free(const struct ring *ring)
{
	return ring_size(ring) - ring_used(ring);
}

static inline bool ring_empty(const struct ring *ring)
{
	return ring_used(ring) == 0;
}

/** ring_put - producer: add what fits of @len bytes; returns how many. */
static inline u32 ring_put(struct ring *ring, const void *from, u32 len)
{
	u32 tail = ring->tail;
	u32 room = ring_size(ring) - (tail - atomic_load_acquire(&ring->head));
	u32 count = len < room ? len : room;
	u32 at = tail & ring->mask;
	u32 first = ring_size(ring) - at;

	if (first > count)
		first = count;
	memcpy(ring->data + at, from, first);
	memcpy(ring->data, (const u8 *)from + first, count - first);
	atomic_store_release(&ring->tail, tail + count);
	return count;
}

/** ring_peek - consumer: copy up to @len bytes from @skip bytes behind the front; takes nothing. */
static inline u32 ring_peek(const struct ring *ring, void *to, u32 len, u32 skip)
{
	u32 head = ring->head;
	u32 used = atomic_load_acquire(&ring->tail) - head;
	u32 count;
	u32 at;
	u32 first;

	if (skip >= used)
		return 0;
	count = len < used - skip ? len : used - skip;
	at = (head + skip) & ring->mask;
	first = ring_size(ring) - at;
	if (first > count)
		first = count;
	memcpy(to, ring->data + at, first);
	memcpy((u8 *)to + first, ring->data, count - first);
	return count;
}

/** ring_skip - consumer: drop @len bytes, of which there are that many. */
static inline void ring_skip(struct ring *ring, u32 len)
{
	atomic_store_release(&ring->head, ring->head + len);
}

/** ring_get - consumer: take up to @len bytes; returns how many. */
static inline u32 ring_get(struct ring *ring, void *to, u32 len)
{
	u32 count = ring_peek(ring, to, len, 0);

	ring_skip(ring, count);
	return count;
}

static inline bool ring_put_byte(struct ring *ring, u8 byte)
{
	return ring_put(ring, &byte, 1) == 1;
}

static inline bool ring_get_byte(struct ring *ring, u8 *byte)
{
	return ring_get(ring, byte, 1) == 1;
}

#endif
