/*
 * System V semaphores: sets of counters that one call changes all together or not at all.
 *
 * A call that cannot go on waits in its set's queue; whoever changes a counter lets those go that now can, first come, first
 * served.  SEM_UNDO keeps for each process and set what its exit adds to the counters: sem_undo.c.
 *
 * Source: semget(2), semop(2), semctl(2).
 */
#ifndef IPC_SEM_H
#define IPC_SEM_H

#include <linux/sem.h>
#include "base/types.h"
#include "ipc/object.h"

/* kernel.sem: semaphores a set, in all, operations a call, (sets: sem_table.count_max) */
enum { SEM_LIMIT_PER_SET, SEM_LIMIT_TOTAL, SEM_LIMIT_OPS, SEM_LIMIT_SETS, SEM_LIMITS };
extern u32 sem_limit[SEM_LIMITS];	/* [a] */
extern struct ipc_table sem_table;

s32 sem_get(s32 key, s32 count, u32 flags);

/**
 * sem_operate - semtimedop(2)
 * @n:           1 to sem_limit[SEM_LIMIT_OPS]
 * @deadline_ns: U64_MAX: none
 * Return: 0, -EAGAIN (IPC_NOWAIT or too late), -EINTR, -EIDRM, -EFBIG, -ERANGE, -EACCES, -EINVAL, -ENOMEM
 */
MUST_CHECK int sem_operate(s32 id, const struct sembuf *ops, u32 n, u64 deadline_ns);

/** sem_count - semaphores in set @id, for the buffers of the two after it. -EINVAL */
s32 sem_count(s32 id);
MUST_CHECK int sem_get_all(s32 id, u16 *values);
MUST_CHECK int sem_set_all(s32 id, const u16 *values);
/** sem_query - @cmd: GETVAL, GETPID, GETNCNT, GETZCNT. */
s32 sem_query(int cmd, s32 id, s32 num);
MUST_CHECK int sem_set_value(s32 id, s32 num, s32 value);

/** sem_stat - @cmd: IPC_STAT, SEM_STAT, SEM_STAT_ANY. Return: 0 or, by index, the number; -EINVAL, -EACCES */
s32 sem_stat(int cmd, s32 id, struct semid64_ds *out);
MUST_CHECK int sem_set(s32 id, const struct ipc64_perm *perm);
MUST_CHECK int sem_remove(s32 id);
/** sem_info - @figures: SEM_INFO rather than IPC_INFO. */
void sem_info(bool figures, struct seminfo *out);

#endif
