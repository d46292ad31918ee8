/*
 * Indexed directories: a tree over the hashes of names, whose leaves are blocks of entries.
 *
 * The root lies in block 0 behind "." and "..", inner nodes look like a block with one empty entry to those who do not know
 * the index.  An entry of a node says from which hash on its block holds names; bit 0 of that hash: names of the same hash
 * are in the block before, too.
 *
 * A change is one handle, so a crash never shows half a split.
 * Source: Documentation/filesystems/ext4/directory.rst.
 */
#include "base/sort.h"
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

enum { DX_LEVELS_MAX = 4 };

struct dx_level { struct buf *b; struct ext4_dx_entry *entries; u32 pos; };
struct dx_path { struct dx_level l[DX_LEVELS_MAX]; u32 levels; u32 version; };	/* levels: of index nodes, the root included */

static u32 dx_limit(const struct ext4_dx_entry *e) { return get_le16(&e[0].hash); }
static u32 dx_count(const struct ext4_dx_entry *e) { return get_le16((u8 *)&e[0].hash + 2); }
static void dx_set_count(struct ext4_dx_entry *e, u32 n) { put_le16((u8 *)&e[0].hash + 2, (u16)n); }
static void dx_set_limit(struct ext4_dx_entry *e, u32 n) { put_le16(&e[0].hash, (u16)n); }
static u32 dx_room(const struct ext4 *fs, u32 at) { return (fs->block_bytes - at - (fs->csum ? 8 : 0)) / 8; }
static u32 dx_block_of(const struct ext4_dx_entry *e) { return e->block & 0x0fffffff; }

u32 dir_hash_version(const struct ext4 *fs, u8 version)
{
	return version <= HASH_TEA ? version + fs->hash_unsigned : version;
}

static void dx_free(struct dx_path *p)
{
	for (u32 k = 0; k < p->levels; k++)
		buf_put(p->l[k].b);
	p->levels = 0;
}

static int dx_bad(struct inode *dir, struct dx_path *p, const char *what)
{
	dx_free(p);
	return ext4_error_inode(dir, "directory index: %s", what);
}

