/*
 * ext4: what its files share.
 *
 *	namei.c dir.c htree.c	names		file.c data.c		bytes of files, by way of the page cache
 *	inode.c orphan.c	inodes		extent.c blockmap.c	where the bytes of a file lie
 *	direct.c later.c	bytes of files, around it; ends of transfers
 *	xattr.c acl.c		attributes	balloc.c ialloc.c group.c	what is free
 *	super.c			mounting	buf.c journal.c recover.c	metadata blocks and their transactions
 *
 * Departures from Linux's ext4, all of them of what happens in memory; the disk sees the same format:
 *  1. Data go to the disk before the transaction that names them begins to be filled: a write-back picks free blocks in memory,
 *     writes, and only then marks them used and enters the extent, in one handle.  That is ordered mode by
 *     construction: a commit never waits for data.  data=writeback does the same; data=journal is refused.
 *  2. A commit copies the blocks of its transaction while no handle is open, so nobody ever waits for a block that is being logged.
 *  3. Checksums of metadata are computed once a commit, not at each change.
 *
 * Direct transfers are counted in the inode while they last: whoever frees or moves blocks, with the inode locked, waits until there are none.
 *
 * Lock order: inode->lock (VFS); gate; a handle; map_lock; the spin locks.  Who has a handle neither waits for a page
 * lock or write-back nor puts the last reference of an inode, and its allocations do not enter file systems.
 */
#ifndef FS_EXT4_EXT4_H
#define FS_EXT4_EXT4_H

#include <linux/errno.h>
#include <linux/stat.h>
#include "base/bitmap.h"
#include "base/crc32c.h"
#include "base/string.h"
#include "block/block.h"
#include "fs/ext4/format.h"
#include "fs/ext4/hash.h"
#include "kern/assert.h"
#include "kern/mutex.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/work.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

struct ext4;

/* ---- buf.c: cached metadata blocks ---- */

enum buf_kind { BUF_PLAIN, BUF_SUPER, BUF_DESC, BUF_BBITMAP, BUF_IBITMAP, BUF_ITABLE, BUF_EXTENT, BUF_DIR, BUF_DX, BUF_XATTR };
enum { BUF_UPTODATE = 1, BUF_VERIFIED = 2, BUF_READING = 4, BUF_FREED = 8 };

/* Locks: h fs->buf_lock · j journal->lock · c commit_lock · a atomic · o who modifies the block */
struct buf {
	struct hlist_node hash;		/* [h] */
	u64 block;			/* [I] */
	u8 *data;			/* [o] */
	struct ext4 *fs;
	u32 refs;			/* [a] */
	u32 flags;			/* [a] BUF_* */
	u8 kind;			/* enum buf_kind: how its checksum is computed */
	bool in_tx;			/* [j] on the running transaction's list */
	bool in_ckpt;			/* [c] committed, not yet in its place on disk */
	u32 group;			/* bitmaps: of which group */
	u32 seed;			/* directories, extents: the inode's checksum seed */
	u64 dirty_inodes;		/* [a] inode tables: which have changed */
	u32 ckpt_tid;			/* [c] */
	struct list_head tx_node;	/* [j] */
	struct list_head ckpt_node;	/* [c] */
	struct list_head lru;		/* [h] */
};

/** buf_get - block @block, not read. ERR_PTR(-ENOMEM) */
struct buf *buf_get(struct ext4 *fs, u64 block);
/** buf_read - read in if need be. ERR_PTR(-EIO, -ENOMEM; -EFSCORRUPTED for a block outside the file system, or in use as another kind) */
struct buf *buf_read(struct ext4 *fs, u64 block, enum buf_kind kind);
void buf_put(struct buf *b);			/* NULL allowed */
void buf_cache_init(struct ext4 *fs);
void buf_cache_drop(struct ext4 *fs);		/* unmount: nothing is in a transaction */
void buf_forget_clean(struct buf *b);
/** ext4_io - @n blocks from @block on, synchronously, from or to @data, which is contiguous. */
MUST_CHECK int ext4_io(struct ext4 *fs, enum bio_op op, u64 block, void *data, u32 n, u32 flags);
struct io_vec { u64 block; void *data; };
/** ext4_io_many - write blocks, in as few requests as their order allows; waits. */
MUST_CHECK int ext4_io_write_many(struct ext4 *fs, const struct io_vec *v, unsigned n);

