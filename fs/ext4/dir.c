/*
 * Directories as blocks of entries: reading and checking them, finding, adding and removing names one after the other.
 * htree.c finds the block by a hash where there is an index.
 *
 * A block is checked once, when it is read; from then on its entries are known to fill it exactly.
 * Locks: the directory's inode lock.
 */
#include <linux/fs.h>
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

u32 dirent_len(u32 name_len) { return (DIRENT_HEAD + name_len + 3) & ~3u; }
u32 dir_usable(const struct ext4 *fs) { return fs->block_bytes - (fs->csum ? DIR_TAIL_BYTES : 0); }

bool dir_indexed(const struct inode *dir)
{
	return ext4_i(dir)->flags & FL_INDEX && ext4_of(dir)->sb->s_feature_compat & COMPAT_DIR_INDEX;
}

u8 mode_to_ft(u32 mode)
{
	static const u8 ft[16] = { [1] = FT_FIFO, [2] = FT_CHR, [4] = FT_DIR, [6] = FT_BLK, [8] = FT_REG, [10] = FT_LNK, [12] = FT_SOCK };

	return ft[mode >> 12 & 15];
}

static u8 ft_to_dt(u8 ft)
{
	static const u8 dt[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };

	return ft < 8 ? dt[ft] : 0;
}

/* ---- blocks ---- */

/* Entries fill [0, bytes) of the block. */
const char *dir_entries_bad(const struct ext4 *fs, const u8 *data, u32 bytes)
{
	for (u32 at = 0; at < bytes;) {
		const struct ext4_dirent *de = (const void *)(data + at);

		if (bytes - at < DIRENT_HEAD)
			return "an entry that does not fit";
		if (de->rec_len & 3 || de->rec_len < DIRENT_HEAD || de->rec_len > bytes - at)
			return "an entry of a wrong length";
		if (de->inode && (de->rec_len < dirent_len(de->name_len) || !de->name_len))
			return "a name longer than its entry";
		if (de->inode > fs->inodes)
			return "an inode number out of range";
		at += de->rec_len;
	}
	return NULL;
}

static bool looks_like_index(const struct inode *dir, const u8 *data, u32 lblk)
{
	const struct ext4_dirent *de = (const void *)data;

	return dir_indexed(dir) && (lblk == 0 || (!de->inode && de->rec_len == ext4_of(dir)->block_bytes && !de->name_len));
}

/* Where the checksum of an index block is; NULL: its entries do not fit. */
static u32 *dx_tail(const struct ext4 *fs, u8 *data, u32 *covered)
{
	u32 at = ((struct ext4_dirent *)data)->rec_len == fs->block_bytes ? DX_NODE_ENTRIES_AT : DX_ROOT_ENTRIES_AT;
	u32 limit = get_le16(data + at), count = get_le16(data + at + 2);

	if (at + limit * 8 > fs->block_bytes - 8 || count > limit)
		return NULL;
	*covered = at + count * 8;
	return (u32 *)(data + at + limit * 8);
}

static u32 dx_csum(const struct ext4 *fs, u32 seed, u8 *data, u32 *tail, u32 covered)
{
	const u32 zero = 0;

	return crc32c(crc32c(crc32c(seed, data, covered), tail, 4), &zero, 4);
}

void dx_csum_commit(struct buf *b)
{
	u32 covered, *tail = dx_tail(b->fs, b->data, &covered);

	if (b->fs->csum && tail)
		tail[1] = dx_csum(b->fs, b->seed, b->data, tail, covered);
}

void dir_csum_commit(struct buf *b)
{
	u32 at = b->fs->block_bytes - DIR_TAIL_BYTES;

	if (b->fs->csum)
		put_le32(b->data + at + 8, crc32c(b->seed, b->data, at));
}

static const char *check_block(struct inode *dir, struct buf *b)
{
	struct ext4 *fs = ext4_of(dir);
	u32 seed = ext4_i(dir)->csum_seed;

	if (b->kind == BUF_DX) {
		u32 covered, *tail = dx_tail(fs, b->data, &covered);

		if (fs->csum && (!tail || tail[1] != dx_csum(fs, seed, b->data, tail, covered)))
			return "a wrong checksum (index)";
		return dir_entries_bad(fs, b->data, fs->block_bytes);
	}
	const struct ext4_dir_tail *t = (void *)(b->data + fs->block_bytes - DIR_TAIL_BYTES);

	if (fs->csum) {
		if (t->zero1 || t->rec_len != DIR_TAIL_BYTES || t->zero2 || t->type != DIR_TAIL_TYPE)
			return "no checksum";
		if (t->checksum != crc32c(seed, b->data, fs->block_bytes - DIR_TAIL_BYTES))
			return "a wrong checksum";
	}
	return dir_entries_bad(fs, b->data, dir_usable(fs));
}

