/* /sys/block/loop0/loop/…, while the device is bound. Source: losetup(8), Linux's Documentation/ABI/testing/sysfs-block-loop. */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "block/loop/loop.h"
#include "kern/slab.h"

static struct loop *loop_of(struct devnode *n)
{
	struct block_device *b = n->private;

	return b->disk->private;
}

static size_t backing_file_show(struct devnode *n, char *buf, size_t size)
{
	struct loop *l = loop_of(n);
	char *space, *name;
	size_t len = 0;

	if (loop_begin(l))
		return 0;
	space = l->file ? kmalloc(PAGE_SIZE, ALLOC_KERNEL) : NULL;
	name = space ? path_name(&l->file->path, space, PAGE_SIZE) : NULL;
	if (name && !IS_ERR(name))
		len = scnprintf(buf, size, "%s\n", name);
	kfree(space);
	loop_end(l);
	return len;
}

static size_t offset_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", READ_ONCE(loop_of(n)->offset));
}

static size_t sizelimit_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", READ_ONCE(loop_of(n)->size_limit));
}

static size_t flag_text(struct devnode *n, u32 flag, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d\n", (READ_ONCE(loop_of(n)->flags) & flag) != 0);
}

static size_t autoclear_show(struct devnode *n, char *buf, size_t size) { return flag_text(n, LO_FLAGS_AUTOCLEAR, buf, size); }
static size_t partscan_show(struct devnode *n, char *buf, size_t size) { return flag_text(n, LO_FLAGS_PARTSCAN, buf, size); }
static size_t dio_show(struct devnode *n, char *buf, size_t size) { return flag_text(n, LO_FLAGS_DIRECT_IO, buf, size); }

const struct devattr loop_attrs[] = {
	{ .name = "loop/backing_file", .show = backing_file_show }, { .name = "loop/offset", .show = offset_show },
	{ .name = "loop/sizelimit", .show = sizelimit_show }, { .name = "loop/autoclear", .show = autoclear_show },
	{ .name = "loop/partscan", .show = partscan_show }, { .name = "loop/dio", .show = dio_show }, {},
};