/* ---- journal.c ---- */

struct tx;
struct handle {
	struct ext4 *fs;
	struct tx *tx;
	u32 tid;
	u32 credits;
	u32 saved_alloc_flags;
};
struct journal;

/**
 * jh_start - enter the running transaction, to change up to @credits blocks
 * Context: sleeps; neither map_lock nor a spin lock held, no handle open. Return: 0, -EROFS, -ENOMEM
 */
MUST_CHECK int jh_start(struct ext4 *fs, struct handle *h, u32 credits);
void jh_stop(struct handle *h);
/** jh_modify - before @b is changed. */
void jh_modify(struct handle *h, struct buf *b);
/** jh_forget - a metadata block is freed: no older copy of it may be replayed or written any more. */
void jh_forget(struct handle *h, u64 block);
/** jh_free_blocks - blocks that may be used anew once this transaction is on disk. */
void jh_free_blocks(struct handle *h, u64 block, u32 n);
/** journal_commit - make transaction @tid durable. Return: 0 or -errno */
MUST_CHECK int journal_commit(struct ext4 *fs, u32 tid);
u32 journal_running_tid(struct ext4 *fs);	/* the youngest one that holds anything */
bool journal_committed(struct ext4 *fs, u32 tid);
/** journal_checkpoint - everything committed goes to its place; the log is empty afterwards. */
MUST_CHECK int journal_checkpoint(struct ext4 *fs);
MUST_CHECK int journal_open(struct ext4 *fs);
void journal_close(struct ext4 *fs);
MUST_CHECK int journal_quiesce(struct ext4 *fs);	/* after a checkpoint: the log is marked empty */
void journal_start_thread(struct ext4 *fs);
void journal_stop_thread(struct ext4 *fs);
bool journal_aborted(struct ext4 *fs);
void journal_abort(struct ext4 *fs, int err, const char *why);

/* ---- groups ---- */

/* Locks: g lock */
struct group {
	struct spinlock lock;
	u64 *busy;		/* [g] blocks not to be allocated: used on disk, promised to data, or freed but not committed; NULL: not loaded */
	u32 free;		/* [g] clear bits of busy (before it is loaded: what the descriptor says) */
	u32 hint;		/* [g] no clear bit below */
	u32 run_max;		/* [g] no run of clear bits is longer */
	u32 inode_hint;		/* [g] no free inode below */
	struct buf *bbitmap, *ibitmap;	/* held once loaded */
	bool bad;		/* the bitmap is damaged: not allocated from */
};

struct fs_options {
	bool noload, nobarrier, discard, acl, user_xattr, nodelalloc, debug;
	u32 errors, commit_sec, resuid, resgid;
};

