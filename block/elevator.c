/*
 * Elevators: what stands between bios and the queues of a disk.  There is one, mq-deadline (deadline.c), or none.
 *
 * Locks: elevator->lock (RANK_BLOCK_SORT, interrupts off) guards the order.  disk->elevator is set once and stays allotted, so
 * that whoever has read the pointer may use it; `active` says whether it takes bios.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/deadline.h"
#include "block/queue.h"
#include "kern/slab.h"

/* Locks: l lock · a atomic */
struct elevator {
	struct spinlock lock;
	bool active;			/* [l] */
	u32 count;			/* [l], read without: chains in the order */
	struct deadline order;		/* [l] */
};

const char *elevator_name(const struct disk *d)
{
	const struct elevator *e = atomic_load(&d->elevator);

	return e && READ_ONCE(e->active) ? "mq-deadline" : "none";
}

static int elevator_create(struct disk *d)
{
	struct elevator *e = kzalloc(sizeof(*e), ALLOC_KERNEL);

	if (!e)
		return -ENOMEM;
	spin_init(&e->lock, RANK_BLOCK_SORT);
	deadline_init(&e->order);
	if (cmpxchg(&d->elevator, NULL, e))
		kfree(e);
	return 0;
}

int elevator_set(struct disk *d, const char *name)
{
	bool on = !strcmp(name, "mq-deadline");
	u64 irq;

	if (!on && strcmp(name, "none") != 0)
		return -EINVAL;
	if (!d->queues)
		return on ? -EINVAL : 0;
	if (on && !atomic_load(&d->elevator) && elevator_create(d))
		return -ENOMEM;
	if (!atomic_load(&d->elevator))
		return 0;
	irq = spin_lock_irqsave(&d->elevator->lock);
	d->elevator->active = on;
	spin_unlock_irqrestore(&d->elevator->lock, irq);
	disk_queues_run(d);	/* what it still holds goes out as before */
	return 0;
}

bool elevator_add(struct disk *d, struct bio *b)
{
	struct elevator *e = atomic_load(&d->elevator);
	u64 irq = spin_lock_irqsave(&e->lock);
	bool active = e->active;

	if (active && !deadline_merge(&e->order, b, bio_try_merge)) {
		deadline_add(&e->order, b, plat_mono_ns());
		atomic_store(&e->count, e->count + 1);
	}
	spin_unlock_irqrestore(&e->lock, irq);
	return active;
}

struct bio *elevator_next(struct disk *d)
{
	struct elevator *e = atomic_load(&d->elevator);
	struct bio *b;
	u64 irq;

	if (!atomic_load(&e->count))
		return NULL;
	irq = spin_lock_irqsave(&e->lock);
	b = deadline_next(&e->order, plat_mono_ns());
	if (b)
		atomic_store(&e->count, e->count - 1);
	spin_unlock_irqrestore(&e->lock, irq);
	return b;
}

bool elevator_has_work(struct disk *d)
{
	struct elevator *e = atomic_load(&d->elevator);

	return e && atomic_load(&e->count);
}

