/*
 * Partitions of a disk: read from its table (partition.c), or made one by one (BLKPG).
 *
 * Nodes come and go without the registry: who hears of them takes locks of every kind.  disk->scanning keeps the list as
 * it is meanwhile.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/block.h"
#include "block/partition.h"
#include "kern/mutex.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"

/* The table is read through the disk's own cache, so that a table just written by a program counts. */
static int read_cached(void *ctx, u64 sector, void *buf, u32 len_bytes)
{
	struct block_device *b = ctx;
	u64 at = sector << SECTOR_SHIFT;

	while (len_bytes) {
		u32 offset = at & (PAGE_SIZE - 1), n = MIN(len_bytes, (u32)PAGE_SIZE - offset);
		struct page *page = mapping_get(&b->mapping, at >> PAGE_SHIFT, NULL);

		if (IS_ERR(page))
			return PTR_ERR(page);
		memcpy(buf, (u8 *)page_virt(page_sub(page, at >> PAGE_SHIFT)) + offset, n);
		page_put(page);
		buf = (u8 *)buf + n;
		at += n;
		len_bytes -= n;
	}
	return 0;
}

static void partition_free(struct block_device *b)
{
	block_device_teardown(b);
	kfree(b);
}

static struct block_device *partition_new(struct disk *d, u32 number, u64 start, u64 sectors)
{
	struct block_device *b = kzalloc(sizeof(*b), ALLOC_KERNEL);

	if (b && block_device_setup(b, d, number, start, sectors)) {
		kfree(b);
		b = NULL;
	}
	if (!b)
		pr_warn("%s: no room for partition %u", d->name, number);
	return b;
}

static int partitions_scan(struct disk *d, struct list_head *parts)
{
	struct partition_source src = {
		.sectors = d->whole.sectors, .block_bytes = d->limits.block_bytes, .read = read_cached, .ctx = &d->whole,
	};
	struct partition *found = kmalloc_array(PARTITIONS_MAX, sizeof(*found), ALLOC_KERNEL);
	struct page *scratch = page_alloc(0, ALLOC_KERNEL);
	int count = found && scratch ? partitions_read(&src, page_virt(scratch), found) : -ENOMEM;

	if (scratch)
		page_put(scratch);
	for (int i = 0; i < count; i++) {
		struct block_device *b = partition_new(d, found[i].number, found[i].start, found[i].sectors);

		if (b)
			list_add_tail(&b->node, parts);
	}
	kfree(found);
	if (!atomic_load(&d->whole.opens))
		(void)mapping_invalidate(&d->whole.mapping, 0, ~0ull >> PAGE_SHIFT);
	return MIN(count, 0);
}

/* Begin to change the list. -EBUSY: another thread does; -ENXIO: the disk goes. */
static int change_begin(struct disk *d)
{
	int err;

	mutex_lock(&block_registry);
	err = d->gone ? -ENXIO : d->scanning ? -EBUSY : 0;
	if (!err)
		d->scanning = true;
	mutex_unlock(&block_registry);
	return err;
}

static void change_end(struct disk *d)
{
	mutex_lock(&block_registry);
	d->scanning = false;
	mutex_unlock(&block_registry);
}

/* Take the partitions off the disk; -EBUSY if one is open. */
static int take_all(struct disk *d, struct list_head *old)
{
	struct block_device *b;
	int err = 0;

	mutex_lock(&block_registry);
	list_for_each_entry(b, &d->parts, node)
		err = b->opens ? -EBUSY : err;
	if (!err)
		list_splice_init(&d->parts, old);
	mutex_unlock(&block_registry);
	return err;
}

static void list_publish(struct disk *d, struct list_head *new)
{
	struct block_device *b;

	mutex_lock(&block_registry);
	list_splice_init(new, &d->parts);
	mutex_unlock(&block_registry);
	list_for_each_entry(b, &d->parts, node)
		devnode_add(&b->devnode);
}

int disk_rescan(struct disk *d)
{
	LIST_HEAD(old);
	LIST_HEAD(new);
	struct block_device *b, *next;
	int err = change_begin(d);

	if (err)
		return err;
	err = take_all(d, &old);
	if (!err) {
		list_for_each_entry_safe(b, next, &old, node)
			partition_free(b);
		err = d->no_partitions ? 0 : partitions_scan(d, &new);
		list_publish(d, &new);
	}
	change_end(d);
	return err;
}

/* ---- one by one ---- */

/* Registry held, or the list does not change. */
static struct block_device *find_part(struct disk *d, u32 number)
{
	struct block_device *b;

	list_for_each_entry(b, &d->parts, node)
		if (b->part == number)
			return b;
	return NULL;
}

/* Whether [start, start + sectors) meets a partition other than @but. */
static bool overlaps(struct disk *d, u64 start, u64 sectors, u32 but)
{
	struct block_device *b;

	list_for_each_entry(b, &d->parts, node)
		if (b->part != but && start < b->start + b->sectors && b->start < start + sectors)
			return true;
	return false;
}

/* In the order of numbers. */
static void list_insert(struct disk *d, struct block_device *new)
{
	struct list_head *before = &d->parts;
	struct block_device *b;

	mutex_lock(&block_registry);
	list_for_each_entry(b, &d->parts, node)
		if (b->part < new->part)
			before = &b->node;
	list_add(&new->node, before);
	mutex_unlock(&block_registry);
}

int disk_partition_add(struct disk *d, u32 number, u64 start, u64 sectors)
{
	struct block_device *b;
	int err = change_begin(d);

	if (err)
		return err;
	/* One that lies past the disk's end may be made, as on Linux; bio_submit refuses what goes there. */
	if (find_part(d, number) || overlaps(d, start, sectors, 0))
		err = -EBUSY;
	b = err ? NULL : partition_new(d, number, start, sectors);
	if (b) {
		list_insert(d, b);
		devnode_add(&b->devnode);
	} else if (!err) {
		err = -ENOMEM;
	}
	change_end(d);
	return err;
}

int disk_partition_delete(struct disk *d, u32 number)
{
	struct block_device *b;
	int err = change_begin(d);

	if (err)
		return err;
	mutex_lock(&block_registry);
	b = find_part(d, number);
	err = !b ? -ENXIO : b->opens ? -EBUSY : 0;
	if (!err)
		list_del(&b->node);
	mutex_unlock(&block_registry);
	if (!err)
		partition_free(b);
	change_end(d);
	return err;
}

int disk_partition_resize(struct disk *d, u32 number, u64 start, u64 sectors)
{
	struct block_device *b;
	int err = change_begin(d);

	if (err)
		return err;
	b = find_part(d, number);
	if (!b)
		err = -ENXIO;
	else if (b->start != start)
		err = -EINVAL;
	else if (overlaps(d, start, sectors, number))
		err = -EBUSY;
	if (!err) {
		atomic_store(&b->sectors, sectors);
		WRITE_ONCE(b->mapping.size, sectors << SECTOR_SHIFT);
		mapping_truncate(&b->mapping, sectors << SECTOR_SHIFT);
	}
	change_end(d);
	return err;
}
