/*
 * A mapping: the cached pages of one file, and who has them mapped.
 *
 * The page tree is read under RCU; changed under lock.  An entry is a run of 2^n pages: all its slots name
 * the head.  A page in the tree holds a reference for the tree.  PG_LOCKED guards a page's contents while they are
 * read in, truncated or written out; a page leaves the tree only while it is locked.  Finders check page->mapping
 * after taking their reference (mapping_find does): a page that left the tree has NULL there.
 *
 * PG_LOCKED is a sleeping bit lock that another context may release (the end of a read), and runs of pages are locked
 * in the order of their index: so it has no lock rank.  Who holds one copies neither from nor to user memory and takes
 * neither an inode lock nor mm->lock; rmap_lock, RANK_FS_PRIVATE and whatever I/O needs may be taken.
 *
 * Dirty pages carry MARK_DIRTY in the tree, pages under write-back MARK_WRITEBACK.
 */
#ifndef MM_MAPPING_H
#define MM_MAPPING_H

#include "base/interval.h"
#include "base/xarray.h"
#include "kern/lock.h"
#include "kern/mutex.h"
#include "kern/page.h"
#include "mm/iter.h"

struct backing;
struct mapping;

enum { MARK_DIRTY = 0, MARK_WRITEBACK = 1 };

struct mapping_ops {
	/*
	 * read_page: fill a locked page of which some byte lies below the file's size; bytes past it are zeroed.  Sleeps.
	 * The caller marks it up to date and unlocks it.  Return 0 or -errno.  Required unless the file is a shmem one
	 * (NULL: new pages are zeroes).
	 */
	int (*read_page)(struct mapping *m, struct page *page);
	/*
	 * read_run: optional; fill @n locked pages of consecutive index.  It ends each page's read by page_read_done(), now or
	 * later, whatever happens.
	 */
	void (*read_run)(struct mapping *m, struct page **run, unsigned n);
	/* write_page: write the page back; PG_WRITEBACK is set, PG_LOCKED is not.  Returns when it is done. Return 0 or -errno. */
	int (*write_page)(struct mapping *m, struct page *page, u64 file_size);
	/* write_run: optional; the same for @n pages of consecutive index; returns the first error. */
	int (*write_run)(struct mapping *m, struct page **run, unsigned n, u64 file_size);
	/*
	 * write_start: optional; begin to write @n pages of consecutive index, with a reference on each.  It ends each page's by
	 * page_write_done(), now or later, whatever happens; the array is the caller's.
	 */
	void (*write_start)(struct mapping *m, struct page **run, unsigned n, u64 file_size);
	/*
	 * reserve: optional; sleeps.  0 or -ENOSPC…  A shmem mapping: a page is about to be created at @index.  Others: a clean
	 * page is about to become dirty (mmap write or write(2)).
	 */
	int (*reserve)(struct mapping *m, u64 index);
	/* release: optional; the page, locked, leaves the cache for good (shmem: or its creation failed, @page NULL). */
	void (*release)(struct mapping *m, struct page *page);
};

/* Locks: l lock (spin) · r rmap_lock · a atomic · I immutable · i the owner's inode lock (readers: none) */
struct mapping {
	struct xarray tree;		/* [l] */
	struct spinlock lock;
	u32 error_seq;			/* [a] write-back errors so far << 12 | last errno: fsync compares */
	u64 size;			/* [i] the file's size in bytes: the one truth, for inodes too */
	u64 page_count;			/* [l] */
	const struct mapping_ops *ops;	/* [I] */
	void *host;			/* [I] the inode, for the file system */
	struct rwsem rmap_lock;
	struct interval_tree vmas;	/* [r] who maps it, by page index */
	u32 writable_maps;		/* [a] shared writable mappings; or denied, if the top bit is set (memfd seals) */
	u32 flags;			/* [I] MAPPING_* */
	struct backing *backing;	/* [I, once in use] where its pages are written (backing.h) */
	struct list_head dirty_node;	/* [backing->lock] on its list of mappings with dirty pages */
	u64 listed_ns;			/* [backing->lock] when it was put there */
	u64 dirty_since_ns;		/* [backing->lock] the same, or when the backing's thread last looked at it */
	u64 synced;			/* [backing->lock] the last sync(2) that has waited for its pages */
	u32 pins;			/* [a] write-back and reclaim at work on it: mapping_fini waits for 0 */
};

enum {
	MAPPING_SHMEM = 1,	/* pages have no other home: dirty for ever, swap is their only way out */
	MAPPING_NOWRITEBACK = 2,
	MAPPING_NOCACHE_MMAP = 4,
};

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host, u32 flags);
/** mapping_fini - drop all pages; nobody maps or uses it any more. */
void mapping_fini(struct mapping *m);

/**
 * mapping_find - the cached page at @index (the head of its run: see page_sub) with a reference, or NULL
 * Context: thread; takes no lock. The page may be locked and not yet up to date.
 */
