/*
 * Free blocks.
 *
 * Allocation has two steps: balloc_pick takes blocks out of the groups' busy maps, in memory alone; balloc_mark makes
 * them used on disk, in a handle.  Between the two, data are written to them; a crash in between loses nothing.
 * Freeing is the reverse with the commit in between (jh_free_blocks).
 *
 * A group remembers below which bit nothing is free, and an upper bound of its longest run: so full or shredded groups are passed
 * over without a look at their maps.
 */
#include <linux/capability.h>
#include "fs/ext4/ext4.h"
#include "kern/cred.h"
#include "kern/sched.h"

static void count_memory(struct ext4 *fs, s64 n)
{
	spin_lock(&fs->count_lock);
	fs->free_memory += n;
	spin_unlock(&fs->count_lock);
}

/* ---- picking ---- */

struct pick { u32 bit, len; };

/* The best run for @want within [from, to): the first that is long enough, else the longest. group->lock held */
static bool best_run(const struct group *gr, u32 from, u32 to, u32 want, struct pick *best)
{
	while (from < to) {
		u32 start = (u32)find_next_zero_bit(gr->busy, to, from);

		if (start >= to)
			break;
		u32 end = (u32)find_next_bit(gr->busy, MIN(to, start + want), start);

		if (end - start >= want) {
			*best = (struct pick){ start, want };
			return true;
		}
		if (end - start > best->len)
			*best = (struct pick){ start, end - start };
		from = end + 1;
	}
	return false;
}

/* Take up to @want blocks at or after @goal_bit. @least: no shorter run will do. Return: how many, *bit the first */
static u32 pick_in_group(struct ext4 *fs, u32 g, u32 goal_bit, u32 want, u32 least, u32 *bit)
{
	struct group *gr = &fs->group[g];
	u32 n = group_blocks(fs, g);
	struct pick best = { 0, 0 };

	spin_lock(&gr->lock);
	if (!gr->free || gr->run_max < least)
		goto out;
	if (goal_bit < n && !bitmap_test_bit(gr->busy, goal_bit)) {
		u32 end = (u32)find_next_bit(gr->busy, MIN(n, goal_bit + want), goal_bit);

		best = (struct pick){ goal_bit, end - goal_bit };
		if (best.len >= least)
			goto take;
		best.len = 0;
	}
	u32 from = MAX(gr->hint, goal_bit < n ? goal_bit : 0);

	if (!best_run(gr, from, n, want, &best)) {
		if (from > gr->hint && !best_run(gr, gr->hint, from, want, &best))
			gr->run_max = MIN(gr->run_max, MAX(best.len, want - 1));
		else if (from == gr->hint)
			gr->run_max = best.len;
	}
	if (best.len < MAX(least, 1u))
		goto out;
take:
	bitmap_set(gr->busy, best.bit, best.len);
	gr->free -= best.len;
	if (best.bit == gr->hint)
		gr->hint = best.bit + best.len;
	spin_unlock(&gr->lock);
	count_memory(fs, -(s64)best.len);
	*bit = best.bit;
	return best.len;
out:
	spin_unlock(&gr->lock);
	return 0;
}

s64 balloc_available(struct ext4 *fs)
{
	s64 n = READ_ONCE(fs->free_memory) - READ_ONCE(fs->reserved) - fs->margin;
	const struct cred *c = current_cred();
	bool root = c->fsuid == fs->opt.resuid || capable(CAP_SYS_RESOURCE) || (fs->opt.resgid && cred_in_group(c, fs->opt.resgid));

	return root ? n : n - fs->root_blocks;
}

