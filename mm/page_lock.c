/*
 * Waiting for a page: PG_LOCKED as a sleeping bit lock, and for PG_WRITEBACK to clear.
 *
 * Waiters sleep on one of a few hashed queues.  A waiter enters the queue, sets PG_WAITERS, then tries the bit; who
 * clears the bit takes PG_WAITERS away in the same step and, if it was set, wakes the whole queue: those whose
 * page it was not go back to sleep, and set PG_WAITERS again before.  So neither order loses a wake-up, and the page is
 * not touched after the bit is clear (it may be gone by then).
 *
 * Contexts: page_unlock and page_read_done any; the others thread.
 */
#include "base/hash.h"
#include "kern/wait.h"
#include "mm/internal.h"

enum { QUEUES_BITS = 6 };

static struct waitq queues[1 << QUEUES_BITS];

void page_lock_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(queues); i++)
		waitq_init(&queues[i]);
}

static struct waitq *page_queue(const struct page *p)
{
	return &queues[hash_bits(page_pfn(p), QUEUES_BITS)];
}

/* Clear @bit and PG_WAITERS, and wake who waits. */
static void clear_and_wake(struct page *p, u32 bit)
{
	struct waitq *q = page_queue(p);
	u32 old = __atomic_fetch_and(&p->flags, ~(bit | PG_WAITERS), __ATOMIC_SEQ_CST);

	assert(old & bit);
	if (unlikely(old & PG_WAITERS))
		waitq_wake(q, 0, 0);
}

bool page_trylock(struct page *p)
{
	return !page_has(p, PG_LOCKED) && !page_test_set(p, PG_LOCKED);
}

static NOINLINE int lock_slow(struct page *p, enum thread_state state)
{
	struct waitq *q = page_queue(p);
	struct waiter w;
	int ret = 0;

	waiter_init(&w);
	for (;;) {
		waitq_prepare(q, &w, state);
		page_set(p, PG_WAITERS);
		if (!page_test_set(p, PG_LOCKED))
			break;
		if (wait_state_interrupted(state)) {
			ret = -EINTR;
			break;
		}
		schedule();
	}
	waitq_finish(q, &w);
	return ret;
}

void page_lock(struct page *p)
{
	if (unlikely(page_test_set(p, PG_LOCKED)))
		(void)lock_slow(p, TS_UNINTERRUPTIBLE);
}

int page_lock_killable(struct page *p)
{
	return unlikely(page_test_set(p, PG_LOCKED)) ? lock_slow(p, TS_KILLABLE) : 0;
}

/* Who sets PG_WRITEBACK holds the lock, and its unlocking wakes us: so the look at that bit cannot come too early. */
bool page_lock_unless_writeback(struct page *p)
{
	struct waitq *q = page_queue(p);
	struct waiter w;
	bool got = !page_test_set(p, PG_LOCKED);

	if (!got) {
		waiter_init(&w);
		for (;;) {
			waitq_prepare(q, &w, TS_UNINTERRUPTIBLE);
			page_set(p, PG_WAITERS);
			got = !page_test_set(p, PG_LOCKED);
			if (got || page_has(p, PG_WRITEBACK))
				break;
			schedule();
		}
		waitq_finish(q, &w);
	}
	if (got && page_has(p, PG_WRITEBACK)) {
		page_unlock(p);
		return false;
	}
	return got;
}

void page_unlock(struct page *p)
{
	clear_and_wake(p, PG_LOCKED);
}

void page_wait_writeback(struct page *p)
{
	struct waitq *q = page_queue(p);
	struct waiter w;

	if (!page_has(p, PG_WRITEBACK))
		return;
	waiter_init(&w);
	for (;;) {
		waitq_prepare(q, &w, TS_UNINTERRUPTIBLE);
		page_set(p, PG_WAITERS);
		if (!page_has(p, PG_WRITEBACK))
			break;
		schedule();
	}
	waitq_finish(q, &w);
}

void page_end_writeback(struct page *p)
{
	clear_and_wake(p, PG_WRITEBACK);
}

void page_read_done(struct page *p, int err)
{
	if (err)
		page_set(p, PG_ERROR);
	else
		page_set(p, PG_UPTODATE);
	page_unlock(p);
}
