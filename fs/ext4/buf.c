/*
 * Cached metadata blocks, and synchronous I/O.
 *
 * A block is found by its number in a hash table; blocks that nobody holds and no transaction needs stand on an LRU list and
 * go when there are too many.  A transaction and the checkpoint list hold references, so what they need stays.
 */
#include "base/hash.h"
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

static struct hlist_head *bucket(struct ext4 *fs, u64 block)
{
	return &fs->buf_table[hash_bits(block, fs->buf_table_bits)];
}

void buf_cache_init(struct ext4 *fs)
{
	spin_init(&fs->buf_lock, RANK_FS_SPIN);
	list_init(&fs->buf_lru);
	waitq_init(&fs->buf_waitq);
	fs->buf_table_bits = 12;
	fs->buf_table = kvmalloc(sizeof(*fs->buf_table) << fs->buf_table_bits, ALLOC_KERNEL);
	if (fs->buf_table)
		memset(fs->buf_table, 0, sizeof(*fs->buf_table) << fs->buf_table_bits);
	struct page_stats ps;

	page_stats(&ps);
	fs->buf_max = (u32)MIN((ps.total / 16 * PAGE_SIZE) / fs->block_bytes, (u64)65536);
}

static void buf_free(struct buf *b)
{
	kfree(b->data);
	kfree(b);
}

static struct buf *find_locked(struct ext4 *fs, u64 block)
{
	struct buf *b;

	hlist_for_each_entry(b, bucket(fs, block), hash)
		if (b->block == block)
			return b;
	return NULL;
}

/* Take up to two old ones out; buf_lock held. */
static void trim(struct ext4 *fs, struct list_head *dead)
{
	for (unsigned n = 0; n < 2 && fs->buf_count > fs->buf_max && !list_empty(&fs->buf_lru); n++) {
		struct buf *b = list_first_entry(&fs->buf_lru, struct buf, lru);

		list_del_init(&b->lru);
		hlist_del_init(&b->hash);
		fs->buf_count--;
		list_add_tail(&b->lru, dead);
	}
}

static struct buf *buf_new(struct ext4 *fs, u64 block)
{
	struct buf *b = kzalloc(sizeof(*b), ALLOC_NOFS);

	if (!b)
		return NULL;
	b->data = kmalloc(fs->block_bytes, ALLOC_NOFS);
	if (!b->data) {
		kfree(b);
		return NULL;
	}
	b->block = block;
	b->fs = fs;
	b->refs = 1;
	list_init(&b->tx_node);
	list_init(&b->ckpt_node);
	list_init(&b->lru);
	hlist_node_init(&b->hash);
	return b;
}

struct buf *buf_get(struct ext4 *fs, u64 block)
{
	struct buf *b, *fresh = NULL, *tmp;
	LIST_HEAD(dead);

	for (;;) {
		spin_lock(&fs->buf_lock);
		b = find_locked(fs, block);
		if (b) {
			if (b->refs++ == 0)
				list_del_init(&b->lru);
		} else if (fresh) {
			hlist_add_head(&fresh->hash, bucket(fs, block));
			fs->buf_count++;
			trim(fs, &dead);
			b = fresh;
			fresh = NULL;
		}
		spin_unlock(&fs->buf_lock);
		if (b)
			break;
		fresh = buf_new(fs, block);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
	}
	if (fresh)
		buf_free(fresh);
	list_for_each_entry_safe(fresh, tmp, &dead, lru)
		buf_free(fresh);
	return b;
}

void buf_put(struct buf *b)
{
	if (!b)
		return;
	struct ext4 *fs = b->fs;

	spin_lock(&fs->buf_lock);
	assert(b->refs);
	if (--b->refs == 0)
		list_add_tail(&b->lru, &fs->buf_lru);
	spin_unlock(&fs->buf_lock);
}

/* Its block has another use now: what it holds counts no more. */
void buf_forget_clean(struct buf *b)
{
	__atomic_fetch_and(&b->flags, ~(u32)(BUF_UPTODATE | BUF_VERIFIED), __ATOMIC_SEQ_CST);
}

