/*
 * Memory files: memfd_create(2) and seals, offered by the file system that keeps files in memory.
 */
#ifndef VFS_MEMFD_H
#define VFS_MEMFD_H

#include <linux/memfd.h>
#include "base/types.h"

struct file;

struct memfd_ops {
	struct file *(*create)(const char *name, u64 size, u32 flags);	/* flags: MFD_*; an unlinked file "/memfd:NAME", O_RDWR */
	int (*add_seals)(struct file *f, u32 seals);
	int (*get_seals)(struct file *f);
};
void memfd_register(const struct memfd_ops *ops);

/** memfd_create_file - the caller has checked flags and the name's length. ERR_PTR */
struct file *memfd_create_file(const char *name, u32 flags);
/** shm_create_file - an unnamed memory file of @size bytes (System V shared memory, shared anonymous maps). ERR_PTR */
struct file *shm_create_file(const char *name, u64 size);
int memfd_add_seals(struct file *f, u32 seals);		/* -EINVAL: no such file, -EPERM, -EBUSY */
int memfd_get_seals(struct file *f);

#endif
