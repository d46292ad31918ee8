/*
 * Between the files of drivers/pci: what enumeration asks of configuration space.
 */
#ifndef DRIVERS_PCI_CONFIG_H
#define DRIVERS_PCI_CONFIG_H

#include "drivers/pci/pci.h"

/** pci_bars_read - where each BAR is. */
void pci_bars_read(struct pci_device *d);

/** pci_swizzle - the pin of the bridge above that @pin (1..4) of a device behind it is wired to. */
static inline u8 pci_swizzle(u8 pin, u8 devfn)
{
	return (pin - 1 + (devfn >> 3)) % 4 + 1;
}

#endif
