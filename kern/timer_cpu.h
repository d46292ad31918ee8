/* What the scheduler asks of the timers on its own CPU. */
#ifndef KERN_TIMER_CPU_H
#define KERN_TIMER_CPU_H

#include "base/types.h"

/** timer_hint - have the tick come at @deadline_ns at the latest. Context: interrupts off */
void timer_hint(u64 deadline_ns);

#endif
