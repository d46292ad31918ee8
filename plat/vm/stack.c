/*
 * Kernel stacks: each in a slot of an address range of its own, with nothing mapped below it, so that an overflow faults at once.
 *
 *	STACK_BASE + slot * STACK_SLOT:  | nothing: the guard | KSTACK_BYTES of stack |
 *
 * A stack that is given back stays mapped and waits on a list for the next thread; so most forks map nothing, and no CPU need forget a
 * translation.  Once more wait than anyone is likely to want, a worker takes a batch of them down with one flush of all CPUs.
 * A stack does not lie in the direct map: no device may be given its address.
 *
 * Locks: s stacks_lock
 */
#include "base/bitops.h"
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/lock.h"
#include "kern/page.h"
#include "kern/thread.h"
#include "kern/work.h"
#include "plat/vm/kasan.h"
#include "plat/vm/vm.h"

enum { STACK_PAGES = KSTACK_BYTES / PAGE_SIZE, SLOTS_MAX = 1 << 17, KEEP_MAX = 64, BATCH = 16 };
#define STACK_SLOT (2ull * KSTACK_BYTES)

/* The first words of a stack that waits. */
struct idle_stack {
	struct idle_stack *next;
};

static void trim(struct work *w);

static struct spinlock stacks_lock = SPINLOCK_INIT(RANK_VMAP);
static struct idle_stack *idle;			/* [s] mapped, unused */
static u32 idle_count;				/* [s] */
static u64 slot_taken[SLOTS_MAX / 64];		/* [s] bit set: mapped, or about to be */
static u32 slot_hint;				/* [s] no word before this one has room */
static struct work trim_work = { .node = LIST_HEAD_INIT(trim_work.node), .fn = trim };

/* ---- slots; stacks_lock held ---- */

static s64 slot_take(void)
{
	for (; slot_hint < ARRAY_SIZE(slot_taken); slot_hint++)
		if (~slot_taken[slot_hint]) {
			u32 bit = (u32)ctz64(~slot_taken[slot_hint]);

			slot_taken[slot_hint] |= 1ull << bit;
			return 64 * slot_hint + bit;
		}
	return -1;
}

static void slot_give(u64 slot)
{
	slot_taken[slot / 64] &= ~(1ull << slot % 64);
	slot_hint = MIN(slot_hint, (u32)(slot / 64));
}

static u64 stack_of(u64 slot)
{
	return STACK_BASE + slot * STACK_SLOT + KSTACK_BYTES;
}

static u64 slot_of(u64 addr)
{
	return (addr - STACK_BASE) / STACK_SLOT;
}

/* ---- memory behind a slot ---- */

static void put_pages(struct page *const *p, u32 pages)
{
	while (pages)
		page_put(p[--pages]);
}

static void *map_new(void)
{
	struct page *p[STACK_PAGES];
	u32 have = 0, mapped = 0;

	for (; have < STACK_PAGES; have++) {
		p[have] = page_alloc(0, ALLOC_KERNEL);
		if (!p[have])
			goto out_pages;
	}
	u64 irq = spin_lock_irqsave(&stacks_lock);
	s64 slot = slot_take();
	u64 stack = slot < 0 ? 0 : stack_of((u64)slot);
	for (; stack && mapped < STACK_PAGES; mapped++)
		if (!vm_map_page(stack + mapped * PAGE_SIZE, page_phys(p[mapped])))
			break;
	spin_unlock_irqrestore(&stacks_lock, irq);
	if (stack && mapped == STACK_PAGES && !vm_kasan_map(stack, KSTACK_BYTES)) {
		kasan_unpoison((void *)stack, KSTACK_BYTES);
		return (void *)stack;
	}
	/* Nobody has touched these translations, so no CPU holds them. */
	irq = spin_lock_irqsave(&stacks_lock);
	while (mapped)
		(void)vm_unmap_page(stack + --mapped * PAGE_SIZE);
	if (stack)
		slot_give((u64)slot);
	spin_unlock_irqrestore(&stacks_lock, irq);
out_pages:
	put_pages(p, have);
	return NULL;
}

static struct idle_stack *idle_take(void)
{
	u64 irq = spin_lock_irqsave(&stacks_lock);
	struct idle_stack *s = idle;

	if (s) {
		kasan_unpoison(s, KSTACK_BYTES);
		idle = s->next;
		idle_count--;
	}
	spin_unlock_irqrestore(&stacks_lock, irq);
	return s;
}

void *plat_stack_alloc(void)
{
	struct idle_stack *s = idle_take();

	return s ? (void *)s : map_new();
}

void plat_stack_free(void *stack)
{
	struct idle_stack *s = stack;
	u64 irq = spin_lock_irqsave(&stacks_lock);

	kasan_unpoison(stack, KSTACK_BYTES);	/* its last frames never returned */
	s->next = idle;
	idle = s;
	bool many = ++idle_count > KEEP_MAX;
	kasan_poison(stack, KSTACK_BYTES, KASAN_PAGE_FREE);
	spin_unlock_irqrestore(&stacks_lock, irq);
	if (many)
		work_queue(&trim_work);
}

/* Take stacks down until half of what may wait is left. */
static void trim(struct work *w)
{
	struct page *p[BATCH * STACK_PAGES];
	u64 slot[BATCH];
	u32 n;

	do {
		for (n = 0; n < BATCH && READ_ONCE(idle_count) > KEEP_MAX / 2; n++) {
			struct idle_stack *s = idle_take();

			if (!s)
				break;
			slot[n] = slot_of((u64)s);
			u64 irq = spin_lock_irqsave(&stacks_lock);
			for (u32 i = 0; i < STACK_PAGES; i++)
				p[n * STACK_PAGES + i] = phys_page(vm_unmap_page((u64)s + i * PAGE_SIZE));
			spin_unlock_irqrestore(&stacks_lock, irq);
		}
		if (!n)
			return;
		vm_flush_kernel();
		put_pages(p, n * STACK_PAGES);
		u64 irq = spin_lock_irqsave(&stacks_lock);
		for (u32 i = 0; i < n; i++)
			slot_give(slot[i]);
		spin_unlock_irqrestore(&stacks_lock, irq);
	} while (n == BATCH);
}

bool vm_stack_guard(u64 addr, u64 *stack)
{
	if (addr < STACK_BASE || addr - STACK_BASE >= SLOTS_MAX * STACK_SLOT || (addr - STACK_BASE) % STACK_SLOT >= KSTACK_BYTES)
		return false;
	*stack = stack_of(slot_of(addr));
	return true;
}
