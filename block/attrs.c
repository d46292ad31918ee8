/*
 * What /sys/block/NAME and its partitions show and take.
 *
 * Source: Linux's Documentation/ABI/stable/sysfs-block, Documentation/block/queue-sysfs.rst.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/block.h"
#include "block/queue.h"

static struct block_device *bdev_of(const struct devnode *n)
{
	return n->private;
}

/* A figure of the device b, its disk d, the limits l. */
#define SHOW(name, form, value)                                                          \
	static size_t name##_show(struct devnode *n, char *buf, size_t size)             \
	{                                                                                \
		const struct block_device *b = bdev_of(n);                               \
		const struct disk *d = b->disk;                                          \
		const struct disk_limits *l = &d->limits;                                \
                                                                                         \
		(void)d;                                                                 \
		(void)l;                                                                 \
		return scnprintf(buf, size, form "\n", value);                           \
	}

/* @s: a number with perhaps a newline. */
static int parse_number(const char *s, u64 *out)
{
	const char *end;

	*out = parse_u64_prefix(s, &end, 0);
	return end == s || (*end && *end != '\n') ? -EINVAL : 0;
}

#define STORE(name, max, assignment)                                                     \
	static int name##_store(struct devnode *n, const char *buf, size_t len)          \
	{                                                                                \
		struct disk *d = bdev_of(n)->disk;                                       \
		u64 v;                                                                   \
		int err = parse_number(buf, &v);                                         \
                                                                                         \
		if (err || v > (max))                                                    \
			return -EINVAL;                                                  \
		assignment;                                                              \
		return 0;                                                                \
	}

/* ---- both ---- */

SHOW(size, "%llu", atomic_load(&b->sectors))
SHOW(ro, "%d", block_read_only(b))
SHOW(start, "%llu", b->start)
SHOW(partition, "%u", b->part)
SHOW(alignment_offset, "%d", l->alignment_bytes)
SHOW(discard_alignment, "%u", l->discard_alignment_bytes)

static size_t inflight_show(struct devnode *n, char *buf, size_t size)
{
	const struct block_stats *s = &bdev_of(n)->stats;

	return scnprintf(buf, size, "%8u %8u\n", atomic_load(&s->inflight[0]), atomic_load(&s->inflight[1]));
}

static size_t stat_show(struct devnode *n, char *buf, size_t size)
{
	return block_stat_text(bdev_of(n), buf, size);
}

/* ---- the disk ---- */

SHOW(range, "%u", d->major ? d->minors : 0)
SHOW(ext_range, "%u", d->no_partitions ? 1u : 256u)
SHOW(removable, "%d", 0)
SHOW(hidden, "%d", 0)
SHOW(capability, "%x", 0u)
SHOW(diskseq, "%llu", d->sequence)
SHOW(events_poll, "%d", -1)

static size_t nothing_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "\n");
}

/* ---- queue/ ---- */

SHOW(logical_block_size, "%u", l->block_bytes)
SHOW(physical_block_size, "%u", l->physical_bytes)
SHOW(minimum_io_size, "%u", l->io_min_bytes)
SHOW(optimal_io_size, "%u", l->io_opt_bytes)
SHOW(chunk_sectors, "%u", l->chunk_sectors)
SHOW(max_sectors_kb, "%u", l->sectors_soft / 2)
SHOW(max_hw_sectors_kb, "%u", l->sectors_max / 2)
SHOW(max_segments, "%u", l->segs_max)
SHOW(max_segment_size, "%u", l->seg_bytes_max)
SHOW(max_discard_segments, "%u", MAX(l->discard_segs_max, 1u))
SHOW(discard_granularity, "%u", l->discard_sectors_max ? l->discard_granularity_bytes : 0)
SHOW(discard_max_bytes, "%llu", (u64)MIN(l->discard_sectors_soft, l->discard_sectors_max) << SECTOR_SHIFT)
SHOW(discard_max_hw_bytes, "%llu", (u64)l->discard_sectors_max << SECTOR_SHIFT)
SHOW(write_zeroes_max_bytes, "%llu", (u64)l->zeroes_sectors_max << SECTOR_SHIFT)
SHOW(zero, "%d", 0)
SHOW(dma_alignment, "%u", l->dma_mask)
SHOW(virt_boundary_mask, "%llu", l->virt_boundary)
SHOW(rotational, "%d", l->rotational)
SHOW(stable_writes, "%d", l->stable_writes)
SHOW(fua, "%d", l->fua)
SHOW(add_random, "%d", d->add_random)
SHOW(iostats, "%d", !atomic_load(&d->iostats_off))
SHOW(nomerges, "%u", atomic_load(&d->nomerges))
SHOW(nr_requests, "%u", d->queue_count ? d->queue_depth : 128)
SHOW(read_ahead_kb, "%u", atomic_load(&d->readahead_kb))
SHOW(rq_affinity, "%u", d->rq_affinity)
SHOW(io_poll, "%d", atomic_load(&d->poll))
SHOW(io_poll_delay, "%d", d->poll_delay)
SHOW(io_timeout, "%u", d->timeout_ms ? d->timeout_ms : 30000)
SHOW(zoned, "%s", "none")
SHOW(write_cache, "%s", l->flush && !atomic_load(&d->cache_override) ? "write back" : "write through")

static size_t scheduler_show(struct devnode *n, char *buf, size_t size)
{
	const struct disk *d = bdev_of(n)->disk;

	if (!d->queues)
		return scnprintf(buf, size, "none\n");
	return scnprintf(buf, size, strcmp(elevator_name(d), "none") ? "[mq-deadline] none\n" : "[none] mq-deadline\n");
}

