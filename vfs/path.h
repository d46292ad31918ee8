/*
 * Paths: a dentry seen through a mount; the walk from a name to one; the mount tree.
 */
#ifndef VFS_PATH_H
#define VFS_PATH_H

#include "base/list.h"
#include "base/types.h"
#include "kern/lock.h"
#include "kern/rcu.h"
#include "mm/user.h"

struct dentry;
struct inode;
struct mount;
struct pipe;
struct super;
struct attrs;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

void path_get(const struct path *p);
void path_put(const struct path *p);
static inline bool path_equal(const struct path *a, const struct path *b) { return a->mount == b->mount && a->dentry == b->dentry; }

/* Root and working directory of a process. */
struct fs_context {
	u32 refs;			/* [a] */
	u32 umask;			/* [a] */
	struct spinlock lock;
	u32 seq;			/* [lock] odd while root or cwd change: readers under RCU */
	struct path root, cwd;		/* [lock] */
	struct list_head node;		/* [list of all: pivot_root moves those that stood on the old root] */
};
struct fs_context *fs_context_create(const struct path *root);
struct fs_context *fs_context_fork(struct fs_context *old);	/* NULL: no memory */
void fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
void fs_context_root(struct path *out);		/* current thread's, with references */
void fs_context_cwd(struct path *out);
/** fs_contexts_replace - whoever has @from as root or cwd gets @to (pivot_root). */
void fs_contexts_replace(const struct path *from, const struct path *to);
void fs_context_set_root(const struct path *p);
void fs_context_set_cwd(const struct path *p);

/* Flags of a walk. */
enum {
	WALK_FOLLOW = 1,	/* a last component that is a symlink is followed */
	WALK_DIRECTORY = 2,	/* the result must be a directory (ENOTDIR) */
	WALK_PARENT = 4,	/* stop before the last component */
	WALK_EMPTY = 8,		/* an empty name means @dirfd itself */
	WALK_NO_SYMLINKS = 16, WALK_NO_MAGIC = 32, WALK_BENEATH = 64, WALK_IN_ROOT = 128, WALK_NO_XDEV = 256, WALK_CACHED = 512,	/* openat2 */
	WALK_NO_AUTOMOUNT = 1024,
};

/** path_lookup - walk a kernel string from @dirfd (AT_FDCWD or a descriptor). Return: 0 with references in *out, or -errno */
MUST_CHECK int path_lookup(int dirfd, const char *name, u32 flags, struct path *out);
/** path_lookup_at - the same from a given directory (NULL: cwd or root as the name says). */
MUST_CHECK int path_lookup_at(const struct path *base, const char *name, u32 flags, struct path *out);

/* A walk that stopped before the last component. */
struct walk_parent {
	struct path parent;
	const char *last;	/* within the caller's string */
	u32 len;
	enum { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT } type;
	bool trailing_slash;
};
MUST_CHECK int path_lookup_parent(int dirfd, const char *name, u32 flags, struct walk_parent *out);

/** path_open - open(2) and openat2(2). ERR_PTR */
struct file *path_open(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags);

/* The operations of path-based system calls: names are kernel strings. vfs/namei.c */
int vfs_mkdirat(int dirfd, const char *name, u32 mode);
int vfs_mknodat(int dirfd, const char *name, u32 mode, u64 rdev);
int vfs_symlinkat(const char *target, int dirfd, const char *name);
int vfs_linkat(int olddir, const char *old, int newdir, const char *new, u32 at_flags);
int vfs_unlinkat(int dirfd, const char *name, u32 at_flags);
int vfs_renameat(int olddir, const char *old, int newdir, const char *new, u32 rename_flags);
/** vfs_getattr - stat of a path, through inode_ops.getattr. */
int vfs_getattr(const struct path *p, struct attrs *out);
/** vfs_statat - path_lookup and vfs_getattr in one, without references where all is cached: stat(2), lstat(2), statx(2) by name. */
MUST_CHECK int vfs_statat(int dirfd, const char *name, u32 walk_flags, struct attrs *out);
struct setattr;
int vfs_setattr(const struct path *p, struct setattr *sa);	/* checks, locks, notifies; EROFS */
int vfs_truncate(const struct path *p, u64 size);
s64 vfs_readlink(const struct path *p, uaddr_t buf, size_t size);
int path_permission(const struct path *p, int mask);	/* mount read-only too */

/* The same at the level of locked parents, for file systems that stack on others (overlay): parent inode locked by the caller. */
struct dentry *vfs_lookup_one(const struct path *parent, const char *name, size_t len);	/* ERR_PTR; locks the parent itself; negative dentries are returned */
int vfs_create_in(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);	/* by type: file, device, FIFO, socket */
int vfs_mkdir_in(struct inode *dir, struct dentry *d, u32 mode);
int vfs_symlink_in(struct inode *dir, struct dentry *d, const char *target);
int vfs_link_in(struct dentry *old, struct inode *dir, struct dentry *d);
int vfs_unlink_in(struct inode *dir, struct dentry *d);
int vfs_rmdir_in(struct inode *dir, struct dentry *d);
int vfs_rename_in(struct inode *olddir, struct dentry *old, struct inode *newdir, struct dentry *new, unsigned flags);

