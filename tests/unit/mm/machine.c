/* See machine.h. */
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kern/cred.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/internal.h"
#include "tests/unit/mm/machine.h"

enum { ARENA_PAGES = 8192, ARCH_SET_GS_CODE = 0x1001 };

struct page *pages;
u64 pages_count;
struct cred cred_root = { .cap_effective = ~0ull };
int machine_signal, machine_signal_code;

static struct plat_percpu percpu;
static struct thread thread;
static struct page *descriptors;
static u8 *arena;
static u32 next_free, stack_count, free_stack[ARENA_PAGES];
static int fail_after = -1;
static bool failed;

/* ---- failing allocations ---- */

void machine_fail_after(int n)
{
	fail_after = n;
	failed = false;
}

bool machine_failed(void)
{
	return failed;
}

static bool fails(void)
{
	if (fail_after < 0 || fail_after-- > 0)
		return false;
	failed = true;
	return true;
}

/* ---- pages ---- */

u64 machine_pages_used(void)
{
	return next_free - stack_count;
}

struct page *page_alloc(unsigned order, u32 flags)
{
	u32 n;
	struct page *p;

	assert(order == 0);
	if (fails())
		return NULL;
	n = stack_count ? free_stack[--stack_count] : next_free++;
	assert(n < ARENA_PAGES);
	p = &descriptors[n];
	assert(p->refs == 0);
	*p = (struct page){ .refs = 1 };
	memset(page_virt(p), flags & ALLOC_ZERO ? 0 : 0xa5, PAGE_SIZE);
	return p;
}

void page_free_last(struct page *p)
{
	assert(!(p->flags & (PG_TAIL | PG_LOCKED | PG_SLAB | PG_CACHE | PG_RESERVED)) && !p->mapcount && !p->refs);
	memset(page_virt(p), 0x5a, PAGE_SIZE);
	free_stack[stack_count++] = (u32)(p - descriptors);
}

bool page_get_not_zero(struct page *p)
{
	return atomic_inc_not_zero(&p->refs);
}

void page_stats(struct page_stats *out)
{
	*out = (struct page_stats){ ARENA_PAGES, ARENA_PAGES - machine_pages_used(), 32 };
}

void page_register_reclaim(u64 (*reclaim)(u64 want, u32 flags), bool (*oom)(void), void (*wake)(void)) {}
void copy_page(void *dst, const void *src) { memcpy(dst, src, PAGE_SIZE); }
void clear_page(void *dst) { memset(dst, 0, PAGE_SIZE); }

/* ---- slab ---- */

struct slab_cache {
	size_t size;
};

struct slab_cache *slab_create(const char *name, size_t size, size_t align)
{
	static struct slab_cache caches[16];
	static unsigned used;
	struct slab_cache *c = &caches[used++ % 16];

	c->size = size;
	return c;
}

void *slab_alloc(struct slab_cache *c, u32 flags)
{
	void *p = fails() ? NULL : malloc(c->size);

	if (p)
		memset(p, flags & ALLOC_ZERO ? 0 : 0xa5, c->size);
	return p;
}

void slab_free(struct slab_cache *c, void *obj) { free(obj); }
void *kzalloc(size_t size, u32 flags) { return fails() ? NULL : calloc(1, size); }
void kfree(const void *p) { free((void *)p); }

/* ---- one thread, nothing to wait for ---- */

NORETURN void assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

