/*
 * What the files of mm/ share: page-table access, the gathering of pages to free, operations on areas.
 *
 * Page tables.  A leaf entry is one of
 *	0			nothing: a fault fills it
 *	PRESENT ...		a page
 *	PTE_PROTNONE ...	a page that nobody may touch (PROT_NONE): not present to the hardware, address kept
 * Every entry that names a page holds a reference on it and counts in its mapcount; reserved pages (the zero page, device
 * memory) are not counted.
 *
 * Rules of tables: (1) entries change under mm->table_lock; (2) tables are added under mm->lock (read or write) and
 * table_lock; (3) a table is freed only with mm->lock held for writing, after every area that it served has left its
 * reverse maps: so who holds mm->lock, or the reverse-map lock of an area, may walk that area's tables.
 *
 * Lock order: mm->lock, rmap_lock or an anon group's lock (never two of these), table_lock, mapping->lock.
 */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "base/string.h"
#include "kern/assert.h"
#include "mm/mm.h"
#include <linux/errno.h>

/* ---- counters: per CPU, summed when asked for ---- */

enum mm_count {
	COUNT_ANON, COUNT_FILE, COUNT_SHMEM, COUNT_MAPPED, COUNT_DIRTY, COUNT_WRITEBACK, COUNT_TABLES, COUNT_MLOCKED,
	COUNT_FAULTS, COUNT_MAJOR, COUNT_DIRTIED, COUNT_WRITTEN, COUNTS,
};

struct backing;

struct mm_cpu_counts {
	s64 v[COUNTS];
} CACHELINE_ALIGNED;
extern struct mm_cpu_counts mm_cpu_counts[CPUS_MAX];

/* Context: thread (the kernel is not preempted, and no interrupt counts). */
static inline void mm_count_add(enum mm_count which, s64 n)
{
	mm_cpu_counts[plat_cpu_id()].v[which] += n;
}
u64 mm_count_sum(enum mm_count which);

/* ---- page-table entries ---- */

#define PTE_PROTNONE PTE_SOFT1
#define PTE_FLAGS_KEEP (PTE_ADDR | PTE_ACCESSED | PTE_DIRTY)

extern struct page *mm_zero_page;

static inline bool pte_mapped(pte_t e) { return e & (PTE_PRESENT | PTE_PROTNONE); }
static inline struct page *pte_page(pte_t e) { return phys_page(e & PTE_ADDR); }
static inline pte_t pte_make(struct page *p, u64 bits) { return page_phys(p) | bits; }
static inline bool page_counted(const struct page *p) { return !page_has(p, PG_RESERVED); }
static inline pte_t *pt_table(pte_t e) { return phys_to_virt(e & PTE_ADDR); }
static inline u64 span_end(u64 addr, unsigned level) { return (addr & ~(pt_span(level) - 1)) + pt_span(level); }

/** pt_find - the leaf entry for @addr, or NULL if a table is missing. Rule 3's locks */
pte_t *pt_find(struct mm *mm, u64 addr);
/** pt_next - the leaf entry of the first address >= *addr, < @end whose leaf table exists; *addr moves there. NULL: none */
pte_t *pt_next(struct mm *mm, u64 *addr, u64 end);
/** pt_get - the leaf entry for @addr, tables added. NULL: no memory. mm->lock held, table_lock not */
pte_t *pt_get(struct mm *mm, u64 addr);

/* Map and unmap one reference's worth; the reference itself is the caller's. table_lock held. */
static inline enum mm_rss page_rss(const struct page *p)
{
	return page_has(p, PG_ANON) ? RSS_ANON : page_has(p, PG_SHMEM) ? RSS_SHMEM : RSS_FILE;
}
static inline void page_map_added(struct mm *mm, struct page *head)
{
	if (atomic_fetch_add(&head->mapcount, 1) == 0)
		mm_count_add(page_has(head, PG_ANON) ? COUNT_ANON : COUNT_MAPPED, 1);
	mm->rss[page_rss(head)]++;
}
static inline void page_map_dropped(struct page *head)
{
	if (atomic_fetch_sub(&head->mapcount, 1) == 1)
		mm_count_add(page_has(head, PG_ANON) ? COUNT_ANON : COUNT_MAPPED, -1);
}

