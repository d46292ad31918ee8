/*
 * Virtio over MMIO: register blocks that the firmware's tables or the kernel's arguments name, version 1 (legacy) and 2.
 *
 * The interrupt is edge-triggered here, as Linux takes it for a device so named: the status is acknowledged before the
 * queues are looked at, so what comes in between raises the line anew.
 *
 * Source: VIRTIO 1.2, section 4.2 (4.2.4 for the legacy interface).
 */
#include <linux/errno.h>
#include <linux/virtio_mmio.h>
#include "drivers/mmio.h"
#include "drivers/virtio/cmdline.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/window.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { MAGIC = 0x74726976, LEGACY_PAGE = 4096, RESET_TRIES_MAX = 1000000, DEVICES_MAX = 64, LEN_MIN = 0x100 };

static paddr_t bases[DEVICES_MAX];	/* boot only */
static unsigned bases_count;

/* Locks: I immutable after creation */
struct virtio_mmio {
	struct virtio_device dev;
	u8 *regs;		/* [I] */
	u32 len;		/* [I] of the registers */
	u32 gsi;		/* [I] */
};

static struct virtio_mmio *to_mmio(struct virtio_device *dev)
{
	return dev->transport_data;
}

static u32 reg_read(struct virtio_device *dev, u32 reg)
{
	return mmio_read32(to_mmio(dev)->regs + reg);
}

static void reg_write(struct virtio_device *dev, u32 reg, u32 value)
{
	mmio_write32(to_mmio(dev)->regs + reg, value);
}

static u8 get_status(struct virtio_device *dev)
{
	return reg_read(dev, VIRTIO_MMIO_STATUS);
}

static void set_status(struct virtio_device *dev, u8 status)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, status);
	if (status)
		return;
	for (unsigned i = 0; i < RESET_TRIES_MAX && reg_read(dev, VIRTIO_MMIO_STATUS); i++)
		plat_cpu_relax();
	if (dev->legacy)
		reg_write(dev, VIRTIO_MMIO_GUEST_PAGE_SIZE, LEGACY_PAGE);
}

static u64 get_features(struct virtio_device *dev)
{
	u64 features;

	reg_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	features = reg_read(dev, VIRTIO_MMIO_DEVICE_FEATURES);
	if (dev->legacy)
		return features;
	reg_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return features | (u64)reg_read(dev, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio_device *dev, u64 features)
{
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
	if (dev->legacy)
		return;
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(features >> 32));
}

static void config_read(struct virtio_device *dev, u32 offset, void *buf, u32 len)
{
	window_read(to_mmio(dev)->regs, to_mmio(dev)->len, VIRTIO_MMIO_CONFIG + offset, buf, len);
}

static void config_write(struct virtio_device *dev, u32 offset, const void *buf, u32 len)
{
	window_write(to_mmio(dev)->regs, to_mmio(dev)->len, VIRTIO_MMIO_CONFIG + offset, buf, len);
}

static u32 config_generation(struct virtio_device *dev)
{
	return dev->legacy ? 0 : reg_read(dev, VIRTIO_MMIO_CONFIG_GENERATION);
}

static void fired(void *arg)
{
	struct virtio_device *dev = arg;
	u32 status = reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (!status)
		return;
	reg_write(dev, VIRTIO_MMIO_INTERRUPT_ACK, status);
	if (status & VIRTIO_MMIO_INT_VRING)
		virtio_queues_interrupt(dev);
	if (status & VIRTIO_MMIO_INT_CONFIG)
		virtio_config_interrupt(dev);
}

static int irq_setup(struct virtio_device *dev, unsigned count)
{
	return plat_irq_attach(to_mmio(dev)->gsi, false, fired, dev);
}