/* Locks: I immutable · a atomic · h buf_lock · o orphan_lock · s count_lock */
struct ext4 {
	struct super *super;
	struct block_device *bdev;
	struct ext4_super_block *sb;	/* within sb_buf->data */
	struct buf *sb_buf;
	u32 block_bits, block_bytes, sectors_per_block;	/* [I] */
	u64 blocks;			/* [I] */
	u32 first_data_block, blocks_per_group, inodes_per_group, groups, inodes, inode_bytes, desc_bytes, first_ino;	/* [I] */
	u32 inodes_per_block, descs_per_block, desc_blocks, itable_blocks;	/* [I] */
	bool csum, gdt_csum, has_64bit, flex;	/* [I] */
	u32 csum_seed, hash_seed[4];	/* [I] */
	u8 hash_version, hash_unsigned;	/* [I]; hash_unsigned: 3 or 0, added to the version */
	struct buf **desc;		/* [I] descriptor blocks, held */
	struct group *group;
	struct fs_options opt;
	bool read_only, mounted_rw, cleaning_orphans;
	u32 errors_seen;
	struct spinlock count_lock;
	s64 free_blocks, free_inodes;	/* [s] of the disk's bitmaps */
	s64 free_memory;		/* [s] of the busy maps and what is not loaded: what can be allocated now */
	s64 reserved;			/* [s] promised to dirty pages */
	s64 root_blocks, margin;
	u64 used_dirs, overhead;
	bool replayed;
	/* buffers */
	struct spinlock buf_lock;
	struct hlist_head *buf_table;
	u32 buf_table_bits, buf_count, buf_max;	/* [h] */
	struct list_head buf_lru;	/* [h] not referenced, oldest first */
	struct waitq buf_waitq;
	struct journal *journal;
	struct mutex orphan_lock;
	struct list_head orphans;	/* [o] youngest first, as on disk */
	u32 next_generation;
	u32 dir_group;			/* where the last directory of the top level went */
	/* later.c */
	struct spinlock later_lock;
	struct list_head later_list;	/* [later_lock] struct work */
	struct waitq later_waitq;
	bool later_runs, later_stop;
	struct completion later_stopped;
	void *zone;			/* [I] group.c: the spans of blocks that no file may name */
	u32 zone_count;
};

static inline struct ext4 *ext4_of(const struct inode *i) { return i->super->private; }

/* ---- inodes ---- */

struct da_range {		/* delayed: dirty pages whose blocks are promised, not chosen */
	struct rb_node node;
	u32 start, len;
};

struct map_cache { u32 lblk, len; u64 pblk; u32 flags; };

/* Locks: m map_lock · d da_lock · a atomic */
struct ext4_inode {
	struct inode vfs;
	u32 flags;			/* [vfs.lock] FL_* */
	u32 csum_seed;			/* [I] */
	u8 block[60];			/* [m] i_block: the extent root, the block map, a short symlink, inline data */
	u64 disksize;			/* [m] what the disk's inode says */
	u64 file_acl;			/* [m] */
	u16 extra_isize;		/* [I] */
	u32 dtime;			/* [orphan_lock] */
	u64 meta_blocks;		/* [m] i_blocks in units of file-system blocks, metadata included */
	u32 sync_tid, datasync_tid;	/* [a] transactions that fsync waits for */
	u32 projid;
	struct rwsem gate;		/* shared: a write-back looks for places; exclusive, with writing 0: blocks come, go or move */
	u32 writing;			/* [a] write-backs under way; rises under gate alone */
	u32 direct;			/* [a] direct transfers under way */
	struct rwsem map_lock;
	struct map_cache cache;		/* [m, d] the last mapping found */
	struct spinlock da_lock;
	struct rb_root da;		/* [d] struct da_range */
	u32 da_blocks;			/* [d] */
	u64 goal;			/* [a] where the next block would lie best */
	u32 dir_goal;			/* directories: block that had room last */
	struct list_head orphan;	/* [orphan_lock] */
	bool itable_new;
	bool mapped;			/* [a] was mapped once: its last page may hold bytes past the end */
	struct ext4_acl *acl;		/* [RCU] access list */
};

static inline struct ext4_inode *ext4_i(const struct inode *i) { return container_of((struct inode *)(u64)i, struct ext4_inode, vfs); }

#define EFSCORRUPTED 117	/* EUCLEAN */
#define EFSBADCRC 74		/* EBADMSG */

/** ext4_error - the disk says what cannot be: logged, noted in the superblock, errors= obeyed. Return: -EFSCORRUPTED */
int ext4_error(struct ext4 *fs, const char *fmt, ...) PRINTF(2, 3);
int ext4_error_inode(const struct inode *i, const char *fmt, ...) PRINTF(2, 3);

