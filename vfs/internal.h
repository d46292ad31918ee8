/*
 * What the files of vfs/ share and nobody else needs.
 */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H

#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/path.h"
#include "vfs/pipe.h"
#include "vfs/super.h"

/* inode.c */
void inodes_init(void);
bool inode_get_not_dying(struct inode *i);	/* under RCU: false if it is being evicted */
bool inode_owner_or_capable(const struct inode *i);
u32 inode_privileges(const struct inode *i);	/* the set-id bits that a change by the current thread takes away */
void super_for_each_inode(struct super *s, void (*fn)(struct inode *i));

static inline u32 inode_type(const struct inode *i) { return i->mode & S_IFMT; }
static inline bool inode_is_dir(const struct inode *i) { return inode_type(i) == S_IFDIR; }
static inline bool inode_is_reg(const struct inode *i) { return inode_type(i) == S_IFREG; }
static inline bool inode_is_link(const struct inode *i) { return inode_type(i) == S_IFLNK; }

/* The ranks at which a directory's lock is taken: those of stacked file systems come before the others. */
static inline u32 inode_rank_parent(const struct inode *i)
{
	return i->lock.rank == RANK_OVERLAY_CHILD ? RANK_OVERLAY_PARENT : RANK_INODE_PARENT;
}
static inline u32 inode_rank_parent2(const struct inode *i) { return inode_rank_parent(i) + 1; }
static inline u32 inode_rank_child2(const struct inode *i) { return i->lock.rank + 1; }

static inline void inode_lock_parent(struct inode *i) { rwsem_write_lock_nested(&i->lock, inode_rank_parent(i)); }
static inline void inode_unlock_parent(struct inode *i) { rwsem_write_unlock_nested(&i->lock, inode_rank_parent(i)); }

/* file.c */
/** file_setup - f->path is set: the rest of a new file. file_discard - throw away a file that was never set up. */
void file_setup(struct file *f, struct inode *i, const struct file_ops *ops, u32 o_flags);
void file_discard(struct file *f);
u64 file_limit_fsize(void);
void file_limit_exceeded(void);
u64 file_limit_nofile(void);
/** file_flush_deferred - wait until files whose release was put off are gone. */
void file_flush_deferred(void);
void file_forget_posix(struct file *f, struct files *owner);

/* files of special inodes */
extern const struct file_ops device_fops;	/* device.c: by number */
extern const struct file_ops no_open_fops;	/* sockets */

/* walk.c */
struct open_request {
	u32 o_flags, mode, walk_flags;
};
/** path_lookup_last - look up or revalidate the last component in the locked parent. A dentry with a reference, maybe negative; ERR_PTR */
struct dentry *lookup_locked(struct dentry *parent, const char *name, u32 len, unsigned flags);
/** walk_mounts_down - cross what is mounted on *p. References move. */
void path_cross_mounts(struct path *p);
/* open.c */
/** file_open_as_path - an O_PATH file. Takes its own references. ERR_PTR */
struct file *file_open_as_path(const struct path *p, u32 o_flags);
int open_check(const struct path *p, u32 acc_mode, u32 o_flags);
struct file *open_dentry(struct file *f, const struct path *path, u32 o_flags);
int dir_may_create(const struct path *parent, struct inode *dir, struct dentry *d);
int dir_may_delete(struct inode *dir, struct dentry *d, bool isdir);

/* mount.c */
void mounts_init(void);
extern u32 mount_seq;		/* odd while the tree changes */
bool mount_is_readonly(const struct mount *m);
/** mount_want_write - -EROFS for a read-only mount or super. */
int mount_want_write(const struct mount *m);
/** mount_tree_closed - nobody can attach @top any more: it goes if it hangs nowhere. */
void mount_tree_closed(struct mount *top);
/** mount_writer_begin, mount_writer_end - a regular file is open for writing: no remount read-only meanwhile. Return: 0, -EROFS */
MUST_CHECK int mount_writer_begin(struct mount *m);
void mount_writer_end(struct mount *m);
bool dentry_is_mountpoint(struct dentry *d);
void mounts_detach_dentry(struct dentry *d);

/* super.c */
void supers_init(void);
/* anon.c */
void anon_init(void);
/** super_is_anon - whether its files have names in no tree. */
bool super_is_anon(const struct super *s);
/** anon_inode_new - an inode of its own on the nameless file system (pipes, memory files). */
struct inode *anon_inode_new(u32 mode);
/** anon_path - a nameless dentry for @inode shown as @name; consumes the inode reference. */
int anon_path(struct inode *inode, const char *name, struct path *out);

void pipes_init(void);
void file_core_init(void);
void devices_init(void);

#endif
