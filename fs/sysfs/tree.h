/*
 * The tree behind sysfs: names, counted, changed under one lock.
 */
#ifndef FS_SYSFS_TREE_H
#define FS_SYSFS_TREE_H

#include "base/list.h"
#include "fs/sysfs/sysfs.h"
#include "kern/rcu.h"

enum sysfs_kind { SYSFS_DIR, SYSFS_FILE, SYSFS_LINK };

/* Locks: T tree lock · a atomic · the rest immutable */
struct sysfs_node {
	u32 refs;			/* [a] the tree's, inodes' */
	enum sysfs_kind kind;
	u32 mode;
	u64 ino;
	u64 pos;			/* in its directory: for readdir, never reused */
	bool gone;			/* [T] removed */
	struct sysfs_node *parent;	/* [T] */
	struct list_head children;	/* [T] */
	struct list_head sibling;	/* [T] */
	sysfs_show_fn *show;
	sysfs_store_fn *store;
	void *arg;
	u32 calls;			/* [T] of show and store, under way */
	void *owned;			/* links: where to; files: the argument, if it was copied; or NULL */
	struct rcu_head rcu;		/* path walks look at nodes, and follow links, under RCU */
	char name[];
};

extern struct sysfs_node sysfs_root;

void sysfs_node_put(struct sysfs_node *n);
/** sysfs_find - a child, with a reference, or NULL. */
struct sysfs_node *sysfs_find(struct sysfs_node *dir, const char *name, size_t len);
/** sysfs_after - the first child at position >= @pos, with a reference, or NULL. */
struct sysfs_node *sysfs_after(struct sysfs_node *dir, u64 pos);

/** sysfs_call_begin - before show or store are called: whether the file is still there; then it is not removed before sysfs_call_end. */
bool sysfs_call_begin(struct sysfs_node *n);
void sysfs_call_end(struct sysfs_node *n);

/* devices.c, cpus.c */
void sysfs_devices_init(void);
void sysfs_cpus_init(void);

#endif
