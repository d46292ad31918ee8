/*
 * Inline data: files and directories of some dozen bytes that lie in the inode: 60 bytes in i_block, more in the attribute
 * "system.data".  They are read and names removed from them; whatever adds to one gives it a block first, and Auk makes none.
 *
 * Source: Documentation/filesystems/ext4/inlinedata.rst.
 */
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

enum { INLINE_IBLOCK = 60, INLINE_DIR_FROM = 4 };

struct area { u8 *at; u32 bytes; };

/* Both areas within the inode's buffer. @b is the caller's to put. */
static struct buf *areas(struct inode *i, struct area out[2])
{
	struct ext4_raw_inode *r;
	struct buf *b = ext4_inode_buf(ext4_of(i), i->ino, &r);

	if (IS_ERR(b))
		return b;
	out[0] = (struct area){ r->i_block, INLINE_IBLOCK };
	out[1] = (struct area){ NULL, 0 };
	int err = xattr_inline_find(i, r, &out[1].at, &out[1].bytes);

	if (!err || err == -ENODATA)
		return b;
	buf_put(b);
	return ERR_PTR(err);
}

int inline_read(struct inode *i, u8 *buf, u32 size, u32 *len)
{
	struct area a[2];
	struct buf *b = areas(i, a);
	u32 n = 0, want = (u32)MIN((u64)size, inode_size(i));

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	for (unsigned k = 0; k < 2 && n < want; k++) {
		u32 part = MIN(want - n, a[k].bytes);

		memcpy(buf + n, a[k].at, part);
		n += part;
	}
	buf_put(b);
	*len = n;
	return n == want ? 0 : ext4_error_inode(i, "inline data of %u bytes, not %u", n, want);
}

static void leave_inline(struct ext4_inode *e)
{
	e->flags = (e->flags & ~(u32)FL_INLINE_DATA) | FL_EXTENTS;
	ext_init_root(e);
	map_cache_drop(e);
}

static int remove_attribute(struct handle *h, struct inode *i)
{
	int err = xattr_set(h, i, XATTR_IDX_SYSTEM, "data", NULL, 0, 0);

	return err == -ENODATA ? 0 : err;
}

/* Data first, then the extent that names them. */
static int convert(struct inode *i, u64 block, bool has_data)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	struct handle h;
	int err = jh_start(fs, &h, EXT_CREDITS + XATTR_CREDITS + 4);

	if (err)
		return err;
	if (!(e->flags & FL_INLINE_DATA)) {
		jh_stop(&h);
		return 1;
	}
	err = remove_attribute(&h, i);
	rwsem_write_lock(&e->map_lock);
	if (!err)
		leave_inline(e);
	if (!err && has_data)
		err = ext_insert_picked(&h, i, 0, 1, block, false);
	rwsem_write_unlock(&e->map_lock);
	int e2 = ext4_inode_dirty(&h, i);

	jh_stop(&h);
	return err ? err : e2;
}

int inline_convert_file(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	u64 block = 0;
	u32 len = 0, got;
	u8 *data = kzalloc(fs->block_bytes, ALLOC_NOFS);
	int err = data ? 0 : -ENOMEM;

	if (!err && inode_size(i))
		err = inline_read(i, data, fs->block_bytes, &len);
	if (!err && len)
		err = balloc_pick(fs, ext4_i(i)->goal, 1, false, &block, &got);
	if (err) {
		kfree(data);
		return err;
	}
	if (len)
		err = ext4_io(fs, BIO_WRITE, block, data, 1, 0);
	if (!err)
		err = convert(i, block, len != 0);
	if (err && len)
		balloc_unpick(fs, block, 1);
	kfree(data);
	return err > 0 ? 0 : err;
}

/* ---- directories ---- */

static struct area dir_area(const struct area a[2], unsigned k)
{
	return k ? a[1] : (struct area){ a[0].at + INLINE_DIR_FROM, a[0].bytes - INLINE_DIR_FROM };
}

static struct buf *dir_areas(struct inode *dir, struct area out[2])
{
	struct area raw[2];
	struct buf *b = areas(dir, raw);

