/*
 * Block devices: requests to them (struct bio), disks and their partitions, and the files through which programs see them.
 *
 *	program -> /dev/vda1 (file.c) -> page cache (pages.c) or none (direct.c)
 *	        -> bio (bio.c) -> [plug.c -> queue.c, deadline.c] -> driver
 *
 * A bio is asynchronous: bio_submit hands it over, and bio->done is called when it is over, in whatever context the
 * driver learns of it, interrupts included.  The bytes are named by physical address: a stacked driver passes them on
 * and copies nothing.  Sectors are of 512 bytes everywhere, whatever the device's own block size.
 *
 * Order.  Bios are independent of each other: nothing but BIO_FLUSH, BIO_PREFLUSH and BIO_FUA orders them (flush.c).
 *
 * A driver is of one of two kinds: it takes bios (disk_ops.submit), or requests out of queues of the layer (block/queue.h).
 *
 * Start-up: block_init(); then drivers call disk_add() in thread context.
 *
 * Locks: registry (RANK_BLOCK, sleeping): the lists of disks and partitions, open counts, claims.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include "base/list.h"
#include "base/rbtree.h"
#include "base/types.h"
#include "mm/backing.h"
#include "mm/mapping.h"
#include "vfs/device.h"

struct bio;
struct block_device;
struct disk;
struct file;
struct hw_queue;
struct elevator;
struct pr_ops;
struct request;

enum {
	SECTOR_SHIFT = 9, SECTOR_BYTES = 512, DISK_MINORS = 16, DISK_NAME_MAX = 32,
	BLOCK_EXT_MAJOR = 259,		/* numbers for what has none of its own */
};

/* ---- requests ---- */

enum bio_op {
	BIO_READ,
	BIO_WRITE,
	BIO_FLUSH,		/* what was written before is durable afterwards; no bytes */
	BIO_DISCARD,		/* the range's contents are not needed; no bytes */
	BIO_WRITE_ZEROES,	/* the range becomes zeroes; no bytes */
	BIO_SECURE_ERASE,	/* the range's contents cannot be had back by any means; no bytes */
};

enum {
	BIO_FUA = 1,		/* a write: durable when done */
	BIO_PREFLUSH = 2,	/* a write: what was written before is durable first */
	BIO_SYNC = 4,		/* somebody waits for it */
	BIO_NOMERGE = 8,
	BIO_POLLED = 16,	/* its submitter will look for its end (bio_poll) */
	BIO_NOUNMAP = 32,	/* BIO_WRITE_ZEROES: the blocks stay allotted */
};

struct bio_seg {
	paddr_t addr;
	u32 len_bytes;		/* a multiple of 512 */
};

/* The submitter owns a bio until bio_submit and again from done on. */
struct bio {
	struct block_device *bdev;	/* whose sectors; bio_submit replaces a partition by the whole disk */
	u64 sector;
	u64 sectors;			/* length; for reads and writes what the segments add up to */
	enum bio_op op;
	u32 flags;			/* BIO_* */
	int status;			/* from done on: 0 or -errno (-EIO, -EOPNOTSUPP, -ENOSPC) */
	u32 seg_count, seg_max;
	void (*done)(struct bio *b);	/* any context; may free the bio */
	void *private;			/* the submitter's */
	struct list_head node;		/* whoever has it: drivers keep those that wait on a list */
	u16 ioprio;			/* IOPRIO_*; 0: that of the submitting thread */

	/* the layer's own, from bio_submit to done */
	u8 stage;			/* flush.c: what is still to be done for it */
	bool accounted;
	u8 tries;			/* times its request was started anew */
	u32 cookie;			/* where to poll for its end */
	struct block_device *part;	/* as submitted: statistics */
	u64 start_ns;
	struct bio *next;		/* the bio behind it in one request: sectors follow on */
	struct bio *last;		/* of a chain's first: the last */
	u64 run_sectors;		/* of a chain's first: the whole chain's */
	u32 run_segs;
	struct rb_node sorted;		/* deadline.c */
	u64 deadline_ns;

	struct bio_seg segs[];
};

/** bio_alloc - room for @seg_max segments. Return: NULL when out of memory */
struct bio *bio_alloc(struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max, u32 alloc_flags);
/** bio_init - the same in the caller's memory of bio_bytes(@seg_max). */
void bio_init(struct bio *b, struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max);
static inline size_t bio_bytes(u32 seg_max) { return sizeof(struct bio) + seg_max * sizeof(struct bio_seg); }
void bio_free(struct bio *b);

