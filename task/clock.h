/* Clocks by number and sleeping on them: clock_gettime, nanosleep. */
#ifndef TASK_CLOCK_H
#define TASK_CLOCK_H

#include "base/types.h"

/** clock_read - @clock: CLOCK_*, or a CPU clock of a process or thread. 0, -EINVAL */
MUST_CHECK int clock_read(s32 clock, u64 *ns);
MUST_CHECK int clock_resolution(s32 clock, u64 *ns);
MUST_CHECK int clock_set(s32 clock, u64 ns);		/* -EINVAL, -EPERM */
/** clock_deadline - a time of @clock as a plat_mono_ns deadline; @absolute: as it stands now. -EINVAL: cannot be waited for */
MUST_CHECK int clock_deadline(s32 clock, u64 ns, bool absolute, u64 *deadline_ns);
/** clock_sleep - @left_addr: user timespec for what is left, or 0. Return: 0, -ERESTART_RESTARTBLOCK, -ERESTARTNOHAND (absolute), -EINVAL */
s64 clock_sleep(s32 clock, u64 ns, bool absolute, u64 left_addr);
bool clock_is_cpu(s32 clock);

#endif
