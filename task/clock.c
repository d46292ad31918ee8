/* See clock.h.  Source: clock_getres(2), clock_nanosleep(2), <linux/time.h>; CPU clock numbers: ~pid << 3 | 4 (thread) | kind. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/time.h>
#include "kern/sched.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "task/clock.h"
#include "task/rusage.h"
#include "task/task.h"
#include "task/vdso.h"
#include "vfs/timerfd.h"

enum { COARSE_NS = 4000000, CPU_THREAD = 4, CPU_PROF = 0, CPU_VIRT = 1, CPU_SCHED = 2 };

bool clock_is_cpu(s32 clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* The CPU time of the process or thread that a negative clock number names. */
static int cpu_clock_read(s32 clock, u64 *ns)
{
	u32 nr = (u32)~(clock >> 3), kind = clock & 3;
	int err = 0;

	if (kind > CPU_SCHED)
		return -EINVAL;
	struct task *t = nr ? task_find_get(nr) : task_get(current_task());
	if (!t)
		return -EINVAL;
	if (clock & CPU_THREAD) {
		if (t->process != current_process())
			err = -EINVAL;
		else
			*ns = kind == CPU_VIRT ? thread_user_ns(&t->thread) : thread_runtime_ns(&t->thread);
	} else if (!task_is_leader(t)) {
		err = -EINVAL;
	} else {
		u64 irq = process_siglock(t->process);

		*ns = process_cpu_ns_locked(t->process, kind == CPU_VIRT);
		process_sigunlock(t->process, irq);
	}
	task_put(t);
	return err;
}

int clock_read(s32 clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		*ns = plat_mono_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cpu_ns(current_process());
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_runtime_ns(current());
		return 0;
	default:
		return clock < 0 ? cpu_clock_read(clock, ns) : -EINVAL;
	}
}

int clock_resolution(s32 clock, u64 *ns)
{
	u64 now;
	int err = clock_read(clock, &now);

	*ns = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? COARSE_NS : 1;
	return err;
}

int clock_set(s32 clock, u64 ns)
{
	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	clock_set_realtime_ns(ns);
	vdso_clock_changed();
	timerfd_clock_was_set();
	return 0;
}

int clock_deadline(s32 clock, u64 ns, bool absolute, u64 *deadline_ns)
{
	u64 now = plat_mono_ns();

	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		if (absolute) {
			u64 wall = clock_realtime_ns();

			ns = ns > wall ? ns - wall : 0;
		}
		break;
	case CLOCK_MONOTONIC: case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		if (absolute)
			ns = ns > now ? ns - now : 0;
		break;
	default:
		return -EINVAL;
	}
	*deadline_ns = ns > ~0ull - 1 - now ? ~0ull - 1 : now + ns;
	return 0;
}

static s64 sleep_again(struct restart_block *b);

/* @b->arg: deadline, user address for the time left. */
static s64 sleep_to(u64 deadline_ns, u64 left_addr)
{
	struct restart_block *b = &current_task()->restart;

	if (!sleep_until_ns(deadline_ns, TS_INTERRUPTIBLE))
		return 0;
	if (left_addr) {
		u64 now = plat_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
		s64 ts[2] = { (s64)(left / NS_PER_SEC), (s64)(left % NS_PER_SEC) };

		if (copy_out(uaddr(left_addr), ts, sizeof(ts)))
			return -EFAULT;
	}
	b->fn = sleep_again;
	b->arg[0] = deadline_ns;
	b->arg[1] = left_addr;
	return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_again(struct restart_block *b)
{
	return sleep_to(b->arg[0], b->arg[1]);
}

/* On a CPU clock: looked at again whenever it could have been reached. */
static s64 cpu_sleep(s32 clock, u64 ns, bool absolute)
{
	u64 now;
	int err = clock_read(clock, &now);

	if (err || clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (!absolute)
		ns += now;
	while (now < ns) {
		if (sleep_until_ns(plat_mono_ns() + MAX(ns - now, (u64)NS_PER_MS), TS_INTERRUPTIBLE))
			return absolute ? -ERESTARTNOHAND : -EINTR;
		err = clock_read(clock, &now);
		if (err)
			return err;
	}
	return 0;
}

s64 clock_sleep(s32 clock, u64 ns, bool absolute, u64 left_addr)
{
	u64 deadline;

	if (clock_is_cpu(clock))
		return cpu_sleep(clock, ns, absolute);
	int err = clock_deadline(clock, ns, absolute, &deadline);
	if (err) {
		u64 dummy;

		return clock_read(clock, &dummy) ? -EINVAL : -EOPNOTSUPP;
	}
	if (absolute)
		return sleep_until_ns(deadline, TS_INTERRUPTIBLE) ? -ERESTARTNOHAND : 0;
	return sleep_to(deadline, left_addr);
}
