/*
 * Dentries: the cache of names.
 *
 * A dentry is a name in a parent directory; positive with an inode, negative without ("not there").  Path walk reads the hash
 * chains under RCU and takes no lock; names change (rename) under d->seq.
 */
#ifndef VFS_DENTRY_H
#define VFS_DENTRY_H

#include "base/list.h"
#include "base/types.h"
#include "kern/lock.h"
#include "kern/rcu.h"

struct inode;
struct super;
struct dentry;

struct dentry_ops {
	/* revalidate: is what is cached still true? 1 yes, 0 no (it is dropped and looked up again), -errno. May sleep; @rcu: it may not: return -EAGAIN to be called again outside */
	int (*revalidate)(struct dentry *d, bool rcu);
	/* delete: last reference dropped: nonzero = do not keep it in the cache */
	int (*delete)(const struct dentry *d);
	void (*release)(struct dentry *d);	/* being freed */
};

enum { DENTRY_MOUNTPOINT = 1, DENTRY_UNHASHED = 2, DENTRY_DEAD = 4, DENTRY_REFERENCED = 8, DENTRY_NOCACHE = 16, DENTRY_TMPFILE = 32, DENTRY_LRU = 64,
       DENTRY_PINNED = 128 /* the file system itself holds a reference, since the file lives nowhere else: d_pin */ };
enum { DNAME_INLINE = 40 };

/* Locks: d dentry->lock · s seq (readers) · h hash chain · a atomic · I immutable */
struct dentry {
	struct hlist_node hash;		/* [h] */
	struct dentry *parent;		/* [s, d] itself for roots; holds a reference */
	u32 seq;			/* [s] odd while name or parent change */
	u32 name_hash;			/* [s] */
	const char *name;		/* [s] inline_name or allocated; NUL-terminated */
	u16 name_len;			/* [s] */
	u16 pad;
	u32 flags;			/* [d] DENTRY_* */
	struct inode *inode;		/* [d, s] NULL: negative. Holds a reference */
	u32 refs;			/* [a]; the top bit: dead */
	struct spinlock lock;
	const struct dentry_ops *ops;	/* [I] from super or NULL */
	struct super *super;		/* [I] */
	struct list_head children;	/* [d] */
	struct list_head sibling;	/* [parent's d] */
	struct list_head alias;		/* [dcache] in inode->aliases */
	struct list_head lru;		/* [lru lock] */
	void *private;			/* the file system's */
	struct rcu_head rcu;
	char inline_name[DNAME_INLINE];
};

/** d_get, d_put - references. d_put(NULL) is allowed. */
static inline struct dentry *d_get(struct dentry *d) { __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED); return d; }
void d_put(struct dentry *d);
bool d_get_not_dead(struct dentry *d);

/** d_alloc - a new dentry for a name in @parent, not hashed, one reference. NULL: no memory */
struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len);
/** d_alloc_root - the root of a super; consumes the inode reference even on failure. */
struct dentry *d_alloc_root(struct super *s, struct inode *root);
/** d_add - hash @d with @inode (NULL: negative); consumes the inode reference. For lookup. */
void d_add(struct dentry *d, struct inode *inode);
/** d_instantiate - a hashed or unhashed negative dentry becomes positive; hashes it; consumes the inode reference. For create. */
void d_instantiate(struct dentry *d, struct inode *inode);
/** d_instantiate_unhashed - positive, but found by no lookup. */
void d_instantiate_unhashed(struct dentry *d, struct inode *inode);
/** d_splice - as d_add, but a directory that has a dentry already keeps only one: returns that (with a reference, moved here), or NULL after adding @d. ERR_PTR inode allowed */
struct dentry *d_splice(struct dentry *d, struct inode *inode);
/** d_tmpfile - positive, never hashed, nlink 0; gets the name "#INO". d_instantiate_nameless - keeps the name that it has. */
void d_tmpfile(struct dentry *d, struct inode *inode);
void d_instantiate_nameless(struct dentry *d, struct inode *inode);
/** d_lookup - the cached child, with a reference, or NULL. */
struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len);
/** d_drop - unhash: the next walk asks the file system again. */
void d_drop(struct dentry *d);
/** d_delete - after unlink: becomes negative if nobody else uses it, else unhashed. */
void d_delete(struct dentry *d);
/** d_invalidate - drop it and everything below, unmounting nothing. */
void d_invalidate(struct dentry *d);
/** d_move - after rename: @d takes the place of @target; d_exchange: both swap. Directories locked, super's rename_lock held if they differ. */
void d_move(struct dentry *d, struct dentry *target);
void d_exchange(struct dentry *a, struct dentry *b);
bool d_is_below(struct dentry *d, struct dentry *ancestor);	/* or equal */
/** d_pin / d_unpin - the reference by which a file system in memory keeps its names. d_prune_super unpins. */
void d_pin(struct dentry *d);
void d_unpin(struct dentry *d);
/** d_child_towards - the child of @top on the way down to @d, NULL if @d is not strictly below. Super's rename_lock held. */
struct dentry *d_child_towards(struct dentry *top, struct dentry *d);
/** d_prune_children - forget the unused (negative) children of a directory that goes. */
void d_prune_children(struct dentry *d);
/** d_prune_super - forget all unused dentries of a super (unmount). d_shrink: free up to n unused ones. */
void d_prune_super(struct super *s);
u64 d_shrink(u64 n);
/** d_any_alias - some dentry of a directory inode, with a reference, or NULL. */
struct dentry *d_any_alias(struct inode *i);
/** d_dir_has_name - whether a dentry that lookups find (or a root) has this directory: a second one would let its lock be taken twice. */
bool d_dir_has_name(struct inode *dir);

