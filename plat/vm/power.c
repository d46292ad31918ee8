/*
 * The end: power off, reset, halt, and stopping after a panic.
 *
 * A panic writes PANIC_CODE to QEMU's debug-exit device, which ends QEMU with status (code << 1) | 1; where there is no such device the write
 * is lost and the machine resets (-no-reboot makes QEMU leave).
 * Source: ACPI 6.4, 4.8.3.2 (PM1 control), 4.8.3.7 (sleep control), 4.8.3.6 (reset register).
 */
#include "plat/vm/vm.h"

enum { DEBUG_EXIT_PORT = 0xf4, PANIC_CODE = 0x2f, SLP_EN = 1 << 13, SLP_EN_REDUCED = 1 << 5 };

static void stop_others(void)
{
	vm_ipi_all_others(VEC_STOP);
}

static void write_register(u8 space, u64 addr, u8 value)
{
	if (space == 1)
		plat_port_out8((u16)addr, value);
	else if (space == 0 && addr)
		*(volatile u8 *)phys_to_virt(addr) = value;
}

void plat_halt(void)
{
	plat_irq_disable();
	stop_others();
	vm_stop_here();
}

void plat_power_off(void)
{
	plat_irq_disable();
	stop_others();
	if (vm_acpi.sleep_ctl.addr && vm_acpi.hw_reduced) {
		void *p = vm_acpi.sleep_ctl.space == 0 ? plat_map_io(vm_acpi.sleep_ctl.addr, 1) : NULL;
		u8 v = (u8)((vm_acpi.s5_valid ? vm_acpi.s5_typ_a : 5) << 2 | SLP_EN_REDUCED);

		if (p)
			*(volatile u8 *)p = v;
		else
			write_register(vm_acpi.sleep_ctl.space, vm_acpi.sleep_ctl.addr, v);
	}
	if (vm_acpi.pm1a_cnt && vm_acpi.s5_valid) {
		plat_port_out16(vm_acpi.pm1a_cnt, (u16)(vm_acpi.s5_typ_a << 10 | SLP_EN));
		if (vm_acpi.pm1b_cnt)
			plat_port_out16(vm_acpi.pm1b_cnt, (u16)(vm_acpi.s5_typ_b << 10 | SLP_EN));
	}
	vm_stop_here();
}

void plat_reset(void)
{
	plat_irq_disable();
	if (vm_acpi.reset.addr && vm_acpi.reset.space == 1) {
		write_register(1, vm_acpi.reset.addr, vm_acpi.reset.value);
	} else if (vm_acpi.reset.addr && vm_acpi.reset.space == 0) {
		volatile u8 *p = plat_map_io(vm_acpi.reset.addr, 1);

		if (p)
			*p = vm_acpi.reset.value;
	}
	vm_delay_us(1000);
	plat_port_out8(0xcf9, 0x06);
	plat_port_out8(0x64, 0xfe);	/* the keyboard controller's reset line */
	vm_delay_us(1000);
	struct PACKED { u16 limit; u64 base; } none = { 0, 0 };
	asm volatile("lidt %0; int3" ::"m"(none));	/* no handler for the fault of the fault: the CPU resets */
	vm_stop_here();
}

void plat_panic_stop(void)
{
	plat_irq_disable();
	vm_nmi_all_others();	/* one of them may spin with its interrupts off */
	plat_port_out8(DEBUG_EXIT_PORT, PANIC_CODE);
	plat_reset();
}
