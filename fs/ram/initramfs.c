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

/* O_NONBLOCK: a hard link's first name may be a FIFO by now. */
enum { OPEN_FLAGS = O_WRONLY | O_NOFOLLOW | O_NONBLOCK };

static int write_file(const struct cpio_entry *e, const char *name)
{
	struct file *f = path_open(AT_FDCWD, name, OPEN_FLAGS | O_CREAT | (e->data_len ? O_TRUNC : 0), e->mode & 07777, 0);
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

/* What has this name and is of another kind makes room: to open a FIFO or a device that an earlier entry made would not end, or act on it. */
static void clear_name(const struct cpio_entry *e, const char *name)
{
	struct path p;

	if (path_lookup(AT_FDCWD, name, 0, &p))
		return;
	u32 mode = p.dentry->inode->mode;

	path_put(&p);
	if (((mode ^ e->mode) & S_IFMT) != 0)
		vfs_unlinkat(AT_FDCWD, name, (mode & S_IFMT) == S_IFDIR ? AT_REMOVEDIR : 0);
}

static int make_entry(struct unpacker *u, const struct cpio_entry *e, const char *name)
{
	const char *first;
	int err;

	clear_name(e, name);
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
		pr_err("initramfs: offset %zu: the name %s leads out of the archive", e->offset, e->name);
		return -EINVAL;
	}
	if (name[0] == '.' && !name[1])
		err = 0;
	else
		err = make_entry(u, e, name);
	if (err) {
		pr_err("initramfs: offset %zu: cannot make %s: error %d", e->offset, name, -err);
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
			pr_err("initramfs: offset %zu: %s", cpio.error_at, cpio.error);
			err = more;
		}
	} while (!err && cpio_next_archive(&cpio) && !gunzip_is_gzip(image + cpio.at, len - cpio.at));
	*used = cpio.at;
	return err;
}

/* ---- compressed archives: unpacked as they come out of the decompressor ---- */

enum { HEADER_BYTES = 110, PIECE_MAX = HEADER_BYTES + 4096 + 4096 + 8 };

/* Where an entry's bytes go: first header and name (and a symlink's target) into piece[], then a file's data into the file. */
struct stream {
	struct unpacker *u;
	u8 piece[PIECE_MAX];
	size_t have, want;		/* of piece */
	struct file *file;		/* data of a regular file are being written */
	u64 left, file_pos;		/* data bytes to come */
	size_t skip;			/* padding after them */
	struct cpio_entry entry;	/* of the file being written; the name lies in piece */
	u64 offset;			/* in the uncompressed stream, for messages */
};

static bool hex8(const u8 *s, u32 *out)
{
	char buf[9];
	u64 v;

	memcpy(buf, s, 8);
	buf[8] = 0;
	if (parse_u64(buf, 16, &v))
		return false;
	*out = (u32)v;
	return true;
}

static int stream_bad(struct stream *s, const char *what)
{
	pr_err("initramfs: offset %llu of the uncompressed archive: %s", s->offset, what);
	return -EINVAL;
}

static void stream_next(struct stream *s)
{
	s->have = 0;
	s->want = HEADER_BYTES;
}

/* The header is there: how long header, name and, for symlinks, target are. */
static int stream_sizes(struct stream *s, u32 *mode, u32 *data, size_t *names)
{
	u32 name_len;

	if (memcmp(s->piece, "07070", 5) || !hex8(s->piece + 14, mode) || !hex8(s->piece + 54, data) || !hex8(s->piece + 94, &name_len))
		return stream_bad(s, "not a cpio header");
	if (!name_len || name_len > 4096)
		return stream_bad(s, "a name of impossible length");
	*names = ALIGN_UP(HEADER_BYTES + name_len, 4u);
	return 0;
}