struct buf *dir_block(struct inode *dir, u32 lblk)
{
	struct ext4 *fs = ext4_of(dir);
	struct map m;
	int err = ext4_map(dir, lblk, 1, &m);

	if (err)
		return ERR_PTR(err);
	if (m.flags != MAP_MAPPED)
		return NULL;
	struct buf *b = buf_read(fs, m.pblk, BUF_DIR);

	if (IS_ERR(b) || b->flags & BUF_VERIFIED)
		return b;
	b->kind = looks_like_index(dir, b->data, lblk) ? BUF_DX : BUF_DIR;
	b->seed = ext4_i(dir)->csum_seed;
	const char *bad = check_block(dir, b);

	if (bad) {
		buf_put(b);
		return ERR_PTR(ext4_error_inode(dir, "directory block %u has %s", lblk, bad));
	}
	__atomic_fetch_or(&b->flags, BUF_VERIFIED, __ATOMIC_SEQ_CST);
	return b;
}

static void init_block(struct ext4 *fs, u8 *data)
{
	struct ext4_dirent *de = (void *)data;
	struct ext4_dir_tail *t = (void *)(data + fs->block_bytes - DIR_TAIL_BYTES);

	de->inode = 0;
	de->rec_len = (u16)dir_usable(fs);
	if (fs->csum)
		*t = (struct ext4_dir_tail){ .rec_len = DIR_TAIL_BYTES, .type = DIR_TAIL_TYPE };
}

/* A new block at the end. */
struct buf *dir_append(struct handle *h, struct inode *dir, u32 *lblk)
{
	struct ext4 *fs = ext4_of(dir);
	struct map m;
	u64 size = inode_size(dir);

	if (size >> fs->block_bits >= 1u << 30)
		return ERR_PTR(-ENOSPC);
	*lblk = (u32)(size >> fs->block_bits);
	int err = ext4_alloc_map(h, dir, *lblk, 1, MAP_MAPPED, &m);

	if (err)
		return ERR_PTR(err);
	struct buf *b;

	while (IS_ERR(b = buf_get(fs, m.pblk)))
		sleep_ns(10000000);
	jh_modify(h, b);
	memset(b->data, 0, fs->block_bytes);
	b->kind = BUF_DIR;
	b->seed = ext4_i(dir)->csum_seed;
	init_block(fs, b->data);
	__atomic_fetch_or(&b->flags, BUF_UPTODATE | BUF_VERIFIED, __ATOMIC_RELEASE);
	inode_set_size(dir, size + fs->block_bytes);
	ext4_i(dir)->disksize = size + fs->block_bytes;
	return b;
}

/* ---- entries ---- */

static u32 dirent_used(const struct ext4_dirent *de)
{
	return de->inode ? dirent_len(de->name_len) : 0;
}

/* The first entry with room behind it for a name; NULL: there is none. */
static struct ext4_dirent *find_room(u8 *block, u32 bytes, u32 len)
{
	for (u32 at = 0; at < bytes;) {
		struct ext4_dirent *de = (void *)(block + at);

		if (de->rec_len >= dirent_used(de) + dirent_len(len))
			return de;
		at += de->rec_len;
	}
	return NULL;
}

/* Put a name into the block, if there is room. */
bool dir_put_entry(struct ext4 *fs, u8 *block, u32 bytes, const char *name, u32 len, u64 ino, u8 type)
{
	struct ext4_dirent *de = find_room(block, bytes, len);
	u32 used = de ? dirent_used(de) : 0;

	if (!de)
		return false;
	if (used) {
		struct ext4_dirent *next = (void *)((u8 *)de + used);

		next->rec_len = (u16)(de->rec_len - used);
		de->rec_len = (u16)used;
		de = next;
	}
	de->inode = (u32)ino;
	de->name_len = (u8)len;
	de->file_type = fs->sb->s_feature_incompat & INCOMPAT_FILETYPE ? type : 0;
	memcpy(de->name, name, len);
	return true;
}

