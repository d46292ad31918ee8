/*
 * A disk behind virtio-blk: a medium, a volatile cache in front of it, and the faults of models.h.
 *
 * `now` is what reads find; `medium` is what a power cut leaves.  A write goes to `now` and, until a flush, to the list `cached`, oldest first.
 * A disk lives in the host's memory, so that it outlives machines.
 *
 * Invariants: medium with all of `cached` applied in order is `now`, but for what write_flip, misdirected and lost_write did;
 * a flush makes last what had ended when it was begun, no more.
 */
#ifndef PLAT_HOST_DISK_H
#define PLAT_HOST_DISK_H

#include "plat/host/host.h"
#include "plat/host/models.h"

enum { DISK_SECTOR = 512 };

/* A write that has ended and that no flush has covered. */
struct disk_write {
	struct disk_write *next;
	u64 sector, seq;
	u32 sectors;
	u8 data[];
};

struct auk_disk {
	u64 sectors;
	int fd;
	u8 *medium, *now;
	struct disk_write *cached, **cached_end;
	u64 seq;			/* of the last write that has ended */
	u64 cached_sectors;
	struct auk_disk_faults faults;
	u64 random;
	struct auk_disk_counts counts;
};

/** disk_chance - whether a fault that happens once in @one_in happens now; counts it. */
bool disk_chance(struct auk_disk *d, u32 one_in);
/** disk_fails - whether a request for these sectors fails by the faults. */
bool disk_fails(struct auk_disk *d, u64 sector, u32 sectors, u32 one_in);
void disk_write_ends(struct auk_disk *d, u64 sector, const u8 *data, u32 sectors, bool lasting);
/** disk_write_torn - a failed write, or one that a power cut met: any of its sectors. */
void disk_write_torn(struct auk_disk *d, u64 sector, const u8 *data, u32 sectors);
void disk_read(struct auk_disk *d, u64 sector, u8 *to, u32 sectors);
/** disk_flush - make last all writes up to number @seq. */
void disk_flush(struct auk_disk *d, u64 seq);

#endif
