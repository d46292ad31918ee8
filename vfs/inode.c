/*
 * Inodes: the table by (super, number), references, eviction, attributes and permissions.
 *
 * An inode lives while it is referenced: the page cache of a file that nobody has open is kept by its dentry, which stays in
 * the dentry cache.  The last reference evicts: dirty pages are written if the file still has names, pages are
 * dropped, the file system is told, and the memory goes after a grace period.  An inode in the table stays there, marked
 * INODE_DYING, until that is done; whoever looks for its number meanwhile waits, so that old bytes cannot
 * be read from below while new ones are on their way.
 *
 * Locks: table_lock guards the chains, super->inodes and the step from one reference to none.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/hash.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/internal.h"
#include "vfs/locks.h"
#include "vfs/notify.h"
#include "vfs/ops.h"
#include "vfs/super.h"

static struct hlist_head *table;
static unsigned table_bits;
static struct spinlock table_lock;
static struct waitq table_waitq;	/* an inode was published, failed or went away */
static struct slab_cache *inode_cache;
static u64 next_ino = 1;
static u64 wall_sec;			/* a recent second: saves divisions */

static const struct inode_ops no_ops = { 0 };

static struct hlist_head *bucket_of(const struct super *s, u64 ino)
{
	return &table[hash_bits(ino + ((u64)s >> 6), table_bits)];
}

/* ---- time ---- */

struct timestamp time_now(void)
{
	u64 ns = clock_realtime_ns(), sec = atomic_load(&wall_sec);

	if (unlikely(ns - sec * NS_PER_SEC >= NS_PER_SEC)) {
		sec = ns / NS_PER_SEC;
		atomic_store(&wall_sec, sec);
	}
	return (struct timestamp){ .sec = (s64)sec, .nsec = (u32)(ns - sec * NS_PER_SEC) };
}

void inode_touch(struct inode *i, u32 which)
{
	struct timestamp now = time_now();

	if (which & SET_ATIME)
		i->atime = now;
	if (which & SET_MTIME)
		i->mtime = now;
	if (which & SET_CTIME)
		i->ctime = now;
	if (which & (SET_MTIME | SET_CTIME))
		i->version++;
}

/* ---- life ---- */

u64 inode_next_ino(void)
{
	return atomic_fetch_add(&next_ino, 1);
}

static void inode_init(struct inode *i, struct super *s)
{
	bool stacked = s->stack_depth != 0;

	i->super = s;
	i->refs = 1;
	i->nlink = 1;
	i->data = &i->mapping;
	i->ops = &no_ops;
	i->fops = &no_open_fops;
	rwsem_init(&i->lock, stacked ? RANK_OVERLAY_CHILD : RANK_INODE_CHILD);
	mapping_init(&i->mapping, NULL, i, 0);
	if (s->backing)
		i->mapping.backing = s->backing;
	hlist_node_init(&i->hash);
	list_init(&i->aliases);
	i->atime = i->mtime = i->ctime = i->btime = time_now();
}

static void inode_free(struct rcu_head *h)
{
	struct inode *i = container_of(h, struct inode, rcu);
	struct super *s = i->super;

	if (s->ops->free_inode)
		s->ops->free_inode(i);
	else
		slab_free(inode_cache, i);
	super_put_struct(s);
}

struct inode *inode_alloc(struct super *s)
{
	struct inode *i;

	if (s->ops->alloc_inode) {
		i = s->ops->alloc_inode(s);
	} else {
		i = slab_alloc(inode_cache, ALLOC_KERNEL);
		if (i)
			memset(i, 0, sizeof(*i));
	}
	if (!i)
		return NULL;
	inode_init(i, s);
	atomic_inc(&s->live);
	spin_lock(&table_lock);
	list_add_tail(&i->super_node, &s->inodes);
	spin_unlock(&table_lock);
	return i;
}

static struct inode *find_locked(struct super *s, u64 ino)
{
	struct inode *i;

	hlist_for_each_entry(i, bucket_of(s, ino), hash)
		if (i->ino == ino && i->super == s)
			return i;
	return NULL;
}

static bool settled(struct inode *i)
{
	return !(atomic_load(&i->state) & INODE_NEW);
}

