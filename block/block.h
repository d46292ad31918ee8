/*
 * Block devices: requests to them (struct bio), disks and their partitions, and the files through which programs see them.
 *
 *	program -> /dev/vda1 (file.c) -> page cache (pages.c) -> bio (bio.c) -> disk driver's submit
 *
 * A bio is asynchronous: bio_submit hands it over, and bio->done is called when it is over, in whatever context the
 * driver learns of it, interrupts included.  The bytes are named by physical address: a stacked driver passes them on
 * and copies nothing.  Sectors are of 512 bytes everywhere, whatever the device's own block size.
 *
 * Start-up: block_init(); then drivers call disk_add() in thread context.
 *
 * Locks: registry (RANK_BLOCK, sleeping): the lists of disks and partitions, and open counts.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include "base/list.h"
#include "base/types.h"
#include "mm/mapping.h"
#include "vfs/device.h"

struct bio;
struct block_device;
struct disk;

enum { SECTOR_SHIFT = 9, SECTOR_BYTES = 512, DISK_MINORS = 16, DISK_NAME_MAX = 32 };

/* ---- requests ---- */

enum bio_op {
	BIO_READ,
	BIO_WRITE,
	BIO_FLUSH,		/* what was written before is durable afterwards; no bytes */
	BIO_DISCARD,		/* the range's contents are not needed; no bytes */
	BIO_WRITE_ZEROES,	/* the range becomes zeroes; no bytes */
};

enum { BIO_FUA = 1 /* a write: durable when done */ };

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
	struct bio_seg segs[];
};

/** bio_alloc - room for @seg_max segments. Return: NULL when out of memory */
struct bio *bio_alloc(struct block_device *bdev, enum bio_op op, u64 sector, u32 seg_max, u32 alloc_flags);
void bio_free(struct bio *b);

/** bio_add - append memory that continues the bio; merged with the last segment if adjacent. Return: false if it is full */
bool bio_add(struct bio *b, paddr_t addr, u32 len_bytes);

/**
 * bio_submit - start it; done is called exactly once, perhaps before this returns
 * Context: thread; any if the driver below says so (virtio-blk does).
 * Errors: a range past the end, a write to a read-only device, more segments than the disk takes (-EIO, -EROFS, -EINVAL),
 * all through bio->status.
 */
void bio_submit(struct bio *b);

/** bio_submit_wait - and sleep until it is done. Return: its status */
MUST_CHECK int bio_submit_wait(struct bio *b);

/** bio_end - the driver's: the bio is over. Context: any; none of the driver's locks held. */
void bio_end(struct bio *b, int status);

/* ---- devices ---- */

struct disk_ops {
	/* submit: start a bio that has been checked, on the whole disk; ends in bio_end. Must not fail otherwise. */
	void (*submit)(struct disk *d, struct bio *b);
	/* ioctl: optional; what block/ does not know. -ENOTTY: not this either */
	s64 (*ioctl)(struct disk *d, u32 cmd, u64 arg);
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
	struct rwsem write_lock;	/* writers through the cache */
	struct devnode devnode;		/* [I] */
	struct list_head node;		/* [r] on disk->parts */
	u64 sectors_read, sectors_written, reads, writes;	/* [a] statistics */
};

struct disk {
	char name[DISK_NAME_MAX];	/* [I] "vda" */
	const char *driver_name;	/* [I] "virtblk", as in /proc/devices */
	u32 major, minor_first;		/* [I] DISK_MINORS numbers from here */
	const struct disk_ops *ops;	/* [I] */
	void *private;			/* [I] the driver's */
	struct disk_limits limits;	/* [I] */
	const struct devattr *attrs;	/* [I] extra sysfs attributes, or NULL */
	struct block_device whole;
	struct list_head parts;		/* [r] struct block_device */
	bool scanning;			/* [r] a thread is reading the partition table: parts does not change otherwise */
	struct list_head node;		/* [r] */
};

void block_init(void);

/**
 * disk_add - a disk exists: name, driver_name, major, minor_first, ops, limits are set; its partitions are read
 * @sectors: its size
 * The disk is the driver's memory, kept for ever.  Context: thread
 */
void disk_add(struct disk *d, u64 sectors);

/** disk_resize - the device says that its size has changed. Context: thread */
void disk_resize(struct disk *d, u64 sectors);

/** block_device_next - the device after @b (whole disk, its partitions, the next disk), NULL: the first; for listings. */
struct block_device *block_device_next(struct block_device *b);
/** block_device_find - by device number; NULL if there is none. */
struct block_device *block_device_find(u64 rdev);

/** block_partitions_text - /proc/partitions. Return: length */
size_t block_partitions_text(char *buf, size_t size);
/** block_majors_text - the block part of /proc/devices. Return: length */
size_t block_majors_text(char *buf, size_t size);

/** block_flush - wait until what was written is durable. Return: 0 or -errno */
MUST_CHECK int block_flush(struct block_device *b);
/** block_range_op - BIO_DISCARD or BIO_WRITE_ZEROES of any length, in pieces. Return: 0, -EOPNOTSUPP, -EIO */
MUST_CHECK int block_range_op(struct block_device *b, enum bio_op op, u64 sector, u64 sectors);

/* ---- between the files of block/ ---- */

extern const struct mapping_ops block_mapping_ops;	/* pages.c */
extern const struct file_ops block_file_ops;		/* file.c */
/** disk_rescan - read the partition table anew. Return: 0, -EBUSY (a partition is in use), -EIO */
MUST_CHECK int disk_rescan(struct disk *d);
/** block_device_open - find and count an opener. NULL: there is none of that number. */
struct block_device *block_device_open(u64 rdev);
void block_device_close(struct block_device *b);

#endif
