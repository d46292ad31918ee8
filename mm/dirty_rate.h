/*
 * How fast who dirties pages may go on: the arithmetic of IO-less dirty throttling.
 *
 * A task that dirties pages does no I/O itself: it pauses, so that in the long run pages become dirty as fast as the device
 * writes them, and the number of dirty pages stays near a set point between the background threshold and the limit.
 *
 *	ratio
 *	2.0 |*.
 *	    |   ' .
 *	1.0 |- - - - -'-._- - - -		ratio(d) = 1 + ((setpoint - d) / (limit - setpoint))^3
 *	    |               ' .
 *	  0 +------------------*---> dirty pages
 *	   free run  setpoint  limit		free run = (background + limit) / 2: below it nobody pauses
 *						setpoint = (free run + limit) / 2
 *
 * Each device has a share of the limit, by how much of what was written lately it wrote (struct dirty_share), and a set point of its own
 * in the same proportion; its ratio falls on a line through 1 there.  A task's rate is the device's `rate` times
 * the ratio, and `rate`, which all who write to the device have in common and which makes it fair between them, follows
 * rate * ratio * (pages written a second) / (pages dirtied a second).
 *
 * Departures from Linux's: a task's pace is kept as the time up to which its pages are paid for, not as a number of pages
 * between pauses; the shares halve at fixed numbers of pages, not with time.
 *
 * Pure: no locks, no clock, no allocation.  Pages of 4 KiB, times in ns, ratios in units of 1/1024.
 *
 * Source: Wu Fengguang, "IO-less dirty throttling" (LinuxCon Japan 2010, 2011); J. Corbet, "No-I/O dirty throttling" (LWN 456904);
 * Documentation/admin-guide/sysctl/vm.rst, Documentation/ABI/testing/sysfs-class-bdi.
 */
#ifndef MM_DIRTY_RATE_H
#define MM_DIRTY_RATE_H

#include "base/types.h"

enum { DIRTY_ONE = 1024, DIRTY_PAUSE_MAX_MS = 200, DIRTY_PAUSE_MIN_MS = 10, DIRTY_UPDATE_MS = 200, DIRTY_POLL_PAGES = 32 };

/* ---- limits ---- */

/* What sysctls say: bytes if not 0, else percent of the memory that can be dirty. */
struct dirty_settings { u64 bytes, background_bytes; u32 ratio, background_ratio; };
struct dirty_limits { u64 limit, background; };	/* pages; background < limit, limit > 0 */

/** dirty_limits_of - @memory: pages that could be dirty: free ones and those of files */
struct dirty_limits dirty_limits_of(const struct dirty_settings *s, u64 memory);
static inline u64 dirty_freerun(const struct dirty_limits *l) { return (l->background + l->limit) / 2; }

/* ---- shares of devices ---- */

enum { DIRTY_SHARE_PERIOD = 4096 };	/* pages written, by all devices, after which counts halve */
struct dirty_share_all { u64 events; };
struct dirty_share { u64 count, period; };

void dirty_share_add(struct dirty_share_all *all, struct dirty_share *s, u64 pages);
/**
 * dirty_share_limit - the device's part of the limit
 * @dirty: pages of all devices; a device that has written nothing yet gets an eighth of what is left of the limit
 * @min_percent, @max_percent: of the limit, that it gets at least (of what other devices' minima leave) and at most
 */
u64 dirty_share_limit(const struct dirty_share_all *all, const struct dirty_share *s, const struct dirty_limits *l, u64 dirty,
		      u32 min_percent, u32 max_percent);

/* ---- the position ---- */

struct dirty_position {
	struct dirty_limits limits;
	u64 dirty;			/* pages dirty or being written, of all devices */
	u64 dev_limit, dev_dirty;	/* of this one */
	u64 dev_bandwidth;		/* pages a second */
};
/** dirty_ratio_global - the curve above alone, 0 … 2 * DIRTY_ONE. */
u32 dirty_ratio_global(const struct dirty_limits *l, u64 dirty);
/** dirty_ratio - and the device's part. */
u32 dirty_ratio(const struct dirty_position *p);

/* ---- a device's rates ---- */

struct dirty_rate {
	u64 bandwidth;			/* pages a second that it writes, smoothed */
	u64 rate;			/* pages a second for each task at ratio 1 */
	u64 stamp_ns, written, dirtied;	/* of the last update */
};
void dirty_rate_init(struct dirty_rate *r, u64 now_ns);
/** dirty_rate_update - @written, @dirtied: pages since ever. Return: whether DIRTY_UPDATE_MS had passed and it was done */
bool dirty_rate_update(struct dirty_rate *r, u64 now_ns, u64 written, u64 dirtied, u32 ratio, bool busy);

/* ---- a task's pace ---- */
/**
 * dirty_pace_pause - how long to pause after @pages more; 0: not worth it yet
 * @due_ns: the task's: up to when its pages are paid for
 * Invariant: never more than DIRTY_PAUSE_MAX_MS.
 */
u64 dirty_pace_pause(u64 *due_ns, u64 now_ns, u64 pages, u64 rate, u32 ratio);
/** dirty_poll_pages - how many pages may be dirtied until the next look. */
u32 dirty_poll_pages(const struct dirty_limits *l, u64 dirty);

#endif
