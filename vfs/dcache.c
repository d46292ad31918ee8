/*
 * The dentry cache: a hash table of (parent, name), read under RCU.
 *
 * References and death: refs counts users; at 0 a dentry stays cached, on the LRU list from the first time on.  Whoever
 * changes refs from 0 to REFS_DEAD owns the dentry and destroys it; nobody can take a reference after that.  So killing
 * needs no lock, and a finder takes its reference with d_get_not_dead() and then looks whether d->seq is what it read before.
 *
 * A change of name, parent or inode makes d->seq odd first.  d_delete() makes it odd and then looks at refs, a finder raises
 * refs and then looks at seq: one of the two sees the other.
 *
 * Every child holds a reference to its parent.
 *
 * Locks: a dentry's lock guards its list of children (taken at RANK_DENTRY_PARENT) and its own inode (RANK_DENTRY); one
 * spin lock for hash chains and one each for the LRU list and alias lists (RANK_DCACHE, never nested).  Renames of dentries
 * are serialised by rename_lock (RANK_FILES is below, it is outermost of the spin locks here).
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/hash.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/sched.h"
#include "vfs/dentry.h"
#include "vfs/inode.h"
#include "vfs/notify.h"
#include "vfs/super.h"

enum { REFS_DEAD = 1u << 31, CHAIN_LOCKS = 64 };

/* A name too long to stand in the dentry; shared by both dentries of a rename. */
struct long_name {
	u32 refs;
	struct rcu_head rcu;
	char name[264];		/* always this long: a reader with a stale length stays inside */
};

static struct hlist_head *table;
static unsigned table_bits;
static struct spinlock chain_locks[CHAIN_LOCKS];
static struct spinlock lru_lock, alias_lock, rename_lock;
static struct list_head lru;
static u64 count_unused, count_total;
static struct slab_cache *dentry_cache, *name_cache;

static inline u32 bucket_of(const struct dentry *parent, u32 hash)
{
	return (u32)(((u64)hash + ((u64)parent >> 6)) * 0x9e3779b97f4a7c15ull >> (64 - table_bits));
}

static u64 word_mask(u32 bytes)
{
	return bytes ? ~0ull >> (64 - 8 * bytes) : 0;
}

u32 name_hash(const char *name, u32 len)
{
	u64 h = 0;

	for (; len >= 8; len -= 8, name += 8)
		h = name_mix(h, name_load(name));
	h = name_mix(h, name_load(name) & word_mask(len));
	return (u32)(h ^ h >> 32);
}

static inline bool name_equal(const char *a, const char *b, u32 len)
{
	for (; len >= 8; len -= 8, a += 8, b += 8)
		if (name_load(a) != name_load(b))
			return false;
	return !len || !((name_load(a) ^ name_load(b)) & word_mask(len));
}

/* ---- chains ---- */

static void chain_remove(struct dentry *d)
{
	u32 b = bucket_of(d->parent, d->name_hash);

	spin_lock(&chain_locks[b % CHAIN_LOCKS]);
	if (!hlist_unhashed(&d->hash))
		hlist_del_init_rcu(&d->hash);
	d_set_flag(d, DENTRY_UNHASHED);
	spin_unlock(&chain_locks[b % CHAIN_LOCKS]);
}

static void chain_add(struct dentry *d)
{
	u32 b = bucket_of(d->parent, d->name_hash);

	spin_lock(&chain_locks[b % CHAIN_LOCKS]);
	if (hlist_unhashed(&d->hash))
		hlist_add_head_rcu(&d->hash, &table[b]);
	d_clear_flag(d, DENTRY_UNHASHED);
	spin_unlock(&chain_locks[b % CHAIN_LOCKS]);
}

struct dentry *d_find_rcu(const struct dentry *parent, const char *name, u32 len, u32 hash, u32 *seq, struct inode **inode)
{
	struct dentry *d;

	hlist_for_each_entry_rcu(d, &table[bucket_of(parent, hash)], hash) {
		if (READ_ONCE(d->name_hash) != hash || READ_ONCE(d->parent) != parent)
			continue;
		u32 s = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);

		if (s & 1 || READ_ONCE(d->parent) != parent || d->name_len != len || !name_equal(READ_ONCE(d->name), name, len))
			continue;
		struct inode *i = READ_ONCE(d->inode);

