/*
 * Physical pages: the page descriptor and the page allocator.
 *
 * A buddy allocator of orders 0 to PAGE_ORDER_MAX with per-CPU lists of single pages in front.  A run of 2^n pages (order
 * n > 0) is one object: its head's descriptor counts for all; page_head() finds it from any of its pages.
 */
#ifndef KERN_PAGE_H
#define KERN_PAGE_H

#include "base/atomic.h"
#include "base/types.h"
#include "plat/plat.h"

enum { PAGE_ORDER_MAX = 10 };

/* page->flags, changed atomically once the page is visible to others */
enum {
	PG_FREE = 1 << 0,		/* in the buddy allocator */
	PG_TAIL = 1 << 1,		/* not the first of its run; `index` is the distance to the head */
	PG_SLAB = 1 << 2,
	PG_LOCKED = 1 << 3,		/* page cache: being read, truncated or migrated */
	PG_UPTODATE = 1 << 4,
	PG_DIRTY = 1 << 5,
	PG_WRITEBACK = 1 << 6,
	PG_REFERENCED = 1 << 7,		/* used since the last sweep of reclaim */
	PG_ERROR = 1 << 8,
	PG_ANON = 1 << 9,		/* mapping is an anon group */
	PG_CACHE = 1 << 10,		/* in a page cache */
	PG_WAITERS = 1 << 11,		/* someone sleeps for PG_LOCKED or PG_WRITEBACK */
	PG_RESERVED = 1 << 12,		/* not memory, or the kernel's own */
	PG_TABLE = 1 << 13,		/* a page table */
	PG_MLOCKED = 1 << 14,
	PG_ZERO = 1 << 15,		/* the zero page */
	PG_PRIVATE = 1 << 16,		/* private means something to its owner */
	PG_READAHEAD = 1 << 17,		/* touching it starts the next read-ahead */
	PG_SHMEM = 1 << 18,		/* tmpfs: has no other home, cannot be dropped */
};

struct page {
	u32 flags;		/* [a]; bits 24-31: order of the run (head only) */
	u32 refs;		/* [a] 0: free */
	u32 mapcount;		/* [a] page-table entries that map it */
	u32 private;
	union {
		void *mapping;	/* struct mapping * or struct anon_group *; slab: its cache */
		struct page *next_free;
	};
	u64 index;		/* page number within mapping; tail: distance to head */
};
static_assert(sizeof(struct page) == 32, "a descriptor for 4096 bytes should stay small");

extern struct page *pages;	/* indexed by page frame number, [0, pages_count) */
extern u64 pages_count;

static inline u64 page_pfn(const struct page *p) { return (u64)(p - pages); }
static inline paddr_t page_phys(const struct page *p) { return page_pfn(p) << PAGE_SHIFT; }
static inline void *page_virt(const struct page *p) { return phys_to_virt(page_phys(p)); }
static inline struct page *phys_page(paddr_t a) { return &pages[a >> PAGE_SHIFT]; }
static inline struct page *virt_page(const void *v) { return phys_page(virt_to_phys(v)); }
static inline struct page *page_head(struct page *p) { return __atomic_load_n(&p->flags, __ATOMIC_RELAXED) & PG_TAIL ? p - p->index : p; }
static inline unsigned page_order(const struct page *head) { return __atomic_load_n(&head->flags, __ATOMIC_RELAXED) >> 24; }

static inline bool page_has(const struct page *p, u32 flag) { return __atomic_load_n(&p->flags, __ATOMIC_RELAXED) & flag; }
static inline void page_set(struct page *p, u32 flag) { __atomic_fetch_or(&p->flags, flag, __ATOMIC_ACQ_REL); }
static inline void page_clear(struct page *p, u32 flag) { __atomic_fetch_and(&p->flags, ~flag, __ATOMIC_ACQ_REL); }
/** page_test_set - set @flag; Return: whether it was set before. */
static inline bool page_test_set(struct page *p, u32 flag) { return __atomic_fetch_or(&p->flags, flag, __ATOMIC_ACQ_REL) & flag; }
static inline bool page_test_clear(struct page *p, u32 flag) { return __atomic_fetch_and(&p->flags, ~flag, __ATOMIC_ACQ_REL) & flag; }

/* What an allocation may do. */
enum alloc_flags {
	ALLOC_ATOMIC = 0,		/* neither sleep nor reclaim; dips a little into the reserve */
	ALLOC_SLEEP = 1 << 0,
	ALLOC_IO = 1 << 1,		/* may write pages out */
	ALLOC_FS = 1 << 2,		/* may enter a file system */
	ALLOC_ZERO = 1 << 3,
	ALLOC_NOWARN = 1 << 4,
	ALLOC_NOOOM = 1 << 5,		/* fail rather than kill a process */
	ALLOC_KERNEL = ALLOC_SLEEP | ALLOC_IO | ALLOC_FS,
	ALLOC_NOFS = ALLOC_SLEEP | ALLOC_IO,
	ALLOC_USER = ALLOC_KERNEL,
};

/** page_alloc - 2^order contiguous pages, one reference. Return: the head, or NULL. Context: any; thread if ALLOC_SLEEP */
struct page *page_alloc(unsigned order, u32 flags);

/** page_get / page_put - references; the last put frees the run. Head pages only. */
static inline void page_get(struct page *p) { __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED); }
bool page_get_not_zero(struct page *p);
void page_free_last(struct page *p);
static inline void page_put(struct page *p)
{
	if (__atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL) == 1)
		page_free_last(p);
}

/** page_split - make the 2^order pages of a run separate single pages, each with the head's reference count. */
void page_split(struct page *head);

struct page_stats {
	u64 total, free, low_mark;	/* pages */
};
void page_stats(struct page_stats *out);

/** page_register_reclaim - mm/ frees memory when the allocator runs low. @reclaim: Return: pages freed. @oom: kill something. */
void page_register_reclaim(u64 (*reclaim)(u64 want_pages, u32 flags), bool (*oom)(void), void (*wake_background)(void));

void pages_init(void);		/* boot: descriptors and free lists from plat_memory() */
void pages_percpu_init(void);	/* once the CPUs are counted */
/**
 * pages_add - give boot-time memory (the initramfs image once unpacked) to the allocator, as far as it is usable memory: SeaBIOS's tables may
 * reach down into where QEMU has put the image
 */
void pages_add(paddr_t start, paddr_t end);

/** copy_page / clear_page - whole pages, with wide moves. */
void copy_page(void *dst, const void *src);
void clear_page(void *dst);

#endif
