/*
 * Dirty throttling: the published points of the curve, shares, pauses; and a simulation on a virtual clock, with model disks and tasks
 * that do nothing but dirty pages: the number of dirty pages stays off the limit, nobody pauses for more than 200 ms,
 * who shares a device gets a fair share of it, and a slow device holds back nobody but its own.
 */
#include "tests/unit/unit.h"
#include "mm/dirty_rate.h"

/* ---- points ---- */

static const struct dirty_limits LIMITS = { .limit = 20000, .background = 10000 };	/* free run 15000, set point 17500 */

static void curve(void **state)
{
	(void)state;
	assert_int_equal(dirty_ratio_global(&LIMITS, 15000), 2 * DIRTY_ONE);
	assert_int_equal(dirty_ratio_global(&LIMITS, 17500), DIRTY_ONE);
	assert_int_equal(dirty_ratio_global(&LIMITS, 20000), 0);
	assert_int_equal(dirty_ratio_global(&LIMITS, 16250), DIRTY_ONE + DIRTY_ONE / 8);
	assert_int_equal(dirty_ratio_global(&LIMITS, 18750), DIRTY_ONE - DIRTY_ONE / 8);
	assert_int_equal(dirty_ratio_global(&LIMITS, 0), 2 * DIRTY_ONE);
	assert_int_equal(dirty_ratio_global(&LIMITS, 1 << 30), 0);
	for (u64 d = 0; d < 21000; d++)
		assert_true(dirty_ratio_global(&LIMITS, d + 1) <= dirty_ratio_global(&LIMITS, d));
}

static void device_line(void **state)
{
	struct dirty_position p = { .limits = LIMITS, .dirty = 17500, .dev_limit = 10000, .dev_bandwidth = 1000 };
	u32 last = ~0u;

	(void)state;
	/* 1 at the set point, within rounding; falling; nothing is stopped by a device alone */
	p.dev_dirty = 8750;
	assert_in_range(dirty_ratio(&p), DIRTY_ONE - 16, DIRTY_ONE);
	for (p.dev_dirty = 0; p.dev_dirty < 40000; p.dev_dirty += 10) {
		u32 r = dirty_ratio(&p);

		assert_true(r <= last && r >= DIRTY_ONE / 4);
		last = r;
	}
	/* a device that runs dry is helped */
	p.dev_dirty = 600;
	assert_true(dirty_ratio(&p) > 4 * DIRTY_ONE);
	p.dirty = 20000;
	assert_int_equal(dirty_ratio(&p), 0);
}

static void limits(void **state)
{
	struct dirty_settings s = { .ratio = 20, .background_ratio = 10 };
	struct dirty_limits l = dirty_limits_of(&s, 100000);

	(void)state;
	assert_int_equal(l.limit, 20000);
	assert_int_equal(l.background, 10000);
	s = (struct dirty_settings){ .ratio = 10, .background_ratio = 10, .bytes = 1 << 20 };
	l = dirty_limits_of(&s, 100000);
	assert_int_equal(l.limit, 256);
	assert_int_equal(l.background, 128);
	s = (struct dirty_settings){ 0 };
	l = dirty_limits_of(&s, 0);
	assert_true(l.limit > l.background && l.limit > 0);
}

static void shares(void **state)
{
	struct dirty_share_all all = { 0 };
	struct dirty_share fast = { 0 }, slow = { 0 }, fresh = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		dirty_share_add(&all, &fast, 9);
		dirty_share_add(&all, &slow, 1);
	}
	assert_in_range(dirty_share_limit(&all, &fast, &LIMITS, 20000, 0, 100), 17500, 18500);
	assert_in_range(dirty_share_limit(&all, &slow, &LIMITS, 20000, 0, 100), 1500, 2500);
	assert_int_equal(dirty_share_limit(&all, &fresh, &LIMITS, 20000, 0, 100), 1);
	assert_int_equal(dirty_share_limit(&all, &fresh, &LIMITS, 4000, 0, 100), 2000);
	assert_int_equal(dirty_share_limit(&all, &slow, &LIMITS, 20000, 40, 100), 8000);
	assert_int_equal(dirty_share_limit(&all, &fast, &LIMITS, 20000, 0, 50), 10000);
	/* what was long ago is forgotten */
	for (unsigned i = 0; i < 100000; i++)
		dirty_share_add(&all, &slow, 1);
	assert_in_range(dirty_share_limit(&all, &fast, &LIMITS, 20000, 0, 100), 1, 200);
}

