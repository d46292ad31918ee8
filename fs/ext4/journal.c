/*
 * The journal: groups changes of metadata blocks into transactions that reach the disk whole or not at all.
 *
 *	handle -> running transaction -> log (descriptor, revoke, commit blocks) -> checkpoint: every block in its place
 *
 * There is one running transaction at a time; commit_lock admits one commit or checkpoint at a time.  A commit bars new
 * handles, waits for the open ones, computes checksums, copies the blocks, lets handles in again, and writes the copies.
 *
 * Invariants:
 *  1. A metadata block is written to its place only from a state that a committed transaction holds, that is, while the
 *     running transaction does not have it (checkpoint copies it under `lock`, after that look).
 *  2. A freed block is not picked again before the transaction that frees it is committed (group->busy keeps it), and
 *     that transaction is finished only while no checkpoint write is under way (commit_lock).
 *  3. A freed metadata block is revoked in the transaction that frees it and leaves the checkpoint list when that is
 *     committed, not before: until then its old contents are still needed after a crash.
 *  4. The tail in the journal's superblock moves past a transaction only when all its blocks lie in their places or in a
 *     younger transaction, and the disk has been flushed since.
 *  5. Data are written before the handle that enters their blocks is opened; the flush before a commit block makes both durable.
 *  6. A transaction begins only if the log has room for the largest one; so a commit never waits for a checkpoint.
 *  7. A handle's changes are complete in themselves: whatever several handles do one after the other (truncation) is made
 *     resumable by the orphan list.
 *
 * Without a journal the same machinery writes the blocks of a "transaction" to their places.
 *
 * Locks: c commit_lock · j lock (spin) · a atomic · I immutable once open.
 */
#include <linux/fs.h>
#include "base/sort.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/journal.h"
#include "kern/sched.h"
#include "kern/timer.h"
#include "vfs/super.h"

enum { CKPT_BATCH = 128, REVOKES_PER_TX = 8192 };

/* ---- handles ---- */

static bool admitted(struct journal *j)
{
	return !READ_ONCE(j->barrier);
}

static struct tx *tx_new(struct journal *j)
{
	struct tx *t = kzalloc(sizeof(*t), ALLOC_NOFS);

	if (!t)
		return NULL;
	list_init(&t->buf_list);
	list_init(&t->freed);
	list_init(&t->revokes);
	return t;
}

static int do_checkpoint(struct journal *j);
static int commit_locked(struct journal *j);

static u32 log_need(const struct journal *j)
{
	return j->max_tx + j->max_tx / 16 + REVOKES_PER_TX / 64 + 8;
}

static bool room_for_tx(const struct journal *j)
{
	return j->nolog || j->last - j->first - READ_ONCE(j->used) >= MIN(log_need(j), (j->last - j->first) / 2);
}

/* With no transaction running every block can go to its place. */
static int make_room(struct journal *j)
{
	int err = 0;

	mutex_lock(&j->commit_lock);
	spin_lock(&j->lock);
	bool mine = !j->running && !room_for_tx(j);

	if (mine)
		j->barrier = true;
	spin_unlock(&j->lock);
	if (mine) {
		err = do_checkpoint(j);
		spin_lock(&j->lock);
		j->barrier = false;
		spin_unlock(&j->lock);
		wake_up_all(&j->wait);
	}
	mutex_unlock(&j->commit_lock);
	return err;
}

/* Enter the running transaction. 0, 1: try again, -errno. Drops and takes lock. */
static int join(struct journal *j, struct handle *h, u32 credits, struct tx **fresh)
{
	struct tx *t = j->running;

	if (j->aborted)
		return -EROFS;
	if (j->barrier) {
		spin_unlock(&j->lock);
		wait_event(&j->wait, admitted(j));
		spin_lock(&j->lock);
		return 1;
	}
	if (!t) {
		if (!room_for_tx(j)) {
			spin_unlock(&j->lock);
			int err = make_room(j);

			spin_lock(&j->lock);
			return err ? err : 1;
		}
		if (!*fresh) {
			spin_unlock(&j->lock);
			*fresh = tx_new(j);
			spin_lock(&j->lock);
			return *fresh ? 1 : -ENOMEM;
		}
		t = j->running = *fresh;
		*fresh = NULL;
		t->tid = j->next_tid++;
	}
	if (t->bufs + t->credits && (t->bufs + t->credits + credits > j->max_tx || t->revokes_count > REVOKES_PER_TX)) {
		u32 tid = t->tid;

		spin_unlock(&j->lock);
		int err = journal_commit(j->fs, tid);

		spin_lock(&j->lock);
		return err ? err : 1;
	}
	t->updates++;
	t->credits += credits;
	h->tx = t;
	h->tid = t->tid;
	return 0;
}

