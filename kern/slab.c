/*
 * Slabs: a cache hands out objects of one size from runs of pages.
 *
 * In front of each cache stands, per CPU, a small stack of free objects: the usual allocation is a pop, the usual free a push.
 * Behind it are the slabs: runs of pages whose free objects form a list through their first words.  An object is found back to its slab
 * through its page descriptor (mapping: the cache; private: objects in use).  The list of partly free slabs is linked through a header that
 * lies in the slab itself, at its end.
 * Source: Bonwick and Adams, "Magazines and Vmem", 2001, for the stacks.
 */
#include "base/bitops.h"
#include "base/list.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/lock.h"
#include "kern/slab.h"

enum { STACK_MAX = 32, BATCH = 16, ORDER_MAX = 3, KMALLOC_MIN_SHIFT = 3, KMALLOC_MAX_SHIFT = 13 };

struct slab_cpu {
	u32 count;			/* [this CPU, interrupts off] */
	void *obj[STACK_MAX];
} CACHELINE_ALIGNED;

/* At the end of each slab. */
struct slab {
	struct list_head node;		/* [cache->lock] on partial, or by itself when full */
	void *free;			/* [cache->lock] */
	u32 inuse;			/* [cache->lock] */
};

struct slab_cache {
	struct spinlock lock;
	struct list_head partial;	/* [lock] slabs with free objects */
	struct slab_cpu *cpu;		/* [I] NULL before the CPUs are counted */
	const char *name;		/* [I] */
	u32 object;			/* [I] bytes that its users see */
	u32 size, align, per_slab, order, stack_max;	/* [I] size: from one object to the next */
	u64 slabs, empty;		/* [lock] */
	u64 inuse;			/* [lock] objects outside slabs, stacks included */
	struct list_head all;		/* [all_lock] */
};

static struct spinlock all_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct list_head all_caches = LIST_HEAD_INIT(all_caches);
static struct slab_cache boot_cache;			/* of struct slab_cache */
static struct slab_cache *kmalloc_cache[KMALLOC_MAX_SHIFT + 1];
static struct slab_cache *kmalloc_odd[2];		/* 96 and 192 bytes */
static bool cpus_counted;

static struct slab *slab_of(struct slab_cache *c, struct page *head)
{
	return (struct slab *)((char *)page_virt(head) + (PAGE_SIZE << c->order)) - 1;
}

/* ---- slabs; cache->lock held ---- */

static struct slab *slab_grow(struct slab_cache *c, struct page *head)
{
	char *base = page_virt(head);
	struct slab *s = slab_of(c, head);

	head->mapping = c;
	page_set(head, PG_SLAB);
	kasan_slab_grown(base, PAGE_SIZE << c->order);
	s->free = NULL;
	s->inuse = 0;
	for (u32 i = c->per_slab; i--;) {
		void **obj = (void **)(base + (u64)i * c->size);

		*obj = s->free;
		s->free = obj;
	}
	list_add(&s->node, &c->partial);
	c->slabs++;
	c->empty++;
	return s;
}

static void *slab_pop(struct slab_cache *c, struct slab *s)
{
	void **obj = s->free;

	s->free = *obj;
	if (s->inuse++ == 0)
		c->empty--;
	if (!s->free)
		list_del_init(&s->node);
	c->inuse++;
	return obj;
}

/* Return: the slab's pages if it became surplus and is now off the lists, else NULL. */
static struct page *slab_push(struct slab_cache *c, void *obj)
{
	struct page *head = page_head(virt_page(obj));
	struct slab *s = slab_of(c, head);

	if (!s->free)
		list_add(&s->node, &c->partial);
	*(void **)obj = s->free;
	s->free = obj;
	c->inuse--;
	if (--s->inuse)
		return NULL;
	if (++c->empty <= 1)
		return NULL;	/* one in hand */
	list_del(&s->node);
	c->empty--;
	c->slabs--;
	return head;
}

static void release(struct page *head)
{
	if (!head)
		return;
	page_clear(head, PG_SLAB);
	head->mapping = NULL;
	page_put(head);
}

/* ---- stacks ---- */

/* Interrupts off.  Return: one object, with more left on the stack if there were. */
static void *refill(struct slab_cache *c, struct slab_cpu *cpu)
{
	void *obj = NULL;

	spin_lock_rank(&c->lock, RANK_SLAB);
	if (!list_empty(&c->partial))
		obj = slab_pop(c, list_first_entry(&c->partial, struct slab, node));
	while (obj && cpu && cpu->count < MIN((u32)BATCH, c->stack_max / 2) && !list_empty(&c->partial))
		cpu->obj[cpu->count++] = slab_pop(c, list_first_entry(&c->partial, struct slab, node));
	spin_unlock_rank(&c->lock, RANK_SLAB);
	return obj;
}

