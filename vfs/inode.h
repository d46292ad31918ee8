/*
 * An inode: a file on a file system, apart from its names.
 *
 * A file system embeds struct inode in its own (super_ops.alloc_inode) and fills the fields before inode_publish or
 * d_instantiate.  Inodes are freed after a grace period, so that path walk may look at one without a reference.
 */
#ifndef VFS_INODE_H
#define VFS_INODE_H

#include <linux/stat.h>
#include "base/list.h"
#include "base/types.h"
#include "kern/mutex.h"
#include "kern/rcu.h"
#include "mm/mapping.h"

struct dentry;
struct file;
struct file_ops;
struct inode;
struct super;
struct path;
struct mount;
struct file_lock_set;
struct notify_set;

struct timestamp {
	s64 sec;
	u32 nsec;
};

/* What stat(2) and statx(2) report. */
struct attrs {
	u64 ino, size, blocks;		/* blocks: of 512 bytes */
	u32 mode, nlink, uid, gid, blksize;
	u64 dev, rdev;			/* encoded by dev_make() */
	struct timestamp atime, mtime, ctime, btime;
	u64 attributes, attributes_mask;	/* STATX_ATTR_* */
	u32 mask;			/* STATX_*: which fields hold */
};

/* A change of attributes (chmod, chown, truncate, utimens). */
enum { SET_MODE = 1, SET_UID = 2, SET_GID = 4, SET_SIZE = 8, SET_ATIME = 16, SET_MTIME = 32, SET_CTIME = 64,
       SET_ATIME_NOW = 128, SET_MTIME_NOW = 256, SET_KILL_PRIV = 512,
       SET_FORCE = 1024 /* the right to do it has been checked already */ };
struct setattr {
	u32 valid;			/* SET_* */
	u32 mode, uid, gid;
	u64 size;
	struct timestamp atime, mtime, ctime;	/* filled in by the VFS for *_NOW too */
	struct file *file;		/* ftruncate: the open file, or NULL */
};

/* may_* masks, as access(2) */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8 };

/*
 * Operations of an inode.  NULL gives the errno in brackets.  "dir locked": the VFS holds dir->lock exclusively.
 * Names come as dentries: d->name, d->name_len; negative ones for those that create.
 */
struct inode_ops {
	/* lookup: find @d's name in @dir.  Call d_add(d, inode or NULL) and return NULL, or return another dentry (d_splice) or ERR_PTR. dir->lock held, shared or exclusive [ENOTDIR] */
	struct dentry *(*lookup)(struct inode *dir, struct dentry *d, unsigned flags);
	/* create…: make the object and d_instantiate(d, inode); dir locked [EACCES for create, EPERM for the others] */
	int (*create)(struct inode *dir, struct dentry *d, u32 mode, bool excl);
	int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode);
	int (*mknod)(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *d);	/* old's inode locked too */
	int (*unlink)(struct inode *dir, struct dentry *d);			/* d's inode locked too */
	int (*rmdir)(struct inode *dir, struct dentry *d);			/* as unlink */
	/* rename: both directories locked, and the victim's inode if new is positive. flags: RENAME_NOREPLACE (checked already), RENAME_EXCHANGE, RENAME_WHITEOUT [EPERM]; unknown flags: -EINVAL. The VFS moves the dentries afterwards. */
	int (*rename)(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags);
	int (*tmpfile)(struct inode *dir, struct dentry *d, u32 mode);	/* an unnamed file: d_tmpfile(d, inode) [EOPNOTSUPP] */
	/* get_link: the target, NUL-terminated, valid under RCU or until *done(arg) is called; may sleep unless the inode has i->link. ERR_PTR [EINVAL] */
	const char *(*get_link)(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg);
	/* follow: instead of get_link, for magic links (/proc/PID/fd/N, exe, cwd): a path with references. 0 or -errno */
	int (*follow)(struct dentry *d, struct inode *i, struct path *out);
	/* readlink: of links that have follow: what readlink(2) shows, copied to @buf. Return: length or -errno */
	s64 (*readlink)(struct dentry *d, struct inode *i, uaddr_t buf, size_t size);
	int (*permission)(struct inode *i, int mask);			/* [inode_permission_generic]. Must not sleep. */
	int (*getattr)(struct dentry *d, struct inode *i, struct attrs *out);	/* [inode_fill_attrs]; refresh first if need be */
	int (*setattr)(struct dentry *d, struct inode *i, const struct setattr *sa);	/* inode locked; [inode_setattr_simple] */
	/* extended attributes; full names ("user.x"); inode locked for set. get: size 0 asks for the length [EOPNOTSUPP] */
	s64 (*getxattr)(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size);
	int (*setxattr)(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags);
	s64 (*listxattr)(struct dentry *d, struct inode *i, char *buf, size_t size);
	int (*removexattr)(struct dentry *d, struct inode *i, const char *name);
};

/* inode->state */
enum { INODE_NEW = 1, INODE_DYING = 2, INODE_DEAD_DIR = 4, INODE_NOCACHE = 8,
       INODE_LINKABLE = 16 /* an unnamed file that may get a name (O_TMPFILE without O_EXCL) */ };
