/*
 * The initramfs: cpio archives, plain or gzip, one after the other, unpacked into the root.
 *
 * Entries are made by the VFS's own operations.  Names are taken relative to the root; one with a ".." component is refused.
 * Hard links (same inode number and device, nlink > 1) are found again by a table; their data comes with one of them.
 * A damaged image ends with a line that names the offset; what was unpacked before stays.
 *
 * Source: cpio(5), Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/cpio.h"
#include "base/hash.h"
#include "base/inflate.h"
#include "base/string.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/sched.h"
#include "vfs/ops.h"
#include "fs/ram/ram.h"

enum { LINK_BITS = 6 };

struct linked {
	struct linked *next;
	u32 ino, major, minor;
	char name[];
};

struct unpacker {
	struct linked *links[1 << LINK_BITS];
	u64 files, bytes;
};

static bool name_safe(const char *name)
{
	for (const char *s = name; *s;) {
		while (*s == '/')
			s++;
		if (s[0] == '.' && s[1] == '.' && (!s[2] || s[2] == '/'))
			return false;
		while (*s && *s != '/')
			s++;
	}
	return true;
}

/* The name of the first file of a group of hard links, or NULL: this one is the first, and is remembered. */
static const char *linked_before(struct unpacker *u, const struct cpio_entry *e)
{
	u32 words[] = { e->ino, e->dev_major, e->dev_minor };
	struct linked **slot = &u->links[hash_words(words, 3, 0) & ((1 << LINK_BITS) - 1)], *l;

	for (l = *slot; l; l = l->next)
		if (l->ino == e->ino && l->major == e->dev_major && l->minor == e->dev_minor)
			return l->name;
	l = kmalloc(sizeof(*l) + e->name_len + 1, ALLOC_KERNEL);
	if (!l)
		return NULL;	/* becomes a file of its own */
	l->ino = e->ino;
	l->major = e->dev_major;
	l->minor = e->dev_minor;
	memcpy(l->name, e->name, e->name_len + 1);
	l->next = *slot;
	*slot = l;
	return NULL;
}

static void links_free(struct unpacker *u)
{
	for (unsigned i = 0; i < 1 << LINK_BITS; i++)
		while (u->links[i]) {
			struct linked *l = u->links[i];

			u->links[i] = l->next;
			kfree(l);
		}
}

static int write_file(const struct cpio_entry *e, const char *name)
{
	struct file *f = path_open(AT_FDCWD, name, O_WRONLY | O_CREAT | O_NOFOLLOW | (e->data_len ? O_TRUNC : 0), e->mode & 07777, 0);
	s64 n = 0;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	if (e->data_len)
		n = file_write_kernel(f, e->data, e->data_len, 0);
	file_put(f);
	if (n < 0)
		return (int)n;
	return (size_t)n == e->data_len ? 0 : -ENOSPC;
}

static int make_link(const struct cpio_entry *e, const char *name)
{
	char *target = kmalloc(e->data_len + 1, ALLOC_KERNEL);
	int err;

	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->data_len);
	target[e->data_len] = 0;
	err = vfs_symlinkat(target, AT_FDCWD, name);
	kfree(target);
	return err;
}

static int make_entry(struct unpacker *u, const struct cpio_entry *e, const char *name)
{
	const char *first;
	int err;

	switch (e->mode & S_IFMT) {
	case S_IFREG:
		first = e->nlink > 1 ? linked_before(u, e) : NULL;
		if (first) {
			vfs_unlinkat(AT_FDCWD, name, 0);
			err = vfs_linkat(AT_FDCWD, first, AT_FDCWD, name, 0);
			if (err || !e->data_len)
				return err;
		}
		return write_file(e, name);
	case S_IFDIR:
		err = vfs_mkdirat(AT_FDCWD, name, e->mode & 07777);
		return err == -EEXIST ? 0 : err;
	case S_IFLNK:
		vfs_unlinkat(AT_FDCWD, name, 0);
		return make_link(e, name);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		vfs_unlinkat(AT_FDCWD, name, 0);
		return vfs_mknodat(AT_FDCWD, name, e->mode, dev_make(e->rdev_major, e->rdev_minor));
	}
	return -EINVAL;
}