/** bio_add - append memory that continues the bio; merged with the last segment if adjacent. Return: false if it is full */
bool bio_add(struct bio *b, paddr_t addr, u32 len_bytes);

/**
 * bio_submit - start it; done is called exactly once, perhaps before this returns
 * Under a plug (block_plug_begin) it may be held back until the plug ends or the thread sleeps.
 * Context: any that the driver below allows (those that take requests: any; loop: any).
 * Errors: a range past the end, a write to a read-only device, more segments than the disk takes (-EIO, -EROFS, -EINVAL),
 * all through bio->status.
 */
void bio_submit(struct bio *b);

/** bio_submit_wait - and sleep until it is done. Return: its status */
MUST_CHECK int bio_submit_wait(struct bio *b);

/** bio_end - the driver's: the bio is over. Context: any; none of the driver's locks held. */
void bio_end(struct bio *b, int status);

/**
 * bio_poll - look for ended requests where @b went; for a BIO_POLLED bio of a queue without interrupts, the only way
 * Return: whether the device has such a way at all. Context: thread
 */
bool bio_poll(struct block_device *bdev, u32 cookie);

/** block_register_ioprio - the I/O priority of the current thread (IOPRIO_*). */
void block_register_ioprio(u16 (*get)(void));

/* Bios held back so that neighbours become one request. Nested ones do nothing. */
struct block_plug {
	struct list_head bios;	/* chains' first bios */
	u32 count;
	bool outer;
};
void block_plug_begin(struct block_plug *p);
void block_plug_end(struct block_plug *p);

/* ---- devices ---- */

struct disk_ops {
	/* submit: start a bio that has been checked, on the whole disk; ends in bio_end. NULL: the disk has queues (block/queue.h) */
	void (*submit)(struct disk *d, struct bio *b);
	/* ioctl: optional; what block/ does not know. @mode: FMODE_*. -ENOTTY: not this either */
	s64 (*ioctl)(struct block_device *b, u32 mode, u32 cmd, u64 arg);
	/* open, release: optional; the first opener came, the last one went. Registry not held. */
	int (*open)(struct disk *d);
	void (*release)(struct disk *d);
	const struct pr_ops *pr;	/* persistent reservations, or NULL */
};

struct disk_limits {
	u32 segs_max;			/* of one bio */
	u32 seg_bytes_max;
	u32 block_bytes;		/* logical block size: 512 … 4096 */
	u32 physical_bytes;		/* best unit of writing */
	u32 discard_sectors_max;	/* of one bio; 0: no discard */
	u32 zeroes_sectors_max;		/* of one bio; 0: no write-zeroes */
	bool flush;			/* has a volatile cache: BIO_FLUSH means something */
	bool read_only;
	/* what follows may be left 0 */
	bool fua;			/* takes BIO_FUA itself; without, a flush follows the write */
	bool rotational;
	bool stable_writes;
	u32 sectors_max;		/* of one request */
	u32 sectors_soft;		/* the same, as set in queue/max_sectors_kb */
	u32 io_min_bytes, io_opt_bytes;
	s32 alignment_bytes;		/* of sector 0 to the physical block */
	u32 discard_granularity_bytes, discard_alignment_bytes;
	u32 discard_sectors_soft;	/* as set in queue/discard_max_bytes */
	u32 discard_segs_max;
	u32 erase_sectors_max;		/* of one BIO_SECURE_ERASE; 0: none */
	u32 chunk_sectors;
	u32 dma_mask;			/* O_DIRECT buffers: address and length bits that must be 0; 511 if 0 */
	u64 virt_boundary;		/* segments within a bio end and start at multiples of this + 1 */
};

/** disk_limits_stack - make @top's limits hold for @below too (md, dm, loop). @start_sector: where on @below the top begins */
void disk_limits_stack(struct disk_limits *top, const struct disk_limits *below, u64 start_sector);
/** disk_limits_fill - defaults for what a driver left 0, and what is out of bounds put right. */
void disk_limits_fill(struct disk_limits *l);

/* What /sys/block/NAME/stat and /proc/diskstats show, in their order by group. [a] */
enum block_stat_group { STAT_READ, STAT_WRITE, STAT_DISCARD, STAT_FLUSH, STAT_GROUPS };
struct block_stats {
	u64 ios[STAT_GROUPS], merges[STAT_GROUPS], sectors[STAT_GROUPS], ns[STAT_GROUPS];
	u64 busy_ms, busy_stamp_ms;
	u32 inflight[2];		/* reads, the rest */
};

