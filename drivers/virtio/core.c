/*
 * Matching devices with drivers, negotiating features, setting up queues, handing interrupts on.
 *
 * The order of initialization is VIRTIO 1.2, section 3.1.1; legacy devices know no FEATURES_OK (3.1.2).
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/bitops.h"
#include "base/printf.h"
#include "drivers/virtio/virtio.h"
#include "kern/mutex.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { LEGACY_ALIGN = 4096, MODERN_ALIGN = 64, CONFIG_TRIES_MAX = 100 };

static LIST_HEAD(devices);	/* appended to at boot only */
static LIST_HEAD(drivers);	/* [registry] */
static struct mutex registry;
static u32 device_count;

static const u64 core_features = VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) |
				 VIRTIO_FEATURE(VIRTIO_F_VERSION_1);

static void status_add(struct virtio_device *dev, u8 bits)
{
	dev->transport->set_status(dev, dev->transport->get_status(dev) | bits);
}

static int negotiate(struct virtio_device *dev, const struct virtio_driver *drv)
{
	u64 offered = dev->transport->get_features(dev);

	dev->features = offered & (core_features | drv->features);
	if (drv->features_fit)
		dev->features = drv->features_fit(dev->features);
	if (dev->legacy) {
		dev->features &= 0xffffffff;
		dev->transport->set_features(dev, dev->features);
		return 0;
	}
	if (!virtio_has(dev, VIRTIO_F_VERSION_1)) {
		pr_err("%s: neither a version 1 device nor a legacy one", dev->name);
		return -EIO;
	}
	dev->transport->set_features(dev, dev->features);
	status_add(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(dev->transport->get_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK)) {
		pr_err("%s: refuses features %llx of %llx", dev->name, dev->features, offered);
		return -EIO;
	}
	return 0;
}

static void probe(struct virtio_device *dev, struct virtio_driver *drv)
{
	int err;

	dev->transport->set_status(dev, 0);
	status_add(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	status_add(dev, VIRTIO_CONFIG_S_DRIVER);
	dev->driver = drv;
	err = negotiate(dev, drv);
	if (!err)
		err = drv->probe(dev);
	if (!err)
		return;
	pr_err("%s: driver %s failed: error %d", dev->name, drv->name, -err);
	dev->driver = NULL;
	dev->transport->set_status(dev, 0);
	status_add(dev, VIRTIO_CONFIG_S_FAILED);
	for (unsigned i = 0; i < dev->queue_count; i++) {
		atomic_store_release(&dev->queues[i].enabled, false);
		virtqueue_destroy(&dev->queues[i]);
	}
	/* The queues themselves stay: an interrupt handler may still be attached to them. */
	dev->queue_count = 0;
}

void virtio_device_register(struct virtio_device *dev)
{
	struct virtio_driver *drv;

	mutex_lock(&registry);
	dev->index = device_count++;
	scnprintf(dev->name, sizeof(dev->name), "virtio%u", dev->index);
	list_add_tail(&dev->node, &devices);
	mutex_unlock(&registry);
	list_for_each_entry(drv, &drivers, node) {
		if (drv->id == dev->id) {
			probe(dev, drv);
			return;
		}
	}
}

void virtio_register_driver(struct virtio_driver *drv)
{
	struct virtio_device *dev;

	mutex_lock(&registry);
	list_add_tail(&drv->node, &drivers);
	mutex_unlock(&registry);
	list_for_each_entry(dev, &devices, node) {
		if (!dev->driver && dev->id == drv->id)
			probe(dev, drv);
	}
}

struct virtio_device *virtio_device_next(struct virtio_device *dev)
{
	struct list_head *next = dev ? dev->node.next : devices.next;

	return next == &devices ? NULL : list_entry(next, struct virtio_device, node);
}

static int queue_prepare(struct virtio_device *dev, u16 index, const struct virtqueue_want *want)
{
	struct virtqueue *vq = &dev->queues[index];
	u32 size = dev->transport->queue_size_max(dev, index);

	if (!size)
		return -ENOENT;
	size = MIN(size, (u32)VIRTQUEUE_SIZE_MAX);
	if (want->size_max)
		size = MIN(size, want->size_max);
	vq->dev = dev;
	vq->index = index;
	vq->callback = want->callback;
	vq->cpu = want->cpu;
	vq->event_idx = virtio_has(dev, VIRTIO_RING_F_EVENT_IDX);
	vq->use_indirect = virtio_has(dev, VIRTIO_RING_F_INDIRECT_DESC);
	return virtqueue_create(vq, rounddown_pow2(size), dev->legacy ? LEGACY_ALIGN : MODERN_ALIGN);
}

int virtio_find_queues(struct virtio_device *dev, unsigned count, const struct virtqueue_want *want)
{
	int err = 0;

	dev->queues = kzalloc(count * sizeof(*dev->queues), ALLOC_KERNEL);
	if (!dev->queues)
		return -ENOMEM;
	for (unsigned i = 0; i < count && !err; i++) {
		err = want[i].skip ? 0 : queue_prepare(dev, i, &want[i]);
		if (!err)
			dev->queue_count++;
	}
	if (!err)
		err = dev->transport->irq_setup(dev, count);
	for (unsigned i = 0; i < count && !err; i++) {
		if (want[i].skip)
			continue;
		err = dev->transport->queue_enable(dev, &dev->queues[i]);
		if (!err)
			atomic_store_release(&dev->queues[i].enabled, true);
	}
	return err;
}

void virtio_device_ready(struct virtio_device *dev)
{
	status_add(dev, VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_config_read(struct virtio_device *dev, u32 offset, void *buf, u32 len)
{
	u32 before = dev->transport->config_generation(dev);

	/* A device that keeps changing gets what it deserves: a torn value, not a hung kernel. */
	for (unsigned i = 0; i < CONFIG_TRIES_MAX; i++) {
		u32 after;

		dev->transport->config_read(dev, offset, buf, len);
		after = dev->transport->config_generation(dev);
		if (after == before)
			return;
		before = after;
	}
}

void virtio_queue_interrupt(struct virtqueue *vq)
{
	if (vq->callback && atomic_load_acquire(&vq->enabled))
		vq->callback(vq);
}

void virtio_queues_interrupt(struct virtio_device *dev)
{
	for (unsigned i = 0; i < dev->queue_count; i++)
		virtio_queue_interrupt(&dev->queues[i]);
}

void virtio_config_interrupt(struct virtio_device *dev)
{
	const struct virtio_driver *drv = dev->driver;

	if (drv && drv->config_changed)
		drv->config_changed(dev);
}

void virtio_shutdown(void)
{
	struct virtio_device *dev;

	list_for_each_entry(dev, &devices, node) {
		if (!dev->driver)
			continue;
		if (dev->driver->shutdown)
			dev->driver->shutdown(dev);
		dev->transport->set_status(dev, 0);
	}
}

void virtio_init(void)
{
	mutex_init(&registry, RANK_DEVICE);
	virtio_rng_init();
	virtio_console_init();
	virtio_blk_init();
	virtio_9p_init();
	virtio_net_init();
	virtio_pci_init();
	virtio_mmio_init();
}
