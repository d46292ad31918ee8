/*
 * The page allocator: buddies of orders 0 to PAGE_ORDER_MAX, per-CPU stacks of single pages in front.
 *
 * A free run's head carries PG_FREE and its order; a run of order n starts at a frame number that is a multiple of 2^n, and its buddy is
 * the number with bit n flipped.  Free lists are doubly linked through next_free and, as the previous one, index.
 *
 * Reserve: below `min` only atomic callers and those that free memory get any; below `low` the background reclaim is woken.
 */
#include "base/bitops.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/lock.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/ratelimit.h"
#include "kern/thread.h"

enum { CPU_PAGES = 64, CPU_BATCH = 32, RECLAIM_TRIES = 8 };

struct page_cpu {
	u32 count;			/* [this CPU, interrupts off] */
	struct page *page[CPU_PAGES];
} CACHELINE_ALIGNED;

struct page *pages;
u64 pages_count;

static struct spinlock lock = SPINLOCK_INIT(RANK_PAGES);
static struct page *free_list[PAGE_ORDER_MAX + 1];	/* [lock] */
static u64 free_count;					/* [lock; readers a] in the buddies */
static u64 total, low_mark, min_mark;
static struct page_cpu *page_cpu;
static u64 (*reclaim_fn)(u64 want, u32 flags);
static bool (*oom_fn)(void);
static void (*wake_fn)(void);

void page_register_reclaim(u64 (*reclaim)(u64 want_pages, u32 flags), bool (*oom)(void), void (*wake_background)(void))
{
	reclaim_fn = reclaim;
	oom_fn = oom;
	wake_fn = wake_background;
}

/* ---- buddies; all with the lock held ---- */

static void list_push(struct page *p, unsigned order)
{
	struct page *first = free_list[order];

	p->flags = PG_FREE | order << 24;
	p->next_free = first;
	p->index = 0;
	if (first)
		first->index = (u64)p;
	free_list[order] = p;
}

static void list_remove(struct page *p, unsigned order)
{
	struct page *prev = (struct page *)p->index;

	if (prev)
		prev->next_free = p->next_free;
	else
		free_list[order] = p->next_free;
	if (p->next_free)
		p->next_free->index = p->index;
	p->flags = 0;
	p->next_free = NULL;
	p->index = 0;
}

static void buddy_free(struct page *p, unsigned order)
{
	u64 pfn = page_pfn(p);

	WRITE_ONCE(free_count, free_count + (1ull << order));
	for (; order < PAGE_ORDER_MAX; order++) {
		u64 other = pfn ^ 1ull << order;
		struct page *buddy = &pages[other];

		if (other >= pages_count || (buddy->flags & (0xff000000u | PG_FREE)) != (PG_FREE | order << 24))
			break;
		list_remove(buddy, order);
		pfn &= ~(1ull << order);
	}
	list_push(&pages[pfn], order);
}

static struct page *buddy_alloc(unsigned order)
{
	unsigned o = order;

	while (o <= PAGE_ORDER_MAX && !free_list[o])
		o++;
	if (o > PAGE_ORDER_MAX)
		return NULL;
	struct page *p = free_list[o];
	list_remove(p, o);
	while (o > order) {
		o--;
		list_push(p + (1ull << o), o);
	}
	WRITE_ONCE(free_count, free_count - (1ull << order));
	return p;
}

/* ---- allocation ---- */

static bool may_dip(u32 flags)
{
	return !(flags & ALLOC_SLEEP) || current()->flags & TF_MEMALLOC;
}

static void refill(struct page_cpu *c, u32 flags)
{
	spin_lock_rank(&lock, RANK_PAGES);
	while (c->count < CPU_BATCH && (free_count > min_mark || may_dip(flags))) {
		struct page *p = buddy_alloc(0);

		if (!p)
			break;
		c->page[c->count++] = p;
		if (free_count <= low_mark)
			break;		/* when short, take one at a time */
	}
	spin_unlock_rank(&lock, RANK_PAGES);
}

static struct page *take_single(u32 flags)
{
	u64 irq = plat_irq_save();
	struct page_cpu *c = &page_cpu[plat_cpu_id()];

