/*
 * Plugs: a thread that is about to submit many bios holds them back for a moment, so that neighbours become one request.
 *
 * A plug is the thread's own: no lock.  It is given out when it ends, when it is full, and before the thread sleeps
 * (kern/sched.c calls), so nobody waits for a bio that is still held back.  Interrupts never plug.
 */
#include "base/atomic.h"
#include "block/queue.h"
#include "kern/sched.h"

enum { PLUG_MAX = 32, LOOK_BACK_MAX = 8 };

/* ---- merging ---- */

static u32 sectors_limit(const struct disk_limits *l)
{
	return l->sectors_soft ? MIN(l->sectors_soft, l->sectors_max) : l->sectors_max;
}

static bool same_kind(const struct bio *a, const struct bio *b)
{
	const u32 apart = BIO_FUA | BIO_PREFLUSH | BIO_NOMERGE;

	return a->bdev == b->bdev && a->op == b->op && op_has_bytes(a->op) && !((a->flags | b->flags) & apart) && !a->stage &&
	       !b->stage && a->ioprio == b->ioprio && (a->flags & BIO_POLLED) == (b->flags & BIO_POLLED);
}

/* Whether @b may stand behind @a: the seam between their bytes must suit the device too. */
static bool fits(const struct bio *a, const struct bio *b)
{
	const struct disk_limits *l = &a->bdev->disk->limits;
	const struct bio_seg *end = &a->last->segs[a->last->seg_count - 1];

	if (a->sector + a->run_sectors != b->sector || a->run_sectors + b->run_sectors > sectors_limit(l) ||
	    a->run_segs + b->run_segs > l->segs_max)
		return false;
	if (((end->addr + end->len_bytes) | b->segs[0].addr) & l->virt_boundary)
		return false;
	return !l->chunk_sectors || a->sector / l->chunk_sectors == (b->sector + b->run_sectors - 1) / l->chunk_sectors;
}

static struct bio *chain(struct bio *a, struct bio *b)
{
	a->last->next = b;
	a->last = b->last;
	a->run_sectors += b->run_sectors;
	a->run_segs += b->run_segs;
	bio_stats_merge(b);
	return a;
}

struct bio *bio_try_merge(struct bio *head, struct bio *b)
{
	if (atomic_load(&b->bdev->disk->nomerges) || !same_kind(head, b))
		return NULL;
	if (fits(head, b))
		return chain(head, b);
	return fits(b, head) ? chain(b, head) : NULL;
}

/* ---- plugs ---- */

static void give_out(struct block_plug *p)
{
	struct disk *before = NULL;

	while (!list_empty(&p->bios)) {
		struct bio *b = list_first_entry(&p->bios, struct bio, node);
		struct disk *d = b->bdev->disk;

		list_del_init(&b->node);
		if (before && before != d)
			disk_queues_run(before);
		queue_add(d, b, false);
		before = d;
	}
	p->count = 0;
	if (before)
		disk_queues_run(before);
}

void block_plug_begin(struct block_plug *p)
{
	struct thread *t = current();

	list_init(&p->bios);
	p->count = 0;
	p->outer = !t->plug;
	if (p->outer)
		t->plug = p;
}

void block_plug_end(struct block_plug *p)
{
	if (!p->outer)
		return;
	current()->plug = NULL;
	give_out(p);
}

static bool merge_into(struct block_plug *p, struct bio *b)
{
	struct bio *head;
	u32 looked = 0;

	list_for_each_entry_reverse(head, &p->bios, node) {
		struct bio *first = bio_try_merge(head, b);

		if (first == b)
			list_replace(&head->node, &b->node);
		if (first)
			return true;
		if (++looked == LOOK_BACK_MAX)
			break;
	}
	return false;
}

bool plug_add(struct bio *b)
{
	struct block_plug *p;

	if (!plat_irq_enabled() || b->bdev->disk->ops->submit)
		return false;
	p = current()->plug;
	if (!p)
		return false;
	if (merge_into(p, b))
		return true;
	list_add_tail(&b->node, &p->bios);
	if (++p->count == PLUG_MAX)
		give_out(p);
	return true;
}

static void before_sleep(struct thread *t)
{
	if (!list_empty(&t->plug->bios))
		give_out(t->plug);
}

static void hold_back(struct writeback_plug *p)
{
	static_assert(sizeof(struct block_plug) <= sizeof(*p), "a plug fits where write-back keeps it");

	block_plug_begin((struct block_plug *)p);
}

static void let_go(struct writeback_plug *p)
{
	block_plug_end((struct block_plug *)p);
}

void plug_init(void)
{
	writeback_register_plug(hold_back, let_go);
	sched_register_sleep(before_sleep);
}
