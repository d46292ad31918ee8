/*
 * The slow paths of mutexes and reader-writer semaphores: they sleep on the lock's wait queue.
 */
#include "kern/assert.h"
#include "kern/mutex.h"

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	m->word = 0;
	m->rank = rank;
	waitq_init(&m->q);
}

/* Take it, marking that there may be waiters. */
static bool take_contended(struct mutex *m)
{
	return __atomic_exchange_n(&m->word, 2, __ATOMIC_ACQUIRE) == 0;
}

static int lock_slow(struct mutex *m, enum thread_state state)
{
	return wait_event_state(&m->q, take_contended(m), state, ~0ull, true);
}

void mutex_lock_slow(struct mutex *m)
{
	(void)lock_slow(m, TS_UNINTERRUPTIBLE);
}

int mutex_lock_killable_slow(struct mutex *m, enum thread_state state)
{
	return lock_slow(m, state);
}

void mutex_unlock_slow(struct mutex *m)
{
	wake_up_one(&m->q);
}

bool mutex_trylock(struct mutex *m)
{
	u32 expect = 0;

	if (!__atomic_compare_exchange_n(&m->word, &expect, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	rank_take(m->rank);
	return true;
}

static int lock_state(struct mutex *m, enum thread_state state)
{
	u32 expect = 0;

	rank_take(m->rank);
	if (__atomic_compare_exchange_n(&m->word, &expect, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return 0;
	int err = lock_slow(m, state);
	if (err) {
		rank_drop(m->rank);
		wake_up_one(&m->q);	/* a wake-up that came for us is passed on */
	}
	return err;
}

int mutex_lock_interruptible(struct mutex *m) { return lock_state(m, TS_INTERRUPTIBLE); }
int mutex_lock_killable(struct mutex *m) { return lock_state(m, TS_KILLABLE); }

/* ---- reader-writer semaphores ---- */

void rwsem_init(struct rwsem *s, enum lock_rank rank)
{
	*s = (struct rwsem){ .rank = rank };
	waitq_init(&s->q);
}

static bool try_read(struct rwsem *s, bool behind_writers)
{
	s32 c = __atomic_load_n(&s->count, __ATOMIC_SEQ_CST);

	while (c >= 0 && !(behind_writers && __atomic_load_n(&s->writers_waiting, __ATOMIC_RELAXED)))
		if (__atomic_compare_exchange_n(&s->count, &c, c + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static bool try_write(struct rwsem *s)
{
	s32 expect = 0;

	return __atomic_compare_exchange_n(&s->count, &expect, -1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void rwsem_read_lock_slow(struct rwsem *s)
{
	__atomic_fetch_add(&s->waiting, 1, __ATOMIC_SEQ_CST);
	wait_event(&s->q, try_read(s, true));
	__atomic_fetch_sub(&s->waiting, 1, __ATOMIC_SEQ_CST);
}

void rwsem_write_lock_slow(struct rwsem *s)
{
	__atomic_fetch_add(&s->waiting, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&s->writers_waiting, 1, __ATOMIC_SEQ_CST);
	wait_event(&s->q, try_write(s));
	__atomic_fetch_sub(&s->writers_waiting, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_sub(&s->waiting, 1, __ATOMIC_SEQ_CST);
}

void rwsem_wake(struct rwsem *s)
{
	waitq_wake(&s->q, 0, 0);
}

bool rwsem_read_trylock(struct rwsem *s)
{
	if (!try_read(s, true))
		return false;
	rank_take(s->rank);
	return true;
}

bool rwsem_write_trylock(struct rwsem *s)
{
	if (!try_write(s))
		return false;
	rank_take(s->rank);
	return true;
}

void rwsem_downgrade(struct rwsem *s)
{
	__atomic_store_n(&s->count, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST))
		rwsem_wake(s);
}
