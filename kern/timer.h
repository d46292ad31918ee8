/*
 * High-resolution timers: a tree per CPU ordered by expiry; the platform's one-shot timer is armed for the first.
 */
#ifndef KERN_TIMER_H
#define KERN_TIMER_H

#include "base/rbtree.h"
#include "base/types.h"

struct timer {
	struct rb_node node;		/* [tree lock] */
	u64 expires_ns;			/* plat_mono_ns */
	void (*fn)(struct timer *t);	/* interrupt context; may re-arm the timer */
	u32 cpu;
	u32 state;			/* [tree lock] idle, queued, running */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
/** timer_arm - call fn at @expires_ns, replacing an earlier arming. Context: any. */
void timer_arm(struct timer *t, u64 expires_ns);
/** timer_cancel - Return: whether it was queued. It may still be running on another CPU. Context: any. */
bool timer_cancel(struct timer *t);
/** timer_cancel_sync - and wait until a running fn has returned. Context: thread. */
bool timer_cancel_sync(struct timer *t);

void timers_init(void);
void timers_run(void);			/* the tick's */
u64 timers_next_ns(void);		/* this CPU's first expiry, or U64_MAX */

/* The wall clock: an offset over the monotonic one. */
u64 clock_realtime_ns(void);
void clock_set_realtime_ns(u64 ns);
u64 clock_realtime_offset_ns(void);	/* wall clock minus monotonic */
/** clock_change_seq - counts settings of the wall clock (timerfd's TFD_TIMER_CANCEL_ON_SET). */
u32 clock_change_seq(void);

enum { NS_PER_SEC = 1000000000, NS_PER_MS = 1000000, NS_PER_US = 1000 };

#endif
