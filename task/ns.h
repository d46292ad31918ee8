/*
 * Name spaces that a process may have of its own: mounts (CLONE_NEWNS) and system names (CLONE_NEWUTS).
 *
 * thread->ns NULL: the first ones, everybody's.  The others that Linux knows (pid, net, ipc, user, cgroup, time) are refused as a
 * kernel does in which they are configured out.
 */
#ifndef TASK_NS_H
#define TASK_NS_H

#include "task/uts.h"

struct fs_context;
struct mount_ns;
struct task;

struct uts_ns;

struct namespaces {
	u32 refs;			/* [a]; the rest is immutable */
	struct mount_ns *mounts;	/* NULL: the first */
	struct uts_ns *uts;		/* NULL: the first */
};

void ns_put(struct namespaces *ns);
/** ns_check - are these CLONE_NEW* flags possible, and may the current thread? 0, -EPERM, -EINVAL */
MUST_CHECK int ns_check(u64 flags);
/** ns_copy - for a new task: the current one's, shared, or new ones as @flags say; its paths in @fs move with a new mount tree. */
MUST_CHECK int ns_copy(struct task *t, u64 flags, struct fs_context *fs);
/** ns_unshare - the same for the current thread. */
MUST_CHECK int ns_unshare(u64 flags);
void ns_init(void);

/* uts.c */
struct uts_ns *uts_copy(struct uts_ns *old);	/* @old NULL: the first. NULL: no memory */
struct uts_ns *uts_get_ref(struct uts_ns *u);	/* NULL allowed */
void uts_put(struct uts_ns *u);

#endif
