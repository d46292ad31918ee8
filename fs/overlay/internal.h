/*
 * What the files of fs/overlay/ share.
 *
 * An overlay inode stands for one object and points at the real ones that make it up:
 *
 *      a file        upper, or one lower (the topmost that has it); both after copy-up
 *      a directory   upper and all lower directories of that name, down to an opaque one: merged
 *
 * Bytes, and the size, are the real inode's: inode.data points at its mapping.  Mode, owner and link count are
 * mirrored, so that permission checks need look at nothing else; times and the rest are asked for by getattr.
 *
 * Departures from Linux: a name that is created over a whiteout, or removed from both layers, changes the upper directory in two
 * steps (a crash between them may show the lower object again); overlays do not stack on overlays.
 *
 * Locks, outermost first: overlay inodes' own (RANK_OVERLAY_PARENT…), copy_lock (RANK_OVERLAY_COPY), then the real inodes', by
 * their own ranks: the work directory before directories of the upper tree.  The upper super's rename_lock is not taken: the
 * directories that get locked together are either held through their overlay directories, or the work directory, which
 * nobody else uses.
 */
#ifndef FS_OVERLAY_INTERNAL_H
#define FS_OVERLAY_INTERNAL_H

#include "base/list.h"
#include "kern/cred.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/path.h"
#include "vfs/super.h"

enum { OVL_LAYERS_MAX = 64, OVL_HASH_BITS = 8 };

#define OVL_XATTR_PREFIX "trusted.overlay."
#define OVL_XATTR_OPAQUE "trusted.overlay.opaque"
#define OVL_XATTR_INO "trusted.overlay.auk.ino"	/* u64: the number that a copied-up file had below */

struct ovl_layer {
	struct path root;
	u32 fsid;		/* 0: the super of the topmost lower layer; tells inode numbers apart */
};

/* Locks: I immutable once mounted · h hash_lock · a atomic */
struct ovl {
	struct path upper;			/* [I] dentry NULL: read-only */
	struct path work;			/* [I] the directory "work" in workdir */
	u32 upper_fsid;				/* [I] */
	u32 lower_count;			/* [I] */
	struct ovl_layer *lower;		/* [I] topmost first */
	const struct cred *cred;		/* [I] the mounter's: the real objects are reached with it */
	u64 next_temp;				/* [a] names in the work directory */
	char *options;				/* [I] as shown in /proc/mounts */
	struct spinlock hash_lock;
	struct hlist_head by_upper[1 << OVL_HASH_BITS];	/* [h] inodes that have an upper file: one for all its links */
};

/* A real directory or file in a lower layer. */
struct ovl_lower {
	u32 layer;
	struct dentry *dentry;			/* a reference */
};

struct ovl_inode {
	struct inode inode;
	struct mutex copy_lock;			/* RANK_OVERLAY_COPY */
	struct dentry *upper;			/* [a] a reference; set once, under copy_lock */
	u32 lower_count;			/* [I] */
	struct ovl_lower *lower;		/* [I] &one, or allocated */
	struct ovl_lower one;
	u64 shown_ino;				/* st_ino; [I] but for copy-up of a file with several links, which breaks them */
	bool gone;				/* [copy_lock] its name was removed before it had an upper */
	struct hlist_node by_upper;		/* [hash_lock] */
};

static inline struct ovl *ovl_of(const struct super *s) { return s->private; }
static inline struct ovl_inode *ovl_inode(const struct inode *i)
{
	return container_of((struct inode *)(u64)i, struct ovl_inode, inode);
}
static inline struct dentry *ovl_upper(const struct ovl_inode *o) { return __atomic_load_n(&o->upper, __ATOMIC_ACQUIRE); }
static inline bool ovl_is_dir(const struct inode *i) { return (i->mode & S_IFMT) == S_IFDIR; }
/** ovl_is_whiteout - whether a real dentry says "there is nothing here". */
static inline bool ovl_is_whiteout(const struct dentry *d)
{
	const struct inode *i = d->inode;

	return i && (i->mode & S_IFMT) == S_IFCHR && i->rdev == 0;
}
/** ovl_real - the path of the object that counts now: upper, else the topmost lower. No references are taken. */
struct path ovl_real(const struct inode *i);
struct path ovl_lower_path(const struct inode *i, u32 n);
struct path ovl_upper_path(const struct inode *i);
u64 ovl_map_ino(u64 real_ino, u32 fsid);

/* inode.c */
struct inode *ovl_alloc_inode(struct super *s);
void ovl_free_inode(struct inode *i);
void ovl_evict(struct inode *i);
void ovl_inode_cache_init(void);
/** ovl_inode_new - an inode for these real objects; consumes the references to @upper and @lower's dentries, and copies @lower. ERR_PTR */
struct inode *ovl_inode_new(struct super *s, struct dentry *upper, const struct ovl_lower *lower, u32 lower_count);
/** ovl_sync_attrs - mirror the real inode's mode, owner and link count. */
void ovl_sync_attrs(struct inode *i);
/** ovl_set_upper - after copy-up: consumes the reference. */
void ovl_set_upper(struct inode *i, struct dentry *upper);

/* attr.c */
int ovl_getattr(struct dentry *d, struct inode *i, struct attrs *out);
int ovl_setattr(struct dentry *d, struct inode *i, const struct setattr *sa);
s64 ovl_getxattr(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size);
int ovl_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags);
s64 ovl_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size);
int ovl_removexattr(struct dentry *d, struct inode *i, const char *name);
/* on real objects, with the caller's credentials as they are, no checks; the inode is locked here */
int real_setattr(struct dentry *d, const struct setattr *sa);
int real_setxattr(struct dentry *d, const char *name, const void *value, size_t size);
s64 real_getxattr(struct dentry *d, const char *name, void *buf, size_t size);
int real_getattr(struct dentry *d, struct attrs *out);

/* lookup.c */
struct dentry *ovl_lookup(struct inode *dir, struct dentry *d, unsigned flags);
/** real_lookup - a real name, possibly negative, with a reference; NULL: not there and not to be made. ERR_PTR */
struct dentry *real_lookup(const struct path *parent, const char *name, size_t len);
/** ovl_lower_has - 1 if a lower layer of @dir shows @name, 0 if not, -errno */
int ovl_lower_has(struct inode *dir, const char *name, size_t len);
bool ovl_is_opaque(struct dentry *upper);

/* copyup.c */
/** ovl_copy_up - make sure that @d has an upper object, and its parents. @size_max: bytes of data that are still wanted. 0, -EROFS… */
MUST_CHECK int ovl_copy_up(struct dentry *d, u64 size_max);
/** ovl_temp - a new object in the work directory with a name of its own: by mode; dentry with a reference. ERR_PTR */
struct dentry *ovl_temp(struct ovl *o, u32 mode, u64 rdev, const char *target);
void ovl_temp_remove(struct ovl *o, struct dentry *temp);
/** ovl_work_rename - move @temp from the work directory to @name in @dir, a real upper directory; @temp is then that name. */
MUST_CHECK int ovl_work_rename(struct ovl *o, struct dentry *temp, const struct path *dir, const char *name, size_t len);

/* dir.c, file.c, readdir.c */
extern const struct inode_ops ovl_dir_ops, ovl_file_ops, ovl_link_ops;
extern const struct file_ops ovl_file_fops, ovl_dir_fops;
/** ovl_clear_whiteouts - 0 if the merged directory is empty: then its upper part is too; -ENOTEMPTY */
MUST_CHECK int ovl_check_empty(struct dentry *d, bool clear);

#endif
