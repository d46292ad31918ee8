/*
 * null_blk: requests end without a device, to measure the layer itself.
 *
 * Parameters, as null_blk.NAME=: nr_devices, gb (250), bs (512), queue_mode (0 bios, 2 requests), submit_queues (1),
 * poll_queues (1), hw_queue_depth (64), irqmode (0 at once, 1 from another context, 2 by a timer), completion_nsec (10000),
 * memory_backed is not offered (that is a RAM disk), nor are zones.
 *
 * irqmode 0 ends requests in commit, not in queue: the dispatcher is not to be entered from within itself.
 *
 * Source: Linux's Documentation/block/null_blk.rst.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "block/null/null.h"
#include "block/queue.h"
#include "kern/page.h"
#include "kern/param.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { NULL_MAJOR = 251, DEVICES_MAX = 16, QUEUES_MAX = 64, MODE_BIO = 0, MODE_REQUESTS = 2, IRQ_NONE = 0, IRQ_SOFT = 1, IRQ_TIMER = 2 };

/* A queue's own. Locks: l lock */
struct null_queue {
	struct spinlock lock;
	struct list_head over;		/* [l] requests to be ended */
	struct hw_queue *queue;		/* immutable */
	struct work work;
};

struct null_request {
	struct timer timer;
	struct request *request;
};

/* Locks: all immutable */
struct null {
	struct disk disk;
	struct null_queue *queues;
	u32 irq_mode;
	u64 delay_ns;
};

static void reads_zero(const struct bio *b)
{
	for (; b; b = b->next)
		for (u32 i = 0; i < b->seg_count && b->op == BIO_READ; i++)
			memset(phys_to_virt(b->segs[i].addr), 0, b->segs[i].len_bytes);
}

static unsigned end_all(struct null_queue *n)
{
	LIST_HEAD(over);
	struct request *r, *next;
	unsigned count = 0;
	u64 irq = spin_lock_irqsave(&n->lock);

	list_splice_init(&n->over, &over);
	spin_unlock_irqrestore(&n->lock, irq);
	list_for_each_entry_safe(r, next, &over, node) {
		list_del_init(&r->node);
		request_end(r, 0);
		count++;
	}
	return count;
}

static void timer_over(struct timer *t)
{
	request_end(container_of(t, struct null_request, timer)->request, 0);
}

static void work_over(struct work *w)
{
	(void)end_all(container_of(w, struct null_queue, work));
}

static bool polled(const struct hw_queue *q)
{
	return q->number >= q->disk->queue_count - q->disk->poll_queues;
}

static int null_queue(struct hw_queue *q, struct request *r)
{
	struct null *null = q->disk->private;
	struct null_queue *n = q->data;
	struct null_request *mine = r->data;
	u64 irq;

	reads_zero(r->bio);
	if (null->irq_mode == IRQ_TIMER && !polled(q)) {
		timer_init(&mine->timer, timer_over);
		mine->request = r;
		timer_arm(&mine->timer, plat_mono_ns() + null->delay_ns);
		return 0;
	}
	irq = spin_lock_irqsave(&n->lock);
	list_add_tail(&r->node, &n->over);
	spin_unlock_irqrestore(&n->lock, irq);
	return 0;
}

static void null_commit(struct hw_queue *q)
{
	struct null *null = q->disk->private;
	struct null_queue *n = q->data;

	if (polled(q))
		return;
	if (null->irq_mode == IRQ_SOFT)
		(void)work_queue(&n->work);
	else
		(void)end_all(n);
}

static unsigned null_poll(struct hw_queue *q)
{
	return end_all(q->data);
}

static const struct queue_ops queue_ops = {
	.queue = null_queue, .commit = null_commit, .poll = null_poll, .request_bytes = sizeof(struct null_request),
};

static void null_submit(struct disk *d, struct bio *b)
{
	reads_zero(b);
	bio_end(b, 0);
}

static const struct disk_ops bio_ops = { .submit = null_submit };
static const struct disk_ops request_ops = { .submit = NULL };

static int queues_make(struct null *null)
{
	u32 cpus = plat_cpu_count();
	u32 normal = CLAMP(param_u64("null_blk.submit_queues", 1), 1ull, (u64)MIN(cpus, (u32)QUEUES_MAX));
	u32 poll = MIN(param_u64("null_blk.poll_queues", 1), (u64)QUEUES_MAX);
	u32 depth = CLAMP(param_u64("null_blk.hw_queue_depth", 64), 1ull, 1024ull);
	int err;

	null->queues = kzalloc((normal + poll) * sizeof(*null->queues), ALLOC_KERNEL);
	if (!null->queues)
		return -ENOMEM;
	err = disk_queues_create(&null->disk, &queue_ops, normal + poll, poll, depth);
	for (u32 i = 0; i < normal + poll && !err; i++) {
		struct null_queue *n = &null->queues[i];

		spin_init(&n->lock, RANK_QUEUE);
		list_init(&n->over);
		work_init(&n->work, work_over);
		n->queue = &null->disk.queues[i];
		n->queue->data = n;
	}
	return err;
}

static int null_make(u32 number)
{
	struct null *null = kzalloc(sizeof(*null), ALLOC_KERNEL);
	u64 gb = CLAMP(param_u64("null_blk.gb", 250), 1ull, 1ull << 20);
	bool bios = param_u64("null_blk.queue_mode", MODE_REQUESTS) == MODE_BIO;
	int err = 0;

	if (!null)
		return -ENOMEM;
	null->irq_mode = (u32)param_u64("null_blk.irqmode", IRQ_SOFT);
	null->delay_ns = param_u64("null_blk.completion_nsec", 10000);
	if (!bios)
		err = queues_make(null);
	if (err) {
		kfree(null->queues);
		kfree(null);
		return err;
	}
	scnprintf(null->disk.name, sizeof(null->disk.name), "nullb%u", number);
	null->disk.driver_name = "nullb";
	null->disk.major = NULL_MAJOR;
	null->disk.minor_first = number * DISK_MINORS;
	null->disk.ops = bios ? &bio_ops : &request_ops;
	null->disk.private = null;
	null->disk.no_partitions = true;
	null->disk.limits = (struct disk_limits){
		.segs_max = 128, .seg_bytes_max = 65536, .block_bytes = (u32)param_u64("null_blk.bs", 512), .sectors_max = 2560,
	};
	disk_add(&null->disk, gb << 21);
	return 0;
}

void null_init(void)
{
	u64 count = MIN(param_u64("null_blk.nr_devices", 0), (u64)DEVICES_MAX);

	for (u32 i = 0; i < count; i++)
		if (null_make(i))
			pr_err("null_blk: no memory for disk %u", i);
}
