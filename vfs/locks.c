/*
 * File locks.
 *
 * flock(2) locks belong to an open file, POSIX locks to a descriptor table, OFD locks to an open file.  POSIX and OFD locks
 * share one list of ranges, in which the ranges of one owner never overlap; the two kinds conflict with each other as owners do.
 *
 * A waiter sleeps on the set's queue and looks again; it is listed in `waiting` with whom it waits for, and a POSIX
 * request that would close a circle of owners is refused with EDEADLK.
 *
 * Locks: locks_lock (RANK_FILE_LOCKS) guards everything here.  Sets, once made, live as long as their inode.
 * Source: fcntl(2), flock(2), proc(5) (/proc/locks).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "base/printf.h"
#include "kern/slab.h"
#include "kern/wait.h"
#include "vfs/file.h"
#include "vfs/internal.h"
#include "vfs/locks.h"
#include "vfs/ops.h"
#include "vfs/super.h"

enum lock_kind { KIND_FLOCK, KIND_POSIX, KIND_OFD };

struct file_lock {
	struct list_head node;		/* set->flocks or set->ranges (by start) */
	struct list_head all;		/* every lock, for /proc/locks */
	enum lock_kind kind;
	const void *owner;		/* struct file *, or struct files * for POSIX */
	s32 pid;
	bool write;
	u64 start, end;			/* end inclusive; OFFSET_MAX: to the end of the file */
	struct inode *inode;
};

struct file_lock_set {
	struct list_head flocks, ranges;
	struct waitq q;
};

struct lock_waiter {
	struct list_head node;
	const void *owner, *blocker;
};

enum { DEADLOCK_DEPTH = 32 };
static const u64 OFFSET_MAX = 0x7fffffffffffffffull;

static struct spinlock locks_lock = SPINLOCK_INIT(RANK_FILE_LOCKS);
static struct list_head waiting = LIST_HEAD_INIT(waiting);
static struct list_head all_locks = LIST_HEAD_INIT(all_locks);

static s32 (*get_tgid)(void);

void locks_register_pid(s32 (*tgid)(void))
{
	get_tgid = tgid;
}

static struct file_lock_set *set_of(struct inode *i)
{
	struct file_lock_set *s = READ_ONCE(i->locks), *none = NULL;

	if (s)
		return s;
	s = kzalloc(sizeof(*s), ALLOC_KERNEL);
	if (!s)
		return NULL;
	list_init(&s->flocks);
	list_init(&s->ranges);
	waitq_init(&s->q);
	if (try_cmpxchg(&i->locks, &none, s))
		return s;
	kfree(s);
	return none;
}

static void lock_free(struct file_lock *l)
{
	list_del(&l->node);
	list_del(&l->all);
	kfree(l);
}

/* ---- flock ---- */

static struct file_lock *flock_conflict(struct file_lock_set *s, const struct file *f, bool write)
{
	struct file_lock *l;

	list_for_each_entry(l, &s->flocks, node)
		if (l->owner != f && (write || l->write))
			return l;
	return NULL;
}

static struct file_lock *flock_own(struct file_lock_set *s, const struct file *f)
{
	struct file_lock *l;

	list_for_each_entry(l, &s->flocks, node)
		if (l->owner == f)
			return l;
	return NULL;
}

static void flock_drop(struct file_lock_set *s, const struct file *f)
{
	struct file_lock *l;

	spin_lock(&locks_lock);
	l = flock_own(s, f);
	if (l)
		lock_free(l);
	spin_unlock(&locks_lock);
	if (l)
		wake_up_all(&s->q);
}

/* Take it if nobody is in the way; @fresh is consumed then. */
static bool flock_try(struct file_lock_set *s, struct file *f, struct file_lock **fresh)
{
	spin_lock(&locks_lock);
	bool ok = !flock_conflict(s, f, (*fresh)->write);

	if (ok) {
		struct file_lock *old = flock_own(s, f);

		if (old)
			lock_free(old);
		list_add_tail(&(*fresh)->node, &s->flocks);
		list_add_tail(&(*fresh)->all, &all_locks);
		*fresh = NULL;
	}
	spin_unlock(&locks_lock);
	return ok;
}

