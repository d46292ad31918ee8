/*
 * Futexes: sleeping on a word of user memory.
 *
 * Source: futex(2), Documentation/userspace-api/futex2.rst, robust-futex-ABI.rst
 */
#ifndef TASK_FUTEX_H
#define TASK_FUTEX_H

#include <linux/futex.h>
#include "base/types.h"

/* Deadlines are plat_mono_ns times; U64_MAX: none. */
s64 futex_wait(u64 addr, bool shared, u32 value, u32 bitset, u64 deadline_ns);
s64 futex_wake(u64 addr, bool shared, u32 count, u32 bitset);
/** futex_requeue - wake @wake waiters of @addr, move @move to @addr2. @cmp: -EAGAIN unless *addr is *@cmp; NULL: unconditional */
s64 futex_requeue(u64 addr, u64 addr2, bool shared, s32 wake, s32 move, const u32 *cmp);
s64 futex_wake_op(u64 addr, u64 addr2, bool shared, s32 wake, s32 wake2, u32 op);
s64 futex_lock_pi(u64 addr, bool shared, u64 deadline_ns, bool try);
s64 futex_unlock_pi(u64 addr, bool shared);

struct futex_wait_entry {
	u64 addr;
	u32 value;
	bool shared;
};
/** futex_wait_many - Return: index of the one that woke, -EAGAIN (a value differed), -ETIMEDOUT, -ERESTARTSYS, -EFAULT */
s64 futex_wait_many(const struct futex_wait_entry *e, u32 count, u64 deadline_ns);

enum { FUTEX_WAITV_LIMIT = 128 };

#endif
