/*
 * Starting and stopping the other CPUs.
 *
 * An application processor runs the trampoline from a page below 1 MiB on the boot page tables, then vm_ap_start in the upper half, which
 * loads the kernel's tables and becomes its idle thread.
 * Source: Intel SDM vol. 3, 8.4.4 (INIT-SIPI-SIPI).
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/thread.h"
#include "plat/vm/vm.h"

enum { TRAMPOLINE_PHYS = 0x8000 };

extern char trampoline_start[], trampoline_end[], trampoline_args[];
extern char boot_pml4[], vm_ap_entry[];

static void (*ap_entry)(void);

/* The canary is set by whoever starts us, before the first protected function. */
void vm_ap_start(struct plat_percpu *cpu)
{
	vm_cpu_init(cpu->id);
	vm_set_kernel_stack(cpu->current->ctx.kernel_sp);
	vm_lapic_init();
	vm_time_init_cpu();
	__atomic_store_n(&cpu->started, 1, __ATOMIC_RELEASE);
	ap_entry();
	panic("a CPU left its idle loop");
}

static bool wait_started(struct plat_percpu *cpu, u32 ms)
{
	for (u32 i = 0; i < ms * 20; i++) {
		if (__atomic_load_n(&cpu->started, __ATOMIC_ACQUIRE))
			return true;
		vm_delay_us(50);
	}
	return false;
}

int plat_cpu_start(u32 id, struct thread *idle, void (*entry)(void))
{
	struct plat_percpu *cpu = &vm_percpu[id];
	char *page = phys_to_virt(TRAMPOLINE_PHYS);
	u64 *args = (u64 *)(page + (trampoline_args - trampoline_start));

	memcpy(page, trampoline_start, trampoline_end - trampoline_start);
	cpu->self = cpu;
	cpu->id = id;
	cpu->current = idle;
	cpu->canary = vm_this()->canary;
	cpu->apic_id = vm_acpi.apic_id[id];
	idle->ctx.kernel_sp = (u64)idle->stack + KSTACK_BYTES;
	args[0] = image_phys(boot_pml4);
	args[1] = idle->ctx.kernel_sp;
	args[2] = (u64)cpu;
	args[3] = (u64)vm_ap_entry;
	ap_entry = entry;
	asm volatile("mfence" ::: "memory");
	vm_ipi_init(cpu->apic_id);
	vm_delay_us(200);
	vm_ipi_startup(cpu->apic_id, TRAMPOLINE_PHYS >> 12);
	if (wait_started(cpu, 10))
		return 0;
	vm_ipi_startup(cpu->apic_id, TRAMPOLINE_PHYS >> 12);
	return wait_started(cpu, 1000) ? 0 : -ETIMEDOUT;
}

void plat_cpu_idle(void)
{
	asm volatile("sti; hlt" ::: "memory");
}

void vm_stop_here(void)
{
	for (;;)
		asm volatile("cli; hlt");
}
