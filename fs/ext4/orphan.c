/*
 * The orphan list: inodes that a crash would leave half deleted or half truncated.
 *
 * The superblock names the youngest, each inode's i_dtime the next older one.  A file is entered in the handle that takes
 * its last name, and leaves in the one that frees its number; a truncation that takes several handles is entered too.  At
 * mount, what has no name is deleted, what has one is truncated to its size.
 */
#include "fs/ext4/ext4.h"
#include "kern/printk.h"

static void set_head(struct handle *h, u32 ino)
{
	jh_modify(h, h->fs->sb_buf);
	h->fs->sb->s_last_orphan = ino;
}

int orphan_add(struct handle *h, struct inode *i)
{
	struct ext4 *fs = h->fs;
	struct ext4_inode *e = ext4_i(i);
	int err = 0;

	mutex_lock(&fs->orphan_lock);
	if (list_empty(&e->orphan)) {
		e->dtime = fs->sb->s_last_orphan;
		list_add(&e->orphan, &fs->orphans);
		set_head(h, (u32)i->ino);
		err = ext4_inode_dirty(h, i);
	}
	mutex_unlock(&fs->orphan_lock);
	return err;
}

int orphan_del(struct handle *h, struct inode *i)
{
	struct ext4 *fs = h->fs;
	struct ext4_inode *e = ext4_i(i);
	int err = 0;

	mutex_lock(&fs->orphan_lock);
	if (!list_empty(&e->orphan)) {
		if (e->orphan.prev == &fs->orphans) {
			set_head(h, e->dtime);
		} else {
			struct ext4_inode *younger = list_prev_entry(e, orphan);

			younger->dtime = e->dtime;
			err = ext4_inode_dirty(h, &younger->vfs);
		}
		list_del_init(&e->orphan);
		e->dtime = 0;
	}
	mutex_unlock(&fs->orphan_lock);
	return err;
}

/* One of the disk's list: entered in ours, and brought to its end. */
static int clean_one(struct ext4 *fs, struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);

	if (list_empty(&e->orphan))	/* it is there if it stayed open over a time of read-only */
		list_add(&e->orphan, &fs->orphans);
	if (!i->nlink)
		return 0;	/* deleted by its last put */
	int err = S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode) ? ext4_truncate_blocks(i, e->disksize) : 0;
	struct handle h;

	if (err)
		return err;
	err = jh_start(fs, &h, 8);
	if (err)
		return err;
	err = orphan_del(&h, i);
	if (!err)
		err = ext4_inode_dirty(&h, i);
	jh_stop(&h);
	return err;
}

void orphan_cleanup(struct ext4 *fs)
{
	u32 n = 0, ino;

	fs->cleaning_orphans = true;
	/* a list that goes round would never end: an inode is met at most once */
	while ((ino = fs->sb->s_last_orphan) != 0 && n <= fs->inodes) {
		struct inode *i = ino >= fs->first_ino ? ext4_iget(fs->super, ino) : ERR_PTR(-EFSCORRUPTED);
		int err = IS_ERR(i) ? (int)PTR_ERR(i) : clean_one(fs, i);

		if (!IS_ERR(i))
			inode_put(i);
		if (err || fs->sb->s_last_orphan == ino) {
			struct handle h;

			pr_err("ext4 (%s): orphan list broken at inode %u (error %d)\n", fs->super->id, ino, -err);
			if (!jh_start(fs, &h, 2)) {
				set_head(&h, 0);
				jh_stop(&h);
			}
			break;
		}
		n++;
	}
	fs->cleaning_orphans = false;
	if (n)
		pr_info("ext4 (%s): %u orphans deleted or truncated\n", fs->super->id, n);
}
