/*
 * Pages come from an arena; `pages` is placed so that page_virt() of an arena page is its address in this process, and
 * phys_to_virt(virt_to_phys(p)) is p for any memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/assert.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "tests/unit/drivers/stubs.h"

enum { ARENA_PAGES = 256 };

static u8 arena[ARENA_PAGES * 4096] ALIGNED(4096);
static struct page descriptors[ARENA_PAGES];
static unsigned arena_used;
struct page *pages;
int stub_fail_after = -1;
int stub_live;

void stubs_start(void)
{
	u64 first = virt_to_phys(arena) >> PAGE_SHIFT;

	pages = (struct page *)((uintptr_t)descriptors - (uintptr_t)(first * sizeof(struct page)));
	arena_used = 0;
}

static bool fails(void)
{
	return stub_fail_after >= 0 && stub_fail_after-- == 0;
}

struct page *page_alloc(unsigned order, u32 flags)
{
	struct page *p;

	if (fails() || arena_used + (1u << order) > ARENA_PAGES)
		return NULL;
	p = &descriptors[arena_used];
	memset(arena + arena_used * 4096ul, flags & ALLOC_ZERO ? 0 : 0xa5, 4096ul << order);
	arena_used += 1u << order;
	p->refs = 1;
	stub_live++;
	return p;
}

void page_free_last(struct page *p)
{
	stub_live--;
}

void *kmalloc(size_t size, u32 flags)
{
	if (fails())
		return NULL;
	stub_live++;
	return malloc(size);
}

void *kzalloc(size_t size, u32 flags)
{
	void *p = kmalloc(size, flags);

	return p ? memset(p, 0, size) : NULL;
}

void kfree(const void *p)
{
	if (!p)
		return;
	stub_live--;
	free((void *)(uintptr_t)p);
}

void printk(enum log_level level, const char *fmt, ...)
{
}

void assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assert(%s)\n", file, line, expr);
	abort();
}
