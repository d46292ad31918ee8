/*
 * See itimer.h.
 *
 * CPU time is not counted by ticks (there may be none), so what is measured in it is looked after by one ordinary timer a
 * process: it goes off when the limit could be reached at the earliest, if all threads ran all the time, and is armed again.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/time.h>
#include "task/internal.h"
#include "task/itimer.h"
#include "task/posix_timer.h"
#include "task/rusage.h"
#include "task/signal.h"

enum { CPU_FLOOR_NS = 4 * NS_PER_MS, CPU_IDLE_NS = 50 * NS_PER_MS };

/* ---- ITIMER_REAL ---- */

static void real_fire(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, real_timer);
	u64 irq = process_siglock(p);

	if (p->real_value_ns && p->real_value_ns <= plat_mono_ns()) {
		(void)signal_process_locked(p, SIGALRM, NULL);
		p->real_value_ns = p->real_interval_ns ? plat_mono_ns() + p->real_interval_ns : 0;
	}
	if (p->real_value_ns)
		timer_arm(&p->real_timer, p->real_value_ns);
	process_sigunlock(p, irq);
}

/* siglock held. */
static void real_get(struct process *p, struct itimer_value *out)
{
	u64 now = plat_mono_ns();

	out->interval_ns = p->real_interval_ns;
	out->value_ns = !p->real_value_ns ? 0 : p->real_value_ns > now ? p->real_value_ns - now : NS_PER_US;
}

static void real_set(struct process *p, const struct itimer_value *set)
{
	if (!p->real_ready) {
		timer_init(&p->real_timer, real_fire);
		p->real_ready = true;
	}
	p->real_interval_ns = set->interval_ns;
	p->real_value_ns = set->value_ns ? plat_mono_ns() + set->value_ns : 0;
	if (p->real_value_ns)
		timer_arm(&p->real_timer, p->real_value_ns);
	else
		timer_cancel(&p->real_timer);
}

/* ---- CPU time ---- */

static u64 min_left(u64 left, u64 at, u64 now)
{
	return MIN(left, at > now ? at - now : 0);
}

static void check_limit(struct process *p, u64 total)
{
	u64 soft = p->rlimit[RLIMIT_CPU].cur, hard = p->rlimit[RLIMIT_CPU].max, sec = total / NS_PER_SEC;

	if (hard != RLIM_INFINITY && sec >= hard)
		(void)signal_process_locked(p, SIGKILL, NULL);
	else if (soft != RLIM_INFINITY && sec >= soft + p->cpu_limit_signals) {
		p->cpu_limit_signals++;
		(void)signal_process_locked(p, SIGXCPU, NULL);
	}
}

/* Fire what is due. Return: CPU time until the next may be, U64_MAX: none. siglock held */
static u64 cpu_check(struct process *p, u64 total, u64 user)
{
	static const int sig[2] = { SIGVTALRM, SIGPROF };
	u64 left = ~0ull;

	for (int i = 0; i < 2; i++) {
		u64 now = i ? total : user;

		if (!p->cpu_itimer[i].value_ns)
			continue;
		if (now >= p->cpu_itimer[i].value_ns) {
			(void)signal_process_locked(p, sig[i], NULL);
			p->cpu_itimer[i].value_ns = p->cpu_itimer[i].interval_ns ? now + p->cpu_itimer[i].interval_ns : 0;
		}
		if (p->cpu_itimer[i].value_ns)
			left = min_left(left, p->cpu_itimer[i].value_ns, now);
	}
	if (p->rlimit[RLIMIT_CPU].cur != RLIM_INFINITY) {
		check_limit(p, total);
		left = min_left(left, (p->rlimit[RLIMIT_CPU].cur + p->cpu_limit_signals) * NS_PER_SEC, total);
	}
	return MIN(left, posix_timers_cpu_check(p));
}

static void cpu_arm(struct process *p)
{
	u64 total = process_cpu_ns_locked(p, false), user = process_cpu_ns_locked(p, true);
	u64 left = cpu_check(p, total, user);

	if (left == ~0ull)
		return;
	u64 floor = total == p->cpu_seen_ns ? CPU_IDLE_NS : CPU_FLOOR_NS;
	p->cpu_seen_ns = total;
	left /= MAX(p->task_count, 1u);
	timer_arm(&p->cpu_timer, plat_mono_ns() + MAX(left, floor));
}

static void cpu_fire(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, cpu_timer);
	u64 irq = process_siglock(p);

	if (atomic_load(&p->live_count))
		cpu_arm(p);
	process_sigunlock(p, irq);
}

void cpu_timer_rearm_locked(struct process *p)
{
	if (!p->cpu_ready) {
		timer_init(&p->cpu_timer, cpu_fire);
		p->cpu_ready = true;
	}
	p->cpu_seen_ns = ~0ull;
	cpu_arm(p);
}

void cpu_timer_rearm(struct process *p)
{
	u64 irq = process_siglock(p);

	cpu_timer_rearm_locked(p);
	process_sigunlock(p, irq);
}

/* ---- the calls ---- */

static void cpu_get(struct process *p, int i, struct itimer_value *out)
{
	u64 now = process_cpu_ns_locked(p, i == 0), at = p->cpu_itimer[i].value_ns;

	out->interval_ns = p->cpu_itimer[i].interval_ns;
	out->value_ns = !at ? 0 : at > now ? at - now : NS_PER_US;
}

static void get_locked(struct process *p, int which, struct itimer_value *out)
{
	if (which == ITIMER_REAL)
		real_get(p, out);
	else
		cpu_get(p, which - ITIMER_VIRTUAL, out);
}

int itimer_get(int which, struct itimer_value *out)
{
	struct process *p = current_process();

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	u64 irq = process_siglock(p);
	get_locked(p, which, out);
	process_sigunlock(p, irq);
	return 0;
}

int itimer_set(int which, const struct itimer_value *set, struct itimer_value *old)
{
	struct process *p = current_process();

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	u64 irq = process_siglock(p);
	if (old)
		get_locked(p, which, old);
	if (which == ITIMER_REAL) {
		real_set(p, set);
	} else {
		int i = which - ITIMER_VIRTUAL;

		p->cpu_itimer[i].interval_ns = set->interval_ns;
		p->cpu_itimer[i].value_ns = set->value_ns ? process_cpu_ns_locked(p, i == 0) + set->value_ns : 0;
		if (set->value_ns)
			cpu_timer_rearm_locked(p);
	}
	process_sigunlock(p, irq);
	return 0;
}

void itimers_exit(struct process *p)
{
	u64 irq = process_siglock(p);

	p->real_value_ns = p->real_interval_ns = 0;
	p->cpu_itimer[0].value_ns = p->cpu_itimer[1].value_ns = 0;
	process_sigunlock(p, irq);
	if (p->real_ready)
		timer_cancel_sync(&p->real_timer);
	if (p->cpu_ready)
		timer_cancel_sync(&p->cpu_timer);
}