int flock_op_check(int op)
{
	if (op & LOCK_MAND)
		return 1;
	op &= ~LOCK_NB;
	return op == LOCK_SH || op == LOCK_EX || op == LOCK_UN ? 0 : -EINVAL;
}

int flock_file(struct file *f, int op)
{
	bool nonblock = op & LOCK_NB;
	struct file_lock_set *s;
	struct file_lock *l;
	int err = flock_op_check(op);

	if (err)
		return err > 0 ? 0 : err;
	op &= ~LOCK_NB;
	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (op == LOCK_UN) {
		if (f->inode->locks)
			flock_drop(f->inode->locks, f);
		return 0;
	}
	if (!(f->mode & (FMODE_READ | FMODE_WRITE)))
		return -EBADF;
	s = set_of(f->inode);
	l = s ? kzalloc(sizeof(*l), ALLOC_KERNEL) : NULL;
	if (!l)
		return -ENOMEM;
	l->kind = KIND_FLOCK;
	l->owner = f;
	l->write = op == LOCK_EX;
	l->end = OFFSET_MAX;
	l->inode = f->inode;
	l->pid = get_tgid ? get_tgid() : 0;
	/* a conversion gives up the old lock before it waits for the new */
	bool ok = flock_try(s, f, &l);

	if (!ok && flock_own(s, f) && l)
		flock_drop(s, f);
	if (!ok && nonblock)
		err = -EWOULDBLOCK;
	else if (!ok)
		err = wait_event_interruptible(&s->q, flock_try(s, f, &l));
	kfree(l);
	wake_up_all(&s->q);
	return err;
}

/* ---- ranges ---- */

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner == b->owner && a->kind == b->kind;
}

static struct file_lock *range_conflict(struct file_lock_set *s, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry(l, &s->ranges, node)
		if (!same_owner(l, want) && (l->write || want->write) && l->start <= want->end && want->start <= l->end)
			return l;
	return NULL;
}

static void range_insert(struct file_lock_set *s, struct file_lock *l)
{
	struct list_head *at;

	list_for_each(at, &s->ranges)
		if (list_entry(at, struct file_lock, node)->start > l->start)
			break;
	list_add_tail(&l->node, at);
	list_add_tail(&l->all, &all_locks);
}

/*
 * Make [start, end] of its owner free of locks.  @spare is used if one lock is split in two.
 * Return: whether the spare was used
 */
static bool range_clear(struct file_lock_set *s, const struct file_lock *want, struct file_lock *spare)
{
	struct file_lock *l, *tmp;
	bool used = false;

	list_for_each_entry_safe(l, tmp, &s->ranges, node) {
		if (!same_owner(l, want) || l->start > want->end || l->end < want->start)
			continue;
		if (l->start >= want->start && l->end <= want->end) {
			lock_free(l);
		} else if (l->start < want->start && l->end > want->end) {
			*spare = *l;
			spare->start = want->end + 1;
			l->end = want->start - 1;
			range_insert(s, spare);
			used = true;
			break;
		} else if (l->start < want->start) {
			l->end = want->start - 1;
		} else {
			l->start = want->end + 1;
		}
	}
	return used;
}

/* Neighbours of the same owner and type become one lock with @l. */
static void range_merge(struct file_lock_set *s, struct file_lock *l)
{
	struct file_lock *o, *tmp;

	list_for_each_entry_safe(o, tmp, &s->ranges, node) {
		if (o == l || !same_owner(o, l) || o->write != l->write)
			continue;
		if (o->end != OFFSET_MAX && o->end + 1 == l->start)
			l->start = o->start;
		else if (l->end != OFFSET_MAX && l->end + 1 == o->start)
			l->end = o->end;
		else
			continue;
		lock_free(o);
	}
	list_del(&l->node);
	list_del(&l->all);
	range_insert(s, l);
}