static void flush(struct slab_cache *c, struct slab_cpu *cpu, u32 keep)
{
	struct page *surplus[STACK_MAX];
	u32 n = 0;

	spin_lock_rank(&c->lock, RANK_SLAB);
	while (cpu->count > keep) {
		struct page *head = slab_push(c, cpu->obj[--cpu->count]);

		if (head)
			surplus[n++] = head;
	}
	spin_unlock_rank(&c->lock, RANK_SLAB);
	while (n)
		release(surplus[--n]);
}

static void *alloc_slow(struct slab_cache *c, u32 flags)
{
	for (;;) {
		u64 irq = plat_irq_save();
		void *obj = refill(c, c->cpu ? &c->cpu[plat_cpu_id()] : NULL);

		plat_irq_restore(irq);
		if (obj)
			return obj;
		struct page *head = page_alloc(c->order, flags & ~ALLOC_ZERO);
		if (!head)
			return NULL;
		irq = spin_lock_irqsave(&c->lock);
		slab_grow(c, head);
		spin_unlock_irqrestore(&c->lock, irq);
	}
}

/* @asked: bytes that the caller will use. */
static ALWAYS_INLINE void *alloc(struct slab_cache *c, size_t asked, u32 flags)
{
	u64 irq = plat_irq_save();
	struct slab_cpu *cpu = c->cpu ? &c->cpu[plat_cpu_id()] : NULL;
	void *obj = NULL;

	if (__builtin_expect(cpu && cpu->count, 1))
		obj = cpu->obj[--cpu->count];
	plat_irq_restore(irq);
	if (__builtin_expect(!obj, 0))
		obj = alloc_slow(c, flags);
	if (obj)
		kasan_slab_alloc(obj, c->object, asked);
	if (obj && flags & ALLOC_ZERO)
		memset(obj, 0, asked);
	return obj;
}

void *slab_alloc(struct slab_cache *c, u32 flags)
{
	return alloc(c, c->object, flags);
}

void slab_free(struct slab_cache *c, void *obj)
{
	if (!kasan_slab_free(c, obj))
		slab_free_now(c, obj);
}

void slab_free_now(struct slab_cache *c, void *obj)
{
	u64 irq = plat_irq_save();

	if (__builtin_expect(c->cpu != NULL, 1)) {
		struct slab_cpu *cpu = &c->cpu[plat_cpu_id()];

		if (__builtin_expect(cpu->count == c->stack_max, 0))
			flush(c, cpu, c->stack_max / 2);
		cpu->obj[cpu->count++] = obj;
	} else {
		spin_lock_rank(&c->lock, RANK_SLAB);
		struct page *head = slab_push(c, obj);
		spin_unlock_rank(&c->lock, RANK_SLAB);
		release(head);
	}
	plat_irq_restore(irq);
}

/* ---- caches ---- */

static u32 objects_in(u32 size, u32 order)
{
	return (u32)((PAGE_SIZE << order) - sizeof(struct slab)) / size;
}

static void cpu_stacks(struct slab_cache *c)
{
	u64 bytes = plat_cpu_count() * sizeof(struct slab_cpu);

	c->cpu = kzalloc(bytes, ALLOC_KERNEL);
}

static void cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align)
{
	if (!align)
		align = size >= 64 ? 16 : 8;
	c->name = name;
	c->align = (u32)align;
	c->object = (u32)ALIGN_UP(MAX(size, sizeof(void *)), sizeof(void *));
	c->size = kasan_slab_stride(c->object, (u32)align);
	/* The least order that wastes no more than an eighth and holds eight objects, if there is one. */
	for (c->order = 0; c->order < ORDER_MAX; c->order++) {
		u32 n = objects_in(c->size, c->order);
		u32 waste = (u32)((PAGE_SIZE << c->order) - n * c->size);

		if (n >= 8 && waste <= (PAGE_SIZE << c->order) / 8)
			break;
	}
	c->per_slab = objects_in(c->size, c->order);
	c->stack_max = c->size <= 256 ? STACK_MAX : c->size <= 1024 ? 16 : 4;
	assert(c->per_slab);
	spin_init(&c->lock, RANK_SLAB);
	list_init(&c->partial);
	u64 irq = plat_irq_save();
	spin_lock_rank(&all_lock, RANK_LEAF_SPIN);
	list_add_tail(&c->all, &all_caches);
	spin_unlock_rank(&all_lock, RANK_LEAF_SPIN);
	plat_irq_restore(irq);
}

struct slab_cache *slab_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *c = slab_alloc(&boot_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!c)
		return NULL;
	cache_setup(c, name, size, align);
	if (cpus_counted)
		cpu_stacks(c);
	return c;
}

