/* System calls of ipc.c; see sys.h for the conventions. */
#ifndef SYS_IPC_CALLS_H
#define SYS_IPC_CALLS_H

#include "base/types.h"

s64 sys_shmget(u64 key, u64 size, u64 flags);
s64 sys_shmat(u64 id, u64 addr, u64 flags);
s64 sys_shmdt(u64 addr);
s64 sys_shmctl(u64 id, u64 cmd, u64 buf);
s64 sys_semget(u64 key, u64 count, u64 flags);
s64 sys_semop(u64 id, u64 ops, u64 n);
s64 sys_semtimedop(u64 id, u64 ops, u64 n, u64 timeout);
s64 sys_semctl(u64 id, u64 num, u64 cmd, u64 arg);
s64 sys_msgget(u64 key, u64 flags);
s64 sys_msgsnd(u64 id, u64 msg, u64 size, u64 flags);
s64 sys_msgrcv(u64 id, u64 msg, u64 size, u64 type, u64 flags);
s64 sys_msgctl(u64 id, u64 cmd, u64 buf);
s64 sys_mq_open(u64 name, u64 flags, u64 mode, u64 attr);
s64 sys_mq_unlink(u64 name);
s64 sys_mq_timedsend(u64 fd, u64 text, u64 len, u64 prio, u64 timeout);
s64 sys_mq_timedreceive(u64 fd, u64 text, u64 len, u64 prio, u64 timeout);
s64 sys_mq_notify(u64 fd, u64 event);
s64 sys_mq_getsetattr(u64 fd, u64 new, u64 old);

#endif
