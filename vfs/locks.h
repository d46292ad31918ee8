/*
 * File locks: flock(2), POSIX record locks (fcntl F_SETLK), open-file-description locks (F_OFD_SETLK).
 */
#ifndef VFS_LOCKS_H
#define VFS_LOCKS_H

#include <linux/fcntl.h>
#include "base/types.h"

struct file;
struct files;
struct inode;

/** flock_op_check - before the descriptor is looked at. Return: 0; 1: mandatory locks, which are nothing any more: success; -EINVAL */
MUST_CHECK int flock_op_check(int op);
/** flock_file - @op: LOCK_SH, LOCK_EX, LOCK_UN, with LOCK_NB. Return: 0, -EWOULDBLOCK, -EINVAL, -EBADF, -ERESTARTSYS, -ENOMEM */
MUST_CHECK int flock_file(struct file *f, int op);
/**
 * posix_lock_file - fcntl's F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW
 * @owner: the caller's descriptor table; @pid: its process number, which F_GETLK of others reports
 * @fl:    in; out for the GETLK forms
 * Return: 0, -EAGAIN, -EDEADLK, -EINVAL, -EOVERFLOW, -EBADF, -ERESTARTSYS, -ENOLCK
 */
MUST_CHECK int posix_lock_file(struct file *f, struct files *owner, s32 pid, int cmd, struct flock *fl);
/** lease_set - F_SETLEASE: no file system here grants leases: as Linux where unsupported. lease_get - F_UNLCK. */
MUST_CHECK int lease_set(struct file *f, int type);
int lease_get(struct file *f);
/** locks_release_file - last reference of @f: flock and OFD locks go. locks_release_posix - @owner closed a descriptor of @f. */
void locks_release_file(struct file *f);
void locks_release_posix(struct file *f, struct files *owner);
/** locks_register_pid - task/ says which process is the current one, for /proc/locks. */
void locks_register_pid(s32 (*tgid)(void));
void locks_free_inode(struct inode *i);
/** locks_show - the text of /proc/locks. Return: length */
size_t locks_show(char *buf, size_t size);

#endif
