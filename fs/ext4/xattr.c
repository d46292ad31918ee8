/*
 * Extended attributes: in the rest of the inode, then in one block.
 *
 * A change gathers all attributes, and lays both places out anew: into the inode what fits, the rest into the block.  Blocks that
 * Linux lets several inodes share are left to the others.
 *
 * Locks: map_lock: shared for reading, exclusive for changes.
 * Source: Documentation/filesystems/ext4/attributes.rst.
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include "base/sort.h"
#include "fs/ext4/ext4.h"
#include "kern/cred.h"

enum { ENTRY_HEAD = 16, VALUE_MAX = 65536, ATTRS_MAX = 400 };

struct attr {
	u8 index, name_len;
	const char *name;
	const void *value;
	u32 size;
	bool in_inode;
};

struct attrs_all {
	struct attr *v;
	u32 n;
	u8 *ibody, *block;	/* copies of both places */
	u32 ibody_bytes;
};

static u32 entry_bytes(u32 name_len) { return (ENTRY_HEAD + name_len + 3) & ~3u; }
static u32 value_bytes(u32 size) { return (size + 3) & ~3u; }

/* ---- names ---- */

static const struct { u8 index; const char *prefix; } prefixes[] = {
	{ XATTR_IDX_USER, "user." }, { XATTR_IDX_ACL_ACCESS, "system.posix_acl_access" }, { XATTR_IDX_ACL_DEFAULT, "system.posix_acl_default" },
	{ XATTR_IDX_TRUSTED, "trusted." }, { XATTR_IDX_SECURITY, "security." },
};