int jh_start(struct ext4 *fs, struct handle *h, u32 credits)
{
	struct journal *j = fs->journal;
	struct tx *fresh = NULL;
	int ret;

	if (unlikely(fs->read_only))
		return -EROFS;
	h->fs = fs;
	h->credits = credits;
	spin_lock(&j->lock);
	do {
		ret = join(j, h, credits, &fresh);
	} while (ret > 0);
	spin_unlock(&j->lock);
	kfree(fresh);
	if (!ret) {
		h->saved_alloc_flags = current()->alloc_flags;
		current()->alloc_flags |= ALLOC_IO | ALLOC_FS;
	}
	return ret;
}

void jh_stop(struct handle *h)
{
	struct journal *j = h->fs->journal;

	current()->alloc_flags = h->saved_alloc_flags;
	spin_lock(&j->lock);
	struct tx *t = h->tx;

	t->credits -= h->credits;
	bool wake = --t->updates == 0 && j->barrier;

	spin_unlock(&j->lock);
	if (wake)
		wake_up_all(&j->wait);
}

static void add_buf(struct journal *j, struct tx *t, struct buf *b)
{
	if (READ_ONCE(b->in_tx))
		return;
	spin_lock(&b->fs->buf_lock);
	b->refs++;	/* the transaction's; the caller has one */
	spin_unlock(&b->fs->buf_lock);
	spin_lock(&j->lock);
	bool mine = !b->in_tx;

	if (mine) {
		b->in_tx = true;
		list_add_tail(&b->tx_node, &t->buf_list);
		t->bufs++;
	}
	spin_unlock(&j->lock);
	if (!mine)
		buf_put(b);
}

void jh_modify(struct handle *h, struct buf *b)
{
	add_buf(h->fs->journal, h->tx, b);
}

void jh_forget(struct handle *h, u64 block)
{
	struct journal *j = h->fs->journal;
	struct buf *b;
	struct revoke *r;

	while (IS_ERR(b = buf_get(h->fs, block)))
		sleep_ns(10 * NS_PER_MS);	/* memory will come: what was begun must end */
	jh_modify(h, b);
	__atomic_fetch_or(&b->flags, BUF_FREED, __ATOMIC_SEQ_CST);
	buf_put(b);
	if (j->nolog)
		return;
	while (!(r = kmalloc(sizeof(*r), ALLOC_NOFS)))
		sleep_ns(10 * NS_PER_MS);
	r->block = block;
	spin_lock(&j->lock);
	list_add_tail(&r->node, &h->tx->revokes);
	h->tx->revokes_count++;
	spin_unlock(&j->lock);
}

void jh_free_blocks(struct handle *h, u64 block, u32 n)
{
	struct journal *j = h->fs->journal;
	struct freed *f;

	spin_lock(&j->lock);
	if (!list_empty(&h->tx->freed)) {
		f = list_last_entry(&h->tx->freed, struct freed, node);
		bool after = f->block + f->n == block, before = block + n == f->block;

		if ((after || before) && (u64)f->n + n < 1u << 30 && block_group(h->fs, f->block) == block_group(h->fs, block)) {
			f->n += n;
			f->block = before ? block : f->block;
			spin_unlock(&j->lock);
			return;
		}
	}
	spin_unlock(&j->lock);
	while (!(f = kmalloc(sizeof(*f), ALLOC_NOFS)))
		sleep_ns(10 * NS_PER_MS);
	f->block = block;
	f->n = n;
	spin_lock(&j->lock);
	list_add_tail(&f->node, &h->tx->freed);
	spin_unlock(&j->lock);
}

