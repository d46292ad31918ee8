/*
 * procfs: the file system that shows the registry of vfs/procfs.h and, through hooks, processes.
 */
#ifndef FS_PROC_PROC_H
#define FS_PROC_PROC_H

#include "vfs/procfs.h"

/** procfs_init - register the file system type and its own entries. Context: boot, after vfs_init(). */
void procfs_init(void);
/** procfs_register_pids - what task/ shows of processes. Once. */
void procfs_register_pids(const struct proc_pid_ops *ops);

#endif