static void pauses(void **state)
{
	u64 p = 0, now = 1000000000, slept = 0, pages = 0;

	(void)state;
	assert_int_equal(dirty_pace_pause(&p, now, 32, 0, DIRTY_ONE), 200000000);
	assert_int_equal(dirty_pace_pause(&p, now += 200000000, 32, 1000, 0), 200000000);
	now += 200000000;
	/* 8000 pages a second in pieces of 32: 4 ms each, too little to sleep for; in the long run exact */
	while (pages < 80000) {
		u64 pause = dirty_pace_pause(&p, now, 32, 8000, DIRTY_ONE);

		assert_true(!pause || (pause >= 10000000 && pause <= 200000000));
		pages += 32;
		now += pause + 1000000;		/* the writing itself takes 1 ms */
		slept += pause;
	}
	assert_in_range(slept, 7400000000, 7600000000);
	/* who is slower than that never pauses */
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(dirty_pace_pause(&p, now += 5000000, 32, 8000, DIRTY_ONE), 0);
}

/* ---- simulation ---- */

enum { DEVICES = 2, TASKS_MAX = 40, SECONDS = 60, WARM_SECONDS = 20 };

struct disk { u64 speed, dirty, written, dirtied, carry; struct dirty_rate rate; struct dirty_share share; unsigned tasks; };
struct dirtier { struct disk *disk; u64 pace; u64 wake_ns, pages, unpaid; };
struct outcome { u64 pause_max, dirty_max, limit_hits, written[DEVICES]; double unfair; };
struct world { struct disk disk[DEVICES]; struct dirtier task[TASKS_MAX]; unsigned tasks; u64 dirty, now; struct dirty_share_all all; u32 (*ratio)(const struct dirty_position *p); };

static void disks_run_1ms(struct world *w)
{
	for (unsigned i = 0; i < DEVICES; i++) {
		struct disk *d = &w->disk[i];

		d->carry += d->speed;
		u64 n = d->carry / 1000;

		d->carry %= 1000;
		if (w->dirty <= LIMITS.background)
			continue;
		n = MIN(n, d->dirty);
		d->dirty -= n;
		w->dirty -= n;
		d->written += n;
		dirty_share_add(&w->all, &d->share, n);
	}
}

/* Return: how long the task pauses */
static u64 look(struct world *w, struct dirtier *t)
{
	struct disk *d = t->disk;
	struct dirty_position p = { .limits = LIMITS, .dirty = w->dirty, .dev_dirty = d->dirty, .dev_bandwidth = d->rate.bandwidth };

	if (w->dirty < dirty_freerun(&LIMITS))
		return 0;
	p.dev_limit = dirty_share_limit(&w->all, &d->share, &LIMITS, w->dirty, 0, 100);
	u32 ratio = w->ratio(&p);

	dirty_rate_update(&d->rate, w->now, d->written, d->dirtied, ratio, true);
	return dirty_pace_pause(&t->pace, w->now, t->unpaid, d->rate.rate, ratio);
}

static void task_runs(struct world *w, struct dirtier *t, struct outcome *o, bool counts)
{
	u64 until = w->now + 1000000;

	while (t->wake_ns < until) {
		if (w->dirty >= LIMITS.limit) {
			o->limit_hits += counts;
			t->wake_ns = until + 100000000;
			return;
		}
		u32 n = dirty_poll_pages(&LIMITS, w->dirty);

		w->dirty += n;
		t->disk->dirty += n;
		t->disk->dirtied += n;
		t->pages += counts ? n : 0;
		t->unpaid += n;
		t->wake_ns = MAX(t->wake_ns, w->now) + n * 5000;
		o->dirty_max = MAX(o->dirty_max, w->dirty);
		u64 pause = look(w, t);

		t->unpaid = 0;
		t->wake_ns += pause;
		o->pause_max = MAX(o->pause_max, pause);
	}
}

