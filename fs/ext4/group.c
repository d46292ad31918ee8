/*
 * Block groups: descriptors, bitmaps, their checksums, and the zone of blocks that no file may name.
 *
 * A group's bitmaps are read when they are first needed and then stay.  `busy` is the allocator's own copy of the block
 * bitmap, in which more is set than on disk (ext4.h).
 */
#include "fs/ext4/ext4.h"
#include "base/sort.h"

/* ---- fields ---- */

static bool wide(const struct ext4 *fs)
{
	return fs->desc_bytes >= EXT4_DESC_64;
}

#define FIELD64(name, lo, hi)								\
u64 desc_##name(const struct ext4 *fs, const struct ext4_group_desc *d)		\
{											\
	return ext4_join(d->lo, wide(fs) ? d->hi : 0);					\
}
FIELD64(block_bitmap, bg_block_bitmap_lo, bg_block_bitmap_hi)
FIELD64(inode_bitmap, bg_inode_bitmap_lo, bg_inode_bitmap_hi)
FIELD64(inode_table, bg_inode_table_lo, bg_inode_table_hi)

#define FIELD32(name, lo, hi)								\
u32 desc_##name(const struct ext4 *fs, const struct ext4_group_desc *d)		\
{											\
	return d->lo | (wide(fs) ? (u32)d->hi << 16 : 0);				\
}											\
void desc_set_##name(const struct ext4 *fs, struct ext4_group_desc *d, u32 v)		\
{											\
	d->lo = (u16)v;									\
	if (wide(fs))									\
		d->hi = (u16)(v >> 16);							\
}
FIELD32(free_blocks, bg_free_blocks_count_lo, bg_free_blocks_count_hi)
FIELD32(free_inodes, bg_free_inodes_count_lo, bg_free_inodes_count_hi)
FIELD32(used_dirs, bg_used_dirs_count_lo, bg_used_dirs_count_hi)
FIELD32(itable_unused, bg_itable_unused_lo, bg_itable_unused_hi)

struct ext4_group_desc *group_desc(struct ext4 *fs, u32 g, struct buf **b)
{
	struct buf *d = fs->desc[g / fs->descs_per_block];

	if (b)
		*b = d;
	return (void *)(d->data + (g % fs->descs_per_block) * fs->desc_bytes);
}

/* ---- geometry ---- */

static bool power_of(u32 g, u32 base)
{
	while (g > 1 && g % base == 0)
		g /= base;
	return g == 1;
}

bool group_has_super(const struct ext4 *fs, u32 g)
{
	if (g == 0)
		return true;
	if (fs->sb->s_feature_compat & COMPAT_SPARSE_SUPER2)
		return g == fs->sb->s_backup_bgs[0] || g == fs->sb->s_backup_bgs[1];
	if (!(fs->sb->s_feature_ro_compat & RO_SPARSE_SUPER) || g == 1)
		return true;
	return g & 1 && (power_of(g, 3) || power_of(g, 5) || power_of(g, 7));
}

u32 group_blocks(const struct ext4 *fs, u32 g)
{
	return g + 1 == fs->groups ? (u32)(fs->blocks - group_first_block(fs, g)) : fs->blocks_per_group;
}

/* Blocks at the start of the group taken by superblock, descriptors and what is kept for more of them. */
static u32 group_base_blocks(const struct ext4 *fs, u32 g)
{
	u32 super = group_has_super(fs, g), per_meta = fs->descs_per_block;
	bool meta = fs->sb->s_feature_incompat & INCOMPAT_META_BG;

	if (!meta || g / per_meta < fs->sb->s_first_meta_bg) {
		u32 n = meta ? fs->sb->s_first_meta_bg : fs->desc_blocks;

		return super ? 1 + n + fs->sb->s_reserved_gdt_blocks : 0;
	}
	u32 in = g % per_meta;

	return super + (in == 0 || in == 1 || in == per_meta - 1);
}

static u64 desc_block_at(const struct ext4 *fs, u32 i)
{
	if (!(fs->sb->s_feature_incompat & INCOMPAT_META_BG) || i < fs->sb->s_first_meta_bg)
		return fs->sb_buf->block + 1 + i;
	u32 g = i * fs->descs_per_block;

	return group_first_block(fs, g) + group_has_super(fs, g);
}

/* ---- checksums ---- */