/* ---- gathering what an unmapping frees: nothing is released before no CPU can still reach it ---- */

enum { GATHER_PAGES = 128 };

struct gather {
	struct mm *mm;
	u64 start, end;			/* translations to flush; empty if start >= end */
	struct page *tables;		/* chained by mapping */
	bool no_flush;			/* no CPU has the address space */
	unsigned count;
	struct page *page[GATHER_PAGES];
};

void gather_init(struct gather *g, struct mm *mm);
/** gather_flush - flush translations and drop what was gathered. Context: no spin lock held */
void gather_flush(struct gather *g);

/* How to unmap. */
enum {
	ZAP_KEEP_ANON = 1,	/* private copies of a file's pages stay */
};
/** zap_range - remove the entries of [start, end), which lies in one area; pages go to @g. Rule 3's locks */
void zap_range(struct gather *g, struct vma *v, u64 start, u64 end, unsigned how);
/** tables_free - unlink the tables that serve only [start, end); areas lie below @floor and from @ceiling on. */
void tables_free(struct gather *g, u64 start, u64 end, u64 floor, u64 ceiling);

/* ---- areas ---- */

enum { MM_MIN_ADDR = 65536, STACK_GUARD_BYTES = 256 << 12, VMA_COUNT_MAX = 65530 };
#define MM_TABLES_CEILING (1ull << 47)

struct vma *vma_alloc(void);			/* zeroed; NULL: no memory */
void vma_insert(struct mm *mm, struct vma *v);	/* into the tree */
void vma_remove(struct mm *mm, struct vma *v);
void vma_set_bounds(struct vma *v, u64 start, u64 end);	/* of one in the tree; pgoff follows start. Reverse maps are the caller's */
struct vma *vma_prev(struct vma *v);
struct vma *vma_prev_of(struct mm *mm, u64 addr);	/* the last with start < addr */
struct vma *vma_overlap(struct mm *mm, u64 start, u64 end);	/* the first that overlaps, or NULL */
u64 vma_gap_find(struct mm *mm, u64 len, u64 low, u64 high);	/* highest place in [low, high); 0: none */
u64 vma_prot_bits(u32 flags);
static inline u64 vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
static inline u64 vma_index(const struct vma *v, u64 addr) { return v->pgoff + ((addr - v->start) >> PAGE_SHIFT); }
/** vma_link / vma_unlink - enter and leave the tree and the reverse maps. mm->lock held for writing */
void vma_link(struct mm *mm, struct vma *v);
void vma_unlink(struct mm *mm, struct vma *v);
/** vma_resize - vma_set_bounds with the reverse maps kept right. */
void vma_resize(struct vma *v, u64 start, u64 end);
/** vma_split - cut @v at @addr, inside it; @v keeps the lower part. Return: 0, -ENOMEM */
MUST_CHECK int vma_split(struct mm *mm, struct vma *v, u64 addr);
/** vma_can_merge - whether @b, which starts where @a ends, could be the same area. Pure */
bool vma_can_merge(const struct vma *a, const struct vma *b);
/** vma_merge_around - join @v with its neighbours where that can be; Return: the area that now holds it. Dead ones go to @dead */
struct vma *vma_merge_around(struct mm *mm, struct vma *v, struct list_head *dead);
/** vmas_release - call close and free; mm->lock not held, since close may enter a file system. */
void vmas_release(struct list_head *dead);
/** vma_account / - the totals of @mm for @pages pages of an area with these flags. @sign: 1 or -1 */
void vma_account(struct mm *mm, const struct vma *v, u64 pages, int sign);

/* range of areas: split at both ends so that [start, end) is whole areas. */
MUST_CHECK int vma_isolate(struct mm *mm, u64 start, u64 end);

/** unmap_locked - munmap with mm->lock held for writing; areas go to @dead. Range checked by the caller */
MUST_CHECK int unmap_locked(struct mm *mm, u64 start, u64 end, struct list_head *dead);

