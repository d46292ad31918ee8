/* What lies below mm/ as far as its pure parts need it. */
#include <stdio.h>
#include <stdlib.h>
#include "kern/slab.h"
#include "mm/internal.h"
#include "tests/unit/mm/stubs.h"

struct mm_cpu_counts mm_cpu_counts[CPUS_MAX];

NORETURN void assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

struct slab_cache {
	size_t size;
};

struct slab_cache *slab_create(const char *name, size_t size, size_t align)
{
	static struct slab_cache caches[8];
	static unsigned used;
	struct slab_cache *c = &caches[used++ % 8];

	c->size = size;
	return c;
}

bool stub_no_memory;

void *slab_alloc(struct slab_cache *c, u32 flags)
{
	return stub_no_memory ? NULL : calloc(1, c->size);
}

void slab_free(struct slab_cache *c, void *obj)
{
	free(obj);
}

void rmap_link(struct vma *v) {}
void rmap_unlink(struct vma *v) {}
void anon_join(struct vma *v, struct anon_group *g) { v->anon = g; }
void anon_leave(struct vma *v) { v->anon = NULL; }
void rank_violation(u32 rank, const u64 *held) { abort(); }
void spin_lock_slow(struct spinlock *l, u32 ticket) { abort(); }
void rwsem_write_lock_slow(struct rwsem *s) { abort(); }
void rwsem_wake(struct rwsem *s) { abort(); }

/* "User memory" is this process's own; addresses below a page fault. */
size_t plat_copy_from_user(void *dst, u64 src, size_t n)
{
	if (src < PAGE_SIZE)
		return n;
	memcpy(dst, (void *)src, n);
	return 0;
}

size_t plat_copy_to_user(u64 dst, const void *src, size_t n)
{
	if (dst < PAGE_SIZE)
		return n;
	memcpy((void *)dst, src, n);
	return 0;
}

size_t plat_clear_user(u64 dst, size_t n)
{
	if (dst < PAGE_SIZE)
		return n;
	memset((void *)dst, 0, n);
	return 0;
}
