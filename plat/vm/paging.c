/*
 * The kernel's half of every address space.
 *
 *   PLAT_DIRECT_MAP  all RAM, RW- NX, 2 MiB pages; 4 KiB where the kernel image lies, whose text and constants are read-only there too
 *   IO_BASE          device memory, RW- NX, uncached
 *   STACK_BASE       kernel stacks (stack.c), RW- NX
 *   KERNEL_BASE      the image: text R-X, constants R--, data RW-
 *
 * The top-level entries of the kernel half are complete after vm_paging_init and never change, so that address
 * spaces may copy them.
 */
#include "base/string.h"
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/printk.h"
#include "kern/page.h"
#include "plat/vm/kasan.h"
#include "plat/vm/vm.h"

paddr_t vm_kernel_root;
static struct spinlock io_lock = SPINLOCK_INIT(RANK_VMAP);
static u64 io_next = IO_BASE;	/* [io_lock] */
static u64 global_bit;

extern char boot_stack[];

static pte_t *table_of(pte_t *entry)
{
	if (!(*entry & PTE_PRESENT)) {
		void *page;

		if (pages_count) {
			struct page *p = page_alloc(0, ALLOC_ZERO);

			if (!p)
				return NULL;
			page = page_virt(p);
		} else {
			page = vm_early_alloc(PAGE_SIZE);
		}
		*entry = virt_to_phys(page) | PTE_PRESENT | PTE_WRITE;
	}
	return phys_to_virt(*entry & PTE_ADDR);
}

/* One entry at @level (0: 4 KiB, 1: 2 MiB).  A large page in the way is split. */
static bool map_one(u64 va, paddr_t pa, u64 bits, unsigned level)
{
	pte_t *table = phys_to_virt(vm_kernel_root);

	for (unsigned l = PT_LEVELS - 1; l > level; l--) {
		pte_t *e = &table[pt_index(va, l)];

		if ((*e & PTE_HUGE) && (*e & PTE_PRESENT)) {
			u64 old = *e;

			*e = 0;
			pte_t *sub = table_of(e);
			for (unsigned i = 0; i < PT_ENTRIES; i++)
				sub[i] = (old & ~PTE_HUGE) + i * PAGE_SIZE;
		}
		table = table_of(e);
		if (!table)
			return false;
	}
	table[pt_index(va, level)] = pa | bits | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | (level ? PTE_HUGE : 0);
	return true;
}

static void map_range(u64 va, paddr_t pa, u64 len, u64 bits)
{
	u64 end = va + len;

	while (va < end) {
		unsigned level = !(va & (pt_span(1) - 1)) && !(pa & (pt_span(1) - 1)) && end - va >= pt_span(1);

		if (!map_one(va, pa, bits, level))
			panic("out of memory mapping the kernel");
		va += pt_span(level);
		pa += pt_span(level);
	}
}

static void map_direct(void)
{
	for (unsigned i = 0; i < vm_boot_map_count; i++) {
		struct vm_boot_region *r = &vm_boot_map[i];
		u64 start = ALIGN_DOWN(r->start, PAGE_SIZE), end = ALIGN_UP(r->start + r->len, PAGE_SIZE);

		/* Everything the loader names except far-off device ranges: ACPI tables lie in reserved memory. */
		if (r->type != 1 && r->len > (64u << 20))
			continue;
		map_range(PLAT_DIRECT_MAP + start, start, end - start, PTE_WRITE | PTE_NX | global_bit);
	}
	map_range(PLAT_DIRECT_MAP, 0, 0x100000, PTE_WRITE | PTE_NX | global_bit);
}

