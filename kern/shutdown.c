/*
 * Orderly ends.  The hooks' list only grows, while drivers start.
 */
#include "kern/lock.h"
#include "kern/printk.h"
#include "kern/shutdown.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct list_head hooks = LIST_HEAD_INIT(hooks);	/* [lock] */

void shutdown_register(struct shutdown_hook *h)
{
	spin_lock(&lock);
	list_add(&h->node, &hooks);
	spin_unlock(&lock);
}

void shutdown_machine(enum shutdown_how how)
{
	struct shutdown_hook *h;

	list_for_each_entry(h, &hooks, node)
		h->fn();
	switch (how) {
	case SHUTDOWN_RESTART:
		pr_notice("reboot: Restarting system");
		plat_reset();
	case SHUTDOWN_HALT:
		pr_notice("reboot: System halted");
		plat_halt();
	default:
		pr_notice("reboot: Power down");
		plat_power_off();
	}
}
