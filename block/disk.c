/*
 * Disks and block devices: the registry, numbers, openers and claims, listings.  Partitions: parts.c.
 *
 * Locks: registry guards the lists, open counts and claims.  A disk lives until disk_remove finds it without openers; a
 * partition until a rescan does.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/block.h"
#include "block/queue.h"
#include "kern/mutex.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "vfs/inode.h"

enum { EXT_MINORS = 1024, GID_DISK = 6, READAHEAD_KB = 128 };

static LIST_HEAD(disks);		/* [registry] */
static u64 ext_minors[EXT_MINORS / 64];	/* [registry] bitmap: numbers of BLOCK_EXT_MAJOR in use */
static u64 next_sequence = 1;		/* [registry] */
struct mutex block_registry;

/* ---- numbers and names ---- */

/* A number of BLOCK_EXT_MAJOR, from 0; negative: none left. */
static int ext_minor_take(void)
{
	int minor = -1;

	mutex_lock(&block_registry);
	for (u32 i = 0; i < EXT_MINORS && minor < 0; i++) {
		if (!(ext_minors[i / 64] >> (i % 64) & 1)) {
			ext_minors[i / 64] |= 1ull << (i % 64);
			minor = (int)i;
		}
	}
	mutex_unlock(&block_registry);
	return minor;
}

static void number_drop(const struct block_device *b)
{
	u32 minor = dev_minor(b->rdev);

	if (dev_major(b->rdev) != BLOCK_EXT_MAJOR)
		return;
	mutex_lock(&block_registry);
	ext_minors[minor / 64] &= ~(1ull << (minor % 64));
	mutex_unlock(&block_registry);
}

static int number_take(struct block_device *b, const struct disk *d, u32 part)
{
	int minor;

	if (d->major && part < d->minors) {
		b->rdev = dev_make(d->major, d->minor_first + part);
		return 0;
	}
	minor = ext_minor_take();
	if (minor < 0)
		return -ENOSPC;
	b->rdev = dev_make(BLOCK_EXT_MAJOR, (u32)minor);
	return 0;
}

static size_t uevent_text(struct devnode *n, char *buf, size_t size)
{
	const struct block_device *b = n->private;
	size_t len = scnprintf(buf, size, "DEVTYPE=%s\nDISKSEQ=%llu\n", b->part ? "partition" : "disk", b->disk->sequence);

	return b->part ? len + scnprintf(buf + len, size - len, "PARTN=%u\n", b->part) : len;
}

int block_device_setup(struct block_device *b, struct disk *d, u32 part, u64 start, u64 sectors)
{
	size_t len = strlen(d->name);
	bool digit = len && d->name[len - 1] >= '0' && d->name[len - 1] <= '9';
	int err = number_take(b, d, part);

	if (err)
		return err;
	b->disk = d;
	b->part = part;
	b->start = start;
	b->sectors = sectors;
	b->block_bytes_soft = PAGE_SIZE;
	if (part)
		scnprintf(b->name, sizeof(b->name), "%s%s%u", d->name, digit ? "p" : "", part);
	else
		strlcpy(b->name, d->name, sizeof(b->name));
	mapping_init(&b->mapping, &block_mapping_ops, b, 0);
	b->mapping.backing = &d->backing;
	b->mapping.size = sectors << SECTOR_SHIFT;
	rwsem_init(&b->write_lock, RANK_INODE_CHILD2);
	b->devnode = (struct devnode){
		.name = b->name, .class = "block", .mode = S_IFBLK | 0660, .gid = GID_DISK, .rdev = b->rdev,
		.attrs = part ? block_part_attrs : block_disk_attrs, .more_attrs = part ? NULL : d->attrs,
		.parent = part ? &d->whole.devnode : d->parent, .uevent = uevent_text, .private = b,
	};
	return 0;
}

void block_device_teardown(struct block_device *b)
{
	devnode_remove(&b->devnode);
	mapping_fini(&b->mapping);
	number_drop(b);
}

/* ---- disks ---- */

void disk_add(struct disk *d, u64 sectors)
{
	char number[24];
	int err;

	list_init(&d->parts);
	if (d->major && !d->minors)
		d->minors = DISK_MINORS;
	disk_limits_fill(&d->limits);
	if (!d->readahead_kb)
		d->readahead_kb = READAHEAD_KB;
	d->poll_delay = -1;
	err = flush_init(d);
	if (!err)
		err = block_device_setup(&d->whole, d, 0, 0, sectors);
	if (err) {
		pr_err("%s: not added: error %d", d->name, -err);
		return;
	}
	scnprintf(number, sizeof(number), "%u:%u", dev_major(d->whole.rdev), dev_minor(d->whole.rdev));
	backing_add(&d->backing, number);
	mutex_lock(&block_registry);
	d->sequence = next_sequence++;
	list_add_tail(&d->node, &disks);
	mutex_unlock(&block_registry);
	if (d->queue_count == 1 && !d->no_sort)
		(void)!elevator_set(d, "mq-deadline");
	devnode_add(&d->whole.devnode);
	bdi_add(d);
	err = sectors && !d->no_partitions ? disk_rescan(d) : 0;
	if (err)
		pr_warn("%s: cannot read the partition table: error %d", d->name, -err);
	if (sectors)
		pr_info("%s: %llu sectors of 512 bytes%s", d->name, sectors, d->limits.read_only ? ", read-only" : "");
}

