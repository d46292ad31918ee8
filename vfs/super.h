/*
 * A mounted file system instance, and the registry of file-system types.
 */
#ifndef VFS_SUPER_H
#define VFS_SUPER_H

#include <asm/statfs.h>
#include "base/list.h"
#include "kern/mutex.h"
#include "vfs/inode.h"

struct dentry;
struct dentry_ops;
struct fs_type;

struct fs_stat {		/* statfs(2) */
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize;
};

struct super_ops {
	struct inode *(*alloc_inode)(struct super *s);		/* [kmalloc'd struct inode]; zeroed, uninitialised VFS part */
	void (*free_inode)(struct inode *i);			/* after a grace period [kfree] */
	void (*evict)(struct inode *i);				/* last reference gone; i->nlink 0: delete it for good. Pages are dropped before */
	int (*statfs)(struct super *s, struct fs_stat *out);
	int (*sync)(struct super *s, bool wait);
	int (*remount)(struct super *s, u32 flags, const char *options);
	void (*show_options)(struct super *s, char *buf, size_t size);	/* ",size=…" for /proc/mounts */
	void (*put)(struct super *s);				/* unmounted for good */
	/* write_inode etc. come with on-disk file systems */
};

enum { SUPER_RDONLY = 1, SUPER_NOSUID = 2, SUPER_NODEV = 4, SUPER_NOEXEC = 8 };	/* super->flags: SUPER_RDONLY only */

struct super {
	const struct super_ops *ops;
	const struct fs_type *type;
	const struct dentry_ops *dops;	/* of its dentries; set before the root is made; may be NULL */
	struct dentry *root;
	u64 dev;			/* anonymous or the block device's number */
	u64 magic;
	u32 blksize;
	u32 direct_bytes;		/* positions and lengths of its files' file_ops.start are multiples of this; 0: they have none */
	u32 flags;
	struct backing *backing;	/* where its files' pages are written; NULL: backing_default */
	u64 max_bytes;			/* largest file */
	u32 time_gran_ns;
	u32 attr_mask;			/* STATX_* beyond the basic ones that its inodes have: STATX_BTIME */
	u32 stack_depth;		/* overlay on overlay */
	u32 refs;			/* [a] mounts */
	struct mutex rename_lock;
	struct list_head inodes;	/* [inode table lock] */
	u32 live;			/* [a] inodes not yet freed, and one for refs */
	bool dead;			/* being torn down */
	struct rcu_head rcu;
	struct list_head node;
	char id[32];
	void *private;
};

struct fs_type {
	const char *name;
	u32 flags;			/* FS_NODEV… */
	/**
	 * mount - make (or find) the super for @source with @options (comma-separated, may be "")
	 * Return: it with s->root set, or ERR_PTR
	 */
	struct super *(*mount)(const struct fs_type *t, const char *source, const char *options, u32 flags);
	struct list_head node;
};
enum { FS_NODEV = 1 };

void fs_register(struct fs_type *t);
struct fs_type *fs_find(const char *name);
/** fs_list - the text of /proc/filesystems. Return: length */
size_t fs_list(char *buf, size_t size);

/** super_alloc - a new super, refs 1; dev is an anonymous number. NULL: no memory */
struct super *super_alloc(const struct fs_type *t, const struct super_ops *ops, u64 magic);
void super_put(struct super *s);
void super_put_struct(struct super *s);	/* inode.c's */
struct super *super_get(struct super *s);
void supers_sync(bool wait);

/** option_next - split the next "key=value" off *options (modified). Return: false at the end; *value NULL if none */
bool option_next(char **options, char **key, char **value);

#endif
