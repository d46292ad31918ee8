/*
 * Virtio over PCI: the modern interface, found through vendor capabilities.  Transitional devices are used through it too;
 * a device that has only the legacy interface (disable-modern=on) is named and left alone.
 *
 * Interrupts: one MSI-X entry for configuration changes and one for each queue, if there are enough and few queues;
 * else one for all queues; else the wired line, whose handler reads the ISR register (which acknowledges).
 *
 * Source: VIRTIO 1.2, section 4.1.
 */
#include <linux/errno.h>
#include <linux/virtio_pci.h>
#include "drivers/mmio.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/window.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum {
	VENDOR_VIRTIO = 0x1af4,
	DEVICE_FIRST = 0x1000, DEVICE_LAST = 0x107f,
	DEVICE_MODERN = 0x1040,		/* from here on: 0x1040 + the virtio device id */
	OWN_VECTOR_QUEUES_MAX = 8,	/* a device with more queues has one vector for all of them */
	RESET_TRIES_MAX = 1000000,
	STRUCTURE_BYTES_MAX = 1 << 24,
};

/* Locks: I immutable after probe */
struct virtio_pci {
	struct virtio_device dev;
	struct pci_device *pci;				/* [I] */
	volatile struct virtio_pci_common_cfg *common;	/* [I] */
	u8 *isr, *notify, *config;			/* [I] config: may be NULL, its length is then 0 */
	u32 notify_len, config_len;			/* [I] */
	u32 notify_multiplier;				/* [I] */
	bool msix;					/* [I] */
};

static struct virtio_pci *to_pci(struct virtio_device *dev)
{
	return dev->transport_data;
}

static u8 get_status(struct virtio_device *dev)
{
	return mmio_read8(&to_pci(dev)->common->device_status);
}

static void set_status(struct virtio_device *dev, u8 status)
{
	volatile struct virtio_pci_common_cfg *common = to_pci(dev)->common;

	mmio_write8(&common->device_status, status);
	/* A reset is over when the device reads 0 again (4.1.4.3.2). */
	for (unsigned i = 0; !status && i < RESET_TRIES_MAX && mmio_read8(&common->device_status); i++)
		plat_cpu_relax();
}

static u64 get_features(struct virtio_device *dev)
{
	volatile struct virtio_pci_common_cfg *common = to_pci(dev)->common;
	u64 low;

	mmio_write32(&common->device_feature_select, 0);
	low = mmio_read32(&common->device_feature);
	mmio_write32(&common->device_feature_select, 1);
	return low | (u64)mmio_read32(&common->device_feature) << 32;
}

static void set_features(struct virtio_device *dev, u64 features)
{
	volatile struct virtio_pci_common_cfg *common = to_pci(dev)->common;

	mmio_write32(&common->guest_feature_select, 0);
	mmio_write32(&common->guest_feature, (u32)features);
	mmio_write32(&common->guest_feature_select, 1);
	mmio_write32(&common->guest_feature, (u32)(features >> 32));
}

static void config_read(struct virtio_device *dev, u32 offset, void *buf, u32 len)
{
	window_read(to_pci(dev)->config, to_pci(dev)->config_len, offset, buf, len);
}

static void config_write(struct virtio_device *dev, u32 offset, const void *buf, u32 len)
{
	window_write(to_pci(dev)->config, to_pci(dev)->config_len, offset, buf, len);
}

static u32 config_generation(struct virtio_device *dev)
{
	return mmio_read8(&to_pci(dev)->common->config_generation);
}

static void queue_vector_fired(void *arg)
{
	virtio_queue_interrupt(arg);
}

static void all_queues_vector_fired(void *arg)
{
	virtio_queues_interrupt(arg);
}

static void config_vector_fired(void *arg)
{
	virtio_config_interrupt(arg);
}

static void wired_fired(void *arg)
{
	struct virtio_device *dev = arg;
	u8 isr = mmio_read8(to_pci(dev)->isr);

	if (isr & 1)
		virtio_queues_interrupt(dev);
	if (isr & VIRTIO_PCI_ISR_CONFIG)
		virtio_config_interrupt(dev);
}

/* Queues that want interrupts: the others are polled, or left out. */
static unsigned with_callback(const struct virtio_device *dev, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += dev->queues[i].callback != NULL;
	return n;
}

static int msix_setup(struct virtio_device *dev, unsigned count)
{
	struct virtio_pci *vp = to_pci(dev);
	int entries = pci_msix_enable(vp->pci);
	unsigned vectors = with_callback(dev, count);
	bool own = vectors <= OWN_VECTOR_QUEUES_MAX && entries > (int)vectors;
	u16 next = 1;
	int err;

	if (entries < 0)
		return entries;
	if (entries < 2)
		return -ENOSPC;
	err = pci_msix_attach(vp->pci, 0, 0, config_vector_fired, dev);
	if (!err && !own)
		err = pci_msix_attach(vp->pci, 1, 0, all_queues_vector_fired, dev);
	for (unsigned i = 0; i < count && !err; i++) {
		struct virtqueue *vq = &dev->queues[i];

		vq->vector = !vq->callback ? VIRTIO_MSI_NO_VECTOR : own ? next++ : 1;
		if (own && vq->callback)
			err = pci_msix_attach(vp->pci, vq->vector, vq->cpu, queue_vector_fired, vq);
	}
	if (err)
		return err;
	mmio_write16(&vp->common->msix_config, 0);
	return mmio_read16(&vp->common->msix_config) == 0 ? 0 : -ENOSPC;
}

