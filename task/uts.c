/*
 * The system's names.
 */
#include "base/string.h"
#include "kern/lock.h"
#include "kern/version.h"
#include "task/uts.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct new_utsname uts = {	/* [lock] */
	.sysname = KERNEL_SYSNAME, .nodename = "(none)", .release = KERNEL_RELEASE, .version = KERNEL_VERSION, .machine = KERNEL_MACHINE,
	.domainname = "(none)",
};

void uts_get(struct new_utsname *out)
{
	spin_lock(&lock);
	*out = uts;
	spin_unlock(&lock);
}

void uts_set(bool domain, const char *name, size_t len)
{
	char *to = domain ? uts.domainname : uts.nodename;

	spin_lock(&lock);
	memset(to, 0, sizeof(uts.nodename));
	memcpy(to, name, len);
	spin_unlock(&lock);
}