struct inode *ext4_iget(struct super *s, u64 ino);
/** ext4_inode_dirty - the inode, as it is in memory, becomes part of @h's transaction. */
MUST_CHECK int ext4_inode_dirty(struct handle *h, struct inode *i);
/** ext4_inode_flush - the same in a handle of its own, if anything differs. */
MUST_CHECK int ext4_inode_flush(struct inode *i);
struct buf *ext4_inode_buf(struct ext4 *fs, u64 ino, struct ext4_raw_inode **raw);
void ext4_evict(struct inode *i);
int ext4_setattr(struct dentry *d, struct inode *i, const struct setattr *sa);
int ext4_getattr(struct dentry *d, struct inode *i, struct attrs *out);
/** ext4_truncate_blocks - free everything from byte @size on; the file is an orphan while it lasts. Gate closed, or nobody else there */
MUST_CHECK int ext4_truncate_blocks(struct inode *i, u64 size);
void ext4_set_ops(struct inode *i);
void ext4_set_vfs_flags(struct inode *i);
u32 ext4_raw_csum(const struct ext4 *fs, u64 ino, const struct ext4_raw_inode *raw);
void ext4_itable_dirty(struct buf *b, u64 ino);	/* inode @ino in @b has changed: its checksum is due */
void ext4_itable_csum(struct buf *b);	/* at commit */
bool ext4_ino_valid(const struct ext4 *fs, u64 ino);
bool ext4_block_valid(const struct ext4 *fs, u64 block, u64 n);
static inline bool ext4_has_extents(const struct ext4_inode *e) { return e->flags & FL_EXTENTS; }

/* ---- where bytes lie ---- */

enum { MAP_MAPPED = 1, MAP_UNWRITTEN = 2 };
struct map { u64 pblk; u32 lblk, len; u32 flags; };	/* flags 0: a hole of len blocks */

/** ext4_map - what lies at @lblk; map_lock held (shared or not) by the function itself. At most @max blocks. */
MUST_CHECK int ext4_map(struct inode *i, u32 lblk, u32 max, struct map *out);
MUST_CHECK int ext4_map_locked(struct inode *i, u32 lblk, u32 max, struct map *out);
/** ext4_alloc_map - allocate and enter up to @max blocks at a hole; metadata files: directories. */
MUST_CHECK int ext4_alloc_map(struct handle *h, struct inode *i, u32 lblk, u32 max, u32 flags, struct map *out);
/**
 * ext_insert_picked - the picked blocks @pblk, +@len become the file's: marked, then entered; map_lock held exclusively
 * Return: 0, or -errno: they are picked and nobody's, as before
 */
MUST_CHECK int ext_insert_picked(struct handle *h, struct inode *i, u32 lblk, u32 len, u64 pblk, bool unwritten);
/** ext_insert - enter [lblk, +len) -> pblk, a hole until now. map_lock held exclusively. */
MUST_CHECK int ext_insert(struct handle *h, struct inode *i, u32 lblk, u32 len, u64 pblk, bool unwritten);
/** ext_mark_written - [lblk, +len), unwritten until now, holds data. map_lock held exclusively. */
MUST_CHECK int ext_convert(struct handle *h, struct inode *i, u32 lblk, u32 len, bool unwritten);
/** ext_remove_last - free mappings in [from, to), from the end; stops when the handle's credits run low: *again. */
MUST_CHECK int ext_remove(struct handle *h, struct inode *i, u32 from, u32 to, bool *again);
/** ext_shift - everything from @from on moves by @delta blocks. */
MUST_CHECK int ext_shift(struct handle *h, struct inode *i, u32 from, s64 delta);
MUST_CHECK int ext_shift_count(struct inode *i, u32 from, u32 *nodes);
MUST_CHECK int ext_last_end(struct inode *i, u64 *end);	/* the block after the last one mapped */
MUST_CHECK int ext_find_next(struct inode *i, u32 lblk, struct map *out);	/* the first mapping at or after; flags 0: none */
void ext_init_root(struct ext4_inode *e);
MUST_CHECK int ext_check_root(struct inode *i);
enum { EXT_CREDITS = 24 };	/* one insertion, allocation of tree blocks, bitmaps and the inode included */
void map_cache_drop(struct ext4_inode *e);

