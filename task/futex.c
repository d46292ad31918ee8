/*
 * See futex.h.
 *
 * A waiter stands in the bucket of its key.  No wake-up is lost because the word is loaded under the bucket's lock, after the
 * waiter has decided to queue and before it lets go of the lock: a waker changes the word first and then takes the same
 * lock.  The load must not sleep there; when the page is not present the lock is dropped, the page faulted in, and all begins again.
 *
 * A requeue moves a waiter to another bucket, so w->bucket is followed until it stands still under its lock.
 */
#include <linux/errno.h>
#include "base/hash.h"
#include "base/string.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/futex.h"
#include "task/internal.h"

enum { BUCKETS = 256 };

struct bucket {
	struct spinlock lock;
	struct list_head waiters;	/* [lock] */
} CACHELINE_ALIGNED;

/* Locks: b bucket->lock */
struct futex_waiter {
	struct list_head node;		/* [b] empty: woken */
	struct bucket *bucket;		/* [b] */
	struct mm_futex_key key;	/* [b] */
	struct task *task;
	u32 bitset;
	u32 woken;			/* set before the node is removed for good; [a] */
	bool pi;
};

static struct bucket buckets[BUCKETS];

void futex_init(void)
{
	for (int i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(const struct mm_futex_key *k)
{
	u64 h = (k->a ^ k->b * 0x9e3779b97f4a7c15ull ^ (u64)k->offset << 17) * 0xbf58476d1ce4e5b9ull;

	return &buckets[h >> 56];
}

static bool same_key(const struct mm_futex_key *x, const struct mm_futex_key *y)
{
	return x->a == y->a && x->b == y->b && x->offset == y->offset && x->shared == y->shared;
}

static int get_key(u64 addr, bool shared, struct mm_futex_key *k)
{
	if (addr & 3)
		return -EINVAL;
	if (!user_range_ok(uaddr(addr), 4))
		return -EFAULT;
	return mm_futex_key(addr, shared, k);
}

/* Make the page present for a read. */
static int fault_in(u64 addr)
{
	u32 v;

	return copy_in(&v, uaddr(addr), sizeof(v));
}

/* Two buckets at once, in the order of their addresses. */
static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_rank(&b->lock, RANK_FUTEX2);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	if (a != b)
		spin_unlock_rank(&b->lock, RANK_FUTEX2);
	spin_unlock(&a->lock);
}

/* ---- waiting ---- */

static void wake_waiter(struct futex_waiter *w)
{
	struct task *t = task_get(w->task);	/* @w is gone as soon as it reads woken */

	list_del_init(&w->node);
	atomic_store_release(&w->woken, 1);
	thread_wake(&t->thread, WAKE_NORMAL);
	task_put(t);
}

static struct bucket *lock_own(struct futex_waiter *w)
{
	for (;;) {
		struct bucket *b = atomic_load_acquire(&w->bucket);

		spin_lock(&b->lock);
		if (b == w->bucket)
			return b;
		spin_unlock(&b->lock);
	}
}

/* Leave the queue. Return: whether it had been woken */
static bool unqueue(struct futex_waiter *w)
{
	struct bucket *b = lock_own(w);
	bool woken = w->woken;

	if (!list_empty(&w->node))
		list_del_init(&w->node);
	spin_unlock(&b->lock);
	return woken;
}

/* Queue on @addr if the word is @value. 0; -EAGAIN; -EFAULT */
static int queue(struct futex_waiter *w, u64 addr, bool shared, u32 value)
{
	for (;;) {
		u32 now;
		int err = get_key(addr, shared, &w->key);

		if (err)
			return err;
		struct bucket *b = bucket_of(&w->key);
		spin_lock(&b->lock);
		err = plat_user_load32_nofault(addr, &now);
		if (!err && now == value) {
			w->bucket = b;
			list_add_tail(&w->node, &b->waiters);
		}
		spin_unlock(&b->lock);
		if (!err)
			return now == value ? 0 : -EAGAIN;
		err = fault_in(addr);
		if (err)
			return err;
	}
}

static void waiter_set(struct futex_waiter *w, u32 bitset)
{
	memset(w, 0, sizeof(*w));
	list_init(&w->node);
	w->task = current_task();
	w->bitset = bitset;
}

s64 futex_wait(u64 addr, bool shared, u32 value, u32 bitset, u64 deadline_ns)
{
	struct futex_waiter w;
	bool expired = false;

	if (!bitset)
		return -EINVAL;
	waiter_set(&w, bitset);
	int err = queue(&w, addr, shared, value);
	if (err)
		return err;
	for (;;) {
		set_state(TS_INTERRUPTIBLE);
		if (atomic_load_acquire(&w.woken) || signal_pending() || expired)
			break;
		expired = schedule_timeout(deadline_ns);
	}
	set_state(TS_RUNNING);
	if (unqueue(&w))
		return 0;
	return expired ? -ETIMEDOUT : -ERESTARTSYS;
}

s64 futex_wait_many(const struct futex_wait_entry *e, u32 count, u64 deadline_ns)
{
	struct futex_waiter *w = kvmalloc(count * sizeof(*w), ALLOC_KERNEL);
	s64 result = -ENOMEM;
	bool expired = false, woken = false;
	u32 queued;

	if (!w)
		return result;
	result = 0;
	for (queued = 0; queued < count && !result; queued++) {
		waiter_set(&w[queued], FUTEX_BITSET_MATCH_ANY);
		result = queue(&w[queued], e[queued].addr, e[queued].shared, e[queued].value);
		if (result)
			break;
	}
	while (!result) {
		set_state(TS_INTERRUPTIBLE);
		for (u32 i = 0; i < queued; i++)
			woken |= atomic_load_acquire(&w[i].woken);
		if (woken || signal_pending() || expired)
			break;
		expired = schedule_timeout(deadline_ns);
	}
	set_state(TS_RUNNING);
	s64 index = -1;
	for (u32 i = 0; i < queued; i++)
		if (unqueue(&w[i]))
			index = i;
	kvfree(w);
	if (index >= 0)
		return index;
	return result ? result : expired ? -ETIMEDOUT : -ERESTARTSYS;
}

/* ---- waking ---- */

static u32 wake_locked(struct bucket *b, const struct mm_futex_key *k, u32 count, u32 bitset)
{
	struct futex_waiter *w, *next;
	u32 n = 0;

	list_for_each_entry_safe(w, next, &b->waiters, node) {
		if (n >= count)
			break;
		if (!same_key(&w->key, k) || !(w->bitset & bitset))
			continue;
		wake_waiter(w);
		n++;
	}
	return n;
}

s64 futex_wake(u64 addr, bool shared, u32 count, u32 bitset)
{
	struct mm_futex_key k;

	if (!bitset)
		return -EINVAL;
	int err = get_key(addr, shared, &k);
	if (err)
		return err;
	struct bucket *b = bucket_of(&k);
	smp_mb();	/* against queue(): the word was changed before this look at the list */
	if (list_empty(&b->waiters) && !spin_is_locked(&b->lock))
		return 0;
	spin_lock(&b->lock);
	u32 n = wake_locked(b, &k, count, bitset);
	spin_unlock(&b->lock);
	return n;
}

void futex_wake_address(u64 addr)
{
	(void)futex_wake(addr, true, 1, FUTEX_BITSET_MATCH_ANY);
	(void)futex_wake(addr, false, 1, FUTEX_BITSET_MATCH_ANY);
}

static s64 requeue_locked(struct bucket *from, struct bucket *to, const struct mm_futex_key *k, const struct mm_futex_key *k2,
			  s32 wake, s32 move)
{
	struct futex_waiter *w, *next;
	s64 n = 0;

	list_for_each_entry_safe(w, next, &from->waiters, node) {
		if (!same_key(&w->key, k))
			continue;
		if (n < wake) {
			wake_waiter(w);
		} else if (n - wake < move) {
			w->key = *k2;
			if (to != from) {
				list_move_tail(&w->node, &to->waiters);
				atomic_store_release(&w->bucket, to);
			}
		} else {
			break;
		}
		n++;
	}
	return n;
}

s64 futex_requeue(u64 addr, u64 addr2, bool shared, s32 wake, s32 move, const u32 *cmp)
{
	struct mm_futex_key k, k2;

	if (wake < 0 || move < 0)
		return -EINVAL;
	for (;;) {
		u32 now = 0;
		int err = get_key(addr, shared, &k);

		if (!err)
			err = get_key(addr2, shared, &k2);
		if (err)
			return err;
		struct bucket *from = bucket_of(&k), *to = bucket_of(&k2);
		lock_two(from, to);
		err = cmp ? plat_user_load32_nofault(addr, &now) : 0;
		s64 n = -EAGAIN;
		if (!err && (!cmp || now == *cmp))
			n = requeue_locked(from, to, &k, &k2, wake, move);
		unlock_two(from, to);
		if (!err)
			return n;
		err = fault_in(addr);
		if (err)
			return err;
	}
}

/* The operation of FUTEX_WAKE_OP on a value. -ENOSYS */
static int op_apply(u32 op, u32 old, u32 *fresh)
{
	u32 arg = (u32)((s32)(op << 8) >> 20);

	if (op & ((u32)FUTEX_OP_OPARG_SHIFT << 28))
		arg = 1u << (arg & 31);
	switch ((op >> 28) & 7) {
	case FUTEX_OP_SET: *fresh = arg; return 0;
	case FUTEX_OP_ADD: *fresh = old + arg; return 0;
	case FUTEX_OP_OR: *fresh = old | arg; return 0;
	case FUTEX_OP_ANDN: *fresh = old & ~arg; return 0;
	case FUTEX_OP_XOR: *fresh = old ^ arg; return 0;
	default: return -ENOSYS;
	}
}

static int op_compare(u32 op, u32 old)
{
	s32 v = (s32)old, arg = (s32)(op << 20) >> 20;

	switch ((op >> 24) & 15) {
	case FUTEX_OP_CMP_EQ: return v == arg;
	case FUTEX_OP_CMP_NE: return v != arg;
	case FUTEX_OP_CMP_LT: return v < arg;
	case FUTEX_OP_CMP_GE: return v >= arg;
	case FUTEX_OP_CMP_LE: return v <= arg;
	case FUTEX_OP_CMP_GT: return v > arg;
	default: return -ENOSYS;
	}
}

/* Change the word at @addr under a bucket lock. 0; -EFAULT: fault it in; -ENOSYS */
static int op_on_word(u64 addr, u32 op, u32 *old)
{
	u32 seen, fresh;
	int err = plat_user_load32_nofault(addr, old);

	for (;;) {
		if (!err)
			err = op_apply(op, *old, &fresh);
		if (!err)
			err = plat_user_cmpxchg32_nofault(addr, *old, fresh, &seen);
		if (err || seen == *old)
			return err;
		*old = seen;
	}
}

s64 futex_wake_op(u64 addr, u64 addr2, bool shared, s32 wake, s32 wake2, u32 op)
{
	struct mm_futex_key k, k2;

	for (;;) {
		u32 old = 0;
		int err = get_key(addr, shared, &k);

		if (!err)
			err = get_key(addr2, shared, &k2);
		if (err)
			return err;
		struct bucket *b = bucket_of(&k), *b2 = bucket_of(&k2);
		lock_two(b, b2);
		err = op_on_word(addr2, op, &old);
		s64 n = 0;
		if (!err) {
			int hit = op_compare(op, old);

			n = wake_locked(b, &k, (u32)wake, FUTEX_BITSET_MATCH_ANY);
			if (hit > 0)
				n += wake_locked(b2, &k2, (u32)wake2, FUTEX_BITSET_MATCH_ANY);
			if (hit < 0)
				n = hit;
		}
		unlock_two(b, b2);
		if (err != -EFAULT)
			return err ? err : n;
		u32 dummy, word;
		if (copy_in(&word, uaddr(addr2), sizeof(word)) || plat_user_cmpxchg32(addr2, word, word, &dummy))
			return -EFAULT;
	}
}

/* ---- PI: the word holds the owner's number; waiters queue in order, without lending priority ---- */

static int pi_try(u64 addr, u32 tid, u32 extra, u32 *seen)
{
	u32 old;
	int err = plat_user_load32_nofault(addr, seen);

	if (err)
		return err;
	if ((*seen & FUTEX_TID_MASK) == tid)
		return -EDEADLK;
	if (*seen & FUTEX_TID_MASK) {
		if (*seen & FUTEX_WAITERS)
			return -EAGAIN;
		err = plat_user_cmpxchg32_nofault(addr, *seen, *seen | FUTEX_WAITERS, &old);
		if (!err && old != *seen)
			return -EBUSY;	/* it changed: again */
		return err ? err : -EAGAIN;
	}
	err = plat_user_cmpxchg32_nofault(addr, *seen, tid | (*seen & FUTEX_OWNER_DIED) | extra, &old);
	if (err)
		return err;
	return old == *seen ? 0 : -EBUSY;
}

static bool has_waiter(struct bucket *b, const struct mm_futex_key *k)
{
	struct futex_waiter *w;

	list_for_each_entry(w, &b->waiters, node)
		if (same_key(&w->key, k))
			return true;
	return false;
}

/* One step to lock: 0: have it; 1: queued; -EFAULT: fault in; -EBUSY: again; others: fail */
static int pi_step(u64 addr, bool shared, bool try, struct futex_waiter *w)
{
	u32 seen = 0;
	int err = get_key(addr, shared, &w->key);

	if (err)
		return err == -EFAULT ? -EINVAL : err;
	struct bucket *b = bucket_of(&w->key);
	spin_lock(&b->lock);
	err = pi_try(addr, task_tid(w->task), has_waiter(b, &w->key) ? FUTEX_WAITERS : 0, &seen);
	if (err == -EAGAIN && !try) {
		rcu_read_lock();
		err = pid_task(seen & FUTEX_TID_MASK) ? 1 : -ESRCH;
		rcu_read_unlock();
		if (err == 1) {
			w->bucket = b;
			list_add_tail(&w->node, &b->waiters);
		}
	}
	spin_unlock(&b->lock);
	return err;
}

s64 futex_lock_pi(u64 addr, bool shared, u64 deadline_ns, bool try)
{
	struct futex_waiter w;

	waiter_set(&w, FUTEX_BITSET_MATCH_ANY);
	w.pi = true;
	for (;;) {
		int step = pi_step(addr, shared, try, &w);
		bool expired = false;

		if (step == -EFAULT && !fault_in(addr)) {
			u32 v, old;

			if (copy_in(&v, uaddr(addr), 4) || plat_user_cmpxchg32(addr, v, v, &old))
				return -EFAULT;
			continue;
		}
		if (step == -EBUSY)
			continue;
		if (step <= 0)
			return step;
		for (;;) {
			set_state(TS_INTERRUPTIBLE);
			if (atomic_load_acquire(&w.woken) || signal_pending() || expired)
				break;
			expired = schedule_timeout(deadline_ns);
		}
		set_state(TS_RUNNING);
		bool woken = unqueue(&w);
		w.woken = 0;
		if (!woken)
			return expired ? -ETIMEDOUT : -ERESTARTNOINTR;
	}
}

s64 futex_unlock_pi(u64 addr, bool shared)
{
	struct mm_futex_key k;
	u32 tid = task_tid(current_task()), v, old;
	int err = get_key(addr, shared, &k);

	if (err)
		return err;
	for (;;) {
		if (copy_in(&v, uaddr(addr), sizeof(v)))
			return -EFAULT;
		if ((v & FUTEX_TID_MASK) != tid)
			return -EPERM;
		struct bucket *b = bucket_of(&k);
		spin_lock(&b->lock);
		/* Free it and wake one, which takes it again: whoever comes between is served first. */
		err = plat_user_cmpxchg32_nofault(addr, v, has_waiter(b, &k) ? FUTEX_WAITERS : 0, &old);
		if (!err && old == v)
			wake_locked(b, &k, 1, FUTEX_BITSET_MATCH_ANY);
		spin_unlock(&b->lock);
		if (!err && old == v)
			return 0;
		if (err && plat_user_cmpxchg32(addr, v, v, &old))
			return -EFAULT;
	}
}

/* ---- robust futexes: what a dead thread held ---- */

enum { ROBUST_MAX = 2048 };

static int robust_one(u64 addr, u32 tid, bool pi, bool pending)
{
	u32 v, old;

	if ((addr & 3) || copy_in(&v, uaddr(addr), sizeof(v)))
		return -EFAULT;
	for (;;) {
		/* It died between unlocking and waking: wake, to be safe. */
		if (pending && !pi && !(v & FUTEX_TID_MASK)) {
			futex_wake_address(addr);
			return 0;
		}
		if ((v & FUTEX_TID_MASK) != tid)
			return 0;
		if (plat_user_cmpxchg32(addr, v, (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &old))
			return -EFAULT;
		if (old == v)
			break;
		v = old;
	}
	if (v & FUTEX_WAITERS)
		futex_wake_address(addr);
	return 0;
}

void futex_exit_robust(struct task *t)
{
	struct robust_list_head head;
	u64 list = t->robust_list;
	u32 tid = task_tid(t);

	t->robust_list = 0;
	if (!list || copy_in(&head, uaddr(list), sizeof(head)))
		return;
	u64 pending = (u64)head.list_op_pending & ~1ull, entry = (u64)head.list.next;
	for (u32 i = 0; i < ROBUST_MAX && (entry & ~1ull) != list; i++) {
		u64 at = entry & ~1ull, next;
		bool pi = entry & 1, last = get_user(next, uaddr(at));

		if (at != pending && robust_one(at + (u64)head.futex_offset, tid, pi, false))
			return;
		if (last)
			return;
		entry = next;
		cond_resched();
	}
	if (pending)
		(void)!robust_one(pending + (u64)head.futex_offset, tid, (u64)head.list_op_pending & 1, true);
}
