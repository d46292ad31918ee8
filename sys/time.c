/*
 * Clocks and sleeping.
 */
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include "kern/cred.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/clock.h"
#include "task/itimer.h"
#include "task/task.h"

static s64 ts_out(u64 user, u64 ns)
{
	struct __kernel_timespec ts = { (s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC) };

	return copy_out(uaddr(user), &ts, sizeof(ts));
}

static int ts_in(u64 user, u64 *ns)
{
	struct __kernel_timespec ts;

	if (copy_in(&ts, uaddr(user), sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec > 999999999)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > 9000000000ull ? 9000000000ull * NS_PER_SEC : (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	return 0;
}

s64 sys_clock_gettime(u64 clock, u64 user)
{
	u64 ns;
	int err = clock_read((s32)clock, &ns);

	return err ? err : ts_out(user, ns);
}

s64 sys_clock_getres(u64 clock, u64 user)
{
	u64 ns;
	int err = clock_resolution((s32)clock, &ns);

	return err || !user ? err : ts_out(user, ns);
}

s64 sys_clock_settime(u64 clock, u64 user)
{
	u64 ns;
	int err = ts_in(user, &ns);

	return err ? err : clock_set((s32)clock, ns);
}

s64 sys_gettimeofday(u64 tv, u64 tz)
{
	static const int zone[2];

	if (tv) {
		u64 ns = clock_realtime_ns();
		s64 v[2] = { (s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / 1000) };

		if (copy_out(uaddr(tv), v, sizeof(v)))
			return -EFAULT;
	}
	return tz ? copy_out(uaddr(tz), zone, sizeof(zone)) : 0;
}

s64 sys_settimeofday(u64 tv, u64 tz)
{
	s64 v[2];

	if (!tv)
		return capable(CAP_SYS_TIME) ? 0 : -EPERM;	/* a time zone, which the kernel has no use for */
	if (copy_in(v, uaddr(tv), sizeof(v)))
		return -EFAULT;
	if (v[0] < 0 || (u64)v[1] > 999999)
		return -EINVAL;
	return clock_set(CLOCK_REALTIME, (u64)v[0] * NS_PER_SEC + (u64)v[1] * 1000);
}

s64 sys_time(u64 user)
{
	s64 sec = (s64)(clock_realtime_ns() / NS_PER_SEC);

	return user && put_user(sec, uaddr(user)) ? -EFAULT : sec;
}

/* ---- sleeping ---- */

s64 sys_nanosleep(u64 req, u64 remain)
{
	u64 ns;
	int err = ts_in(req, &ns);

	return err ? err : clock_sleep(CLOCK_MONOTONIC, ns, false, remain);
}

s64 sys_clock_nanosleep(u64 clock, u64 flags, u64 req, u64 remain)
{
	u64 ns;
	int err = ts_in(req, &ns);

	return err ? err : clock_sleep((s32)clock, ns, flags & 1 /* TIMER_ABSTIME */, remain);
}

/* ---- interval timers ---- */

static s64 itimer_out(u64 user, const struct itimer_value *v)
{
	s64 out[4] = { (s64)(v->interval_ns / NS_PER_SEC), (s64)(v->interval_ns % NS_PER_SEC / 1000),
		       (s64)(v->value_ns / NS_PER_SEC), (s64)(v->value_ns % NS_PER_SEC / 1000) };

	return copy_out(uaddr(user), out, sizeof(out));
}

s64 sys_getitimer(u64 which, u64 user)
{
	struct itimer_value v;
	int err = itimer_get((int)which, &v);

	return err ? err : itimer_out(user, &v);
}

s64 sys_setitimer(u64 which, u64 new, u64 old)
{
	struct itimer_value set = { 0, 0 }, was;
	s64 in[4] = { 0 };

	if (new && copy_in(in, uaddr(new), sizeof(in)))
		return -EFAULT;
	if (in[0] < 0 || in[2] < 0 || (u64)in[1] > 999999 || (u64)in[3] > 999999)
		return -EINVAL;
	set.interval_ns = MIN((u64)in[0], 9000000000ull) * NS_PER_SEC + (u64)in[1] * 1000;
	set.value_ns = MIN((u64)in[2], 9000000000ull) * NS_PER_SEC + (u64)in[3] * 1000;
	int err = itimer_set((int)which, &set, &was);
	return err || !old ? err : itimer_out(old, &was);
}

s64 sys_alarm(u64 seconds)
{
	const struct itimer_value set = { (u64)(u32)seconds * NS_PER_SEC, 0 };
	struct itimer_value was;

	if (itimer_set(0 /* ITIMER_REAL */, &set, &was))
		return 0;
	u64 left = was.value_ns / NS_PER_SEC;
	return (s64)(was.value_ns && (!left || was.value_ns % NS_PER_SEC >= NS_PER_SEC / 2) ? left + 1 : left);
}
