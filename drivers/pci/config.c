/*
 * Configuration space of one function: registers, capabilities, BARs.
 *
 * Source: PCI Local Bus Specification 3.0, sections 6.2 (registers), 6.2.5 (BARs and their sizing), 6.7 (capabilities).
 */
#include "drivers/pci/config.h"

enum { CAPABILITIES_MAX = 48 };	/* 192 bytes behind the header, at least 4 each: a longer walk runs in a circle */

u32 pci_read(const struct pci_device *d, u16 offset, unsigned size_bytes)
{
	return plat_pci_read(d->bus, d->devfn, offset, size_bytes);
}

void pci_write(const struct pci_device *d, u16 offset, unsigned size_bytes, u32 value)
{
	plat_pci_write(d->bus, d->devfn, offset, size_bytes, value);
}

u8 pci_find_capability(const struct pci_device *d, u8 id, u8 after)
{
	u8 at;

	if (!(pci_read(d, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	at = after ? pci_read(d, after + PCI_CAP_LIST_NEXT, 1) : pci_read(d, PCI_CAPABILITY_LIST, 1);
	for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
		at &= ~3;
		if (at < PCI_STD_HEADER_SIZEOF)
			return 0;
		if (pci_read(d, at + PCI_CAP_LIST_ID, 1) == id)
			return at;
		at = pci_read(d, at + PCI_CAP_LIST_NEXT, 1);
	}
	return 0;
}

void pci_enable(struct pci_device *d)
{
	u32 old = pci_read(d, PCI_COMMAND, 2);
	u32 command = old | PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER;

	if (command != old)
		pci_write(d, PCI_COMMAND, 2, command);
}

void pci_bars_read(struct pci_device *d)
{
	unsigned count = d->header_type == PCI_HEADER_TYPE_NORMAL ? 6 : d->header_type == PCI_HEADER_TYPE_BRIDGE ? 2 : 0;

	for (unsigned i = 0; i < count; i++) {
		u32 low = pci_read(d, PCI_BASE_ADDRESS_0 + 4 * i, 4);
		struct pci_bar *bar = &d->bars[i];

		if (low & PCI_BASE_ADDRESS_SPACE_IO) {
			bar->io = true;
			bar->base = low & PCI_BASE_ADDRESS_IO_MASK;
			continue;
		}
		bar->base = low & PCI_BASE_ADDRESS_MEM_MASK;
		if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 && i + 1 < count) {
			bar->wide = true;
			bar->base |= (u64)pci_read(d, PCI_BASE_ADDRESS_0 + 4 * ++i, 4) << 32;
		}
	}
}

/* Write all ones, read which bits stuck, put the old value back. */
static u32 bar_probe(struct pci_device *d, u16 offset)
{
	u32 old = pci_read(d, offset, 4), mask;

	pci_write(d, offset, 4, ~0u);
	mask = pci_read(d, offset, 4);
	pci_write(d, offset, 4, old);
	return mask;
}

u64 pci_bar_bytes(struct pci_device *d, unsigned index)
{
	struct pci_bar *bar;
	u16 offset = PCI_BASE_ADDRESS_0 + 4 * index;
	u32 command, low;
	u64 mask;

	if (index >= PCI_BARS)
		return 0;
	bar = &d->bars[index];
	if (bar->len_bytes)
		return bar->len_bytes;
	/* Decoding is off while a BAR reads as something else than where it is. */
	command = pci_read(d, PCI_COMMAND, 2);
	pci_write(d, PCI_COMMAND, 2, command & ~(u32)(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	low = bar_probe(d, offset);
	mask = low & (bar->io ? PCI_BASE_ADDRESS_IO_MASK : PCI_BASE_ADDRESS_MEM_MASK);
	mask |= bar->wide ? (u64)bar_probe(d, offset + 4) << 32 : 0xffffffffull << 32;
	pci_write(d, PCI_COMMAND, 2, command);
	if (low)
		bar->len_bytes = (~mask + 1) & (bar->io ? 0xffff : ~0ull);
	return bar->len_bytes;
}

u8 *pci_bar_map(struct pci_device *d, unsigned index, u64 offset, u64 len_bytes)
{
	const struct pci_bar *bar = index < PCI_BARS ? &d->bars[index] : NULL;

	if (!bar || bar->io || !bar->base || !len_bytes || offset + len_bytes < offset ||
	    bar->base + offset + len_bytes < bar->base)
		return NULL;
	return plat_map_io(bar->base + offset, len_bytes);
}