static void set_attributes(const struct cpio_entry *e, const char *name)
{
	struct setattr sa = { .valid = SET_UID | SET_GID | SET_MTIME | SET_ATIME, .uid = e->uid, .gid = e->gid };
	struct path p;

	if (path_lookup(AT_FDCWD, name, 0, &p))
		return;
	sa.mtime.sec = sa.atime.sec = e->mtime_s;
	if ((e->mode & S_IFMT) != S_IFLNK) {
		sa.valid |= SET_MODE;
		sa.mode = e->mode & 07777;
	}
	(void)!vfs_setattr(&p, &sa);
	path_put(&p);
}

static int unpack_entry(struct unpacker *u, const struct cpio_entry *e)
{
	const char *name = e->name;
	int err;

	while (*name == '/')
		name++;
	if (!*name)
		return 0;
	if (!name_safe(name)) {
		pr_err("initramfs: offset %zu: the name %s leads out of the archive\n", e->offset, e->name);
		return -EINVAL;
	}
	if (name[0] == '.' && !name[1])
		err = 0;
	else
		err = make_entry(u, e, name);
	if (err) {
		pr_err("initramfs: offset %zu: cannot make %s: error %d\n", e->offset, name, -err);
		return err == -ENOSPC || err == -ENOMEM ? err : 0;
	}
	set_attributes(e, name);
	u->files++;
	u->bytes += e->data_len;
	return 0;
}

/* Archives at @image up to the next compressed one or the end. *used: how far it came */
static int unpack_plain(struct unpacker *u, const u8 *image, size_t len, size_t *used)
{
	struct cpio cpio;
	struct cpio_entry e;
	int more, err = 0;

	cpio_init(&cpio, image, len);
	do {
		while (!err && (more = cpio_next(&cpio, &e)) > 0) {
			err = unpack_entry(u, &e);
			cond_resched();
		}
		if (!err && more < 0) {
			pr_err("initramfs: offset %zu: %s\n", cpio.error_at, cpio.error);
			err = more;
		}
	} while (!err && cpio_next_archive(&cpio) && !gunzip_is_gzip(image + cpio.at, len - cpio.at));
	*used = cpio.at;
	return err;
}

static int unpack_gzip(struct unpacker *u, const u8 *image, size_t len, size_t *used)
{
	struct inflate *z = kvmalloc(sizeof(*z), ALLOC_KERNEL);
	size_t size = MAX((size_t)gunzip_size_hint(image, len), len * 2), out_len = 0, inner;
	u8 *out = NULL;
	int err = z ? -ENOSPC : -ENOMEM;

	for (unsigned tries = 0; err == -ENOSPC && tries < 5; tries++, size *= 2) {
		kvfree(out);
		out = kvmalloc(size, ALLOC_KERNEL);
		err = out ? gunzip(z, image, len, used, out, size, &out_len) : -ENOMEM;
	}
	if (err)
		pr_err("initramfs: gzip: offset %zu: %s\n", z ? z->error_at : 0, z && z->error ? z->error : "no memory");
	else
		err = unpack_plain(u, out, out_len, &inner);
	kvfree(out);
	kvfree(z);
	return err;
}

int initramfs_unpack(const void *image, size_t len)
{
	struct unpacker *u = kzalloc(sizeof(*u), ALLOC_KERNEL);
	const u8 *at = image, *end = at + len;
	int err = 0;

	if (!u)
		return -ENOMEM;
	while (at < end && !err) {
		size_t used = 0;

		if (!*at) {
			at++;
			continue;
		}
		if (gunzip_is_gzip(at, (size_t)(end - at)))
			err = unpack_gzip(u, at, (size_t)(end - at), &used);
		else
			err = unpack_plain(u, at, (size_t)(end - at), &used);
		if (!used)
			break;
		at += used;
	}
	links_free(u);
	pr_info("initramfs: %llu files, %llu KiB\n", u->files, u->bytes / 1024);
	kfree(u);
	return err;
}
