/*
 * Interrupts of a function: MSI-X with its table in a BAR, or the wired line.
 *
 * An entry of the table is address (8 bytes), data (4), control (4, bit 0: masked).  All are masked when
 * MSI-X is switched on, and each is unmasked when it has a handler.
 *
 * Source: PCI Local Bus Specification 3.0, section 6.8.2.
 */
#include <linux/errno.h>
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "kern/printk.h"

int pci_msix_enable(struct pci_device *d)
{
	u8 cap = pci_find_capability(d, PCI_CAP_ID_MSIX, 0);
	u32 control, table, count;
	u8 *entries;

	if (!cap)
		return -ENODEV;
	control = pci_read(d, cap + PCI_MSIX_FLAGS, 2);
	count = (control & PCI_MSIX_FLAGS_QSIZE) + 1;
	table = pci_read(d, cap + PCI_MSIX_TABLE, 4);
	entries = pci_bar_map(d, table & PCI_MSIX_TABLE_BIR, table & PCI_MSIX_TABLE_OFFSET, (u64)count * PCI_MSIX_ENTRY_SIZE);
	if (!entries)
		return -ENOMEM;

	/* The whole function is masked until the entries are. */
	pci_write(d, cap + PCI_MSIX_FLAGS, 2, control | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (u32 i = 0; i < count; i++)
		mmio_write32(entries + i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL,
			     PCI_MSIX_ENTRY_CTRL_MASKBIT);
	pci_write(d, PCI_COMMAND, 2, pci_read(d, PCI_COMMAND, 2) | PCI_COMMAND_INTX_DISABLE);
	pci_write(d, cap + PCI_MSIX_FLAGS, 2, (control | PCI_MSIX_FLAGS_ENABLE) & ~(u32)PCI_MSIX_FLAGS_MASKALL);
	d->msix_table = entries;
	d->msix_count = count;
	return count;
}

int pci_msix_attach(struct pci_device *d, unsigned index, u32 cpu, void (*handler)(void *arg), void *arg)
{
	struct plat_msi msi;
	u8 *entry;
	int err;

	if (!d->msix_table || index >= d->msix_count)
		return -EINVAL;
	err = plat_msi_attach(cpu, handler, arg, &msi);
	if (err)
		return err;
	entry = d->msix_table + index * PCI_MSIX_ENTRY_SIZE;
	mmio_write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, (u32)msi.address);
	mmio_write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, (u32)(msi.address >> 32));
	mmio_write32(entry + PCI_MSIX_ENTRY_DATA, msi.data);
	mmio_write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	return 0;
}

void pci_msix_disable(struct pci_device *d)
{
	u8 cap = pci_find_capability(d, PCI_CAP_ID_MSIX, 0);

	if (!cap || !d->msix_table)
		return;
	pci_write(d, cap + PCI_MSIX_FLAGS, 2, pci_read(d, cap + PCI_MSIX_FLAGS, 2) & ~(u32)PCI_MSIX_FLAGS_ENABLE);
	pci_write(d, PCI_COMMAND, 2, pci_read(d, PCI_COMMAND, 2) & ~(u32)PCI_COMMAND_INTX_DISABLE);
	d->msix_table = NULL;
	d->msix_count = 0;
}

int pci_intx_attach(struct pci_device *d, void (*handler)(void *arg), void *arg)
{
	if (d->gsi < 0)
		return -ENODEV;
	return plat_irq_attach((u32)d->gsi, true, handler, arg);
}
