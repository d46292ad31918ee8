/*
 * The shadow's page tables.
 *
 * All of the shadow exists from the start: one page of zeros, mapped everywhere through one table a level that all entries share.
 * Where there is memory, private tables and pages replace the shared ones; the page of zeros is read-only from then on.
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/page.h"
#include "plat/vm/kasan.h"

/* [0] tables of pages ... [2] page-directory pointers; each entry of [n] is [n - 1], of [0] the page of zeros. */
static pte_t shared[PT_LEVELS - 1][PT_ENTRIES] ALIGNED(4096);
static u8 zeros[4096] ALIGNED(4096);

enum { RAM = 1 };

static paddr_t carved_next, carved_end;	/* boot only */
static struct spinlock shadow_lock = SPINLOCK_INIT(RANK_VMAP);	/* the shadow's tables: neighbours share a page of shadow */

extern pte_t boot_pml4[];

static paddr_t shared_phys(unsigned level)
{
	return image_phys(shared[level]);
}

static void fill_shared(u64 page_bits)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		shared[0][i] = image_phys(zeros) | page_bits | PTE_NX | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
		shared[1][i] = shared_phys(0) | PTE_PRESENT | PTE_WRITE;
		shared[2][i] = shared_phys(1) | PTE_PRESENT | PTE_WRITE;
	}
}

void vm_kasan_root(pte_t *root)
{
	for (u64 va = KASAN_SHADOW_START; va < KASAN_SHADOW_END; va += pt_span(3))
		root[pt_index(va, 3)] = shared_phys(2) | PTE_PRESENT | PTE_WRITE;
}

/* Until checks begin, the poison of stack frames falls on the page of zeros and does no harm. */
void vm_kasan_early(void)
{
	fill_shared(PTE_WRITE);
	vm_kasan_root(boot_pml4);
}

bool vm_kasan_shared(paddr_t table)
{
	return table == shared_phys(0) || table == shared_phys(1) || table == shared_phys(2);
}

/*
 * Pages before the allocator: from the end of the largest region of memory, if it is not the image's own, which may be too small for
 * the shadow of all the others.
 */
static void carve(void)
{
	struct vm_boot_region *largest = NULL;
	u64 total = 0;

	for (unsigned i = 0; i < vm_boot_map_count; i++) {
		struct vm_boot_region *r = &vm_boot_map[i];

		if (r->type != RAM)
			continue;
		total += r->len;
		if (!largest || r->len > largest->len)
			largest = r;
	}
	if (!largest || largest->start <= image_phys(image_start))
		return;
	carved_end = ALIGN_DOWN(largest->start + largest->len, PAGE_SIZE);
	carved_next = carved_end - ALIGN_UP(total / KASAN_GRANULE + total / 1024, PAGE_SIZE);
	if (carved_next < largest->start + largest->len / 2)
		panic("no room for the shadow");
	largest->len = carved_next - largest->start;
}

static void *new_early_page(void)
{
	if (carved_next == carved_end)
		return vm_early_alloc(PAGE_SIZE);
	u64 *page = phys_to_virt(carved_next);

	carved_next += PAGE_SIZE;
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		((volatile u64 *)page)[i] = 0;
	return page;
}

static void *new_page(void)
{
	if (!pages_count)
		return new_early_page();
	struct page *p = page_alloc(0, ALLOC_ZERO);

	return p ? page_virt(p) : NULL;
}

/* A private page of shadow at @va, unless it has one. */
static int map_page(u64 va)
{
	pte_t *table = phys_to_virt(vm_kernel_root);

	for (unsigned level = PT_LEVELS - 1; level; level--) {
		pte_t *e = &table[pt_index(va, level)];

		if (vm_kasan_shared(*e & PTE_ADDR)) {
			pte_t *own = new_page();

			if (!own)
				return -ENOMEM;
			for (unsigned i = 0; i < PT_ENTRIES; i++)
				own[i] = shared[level - 1][i];
			*e = virt_to_phys(own) | PTE_PRESENT | PTE_WRITE;
		}
		table = phys_to_virt(*e & PTE_ADDR);
	}
	pte_t *e = &table[pt_index(va, 0)];
	if ((*e & PTE_ADDR) != image_phys(zeros))
		return 0;
	void *page = new_page();
	if (!page)
		return -ENOMEM;
	*e = virt_to_phys(page) | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_ACCESSED | PTE_DIRTY;
	invlpg(va);
	return 0;
}

int vm_kasan_map(u64 va, u64 len)
{
	u64 end = kasan_shadow_at(va + len - 1), irq = spin_lock_irqsave(&shadow_lock);
	int err = 0;

	for (u64 s = ALIGN_DOWN(kasan_shadow_at(va), PAGE_SIZE); s <= end && !err; s += PAGE_SIZE)
		err = map_page(s);
	spin_unlock_irqrestore(&shadow_lock, irq);
	return err;
}

static void map_or_die(u64 va, u64 len)
{
	if (vm_kasan_map(va, len))
		panic("no memory for the shadow of %#llx", (unsigned long long)va);
}

void vm_kasan_init(void)
{
	carve();
	map_or_die((u64)image_start, (u64)(image_end - image_start));
	for (unsigned i = 0; i < vm_boot_map_count; i++)
		if (vm_boot_map[i].type == RAM)
			map_or_die(PLAT_DIRECT_MAP + vm_boot_map[i].start, vm_boot_map[i].len);
	fill_shared(0);
	for (unsigned i = 0; i < sizeof(zeros); i += 8)
		*(volatile u64 *)(PLAT_DIRECT_MAP + image_phys(zeros) + i) = 0;
	write_cr3(vm_kernel_root);
	kasan_enable();
}