/* Locks: I immutable once added · r registry · a atomic */
struct block_device {
	struct disk *disk;		/* [I] */
	u32 part;			/* [I] 0: the whole disk; else the partition's number */
	u64 start;			/* [I] first sector on the disk */
	u64 sectors;			/* [a] length */
	u32 opens;			/* [r] */
	u64 rdev;			/* [I] */
	char name[DISK_NAME_MAX];	/* [I] "vda1" */
	struct mapping mapping;		/* the cache of its bytes */
	struct rwsem write_lock;	/* shared: writers through the cache; exclusive: what changes a range as a whole */
	struct devnode devnode;		/* [I] */
	struct list_head node;		/* [r] on disk->parts */
	struct block_stats stats;
	bool read_only;			/* [a] BLKROSET */
	u32 block_bytes_soft;		/* [a] BLKBSZSET */
	void *claim;			/* [r] who has it for itself alone */
	u32 claims;			/* [r] */
};

struct disk {
	char name[DISK_NAME_MAX];	/* [I] "vda" */
	const char *driver_name;	/* [I] "virtblk", as in /proc/devices */
	u32 major, minor_first;		/* [I] `minors` numbers from here; major 0: all of BLOCK_EXT_MAJOR */
	u32 minors;			/* [I] 0: DISK_MINORS */
	const struct disk_ops *ops;	/* [I] */
	void *private;			/* [I] the driver's */
	struct disk_limits limits;	/* [I] but for what sysfs sets */
	const struct devattr *attrs;	/* [I] extra sysfs attributes, or NULL */
	struct devnode *parent;		/* [I] in whose sysfs directory it lies, or NULL */
	bool no_partitions;		/* [a] its table is not read */
	u8 geometry_heads, geometry_sectors;	/* [I] what HDIO_GETGEO answers; 0: nothing */
	bool no_sort;			/* [I] no elevator unless asked for */
	struct block_device whole;
	struct list_head parts;		/* [r] struct block_device */
	bool scanning;			/* [r] a thread is reading the partition table: parts does not change otherwise */
	bool gone;			/* [r] no more openers */
	u32 openers;			/* [r] of the disk and its partitions */
	struct list_head node;		/* [r] */
	struct backing backing;		/* where the pages of its cache, and of its file systems' files, are written */
	struct devnode bdi;		/* [I] /sys/class/bdi/MAJOR:MINOR */
	char bdi_link[64];		/* [I] to it from /sys/block/NAME/bdi */
	struct devattr bdi_attrs[2];	/* [I] */
	u64 sequence;			/* [I] diskseq */
	u32 readahead_kb;		/* [a] */

	/* queues: queue.c; NULL for a driver that takes bios */
	struct hw_queue *queues;	/* [I] */
	u32 queue_count, queue_depth;	/* [I] */
	u32 poll_queues;		/* [I] of them, the last ones: without interrupts */
	struct elevator *elevator;	/* [a] NULL: none */
	bool iostats_off;		/* [a] queue/iostats */
	u8 nomerges;			/* [a] queue/nomerges */
	bool poll;			/* [a] queue/io_poll */
	s32 poll_delay;			/* [a] queue/io_poll_delay */
	u32 timeout_ms;			/* [a] queue/io_timeout */
	u8 rq_affinity;			/* [a] */
	bool add_random;		/* [a] */
	struct flush_machine *flusher;	/* [I] flush.c */
	struct watch *watch;		/* [I] queue.c */
	u32 cache_override;		/* [a] queue/write_cache: 0 as the device says, 1 write through */
};

void block_init(void);

/**
 * disk_add - a disk exists: name, driver_name, major, minor_first, ops, limits are set; its partitions are read
 * @sectors: its size
 * The disk is the driver's memory, kept until disk_remove.  Context: thread
 */
void disk_add(struct disk *d, u64 sectors);
/** disk_remove - it goes. Return: 0; -EBUSY: somebody has it open, nothing was done. */
MUST_CHECK int disk_remove(struct disk *d);

/** disk_resize - the device says that its size has changed. Context: thread */
void disk_resize(struct disk *d, u64 sectors);