static int scheduler_store(struct devnode *n, const char *buf, size_t len)
{
	char name[20];

	if (strlcpy(name, buf, sizeof(name)) >= sizeof(name))
		return -EINVAL;
	if (strchr(name, '\n'))
		*strchr(name, '\n') = '\0';
	return elevator_set(bdev_of(n)->disk, name);
}

static int write_cache_store(struct devnode *n, const char *buf, size_t len)
{
	struct disk *d = bdev_of(n)->disk;

	if (str_starts_with(buf, "write back"))
		atomic_store(&d->cache_override, 0u);
	else if (str_starts_with(buf, "write through") || str_starts_with(buf, "none"))
		atomic_store(&d->cache_override, 1u);
	else
		return -EINVAL;
	return 0;
}

static int max_sectors_kb_store(struct devnode *n, const char *buf, size_t len)
{
	struct disk_limits *l = &bdev_of(n)->disk->limits;
	u64 kb;

	if (parse_number(buf, &kb) || kb > l->sectors_max / 2 || kb < PAGE_SIZE / 1024)
		return -EINVAL;
	WRITE_ONCE(l->sectors_soft, (u32)kb * 2);
	return 0;
}

static int discard_max_bytes_store(struct devnode *n, const char *buf, size_t len)
{
	struct disk_limits *l = &bdev_of(n)->disk->limits;
	u64 bytes;

	if (parse_number(buf, &bytes) || (l->discard_granularity_bytes && bytes & (l->discard_granularity_bytes - 1)))
		return -EINVAL;
	WRITE_ONCE(l->discard_sectors_soft, (u32)MIN(bytes >> SECTOR_SHIFT, (u64)l->discard_sectors_max));
	return 0;
}

static int io_poll_store(struct devnode *n, const char *buf, size_t len)
{
	struct disk *d = bdev_of(n)->disk;
	u64 v;

	if (!d->queues || !d->queues[0].ops->poll)
		return -EINVAL;
	if (parse_number(buf, &v))
		return -EINVAL;
	atomic_store(&d->poll, v != 0);
	return 0;
}

STORE(rotational, 1, d->limits.rotational = v)
STORE(add_random, 1, d->add_random = v)
STORE(iostats, 1, atomic_store(&d->iostats_off, !v))
STORE(nomerges, 2, atomic_store(&d->nomerges, (u8)v))
STORE(read_ahead_kb, 1u << 24, atomic_store(&d->readahead_kb, (u32)v))
STORE(rq_affinity, 2, d->rq_affinity = v)
STORE(io_timeout, ~0u, if (!v) return -EINVAL; atomic_store(&d->timeout_ms, (u32)v))

#define RO(path, fn) { .name = path, .show = fn##_show }
#define RW(path, fn) { .name = path, .show = fn##_show, .store = fn##_store }

const struct devattr block_disk_attrs[] = {
	RO("size", size), RO("ro", ro), RO("stat", stat), RO("inflight", inflight), RO("range", range),
	RO("ext_range", ext_range), RO("removable", removable), RO("hidden", hidden), RO("capability", capability),
	RO("diskseq", diskseq), RO("alignment_offset", alignment_offset), RO("discard_alignment", discard_alignment),
	RO("events", nothing), RO("events_async", nothing), RO("events_poll_msecs", events_poll),
	{ .name = "holders/" }, { .name = "slaves/" },
	RO("queue/logical_block_size", logical_block_size), RO("queue/hw_sector_size", logical_block_size),
	RO("queue/physical_block_size", physical_block_size), RO("queue/minimum_io_size", minimum_io_size),
	RO("queue/optimal_io_size", optimal_io_size), RO("queue/chunk_sectors", chunk_sectors),
	RW("queue/max_sectors_kb", max_sectors_kb), RO("queue/max_hw_sectors_kb", max_hw_sectors_kb),
	RO("queue/max_segments", max_segments), RO("queue/max_segment_size", max_segment_size),
	RO("queue/max_integrity_segments", zero), RO("queue/max_discard_segments", max_discard_segments),
	RO("queue/discard_granularity", discard_granularity), RW("queue/discard_max_bytes", discard_max_bytes),
	RO("queue/discard_max_hw_bytes", discard_max_hw_bytes), RO("queue/discard_zeroes_data", zero),
	RO("queue/write_same_max_bytes", zero), RO("queue/write_zeroes_max_bytes", write_zeroes_max_bytes),
	RO("queue/zone_append_max_bytes", zero), RO("queue/zone_write_granularity", zero), RO("queue/zoned", zoned),
	RO("queue/nr_zones", zero), RO("queue/max_open_zones", zero), RO("queue/max_active_zones", zero),
	RO("queue/dma_alignment", dma_alignment), RO("queue/virt_boundary_mask", virt_boundary_mask), RO("queue/dax", zero),
	RW("queue/rotational", rotational), RO("queue/stable_writes", stable_writes), RO("queue/fua", fua),
	RW("queue/write_cache", write_cache), RW("queue/add_random", add_random), RW("queue/iostats", iostats),
	RW("queue/nomerges", nomerges), RO("queue/nr_requests", nr_requests), RW("queue/read_ahead_kb", read_ahead_kb),
	RW("queue/rq_affinity", rq_affinity), RW("queue/scheduler", scheduler), RW("queue/io_poll", io_poll),
	RO("queue/io_poll_delay", io_poll_delay), RW("queue/io_timeout", io_timeout),
	{},
};

const struct devattr block_part_attrs[] = {
	RO("size", size), RO("start", start), RO("partition", partition), RO("ro", ro), RO("stat", stat),
	RO("inflight", inflight), RO("alignment_offset", alignment_offset), RO("discard_alignment", discard_alignment),
	{ .name = "holders/" },
	{},
};
