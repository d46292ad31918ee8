/* What /proc/PID shows: the ops that fs/proc consumes (vfs/procfs.h), and sysctls of processes. */
#ifndef TASK_PROC_H
#define TASK_PROC_H

#include "vfs/procfs.h"

struct task;

extern const struct proc_pid_ops task_proc_ops;
void task_proc_init(void);

/* A struct proc_task is a task. */
static inline struct task *proc_task_of(struct proc_task *t) { return (struct task *)t; }

/* The files' contents; proc_status.c, proc_maps.c, proc_files.c */
int proc_show_stat(struct proc_task *t, struct seq *s);
int proc_show_thread_stat(struct proc_task *t, struct seq *s);
int proc_show_status(struct proc_task *t, struct seq *s);
int proc_show_statm(struct proc_task *t, struct seq *s);
int proc_show_limits(struct proc_task *t, struct seq *s);
int proc_show_sched(struct proc_task *t, struct seq *s);
int proc_show_schedstat(struct proc_task *t, struct seq *s);
int proc_show_io(struct proc_task *t, struct seq *s);
int proc_show_maps(struct proc_task *t, struct seq *s);
int proc_show_smaps(struct proc_task *t, struct seq *s);
int proc_show_smaps_rollup(struct proc_task *t, struct seq *s);
s64 proc_read_pagemap(struct proc_task *t, void *buf, size_t n, u64 pos);
s64 proc_read_mem(struct proc_task *t, void *buf, size_t n, u64 pos);
s64 proc_write_mem(struct proc_task *t, const char *buf, size_t n, u64 pos);
s64 proc_read_cmdline(struct proc_task *t, void *buf, size_t n, u64 pos);
s64 proc_read_environ(struct proc_task *t, void *buf, size_t n, u64 pos);
s64 proc_read_auxv(struct proc_task *t, void *buf, size_t n, u64 pos);
s64 proc_write_clear_refs(struct proc_task *t, const char *buf, size_t n, u64 pos);

#endif