static int split_name(const char *full, u8 *index, const char **name)
{
	for (unsigned k = 0; k < ARRAY_SIZE(prefixes); k++) {
		if (!str_starts_with(full, prefixes[k].prefix))
			continue;
		*index = prefixes[k].index;
		*name = full + strlen(prefixes[k].prefix);
		bool acl = *index == XATTR_IDX_ACL_ACCESS || *index == XATTR_IDX_ACL_DEFAULT;

		return acl ? (**name ? -EOPNOTSUPP : 0) : **name ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

/* ---- reading ---- */

/* The entries of a place; values are relative to @base. */
static int parse(struct inode *i, struct attrs_all *a, const u8 *at, const u8 *end, const u8 *base, bool in_inode)
{
	while (end - at >= 4 && get_le32(at)) {
		const struct ext4_xattr_entry *x = (const void *)at;

		if (end - at < ENTRY_HEAD || (u32)(end - at) < entry_bytes(x->e_name_len) + 4 || a->n >= ATTRS_MAX || x->e_value_inum ||
		    (x->e_value_size && (x->e_value_size > VALUE_MAX || x->e_value_offs > (u32)(end - base) ||
					 x->e_value_size > (u32)(end - base) - x->e_value_offs)))
			return ext4_error_inode(i, "damaged attributes");
		a->v[a->n++] = (struct attr){ x->e_name_index, x->e_name_len, x->e_name, x->e_value_size ? base + x->e_value_offs : base,
					      x->e_value_size, in_inode };
		at += entry_bytes(x->e_name_len);
	}
	return 0;
}

static u32 ibody_room(const struct ext4 *fs, const struct ext4_inode *e)
{
	u32 used = EXT4_GOOD_OLD_INODE_SIZE + e->extra_isize + 4;

	return fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE && fs->inode_bytes > used ? fs->inode_bytes - used : 0;
}

static int gather_inode(struct inode *i, struct attrs_all *a)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	struct ext4_raw_inode *r;

	a->ibody_bytes = ibody_room(fs, e);
	if (!a->ibody_bytes || e->itable_new)
		return 0;
	struct buf *b = ext4_inode_buf(fs, i->ino, &r);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	const u8 *at = (u8 *)r + EXT4_GOOD_OLD_INODE_SIZE + e->extra_isize;
	int err = 0;

	if (get_le32(at) == XATTR_MAGIC) {
		a->ibody = kmemdup(at + 4, a->ibody_bytes, ALLOC_NOFS);
		err = a->ibody ? parse(i, a, a->ibody, a->ibody + a->ibody_bytes, a->ibody, true) : -ENOMEM;
	}
	buf_put(b);
	return err;
}

static u32 block_csum(const struct ext4 *fs, u64 block, const u8 *data)
{
	const u32 zero = 0;
	u32 c = crc32c(fs->csum_seed, &block, 8);

	c = crc32c(c, data, 16);
	c = crc32c(c, &zero, 4);
	return crc32c(c, data + 20, fs->block_bytes - 20);
}

void xattr_csum_commit(struct buf *b)
{
	if (b->fs->csum)
		put_le32(b->data + 16, block_csum(b->fs, b->block, b->data));
}

static struct buf *read_block(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	struct buf *b = buf_read(fs, ext4_i(i)->file_acl, BUF_XATTR);

	if (IS_ERR(b))
		return b;
	const struct ext4_xattr_header *x = (void *)b->data;
	bool good = x->h_magic == XATTR_MAGIC && x->h_blocks == 1 && x->h_refcount;

	if (good && !(b->flags & BUF_VERIFIED) && fs->csum)
		good = x->h_checksum == block_csum(fs, b->block, b->data);
	if (good && b->kind == BUF_XATTR) {
		__atomic_fetch_or(&b->flags, BUF_VERIFIED, __ATOMIC_SEQ_CST);
		return b;
	}
	buf_put(b);
	return ERR_PTR(ext4_error_inode(i, "damaged attribute block %llu", ext4_i(i)->file_acl));
}

static int gather_block(struct inode *i, struct attrs_all *a)
{
	struct ext4 *fs = ext4_of(i);

	if (!ext4_i(i)->file_acl)
		return 0;
	struct buf *b = read_block(i);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	a->block = kmemdup(b->data, fs->block_bytes, ALLOC_NOFS);
	buf_put(b);
	if (!a->block)
		return -ENOMEM;
	return parse(i, a, a->block + 32, a->block + fs->block_bytes, a->block, false);
}

static void attrs_free(struct attrs_all *a)
{
	kfree(a->v);
	kfree(a->ibody);
	kfree(a->block);
}

static int gather(struct inode *i, struct attrs_all *a)
{
	*a = (struct attrs_all){ .v = kmalloc(sizeof(*a->v) * (ATTRS_MAX + 1), ALLOC_NOFS) };
	int err = a->v ? gather_inode(i, a) : -ENOMEM;

	if (!err)
		err = gather_block(i, a);
	if (err)
		attrs_free(a);
	return err;
}

static struct attr *find(struct attrs_all *a, u8 index, const char *name)
{
	size_t n = strlen(name);

	for (u32 k = 0; k < a->n; k++)
		if (a->v[k].index == index && a->v[k].name_len == n && !memcmp(a->v[k].name, name, n))
			return &a->v[k];
	return NULL;
}

/* Whether there can be any at all: most files have none. */
static bool has_any(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_raw_inode *r;
	bool any = ext4_i(i)->file_acl != 0;

	if (any || !ibody_room(fs, ext4_i(i)) || ext4_i(i)->itable_new)
		return any;
	struct buf *b = ext4_inode_buf(fs, i->ino, &r);

	if (IS_ERR(b))
		return true;
	any = get_le32((u8 *)r + EXT4_GOOD_OLD_INODE_SIZE + ext4_i(i)->extra_isize) == XATTR_MAGIC;
	buf_put(b);
	return any;
}

s64 xattr_get(struct inode *i, u8 index, const char *name, void *buf, size_t size)
{
	struct attrs_all a;
	s64 ret;

	rwsem_read_lock(&ext4_i(i)->map_lock);
	ret = has_any(i) ? gather(i, &a) : -ENODATA;
	rwsem_read_unlock(&ext4_i(i)->map_lock);
	if (ret)
		return ret;
	struct attr *x = find(&a, index, name);

	if (!x)
		ret = -ENODATA;
	else if (size && x->size > size)
		ret = -ERANGE;
	else
		ret = x->size;
	if (ret > 0 && size)
		memcpy(buf, x->value, x->size);
	attrs_free(&a);
	return ret;
}

/* ---- writing ---- */

static u32 entry_hash(const struct attr *x)
{
	u32 hash = 0;
	const u8 *v = x->value;

	for (u32 k = 0; k < x->name_len; k++)
		hash = rol32(hash, 5) ^ (u32)(s32)(s8)x->name[k];
	for (u32 k = 0; k < x->size; k += 4) {
		u32 w = 0;

		memcpy(&w, v + k, MIN(4u, x->size - k));
		hash = rol32(hash, 16) ^ w;
	}
	return hash;
}

static u32 attr_bytes(const struct attr *x)
{
	return entry_bytes(x->name_len) + value_bytes(x->size);
}

/* Lay out those of @a that are (not) in the inode: entries from @first up, values from the end down. Return: hash of all */
static u32 lay_out(const struct attrs_all *a, bool in_inode, u8 *base, u8 *first, u32 end)
{
	u32 hash = 0;

	for (u32 k = 0; k < a->n; k++) {
		const struct attr *x = &a->v[k];
		struct ext4_xattr_entry *to = (void *)first;

		if (x->in_inode != in_inode)
			continue;
		end -= value_bytes(x->size);
		*to = (struct ext4_xattr_entry){ .e_name_len = x->name_len, .e_name_index = x->index, .e_value_offs = x->size ? (u16)end : 0,
						 .e_value_size = x->size, .e_hash = entry_hash(x) };
		memcpy(to->e_name, x->name, x->name_len);
		memcpy(base + end, x->value, x->size);
		hash = rol32(hash, 16) ^ to->e_hash;
		first += entry_bytes(x->name_len);
	}
	return hash;
}

static int compare_attr(const void *a, const void *b, void *ctx)
{
	const struct attr *x = a, *y = b;

	if (x->index != y->index)
		return (int)x->index - (int)y->index;
	if (x->name_len != y->name_len)
		return (int)x->name_len - (int)y->name_len;
	return memcmp(x->name, y->name, x->name_len);
}

/* Which place each goes to. Return: bytes that the block must hold; ~0u: it does not fit */
static u32 assign(const struct ext4 *fs, struct attrs_all *a)
{
	u32 left = a->ibody_bytes > 4 ? a->ibody_bytes - 4 : 0, block = 0;

	for (unsigned pass = 0; pass < 2; pass++)
		for (u32 k = 0; k < a->n; k++) {
			struct attr *x = &a->v[k];

			if ((x->index == XATTR_IDX_SYSTEM) != (pass == 0))
				continue;
			x->in_inode = attr_bytes(x) <= left;
			if (x->in_inode)
				left -= attr_bytes(x);
			else if (pass == 0)
				return ~0u;
			else
				block += attr_bytes(x);
		}
	return block && block + 32 + 4 > fs->block_bytes ? ~0u : block;
}

static int write_inode(struct handle *h, struct inode *i, struct attrs_all *a)
{
	struct ext4 *fs = h->fs;
	struct ext4_inode *e = ext4_i(i);
	struct ext4_raw_inode *r;
	struct buf *b;

	if (!a->ibody_bytes)
		return 0;
	b = ext4_inode_buf(fs, i->ino, &r);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	u8 *at = (u8 *)r + EXT4_GOOD_OLD_INODE_SIZE + e->extra_isize;

	jh_modify(h, b);
	memset(at, 0, a->ibody_bytes + 4);
	bool any = false;

	for (u32 k = 0; k < a->n; k++)
		any |= a->v[k].in_inode;
	if (any)
		put_le32(at, XATTR_MAGIC);
	lay_out(a, true, at + 4, at + 4, a->ibody_bytes);
	ext4_itable_dirty(b, i->ino);
	buf_put(b);
	return 0;
}

static void count_block(struct inode *i, s64 n)
{
	ext4_i(i)->meta_blocks += (u64)n;
	i->blocks = ext4_i(i)->meta_blocks << (ext4_of(i)->block_bits - 9);
}

int xattr_free_block(struct handle *h, struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	int err = 0;

	if (!e->file_acl)
		return 0;
	struct buf *b = read_block(i);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	struct ext4_xattr_header *x = (void *)b->data;

	if (x->h_refcount > 1) {
		jh_modify(h, b);
		x->h_refcount--;
	} else {
		err = balloc_free(h, i, b->block, 1, true);
	}
	buf_put(b);
	if (!err) {
		e->file_acl = 0;
		count_block(i, -1);
	}
	return err;
}

static struct buf *own_block(struct handle *h, struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	struct buf *b;

	if (e->file_acl) {
		b = read_block(i);
		if (IS_ERR(b))
			return b;
		if (((struct ext4_xattr_header *)b->data)->h_refcount == 1) {
			jh_modify(h, b);
			return b;
		}
		buf_put(b);
	}
	b = balloc_meta(h, i, e->goal, BUF_XATTR);
	if (IS_ERR(b))
		return b;
	int err = xattr_free_block(h, i);

	if (err) {
		buf_put(b);
		return ERR_PTR(err);
	}
	e->file_acl = b->block;
	count_block(i, 1);
	return b;
}

static int write_block(struct handle *h, struct inode *i, struct attrs_all *a)
{
	struct buf *b = own_block(h, i);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	memset(b->data, 0, h->fs->block_bytes);
	struct ext4_xattr_header *x = (void *)b->data;

	*x = (struct ext4_xattr_header){ .h_magic = XATTR_MAGIC, .h_refcount = 1, .h_blocks = 1 };
	x->h_hash = lay_out(a, false, b->data, b->data + 32, h->fs->block_bytes);
	buf_put(b);
	return 0;
}

static int change(struct attrs_all *a, u8 index, const char *name, const void *value, size_t size, int flags)
{
	struct attr *x = find(a, index, name);

	if (x && flags & XATTR_CREATE)
		return -EEXIST;
	if (!x && (flags & XATTR_REPLACE || !value))
		return -ENODATA;
	if (!value) {
		*x = a->v[--a->n];
		return 0;
	}
	if (!x) {
		if (a->n >= ATTRS_MAX)
			return -ENOSPC;
		x = &a->v[a->n++];
	}
	*x = (struct attr){ .index = index, .name_len = (u8)strlen(name), .name = name, .value = value, .size = (u32)size };
	return 0;
}

/* @value NULL: remove. Caller dirties the inode afterwards. */
int xattr_set(struct handle *h, struct inode *i, u8 index, const char *name, const void *value, size_t size, int flags)
{
	struct ext4_inode *e = ext4_i(i);
	struct attrs_all a;
	int err;

	if (strlen(name) > 255)
		return -ERANGE;
	if (e->itable_new) {
		err = ext4_inode_dirty(h, i);
		if (err)
			return err;
	}
	rwsem_write_lock(&e->map_lock);
	err = gather(i, &a);
	if (err)
		goto out;
	err = change(&a, index, name, value, size, flags);
	u32 block = err ? 0 : assign(h->fs, &a);

	if (block == ~0u)
		err = -ENOSPC;
	if (!err) {
		sort(a.v, a.n, sizeof(*a.v), compare_attr, NULL);
		err = block ? write_block(h, i, &a) : xattr_free_block(h, i);
	}
	if (!err)
		err = write_inode(h, i, &a);
	attrs_free(&a);
out:
	rwsem_write_unlock(&e->map_lock);
	return err;
}

/* ---- the VFS's calls ---- */

s64 ext4_getxattr(struct dentry *d, struct inode *i, const char *full, void *buf, size_t size)
{
	const char *name;
	u8 index;
	int err = split_name(full, &index, &name);

	if (err)
		return err;
	if (index == XATTR_IDX_ACL_ACCESS || index == XATTR_IDX_ACL_DEFAULT)
		return acl_get_user(i, index, buf, size);
	if (index == XATTR_IDX_USER && !ext4_of(i)->opt.user_xattr)
		return -EOPNOTSUPP;
	return xattr_get(i, index, name, buf, size);
}

static int set_user(struct inode *i, const char *full, const void *value, size_t size, int flags)
{
	const char *name;
	struct handle h;
	u8 index;
	int err = split_name(full, &index, &name);

	if (err)
		return err;
	if (index == XATTR_IDX_USER && !ext4_of(i)->opt.user_xattr)
		return -EOPNOTSUPP;
	if (index == XATTR_IDX_ACL_ACCESS || index == XATTR_IDX_ACL_DEFAULT)
		return acl_set_user(i, index, value, size);
	err = jh_start(ext4_of(i), &h, XATTR_CREDITS + 4);
	if (err)
		return err;
	err = xattr_set(&h, i, index, name, value, size, flags);
	if (!err) {
		inode_touch(i, SET_CTIME);
		err = ext4_inode_dirty(&h, i);
	}
	jh_stop(&h);
	return err;
}

int ext4_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	return set_user(i, name, value ? value : "", size, flags);
}

