/*
 * Pairs of rings.
 *
 * A completion belongs to us when its phase bit is that of this round.  Its id is checked: one out of range, or of no command
 * under way, is counted as a controller's error and otherwise ignored.
 *
 * Locks: queue->lock (RANK_QUEUE, interrupts off).  Requests and waiters end outside of it.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/ratelimit.h"
#include "kern/slab.h"

enum { REAP_MAX = 32 };

/* What has ended, to be told when the lock is dropped. */
struct ended {
	struct request *request;
	struct nvme_wait *wait;
	u32 result;
	int status;
};

static void *ring_alloc(u32 bytes)
{
	unsigned order = 0;
	struct page *p;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	p = page_alloc(order, ALLOC_KERNEL | ALLOC_ZERO);
	return p ? page_virt(p) : NULL;
}

int nvme_queue_create(struct nvme *c, u16 id, u16 depth, bool polled)
{
	struct nvme_queue *q = kzalloc(sizeof(*q), ALLOC_KERNEL);

	if (!q)
		return -ENOMEM;
	q->ctrl = c;
	q->id = id;
	q->depth = depth;
	q->polled = polled;
	spin_init(&q->lock, RANK_QUEUE);
	q->commands = ring_alloc(depth * sizeof(*q->commands));
	q->completions = ring_alloc(depth * sizeof(*q->completions));
	q->slots = kzalloc(depth * sizeof(*q->slots), ALLOC_KERNEL);
	if (!q->commands || !q->completions || !q->slots)
		return -ENOMEM;		/* the controller is given up then: boot, nothing is freed */
	q->doorbell_tail = c->registers + NVME_REG_DOORBELLS + 2u * id * c->doorbell_stride;
	q->doorbell_head = q->doorbell_tail + c->doorbell_stride;
	c->queues[id] = q;
	return 0;
}

void nvme_queue_restart(struct nvme_queue *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	memset(q->completions, 0, q->depth * sizeof(*q->completions));
	q->tail = q->tail_told = q->head = 0;
	q->phase = true;
	q->live = true;
	spin_unlock_irqrestore(&q->lock, irq);
}

/* Lock held; there is a free one. */
static u16 slot_take(struct nvme_queue *q)
{
	while (q->slots[q->hint].busy)
		q->hint = q->hint + 1 == q->depth ? 0 : q->hint + 1;
	q->used++;
	return q->hint;
}

int nvme_queue_put(struct nvme_queue *q, struct nvme_command *cmd, struct request *r, struct nvme_wait *w)
{
	u64 irq = spin_lock_irqsave(&q->lock);
	int err = 0;

	if (!q->live) {
		err = r && q->ctrl->state != NVME_DEAD ? -EBUSY : -EIO;
	} else if (q->used >= q->depth - 1) {	/* one entry stays empty, else full would look like empty */
		q->starved = true;
		err = -EBUSY;
	} else {
		cmd->id = slot_take(q);
		q->slots[cmd->id] = (struct nvme_slot){ .request = r, .wait = w, .busy = true };
		q->commands[q->tail] = *cmd;
		q->tail = q->tail + 1 == q->depth ? 0 : q->tail + 1;
	}
	spin_unlock_irqrestore(&q->lock, irq);
	return err;
}

void nvme_queue_ring(struct nvme_queue *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	if (q->tail != q->tail_told && q->live) {
		smp_mb();
		mmio_write32(q->doorbell_tail, q->tail);
		q->tail_told = q->tail;
	}
	spin_unlock_irqrestore(&q->lock, irq);
}

/* Lock held: the completion at the head, if it is there. */
static bool next_completion(struct nvme_queue *q, struct nvme_completion *out)
{
	struct nvme_completion *at = &q->completions[q->head];
	u16 status = __atomic_load_n(&at->status, __ATOMIC_ACQUIRE);

	if ((status & 1) != q->phase)
		return false;
	*out = *at;
	out->status = status;
	q->head++;
	if (q->head == q->depth) {
		q->head = 0;
		q->phase = !q->phase;
	}
	return true;
}

static struct ratelimit stray;

/* Lock held. */
static bool slot_end(struct nvme_queue *q, const struct nvme_completion *c, struct ended *e)
{
	struct nvme_slot *s = c->id < q->depth ? &q->slots[c->id] : NULL;

	if (!s || !s->busy) {
		if (ratelimit_ok(&stray))
			pr_err("%s: queue %u: a completion of no command (%u)", q->ctrl->name, q->id, c->id);
		return false;
	}
	*e = (struct ended){ s->request, s->wait, c->result, (c->status >> 1) & NVME_SC_MASK };
	*s = (struct nvme_slot){ .busy = false };
	q->used--;
	return true;
}

static void tell(const struct ended *e)
{
	if (e->request) {
		request_end(e->request, nvme_status_errno(e->status));
	} else if (e->wait) {
		e->wait->result = e->result;
		e->wait->status = e->status;
		complete(&e->wait->over);
	}
}

/* A batch. *more: there may be more. */
static unsigned reap(struct nvme_queue *q, bool *more, bool *starved)
{
	struct ended ended[REAP_MAX];
	struct nvme_completion c;
	unsigned n = 0, seen = 0;
	u64 irq = spin_lock_irqsave(&q->lock);

	while (q->live && seen < REAP_MAX && next_completion(q, &c)) {
		n += slot_end(q, &c, &ended[n]);
		seen++;
	}
	if (seen)
		mmio_write32(q->doorbell_head, q->head);
	*more = seen == REAP_MAX;
	*starved |= n && q->starved;
	if (n)
		q->starved = false;
	spin_unlock_irqrestore(&q->lock, irq);
	for (unsigned i = 0; i < n; i++)
		tell(&ended[i]);
	return n;
}

unsigned nvme_queue_reap(struct nvme_queue *q)
{
	bool more = true, starved = false;
	unsigned n = 0;

	while (more)
		n += reap(q, &more, &starved);
	if (starved)
		nvme_queues_run(q->ctrl);
	return n;
}

void nvme_irq(void *arg)
{
	(void)nvme_queue_reap(arg);
}

void nvme_queue_stop(struct nvme_queue *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	q->live = false;
	spin_unlock_irqrestore(&q->lock, irq);
}

/* Lock held: take one of those under way. */
static bool take_one(struct nvme_queue *q, struct ended *e)
{
	for (u16 i = 0; i < q->depth; i++) {
		struct nvme_slot *s = &q->slots[i];

		if (!s->busy)
			continue;
		*e = (struct ended){ .request = s->request, .wait = s->wait, .status = -EIO };
		*s = (struct nvme_slot){ .busy = false };
		q->used--;
		return true;
	}
	return false;
}

void nvme_queue_cancel(struct nvme_queue *q, bool requeue)
{
	struct ended e;

	for (;;) {
		u64 irq = spin_lock_irqsave(&q->lock);
		bool any = take_one(q, &e);

		spin_unlock_irqrestore(&q->lock, irq);
		if (!any)
			return;
		if (!e.request || !requeue)
			tell(&e);
		else if (request_claim_end(e.request))
			request_requeue(e.request);
	}
}

bool nvme_queue_find(struct nvme_queue *q, const struct request *r, u16 *id, bool *aborted_before)
{
	bool found = false;
	u64 irq = spin_lock_irqsave(&q->lock);

	for (u16 i = 0; i < q->depth && !found; i++) {
		if (!q->slots[i].busy || q->slots[i].request != r)
			continue;
		found = true;
		*id = i;
		*aborted_before = q->slots[i].aborted;
		q->slots[i].aborted = true;
	}
	spin_unlock_irqrestore(&q->lock, irq);
	return found;
}
