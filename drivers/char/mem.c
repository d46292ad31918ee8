/*
 * Major 1: null, zero, full, random, urandom, kmsg.  There is no /dev/mem, /dev/kmem or /dev/port.
 *
 * Reading zero and writing null are on every benchmark's list: they do no more than they must.
 *
 * Source: null(4), full(4), random(4); Linux's Documentation/admin-guide/devices.txt for the numbers.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "drivers/char/char.h"
#include "kern/sched.h"
#include "vfs/device.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/memfd.h"

enum { MEM_MAJOR = 1, MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, MINOR_RANDOM = 8, MINOR_URANDOM = 9, MINOR_KMSG = 11 };

/* Between two looks at signals. */
enum { CHUNK_BYTES = 65536 };

static s64 null_read(struct file *f, struct iter *to, u64 *pos)
{
	return 0;
}

static s64 null_write(struct file *f, struct iter *from, u64 *pos)
{
	u64 n = iter_left(from);

	iter_advance(from, n);
	return n;
}

static s64 null_seek(struct file *f, s64 off, int whence)
{
	f->pos = 0;
	return 0;
}

static s64 zero_read(struct file *f, struct iter *to, u64 *pos)
{
	u64 done = 0;

	while (iter_left(to)) {
		u64 want = MIN(iter_left(to), (u64)CHUNK_BYTES);
		u64 n = iter_zero(to, want);

		done += n;
		if (n < want)
			return done ? (s64)done : -EFAULT;
		if (iter_left(to) && signal_pending())
			break;
		cond_resched();
	}
	return done;
}

static s64 full_write(struct file *f, struct iter *from, u64 *pos)
{
	return -ENOSPC;
}

/* A private mapping of /dev/zero: each fault gets a page of its own, filled with zeroes. */
static struct page *zero_fault(struct vma *v, u64 index, bool write)
{
	struct page *p = page_alloc(0, ALLOC_USER | ALLOC_ZERO);

	return p ? p : ERR_PTR(-ENOMEM);
}

static void zero_vma_open(struct vma *v)
{
	file_get(v->owner);
}

static void zero_vma_close(struct vma *v)
{
	file_put(v->owner);
}

static int zero_vma_name(struct vma *v, char *buf, size_t size)
{
	return strscpy(buf, "/dev/zero", size) < 0 ? -ENAMETOOLONG : 0;
}

static const struct vma_ops zero_vma_ops = {
	.open = zero_vma_open,
	.close = zero_vma_close,
	.fault = zero_fault,
	.name = zero_vma_name,
};

/* A shared one is a memory file without a name. */
static int zero_mmap_shared(struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	struct file *shm = shm_create_file("dev/zero", (pgoff << PAGE_SHIFT) + len);
	int err;

	if (IS_ERR(shm))
		return PTR_ERR(shm);
	err = shm->ops->mmap ? shm->ops->mmap(shm, out, prot, flags, len, pgoff) : -ENODEV;
	file_put(shm);		/* the mapping holds its own reference */
	return err;
}

static int zero_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	if ((flags & 0x0f) != 2)	/* not MAP_PRIVATE */
		return zero_mmap_shared(out, prot, flags, len, pgoff);
	out->ops = &zero_vma_ops;
	out->mapping = NULL;
	out->owner = file_get(f);
	return 0;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .seek = null_seek };
static const struct file_ops zero_ops = { .read = zero_read, .write = null_write, .seek = null_seek, .mmap = zero_mmap };
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = null_seek };

static struct mem_device {
	u32 minor;
	const struct file_ops *ops;
	struct devnode node;
} mem_devices[] = {
	{ MINOR_NULL, &null_ops, { .name = "null", .mode = S_IFCHR | 0666 } },
	{ MINOR_ZERO, &zero_ops, { .name = "zero", .mode = S_IFCHR | 0666 } },
	{ MINOR_FULL, &full_ops, { .name = "full", .mode = S_IFCHR | 0666 } },
	{ MINOR_RANDOM, &random_ops, { .name = "random", .mode = S_IFCHR | 0666 } },
	{ MINOR_URANDOM, &urandom_ops, { .name = "urandom", .mode = S_IFCHR | 0666 } },
	{ MINOR_KMSG, &kmsg_ops, { .name = "kmsg", .mode = S_IFCHR | 0644 } },
};

static int mem_open(struct inode *i, struct file *f)
{
	for (size_t n = 0; n < ARRAY_SIZE(mem_devices); n++) {
		const struct mem_device *d = &mem_devices[n];

		if (d->minor != dev_minor(i->rdev))
			continue;
		f->ops = d->ops;
		return d->ops->open ? d->ops->open(i, f) : 0;
	}
	return -ENXIO;
}

static const struct file_ops mem_ops = { .open = mem_open };
static struct chrdev mem_chrdev = { .major = MEM_MAJOR, .minor_first = 0, .minor_count = 256, .ops = &mem_ops, .name = "mem" };

void char_init(void)
{
	chrdev_register(&mem_chrdev);
	for (size_t n = 0; n < ARRAY_SIZE(mem_devices); n++) {
		struct mem_device *d = &mem_devices[n];

		d->node.class = "mem";
		d->node.rdev = dev_make(MEM_MAJOR, d->minor);
		devnode_add(&d->node);
	}
	rtc_init();
}
