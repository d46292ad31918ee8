/*
 * System V shared memory: a segment is a memory file; an attachment is an ordinary shared mapping of it.
 *
 * An area that maps a segment counts as an attachment, so splitting one makes two, as /proc/sysvipc/shm shows.  A segment that is
 * removed while attached loses its key and stays, by its number, until the last detachment.
 *
 * Source: shmget(2), shmop(2), shmctl(2).
 */
#ifndef IPC_SHM_H
#define IPC_SHM_H

#include <asm/shmbuf.h>
#include "base/types.h"
#include "ipc/object.h"

/* <linux/shm.h> wants a C library; these are its numbers. */
enum { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000 };	/* shmat */
enum { SHM_HUGETLB = 04000 };								/* shmget */
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 };						/* in a mode */
enum { SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15 };	/* shmctl */
enum { SHM_COUNT_DEFAULT = 4096 };

struct shm_info {
	int used_ids;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

extern struct ipc_table shm_table;
extern u64 shm_bytes_max, shm_pages_max;	/* [a] kernel.shmmax, kernel.shmall */

s32 shm_get(s32 key, u64 size, u32 flags);
/** shm_attach - shmat(2) into the current address space. 0, -EINVAL, -EACCES, -EIDRM, -ENOMEM */
MUST_CHECK int shm_attach(s32 id, u64 addr, u32 flags, u64 *out);
/** shm_detach - shmdt(2). 0, -EINVAL */
MUST_CHECK int shm_detach(u64 addr);

/** shm_stat - @cmd: IPC_STAT, SHM_STAT, SHM_STAT_ANY. Return: 0 or, by index, the number; -EINVAL, -EACCES */
s32 shm_stat(int cmd, s32 id, struct shmid64_ds *out);
MUST_CHECK int shm_set(s32 id, const struct ipc64_perm *perm);
MUST_CHECK int shm_remove(s32 id);
/** shm_lock - SHM_LOCK, SHM_UNLOCK. */
MUST_CHECK int shm_lock(s32 id, bool lock);
void shm_limits(struct shminfo64 *out);
void shm_figures(struct shm_info *out);
/** shm_resident_pages - of the segment at @index, 0 if there is none. */
u64 shm_resident_pages(s32 index);

#endif