/* Begin to write the data of a regular file: its entry is made with no data first. */
static int stream_file(struct stream *s, u32 data)
{
	struct cpio cpio;
	int err;

	memcpy(s->piece + 54, "00000000", 8);
	cpio_init(&cpio, s->piece, s->have);
	err = cpio_next(&cpio, &s->entry);
	if (err < 0)
		return stream_bad(s, cpio.error);
	s->left = data;
	s->skip = (4 - data % 4) % 4;
	s->file_pos = 0;
	s->file = NULL;
	if (err == 0)
		return 0;
	err = unpack_entry(s->u, &s->entry);
	if (err)
		return err;
	const char *name = s->entry.name;

	while (*name == '/')
		name++;
	struct file *f = path_open(AT_FDCWD, name, OPEN_FLAGS, 0, 0);

	if (IS_ERR(f))
		pr_err("initramfs: cannot write %s: error %ld", name, -PTR_ERR(f));
	else
		s->file = f;
	return 0;
}

/* piece[] holds all that was wanted: want more, or act. */
static int stream_piece(struct stream *s)
{
	u32 mode, data;
	size_t names;
	struct cpio cpio;
	struct cpio_entry e;
	int err = stream_sizes(s, &mode, &data, &names);

	if (err)
		return err;
	bool is_file = (mode & S_IFMT) == S_IFREG && data;
	size_t whole = is_file ? names : names + ALIGN_UP((size_t)data, 4);

	if (whole > PIECE_MAX)
		return stream_bad(s, "too much data for an entry that is no file");
	if (s->have < whole) {
		s->want = whole;
		return 0;
	}
	if (is_file)
		return stream_file(s, data);
	cpio_init(&cpio, s->piece, s->have);
	err = cpio_next(&cpio, &e);
	if (err < 0)
		return stream_bad(s, cpio.error);
	if (err > 0)
		err = unpack_entry(s->u, &e);
	stream_next(s);
	return err < 0 ? err : 0;
}

static int stream_file_end(struct stream *s)
{
	if (s->file) {
		file_put(s->file);
		s->file = NULL;
		set_attributes(&s->entry, s->entry.name);
	}
	stream_next(s);
	return 0;
}

/* Data of the current file. Return: how many bytes were taken, -errno */
static s64 stream_data(struct stream *s, const u8 *data, size_t len)
{
	if (s->left) {
		size_t n = MIN((u64)len, s->left);
		s64 done = s->file ? file_write_kernel(s->file, data, n, s->file_pos) : (s64)n;

		if (done < 0 || (size_t)done < n)
			return done < 0 ? done : -ENOSPC;
		s->file_pos += n;
		s->left -= n;
		s->u->bytes += n;
		return (s64)n;
	}
	size_t n = MIN(len, s->skip);

	s->skip -= n;
	return (s64)n;
}

static int stream_sink(void *ctx, const u8 *data, size_t len)
{
	struct stream *s = ctx;

	while (len) {
		s64 n;

		if (s->left || s->skip) {
			n = stream_data(s, data, len);
			if (n < 0)
				return (int)n;
			if (!s->left && !s->skip)
				stream_file_end(s);
		} else if (!s->have && !*data) {
			n = 1;		/* zeroes between archives */
		} else {
			n = (s64)MIN(len, s->want - s->have);
			memcpy(s->piece + s->have, data, (size_t)n);
			s->have += (size_t)n;
			if (s->have == s->want) {
				int err = stream_piece(s);

				if (err)
					return err;
			}
		}
		data += n;
		len -= (size_t)n;
		s->offset += (u64)n;
	}
	cond_resched();
	return 0;
}

static int unpack_gzip(struct unpacker *u, const u8 *image, size_t len, size_t *used)
{
	struct inflate *z = kmalloc(sizeof(*z), ALLOC_KERNEL);
	struct stream *s = kzalloc(sizeof(*s), ALLOC_KERNEL);
	u8 *window = kmalloc(INFLATE_WINDOW_BYTES, ALLOC_KERNEL);
	int err = -ENOMEM;

	if (z && s && window) {
		s->u = u;
		stream_next(s);
		err = gunzip_stream(z, image, len, used, window, stream_sink, s);
		if (err && z->error)
			pr_err("initramfs: gzip: offset %zu: %s", z->error_at, z->error);
		else if (!err && (s->left || s->have))
			err = stream_bad(s, "the archive ends within an entry");
		if (s->file)
			file_put(s->file);
	}
	kfree(window);
	kfree(s);
	kfree(z);
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
	pr_info("initramfs: %llu files, %llu KiB", u->files, u->bytes / 1024);
	kfree(u);
	return err;
}
