/* The thread of a loop device; see loop.h. */
#include <linux/errno.h>
#include <linux/falloc.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/loop/loop.h"
#include "block/queue.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "vfs/ops.h"

/* A bio on its way to the file. */
struct transfer {
	struct async_io io;
	struct loop *loop;
	struct bio *bio;
	struct iter_seg segs[];
};

void loop_submit(struct disk *d, struct bio *b)
{
	struct loop *l = d->private;
	u64 irq = spin_lock_irqsave(&l->lock);
	bool bound = l->state == LOOP_BOUND && !l->stop;

	if (bound)
		list_add_tail(&b->node, &l->waiting);
	spin_unlock_irqrestore(&l->lock, irq);
	if (bound)
		wake_up_all(&l->work_waitq);
	else
		bio_end(b, -EIO);
}

/* ---- one bio ---- */

static void transfer_free(struct transfer *t, int status)
{
	struct loop *l = t->loop;
	struct bio *b = t->bio;

	kfree(t);
	bio_end(b, status);
	atomic_dec(&l->under_way);
	wake_up_all(&l->work_waitq);
}

/* What a read did not reach lies past the end of the file: zeroes. */
static void zero_rest(struct bio *b, u64 done)
{
	for (u32 i = 0; i < b->seg_count; i++) {
		u64 n = MIN(done, (u64)b->segs[i].len_bytes);

		memset((u8 *)phys_to_virt(b->segs[i].addr) + n, 0, b->segs[i].len_bytes - n);
		done -= n;
	}
}

static int outcome(struct bio *b, s64 n)
{
	u64 want = b->sectors << SECTOR_SHIFT;

	if (n < 0)
		return n == -ENOSPC || n == -EOPNOTSUPP ? (int)n : -EIO;
	if ((u64)n < want) {
		if (b->op == BIO_WRITE)
			return -EIO;
		zero_rest(b, n);
	}
	return 0;
}

static void direct_done(struct async_io *io, s64 result)
{
	struct transfer *t = container_of(io, struct transfer, io);

	transfer_free(t, outcome(t->bio, result));
}

static s64 cached_transfer(struct loop *l, struct transfer *t, u64 pos)
{
	struct bio *b = t->bio;
	struct iter it;
	u64 total = b->sectors << SECTOR_SHIFT, start = pos;
	s64 n = 1;

	iter_init_segs(&it, ITER_KERNEL, t->segs, b->seg_count, total);
	while (iter_left(&it) && n > 0) {
		u64 left = iter_left(&it);

		n = b->op == BIO_WRITE ? l->cached->ops->write(l->cached, &it, &pos) : l->cached->ops->read(l->cached, &it, &pos);
		if (n > 0 && iter_left(&it) == left)
			break;
	}
	return pos > start ? (s64)(pos - start) : n;
}

static void transfer_start(struct loop *l, struct bio *b)
{
	struct transfer *t = kmalloc(sizeof(*t) + b->seg_count * sizeof(t->segs[0]), ALLOC_NOFS);
	u64 pos = l->offset + (b->sector << SECTOR_SHIFT);
	struct iter it;
	s64 n = -EOPNOTSUPP;

	if (!t) {
		bio_end(b, -ENOMEM);
		return;
	}
	*t = (struct transfer){ .io.done = direct_done, .loop = l, .bio = b };
	for (u32 i = 0; i < b->seg_count; i++)
		t->segs[i] = (struct iter_seg){ (u64)phys_to_virt(b->segs[i].addr), b->segs[i].len_bytes };
	atomic_inc(&l->under_way);
	if (l->direct) {
		iter_init_segs(&it, ITER_KERNEL, t->segs, b->seg_count, b->sectors << SECTOR_SHIFT);
		n = l->direct->ops->start(l->direct, &it, pos, b->op == BIO_WRITE, &t->io);
	}
	if (n == -EIOCBQUEUED)
		return;
	if (n == -EOPNOTSUPP || n == -EINVAL)
		n = cached_transfer(l, t, pos);
	transfer_free(t, outcome(b, n));
}

static int punch(struct loop *l, const struct bio *b)
{
	int mode = b->op == BIO_WRITE_ZEROES && b->flags & BIO_NOUNMAP ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
	int err = vfs_fallocate(l->cached, mode | FALLOC_FL_KEEP_SIZE, (s64)(l->offset + (b->sector << SECTOR_SHIFT)),
				(s64)(b->sectors << SECTOR_SHIFT));

	return err && err != -EINVAL && err != -EOPNOTSUPP ? -EIO : err == -EINVAL ? -EOPNOTSUPP : err;
}

static void bio_handle(struct loop *l, struct bio *b)
{
	if (op_has_bytes(b->op))
		transfer_start(l, b);
	else if (b->op == BIO_FLUSH)
		bio_end(b, file_sync(l->cached, 0, ~0ull, false) ? -EIO : 0);
	else
		bio_end(b, punch(l, b));
}

/* ---- the thread ---- */

static struct bio *next_bio(struct loop *l, bool *stop)
{
	u64 irq = spin_lock_irqsave(&l->lock);
	struct bio *b = l->quiet ? NULL : list_first_entry_or_null(&l->waiting, struct bio, node);

	if (b) {
		list_del_init(&b->node);
		l->handling = true;
	}
	*stop = l->stop && list_empty(&l->waiting);
	spin_unlock_irqrestore(&l->lock, irq);
	return b;
}

static bool has_work(struct loop *l)
{
	return (!list_empty(&l->waiting) && !READ_ONCE(l->quiet)) || READ_ONCE(l->stop);
}

static void loop_thread(void *arg)
{
	struct loop *l = arg;
	bool stop = false;

	thread_set_flag(current(), TF_MEMALLOC);
	for (;;) {
		struct bio *b = next_bio(l, &stop);

		if (b) {
			struct block_plug plug;

			block_plug_begin(&plug);
			while (b) {
				bio_handle(l, b);
				b = next_bio(l, &stop);
			}
			block_plug_end(&plug);
			WRITE_ONCE(l->handling, false);
			wake_up_all(&l->work_waitq);
		} else if (stop) {
			break;
		} else {
			wait_event(&l->work_waitq, has_work(l));
		}
	}
	wait_event(&l->work_waitq, atomic_load_acquire(&l->under_way) == 0);
	complete(&l->stopped);
}

int loop_thread_start(struct loop *l)
{
	struct thread *t;

	l->stop = l->quiet = l->handling = false;
	completion_init(&l->stopped);
	t = kthread_create(loop_thread, l, "loop%u", l->number);
	return IS_ERR(t) ? (int)PTR_ERR(t) : 0;
}

void loop_thread_stop(struct loop *l)
{
	u64 irq = spin_lock_irqsave(&l->lock);

	l->stop = true;
	spin_unlock_irqrestore(&l->lock, irq);
	wake_up_all(&l->work_waitq);
	wait_for_completion(&l->stopped);
}

void loop_quiet(struct loop *l)
{
	u64 irq = spin_lock_irqsave(&l->lock);

	l->quiet = true;
	spin_unlock_irqrestore(&l->lock, irq);
	wait_event(&l->work_waitq, !READ_ONCE(l->handling) && atomic_load_acquire(&l->under_way) == 0);
}

void loop_loud(struct loop *l)
{
	u64 irq = spin_lock_irqsave(&l->lock);

	l->quiet = false;
	spin_unlock_irqrestore(&l->lock, irq);
	wake_up_all(&l->work_waitq);
}
