/* See machine.c. */
#ifndef TESTS_UNIT_HOST_MACHINE_H
#define TESTS_UNIT_HOST_MACHINE_H

#include "base/types.h"

extern u64 machine_now_ns;
extern u32 machine_interrupts;
void machine_start(void);	/* memory from physical address 1 MiB to 2 MiB, zeroed */

#endif