/* ---- names of paths ---- */

/** path_name - the absolute name within the current root; "(unreachable)…" outside, " (deleted)" after. @buf of @size; Return: pointer into it, or ERR_PTR(-ENAMETOOLONG) */
char *path_name(const struct path *p, char *buf, size_t size);
/** path_name_root - the same against @root; Return NULL if not below it. */
char *path_name_root(const struct path *p, const struct path *root, char *buf, size_t size);

/* ---- mounts ---- */

enum { MNT_RDONLY = 1, MNT_NOSUID = 2, MNT_NODEV = 4, MNT_NOEXEC = 8, MNT_NOATIME = 16, MNT_RELATIME = 32, MNT_NODIRATIME = 64, MNT_STRICTATIME = 128 };

struct mount_ns {
	u32 refs;
	struct mount *root;
	struct list_head mounts;	/* [mount lock] */
	u32 count;			/* [mount lock] of mounts */
	u64 seq;			/* changes: poll on /proc/mounts */
	u64 id;
};

/* Locks: M mount lock (RANK_MOUNT) and the table's spin lock for writing; readers RCU · a atomic */
struct mount {
	struct hlist_node hash;		/* [M] by (parent mount, mountpoint) */
	struct mount *parent;		/* [M] itself for the root */
	struct dentry *mountpoint;	/* [M] in the parent */
	struct dentry *root;		/* [I] */
	struct super *super;		/* [I] */
	u32 flags;			/* [a] MNT_* */
	u32 refs;			/* [a] */
	u32 writers;			/* [a] regular files open for writing */
	u32 id;
	u32 group_id;			/* [M] of the peer group; 0: not shared. mount_peers.h */
	bool detached;
	bool unbindable, expiring;
	bool hidden;			/* [I] of the kernel's own, mounted nowhere: names are shown without "(unreachable)" */
	struct list_head ns_node, children, sibling;	/* [M] */
	struct mount_ns *ns;
	struct path parent_gone;	/* [M] while it is being taken apart: what it hung on */
	struct mount *copied_from;	/* [M] while its tree is being copied */
	struct list_head peers;		/* [M] ring of the peer group */
	struct mount *master;		/* [M] one of the group that it hears from, or NULL */
	struct list_head slaves, slave_node;	/* [M] */
	struct mount *next_receiver, *copy;	/* [M] while a change travels: mount_receivers() */
	struct path hang_on;		/* [M] of a copy that is not attached yet: where it will be */
	struct mount *next_victim;	/* [M] while it is taken off with others */
	bool receives, going;		/* [M] is in such a chain */
	char *source;
	struct rcu_head rcu;
};

struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
/** mount_lookup_rcu - what is mounted on this dentry of this mount, or NULL. Under RCU; no reference. */
struct mount *mount_lookup_rcu(struct mount *parent, struct dentry *d);
/** vfs_kern_mount - an instance of a file system, mounted nowhere. ERR_PTR */
struct mount *vfs_kern_mount(const char *type, const char *source, const char *options, u32 flags);
/** mount_hidden - a mount of the kernel's own, in no tree; consumes the super's reference. NULL: no memory */
struct mount *mount_hidden(struct super *s, const char *source);
int vfs_mount(const char *source, const char *target, const char *type, u64 ms_flags, const char *options);
int vfs_umount(const char *target, int flags);
int vfs_pivot_root(const char *new_root, const char *put_old);
/** mount_init_root - the first mount of the first name space; the current thread's root and cwd. */
int mount_init_root(const char *type);
struct mount_ns *mount_ns_current(void);
/** mount_register_ns - task/ says which name space the current thread is in; until then, and for NULL, the first one. */
void mount_register_ns(struct mount_ns *(*current_ns)(void));
struct mount_ns *mount_ns_get(struct mount_ns *ns);
/** mount_ns_enter - setns(2), unshare(2): the current thread's root and cwd become the root of @ns. */
void mount_ns_enter(struct mount_ns *ns);
struct waitq *mount_ns_waitq(void);	/* woken when any name space's seq changes */
struct mount_ns *mount_ns_copy(struct mount_ns *old, struct fs_context *fix);
void mount_ns_put(struct mount_ns *ns);
/** mounts_show - the text of /proc/mounts (0), /proc/PID/mountinfo (1) or mountstats for a root. Return: length; kmalloc'd in *out */
int mounts_show(int kind, const struct path *root, struct mount_ns *ns, char **out, size_t *len);

void vfs_init(void);

#endif
