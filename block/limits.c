/*
 * Limits of devices: defaults, and how those of a stacked device follow from those below.  Pure.
 *
 * A limit on size or count is the smallest of all; a unit is one that all units divide; a property that helps holds if all
 * have it, one that hurts if any has it.
 *
 * Source: the files of queue/ in Linux's Documentation/ABI/stable/sysfs-block.
 */
#include "block/block.h"

enum { SECTORS_MAX_DEFAULT = 2560 };

static u32 min_not_zero(u32 a, u32 b)
{
	return !a ? b : !b ? a : MIN(a, b);
}

static u64 gcd(u64 a, u64 b)
{
	while (b) {
		u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static u32 lcm_not_zero(u32 a, u32 b)
{
	u64 both;

	if (!a || !b)
		return a | b;
	both = (u64)a / gcd(a, b) * b;
	return both > ~0u ? MAX(a, b) : both;
}

static bool power_of_2(u32 v)
{
	return v && !(v & (v - 1));
}

void disk_limits_fill(struct disk_limits *l)
{
	if (!power_of_2(l->block_bytes) || l->block_bytes < SECTOR_BYTES || l->block_bytes > 4096)
		l->block_bytes = SECTOR_BYTES;
	if (!power_of_2(l->physical_bytes) || l->physical_bytes < l->block_bytes)
		l->physical_bytes = l->block_bytes;
	if (l->io_min_bytes < l->physical_bytes)
		l->io_min_bytes = l->physical_bytes;
	l->segs_max = l->segs_max ? l->segs_max : 128;
	l->seg_bytes_max = l->seg_bytes_max < 4096 ? 65536 : l->seg_bytes_max & ~511u;
	if (!l->sectors_max)
		l->sectors_max = 0x7fffff8;
	l->sectors_max = MAX(l->sectors_max & ~((l->block_bytes >> SECTOR_SHIFT) - 1), 4096u >> SECTOR_SHIFT);
	if (!l->sectors_soft)
		l->sectors_soft = MIN(l->sectors_max, (u32)SECTORS_MAX_DEFAULT);
	if (!l->dma_mask)
		l->dma_mask = 511;
	if (l->discard_sectors_max) {
		l->discard_sectors_soft = l->discard_sectors_max;
		if (!l->discard_granularity_bytes)
			l->discard_granularity_bytes = l->block_bytes;
		if (!l->discard_segs_max)
			l->discard_segs_max = 1;
	}
}

static s32 stacked_alignment(const struct disk_limits *below, u64 start_sector)
{
	u64 unit = MAX(below->physical_bytes, below->io_min_bytes);
	u64 past = unit ? (start_sector << SECTOR_SHIFT) % unit : 0;

	return unit ? (s32)((unit + below->alignment_bytes - past) % unit) : 0;
}

void disk_limits_stack(struct disk_limits *top, const struct disk_limits *below, u64 start_sector)
{
	top->segs_max = min_not_zero(top->segs_max, below->segs_max);
	top->seg_bytes_max = min_not_zero(top->seg_bytes_max, below->seg_bytes_max);
	top->sectors_max = min_not_zero(top->sectors_max, below->sectors_max);
	top->sectors_soft = min_not_zero(top->sectors_soft, below->sectors_soft);
	top->block_bytes = MAX(top->block_bytes, below->block_bytes);
	top->physical_bytes = MAX(top->physical_bytes, below->physical_bytes);
	top->io_min_bytes = MAX(top->io_min_bytes, below->io_min_bytes);
	top->io_opt_bytes = lcm_not_zero(top->io_opt_bytes, below->io_opt_bytes);
	top->alignment_bytes = MAX(top->alignment_bytes, stacked_alignment(below, start_sector));
	top->discard_sectors_max = min_not_zero(top->discard_sectors_max, below->discard_sectors_max);
	top->discard_granularity_bytes = MAX(top->discard_granularity_bytes, below->discard_granularity_bytes);
	top->discard_segs_max = min_not_zero(top->discard_segs_max, below->discard_segs_max);
	top->zeroes_sectors_max = MIN(top->zeroes_sectors_max, below->zeroes_sectors_max);
	top->erase_sectors_max = MIN(top->erase_sectors_max, below->erase_sectors_max);
	top->chunk_sectors = top->chunk_sectors && below->chunk_sectors ? gcd(top->chunk_sectors, below->chunk_sectors)
									  : top->chunk_sectors | below->chunk_sectors;
	top->dma_mask |= below->dma_mask;
	top->virt_boundary = !top->virt_boundary ? below->virt_boundary : !below->virt_boundary ? top->virt_boundary :
			     MIN(top->virt_boundary, below->virt_boundary);
	top->flush |= below->flush;
	top->fua |= below->fua;
	top->rotational |= below->rotational;
	top->stable_writes |= below->stable_writes;
	top->read_only |= below->read_only;
}
