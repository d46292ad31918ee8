/* What RCU asks of the scheduler about another CPU. */
#ifndef KERN_SCHED_CPU_H
#define KERN_SCHED_CPU_H

#include "base/types.h"

bool sched_cpu_idle(u32 cpu);	/* in its idle loop */
void sched_nudge(u32 cpu);	/* make it pass through schedule() soon */

#endif
