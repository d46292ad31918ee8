/*
 * tmpfs, ramfs and rootfs: options and instances.
 *
 * Options of tmpfs: size= (bytes, k, m, g, or a percentage of memory), nr_blocks=, nr_inodes=, mode=, uid=, gid=; those that tune
 * what Auk has not (huge=, mpol=, inode32, inode64) are checked for being known and ignored.
 *
 * Source: tmpfs(5).
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "fs/ram/ram.h"

enum { FS_ROOTFS = 1 << 16 };	/* says that it is a tmpfs, as it does in Linux */

static struct super *tmpfs_mount(const struct fs_type *t, const char *source, const char *options, u32 flags);
static struct fs_type tmpfs_type = { .name = "tmpfs", .flags = FS_NODEV, .mount = tmpfs_mount };

static u64 memory_pages(void)
{
	struct page_stats ps;

	page_stats(&ps);
	return ps.total;
}

static int parse_bytes(const char *s, u64 *out)
{
	size_t n = strlen(s);

	if (n && s[n - 1] == '%') {
		const char *end;
		u64 percent = parse_u64_prefix(s, &end, 10);

		if (end != s + n - 1)
			return -EINVAL;
		*out = memory_pages() * PAGE_SIZE / 100 * percent;
		return 0;
	}
	return parse_size(s, out);
}

static bool ignorable(const char *key)
{
	return !strcmp(key, "huge") || !strcmp(key, "mpol") || !strcmp(key, "inode32") || !strcmp(key, "inode64");
}

static int parse_id(const char *s, u32 *out)
{
	u64 v;
	int err = parse_u64(s, 10, &v);

	if (err || v > 0xffffffffu)
		return -EINVAL;
	*out = (u32)v;
	return 0;
}

static int parse_one(struct ram_super *rs, const char *key, const char *value)
{
	u64 v = 0;
	int err = 0;

	if (ignorable(key))
		return 0;
	if (!value)
		return -EINVAL;
	if (!strcmp(key, "size")) {
		err = parse_bytes(value, &v);
		rs->pages_max = DIV_ROUND_UP(v, PAGE_SIZE);
		rs->size_given = true;
	} else if (!strcmp(key, "nr_blocks")) {
		err = parse_size(value, &rs->pages_max);
		rs->size_given = true;
	} else if (!strcmp(key, "nr_inodes")) {
		err = parse_size(value, &rs->inodes_max);
		rs->inodes_given = true;
	} else if (!strcmp(key, "mode")) {
		err = parse_u64(value, 8, &v);
		rs->mode = v & 07777;
	} else if (!strcmp(key, "uid")) {
		err = parse_id(value, &rs->uid);
	} else if (!strcmp(key, "gid")) {
		err = parse_id(value, &rs->gid);
	} else {
		return -EINVAL;
	}
	return err ? -EINVAL : 0;
}

static int parse_options(struct ram_super *rs, const char *options)
{
	char *copy = kstrdup(options, ALLOC_KERNEL), *rest = copy, *key, *value;
	int err = copy ? 0 : -ENOMEM;

	while (!err && option_next(&rest, &key, &value))
		err = parse_one(rs, key, value);
	kfree(copy);
	return err;
}

struct super *ram_super_new(const struct fs_type *t, u64 magic, const struct ram_super *config)
{
	struct super *s = super_alloc(t, &ram_super_ops, magic);
	struct inode *root;

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->attr_mask = STATX_BTIME;
	s->private = kmemdup(config, sizeof(*config), ALLOC_KERNEL);
	if (!s->private) {
		super_put(s);
		return ERR_PTR(-ENOMEM);
	}
	root = ram_inode_new(s, NULL, S_IFDIR | config->mode, 0);
	if (IS_ERR(root)) {
		super_put(s);
		return ERR_CAST(root);
	}
	root->uid = config->uid;
	root->gid = config->gid;
	s->root = d_alloc_root(s, root);
	if (!s->root) {
		super_put(s);
		return ERR_PTR(-ENOMEM);
	}
	return s;
}

static struct super *tmpfs_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	const struct cred *c = current_cred();
	struct ram_super rs = { .mode = 01777, .uid = c->fsuid, .gid = c->fsgid };
	int err;

	rs.pages_max = memory_pages() / 2;
	rs.inodes_max = memory_pages() / 2;
	err = parse_options(&rs, options);
	return err ? ERR_PTR(err) : ram_super_new(t, TMPFS_MAGIC, &rs);
}

static struct super *ramfs_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	struct ram_super rs = { .mode = 0755 };
	char *copy = kstrdup(options, ALLOC_KERNEL), *rest = copy, *key, *value;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	while (option_next(&rest, &key, &value))
		if (!strcmp(key, "mode") && value)
			(void)!parse_one(&rs, key, value);	/* ramfs ignores what it does not know */
	kfree(copy);
	return ram_super_new(t, t->flags & FS_ROOTFS ? TMPFS_MAGIC : RAMFS_MAGIC, &rs);
}

int ram_remount(struct super *s, u32 flags, const char *options)
{
	struct ram_super *rs = ram_s(s), next = *rs;
	int err = parse_options(&next, options);

	if (err)
		return err;
	if (next.pages_max && next.pages_max < atomic_load(&rs->pages_used))
		return -EINVAL;
	if (next.inodes_max && next.inodes_max < atomic_load(&rs->inodes_used))
		return -EINVAL;
	/* going from or to no limit would leave the counts of inodes wrong */
	if (!next.inodes_max != !rs->inodes_max)
		return -EINVAL;
	rs->pages_max = next.pages_max;
	rs->inodes_max = next.inodes_max;
	rs->size_given = next.size_given;
	rs->inodes_given = next.inodes_given;
	return 0;
}

void ram_show_options(struct super *s, char *buf, size_t size)
{
	struct ram_super *rs = ram_s(s);
	size_t n = 0;

	buf[0] = 0;
	if (s->type != &tmpfs_type)
		return;
	if (rs->size_given)
		n += (size_t)scnprintf(buf + n, size - n, ",size=%lluk", rs->pages_max * (PAGE_SIZE / 1024));
	if (rs->inodes_given)
		n += (size_t)scnprintf(buf + n, size - n, ",nr_inodes=%llu", rs->inodes_max);
	if (rs->mode != 01777)
		n += (size_t)scnprintf(buf + n, size - n, ",mode=%03o", rs->mode);
	if (rs->uid)
		n += (size_t)scnprintf(buf + n, size - n, ",uid=%u", rs->uid);
	if (rs->gid)
		n += (size_t)scnprintf(buf + n, size - n, ",gid=%u", rs->gid);
	scnprintf(buf + n, size - n, ",inode64");
}

static struct fs_type ramfs_type = { .name = "ramfs", .flags = FS_NODEV, .mount = ramfs_mount };
static struct fs_type rootfs_type = { .name = "rootfs", .flags = FS_NODEV | FS_ROOTFS, .mount = ramfs_mount };

void ram_register(void)
{
	fs_register(&rootfs_type);
	fs_register(&tmpfs_type);
	fs_register(&ramfs_type);
}
