/*
 * Inodes: from the disk and back, their sizes, their end.
 *
 * What the VFS changes on its own (times) reaches the disk when the inode is synced or evicted; everything else is entered in
 * the handle of the operation that changes it.  Sizes: mapping.size is what programs see; disksize what the disk's inode
 * says, which follows when data have been written.
 */
#include "fs/ext4/ext4.h"
#include "base/printf.h"
#include "kern/printk.h"
#include "kern/timer.h"

enum { TRUNCATE_CREDITS = 96 };

bool ext4_ino_valid(const struct ext4 *fs, u64 ino)
{
	return ino && ino <= fs->inodes && (ino == EXT4_ROOT_INO || ino == fs->sb->s_journal_inum || ino >= fs->first_ino);
}

struct buf *ext4_inode_buf(struct ext4 *fs, u64 ino, struct ext4_raw_inode **raw)
{
	u32 g = (u32)((ino - 1) / fs->inodes_per_group), k = (u32)((ino - 1) % fs->inodes_per_group);
	struct buf *b = buf_read(fs, desc_inode_table(fs, group_desc(fs, g, NULL)) + k / fs->inodes_per_block, BUF_ITABLE);

	if (!IS_ERR(b)) {
		*raw = (void *)(b->data + (k % fs->inodes_per_block) * fs->inode_bytes);
		b->group = g;
	}
	return b;
}

/* ---- checksums ---- */

static u64 itable_bit(const struct ext4 *fs, u64 ino)
{
	return BIT((ino - 1) % fs->inodes_per_group % fs->inodes_per_block);
}

void ext4_itable_dirty(struct buf *b, u64 ino)
{
	atomic_or(&b->dirty_inodes, itable_bit(b->fs, ino));
}

static bool has_hi_csum(const struct ext4 *fs, const struct ext4_raw_inode *r)
{
	return fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE && r->i_extra_isize >= 4;
}

u32 ext4_raw_csum(const struct ext4 *fs, u64 ino, const struct ext4_raw_inode *r)
{
	const u16 zero = 0;
	const u8 *p = (const u8 *)r;
	u32 n = (u32)ino, c = crc32c(crc32c(fs->csum_seed, &n, 4), &r->i_generation, 4);
	const u32 lo = offsetof(struct ext4_raw_inode, i_checksum_lo), hi = offsetof(struct ext4_raw_inode, i_checksum_hi);

	c = crc32c(c, p, lo);
	c = crc32c(c, &zero, 2);
	c = crc32c(c, p + lo + 2, EXT4_GOOD_OLD_INODE_SIZE - lo - 2);
	if (fs->inode_bytes == EXT4_GOOD_OLD_INODE_SIZE)
		return c;
	c = crc32c(c, p + EXT4_GOOD_OLD_INODE_SIZE, hi - EXT4_GOOD_OLD_INODE_SIZE);
	if (!has_hi_csum(fs, r))
		return crc32c(c, p + hi, fs->inode_bytes - hi);
	c = crc32c(c, &zero, 2);
	return crc32c(c, p + hi + 2, fs->inode_bytes - hi - 2);
}

static bool csum_right(const struct ext4 *fs, u64 ino, const struct ext4_raw_inode *r)
{
	u32 c = ext4_raw_csum(fs, ino, r);

	if (!fs->csum)
		return true;
	return r->i_checksum_lo == (u16)c && (!has_hi_csum(fs, r) || r->i_checksum_hi == (u16)(c >> 16));
}

void ext4_itable_csum(struct buf *b)
{
	struct ext4 *fs = b->fs;
	u64 first = desc_inode_table(fs, group_desc(fs, b->group, NULL));
	u64 dirty = xchg(&b->dirty_inodes, 0ull);

	while (fs->csum && dirty) {
		unsigned k = ctz64(dirty);
		struct ext4_raw_inode *r = (void *)(b->data + k * fs->inode_bytes);
		u64 ino = (u64)b->group * fs->inodes_per_group + (b->block - first) * fs->inodes_per_block + k + 1;
		u32 c = ext4_raw_csum(fs, ino, r);

		dirty &= dirty - 1;
		r->i_checksum_lo = (u16)c;
		if (has_hi_csum(fs, r))
			r->i_checksum_hi = (u16)(c >> 16);
	}
}