int balloc_pick(struct ext4 *fs, u64 goal, u32 want, bool use_margin, u64 *block, u32 *got)
{
	if (!ext4_block_valid(fs, goal, 1))
		goal = fs->first_data_block;
	u32 g0 = block_group(fs, goal), bit, n;
	u32 goal_bit = (u32)(goal - group_first_block(fs, g0));

	if (!use_margin) {
		s64 avail = balloc_available(fs);

		if (avail <= 0)
			return -ENOSPC;
		want = (u32)MIN((s64)want, avail);
	}
	want = MIN(want, fs->blocks_per_group);
	for (u32 least = want;; least = least > 16 ? least / 8 : 1) {
		for (u32 k = 0; k < fs->groups; k++) {
			u32 g = g0 + k < fs->groups ? g0 + k : g0 + k - fs->groups;
			struct group *gr = &fs->group[g];

			if (READ_ONCE(gr->free) < least || READ_ONCE(gr->run_max) < least || gr->bad)
				continue;
			if (!READ_ONCE(gr->busy) && group_load_blocks(fs, g))
				continue;
			n = pick_in_group(fs, g, k ? ~0u : goal_bit, want, least, &bit);
			if (n) {
				*block = group_first_block(fs, g) + bit;
				*got = n;
				return 0;
			}
			cond_resched();
		}
		if (least <= 1)
			return -ENOSPC;
	}
}

void balloc_unpick(struct ext4 *fs, u64 block, u32 n)
{
	u32 g = block_group(fs, block), bit = (u32)(block - group_first_block(fs, g));
	struct group *gr = &fs->group[g];

	if (!gr->busy)
		return;
	spin_lock(&gr->lock);
	bitmap_clear(gr->busy, bit, n);
	gr->free += n;
	gr->hint = MIN(gr->hint, bit);
	gr->run_max = fs->blocks_per_group;
	spin_unlock(&gr->lock);
	count_memory(fs, n);
}

/* ---- on disk ---- */

/* Change @n bits of a group's bitmap, all of which are as they should be. Return: whether they were */
static bool change_bits(struct handle *h, u32 g, u32 bit, u32 n, bool used)
{
	struct ext4 *fs = h->fs;
	struct group *gr = &fs->group[g];
	struct buf *db;
	struct ext4_group_desc *d = group_desc(fs, g, &db);
	u64 *map = (u64 *)gr->bbitmap->data;

	jh_modify(h, gr->bbitmap);
	jh_modify(h, db);
	spin_lock(&gr->lock);
	bool ok = used ? find_next_bit(map, bit + n, bit) >= bit + n : find_next_zero_bit(map, bit + n, bit) >= bit + n;

	if (ok) {
		if (used)
			bitmap_set(map, bit, n);
		else
			bitmap_clear(map, bit, n);
		d->bg_flags &= ~(u16)BG_BLOCK_UNINIT;
		desc_set_free_blocks(fs, d, used ? desc_free_blocks(fs, d) - n : desc_free_blocks(fs, d) + n);
	}
	spin_unlock(&gr->lock);
	if (ok) {
		spin_lock(&fs->count_lock);
		fs->free_blocks += used ? -(s64)n : n;
		spin_unlock(&fs->count_lock);
	}
	return ok;
}

int balloc_mark(struct handle *h, u64 block, u32 n)
{
	u32 g = block_group(h->fs, block);

	if (!change_bits(h, g, (u32)(block - group_first_block(h->fs, g)), n, true))
		return ext4_error(h->fs, "blocks %llu+%u were free and are in use", block, n);
	return 0;
}

void balloc_unmark(struct handle *h, u64 block, u32 n)
{
	u32 g = block_group(h->fs, block);

	if (!change_bits(h, g, (u32)(block - group_first_block(h->fs, g)), n, false))
		(void)!ext4_error(h->fs, "blocks %llu+%u were in use and are free", block, n);
}

int balloc_free(struct handle *h, struct inode *i, u64 block, u32 n, bool meta)
{
	struct ext4 *fs = h->fs;

	if (!ext4_data_valid(fs, block, n))
		return ext4_error_inode(i, "frees blocks %llu+%u, which no file can have", block, n);
	while (n) {
		u32 g = block_group(fs, block), bit = (u32)(block - group_first_block(fs, g));
		u32 part = MIN(n, group_blocks(fs, g) - bit);
		int err = group_load_blocks(fs, g);

		if (err)
			return err;
		if (!change_bits(h, g, bit, part, false))
			return ext4_error_inode(i, "frees blocks %llu+%u, some of which are free", block, part);
		for (u32 k = 0; meta && k < part; k++)
			jh_forget(h, block + k);
		jh_free_blocks(h, block, part);
		block += part;
		n -= part;
	}
	return 0;
}

