/*
 * What the machine does by itself at a time: a device ends a request, a link delivers a frame.
 *
 * Events are run between two steps of the CPUs, in the order of their times and, at the same time, of their making.
 */
#ifndef PLAT_HOST_EVENT_H
#define PLAT_HOST_EVENT_H

#include "base/list.h"
#include "base/types.h"

struct host_event {
	struct list_head node;		/* empty: not planned */
	u64 due_ns;
	void (*fn)(struct host_event *e);
};

void host_event_init(struct host_event *e, void (*fn)(struct host_event *e));
/** host_event_plan - @e's function is called at @due_ns, or at the next step if that has passed. @e is not planned yet */
void host_event_plan(struct host_event *e, u64 due_ns);
void host_event_cancel(struct host_event *e);
/** host_events_due - run those whose time has come. Return: the time of the next, ~0 if there is none */
u64 host_events_due(u64 now_ns);

/** host_event_planned - the simulator's: it looks again at @due_ns at the latest. */
void host_event_planned(u64 due_ns);

#endif
