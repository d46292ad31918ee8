/*
 * Devices in sysfs, as devnode_add() announces them:
 *
 *      /sys/devices/virtual/CLASS/NAME/{dev,uevent,subsystem,…}, …/PARENT/NAME if it has one
 *      /sys/class/CLASS/NAME, /sys/dev/{char,block}/MAJOR:MINOR, /sys/block/NAME     links to it
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/sysfs/tree.h"
#include "kern/printk.h"
#include "vfs/device.h"
#include "vfs/inode.h"

enum { PATH_BYTES = 192 };

/* One attribute file's argument. */
struct attr_ref {
	struct devnode *node;
	const struct devattr *attr;
};

static const char *device_name(const struct devnode *n)
{
	const char *slash = strrchr(n->name, '/');

	return slash ? slash + 1 : n->name;
}

static bool is_block(const struct devnode *n)
{
	return (n->mode & S_IFMT) == S_IFBLK;
}

static size_t show_dev(void *arg, char *buf, size_t size)
{
	struct devnode *n = arg;

	return scnprintf(buf, size, "%u:%u\n", dev_major(n->rdev), dev_minor(n->rdev));
}

static size_t show_uevent(void *arg, char *buf, size_t size)
{
	return devnode_uevent_text(arg, buf, size);
}

/* One KEY=VALUE of a request for an event: what may be passed on. Return: its length, 0: it is none */
static size_t event_arg(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9'))
		n++;
	if (!n || s[n++] != '=')
		return 0;
	size_t value = n;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9'))
		n++;
	return n > value ? n : 0;
}

/* 8-4-4-4-12 hexadecimal digits */
static bool is_uuid(const char *s)
{
	for (u32 i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f') || (s[i] >= 'A' && s[i] <= 'F');

		if (dash ? s[i] != '-' : !hex)
			return false;
	}
	return true;
}

/* "ACTION", or "ACTION UUID KEY=VALUE …". Source: Linux Documentation/ABI/testing/sysfs-uevent */
static int store_uevent(void *arg, const char *buf, size_t len)
{
	static const char *const actions[] = { "add", "remove", "change", "move", "online", "offline", "bind", "unbind" };
	char extra[512];
	size_t used = scnprintf(extra, sizeof(extra), "SYNTH_UUID=0\n");

	if (len && buf[len - 1] == '\n')
		len--;
	for (u32 i = 0; i < ARRAY_SIZE(actions); i++) {
		size_t n = strlen(actions[i]);
		const char *at = buf + n;

		if (len < n || memcmp(buf, actions[i], n) || (len > n && *at != ' '))
			continue;
		if (len > n) {
			if (len < n + 1 + 36 || !is_uuid(at + 1))
				return -EINVAL;
			used = scnprintf(extra, sizeof(extra), "SYNTH_UUID=%.36s\n", at + 1);
			at += 37;
		}
		while (at < buf + len) {
			size_t arg_len = *at == ' ' ? event_arg(at + 1) : 0;

			if (!arg_len || at + 1 + arg_len > buf + len)
				return -EINVAL;
			used += scnprintf(extra + used, sizeof(extra) - used, "SYNTH_ARG_%.*s\n", (int)arg_len, at + 1);
			at += 1 + arg_len;
		}
		devnode_uevent(arg, actions[i], extra);
		return 0;
	}
	return -EINVAL;
}

static size_t show_seqnum(void *arg, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", devnode_uevent_seqnum());
}

static size_t show_attr(void *arg, char *buf, size_t size)
{
	struct attr_ref *r = arg;

	return r->attr->show(r->node, buf, size);
}

static int store_attr(void *arg, const char *buf, size_t len)
{
	struct attr_ref *r = arg;

	return r->attr->store(r->node, buf, len);
}

static int add_attrs(struct devnode *n, const struct devattr *attrs, const char *dir)
{
	char path[PATH_BYTES];
	int err = 0;

	for (const struct devattr *a = attrs; a && a->name && !err; a++) {
		const struct attr_ref r = { n, a };

		scnprintf(path, sizeof(path), "%s/%s", dir, a->name);
		if (a->link) {
			err = sysfs_add_link(path, a->link);
			continue;
		}
		if (!a->show && !a->store) {
			path[strlen(path) - 1] = '\0';
			err = sysfs_add_dir(path);
			continue;
		}
		err = sysfs_add_file_copy(path, a->show ? show_attr : NULL, a->store ? store_attr : NULL, &r, sizeof(r));
	}
	return err;
}

