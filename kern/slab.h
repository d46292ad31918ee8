/*
 * Small objects: caches of equal objects with a stack of free ones per CPU, and kmalloc over power-of-two caches.
 */
#ifndef KERN_SLAB_H
#define KERN_SLAB_H

#include "base/types.h"
#include "kern/page.h"

struct slab_cache;

/**
 * slab_create - a cache of objects
 * @name:  for /proc/slabinfo; not copied
 * @size:  bytes, up to half of a page order of 3
 * @align: power of two, or 0 for the natural one
 * Return: it, or NULL. Context: thread or boot
 */
struct slab_cache *slab_create(const char *name, size_t size, size_t align);
void *slab_alloc(struct slab_cache *c, u32 flags);	/* NULL when out of memory; any context without ALLOC_SLEEP */
void slab_free(struct slab_cache *c, void *obj);	/* any context */

void *kmalloc(size_t size, u32 flags);
void *kzalloc(size_t size, u32 flags);
/** kmalloc_array - n * size, checked for overflow. */
void *kmalloc_array(size_t n, size_t size, u32 flags);
void kfree(const void *p);				/* NULL is allowed */
size_t ksize(const void *p);
char *kstrdup(const char *s, u32 flags);
char *kstrndup(const char *s, size_t max, u32 flags);
void *kmemdup(const void *src, size_t n, u32 flags);
char *kasprintf(u32 flags, const char *fmt, ...) PRINTF(2, 3);

/** kvmalloc - large buffers that need not be contiguous physically. */
void *kvmalloc(size_t size, u32 flags);
void kvfree(const void *p);

void slab_init(void);
struct slab_info {
	const char *name;
	size_t object_bytes;
	u64 active, total, slabs, pages_per_slab;
};
/** slab_info_at - figures of the i-th cache. Return: false past the last */
bool slab_info_at(unsigned i, struct slab_info *out);

/* ---- for the sanitizer (kern/kasan.h) ---- */

/** slab_free_now - slab_free past the quarantine. */
void slab_free_now(struct slab_cache *c, void *obj);
size_t slab_object_bytes(const struct slab_cache *c);
size_t slab_stride(const struct slab_cache *c);	/* from one object to the next */
struct slab_where {
	const char *cache;
	void *object;
	size_t object_bytes;
};
/** slab_find - the object that an address lies in, or behind. Return: false if it is in no slab */
bool slab_find(const void *addr, struct slab_where *out);
u64 slab_pages(void);

#endif