/* ---- deadlocks: locks_lock held ---- */

static bool would_deadlock(const void *me, const void *blocker)
{
	for (unsigned depth = 0; depth < DEADLOCK_DEPTH; depth++) {
		struct lock_waiter *w;
		const void *next = NULL;

		if (blocker == me)
			return true;
		list_for_each_entry(w, &waiting, node)
			if (w->owner == blocker)
				next = w->blocker;
		if (!next)
			return false;
		blocker = next;
	}
	return false;
}

/* ---- fcntl ---- */

struct range_request {
	struct file_lock_set *set;
	struct file_lock *lock, *spare;	/* what is left of the two allocations afterwards is freed */
	struct lock_waiter waiter;
	bool wait;
	int err;
};

/* Return: true: done (r->err says how); false: wait and call again */
static bool range_try(struct range_request *r)
{
	struct file_lock *l = r->lock;

	spin_lock(&locks_lock);
	list_del_init(&r->waiter.node);
	struct file_lock *other = range_conflict(r->set, l);

	if (!other) {
		if (range_clear(r->set, l, r->spare))
			r->spare = NULL;
		range_insert(r->set, l);
		range_merge(r->set, l);
		r->lock = NULL;
		r->err = 0;
	} else if (!r->wait) {
		r->err = -EAGAIN;
	} else if (l->kind == KIND_POSIX && other->kind == KIND_POSIX && would_deadlock(l->owner, other->owner)) {
		r->err = -EDEADLK;
	} else {
		r->waiter.owner = l->kind == KIND_POSIX ? l->owner : NULL;
		r->waiter.blocker = other->owner;
		list_add(&r->waiter.node, &waiting);
		spin_unlock(&locks_lock);
		return false;
	}
	spin_unlock(&locks_lock);
	return true;
}

static int range_lock(struct range_request *r)
{
	int err = wait_event_interruptible(&r->set->q, range_try(r));

	if (err) {
		spin_lock(&locks_lock);
		list_del_init(&r->waiter.node);
		spin_unlock(&locks_lock);
		return err;
	}
	wake_up_all(&r->set->q);	/* a downgrade lets others in */
	return r->err;
}

static int range_unlock(struct range_request *r)
{
	spin_lock(&locks_lock);
	if (range_clear(r->set, r->lock, r->spare))
		r->spare = NULL;
	spin_unlock(&locks_lock);
	wake_up_all(&r->set->q);
	return 0;
}

/* Decode l_whence, l_start, l_len. */
static int range_decode(struct file *f, const struct flock *fl, struct file_lock *l)
{
	s64 base = 0, start, end;

	switch (fl->l_whence) {
	case 0:
		break;
	case 1:
		base = (s64)f->pos;
		break;
	case 2:
		base = (s64)inode_size(f->inode);
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, (s64)fl->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (fl->l_len > 0) {
		if (__builtin_add_overflow(start, (s64)fl->l_len - 1, &end))
			return -EOVERFLOW;
	} else if (fl->l_len < 0) {
		end = start - 1;
		start += fl->l_len;
		if (start < 0)
			return -EINVAL;
	} else {
		end = (s64)OFFSET_MAX;
	}
	l->start = (u64)start;
	l->end = (u64)end;
	return 0;
}

static void range_report(struct file_lock_set *s, const struct file_lock *want, struct flock *fl)
{
	spin_lock(&locks_lock);
	struct file_lock *other = range_conflict(s, want);

	if (!other) {
		fl->l_type = F_UNLCK;
	} else {
		fl->l_type = other->write ? F_WRLCK : F_RDLCK;
		fl->l_whence = 0;
		fl->l_start = (s64)other->start;
		fl->l_len = other->end == OFFSET_MAX ? 0 : (s64)(other->end - other->start + 1);
		fl->l_pid = other->kind == KIND_OFD ? -1 : other->pid;
	}
	spin_unlock(&locks_lock);
}

int posix_lock_file(struct file *f, struct files *owner, s32 pid, int cmd, struct flock *fl)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct range_request r = { .wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW };
	int err;

	if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && (get || fl->l_type != F_UNLCK))
		return -EINVAL;
	list_init(&r.waiter.node);
	r.set = set_of(f->inode);
	r.lock = kzalloc(sizeof(*r.lock), ALLOC_KERNEL);
	r.spare = kzalloc(sizeof(*r.spare), ALLOC_KERNEL);
	err = -ENOLCK;
	if (!r.set || !r.lock || !r.spare)
		goto out;
	r.lock->kind = ofd ? KIND_OFD : KIND_POSIX;
	r.lock->owner = ofd ? (const void *)f : (const void *)owner;
	r.lock->pid = pid;
	r.lock->write = fl->l_type == F_WRLCK;
	r.lock->inode = f->inode;
	err = range_decode(f, fl, r.lock);
	if (!err && !get && !(f->mode & (fl->l_type == F_WRLCK ? FMODE_WRITE : fl->l_type == F_RDLCK ? FMODE_READ : ~0u)))
		err = -EBADF;
	if (!err && ofd && fl->l_pid)
		err = -EINVAL;
	if (err)
		goto out;
	if (get)
		range_report(r.set, r.lock, fl);
	else
		err = fl->l_type == F_UNLCK ? range_unlock(&r) : range_lock(&r);
