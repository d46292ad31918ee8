/*
 * An open file, and the descriptor table.
 */
#ifndef VFS_FILE_H
#define VFS_FILE_H

#include <linux/fcntl.h>
#include "base/atomic.h"
#include "base/types.h"
#include "kern/lock.h"
#include "kern/mutex.h"
#include "kern/wait.h"
#include "mm/iter.h"
#include "mm/mapping.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "vfs/path.h"

struct async_io;
struct cred;
struct file;
struct inode;
struct poll_table;

/* readdir's consumer: returns false to stop (buffer full). @off: the position after this entry is the next entry's off */
struct dir_context {
	bool (*emit)(struct dir_context *c, const char *name, size_t len, u64 off_next, u64 ino, u8 dtype);
	u64 pos;
};
static inline bool dir_emit(struct dir_context *c, const char *name, size_t len, u64 off_next, u64 ino, u8 dtype)
{
	return c->emit(c, name, len, off_next, ino, dtype);
}
bool dir_emit_dots(struct file *f, struct dir_context *c);	/* "." at pos 0 and ".." at 1; sets pos to 2. false: full */

/*
 * Operations of an open file.  NULL gives the errno in brackets.  Positions: *pos is f->pos under f->pos_lock, or pread's own.
 */
struct file_ops {
	int (*open)(struct inode *i, struct file *f);	/* f->flags, f->inode set; may replace f->ops */
	void (*release)(struct file *f);		/* last reference */
	int (*flush)(struct file *f);			/* each close(2) */
	s64 (*read)(struct file *f, struct iter *to, u64 *pos);		/* [EINVAL] */
	s64 (*write)(struct file *f, struct iter *from, u64 *pos);	/* [EINVAL]; takes the inode lock itself if it needs it */
	s64 (*seek)(struct file *f, s64 off, int whence);	/* [generic over inode size for regular files; ESPIPE if FMODE_STREAM] */
	int (*readdir)(struct file *f, struct dir_context *c);	/* from c->pos, dir locked shared; updates c->pos [ENOTDIR] */
	u32 (*poll)(struct file *f, struct poll_table *pt);	/* EPOLL* bits; poll_wait() first [always readable and writable] */
	s64 (*ioctl)(struct file *f, u32 cmd, u64 arg);		/* [ENOTTY] */
	int (*mmap)(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff);	/* fill @out: file_mmap_pages() for page-cache files [ENODEV] */
	int (*fsync)(struct file *f, u64 start, u64 end, bool datasync);	/* [EINVAL] */
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len);	/* [EOPNOTSUPP]; inode locked */
	s64 (*splice_read)(struct file *f, u64 *pos, struct pipe *p, size_t len, unsigned flags);	/* [by way of read] */
	void (*show_fdinfo)(struct file *f, char *buf, size_t size);
	int (*lock)(struct file *f, int cmd, void *fl);
	/*
	 * start: optional; a transfer of a file opened with O_DIRECT that ends later: -EIOCBQUEUED, and io->done is called once.  Any other
	 * result is that of the transfer, which is over then; -EOPNOTSUPP: this one has to be done by read or write.  What @it names
	 * stays valid until the end, @it itself does not.
	 */
	s64 (*start)(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io);
	void (*iopoll)(struct file *f);		/* optional; look for ends of transfers that were started with it->hipri */
	u32 flags;					/* FOP_* */
};
/* A transfer under way. */
struct async_io {
	void (*done)(struct async_io *io, s64 result);	/* any context; result: bytes or -errno */
};
enum { EIOCBQUEUED = 529 };
enum { FOP_STREAM = 1 /* no position: pipes, sockets, ttys */, FOP_NOWAIT = 2 /* heeds it->nowait */, FOP_RWF_NOWAIT = 8 /* and users may ask for it */, FOP_NO_RIGHTS = 4 /* may not be sent through a socket */ };

