/*
 * What /proc shows, told from anywhere: plain files, sysctls, links, and the hooks behind /proc/PID.
 *
 * This is the registry (vfs/procfs.c) and the text buffer (vfs/seq.c); the file system that shows it is fs/proc.  So any layer
 * above vfs/ may register entries without knowing the file system, and the file system knows none of them.
 * Entries are added, never removed.  Strings given are kept, not copied, unless a line says otherwise.
 *
 * Contexts: registration: thread or boot.  show and write functions: thread, the reader's or writer's own.
 */
#ifndef VFS_PROCFS_H
#define VFS_PROCFS_H

#include <stdarg.h>
#include "base/list.h"
#include "base/types.h"

struct file_ops;
struct path;

/* ---- struct seq: a text that grows ---- */

/* Errors stick: after -ENOMEM nothing more is added, and the read that wanted the text fails. */
struct seq {
	char *buf;		/* kvmalloc'd; not NUL-terminated */
	size_t len, size;
	int err;
};

void seq_init(struct seq *s);
void seq_fini(struct seq *s);
void seq_printf(struct seq *s, const char *fmt, ...) PRINTF(2, 3);
void seq_vprintf(struct seq *s, const char *fmt, va_list ap);
void seq_write(struct seq *s, const void *data, size_t n);
void seq_puts(struct seq *s, const char *text);
void seq_putc(struct seq *s, char c);
void seq_u64(struct seq *s, char before, u64 v);	/* @before (0: none) and the decimal number: the fast way */
/** seq_escape - @text with white space, backslash and the characters of @also written as \ooo, as /proc/mounts does. */
void seq_escape(struct seq *s, const char *text, const char *also);
/** seq_path - the name of a path within the current root, escaped (newlines and @also). */
void seq_path(struct seq *s, const struct path *p, const char *also);

/* ---- plain entries: paths are relative to /proc; missing directories on the way are made (0555) ---- */

typedef void proc_show_fn(struct seq *s);
/* @text is NUL-terminated, at most a page; Return: 0 (all of it taken) or -errno */
typedef int proc_write_fn(char *text, size_t len);

void proc_add(const char *path, u32 mode, proc_show_fn *show);
void proc_add_rw(const char *path, u32 mode, proc_show_fn *show, proc_write_fn *write);
/** proc_add_fops - a file with operations of its own (kmsg). */
void proc_add_fops(const char *path, u32 mode, const struct file_ops *fops);
void proc_add_link(const char *path, const char *target);
/** proc_add_link_fn - a link whose target depends on the reader (self): written into @buf, NUL-terminated. 0 or -errno */
void proc_add_link_fn(const char *path, int (*target)(char *buf, size_t size));
void proc_add_dir(const char *path, u32 mode);

/* ---- sysctls: /proc/sys/… ---- */

enum sysctl_kind {
	SYSCTL_U32,		/* u32 *value, in [min, max]; written as decimal, 0x… or 0… */
	SYSCTL_S32,		/* s32 *value, in [(s32)min, (s32)max] */
	SYSCTL_U64,
	SYSCTL_STRING,		/* char value[size], NUL-terminated; a trailing newline is cut off */
	SYSCTL_U32_LIST,	/* u32 value[size]: numbers with tabs between */
};

struct sysctl {
	const char *path;	/* "kernel/pid_max": below /proc/sys */
	enum sysctl_kind kind;
	u32 mode;		/* 0444, 0644… */
	void *value;
	size_t size;		/* STRING: bytes with NUL; U32_LIST: how many */
	u64 min, max;		/* max 0: the type's whole range */
	int (*changed)(const struct sysctl *s);		/* after a write took effect; optional */
	void (*refresh)(const struct sysctl *s);	/* before a read; optional */
};

/** proc_add_sysctl - register @count entries; the table is kept. */
void proc_add_sysctl(const struct sysctl *table, size_t count);

/* ---- /proc/PID: filled by task/, registered by init/ through procfs_register_pids() of fs/proc ---- */

struct proc_task;		/* opaque: one thread of some process, with a reference */

