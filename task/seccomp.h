/*
 * seccomp: which system calls a task may make: strict mode, and filters in classic BPF.
 *
 * Source: seccomp(2).
 */
#ifndef TASK_SECCOMP_H
#define TASK_SECCOMP_H

#include "base/types.h"
#include "plat/regs.h"

struct seccomp_filter;

struct seccomp_filter *seccomp_get(struct seccomp_filter *f);
void seccomp_put(struct seccomp_filter *f);
/** seccomp_check - may the current task make this call? false: regs->ax holds its result, or the task is dying. */
bool seccomp_check(struct plat_regs *regs);
/** seccomp_set_strict, seccomp_set_filter - @program: the user's struct sock_fprog; 0 or -errno (or a thread's number, TSYNC) */
MUST_CHECK int seccomp_set_strict(void);
s64 seccomp_set_filter(u32 flags, u64 program);
MUST_CHECK int seccomp_action_avail(u32 action);

#endif
