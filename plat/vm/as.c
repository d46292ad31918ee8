/*
 * Address spaces as the CPU sees them: loading a root, and telling the other CPUs that translations went stale.
 *
 * as->cpus has a bit for each CPU that may hold translations.  A flush writes its range into this CPU's request, sets this CPU's bit in the
 * inbox of each CPU concerned, interrupts them and waits until all have answered; meanwhile it answers others, since interrupts stay on.
 * A CPU that runs a kernel thread with somebody's address space still loaded drops it instead of flushing.
 */
#include <linux/errno.h>
#include "base/bitops.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/thread.h"
#include "plat/vm/vm.h"

enum { FLUSH_ALL_PAGES = 32 };		/* more than this many: reload the root */

struct flush_request {
	struct plat_as *as;
	u64 start, end;
	u32 pending;		/* [a] CPUs that have not answered */
} CACHELINE_ALIGNED;

static struct flush_request request[CPUS_MAX];
static u64 inbox[CPUS_MAX];	/* [a] bit n: CPU n waits for us */

int plat_as_init(struct plat_as *as, paddr_t root_table)
{
	pte_t *root = phys_to_virt(root_table), *kernel = phys_to_virt(vm_kernel_root);

	memcpy(root + 256, kernel + 256, 256 * sizeof(pte_t));
	as->root = root_table;
	as->cpus = 0;
	return 0;
}

static void load(struct plat_as *as)
{
	struct plat_percpu *cpu = vm_this();
	struct plat_as *old = cpu->as;

	if (as == old)
		return;
	if (as)
		__atomic_fetch_or(&as->cpus, 1ull << cpu->id, __ATOMIC_SEQ_CST);
	cpu->as = as;
	write_cr3(as ? as->root : vm_kernel_root);
	if (old)
		__atomic_fetch_and(&old->cpus, ~(1ull << cpu->id), __ATOMIC_SEQ_CST);
}

void plat_as_switch(struct plat_as *as)
{
	u64 flags = plat_irq_save();

	load(as);
	plat_irq_restore(flags);
}

static void flush_local(u64 start, u64 end)
{
	if ((end - start) >> PAGE_SHIFT > FLUSH_ALL_PAGES) {
		write_cr3(read_cr3());
		return;
	}
	for (u64 va = start; va < end; va += PAGE_SIZE)
		invlpg(va);
}

static void flush_global(void)
{
	u64 cr4 = read_cr4();

	if (vm_features.pge)
		write_cr4(cr4 & ~(u64)CR4_PGE);
	write_cr4(cr4);
	write_cr3(read_cr3());
}

void vm_flush_ipi(void)
{
	struct plat_percpu *cpu = vm_this();
	u64 from = __atomic_exchange_n(&inbox[cpu->id], 0, __ATOMIC_SEQ_CST);

	for (; from; from &= from - 1) {
		struct flush_request *r = &request[__builtin_ctzll(from)];

		if (!r->as) {
			flush_global();
		} else if (cpu->as == r->as) {
			if (!r->end || current()->flags & TF_KERNEL)
				load(NULL);
			else
				flush_local(r->start, r->end);
		}
		__atomic_fetch_sub(&r->pending, 1, __ATOMIC_RELEASE);
	}
}

/* end 0: let go of the address space altogether.  @as NULL: all of the kernel's half. */
static void ask(u64 others, struct plat_as *as, u64 start, u64 end)
{
	u32 me = plat_cpu_id();
	struct flush_request *r = &request[me];

	others &= ~(1ull << me);
	if (!others)
		return;
	assert(plat_irq_enabled());
	r->as = as;
	r->start = start;
	r->end = end;
	__atomic_store_n(&r->pending, (u32)popcount64(others), __ATOMIC_RELEASE);
	for (u64 m = others; m; m &= m - 1) {
		u32 cpu = (u32)__builtin_ctzll(m);

		__atomic_fetch_or(&inbox[cpu], 1ull << me, __ATOMIC_SEQ_CST);
		vm_ipi(vm_percpu[cpu].apic_id, VEC_FLUSH);
	}
	while (__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE))
		plat_cpu_relax();
}

static void ask_others(struct plat_as *as, u64 start, u64 end)
{
	ask(__atomic_load_n(&as->cpus, __ATOMIC_SEQ_CST), as, start, end);
}

void vm_flush_kernel(void)
{
	u64 started = 0;

	for (u32 i = 0; i < plat_cpu_count(); i++)
		if (__atomic_load_n(&vm_percpu[i].started, __ATOMIC_ACQUIRE))
			started |= 1ull << i;
	flush_global();
	ask(started, NULL, 0, 0);
}

void plat_tlb_flush(struct plat_as *as, u64 start, u64 end)
{
	if (vm_this()->as == as)
		flush_local(start, end);
	ask_others(as, start, end);
}

void plat_as_fini(struct plat_as *as)
{
	plat_as_switch(vm_this()->as == as ? NULL : vm_this()->as);
	ask_others(as, 0, 0);
	assert(!as->cpus);
}
