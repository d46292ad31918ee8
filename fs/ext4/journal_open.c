/* Opening the journal: its superblock checked, its blocks mapped, what a crash left in it replayed; and closing it. */
#include "fs/ext4/journal.h"

static int map_log(struct journal *j, u32 blocks)
{
	u32 max = 16, at = 0;

	j->runs = kmalloc(max * sizeof(*j->runs), ALLOC_KERNEL);
	while (at < blocks) {
		struct map m;
		int err = j->runs ? ext4_map(j->inode, at, blocks - at, &m) : -ENOMEM;

		if (err)
			return err;
		if (m.flags != MAP_MAPPED)
			return ext4_error(j->fs, "the journal has a hole at block %u", at);
		if (j->runs_count == max) {
			struct log_run *more = kmalloc(2 * max * sizeof(*more), ALLOC_KERNEL);

			if (!more)
				return -ENOMEM;
			memcpy(more, j->runs, max * sizeof(*more));
			kfree(j->runs);
			j->runs = more;
			max *= 2;
		}
		j->runs[j->runs_count++] = (struct log_run){ .lblk = at, .len = m.len, .pblk = m.pblk };
		at += m.len;
	}
	return 0;
}

static int check_super(struct journal *j)
{
	struct ext4 *fs = j->fs;
	struct jbd2_super *sb = j->sb;
	u32 type = be32(sb->h.blocktype), maxlen = be32(sb->s_maxlen), incompat = be32(sb->s_feature_incompat);

	if (be32(sb->h.magic) != JBD2_MAGIC || (type != JBD2_SB_V1 && type != JBD2_SB_V2))
		return ext4_error(fs, "the journal has no superblock");
	if (type == JBD2_SB_V1)
		incompat = sb->s_feature_incompat = sb->s_feature_compat = sb->s_feature_ro_compat = 0;
	if (be32(sb->s_blocksize) != fs->block_bytes)
		return ext4_error(fs, "the journal's blocks have %u bytes", be32(sb->s_blocksize));
	if (incompat & ~(u32)JBD2_INCOMPAT_KNOWN || sb->s_feature_ro_compat) {
		pr_err("ext4 (%s): the journal has features not known here: %#x\n", fs->super->id, incompat);
		return -EINVAL;
	}
	jbd2_layout_init(&j->layout, sb, fs->block_bytes);
	if (j->layout.tail_bytes && be32(sb->s_checksum) != jbd2_super_csum(sb)) {
		ext4_error(fs, "the journal superblock's checksum is wrong");
		return -EFSBADCRC;
	}
	j->first = be32(sb->s_first);
	j->last = maxlen;
	if (maxlen < 1024 || maxlen > inode_size(j->inode) >> fs->block_bits || j->first < 1 || j->first >= maxlen - 512 ||
	    be32(sb->s_start) >= maxlen || (sb->s_start && be32(sb->s_start) < j->first))
		return ext4_error(fs, "the journal of %u blocks begins at %u, its log at %u", maxlen, j->first, be32(sb->s_start));
	return 0;
}

static int replay_read(void *ctx, u32 log_block, u8 *data)
{
	struct journal *j = ctx;

	return ext4_io(j->fs, BIO_READ, journal_phys(j, log_block), data, 1, 0);
}

static int replay_write(void *ctx, u64 block, const u8 *data)
{
	struct journal *j = ctx;
	struct buf *b;
	int err;

	if (!ext4_block_valid(j->fs, block, 1) && block != j->fs->sb_buf->block)
		return ext4_error(j->fs, "the journal names block %llu", block);
	b = buf_get(j->fs, block);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	memcpy(b->data, data, j->fs->block_bytes);
	__atomic_fetch_or(&b->flags, BUF_UPTODATE, __ATOMIC_RELEASE);
	__atomic_fetch_and(&b->flags, ~(u32)BUF_VERIFIED, __ATOMIC_RELEASE);
	err = ext4_io(j->fs, BIO_WRITE, block, b->data, 1, 0);
	buf_put(b);
	return err;
}

static void *replay_alloc(size_t n)
{
	return kvmalloc(n, ALLOC_KERNEL);
}

static int recover(struct journal *j)
{
	struct ext4 *fs = j->fs;
	u32 tid = be32(j->sb->s_sequence);
	int err;

	if (fs->bdev->disk->limits.read_only) {
		pr_err("ext4 (%s): the journal must be replayed and the device is read-only\n", fs->super->id);
		return -EROFS;
	}
	struct jbd2_replay r = {
		.layout = j->layout, .first = j->first, .last = j->last, .start = be32(j->sb->s_start), .sequence = tid,
		.fs_blocks = fs->blocks, .ctx = j, .read_log = replay_read, .write_block = replay_write,
		.alloc = replay_alloc, .free = kvfree,
	};

	err = jbd2_replay(&r);
	if (!err)
		err = block_flush(fs->bdev);
	if (err)
		return err;
	fs->replayed = true;
	j->next_tid = r.end_sequence + 1;
	pr_info("ext4 (%s): journal replayed: %u blocks\n", fs->super->id, r.replayed);
	return journal_write_tail(j, 0, j->next_tid);
}