u32 journal_running_tid(struct ext4 *fs)
{
	struct journal *j = fs->journal;

	spin_lock(&j->lock);
	u32 tid = j->running ? j->running->tid : j->next_tid - 1;

	spin_unlock(&j->lock);
	return tid;
}

bool journal_committed(struct ext4 *fs, u32 tid)
{
	return (s32)(atomic_load(&fs->journal->committed) - tid) >= 0;
}

/* ---- the log ---- */

u64 journal_phys(const struct journal *j, u32 lblk)
{
	for (u32 i = 0; i < j->runs_count; i++)
		if (lblk - j->runs[i].lblk < j->runs[i].len)
			return j->runs[i].pblk + (lblk - j->runs[i].lblk);
	return 0;
}

int journal_write_super(struct journal *j)
{
	if (j->layout.tail_bytes)
		j->sb->s_checksum = be32(jbd2_super_csum(j->sb));
	return ext4_io(j->fs, BIO_WRITE, j->sb_block, j->sb, 1, BIO_FUA);
}

static int flush(struct journal *j)
{
	return j->fs->opt.nobarrier ? 0 : block_flush(j->fs->bdev);
}

/* The log begins at @start with transaction @tid; @start 0: it is empty. */
int journal_write_tail(struct journal *j, u32 start, u32 tid)
{
	j->sb->s_start = be32(start);
	j->sb->s_sequence = be32(tid);
	int err = journal_write_super(j);

	if (!err)
		err = flush(j);
	j->tail_written = start != 0;
	return err;
}

static u32 log_next(struct journal *j)
{
	u32 at = j->head;

	j->head = at + 1 >= j->last ? j->first : at + 1;
	j->used++;
	return at;
}

/* What a commit writes: the blocks of the log in their order, then the commit block. */
struct image {
	struct io_vec *v;
	u32 n, max;
	u8 *commit;
	u64 commit_block;
};

static void *alloc_sure(size_t n)
{
	void *p;

	while (!(p = kmalloc(n, ALLOC_NOFS)))
		sleep_ns(10 * NS_PER_MS);
	return p;
}

static u8 *image_block(struct journal *j, struct image *im)
{
	u8 *data = alloc_sure(j->fs->block_bytes);

	assert(im->n < im->max);
	im->v[im->n++] = (struct io_vec){ .block = journal_phys(j, log_next(j)), .data = data };
	return data;
}

static u8 *image_head(struct journal *j, struct image *im, u32 type, u32 tid)
{
	u8 *d = image_block(j, im);

	memset(d, 0, j->fs->block_bytes);
	put_be32(d, JBD2_MAGIC);
	put_be32(d + 4, type);
	put_be32(d + 8, tid);
	return d;
}

static void seal(struct journal *j, u8 *d)
{
	if (d && j->layout.tail_bytes)
		put_be32(d + j->layout.block_bytes - 4, jbd2_tail_csum(&j->layout, d));
}

static void image_revokes(struct journal *j, struct image *im, struct tx *t)
{
	const struct jbd2_layout *l = &j->layout;
	u32 size = l->is64 ? 8 : 4, at = 0;
	struct revoke *r, *tmp;
	u8 *d = NULL;

	list_for_each_entry_safe(r, tmp, &t->revokes, node) {
		if (!d || at + size > l->block_bytes - l->tail_bytes) {
			seal(j, d);
			d = image_head(j, im, JBD2_REVOKE, t->tid);
			at = 16;
		}
		if (size == 8)
			put_be64(d + at, r->block);
		else
			put_be32(d + at, (u32)r->block);
		at += size;
		put_be32(d + 12, at);
		list_del(&r->node);
		kfree(r);
	}
	seal(j, d);
}

