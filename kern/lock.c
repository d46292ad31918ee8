/*
 * The slow paths of spin locks and lock ranks.
 */
#include "kern/assert.h"
#include "kern/lock.h"

/* A lock word wraps after 65536 tickets; the low half is the owner's number. */
void spin_lock_slow(struct spinlock *l, u32 ticket)
{
	while ((__atomic_load_n(&l->word, __ATOMIC_ACQUIRE) & 0xffff) != ticket)
		plat_cpu_relax();
}

void rank_violation(u32 rank, const u64 *held)
{
	panic("lock rank %u taken while holding %#llx:%016llx", rank, (unsigned long long)held[1], (unsigned long long)held[0]);
}