/* The features that the file system calls for; the log is empty. */
static void set_features(struct journal *j)
{
	u32 f = be32(j->sb->s_feature_incompat) | JBD2_INCOMPAT_REVOKE;

	j->sb->h.blocktype = be32(JBD2_SB_V2);
	if (j->fs->has_64bit)
		f |= JBD2_INCOMPAT_64BIT;
	f &= ~(u32)JBD2_INCOMPAT_ASYNC;
	if (j->fs->csum && !(f & JBD2_INCOMPAT_CSUM_V2))
		f |= JBD2_INCOMPAT_CSUM_V3;
	if (f & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3))
		j->sb->s_checksum_type = 4;
	j->sb->s_feature_compat &= ~be32(JBD2_COMPAT_CHECKSUM);
	j->sb->s_feature_incompat = be32(f);
	jbd2_layout_init(&j->layout, j->sb, j->fs->block_bytes);
}

static int open_log(struct journal *j)
{
	struct ext4 *fs = j->fs;
	struct map m;
	int err;

	j->inode = ext4_iget(fs->super, fs->sb->s_journal_inum);
	if (IS_ERR(j->inode)) {
		err = (int)PTR_ERR(j->inode);
		j->inode = NULL;
		return err;
	}
	if (!S_ISREG(j->inode->mode) || !j->inode->nlink)
		return ext4_error(fs, "the journal's inode %u is no file", fs->sb->s_journal_inum);
	err = ext4_map(j->inode, 0, 1, &m);
	if (err || m.flags != MAP_MAPPED)
		return err ? err : -EFSCORRUPTED;
	j->sb_block = m.pblk;
	j->sb = kmalloc(fs->block_bytes, ALLOC_KERNEL);
	if (!j->sb)
		return -ENOMEM;
	err = ext4_io(fs, BIO_READ, j->sb_block, j->sb, 1, 0);
	if (!err)
		err = check_super(j);
	if (!err)
		err = map_log(j, j->last);
	if (err)
		return err;
	j->next_tid = be32(j->sb->s_sequence);
	if (j->sb->s_start && !fs->opt.noload)
		err = recover(j);
	else if (j->sb->s_start)
		j->nolog = true;
	j->head = j->first;
	j->max_tx = MIN((j->last - j->first) / 4, 8192u);
	if (!err && !fs->bdev->disk->limits.read_only && !j->nolog)
		set_features(j);
	return err;
}

int journal_quiesce(struct ext4 *fs)
{
	struct journal *j = fs->journal;
	int err = 0;

	mutex_lock(&j->commit_lock);
	if (!j->nolog)
		err = journal_write_tail(j, 0, j->next_tid);
	mutex_unlock(&j->commit_lock);
	return err;
}

int journal_open(struct ext4 *fs)
{
	struct journal *j = kzalloc(sizeof(*j), ALLOC_KERNEL);

	if (!j)
		return -ENOMEM;
	fs->journal = j;
	j->fs = fs;
	spin_init(&j->lock, RANK_LEAF_SPIN);
	waitq_init(&j->wait);
	waitq_init(&j->thread_wait);
	mutex_init(&j->commit_lock, RANK_FS_PRIVATE2);
	list_init(&j->ckpt);
	list_init(&j->log_txs);
	j->next_tid = 1;
	j->max_tx = 4096;
	j->nolog = !(fs->sb->s_feature_compat & COMPAT_HAS_JOURNAL);
	int err = j->nolog ? 0 : open_log(j);

	if (!j->next_tid)
		j->next_tid = 1;
	j->committed = j->next_tid - 1;
	return err;
}

void journal_close(struct ext4 *fs)
{
	struct journal *j = fs->journal;
	struct log_tx *lt, *tmp;
	struct buf *b, *btmp;

	if (!j)
		return;
	list_for_each_entry_safe(b, btmp, &j->ckpt, ckpt_node)
		journal_ckpt_remove(b);
	list_for_each_entry_safe(lt, tmp, &j->log_txs, node)
		kfree(lt);
	kfree(j->runs);
	kfree(j->sb);
	inode_put(j->inode);
	kfree(j);
	fs->journal = NULL;
}
