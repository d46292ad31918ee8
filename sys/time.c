/*
 * Clocks and sleeping.
 */
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include "kern/cred.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/itimer.h"
#include "task/rusage.h"
#include "task/task.h"
#include "task/vdso.h"
#include "vfs/timerfd.h"

/* CPU-time clocks of others are named by ~pid << 3 with two bits of what and one of whose: clock_getcpuclockid(3). */
enum { CPUCLOCK_PROF, CPUCLOCK_VIRT, CPUCLOCK_SCHED, CPUCLOCK_THREAD = 4 };

static int cpu_clock(int clock, u64 *ns)
{
	u32 pid = ~((u32)clock >> 3) & 0x1fffffff;
	int err = -EINVAL;

	if ((clock & 3) == 3)
		return -EINVAL;
	if (clock & CPUCLOCK_THREAD) {
		struct task *t = pid ? task_find_get(pid) : task_get(current_task());

		if (t && t->process == current_process()) {
			*ns = (clock & 3) == CPUCLOCK_VIRT ? thread_user_ns(&t->thread) : thread_runtime_ns(&t->thread);
			err = 0;
		}
		if (t)
			task_put(t);
		return err;
	}
	struct process *p = pid ? process_find_get(pid) : process_get(current_process());
	if (!p)
		return -EINVAL;
	struct usage u = { 0 };
	process_usage(p, &u);
	*ns = (clock & 3) == CPUCLOCK_VIRT ? u.user_ns : process_cpu_ns(p);
	process_put(p);
	return 0;
}

static int clock_read(int clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_TAI: case CLOCK_REALTIME_ALARM: *ns = clock_realtime_ns(); return 0;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		*ns = plat_mono_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID: *ns = process_cpu_ns(current_process()); return 0;
	case CLOCK_THREAD_CPUTIME_ID: *ns = thread_runtime_ns(current()); return 0;
	default: return clock < 0 ? cpu_clock(clock, ns) : -EINVAL;
	}
}

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
	int err = clock_read((int)clock, &ns);

	return err ? err : ts_out(user, ns);
}

s64 sys_clock_getres(u64 clock, u64 user)
{
	u64 ns;
	int err = clock_read((int)clock, &ns);

	if (err || !user)
		return err;
	return ts_out(user, (int)clock == CLOCK_REALTIME_COARSE || (int)clock == CLOCK_MONOTONIC_COARSE ? 4 * NS_PER_MS : 1);
}

/* The wall clock was set: those who care are told. */
static s64 set_clock(u64 ns)
{
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	clock_set_realtime_ns(ns);
	timerfd_clock_was_set();
	vdso_clock_changed();
	return 0;
}

s64 sys_clock_settime(u64 clock, u64 user)
{
	u64 ns, now;

	if ((int)clock != CLOCK_REALTIME)
		return clock_read((int)clock, &now) ? -EINVAL : (int)clock < 0 ? -EPERM : -EINVAL;
	int err = ts_in(user, &ns);
	return err ? err : set_clock(ns);
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
	return set_clock((u64)v[0] * NS_PER_SEC + (u64)v[1] * 1000);
}

s64 sys_time(u64 user)
{
	s64 sec = (s64)(clock_realtime_ns() / NS_PER_SEC);

	return user && put_user(sec, uaddr(user)) ? -EFAULT : sec;
}

/* ---- sleeping ---- */

static s64 sleep_until(u64 deadline, u64 remain)
{
	if (!sleep_until_ns(deadline, TS_INTERRUPTIBLE))
		return 0;
	if (remain) {
		u64 now = plat_mono_ns();

		if (ts_out(remain, deadline > now ? deadline - now : 0))
			return -EFAULT;
	}
	return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_again(struct restart_block *r) { return sleep_until(r->arg[0], r->arg[1]); }

static s64 sleep_for(u64 ns, u64 remain)
{
	u64 deadline = plat_mono_ns() + ns;
	s64 ret = sleep_until(deadline, remain);

	if (ret == -ERESTART_RESTARTBLOCK)
		current_task()->restart = (struct restart_block){ sleep_again, { deadline, remain } };
	return ret;
}

s64 sys_nanosleep(u64 req, u64 remain)
{
	u64 ns;
	int err = ts_in(req, &ns);

	return err ? err : sleep_for(ns, remain);
}

s64 sys_clock_nanosleep(u64 clock64, u64 flags, u64 req, u64 remain)
{
	int clock = (int)clock64;
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_MONOTONIC: case CLOCK_BOOTTIME: case CLOCK_TAI: case CLOCK_REALTIME_ALARM: case CLOCK_BOOTTIME_ALARM: break;
	case CLOCK_THREAD_CPUTIME_ID: return -EINVAL;
	default: return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	}
	int err = ts_in(req, &ns);
	if (err)
		return err;
	if (!(flags & 1 /* TIMER_ABSTIME */))
		return sleep_for(ns, remain);
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM) {
		u64 offset = clock_realtime_ns() - plat_mono_ns();

		ns = ns > offset ? ns - offset : 0;
	}
	s64 ret = sleep_until(ns, 0);
	return ret == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : ret;
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