		if (!d_seq_unchanged(d, s) || READ_ONCE(d->flags) & DENTRY_UNHASHED)
			continue;
		*seq = s;
		*inode = i;
		return d;
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len)
{
	u32 hash = name_hash(name, (u32)len), seq;
	struct inode *inode;

	for (;;) {
		struct dentry *d = d_find_rcu(parent, name, (u32)len, hash, &seq, &inode);

		if (!d)
			return NULL;
		if (!d_get_not_dead(d))
			continue;
		if (__atomic_load_n(&d->seq, __ATOMIC_SEQ_CST) == seq)
			return d;
		d_put(d);
	}
}

/* ---- seq ---- */

static void seq_begin(struct dentry *d)
{
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_SEQ_CST);
	smp_mb();
}

static void seq_end(struct dentry *d)
{
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELEASE);
}

/* ---- names ---- */

static struct long_name *long_name_of(const struct dentry *d)
{
	return d->name == d->inline_name ? NULL : container_of(d->name, struct long_name, name[0]);
}

static void long_name_free(struct rcu_head *h)
{
	slab_free(name_cache, container_of(h, struct long_name, rcu));
}

static void name_release(struct long_name *n)
{
	if (n && atomic_dec_and_test(&n->refs))
		call_rcu(&n->rcu, long_name_free);
}

static bool name_set(struct dentry *d, const char *name, u32 len)
{
	char *to = d->inline_name;

	if (len >= DNAME_INLINE) {
		struct long_name *n = slab_alloc(name_cache, ALLOC_KERNEL);

		if (!n)
			return false;
		n->refs = 1;
		to = n->name;
	} else {
		memset(d->inline_name, 0, DNAME_INLINE);
	}
	memcpy(to, name, len);
	to[len] = 0;
	d->name = to;
	d->name_len = (u16)len;
	d->name_hash = name_hash(to, len);
	return true;
}

/* @to gets @from's name too. The caller made to->seq odd. */
static void name_copy(struct dentry *to, const struct dentry *from)
{
	struct long_name *old = long_name_of(to), *shared = long_name_of(from);

	if (shared) {
		atomic_inc(&shared->refs);
		WRITE_ONCE(to->name, from->name);
	} else {
		memcpy(to->inline_name, from->inline_name, DNAME_INLINE);
		WRITE_ONCE(to->name, to->inline_name);
	}
	to->name_len = from->name_len;
	to->name_hash = from->name_hash;
	name_release(old);
}

static void name_swap(struct dentry *a, struct dentry *b)
{
	struct long_name *la = long_name_of(a), *lb = long_name_of(b);
	char inl[DNAME_INLINE];
	u16 len = a->name_len;
	u32 hash = a->name_hash;

	memcpy(inl, a->inline_name, DNAME_INLINE);
	memcpy(a->inline_name, b->inline_name, DNAME_INLINE);
	memcpy(b->inline_name, inl, DNAME_INLINE);
	WRITE_ONCE(a->name, lb ? lb->name : a->inline_name);
	WRITE_ONCE(b->name, la ? la->name : b->inline_name);
	a->name_len = b->name_len;
	a->name_hash = b->name_hash;
	b->name_len = len;
	b->name_hash = hash;
}

/* ---- life ---- */

static struct dentry *dentry_new(struct super *s)
{
	struct dentry *d = slab_alloc(dentry_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->refs = 1;
	d->flags = DENTRY_UNHASHED;
	d->super = s;
	d->ops = s ? s->dops : NULL;
	spin_init(&d->lock, RANK_DENTRY);
	hlist_node_init(&d->hash);
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->alias);
	list_init(&d->lru);
	return d;
}

struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *d = dentry_new(parent->super);

	if (!d)
		return NULL;
	if (!name_set(d, name, (u32)len)) {
		slab_free(dentry_cache, d);
		return NULL;
	}
	d->parent = d_get(parent);
	spin_lock_rank(&parent->lock, RANK_DENTRY_PARENT);
	list_add_tail(&d->sibling, &parent->children);
	spin_unlock_rank(&parent->lock, RANK_DENTRY_PARENT);
	atomic_inc(&count_total);
	return d;
}

static void alias_add(struct dentry *d, struct inode *inode)
{
	spin_lock(&alias_lock);
	list_add(&d->alias, &inode->aliases);
	spin_unlock(&alias_lock);
}

static void alias_remove(struct dentry *d)
{
	spin_lock(&alias_lock);
	list_del_init(&d->alias);
	spin_unlock(&alias_lock);
}

struct dentry *d_alloc_root(struct super *s, struct inode *root)
{
	struct dentry *d;

