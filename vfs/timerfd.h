/* Timerfd: a timer whose expirations are read from a file. */
#ifndef VFS_TIMERFD_H
#define VFS_TIMERFD_H

#include <linux/timerfd.h>
#include "base/types.h"

struct file;

/* Times in nanoseconds; value 0: disarmed. */
struct timerfd_spec {
	u64 value_ns, interval_ns;
};

/** timerfd_create_file - @clock: CLOCK_REALTIME, MONOTONIC, BOOTTIME or the _ALARM ones (checked here: -EINVAL). @o_flags: O_NONBLOCK. ERR_PTR */
struct file *timerfd_create_file(int clock, u32 o_flags);
/** timerfd_set - @flags: TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET. @old may be NULL. -EINVAL: not a timerfd, bad flags */
MUST_CHECK int timerfd_set(struct file *f, int flags, const struct timerfd_spec *spec, struct timerfd_spec *old);
MUST_CHECK int timerfd_get(struct file *f, struct timerfd_spec *out);
/** timerfd_clock_was_set - the wall clock was stepped: wake those with TFD_TIMER_CANCEL_ON_SET. Call after clock_set_realtime_ns. */
void timerfd_clock_was_set(void);

#endif
