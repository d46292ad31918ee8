/*
 * /sys/class/bdi/MAJOR:MINOR: a disk as a backing device (mm/backing.h), and the link to it from /sys/block/NAME/bdi.
 *
 * Source: Documentation/ABI/testing/sysfs-class-bdi.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/block.h"

static struct disk *disk_of(struct devnode *n)
{
	return n->private;
}

static size_t read_ahead_kb_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", atomic_load(&disk_of(n)->readahead_kb));
}

static int number(const char *buf, u64 max, u64 *out)
{
	char text[24];
	size_t n = strlcpy(text, buf, sizeof(text));

	if (n >= sizeof(text))
		return -EINVAL;
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return parse_u64(text, 10, out) || *out > max ? -EINVAL : 0;
}

static int read_ahead_kb_store(struct devnode *n, const char *buf, size_t len)
{
	u64 v;
	int err = number(buf, 1u << 24, &v);

	if (!err)
		atomic_store(&disk_of(n)->readahead_kb, (u32)v);
	return err;
}

static size_t min_ratio_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", atomic_load(&disk_of(n)->backing.min_percent));
}

static size_t max_ratio_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", atomic_load(&disk_of(n)->backing.max_percent));
}

static int min_ratio_store(struct devnode *n, const char *buf, size_t len)
{
	u64 v;
	int err = number(buf, ~0u, &v);

	return err ? err : backing_set_min(&disk_of(n)->backing, (u32)v);
}

static int max_ratio_store(struct devnode *n, const char *buf, size_t len)
{
	u64 v;
	int err = number(buf, ~0u, &v);

	return err ? err : backing_set_max(&disk_of(n)->backing, (u32)v);
}

static size_t stable_pages_required_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", disk_of(n)->limits.stable_writes);
}

static const struct devattr attrs[] = {
	{ .name = "read_ahead_kb", .show = read_ahead_kb_show, .store = read_ahead_kb_store },
	{ .name = "min_ratio", .show = min_ratio_show, .store = min_ratio_store },
	{ .name = "max_ratio", .show = max_ratio_show, .store = max_ratio_store },
	{ .name = "stable_pages_required", .show = stable_pages_required_show },
	{},
};

void bdi_add(struct disk *d)
{
	const struct devnode *p = d->whole.devnode.parent;

	d->bdi = (struct devnode){ .name = d->backing.name, .class = "bdi", .attrs = attrs, .private = d };
	devnode_add(&d->bdi);
	scnprintf(d->bdi_link, sizeof(d->bdi_link), "../../%s%sbdi/%s", p ? "../" : "", p && p->parent ? "../" : "", d->backing.name);
	d->bdi_attrs[0] = (struct devattr){ .name = "bdi", .link = d->bdi_link };
	devnode_attrs_add(&d->whole.devnode, d->bdi_attrs);
}

void bdi_remove(struct disk *d)
{
	devnode_remove(&d->bdi);
}
