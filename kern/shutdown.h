/*
 * The end of everything: what is to be done before the machine is switched off, reset or halted.
 */
#ifndef KERN_SHUTDOWN_H
#define KERN_SHUTDOWN_H

#include "base/list.h"
#include "base/types.h"

struct shutdown_hook {
	void (*fn)(void);	/* thread context; bounded in time */
	struct list_head node;
};

/** shutdown_register - call @h->fn before the end; those registered last are called first. @h is kept. Context: thread */
void shutdown_register(struct shutdown_hook *h);

enum shutdown_how { SHUTDOWN_POWER_OFF, SHUTDOWN_RESTART, SHUTDOWN_HALT };
/** shutdown_machine - run the hooks, say so in the log, and end. Context: thread */
NORETURN void shutdown_machine(enum shutdown_how how);

#endif