static u32 dx_search(const struct ext4_dx_entry *e, u32 hash)
{
	u32 lo = 1, hi = dx_count(e);

	while (lo < hi) {	/* the first whose hash is larger */
		u32 mid = (lo + hi) / 2;

		if (e[mid].hash <= hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

static const char *node_bad(const struct ext4 *fs, const struct ext4_dx_entry *e, u32 at)
{
	if (dx_limit(e) != dx_room(fs, at))
		return "a node of a wrong size";
	return !dx_count(e) || dx_count(e) > dx_limit(e) ? "a wrong count" : NULL;
}

static int dx_root(struct inode *dir, struct dx_path *p, u32 *levels)
{
	struct ext4 *fs = ext4_of(dir);
	struct buf *b = dir_block(dir, 0);

	p->levels = 0;
	if (IS_ERR_OR_NULL(b))
		return b ? (int)PTR_ERR(b) : ext4_error_inode(dir, "directory index: no root");
	p->l[0] = (struct dx_level){ b, (void *)(b->data + DX_ROOT_ENTRIES_AT), 0 };
	p->levels = 1;
	const struct ext4_dx_root_info *info = (void *)(b->data + DX_ROOT_INFO_AT);
	u32 max = fs->sb->s_feature_incompat & INCOMPAT_LARGEDIR ? 3 : 2;

	if (b->kind != BUF_DX || info->hash_version > HASH_TEA_U || info->unused_flags & 1 || info->info_length != 8 ||
	    info->indirect_levels >= max)
		return dx_bad(dir, p, "a root not understood");
	*levels = info->indirect_levels;
	p->version = dir_hash_version(fs, info->hash_version);
	const char *bad = node_bad(fs, p->l[0].entries, DX_ROOT_ENTRIES_AT);

	return bad ? dx_bad(dir, p, bad) : 0;
}

/* Read the node below the last one of the path. */
static int dx_down(struct inode *dir, struct dx_path *p)
{
	struct dx_level *up = &p->l[p->levels - 1];
	struct buf *b = dir_block(dir, dx_block_of(&up->entries[up->pos]));

	if (IS_ERR_OR_NULL(b)) {
		dx_free(p);
		return b ? (int)PTR_ERR(b) : ext4_error_inode(dir, "directory index: a hole");
	}
	p->l[p->levels++] = (struct dx_level){ b, (void *)(b->data + DX_NODE_ENTRIES_AT), 0 };
	const char *bad = b->kind != BUF_DX ? "no node where one should be" :
			  node_bad(ext4_of(dir), p->l[p->levels - 1].entries, DX_NODE_ENTRIES_AT);

	return bad ? dx_bad(dir, p, bad) : 0;
}

/* From the root to the last index node. @hash NULL: the first leaf */
static int dx_path_find(struct inode *dir, const char *name, u32 len, struct hash_info *hash, struct dx_path *p)
{
	u32 levels = 0;
	int err = dx_root(dir, p, &levels);

	if (err)
		return err;
	if (name)
		ext4_hash(name, len, p->version, ext4_of(dir)->hash_seed, hash);
	p->l[0].pos = dx_search(p->l[0].entries, hash->hash);
	for (u32 k = 1; k <= levels && !err; k++) {
		err = dx_down(dir, p);
		if (!err)
			p->l[k].pos = dx_search(p->l[k].entries, hash->hash);
	}
	return err;
}

static u32 dx_leaf(const struct dx_path *p)
{
	const struct dx_level *l = &p->l[p->levels - 1];

	return dx_block_of(&l->entries[l->pos]);
}

/* The leaf after this one. 0, *hash where it begins; -ENOENT: there is none */
static int dx_next(struct inode *dir, struct dx_path *p, u32 *hash)
{
	u32 levels = p->levels, k = levels;
	int err = 0;

	while (k && p->l[k - 1].pos + 1 >= dx_count(p->l[k - 1].entries))
		k--;
	if (!k)
		return -ENOENT;
	while (p->levels > k)
		buf_put(p->l[--p->levels].b);
	*hash = p->l[k - 1].entries[++p->l[k - 1].pos].hash;
	while (p->levels < levels && !err)
		err = dx_down(dir, p);
	return err;
}

int dx_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out)
{
	struct dx_path p;
	struct hash_info hi;
	int err = dx_path_find(dir, name, len, &hi, &p);
	u32 next;

	if (err)
		return err;
	for (;;) {
		err = dir_find_in(dir, dx_leaf(&p), name, len, out);
		if (err != -ENOENT)
			break;
		int e2 = dx_next(dir, &p, &next);

		if (e2 == -ENOENT)
			break;
		if (e2)
			return e2;
		if (!(next & 1) || (next & ~1u) != hi.hash)
			break;
	}
	dx_free(&p);
	return err;
}

/* ---- growing ---- */

/* The block that is full becomes a root over a new first leaf. */
int dx_make(struct handle *h, struct inode *dir, struct buf *root)
{
	struct ext4 *fs = ext4_of(dir);
	struct ext4_dirent *dot = (void *)root->data, *dotdot = (void *)(root->data + 12), *de;
	u32 lblk, usable = dir_usable(fs);

	if (dot->rec_len != 12 || dot->name_len != 1 || dotdot->name_len != 2 || dotdot->rec_len < 12)
		return ext4_error_inode(dir, "a directory that does not begin with . and ..");
	u32 from = 12 + dotdot->rec_len;
	struct buf *leaf = dir_append(h, dir, &lblk);

	if (IS_ERR(leaf))
		return (int)PTR_ERR(leaf);
	jh_modify(h, root);
	/* the names move down; the last entry stretches to the end */
	if (from < usable) {
		memcpy(leaf->data, root->data + from, usable - from);
		for (u32 at = 0;; at += de->rec_len) {
			de = (void *)(leaf->data + at);
			if (at + de->rec_len >= usable - from)
				break;
		}
		de->rec_len = (u16)(usable - ((u8 *)de - leaf->data));
	}
	memset(root->data + DX_ROOT_INFO_AT, 0, fs->block_bytes - DX_ROOT_INFO_AT);
	dotdot->rec_len = (u16)(fs->block_bytes - 12);
	struct ext4_dx_root_info *info = (void *)(root->data + DX_ROOT_INFO_AT);
	struct ext4_dx_entry *e = (void *)(root->data + DX_ROOT_ENTRIES_AT);

	*info = (struct ext4_dx_root_info){ .hash_version = fs->hash_version, .info_length = 8 };
	dx_set_limit(e, dx_room(fs, DX_ROOT_ENTRIES_AT));
	dx_set_count(e, 1);
	e[0].block = lblk;
	root->kind = BUF_DX;
	ext4_i(dir)->flags |= FL_INDEX;
	buf_put(leaf);
	return ext4_inode_dirty(h, dir);
}

struct leaf_entry { u32 hash; u16 at, size; };

static int compare_leaf(const void *a, const void *b, void *ctx)
{
	const struct leaf_entry *x = a, *y = b;

	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (int)x->at - (int)y->at;
}

static void dx_insert(struct dx_level *l, u32 hash, u32 block)
{
	u32 n = dx_count(l->entries), at = l->pos + 1;

	memmove(&l->entries[at + 1], &l->entries[at], (n - at) * 8);
	l->entries[at] = (struct ext4_dx_entry){ hash, block };
	dx_set_count(l->entries, n + 1);
}

/* Copy the entries named by @map into an emptied block. */
static void leaf_pack(struct ext4 *fs, u8 *to, const u8 *from, const struct leaf_entry *map, u32 n)
{
	u32 at = 0;
	struct ext4_dirent *de = (void *)to;

	de->inode = 0;
	for (u32 k = 0; k < n; k++) {
		de = (void *)(to + at);
		memcpy(de, from + map[k].at, map[k].size);
		de->rec_len = map[k].size;
		at += map[k].size;
	}
	de->rec_len = (u16)(dir_usable(fs) - ((u8 *)de - to));
}

/* Half of a full leaf's names, by hash, move to a new block. The node above has room. */
static int leaf_split(struct handle *h, struct inode *dir, struct dx_path *p, struct buf *leaf)
{
	struct ext4 *fs = ext4_of(dir);
	struct dx_level *up = &p->l[p->levels - 1];
	u32 max = fs->block_bytes / 12, n = 0, bytes = 0, cut = 0, lblk;
	struct leaf_entry *map = kmalloc(max * sizeof(*map), ALLOC_NOFS);
	u8 *old = kmalloc(fs->block_bytes, ALLOC_NOFS);
	int err = map && old ? 0 : -ENOMEM;
	struct buf *fresh = NULL;

	for (u32 at = 0; !err && at < dir_usable(fs);) {
		struct ext4_dirent *de = (void *)(leaf->data + at);

		if (de->inode) {
			struct hash_info hi;

			ext4_hash(de->name, de->name_len, p->version, fs->hash_seed, &hi);
			map[n++] = (struct leaf_entry){ hi.hash, (u16)at, (u16)dirent_len(de->name_len) };
			bytes += dirent_len(de->name_len);
		}
		at += de->rec_len;
	}
	if (!err && n < 2)
		err = -ENOSPC;
	if (!err) {
		fresh = dir_append(h, dir, &lblk);
		err = IS_ERR(fresh) ? (int)PTR_ERR(fresh) : 0;
	}
	if (err)
		goto out;
	sort(map, n, sizeof(*map), compare_leaf, NULL);
	for (u32 sum = 0; cut < n - 1 && sum + map[cut].size <= bytes / 2; cut++)
		sum += map[cut].size;
	cut = MAX(cut, 1u);
	u32 hash = map[cut].hash | (map[cut].hash == map[cut - 1].hash);

	jh_modify(h, leaf);
	jh_modify(h, up->b);
	memcpy(old, leaf->data, fs->block_bytes);
	leaf_pack(fs, fresh->data, old, map + cut, n - cut);
	leaf_pack(fs, leaf->data, old, map, cut);
	dx_insert(up, hash, lblk);
	buf_put(fresh);
	err = ext4_inode_dirty(h, dir);
out:
	kfree(map);
	kfree(old);
	return err;
}

static struct buf *new_node(struct handle *h, struct inode *dir, u32 *lblk)
{
	struct buf *b = dir_append(h, dir, lblk);

	if (IS_ERR(b))
		return b;
	memset(b->data, 0, ext4_of(dir)->block_bytes);
	((struct ext4_dirent *)b->data)->rec_len = (u16)ext4_of(dir)->block_bytes;
	b->kind = BUF_DX;
	dx_set_limit((void *)(b->data + DX_NODE_ENTRIES_AT), dx_room(ext4_of(dir), DX_NODE_ENTRIES_AT));
	return b;
}

/* The root's entries move into a node of their own. */
static int add_level(struct handle *h, struct inode *dir, struct dx_path *p)
{
	struct ext4_dx_entry *root = p->l[0].entries, *e;
	u32 n = dx_count(root), lblk;
	struct ext4_dx_root_info *info = (void *)(p->l[0].b->data + DX_ROOT_INFO_AT);
	u32 max = ext4_of(dir)->sb->s_feature_incompat & INCOMPAT_LARGEDIR ? 3 : 2;

	if (info->indirect_levels + 1u > max - 1)
		return -ENOSPC;
	struct buf *b = new_node(h, dir, &lblk);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	jh_modify(h, p->l[0].b);
	e = (void *)(b->data + DX_NODE_ENTRIES_AT);
	memcpy(&e[1], &root[1], (n - 1) * 8);
	e[0].block = root[0].block;
	dx_set_count(e, n);
	dx_set_count(root, 1);
	root[0].block = lblk;
	info->indirect_levels++;
	buf_put(b);
	return ext4_inode_dirty(h, dir);
}

/* The upper half of the full node at level @k moves to a new one; the node above has room. */
static int node_split(struct handle *h, struct inode *dir, struct dx_path *p, u32 k)
{
	struct ext4_dx_entry *old = p->l[k].entries, *e;
	u32 n = dx_count(old), keep = n / 2, lblk;
	struct buf *b = new_node(h, dir, &lblk);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	jh_modify(h, p->l[k].b);
	jh_modify(h, p->l[k - 1].b);
	e = (void *)(b->data + DX_NODE_ENTRIES_AT);
	memcpy(&e[1], &old[keep + 1], (n - keep - 1) * 8);
	e[0].block = old[keep].block;
	dx_set_count(e, n - keep);
	dx_set_count(old, keep);
	dx_insert(&p->l[k - 1], old[keep].hash, lblk);
	buf_put(b);
	return ext4_inode_dirty(h, dir);
}

static bool dx_full(const struct dx_level *l)
{
	return dx_count(l->entries) >= dx_limit(l->entries);
}

/* Make room for one more leaf below the last node. */
static int make_room(struct handle *h, struct inode *dir, struct dx_path *p)
{
	u32 k = p->levels - 1;

	while (k && dx_full(&p->l[k]))
		k--;
	return dx_full(&p->l[k]) ? add_level(h, dir, p) : node_split(h, dir, p, k + 1);
}

int dx_add(struct handle *h, struct inode *dir, const char *name, u32 len, u64 ino, u8 type)
{
	struct ext4 *fs = ext4_of(dir);

	for (unsigned rounds = 0; rounds < 16; rounds++) {
		struct dx_path p;
		struct hash_info hi;
		int err = dx_path_find(dir, name, len, &hi, &p);

		if (err)
			return err;
		struct buf *leaf = dir_block(dir, dx_leaf(&p));

		if (IS_ERR_OR_NULL(leaf) || leaf->kind != BUF_DIR) {
			err = IS_ERR(leaf) ? (int)PTR_ERR(leaf) : ext4_error_inode(dir, "directory index: no leaf at block %u", dx_leaf(&p));
			if (!IS_ERR(leaf))
				buf_put(leaf);
			dx_free(&p);
			return err;
		}
		jh_modify(h, leaf);
		bool done = dir_put_entry(fs, leaf->data, dir_usable(fs), name, len, ino, type);

		if (!done)
			err = dx_full(&p.l[p.levels - 1]) ? make_room(h, dir, &p) : leaf_split(h, dir, &p, leaf);
		buf_put(leaf);
		dx_free(&p);
		if (done || err)
			return err;
	}
	return -ENOSPC;
}

/* ---- listing, in the order of hashes: a split between two calls moves nobody past the position ---- */

/* Positions: hash << 32 | minor hash of the next name, shifted to leave 0, 1 for the dots; the end is ~0 >> 1. */
struct listed { u32 hash, minor; u16 at; };

static int compare_listed(const void *a, const void *b, void *ctx)
{
	const struct listed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return (int)x->at - (int)y->at;
}

static u64 pos_of(u32 hash, u32 minor)
{
	return ((u64)hash << 32 | minor) >> 1;
}

enum { POS_FIRST = 2 };
#define POS_END (~0ull >> 1)

/* Emit a leaf's names at or after the position. Return: false: full */
static bool list_leaf(struct inode *dir, struct dir_context *c, struct buf *b, u32 version, struct listed *v)
{
	static const u8 dt[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };
	struct ext4 *fs = ext4_of(dir);
	u32 n = 0;

	for (u32 at = 0; at < dir_usable(fs);) {
		struct ext4_dirent *de = (void *)(b->data + at);
		struct hash_info hi;

		if (de->inode) {
			ext4_hash(de->name, de->name_len, version, fs->hash_seed, &hi);
			if (MAX(pos_of(hi.hash, hi.minor), (u64)POS_FIRST) >= c->pos)
				v[n++] = (struct listed){ hi.hash, hi.minor, (u16)at };
		}
		at += de->rec_len;
	}
	sort(v, n, sizeof(*v), compare_listed, NULL);
	for (u32 k = 0; k < n; k++) {
		struct ext4_dirent *de = (void *)(b->data + v[k].at);
		u64 pos = MAX(pos_of(v[k].hash, v[k].minor), (u64)POS_FIRST), next = pos + 1;

		if (k + 1 < n)
			next = MAX(pos_of(v[k + 1].hash, v[k + 1].minor), (u64)POS_FIRST);
		if (!dir_emit(c, de->name, de->name_len, next, de->inode, de->file_type < 8 ? dt[de->file_type] : 0))
			return false;
		c->pos = next;
	}
	return true;
}

static int list_dots(struct inode *dir, struct dir_context *c)
{
	struct dir_slot s;
	int err;

	while (c->pos < POS_FIRST) {
		err = dir_find_in(dir, 0, "..", c->pos ? 2 : 1, &s);
		if (err)
			return err;
		bool more = dir_emit(c, "..", c->pos ? 2 : 1, c->pos + 1, s.de->inode, 4);

		buf_put(s.b);
		if (!more)
			return 1;
		c->pos++;
	}
	return 0;
}

int dx_readdir(struct file *f, struct dir_context *c)
{
	struct inode *dir = f->inode;
	struct listed *v = kmalloc(ext4_of(dir)->block_bytes / 12 * sizeof(*v), ALLOC_KERNEL);
	struct dx_path p;
	int err = v ? list_dots(dir, c) : -ENOMEM;
	struct hash_info from = { .hash = c->pos <= POS_FIRST ? 0 : (u32)(c->pos >> 31) };
	bool more = true;

	if (err || c->pos >= POS_END) {
		kfree(v);
		return err < 0 ? err : 0;
	}
	from.hash &= ~1u;
	err = dx_path_find(dir, NULL, 0, &from, &p);
	while (!err && more) {
		struct buf *b = dir_block(dir, dx_leaf(&p));
		u32 next;

		if (IS_ERR(b)) {
			err = (int)PTR_ERR(b);
			break;
		}
		more = !b || b->kind != BUF_DIR || list_leaf(dir, c, b, p.version, v);
		buf_put(b);
		if (more)
			err = dx_next(dir, &p, &next);
		cond_resched();
	}
	dx_free(&p);
	if (err == -ENOENT) {
		c->pos = POS_END;
		err = 0;
	}
	kfree(v);
	return err;
}