struct page *mapping_find(struct mapping *m, u64 index);
/** mapping_grab - the page at @index, created if missing, locked, with a reference; ERR_PTR(-ENOMEM). */
struct page *mapping_grab(struct mapping *m, u64 index, u32 alloc_flags);

/** page_sub - the page of @index in the run of @head, which a lookup of @index returned. */
static inline struct page *page_sub(struct page *head, u64 index)
{
	return head + (index - head->index);
}

/* The read-ahead state of an open file. */
struct readahead {
	u64 start, size, async_size;	/* pages */
	u64 prev_index;
};

/** mapping_get - the page at @index, read in if need be, with a reference. ERR_PTR(-EIO, -ENOMEM, -EINTR if killed). @ra may be NULL */
struct page *mapping_get(struct mapping *m, u64 index, struct readahead *ra);

/** mapping_read - read(2) through the cache. Advances *pos. Return: bytes, or -errno if none */
s64 mapping_read(struct mapping *m, struct readahead *ra, struct iter *to, u64 *pos);
/**
 * mapping_write - write(2) into the cache: pages are read first where partly overwritten, marked dirty, the size is moved.
 * The caller holds the inode lock and has checked limits.  Advances *pos. Return: bytes, or -errno if none
 */
s64 mapping_write(struct mapping *m, struct iter *from, u64 *pos);

void page_lock(struct page *p);
bool page_trylock(struct page *p);
void page_unlock(struct page *p);
void page_wait_writeback(struct page *p);
/** page_read_done - a read started by read_run ended: mark up to date or in error, unlock. Any context */
void page_read_done(struct page *p, int err);
/** page_write_done - the write-back of a page that write_start began is over; its reference goes. Context: thread */
void page_write_done(struct mapping *m, struct page *p, int err);
/** page_dirty - mark a cached page dirty in its tree. Caller holds a reference and the page is in the cache or locked. */
void page_dirty(struct page *p);

/** mapping_truncate - drop cached pages from byte @from on, zero the rest of its page, unmap them; the caller has set the new size. */
void mapping_truncate(struct mapping *m, u64 from);
/** mapping_punch - drop or zero [start, end) bytes. */
void mapping_punch(struct mapping *m, u64 start, u64 end);
/** mapping_invalidate - drop clean unused pages of page indices [first, last]. Return: how many stayed */
u64 mapping_invalidate(struct mapping *m, u64 first, u64 last);
/**
 * mapping_evict - drop the clean pages of page indices [first, last], used and mapped ones too: the medium has been, or is about
 * to be, changed behind the cache.  Who holds a page keeps its old bytes.  Return: how many stayed, since they are dirty or being written
 * Context: thread, no page locked
 */
u64 mapping_evict(struct mapping *m, u64 first, u64 last);
/** mapping_drop_unused - the same of all pages, waiting for those that are being read. Context: thread, no page locked */
void mapping_drop_unused(struct mapping *m);
/** mapping_sync - write dirty pages of bytes [start, end] out and wait. Return: 0 or the first error */
MUST_CHECK int mapping_sync(struct mapping *m, u64 start, u64 end);
/** mapping_write_start - begin to write all dirty pages. mapping_sync waits */
void mapping_write_start(struct mapping *m);
/** mapping_error_since - whether a write-back failed since *seen; updates it. Return: 0 or -errno */
MUST_CHECK int mapping_error_since(struct mapping *m, u32 *seen);
void mapping_set_error(struct mapping *m, int err);
/** mapping_data_range - for SEEK_DATA/SEEK_HOLE over a shmem mapping: first page index >= from that is (not) cached. */
u64 mapping_next_data(struct mapping *m, u64 from_index, u64 end_index);
u64 mapping_next_hole(struct mapping *m, u64 from_index, u64 end_index);

/** mapping_balance_dirty - after dirtying pages of @m: pause if too much memory is dirty. Context: thread that may sleep for long; killable */
void mapping_balance_dirty(struct mapping *m);
/** mapping_balance_due - whether it is time to call that. */
static inline bool mapping_balance_due(void) { return unlikely(current()->dirty_count >= current()->dirty_poll); }

/** mapping_drop_all - drop every clean page of every file that nobody uses or maps. Return: how many. Context: thread, no locks */
u64 mapping_drop_all(void);

/* Requests of many write-backs are held back for a moment, so that neighbours become one: what the block layer has for it. */
struct writeback_plug { u64 space[4]; };
void writeback_register_plug(void (*begin)(struct writeback_plug *p), void (*end)(struct writeback_plug *p));
void writeback_plug_begin(struct writeback_plug *p);
void writeback_plug_end(struct writeback_plug *p);

/** writeback_all - start writing every dirty page; @wait: and wait (sync(2)). */
void writeback_all(bool wait);

#endif