/* ---- reading ---- */

static struct timestamp time_read(u32 sec, u32 extra)
{
	return (struct timestamp){ .sec = (s32)sec + ((s64)(extra & 3) << 32), .nsec = MIN(extra >> 2, 999999999u) };
}

static bool has_field(const struct ext4_inode *e, u32 end)
{
	return EXT4_GOOD_OLD_INODE_SIZE + e->extra_isize >= end;
}

#define HAS(e, field) has_field(e, offsetof(struct ext4_raw_inode, field) + 4)

static u64 blocks_read(const struct ext4 *fs, const struct ext4_raw_inode *r)
{
	u64 n = r->i_blocks_lo;

	if (fs->sb->s_feature_ro_compat & RO_HUGE_FILE)
		n |= (u64)r->i_blocks_hi << 32;
	return r->i_flags & FL_HUGE_FILE && fs->sb->s_feature_ro_compat & RO_HUGE_FILE ? n : n >> (fs->block_bits - 9);
}

void ext4_set_vfs_flags(struct inode *i)
{
	u32 f = ext4_i(i)->flags;

	i->iflags = (f & FL_IMMUTABLE ? IFLAG_IMMUTABLE : 0) | (f & FL_APPEND ? IFLAG_APPEND : 0) | (f & FL_NOATIME ? IFLAG_NOATIME : 0) |
		    (i->iflags & ~(u32)(IFLAG_IMMUTABLE | IFLAG_APPEND | IFLAG_NOATIME));
}

void ext4_set_ops(struct inode *i)
{
	i->mapping.ops = &ext4_mapping_ops;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->ops = &ext4_file_iops;
		i->fops = &ext4_file_fops;
		break;
	case S_IFDIR:
		i->ops = &ext4_dir_iops;
		i->fops = &ext4_dir_fops;
		break;
	case S_IFLNK:
		i->ops = &ext4_symlink_iops;
		break;
	default:
		i->ops = &ext4_file_iops;
		inode_init_special(i, i->mode, i->rdev);
	}
}

static void read_fields(struct inode *i, const struct ext4_raw_inode *r)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	u32 ino = (u32)i->ino;

	e->extra_isize = fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE ? r->i_extra_isize : 0;
	e->flags = r->i_flags;
	i->generation = r->i_generation;
	e->csum_seed = crc32c(crc32c(fs->csum_seed, &ino, 4), &i->generation, 4);
	i->mode = r->i_mode;
	i->uid = r->i_uid_lo | (u32)r->i_uid_hi << 16;
	i->gid = r->i_gid_lo | (u32)r->i_gid_hi << 16;
	i->nlink = r->i_links_count;
	e->disksize = ext4_join(r->i_size_lo, S_ISREG(i->mode) || S_ISDIR(i->mode) ? r->i_size_hi : 0);
	inode_set_size(i, e->disksize);
	e->meta_blocks = blocks_read(fs, r);
	i->blocks = e->meta_blocks << (fs->block_bits - 9);
	e->file_acl = ext4_join(r->i_file_acl_lo, fs->has_64bit ? r->i_file_acl_hi : 0);
	e->dtime = r->i_dtime;
	/* an inode of 128 bytes may be the last of its block: what it does not have is not looked at */
	i->atime = HAS(e, i_atime_extra) ? time_read(r->i_atime, r->i_atime_extra) : time_read(r->i_atime, 0);
	i->mtime = HAS(e, i_mtime_extra) ? time_read(r->i_mtime, r->i_mtime_extra) : time_read(r->i_mtime, 0);
	i->ctime = HAS(e, i_ctime_extra) ? time_read(r->i_ctime, r->i_ctime_extra) : time_read(r->i_ctime, 0);
	i->btime = HAS(e, i_crtime_extra) ? time_read(r->i_crtime, r->i_crtime_extra) : (struct timestamp){ 0 };
	i->version = r->i_version_lo;
	e->projid = HAS(e, i_projid) ? r->i_projid : 0;
	memcpy(e->block, r->i_block, sizeof(e->block));
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode)) {
		u32 old = get_le32(e->block), new = get_le32(e->block + 4);

		i->rdev = old ? dev_make(old >> 8 & 0xff, old & 0xff) : dev_make(new >> 8 & 0xfff, (new & 0xff) | (new >> 12 & 0xfff00));
	}
	e->goal = group_first_block(fs, (u32)((i->ino - 1) / fs->inodes_per_group));
	ext4_set_vfs_flags(i);
}