struct buf *balloc_meta(struct handle *h, struct inode *i, u64 goal, enum buf_kind kind)
{
	struct ext4 *fs = h->fs;
	u64 block;
	u32 got;
	int err = balloc_pick(fs, goal, 1, true, &block, &got);

	if (err)
		return ERR_PTR(err);
	struct buf *b = buf_get(fs, block);

	if (IS_ERR(b)) {
		balloc_unpick(fs, block, 1);
		return b;
	}
	err = balloc_mark(h, block, 1);
	if (err) {
		balloc_unpick(fs, block, 1);
		buf_put(b);
		return ERR_PTR(err);
	}
	jh_modify(h, b);
	memset(b->data, 0, fs->block_bytes);
	b->kind = kind;
	b->seed = i ? ext4_i(i)->csum_seed : 0;
	__atomic_fetch_or(&b->flags, BUF_UPTODATE | BUF_VERIFIED, __ATOMIC_RELEASE);
	return b;
}

/* ---- promises ---- */

bool balloc_reserve(struct ext4 *fs, u32 n)
{
	bool ok = balloc_available(fs) >= (s64)n;

	if (!ok)
		return false;
	spin_lock(&fs->count_lock);
	fs->reserved += n;
	spin_unlock(&fs->count_lock);
	return true;
}

void balloc_unreserve(struct ext4 *fs, u32 n)
{
	spin_lock(&fs->count_lock);
	fs->reserved -= n;
	spin_unlock(&fs->count_lock);
}

/* ---- FITRIM ---- */

static int trim_run(struct ext4 *fs, u32 g, u32 bit, u32 n, u64 *trimmed)
{
	int err = block_range_op(fs->bdev, BIO_DISCARD, (group_first_block(fs, g) + bit) * fs->sectors_per_block,
				 (u64)n * fs->sectors_per_block);

	if (!err)
		*trimmed += n;
	balloc_unpick(fs, group_first_block(fs, g) + bit, n);
	return err;
}

/* Free runs of the group are taken out of it while they are discarded. */
static int trim_group(struct ext4 *fs, u32 g, u32 from, u32 to, u32 least, u64 *trimmed)
{
	struct group *gr = &fs->group[g];
	int err = group_load_blocks(fs, g);

	while (!err && from < to) {
		spin_lock(&gr->lock);
		u32 start = (u32)find_next_zero_bit(gr->busy, to, from), end = (u32)find_next_bit(gr->busy, to, start);
		bool take = start < to && end - start >= least;

		if (take) {
			bitmap_set(gr->busy, start, end - start);
			gr->free -= end - start;
		}
		spin_unlock(&gr->lock);
		if (take) {
			count_memory(fs, -(s64)(end - start));
			err = trim_run(fs, g, start, end - start, trimmed);
		}
		from = end + 1;
		cond_resched();
	}
	return err;
}

int balloc_trim(struct ext4 *fs, u64 start, u64 len, u64 minlen, u64 *trimmed)
{
	u64 end = len > fs->blocks - MIN(start, fs->blocks) ? fs->blocks : start + len;
	int err = 0;

	start = MAX(start, (u64)fs->first_data_block);
	for (u64 at = start; at < end && !err;) {
		u32 g = block_group(fs, at);
		u64 first = group_first_block(fs, g), stop = MIN(end, first + group_blocks(fs, g));

		err = trim_group(fs, g, (u32)(at - first), (u32)(stop - first), (u32)MAX(minlen, 1ull), trimmed);
		if (fatal_signal_pending())
			err = -EINTR;
		at = stop;
	}
	return err;
}