/* Copy one block into the log; its tag is filled in at @tag. Return: flags */
static void image_data(struct journal *j, struct image *im, struct tx *t, struct buf *b, u8 *tag, u32 flags)
{
	const struct jbd2_layout *l = &j->layout;
	u8 *d = image_block(j, im);

	memcpy(d, b->data, l->block_bytes);
	if (get_be32(d) == JBD2_MAGIC) {
		put_be32(d, 0);
		flags |= JBD2_TAG_ESCAPE;
	}
	u32 csum = l->tail_bytes ? jbd2_data_csum(l, t->tid, d) : 0;

	put_be32(tag, (u32)b->block);
	if (l->v3) {
		put_be32(tag + 4, flags);
		put_be32(tag + 8, l->is64 ? (u32)(b->block >> 32) : 0);
		put_be32(tag + 12, csum);
	} else {
		put_be16(tag + 4, (u16)csum);
		put_be16(tag + 6, (u16)flags);
		if (l->is64)
			put_be32(tag + 8, (u32)(b->block >> 32));
	}
	if (!(flags & JBD2_TAG_SAME_UUID))
		memcpy(tag + l->tag_bytes, j->sb->s_uuid, 16);
}

static void set_tag_flag(const struct jbd2_layout *l, u8 *tag, u32 flag)
{
	if (l->v3)
		put_be32(tag + 4, get_be32(tag + 4) | flag);
	else
		put_be16(tag + 6, (u16)(get_be16(tag + 6) | flag));
}

static void image_blocks(struct journal *j, struct image *im, struct tx *t, struct buf **bufs, u32 n)
{
	const struct jbd2_layout *l = &j->layout;
	u32 at = 0, end = l->block_bytes - l->tail_bytes;
	u8 *d = NULL, *tag = NULL;

	for (u32 i = 0; i < n; i++) {
		if (bufs[i]->flags & BUF_FREED)
			continue;
		bool first = !d || at + l->tag_bytes > end;

		if (first) {
			if (d) {
				set_tag_flag(l, tag, JBD2_TAG_LAST);
				seal(j, d);
			}
			d = image_head(j, im, JBD2_DESCRIPTOR, t->tid);
			at = 12;
		}
		tag = d + at;
		image_data(j, im, t, bufs[i], tag, first ? 0 : JBD2_TAG_SAME_UUID);
		at += l->tag_bytes + (first ? 16 : 0);
	}
	if (d) {
		set_tag_flag(l, tag, JBD2_TAG_LAST);
		seal(j, d);
	}
}

static void image_commit(struct journal *j, struct image *im, struct tx *t)
{
	u64 now = clock_realtime_ns();
	u8 *d = image_head(j, im, JBD2_COMMIT, t->tid);

	put_be64(d + 48, now / NS_PER_SEC);
	put_be32(d + 56, (u32)(now % NS_PER_SEC));
	if (j->layout.tail_bytes)
		put_be32(d + 16, jbd2_commit_csum(&j->layout, d));
	im->n--;
	im->commit = im->v[im->n].data;
	im->commit_block = im->v[im->n].block;
}

static int compare_vec(const void *a, const void *b, void *ctx)
{
	u64 x = ((const struct io_vec *)a)->block, y = ((const struct io_vec *)b)->block;

	return x < y ? -1 : x > y;
}

/* Without a log: the blocks themselves. */
static void image_places(struct journal *j, struct image *im, struct buf **bufs, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (bufs[i]->flags & BUF_FREED)
			continue;
		im->v[im->n++] = (struct io_vec){ .block = bufs[i]->block,
						  .data = memcpy(alloc_sure(j->fs->block_bytes), bufs[i]->data, j->fs->block_bytes) };
	}
	sort(im->v, im->n, sizeof(*im->v), compare_vec, NULL);
}

static int image_write(struct journal *j, struct image *im)
{
	int err = ext4_io_write_many(j->fs, im->v, im->n);

	if (!err)
		err = flush(j);
	if (!err && im->commit)
		err = ext4_io(j->fs, BIO_WRITE, im->commit_block, im->commit, 1, j->fs->opt.nobarrier ? 0 : BIO_FUA);
	for (u32 i = 0; i < im->n; i++)
		kfree(im->v[i].data);
	kfree(im->commit);
	kvfree(im->v);
	return err;
}

/* ---- commit ---- */