static u16 crc16(u16 crc, const u8 *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (unsigned i = 0; i < 8; i++)
			crc = (u16)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

static u16 desc_csum(const struct ext4 *fs, u32 g, const struct ext4_group_desc *d)
{
	const u32 at = offsetof(struct ext4_group_desc, bg_checksum);

	if (fs->csum) {
		const u16 zero = 0;
		u32 c = crc32c(fs->csum_seed, &g, 4);

		c = crc32c(c, d, at);
		c = crc32c(c, &zero, 2);
		return (u16)crc32c(c, (const u8 *)d + at + 2, fs->desc_bytes - at - 2);
	}
	if (!fs->gdt_csum)
		return 0;
	u16 c = crc16(0xffff, fs->sb->s_uuid, 16);

	c = crc16(c, (const u8 *)&g, 4);
	c = crc16(c, (const u8 *)d, at);
	if (fs->has_64bit && fs->desc_bytes > at + 2)
		c = crc16(c, (const u8 *)d + at + 2, fs->desc_bytes - at - 2);
	return c;
}

static u32 bitmap_csum(const struct ext4 *fs, const u8 *data, u32 bits)
{
	return crc32c(fs->csum_seed, data, bits / 8);
}

void group_csum_commit(struct buf *b)
{
	struct ext4 *fs = b->fs;
	struct ext4_group_desc *d = group_desc(fs, b->group, NULL);

	if (!fs->csum)
		return;
	u32 c = bitmap_csum(fs, b->data, b->kind == BUF_BBITMAP ? fs->blocks_per_group : fs->inodes_per_group);

	if (b->kind == BUF_BBITMAP) {
		d->bg_block_bitmap_csum_lo = (u16)c;
		if (wide(fs))
			d->bg_block_bitmap_csum_hi = (u16)(c >> 16);
	} else {
		d->bg_inode_bitmap_csum_lo = (u16)c;
		if (wide(fs))
			d->bg_inode_bitmap_csum_hi = (u16)(c >> 16);
	}
}

void group_desc_csum_commit(struct buf *b)
{
	struct ext4 *fs = b->fs;
	u32 i = 0;

	if (!fs->csum && !fs->gdt_csum)
		return;
	while (fs->desc[i] != b)
		i++;
	for (u32 g = i * fs->descs_per_block; g < fs->groups && g < (i + 1) * fs->descs_per_block; g++) {
		struct ext4_group_desc *d = group_desc(fs, g, NULL);

		d->bg_checksum = desc_csum(fs, g, d);
	}
}

static bool csum_differs(const struct ext4 *fs, u32 c, u16 lo, u16 hi)
{
	return fs->csum && (wide(fs) ? c != ((u32)hi << 16 | lo) : (u16)c != lo);
}

/* ---- bitmaps ---- */

static void set_range(struct ext4 *fs, u32 g, u64 *map, u64 block, u64 n)
{
	u64 first = group_first_block(fs, g), end = first + group_blocks(fs, g);
	u64 from = MAX(block, first), to = MIN(block + n, end);

	if (from < to)
		bitmap_set(map, from - first, to - from);
}

/* The bitmap of a group that was never used. */
static void init_block_bitmap(struct ext4 *fs, u32 g, const struct ext4_group_desc *d, u64 *map)
{
	u32 n = group_blocks(fs, g);

	memset(map, 0, fs->block_bytes);
	set_range(fs, g, map, group_first_block(fs, g), group_base_blocks(fs, g));
	set_range(fs, g, map, desc_block_bitmap(fs, d), 1);
	set_range(fs, g, map, desc_inode_bitmap(fs, d), 1);
	set_range(fs, g, map, desc_inode_table(fs, d), fs->itable_blocks);
	bitmap_set(map, n, fs->block_bytes * 8 - n);
}

/* What lies in the group of its own metadata must be marked used. */
static bool block_bitmap_sane(struct ext4 *fs, u32 g, const struct ext4_group_desc *d, const u64 *map)
{
	u64 first = group_first_block(fs, g), n = group_blocks(fs, g);
	u64 at[2] = { desc_block_bitmap(fs, d), desc_inode_bitmap(fs, d) }, table = desc_inode_table(fs, d);

	for (unsigned i = 0; i < 2; i++)
		if (at[i] >= first && at[i] - first < n && !bitmap_test_bit(map, at[i] - first))
			return false;
	if (table < first || table - first >= n)
		return true;
	u64 end = MIN(table - first + fs->itable_blocks, n);

	return find_next_zero_bit(map, end, table - first) >= end;
}

static struct buf *read_bitmap(struct ext4 *fs, u32 g, u64 block, enum buf_kind kind, bool uninit)
{
	struct buf *b = uninit ? buf_get(fs, block) : buf_read(fs, block, kind);

	if (IS_ERR(b))
		return b;
	b->kind = kind;
	b->group = g;
	return b;
}

static int bitmap_bad(struct ext4 *fs, u32 g, struct buf *b, const char *what)
{
	buf_put(b);
	fs->group[g].bad = true;
	ext4_error(fs, "group %u: the %s", g, what);
	return -EFSBADCRC;
}

int group_load_blocks(struct ext4 *fs, u32 g)
{
	struct group *gr = &fs->group[g];
	struct ext4_group_desc *d = group_desc(fs, g, NULL);
	bool uninit = d->bg_flags & BG_BLOCK_UNINIT && (fs->csum || fs->gdt_csum);
	u64 *busy;

	if (READ_ONCE(gr->busy))
		return gr->bad ? -EFSCORRUPTED : 0;
	if (gr->bad)
		return -EFSCORRUPTED;
	struct buf *b = read_bitmap(fs, g, desc_block_bitmap(fs, d), BUF_BBITMAP, uninit);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	busy = kmalloc(fs->block_bytes, ALLOC_NOFS);
	if (!busy) {
		buf_put(b);
		return -ENOMEM;
	}
	spin_lock(&gr->lock);
	if (gr->busy) {
		spin_unlock(&gr->lock);
		kfree(busy);
		buf_put(b);
		return 0;
	}
	if (uninit) {
		init_block_bitmap(fs, g, d, (u64 *)b->data);
		b->flags |= BUF_UPTODATE;
	}
	u32 n = group_blocks(fs, g);
	bool bad_csum = !uninit && csum_differs(fs, bitmap_csum(fs, b->data, fs->blocks_per_group),
						d->bg_block_bitmap_csum_lo, d->bg_block_bitmap_csum_hi);
	bool sane = block_bitmap_sane(fs, g, d, (u64 *)b->data);

	memcpy(busy, b->data, fs->block_bytes);
	bitmap_set(busy, n, fs->block_bytes * 8 - n);
	u32 free = n - (u32)bitmap_weight(busy, n);

	if (!bad_csum && sane && free == desc_free_blocks(fs, d)) {
		gr->free = free;
		gr->hint = 0;
		gr->run_max = n;
		gr->bbitmap = b;
		WRITE_ONCE(gr->busy, busy);
		spin_unlock(&gr->lock);
		return 0;
	}
	spin_unlock(&gr->lock);
	kfree(busy);
	spin_lock(&fs->count_lock);
	fs->free_memory -= gr->free;
	spin_unlock(&fs->count_lock);
	gr->free = 0;
	return bitmap_bad(fs, g, b, bad_csum ? "block bitmap's checksum is wrong" : !sane ? "block bitmap has its own metadata free" :
			  "block bitmap and the descriptor count differently");
}

int group_load_inodes(struct ext4 *fs, u32 g)
{
	struct group *gr = &fs->group[g];
	struct ext4_group_desc *d = group_desc(fs, g, NULL);
	bool uninit = d->bg_flags & BG_INODE_UNINIT && (fs->csum || fs->gdt_csum);

	if (READ_ONCE(gr->ibitmap))
		return 0;
	struct buf *b = read_bitmap(fs, g, desc_inode_bitmap(fs, d), BUF_IBITMAP, uninit);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	spin_lock(&gr->lock);
	if (gr->ibitmap) {
		spin_unlock(&gr->lock);
		buf_put(b);
		return 0;
	}
	bool bad = !uninit && csum_differs(fs, bitmap_csum(fs, b->data, fs->inodes_per_group),
					   d->bg_inode_bitmap_csum_lo, d->bg_inode_bitmap_csum_hi);

	if (uninit) {
		memset(b->data, 0, fs->block_bytes);
		bitmap_set((u64 *)b->data, fs->inodes_per_group, fs->block_bytes * 8 - fs->inodes_per_group);
		b->flags |= BUF_UPTODATE;
	}
	if (!bad)
		gr->ibitmap = b;
	spin_unlock(&gr->lock);
	return bad ? bitmap_bad(fs, g, b, "inode bitmap's checksum is wrong") : 0;
}

/* ---- the system zone ---- */

static bool desc_sane(struct ext4 *fs, u32 g, const struct ext4_group_desc *d)
{
	u64 at[2] = { desc_block_bitmap(fs, d), desc_inode_bitmap(fs, d) }, table = desc_inode_table(fs, d);
	u64 first = fs->flex ? fs->first_data_block : group_first_block(fs, g);
	u64 end = fs->flex ? fs->blocks : first + group_blocks(fs, g);

	for (unsigned i = 0; i < 2; i++)
		if (at[i] <= fs->sb_buf->block || at[i] < first || at[i] >= end)
			return false;
	if (table <= fs->sb_buf->block || table < first || table >= end || fs->itable_blocks > end - table)
		return false;
	return desc_free_blocks(fs, d) <= group_blocks(fs, g) && desc_free_inodes(fs, d) <= fs->inodes_per_group &&
	       desc_itable_unused(fs, d) <= fs->inodes_per_group;
}

static int check_desc(struct ext4 *fs, u32 g)
{
	struct ext4_group_desc *d = group_desc(fs, g, NULL);

	if ((fs->csum || fs->gdt_csum) && d->bg_checksum != desc_csum(fs, g, d)) {
		ext4_error(fs, "group %u: the descriptor's checksum is wrong", g);
		return -EFSBADCRC;
	}
	if (!desc_sane(fs, g, d))
		return ext4_error(fs, "group %u: the descriptor names blocks outside (bitmaps %llu, %llu, inodes %llu)", g,
				  desc_block_bitmap(fs, d), desc_inode_bitmap(fs, d), desc_inode_table(fs, d));
	return 0;
}

static void count_group(struct ext4 *fs, u32 g)
{
	struct ext4_group_desc *d = group_desc(fs, g, NULL);
	struct group *gr = &fs->group[g];

	spin_init(&gr->lock, RANK_FS_SPIN);
	gr->free = gr->run_max = desc_free_blocks(fs, d);
	fs->free_blocks += gr->free;
	fs->free_memory += gr->free;
	fs->free_inodes += desc_free_inodes(fs, d);
	fs->used_dirs += desc_used_dirs(fs, d);
}

int groups_load(struct ext4 *fs)
{
	int err = 0;

	fs->free_blocks = fs->free_memory = fs->free_inodes = 0;
	fs->used_dirs = 0;
	for (u32 i = 0; i < fs->desc_blocks; i++) {
		struct buf *b = buf_read(fs, desc_block_at(fs, i), BUF_DESC);

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		fs->desc[i] = b;
	}
	for (u32 g = 0; g < fs->groups && !err; g++) {
		err = check_desc(fs, g);
		if (!err)
			count_group(fs, g);
	}
	return err;
}

void groups_free(struct ext4 *fs)
{
	for (u32 g = 0; fs->group && g < fs->groups; g++) {
		buf_put(fs->group[g].bbitmap);
		buf_put(fs->group[g].ibitmap);
		kfree(fs->group[g].busy);
	}
	for (u32 i = 0; fs->desc && i < fs->desc_blocks; i++)
		buf_put(fs->desc[i]);
	kvfree(fs->desc);
	kvfree(fs->group);
	kvfree(fs->zone);
	fs->desc = NULL;
	fs->group = NULL;
	fs->zone = NULL;
	fs->zone_count = 0;
}

bool ext4_block_valid(const struct ext4 *fs, u64 block, u64 n)
{
	return block >= fs->first_data_block && block < fs->blocks && n <= fs->blocks - block;
}

struct span { u64 start, end; };

static int compare_span(const void *a, const void *b, void *ctx)
{
	u64 x = ((const struct span *)a)->start, y = ((const struct span *)b)->start;

	return x < y ? -1 : x > y;
}

int zone_build(struct ext4 *fs)
{
	u32 max = 4 * fs->groups, n = 0, out = 0;
	struct span *s = kvmalloc(max * sizeof(*s), ALLOC_KERNEL);

	if (!s)
		return -ENOMEM;
	for (u32 g = 0; g < fs->groups; g++) {
		struct ext4_group_desc *d = group_desc(fs, g, NULL);
		u32 base = group_base_blocks(fs, g);
		/* what is kept for descriptors belongs to the resize inode: a file, and no part of the zone */
		u32 kept = base > 1 + fs->sb->s_reserved_gdt_blocks ? fs->sb->s_reserved_gdt_blocks : 0;
		u64 at = group_first_block(fs, g);

		if (base)
			s[n++] = (struct span){ at, at + base - kept };
		s[n++] = (struct span){ desc_block_bitmap(fs, d), desc_block_bitmap(fs, d) + 1 };
		s[n++] = (struct span){ desc_inode_bitmap(fs, d), desc_inode_bitmap(fs, d) + 1 };
		s[n++] = (struct span){ desc_inode_table(fs, d), desc_inode_table(fs, d) + fs->itable_blocks };
	}
	sort(s, n, sizeof(*s), compare_span, NULL);
	for (u32 i = 1; i < n; i++) {
		if (s[i].start <= s[out].end)
			s[out].end = MAX(s[out].end, s[i].end);
		else
			s[++out] = s[i];
	}
	fs->zone = s;
	fs->zone_count = n ? out + 1 : 0;
	return 0;
}

bool ext4_data_valid(const struct ext4 *fs, u64 block, u64 n)
{
	const struct span *s = fs->zone;
	u32 lo = 0, hi = fs->zone_count;

	if (!n || !ext4_block_valid(fs, block, n) || block == 0)
		return false;
	while (lo < hi) {	/* the first span that ends after block */
		u32 mid = (lo + hi) / 2;

		if (s[mid].end > block)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo == fs->zone_count || s[lo].start >= block + n;
}
