/*
 * The operations behind system calls that take an open file or a path and are neither names (path.h) nor bytes (file.h).
 */
#ifndef VFS_OPS_H
#define VFS_OPS_H

#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/path.h"
#include "vfs/super.h"

/** vfs_access - faccessat2: @mask of MAY_*, 0 for F_OK; with AT_EACCESS the caller overrides nothing. Real ids: the caller overrides credentials. */
MUST_CHECK int vfs_access(const struct path *p, int mask);
MUST_CHECK int vfs_chmod(const struct path *p, u32 mode);
/** vfs_chown - ~0u: leave as it is. */
MUST_CHECK int vfs_chown(const struct path *p, u32 uid, u32 gid);
/** vfs_utimens - @times NULL: both now; tv nsec may be UTIME_NOW or UTIME_OMIT (0x3fffffff, 0x3ffffffe). */
MUST_CHECK int vfs_utimens(const struct path *p, const struct timestamp times[2]);
MUST_CHECK int vfs_statfs(const struct path *p, struct statfs *out);
/** vfs_statfs_dev - ustat(2). */
MUST_CHECK int vfs_fallocate(struct file *f, int mode, s64 off, s64 len);
MUST_CHECK int vfs_ftruncate(struct file *f, s64 size);
MUST_CHECK int vfs_truncate_path(const struct path *p, s64 size);
s64 vfs_copy_file_range(struct file *in, u64 *off_in, struct file *out, u64 *off_out, size_t len, u32 flags);
MUST_CHECK int vfs_fadvise(struct file *f, s64 off, s64 len, int advice);
MUST_CHECK int vfs_readahead(struct file *f, s64 off, size_t count);
/** vfs_sync_range - sync_file_range(2). */
MUST_CHECK int vfs_sync_range(struct file *f, s64 off, s64 len, u32 flags);
/** vfs_syncfs - syncfs(2). */
MUST_CHECK int vfs_syncfs(struct file *f);
/** attrs_note_mount - whether @p is the root of its mount: STATX_ATTR_MOUNT_ROOT. */
void attrs_note_mount(const struct path *p, struct attrs *a);
/** vfs_getattr_file - fstat. */
MUST_CHECK int vfs_getattr_file(struct file *f, struct attrs *out);
/** vfs_readdir - getdents and its kin: @c->pos is taken from and put into f->pos. Return: 0 or -errno (entries may have been emitted: the caller's buffer says) */
MUST_CHECK int vfs_readdir(struct file *f, struct dir_context *c);
/** file_set_flags - F_SETFL: O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME, O_ASYNC. */
MUST_CHECK int file_set_flags(struct file *f, u32 o_flags);
/** vfs_chroot_ok / vfs_chdir - the checks and the change: search permission, a directory. */
MUST_CHECK int vfs_chdir(const struct path *p);
MUST_CHECK int vfs_chroot(const struct path *p);
/** file_read_user_pos / file_write_pos - read(2), write(2): at f->pos, locked when the file is shared. */
s64 file_read_at_pos(struct file *f, struct iter *to);
s64 file_write_at_pos(struct file *f, struct iter *from);
s64 file_lseek(struct file *f, s64 off, int whence);
/** file_writer_end - an open file counts no longer among the writers of its inode and its mount. */
void file_writer_end(struct file *f, struct inode *i, struct mount *m);
/** file_deny_write / file_allow_write - a program being executed cannot be written. -ETXTBSY */
MUST_CHECK int inode_deny_write(struct inode *i);
void inode_allow_write(struct inode *i);
bool inode_has_writers(const struct inode *i);
MUST_CHECK int inode_get_write(struct inode *i);
void inode_put_write(struct inode *i);

#endif
