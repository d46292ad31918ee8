/*
 * What System V objects have in common: a key, a number, an owner, a mode; and the table of one kind of them.
 *
 * A number is index + 32768 * sequence: the index finds the object, the sequence makes numbers of objects that are gone
 * invalid for long.  The sequence moves on whenever the index given out is not above the one before.
 *
 * Life: kind->create makes an object with one reference, which the table takes over; whoever finds one has another. Removal
 * takes it out of the table and sets removed: sleepers are woken by its kind and see that.
 *
 * Source: sysvipc(7), svipc(7) for permissions.
 */
#ifndef IPC_OBJECT_H
#define IPC_OBJECT_H

#include <linux/ipc.h>
#include "base/atomic.h"
#include "base/idr.h"
#include "base/list.h"
#include "kern/mutex.h"
#include "kern/rcu.h"

enum { IPC_INDEX_BITS = 15, IPC_INDICES = 1 << IPC_INDEX_BITS, IPC_BUCKETS = 256 };
enum { IPC_MAY_READ = 0444, IPC_MAY_WRITE = 0222 };

/* Locks: T table lock · o the object's · a atomic · I immutable once in the table */
struct ipc_object {
	struct refcount refs;		/* [a] */
	struct mutex lock;
	s32 id, key;			/* [I]; key: [T] becomes IPC_PRIVATE when a segment waits for its last detachment */
	u32 seq;			/* [I] */
	u32 uid, gid, mode;		/* [o] */
	u32 cuid, cgid;			/* [I] */
	bool removed;			/* [T and o to write] */
	struct hlist_node by_index;	/* [T, readers RCU] */
	struct hlist_node by_key;	/* [T] */
	const struct ipc_kind *kind;	/* [I] */
	struct rcu_head rcu;
};

struct ipc_kind {
	/* create: a new object of @size (kvmalloc'd, ipc_object first and set up by ipc_object_init). ERR_PTR */
	struct ipc_object *(*create)(s32 key, u32 flags, u64 size);
	/* check: may it be got with @size? 0, -EINVAL. Table locked; looks at immutable fields alone */
	int (*check)(const struct ipc_object *o, u64 size);
	/* destroy: last reference gone: release what it holds; the memory itself goes after a grace period. Sleeps. */
	void (*destroy)(struct ipc_object *o);
};

struct ipc_table {
	struct mutex lock;
	const struct ipc_kind *kind;		/* [I] */
	struct ida ids;				/* [T] */
	u64 id_words[IDA_WORDS(IPC_INDICES)];
	struct hlist_head by_index[IPC_BUCKETS], by_key[IPC_BUCKETS];	/* [T] */
	u32 seq;				/* [T] */
	s32 last_index;				/* [T] given out; -1: none yet */
	u32 count;				/* [T] */
	u32 count_max;				/* [a] a sysctl */
};

void ipc_table_init(struct ipc_table *t, const struct ipc_kind *kind, u32 count_max);
void ipc_object_init(struct ipc_object *o, const struct ipc_kind *kind, s32 key, u32 flags);

/**
 * ipc_get - shmget, semget, msgget: the number of the object of @key, made if need be
 * @flags: IPC_CREAT, IPC_EXCL, mode bits
 * Return: number, or -ENOENT, -EEXIST, -EACCES, -EINVAL (kind->check), -ENOSPC, or what kind->create says
 */
s32 ipc_get(struct ipc_table *t, s32 key, u32 flags, u64 size);

/** ipc_find - the object numbered @id, with a reference, or NULL. */
struct ipc_object *ipc_find(struct ipc_table *t, s32 id);
/** ipc_find_index - the same by index (the low bits of @index). */
struct ipc_object *ipc_find_index(struct ipc_table *t, s32 index);
void ipc_put(struct ipc_object *o);

/** ipc_lock - find and lock it, permission checked for @may (0: none). ERR_PTR(-EINVAL, -EACCES, -EIDRM) */
struct ipc_object *ipc_lock(struct ipc_table *t, s32 id, u32 may);
/** ipc_lock_index - as ipc_lock, by index. */
struct ipc_object *ipc_lock_index(struct ipc_table *t, s32 index, u32 may);
void ipc_unlock(struct ipc_object *o);

/** ipc_permit - may the current thread do @may (mode bits, anywhere in 0777) with @o? 0, -EACCES. Object locked, or immutable fields suffice */
MUST_CHECK int ipc_permit(const struct ipc_object *o, u32 may);

/** ipc_lock_owned - for IPC_SET and IPC_RMID: table and object locked, the caller owns it. ERR_PTR(-EINVAL, -EPERM) */
struct ipc_object *ipc_lock_owned(struct ipc_table *t, s32 id);
void ipc_unlock_owned(struct ipc_table *t, struct ipc_object *o);
/** ipc_remove_locked - out of the table, with its reference; both locked. The caller holds another, and wakes sleepers. */
void ipc_remove_locked(struct ipc_table *t, struct ipc_object *o);
/** ipc_hide_key_locked - no get finds it any more; both locked. */
void ipc_hide_key_locked(struct ipc_object *o);

/* ipc_show_perm, ipc_set_perm - struct ipc64_perm out of, and into, a locked object. set: 0, -EINVAL */
void ipc_show_perm(const struct ipc_object *o, struct ipc64_perm *out);
MUST_CHECK int ipc_set_perm(struct ipc_object *o, const struct ipc64_perm *in);

/** ipc_top_index - the highest index in use, 0 if there is none. */
s32 ipc_top_index(struct ipc_table *t);
static inline s32 ipc_index(s32 id) { return id & (IPC_INDICES - 1); }

/* For the kinds: who acts, and when. */
s32 ipc_current_pid(void);
s64 ipc_now_sec(void);

#endif
