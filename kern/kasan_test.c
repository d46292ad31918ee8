/*
 * The sanitizer's own checklist: each case makes one mistake, which must be reported, or none, which must not.
 *
 * With the kernel argument kasan_test all cases run before the first program; each says `kasan_test: NAME: ok`, or what is wrong, and
 * tests/kasan/run compares the reports with what it expects.  The cases are those that Linux's KASAN test names, written anew.
 */
#include "base/string.h"
#include "kern/assert.h"
#include "kern/kasan_internal.h"
#include "kern/printk.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "kern/work.h"

/* Keeps the compiler from knowing what a pointer points at, and from leaving an access out. */
#define HIDE(x) ({ __typeof__(x) hidden = (x); __asm__ volatile("" : "+r"(hidden)); hidden; })
static volatile u64 sink;

static char *make(size_t n)
{
	char *p = kmalloc(n, ALLOC_KERNEL);

	if (!p)
		panic("kasan_test: no memory");
	return HIDE(p);
}

/* ---- kmalloc ---- */

static void kmalloc_oob_right(void) { char *p = make(123); p[123] = 'x'; kfree(p); }
static void kmalloc_oob_right_far(void) { char *p = make(115); p[120] = 'y'; kfree(p); }
static void kmalloc_oob_right_read(void) { char *p = make(128); sink = (u64)p[128]; kfree(p); }

/* What lies before the first object of a slab is another page's. */
static void kmalloc_oob_left(void)
{
	char *p = make(15), *q = make(15);

	sink = (u64)((u64)p & ~PAGE_MASK ? p : q)[-1];
	kfree(p);
	kfree(q);
}

static void kmalloc_node_oob_right(void) { char *p = make(4096); sink = (u64)p[4096]; kfree(p); }
static void kmalloc_pagealloc_oob_right(void) { char *p = make(3 * PAGE_SIZE + 10); p[3 * PAGE_SIZE + 10] = 0; kfree(p); }
static void kmalloc_pagealloc_uaf(void) { char *p = make(4 * PAGE_SIZE); kfree(p); sink = (u64)p[0]; }
static void kmalloc_pagealloc_invalid_free(void) { char *p = make(4 * PAGE_SIZE); kfree(p + 1); kfree(p); }
static void kmalloc_large_oob_right(void) { char *p = make(8192 - 256); p[8192 - 256] = 0; kfree(p); }

static void pagealloc_oob_right(void)
{
	struct page *run = page_alloc(4, ALLOC_KERNEL), *after;

	/* The page behind one that is free: give back the upper half of a run. */
	if (!run)
		panic("kasan_test: no memory");
	page_split(run);
	after = run + 8;
	for (int i = 8; i < 16; i++)
		page_put(run + i);
	sink = *HIDE((char *)page_virt(after));
	for (int i = 0; i < 8; i++)
		page_put(run + i);
}

static void pagealloc_uaf(void)
{
	struct page *run = page_alloc(4, ALLOC_KERNEL);
	char *p = HIDE((char *)page_virt(run));

	page_put(run);
	p[0] = 0;
}

static void kmalloc_oob_16(void)
{
	struct pair { u64 a, b; } *small = HIDE((struct pair *)make(sizeof(struct pair) - 3)), *whole = HIDE((struct pair *)make(sizeof(struct pair)));

	*small = *whole;
	kfree(small);
	kfree(whole);
}

static void kmalloc_uaf_16(void)
{
	struct pair { u64 a, b; } *to = HIDE((struct pair *)make(sizeof(struct pair))), *gone = HIDE((struct pair *)make(sizeof(struct pair)));

	kfree(gone);
	*to = *gone;
	kfree(to);
}