static void checksum(struct ext4 *fs, struct buf *b)
{
	if (b->flags & BUF_FREED)
		return;
	switch (b->kind) {
	case BUF_BBITMAP:
	case BUF_IBITMAP: group_csum_commit(b); break;
	case BUF_DESC: group_desc_csum_commit(b); break;
	case BUF_ITABLE: ext4_itable_csum(b); break;
	case BUF_DIR: dir_csum_commit(b); break;
	case BUF_DX: dx_csum_commit(b); break;
	case BUF_XATTR: xattr_csum_commit(b); break;
	case BUF_EXTENT: {
		struct ext4_extent_header *eh = (void *)b->data;
		u32 at = 12 + 12 * eh->eh_max;

		if (fs->csum && at + 4 <= fs->block_bytes)
			put_le32(b->data + at, crc32c(b->seed, b->data, at));
		break;
	}
	default: break;
	}
}

/* The superblock's counts follow the groups'. */
static void update_super(struct ext4 *fs)
{
	struct ext4_super_block *sb = fs->sb;

	sb->s_free_blocks_count_lo = (u32)fs->free_blocks;
	if (fs->has_64bit)
		sb->s_free_blocks_count_hi = (u32)((u64)fs->free_blocks >> 32);
	sb->s_free_inodes_count = (u32)fs->free_inodes;
	sb->s_wtime = (u32)(clock_realtime_ns() / NS_PER_SEC);
	if (fs->csum)
		sb->s_checksum = crc32c(~0u, sb, offsetof(struct ext4_super_block, s_checksum));
}

/* All handles are closed and none can open. The blocks, with their checksums; the bitmaps' go into the descriptors. */
static struct buf **collect(struct journal *j, struct tx *t, u32 *n)
{
	struct ext4 *fs = j->fs;
	struct buf *b, **v;

	add_buf(j, t, fs->sb_buf);
	update_super(fs);
	list_for_each_entry(b, &t->buf_list, tx_node)
		if (b->kind != BUF_DESC)
			checksum(fs, b);
	list_for_each_entry(b, &t->buf_list, tx_node)
		if (b->kind == BUF_DESC)
			checksum(fs, b);
	v = kvmalloc(t->bufs * sizeof(*v), ALLOC_NOFS);
	while (!v) {
		sleep_ns(10 * NS_PER_MS);
		v = kvmalloc(t->bufs * sizeof(*v), ALLOC_NOFS);
	}
	*n = 0;
	list_for_each_entry(b, &t->buf_list, tx_node)
		v[(*n)++] = b;
	return v;
}

void journal_ckpt_remove(struct buf *b)
{
	if (!b->in_ckpt)
		return;
	b->in_ckpt = false;
	list_del_init(&b->ckpt_node);
	buf_put(b);
}

/* Durable: what the transaction held goes on the checkpoint list, what it freed may be used. */
static void finish(struct journal *j, struct tx *t, struct buf **bufs, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct buf *b = bufs[i];

		if (b->flags & BUF_FREED) {
			journal_ckpt_remove(b);
			buf_forget_clean(b);
			b->kind = BUF_PLAIN;
			__atomic_fetch_and(&b->flags, ~(u32)BUF_FREED, __ATOMIC_SEQ_CST);
			buf_put(b);
		} else if (j->nolog) {
			buf_put(b);
		} else {
			if (b->in_ckpt) {
				list_del(&b->ckpt_node);
				buf_put(b);
			}
			b->in_ckpt = true;	/* the transaction's reference becomes the list's */
			b->ckpt_tid = t->tid;
			list_add_tail(&b->ckpt_node, &j->ckpt);
		}
	}
}

static void release_freed(struct journal *j, struct tx *t)
{
	struct freed *f, *tmp;

	list_for_each_entry_safe(f, tmp, &t->freed, node) {
		if (j->fs->opt.discard)
			(void)!block_range_op(j->fs->bdev, BIO_DISCARD, f->block * j->fs->sectors_per_block,
					      (u64)f->n * j->fs->sectors_per_block);
		balloc_unpick(j->fs, f->block, f->n);
		kfree(f);
	}
}