static int check_fields(struct inode *i, const struct ext4_raw_inode *r)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	bool inline_data = e->flags & FL_INLINE_DATA;

	if (fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE &&
	    (e->extra_isize > fs->inode_bytes - EXT4_GOOD_OLD_INODE_SIZE || e->extra_isize & 3))
		return ext4_error_inode(i, "%u bytes of extra fields in an inode of %u", e->extra_isize, fs->inode_bytes);
	if (e->disksize > i->super->max_bytes)
		return ext4_error_inode(i, "a size of %llu", e->disksize);
	if (e->file_acl && !ext4_data_valid(fs, e->file_acl, 1))
		return ext4_error_inode(i, "attributes in block %llu", e->file_acl);
	if (inline_data && (!(fs->sb->s_feature_incompat & INCOMPAT_INLINE_DATA) || e->flags & FL_EXTENTS))
		return ext4_error_inode(i, "inline data where there can be none");
	switch (i->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		break;
	case S_IFLNK:
		if (e->disksize >= fs->block_bytes || (!e->disksize && !inline_data))
			return ext4_error_inode(i, "a symlink of %llu bytes", e->disksize);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return ext4_error_inode(i, "a mode of %#o", i->mode);
	}
	if (S_ISDIR(i->mode) && e->flags & FL_INDEX && !(fs->sb->s_feature_compat & COMPAT_DIR_INDEX))
		return ext4_error_inode(i, "an index in a file system without");
	return e->flags & FL_EXTENTS ? ext_check_root(i) : 0;
}

/* A short symlink lies in the inode itself. */
static int fill_symlink(struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	u64 n = e->disksize;

	if (!S_ISLNK(i->mode) || e->flags & (FL_INLINE_DATA | FL_EXTENTS) || n >= sizeof(e->block))
		return 0;
	if (e->meta_blocks && !(e->file_acl && e->meta_blocks == 1))
		return 0;	/* a block map */
	if (strnlen((char *)e->block, n + 1) != n)
		return ext4_error_inode(i, "a symlink with a NUL in it");
	i->link = kstrndup((char *)e->block, n, ALLOC_KERNEL);
	return i->link ? 0 : -ENOMEM;
}

static int load(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_raw_inode *r;
	struct buf *b = ext4_inode_buf(fs, i->ino, &r);
	int err = 0;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	/* what the running transaction has changed gets its checksum at the commit */
	bool fresh = atomic_load(&b->dirty_inodes) & itable_bit(fs, i->ino);

	if (!fresh && !csum_right(fs, i->ino, r)) {
		ext4_error(fs, "inode %llu: the checksum is wrong", i->ino);
		err = -EFSBADCRC;
	} else if (!r->i_links_count && !(fs->cleaning_orphans && r->i_mode)) {
		err = -ESTALE;
	} else {
		read_fields(i, r);
		err = check_fields(i, r);
	}
	buf_put(b);
	if (!err)
		err = fill_symlink(i);
	return err ? err : acl_load(i);
}

struct inode *ext4_iget(struct super *s, u64 ino)
{
	struct ext4 *fs = s->private;
	struct inode *i;

	if (!ext4_ino_valid(fs, ino))
		return ERR_PTR(ext4_error(fs, "inode %llu: no such number", ino));
	i = inode_find_or_alloc(s, ino);
	if (IS_ERR(i) || !(i->state & INODE_NEW))
		return i;
	int err = load(i);

	if (err) {
		i->nlink = 1;	/* nothing to delete */
		i->mode = 0;
		ext4_i(i)->dtime = ~0u;
		inode_fail(i);
		return ERR_PTR(err);
	}
	ext4_set_ops(i);
	inode_publish(i);
	return i;
}

/* ---- writing ---- */

static u32 time_extra(struct timestamp t)
{
	return (u32)((t.sec - (s32)t.sec) >> 32 & 3) | t.nsec << 2;
}