/* The cached inode with a reference, or NULL. Waits for those in the making or going away. */
static struct inode *find_and_wait(struct super *s, u64 ino)
{
	for (;;) {
		spin_lock(&table_lock);
		struct inode *i = find_locked(s, ino);

		if (i && !(i->state & INODE_DYING))
			inode_get(i);
		spin_unlock(&table_lock);
		if (!i)
			return NULL;
		if (i->state & INODE_DYING) {
			struct waiter w;

			waiter_init(&w);
			waitq_prepare(&table_waitq, &w, TS_UNINTERRUPTIBLE);
			spin_lock(&table_lock);
			i = find_locked(s, ino);
			bool wait = i && i->state & INODE_DYING;

			spin_unlock(&table_lock);
			if (wait)
				schedule();
			waitq_finish(&table_waitq, &w);
			continue;
		}
		wait_event(&table_waitq, settled(i));
		if (!hlist_unhashed(&i->hash))
			return i;
		inode_put(i);	/* it failed */
	}
}

struct inode *inode_find_or_alloc(struct super *s, u64 ino)
{
	for (;;) {
		struct inode *i = find_and_wait(s, ino);

		if (i)
			return i;
		i = inode_alloc(s);
		if (!i)
			return ERR_PTR(-ENOMEM);
		i->ino = ino;
		i->state |= INODE_NEW;
		spin_lock(&table_lock);
		bool lost = find_locked(s, ino) != NULL;

		if (!lost)
			hlist_add_head(&i->hash, bucket_of(s, ino));
		spin_unlock(&table_lock);
		if (!lost)
			return i;
		i->state &= ~(u32)INODE_NEW;
		i->nlink = 0;
		i->state |= INODE_NOCACHE;
		inode_put(i);
	}
}

void inode_publish(struct inode *i)
{
	__atomic_fetch_and(&i->state, ~(u32)INODE_NEW, __ATOMIC_SEQ_CST);
	wake_up_all(&table_waitq);
}

void inode_fail(struct inode *i)
{
	spin_lock(&table_lock);
	hlist_del_init(&i->hash);
	spin_unlock(&table_lock);
	inode_publish(i);
	inode_put(i);
}

static void inode_evict(struct inode *i)
{
	assert(list_empty(&i->aliases));
	if (i->notify)
		notify_inode_gone(i);
	if (i->locks)
		locks_free_inode(i);
	if (i->nlink && !(i->mapping.flags & MAPPING_SHMEM) && xa_marked(&i->mapping.tree, (enum xa_mark)MARK_DIRTY))
		(void)!mapping_sync(&i->mapping, 0, ~0ull);	/* nobody is left to be told of an error */
	mapping_fini(&i->mapping);
	if (i->super->ops->evict)
		i->super->ops->evict(i);
	spin_lock(&table_lock);
	bool hashed = !hlist_unhashed(&i->hash);

	hlist_del_init(&i->hash);
	list_del(&i->super_node);
	spin_unlock(&table_lock);
	if (hashed)
		wake_up_all(&table_waitq);
	call_rcu(&i->rcu, inode_free);
}

void inode_put(struct inode *i)
{
	if (!i)
		return;
	u32 seen = atomic_load(&i->refs);

	while (seen > 1)
		if (try_cmpxchg(&i->refs, &seen, seen - 1))
			return;
	spin_lock(&table_lock);
	bool last = atomic_dec_and_test(&i->refs);

	if (last)
		i->state |= INODE_DYING;
	spin_unlock(&table_lock);
	if (last)
		inode_evict(i);
}

bool inode_get_not_dying(struct inode *i)
{
	return atomic_inc_not_zero(&i->refs);
}

/*
 * Call @fn for every inode of @s that lives, with a reference held; may sleep in it.
 */
void super_for_each_inode(struct super *s, void (*fn)(struct inode *i))
{
	struct inode *i, *held = NULL;

	spin_lock(&table_lock);
	list_for_each_entry(i, &s->inodes, super_node) {
		if (i->state & (INODE_NEW | INODE_DYING))
			continue;
		inode_get(i);
		spin_unlock(&table_lock);
		inode_put(held);
		held = i;
		fn(i);
		cond_resched();
		spin_lock(&table_lock);
	}
	spin_unlock(&table_lock);
	inode_put(held);
}

void inode_inc_nlink(struct inode *i)
{
	__atomic_fetch_add(&i->nlink, 1, __ATOMIC_RELAXED);
}

void inode_drop_nlink(struct inode *i)
{
	__atomic_fetch_sub(&i->nlink, 1, __ATOMIC_RELAXED);
}

/* ---- making ---- */

void inode_init_special(struct inode *i, u32 mode, u64 rdev)
{
	i->mode = mode;
	i->rdev = 0;
	switch (mode & S_IFMT) {
	case S_IFCHR:
	case S_IFBLK:
		i->rdev = rdev;
		i->fops = &device_fops;
		break;
	case S_IFIFO:
		i->fops = &fifo_ops;
		break;
	default:
		i->fops = &no_open_fops;
	}
}