static double unfairness(const struct world *w, const struct disk *d)
{
	u64 least = ~0ull, most = 0;

	for (unsigned i = 0; i < w->tasks; i++)
		if (w->task[i].disk == d) {
			least = MIN(least, w->task[i].pages);
			most = MAX(most, w->task[i].pages);
		}
	return least ? (double)most / (double)least : 1e9;
}

static struct outcome simulate(unsigned fast_tasks, unsigned slow_tasks, u32 (*ratio)(const struct dirty_position *p))
{
	static struct world w;
	struct outcome o = { 0 };

	w = (struct world){ .disk = { { .speed = 20000 }, { .speed = 800 } }, .tasks = fast_tasks + slow_tasks, .ratio = ratio };
	for (unsigned i = 0; i < DEVICES; i++)
		dirty_rate_init(&w.disk[i].rate, 0);
	for (unsigned i = 0; i < w.tasks; i++)
		w.task[i] = (struct dirtier){ .disk = &w.disk[i >= fast_tasks], .wake_ns = i * 1000 };
	for (u64 ms = 0; ms < SECONDS * 1000; ms++) {
		if (ms == WARM_SECONDS * 1000)
			for (unsigned i = 0; i < DEVICES; i++)
				o.written[i] = w.disk[i].written;
		w.now = ms * 1000000;
		for (unsigned i = 0; i < w.tasks; i++)	/* another one first each time */
			task_runs(&w, &w.task[(i + ms) % w.tasks], &o, ms >= WARM_SECONDS * 1000);
		disks_run_1ms(&w);
	}
	for (unsigned i = 0; i < DEVICES; i++)
		o.written[i] = (w.disk[i].written - o.written[i]) / (SECONDS - WARM_SECONDS);
	o.unfair = fast_tasks ? unfairness(&w, &w.disk[0]) : 1;
	if (slow_tasks)
		o.unfair = unfairness(&w, &w.disk[1]) > o.unfair ? unfairness(&w, &w.disk[1]) : o.unfair;
	print_message("%u + %u: pages/s %llu %llu, most dirty %llu, longest pause %llu ms, at the limit %llu times, unfair %.2f\n", fast_tasks,
		      slow_tasks, (unsigned long long)o.written[0], (unsigned long long)o.written[1], (unsigned long long)o.dirty_max,
		      (unsigned long long)(o.pause_max / 1000000), (unsigned long long)o.limit_hits, o.unfair);
	return o;
}

static bool good(const struct outcome *o, u64 fast, u64 slow)
{
	return o->dirty_max <= LIMITS.limit && o->pause_max <= 200000000 && !o->limit_hits && o->unfair < 1.25 &&
	       o->written[0] >= fast * 9 / 10 && o->written[1] >= slow * 9 / 10;
}

static void simulations(void **state)
{
	static const struct { unsigned fast, slow; } mix[] = { { 1, 0 }, { 0, 1 }, { 4, 0 }, { 0, 4 }, { 1, 1 }, { 4, 4 }, { 2, 8 }, { 20, 20 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(mix); i++) {
		struct outcome o = simulate(mix[i].fast, mix[i].slow, dirty_ratio);

		assert_true(good(&o, mix[i].fast ? 20000 : 0, mix[i].slow ? 800 : 0));
	}
}

/* Faults on purpose: each is found. */
static u32 no_feedback(const struct dirty_position *p) { (void)p; return DIRTY_ONE; }
static u32 wrong_way(const struct dirty_position *p) { struct dirty_position q = *p; q.dirty = LIMITS.limit + dirty_freerun(&LIMITS) - MIN(p->dirty, LIMITS.limit); return dirty_ratio(&q); }
static u32 always_fast(const struct dirty_position *p) { return dirty_ratio(p) * 8 + DIRTY_ONE; }

static void planted(void **state)
{
	u32 (*const faults[])(const struct dirty_position *p) = { no_feedback, wrong_way, always_fast };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
		struct outcome o = simulate(4, 4, faults[i]);

		assert_false(good(&o, 20000, 800));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(curve), cmocka_unit_test(device_line), cmocka_unit_test(limits), cmocka_unit_test(shares), cmocka_unit_test(pauses),
		cmocka_unit_test(simulations), cmocka_unit_test(planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
