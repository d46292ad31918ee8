/*
 * What the files of fs/proc/ share.
 */
#ifndef FS_PROC_INTERNAL_H
#define FS_PROC_INTERNAL_H

#include "fs/proc/proc.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

enum node_kind {
	NODE_ENTRY,		/* of the registry: a file, link, directory, sysctl */
	NODE_PID,		/* /proc/PID */
	NODE_THREAD,		/* /proc/PID/task/TID */
	NODE_TASKS,		/* /proc/PID/task */
	NODE_PID_ENTRY,		/* a struct proc_pid_entry of either */
	NODE_FDS,		/* fd */
	NODE_FDINFOS,		/* fdinfo */
	NODE_FD,		/* fd/N */
	NODE_FDINFO,		/* fdinfo/N */
};

struct proc_inode {
	struct inode inode;
	enum node_kind kind;			/* [I], as all below */
	struct proc_entry *entry;
	struct proc_task *task;			/* a reference, unless kind is NODE_ENTRY */
	const struct proc_pid_entry *pid_entry;
	int fd;
};

static inline struct proc_inode *proc_inode(const struct inode *i)
{
	return container_of((struct inode *)(u64)i, struct proc_inode, inode);
}

extern const struct proc_pid_ops *pids;		/* NULL until task/ registers */

/** node_new - an inode; consumes the reference to @task even on failure. NULL: no memory */
struct proc_inode *node_new(struct super *s, enum node_kind kind, u32 mode, struct proc_task *task);
/** node_add - publish @n under @d: the last step of lookup. NULL node: -ENOMEM */
struct dentry *node_add(struct dentry *d, struct proc_inode *n);
/** node_refresh_owner - uid and gid as its process has them now. May not sleep. */
void node_refresh_owner(struct proc_inode *n);

/* entry.c */
struct proc_inode *entry_node(struct super *s, struct proc_entry *e);
struct dentry *entry_lookup(struct proc_entry *dir, struct dentry *d);
/** entry_readdir - @base: the position of the first entry. False: the buffer is full */
bool entry_readdir(struct proc_entry *dir, struct dir_context *c, u64 base);
extern const struct inode_ops proc_root_ops;
extern const struct file_ops proc_root_fops;

/* text.c */
extern const struct file_ops proc_text_fops;
int sysctl_show(const struct sysctl *t, struct seq *s);
int sysctl_write(const struct sysctl *t, char *text);

/* pid.c */
struct dentry *pid_lookup(struct super *s, struct dentry *d, u32 pid);
int pid_readdir(struct dir_context *c, u64 base);
extern const struct dentry_ops proc_dentry_ops;
/** name_number - a decimal number without leading zeros. Return: false if @name is none */
bool name_number(const struct dentry *d, u32 *out);

/* fd.c */
struct dentry *fd_dir_add(struct inode *dir, struct dentry *d, bool info);

/* kinds of entries that procfs has itself */
void proc_memory_init(void);
void proc_cpu_init(void);
void proc_system_init(void);
void proc_sysctl_init(void);

#endif
