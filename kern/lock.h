/*
 * Spin locks and lock ranks.
 *
 * Every lock has a rank.  A thread may take a lock only if its rank is above that of every lock it holds; taking one
 * at or below asserts, in every build.  So no order can lead to a deadlock, and the enum below *is* the lock order.
 * Sleeping locks (mutex.h) use the same ranks; all spin locks rank above all sleeping ones, so sleeping
 * with a spin lock held asserts too.
 *
 * The kernel is not preempted: a thread on a CPU runs until it sleeps, yields or returns to user mode.  A spin lock
 * that interrupt handlers take too (ranks from RANK_IRQ) must be taken with interrupts off (spin_lock_irqsave).
 */
#ifndef KERN_LOCK_H
#define KERN_LOCK_H

#include "base/types.h"
#include "plat/plat.h"

/* Outermost first. */
enum lock_rank {
	/* sleeping */
	RANK_URING,		/* uring->submit: over submission and registration */
	RANK_FILE_POS,		/* file->pos_lock: held over whole reads and writes */
	RANK_NET_SHOWN,		/* network devices in /sys, one change at a time */
	RANK_DEVNODES,		/* over the calls of those who listen to devices, which make files */
	RANK_RENAME_FS,		/* super: one cross-directory rename at a time */
	RANK_OVERLAY_PARENT,	/* an inode lock of a stacked file system, taken before those of the one below */
	RANK_OVERLAY_PARENT2,
	RANK_OVERLAY_CHILD,
	RANK_OVERLAY_CHILD2,
	RANK_OVERLAY_COPY,	/* overlay: copy-up of one inode */
	RANK_INODE_PARENT,	/* inode->lock of a directory, when a child's is taken too */
	RANK_INODE_PARENT2,
	RANK_INODE_CHILD,	/* inode->lock */
	RANK_INODE_CHILD2,
	RANK_MOUNT,		/* the mount tree's writers */
	RANK_EPOLL,		/* who watches what: adding to and removing from epoll sets */
	RANK_EPOLL_SET,		/* epoll->lock */
	RANK_TTY_READ,		/* one reader at a time */
	RANK_TTY_WRITE,
	RANK_PIPE,		/* pipe->lock */
	RANK_SOCK,		/* socket->lock */
	RANK_RTNL,		/* configuration of the network */
	RANK_EXEC,		/* task: exec and credentials against ptrace and /proc */
	RANK_MMAP,		/* mm->lock */
	RANK_MMAP2,		/* the child's at fork */
	RANK_FS_PRIVATE,	/* one lock inside a file system, below inode locks and faults */
	RANK_FS_PRIVATE2,
	RANK_PAGE_IO,		/* PG_locked */
	RANK_RMAP,		/* mapping->rmap_lock, anon_group lock */
	RANK_9P,
	RANK_BLOCK,
	RANK_DEVICE,		/* registries of devices and drivers */
	RANK_WORK,		/* worker pools */
	RANK_LEAF_SLEEP,	/* takes no other sleeping lock */
	/* spinning, never in interrupts */
	RANK_SPIN,
	RANK_PIDS = RANK_SPIN,	/* process tree, groups and sessions */
	RANK_SIGHAND,		/* task's signal state */
	RANK_FILES,		/* descriptor table */
	RANK_FUTEX,		/* hash bucket */
	RANK_FUTEX2,		/* the second bucket of a requeue */
	RANK_DENTRY_PARENT,	/* dentry->lock */
	RANK_DENTRY,
	RANK_DCACHE,		/* hash chain, lru */
	RANK_INODE_TABLE,
	RANK_MOUNT_TABLE,
	RANK_FILE_LOCKS,	/* flock and POSIX locks */
	RANK_NOTIFY,
	RANK_PTABLE,		/* page-table lock of a mm */
	RANK_PTABLE2,
	RANK_MAPPING,		/* mapping->lock: the page tree of a file */
	RANK_SWAP,
	RANK_FS_SPIN,		/* one spin lock inside a file system */
	RANK_SOCK_SPIN,
	RANK_NET_LISTEN,	/* a listener's lock, outside those of its connections */
	RANK_NET_SOCK,		/* an inet socket's spin lock: state machine, options, cached route */
	RANK_NET_SOCK2,		/* a second one: a new connection under its listener */
	RANK_NET_TABLE,		/* tables of connections */
	RANK_NET_PORT,		/* port buckets */
	RANK_NET_QUEUE,		/* receive and error queues */
	RANK_NET_FRAG,		/* reassembly */
	RANK_NET_ROUTE,		/* routing tables, writers */
	RANK_NET_NEIGH,		/* a neighbour's state and queue */
	RANK_NET_NEIGH_TABLE,
	RANK_NET_CONFIG,	/* addresses and groups of a device */
	RANK_NET_XMIT,		/* a transmit queue */
	RANK_NET_XMIT2,		/* of a device below another */
	RANK_NET_LEAF,
	RANK_LEAF_SPIN,
	/* spinning, also taken in interrupts: interrupts off */
	RANK_IRQ,
	RANK_TTY = RANK_IRQ,	/* input buffers */
	RANK_BLOCK_QUEUE,	/* block: a disk's queue of requests */
	RANK_BLOCK_SORT,	/* block: its elevator, its flushes */
	RANK_QUEUE,		/* a device's queue */
	RANK_COMPLETION,
	RANK_SIGNAL_IRQ,
	RANK_WAITQ,		/* any wait queue */
	RANK_WAITQ2,		/* a wait queue woken from the callback of another (epoll) */
	RANK_WAITQ3,
	RANK_WAITQ4,
	RANK_EPOLL_READY,	/* epoll's ready list: taken inside wait-queue callbacks */
	RANK_TIMER,
	RANK_WORKQ,		/* pending work of a pool */
	RANK_RUNQ,		/* run queue */
	RANK_RUNQ2,
	RANK_VMAP,		/* the kernel's own page tables; takes pages */
	RANK_SLAB,		/* may be taken under almost anything */
	RANK_PAGES,
	RANK_RANDOM,
	RANK_LOG,
	RANK_CONSOLE,
	RANKS
};