/** block_device_next - the device after @b (whole disk, its partitions, the next disk), NULL: the first; for listings. */
struct block_device *block_device_next(struct block_device *b);
/** block_device_find - by device number; NULL if there is none. */
struct block_device *block_device_find(u64 rdev);
/** block_device_find_name - by name ("vda1"); NULL if there is none. */
struct block_device *block_device_find_name(const char *name);

/** block_partitions_text - /proc/partitions. Return: length */
size_t block_partitions_text(char *buf, size_t size);
/** block_diskstats_text - /proc/diskstats. Return: length */
size_t block_diskstats_text(char *buf, size_t size);
/** block_majors_text - the block part of /proc/devices. Return: length */
size_t block_majors_text(char *buf, size_t size);

/** block_flush - wait until what was written is durable. Return: 0 or -errno */
MUST_CHECK int block_flush(struct block_device *b);
/**
 * block_range_op - BIO_DISCARD, BIO_WRITE_ZEROES, BIO_SECURE_ERASE of any length, in pieces, several under way
 * Zeroes are written where the device has no such command.  Return: 0, -EOPNOTSUPP, -EIO
 */
MUST_CHECK int block_range_op(struct block_device *b, enum bio_op op, u64 sector, u64 sectors);
/** block_range_zeroes - BIO_WRITE_ZEROES with BIO_* @flags; @fallback: write zeroes if the device has no command */
MUST_CHECK int block_range_zeroes(struct block_device *b, u64 sector, u64 sectors, u32 flags, bool fallback);

static inline u64 block_device_bytes(const struct block_device *b)
{
	return __atomic_load_n(&b->sectors, __ATOMIC_RELAXED) << SECTOR_SHIFT;
}
static inline bool block_read_only(const struct block_device *b)
{
	return b->disk->limits.read_only || __atomic_load_n(&b->read_only, __ATOMIC_RELAXED);
}

/** block_device_open - find and count an opener. NULL: there is none of that number. */
struct block_device *block_device_open(u64 rdev);
/** block_device_close - the last one writes the cache out and drops it. Context: thread */
void block_device_close(struct block_device *b);
/** block_claim - @holder wants it alone (a mount, O_EXCL, a stacked driver). Return: 0; -EBUSY: another has it, or a partition of it */
MUST_CHECK int block_claim(struct block_device *b, void *holder);
void block_unclaim(struct block_device *b, void *holder);

/* ---- between the files of block/ ---- */

extern const struct mapping_ops block_mapping_ops;	/* pages.c */
extern const struct file_ops block_file_ops;		/* file.c */
extern const struct devattr block_disk_attrs[], block_part_attrs[];	/* attrs.c */
void bdi_add(struct disk *d);					/* bdi.c: its number and node are there */
void bdi_remove(struct disk *d);
/** disk_rescan - read the partition table anew. Return: 0, -EBUSY (a partition is in use), -EIO */
MUST_CHECK int disk_rescan(struct disk *d);
/** disk_partition_add, _delete, _resize - BLKPG. Return: 0, -EBUSY, -EINVAL, -ENXIO */
MUST_CHECK int disk_partition_add(struct disk *d, u32 number, u64 start, u64 sectors);
MUST_CHECK int disk_partition_delete(struct disk *d, u32 number);
MUST_CHECK int disk_partition_resize(struct disk *d, u32 number, u64 start, u64 sectors);

void bio_stats_start(struct bio *b);			/* stats.c */
void bio_stats_end(struct bio *b);
void bio_stats_merge(struct bio *b);
size_t block_stat_text(const struct block_device *b, char *buf, size_t size);

bool flush_needed(const struct bio *b);			/* flush.c */
void flush_start(struct bio *b);
void flush_data_done(struct bio *b, int status);
MUST_CHECK int flush_init(struct disk *d);
void flush_fini(struct disk *d);

void bio_issue(struct bio *b);				/* bio.c: to the driver or its queues, checked and accounted */
bool plug_add(struct bio *b);				/* plug.c: false: not plugged, or not for plugs */
void plug_init(void);
void range_init(void);					/* range.c */

extern struct mutex block_registry;			/* disk.c */
MUST_CHECK int block_device_setup(struct block_device *b, struct disk *d, u32 part, u64 start, u64 sectors);
void block_device_teardown(struct block_device *b);	/* nobody has it open, and it is on no list */

s64 block_ioctl(struct file *f, u32 cmd, u64 value);	/* ioctl.c */

#endif