	if (IS_ERR(b))
		return b;
	for (unsigned k = 0; k < 2; k++) {
		out[k] = dir_area(raw, k);
		const char *bad = dir_entries_bad(ext4_of(dir), out[k].at, out[k].bytes);

		if (bad) {
			buf_put(b);
			return ERR_PTR(ext4_error_inode(dir, "an inline directory with %s", bad));
		}
	}
	return b;
}

int inline_dir_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out)
{
	struct area a[2];
	struct buf *b = dir_areas(dir, a);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	for (unsigned k = 0; k < 2; k++) {
		struct ext4_dirent *prev = NULL, *de;

		for (u32 at = 0; at < a[k].bytes; at += de->rec_len, prev = de) {
			de = (void *)(a[k].at + at);
			if (!de->inode || de->name_len != len || memcmp(de->name, name, len))
				continue;
			*out = (struct dir_slot){ .b = b, .de = de, .prev = prev, .is_inline = true };
			return 0;
		}
	}
	buf_put(b);
	return -ENOENT;
}

int inline_dir_reload(struct inode *dir)
{
	struct area a[2];
	struct buf *b = areas(dir, a);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	memcpy(ext4_i(dir)->block, a[0].at, INLINE_IBLOCK);
	buf_put(b);
	return 0;
}

bool inline_dir_empty(struct inode *dir, int *err)
{
	struct area a[2];
	struct buf *b = dir_areas(dir, a);
	bool empty = true;

	if (IS_ERR(b)) {
		*err = (int)PTR_ERR(b);
		return false;
	}
	for (unsigned k = 0; k < 2; k++)
		for (u32 at = 0; at < a[k].bytes; at += ((struct ext4_dirent *)(a[k].at + at))->rec_len)
			empty &= !((struct ext4_dirent *)(a[k].at + at))->inode;
	buf_put(b);
	return empty;
}

/* Positions: 0, 1 the dots, then 8 + offset, the second area following the first. */
int inline_readdir(struct file *f, struct dir_context *c)
{
	static const u8 dt[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };
	struct inode *dir = f->inode;
	struct area a[2];

	if (!dir_emit_dots(f, c))
		return 0;
	struct buf *b = dir_areas(dir, a);
	u64 base = 8;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	for (unsigned k = 0; k < 2; base += a[k].bytes, k++) {
		struct ext4_dirent *de;

		for (u32 at = 0; at < a[k].bytes; at += de->rec_len) {
			de = (void *)(a[k].at + at);
			u64 next = base + at + de->rec_len;

			if (base + at < c->pos || !de->inode)
				continue;
			if (!dir_emit(c, de->name, de->name_len, next, de->inode, de->file_type < 8 ? dt[de->file_type] : 0))
				goto out;
			c->pos = next;
		}
	}
out:
	buf_put(b);
	return 0;
}

int inline_convert_dir(struct handle *h, struct inode *dir)
{
	struct ext4 *fs = h->fs;
	struct ext4_inode *e = ext4_i(dir);
	u8 *copy = kmalloc(fs->inode_bytes, ALLOC_NOFS);
	u32 parent = get_le32(e->block), bytes[2];
	struct area a[2];
	struct buf *b = copy ? dir_areas(dir, a) : ERR_PTR(-ENOMEM);
	struct dir_slot s;
	int err;

	if (IS_ERR(b)) {
		kfree(copy);
		return (int)PTR_ERR(b);
	}
	memcpy(copy, a[0].at, bytes[0] = a[0].bytes);
	memcpy(copy + bytes[0], a[1].at, bytes[1] = a[1].bytes);
	buf_put(b);
	err = remove_attribute(h, dir);
	if (err)
		goto out;
	leave_inline(e);
	inode_set_size(dir, 0);
	e->disksize = 0;
	err = dir_init(h, dir, parent);
	if (!err)
		err = dir_find_in(dir, 0, ".", 1, &s);
	if (err)
		goto out;
	for (u32 at = 0; at < bytes[0] + bytes[1];) {
		struct ext4_dirent *de = (void *)(copy + at);

		if (de->inode && !dir_put_entry(fs, s.b->data, dir_usable(fs), de->name, de->name_len, de->inode, de->file_type))
			err = -EFSCORRUPTED;
		at += de->rec_len;
	}
	buf_put(s.b);
	if (!err)
		err = ext4_inode_dirty(h, dir);
out:
	kfree(copy);
	return err;
}