static void kmalloc_oob_in_memset(void) { char *p = make(128 - 8); memset(p, 0, HIDE(128ul)); kfree(p); }
static void kmalloc_oob_memset_2(void) { char *p = make(128 - 8); memset(p + 120 - 1, 0, HIDE(2ul)); kfree(p); }
static void kmalloc_oob_memset_16(void) { char *p = make(128 - 8); memset(p + 120 - 15, 0, HIDE(16ul)); kfree(p); }
static void kmalloc_memmove_negative_size(void) { char *p = make(64); memmove(p, p + 4, HIDE((size_t)-2)); kfree(p); }
static void kmalloc_memmove_invalid_size(void) { char *p = make(64); memmove(p, p + 4, HIDE(64ul)); kfree(p); }
static void kmalloc_memcpy_oob(void) { char *p = make(64), *q = make(65); memcpy(p, q, HIDE(65ul)); kfree(p); kfree(q); }
static void kmalloc_uaf(void) { char *p = make(10); kfree(p); p[8] = 'x'; }
static void kmalloc_uaf_memset(void) { char *p = make(33); kfree(p); memset(p, 0, HIDE(30ul)); }

static void kmalloc_uaf_after_another(void)
{
	char *p = make(43);

	kfree(p);
	char *other = make(43);

	p[40] = 'x';		/* the quarantine keeps @other from being the same object */
	assert(p != other);
	kfree(other);
}

static void kmalloc_double_kzfree(void) { char *p = make(16); memzero_explicit(p, 16); kfree(p); kfree(p); }
static void kfree_via_page(void) { char *p = make(2 * PAGE_SIZE + PAGE_SIZE); page_put(virt_page(p)); sink = (u64)p[1]; }
static void kmalloc_invalid_free(void) { char *p = make(48); kfree(p + 8); kfree(p); }
static void krealloc_more_oob(void) { char *p = make(17), *q = make(19); memcpy(q, p, 17); kfree(p); q[19] = 'x'; kfree(q); }
static void krealloc_uaf(void) { char *p = make(17), *q = make(201); memcpy(q, p, 17); kfree(p); sink = (u64)p[0]; kfree(q); }

/* ---- ksize ---- */

static void ksize_unpoisons_memory(void) { char *p = make(123); size_t n = ksize(p); p[123] = 'x'; p[n - 1] = 'x'; kfree(p); }
static void ksize_oob(void) { char *p = make(123); size_t n = ksize(p); p[n] = 'x'; kfree(p); }
static void ksize_uaf(void) { char *p = make(123); kfree(p); sink = ksize(p); }

/* ---- caches ---- */

static struct slab_cache *cache;

static void kmem_cache_oob(void) { char *p = HIDE((char *)slab_alloc(cache, ALLOC_KERNEL)); sink = (u64)p[200]; slab_free(cache, p); }
static void kmem_cache_uaf(void) { char *p = HIDE((char *)slab_alloc(cache, ALLOC_KERNEL)); slab_free(cache, p); sink = (u64)p[100]; }
static void kmem_cache_double_free(void) { char *p = HIDE((char *)slab_alloc(cache, ALLOC_KERNEL)); slab_free(cache, p); slab_free(cache, p); }
static void kmem_cache_invalid_free(void) { char *p = HIDE((char *)slab_alloc(cache, ALLOC_KERNEL)); slab_free(cache, p + 1); slab_free(cache, p); }

static void kmem_cache_accounted(void)
{
	for (int i = 0; i < 5; i++) {
		char *p = HIDE((char *)slab_alloc(cache, ALLOC_KERNEL | ALLOC_ZERO));

		p[0] = p[199] = 1;
		slab_free(cache, p);
	}
}

/* ---- globals and the stack ---- */

static char global_array[10];
static const char global_text[] = "of nine ";

static void kasan_global_oob_right(void) { char *p = HIDE(&global_array[0]); sink = (u64)p[10 + 3]; }
static void kasan_global_oob_const(void) { const char *p = HIDE(&global_text[0]); sink = (u64)p[sizeof(global_text)]; }
static NOINLINE void kasan_stack_oob(void) { char array[10] = { 0 }; char *p = HIDE(&array[0]); sink = (u64)p[HIDE(10)]; }
static NOINLINE void kasan_stack_oob_left(void) { char array[10] = { 0 }; char *p = HIDE(&array[0]); p[HIDE(-1)] = 1; }
static NOINLINE void kasan_stack_in_bounds(void) { char array[10] = { 0 }; char *p = HIDE(&array[0]); sink = (u64)p[HIDE(9)]; }

/* ---- strings ---- */

