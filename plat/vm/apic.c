/*
 * The local APIC: x2APIC where the CPU has it, else memory-mapped; inter-processor interrupts and the one-shot timer.
 *
 * Source: Intel SDM vol. 3, chapter 10.
 */
#include "kern/assert.h"
#include "kern/printk.h"
#include "plat/vm/vm.h"

enum { REG_ID = 0x20, REG_TPR = 0x80, REG_EOI = 0xb0, REG_SPURIOUS = 0xf0, REG_ICR = 0x300, REG_ICR_HIGH = 0x310, REG_LVT_TIMER = 0x320,
       REG_LVT_LINT0 = 0x350, REG_LVT_LINT1 = 0x360, REG_LVT_ERROR = 0x370, REG_TIMER_INIT = 0x380, REG_TIMER_NOW = 0x390, REG_TIMER_DIV = 0x3e0 };
enum { MSR_X2APIC = 0x800, LVT_MASKED = 1 << 16, TIMER_ONESHOT = 0, TIMER_TSC_DEADLINE = 2 << 17, ICR_PENDING = 1 << 12 };

static bool x2apic;
static volatile u32 *lapic;

static u32 lapic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC + (reg >> 4)) : lapic[reg / 4];
}

static void lapic_write(u32 reg, u32 v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		lapic[reg / 4] = v;
}

u32 vm_lapic_id(void)
{
	u32 id = lapic_read(REG_ID);

	return x2apic ? id : id >> 24;
}

void vm_lapic_eoi(void)
{
	lapic_write(REG_EOI, 0);
}

void vm_lapic_setup(void)
{
	x2apic = vm_features.x2apic;
	if (!x2apic) {
		lapic = plat_map_io(vm_acpi.lapic_phys ? vm_acpi.lapic_phys : 0xfee00000, PAGE_SIZE);
		if (!lapic)
			panic("cannot map the local APIC");
	}
}

void vm_lapic_init(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 1 << 11 | (x2apic ? 1 << 10 : 0));
	lapic_write(REG_TPR, 0);
	lapic_write(REG_LVT_LINT0, LVT_MASKED);
	lapic_write(REG_LVT_LINT1, LVT_MASKED);
	lapic_write(REG_LVT_ERROR, LVT_MASKED);
	lapic_write(REG_LVT_TIMER, LVT_MASKED);
	lapic_write(REG_SPURIOUS, 0x100 | VEC_SPURIOUS);
	vm_this()->apic_id = vm_lapic_id();
}

static void icr_write(u32 dest, u32 low)
{
	if (x2apic) {
		wrmsr(MSR_X2APIC + (REG_ICR >> 4), (u64)dest << 32 | low);
		return;
	}
	u64 flags = plat_irq_save();	/* two writes: an interrupt's own IPI must not come between */
	while (lapic_read(REG_ICR) & ICR_PENDING)
		plat_cpu_relax();
	lapic_write(REG_ICR_HIGH, dest << 24);
	lapic_write(REG_ICR, low);
	plat_irq_restore(flags);
}

void vm_ipi(u32 apic_id, u32 vector) { asm volatile("mfence" ::: "memory"); icr_write(apic_id, vector | 1 << 14); }
void vm_ipi_all_others(u32 vector) { icr_write(0, vector | 3 << 18 | 1 << 14); }
void vm_nmi_all_others(void) { icr_write(0, 4 << 8 | 3 << 18 | 1 << 14); }
void vm_ipi_init(u32 apic_id) { icr_write(apic_id, 5 << 8 | 1 << 14); }
void vm_ipi_startup(u32 apic_id, u32 page) { icr_write(apic_id, 6 << 8 | 1 << 14 | page); }

void plat_cpu_kick(u32 cpu)
{
	vm_ipi(vm_percpu[cpu].apic_id, VEC_KICK);
}

void vm_lapic_timer_init(void)
{
	lapic_write(REG_TIMER_DIV, 0xb);	/* by 1 */
	lapic_write(REG_LVT_TIMER, VEC_TIMER | (vm_features.tsc_deadline ? TIMER_TSC_DEADLINE : TIMER_ONESHOT));
}

/* The counter's rate is measured against the TSC by time.c. */
u64 vm_lapic_hz;

void vm_lapic_timer_arm(u64 delta_ns, u64 deadline_tsc)
{
	if (vm_features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, deadline_tsc);
		return;
	}
	if (delta_ns == ~0ull) {
		lapic_write(REG_TIMER_INIT, 0);
		return;
	}
	u64 ticks = delta_ns > 2000000000 ? 2 * vm_lapic_hz : delta_ns * vm_lapic_hz / 1000000000;

	lapic_write(REG_TIMER_INIT, ticks > 0xffffffff ? 0xffffffff : ticks ? (u32)ticks : 1);
}

void vm_lapic_count_start(void)
{
	lapic_write(REG_TIMER_DIV, 0xb);
	lapic_write(REG_LVT_TIMER, LVT_MASKED);
	lapic_write(REG_TIMER_INIT, 0xffffffff);
}

u32 vm_lapic_count_passed(void)
{
	return 0xffffffff - lapic_read(REG_TIMER_NOW);
}
