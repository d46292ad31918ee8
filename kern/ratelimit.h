/*
 * Lines in the log that something from outside can cause again and again: the first few of an interval are printed, the others counted.
 *
 *	static struct ratelimit limit;
 *
 *	if (ratelimit_ok(&limit))
 *		pr_warn("…");
 *
 * Ten lines in five seconds, as Linux's printk_ratelimit does by default (Documentation/admin-guide/sysctl/kernel.rst).
 * Concurrent callers may let a line or two more pass.  Contexts: any.
 */
#ifndef KERN_RATELIMIT_H
#define KERN_RATELIMIT_H

#include "base/types.h"

/* Zeroed: ready. Locks: a atomic */
struct ratelimit {
	u64 end_ns;		/* [a] of the interval */
	u32 asked;		/* [a] in it */
};

/** ratelimit_ok - whether a line may be printed now. Prints how many were left out in the interval before. */
bool ratelimit_ok(struct ratelimit *rl);

#endif