	if (!c->count)
		refill(c, flags);
	struct page *p = c->count ? c->page[--c->count] : NULL;
	plat_irq_restore(irq);
	return p;
}

static struct page *take_run(unsigned order, u32 flags)
{
	u64 irq = spin_lock_irqsave(&lock);
	struct page *p = NULL;

	if (free_count > min_mark + (1ull << order) || may_dip(flags))
		p = buddy_alloc(order);
	spin_unlock_irqrestore(&lock, irq);
	return p;
}

static struct page *take(unsigned order, u32 flags)
{
	return order || !page_cpu ? take_run(order, flags) : take_single(flags);
}

/* Give the pages of this CPU's stack back, so that runs can form. */
static void drain_this_cpu(void)
{
	u64 irq = spin_lock_irqsave(&lock);
	struct page_cpu *c = &page_cpu[plat_cpu_id()];

	while (c->count)
		buddy_free(c->page[--c->count], 0);
	spin_unlock_irqrestore(&lock, irq);
}

static struct page *take_hard(unsigned order, u32 flags)
{
	for (int i = 0; i < RECLAIM_TRIES; i++) {
		kasan_quarantine_drain();
		u64 got = reclaim_fn ? reclaim_fn((1ull << order) + CPU_BATCH, flags) : 0;

		if (order)
			drain_this_cpu();
		struct page *p = take(order, flags);
		if (p)
			return p;
		if (!got && (order > 3 || flags & ALLOC_NOOOM || !oom_fn || !oom_fn()))
			break;
	}
	return NULL;
}

static struct ratelimit no_memory;

struct page *page_alloc(unsigned order, u32 flags)
{
	assert(order <= PAGE_ORDER_MAX);
	struct page *p = take(order, flags);

	if (__builtin_expect(!p, 0)) {
		if (flags & ALLOC_SLEEP && !(current()->flags & TF_MEMALLOC))
			p = take_hard(order, flags & ~current()->alloc_flags);
		if (!p) {
			if (!(flags & ALLOC_NOWARN) && ratelimit_ok(&no_memory))
				pr_warn("%s: no memory for 2^%u pages, flags %#x, %llu free", current()->comm, order, flags,
					(unsigned long long)free_count);
			return NULL;
		}
	}
	if (__builtin_expect(READ_ONCE(free_count) < low_mark, 0) && wake_fn)
		wake_fn();
	p->refs = 1;
	p->flags = order << 24;
	p->mapcount = 0;
	p->private = 0;
	p->mapping = NULL;
	p->index = 0;
	for (u64 i = 1; i < 1ull << order; i++) {
		p[i].flags = PG_TAIL;
		p[i].index = i;
	}
	kasan_unpoison(page_virt(p), PAGE_SIZE << order);
	if (flags & ALLOC_ZERO)
		for (u64 i = 0; i < 1ull << order; i++)
			clear_page(page_virt(p + i));
	return p;
}

bool page_get_not_zero(struct page *p)
{
	return atomic_inc_not_zero(&p->refs);
}

void page_free_last(struct page *p)
{
	unsigned order = page_order(p);

	assert(!(p->flags & (PG_TAIL | PG_LOCKED | PG_SLAB | PG_CACHE | PG_RESERVED)) && !p->mapcount);
	kasan_poison(page_virt(p), PAGE_SIZE << order, KASAN_PAGE_FREE);
	u64 irq = plat_irq_save();
	if (!order && page_cpu) {
		struct page_cpu *c = &page_cpu[plat_cpu_id()];

		p->flags = 0;
		if (c->count == CPU_PAGES) {
			spin_lock_rank(&lock, RANK_PAGES);
			while (c->count > CPU_BATCH)
				buddy_free(c->page[--c->count], 0);
			spin_unlock_rank(&lock, RANK_PAGES);
		}
		c->page[c->count++] = p;
	} else {
		for (u64 i = 1; i < 1ull << order; i++)
			p[i].flags = 0;
		spin_lock_rank(&lock, RANK_PAGES);
		buddy_free(p, order);
		spin_unlock_rank(&lock, RANK_PAGES);
	}
	plat_irq_restore(irq);
}

