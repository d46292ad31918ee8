/*
 * The user registers of an x86-64 thread, in the order in which the entry stubs push them.
 *
 * System calls, signals, ptrace and core dumps read and write this struct; both platforms use it,
 * since the user ABI is x86-64 on both.  The order is that of user_regs_struct up to ss (<asm/ptrace.h>).
 */
#ifndef PLAT_REGS_H
#define PLAT_REGS_H

#include "base/types.h"

struct plat_regs {
	u64 r15, r14, r13, r12, bp, bx;
	u64 r11, r10, r9, r8, ax, cx, dx, si, di;
	u64 orig_ax;	/* system-call number, or ~0 when the kernel was entered otherwise */
	u64 ip, cs, flags, sp, ss;
};

#endif
