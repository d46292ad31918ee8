/*
 * Sleeping locks: mutex and reader-writer semaphore.  Ranked like spin locks (lock.h).  Thread context only.
 *
 * Writers of an rwsem are not starved: readers queue behind a waiting writer.
 */
#ifndef KERN_MUTEX_H
#define KERN_MUTEX_H

#include "kern/lock.h"
#include "kern/wait.h"

struct mutex {
	u32 word;		/* [a] 0 free, 1 held, 2 held with waiters */
	u32 rank;
	struct waitq q;
};

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock_slow(struct mutex *m);
int mutex_lock_killable_slow(struct mutex *m, enum thread_state state);
void mutex_unlock_slow(struct mutex *m);

static inline void mutex_lock_nested(struct mutex *m, u32 rank)
{
	u32 expect = 0;

	rank_take(rank);
	if (!__atomic_compare_exchange_n(&m->word, &expect, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		mutex_lock_slow(m);
}

static inline void mutex_unlock_nested(struct mutex *m, u32 rank)
{
	if (__atomic_exchange_n(&m->word, 0, __ATOMIC_RELEASE) == 2)
		mutex_unlock_slow(m);
	rank_drop(rank);
}

static inline void mutex_lock(struct mutex *m)
{
	mutex_lock_nested(m, m->rank);
}

static inline void mutex_unlock(struct mutex *m)
{
	mutex_unlock_nested(m, m->rank);
}

bool mutex_trylock(struct mutex *m);
/** mutex_lock_interruptible - Return: 0, or -ERESTARTSYS with the lock not taken. */
MUST_CHECK int mutex_lock_interruptible(struct mutex *m);
MUST_CHECK int mutex_lock_killable(struct mutex *m);

static inline bool mutex_is_locked(const struct mutex *m)
{
	return __atomic_load_n(&m->word, __ATOMIC_RELAXED) != 0;
}

struct rwsem {
	s32 count;		/* [a] readers; -1: a writer */
	u32 waiting;		/* [a] anyone in q */
	u32 writers_waiting;	/* [a] */
	u32 rank;
	struct waitq q;
};

void rwsem_init(struct rwsem *s, enum lock_rank rank);
void rwsem_read_lock_slow(struct rwsem *s);
void rwsem_write_lock_slow(struct rwsem *s);
void rwsem_wake(struct rwsem *s);

static inline void rwsem_read_lock_nested(struct rwsem *s, u32 rank)
{
	s32 c = __atomic_load_n(&s->count, __ATOMIC_RELAXED);

	rank_take(rank);
	if (c < 0 || __atomic_load_n(&s->writers_waiting, __ATOMIC_RELAXED) ||
	    !__atomic_compare_exchange_n(&s->count, &c, c + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		rwsem_read_lock_slow(s);
}

static inline void rwsem_read_unlock_nested(struct rwsem *s, u32 rank)
{
	if (__atomic_fetch_sub(&s->count, 1, __ATOMIC_SEQ_CST) == 1 &&
	    __atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST))
		rwsem_wake(s);
	rank_drop(rank);
}

static inline void rwsem_write_lock_nested(struct rwsem *s, u32 rank)
{
	s32 expect = 0;

	rank_take(rank);
	if (!__atomic_compare_exchange_n(&s->count, &expect, -1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		rwsem_write_lock_slow(s);
}

static inline void rwsem_write_unlock_nested(struct rwsem *s, u32 rank)
{
	__atomic_store_n(&s->count, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST))
		rwsem_wake(s);
	rank_drop(rank);
}

static inline void rwsem_read_lock(struct rwsem *s) { rwsem_read_lock_nested(s, s->rank); }
static inline void rwsem_read_unlock(struct rwsem *s) { rwsem_read_unlock_nested(s, s->rank); }
static inline void rwsem_write_lock(struct rwsem *s) { rwsem_write_lock_nested(s, s->rank); }
static inline void rwsem_write_unlock(struct rwsem *s) { rwsem_write_unlock_nested(s, s->rank); }
bool rwsem_read_trylock(struct rwsem *s);
bool rwsem_write_trylock(struct rwsem *s);
/** rwsem_downgrade - from writer to reader without letting another writer in. */
void rwsem_downgrade(struct rwsem *s);

#endif