int ext4_removexattr(struct dentry *d, struct inode *i, const char *name)
{
	return set_user(i, name, NULL, 0, 0);
}

static const char *prefix_of(const struct ext4 *fs, const struct attr *x)
{
	if (x->index == XATTR_IDX_TRUSTED && !capable(CAP_SYS_ADMIN))
		return NULL;
	if (x->index == XATTR_IDX_USER && !fs->opt.user_xattr)
		return NULL;
	if ((x->index == XATTR_IDX_ACL_ACCESS || x->index == XATTR_IDX_ACL_DEFAULT) && !fs->opt.acl)
		return NULL;
	for (unsigned k = 0; k < ARRAY_SIZE(prefixes); k++)
		if (prefixes[k].index == x->index)
			return prefixes[k].prefix;
	return NULL;
}

s64 ext4_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size)
{
	struct attrs_all a;
	size_t used = 0;
	int err;

	rwsem_read_lock(&ext4_i(i)->map_lock);
	err = has_any(i) ? gather(i, &a) : -ENODATA;
	rwsem_read_unlock(&ext4_i(i)->map_lock);
	if (err)
		return err == -ENODATA ? 0 : err;
	for (u32 k = 0; k < a.n; k++) {
		const char *prefix = prefix_of(ext4_of(i), &a.v[k]);
		size_t p = prefix ? strlen(prefix) : 0, n = p + a.v[k].name_len + 1;

		if (!prefix)
			continue;
		if (size && used + n > size) {
			err = -ERANGE;
			break;
		}
		if (size) {
			memcpy(buf + used, prefix, p);
			memcpy(buf + used + p, a.v[k].name, a.v[k].name_len);
			buf[used + n - 1] = 0;
		}
		used += n;
	}
	attrs_free(&a);
	return err ? err : (s64)used;
}

/* ---- for inline.c: where system.data lies ---- */

int xattr_inline_find(struct inode *i, struct ext4_raw_inode *r, u8 **value, u32 *size)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	u32 room = ibody_room(fs, e);
	u8 *base = (u8 *)r + EXT4_GOOD_OLD_INODE_SIZE + e->extra_isize + 4;

	if (!room || get_le32(base - 4) != XATTR_MAGIC)
		return -ENODATA;
	struct attrs_all a = { .v = kmalloc(sizeof(*a.v) * (ATTRS_MAX + 1), ALLOC_NOFS) };
	int err = a.v ? parse(i, &a, base, base + room, base, true) : -ENOMEM;
	struct attr *x = err ? NULL : find(&a, XATTR_IDX_SYSTEM, "data");

	if (!err && !x)
		err = -ENODATA;
	if (x) {
		*value = (u8 *)(u64)x->value;
		*size = x->size;
	}
	kfree(a.v);
	return err;
}
