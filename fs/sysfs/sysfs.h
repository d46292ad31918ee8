/*
 * sysfs: devices and CPUs as a tree of small text files.
 *
 * Devices come by themselves: everything that devnode_add() announces with a class appears below /sys/devices/virtual, /sys/class and
 * /sys/dev.  What else a layer has to show it adds by path.
 *
 * Paths are relative to /sys; missing directories on the way are made.
 */
#ifndef FS_SYSFS_SYSFS_H
#define FS_SYSFS_SYSFS_H

#include "base/types.h"

/* text of at most a page, with newline. Return: its length, or -errno as a size_t: the read fails with it */
typedef size_t sysfs_show_fn(void *arg, char *buf, size_t size);
/* @buf is NUL-terminated. Return: 0 or -errno */
typedef int sysfs_store_fn(void *arg, const char *buf, size_t len);

/** sysfs_init - register the type, build the tree, listen for devices. Context: boot, after vfs_init(). */
void sysfs_init(void);

/** sysfs_add_file - @store NULL: read-only (0444), else 0644. -ENOMEM, -EEXIST */
MUST_CHECK int sysfs_add_file(const char *path, sysfs_show_fn *show, sysfs_store_fn *store, void *arg);
/** sysfs_add_file_copy - the same; show and store get a copy of the @len bytes at @arg, which goes with the file. */
MUST_CHECK int sysfs_add_file_copy(const char *path, sysfs_show_fn *show, sysfs_store_fn *store, const void *arg, size_t len);
MUST_CHECK int sysfs_add_dir(const char *path);
MUST_CHECK int sysfs_add_link(const char *path, const char *target);
/**
 * sysfs_remove - @path and all below it; no error if it is not there
 * A show or store that runs already may run on: sysfs_remove_wait returns when none does any more.
 * Context: thread; sysfs_remove_wait sleeps: nothing may be held that a show or store of these files waits for.
 */
void sysfs_remove(const char *path);
void sysfs_remove_wait(const char *path);

#endif