/* reverse maps */
struct anon_group;
MUST_CHECK int anon_prepare(struct vma *v);		/* give @v a group; mm->lock held (read or write) */
void anon_join(struct vma *v, struct anon_group *g);	/* a relative of it */
void anon_leave(struct vma *v);
void rmap_link(struct vma *v);				/* mapping's tree */
void rmap_unlink(struct vma *v);
bool rmap_referenced(struct page *p);			/* test and clear accessed bits */
/** rmap_unmap_page - remove every entry that maps a locked cache page. Return: whether none is left. */
bool rmap_unmap_page(struct page *p);
void anon_group_init(void);
void vma_init(void);
void mm_cache_init(void);

/* limits and accounting */
void mm_limits_get(struct mm_limits *out);
MUST_CHECK int commit_charge(u64 pages);		/* 0, -ENOMEM */
void commit_uncharge(u64 pages);
static inline bool vma_flags_accountable(u32 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_NORESERVE)) == VM_WRITE;
}
MUST_CHECK int mlock_check(struct mm *mm, u64 more_pages);	/* 0, -EPERM, -EAGAIN */
bool may_expand(struct mm *mm, u32 flags, u64 pages);	/* RLIMIT_AS, RLIMIT_DATA */

/* placing */
u64 mmap_place(struct mm *mm, u64 hint, u64 len, u32 map_flags);	/* 0: no room */

/* faults */
enum {
	FAULT_WRITE = 1,
	FAULT_FORCE = 2,	/* ptrace: break copy-on-write of an area that is not writable */
	FAULT_PREFAULT = 4,	/* not an access: map quietly */
};
/** vma_fault - resolve a fault inside @v. mm->lock held for reading. Return: 0, -EFAULT, -EIO (SIGBUS), -ENOMEM */
MUST_CHECK int vma_fault(struct vma *v, u64 addr, unsigned flags);
MUST_CHECK int stack_expand(struct mm *mm, u64 addr);	/* mm->lock held for writing */
void mm_exe_get(void *exe);
void mm_exe_put(void *exe);

/* page cache */
void mapping_pin(struct mapping *m);
void mapping_unpin(struct mapping *m);
void cache_node_init(void);
/** page_remove - take a locked page out of the cache; the tree's reference is dropped. */
void page_remove(struct page *p);
/** page_remove_unused - the same if nobody but the caller, who holds one reference, uses it; both references go. Return: whether */
bool page_remove_unused(struct mapping *m, struct page *p);
void page_clear_dirty(struct mapping *m, struct page *p);
struct page *mapping_add(struct mapping *m, struct page *fresh, u64 index);	/* NULL: added, locked; else the page there (with a reference) or ERR_PTR */
MUST_CHECK int page_lock_killable(struct page *p);
/** page_lock_unless_writeback - wait for the lock, but not for one whose holder waits for the page's write-back. Return: locked, and not being written */
bool page_lock_unless_writeback(struct page *p);
bool readahead_before(struct mapping *m, struct readahead *ra, u64 index, u64 want_pages);	/* a miss at index */
void readahead_marked(struct mapping *m, struct readahead *ra, struct page *p, u64 index);
struct page *mapping_get_want(struct mapping *m, u64 index, struct readahead *ra, u64 want_pages);
void writeback_note(struct mapping *m);
void writeback_forget(struct mapping *m);
/** writeback_some - start up to @max dirty pages; without @all not those that are locked or being written. Return: how many were started */
u64 writeback_some(struct mapping *m, u64 max, bool all);
void writeback_wait(struct mapping *m);		/* until none of its pages is being written */
void backing_init(void);
void backing_start(void);
void backing_kick(struct backing *b);		/* see whether too much is dirty, soon. Context: thread */
bool dirty_over_background(struct backing *b);
void dirty_measure(struct backing *b);		/* bring its rates up to date */
/** writeback_page - write one locked dirty page out and unlock it. Return: 0 or -errno */
MUST_CHECK int writeback_page(struct mapping *m, struct page *p);
void reclaim_init(void);
void reclaim_start(void);
void page_lock_init(void);
void page_end_writeback(struct page *p);

#endif
