/* The arithmetic of dirty throttling; see dirty_rate.h. */
#include "mm/dirty_rate.h"

enum { NS_A_MS = 1000000, SMOOTH_MS = 1600, RATE_FIRST = 25600 /* 100 MiB/s */, TASKS_MANY = 1024 };
#define NS_A_SEC 1000000000ull

/* ---- limits ---- */

struct dirty_limits dirty_limits_of(const struct dirty_settings *s, u64 memory)
{
	struct dirty_limits l = {
		.limit = s->bytes ? s->bytes / PAGE_SIZE : memory * s->ratio / 100,
		.background = s->background_bytes ? s->background_bytes / PAGE_SIZE : memory * s->background_ratio / 100,
	};

	l.limit = MAX(l.limit, 8ull);
	if (l.background >= l.limit)
		l.background = l.limit / 2;
	return l;
}

/* ---- shares ---- */

static u64 halved(const struct dirty_share *s, u64 period)
{
	u64 n = period - s->period;

	return n < 64 ? s->count >> n : 0;
}

void dirty_share_add(struct dirty_share_all *all, struct dirty_share *s, u64 pages)
{
	all->events += pages;
	s->count = halved(s, all->events / DIRTY_SHARE_PERIOD) + pages;
	s->period = all->events / DIRTY_SHARE_PERIOD;
}

u64 dirty_share_limit(const struct dirty_share_all *all, const struct dirty_share *s, const struct dirty_limits *l, u64 dirty,
		      u32 min_percent, u32 max_percent)
{
	u64 count = halved(s, all->events / DIRTY_SHARE_PERIOD);
	/* what the halved counts of all devices add up to: the current period, and the sum of the halves before it */
	u64 now = all->events % DIRTY_SHARE_PERIOD, before = MIN(all->events - now, (u64)DIRTY_SHARE_PERIOD);
	u64 total = MAX(now + before, MAX(count, 1ull));
	u64 part = l->limit * count / total, left = l->limit > dirty ? l->limit - dirty : 0;

	part = MAX(part, left / 8);
	part = MAX(part, l->limit * min_percent / 100);
	return MAX(MIN(part, l->limit * max_percent / 100), 1ull);
}

/* ---- position ---- */

u32 dirty_ratio_global(const struct dirty_limits *l, u64 dirty)
{
	u64 setpoint = (dirty_freerun(l) + l->limit) / 2;
	s64 span = (s64)(l->limit - setpoint), x;

	if (dirty >= l->limit)
		return 0;
	if (span <= 0)
		return DIRTY_ONE;
	x = ((s64)setpoint - (s64)dirty) * DIRTY_ONE / span;
	if (x >= DIRTY_ONE)
		return 2 * DIRTY_ONE;
	return (u32)(DIRTY_ONE + x * x / DIRTY_ONE * x / DIRTY_ONE);
}

/* The device's line: 1 at its set point, 0 at `zero`, which lies the wider off the more of the limit is not its own. */
static u32 device_ratio(const struct dirty_position *p)
{
	const struct dirty_limits *l = &p->limits;
	u64 global = (dirty_freerun(l) + l->limit) / 2;
	u64 limit = MIN(MAX(p->dev_limit, 1ull), l->limit), setpoint = global * limit / l->limit;
	u64 others = l->limit - limit, span = (others + 8 * p->dev_bandwidth / 10) * (limit + 1) / (l->limit + 1) + limit / 4 + 1;
	u64 zero = setpoint + span, reserve = limit / 2;
	u64 r = DIRTY_ONE;

	if (p->dev_dirty < zero - span / 4)
		r = r * (zero - p->dev_dirty) / span;
	else
		r /= 4;
	/* a device that is about to run dry must not */
	if (p->dev_dirty < reserve)
		r = p->dev_dirty > reserve / 8 ? r * reserve / p->dev_dirty : r * 8;
	return (u32)MIN(r, 16ull * DIRTY_ONE);
}

u32 dirty_ratio(const struct dirty_position *p)
{
	return (u32)((u64)dirty_ratio_global(&p->limits, p->dirty) * device_ratio(p) / DIRTY_ONE);
}

/* ---- rates ---- */

void dirty_rate_init(struct dirty_rate *r, u64 now_ns)
{
	*r = (struct dirty_rate){ .bandwidth = RATE_FIRST, .rate = RATE_FIRST, .stamp_ns = now_ns };
}

static u64 toward(u64 from, u64 to, u64 part, u64 whole)
{
	return to > from ? from + (to - from) * part / whole : from - (from - to) * part / whole;
}

bool dirty_rate_update(struct dirty_rate *r, u64 now_ns, u64 written, u64 dirtied, u32 ratio, bool busy)
{
	u64 ms = (now_ns - r->stamp_ns) / NS_A_MS, wrote = written - r->written, made = dirtied - r->dirtied, task, balanced;

	if (now_ns < r->stamp_ns || ms < DIRTY_UPDATE_MS)
		return false;
	/* an idle device says nothing about how fast it is */
	if (busy && ms < 8 * DIRTY_UPDATE_MS) {
		r->bandwidth = MAX(toward(r->bandwidth, wrote * 1000 / ms, MIN(ms, (u64)SMOOTH_MS), SMOOTH_MS), 1ull);
		task = r->rate * ratio / DIRTY_ONE + 1;
		balanced = MIN(task * r->bandwidth / MAX(made * 1000 / ms, 1ull), r->bandwidth);
		r->rate = MAX(toward(r->rate, balanced, 1, 4), MAX(r->bandwidth / TASKS_MANY, 1ull));
	}
	r->stamp_ns = now_ns;
	r->written = written;
	r->dirtied = dirtied;
	return true;
}

/* ---- pace ---- */

u64 dirty_pace_pause(u64 *due_ns, u64 now_ns, u64 pages, u64 rate, u32 ratio)
{
	u64 max = (u64)DIRTY_PAUSE_MAX_MS * NS_A_MS, speed = rate * ratio / DIRTY_ONE, pause;
	u64 cost = speed ? MIN(pages * NS_A_SEC / speed, max) : 0;

	/* the time that it took over these pages pays for them, but not for later ones */
	*due_ns = speed ? MAX(*due_ns + cost, now_ns) : now_ns + max;
	pause = MIN(*due_ns - now_ns, max);
	if (pause < (u64)DIRTY_PAUSE_MIN_MS * NS_A_MS)
		return 0;
	*due_ns = now_ns + pause;
	return pause;
}

u32 dirty_poll_pages(const struct dirty_limits *l, u64 dirty)
{
	u64 left = l->limit > dirty ? l->limit - dirty : 0;

	return (u32)MAX(MIN(left / 64, (u64)DIRTY_POLL_PAGES), 1ull);
}
