/*
 * Disks and their partitions: the registry, device nodes, listings.
 *
 * Locks: registry guards the lists and the open counts.  A whole disk lives for ever; a partition until a rescan finds
 * nobody that has one of the disk's partitions open.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/block.h"
#include "block/partition.h"
#include "kern/mutex.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "vfs/inode.h"

static LIST_HEAD(disks);		/* [registry] */
static struct mutex registry;

static size_t size_show(struct devnode *n, char *buf, size_t size)
{
	const struct block_device *b = n->private;

	return scnprintf(buf, size, "%llu\n", atomic_load(&b->sectors));
}

static size_t ro_show(struct devnode *n, char *buf, size_t size)
{
	const struct block_device *b = n->private;

	return scnprintf(buf, size, "%d\n", b->disk->limits.read_only);
}

static size_t start_show(struct devnode *n, char *buf, size_t size)
{
	const struct block_device *b = n->private;

	return scnprintf(buf, size, "%llu\n", b->start);
}

static size_t partition_show(struct devnode *n, char *buf, size_t size)
{
	const struct block_device *b = n->private;

	return scnprintf(buf, size, "%u\n", b->part);
}

static const struct devattr disk_attrs[] = { { .name = "size", .show = size_show }, { .name = "ro", .show = ro_show }, {} };
static const struct devattr part_attrs[] = {
	{ .name = "size", .show = size_show },
	{ .name = "start", .show = start_show },
	{ .name = "partition", .show = partition_show },
	{ .name = "ro", .show = ro_show },
	{},
};

static void device_setup(struct block_device *b, struct disk *d, u32 part, u64 start, u64 sectors)
{
	size_t len = strlen(d->name);
	bool digit = len && d->name[len - 1] >= '0' && d->name[len - 1] <= '9';

	b->disk = d;
	b->part = part;
	b->start = start;
	b->sectors = sectors;
	b->rdev = dev_make(d->major, d->minor_first + part);
	if (part)
		scnprintf(b->name, sizeof(b->name), "%s%s%u", d->name, digit ? "p" : "", part);
	else
		strlcpy(b->name, d->name, sizeof(b->name));
	mapping_init(&b->mapping, &block_mapping_ops, b, 0);
	b->mapping.size = sectors << SECTOR_SHIFT;
	rwsem_init(&b->write_lock, RANK_INODE_CHILD);
	b->devnode.name = b->name;
	b->devnode.class = "block";
	b->devnode.mode = S_IFBLK | 0660;
	b->devnode.gid = 6;		/* disk */
	b->devnode.rdev = b->rdev;
	b->devnode.attrs = part ? part_attrs : d->attrs ? d->attrs : disk_attrs;
	b->devnode.private = b;
}

/* ---- partitions ---- */

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

/* @parts are on no list of a disk's any more, and nobody has them open. */
static void partitions_drop(struct list_head *parts)
{
	struct block_device *b, *next;

	list_for_each_entry_safe(b, next, parts, node) {
		devnode_remove(&b->devnode);
		list_del(&b->node);
		mapping_fini(&b->mapping);
		kfree(b);
	}
}

static void partition_make(struct disk *d, const struct partition *p, struct list_head *parts)
{
	struct block_device *b = kzalloc(sizeof(*b), ALLOC_KERNEL);

	if (!b) {
		pr_warn("%s: no memory for partition %u", d->name, p->number);
		return;
	}
	device_setup(b, d, p->number, p->start, p->sectors);
	list_add_tail(&b->node, parts);
}

static int partitions_scan(struct disk *d, struct list_head *parts)
{
	struct partition_source src = {
		.sectors = d->whole.sectors, .block_bytes = d->limits.block_bytes, .read = read_cached, .ctx = &d->whole,
	};
	struct partition found[PARTITIONS_MAX];
	struct page *scratch = page_alloc(0, ALLOC_KERNEL);
	int count;

	if (!scratch)
		return -ENOMEM;
	count = partitions_read(&src, page_virt(scratch), found);
	page_put(scratch);
	for (int i = 0; i < count; i++)
		partition_make(d, &found[i], parts);
	return MIN(count, 0);
}

/* Take the partitions off the disk; -EBUSY if one is open, or another thread is at it. */
static int rescan_begin(struct disk *d, struct list_head *old)
{
	struct block_device *b;
	int err;

	mutex_lock(&registry);
	err = d->scanning ? -EBUSY : 0;
	list_for_each_entry(b, &d->parts, node)
		err = b->opens ? -EBUSY : err;
	if (!err) {
		d->scanning = true;
		list_splice_init(&d->parts, old);
	}
	mutex_unlock(&registry);
	return err;
}

