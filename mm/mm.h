/*
 * An address space: areas (vma), page tables, faults.
 *
 * lock (rwsem) guards the set of areas: faults read, mmap and friends write.  table_lock guards page-table contents.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "base/interval.h"
#include "base/rbtree.h"
#include "kern/lock.h"
#include "kern/mutex.h"
#include "kern/page.h"
#include "mm/mapping.h"

struct mm;
struct vma;
struct anon_group;

/* vma->flags */
enum {
	VM_READ = 1 << 0, VM_WRITE = 1 << 1, VM_EXEC = 1 << 2, VM_SHARED = 1 << 3,
	VM_MAYREAD = 1 << 4, VM_MAYWRITE = 1 << 5, VM_MAYEXEC = 1 << 6, VM_MAYSHARE = 1 << 7,
	VM_GROWSDOWN = 1 << 8, VM_LOCKED = 1 << 9, VM_LOCKONFAULT = 1 << 10, VM_DONTFORK = 1 << 11,
	VM_WIPEONFORK = 1 << 12, VM_DONTDUMP = 1 << 13, VM_NORESERVE = 1 << 14, VM_ACCOUNT = 1 << 15,
	VM_SEQ_READ = 1 << 16, VM_RAND_READ = 1 << 17, VM_IO = 1 << 18, VM_PFNMAP = 1 << 19,
	VM_HUGEPAGE = 1 << 20, VM_NOHUGEPAGE = 1 << 21, VM_SPECIAL = 1 << 22, VM_SYNC = 1 << 23, VM_STACK = 1 << 24,
	VM_HEAP = 1 << 25,
};

struct vma_ops {
	void (*open)(struct vma *v);	/* the area was copied or split: take another reference on the owner */
	void (*close)(struct vma *v);	/* this area goes */
	/* fault: optional; the page to map at page number @index of the owner, with a reference. ERR_PTR: -EFAULT (SIGSEGV), -EIO (SIGBUS), -ENOMEM */
	struct page *(*fault)(struct vma *v, u64 index, bool write);
	/* name: what /proc/PID/maps shows; NULL: by the owner's path. Writes at most @size with NUL. */
	int (*name)(struct vma *v, char *buf, size_t size);
	int (*mprotect)(struct vma *v, u32 new_flags);	/* optional; may refuse */
};

struct vma {
	struct rb_node node;		/* [mm->lock] by start */
	struct mm *mm;
	u64 start, end;			/* [mm->lock w] page-aligned, end exclusive */
	u64 pgoff;			/* page number within the file of start */
	u32 flags;			/* VM_* */
	u64 prot_pte;			/* entry bits for its flags */
	u64 gap, max_gap;		/* bytes free in front of it; the greatest such of its subtree */
	const struct vma_ops *ops;	/* NULL: private anonymous memory */
	struct mapping *mapping;	/* the file's pages; NULL: anonymous */
	void *owner;			/* struct file * of the layers above */
	struct anon_group *anon;	/* who may share its anonymous pages; NULL until the first */
	struct interval_node rmap;	/* [mapping->rmap_lock] */
	struct list_head anon_node;	/* [anon group lock]; or on a list of areas to be freed */
};

enum mm_rss { RSS_ANON, RSS_FILE, RSS_SHMEM };

/* Locks: m lock (w: writing) · t table_lock · a atomic · I immutable */
struct mm {
	struct plat_as as;		/* first: the scheduler loads it */
	struct rwsem lock;
	struct spinlock table_lock;
	struct rb_root vmas;		/* [m] */
	struct vma *last;		/* [a] where the last lookup ended: a hint */
	u32 users;			/* [a] threads; 0: areas are torn down */
	u32 refs;			/* [a] the struct; users count one */
	u64 total_pages, locked_pages, data_pages, exec_pages, stack_pages, shared_pages;	/* [m] */
	u64 rss[3];			/* [t] pages, by enum mm_rss */
	u64 table_pages;		/* [t] the root included */
	u64 hiwater_rss;		/* [t] brought up to date by mm_rss_pages() and when memory is unmapped */
	u64 hiwater_pages;		/* [m] */
	u64 mmap_base;			/* [I] areas are placed below it, downwards */
	u64 brk_start, brk;		/* [m] */
	u64 code_start, code_end, data_start, data_end, stack_start;
	u64 arg_start, arg_end, env_start, env_end;
	u64 auxv[48];
	u64 vdso;
	u32 def_flags;			/* [m] mlockall(MCL_FUTURE) */
	u32 dumpable;
	u32 vma_count;
	void *exe;			/* struct file * of the program [a]; released through mm_register_owner_ops */
	u64 owner_ns;
};

/* Limits the caller (task/) applies to, in bytes; U64_MAX: none */
struct mm_limits {
	u64 address_space, data, stack, memlock;
};

struct mm *mm_create(void);				/* users 1; NULL: no memory */
struct mm *mm_fork(struct mm *old);			/* a copy-on-write copy; ERR_PTR(-ENOMEM) */
void mm_get(struct mm *mm);				/* users */
void mm_put(struct mm *mm);				/* last user: all areas go */
void mm_get_struct(struct mm *mm);			/* refs only (ptrace, /proc hold it lightly) */
void mm_put_struct(struct mm *mm);
bool mm_get_not_zero(struct mm *mm);			/* users, if there still are any */
void mm_switch_to(struct mm *mm);			/* current thread uses it from now on; NULL: none. Consumes no reference */

struct vma *vma_find(struct mm *mm, u64 addr);		/* the first with end > addr, or NULL. Lock held */
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct vma *v);