static void write_times(const struct ext4_inode *e, struct ext4_raw_inode *r)
{
	const struct inode *i = &e->vfs;

	r->i_atime = (u32)i->atime.sec;
	r->i_mtime = (u32)i->mtime.sec;
	r->i_ctime = (u32)i->ctime.sec;
	if (HAS(e, i_ctime_extra))
		r->i_ctime_extra = time_extra(i->ctime);
	if (HAS(e, i_mtime_extra))
		r->i_mtime_extra = time_extra(i->mtime);
	if (HAS(e, i_atime_extra))
		r->i_atime_extra = time_extra(i->atime);
	if (HAS(e, i_crtime_extra)) {
		r->i_crtime = (u32)i->btime.sec;
		r->i_crtime_extra = time_extra(i->btime);
	}
}

static void write_blocks(const struct ext4 *fs, struct ext4_inode *e, struct ext4_raw_inode *r)
{
	u64 sectors = e->meta_blocks << (fs->block_bits - 9);
	bool huge = sectors >> 48 && fs->sb->s_feature_ro_compat & RO_HUGE_FILE;
	u64 n = huge ? e->meta_blocks : sectors;

	e->flags = huge ? e->flags | FL_HUGE_FILE : e->flags & ~(u32)FL_HUGE_FILE;
	r->i_blocks_lo = (u32)n;
	r->i_blocks_hi = (u16)(n >> 32);
}

/* The fields of @r, of which the first 160 bytes (or 128) are there. */
static void write_fields(struct inode *i, struct ext4_raw_inode *r)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);

	r->i_mode = (u16)i->mode;
	r->i_uid_lo = (u16)i->uid;
	r->i_uid_hi = (u16)(i->uid >> 16);
	r->i_gid_lo = (u16)i->gid;
	r->i_gid_hi = (u16)(i->gid >> 16);
	r->i_links_count = (u16)i->nlink;
	r->i_size_lo = (u32)e->disksize;
	if (S_ISREG(i->mode) || S_ISDIR(i->mode))
		r->i_size_hi = (u32)(e->disksize >> 32);
	write_blocks(fs, e, r);
	r->i_flags = e->flags;
	r->i_generation = i->generation;
	r->i_file_acl_lo = (u32)e->file_acl;
	if (fs->has_64bit)
		r->i_file_acl_hi = (u16)(e->file_acl >> 32);
	r->i_dtime = e->dtime;
	r->i_version_lo = (u32)i->version;
	if (fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE) {
		r->i_extra_isize = e->extra_isize;
		if (HAS(e, i_version_hi))
			r->i_version_hi = (u32)(i->version >> 32);
		if (HAS(e, i_projid))
			r->i_projid = e->projid;
	}
	write_times(e, r);
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode)) {
		u32 major = dev_major(i->rdev), minor = dev_minor(i->rdev);
		bool old = major < 256 && minor < 256;

		memset(e->block, 0, sizeof(e->block));
		put_le32(e->block, old ? major << 8 | minor : 0);
		put_le32(e->block + 4, old ? 0 : (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12);
	}
	memcpy(r->i_block, e->block, sizeof(e->block));
}

/* Whether fdatasync must care about the difference. */
static bool differs_in_data(const struct ext4_raw_inode *a, const struct ext4_raw_inode *b)
{
	return a->i_size_lo != b->i_size_lo || a->i_size_hi != b->i_size_hi || a->i_blocks_lo != b->i_blocks_lo ||
	       memcmp(a->i_block, b->i_block, sizeof(a->i_block));
}

int ext4_inode_dirty(struct handle *h, struct inode *i)
{
	struct ext4 *fs = h->fs;
	struct ext4_inode *e = ext4_i(i);
	struct ext4_raw_inode *r, old;
	struct buf *b = ext4_inode_buf(fs, i->ino, &r);
	const u32 n = MIN((u32)sizeof(old), fs->inode_bytes);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	jh_modify(h, b);
	if (e->itable_new) {
		memset(r, 0, fs->inode_bytes);
		e->itable_new = false;
	}
	memcpy(&old, r, n);
	write_fields(i, r);
	ext4_itable_dirty(b, i->ino);
	atomic_store(&e->sync_tid, h->tid);
	if (differs_in_data(&old, r))
		atomic_store(&e->datasync_tid, h->tid);
	buf_put(b);
	return 0;
}

