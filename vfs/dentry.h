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

enum { DENTRY_MOUNTPOINT = 1, DENTRY_UNHASHED = 2, DENTRY_DEAD = 4, DENTRY_REFERENCED = 8, DENTRY_NOCACHE = 16, DENTRY_TMPFILE = 32, DENTRY_LRU = 64 };
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
/** d_splice - as d_add, but a directory that has a dentry already keeps only one: returns that (with a reference, moved here), or NULL after adding @d. ERR_PTR inode allowed */
struct dentry *d_splice(struct dentry *d, struct inode *inode);
void d_tmpfile(struct dentry *d, struct inode *inode);	/* positive, never hashed, nlink 0 */
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
/** d_prune_super - forget all unused dentries of a super (unmount). d_shrink: free up to n unused ones. */
void d_prune_super(struct super *s);
u64 d_shrink(u64 n);
/** d_any_alias - some dentry of a directory inode, with a reference, or NULL. */
struct dentry *d_any_alias(struct inode *i);

static inline bool d_is_positive(const struct dentry *d) { return __atomic_load_n(&d->inode, __ATOMIC_RELAXED) != NULL; }
static inline bool d_unhashed(const struct dentry *d) { return d->flags & DENTRY_UNHASHED; }

void dcache_init(void);
void dcache_stats(u64 *total, u64 *unused);

#endif