/* file->mode */
enum { FMODE_READ = 1, FMODE_WRITE = 2, FMODE_STREAM = 4, FMODE_PATH = 8, FMODE_EXEC = 16, FMODE_PREAD = 32, FMODE_PWRITE = 64, FMODE_WRITER = 128, FMODE_NONOTIFY = 256, FMODE_TREE = 512 /* on a tree of mounts that goes with it unless attached */ };

/* Locks: p pos_lock · a atomic · l file->lock · I immutable */
struct file {
	u32 refs;			/* [a] */
	u32 mode;			/* [I] FMODE_* */
	u32 flags;			/* [l] O_* as fcntl(F_GETFL) shows */
	const struct file_ops *ops;	/* [I] */
	struct inode *inode;		/* [I] path.dentry's, for speed */
	struct mapping *mapping;	/* [I] where its bytes are cached */
	struct path path;		/* [I] */
	u64 pos;			/* [p] */
	struct mutex pos_lock;
	struct readahead ra;		/* [p] */
	void *private;			/* the file system's or driver's */
	const struct cred *cred;	/* [I] of the opener */
	u32 error_seen;			/* [l] write-back errors reported so far */
	struct spinlock lock;
	struct list_head epolls;	/* [epoll] epoll items that watch it */
	s32 owner_pid; u32 owner_type, owner_sig;	/* [l] F_SETOWN, F_SETSIG */
	struct rcu_head rcu;
};

/** file_alloc - an open file of no path yet; file_anon - one on an anonymous inode ("anon_inode:[eventfd]"). ERR_PTR */
struct file *file_alloc(void);
struct file *file_anon(const char *name, const struct file_ops *ops, void *private, u32 o_flags);
/** file_open_path - open the file at @path. @o_flags as open(2) without O_CREAT. Takes its own references. ERR_PTR */
struct file *file_open_path(const struct path *path, u32 o_flags, const struct cred *cred);
/** file_open - open by name from the root of the current thread's namespace (kernel's own use: exec, firmware). */
struct file *file_open(const char *name, u32 o_flags, u32 mode);
static inline struct file *file_get(struct file *f) { __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED); return f; }
bool file_get_not_zero(struct file *f);
void file_put(struct file *f);

/* What read(2), write(2) and their relatives do once the descriptor is found. */
s64 file_read(struct file *f, struct iter *to, u64 *pos);
s64 file_write(struct file *f, struct iter *from, u64 *pos);
s64 file_read_kernel(struct file *f, void *buf, size_t n, u64 pos);
s64 file_write_kernel(struct file *f, const void *buf, size_t n, u64 pos);
/** file_appends - whether this write goes to the end of the file. */
static inline bool file_appends(const struct file *f, const struct iter *from) { return f->flags & O_APPEND || from->append; }
/** file_nonblocking - whether this transfer must not wait for the other side. */
static inline bool file_nonblocking(const struct file *f, const struct iter *it) { return f->flags & O_NONBLOCK || it->nowait; }
u32 file_poll(struct file *f, struct poll_table *pt);
s64 file_seek(struct file *f, s64 off, int whence);
s64 file_seek_size(struct file *f, s64 off, int whence, u64 size);
int file_sync(struct file *f, u64 start, u64 end, bool datasync);
int file_truncate(struct file *f, u64 size);
/** file_read_iter_pages / file_write_iter_pages - ready-made read, write, mmap for files whose bytes are in f->mapping. */
s64 file_read_pages(struct file *f, struct iter *to, u64 *pos);
s64 file_write_pages(struct file *f, struct iter *from, u64 *pos);	/* takes the inode lock; O_APPEND, rlimit, SUID dropped */
/**
 * file_write_begin - a write's first half: O_APPEND moves *pos, *n is what the limits leave of it, set-user-ID goes, times are set
 * Context: inode locked. Return: 0, -EFBIG (RLIMIT_FSIZE, the largest file), -errno
 */
