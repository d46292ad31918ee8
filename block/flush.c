/*
 * Durability: what BIO_FLUSH, BIO_PREFLUSH and BIO_FUA cost on a disk with a volatile cache.
 *
 *	BIO_FLUSH                flush
 *	write, BIO_PREFLUSH      flush, then the write
 *	write, BIO_FUA           the write, with the device's own FUA if it has that; else the write, then a flush
 *
 * One flush is under way at a time.  Who needs one while it runs waits for the next, since that one may have begun before
 * what has to be covered was written; one flush then serves all that wait.
 *
 * Locks: machine->lock (RANK_BLOCK_SORT, interrupts off).  bio->stage belongs to whoever has the bio.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "block/queue.h"
#include "kern/slab.h"

enum { STAGE_PRE = 1, STAGE_DATA = 2, STAGE_POST = 4 };

/* Locks: l lock */
struct flush_machine {
	struct spinlock lock;
	struct list_head pending;	/* [l] bios that the next flush will serve */
	struct list_head running;	/* [l] bios that the flush under way serves */
	bool active;			/* [l] a flush is under way */
	u64 start_ns;
	struct bio flush;		/* the one under way; no segments */
};

static void flush_done(struct bio *flush);

bool flush_needed(const struct bio *b)
{
	if (b->op == BIO_FLUSH)
		return true;
	return b->op == BIO_WRITE && (b->flags & BIO_PREFLUSH || (b->flags & BIO_FUA && !b->bdev->disk->limits.fua));
}

static void flush_submit(struct disk *d, struct flush_machine *f)
{
	bio_init(&f->flush, &d->whole, BIO_FLUSH, 0, 0);
	f->flush.last = &f->flush;
	f->flush.private = f;
	f->flush.done = flush_done;
	f->start_ns = plat_mono_ns();
	bio_issue(&f->flush);
}

static void flush_wait(struct bio *b)
{
	struct disk *d = b->bdev->disk;
	struct flush_machine *f = d->flusher;
	bool start;
	u64 irq = spin_lock_irqsave(&f->lock);

	list_add_tail(&b->node, &f->pending);
	start = !f->active;
	if (start) {
		f->active = true;
		list_splice_init(&f->pending, &f->running);
	}
	spin_unlock_irqrestore(&f->lock, irq);
	if (start)
		flush_submit(d, f);
}

/* Do what @b needs next. */
static void flush_step(struct bio *b, int status)
{
	if (status || !b->stage) {
		b->stage = 0;
		bio_end(b, status);
	} else if (b->stage & STAGE_PRE || !(b->stage & STAGE_DATA)) {
		flush_wait(b);
	} else {
		if (b->stage & STAGE_POST)
			b->flags &= ~(u32)BIO_FUA;
		b->flags &= ~(u32)BIO_PREFLUSH;
		bio_issue(b);
	}
}

static void flush_done(struct bio *flush)
{
	struct flush_machine *f = flush->private;
	struct disk *d = flush->bdev->disk;
	struct block_stats *stats = &d->whole.stats;
	LIST_HEAD(served);
	int status = flush->status;
	bool more;
	u64 irq;

	atomic_inc(&stats->ios[STAT_FLUSH]);
	atomic_add(&stats->ns[STAT_FLUSH], plat_mono_ns() - f->start_ns);
	irq = spin_lock_irqsave(&f->lock);
	list_splice_init(&f->running, &served);
	list_splice_init(&f->pending, &f->running);
	more = f->active = !list_empty(&f->running);
	spin_unlock_irqrestore(&f->lock, irq);
	if (more)
		flush_submit(d, f);
	while (!list_empty(&served)) {
		struct bio *b = list_first_entry(&served, struct bio, node);

		list_del_init(&b->node);
		b->stage &= b->stage & STAGE_PRE ? ~STAGE_PRE : ~STAGE_POST;
		flush_step(b, status);
	}
}

void flush_start(struct bio *b)
{
	bool fua = b->flags & BIO_FUA && !b->bdev->disk->limits.fua;

	b->stage = b->op == BIO_FLUSH ? STAGE_PRE :
		   (b->flags & BIO_PREFLUSH ? STAGE_PRE : 0) | STAGE_DATA | (fua ? STAGE_POST : 0);
	flush_step(b, 0);
}

void flush_data_done(struct bio *b, int status)
{
	b->stage &= ~STAGE_DATA;
	flush_step(b, status);
}

int flush_init(struct disk *d)
{
	struct flush_machine *f = kzalloc(sizeof(*f), ALLOC_KERNEL);

	if (!f)
		return -ENOMEM;
	spin_init(&f->lock, RANK_BLOCK_SORT);
	list_init(&f->pending);
	list_init(&f->running);
	d->flusher = f;
	return 0;
}

void flush_fini(struct disk *d)
{
	kfree(d->flusher);
	d->flusher = NULL;
}
