/*
 * The old block map: 12 direct blocks, then one, two and three levels of blocks full of block numbers.
 *
 * Read, written in place, and freed; nothing is added to one (EOPNOTSUPP): files that Auk makes have extents.
 * Source: Documentation/filesystems/ext4/blockmap.rst.
 */
#include "fs/ext4/ext4.h"

enum { DIRECT = 12, LEVELS = 3 };

struct chain { unsigned depth; u32 at[LEVELS + 1]; };

/* The way to @lblk: at[0] within the inode, the rest within blocks. */
static int chain_of(const struct ext4 *fs, u32 lblk, struct chain *c)
{
	u64 n = lblk, per = fs->block_bytes / 4, span = per;

	if (n < DIRECT) {
		*c = (struct chain){ 0, { (u32)n } };
		return 0;
	}
	n -= DIRECT;
	for (unsigned d = 1; d <= LEVELS; d++, span *= per) {
		if (n >= span) {
			n -= span;
			continue;
		}
		c->depth = d;
		c->at[0] = DIRECT + d - 1;
		for (unsigned k = d; k >= 1; k--) {
			c->at[k] = (u32)(n % per);
			n /= per;
		}
		return 0;
	}
	return -EFBIG;
}

static struct buf *map_block(struct inode *i, u64 block)
{
	struct ext4 *fs = ext4_of(i);

	if (!ext4_data_valid(fs, block, 1))
		return ERR_PTR(ext4_error_inode(i, "the block map names block %llu", block));
	return buf_read(fs, block, BUF_PLAIN);
}

/* How many blocks, from the chain's on, the entry at level @k leads to. */
static u32 blocks_below(const struct ext4 *fs, const struct chain *c, unsigned k)
{
	u64 per = fs->block_bytes / 4, span = 1, before = 0;

	for (unsigned j = c->depth; j > k; j--, span *= per)
		before += c->at[j] * span;
	return (u32)MIN(span - before, 0xffffffffull);
}

int ind_map(struct inode *i, u32 lblk, u32 max, struct map *out)
{
	struct ext4 *fs = ext4_of(i);
	struct chain c;
	int err = chain_of(fs, lblk, &c);
	u64 block;

	*out = (struct map){ .lblk = lblk, .len = max };
	if (err == -EFBIG)
		return 0;
	block = get_le32(ext4_i(i)->block + 4 * c.at[0]);
	const u32 per = fs->block_bytes / 4;

	out->len = 1;
	for (unsigned k = 1; k <= c.depth; k++) {
		if (!block) {
			out->len = MIN(max, blocks_below(fs, &c, k - 1));
			return 0;
		}
		struct buf *b = map_block(i, block);

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		block = get_le32(b->data + 4 * c.at[k]);
		u32 n = 1;

		while (k == c.depth && n < max && c.at[k] + n < per && get_le32(b->data + 4 * (c.at[k] + n)) == (block ? block + n : 0))
			n++;
		out->len = n;
		buf_put(b);
	}
	if (!block)
		return 0;
	if (!ext4_data_valid(fs, block, out->len))
		return ext4_error_inode(i, "the block map names block %llu", block);
	out->pblk = block;
	out->flags = MAP_MAPPED;
	return 0;
}

static int free_one(struct handle *h, struct inode *i, u64 block, bool meta)
{
	int err = balloc_free(h, i, block, 1, meta || !S_ISREG(i->mode));

	if (!err && ext4_i(i)->meta_blocks)
		ext4_i(i)->meta_blocks--;
	i->blocks = ext4_i(i)->meta_blocks << (ext4_of(i)->block_bits - 9);
	return err;
}

/* Free what lies below @block, of height @depth, from its entry for logical block @from on; @base is where it begins. */
static int free_tree(struct handle *h, struct inode *i, u64 block, unsigned depth, u64 base, u64 from, u32 *budget, bool *kept)
{
	struct ext4 *fs = ext4_of(i);
	u64 per = fs->block_bytes / 4, span = 1;
	struct buf *b = map_block(i, block);
	int err = 0;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	for (unsigned d = 1; d < depth; d++)
		span *= per;
	jh_modify(h, b);
	*kept = false;
	for (s64 k = (s64)per - 1; k >= 0 && !err; k--) {
		u32 child = get_le32(b->data + 4 * k);
		u64 at = base + (u64)k * span;
		bool child_kept = false;

		if (!child)
			continue;
		if (at + span <= from || !*budget) {
			*kept = true;
			continue;
		}
		if (depth > 1)
			err = free_tree(h, i, child, depth - 1, at, from, budget, &child_kept);
		if (!err && !child_kept) {
			err = free_one(h, i, child, depth > 1);
			put_le32(b->data + 4 * k, 0);
			--*budget;
		}
		*kept |= child_kept;
	}
	buf_put(b);
	return err;
}

int ind_truncate(struct handle *h, struct inode *i, u32 from, bool *again)
{
	struct ext4 *fs = ext4_of(i);
	u64 per = fs->block_bytes / 4, span = per, base = DIRECT;
	u32 budget = h->credits / 4;
	u8 *map = ext4_i(i)->block;
	int err = 0;

	for (u32 k = DIRECT; k-- > from && !err;) {
		u32 block = get_le32(map + 4 * k);

		if (block)
			err = free_one(h, i, block, false);
		put_le32(map + 4 * k, 0);
	}
	for (unsigned d = 1; d <= LEVELS && !err; d++) {
		u32 block = get_le32(map + 4 * (DIRECT + d - 1));
		bool kept = false;

		if (block && base + span > from && budget) {
			err = free_tree(h, i, block, d, base, from, &budget, &kept);
			if (!err && !kept) {
				err = free_one(h, i, block, true);
				put_le32(map + 4 * (DIRECT + d - 1), 0);
			}
		}
		base += span;
		span *= per;
	}
	map_cache_drop(ext4_i(i));
	*again = !budget;
	return err;
}
