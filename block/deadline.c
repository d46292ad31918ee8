/* The order of mq-deadline; see deadline.h. */
#include <linux/ioprio.h>
#include "block/deadline.h"
#include "kern/timer.h"

void deadline_init(struct deadline *d)
{
	*d = (struct deadline){
		.expire_ns = { 500ull * NS_PER_MS, 5000ull * NS_PER_MS }, .aging_ns = 10000ull * NS_PER_MS,
		.batch_max = 16, .starved_max = 2, .front_merges = true,
	};
	for (u32 p = 0; p < DEADLINE_PRIOS; p++)
		for (u32 w = 0; w < 2; w++)
			list_init(&d->arrived[p][w]);
}

static u32 prio_of(const struct bio *b)
{
	switch (b->ioprio >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_CLASS_RT: return 0;
	case IOPRIO_CLASS_IDLE: return 2;
	default: return 1;
	}
}

static u32 is_write(const struct bio *b)
{
	return b->op != BIO_READ;
}

static struct bio *bio_of(struct rb_node *n)
{
	return rb_entry_or_null(n, struct bio, sorted);
}

static void tree_add(struct rb_root *root, struct bio *b)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = b->sector < bio_of(parent)->sector ? &parent->left : &parent->right;
	}
	rb_link(&b->sorted, parent, link);
	rb_insert_fixup(root, &b->sorted);
}

void deadline_add(struct deadline *d, struct bio *b, u64 now_ns)
{
	u32 p = prio_of(b), w = is_write(b);

	b->deadline_ns = now_ns + d->expire_ns[w];
	tree_add(&d->sorted[p][w], b);
	list_add_tail(&b->node, &d->arrived[p][w]);
	d->queued[p]++;
}

static void take_out(struct deadline *d, struct bio *b, u32 p, u32 w)
{
	struct bio *after = bio_of(rb_next(&b->sorted));

	d->next[p][w] = after;
	rb_erase(&d->sorted[p][w], &b->sorted);
	list_del_init(&b->node);
	d->queued[p]--;
}

static struct bio *oldest(struct deadline *d, u32 p, u32 w)
{
	return list_first_entry_or_null(&d->arrived[p][w], struct bio, node);
}

/* The direction of the next batch: reads, unless there are none or writes have been passed over too often. */
static u32 choose_direction(struct deadline *d, u32 p)
{
	if (!oldest(d, p, 0))
		return 1;
	if (oldest(d, p, 1) && d->starved[p]++ >= d->starved_max)
		return 1;
	return 0;
}

static struct bio *next_of_prio(struct deadline *d, u32 p, u64 now_ns)
{
	u32 w = d->last_write[p];
	struct bio *b = d->next[p][w];

	if (!d->queued[p])
		return NULL;
	if (!b || d->batched[p] >= d->batch_max) {
		w = choose_direction(d, p);
		if (w)
			d->starved[p] = 0;
		b = d->next[p][w];
		if (!b || oldest(d, p, w)->deadline_ns <= now_ns)
			b = oldest(d, p, w);
		d->last_write[p] = w;
		d->batched[p] = 0;
	}
	d->batched[p]++;
	take_out(d, b, p, w);
	return b;
}

/* Something of a lower priority that has waited for too long, while there is work of a higher one. */
static struct bio *next_aged(struct deadline *d, u64 now_ns)
{
	bool higher = d->queued[0] != 0;

	for (u32 p = 1; p < DEADLINE_PRIOS; p++) {
		for (u32 w = 0; higher && w < 2; w++) {
			struct bio *b = oldest(d, p, w);

			if (b && b->deadline_ns - d->expire_ns[w] + d->aging_ns <= now_ns)
				return next_of_prio(d, p, now_ns);
		}
		higher |= d->queued[p] != 0;
	}
	return NULL;
}

struct bio *deadline_next(struct deadline *d, u64 now_ns)
{
	struct bio *b = next_aged(d, now_ns);

	for (u32 p = 0; !b && p < DEADLINE_PRIOS; p++)
		b = next_of_prio(d, p, now_ns);
	return b;
}

/* The last one that starts at or before @sector. */
static struct bio *find_before(struct rb_root *root, u64 sector)
{
	struct rb_node *n = root->node;
	struct bio *found = NULL;

	while (n) {
		struct bio *b = bio_of(n);

		if (b->sector <= sector)
			found = b;
		n = b->sector <= sector ? n->right : n->left;
	}
	return found;
}

bool deadline_merge(struct deadline *d, struct bio *b, struct bio *(*merge)(struct bio *head, struct bio *b))
{
	u32 p = prio_of(b), w = is_write(b);
	struct rb_root *root = &d->sorted[p][w];
	struct bio *before = find_before(root, b->sector), *after;

	if (before && merge(before, b))
		return true;
	after = bio_of(before ? rb_next(&before->sorted) : rb_first(root));
	if (!d->front_merges || !after || b->sector + b->run_sectors != after->sector || !merge(after, b))
		return false;
	/* @b leads the chain now, and stands where @after stood. */
	b->deadline_ns = after->deadline_ns;
	list_replace(&after->node, &b->node);
	rb_erase(root, &after->sorted);
	tree_add(root, b);
	if (d->next[p][w] == after)
		d->next[p][w] = b;
	return true;
}
