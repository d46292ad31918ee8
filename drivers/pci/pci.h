/*
 * PCI: the functions found at boot, their BARs, capabilities and interrupts, and the registry of drivers.
 *
 * Firmware has numbered the buses and placed the BARs; nothing is moved here.  Devices are found once
 * (pci_init) and live for ever: there is no hot plug.  Drivers that register later are offered what is there.
 *
 * Source: PCI Local Bus Specification 3.0, chapter 6 (configuration space; 6.8 MSI-X);
 *         PCI-to-PCI Bridge Architecture 1.2, section 9.1 (interrupt swizzle).
 * Contexts: thread, unless a function says otherwise.
 */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include <linux/pci_regs.h>
#include "base/list.h"
#include "base/types.h"
#include "plat/plat.h"

enum { PCI_BARS = 6, PCI_ANY = 0xffff, PCI_MSIX_MAX = 2048 };

struct pci_bar {
	paddr_t base;		/* bus address; 0: none, or not placed */
	u64 len_bytes;		/* 0: not asked for yet, see pci_bar_bytes */
	bool io;		/* in port space */
	bool wide;		/* takes the next BAR too */
};

struct pci_driver;

/* Locks: none but at boot and in the driver's own probe: I immutable after enumeration · d the bound driver */
struct pci_device {
	struct list_head node;			/* [I] */
	u8 bus, devfn;				/* [I] */
	u8 header_type;				/* [I] without the multi-function bit */
	u8 revision;				/* [I] */
	u16 vendor, device;			/* [I] */
	u16 subsystem_vendor, subsystem_device;	/* [I] */
	u32 class;				/* [I] class << 16 | subclass << 8 | interface */
	u8 irq_pin;				/* [I] 0: none, 1: INTA… */
	u8 irq_line;				/* [I] what firmware wrote there */
	int gsi;				/* [I] wired interrupt, or negative */
	struct pci_bar bars[PCI_BARS];		/* [I], len_bytes [d] */
	const struct pci_driver *driver;	/* [d] NULL: unclaimed */
	void *driver_data;			/* [d] */
	u8 *msix_table;				/* [d] NULL: MSI-X is off */
	u32 msix_count;				/* [d] entries in the table */
};

struct pci_id {
	u16 vendor, device;			/* PCI_ANY matches all; vendor 0 ends a list */
	u32 class, class_mask;			/* mask 0: any */
};

struct pci_driver {
	const char *name;
	const struct pci_id *ids;
	/* probe: make the device work. 0: it is ours; -ENODEV: not ours after all; other errors are logged. */
	int (*probe)(struct pci_device *d);
	struct list_head node;
};

/** pci_init - find all functions. Return: how many */
unsigned pci_init(void);

/** pci_register_driver - offer all unclaimed devices that match to @drv, now. */
void pci_register_driver(struct pci_driver *drv);

/** pci_device_next - the device after @d, NULL: the first. Return: NULL past the last */
struct pci_device *pci_device_next(struct pci_device *d);

u32 pci_read(const struct pci_device *d, u16 offset, unsigned size_bytes);	/* Context: any */
void pci_write(const struct pci_device *d, u16 offset, unsigned size_bytes, u32 value);

/**
 * pci_find_capability - walk the list of capabilities
 * @after: 0 for the first of kind @id, or a previous result
 * Return: its offset, or 0
 */
u8 pci_find_capability(const struct pci_device *d, u8 id, u8 after);

/** pci_enable - switch on memory, ports and bus mastering. */
void pci_enable(struct pci_device *d);

/**
 * pci_bar_map - map part of a memory BAR
 * That the part lies within the BAR is not checked: finding the size costs a device model two changes of its memory
 * map, and a device that lies about its own registers can do worse by DMA.
 * Return: its address, or NULL (none, in port space, not placed, no room)
 */
u8 *pci_bar_map(struct pci_device *d, unsigned bar, u64 offset, u64 len_bytes);

/** pci_bar_bytes - the size of a BAR, 0: there is none. The device must be idle: decoding is switched off for a moment. */
u64 pci_bar_bytes(struct pci_device *d, unsigned bar);

/**
 * pci_msix_enable - map the table of MSI-X, mask all entries, switch it on
 * Return: how many entries there are, or -ENODEV (no MSI-X), -ENOMEM
 */
int pci_msix_enable(struct pci_device *d);

/** pci_msix_attach - have entry @index call @handler(@arg) on @cpu, and unmask it. Return: 0, -EINVAL, -ENOSPC, -ENOMEM */
MUST_CHECK int pci_msix_attach(struct pci_device *d, unsigned index, u32 cpu, void (*handler)(void *arg), void *arg);

/** pci_msix_disable - back to the wired interrupt; vectors attached stay allotted, and silent. */
void pci_msix_disable(struct pci_device *d);

/** pci_intx_attach - the wired interrupt, which may be shared. Return: 0, -ENODEV (none), or as plat_irq_attach */
MUST_CHECK int pci_intx_attach(struct pci_device *d, void (*handler)(void *arg), void *arg);

#endif