static u32 queue_size_max(struct virtio_device *dev, u16 index)
{
	reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, index);
	if (reg_read(dev, dev->legacy ? VIRTIO_MMIO_QUEUE_PFN : VIRTIO_MMIO_QUEUE_READY))
		return 0;
	return reg_read(dev, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void write_address(struct virtio_device *dev, u32 reg_low, const void *virt)
{
	paddr_t phys = virt_to_phys(virt);

	reg_write(dev, reg_low, (u32)phys);
	reg_write(dev, reg_low + 4, (u32)(phys >> 32));
}

static int queue_enable(struct virtio_device *dev, struct virtqueue *vq)
{
	vq->notify_addr = to_mmio(dev)->regs + VIRTIO_MMIO_QUEUE_NOTIFY;
	reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, vq->index);
	reg_write(dev, VIRTIO_MMIO_QUEUE_NUM, vq->size);
	if (dev->legacy) {
		u64 pfn = virt_to_phys(vq->memory) / LEGACY_PAGE;

		if (pfn >> 32)
			return -ENOMEM;
		reg_write(dev, VIRTIO_MMIO_QUEUE_ALIGN, LEGACY_PAGE);
		reg_write(dev, VIRTIO_MMIO_QUEUE_PFN, (u32)pfn);
		return 0;
	}
	write_address(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, vq->desc);
	write_address(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, vq->avail);
	write_address(dev, VIRTIO_MMIO_QUEUE_USED_LOW, vq->used);
	reg_write(dev, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

static void notify(struct virtqueue *vq)
{
	mmio_write32(vq->notify_addr, vq->index);
}

static const struct virtio_transport mmio_transport = {
	.name = "mmio",
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

/* Whether there is one there already: both the arguments and the tables may name it. */
static bool known(paddr_t base)
{
	for (unsigned i = 0; i < bases_count; i++)
		if (bases[i] == base)
			return true;
	return false;
}

static void device_found(const struct virtio_mmio_arg *arg)
{
	struct virtio_mmio *vm;
	u32 version, id;
	u8 *regs;

	if (known(arg->base) || bases_count == DEVICES_MAX)
		return;
	bases[bases_count++] = arg->base;
	regs = plat_map_io(arg->base, arg->size_bytes);
	if (!regs || mmio_read32(regs + VIRTIO_MMIO_MAGIC_VALUE) != MAGIC) {
		pr_warn("virtio-mmio: there is no device at 0x%llx", arg->base);
		return;
	}
	version = mmio_read32(regs + VIRTIO_MMIO_VERSION);
	id = mmio_read32(regs + VIRTIO_MMIO_DEVICE_ID);
	if (!id)
		return;		/* a place holder (4.2.2.2) */
	if (version != 1 && version != 2) {
		pr_warn("virtio-mmio: the device at 0x%llx has version %u; 1 and 2 are known", arg->base, version);
		return;
	}
	vm = kzalloc(sizeof(*vm), ALLOC_KERNEL);
	if (!vm)
		return;
	vm->regs = regs;
	vm->len = arg->size_bytes;
	vm->gsi = arg->gsi;
	vm->dev.transport = &mmio_transport;
	vm->dev.transport_data = vm;
	vm->dev.id = id;
	vm->dev.legacy = version == 1;
	virtio_device_register(&vm->dev);
}

void virtio_mmio_init(void)
{
	const char *cmdline = plat_cmdline(), *value;
	const struct plat_mmio_device *devices;
	unsigned count = plat_mmio_devices(&devices);
	struct virtio_mmio_arg arg;

	for (unsigned i = 0; i < count; i++) {
		if (devices[i].len_bytes < LEN_MIN)
			continue;
		arg = (struct virtio_mmio_arg){ devices[i].len_bytes, devices[i].base, devices[i].gsi };
		device_found(&arg);
	}
	while ((value = virtio_mmio_arg_next(&cmdline))) {
		if (virtio_mmio_arg_parse(value, &arg))
			pr_warn("virtio_mmio.device=%.32s: want SIZE@ADDRESS:IRQ", value);
		else
			device_found(&arg);
	}
}
