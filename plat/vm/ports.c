/*
 * Port and PCI configuration access.
 *
 * Configuration space: memory-mapped if the firmware tables name it, else ports 0xcf8 and 0xcfc.
 * Source: PCI Local Bus Specification 3.0, 3.2.2.3.2.
 */
#include <linux/errno.h>
#include "kern/lock.h"
#include "plat/vm/vm.h"

static struct spinlock pci_lock = SPINLOCK_INIT(RANK_VMAP);
static u8 *ecam;

u8 plat_port_in8(u16 port) { u8 v; asm volatile("inb %w1, %0" : "=a"(v) : "Nd"(port)); return v; }
u16 plat_port_in16(u16 port) { u16 v; asm volatile("inw %w1, %0" : "=a"(v) : "Nd"(port)); return v; }
u32 plat_port_in32(u16 port) { u32 v; asm volatile("inl %w1, %0" : "=a"(v) : "Nd"(port)); return v; }
void plat_port_out8(u16 port, u8 v) { asm volatile("outb %0, %w1" ::"a"(v), "Nd"(port)); }
void plat_port_out16(u16 port, u16 v) { asm volatile("outw %0, %w1" ::"a"(v), "Nd"(port)); }
void plat_port_out32(u16 port, u32 v) { asm volatile("outl %0, %w1" ::"a"(v), "Nd"(port)); }

static u32 address(u8 bus, u8 devfn, u16 offset)
{
	return 0x80000000u | (u32)bus << 16 | (u32)devfn << 8 | (offset & 0xfc);
}

bool plat_pci_present(void)
{
	u64 flags = spin_lock_irqsave(&pci_lock);

	plat_port_out32(0xcf8, 0x80000000);
	bool there = plat_port_in32(0xcf8) == 0x80000000 && plat_port_in32(0xcfc) != 0xffffffff;
	spin_unlock_irqrestore(&pci_lock, flags);
	if (there && vm_acpi.ecam_phys && !ecam)
		ecam = plat_map_io(vm_acpi.ecam_phys, ((u64)vm_acpi.ecam_bus_last + 1) << 20 > (4 << 20) ? 4 << 20 : ((u64)vm_acpi.ecam_bus_last + 1) << 20);
	return there;
}

/* Only the first four buses are mapped: each costs a MiB of page-table entries. */
static bool use_ecam(u8 bus)
{
	return ecam && bus < 4 && bus <= vm_acpi.ecam_bus_last;
}

u32 plat_pci_read(u8 bus, u8 devfn, u16 offset, unsigned size)
{
	if (use_ecam(bus)) {
		volatile u8 *p = ecam + ((u64)bus << 20 | (u64)devfn << 12 | offset);

		return size == 1 ? *p : size == 2 ? *(volatile u16 *)p : *(volatile u32 *)p;
	}
	if (offset > 255)
		return 0xffffffff;
	u64 flags = spin_lock_irqsave(&pci_lock);
	plat_port_out32(0xcf8, address(bus, devfn, offset));
	u16 port = 0xcfc + (offset & 3);
	u32 v = size == 1 ? plat_port_in8(port) : size == 2 ? plat_port_in16(port) : plat_port_in32(port);
	spin_unlock_irqrestore(&pci_lock, flags);
	return v;
}

void plat_pci_write(u8 bus, u8 devfn, u16 offset, unsigned size, u32 v)
{
	if (use_ecam(bus)) {
		volatile u8 *p = ecam + ((u64)bus << 20 | (u64)devfn << 12 | offset);

		if (size == 1)
			*p = (u8)v;
		else if (size == 2)
			*(volatile u16 *)p = (u16)v;
		else
			*(volatile u32 *)p = v;
		return;
	}
	if (offset > 255)
		return;
	u64 flags = spin_lock_irqsave(&pci_lock);
	plat_port_out32(0xcf8, address(bus, devfn, offset));
	u16 port = 0xcfc + (offset & 3);
	if (size == 1)
		plat_port_out8(port, (u8)v);
	else if (size == 2)
		plat_port_out16(port, (u16)v);
	else
		plat_port_out32(port, v);
	spin_unlock_irqrestore(&pci_lock, flags);
}

int plat_pci_gsi(u8 devfn, u8 pin, u8 line_register)
{
	return pin && line_register && line_register < 24 ? line_register : -ENOENT;
}
