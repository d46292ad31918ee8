/*
 * Hardware queues: tags, the dispatcher, ends, time-outs; the contract is in queue.h.
 *
 * The dispatcher.  Who finds work takes queue->dispatching; others that come meanwhile, interrupts included, leave
 * queue->again behind.  So a driver's `queue` is never entered twice for one queue, nor by way of a request that ends within it, and no
 * lock is held in it.
 *
 * Time-outs: while requests are under way a work item looks once a second for those past their deadline.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/queue.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "kern/slab.h"

enum { WATCH_NS = 1000 * 1000 * 1000, TIMEOUT_DEFAULT_MS = 30000 };

/* Locks: a atomic */
struct watch {
	struct delayed_work work;
	struct disk *disk;
	u32 armed;		/* [a] */
	u32 stopped;		/* [a] */
};

/* ---- starting ---- */

static void watch_arm(struct disk *d)
{
	struct watch *w = d->watch;

	if (w && !atomic_load(&w->armed) && !xchg(&w->armed, 1u) && !atomic_load(&w->stopped))
		delayed_work_queue(&w->work, WATCH_NS);
}

/* Lock held: the chain to start next, a tag being free. */
static struct bio *next_chain(struct hw_queue *q)
{
	struct bio *b;

	if (list_empty(&q->free) || q->frozen)
		return NULL;
	if (!list_empty(&q->waiting)) {
		b = list_first_entry(&q->waiting, struct bio, node);
		list_del_init(&b->node);
		return b;
	}
	return atomic_load(&q->disk->elevator) ? elevator_next(q->disk) : NULL;
}

/* Lock held. */
static struct request *request_take(struct hw_queue *q, struct bio *b)
{
	struct request *r = list_first_entry(&q->free, struct request, node);

	list_del_init(&r->node);
	q->started++;
	r->bio = b;
	r->op = b->op;
	r->flags = b->flags;
	r->sector = b->sector;
	r->sectors = b->run_sectors;
	r->segs = b->run_segs;
	r->ioprio = b->ioprio;
	atomic_store(&r->deadline_ns, plat_mono_ns() + q->disk->timeout_ms * 1000000ull);
	atomic_store_release(&r->state, (u32)REQUEST_STARTED);
	return r;
}

/* Lock held: the request's tag is free again. */
static void request_put(struct hw_queue *q, struct request *r)
{
	r->bio = NULL;
	atomic_store(&r->state, (u32)REQUEST_FREE);
	list_add(&r->node, &q->free);
	atomic_store(&q->started, q->started - 1);
}

/* Start one. Return: false: nothing (more) to start. Lock held, dropped on the way */
static bool dispatch_one(struct hw_queue *q, u64 *irq)
{
	struct bio *b = next_chain(q);
	struct request *r;
	int err;

	if (!b)
		return false;
	r = request_take(q, b);
	spin_unlock_irqrestore(&q->lock, *irq);
	watch_arm(q->disk);
	err = q->ops->queue(q, r);
	if (err && err != -EBUSY)
		request_end(r, err);
	*irq = spin_lock_irqsave(&q->lock);
	if (err != -EBUSY)
		return true;
	list_add(&b->node, &q->waiting);
	request_put(q, r);
	return q->again;
}

void queue_run(struct hw_queue *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	if (q->dispatching) {
		q->again = true;
		spin_unlock_irqrestore(&q->lock, irq);
		return;
	}
	q->dispatching = true;
	do {
		bool any = false;

		q->again = false;
		while (dispatch_one(q, &irq))
			any = true;
		if (any && q->ops->commit) {
			spin_unlock_irqrestore(&q->lock, irq);
			q->ops->commit(q);
			irq = spin_lock_irqsave(&q->lock);
		}
	} while (q->again);
	q->dispatching = false;
	spin_unlock_irqrestore(&q->lock, irq);
}

static struct hw_queue *queue_of(struct disk *d, const struct bio *b)
{
	u32 cpu = plat_cpu_id(), normal = d->queue_count - d->poll_queues;

	if (b && b->flags & BIO_POLLED && d->poll_queues)
		return &d->queues[normal + cpu % d->poll_queues];
	return &d->queues[cpu % normal];
}

static void waiting_add(struct hw_queue *q, struct bio *b)
{
	u64 irq = spin_lock_irqsave(&q->lock);
	struct bio *tail = list_empty(&q->waiting) ? NULL : list_last_entry(&q->waiting, struct bio, node);
	struct bio *first = tail ? bio_try_merge(tail, b) : NULL;

	if (first == b)
		list_replace(&tail->node, &b->node);
	else if (!first)
		list_add_tail(&b->node, &q->waiting);
	spin_unlock_irqrestore(&q->lock, irq);
}

void queue_add(struct disk *d, struct bio *b, bool run)
{
	struct hw_queue *q = queue_of(d, b);
	bool polled = b->flags & BIO_POLLED;
	bool sorted = atomic_load(&d->elevator) && b->op != BIO_FLUSH && !polled && elevator_add(d, b);

	if (!sorted)
		waiting_add(q, b);
	/* From here on @b may have ended: another CPU starts what waits. */
	if (run || polled)
		queue_run(q);
}

void disk_queues_run(struct disk *d)
{
	for (u32 i = 0; i < d->queue_count; i++) {
		struct hw_queue *q = &d->queues[i];

		if (!list_empty(&q->waiting) || elevator_has_work(d))
			queue_run(q);
	}
}

/* ---- ends ---- */

bool request_claim_end(struct request *r)
{
	return cmpxchg(&r->state, (u32)REQUEST_STARTED, (u32)REQUEST_ENDED) == REQUEST_STARTED;
}

