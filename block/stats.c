/*
 * Statistics of disks and partitions: /sys/block/NAME/stat, inflight, /proc/diskstats.
 *
 * A bio counts for the partition that it was submitted to and for the whole disk.  Times are those from bio_submit to done.
 * busy_ms goes up while anything is under way, in steps of clock milliseconds.
 *
 * Source: Linux's Documentation/block/stat.rst and admin-guide/iostats.rst.
 */
#include "base/atomic.h"
#include "base/printf.h"
#include "block/block.h"
#include "block/queue.h"
#include "vfs/inode.h"


static enum block_stat_group group_of(const struct bio *b)
{
	switch (b->op) {
	case BIO_READ: return STAT_READ;
	case BIO_DISCARD:
	case BIO_SECURE_ERASE: return STAT_DISCARD;
	case BIO_FLUSH: return STAT_FLUSH;
	default: return STAT_WRITE;
	}
}

/* @was_busy: something has been under way since the stamp. */
static void busy(struct block_stats *s, u64 now_ms, bool was_busy)
{
	u64 stamp = atomic_load(&s->busy_stamp_ms);

	if (now_ms > stamp && cmpxchg(&s->busy_stamp_ms, stamp, now_ms) == stamp)
		atomic_add(&s->busy_ms, was_busy ? now_ms - stamp : 1);
}

static void start_one(struct block_stats *s, const struct bio *b)
{
	u32 others = atomic_load(&s->inflight[0]) + atomic_load(&s->inflight[1]);

	busy(s, b->start_ns / NS_PER_MS, others);
	atomic_inc(&s->inflight[b->op != BIO_READ]);
}

void bio_stats_start(struct bio *b)
{
	b->start_ns = plat_mono_ns();
	if (b->op == BIO_FLUSH || atomic_load(&b->bdev->disk->iostats_off))
		return;
	b->accounted = true;
	start_one(&b->bdev->stats, b);
	if (b->part != b->bdev)
		start_one(&b->part->stats, b);
}

static void end_one(struct block_stats *s, const struct bio *b, u64 now_ns)
{
	enum block_stat_group g = group_of(b);

	busy(s, now_ns / NS_PER_MS, true);
	atomic_dec(&s->inflight[b->op != BIO_READ]);
	atomic_inc(&s->ios[g]);
	atomic_add(&s->sectors[g], b->sectors);
	atomic_add(&s->ns[g], now_ns - b->start_ns);
}

void bio_stats_end(struct bio *b)
{
	u64 now_ns = plat_mono_ns();

	b->accounted = false;
	end_one(&b->part->disk->whole.stats, b, now_ns);
	if (b->part->part)
		end_one(&b->part->stats, b, now_ns);
}

void bio_stats_merge(struct bio *b)
{
	if (!b->accounted)
		return;
	/* It counts as one merged, no longer as one of its own: see block_stat_text. */
	atomic_inc(&b->part->disk->whole.stats.merges[group_of(b)]);
	if (b->part->part)
		atomic_inc(&b->part->stats.merges[group_of(b)]);
}

static u64 ms(u64 ns)
{
	return ns / NS_PER_MS;
}

static size_t group_text(const struct block_stats *s, enum block_stat_group g, char *buf, size_t size, const char *form)
{
	u64 ios = atomic_load(&s->ios[g]), merges = atomic_load(&s->merges[g]);

	return scnprintf(buf, size, form, ios - MIN(ios, merges), merges, atomic_load(&s->sectors[g]), ms(atomic_load(&s->ns[g])));
}

static u64 queue_ms(const struct block_stats *s)
{
	u64 ns = 0;

	for (u32 g = 0; g < STAT_GROUPS; g++)
		ns += atomic_load(&s->ns[g]);
	return ms(ns);
}

size_t block_stat_text(const struct block_device *b, char *buf, size_t size)
{
	static const char form[] = "%8llu %8llu %8llu %8llu ";
	const struct block_stats *s = &b->stats;
	size_t n = group_text(s, STAT_READ, buf, size, form);

	n += group_text(s, STAT_WRITE, buf + n, size - n, form);
	n += scnprintf(buf + n, size - n, "%8u %8llu %8llu ", atomic_load(&s->inflight[0]) + atomic_load(&s->inflight[1]),
		       atomic_load(&s->busy_ms), queue_ms(s));
	n += group_text(s, STAT_DISCARD, buf + n, size - n, form);
	n += scnprintf(buf + n, size - n, "%8llu %8llu\n", atomic_load(&s->ios[STAT_FLUSH]), ms(atomic_load(&s->ns[STAT_FLUSH])));
	return n;
}

static size_t diskstats_line(const struct block_device *b, char *buf, size_t size)
{
	static const char form[] = " %llu %llu %llu %llu";
	const struct block_stats *s = &b->stats;
	size_t n = scnprintf(buf, size, "%4u %7u %s", dev_major(b->rdev), dev_minor(b->rdev), b->name);

	n += group_text(s, STAT_READ, buf + n, size - n, form);
	n += group_text(s, STAT_WRITE, buf + n, size - n, form);
	n += scnprintf(buf + n, size - n, " %u %llu %llu", atomic_load(&s->inflight[0]) + atomic_load(&s->inflight[1]),
		       atomic_load(&s->busy_ms), queue_ms(s));
	n += group_text(s, STAT_DISCARD, buf + n, size - n, form);
	n += scnprintf(buf + n, size - n, " %llu %llu\n", atomic_load(&s->ios[STAT_FLUSH]), ms(atomic_load(&s->ns[STAT_FLUSH])));
	return n;
}

size_t block_diskstats_text(char *buf, size_t size)
{
	struct block_device *b = NULL;
	size_t n = 0;

	while ((b = block_device_next(b)) && n < size)
		n += diskstats_line(b, buf + n, size - n);
	return n;
}