int ext4_inode_flush(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_raw_inode *r, now;
	const u32 n = MIN((u32)sizeof(now), fs->inode_bytes);
	struct handle h;

	if (fs->read_only || ext4_i(i)->itable_new)
		return 0;
	struct buf *b = ext4_inode_buf(fs, i->ino, &r);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	memcpy(&now, r, n);
	write_fields(i, &now);
	bool same = !memcmp(&now, r, n);

	buf_put(b);
	if (same)
		return 0;
	int err = jh_start(fs, &h, 2);

	if (err)
		return err;
	err = ext4_inode_dirty(&h, i);
	jh_stop(&h);
	return err;
}

/* ---- truncation and the end ---- */

static int remove_blocks(struct handle *h, struct inode *i, u32 first, bool *again)
{
	struct ext4_inode *e = ext4_i(i);
	int err;

	*again = false;
	if (e->flags & FL_INLINE_DATA)
		return 0;
	rwsem_write_lock(&e->map_lock);
	err = ext4_has_extents(e) ? ext_remove(h, i, first, ~0u, again) : ind_truncate(h, i, first, again);
	rwsem_write_unlock(&e->map_lock);
	return err;
}

int ext4_truncate_blocks(struct inode *i, u64 size)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	u32 first = (u32)((size + fs->block_bytes - 1) >> fs->block_bits);
	bool again = true, listed = false;
	struct handle h;
	int err = 0;

	while (again && !err) {
		int e2;

		err = jh_start(fs, &h, TRUNCATE_CREDITS);
		if (err)
			return err;
		e->disksize = size;
		err = remove_blocks(&h, i, first, &again);
		if (again && !listed && !err) {
			err = orphan_add(&h, i);
			listed = true;
		} else if (!again && listed) {
			err = orphan_del(&h, i);
		}
		e2 = ext4_inode_dirty(&h, i);
		jh_stop(&h);
		err = err ? err : e2;
	}
	return err;
}

/* The last handle of a deleted inode: its attributes, its place on the orphan list, its number. */
static int delete_inode(struct handle *h, struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	int err = xattr_free_block(h, i);

	if (!err)
		err = orphan_del(h, i);
	e->dtime = (u32)time_now().sec;
	if (!err)
		err = ext4_inode_dirty(h, i);
	if (!err)
		err = ialloc_free(h, i->ino, S_ISDIR(i->mode));
	return err;
}

static bool has_blocks(const struct inode *i)
{
	return S_ISREG(i->mode) || S_ISDIR(i->mode) || (S_ISLNK(i->mode) && !i->link);
}

static int delete_all(struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	bool again = true;
	struct handle h;
	int err = 0;

	while (again && !err) {
		err = jh_start(ext4_of(i), &h, TRUNCATE_CREDITS);
		if (err)
			return err;
		again = false;
		if (has_blocks(i)) {
			e->disksize = 0;
			err = remove_blocks(&h, i, 0, &again);
		}
		if (again && !err)
			err = ext4_inode_dirty(&h, i);
		else if (!err)
			err = delete_inode(&h, i);
		jh_stop(&h);
	}
	return err;
}

void ext4_evict(struct inode *i)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);

	da_release_from(i, 0);
	if (e->dtime == ~0u)
		return;		/* it was never whole */
	if (i->nlink || fs->read_only) {
		(void)!ext4_inode_flush(i);	/* nobody is left to be told */
	} else if (delete_all(i)) {
		pr_err("ext4 (%s): inode %llu could not be deleted\n", i->super->id, i->ino);
	}
	mutex_lock(&fs->orphan_lock);
	list_del_init(&e->orphan);
	mutex_unlock(&fs->orphan_lock);
}

/* ---- attributes ---- */

int ext4_zero_tail(struct inode *i, u64 size)
{
	struct ext4 *fs = ext4_of(i);
	struct map m;

	if (!(size & (fs->block_bytes - 1)) || ext4_i(i)->flags & FL_INLINE_DATA || size >= inode_size(i))
		return 0;
	int err = ext4_map(i, (u32)(size >> fs->block_bits), 1, &m);

	if (err || m.flags != MAP_MAPPED)
		return err;
	struct page *p = mapping_get(&i->mapping, size >> PAGE_SHIFT, NULL);

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	page_put(p);
	return 0;
}

