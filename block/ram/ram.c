/*
 * RAM disks: pages that come when they are written first, and stay.
 *
 * A bio is done before submit returns; no copy is avoided, since the disk's pages are not the caller's.  There is no
 * cache and so nothing to flush.  Persistent reservations (pr.c) are kept as a shared disk would keep them for one host.
 *
 * Locks: none; a page, once there, stays.
 * Source: Linux's Documentation/admin-guide/blockdev/ramdisk.rst.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/pr.h"
#include "block/ram/ram.h"
#include "block/ram/reserve.h"
#include "kern/page.h"
#include "kern/param.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { RAM_MAJOR = 1, DISKS_DEFAULT = 0, DISKS_MAX = 64, KIB_DEFAULT = 16384, PAGE_SECTORS = PAGE_SIZE / SECTOR_BYTES };

/* Locks: I immutable · a atomic */
struct ramdisk {
	struct disk disk;
	struct page **pages;		/* [I] the array; [a] what stands in it: by index, NULL: zeroes */
	u64 count;			/* [I] */
	struct reservations pr;
};

/* The page at @index; with @make a new one if there is none. NULL: none, or no memory */
static struct page *page_at(struct ramdisk *r, u64 index, bool make)
{
	struct page *p = atomic_load_acquire(&r->pages[index]), *there;

	if (p || !make)
		return p;
	p = page_alloc(0, ALLOC_ATOMIC | ALLOC_ZERO | ALLOC_NOWARN);
	if (!p)
		return NULL;
	there = cmpxchg(&r->pages[index], NULL, p);
	if (!there)
		return p;
	page_put(p);
	return there;
}

static int copy(struct ramdisk *r, u64 sector, u8 *data, u32 len, bool write)
{
	while (len) {
		u32 off = (sector % PAGE_SECTORS) << SECTOR_SHIFT, n = MIN(len, (u32)PAGE_SIZE - off);
		struct page *p = page_at(r, sector / PAGE_SECTORS, write);

		if (write && !p)
			return -ENOMEM;
		if (write)
			memcpy((u8 *)page_virt(p) + off, data, n);
		else if (p)
			memcpy(data, (u8 *)page_virt(p) + off, n);
		else
			memset(data, 0, n);
		sector += n >> SECTOR_SHIFT;
		data += n;
		len -= n;
	}
	return 0;
}

/* A page stays allotted: a reader may be in it. */
static void clear(struct ramdisk *r, u64 sector, u64 sectors)
{
	while (sectors) {
		u64 off = sector % PAGE_SECTORS, n = MIN(sectors, PAGE_SECTORS - off);
		struct page *p = page_at(r, sector / PAGE_SECTORS, false);

		if (p)
			memset((u8 *)page_virt(p) + (off << SECTOR_SHIFT), 0, n << SECTOR_SHIFT);
		sector += n;
		sectors -= n;
	}
}

static void ram_submit(struct disk *d, struct bio *b)
{
	struct ramdisk *r = d->private;
	u64 sector = b->sector;
	int err = 0;

	if (b->op == BIO_DISCARD || b->op == BIO_WRITE_ZEROES)
		clear(r, b->sector, b->sectors);
	for (u32 i = 0; i < b->seg_count && !err; i++) {
		err = copy(r, sector, phys_to_virt(b->segs[i].addr), b->segs[i].len_bytes, b->op == BIO_WRITE);
		sector += b->segs[i].len_bytes >> SECTOR_SHIFT;
	}
	bio_end(b, err);
}

static int pr_register(struct disk *d, u64 old_key, u64 new_key, u32 flags)
{
	return reservations_register(&((struct ramdisk *)d->private)->pr, old_key, new_key, flags);
}

static int pr_reserve(struct disk *d, u64 key, u32 type, u32 flags)
{
	return reservations_reserve(&((struct ramdisk *)d->private)->pr, key, type);
}

static int pr_release(struct disk *d, u64 key, u32 type)
{
	return reservations_release(&((struct ramdisk *)d->private)->pr, key, type);
}

static int pr_preempt(struct disk *d, u64 old_key, u64 new_key, u32 type, bool abort)
{
	return reservations_preempt(&((struct ramdisk *)d->private)->pr, old_key, new_key, type);
}

static int pr_clear(struct disk *d, u64 key)
{
	return reservations_clear(&((struct ramdisk *)d->private)->pr, key);
}

static const struct pr_ops pr_ops = {
	.reg = pr_register, .reserve = pr_reserve, .release = pr_release, .preempt = pr_preempt, .clear = pr_clear,
};
static const struct disk_ops ram_ops = { .submit = ram_submit, .pr = &pr_ops };

static int ramdisk_make(u32 number, u64 kib)
{
	struct ramdisk *r = kzalloc(sizeof(*r), ALLOC_KERNEL);

	if (!r)
		return -ENOMEM;
	r->count = (kib * 1024 + PAGE_SIZE - 1) / PAGE_SIZE;
	r->pages = kvmalloc(r->count * sizeof(*r->pages), ALLOC_KERNEL | ALLOC_ZERO);
	if (!r->pages) {
		kfree(r);
		return -ENOMEM;
	}
	reservations_init(&r->pr);
	scnprintf(r->disk.name, sizeof(r->disk.name), "ram%u", number);
	r->disk.driver_name = "ramdisk";
	r->disk.major = RAM_MAJOR;
	r->disk.minor_first = number;
	r->disk.minors = 1;
	r->disk.no_partitions = true;
	r->disk.ops = &ram_ops;
	r->disk.private = r;
	r->disk.limits = (struct disk_limits){
		.segs_max = 128, .seg_bytes_max = 65536, .block_bytes = SECTOR_BYTES, .physical_bytes = PAGE_SIZE,
		.discard_sectors_max = 1 << 22, .discard_granularity_bytes = PAGE_SIZE, .zeroes_sectors_max = 1 << 22,
	};
	disk_add(&r->disk, kib * 2);
	return 0;
}

void ramdisk_init(void)
{
	u64 count = MIN(param_u64("brd.rd_nr", DISKS_DEFAULT), (u64)DISKS_MAX);
	u64 kib = CLAMP(param_u64("brd.rd_size", KIB_DEFAULT), 4ull, 1ull << 30);
	int err = 0;

	for (u32 i = 0; i < count && !err; i++)
		err = ramdisk_make(i, kib);
	if (err)
		pr_err("brd: no memory for the disks");
}
