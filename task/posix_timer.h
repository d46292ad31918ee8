/* POSIX timers: timer_create and its kin.  Source: timer_create(2), timer_settime(2). */
#ifndef TASK_POSIX_TIMER_H
#define TASK_POSIX_TIMER_H

#include <linux/signal.h>
#include "task/itimer.h"

struct posix_timer_request {
	s32 clock;
	int notify;		/* SIGEV_* */
	int sig;
	u64 value;		/* si_value */
	s32 tid;		/* SIGEV_THREAD_ID */
};

/** posix_timer_create - @r NULL for the default event: SIGALRM with the timer's number. Return: number, -EINVAL, -EAGAIN */
s64 posix_timer_create(s32 clock, const struct posix_timer_request *r);
MUST_CHECK int posix_timer_set(u32 id, bool absolute, const struct itimer_value *set, struct itimer_value *old);
MUST_CHECK int posix_timer_get(u32 id, struct itimer_value *out);
s64 posix_timer_overrun(u32 id);
MUST_CHECK int posix_timer_delete(u32 id);
/** posix_timers_cpu_check - fire CPU-clock timers that are due; siglock held. Return: CPU time until the next, U64_MAX: none */
u64 posix_timers_cpu_check(struct process *p);
/** posix_timer_taken - a thread takes the signal of @t: the next one may be queued. siglock held. @info: si_overrun is filled in */
void posix_timer_taken(struct posix_timer *t, siginfo_t *info);

#endif
