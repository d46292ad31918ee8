/* See event.h. */
#include "kern/assert.h"
#include "plat/host/event.h"

static struct list_head events = LIST_HEAD_INIT(events);	/* by due_ns */

void host_event_init(struct host_event *e, void (*fn)(struct host_event *e))
{
	list_init(&e->node);
	e->fn = fn;
}

void host_event_plan(struct host_event *e, u64 due_ns)
{
	struct host_event *before;

	assert(list_empty(&e->node));
	e->due_ns = due_ns;
	list_for_each_entry_reverse(before, &events, node)
		if (before->due_ns <= due_ns)
			break;
	list_add(&e->node, &before->node);
	host_event_planned(due_ns);
}

void host_event_cancel(struct host_event *e)
{
	list_del_init(&e->node);
}

u64 host_events_due(u64 now_ns)
{
	while (!list_empty(&events)) {
		struct host_event *e = list_first_entry(&events, struct host_event, node);

		if (e->due_ns > now_ns)
			return e->due_ns;
		list_del_init(&e->node);
		e->fn(e);
	}
	return ~0ull;
}