static int begin_log(struct journal *j, struct tx *t)
{
	struct log_tx *lt;

	if (j->nolog)
		return 0;
	lt = alloc_sure(sizeof(*lt));
	lt->tid = t->tid;
	lt->start = j->head;
	list_add_tail(&lt->node, &j->log_txs);
	if (j->tail_written)
		return 0;
	j->tail = j->head;
	j->tail_tid = t->tid;
	return journal_write_tail(j, j->tail, t->tid);
}

static void bar(struct journal *j, bool on)
{
	spin_lock(&j->lock);
	j->barrier = on;
	spin_unlock(&j->lock);
	if (!on)
		wake_up_all(&j->wait);
}

static bool quiet(struct tx *t)
{
	return READ_ONCE(t->updates) == 0;
}

/* Commit the running transaction, if there is one. commit_lock held. */
static int commit_locked(struct journal *j)
{
	struct image im = { 0 };
	struct buf **bufs;
	struct tx *t;
	u32 n;
	int err;

	spin_lock(&j->lock);
	t = j->running;
	if (t)
		j->barrier = true;
	spin_unlock(&j->lock);
	if (!t)
		return j->aborted;
	wait_event(&j->wait, quiet(t));
	bufs = collect(j, t, &n);
	im.max = n + n / 16 + t->revokes_count / 64 + 8;
	while (!(im.v = kvmalloc(im.max * sizeof(*im.v), ALLOC_NOFS)))
		sleep_ns(10 * NS_PER_MS);
	err = j->aborted ? j->aborted : begin_log(j, t);
	if (j->nolog) {
		image_places(j, &im, bufs, n);
	} else {
		image_revokes(j, &im, t);
		image_blocks(j, &im, t, bufs, n);
		image_commit(j, &im, t);
	}
	spin_lock(&j->lock);
	for (u32 i = 0; i < n; i++) {
		list_del_init(&bufs[i]->tx_node);
		bufs[i]->in_tx = false;
	}
	j->running = NULL;
	spin_unlock(&j->lock);
	bar(j, false);
	if (err) {
		for (u32 i = 0; i < im.n; i++)
			kfree(im.v[i].data);
		kfree(im.commit);
		kvfree(im.v);
	} else {
		err = image_write(j, &im);
	}
	if (err)
		journal_abort(j->fs, err, "the journal cannot be written");
	finish(j, t, bufs, n);
	if (!err)
		release_freed(j, t);
	atomic_store(&j->committed, t->tid);
	kvfree(bufs);
	struct freed *f, *tmp;

	if (err)
		list_for_each_entry_safe(f, tmp, &t->freed, node)
			kfree(f);
	kfree(t);
	return err;
}

int journal_commit(struct ext4 *fs, u32 tid)
{
	struct journal *j = fs->journal;
	int err = 0;

	if (journal_committed(fs, tid))
		return j->aborted;
	mutex_lock(&j->commit_lock);
	if (!journal_committed(fs, tid))
		err = commit_locked(j);
	mutex_unlock(&j->commit_lock);
	return err ? err : j->aborted;
}

/* ---- checkpoint ---- */

/* Up to CKPT_BATCH blocks that the running transaction does not have: copied, written. Return: how many, or -errno */
static int ckpt_batch(struct journal *j)
{
	struct buf *b, *tmp, *taken[CKPT_BATCH];
	struct io_vec *v = kvmalloc(sizeof(*v) * CKPT_BATCH, ALLOC_NOFS);
	int n = 0, err;

	if (!v)
		return -ENOMEM;
	list_for_each_entry_safe(b, tmp, &j->ckpt, ckpt_node) {
		if (n == CKPT_BATCH)
			break;
		void *copy = alloc_sure(j->fs->block_bytes);

		spin_lock(&j->lock);
		bool busy = b->in_tx;

		if (!busy)
			memcpy(copy, b->data, j->fs->block_bytes);
		spin_unlock(&j->lock);
		if (busy) {
			kfree(copy);
			continue;
		}
		v[n] = (struct io_vec){ .block = b->block, .data = copy };
		taken[n++] = b;
	}
	sort(v, (size_t)n, sizeof(*v), compare_vec, NULL);
	err = ext4_io_write_many(j->fs, v, (unsigned)n);
	for (int i = 0; i < n; i++) {
		kfree(v[i].data);
		if (!err)
			journal_ckpt_remove(taken[i]);
	}
	kvfree(v);
	return err ? err : n;
}

