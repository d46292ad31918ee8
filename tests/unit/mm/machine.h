/*
 * A machine for mm/ in a test: pages from an arena, a CPU whose per-CPU base is this process's GS, an MMU in software.
 *
 * `pages` is chosen so that page_virt() of an arena page is its address in this process: all of mm/ runs unchanged.
 */
#ifndef TESTS_UNIT_MM_MACHINE_H
#define TESTS_UNIT_MM_MACHINE_H

#include "mm/mm.h"

void machine_start(void);
/** machine_check_idle - no page is in use but those that were at @baseline. */
u64 machine_pages_used(void);
/** machine_fail_after - the n-th page or object allocation from now fails; -1: none. Return: how many were left unused */
void machine_fail_after(int n);
bool machine_failed(void);		/* it did */

extern int machine_signal;		/* last signal sent, and its code */
extern int machine_signal_code;

/* Accesses as a user program makes them. Return: false: a signal */
bool user_store(u64 addr, u64 value);
bool user_load(u64 addr, u64 *value);

#endif