MUST_CHECK int ind_map(struct inode *i, u32 lblk, u32 max, struct map *out);
MUST_CHECK int ind_truncate(struct handle *h, struct inode *i, u32 from, bool *again);

/* delayed blocks: da.c */
MUST_CHECK int da_reserve(struct inode *i, u32 lblk, u32 len);
bool da_next(struct ext4_inode *e, u32 lblk, u32 *start, u32 *len);	/* the first range that ends after lblk */
void da_release(struct inode *i, u32 lblk, u32 len);
void da_release_from(struct inode *i, u32 lblk);

/* ---- what is free: group.c, balloc.c, ialloc.c ---- */

struct ext4_group_desc *group_desc(struct ext4 *fs, u32 g, struct buf **b);
MUST_CHECK int groups_load(struct ext4 *fs);
void groups_free(struct ext4 *fs);	/* and the zone; may be loaded anew */
u64 desc_block_bitmap(const struct ext4 *fs, const struct ext4_group_desc *d);
u64 desc_inode_bitmap(const struct ext4 *fs, const struct ext4_group_desc *d);
u64 desc_inode_table(const struct ext4 *fs, const struct ext4_group_desc *d);
u32 desc_free_blocks(const struct ext4 *fs, const struct ext4_group_desc *d);
u32 desc_free_inodes(const struct ext4 *fs, const struct ext4_group_desc *d);
u32 desc_used_dirs(const struct ext4 *fs, const struct ext4_group_desc *d);
u32 desc_itable_unused(const struct ext4 *fs, const struct ext4_group_desc *d);
void desc_set_free_blocks(const struct ext4 *fs, struct ext4_group_desc *d, u32 v);
void desc_set_free_inodes(const struct ext4 *fs, struct ext4_group_desc *d, u32 v);
void desc_set_used_dirs(const struct ext4 *fs, struct ext4_group_desc *d, u32 v);
void desc_set_itable_unused(const struct ext4 *fs, struct ext4_group_desc *d, u32 v);
MUST_CHECK int zone_build(struct ext4 *fs);
/** ext4_data_valid - whether a file may have these blocks. */
bool ext4_data_valid(const struct ext4 *fs, u64 block, u64 n);
bool group_has_super(const struct ext4 *fs, u32 g);
u32 group_blocks(const struct ext4 *fs, u32 g);
MUST_CHECK int group_load_blocks(struct ext4 *fs, u32 g);
MUST_CHECK int group_load_inodes(struct ext4 *fs, u32 g);
void group_csum_commit(struct buf *b);		/* bitmaps: at commit, before the descriptors */
void group_desc_csum_commit(struct buf *b);
static inline u32 block_group(const struct ext4 *fs, u64 b) { return (u32)((b - fs->first_data_block) / fs->blocks_per_group); }
static inline u64 group_first_block(const struct ext4 *fs, u32 g) { return fs->first_data_block + (u64)g * fs->blocks_per_group; }

/**
 * balloc_pick - take up to @want free blocks near @goal out of the busy maps; nothing changes on disk
 * @use_margin: the last blocks too: what was promised before, or metadata
 * Return: 0, *block and *got (1 … @want); -ENOSPC, -EIO
 */
