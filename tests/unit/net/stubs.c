/* What net/ needs of kern/ and vfs/ beyond the machine of tests/unit/mm. */
#include "tests/unit/unit.h"

#include "kern/rcu.h"
#include "kern/slab.h"
#include "vfs/procfs.h"

void *kmalloc(size_t size, u32 flags)
{
	void *p = kzalloc(size, flags);

	if (p && !(flags & ALLOC_ZERO))
		memset(p, 0xa5, size);
	return p;
}

void *kmemdup(const void *src, size_t n, u32 flags)
{
	void *p = kmalloc(n, flags);

	return p ? memcpy(p, src, n) : NULL;
}

void kfree_rcu_at(struct rcu_head *head, void *ptr) { kfree(ptr); }
void proc_add_sysctl(const struct sysctl *table, size_t count) {}
