/* Between sem.c (sets and operations) and sem_undo.c (what exits give back). */
#ifndef IPC_SEM_INTERNAL_H
#define IPC_SEM_INTERNAL_H

#include "ipc/sem.h"

struct process;
struct sem_undo;

struct semaphore {
	u16 value;			/* [o] at most SEMVMX */
	s32 pid;			/* [o] who changed it last */
};

/* Locks: o object lock · I immutable */
struct sem_set {
	struct ipc_object object;	/* first */
	u32 count;			/* [I] */
	s64 otime, ctime;		/* [o] */
	struct list_head waiters;	/* [o] first come first */
	struct list_head undos;		/* [o] */
	struct semaphore sem[];		/* [o] */
};

static inline struct sem_set *set_of(struct ipc_object *o)
{
	return container_of(o, struct sem_set, object);
}

/** sem_serve_locked - the counters changed: let go whoever now can. */
void sem_serve_locked(struct sem_set *s);

/**
 * sem_undo_get_locked - the current process's adjustments to @s, made if it has none
 * Return: an array of s->count, good while the set is locked; NULL: no memory
 */
s16 *sem_undo_get_locked(struct sem_set *s);
/** sem_undo_of_locked - those of @p, or NULL. */
s16 *sem_undo_of_locked(struct sem_set *s, const struct process *p);
/** sem_undo_clear_locked - nobody gives back anything of semaphores [first, end) any more. */
void sem_undo_clear_locked(struct sem_set *s, u32 first, u32 end);
/** sem_undo_drop_locked - the set goes. */
void sem_undo_drop_locked(struct sem_set *s);
void sem_undo_init(void);

#endif