	if (!root)
		return NULL;
	d = dentry_new(s);
	if (!d || !name_set(d, "/", 1)) {
		inode_put(root);
		if (d)
			slab_free(dentry_cache, d);
		return NULL;
	}
	d->parent = d;
	d->inode = root;
	alias_add(d, root);
	atomic_inc(&count_total);
	return d;
}

static void dentry_free(struct rcu_head *h)
{
	struct dentry *d = container_of(h, struct dentry, rcu);

	slab_free(dentry_cache, d);
}

static void lru_remove(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (d->flags & DENTRY_LRU) {
		list_del_init(&d->lru);
		d_clear_flag(d, DENTRY_LRU);
		count_unused--;
	}
	spin_unlock(&lru_lock);
}

/* @i has lost a dentry: if it has no names either, its watchers hear that it is gone. */
static void notify_if_deleted(struct inode *i)
{
	if (i && !i->nlink)
		notify_inode(i, IN_DELETE_SELF);
}

/* @d is dead and ours. Return: its parent, whose reference is now the caller's; NULL for roots. */
static struct dentry *dentry_destroy(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;

	chain_remove(d);
	lru_remove(d);
	if (parent) {
		spin_lock_rank(&parent->lock, RANK_DENTRY_PARENT);
		list_del_init(&d->sibling);
		spin_unlock_rank(&parent->lock, RANK_DENTRY_PARENT);
	}
	struct inode *i = d->inode;

	if (i) {
		alias_remove(d);
		notify_if_deleted(i);
	}
	if (d->ops && d->ops->release)
		d->ops->release(d);
	name_release(long_name_of(d));
	atomic_dec(&count_total);
	call_rcu(&d->rcu, dentry_free);
	inode_put(i);
	return parent;
}