void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode)
{
	const struct cred *c = current_cred();

	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && dir->mode & S_ISGID) {
		i->gid = dir->gid;
		if ((mode & S_IFMT) == S_IFDIR)
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !cred_in_group(c, i->gid) &&
			 !capable(CAP_FSETID))
			mode &= ~(u32)S_ISGID;
	}
	i->mode = mode;
}

/* ---- permission ---- */

int inode_permission_generic(struct inode *i, int mask)
{
	const struct cred *c = current_cred();
	u32 mode = i->mode;

	if (c->fsuid == i->uid)
		mode >>= 6;
	else if (((mode >> 3 ^ mode) & 7) && cred_in_group(c, i->gid))
		mode >>= 3;
	if (!(mask & ~mode & (MAY_READ | MAY_WRITE | MAY_EXEC)))
		return 0;
	if ((i->mode & S_IFMT) == S_IFDIR) {
		if (!(mask & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return 0;
		return capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if ((mask & (MAY_READ | MAY_WRITE | MAY_EXEC)) == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || i->mode & 0111) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
	if (mask & MAY_WRITE) {
		u32 type = i->mode & S_IFMT;

		if (i->super->flags & SUPER_RDONLY && (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
			return -EROFS;
		if (i->iflags & IFLAG_IMMUTABLE)
			return -EPERM;
	}
	return i->ops->permission ? i->ops->permission(i, mask) : inode_permission_generic(i, mask);
}

static bool owner_or_capable(const struct inode *i)
{
	return current_cred()->fsuid == i->uid || capable(CAP_FOWNER);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return owner_or_capable(i);
}

/* ---- attributes ---- */

void inode_fill_attrs(const struct inode *i, struct attrs *out)
{
	out->ino = i->ino;
	out->size = inode_size(i);
	out->blocks = i->blocks;
	out->mode = i->mode;
	out->nlink = i->nlink;
	out->uid = i->uid;
	out->gid = i->gid;
	out->blksize = i->super->blksize;
	out->dev = i->super->dev;
	out->rdev = i->rdev;
	out->atime = i->atime;
	out->mtime = i->mtime;
	out->ctime = i->ctime;
	out->btime = i->btime;
	out->attributes = (i->iflags & IFLAG_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) | (i->iflags & IFLAG_APPEND ? STATX_ATTR_APPEND : 0);
	out->attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	out->mask = STATX_BASIC_STATS | i->super->attr_mask;
}

static int check_owner_change(const struct inode *i, const struct setattr *sa)
{
	const struct cred *c = current_cred();

	if (sa->valid & SET_UID && !(c->fsuid == i->uid && sa->uid == i->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if (sa->valid & SET_GID && !(c->fsuid == i->uid && (sa->gid == i->gid || cred_in_group(c, sa->gid))) &&
	    !capable(CAP_CHOWN))
		return -EPERM;
	return 0;
}

static int check_size(const struct inode *i, const struct setattr *sa)
{
	if (sa->size > inode_size(i)) {
		if (sa->size > file_limit_fsize()) {
			file_limit_exceeded();
			return -EFBIG;
		}
		if (sa->size > i->super->max_bytes)
			return -EFBIG;
	}
	return 0;
}

u32 inode_privileges(const struct inode *i)
{
	u32 drop = i->mode & S_ISUID;

	if (i->mode & S_ISGID && (i->mode & S_IXGRP || !(cred_in_group(current_cred(), i->gid) || capable(CAP_FSETID))))
		drop |= S_ISGID;
	return drop;
}

/* SET_KILL_PRIV becomes a change of mode where there are privileges to drop. */
static void fold_kill_priv(const struct inode *i, struct setattr *sa)
{
	u32 mode = sa->valid & SET_MODE ? sa->mode : i->mode, drop = inode_privileges(i);

	sa->valid &= ~(u32)SET_KILL_PRIV;
	if (drop) {
		sa->valid |= SET_MODE;
		sa->mode = mode & ~drop;
	}
}

static void fill_times(struct setattr *sa)
{
	struct timestamp now = time_now();

	if (sa->valid & SET_ATIME_NOW)
		sa->atime = now;
	if (sa->valid & SET_MTIME_NOW)
		sa->mtime = now;
	if (!(sa->valid & SET_CTIME))
		sa->ctime = now;
	if (sa->valid & SET_ATIME_NOW)
		sa->valid |= SET_ATIME;
	if (sa->valid & SET_MTIME_NOW)
		sa->valid |= SET_MTIME;
	sa->valid |= SET_CTIME;
}

int inode_setattr_check(struct inode *i, struct setattr *sa)
{
	u32 explicit = (sa->valid & SET_ATIME && !(sa->valid & SET_ATIME_NOW)) || (sa->valid & SET_MTIME && !(sa->valid & SET_MTIME_NOW));
	int err;

	if (sa->valid & SET_KILL_PRIV)
		fold_kill_priv(i, sa);
	if (sa->valid & SET_FORCE) {
		err = sa->valid & SET_SIZE ? check_size(i, sa) : 0;
		if (!err)
			fill_times(sa);
		return err;
	}
	if (sa->valid & (SET_MODE | SET_UID | SET_GID | SET_ATIME | SET_MTIME) && i->iflags & (IFLAG_IMMUTABLE | IFLAG_APPEND))
		return -EPERM;
	err = check_owner_change(i, sa);
	if (err)
		return err;
	if (sa->valid & SET_SIZE) {
		err = check_size(i, sa);
		if (err)
			return err;
	}
	if (sa->valid & SET_MODE) {
		u32 gid = sa->valid & SET_GID ? sa->gid : i->gid;

		if (!owner_or_capable(i))
			return -EPERM;
		if (!cred_in_group(current_cred(), gid) && !capable(CAP_FSETID))
			sa->mode &= ~(u32)S_ISGID;
	}
	if (explicit && !owner_or_capable(i))
		return -EPERM;
	if (!explicit && sa->valid & (SET_ATIME_NOW | SET_MTIME_NOW) && !owner_or_capable(i)) {
		err = inode_permission(i, MAY_WRITE);
		if (err)
			return err;
	}
	fill_times(sa);
	return 0;
}

void inode_setattr_apply(struct inode *i, const struct setattr *sa)
{
	if (sa->valid & SET_UID)
		i->uid = sa->uid;
	if (sa->valid & SET_GID)
		i->gid = sa->gid;
	if (sa->valid & SET_MODE)
		i->mode = (i->mode & S_IFMT) | (sa->mode & 07777);
	if (sa->valid & SET_ATIME)
		i->atime = sa->atime;
	if (sa->valid & SET_MTIME)
		i->mtime = sa->mtime;
	if (sa->valid & SET_CTIME)
		i->ctime = sa->ctime;
	i->version++;
}

int inode_setattr_simple(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	if (sa->valid & SET_SIZE) {
		u64 old = inode_size(i);

		inode_set_size(i, sa->size);
		/* pages may lie past the end, too (fallocate) */
		if (sa->size <= old && i->data->page_count)
			mapping_truncate(i->data, sa->size);
	}
	inode_setattr_apply(i, sa);
	return 0;
}

/* ---- writers against execution ---- */

enum { WRITE_DENIED = 1u << 31 };	/* the low bits then count the programs that run it */

bool inode_has_writers(const struct inode *i)
{
	u32 count = atomic_load(&i->write_count);

	return count && !(count & WRITE_DENIED);
}

int inode_get_write(struct inode *i)
{
	u32 seen = atomic_load(&i->write_count);

	do {
		if (seen & WRITE_DENIED)
			return -ETXTBSY;
	} while (!try_cmpxchg(&i->write_count, &seen, seen + 1));
	return 0;
}

void inode_put_write(struct inode *i)
{
	atomic_dec(&i->write_count);
}

int inode_deny_write(struct inode *i)
{
	u32 seen = atomic_load(&i->write_count);

	do {
		if (seen && !(seen & WRITE_DENIED))
			return -ETXTBSY;
	} while (!try_cmpxchg(&i->write_count, &seen, (seen | WRITE_DENIED) + 1));
	return 0;
}

void inode_allow_write(struct inode *i)
{
	u32 seen = atomic_load(&i->write_count), next;

	do {
		next = seen - 1;
		if (next == WRITE_DENIED)
			next = 0;
	} while (!try_cmpxchg(&i->write_count, &seen, next));
}

void inodes_init(void)
{
	struct page_stats ps;

	page_stats(&ps);
	table_bits = 9;
	while (table_bits < 17 && (16ull << table_bits) < ps.total)
		table_bits++;
	table = kvmalloc(sizeof(*table) << table_bits, ALLOC_KERNEL);
	inode_cache = slab_create("inode", sizeof(struct inode), 0);
	assert(table && inode_cache);
	memset(table, 0, sizeof(*table) << table_bits);
	spin_init(&table_lock, RANK_INODE_TABLE);
	waitq_init(&table_waitq);
}
