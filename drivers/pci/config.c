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
	u32 command = pci_read(d, PCI_COMMAND, 2);

	pci_write(d, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

/* Write all ones, read which bits stuck, put the old value back. */
static u32 bar_probe(struct pci_device *d, u16 offset, u32 *old)
{
	u32 mask;

	*old = pci_read(d, offset, 4);
	pci_write(d, offset, 4, ~0u);
	mask = pci_read(d, offset, 4);
	pci_write(d, offset, 4, *old);
	return mask;
}

static void bar_read_memory(struct pci_device *d, unsigned index, u32 low, u32 low_mask)
{
	struct pci_bar *bar = &d->bars[index];
	u16 offset = PCI_BASE_ADDRESS_0 + 4 * index;
	u64 mask = low_mask & PCI_BASE_ADDRESS_MEM_MASK;
	u32 high, high_mask;

	bar->base = low & PCI_BASE_ADDRESS_MEM_MASK;
	if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 && index + 1 < PCI_BARS) {
		high_mask = bar_probe(d, offset + 4, &high);
		bar->wide = true;
		bar->base |= (u64)high << 32;
		mask |= (u64)high_mask << 32;
		bar->len_bytes = ~mask + 1;
	} else {
		bar->len_bytes = (u32)(~(u32)mask + 1);
	}
}

void pci_bars_read(struct pci_device *d)
{
	unsigned count = d->header_type == PCI_HEADER_TYPE_NORMAL ? 6 : d->header_type == PCI_HEADER_TYPE_BRIDGE ? 2 : 0;
	u32 command = pci_read(d, PCI_COMMAND, 2);

	/* Decoding is off while a BAR reads as something else than where it is. */
	pci_write(d, PCI_COMMAND, 2, command & ~(u32)(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	for (unsigned i = 0; i < count; i++) {
		u32 low, mask = bar_probe(d, PCI_BASE_ADDRESS_0 + 4 * i, &low);

		if (mask == 0 || mask == ~0u)
			continue;
		if (low & PCI_BASE_ADDRESS_SPACE_IO) {
			d->bars[i].io = true;
			d->bars[i].base = low & PCI_BASE_ADDRESS_IO_MASK;
			d->bars[i].len_bytes = (u16)(~(mask & PCI_BASE_ADDRESS_IO_MASK) + 1);
			continue;
		}
		bar_read_memory(d, i, low, mask);
		i += d->bars[i].wide;
	}
	pci_write(d, PCI_COMMAND, 2, command);
}

u8 *pci_bar_map(struct pci_device *d, unsigned index)
{
	struct pci_bar *bar;

	if (index >= PCI_BARS)
		return NULL;
	bar = &d->bars[index];
	if (bar->io || !bar->base || !bar->len_bytes)
		return NULL;
	if (!bar->virt)
		bar->virt = plat_map_io(bar->base, bar->len_bytes);
	return bar->virt;
}
