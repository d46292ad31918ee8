/*
 * SEM_UNDO: what the exit of a process adds to semaphores.
 *
 * An undo belongs to a set (list under the set's lock) and to a process (list under undo_lock).  Both sides may end it: the set, when it
 * is removed; the process, when its last thread exits.  The exit takes a set from the process's list, with a reference, lets
 * go of undo_lock, locks the set, and looks again: if the set was removed meanwhile the undo is on neither list.
 *
 * Departure: the threads of a process share their undos whether or not they were made with CLONE_SYSVSEM, and processes
 * never do.  Programs cannot tell by way of fork and pthread_create.
 */
#include <linux/errno.h>
#include "base/hash.h"
#include "base/list.h"
#include "ipc/sem_internal.h"
#include "kern/slab.h"
#include "task/task.h"

enum { BUCKET_BITS = 6 };

/* Locks: o the set's object lock · u undo_lock · I immutable */
struct sem_undo {
	struct list_head in_set;	/* [o] */
	struct hlist_node in_bucket;	/* [u] by owner */
	struct sem_set *set;		/* [I] no reference: the set outlives its undos */
	const struct process *owner;	/* [I] compared, never followed */
	s16 adjust[];			/* [o] */
};

static struct spinlock undo_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct hlist_head buckets[1 << BUCKET_BITS];	/* [u] */

static struct hlist_head *bucket_of(const struct process *p)
{
	return &buckets[hash_bits((u64)p, BUCKET_BITS)];
}

static struct sem_undo *find_in_set(struct sem_set *s, const struct process *p)
{
	struct sem_undo *u;

	list_for_each_entry(u, &s->undos, in_set)
		if (u->owner == p)
			return u;
	return NULL;
}

s16 *sem_undo_of_locked(struct sem_set *s, const struct process *p)
{
	struct sem_undo *u = find_in_set(s, p);

	return u ? u->adjust : NULL;
}

s16 *sem_undo_get_locked(struct sem_set *s)
{
	const struct process *me = current_process();
	struct sem_undo *u = find_in_set(s, me);

	if (u)
		return u->adjust;
	u = kvmalloc(sizeof(*u) + s->count * sizeof(u->adjust[0]), ALLOC_KERNEL | ALLOC_ZERO);
	if (!u)
		return NULL;
	u->set = s;
	u->owner = me;
	list_add(&u->in_set, &s->undos);
	spin_lock(&undo_lock);
	hlist_add_head(&u->in_bucket, bucket_of(me));
	spin_unlock(&undo_lock);
	return u->adjust;
}

static void drop(struct sem_undo *u)
{
	list_del(&u->in_set);
	spin_lock(&undo_lock);
	hlist_del(&u->in_bucket);
	spin_unlock(&undo_lock);
	kvfree(u);
}

void sem_undo_drop_locked(struct sem_set *s)
{
	while (!list_empty(&s->undos))
		drop(list_first_entry(&s->undos, struct sem_undo, in_set));
}

void sem_undo_clear_locked(struct sem_set *s, u32 first, u32 end)
{
	struct sem_undo *u;

	list_for_each_entry(u, &s->undos, in_set)
		for (u32 i = first; i < end; i++)
			u->adjust[i] = 0;
}

/* ---- exit ---- */

/* Some set that the process has an undo in, with a reference; NULL: none left. */
static struct sem_set *next_set(const struct process *p)
{
	struct sem_set *s = NULL;
	struct sem_undo *u;

	spin_lock(&undo_lock);
	hlist_for_each_entry(u, bucket_of(p), in_bucket)
		if (u->owner == p) {
			s = u->set;
			ref_get(&s->object.refs);	/* its undos hold off its end: see sem_remove */
			break;
		}
	spin_unlock(&undo_lock);
	return s;
}

static void give_back_locked(struct sem_set *s, const s16 *adjust)
{
	for (u32 i = 0; i < s->count; i++) {
		s32 value = s->sem[i].value + adjust[i];

		if (!adjust[i])
			continue;
		s->sem[i].value = (u16)(value < 0 ? 0 : MIN(value, (s32)SEMVMX));
		s->sem[i].pid = ipc_current_pid();
	}
	s->otime = ipc_now_sec();
	sem_serve_locked(s);
}

static void process_exits(struct process *p)
{
	struct sem_set *s;

	while ((s = next_set(p)) != NULL) {
		mutex_lock(&s->object.lock);
		struct sem_undo *u = find_in_set(s, p);

		if (u) {
			give_back_locked(s, u->adjust);
			drop(u);
		}
		ipc_unlock(&s->object);
	}
}

void sem_undo_init(void)
{
	task_register_exit_hook(process_exits);
}