static void map_image(void)
{
	const struct { char *start, *end; u64 bits; } parts[] = {
		{ text_start, text_end, 0 },
		{ rodata_start, rodata_end, PTE_NX },
		{ data_start, image_end, PTE_NX | PTE_WRITE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		for (char *p = parts[i].start; p < parts[i].end; p += PAGE_SIZE) {
			paddr_t pa = image_phys(p);

			if (!map_one((u64)p, pa, parts[i].bits | global_bit, 0) ||
			    !map_one(PLAT_DIRECT_MAP + pa, pa, parts[i].bits | PTE_NX | global_bit, 0))
				panic("out of memory mapping the kernel image");
		}
}

void vm_paging_init(void)
{
	global_bit = vm_features.pge ? PTE_GLOBAL : 0;
	vm_patch_smap();	/* last chance to write text */
	pte_t *root = vm_early_alloc(PAGE_SIZE);
	vm_kernel_root = virt_to_phys(root);
	map_direct();
	map_image();
	table_of(&root[pt_index(IO_BASE, 3)]);
	table_of(&root[pt_index(STACK_BASE, 3)]);
	/* Physical memory beyond the first 512 GiB needs further top entries: map_direct made what RAM there is. */
	vm_kasan_root(root);
	write_cr3(vm_kernel_root);
	vm_kasan_init();
}

bool vm_map_page(u64 va, paddr_t pa)
{
	return map_one(va, pa, PTE_WRITE | PTE_NX | global_bit, 0);
}

paddr_t vm_unmap_page(u64 va)
{
	pte_t *table = phys_to_virt(vm_kernel_root);

	for (unsigned l = PT_LEVELS - 1; l; l--)
		table = phys_to_virt(table[pt_index(va, l)] & PTE_ADDR);
	pte_t old = table[pt_index(va, 0)];
	table[pt_index(va, 0)] = 0;
	return old & PTE_ADDR;
}

void *plat_map_io(paddr_t phys, u64 len_bytes)
{
	paddr_t start = ALIGN_DOWN(phys, PAGE_SIZE);
	u64 len = ALIGN_UP(phys + len_bytes, PAGE_SIZE) - start;
	u64 flags = spin_lock_irqsave(&io_lock);
	u64 va = io_next;

	io_next += len + PAGE_SIZE;
	for (u64 off = 0; off < len; off += PAGE_SIZE)
		if (!map_one(va + off, start + off, PTE_WRITE | PTE_NX | PTE_PCD | PTE_PWT | global_bit, 0)) {
			va = 0;
			break;
		}
	spin_unlock_irqrestore(&io_lock, flags);
	return va ? (void *)(va + (phys - start)) : NULL;
}

/* ---- the W^X check ---- */

struct wx_count {
	u64 pages, wx;
	u64 first;
};

/* Effective rights are the conjunction over the levels. */
static void wx_walk(pte_t *table, unsigned level, u64 va, bool w, bool x, struct wx_count *c)
{
	for (unsigned i = level == 3 ? 256 : 0; i < PT_ENTRIES; i++) {
		pte_t e = table[i];
		u64 at = va + i * pt_span(level);
		bool ew = w && (e & PTE_WRITE), ex = x && !(e & PTE_NX);

		if (level == 3)
			at |= 0xffff000000000000ull;
		if (!(e & PTE_PRESENT) || vm_kasan_shared(e & PTE_ADDR))
			continue;
		if (level && !(e & PTE_HUGE)) {
			wx_walk(phys_to_virt(e & PTE_ADDR), level - 1, at, ew, ex, c);
			continue;
		}
		c->pages += pt_span(level) / PAGE_SIZE;
		if (ew && ex) {
			if (!c->wx)
				c->first = at;
			c->wx += pt_span(level) / PAGE_SIZE;
		}
	}
}

void plat_seal(void)
{
	struct wx_count c = { 0 };

	wx_walk(phys_to_virt(vm_kernel_root), PT_LEVELS - 1, 0, true, true, &c);
	if (c.wx)
		pr_warn("x86/mm: Checked W+X mappings: FAILED, %llu W+X pages found, first at %#llx.",
			(unsigned long long)c.wx, (unsigned long long)c.first);
	else
		pr_info("x86/mm: Checked W+X mappings: passed, no W+X pages found.");
}
