/*
 * Failing the n-th allocation.  The linker puts these in place of the allocators in every call from another file (mk/host.mk, --wrap),
 * so the kernel knows nothing of it; calls inside kern/slab.c and kern/page.c are not counted twice.
 *
 * Not failed: kasprintf, whose arguments cannot be handed on; an allocation that the host's own models make.
 */
#include "kern/page.h"
#include "kern/slab.h"
#include "plat/host/host.h"

static u64 left, seen;
static bool failed;

void host_fail_alloc(u64 nth)
{
	left = nth;
	failed = false;
}

bool host_fail_happened(void) { return failed; }
u64 host_alloc_count(void) { return seen; }

static bool fails(void)
{
	seen++;
	if (!left || --left)
		return false;
	failed = true;
	return true;
}

#define WRAP(type, name, params, args)			\
	type __real_##name params;			\
	type __wrap_##name params;			\
	type __wrap_##name params { return fails() ? NULL : __real_##name args; }

WRAP(struct page *, page_alloc, (unsigned order, u32 flags), (order, flags))
WRAP(void *, slab_alloc, (struct slab_cache *c, u32 flags), (c, flags))
WRAP(void *, kmalloc, (size_t size, u32 flags), (size, flags))
WRAP(void *, kzalloc, (size_t size, u32 flags), (size, flags))
WRAP(void *, kmalloc_array, (size_t n, size_t size, u32 flags), (n, size, flags))
WRAP(char *, kstrdup, (const char *s, u32 flags), (s, flags))
WRAP(char *, kstrndup, (const char *s, size_t max, u32 flags), (s, max, flags))
WRAP(void *, kmemdup, (const void *src, size_t n, u32 flags), (src, n, flags))
WRAP(void *, kvmalloc, (size_t size, u32 flags), (size, flags))