int disk_remove(struct disk *d)
{
	LIST_HEAD(parts);
	struct block_device *b, *next;

	mutex_lock(&block_registry);
	if (d->openers || d->scanning) {
		mutex_unlock(&block_registry);
		return -EBUSY;
	}
	d->gone = true;
	list_splice_init(&d->parts, &parts);
	list_del(&d->node);
	mutex_unlock(&block_registry);
	list_for_each_entry_safe(b, next, &parts, node) {
		block_device_teardown(b);
		kfree(b);
	}
	bdi_remove(d);
	block_device_teardown(&d->whole);
	backing_remove(&d->backing);
	flush_fini(d);
	kfree(d->elevator);
	d->elevator = NULL;
	return 0;
}

void disk_resize(struct disk *d, u64 sectors)
{
	u64 old = xchg(&d->whole.sectors, sectors);

	WRITE_ONCE(d->whole.mapping.size, sectors << SECTOR_SHIFT);
	if (sectors < old)
		mapping_truncate(&d->whole.mapping, sectors << SECTOR_SHIFT);
	if (sectors != old && old)
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
	mutex_lock(&block_registry);
	b = next_locked(b);
	mutex_unlock(&block_registry);
	return b;
}

/* Registry held. */
static struct block_device *find_locked(u64 rdev)
{
	struct block_device *b = NULL;

	while ((b = next_locked(b)) && b->rdev != rdev)
		;
	return b;
}

struct block_device *block_device_find(u64 rdev)
{
	struct block_device *b;

	mutex_lock(&block_registry);
	b = find_locked(rdev);
	mutex_unlock(&block_registry);
	return b;
}

struct block_device *block_device_find_name(const char *name)
{
	struct block_device *b = NULL;

	mutex_lock(&block_registry);
	while ((b = next_locked(b)) && strcmp(b->name, name) != 0)
		;
	mutex_unlock(&block_registry);
	return b;
}

/* ---- openers ---- */

static void uncount(struct block_device *b, bool *last_of_disk)
{
	mutex_lock(&block_registry);
	b->opens--;
	*last_of_disk = --b->disk->openers == 0;
	mutex_unlock(&block_registry);
}

struct block_device *block_device_open(u64 rdev)
{
	struct block_device *b;
	bool last;

	mutex_lock(&block_registry);
	b = find_locked(rdev);
	if (b) {
		b->opens++;
		b->disk->openers++;
	}
	mutex_unlock(&block_registry);
	if (b && b->disk->ops->open && b->disk->ops->open(b->disk)) {
		uncount(b, &last);
		return NULL;
	}
	return b;
}

void block_device_close(struct block_device *b)
{
	struct disk *d = b->disk;
	bool last;

	if (atomic_load(&b->opens) == 1) {
		(void)!mapping_sync(&b->mapping, 0, ~0ull);	/* fsync is who reports; errors stay noted in the mapping */
		mapping_drop_unused(&b->mapping);	/* clean pages alone: somebody may be opening it just now */
	}
	uncount(b, &last);
	if (last && d->ops->release)
		d->ops->release(d);
}

/* Registry held. */
static bool may_claim(const struct block_device *b, const void *holder)
{
	const struct block_device *p;

	if (b->claims)
		return b->claim == holder;
	if (b->part)
		return !b->disk->whole.claims;
	list_for_each_entry(p, &b->disk->parts, node)
		if (p->claims)
			return false;
	return true;
}

int block_claim(struct block_device *b, void *holder)
{
	int err = 0;

	mutex_lock(&block_registry);
	if (may_claim(b, holder)) {
		b->claim = holder;
		b->claims++;
	} else {
		err = -EBUSY;
	}
	mutex_unlock(&block_registry);
	return err;
}

void block_unclaim(struct block_device *b, void *holder)
{
	mutex_lock(&block_registry);
	if (b->claim == holder && b->claims && !--b->claims)
		b->claim = NULL;
	mutex_unlock(&block_registry);
}

/* ---- listings ---- */

size_t block_partitions_text(char *buf, size_t size)
{
	size_t len = scnprintf(buf, size, "major minor  #blocks  name\n\n");
	struct block_device *b = NULL;

	mutex_lock(&block_registry);
	while ((b = next_locked(b)) && len < size) {
		u64 sectors = atomic_load(&b->sectors);

		if (sectors)
			len += scnprintf(buf + len, size - len, "%4u  %7u %10llu %s\n", dev_major(b->rdev), dev_minor(b->rdev),
					 sectors / 2, b->name);
	}
	mutex_unlock(&block_registry);
	return len;
}

size_t block_majors_text(char *buf, size_t size)
{
	size_t len = scnprintf(buf, size, "Block devices:\n");
	u32 shown[16] = { 0 }, count = 0;
	struct disk *d;

	mutex_lock(&block_registry);
	list_for_each_entry(d, &disks, node) {
		bool seen = !d->major || count == ARRAY_SIZE(shown);

		for (u32 i = 0; i < count; i++)
			seen |= shown[i] == d->major;
		if (seen)
			continue;
		shown[count++] = d->major;
		len += scnprintf(buf + len, size - len, "%3u %s\n", d->major, d->driver_name);
	}
	mutex_unlock(&block_registry);
	return len + scnprintf(buf + len, size - len, "%3u blkext\n", BLOCK_EXT_MAJOR);
}

static const struct file_ops *find_ops(u64 rdev)
{
	return block_device_find(rdev) ? &block_file_ops : NULL;
}

void block_init(void)
{
	mutex_init(&block_registry, RANK_BLOCK);
	plug_init();
	range_init();
	blkdev_register_open(find_ops);
}
