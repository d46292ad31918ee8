/* Finding controllers, their registers and interrupts; see nvme.h. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "kern/printk.h"
#include "kern/shutdown.h"
#include "kern/slab.h"

enum { CLASS_NVME = 0x010802, CONTROLLERS_MAX = 32, STRIDE_EXPONENT_MAX = 4 };

static struct nvme *controllers[CONTROLLERS_MAX];	/* boot only; immutable after */
static u32 controller_count;

struct nvme *nvme_find(u32 number)
{
	return number < controller_count ? controllers[number] : NULL;
}

static void wired_irq(void *arg)
{
	struct nvme *c = arg;

	for (u32 i = 0; i < c->queue_count; i++)
		if (c->queues[i])
			(void)nvme_queue_reap(c->queues[i]);
}

static void reset_work(struct work *w)
{
	(void)nvme_ctrl_reset(container_of(w, struct nvme, reset_work));
}

static int map(struct nvme *c)
{
	u8 *caps = pci_bar_map(c->pci, 0, 0, NVME_REG_DOORBELLS);
	u32 exponent;

	if (!caps)
		return -ENODEV;
	c->cap = mmio_read32(caps) | (u64)mmio_read32(caps + 4) << 32;
	exponent = c->cap >> 32 & 0xf;
	if (exponent > STRIDE_EXPONENT_MAX || (c->cap >> 48 & 0xf) != 0)
		return -ENODEV;		/* doorbells a page and more apart; no pages of 4 KiB */
	c->doorbell_stride = 4u << exponent;
	c->registers = pci_bar_map(c->pci, 0, 0, NVME_REG_DOORBELLS + 2ull * NVME_QUEUES_MAX * c->doorbell_stride);
	return c->registers ? 0 : -ENOMEM;
}

static int irqs(struct nvme *c)
{
	int err;

	c->msix = pci_msix_enable(c->pci) > 0;
	if (!c->msix)
		return pci_intx_attach(c->pci, wired_irq, c);
	err = pci_msix_attach(c->pci, 0, 0, nvme_irq, c->queues[0]);
	return err;
}

static int start(struct nvme *c)
{
	int err;

	pci_enable(c->pci);
	err = map(c);
	if (!err)
		err = nvme_queue_create(c, 0, NVME_ADMIN_DEPTH, false);
	c->queue_count = 1;
	if (!err)
		err = irqs(c);
	return err ? err : nvme_ctrl_start(c);
}

static int probe(struct pci_device *pci)
{
	struct nvme *c = controller_count < CONTROLLERS_MAX ? kzalloc(sizeof(*c), ALLOC_KERNEL) : NULL;
	int err;

	if (!c)
		return -ENOMEM;
	c->pci = pci;
	c->number = controller_count;
	scnprintf(c->name, sizeof(c->name), "nvme%u", c->number);
	mutex_init(&c->lock, RANK_DEVICE);
	work_init(&c->reset_work, reset_work);
	pci->driver_data = c;
	err = start(c);
	if (err) {
		pr_err("%s: does not start: error %d", c->name, -err);
		return err;	/* it may still know our memory: nothing is freed */
	}
	controllers[controller_count++] = c;
	nvme_sysfs_ctrl(c);
	nvme_scan(c);
	return 0;
}

static const struct pci_id ids[] = { { .vendor = PCI_ANY, .device = PCI_ANY, .class = CLASS_NVME, .class_mask = 0xffffff }, {} };
static struct pci_driver driver = { .name = "nvme", .ids = ids, .probe = probe };
static struct shutdown_hook hook = { .fn = nvme_shutdown_all };

void nvme_init(void)
{
	nvme_chrdevs_register();
	pci_register_driver(&driver);
	shutdown_register(&hook);
}
