/*
 * The control queue of virtio-net: one command at a time, its answer polled for.
 *
 * A device that does not answer in time keeps the buffer, and gets no further command.
 *
 * Source: VIRTIO 1.2, section 5.1.6.5.
 */
#include <linux/errno.h>
#include "drivers/virtio/net.h"
#include "kern/printk.h"
#include "kern/sched.h"
#include "kern/slab.h"

#define ANSWER_NS_MAX (2 * NS_PER_SEC)

/* What the device sees; followed by the data. */
struct wire {
	u8 answer;
	struct virtio_net_ctrl_hdr header;
	u8 data[];
};

static int submit(struct virtqueue *vq, struct wire *w, u32 len)
{
	struct virtqueue_seg segs[3] = { { virt_to_phys(&w->header), sizeof(w->header) } };
	unsigned out = 1;
	bool kick;
	u64 irq;

	if (len)
		segs[out++] = (struct virtqueue_seg){ virt_to_phys(w->data), len };
	segs[out] = (struct virtqueue_seg){ virt_to_phys(&w->answer), 1 };
	irq = spin_lock_irqsave(&vq->lock);
	int err = virtqueue_add(vq, segs, out, 1, w);

	kick = !err && virtqueue_kick_prepare(vq);
	spin_unlock_irqrestore(&vq->lock, irq);
	if (kick)
		virtqueue_notify(vq);
	return err;
}

static bool answered(struct virtqueue *vq)
{
	u64 end_ns = plat_mono_ns() + ANSWER_NS_MAX;

	for (;;) {
		u32 len;
		u64 irq = spin_lock_irqsave(&vq->lock);
		void *w = virtqueue_get(vq, &len);

		spin_unlock_irqrestore(&vq->lock, irq);
		if (w)
			return true;
		if (plat_mono_ns() > end_ns)
			return false;
		sched_yield_current();
	}
}

int nic_command(struct nic *nic, u8 class, u8 cmd, const void *data, u32 len)
{
	struct wire *w;
	int err;

	if (!nic->ctrl)
		return -EOPNOTSUPP;
	if (nic->ctrl_dead)
		return -EIO;
	w = kmalloc(sizeof(*w) + len, ALLOC_KERNEL);
	if (!w)
		return -ENOMEM;
	w->answer = VIRTIO_NET_ERR;
	w->header = (struct virtio_net_ctrl_hdr){ .class = class, .cmd = cmd };
	if (len)
		memcpy(w->data, data, len);
	err = submit(nic->ctrl, w, len);
	if (!err && !answered(nic->ctrl)) {
		pr_err("%s: no answer on the control queue: it is not used any more", nic->dev->name);
		nic->ctrl_dead = true;
		return -EIO;		/* the device still has the buffer */
	}
	if (!err && READ_ONCE(w->answer) != VIRTIO_NET_OK)
		err = -EINVAL;
	kfree(w);
	return err;
}
