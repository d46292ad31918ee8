/*
 * Free inodes: which one a new file gets, and giving it back.
 *
 * A file goes into its directory's group; a directory into its parent's group while that has room, one of the top level
 * into the next group that has at least its share of what is free.
 */
#include "fs/ext4/ext4.h"
#include "kern/cred.h"
#include "kern/random.h"
#include "kern/timer.h"

/* Reserve a bit. Return: it, or ~0u: there is none (after all) */
static u32 take_in_group(struct handle *h, u32 g, bool dir)
{
	struct ext4 *fs = h->fs;
	struct group *gr = &fs->group[g];
	struct buf *db;
	struct ext4_group_desc *d = group_desc(fs, g, &db);

	if (!desc_free_inodes(fs, d) || group_load_inodes(fs, g) || group_load_blocks(fs, g))
		return ~0u;
	jh_modify(h, gr->ibitmap);
	jh_modify(h, db);
	spin_lock(&gr->lock);
	u64 *map = (u64 *)gr->ibitmap->data;
	u32 from = MAX(gr->inode_hint, g == 0 ? fs->first_ino - 1 : 0);
	u32 bit = (u32)find_next_zero_bit(map, fs->inodes_per_group, from);
	bool found = bit < fs->inodes_per_group && desc_free_inodes(fs, d);

	if (found) {
		u32 unused = desc_itable_unused(fs, d);

		if (d->bg_flags & BG_INODE_UNINIT && (fs->csum || fs->gdt_csum))
			unused = fs->inodes_per_group;
		bitmap_set_bit(map, bit);
		d->bg_flags &= ~(u16)BG_INODE_UNINIT;
		desc_set_free_inodes(fs, d, desc_free_inodes(fs, d) - 1);
		if (dir)
			desc_set_used_dirs(fs, d, desc_used_dirs(fs, d) + 1);
		if ((fs->csum || fs->gdt_csum) && bit >= fs->inodes_per_group - unused)
			desc_set_itable_unused(fs, d, fs->inodes_per_group - bit - 1);
		gr->inode_hint = bit + 1;
	}
	spin_unlock(&gr->lock);
	if (!found)
		return ~0u;
	/* a group whose inodes are in use has a block bitmap on disk */
	if (d->bg_flags & BG_BLOCK_UNINIT && (fs->csum || fs->gdt_csum)) {
		jh_modify(h, gr->bbitmap);
		d->bg_flags &= ~(u16)BG_BLOCK_UNINIT;
	}
	spin_lock(&fs->count_lock);
	fs->free_inodes--;
	fs->used_dirs += dir;
	spin_unlock(&fs->count_lock);
	return bit;
}

static u32 start_group(struct ext4 *fs, const struct inode *dir, u32 mode)
{
	u32 parent = (u32)((dir->ino - 1) / fs->inodes_per_group);

	if (!S_ISDIR(mode))
		return parent;
	if (dir->ino == EXT4_ROOT_INO || ext4_i(dir)->flags & FL_TOPDIR) {
		s64 share = fs->free_inodes / fs->groups, room = fs->free_memory / fs->groups;

		for (u32 k = 0; k < fs->groups; k++) {
			u32 g = (fs->dir_group + 1 + k) % fs->groups;

			if (desc_free_inodes(fs, group_desc(fs, g, NULL)) >= share && fs->group[g].free >= room) {
				fs->dir_group = g;
				return g;
			}
		}
	}
	return parent;
}

static u64 take_ino(struct handle *h, const struct inode *dir, u32 mode)
{
	struct ext4 *fs = h->fs;
	u32 g0 = start_group(fs, dir, mode);

	for (u32 k = 0; k < fs->groups; k++) {
		u32 g = (g0 + k) % fs->groups, bit = take_in_group(h, g, S_ISDIR(mode));

		if (bit != ~0u)
			return (u64)g * fs->inodes_per_group + bit + 1;
	}
	return 0;
}