struct spinlock {
	u32 word;		/* next << 16 | owner: a ticket lock */
	u32 rank;
};

#define SPINLOCK_INIT(r) { .word = 0, .rank = (r) }

static inline void spin_init(struct spinlock *l, enum lock_rank rank)
{
	l->word = 0;
	l->rank = rank;
}

/* The bits of the ranks that this thread holds; lock.c. */
void rank_violation(u32 rank, const u64 *held);
/** rank_take - note that @rank is held from here; asserts that nothing at or above it is. rank_drop undoes it. */
static inline void rank_take(u32 rank);
static inline void rank_drop(u32 rank);

void spin_lock_slow(struct spinlock *l, u32 ticket);

static inline void spin_lock_rank(struct spinlock *l, u32 rank)
{
	rank_take(rank);
	u32 ticket = __atomic_fetch_add(&l->word, 1u << 16, __ATOMIC_ACQUIRE);
	if (__builtin_expect((ticket >> 16) != (ticket & 0xffff), 0))
		spin_lock_slow(l, ticket >> 16);
}

static inline void spin_unlock_rank(struct spinlock *l, u32 rank)
{
	u16 *owner = (u16 *)&l->word;	/* little endian: the low half; only the holder writes it */

	__atomic_store_n(owner, (u16)(__atomic_load_n(owner, __ATOMIC_RELAXED) + 1), __ATOMIC_RELEASE);
	rank_drop(rank);
}

/** spin_lock - take @l. Context: thread; never a lock of rank RANK_IRQ or above. */
static inline void spin_lock(struct spinlock *l)
{
	spin_lock_rank(l, l->rank);
}

static inline void spin_unlock(struct spinlock *l)
{
	spin_unlock_rank(l, l->rank);
}

/* Without a rank: the run queues alone, whose lock is handed from thread to thread in a switch. Interrupts off. */
static inline void spin_lock_raw(struct spinlock *l)
{
	u32 ticket = __atomic_fetch_add(&l->word, 1u << 16, __ATOMIC_ACQUIRE);

	if (__builtin_expect((ticket >> 16) != (ticket & 0xffff), 0))
		spin_lock_slow(l, ticket >> 16);
}

static inline void spin_unlock_raw(struct spinlock *l)
{
	u16 *owner = (u16 *)&l->word;

	__atomic_store_n(owner, (u16)(__atomic_load_n(owner, __ATOMIC_RELAXED) + 1), __ATOMIC_RELEASE);
}

static inline bool spin_trylock_raw(struct spinlock *l)
{
	u32 v = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

	return (v >> 16) == (v & 0xffff) &&
	       __atomic_compare_exchange_n(&l->word, &v, v + (1u << 16), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool spin_trylock(struct spinlock *l)
{
	u32 v = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

	if ((v >> 16) != (v & 0xffff) ||
	    !__atomic_compare_exchange_n(&l->word, &v, v + (1u << 16), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	rank_take(l->rank);
	return true;
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	u32 v = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

	return (v >> 16) != (v & 0xffff);
}

/** spin_lock_irqsave - the same with interrupts off. Context: any. Return: the state for spin_unlock_irqrestore */
static inline u64 spin_lock_irqsave(struct spinlock *l)
{
	u64 flags = plat_irq_save();

	spin_lock_rank(l, l->rank);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	spin_unlock_rank(l, l->rank);
	plat_irq_restore(flags);
}

#include "kern/thread.h"

static inline void rank_take(u32 rank)
{
	u64 *held = current()->ranks_held;

	if (__builtin_expect(rank < 64 ? (held[0] >> rank) | held[1] : held[1] >> (rank - 64), 0))
		rank_violation(rank, held);
	held[rank / 64] |= 1ull << (rank % 64);
}

static inline void rank_drop(u32 rank)
{
	current()->ranks_held[rank / 64] &= ~(1ull << (rank % 64));
}

#endif