MUST_CHECK int balloc_pick(struct ext4 *fs, u64 goal, u32 want, bool use_margin, u64 *block, u32 *got);
void balloc_unpick(struct ext4 *fs, u64 block, u32 n);
/** balloc_mark - picked blocks become used on disk. */
MUST_CHECK int balloc_mark(struct handle *h, u64 block, u32 n);
/** balloc_unmark - take balloc_mark back, in the same handle; they are picked again. */
void balloc_unmark(struct handle *h, u64 block, u32 n);
/** balloc_free - used blocks become free on disk, and usable once @h's transaction is committed. @meta: revoked too */
MUST_CHECK int balloc_free(struct handle *h, struct inode *i, u64 block, u32 n, bool meta);
/** balloc_meta - one block for metadata, marked; zeroed buffer. */
struct buf *balloc_meta(struct handle *h, struct inode *i, u64 goal, enum buf_kind kind);
bool balloc_reserve(struct ext4 *fs, u32 n);	/* for dirty pages */
void balloc_unreserve(struct ext4 *fs, u32 n);
s64 balloc_available(struct ext4 *fs);
MUST_CHECK int balloc_trim(struct ext4 *fs, u64 start, u64 len, u64 minlen, u64 *trimmed);
struct inode *ext4_inode_new(struct handle *h, struct inode *dir, u32 mode, u64 rdev);
MUST_CHECK int ialloc_free(struct handle *h, u64 ino, bool dir);

/* ---- names ---- */

extern const struct inode_ops ext4_dir_iops, ext4_file_iops, ext4_symlink_iops;
extern const struct file_ops ext4_dir_fops, ext4_file_fops;
extern const struct mapping_ops ext4_mapping_ops;

struct dir_slot { struct buf *b; struct ext4_dirent *de, *prev; u32 lblk; bool is_inline; };
/** dir_find - the entry of a name; dir locked. Return: 0, -ENOENT, -EFSCORRUPTED…; slot->b is the caller's to put */
MUST_CHECK int dir_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out);
MUST_CHECK int dir_add(struct handle *h, struct inode *dir, const char *name, u32 len, u64 ino, u32 mode);
MUST_CHECK int dir_remove(struct handle *h, struct inode *dir, struct dir_slot *s);
MUST_CHECK int dir_init(struct handle *h, struct inode *dir, u64 parent);
bool dir_is_empty(struct inode *dir, int *err);
MUST_CHECK int dir_set_parent(struct handle *h, struct inode *dir, u64 parent);
struct buf *dir_block(struct inode *dir, u32 lblk);	/* read and checked; ERR_PTR; NULL: a hole */
struct buf *dir_append(struct handle *h, struct inode *dir, u32 *lblk);
void dir_csum_commit(struct buf *b);
void dx_csum_commit(struct buf *b);
u32 dir_usable(const struct ext4 *fs);
bool dir_put_entry(struct ext4 *fs, u8 *block, u32 bytes, const char *name, u32 len, u64 ino, u8 type);
u32 dirent_len(u32 name_len);
const char *dir_entries_bad(const struct ext4 *fs, const u8 *data, u32 bytes);	/* NULL: they fill [0, bytes) */
u8 mode_to_ft(u32 mode);
bool dir_indexed(const struct inode *dir);
enum { DIR_CREDITS = 2 * EXT_CREDITS + 8 };

u32 dir_hash_version(const struct ext4 *fs, u8 version);
MUST_CHECK int dx_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out);
MUST_CHECK int dx_add(struct handle *h, struct inode *dir, const char *name, u32 len, u64 ino, u8 type);
MUST_CHECK int dx_make(struct handle *h, struct inode *dir, struct buf *root);
int ext4_readdir(struct file *f, struct dir_context *c);
int dx_readdir(struct file *f, struct dir_context *c);
MUST_CHECK int dir_find_in(struct inode *dir, u32 lblk, const char *name, u32 len, struct dir_slot *out);

