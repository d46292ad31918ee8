/*
 * virtio-rng: the host's random numbers.  They seed the kernel's generator when the device is found, and can be read
 * from /dev/hwrng.
 *
 * One request is in flight at a time.  What the device gives is mixed in, never trusted alone.
 *
 * Locks: rng->turn (sleeping) serializes readers; vq->lock the queue.
 * Source: VIRTIO 1.2, section 5.4.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "drivers/virtio/virtio.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "vfs/device.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { REQUEST_BYTES = 64, HWRNG_MAJOR = 10, HWRNG_MINOR = 183 };

struct rng {
	struct virtqueue *vq;
	struct mutex turn;
	struct waitq wait;
	bool seeding;		/* [vq] the request in flight is the one of boot: nobody waits for it */
	bool busy;		/* [vq] a request is in flight */
	u32 got;		/* [vq] bytes that the last request brought */
	u8 *buffer;		/* [turn], the device's while busy */
};

static struct rng *the_rng;	/* the first device; others are not needed */

static int request(struct rng *rng)
{
	struct virtqueue_seg seg = { .addr = virt_to_phys(rng->buffer), .len = REQUEST_BYTES };
	u64 irq = spin_lock_irqsave(&rng->vq->lock);
	int err = virtqueue_add(rng->vq, &seg, 0, 1, rng);
	bool kick = false;

	if (!err) {
		rng->busy = true;
		kick = virtqueue_kick_prepare(rng->vq);
	}
	spin_unlock_irqrestore(&rng->vq->lock, irq);
	if (kick)
		virtqueue_notify(rng->vq);
	return err;
}

static void filled(struct virtqueue *vq)
{
	struct rng *rng = vq->driver_data;
	u64 irq = spin_lock_irqsave(&vq->lock);
	u32 len;

	do {
		virtqueue_disable_callback(vq);
		while (virtqueue_get(vq, &len)) {
			rng->got = len;
			if (rng->seeding)
				random_add(rng->buffer, len);
			rng->seeding = false;
			atomic_store_release(&rng->busy, false);
		}
	} while (!virtqueue_enable_callback(vq));
	spin_unlock_irqrestore(&vq->lock, irq);
	wake_up_all(&rng->wait);
}

/* Wait for the device's next bytes; the caller has the turn. Returns how many, or -errno. */
static s64 rng_fetch(struct rng *rng)
{
	int err = wait_event_interruptible(&rng->wait, !atomic_load_acquire(&rng->busy));

	if (!err)
		err = request(rng);
	if (!err)
		err = wait_event_interruptible(&rng->wait, !atomic_load_acquire(&rng->busy));
	return err ? err : (s64)rng->got;
}

static s64 hwrng_read(struct file *f, struct iter *to, u64 *pos)
{
	struct rng *rng = the_rng;
	u64 done = 0;
	s64 got = 0;

	while (iter_left(to) && got >= 0) {
		u8 bytes[REQUEST_BYTES];

		if (mutex_lock_interruptible(&rng->turn))
			return done ? (s64)done : -ERESTARTSYS;
		got = rng_fetch(rng);
		if (got > 0)
			memcpy(bytes, rng->buffer, got);
		mutex_unlock(&rng->turn);
		if (got > 0) {
			u64 want = MIN((u64)got, iter_left(to)), n = iter_put(to, bytes, want);

			done += n;
			if (n < want)
				got = -EFAULT;
		}
	}
	return done ? (s64)done : got;
}

static const struct file_ops hwrng_ops = {
	.read = hwrng_read,
	.seek = file_seek_none,
	.flags = FOP_STREAM,
};

static struct chrdev hwrng_chrdev = {
	.major = HWRNG_MAJOR, .minor_first = HWRNG_MINOR, .minor_count = 1, .ops = &hwrng_ops, .name = "misc",
};

static struct devnode hwrng_node = { .name = "hwrng", .class = "misc", .mode = S_IFCHR | 0600 };

static int probe(struct virtio_device *dev)
{
	static const struct virtqueue_want want = { .callback = filled, .size_max = 8 };
	struct rng *rng = kzalloc(sizeof(*rng), ALLOC_KERNEL);
	int err;

	if (!rng)
		return -ENOMEM;
	rng->buffer = kzalloc(REQUEST_BYTES, ALLOC_KERNEL);
	err = rng->buffer ? virtio_find_queues(dev, 1, &want) : -ENOMEM;
	if (err) {
		kfree(rng->buffer);
		kfree(rng);
		return err;
	}
	mutex_init(&rng->turn, RANK_DEVICE);
	waitq_init(&rng->wait);
	rng->vq = &dev->queues[0];
	rng->vq->driver_data = rng;
	rng->seeding = true;
	dev->driver_data = rng;
	virtio_device_ready(dev);
	err = request(rng);
	if (err)
		return err;
	if (!the_rng) {
		the_rng = rng;
		hwrng_node.rdev = dev_make(HWRNG_MAJOR, HWRNG_MINOR);
		chrdev_register(&hwrng_chrdev);
		devnode_add(&hwrng_node);
	}
	return 0;
}

static struct virtio_driver driver = { .name = "virtio_rng", .id = VIRTIO_ID_RNG, .probe = probe };

void virtio_rng_init(void)
{
	virtio_register_driver(&driver);
}