static inline bool d_is_positive(const struct dentry *d) { return __atomic_load_n(&d->inode, __ATOMIC_RELAXED) != NULL; }
static inline bool d_unhashed(const struct dentry *d) { return d->flags & DENTRY_UNHASHED; }

/*
 * Names are hashed and compared eight bytes at a time.  A load may reach past the name, but never into a page that holds no
 * byte of it; so the address sanitizer is told to look away.
 */
__attribute__((no_sanitize("address"))) static inline u64 name_load(const char *s)
{
	u64 w = 0;

	if (likely(((u64)s & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8)) {
		__builtin_memcpy(&w, s, 8);
		return w;
	}
	for (unsigned i = 0; i < 8; i++) {
		w |= (u64)(u8)s[i] << (8 * i);
		if (!s[i])
			break;
	}
	return w;
}

static inline u64 name_mix(u64 h, u64 w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

#define NAME_ONES 0x0101010101010101ull
#define NAME_HIGHS 0x8080808080808080ull

/** name_scan - length and hash of the component at @s, which ends at '/' or NUL. */
static inline u32 name_scan(const char *s, u32 *hash)
{
	u64 h = 0;
	u32 len = 0;

	for (;; len += 8) {
		u64 w = name_load(s + len), x = w ^ NAME_ONES * '/';
		u64 end = ((w - NAME_ONES) & ~w & NAME_HIGHS) | ((x - NAME_ONES) & ~x & NAME_HIGHS);

		if (end) {
			unsigned bits = (unsigned)__builtin_ctzll(end) & ~7u;

			h = name_mix(h, w & ((1ull << bits) - 1));
			*hash = (u32)(h ^ h >> 32);
			return len + bits / 8;
		}
		h = name_mix(h, w);
	}
}

u32 name_hash(const char *name, u32 len);

/**
 * d_find_rcu - the cached child, without a reference
 * @seq: out: what d->seq was; @inode: out: its inode at that moment
 * Context: RCU. NULL: not cached, or changing just now
 */
struct dentry *d_find_rcu(const struct dentry *parent, const char *name, u32 len, u32 hash, u32 *seq, struct inode **inode);

/** d_seq_unchanged - whether what was read of @d since @seq still holds. */
static inline bool d_seq_unchanged(const struct dentry *d, u32 seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&d->seq, __ATOMIC_RELAXED) == seq;
}

static inline void d_set_flag(struct dentry *d, u32 flag) { __atomic_fetch_or(&d->flags, flag, __ATOMIC_SEQ_CST); }
static inline void d_clear_flag(struct dentry *d, u32 flag) { __atomic_fetch_and(&d->flags, ~flag, __ATOMIC_SEQ_CST); }

/** d_parent - the parent, with a reference. */
struct dentry *d_parent(struct dentry *d);
/** d_first_child_after - a positive or negative child after @after (NULL: the first), with a reference; @after's is dropped. */
struct dentry *d_next_child(struct dentry *parent, struct dentry *after);

void dcache_init(void);
void dcache_stats(u64 *total, u64 *unused);

#endif
