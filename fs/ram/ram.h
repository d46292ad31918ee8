/*
 * Files in memory: what tmpfs, rootfs, devtmpfs and memory files are made of.
 *
 * Names are dentries that the file system pins (d_pin): the dentry cache is the directory.  Bytes are pages of a shmem mapping.
 */
#ifndef FS_RAM_RAM_H
#define FS_RAM_RAM_H

#include "base/xarray.h"
#include "vfs/dentry.h"
#include "vfs/inode.h"
#include "vfs/super.h"

struct file;
struct dir_context;

/* Locks: a atomic · I immutable but by remount */
struct ram_super {
	u64 pages_max;			/* [I] 0: no limit */
	u64 inodes_max;			/* [I] 0: no limit */
	u64 pages_used, inodes_used;	/* [a] */
	u64 last_ino;			/* [a] */
	u32 mode, uid, gid;		/* of the root */
	bool size_given, inodes_given, owner_given;
	bool user_xattrs;
};

struct ram_xattr {
	struct list_head node;
	size_t size;
	char *name;			/* follows the value in the same allocation */
	u8 value[];
};

/* Locks: i inode lock · I immutable */
struct ram_inode {
	struct inode inode;
	struct xarray entries;		/* [i] a directory's dentries by position; positions are never used again */
	u64 next_pos;			/* [i] */
	struct list_head xattrs;	/* [i] */
	u32 seals;			/* [i] F_SEAL_* */
	bool sealable;			/* [I] a memory file, or any file of tmpfs: F_GET_SEALS answers */
};

static inline struct ram_inode *ram_i(struct inode *i) { return container_of(i, struct ram_inode, inode); }
static inline struct ram_super *ram_s(struct super *s) { return s->private; }

extern const struct inode_ops ram_dir_ops, ram_file_inode_ops, ram_link_ops, ram_special_ops;
extern const struct file_ops ram_dir_fops, ram_file_fops;
extern const struct mapping_ops ram_mapping_ops;
extern const struct super_ops ram_super_ops;

/* inode.c */
struct inode *ram_inode_new(struct super *s, struct inode *dir, u32 mode, u64 rdev);	/* ERR_PTR */
int ram_setattr(struct dentry *d, struct inode *i, const struct setattr *sa);
/* xattr.c */
s64 ram_getxattr(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size);
int ram_setxattr(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags);
s64 ram_listxattr(struct dentry *d, struct inode *i, char *buf, size_t size);
int ram_removexattr(struct dentry *d, struct inode *i, const char *name);
void ram_xattrs_free(struct ram_inode *r);
/* dir.c */
void ram_dir_init(struct ram_inode *r);
void ram_dir_fini(struct ram_inode *r);
/* super.c */
struct super *ram_super_new(const struct fs_type *t, u64 magic, const struct ram_super *config);
int ram_remount(struct super *s, u32 flags, const char *options);
void ram_show_options(struct super *s, char *buf, size_t size);
void ram_register(void);	/* tmpfs, ramfs, rootfs */
/* devtmpfs.c */
void devtmpfs_register(void);
/* memfd.c */
void ram_memfd_init(void);
/** initramfs_unpack - cpio archives, plain or gzip, one after the other, into the root. Return: 0 or -errno; an error names the offset */
int initramfs_unpack(const void *image, size_t len);

#endif
