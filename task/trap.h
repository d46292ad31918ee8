/* The platform's upcalls about exceptions, and the victim of the OOM killer. */
#ifndef TASK_TRAP_H
#define TASK_TRAP_H

#include "plat/plat.h"
#include "plat/regs.h"

int task_fault(struct plat_regs *regs, u64 addr, unsigned flags);	/* upcall fault */
void task_trap(struct plat_regs *regs, const struct plat_trap *trap);	/* upcall trap */
/** traps_init - tell mm/ how faults reach a thread and what dies when memory is short. */
void traps_init(void);

#endif
