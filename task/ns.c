/* See ns.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include "kern/slab.h"
#include "task/ns.h"
#include "task/task.h"
#include "vfs/path.h"

#define NS_KNOWN (CLONE_NEWNS | CLONE_NEWUTS)
#define NS_ALL (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

int ns_check(u64 flags)
{
	if (!(flags & NS_ALL))
		return 0;
	if (!(flags & CLONE_NEWUSER) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return flags & NS_ALL & ~(u64)NS_KNOWN ? -EINVAL : 0;
}

void ns_put(struct namespaces *ns)
{
	if (!ns || !atomic_dec_and_test(&ns->refs))
		return;
	if (ns->mounts)
		mount_ns_put(ns->mounts);
	uts_put(ns->uts);
	kfree(ns);
}

/* A new set: what @flags name is copied, the rest shared. ERR_PTR */
static struct namespaces *make(u64 flags, struct fs_context *fs)
{
	struct namespaces *old = current()->ns, *ns = kzalloc(sizeof(*ns), ALLOC_KERNEL);

	if (!ns)
		return ERR_PTR(-ENOMEM);
	ns->refs = 1;
	ns->uts = flags & CLONE_NEWUTS ? uts_copy(old ? old->uts : NULL) : old ? uts_get_ref(old->uts) : NULL;
	if (flags & CLONE_NEWUTS && !ns->uts)
		goto no_memory;
	if (flags & CLONE_NEWNS) {
		struct mount_ns *m = mount_ns_copy(mount_ns_current(), fs);

		if (IS_ERR(m))
			goto no_memory;
		ns->mounts = m;
	} else if (old && old->mounts) {
		ns->mounts = mount_ns_get(old->mounts);
	}
	return ns;
no_memory:
	ns_put(ns);
	return ERR_PTR(-ENOMEM);
}

int ns_copy(struct task *t, u64 flags, struct fs_context *fs)
{
	struct namespaces *ns = current()->ns;

	if (flags & NS_KNOWN) {
		ns = make(flags, fs);
		if (IS_ERR(ns))
			return (int)PTR_ERR(ns);
	} else if (ns) {
		atomic_inc(&ns->refs);
	}
	t->thread.ns = ns;
	return 0;
}

int ns_unshare(u64 flags)
{
	if (!(flags & NS_KNOWN))
		return 0;
	struct namespaces *ns = make(flags, current()->fs), *old = current()->ns;
	if (IS_ERR(ns))
		return (int)PTR_ERR(ns);
	current()->ns = ns;
	ns_put(old);
	return 0;
}

static struct mount_ns *mounts_of_current(void)
{
	return current()->ns ? current()->ns->mounts : NULL;
}

void ns_init(void)
{
	mount_register_ns(mounts_of_current);
}