void page_split(struct page *head)
{
	u64 n = 1ull << page_order(head);

	head->flags &= 0x00ffffff;
	for (u64 i = 1; i < n; i++)
		head[i] = (struct page){ .refs = head->refs };
}

void page_stats(struct page_stats *out)
{
	u64 cached = 0;

	for (u32 i = 0; page_cpu && i < plat_cpu_count(); i++)
		cached += page_cpu[i].count;
	*out = (struct page_stats){ total, __atomic_load_n(&free_count, __ATOMIC_RELAXED) + cached, low_mark };
}

/* ---- boot ---- */

void pages_add(paddr_t start, paddr_t end)
{
	u64 pfn = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, last = MIN(end >> PAGE_SHIFT, pages_count);

	while (pfn < last) {
		unsigned order = pfn ? (unsigned)ctz64(pfn) : PAGE_ORDER_MAX;

		if (order > PAGE_ORDER_MAX)
			order = PAGE_ORDER_MAX;
		while (pfn + (1ull << order) > last)
			order--;
		for (u64 i = 0; i < 1ull << order; i++)
			pages[pfn + i].flags = 0;
		kasan_poison(page_virt(&pages[pfn]), PAGE_SIZE << order, KASAN_PAGE_FREE);
		u64 irq = spin_lock_irqsave(&lock);
		buddy_free(&pages[pfn], order);
		total += 1ull << order;
		spin_unlock_irqrestore(&lock, irq);
		pfn += 1ull << order;
	}
	low_mark = CLAMP(total / 64, 32ull, 4096ull);
	min_mark = low_mark / 2;
}

void pages_init(void)
{
	const struct plat_region *r;
	unsigned n = plat_memory(&r);
	paddr_t table = 0;

	pages_count = plat_memory_top() >> PAGE_SHIFT;
	u64 bytes = ALIGN_UP(pages_count * sizeof(struct page), PAGE_SIZE);
	for (unsigned i = 0; i < n && !table; i++)
		if (r[i].len_bytes >= bytes)
			table = r[i].start;
	if (!table)
		panic("no room for %llu page descriptors", (unsigned long long)pages_count);
	pages = phys_to_virt(table);
	memset(pages, 0, bytes);
	for (u64 i = 0; i < pages_count; i++)
		pages[i].flags = PG_RESERVED;
	for (unsigned i = 0; i < n; i++) {
		paddr_t start = r[i].start == table ? table + bytes : r[i].start;

		pages_add(start, r[i].start + r[i].len_bytes);
	}
}

void pages_percpu_init(void)
{
	u64 bytes = plat_cpu_count() * sizeof(struct page_cpu);
	struct page *p = page_alloc(bytes_to_order(bytes), ALLOC_ZERO);

	if (!p)
		panic("no memory for per-CPU page lists");
	page_cpu = page_virt(p);
}

/* Moves of eight words at a time: fast where every instruction counts, good enough where cache lines do. */
NO_KASAN void copy_page(void *dst, const void *src)
{
	u64 *d = dst;
	const u64 *s = src;

	if (!kasan_check_read(src, PAGE_SIZE) || !kasan_check_write(dst, PAGE_SIZE))
		return;
	for (int i = 0; i < 512; i += 8, d += 8, s += 8) {
		u64 a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a; d[1] = b; d[2] = c; d[3] = e;
		a = s[4]; b = s[5]; c = s[6]; e = s[7];
		d[4] = a; d[5] = b; d[6] = c; d[7] = e;
	}
}

NO_KASAN void clear_page(void *dst)
{
	volatile u64 *d = dst;		/* or the compiler makes it a call of memset */

	if (!kasan_check_write(dst, PAGE_SIZE))
		return;
	for (int i = 0; i < 512; i += 8, d += 8) {
		d[0] = 0; d[1] = 0; d[2] = 0; d[3] = 0;
		d[4] = 0; d[5] = 0; d[6] = 0; d[7] = 0;
	}
}