NORETURN void panic(const char *fmt, ...) { abort(); }
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head)) { fn(head); }
void rank_violation(u32 rank, const u64 *held) { fprintf(stderr, "rank %u\n", rank); abort(); }
void spin_lock_slow(struct spinlock *l, u32 ticket) { abort(); }
void mutex_init(struct mutex *m, enum lock_rank rank) { *m = (struct mutex){ .rank = rank }; }
void mutex_lock_slow(struct mutex *m) { abort(); }
void mutex_unlock_slow(struct mutex *m) { abort(); }
void rwsem_init(struct rwsem *s, enum lock_rank rank) { *s = (struct rwsem){ .rank = rank }; }
void rwsem_read_lock_slow(struct rwsem *s) { abort(); }
void rwsem_write_lock_slow(struct rwsem *s) { abort(); }
void rwsem_wake(struct rwsem *s) { abort(); }
bool waiter_wake_thread(struct waiter *w, u32 key) { return true; }
void waitq_prepare(struct waitq *q, struct waiter *w, enum thread_state state) { abort(); }
void waitq_finish(struct waitq *q, struct waiter *w) { abort(); }
__attribute__((weak)) void waitq_wake(struct waitq *q, u32 exclusive, u32 key) {}
void schedule(void) { abort(); }
bool schedule_timeout(u64 deadline_ns) { abort(); }
__attribute__((weak)) void complete(struct completion *c) { abort(); }
__attribute__((weak)) void wait_for_completion(struct completion *c) { abort(); }
void sleep_ns(u64 ns) {}
struct thread *kthread_create(void (*fn)(void *arg), void *arg, const char *name, ...) { return &thread; }
u64 random_u64(void) { return 42; }

/* ---- the machine ---- */

int plat_as_init(struct plat_as *as, paddr_t root) { as->root = root; return 0; }
void plat_as_fini(struct plat_as *as) {}
void plat_as_switch(struct plat_as *as) {}
void plat_tlb_flush(struct plat_as *as, u64 start, u64 end) {}
u32 plat_cpu_count(void) { return 1; }
long plat_strncpy_from_user(char *dst, u64 src, size_t n) { return -EFAULT; }
u64 plat_mono_ns(void) { static u64 now; return now += 1000; }

/* The word at a user address, faulted in; NULL: a signal came. */
static u64 *touch(u64 addr, bool write)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		pte_t *pte = pt_find(thread.mm, addr), e = pte ? *pte : 0;
		u64 need = PTE_PRESENT | PTE_USER | (write ? PTE_WRITE : 0);

		if ((e & need) == need) {
			*pte |= PTE_ACCESSED | (write ? PTE_DIRTY : 0);
			return (u64 *)((char *)page_virt(pte_page(e)) + (addr & (PAGE_SIZE - 1)));
		}
		machine_signal = 0;
		mm_fault(NULL, addr, PLAT_FAULT_USER | (write ? PLAT_FAULT_WRITE : 0));
		if (machine_signal)
			return NULL;
	}
	return NULL;
}

bool user_store(u64 addr, u64 value)
{
	u64 *at = touch(addr, true);

	if (at)
		*at = value;
	return at;
}

bool user_load(u64 addr, u64 *value)
{
	u64 *at = touch(addr, false);

	if (at)
		*value = *at;
	return at;
}

/* Kernel copies, a byte at a time: each may fault. */
size_t plat_copy_from_user(void *dst, u64 src, size_t n)
{
	for (; n; n--, src++, dst = (u8 *)dst + 1) {
		u64 *at = touch(src, false);

		if (!at)
			break;
		*(u8 *)dst = *(u8 *)at;
	}
	return n;
}

size_t plat_copy_to_user(u64 dst, const void *src, size_t n)
{
	for (; n; n--, dst++, src = (const u8 *)src + 1) {
		u64 *at = touch(dst, true);

		if (!at)
			break;
		*(u8 *)at = *(const u8 *)src;
	}
	return n;
}

size_t plat_clear_user(u64 dst, size_t n)
{
	u8 zero = 0;

	while (n && !plat_copy_to_user(dst, &zero, 1)) {
		n--;
		dst++;
	}
	return n;
}

static void on_signal(int sig, int code, u64 addr)
{
	machine_signal = sig;
	machine_signal_code = code;
}

void machine_start(void)
{
	if (arena)
		return;
	arena = mmap(NULL, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	descriptors = calloc(ARENA_PAGES, sizeof(struct page));
	pages = (struct page *)((u64)descriptors - ((u64)arena - PLAT_DIRECT_MAP) / PAGE_SIZE * sizeof(struct page));
	pages_count = ~0ull;
	percpu.self = &percpu;
	percpu.current = &thread;
	thread.cred = &cred_root;
	syscall(SYS_arch_prctl, ARCH_SET_GS_CODE, &percpu);
	mm_init();
	mm_register_signal(on_signal);
}
