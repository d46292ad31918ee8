/*
 * Inotify: watches on inodes and the queue of events that a process reads.
 *
 * The notify_* hooks below are called by the VFS operations themselves; they cost one load when nobody watches.
 */
#ifndef VFS_NOTIFY_H
#define VFS_NOTIFY_H

#include <linux/inotify.h>
#include "base/types.h"
#include "vfs/dentry.h"
#include "vfs/inode.h"
#include "vfs/path.h"

struct file;

/** inotify_create - a new queue; @o_flags: O_NONBLOCK. ERR_PTR */
struct file *inotify_create(u32 o_flags);
/** inotify_add - watch an inode. The caller has resolved @path (IN_DONT_FOLLOW, IN_ONLYDIR); read permission is checked here. Return: wd or -errno */
MUST_CHECK int inotify_add(struct file *f, const struct path *path, u32 mask);
MUST_CHECK int inotify_remove(struct file *f, int wd);

extern u32 notify_watches;	/* [a] watches in the whole system */
void notify_send(struct inode *i, u32 mask, const char *name, size_t len, u32 cookie);
void notify_send_dentry(struct dentry *d, u32 mask, u32 cookie);
void notify_inode_gone(struct inode *i);	/* evicted */
void notify_super_gone(struct super *s);	/* IN_UNMOUNT */
u32 notify_cookie(void);

/** notify_dentry - @mask happened to @d's inode: tells watchers of it and of its parent. */
static inline void notify_dentry(struct dentry *d, u32 mask)
{
	if (unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED)))
		notify_send_dentry(d, mask, 0);
}

/** notify_child - @mask happened to the entry @name of @dir. */
static inline void notify_child(struct inode *dir, u32 mask, const char *name, size_t len, u32 cookie)
{
	if (unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED)))
		notify_send(dir, mask, name, len, cookie);
}

static inline void notify_inode(struct inode *i, u32 mask)
{
	if (unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED)))
		notify_send(i, mask, NULL, 0, 0);
}

#endif