/* ---- inline.c ---- */
MUST_CHECK int inline_read(struct inode *i, u8 *buf, u32 size, u32 *len);
MUST_CHECK int inline_convert_file(struct inode *i);
MUST_CHECK int inline_convert_dir(struct handle *h, struct inode *dir);
MUST_CHECK int inline_dir_find(struct inode *dir, const char *name, u32 len, struct dir_slot *out);
MUST_CHECK int inline_dir_reload(struct inode *dir);	/* after a change in the inode's block */
bool inline_dir_empty(struct inode *dir, int *err);
int inline_readdir(struct file *f, struct dir_context *c);

/* ---- orphan.c ---- */
MUST_CHECK int orphan_add(struct handle *h, struct inode *i);
MUST_CHECK int orphan_del(struct handle *h, struct inode *i);
void orphan_cleanup(struct ext4 *fs);

/* ---- xattr.c, acl.c ---- */
s64 ext4_getxattr(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size);
int ext4_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags);
s64 ext4_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size);
int ext4_removexattr(struct dentry *d, struct inode *i, const char *name);
s64 xattr_get(struct inode *i, u8 index, const char *name, void *buf, size_t size);
MUST_CHECK int xattr_set(struct handle *h, struct inode *i, u8 index, const char *name, const void *value, size_t size, int flags);
MUST_CHECK int xattr_free_block(struct handle *h, struct inode *i);
void xattr_csum_commit(struct buf *b);
enum { XATTR_CREDITS = 12 };
int ext4_permission(struct inode *i, int mask);
MUST_CHECK int acl_init(struct handle *h, struct inode *i, struct inode *dir);
MUST_CHECK int acl_chmod(struct handle *h, struct inode *i);
s64 acl_get_user(struct inode *i, u8 index, void *buf, size_t size);
MUST_CHECK int acl_set_user(struct inode *i, u8 index, const void *value, size_t size);
MUST_CHECK int acl_load(struct inode *i);
void acl_drop(struct inode *i);
MUST_CHECK int xattr_inline_find(struct inode *i, struct ext4_raw_inode *r, u8 **value, u32 *size);

/* ---- direct.c ---- */
enum { EXT4_DIRECT_PIECE = 8 << 20 };	/* bounds the pages pinned by who waits */
/**
 * ext4_direct_read, _write - O_DIRECT, at most a piece of it unless the file is to grow. @io: as in file_ops.start, or NULL: wait
 * Return: bytes, -EIOCBQUEUED (with @io), -EOPNOTSUPP: not this way, -errno.  The write advances *pos.
 */
s64 ext4_direct_read(struct file *f, struct iter *to, u64 pos, struct async_io *io);
s64 ext4_direct_write(struct file *f, struct iter *from, u64 *pos, struct async_io *io);
void ext4_direct_drain(struct inode *i);	/* inode locked: wait until no transfer is under way */

/* ---- later.c ---- */
/** ext4_later - run @w on the file system's thread. Context: any; the file system is not read-only, or @w is no part of a write */
void ext4_later(struct ext4 *fs, struct work *w);
void ext4_later_init(struct ext4 *fs);
MUST_CHECK int ext4_later_start(struct ext4 *fs);
void ext4_later_stop(struct ext4 *fs);

/* ---- file.c, data.c ---- */
/** ext4_gate_close - no write-back is under way, none begins before ext4_gate_open. Context: thread, no handle */
void ext4_gate_close(struct inode *i);
void ext4_gate_open(struct inode *i);
/** ext4_allocate_range - unwritten blocks for the holes of [from, to); gate closed, inode locked, no page of it dirty */
MUST_CHECK int ext4_allocate_range(struct inode *i, u32 from, u32 to);
s64 ext4_ioctl(struct file *f, u32 cmd, u64 arg);
int ext4_fsync(struct file *f, u64 start, u64 end, bool datasync);
MUST_CHECK int ext4_sync_inode(struct inode *i, bool datasync);
int ext4_fallocate(struct file *f, int mode, u64 off, u64 len);
MUST_CHECK int ext4_zero_tail(struct inode *i, u64 size);
s64 ext4_fiemap(struct inode *i, u64 arg);

#endif