/* inode->iflags */
enum { IFLAG_IMMUTABLE = 1, IFLAG_APPEND = 2, IFLAG_NOATIME = 4, IFLAG_SWAPFILE = 8, IFLAG_PRIVATE = 16 };

/* Locks: i inode->lock (write) · a atomic · t inode table · I immutable once published */
struct inode {
	u32 mode;			/* [i] type and permission bits; readers: none needed */
	u32 uid, gid;			/* [i] */
	u32 nlink;			/* [i] */
	const struct inode_ops *ops;	/* [I] */
	struct super *super;		/* [I] */
	struct mapping *data;		/* [I] where its bytes are: &mapping, or another's (block devices) */
	u64 ino;			/* [I] */
	const struct file_ops *fops;	/* [I] */
	char *link;			/* [I] a symlink's target, if it is at hand: walked without calling the file system */
	u64 rdev;			/* [I] */
	struct timestamp atime, mtime, ctime, btime;	/* [i], atime [a] */
	u64 blocks;			/* [i] of 512 bytes */
	u32 refs;			/* [a] */
	u32 state;			/* [a] INODE_* */
	u32 iflags;			/* [i] IFLAG_* */
	u32 generation;
	u64 version;			/* [a] */
	struct rwsem lock;
	struct mapping mapping;		/* size in bytes is mapping.size */
	struct hlist_node hash;		/* [t] */
	struct list_head super_node;	/* [t] */
	struct list_head aliases;	/* [dcache] dentries naming it */
	struct file_lock_set *locks;	/* [a] vfs/locks.c */
	struct notify_set *notify;	/* [a] vfs/notify.c */
	void *pipe;			/* FIFO: its pipe, while open */
	void *socket;			/* AF_UNIX: the socket bound to it */
	u32 write_count;		/* [a] open for writing; top bit: denied (being executed) */
	void *private;			/* the file system's, if it does not embed */
	struct rcu_head rcu;
};

static inline u64 inode_size(const struct inode *i) { return __atomic_load_n(&i->data->size, __ATOMIC_RELAXED); }
static inline void inode_set_size(struct inode *i, u64 size) { __atomic_store_n(&i->data->size, size, __ATOMIC_RELAXED); }

/** inode_alloc - a new inode of @super, one reference, not in the table; ino 0, mode 0, times now. NULL: no memory */
struct inode *inode_alloc(struct super *super);
/** inode_find_or_alloc - the inode numbered @ino of @super: a cached one, or a new one with INODE_NEW set which the caller fills and then inode_publish()es (or inode_fail()s). ERR_PTR(-ENOMEM) */
struct inode *inode_find_or_alloc(struct super *super, u64 ino);
void inode_publish(struct inode *i);
void inode_fail(struct inode *i);
static inline void inode_get(struct inode *i) { __atomic_fetch_add(&i->refs, 1, __ATOMIC_RELAXED); }
void inode_put(struct inode *i);		/* NULL allowed. The last put: kept if cached and linked, else evicted */
/** inode_next_ino - numbers for file systems that have none of their own. */
u64 inode_next_ino(void);

/** inode_init_special - set fops for FIFOs, sockets and devices; @rdev for the latter. */
void inode_init_special(struct inode *i, u32 mode, u64 rdev);
/** inode_init_owner - uid, gid and mode of a new inode in @dir (set-gid directories pass their group on). */
void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode);
int inode_permission_generic(struct inode *i, int mask);
MUST_CHECK int inode_permission(struct inode *i, int mask);	/* of the inode alone, not its mount */
void inode_fill_attrs(const struct inode *i, struct attrs *out);
/** inode_setattr_check - may the current thread make this change? 0, -EPERM, -EACCES… */
MUST_CHECK int inode_setattr_check(struct inode *i, struct setattr *sa);
/** inode_setattr_apply - copy mode, owner and times into the inode (size is the file system's to do). */
void inode_setattr_apply(struct inode *i, const struct setattr *sa);
int inode_setattr_simple(struct dentry *d, struct inode *i, const struct setattr *sa);	/* memory file systems: size too */
struct timestamp time_now(void);		/* wall clock, coarse enough to be cheap */
void inode_touch(struct inode *i, u32 which);	/* SET_ATIME | SET_MTIME | SET_CTIME := now */
void inode_inc_nlink(struct inode *i);
void inode_drop_nlink(struct inode *i);
/** inode_lock / unlock - exclusive; _shared for readdir and lookup. */
static inline void inode_lock(struct inode *i) { rwsem_write_lock(&i->lock); }
static inline void inode_unlock(struct inode *i) { rwsem_write_unlock(&i->lock); }
static inline void inode_lock_shared(struct inode *i) { rwsem_read_lock(&i->lock); }
static inline void inode_unlock_shared(struct inode *i) { rwsem_read_unlock(&i->lock); }

/* device numbers: as the kernel's user ABI encodes them in struct stat (new_encode_dev for 64 bits) */
static inline u64 dev_make(u32 major, u32 minor) { return (minor & 0xff) | (u64)(major & 0xfff) << 8 | (u64)(minor & ~0xffu) << 12; }
static inline u32 dev_major(u64 d) { return (d >> 8) & 0xfff; }
static inline u32 dev_minor(u64 d) { return (d & 0xff) | ((d >> 12) & ~0xffu); }

#endif