/* A file handed in by the layers above to be mapped. */
struct mm_file {
	const struct vma_ops *ops;	/* required */
	struct mapping *mapping;	/* or NULL: ops->fault gives pages */
	void *owner;			/* ops->open has been called for it once by the caller; consumed on success */
	u32 max_flags;			/* VM_MAY* that its open mode allows */
	u32 extra_flags;		/* VM_IO… */
};

/** mm_map - map [addr, addr+len) as mmap(2) does, arguments checked here. @file NULL: anonymous. *addr_out gets the place. */
MUST_CHECK int mm_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 map_flags, const struct mm_file *file,
		      u64 pgoff, u64 *addr_out);
MUST_CHECK int mm_unmap(struct mm *mm, u64 addr, u64 len);
MUST_CHECK int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot);
MUST_CHECK int mm_remap(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr, u64 *addr_out);
MUST_CHECK int mm_advise(struct mm *mm, u64 addr, u64 len, int advice);
MUST_CHECK int mm_sync(struct mm *mm, u64 addr, u64 len, int flags);
MUST_CHECK int mm_lock_range(struct mm *mm, u64 addr, u64 len, bool lock, bool onfault);
MUST_CHECK int mm_lock_all(struct mm *mm, int flags);
MUST_CHECK int mm_incore(struct mm *mm, u64 addr, u64 pages, u8 *vec);
u64 mm_brk(struct mm *mm, u64 brk);

/** mm_rss_pages - pages resident, all kinds. */
u64 mm_rss_pages(struct mm *mm);
/** mm_populate - fault in [addr, addr+len) as the areas' protection allows; stops at the first failure. Context: lock not held */
MUST_CHECK int mm_populate(struct mm *mm, u64 addr, u64 len);

/* What one area holds, in bytes, as /proc/PID/smaps names it. */
struct mm_usage {
	u64 rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous, swap, locked;
};
/** mm_vma_usage - count the pages of @v. mm->lock held (read suffices) */
void mm_vma_usage(struct vma *v, struct mm_usage *out);
/** vma_is_anon - private anonymous memory, the heap and stacks included. */
static inline bool vma_is_anon(const struct vma *v) { return !v->ops && !v->mapping; }
/** mm_page_info - one entry for /proc/PID/pagemap: bit 63 present, 61 file or shared anonymous, 55 soft-dirty, low bits the frame */
u64 mm_page_info(struct mm *mm, u64 addr);
/** mm_clear_refs - forget the accessed bits (/proc/PID/clear_refs). */
void mm_clear_refs(struct mm *mm);

/** mm_fault - the platform's upcall: resolve or send the signal. */
int mm_fault(struct plat_regs *regs, u64 addr, unsigned flags);
/** mm_register_signal - how faults that cannot be resolved reach the thread: @sig, @code, @addr. */
void mm_register_signal(void (*send)(int sig, int code, u64 addr));
/** mm_register_limits - the current task's limits. */
void mm_register_limits(void (*get)(struct mm_limits *out));
/** mm_register_exe - how to drop mm->exe. */
void mm_register_exe(void (*get)(void *exe), void (*put)(void *exe));

/** mm_access - read or write another address space's memory (ptrace, process_vm, /proc/PID/mem). Return: bytes done, or -EFAULT/-EIO if none. @force: ignore protection (ptrace) */
s64 mm_access(struct mm *mm, u64 addr, void *buf, size_t len, bool write, bool force);
/** mm_pin_page - the page at a user address of @mm, faulted in, with a reference. ERR_PTR. */
struct page *mm_pin_page(struct mm *mm, u64 addr, bool write);
/** mm_unpin_page - give it back; @wrote: its bytes were changed. Context: thread */
void mm_unpin_page(struct page *p, bool wrote);

/* reverse maps: rmap.c */
/**
 * rmap_unmap_mapping - remove all page-table entries for pages [first, last] of a mapping; private copies stay
 * The caller has taken the pages out of the cache first, so that no fault brings one back.
 */
void rmap_unmap_mapping(struct mapping *m, u64 first, u64 last);
/** rmap_unmap_truncated - the same, and private copies go too (truncate). */
void rmap_unmap_truncated(struct mapping *m, u64 first, u64 last);
/** rmap_clean - make a page's entries clean and read-only before write-back. Return: whether one was dirty */
bool rmap_clean(struct page *p);

struct mm_stats {
	u64 anon, file, shmem, mapped, dirty, writeback, page_tables, committed, mlocked;	/* pages */
	u64 faults, major_faults;
	u64 dirtied, written;		/* pages of files since boot */
};
void mm_stats(struct mm_stats *out);
extern u64 mm_committed_pages;

/** mm_register_oom - what kills a process to free memory. @kill: Return: whether one is dying now */
void mm_register_oom(bool (*kill)(void));
/** mm_register_shrinker - a cache above that can free memory. @shrink: Return: objects freed; flags: ALLOC_* of the allocation in need */
void mm_register_shrinker(u64 (*shrink)(u64 want, u32 flags));
/** mm_overcommit_set, _get - vm.overcommit_memory: 0 heuristic, 1 always, 2 never. */
void mm_overcommit_set(unsigned mode, unsigned ratio);
unsigned mm_overcommit_get(void);
u64 mm_commit_limit_pages(void);

/** mm_init - caches, the zero page, reclaim's registration. Context: boot, after slab_init */
void mm_init(void);
/** mm_start_threads - write-back and background reclaim. Context: thread, once the scheduler runs */
void mm_start_threads(void);
u64 mm_random_base(unsigned bits);	/* page-aligned random offset of `bits` bits of pages */

/* a user-visible futex key: see task/futex.c */
struct mm_futex_key {
	u64 a, b;	/* mm and address, or mapping and page index */
	u32 offset;
	u32 shared;
};
MUST_CHECK int mm_futex_key(u64 addr, bool shared, struct mm_futex_key *out);

#endif
