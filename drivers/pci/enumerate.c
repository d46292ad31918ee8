/*
 * Finding the functions: bus 0, and below bridges the buses that firmware numbered; then the registry of drivers.
 *
 * A bridge is followed only to a higher bus number, so bad firmware cannot make the walk run in a circle; the
 * depth is bounded by the number of buses.
 *
 * Source: PCI Local Bus Specification 3.0, section 6.1; PCI-to-PCI Bridge Architecture 1.2, section 3.2.5.
 */
#include <linux/errno.h>
#include "drivers/pci/config.h"
#include "kern/mutex.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { DEPTH_MAX = 8 };

static LIST_HEAD(devices);	/* immutable after pci_init */
static LIST_HEAD(drivers);	/* [registry] */
static struct mutex registry;
static unsigned device_count;

/* Where a bus hangs: the bridges between it and bus 0, outermost first. */
struct bus_place {
	u8 bus;
	unsigned depth;
	u8 bridge_devfn[DEPTH_MAX];
};

static int wired_gsi(const struct pci_device *d, const struct bus_place *place)
{
	u8 pin = d->irq_pin, devfn = d->devfn;

	if (pin < 1 || pin > 4)
		return -ENOENT;
	for (unsigned i = place->depth; i > 0; i--) {
		pin = pci_swizzle(pin, devfn);
		devfn = place->bridge_devfn[i - 1];
	}
	return plat_pci_gsi(devfn, pin, d->irq_line);
}

static struct pci_device *device_create(const struct bus_place *place, u8 devfn, u32 id)
{
	struct pci_device *d = kzalloc(sizeof(*d), ALLOC_KERNEL);
	u32 class_word;

	if (!d)
		return NULL;
	d->bus = place->bus;
	d->devfn = devfn;
	d->vendor = id & 0xffff;
	d->device = id >> 16;
	class_word = pci_read(d, PCI_CLASS_REVISION, 4);
	d->revision = class_word & 0xff;
	d->class = class_word >> 8;
	d->header_type = pci_read(d, PCI_HEADER_TYPE, 1) & 0x7f;
	if (d->header_type == PCI_HEADER_TYPE_NORMAL) {
		d->subsystem_vendor = pci_read(d, PCI_SUBSYSTEM_VENDOR_ID, 2);
		d->subsystem_device = pci_read(d, PCI_SUBSYSTEM_ID, 2);
	}
	d->irq_pin = pci_read(d, PCI_INTERRUPT_PIN, 1);
	d->irq_line = pci_read(d, PCI_INTERRUPT_LINE, 1);
	d->gsi = wired_gsi(d, place);
	pci_bars_read(d);
	list_add_tail(&d->node, &devices);
	device_count++;
	return d;
}

static void scan_bus(const struct bus_place *place);

static void scan_behind(const struct pci_device *bridge, const struct bus_place *place)
{
	u8 secondary = pci_read(bridge, PCI_SECONDARY_BUS, 1);
	struct bus_place below = *place;

	if (secondary <= place->bus || place->depth >= DEPTH_MAX)
		return;
	below.bus = secondary;
	below.bridge_devfn[below.depth++] = bridge->devfn;
	scan_bus(&below);
}

static void scan_bus(const struct bus_place *place)
{
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		u32 id = plat_pci_read(place->bus, devfn, PCI_VENDOR_ID, 4);
		bool absent = id == ~0u || (id & 0xffff) == 0 || (id & 0xffff) == 0xffff;
		struct pci_device *d = absent ? NULL : device_create(place, devfn, id);

		if (d && d->header_type == PCI_HEADER_TYPE_BRIDGE)
			scan_behind(d, place);
		/* Functions 1 to 7 exist only where function 0 says so. */
		if ((devfn & 7) == 0 &&
		    (absent || !(plat_pci_read(place->bus, devfn, PCI_HEADER_TYPE, 1) & 0x80)))
			devfn += 7;
	}
}

unsigned pci_init(void)
{
	struct bus_place root = { .bus = 0 };

	mutex_init(&registry, RANK_DEVICE);
	if (!plat_pci_present())
		return 0;
	scan_bus(&root);
	pr_info("pci: %u functions", device_count);
	return device_count;
}

static bool id_matches(const struct pci_id *id, const struct pci_device *d)
{
	return (id->vendor == PCI_ANY || id->vendor == d->vendor) &&
	       (id->device == PCI_ANY || id->device == d->device) && (d->class & id->class_mask) == id->class;
}

static void offer(struct pci_driver *drv, struct pci_device *d)
{
	int err;

	for (const struct pci_id *id = drv->ids; id->vendor; id++) {
		if (!id_matches(id, d))
			continue;
		d->driver = drv;
		err = drv->probe(d);
		if (!err)
			return;
		d->driver = NULL;
		if (err != -ENODEV)
			pr_warn("pci %02x:%02x.%x: driver %s failed: error %d", d->bus, d->devfn >> 3, d->devfn & 7,
				drv->name, -err);
		return;
	}
}

void pci_register_driver(struct pci_driver *drv)
{
	struct pci_device *d;

	mutex_lock(&registry);
	list_add_tail(&drv->node, &drivers);
	mutex_unlock(&registry);
	/* Devices never go and are claimed at boot, by one thread: the list needs no lock. */
	list_for_each_entry(d, &devices, node) {
		if (!d->driver)
			offer(drv, d);
	}
}

struct pci_device *pci_device_next(struct pci_device *d)
{
	struct list_head *next = d ? d->node.next : devices.next;

	return next == &devices ? NULL : list_entry(next, struct pci_device, node);
}
