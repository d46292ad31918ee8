/*
 * Backing devices: where dirty pages go.  Each has its own list of mappings with dirty pages, its own thread that writes them, and its
 * own measure of how fast that goes: so a slow one holds back nobody but who writes to it.
 *
 *	block device or file system sets mapping->backing -> page_dirty puts the mapping on backing->dirty
 *	-> the thread, sync(2) or fsync(2) write its pages (writeback.c) -> throttle.c makes who dirties pages wait
 *
 * A disk has one (struct disk); all other mappings have backing_default.
 *
 * The thread is made when there is something to write, and ends when there was nothing for thirty seconds.  It writes what has been
 * dirty for dirty_expire_centisecs, looking every dirty_writeback_centisecs, and everything while more pages are dirty than the background
 * threshold, or than the device's share of it.  It keeps as many pages under way as the device writes in a quarter of a second.
 *
 * Locks: registry (RANK_LEAF_SLEEP): the list of all, making and ending threads · b->lock: b's list.
 */
#ifndef MM_BACKING_H
#define MM_BACKING_H

#include "kern/lock.h"
#include "kern/wait.h"
#include "mm/dirty_rate.h"

struct mapping;

/* Locks: l lock · a atomic · r registry · I immutable · s throttle.c's lock */
struct backing {
	char name[24];			/* [I] "254:0" */
	struct spinlock lock;
	struct list_head dirty;		/* [l] mappings with pages that are dirty or being written, roughly in the order in which they became so */
	u64 dirty_pages, writing_pages;	/* [a] */
	u64 dirtied, written;		/* [a] pages since ever */
	u64 counted;			/* [s] of written: what the share knows of */
	struct dirty_rate rate;		/* [s] */
	struct dirty_share share;	/* [s] */
	u32 min_percent, max_percent;	/* [a] of the limit for dirty pages */
	bool wanted, all, look, stop;	/* [a] it should have a thread; write all; see whether too much is dirty; end */
	bool runs;			/* [r] */
	struct waitq waitq;		/* the thread's */
	struct completion stopped;
	struct list_head node;		/* [r] */
};
extern struct backing backing_default;

/** backing_add - Context: thread. backing_remove - nothing of it is dirty any more. Context: thread, no lock from RANK_LEAF_SLEEP on */
void backing_add(struct backing *b, const char *name);
void backing_remove(struct backing *b);

/**
 * backing_set_min, _max - percent of the limit for dirty pages that it has at least and at most
 * Return: 0; -EINVAL: above 100, the least above the most, or the least of all devices would be 100 or more
 */
MUST_CHECK int backing_set_min(struct backing *b, u32 percent);
MUST_CHECK int backing_set_max(struct backing *b, u32 percent);

/* vm.dirty_*: of ratio and bytes one is 0. */
struct dirty_sysctls {
	struct dirty_settings set;
	u32 expire_cs, writeback_cs;	/* hundredths of a second */
};
extern struct dirty_sysctls dirty_sysctls;
/** dirty_limits_now - the thresholds in pages, from the settings and the memory that there is. */
void dirty_limits_now(struct dirty_limits *out);
/** dirty_sysctls_changed - a setting has changed: the threads look at it. */
void dirty_sysctls_changed(void);

#endif