static int irq_setup(struct virtio_device *dev, unsigned count)
{
	struct virtio_pci *vp = to_pci(dev);

	vp->msix = msix_setup(dev, count) == 0;
	if (vp->msix)
		return 0;
	pci_msix_disable(vp->pci);
	for (unsigned i = 0; i < count; i++)
		dev->queues[i].vector = VIRTIO_MSI_NO_VECTOR;
	return pci_intx_attach(vp->pci, wired_fired, dev);
}

static u32 queue_size_max(struct virtio_device *dev, u16 index)
{
	volatile struct virtio_pci_common_cfg *common = to_pci(dev)->common;

	if (index >= mmio_read16(&common->num_queues))
		return 0;
	mmio_write16(&common->queue_select, index);
	return mmio_read16(&common->queue_size);
}

static void write_address(volatile __le32 *low, volatile __le32 *high, const void *virt)
{
	paddr_t phys = virt_to_phys(virt);

	mmio_write32(low, (u32)phys);
	mmio_write32(high, (u32)(phys >> 32));
}

static int queue_enable(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_pci *vp = to_pci(dev);
	volatile struct virtio_pci_common_cfg *common = vp->common;
	u64 notify_offset;

	mmio_write16(&common->queue_select, vq->index);
	mmio_write16(&common->queue_size, vq->size);
	write_address(&common->queue_desc_lo, &common->queue_desc_hi, vq->desc);
	write_address(&common->queue_avail_lo, &common->queue_avail_hi, vq->avail);
	write_address(&common->queue_used_lo, &common->queue_used_hi, vq->used);
	if (vp->msix) {
		mmio_write16(&common->queue_msix_vector, vq->vector);
		if (mmio_read16(&common->queue_msix_vector) != vq->vector)
			return -ENOSPC;
	}
	notify_offset = (u64)mmio_read16(&common->queue_notify_off) * vp->notify_multiplier;
	if (notify_offset + 2 > vp->notify_len)
		return -EINVAL;
	vq->notify_addr = vp->notify + notify_offset;
	mmio_write16(&common->queue_enable, 1);
	return 0;
}

static void notify(struct virtqueue *vq)
{
	mmio_write16(vq->notify_addr, vq->index);
}

static const struct virtio_transport pci_transport = {
	.name = "pci",
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.config_read = config_read,
	.config_write = config_write,
	.config_generation = config_generation,
	.irq_setup = irq_setup,
	.queue_size_max = queue_size_max,
	.queue_enable = queue_enable,
	.notify = notify,
};

/* The structure that the capability at @cap describes, mapped, or NULL. */
static u8 *structure_map(struct pci_device *pci, u8 cap, u32 *len)
{
	unsigned bar = pci_read(pci, cap + VIRTIO_PCI_CAP_BAR, 1);
	u32 offset = pci_read(pci, cap + VIRTIO_PCI_CAP_OFFSET, 4);

	*len = pci_read(pci, cap + VIRTIO_PCI_CAP_LENGTH, 4);
	return *len <= STRUCTURE_BYTES_MAX ? pci_bar_map(pci, bar, offset, *len) : NULL;
}

/* Of several capabilities of one type the first usable one counts (4.1.4.1). */
static void structures_find(struct virtio_pci *vp)
{
	struct pci_device *pci = vp->pci;
	u32 len;

	for (u8 cap = pci_find_capability(pci, PCI_CAP_ID_VNDR, 0); cap;
	     cap = pci_find_capability(pci, PCI_CAP_ID_VNDR, cap)) {
		u8 type = pci_read(pci, cap + VIRTIO_PCI_CAP_CFG_TYPE, 1);
		u8 *at = type <= VIRTIO_PCI_CAP_DEVICE_CFG ? structure_map(pci, cap, &len) : NULL;

		if (!at)
			continue;
		if (type == VIRTIO_PCI_CAP_COMMON_CFG && !vp->common && len >= sizeof(*vp->common)) {
			vp->common = (void *)at;
		} else if (type == VIRTIO_PCI_CAP_NOTIFY_CFG && !vp->notify) {
			vp->notify = at;
			vp->notify_len = len;
			vp->notify_multiplier = pci_read(pci, cap + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		} else if (type == VIRTIO_PCI_CAP_ISR_CFG && !vp->isr && len >= 1) {
			vp->isr = at;
		} else if (type == VIRTIO_PCI_CAP_DEVICE_CFG && !vp->config) {
			vp->config = at;
			vp->config_len = len;
		}
	}
}

static int probe(struct pci_device *pci)
{
	struct virtio_pci *vp;

	if (pci->device < DEVICE_FIRST || pci->device > DEVICE_LAST)
		return -ENODEV;
	vp = kzalloc(sizeof(*vp), ALLOC_KERNEL);
	if (!vp)
		return -ENOMEM;
	vp->pci = pci;
	pci_enable(pci);
	structures_find(vp);
	if (!vp->common || !vp->notify || !vp->isr) {
		pr_warn("pci %02x:%02x.%x: a virtio device without the modern interface: not used", pci->bus,
			pci->devfn >> 3, pci->devfn & 7);
		kfree(vp);
		return -ENODEV;
	}
	vp->dev.transport = &pci_transport;
	vp->dev.transport_data = vp;
	vp->dev.id = pci->device >= DEVICE_MODERN ? pci->device - DEVICE_MODERN : pci->subsystem_device;
	pci->driver_data = vp;
	virtio_device_register(&vp->dev);
	return 0;
}

static const struct pci_id ids[] = { { .vendor = VENDOR_VIRTIO, .device = PCI_ANY }, {} };
static struct pci_driver driver = { .name = "virtio-pci", .ids = ids, .probe = probe };

void virtio_pci_init(void)
{
	pci_register_driver(&driver);
}