static int shrink(struct inode *i, u64 size)
{
	struct ext4 *fs = ext4_of(i);
	int err;

	ext4_direct_drain(i);
	err = ext4_zero_tail(i, size);
	if (err)
		return err;
	inode_set_size(i, size);
	mapping_truncate(&i->mapping, size);
	/* old bytes past the end must not come back if it grows after a crash */
	if (size & (fs->block_bytes - 1))
		err = mapping_sync(&i->mapping, size & ~(u64)(PAGE_SIZE - 1), size | (PAGE_SIZE - 1));
	da_release_from(i, (u32)((size + fs->block_bytes - 1) >> fs->block_bits));
	ext4_gate_close(i);
	int err2 = ext4_truncate_blocks(i, size);

	ext4_gate_open(i);
	return err ? err : err2;
}

static int grow(struct inode *i, u64 size)
{
	struct ext4_inode *e = ext4_i(i);
	u64 old = inode_size(i), page_end = (old + PAGE_SIZE - 1) & PAGE_MASK;
	struct handle h;
	int err;

	if (old < page_end && e->mapped)
		mapping_punch(&i->mapping, old, page_end);
	err = jh_start(ext4_of(i), &h, 2);
	if (err)
		return err;
	inode_set_size(i, size);
	e->disksize = size;
	err = ext4_inode_dirty(&h, i);
	jh_stop(&h);
	return err;
}

static bool blocks_past_end(const struct inode *i)
{
	const struct ext4_inode *e = ext4_i(i);

	return !(e->flags & FL_INLINE_DATA) &&
	       (e->meta_blocks + e->da_blocks) << ext4_of(i)->block_bits >= inode_size(i) + ext4_of(i)->block_bytes;
}

int ext4_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	struct handle h;
	int err = 0;

	if (ext4_of(i)->read_only)
		return -EROFS;
	if (sa->valid & SET_SIZE && sa->size != inode_size(i) && ext4_i(i)->flags & FL_INLINE_DATA)
		err = inline_convert_file(i);
	if (err)
		return err;
	if (sa->valid & SET_SIZE && sa->size != inode_size(i))
		err = sa->size < inode_size(i) ? shrink(i, sa->size) : grow(i, sa->size);
	else if (sa->valid & SET_SIZE && S_ISREG(i->mode) && blocks_past_end(i))
		err = shrink(i, sa->size);	/* blocks past the end go (fallocate) */
	if (err)
		return err;
	err = jh_start(ext4_of(i), &h, 2 + XATTR_CREDITS);
	if (err)
		return err;
	inode_setattr_apply(i, sa);
	if (sa->valid & SET_MODE)
		err = acl_chmod(&h, i);
	if (!err)
		err = ext4_inode_dirty(&h, i);
	jh_stop(&h);
	return err;
}

/* Promised blocks; those of the last page past the end of the file are kept for when it grows, and are not the file's. */
static u64 promised_blocks(struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	u64 n = READ_ONCE(e->da_blocks), end = DIV_ROUND_UP(inode_size(i), (u64)ext4_of(i)->block_bytes);
	u32 start, len;

	if (n && end < 1ull << 32 && da_next(e, (u32)end, &start, &len))
		n -= MIN(n, start + (u64)len - MAX((u64)start, end));
	return n;
}

int ext4_getattr(struct dentry *d, struct inode *i, struct attrs *out)
{
	struct ext4_inode *e = ext4_i(i);
	u32 f = e->flags;

	inode_fill_attrs(i, out);
	out->blocks += promised_blocks(i) << (ext4_of(i)->block_bits - 9);
	if (f & FL_INLINE_DATA && !out->blocks)
		out->blocks = (out->size + 511) / 512;
	out->attributes |= (f & FL_NODUMP ? STATX_ATTR_NODUMP : 0) | (f & 4 ? STATX_ATTR_COMPRESSED : 0);
	out->attributes_mask |= STATX_ATTR_NODUMP | STATX_ATTR_COMPRESSED | STATX_ATTR_ENCRYPTED | STATX_ATTR_VERITY;
	if (HAS(e, i_crtime_extra))
		out->mask |= STATX_BTIME;
	return 0;
}