/* The tail moves to the oldest transaction that is still needed. */
static int advance_tail(struct journal *j)
{
	struct log_tx *lt, *tmp;
	u32 tid = list_empty(&j->ckpt) ? j->next_tid : list_first_entry(&j->ckpt, struct buf, ckpt_node)->ckpt_tid;

	list_for_each_entry_safe(lt, tmp, &j->log_txs, node) {
		if ((s32)(lt->tid - tid) >= 0)
			break;
		list_del(&lt->node);
		kfree(lt);
	}
	if (list_empty(&j->log_txs)) {
		spin_lock(&j->lock);
		u32 next = j->running ? j->running->tid : j->next_tid;

		spin_unlock(&j->lock);
		j->tail = j->head;
		j->tail_tid = next;
	} else {
		lt = list_first_entry(&j->log_txs, struct log_tx, node);
		j->tail = lt->start;
		j->tail_tid = lt->tid;
	}
	int err = journal_write_tail(j, j->tail, j->tail_tid);

	WRITE_ONCE(j->used, j->head >= j->tail ? j->head - j->tail : j->last - j->first - (j->tail - j->head));
	return err;
}

/* commit_lock held. Blocks of the running transaction stay. */
static int do_checkpoint(struct journal *j)
{
	int n;

	if (j->nolog)
		return 0;
	do {
		n = j->aborted ? j->aborted : ckpt_batch(j);
	} while (n == CKPT_BATCH);
	if (n >= 0)
		n = flush(j);
	if (!n)
		n = advance_tail(j);
	if (n)
		journal_abort(j->fs, n, "a checkpoint cannot be written");
	return n;
}

int journal_checkpoint(struct ext4 *fs)
{
	struct journal *j = fs->journal;
	int err;

	mutex_lock(&j->commit_lock);
	err = commit_locked(j);
	if (!err)
		err = do_checkpoint(j);
	mutex_unlock(&j->commit_lock);
	return err;
}

bool journal_aborted(struct ext4 *fs)
{
	return fs->journal && atomic_load(&fs->journal->aborted);
}

void journal_abort(struct ext4 *fs, int err, const char *why)
{
	struct journal *j = fs->journal;

	if (xchg(&j->aborted, err))
		return;
	pr_err("ext4 (%s): %s (error %d): the file system is read-only from here\n", fs->super->id, why, -err);
	fs->super->flags |= SUPER_RDONLY;
	if (!j->nolog) {
		j->sb->s_errno = be32((u32)err);
		(void)!journal_write_super(j);
	}
}

/* ---- the thread ---- */

static bool thread_has_work(struct journal *j)
{
	return READ_ONCE(j->stop) || READ_ONCE(j->wanted);
}

static void thread_main(void *arg)
{
	struct journal *j = arg;

	thread_set_flag(current(), TF_MEMALLOC);
	while (!READ_ONCE(j->stop)) {
		u64 deadline = plat_mono_ns() + (u64)j->fs->opt.commit_sec * NS_PER_SEC;

		(void)wait_event_until(&j->thread_wait, thread_has_work(j), deadline);
		mutex_lock(&j->commit_lock);
		(void)!commit_locked(j);
		if (!j->nolog && !j->aborted && j->used > (j->last - j->first) / 2)
			(void)!do_checkpoint(j);
		mutex_unlock(&j->commit_lock);
	}
	complete(&j->stopped);
}

void journal_start_thread(struct ext4 *fs)
{
	struct journal *j = fs->journal;

	j->stop = false;
	completion_init(&j->stopped);
	j->thread = kthread_create(thread_main, j, "jbd2/%s", fs->bdev->name);
	if (IS_ERR(j->thread))
		j->thread = NULL;
}

void journal_stop_thread(struct ext4 *fs)
{
	struct journal *j = fs->journal;

	if (!j->thread)
		return;
	WRITE_ONCE(j->stop, true);
	wake_up_all(&j->thread_wait);
	wait_for_completion(&j->stopped);
	j->thread = NULL;
}

