/*
 * The system's names; each name space of them has its own.
 */
#include "base/string.h"
#include "kern/lock.h"
#include "kern/slab.h"
#include "kern/version.h"
#include "task/ns.h"
#include "task/uts.h"

struct uts_ns {
	u32 refs;			/* [a] */
	struct new_utsname names;	/* [lock] */
};

static struct spinlock lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct uts_ns first = {
	.refs = 1,
	.names = { .sysname = KERNEL_SYSNAME, .nodename = "(none)", .release = KERNEL_RELEASE, .version = KERNEL_VERSION,
		   .machine = KERNEL_MACHINE, .domainname = "(none)" },
};

static struct uts_ns *mine(void)
{
	struct namespaces *ns = current()->ns;

	return ns && ns->uts ? ns->uts : &first;
}

void uts_get(struct new_utsname *out)
{
	spin_lock(&lock);
	*out = mine()->names;
	spin_unlock(&lock);
}

void uts_set(bool domain, const char *name, size_t len)
{
	struct new_utsname *u = &mine()->names;
	char *to = domain ? u->domainname : u->nodename;

	spin_lock(&lock);
	memset(to, 0, sizeof(u->nodename));
	memcpy(to, name, len);
	spin_unlock(&lock);
}

struct uts_ns *uts_get_ref(struct uts_ns *u)
{
	if (u)
		__atomic_fetch_add(&u->refs, 1, __ATOMIC_RELAXED);
	return u;
}

struct uts_ns *uts_copy(struct uts_ns *old)
{
	struct uts_ns *u = kmalloc(sizeof(*u), ALLOC_KERNEL);

	if (!u)
		return NULL;
	u->refs = 1;
	spin_lock(&lock);
	u->names = (old ? old : &first)->names;
	spin_unlock(&lock);
	return u;
}

void uts_put(struct uts_ns *u)
{
	if (u && __atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(u);
}