static bool find_in_block(struct buf *b, u32 bytes, const char *name, u32 len, struct dir_slot *out)
{
	struct ext4_dirent *prev = NULL;

	for (u32 at = 0; at < bytes;) {
		struct ext4_dirent *de = (void *)(b->data + at);

		if (de->name_len == len && de->inode && !memcmp(de->name, name, len)) {
			*out = (struct dir_slot){ .de = de, .prev = prev };
			return true;
		}
		prev = de;
		at += de->rec_len;
	}
	return false;
}

/* In one block. 0, -ENOENT, or another error; on success out->b is held. */
int dir_find_in(struct inode *dir, u32 lblk, const char *name, u32 len, struct dir_slot *out)
{
	struct ext4 *fs = ext4_of(dir);
	struct buf *b = dir_block(dir, lblk);

	if (IS_ERR_OR_NULL(b))
		return b ? (int)PTR_ERR(b) : -ENOENT;
	if (find_in_block(b, b->kind == BUF_DX ? (lblk ? 0 : 24) : dir_usable(fs), name, len, out)) {
		out->b = b;
		out->lblk = lblk;
		return 0;
	}
	buf_put(b);
	return -ENOENT;
}

int dir_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out)
{
	struct ext4 *fs = ext4_of(dir);
	u32 n = (u32)(inode_size(dir) >> fs->block_bits);
	int err;

	if (ext4_i(dir)->flags & FL_INLINE_DATA)
		return inline_dir_find(dir, name, len, out);
	bool dots = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));

	if (dir_indexed(dir) && !dots) {
		err = dx_find(dir, name, len, out);
		if (err != -EFSCORRUPTED)
			return err;
	}
	for (u32 lblk = 0; lblk < n; lblk++) {
		err = dir_find_in(dir, lblk, name, len, out);
		if (err != -ENOENT)
			return err;
		cond_resched();
	}
	return -ENOENT;
}

int dir_add(struct handle *h, struct inode *dir, const char *name, u32 len, u64 ino, u32 mode)
{
	struct ext4 *fs = ext4_of(dir);
	u8 type = mode_to_ft(mode);
	int err;

	if (ext4_i(dir)->flags & FL_INLINE_DATA) {
		err = inline_convert_dir(h, dir);
		if (err)
			return err;
	}
	if (dir_indexed(dir))
		return dx_add(h, dir, name, len, ino, type);
	u32 n = (u32)(inode_size(dir) >> fs->block_bits), lblk;
	struct buf *b;

	for (lblk = 0; lblk < n; lblk++) {
		b = dir_block(dir, lblk);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		if (!b)
			continue;
		/* blocks without room are not part of the transaction: a directory may have more of them than it has credits */
		if (find_room(b->data, dir_usable(fs), len)) {
			jh_modify(h, b);
			(void)dir_put_entry(fs, b->data, dir_usable(fs), name, len, ino, type);
			buf_put(b);
			return 0;
		}
		if (n == 1 && fs->sb->s_feature_compat & COMPAT_DIR_INDEX) {
			err = dx_make(h, dir, b);
			buf_put(b);
			return err ? err : dx_add(h, dir, name, len, ino, type);
		}
		buf_put(b);
	}
	b = dir_append(h, dir, &lblk);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	(void)dir_put_entry(fs, b->data, dir_usable(fs), name, len, ino, type);
	buf_put(b);
	return 0;
}

int dir_remove(struct handle *h, struct inode *dir, struct dir_slot *s)
{
	jh_modify(h, s->b);
	if (s->prev)
		s->prev->rec_len += s->de->rec_len;
	s->de->inode = 0;
	s->de->name_len = 0;
	s->de->file_type = 0;
	if (s->is_inline) {
		ext4_itable_dirty(s->b, dir->ino);
		return inline_dir_reload(dir);
	}
	return 0;
}

/* The first block of a new directory. */
int dir_init(struct handle *h, struct inode *dir, u64 parent)
{
	struct ext4 *fs = ext4_of(dir);
	bool ft = fs->sb->s_feature_incompat & INCOMPAT_FILETYPE;
	u32 lblk;
	struct buf *b = dir_append(h, dir, &lblk);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	struct ext4_dirent *dot = (void *)b->data, *dotdot = (void *)(b->data + 12);

	*dot = (struct ext4_dirent){ .inode = (u32)dir->ino, .rec_len = 12, .name_len = 1, .file_type = ft ? FT_DIR : 0 };
	dot->name[0] = '.';
	*dotdot = (struct ext4_dirent){ .inode = (u32)parent, .rec_len = (u16)(dir_usable(fs) - 12), .name_len = 2, .file_type = ft ? FT_DIR : 0 };
	dotdot->name[0] = dotdot->name[1] = '.';
	buf_put(b);
	return 0;
}