static inline bool refs_kill(struct dentry *d)
{
	u32 zero = 0;

	return __atomic_compare_exchange_n(&d->refs, &zero, REFS_DEAD, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool wants_death(struct dentry *d)
{
	return READ_ONCE(d->flags) & (DENTRY_UNHASHED | DENTRY_NOCACHE | DENTRY_TMPFILE) || (d->ops && d->ops->delete && d->ops->delete(d));
}

static void lru_add(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (!(READ_ONCE(d->flags) & DENTRY_LRU) && !(atomic_load(&d->refs) & REFS_DEAD)) {
		list_add_tail(&d->lru, &lru);
		d_set_flag(d, DENTRY_LRU);
		count_unused++;
	}
	spin_unlock(&lru_lock);
}

/* refs became 0. The memory stays valid: nothing has slept since. */
static NOINLINE struct dentry *put_last(struct dentry *d)
{
	if (wants_death(d))
		return refs_kill(d) ? dentry_destroy(d) : NULL;
	if (!(READ_ONCE(d->flags) & DENTRY_REFERENCED))
		d_set_flag(d, DENTRY_REFERENCED);
	if (!(READ_ONCE(d->flags) & DENTRY_LRU))
		lru_add(d);
	return NULL;
}

void d_put(struct dentry *d)
{
	const u32 settled = DENTRY_LRU | DENTRY_REFERENCED;
	const u32 odd = DENTRY_UNHASHED | DENTRY_NOCACHE | DENTRY_TMPFILE;

	while (d && atomic_dec_and_test(&d->refs)) {
		if (likely((READ_ONCE(d->flags) & (settled | odd)) == settled && !(d->ops && d->ops->delete)))
			return;
		d = put_last(d);
	}
}

bool d_get_not_dead(struct dentry *d)
{
	u32 seen = atomic_load(&d->refs);

	do {
		if (unlikely(seen & REFS_DEAD))
			return false;
	} while (!try_cmpxchg(&d->refs, &seen, seen + 1));
	return true;
}

struct dentry *d_parent(struct dentry *d)
{
	for (;;) {
		struct dentry *p = READ_ONCE(d->parent);

		if (!d_get_not_dead(p))
			continue;
		if (p == READ_ONCE(d->parent))
			return p;
		d_put(p);
	}
}

/* ---- inodes of dentries ---- */

static void inode_attach(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	assert(!d->inode);
	seq_begin(d);
	WRITE_ONCE(d->inode, inode);
	seq_end(d);
	if (inode)
		alias_add(d, inode);
	spin_unlock(&d->lock);
}

void d_add(struct dentry *d, struct inode *inode)
{
	if (inode)
		inode_attach(d, inode);
	chain_add(d);
}

void d_instantiate(struct dentry *d, struct inode *inode)
{
	d_add(d, inode);
}

void d_tmpfile(struct dentry *d, struct inode *inode)
{
	size_t n = (size_t)fmt_snprintf(d->inline_name, DNAME_INLINE, "#%llu", inode->ino);

	/* nobody else knows @d yet */
	memset(d->inline_name + n, 0, DNAME_INLINE - n);
	d->name = d->inline_name;
	d->name_len = (u16)n;
	d->name_hash = name_hash(d->name, (u32)n);
	d_instantiate_nameless(d, inode);
}

void d_instantiate_nameless(struct dentry *d, struct inode *inode)
{
	inode->nlink = 0;
	d_set_flag(d, DENTRY_TMPFILE);
	inode_attach(d, inode);
}

void d_instantiate_unhashed(struct dentry *d, struct inode *inode)
{
	inode_attach(d, inode);
}

struct dentry *d_any_alias(struct inode *i)
{
	struct dentry *d, *found = NULL;

	spin_lock(&alias_lock);
	list_for_each_entry(d, &i->aliases, alias) {
		if (d_get_not_dead(d)) {
			found = d;
			break;
		}
	}
	spin_unlock(&alias_lock);
	return found;
}

bool d_dir_has_name(struct inode *dir)
{
	struct dentry *d;
	bool found = false;

	spin_lock(&alias_lock);
	list_for_each_entry(d, &dir->aliases, alias)
		found |= !d_unhashed(d) || d->parent == d;
	spin_unlock(&alias_lock);
	return found;
}

struct dentry *d_splice(struct dentry *d, struct inode *inode)
{
	struct dentry *old;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	if (!inode || (inode->mode & S_IFMT) != S_IFDIR || !(old = d_any_alias(inode))) {
		d_add(d, inode);
		return NULL;
	}
	inode_put(inode);
	if (d_is_below(d, old) || old->parent == old) {
		d_put(old);
		return ERR_PTR(-ELOOP);
	}
	d_move(old, d);
	return old;
}

void d_drop(struct dentry *d)
{
	if (!d_unhashed(d)) {
		seq_begin(d);
		chain_remove(d);
		seq_end(d);
	}
}

void d_delete(struct dentry *d)
{
	struct inode *i = NULL;

	spin_lock(&d->lock);
	seq_begin(d);
	if (atomic_load(&d->refs) == 1 && !(d->flags & DENTRY_TMPFILE)) {
		i = d->inode;
		if (i)
			alias_remove(d);
		WRITE_ONCE(d->inode, NULL);
	} else {
		chain_remove(d);
	}
	seq_end(d);
	spin_unlock(&d->lock);
	notify_if_deleted(i);
	inode_put(i);
}

/* ---- moving ---- */

static void sibling_move(struct dentry *d, struct dentry *from, struct dentry *to)
{
	spin_lock_rank(&from->lock, RANK_DENTRY_PARENT);
	list_del_init(&d->sibling);
	spin_unlock_rank(&from->lock, RANK_DENTRY_PARENT);
	spin_lock_rank(&to->lock, RANK_DENTRY_PARENT);
	list_add_tail(&d->sibling, &to->children);
	spin_unlock_rank(&to->lock, RANK_DENTRY_PARENT);
}

void d_move(struct dentry *d, struct dentry *target)
{
	struct dentry *old_parent = d->parent, *new_parent = target->parent;

	spin_lock(&rename_lock);
	seq_begin(d);
	seq_begin(target);
	chain_remove(d);
	chain_remove(target);
	name_copy(d, target);
	if (old_parent != new_parent) {
		sibling_move(d, old_parent, new_parent);
		WRITE_ONCE(d->parent, d_get(new_parent));
	}
	chain_add(d);
	seq_end(target);
	seq_end(d);
	spin_unlock(&rename_lock);
	if (old_parent != new_parent)
		d_put(old_parent);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent, *pb = b->parent;

	spin_lock(&rename_lock);
	seq_begin(a);
	seq_begin(b);
	chain_remove(a);
	chain_remove(b);
	name_swap(a, b);
	if (pa != pb) {
		sibling_move(a, pa, pb);
		sibling_move(b, pb, pa);
		WRITE_ONCE(a->parent, pb);
		WRITE_ONCE(b->parent, pa);
	}
	chain_add(a);
	chain_add(b);
	seq_end(b);
	seq_end(a);
	spin_unlock(&rename_lock);
}

bool d_is_below(struct dentry *d, struct dentry *ancestor)
{
	for (;;) {
		if (d == ancestor)
			return true;
		struct dentry *p = READ_ONCE(d->parent);

		if (p == d)
			return false;
		d = p;
	}
}

struct dentry *d_child_towards(struct dentry *top, struct dentry *d)
{
	for (;;) {
		struct dentry *p = READ_ONCE(d->parent);

		if (p == d)
			return NULL;
		if (p == top)
			return d;
		d = p;
	}
}

/* ---- dropping trees ---- */

struct dentry *d_next_child(struct dentry *parent, struct dentry *after)
{
	struct dentry *found = NULL;

	spin_lock_rank(&parent->lock, RANK_DENTRY_PARENT);
	struct list_head *at = after && after->parent == parent && !list_empty(&after->sibling) ? after->sibling.next :
			       after ? &parent->children : parent->children.next;

	for (; at != &parent->children; at = at->next) {
		struct dentry *d = list_entry(at, struct dentry, sibling);

		if (d_get_not_dead(d)) {
			found = d;
			break;
		}
	}
	spin_unlock_rank(&parent->lock, RANK_DENTRY_PARENT);
	d_put(after);
	return found;
}

/*
 * Call @visit on @top and everything below it, children after their parents, without recursion.  A child that moves away
 * meanwhile ends its level early.
 */
static void tree_visit(struct dentry *top, void (*visit)(struct dentry *d))
{
	struct dentry *d = d_get(top);

	for (;;) {
		struct dentry *next = d_next_child(d, NULL);

		if (next) {
			visit(next);
			d_put(d);	/* next holds its parent */
			d = next;
			continue;
		}
		while (d != top) {
			struct dentry *parent = d_parent(d);

			next = d_next_child(parent, d_get(d));
			d_put(d);
			d = parent;
			if (next) {
				visit(next);
				d_put(d);
				d = next;
				break;
			}
		}
		if (!next)
			break;
		cond_resched();
	}
	d_put(d);
}

static void visit_drop(struct dentry *d)
{
	if (!(d->flags & DENTRY_MOUNTPOINT))
		d_drop(d);
}

void d_invalidate(struct dentry *d)
{
	visit_drop(d);
	tree_visit(d, visit_drop);
}

void d_pin(struct dentry *d)
{
	d_get(d);
	d_set_flag(d, DENTRY_PINNED);
}

void d_unpin(struct dentry *d)
{
	if (__atomic_fetch_and(&d->flags, ~DENTRY_PINNED, __ATOMIC_SEQ_CST) & DENTRY_PINNED)
		d_put(d);
}

static void visit_nocache(struct dentry *d)
{
	d_set_flag(d, DENTRY_NOCACHE);
	d_unpin(d);
}

void d_prune_children(struct dentry *d)
{
	tree_visit(d, visit_drop);
}

void d_prune_super(struct super *s)
{
	if (s->root)
		tree_visit(s->root, visit_nocache);
}

u64 d_shrink(u64 n)
{
	u64 freed = 0;

	for (u64 scan = count_unused; scan && freed < n; scan--) {
		struct dentry *d;

		spin_lock(&lru_lock);
		d = list_first_entry_or_null(&lru, struct dentry, lru);
		if (!d) {
			spin_unlock(&lru_lock);
			break;
		}
		if (d->flags & DENTRY_REFERENCED || !refs_kill(d)) {
			d_clear_flag(d, DENTRY_REFERENCED);
			list_move_tail(&d->lru, &lru);
			spin_unlock(&lru_lock);
			continue;
		}
		spin_unlock(&lru_lock);
		freed++;
		d_put(dentry_destroy(d));
		cond_resched();
	}
	return freed;
}

void dcache_stats(u64 *total, u64 *unused)
{
	*total = atomic_load(&count_total);
	*unused = READ_ONCE(count_unused);
}

void dcache_init(void)
{
	struct page_stats ps;

	page_stats(&ps);
	table_bits = 10;
	while (table_bits < 18 && (8ull << table_bits) < ps.total)
		table_bits++;
	table = kvmalloc(sizeof(*table) << table_bits, ALLOC_KERNEL);
	dentry_cache = slab_create("dentry", sizeof(struct dentry), 0);
	name_cache = slab_create("dentry_name", sizeof(struct long_name), 0);
	assert(table && dentry_cache && name_cache);
	memset(table, 0, sizeof(*table) << table_bits);
	for (unsigned i = 0; i < CHAIN_LOCKS; i++)
		spin_init(&chain_locks[i], RANK_DCACHE);
	spin_init(&lru_lock, RANK_DCACHE);
	spin_init(&alias_lock, RANK_DCACHE);
	spin_init(&rename_lock, RANK_FILES);
	list_init(&lru);
}
