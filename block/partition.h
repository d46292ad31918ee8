/*
 * Partition tables: what the bytes on a disk say.  Pure: the sectors come through a callback, no locks, no allocation.
 *
 * Nothing that stands in a table is believed: ranges are cut off at the disk's end, chains of extended partitions are
 * followed a bounded number of steps, the GPT's checksums have to hold.
 *
 * Source: UEFI Specification 2.10, section 5 (GPT; 5.2 MBR); for extended partitions the practice of fdisk(8).
 */
#ifndef BLOCK_PARTITION_H
#define BLOCK_PARTITION_H

#include "base/types.h"

enum { PARTITIONS_MAX = 128 };

struct partition {
	u32 number;		/* 1 … PARTITIONS_MAX */
	u64 start, sectors;	/* of 512 bytes */
};

struct partition_source {
	u64 sectors;		/* the disk's size */
	u32 block_bytes;	/* its logical block: the unit that tables count in */
	/* read: @len_bytes (a multiple of 512) from @sector. 0 or -errno */
	int (*read)(void *ctx, u64 sector, void *buf, u32 len_bytes);
	void *ctx;
};

/**
 * partitions_read - the partitions of a disk, GPT or MBR
 * @scratch: 4096 bytes of memory
 * Return: how many there are in @out (0: no table), or the callback's error
 */
int partitions_read(const struct partition_source *src, void *scratch, struct partition out[PARTITIONS_MAX]);

#endif