static void fill_new(struct ext4 *fs, struct inode *i, struct inode *dir, u32 mode, u64 rdev)
{
	struct ext4_inode *e = ext4_i(i);
	u32 inherit = ext4_i(dir)->flags & FL_INHERITED;
	u32 ino = (u32)i->ino;

	inode_init_owner(i, dir, mode);
	i->generation = (u32)random_u64();
	e->csum_seed = crc32c(crc32c(fs->csum_seed, &ino, 4), &i->generation, 4);
	e->flags = inherit & (u32)(S_ISDIR(mode) ? ~0 : S_ISREG(mode) ? FL_REG_FLMASK : FL_OTHER_FLMASK);
	e->extra_isize = fs->inode_bytes > EXT4_GOOD_OLD_INODE_SIZE ? MAX(fs->sb->s_want_extra_isize, (u16)32) : 0;
	if (e->extra_isize > fs->inode_bytes - EXT4_GOOD_OLD_INODE_SIZE)
		e->extra_isize = 32;
	e->itable_new = true;
	if (fs->sb->s_feature_incompat & INCOMPAT_EXTENTS && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode))) {
		e->flags |= FL_EXTENTS;
		ext_init_root(e);
	}
	if (S_ISCHR(mode) || S_ISBLK(mode))
		i->rdev = rdev;
	e->goal = group_first_block(fs, (u32)((i->ino - 1) / fs->inodes_per_group));
	ext4_set_vfs_flags(i);
}

struct inode *ext4_inode_new(struct handle *h, struct inode *dir, u32 mode, u64 rdev)
{
	struct ext4 *fs = h->fs;

	if (fs->free_inodes <= 0)
		return ERR_PTR(-ENOSPC);
	u64 ino = take_ino(h, dir, mode);

	if (!ino)
		return ERR_PTR(-ENOSPC);
	struct inode *i = inode_find_or_alloc(fs->super, ino);

	if (IS_ERR(i))
		return i;
	if (!(i->state & INODE_NEW)) {
		inode_put(i);
		ext4_error(fs, "inode %llu is free and is in use", ino);
		return ERR_PTR(-EIO);
	}
	i->rdev = rdev;
	fill_new(fs, i, dir, mode, rdev);
	ext4_set_ops(i);
	int err = acl_init(h, i, dir);

	if (!err)
		err = ext4_inode_dirty(h, i);
	if (!err)
		return i;
	/* the number goes back when the inode is evicted */
	i->nlink = 0;
	(void)!ialloc_free(h, ino, S_ISDIR(mode));
	i->state |= INODE_NOCACHE;
	ext4_i(i)->itable_new = true;
	ext4_i(i)->dtime = ~0u;
	inode_fail(i);
	return ERR_PTR(err);
}

int ialloc_free(struct handle *h, u64 ino, bool dir)
{
	struct ext4 *fs = h->fs;
	u32 g = (u32)((ino - 1) / fs->inodes_per_group), bit = (u32)((ino - 1) % fs->inodes_per_group);
	struct group *gr = &fs->group[g];
	struct buf *db;
	struct ext4_group_desc *d = group_desc(fs, g, &db);
	int err = group_load_inodes(fs, g);

	if (err)
		return err;
	jh_modify(h, gr->ibitmap);
	jh_modify(h, db);
	spin_lock(&gr->lock);
	bool used = bitmap_test_bit((u64 *)gr->ibitmap->data, bit);

	if (used) {
		bitmap_clear_bit((u64 *)gr->ibitmap->data, bit);
		desc_set_free_inodes(fs, d, desc_free_inodes(fs, d) + 1);
		if (dir)
			desc_set_used_dirs(fs, d, desc_used_dirs(fs, d) - 1);
		gr->inode_hint = MIN(gr->inode_hint, bit);
	}
	spin_unlock(&gr->lock);
	if (!used)
		return ext4_error(fs, "inode %llu is freed and is free", ino);
	spin_lock(&fs->count_lock);
	fs->free_inodes++;
	fs->used_dirs -= dir;
	spin_unlock(&fs->count_lock);
	return 0;
}