void request_finish(struct request *r, int status)
{
	struct hw_queue *q = r->queue;
	struct bio *b = r->bio;
	bool more;
	u64 irq = spin_lock_irqsave(&q->lock);

	request_put(q, r);
	more = !list_empty(&q->waiting);
	spin_unlock_irqrestore(&q->lock, irq);
	while (b) {
		struct bio *next = b->next;

		bio_end(b, status);
		b = next;
	}
	if (more || elevator_has_work(q->disk))
		queue_run(q);
}

void request_end(struct request *r, int status)
{
	if (request_claim_end(r))
		request_finish(r, status);
}

void request_requeue(struct request *r)
{
	struct hw_queue *q = r->queue;
	struct bio *b = r->bio;
	u64 irq;

	if (++b->tries > REQUEST_TRIES_MAX) {
		request_finish(r, -EIO);
		return;
	}
	irq = spin_lock_irqsave(&q->lock);
	request_put(q, r);
	list_add(&b->node, &q->waiting);
	spin_unlock_irqrestore(&q->lock, irq);
	queue_run(q);
}

void queue_freeze(struct hw_queue *q)
{
	for (;;) {
		u64 irq = spin_lock_irqsave(&q->lock);
		bool busy = q->dispatching;

		q->frozen = true;
		spin_unlock_irqrestore(&q->lock, irq);
		if (!busy)
			return;
		sleep_ns(100 * 1000);
	}
}

void queue_thaw(struct hw_queue *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	q->frozen = false;
	spin_unlock_irqrestore(&q->lock, irq);
	queue_run(q);
}

/* ---- time-outs ---- */

static bool look(struct hw_queue *q, u64 now_ns)
{
	u64 again_ns = q->disk->timeout_ms * 1000000ull;

	for (u32 i = 0; i < q->depth; i++) {
		struct request *r = &q->requests[i];

		if (atomic_load_acquire(&r->state) != REQUEST_STARTED || atomic_load(&r->deadline_ns) > now_ns)
			continue;
		atomic_store(&r->deadline_ns, now_ns + again_ns);
		q->ops->timeout(q, r);
	}
	return atomic_load(&q->started);
}

static void watch_run(struct work *work)
{
	struct watch *w = container_of(work, struct watch, work.work);
	bool busy = false;

	if (atomic_load(&w->stopped))
		return;
	for (u32 i = 0; i < w->disk->queue_count; i++)
		busy |= look(&w->disk->queues[i], plat_mono_ns());
	atomic_store(&w->armed, 0u);
	smp_mb();
	for (u32 i = 0; i < w->disk->queue_count; i++)
		busy |= atomic_load(&w->disk->queues[i].started) != 0;
	if (busy)
		watch_arm(w->disk);
}

/* ---- making ---- */

static int queue_create(struct disk *d, struct hw_queue *q, const struct queue_ops *ops, u32 depth)
{
	u8 *data = ops->request_bytes ? kvmalloc((size_t)ops->request_bytes * depth, ALLOC_KERNEL | ALLOC_ZERO) : NULL;

	q->requests = kvmalloc(depth * sizeof(*q->requests), ALLOC_KERNEL | ALLOC_ZERO);
	if (!q->requests || (ops->request_bytes && !data)) {
		kvfree(data);
		return -ENOMEM;
	}
	q->disk = d;
	q->ops = ops;
	q->depth = depth;
	spin_init(&q->lock, RANK_BLOCK_QUEUE);
	list_init(&q->waiting);
	list_init(&q->free);
	for (u32 i = 0; i < depth; i++) {
		struct request *r = &q->requests[i];

		r->queue = q;
		r->tag = i;
		r->data = data ? data + (size_t)i * ops->request_bytes : NULL;
		list_add_tail(&r->node, &q->free);
	}
	return 0;
}

static int watch_create(struct disk *d)
{
	struct watch *w = kzalloc(sizeof(*w), ALLOC_KERNEL);

	if (!w)
		return -ENOMEM;
	w->disk = d;
	delayed_work_init(&w->work, watch_run);
	d->watch = w;
	return 0;
}

int disk_queues_create(struct disk *d, const struct queue_ops *ops, u32 count, u32 poll_count, u32 depth)
{
	int err = 0;

	assert(count > poll_count && depth);
	d->queues = kzalloc(count * sizeof(*d->queues), ALLOC_KERNEL);
	if (!d->queues)
		return -ENOMEM;
	if (!d->timeout_ms)
		d->timeout_ms = TIMEOUT_DEFAULT_MS;
	d->queue_depth = depth;
	d->poll_queues = poll_count;
	for (u32 i = 0; i < count && !err; i++) {
		d->queues[i].number = i;
		d->queue_count = i + 1;
		err = queue_create(d, &d->queues[i], ops, depth);
	}
	if (!err && ops->timeout)
		err = watch_create(d);
	if (err)
		disk_queues_destroy(d);
	return err;
}

static void watch_destroy(struct disk *d)
{
	struct watch *w = d->watch;

	if (!w)
		return;
	atomic_store(&w->stopped, 1u);
	(void)timer_cancel_sync(&w->work.timer);
	work_flush();
	kfree(w);
	d->watch = NULL;
}

void disk_queues_destroy(struct disk *d)
{
	watch_destroy(d);
	for (u32 i = 0; i < d->queue_count; i++) {
		if (d->queues[i].requests)
			kvfree(d->queues[i].requests[0].data);
		kvfree(d->queues[i].requests);
	}
	kfree(d->queues);
	d->queues = NULL;
	d->queue_count = 0;
}