static void kasan_memchr(void) { char *p = make(24); memset(p, 0, 24); sink = (u64)memchr(p, '1', HIDE(25ul)); kfree(p); }
static void kasan_memcmp(void) { char *p = make(24), other[32] = { 0 }; memset(p, 0, 24); sink = (u64)memcmp(p, other, HIDE(25ul)); kfree(p); }

static char *gone_string(void)
{
	char *p = make(24);

	memset(p, 'a', 24);
	kfree(p);
	return p;
}

static void kasan_strchr(void) { sink = (u64)strchr(gone_string(), '1'); }
static void kasan_strrchr(void) { sink = (u64)strrchr(gone_string(), '1'); }
static void kasan_strcmp(void) { sink = (u64)strcmp(gone_string(), "b"); }
static void kasan_strncmp(void) { sink = (u64)strncmp(gone_string(), "b", 1); }
static void kasan_strlen(void) { sink = strlen(gone_string()); }
static void kasan_strnlen(void) { sink = strnlen(gone_string(), 1); }
static void kasan_strscpy(void) { char to[8]; sink = (u64)strscpy(to, gone_string(), 1); }
static void kasan_strlen_unterminated(void) { char *p = make(24); memset(p, 'a', 24); sink = strlen(p); kfree(p); }

/* ---- atomics and bits ---- */

static void kasan_atomic_oob(void) { u64 *p = (u64 *)make(48); __atomic_fetch_add(&p[6], 1, __ATOMIC_RELAXED); kfree(p); }
static void kasan_bitops_oob(void) { u32 *p = (u32 *)make(20); __atomic_fetch_or(&p[5], 1, __ATOMIC_RELAXED); kfree(p); }

/* ---- user copies: the kernel's side is checked before the user's is touched ---- */

static void copy_from_user_oob(void) { char *p = make(128 - 8); sink = plat_copy_from_user(p, PAGE_SIZE, HIDE(121ul)); kfree(p); }
static void copy_to_user_oob(void) { char *p = make(128 - 8); sink = plat_copy_to_user(PAGE_SIZE, p, HIDE(121ul)); kfree(p); }
static void strncpy_from_user_oob(void) { char *p = make(128 - 8); sink = (u64)plat_strncpy_from_user(p, PAGE_SIZE, HIDE(121ul)); kfree(p); }

/* ---- wild addresses: the check comes before the access, which would end the kernel; so check alone ---- */

static void kasan_null_ptr(void) { sink = kasan_check_read(HIDE((void *)8), 8); }
static void kasan_user_ptr(void) { sink = kasan_check_write(HIDE((void *)0x400000), 4); }
static void kasan_wild_ptr(void) { sink = kasan_check_read(HIDE((void *)0x123456789abcdef0), 1); }

/* ---- freed behind one's back ---- */

struct late {
	struct rcu_head rcu;
	struct work work;
	int value;
};
static u32 late_done;	/* [a] */

static void late_free(struct rcu_head *h)
{
	kfree(container_of(h, struct late, rcu));
	__atomic_store_n(&late_done, 1, __ATOMIC_RELEASE);
}

static void late_work(struct work *w) { kfree(container_of(w, struct late, work)); }

static void rcu_uaf(void)
{
	struct late *l = HIDE((struct late *)make(sizeof(*l)));

	call_rcu(&l->rcu, late_free);
	while (!__atomic_load_n(&late_done, __ATOMIC_ACQUIRE))
		sleep_ns(1000000);
	sink = (u64)l->value;
}

static void workqueue_uaf(void)
{
	struct late *l = HIDE((struct late *)make(sizeof(*l)));

	work_init(&l->work, late_work);
	work_queue(&l->work);
	work_flush();
	sink = (u64)l->value;
}

static void kmalloc_in_bounds(void) { char *p = make(123); memset(p, 1, 123); sink = (u64)p[122]; kfree(p); }

/* Runs off the end of the kernel stack, which ends the kernel. */
static NOINLINE u64 recurse(u64 n) /* NOLINT(misc-no-recursion) */
{
	volatile char room[256];

	room[n & 255] = (char)n;
	return HIDE(n) ? recurse(n + 1) + (u64)room[n & 255] : 0;
}

