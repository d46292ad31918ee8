/*
 * What the files of task/ share and nobody else needs.
 */
#ifndef TASK_INTERNAL_H
#define TASK_INTERNAL_H

#include "task/task.h"

struct mm;
struct seccomp_filter;

/* rusage.c */
/** usage_add_thread - add what @t has used so far; usage_add adds two. */
void usage_add_thread(struct usage *u, struct task *t);
void usage_add(struct usage *to, const struct usage *more);

/* group.c */
/** group_join, group_leave - a process and its group and session. pids_lock held. */
void group_join(struct process *p, struct pid *pgrp, struct pid *session);
void group_leave(struct process *p);
/** group_orphan_check - a member @p goes or loses its parent: stopped orphaned groups get SIGHUP, SIGCONT. pids_lock held. */
void group_orphan_check(struct process *p, struct process *parent);

/* exit.c */
/** process_reap - remove a zombie for good. pids_lock held. */
void process_reap(struct process *p);
/** exit_check_zombie - all threads but a dead leader are gone: tell the parent. pids_lock held. */
void exit_check_zombie(struct process *p);
/** task_release_memory - the current thread leaves its address space: robust list, clear_tid, vfork's parent. */
void task_release_memory(struct task *t);

/* futex.c */
void futex_init(void);
void futex_exit_robust(struct task *t);
/** futex_wake_address - wake waiters of a user word: CLONE_CHILD_CLEARTID. */
void futex_wake_address(u64 addr);

/* timers */
void itimers_exit(struct process *p);	/* last thread */
void posix_timers_exit(struct process *p);

/* seccomp.c */
void seccomp_put(struct seccomp_filter *f);
struct seccomp_filter *seccomp_get(struct seccomp_filter *f);

/* exec.c */
void exec_release_exe_init(void);

/* fork.c */
extern struct process *init_process;

#endif