bool dir_is_empty(struct inode *dir, int *err)
{
	struct ext4 *fs = ext4_of(dir);
	u32 n = (u32)(inode_size(dir) >> fs->block_bits);

	*err = 0;
	if (ext4_i(dir)->flags & FL_INLINE_DATA)
		return inline_dir_empty(dir, err);
	for (u32 lblk = 0; lblk < n; lblk++) {
		struct buf *b = dir_block(dir, lblk);

		if (IS_ERR(b)) {
			*err = (int)PTR_ERR(b);
			return false;
		}
		if (!b)
			continue;
		u32 bytes = b->kind == BUF_DX ? (lblk ? 0 : 24) : dir_usable(fs), at = 0;
		bool empty = true;

		for (; at < bytes; at += ((struct ext4_dirent *)(b->data + at))->rec_len) {
			struct ext4_dirent *de = (void *)(b->data + at);

			if (de->inode && !(de->name[0] == '.' && (de->name_len == 1 || (de->name_len == 2 && de->name[1] == '.'))))
				empty = false;
		}
		buf_put(b);
		if (!empty)
			return false;
	}
	return true;
}

int dir_set_parent(struct handle *h, struct inode *dir, u64 parent)
{
	struct dir_slot s;
	int err;

	if (ext4_i(dir)->flags & FL_INLINE_DATA) {
		put_le32(ext4_i(dir)->block, (u32)parent);
		return ext4_inode_dirty(h, dir);
	}
	err = dir_find_in(dir, 0, "..", 2, &s);
	if (err)
		return err == -ENOENT ? ext4_error_inode(dir, "a directory without ..") : err;
	jh_modify(h, s.b);
	s.de->inode = (u32)parent;
	buf_put(s.b);
	return 0;
}

/* ---- listing ---- */

/*
 * Positions are byte offsets.  One that points into the middle of an entry (which has changed since) moves to the next.
 */
static bool list_block(struct ext4 *fs, struct dir_context *c, const u8 *data, u32 bytes, u64 base)
{
	for (u32 at = 0; at < bytes;) {
		const struct ext4_dirent *de = (const void *)(data + at);
		u32 next = at + de->rec_len;

		if (base + at >= c->pos) {
			if (de->inode && !dir_emit(c, de->name, de->name_len, base + next, de->inode,
						   fs->sb->s_feature_incompat & INCOMPAT_FILETYPE ? ft_to_dt(de->file_type) : 0))
				return false;
			c->pos = base + next;
		}
		at = next;
	}
	return true;
}

int ext4_readdir(struct file *f, struct dir_context *c)
{
	struct inode *dir = f->inode;
	struct ext4 *fs = ext4_of(dir);

	if (ext4_i(dir)->flags & FL_INLINE_DATA)
		return inline_readdir(f, c);
	if (dir_indexed(dir))
		return dx_readdir(f, c);
	while (c->pos < inode_size(dir)) {
		u32 lblk = (u32)(c->pos >> fs->block_bits);
		u64 base = (u64)lblk << fs->block_bits;
		struct buf *b = dir_block(dir, lblk);

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		bool more = !b || list_block(fs, c, b->data, b->kind == BUF_DX ? (lblk ? 0 : 24) : dir_usable(fs), base);

		buf_put(b);
		if (!more)
			return 0;
		c->pos = MAX(c->pos, base + fs->block_bytes);
		cond_resched();
	}
	return 0;
}

static s64 dir_read(struct file *f, struct iter *to, u64 *pos)
{
	return -EISDIR;
}

static s64 dir_seek(struct file *f, s64 off, int whence)
{
	s64 pos = whence == SEEK_SET ? off : whence == SEEK_CUR ? (s64)f->pos + off : -1;

	if (whence == SEEK_END)
		pos = (dir_indexed(f->inode) ? (s64)(~0ull >> 1) : (s64)inode_size(f->inode)) + off;
	if (pos < 0)
		return -EINVAL;
	f->pos = (u64)pos;
	return pos;
}

static int dir_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return ext4_sync_inode(f->inode, datasync);
}

const struct file_ops ext4_dir_fops = {
	.read = dir_read,
	.readdir = ext4_readdir,
	.seek = dir_seek,
	.fsync = dir_fsync,
	.ioctl = ext4_ioctl,
};
