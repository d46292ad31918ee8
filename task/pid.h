/*
 * Numbers of threads, processes, process groups and sessions.
 *
 * One struct pid stands for a number whatever it names: a thread, a process (its first thread's number), a group, a
 * session.  The number is given back when none of these is left; the struct lives as long as someone (a pidfd) holds a
 * reference.  Lookups take no lock: under RCU.
 *
 * There is one pid name space.
 */
#ifndef TASK_PID_H
#define TASK_PID_H

#include "base/atomic.h"
#include "base/list.h"
#include "kern/lock.h"
#include "kern/rcu.h"
#include "kern/wait.h"

struct process;
struct task;

enum { PID_MAX_DEFAULT = 32768, PID_MAX_LIMIT = 4194304, PID_MAX_MIN = 301 };

/* Locks: P pids_lock · a atomic · I immutable */
struct pid {
	u32 nr;				/* [I] */
	struct refcount refs;		/* [a] all uses below count one together */
	u32 uses;			/* [P] thread, process, group members, session members */
	struct hlist_node hash;		/* [P, readers RCU] */
	struct task *task;		/* [P, readers RCU] the thread of this number */
	struct process *process;	/* [P, readers RCU] the process of this number, until it is reaped */
	struct list_head group;		/* [P] processes of the group: process->group_node */
	struct list_head session;	/* [P] processes of the session: process->session_node */
	void *tty;			/* [P] the session's controlling terminal, with a reference, or NULL */
	u64 tty_rdev;			/* [P] its number */
	struct waitq wait;		/* pidfds poll here: woken when the process exits */
	struct rcu_head rcu;
};

/* The process tree, groups, sessions, thread lists, wait states, ptrace links. */
extern struct spinlock pids_lock;
static inline void pids_lock_take(void) { spin_lock(&pids_lock); }
static inline void pids_lock_drop(void) { spin_unlock(&pids_lock); }

/** pid_alloc - a new number with one reference, the caller's, and no uses; @want: this number, 0: any. ERR_PTR(-EAGAIN, -ENOMEM, -EEXIST, -EINVAL) */
struct pid *pid_alloc(u32 want);
/** pid_discard - give back a number that never had a use. */
void pid_discard(struct pid *p);
static inline struct pid *pid_get(struct pid *p)
{
	ref_get(&p->refs);
	return p;
}
void pid_put(struct pid *p);
/** pid_use, pid_unuse - count a use; the last one gives the number back. pids_lock held. */
void pid_use(struct pid *p);
void pid_unuse(struct pid *p);
/** pid_find - the struct of a number, under RCU, without a reference; NULL. */
struct pid *pid_find(u32 nr);
/** pid_find_get - the same with a reference. */
struct pid *pid_find_get(u32 nr);
/** pid_task, pid_process - the thread or process of a number, under RCU; NULL. */
struct task *pid_task(u32 nr);
struct process *pid_process(u32 nr);
/** pid_next_process - the process with the lowest number >= @from, under RCU; NULL. */
struct process *pid_next_process(u32 from);
u32 pid_last(void);		/* the number given out last */
u32 pid_max(void);
MUST_CHECK int pid_set_max(u32 max);	/* -EINVAL, -ENOMEM */
void pids_init(void);

#endif
