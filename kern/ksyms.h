/*
 * Names of the kernel's functions: for back-traces, wchan and /proc/kallsyms.  The table is made by tools/ksyms when the
 * kernel is linked; addresses never reach unprivileged users.
 */
#ifndef KERN_KSYMS_H
#define KERN_KSYMS_H

#include "base/types.h"

/** ksym_name - "name+0xoff/0xsize" (or "name" if @plain) of a code address into @buf. Return: false if it is not ours ("0x0" is written) */
bool ksym_name(u64 pc, bool plain, char *buf, size_t size);
/** ksym_at - the i-th function in address order. Return: false past the last */
bool ksym_at(u32 i, u64 *addr, const char **name);
/** backtrace_collect - the return addresses from frame pointer @bp on. Return: how many, at most @max. Context: any. */
u32 backtrace_collect(u64 bp, u64 *pc, u32 max);
/** backtrace_print - the callers from frame pointer @bp on, each with its name, to the log. Context: any. */
void backtrace_print(u64 ip, u64 bp);

#endif
