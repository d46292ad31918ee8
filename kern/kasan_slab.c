/*
 * The sanitizer and the allocators: red zones, who allocated and freed, and the quarantine.
 *
 * A slab object is followed by a red zone: a gap, and the record of its last allocation and free (struct kasan_meta).  A freed one goes to
 * the end of the quarantine, and the oldest leave it once it holds more than a part of memory.
 */
#include "base/string.h"
#include "kern/kasan_internal.h"
#include "kern/ksyms.h"
#include "kern/lock.h"
#include "kern/slab.h"
#include "kern/thread.h"

enum { GAP_BYTES = 16, QUARANTINE_PART = 32 };

static struct spinlock lock;				/* raw: frees come in any context */
static struct kasan_meta *oldest, *newest;		/* [lock] */
static u64 held_bytes;					/* [lock] */

struct kasan_meta *kasan_meta_of(const void *object, u32 object_bytes)
{
	return (struct kasan_meta *)((char *)object + ALIGN_UP(object_bytes, 8) + GAP_BYTES);
}

static void track(struct kasan_track *t)
{
	u64 pc[TRACK_DEPTH];
	u32 n = backtrace_collect((u64)__builtin_frame_address(0), pc, TRACK_DEPTH);

	t->pid = current()->pid;
	for (u32 i = 0; i < TRACK_DEPTH; i++)
		t->pc[i] = i < n ? (u32)pc[i] : 0;
}

u32 kasan_slab_stride(u32 object_bytes, u32 align)
{
	return ALIGN_UP(ALIGN_UP(object_bytes, 8) + GAP_BYTES + (u32)sizeof(struct kasan_meta), MAX(align, 8u));
}

void kasan_slab_grown(void *base, size_t bytes)
{
	kasan_poison(base, bytes, KASAN_SLAB_REDZONE);
}

void kasan_slab_alloc(void *object, u32 object_bytes, size_t asked)
{
	size_t used = ALIGN_UP(asked, KASAN_GRANULE);

	kasan_unpoison(object, asked);
	if (used < object_bytes)
		kasan_poison((char *)object + used, object_bytes - used, KASAN_SLAB_REDZONE);
	track(&kasan_meta_of(object, object_bytes)->alloc);
}

static u64 quarantine_max(void)
{
	struct page_stats s;

	page_stats(&s);
	return s.total * PAGE_SIZE / QUARANTINE_PART;
}

/* The oldest off the list, while more than @keep bytes are there. */
static struct kasan_meta *take(u64 keep)
{
	u64 irq = plat_irq_save();

	spin_lock_raw(&lock);
	struct kasan_meta *m = held_bytes > keep ? oldest : NULL;
	if (m) {
		oldest = m->next;
		newest = oldest ? newest : NULL;
		held_bytes -= slab_stride(m->cache);
	}
	spin_unlock_raw(&lock);
	plat_irq_restore(irq);
	return m;
}

static void shrink_to(u64 keep)
{
	struct kasan_meta *m;

	while ((m = take(keep)) != NULL) {
		struct slab_cache *cache = m->cache;
		void *object = (char *)m - GAP_BYTES - ALIGN_UP(slab_object_bytes(cache), 8u);

		kasan_poison(object, slab_object_bytes(cache), KASAN_SLAB_FREE);
		slab_free_now(cache, object);
	}
}

void kasan_quarantine_drain(void)
{
	shrink_to(0);
}

bool kasan_slab_free(struct slab_cache *cache, void *object)
{
	struct slab_where at;
	u64 ip = (u64)__builtin_return_address(0);
	u8 first = *kasan_shadow(object);

	if (!slab_find(object, &at) || at.object != object) {
		kasan_report_free(object, "invalid-free", ip);
		return true;
	}
	if (first >= KASAN_GRANULE) {
		kasan_report_free(object, "double-free", ip);
		return true;
	}
	struct kasan_meta *m = kasan_meta_of(object, slab_object_bytes(cache));

	kasan_poison(object, slab_object_bytes(cache), KASAN_SLAB_QUARANTINE);
	track(&m->freed);
	m->cache = cache;
	m->next = NULL;
	u64 irq = plat_irq_save();
	spin_lock_raw(&lock);
	if (newest)
		newest->next = m;
	else
		oldest = m;
	newest = m;
	held_bytes += slab_stride(cache);
	spin_unlock_raw(&lock);
	plat_irq_restore(irq);
	shrink_to(quarantine_max());
	return true;
}

/* ---- kmalloc's runs of pages ---- */

void kasan_large_alloc(const void *addr, size_t asked, size_t run_bytes)
{
	size_t used = ALIGN_UP(asked, KASAN_GRANULE);

	kasan_unpoison(addr, asked);
	kasan_poison((const char *)addr + used, run_bytes - used, KASAN_PAGE_REDZONE);
}

bool kasan_large_free(const void *addr, const void *run)
{
	u64 ip = (u64)__builtin_return_address(0);

	if (*kasan_shadow(addr) == KASAN_PAGE_FREE)
		kasan_report_free(addr, "double-free", ip);
	else if (addr != run)
		kasan_report_free(addr, "invalid-free", ip);
	else
		return true;
	return false;
}
