/*
 * Direct I/O: transfers between a program's pages and a device, around the page cache, several bios under way.
 *
 *	direct_init -> direct_submit -> direct_wait	who asked waits
 *	                             -> direct_leave	it ends later (file_ops.start, vfs/file.h)
 *
 * Block devices (block_direct_io, block_direct_start) map a position to itself.  A file system gives direct_ops: where the
 * bytes of its file lie, and what has to be done when they are there.  Whoever starts a transfer sees to it that no block
 * of its range is freed or moved until `finish`, and deals with the page cache: before it (direct_cache_begin) and after it
 * (direct_cache_end).
 *
 * Pages are pinned while the device uses them.  An asynchronous transfer ends where the device says so, in an interrupt,
 * unless that takes a thread (`heavy`): pages of a file that were read into become dirty; cached pages have to be dropped.
 */
#ifndef BLOCK_DIRECT_H
#define BLOCK_DIRECT_H

#include "base/types.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "vfs/file.h"

struct block_device;
struct direct;
struct direct_bio;

/* Where a piece lies: @at bytes into the device; a hole is read as zeroes, and not written to. */
struct direct_place { u64 at, bytes; bool hole; };

struct direct_ops {
	/* map: the place of the bytes at @pos, up to @bytes of them. Context: thread. Return: 0, -errno */
	int (*map)(struct direct *d, u64 pos, u64 bytes, struct direct_place *out);
	/* heavy: whether finish takes a thread. Context: any */
	bool (*heavy)(const struct direct *d);
	/* defer: optional; have a thread run d->work soon [the worker pool]. Context: any */
	void (*defer)(struct direct *d);
	/* finish: nothing is under way any more; d->bytes of it are done unless @result says otherwise. Return: what the caller hears */
	s64 (*finish)(struct direct *d, s64 result);
};

/* Locks: a atomic · I set by the starter before direct_submit · the rest: the submitting thread, then who finishes it */
struct direct {
	u32 pending;			/* [a] bios under way, and one while more are being made */
	int status;			/* [a] first error */
	bool write, poll;		/* [I] */
	bool user;
	bool file_pages;		/* read into pages that are not anonymous: they become dirty */
	bool aligned;			/* looked at, and so it is */
	bool light;			/* it ends where the device said so, perhaps in an interrupt: finish may not sleep */
	u64 pos;			/* [I] */
	u64 bytes;			/* asked of the device, from pos on */
	const struct direct_ops *ops;	/* [I] */
	struct block_device *bdev;	/* [I] */
	struct mapping *mapping;	/* [I] whose cache is kept in step */
	void *host;			/* [I] the starter's, as the next three */
	u64 most;			/* [I] */
	bool fresh, extends;		/* [I] */
	struct direct_bio *bios;
	struct completion over;
	struct async_io *io;		/* [I] NULL: the submitter waits */
	struct work work;
};

/** direct_init - the rest of *d is zeroes; @io as in file_ops.start, or NULL. */
void direct_init(struct direct *d, const struct direct_ops *ops, struct block_device *bdev, struct mapping *m, u64 pos, bool write,
		 struct async_io *io);
/** direct_aligned - whether @it and @pos suit the device: both and every length by its block, addresses by limits.dma_mask. */
bool direct_aligned(const struct block_device *b, const struct iter *it, u64 pos);
/**
 * direct_submit - submit up to @bytes of @it; d->bytes says how many are under way
 * Return: 0: all; else why not more: -EINVAL (not aligned), -EFAULT, -ENOMEM, what map said
 * Context: thread of the buffers' address space, no page locked
 */
MUST_CHECK int direct_submit(struct direct *d, struct iter *it, u64 bytes);
/** direct_wait - wait for it, and finish. @err: from direct_submit. Return: bytes, or -errno */
s64 direct_wait(struct direct *d, int err);
/** direct_leave - the same for one from kmalloc with an io: -EIOCBQUEUED, or the result (io->done is not called then). */
s64 direct_leave(struct direct *d, int err);
/** direct_cache_begin - dirty pages of the range go out; before a write the cached ones, too. Return: 0, -errno, -EBUSY: some stayed */
MUST_CHECK int direct_cache_begin(struct mapping *m, u64 pos, u64 bytes, bool write);
/** direct_cache_end - for finish: after a write, what was read in meanwhile goes. Context: finish's */
void direct_cache_end(struct direct *d);

/** direct_polls - whether a synchronous transfer polls: Linux 4.4's rule for queue/io_poll; later ones ask by RWF_HIPRI. */
bool direct_polls(const struct block_device *b, const struct iter *it);

/** block_direct_start - file_ops.start of block devices. Context: thread of the buffers' address space */
s64 block_direct_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io);
/** block_direct_io - O_DIRECT reads and writes of block devices. Advances *pos. Return: bytes, or -errno if none */
s64 block_direct_io(struct file *f, struct iter *it, u64 *pos, bool write, bool poll);

#endif