static int add_device_dir(struct devnode *n, const char *dir)
{
	char path[PATH_BYTES], target[PATH_BYTES];
	int err, up = 0;

	if (n->rdev) {
		scnprintf(path, sizeof(path), "%s/dev", dir);
		err = sysfs_add_file(path, show_dev, NULL, n);
		if (err)
			return err;
	}
	scnprintf(path, sizeof(path), "%s/uevent", dir);
	err = sysfs_add_file(path, show_uevent, store_uevent, n);
	if (err)
		return err;
	scnprintf(path, sizeof(path), "%s/subsystem", dir);
	for (const struct devnode *p = n->parent; p; p = p->parent)
		up++;
	scnprintf(target, sizeof(target), "%s../../../../class/%s", up > 1 ? "../../" : up ? "../" : "", n->class);
	err = sysfs_add_link(path, target);
	if (!err)
		err = add_attrs(n, n->attrs, dir);
	return err ? err : add_attrs(n, n->more_attrs, dir);
}

static void dir_path(const struct devnode *n, char *dir)
{
	devnode_path(n, dir, PATH_BYTES);
}

static bool is_disk(const struct devnode *n)
{
	return is_block(n) && !(n->parent && is_block(n->parent));
}

static void link_paths(const struct devnode *n, char *class, char *number, char *block)
{
	scnprintf(class, PATH_BYTES, "class/%s/%s", n->class, device_name(n));
	scnprintf(number, PATH_BYTES, "dev/%s/%u:%u", is_block(n) ? "block" : "char", dev_major(n->rdev), dev_minor(n->rdev));
	scnprintf(block, PATH_BYTES, "block/%s", device_name(n));
}

static int add_device(struct devnode *n)
{
	char dir[PATH_BYTES], class[PATH_BYTES], number[PATH_BYTES], block[PATH_BYTES], target[PATH_BYTES + 8];
	int err;

	dir_path(n, dir);
	err = add_device_dir(n, dir);
	if (err)
		return err;
	link_paths(n, class, number, block);
	scnprintf(target, sizeof(target), "../../%s", dir);
	err = sysfs_add_link(class, target);
	if (!err && n->rdev)
		err = sysfs_add_link(number, target);
	if (!err && is_disk(n))
		err = sysfs_add_link(block, target + 3);
	return err;
}

static void added(struct devnode *n)
{
	int err = n->class ? add_device(n) : 0;

	if (err)
		pr_warn("sysfs: %s is not shown in full: error %d\n", n->name, -err);
}

static void removed(struct devnode *n)
{
	char dir[PATH_BYTES], class[PATH_BYTES], number[PATH_BYTES], block[PATH_BYTES];

	if (!n->class)
		return;
	link_paths(n, class, number, block);
	if (is_disk(n))
		sysfs_remove(block);
	if (n->rdev)
		sysfs_remove(number);
	sysfs_remove(class);
	dir_path(n, dir);
	sysfs_remove_wait(dir);
}

static void attrs_added(struct devnode *n, const struct devattr *attrs)
{
	char dir[PATH_BYTES];

	dir_path(n, dir);
	if (n->class && add_attrs(n, attrs, dir))
		pr_warn("sysfs: %s: some attributes are not shown\n", n->name);
}

static void attrs_removed(struct devnode *n, const char *name)
{
	char dir[PATH_BYTES], path[PATH_BYTES + 32];

	dir_path(n, dir);
	scnprintf(path, sizeof(path), "%s/%s", dir, name);
	if (n->class)
		sysfs_remove(path);
}

static struct devnode_listener listener = {
	.added = added, .removed = removed, .attrs_added = attrs_added, .attrs_removed = attrs_removed,
};

void sysfs_devices_init(void)
{
	if (sysfs_add_file("kernel/uevent_seqnum", show_seqnum, NULL, NULL))
		pr_warn("sysfs: no kernel/uevent_seqnum\n");
	devnode_listen(&listener);
}
