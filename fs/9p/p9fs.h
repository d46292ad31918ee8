/*
 * The 9P file system between its files: a mount, an inode, who keeps what for how long.
 *
 *	super.c   mounting, options, the life of inodes
 *	attr.c    attributes: fetched, kept, changed
 *	fids.c    the fids of an inode
 *	name.c    names: lookup, create, remove, rename, links
 *	dir.c     directories as open files
 *	file.c    files as open files
 *	pages.c   the page cache
 *	xattr.c   extended attributes
 *
 * Two ways of caching, chosen by the option cache=:
 *
 *	loose      what has been seen stays true: attributes, names that exist and names that do not, directory listings, data.
 *	           For a tree that nobody else changes, as the read-only root of a guest.  Data written go back late, as on a
 *	           disk.  The default.
 *	none       (also: mmap, readahead, fscache) attributes and names are believed for a second; data from one open to
 *	           the next (close-to-open): an open file whose time or size has changed at the server loses its cached pages.
 *	           write(2) returns when the server has the data; what was written through a mapping goes back at
 *	           msync, fsync and close.
 *
 * Inodes are numbered by qid.path; QEMU makes that unique over several host file systems (multidevs=remap).
 *
 * Locks: inode->lock of the VFS; below it node->lock (RANK_9P, sleeping): the making of fids and attributes that arrive.
 * node->lock may be taken with a page locked.
 */
#ifndef FS_9P_P9FS_H
#define FS_9P_P9FS_H

#include "base/atomic.h"
#include "fs/9p/calls.h"
#include "kern/mutex.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

/* What mount(8) said. */
struct p9_options {
	u32 msize;
	bool loose;
	u32 uid;		/* dfltuid: accepted and told to the server */
	char trans[16];
	char uname[64];
	char aname[256];
	char cache[16];		/* as given, for /proc/mounts */
};

/* super->private. Locks: I immutable */
struct p9_mount {
	struct p9_client *client;	/* [I] */
	struct p9_options options;	/* [I] */
	bool no_renameat;		/* [a] the server does not know these messages */
	bool no_unlinkat;
	bool no_xattrs;			/* [a] it has no extended attributes at all */
};

/* The entries of a directory, as the server sent them. */
struct p9_listing {
	u32 refs;		/* [a] */
	u32 len, size;
	u8 *data;		/* kvmalloc'd; each entry has been checked */
};

/* Locks: n node->lock · a atomic · i inode->lock */
struct p9_node {
	struct inode inode;
	struct mutex lock;		/* RANK_9P */
	u32 fid;			/* [n, readers a] walked; for a read-only mount it may be open for reading: see fids.c */
	u32 read_fid;			/* [n, readers a] open for reading; may be the same number as fid */
	u32 write_fid;			/* [n, readers a] open for writing */
	bool write_fid_reads;		/* [n] and for reading */
	bool own_change;		/* [a] the next change of mtime is our own doing */
	bool bare;			/* [a] loose: known to have no extended attributes */
	u32 opens;			/* [n] open files */
	u64 attr_ns;			/* [a] plat_mono_ns when attributes came; 0: ask again */
	struct p9_listing *listing;	/* [n] loose: of a directory, or NULL */
};

static inline struct p9_node *p9_node(const struct inode *i)
{
	return container_of((struct inode *)(uintptr_t)i, struct p9_node, inode);
}

static inline struct p9_mount *p9_mount_of(const struct inode *i) { return i->super->private; }
static inline struct p9_client *p9_client_of(const struct inode *i) { return p9_mount_of(i)->client; }
static inline bool p9_loose(const struct inode *i) { return p9_mount_of(i)->options.loose; }
static inline struct p9_name p9_name_of(const struct dentry *d)
{
	return (struct p9_name){ .s = d->name, .len = d->name_len };
}

enum { P9_ATTR_LIFE_NS = 1000000000 };	/* cache=none: how long attributes and names are believed */

/* options.c: pure but for kernel strings */

/** p9_options_parse - @text: "key=value,…", changed. Return: 0, or -EINVAL with *bad at what is wrong */
MUST_CHECK int p9_options_parse(char *text, struct p9_options *out, const char **bad);

/* super.c */

/** p9_inode_get - the inode that @fid (walked; consumed in any case) and @qid name. ERR_PTR */
struct inode *p9_inode_get(struct super *s, const struct p9_qid *qid, u32 fid);

/* attr.c */

void p9_attr_apply(struct inode *i, const struct p9_attr *a);
/** p9_refresh - fetch attributes unless those at hand are still believed; @force: in any case. */
MUST_CHECK int p9_refresh(struct inode *i, bool force);
static inline void p9_attr_expire(struct inode *i) { atomic_store(&p9_node(i)->attr_ns, (u64)0); }
int p9_getattr_op(struct dentry *d, struct inode *i, struct attrs *out);
int p9_setattr_op(struct dentry *d, struct inode *i, const struct setattr *sa);

/* fids.c */

/** p9_any_fid - a fid that names @i, for messages about it. P9_NOFID: there is none */
u32 p9_any_fid(struct inode *i);
/** p9_read_fid / p9_write_fid - open for reading or writing, opened now if need be. */
MUST_CHECK int p9_read_fid(struct inode *i, u32 *fid);
MUST_CHECK int p9_write_fid(struct inode *i, u32 *fid);
/** p9_fids_close - forget those that are open (not the walked one). p9_fids_drop - all. */
void p9_fids_close(struct inode *i);
void p9_fids_drop(struct inode *i);

/* the operations */
extern const struct inode_ops p9_dir_iops, p9_file_iops, p9_link_iops, p9_special_iops;
extern const struct file_ops p9_dir_fops, p9_file_fops;
extern const struct mapping_ops p9_mapping_ops;
extern const struct dentry_ops p9_dentry_ops;

/* dir.c */
void p9_listing_put(struct p9_listing *l);
/** p9_dir_changed - a name came or went: cached listing and attributes are void. */
void p9_dir_changed(struct inode *dir);

/* xattr.c */
s64 p9_getxattr_op(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size);
int p9_setxattr_op(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags);
s64 p9_listxattr_op(struct dentry *d, struct inode *i, char *buf, size_t size);
int p9_removexattr_op(struct dentry *d, struct inode *i, const char *name);

#endif