/* Nodes come and go without the registry: who hears of them takes locks of every kind. */
int disk_rescan(struct disk *d)
{
	LIST_HEAD(old);
	LIST_HEAD(new);
	struct block_device *b;
	int err = rescan_begin(d, &old);

	if (err)
		return err;
	partitions_drop(&old);
	err = partitions_scan(d, &new);
	mutex_lock(&registry);
	list_splice_init(&new, &d->parts);
	mutex_unlock(&registry);
	/* The list stays as it is while `scanning` is set. */
	list_for_each_entry(b, &d->parts, node)
		devnode_add(&b->devnode);
	mutex_lock(&registry);
	d->scanning = false;
	mutex_unlock(&registry);
	return err;
}

/* ---- disks ---- */

void disk_add(struct disk *d, u64 sectors)
{
	int err;

	list_init(&d->parts);
	device_setup(&d->whole, d, 0, 0, sectors);
	mutex_lock(&registry);
	list_add_tail(&d->node, &disks);
	mutex_unlock(&registry);
	devnode_add(&d->whole.devnode);
	err = disk_rescan(d);
	if (err)
		pr_warn("%s: cannot read the partition table: error %d", d->name, -err);
	pr_info("%s: %llu sectors of 512 bytes%s", d->name, sectors, d->limits.read_only ? ", read-only" : "");
}

void disk_resize(struct disk *d, u64 sectors)
{
	u64 old = xchg(&d->whole.sectors, sectors);

	WRITE_ONCE(d->whole.mapping.size, sectors << SECTOR_SHIFT);
	if (sectors < old)
		mapping_truncate(&d->whole.mapping, sectors << SECTOR_SHIFT);
	if (sectors != old)
		pr_info("%s: %llu sectors now, %llu before", d->name, sectors, old);
}

/* ---- finding ---- */

/* Registry held. */
static struct block_device *next_locked(struct block_device *b)
{
	struct disk *d;

	if (!b)
		return list_empty(&disks) ? NULL : &list_first_entry(&disks, struct disk, node)->whole;
	d = b->disk;
	if (!b->part && !list_empty(&d->parts))
		return list_first_entry(&d->parts, struct block_device, node);
	if (b->part && !list_is_last(&b->node, &d->parts))
		return list_next_entry(b, node);
	return list_is_last(&d->node, &disks) ? NULL : &list_next_entry(d, node)->whole;
}

struct block_device *block_device_next(struct block_device *b)
{
	mutex_lock(&registry);
	b = next_locked(b);
	mutex_unlock(&registry);
	return b;
}

struct block_device *block_device_find(u64 rdev)
{
	struct block_device *b = NULL;

	mutex_lock(&registry);
	while ((b = next_locked(b)) && b->rdev != rdev)
		;
	mutex_unlock(&registry);
	return b;
}

struct block_device *block_device_open(u64 rdev)
{
	struct block_device *b = NULL;

	mutex_lock(&registry);
	while ((b = next_locked(b)) && b->rdev != rdev)
		;
	if (b)
		b->opens++;
	mutex_unlock(&registry);
	return b;
}

void block_device_close(struct block_device *b)
{
	mutex_lock(&registry);
	b->opens--;
	mutex_unlock(&registry);
}

size_t block_partitions_text(char *buf, size_t size)
{
	size_t len = scnprintf(buf, size, "major minor  #blocks  name\n\n");
	struct block_device *b = NULL;

	mutex_lock(&registry);
	while ((b = next_locked(b)) && len < size)
		len += scnprintf(buf + len, size - len, "%4u  %7u %10llu %s\n", dev_major(b->rdev), dev_minor(b->rdev),
				 atomic_load(&b->sectors) / 2, b->name);
	mutex_unlock(&registry);
	return len;
}

size_t block_majors_text(char *buf, size_t size)
{
	size_t len = scnprintf(buf, size, "Block devices:\n");
	u32 shown = 0;
	struct disk *d;

	mutex_lock(&registry);
	list_for_each_entry(d, &disks, node) {
		if (d->major == shown)
			continue;
		shown = d->major;
		len += scnprintf(buf + len, size - len, "%3u %s\n", d->major, d->driver_name);
	}
	mutex_unlock(&registry);
	return len;
}

static const struct file_ops *find_ops(u64 rdev)
{
	return block_device_find(rdev) ? &block_file_ops : NULL;
}

void block_init(void)
{
	mutex_init(&registry, RANK_BLOCK);
	blkdev_register_open(find_ops);
}
