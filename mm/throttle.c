/*
 * Dirty throttling: who dirties pages pauses, and does no I/O (the arithmetic is dirty_rate.h's).
 *
 * page_dirty counts in current()->dirty_count; every dirty_poll pages the writer comes here (mapping_balance_dirty).  Below the free
 * run it goes on at once.  Threads that write for others (TF_MEMALLOC: flushers, loop devices) never pause: what they write
 * makes pages clean elsewhere.
 *
 * A pause is killable, and at most 200 ms; at the limit another follows.  The trace point balance_dirty_pages would stand in pause().
 *
 * Locks: rates_lock for the shares and rates of all devices.
 */
#include "kern/sched.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "mm/backing.h"
#include "mm/internal.h"

struct dirty_sysctls dirty_sysctls = { .set = { .ratio = 20, .background_ratio = 10 }, .expire_cs = 3000, .writeback_cs = 500 };

static struct spinlock rates_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct dirty_share_all shares;		/* [rates_lock] */
static struct waitq throttled = WAITQ_INIT(throttled);

void dirty_limits_now(struct dirty_limits *out)
{
	struct page_stats s;

	page_stats(&s);
	*out = dirty_limits_of(&dirty_sysctls.set, s.free + mm_count_sum(COUNT_FILE));
}

static u64 dirty_now(void)
{
	return mm_count_sum(COUNT_DIRTY) + mm_count_sum(COUNT_WRITEBACK);
}

static u64 device_dirty(const struct backing *b)
{
	return atomic_load(&b->dirty_pages) + atomic_load(&b->writing_pages);
}

/* rates_lock held. */
static u64 share_limit(struct backing *b, const struct dirty_limits *l, u64 dirty)
{
	u64 written = atomic_load(&b->written);

	dirty_share_add(&shares, &b->share, written - b->counted);
	b->counted = written;
	return dirty_share_limit(&shares, &b->share, l, dirty, READ_ONCE(b->min_percent), READ_ONCE(b->max_percent));
}

/* Where @b stands, its rates brought up to date. Return: the ratio, *rate */
static u32 position(struct backing *b, const struct dirty_limits *l, u64 dirty, u64 *rate)
{
	struct dirty_position p = { .limits = *l, .dirty = dirty, .dev_dirty = device_dirty(b) };
	u32 ratio;

	spin_lock(&rates_lock);
	p.dev_limit = share_limit(b, l, dirty);
	p.dev_bandwidth = b->rate.bandwidth;
	ratio = dirty_ratio(&p);
	/* who stands still because of others learns nothing of his own device */
	(void)dirty_rate_update(&b->rate, plat_mono_ns(), atomic_load(&b->written), atomic_load(&b->dirtied), ratio,
				atomic_load(&b->writing_pages) && (ratio || p.dev_dirty > p.dev_limit));
	*rate = b->rate.rate;
	spin_unlock(&rates_lock);
	return ratio;
}

void dirty_measure(struct backing *b)
{
	struct dirty_limits l;
	u64 rate;

	dirty_limits_now(&l);
	(void)position(b, &l, dirty_now(), &rate);
}

bool dirty_over_background(struct backing *b)
{
	struct dirty_limits l;
	u64 part;

	dirty_limits_now(&l);
	if (mm_count_sum(COUNT_DIRTY) > l.background)
		return true;
	spin_lock(&rates_lock);
	part = share_limit(b, &l, dirty_now());
	spin_unlock(&rates_lock);
	return atomic_load(&b->dirty_pages) > part * l.background / l.limit;
}

/* Return: whether the task is to be killed */
static bool pause(u64 ns)
{
	return wait_event_state(&throttled, false, TS_KILLABLE, plat_mono_ns() + ns, false) == -ERESTARTSYS;
}

static void throttle(struct backing *b, struct dirty_limits *l, u64 dirty, u64 pages)
{
	struct thread *t = current();

	for (;;) {
		u64 rate, ns;
		u32 ratio = position(b, l, dirty, &rate);

		ns = dirty_pace_pause(&t->dirty_due_ns, plat_mono_ns(), pages, rate, ratio);
		if (ns && pause(ns))
			break;
		dirty_limits_now(l);
		dirty = dirty_now();
		if (dirty < l->limit)
			break;
		pages = 0;
	}
	t->dirty_poll = dirty_poll_pages(l, dirty);
}

void mapping_balance_dirty(struct mapping *m)
{
	struct thread *t = current();
	u64 pages = t->dirty_count, dirty;
	struct dirty_limits l;

	t->dirty_count = 0;
	t->dirty_poll = DIRTY_POLL_PAGES;
	if (m->flags & (MAPPING_SHMEM | MAPPING_NOWRITEBACK) || thread_has_flag(t, TF_MEMALLOC))
		return;
	dirty_limits_now(&l);
	dirty = dirty_now();
	if (dirty > l.background)
		backing_kick(m->backing);
	if (dirty >= dirty_freerun(&l))
		throttle(m->backing, &l, dirty, pages);
	else
		t->dirty_poll = dirty_poll_pages(&l, dirty);
}
