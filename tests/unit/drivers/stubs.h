/* What a driver's source needs from below, in a process: memory from malloc, addresses that map to themselves. */
#ifndef TESTS_UNIT_DRIVERS_STUBS_H
#define TESTS_UNIT_DRIVERS_STUBS_H

void stubs_start(void);
extern int stub_fail_after;	/* the n-th allocation from now fails; -1: none */
extern int stub_live;		/* allocations not yet freed */

#endif
