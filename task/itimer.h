/* Interval timers: setitimer, alarm, and the watch over CPU time (ITIMER_VIRTUAL, ITIMER_PROF, RLIMIT_CPU, CPU-clock timers). */
#ifndef TASK_ITIMER_H
#define TASK_ITIMER_H

#include "task/task.h"

struct itimer_value {
	u64 value_ns, interval_ns;
};

/** itimer_get, itimer_set - @which: ITIMER_*; remaining times. -EINVAL */
MUST_CHECK int itimer_get(int which, struct itimer_value *out);
MUST_CHECK int itimer_set(int which, const struct itimer_value *set, struct itimer_value *old);
/** cpu_timer_rearm - something that is measured in CPU time of @p was set: look after it. */
void cpu_timer_rearm(struct process *p);
void cpu_timer_rearm_locked(struct process *p);

#endif
