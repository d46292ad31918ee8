/*
 * Interprocess communication: System V shared memory, semaphores and message queues, and POSIX message queues.
 *
 * object.c keeps the System V objects' names, numbers and permissions; shm.c, sem.c (with sem_undo.c) and msg.c are the three
 * kinds; mqueue.c is a POSIX queue, mqueue_fs.c its names.  All of it works on kernel memory; sys/ copies.
 *
 * Lock order: ipc_table->lock, ipc_object->lock, then the spin locks inside.  None is held while user memory is touched.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

/** ipc_init - tables, hooks, the mqueue file system, entries of /proc. Context: boot, after file systems and tasks */
void ipc_init(void);

void shm_init(void);
void sem_init(void);
void msg_init(void);
void mqueue_fs_init(void);
void ipc_proc_init(void);

#endif
