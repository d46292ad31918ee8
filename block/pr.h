/*
 * Persistent reservations: a disk shared by several hosts, each known by a key, one of which may hold it.
 *
 * Results: 0; -errno; or, above 0, the device's own status: PR_CONFLICT, a reservation conflict.
 * Source: Linux's Documentation/block/pr.rst, <linux/pr.h>; SPC-4, 5.12.
 */
#ifndef BLOCK_PR_H
#define BLOCK_PR_H

#include "block/block.h"
#include "mm/user.h"

enum { PR_CONFLICT = 0x18 };

struct pr_ops {
	int (*reg)(struct disk *d, u64 old_key, u64 new_key, u32 flags);
	int (*reserve)(struct disk *d, u64 key, u32 type, u32 flags);
	int (*release)(struct disk *d, u64 key, u32 type);
	int (*preempt)(struct disk *d, u64 old_key, u64 new_key, u32 type, bool abort);
	int (*clear)(struct disk *d, u64 key);
};

/** pr_ioctl - IOC_PR_*. */
s64 pr_ioctl(struct block_device *b, u32 cmd, uaddr_t arg);

#endif
