/*
 * Reservations of one disk as its own kernel sees them: one host, which is registered with a key or not.
 *
 * With one host there is no other to be kept out; what is left of the protocol is which calls conflict.  A conflict is the
 * positive status PR_CONFLICT.
 *
 * Source: SPC-4, 5.12 and 6.14 (PERSISTENT RESERVE OUT); Linux's Documentation/block/pr.rst.
 */
#ifndef BLOCK_RAM_RESERVE_H
#define BLOCK_RAM_RESERVE_H

#include "kern/lock.h"

/* Locks: l lock */
struct reservations {
	struct spinlock lock;
	bool registered, held;		/* [l] */
	u64 key;			/* [l] of the registration */
	u32 type;			/* [l] of the reservation, enum pr_type */
};

void reservations_init(struct reservations *r);
/* Return: 0, PR_CONFLICT, -EINVAL (a type that is none) */
int reservations_register(struct reservations *r, u64 old_key, u64 new_key, u32 flags);
int reservations_reserve(struct reservations *r, u64 key, u32 type);
int reservations_release(struct reservations *r, u64 key, u32 type);
int reservations_preempt(struct reservations *r, u64 old_key, u64 new_key, u32 type);
int reservations_clear(struct reservations *r, u64 key);

#endif