void slab_init(void)
{
	static const char *const names[] = { "kmalloc-8", "kmalloc-16", "kmalloc-32", "kmalloc-64", "kmalloc-128", "kmalloc-256", "kmalloc-512",
		"kmalloc-1k", "kmalloc-2k", "kmalloc-4k", "kmalloc-8k" };
	struct slab_cache *c;

	cache_setup(&boot_cache, "slab_cache", sizeof(struct slab_cache), 0);
	for (u32 s = KMALLOC_MIN_SHIFT; s <= KMALLOC_MAX_SHIFT; s++)
		kmalloc_cache[s] = slab_create(names[s - KMALLOC_MIN_SHIFT], 1ull << s, s < 6 ? 8 : 16);
	kmalloc_odd[0] = slab_create("kmalloc-96", 96, 16);
	kmalloc_odd[1] = slab_create("kmalloc-192", 192, 16);
	if (!kmalloc_odd[1])
		panic("no memory for the first slab caches");
	list_for_each_entry(c, &all_caches, all)
		cpu_stacks(c);
	cpus_counted = true;
}

bool slab_info_at(unsigned i, struct slab_info *out)
{
	struct slab_cache *c;
	bool found = false;

	spin_lock(&all_lock);
	list_for_each_entry(c, &all_caches, all) {
		if (i--)
			continue;
		*out = (struct slab_info){ c->name, c->object, c->inuse, c->slabs * c->per_slab, c->slabs, 1ull << c->order };
		found = true;
		break;
	}
	spin_unlock(&all_lock);
	return found;
}

u64 slab_pages(void)
{
	struct slab_cache *c;
	u64 n = 0;

	spin_lock(&all_lock);
	list_for_each_entry(c, &all_caches, all)
		n += c->slabs << c->order;
	spin_unlock(&all_lock);
	return n;
}

/* ---- kmalloc ---- */

static struct slab_cache *cache_for(size_t size)
{
	if (size <= 192 && size > 128)
		return kmalloc_odd[1];
	if (size <= 96 && size > 64)
		return kmalloc_odd[0];
	u32 shift = size <= 8 ? 3 : 64 - (u32)clz64(size - 1);

	return kmalloc_cache[shift];
}

void *kmalloc(size_t size, u32 flags)
{
	if (__builtin_expect(size <= 1ull << KMALLOC_MAX_SHIFT, 1))
		return alloc(cache_for(size), size, flags);
	if (size > PAGE_SIZE << PAGE_ORDER_MAX)
		return NULL;
	struct page *p = page_alloc(bytes_to_order(size), flags);

	if (!p)
		return NULL;
	kasan_large_alloc(page_virt(p), size, PAGE_SIZE << page_order(p));
	return page_virt(p);
}

void kfree(const void *ptr)
{
	if (!ptr)
		return;
	struct page *head = page_head(virt_page(ptr));

	if (page_has(head, PG_SLAB))
		slab_free(head->mapping, (void *)(u64)ptr);
	else if (kasan_large_free(ptr, page_virt(head)))
		page_put(head);
}

size_t ksize(const void *p)
{
	struct page *head = page_head(virt_page(p));
	size_t bytes = page_has(head, PG_SLAB) ? ((struct slab_cache *)head->mapping)->object : PAGE_SIZE << page_order(head);

	if (kasan_check_read(p, 1))
		kasan_unpoison(p, bytes);	/* who asks may use it all */
	return bytes;
}

/* ---- for reports ---- */

size_t slab_object_bytes(const struct slab_cache *c) { return c->object; }
size_t slab_stride(const struct slab_cache *c) { return c->size; }

bool slab_find(const void *addr, struct slab_where *out)
{
	u64 pfn = ((u64)addr - PLAT_DIRECT_MAP) >> PAGE_SHIFT;

	if ((u64)addr < PLAT_DIRECT_MAP || pfn >= pages_count)
		return false;
	struct page *head = page_head(&pages[pfn]);
	if (!page_has(head, PG_SLAB))
		return false;
	const struct slab_cache *c = head->mapping;
	u64 i = ((u64)addr - (u64)page_virt(head)) / c->size;
	if (i >= c->per_slab)
		return false;
	*out = (struct slab_where){ c->name, (char *)page_virt(head) + i * c->size, c->object };
	return true;
}

void *kzalloc(size_t size, u32 flags) { return kmalloc(size, flags | ALLOC_ZERO); }

void *kmalloc_array(size_t n, size_t size, u32 flags)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, flags);
}

/* Contiguous memory up to the largest run; larger wishes fail. */
void *kvmalloc(size_t size, u32 flags) { return kmalloc(size, flags | ALLOC_NOWARN); }
void kvfree(const void *p) { kfree(p); }

void *kmemdup(const void *src, size_t n, u32 flags)
{
	void *p = kmalloc(n, flags);

	if (p)
		memcpy(p, src, n);
	return p;
}

char *kstrndup(const char *s, size_t max, u32 flags)
{
	size_t n = strnlen(s, max);
	char *p = kmalloc(n + 1, flags);

	if (p) {
		memcpy(p, s, n);
		p[n] = 0;
	}
	return p;
}

char *kstrdup(const char *s, u32 flags) { return kstrndup(s, ~0ull >> 1, flags); }

char *kasprintf(u32 flags, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = fmt_vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = kmalloc((size_t)n + 1, flags);
	if (p) {
		va_start(ap, fmt);
		fmt_vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	return p;
}
