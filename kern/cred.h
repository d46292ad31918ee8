/*
 * Credentials: who a thread acts as.  Never changed once shared: a change is a new one (cred_prepare, cred_commit).
 */
#ifndef KERN_CRED_H
#define KERN_CRED_H

#include "base/atomic.h"
#include "base/types.h"
#include "kern/rcu.h"
#include "kern/thread.h"

struct group_list {
	u32 refs;
	u32 count;
	u32 gid[];		/* sorted */
};

struct cred {
	u32 refs;		/* [a]; the rest is immutable */
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 cap_effective, cap_permitted, cap_inheritable, cap_bset, cap_ambient;
	u32 securebits;
	u32 no_new_privs;
	struct group_list *groups;	/* NULL: none */
	struct rcu_head rcu;
};

static inline const struct cred *current_cred(void) { return current()->cred; }
static inline const struct cred *cred_get(const struct cred *c)
{
	__atomic_fetch_add(&((struct cred *)(u64)c)->refs, 1, __ATOMIC_RELAXED);
	return c;
}
void cred_put(const struct cred *c);
/** cred_prepare - a copy of the current credentials to change. Return: it, or NULL (no memory) */
struct cred *cred_prepare(void);
/** cred_set_groups - in a prepared copy; consumes the reference to @groups (kvmalloc'd, refs 1, sorted). */
void cred_set_groups(struct cred *c, struct group_list *groups);
/** cred_commit - make @c the current thread's; consumes the reference. */
void cred_commit(struct cred *c);
/** cred_override - act as @c until cred_revert(what this returned); no references change. */
const struct cred *cred_override(const struct cred *c);
void cred_revert(const struct cred *old);
extern struct cred cred_root;

bool cred_in_group(const struct cred *c, u32 gid);	/* fsgid or a supplementary group */
/** capable - whether the current thread has capability @cap (CAP_*) in effect. */
static inline bool capable(int cap) { return current_cred()->cap_effective >> cap & 1; }

#endif