void buf_cache_drop(struct ext4 *fs)
{
	struct buf *b, *tmp;

	list_for_each_entry_safe(b, tmp, &fs->buf_lru, lru) {
		list_del(&b->lru);
		hlist_del_init(&b->hash);
		fs->buf_count--;
		buf_free(b);
	}
	if (fs->buf_count)
		pr_err("ext4: %u blocks are still held at unmount\n", fs->buf_count);
	kvfree(fs->buf_table);
}

static bool read_settled(struct buf *b)
{
	return !(atomic_load(&b->flags) & BUF_READING);
}

/* One reader at a time; the others wait for it. */
static int buf_fill(struct buf *b)
{
	struct ext4 *fs = b->fs;

	for (;;) {
		u32 old = atomic_load(&b->flags);

		if (old & BUF_UPTODATE)
			return 0;
		if (old & BUF_READING) {
			wait_event(&fs->buf_waitq, read_settled(b));
			continue;
		}
		if (!try_cmpxchg(&b->flags, &old, old | BUF_READING))
			continue;
		if (old & BUF_UPTODATE)
			continue;
		int err = ext4_io(fs, BIO_READ, b->block, b->data, 1, 0);

		if (!err)
			__atomic_fetch_or(&b->flags, BUF_UPTODATE, __ATOMIC_RELEASE);
		__atomic_fetch_and(&b->flags, ~(u32)BUF_READING, __ATOMIC_SEQ_CST);
		wake_up_all(&fs->buf_waitq);
		return err;
	}
}

struct buf *buf_read(struct ext4 *fs, u64 block, enum buf_kind kind)
{
	struct buf *b;
	int err;

	if (!ext4_block_valid(fs, block, 1) && kind != BUF_SUPER)
		return ERR_PTR(ext4_error(fs, "block %llu lies outside the file system of %llu blocks", block, fs->blocks));
	b = buf_get(fs, block);
	if (IS_ERR(b))
		return b;
	if (!(atomic_load_acquire(&b->flags) & BUF_UPTODATE)) {
		err = buf_fill(b);
		if (err) {
			buf_put(b);
			return ERR_PTR(err);
		}
	}
	/* a damaged disk may give a block to two: what was checked as one kind is not taken for another */
	if (atomic_load(&b->flags) & BUF_VERIFIED && b->kind != kind && !(b->kind == BUF_DX && kind == BUF_DIR)) {
		buf_put(b);
		return ERR_PTR(ext4_error(fs, "block %llu has two uses", block));
	}
	if (b->kind == BUF_PLAIN)
		b->kind = kind;
	return b;
}

/* ---- input and output ---- */

int ext4_io(struct ext4 *fs, enum bio_op op, u64 block, void *data, u32 n, u32 flags)
{
	struct bio *bio = bio_alloc(fs->bdev, op, block * fs->sectors_per_block, 1, ALLOC_NOFS);
	int err;

	if (!bio)
		return -ENOMEM;
	bio->flags = flags;
	if (!bio_add(bio, virt_to_phys(data), n * fs->block_bytes))
		err = -EINVAL;
	else
		err = bio_submit_wait(bio);
	bio_free(bio);
	return err;
}

enum { BIO_SEGS = 64 };

struct io_batch {
	u32 pending;		/* [a] */
	int err;
	struct completion done;
};

static void batch_put(struct io_batch *w)
{
	if (atomic_dec_and_test(&w->pending))
		complete(&w->done);
}

static void batch_done(struct bio *b)
{
	struct io_batch *w = b->private;

	if (b->status)
		atomic_store(&w->err, b->status);
	bio_free(b);
	batch_put(w);
}

int ext4_io_write_many(struct ext4 *fs, const struct io_vec *v, unsigned n)
{
	struct io_batch w = { .pending = 1 };
	unsigned i = 0;

	completion_init(&w.done);
	while (i < n) {
		struct bio *b = bio_alloc(fs->bdev, BIO_WRITE, v[i].block * fs->sectors_per_block,
					  MIN((u32)BIO_SEGS, n - i), ALLOC_NOFS);
		unsigned start = i;

		if (!b) {
			w.err = -ENOMEM;
			break;
		}
		while (i < n && v[i].block == v[start].block + (i - start) && bio_add(b, virt_to_phys(v[i].data), fs->block_bytes))
			i++;
		b->done = batch_done;
		b->private = &w;
		atomic_inc(&w.pending);
		bio_submit(b);
	}
	batch_put(&w);
	wait_for_completion(&w.done);
	return w.err;
}