MUST_CHECK int file_write_begin(struct file *f, const struct iter *from, u64 *pos, u64 *n);
/** file_mmap - mmap(2)'s first half: access checks, then the file's own mmap; fills @out. 0, -EACCES, -EPERM, -ENODEV… */
MUST_CHECK int file_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff);
/** file_accessed - a read happened that began at @pos_before: atime by the mount's rules. */
void file_accessed(struct file *f, u64 pos_before);
/** file_drop_privileges - before a write: set-user-ID and set-group-ID go. Inode locked. */
MUST_CHECK int file_drop_privileges(struct file *f);
u64 files_count(void);		/* open files in the system */
int file_mmap_pages(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff);
int file_fsync_pages(struct file *f, u64 start, u64 end, bool datasync);
int file_no_open(struct inode *i, struct file *f);		/* -ENXIO */
s64 file_seek_none(struct file *f, s64 off, int whence);	/* -ESPIPE */
extern const struct vma_ops file_vma_ops;

/* ---- descriptors ---- */

struct fd_table {			/* replaced as a whole when it grows; read under RCU */
	u32 max;
	struct file **file;		/* [files lock; readers RCU] */
	u64 *open, *cloexec;		/* [files lock] bitmaps */
	struct rcu_head rcu;
};

struct files {
	u32 refs;			/* [a] */
	struct spinlock lock;
	struct fd_table *table;		/* [lock; readers RCU] */
	u32 next_fd;			/* [lock] no free descriptor below */
};

struct files *files_create(void);
struct files *files_fork(struct files *old);	/* a copy; ERR_PTR */
void files_get(struct files *fs);
void files_put(struct files *fs);
void files_close_exec(struct files *fs);

/** fd_get - the file of a descriptor with a reference, or NULL (EBADF). O_PATH ones only by fd_get_path. */
struct file *fd_get(int fd);
struct file *fd_get_path(int fd);
/** fd_peek - the same with no reference, for use under RCU. */
struct file *fd_peek(int fd);
/**
 * fd_borrow - as fd_get, without touching the reference count where no other thread shares the table: for the length of one
 * system call. Hand *borrowed to fd_return.
 */
static inline struct file *fd_borrow(int fd, bool *borrowed);
static inline void fd_return(struct file *f, bool borrowed)
{
	if (unlikely(!borrowed))
		file_put(f);
}
struct file *fd_get_from(struct files *fs, int fd);
/** fd_alloc - reserve the lowest free descriptor >= @from. Return: it, -EMFILE, -ENOMEM */
int fd_alloc(int from, bool cloexec);
void fd_install(int fd, struct file *f);	/* consumes the reference */
void fd_unreserve(int fd);
/** fd_add - alloc and install; consumes the reference only on success. Return: descriptor or -errno */
int fd_add(struct file *f, bool cloexec);
int fd_close(int fd);
/** fd_close_range - close_range(2), or only set close-on-exec. The caller has unshared the table if asked to. */
int fd_close_range(u32 first, u32 last, bool cloexec_only);
int fd_dup2(int old, int new, u32 flags);
/** fd_cloexec - get (set < 0) or set the flag. */
int fd_cloexec(int fd, int set);
void file_register_limits(u64 (*nofile)(void), u64 (*fsize)(void), void (*sigxfsz)(void));

static inline struct file *fd_borrow(int fd, bool *borrowed)
{
	struct files *fs = current()->files;

	*borrowed = fs->refs == 1;
	if (unlikely(fs->refs != 1))
		return fd_get(fd);
	struct fd_table *t = fs->table;
	struct file *f = (u32)fd < t->max ? t->file[fd] : NULL;

	return f && likely(!(f->mode & FMODE_PATH)) ? f : NULL;
}

/* Files hooked by layers above: called by fd_close / file_put where not NULL. */
void file_register_close_hooks(void (*posix_unlock)(struct file *f, struct files *owner));

#endif