#define CAUGHT(fn) { #fn, fn, true }
#define CLEAN(fn) { #fn, fn, false }
static const struct {
	const char *name;
	void (*run)(void);
	bool caught;
} cases[] = {
	CAUGHT(kmalloc_oob_right), CAUGHT(kmalloc_oob_right_far), CAUGHT(kmalloc_oob_right_read), CAUGHT(kmalloc_oob_left),
	CAUGHT(kmalloc_node_oob_right), CAUGHT(kmalloc_pagealloc_oob_right), CAUGHT(kmalloc_pagealloc_uaf),
	CAUGHT(kmalloc_pagealloc_invalid_free), CAUGHT(kmalloc_large_oob_right), CAUGHT(pagealloc_oob_right), CAUGHT(pagealloc_uaf),
	CAUGHT(kmalloc_oob_16), CAUGHT(kmalloc_uaf_16), CAUGHT(kmalloc_oob_in_memset), CAUGHT(kmalloc_oob_memset_2),
	CAUGHT(kmalloc_oob_memset_16), CAUGHT(kmalloc_memmove_negative_size), CAUGHT(kmalloc_memmove_invalid_size), CAUGHT(kmalloc_memcpy_oob), CAUGHT(kmalloc_uaf),
	CAUGHT(kmalloc_uaf_memset), CAUGHT(kmalloc_uaf_after_another), CAUGHT(kmalloc_double_kzfree), CAUGHT(kfree_via_page),
	CAUGHT(kmalloc_invalid_free), CAUGHT(krealloc_more_oob), CAUGHT(krealloc_uaf), CLEAN(ksize_unpoisons_memory), CAUGHT(ksize_oob),
	CAUGHT(ksize_uaf), CAUGHT(kmem_cache_oob), CAUGHT(kmem_cache_uaf), CAUGHT(kmem_cache_double_free), CAUGHT(kmem_cache_invalid_free),
	CLEAN(kmem_cache_accounted), CAUGHT(kasan_global_oob_right), CAUGHT(kasan_global_oob_const), CAUGHT(kasan_stack_oob),
	CAUGHT(kasan_stack_oob_left), CLEAN(kasan_stack_in_bounds), CAUGHT(kasan_memchr), CAUGHT(kasan_memcmp), CAUGHT(kasan_strchr),
	CAUGHT(kasan_strrchr), CAUGHT(kasan_strcmp), CAUGHT(kasan_strncmp), CAUGHT(kasan_strlen), CAUGHT(kasan_strnlen),
	CAUGHT(kasan_strscpy), CAUGHT(kasan_strlen_unterminated), CAUGHT(kasan_atomic_oob), CAUGHT(kasan_bitops_oob),
	CAUGHT(copy_from_user_oob), CAUGHT(copy_to_user_oob), CAUGHT(strncpy_from_user_oob), CAUGHT(kasan_null_ptr),
	CAUGHT(kasan_user_ptr), CAUGHT(kasan_wild_ptr), CAUGHT(rcu_uaf), CAUGHT(workqueue_uaf), CLEAN(kmalloc_in_bounds),
};

void kasan_selftest(void)
{
	u32 good = 0;

	if (strstr(plat_cmdline(), "kasan_overflow"))
		sink = recurse(1);
	if (strstr(plat_cmdline(), "kasan_die"))
		kmalloc_uaf();
	if (!strstr(plat_cmdline(), "kasan_test"))
		return;
	kasan_multi_shot = true;
	cache = slab_create("test_cache", 200, 0);
	if (!cache)
		panic("kasan_test: no memory");
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 before = __atomic_load_n(&kasan_reports, __ATOMIC_RELAXED);

		pr_err("kasan_test: begin %s", cases[i].name);
		cases[i].run();
		u32 reports = __atomic_load_n(&kasan_reports, __ATOMIC_RELAXED) - before;
		bool ok = cases[i].caught ? reports > 0 : !reports;

		good += ok;
		pr_err("kasan_test: %s: %s, %u reports", cases[i].name, ok ? "ok" : cases[i].caught ? "NOT CAUGHT" : "REPORTED", reports);
	}
	pr_err("kasan_test: %u of %zu cases ok", good, ARRAY_SIZE(cases));
}
