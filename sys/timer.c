/*
 * POSIX timers, and the calls that would steer the clock.
 */
#include <linux/capability.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/timex.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/posix_timer.h"

enum { SYS_NSEC = 1000000000 };

struct sys_timespec {
	s64 sec, nsec;
};
struct sys_itimerspec {
	struct sys_timespec interval, value;
};

static bool timespec_ok(const struct sys_timespec *t)
{
	return t->sec >= 0 && t->nsec >= 0 && t->nsec < SYS_NSEC;
}

static u64 timespec_ns(const struct sys_timespec *t)
{
	return t->sec >= 9223372036ll ? 0x7fffffffffffffffull : (u64)t->sec * SYS_NSEC + (u64)t->nsec;
}

static struct sys_timespec ns_timespec(u64 ns)
{
	return (struct sys_timespec){ (s64)(ns / SYS_NSEC), (s64)(ns % SYS_NSEC) };
}

static int spec_get(u64 addr, struct itimer_value *out)
{
	struct sys_itimerspec s;

	if (get_user(s, uaddr(addr)))
		return -EFAULT;
	if (!timespec_ok(&s.value) || !timespec_ok(&s.interval))
		return -EINVAL;
	out->value_ns = timespec_ns(&s.value);
	out->interval_ns = timespec_ns(&s.interval);
	return 0;
}

static int spec_put(u64 addr, u64 value_ns, u64 interval_ns)
{
	struct sys_itimerspec s = { ns_timespec(interval_ns), ns_timespec(value_ns) };

	return put_user(s, uaddr(addr));
}

s64 sys_timer_create(u64 clock, u64 event, u64 id_out)
{
	sigevent_t ev;
	struct posix_timer_request req;

	if (event) {
		if (copy_in(&ev, uaddr(event), sizeof(ev)))
			return -EFAULT;
		req = (struct posix_timer_request){ .notify = ev.sigev_notify, .sig = ev.sigev_signo,
						    .value = (u64)ev.sigev_value.sival_ptr, .tid = ev._sigev_un._tid };
	}
	s64 id = posix_timer_create((s32)clock, event ? &req : NULL);
	if (id < 0)
		return id;
	s32 out = (s32)id;
	if (!put_user(out, uaddr(id_out)))
		return 0;
	(void)!posix_timer_delete((u32)id);
	return -EFAULT;
}

s64 sys_timer_settime(u64 id, u64 flags, u64 new, u64 old_out)
{
	struct itimer_value set, old;

	if (!new)
		return -EINVAL;
	int err = spec_get(new, &set);
	if (!err)
		err = posix_timer_set((u32)id, flags & TIMER_ABSTIME, &set, &old);
	return err || !old_out ? err : spec_put(old_out, old.value_ns, old.interval_ns);
}

s64 sys_timer_gettime(u64 id, u64 out)
{
	struct itimer_value v;
	int err = posix_timer_get((u32)id, &v);

	return err ? err : spec_put(out, v.value_ns, v.interval_ns);
}

s64 sys_timer_getoverrun(u64 id) { return posix_timer_overrun((u32)id); }
s64 sys_timer_delete(u64 id) { return posix_timer_delete((u32)id); }

static s64 adjust(u64 addr)
{
	struct __kernel_timex x;

	if (copy_in(&x, uaddr(addr), sizeof(x)))
		return -EFAULT;
	if (x.modes && !(x.modes == ADJ_OFFSET_SS_READ) && !capable(CAP_SYS_TIME))
		return -EPERM;
	if (x.modes & ~(u32)ADJ_OFFSET_SS_READ)
		return -EINVAL;		/* the clock cannot be steered */
	u64 ns = clock_realtime_ns();
	memset(&x, 0, sizeof(x));
	x.status = STA_UNSYNC;
	x.maxerror = x.esterror = 16000000;
	x.constant = 2;
	x.precision = 1;
	x.tolerance = 32768000;
	x.tick = 10000;
	x.time.tv_sec = (s64)(ns / SYS_NSEC);
	x.time.tv_usec = (s64)(ns % SYS_NSEC / 1000);
	return copy_out(uaddr(addr), &x, sizeof(x)) ? -EFAULT : TIME_ERROR;
}

s64 sys_adjtimex(u64 user) { return adjust(user); }
s64 sys_clock_adjtime(u64 clock, u64 user) { return (s32)clock == CLOCK_REALTIME ? adjust(user) : -EOPNOTSUPP; }