out:
	kfree(r.lock);
	kfree(r.spare);
	return err;
}

/* ---- what goes by itself ---- */

static void drop_owned(struct inode *i, const void *owner, enum lock_kind kind)
{
	struct file_lock_set *s = i->locks;
	struct file_lock *l, *tmp;
	bool any = false;

	spin_lock(&locks_lock);
	list_for_each_entry_safe(l, tmp, &s->ranges, node) {
		if (l->owner == owner && l->kind == kind) {
			lock_free(l);
			any = true;
		}
	}
	spin_unlock(&locks_lock);
	if (any)
		wake_up_all(&s->q);
}

void locks_release_posix(struct file *f, struct files *owner)
{
	if (!list_empty(&f->inode->locks->ranges))
		drop_owned(f->inode, owner, KIND_POSIX);
}

void locks_release_file(struct file *f)
{
	flock_drop(f->inode->locks, f);
	drop_owned(f->inode, f, KIND_OFD);
}

void locks_free_inode(struct inode *i)
{
	kfree(i->locks);
	i->locks = NULL;
}

/* Whether someone else's use of the file rules a lease of @type out. */
static bool lease_conflicts(const struct file *f, int type)
{
	if (type == F_RDLCK)
		return inode_has_writers(f->inode);
	return atomic_load(&f->path.dentry->refs) > 1;
}

int lease_set(struct file *f, int type)
{
	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (type == F_UNLCK || !inode_is_reg(f->inode))
		return type == F_UNLCK ? -EAGAIN : -EINVAL;
	return lease_conflicts(f, type) ? -EAGAIN : -EINVAL;
}

int lease_get(struct file *f)
{
	return F_UNLCK;
}

size_t locks_show(char *buf, size_t size)
{
	static const char *const kinds[] = { "FLOCK  ADVISORY ", "POSIX  ADVISORY ", "OFDLCK ADVISORY " };
	struct file_lock *l;
	size_t n = 0;
	unsigned id = 1;

	spin_lock(&locks_lock);
	list_for_each_entry(l, &all_locks, all) {
		char end[24] = "EOF";

		if (n >= size)
			break;
		if (l->end != OFFSET_MAX)
			fmt_snprintf(end, sizeof(end), "%llu", l->end);
		n += (size_t)scnprintf(buf + n, size - n, "%u: %s %s %d %02x:%02x:%llu %llu %s\n", id++, kinds[l->kind],
				       l->write ? "WRITE" : "READ ", l->kind == KIND_OFD ? -1 : l->pid, dev_major(l->inode->super->dev),
				       dev_minor(l->inode->super->dev), l->inode->ino, l->start, end);
	}
	spin_unlock(&locks_lock);
	return n;
}
