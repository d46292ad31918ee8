/*
 * Work: a function to be called soon in thread context.  One item is queued at most once; it may queue itself again.
 */
#ifndef KERN_WORK_H
#define KERN_WORK_H

#include "base/list.h"
#include "base/types.h"
#include "kern/timer.h"

struct work {
	struct list_head node;
	void (*fn)(struct work *w);
	u32 pending;
};

static inline void work_init(struct work *w, void (*fn)(struct work *w))
{
	list_init(&w->node);
	w->fn = fn;
	w->pending = 0;
}

/** work_queue - run @w on a kernel thread. Context: any. Return: false if it was queued already */
bool work_queue(struct work *w);
/** work_flush - wait until everything queued before has run. Context: thread. */
void work_flush(void);

struct delayed_work {
	struct work work;
	struct timer timer;
};
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w));
void delayed_work_queue(struct delayed_work *d, u64 delay_ns);

void work_init_pool(void);

#endif