/* proc_pid_entry.where */
enum { PROC_IN_PROCESS = 1, PROC_IN_THREAD = 2, PROC_IN_BOTH = 3 };

/*
 * One name below /proc/PID or /proc/PID/task/TID.  The type bits of mode say what it is:
 *   S_IFREG  show (text, made whole at the first read), or read (any position), and write
 *   S_IFLNK  follow (magic link), and text where readlink is not the path's name
 *   S_IFDIR  children
 */
struct proc_pid_entry {
	const char *name;	/* NULL ends a table */
	u32 mode;
	u32 where;		/* PROC_IN_*; 0 means both */
	/* open: may the current thread open it? 0 or -errno; optional. For links: may it follow or read it? */
	int (*open)(struct proc_task *t);
	int (*show)(struct proc_task *t, struct seq *s);
	s64 (*read)(struct proc_task *t, void *buf, size_t n, u64 pos);		/* at most a page at a time; 0: end */
	s64 (*write)(struct proc_task *t, const char *buf, size_t n, u64 pos);	/* buf is NUL-terminated */
	int (*follow)(struct proc_task *t, struct path *out);			/* references in *out */
	int (*text)(struct proc_task *t, char *buf, size_t size);		/* NUL-terminated; 0 or -errno */
	const struct proc_pid_entry *children;
};

struct proc_pid_ops {
	const struct proc_pid_entry *entries;
	/* find: the thread numbered @pid as the current pid namespace sees it (any thread, not only leaders), or NULL */
	struct proc_task *(*find)(u32 pid);
	/* find_thread: thread @tid of the process of @t, or NULL */
	struct proc_task *(*find_thread)(struct proc_task *t, u32 tid);
	struct proc_task *(*get)(struct proc_task *t);	/* another reference */
	void (*put)(struct proc_task *t);	/* must not sleep, may come from anywhere */
	/* alive: whether it has not been reaped; under RCU, must not sleep or lock */
	bool (*alive)(struct proc_task *t);
	/* next: the lowest process id >= @from, 0: none; next_thread: the same among the threads of @t's process */
	u32 (*next)(u32 from);
	u32 (*next_thread)(struct proc_task *t, u32 from);
	/* owner: uid and gid of its files (root's if it is not dumpable); must not sleep */
	void (*owner)(struct proc_task *t, u32 *uid, u32 *gid);
	/* self: the current process's and thread's numbers; 0 if the reader has none (kernel threads) */
	void (*self)(u32 *pid, u32 *tid);
	/* may_inspect: may the current thread see its fds and maps (ptrace read)? 0 or -errno */
	int (*may_inspect)(struct proc_task *t);
	/* descriptors: next_fd: the lowest open one >= @from, or -1. fd_path: 0 with references and FMODE_READ|WRITE bits, or -ENOENT */
	int (*next_fd)(struct proc_task *t, int from);
	int (*fd_path)(struct proc_task *t, int fd, struct path *out, u32 *fmode);
	int (*fd_info)(struct proc_task *t, int fd, struct seq *s);
};

/* ---- what fs/proc reads of all that ---- */

enum proc_kind { PROC_DIR, PROC_SHOW, PROC_FOPS, PROC_LINK, PROC_SYSCTL };

/* Locks: R the registry's lock, for children and sibling (readers too) · the rest immutable */
struct proc_entry {
	enum proc_kind kind;
	u32 mode;			/* with type bits */
	u64 ino;
	char *name;			/* a copy */
	struct proc_entry *parent;
	struct list_head children, sibling;	/* [R] in the order in which they were added */
	proc_show_fn *show;
	proc_write_fn *write;
	const struct file_ops *fops;
	const char *target;
	int (*target_fn)(char *buf, size_t size);
	const struct sysctl *sysctl;
};

struct proc_entry *proc_root_entry(void);
struct proc_entry *proc_find(struct proc_entry *dir, const char *name, size_t len);	/* NULL: none */
/** proc_nth - the @n-th entry of @dir, or NULL past the last. */
struct proc_entry *proc_nth(struct proc_entry *dir, u64 n);

#endif
