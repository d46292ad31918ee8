/*
 * Write-back: dirty pages of files go to their medium.  Who writes when: backing.h.
 *
 * A page under write-back is not locked: it may be read and even written to meanwhile (a write makes it dirty again).
 * The order for one page, locked: set PG_WRITEBACK, clear PG_DIRTY, make its page-table entries read-only; unlock; write.
 * Who dirties it after that sets PG_DIRTY anew; nothing is lost.
 */
#include "kern/sched.h"
#include "mm/backing.h"
#include "mm/internal.h"

enum { RUN_MAX = 32, WAKE_EVERY = 32 };

/* ---- pages ---- */

static void set_mark(struct mapping *m, struct page *p, bool on)
{
	spin_lock(&m->lock);
	if (p->mapping == m) {
		if (on)
			xa_set_mark(&m->tree, p->index, (enum xa_mark)MARK_WRITEBACK);
		else
			xa_clear_mark(&m->tree, p->index, (enum xa_mark)MARK_WRITEBACK);
	}
	spin_unlock(&m->lock);
}

/* A locked dirty page: from here it is under write-back, and unlocked. */
static void begin(struct mapping *m, struct page *p)
{
	page_set(p, PG_WRITEBACK);
	set_mark(m, p, true);
	mm_count_add(COUNT_WRITEBACK, 1);
	atomic_inc(&m->backing->writing_pages);
	page_clear_dirty(m, p);
	rmap_clean(p);
	page_unlock(p);
}

static void end(struct mapping *m, struct page *p, int err)
{
	struct backing *b = m->backing;

	if (err)
		mapping_set_error(m, err);
	set_mark(m, p, false);
	mm_count_add(COUNT_WRITEBACK, -1);
	mm_count_add(COUNT_WRITTEN, 1);
	atomic_inc(&b->written);
	if (atomic_dec_return(&b->writing_pages) % WAKE_EVERY == 0)
		wake_up_all(&b->waitq);
	page_end_writeback(p);
}

void page_write_done(struct mapping *m, struct page *p, int err)
{
	end(m, p, err);		/* the mapping may be gone now */
	page_put(p);
}

/* Write, and wait. The references stay the caller's. */
static int write_pages(struct mapping *m, struct page **run, unsigned n)
{
	u64 size = READ_ONCE(m->size);
	int err = 0;

	if (m->ops->write_run && n > 1) {
		err = m->ops->write_run(m, run, n, size);
		for (unsigned i = 0; i < n; i++)
			end(m, run[i], err);
		return err;
	}
	for (unsigned i = 0; i < n; i++) {
		bool beyond = run[i]->index << PAGE_SHIFT >= size;
		int e = beyond || !m->ops->write_page ? 0 : m->ops->write_page(m, run[i], size);

		end(m, run[i], e);
		err = err ? err : e;
	}
	return err;
}

/* How a range is written. */
enum how {
	TRY,	/* start what nobody has locked or is writing */
	START,	/* start all */
	SYNC,	/* start all; the last run may be written at once, since the caller will wait for it anyway */
};

/* Write a run, or start to; its references go. */
static void run_out(struct mapping *m, struct page **run, unsigned n, bool now)
{
	if (m->ops->write_start && !now) {
		m->ops->write_start(m, run, n, READ_ONCE(m->size));
		return;
	}
	(void)!write_pages(m, run, n);		/* the error is noted in the mapping */
	while (n)
		page_put(run[--n]);
}

int writeback_page(struct mapping *m, struct page *p)
{
	begin(m, p);
	return write_pages(m, &p, 1);
}

/* The first page at or after *index that has @mark, with a reference. */
static struct page *find_marked(struct mapping *m, u64 *index, u64 last, int mark)
{
	struct page *p;

	while ((p = xa_find_marked(&m->tree, index, last, (enum xa_mark)mark)) != NULL) {
		if (page_get_not_zero(p)) {
			if (READ_ONCE(p->mapping) == m)
				return p;
			page_put(p);
		}
		plat_cpu_relax();
	}
	return NULL;
}

/* Make @p, of which the caller holds a reference, part of the run to write. @wait: for its lock, and for an older write */
static bool take(struct mapping *m, struct page *p, bool wait)
{
	if (wait)
		page_lock(p);
	else if (!page_trylock(p))
		return false;
	if (wait && page_has(p, PG_WRITEBACK))
		page_wait_writeback(p);
	if (p->mapping == m && page_has(p, PG_DIRTY) && !page_has(p, PG_WRITEBACK)) {
		begin(m, p);
		return true;
	}
	page_unlock(p);
	return false;
}

/* Write up to @max dirty pages of [first, last]. Return: how many were started. Errors are noted in the mapping. */
static u64 write_range(struct mapping *m, u64 first, u64 last, u64 max, enum how how)
{
	struct page *run[RUN_MAX], *p;
	u64 index = first, n = 0, started = 0;

	while (started < max && (p = find_marked(m, &index, last, MARK_DIRTY)) != NULL) {
		bool joins = n && p->index == run[n - 1]->index + 1 && n < RUN_MAX;

		if (n && !joins) {
			run_out(m, run, (unsigned)n, false);
			n = 0;
		}
		if (take(m, p, how != TRY)) {
			run[n++] = p;
			started++;
		} else {
			page_put(p);
		}
		if (index == last)
			break;
		index++;
		cond_resched();
	}
	if (n)
		run_out(m, run, (unsigned)n, how == SYNC);
	return started;
}

static void wait_range(struct mapping *m, u64 first, u64 last)
{
	u64 index = first;
	struct page *p;

	while ((p = find_marked(m, &index, last, MARK_WRITEBACK)) != NULL) {
		page_wait_writeback(p);
		page_put(p);
		if (index == last)
			break;
		index++;
	}
}

static void (*plug_begin)(struct writeback_plug *p), (*plug_end)(struct writeback_plug *p);

void writeback_register_plug(void (*begin)(struct writeback_plug *p), void (*end)(struct writeback_plug *p))
{
	plug_begin = begin;
	plug_end = end;
}

void writeback_plug_begin(struct writeback_plug *p)
{
	if (plug_begin)
		plug_begin(p);
}

void writeback_plug_end(struct writeback_plug *p)
{
	if (plug_end)
		plug_end(p);
}

static bool never_written(const struct mapping *m)
{
	return m->flags & (MAPPING_SHMEM | MAPPING_NOWRITEBACK);
}

int mapping_sync(struct mapping *m, u64 start, u64 end)
{
	u64 first = start >> PAGE_SHIFT, last = end ? (end - 1) >> PAGE_SHIFT : 0;
	u32 seen = atomic_load(&m->error_seq);
	struct writeback_plug plug;

	if (start >= end || never_written(m))
		return 0;
	writeback_plug_begin(&plug);
	(void)write_range(m, first, last, ~0ull, SYNC);
	writeback_plug_end(&plug);
	wait_range(m, first, last);
	return mapping_error_since(m, &seen);
}

void mapping_write_start(struct mapping *m)
{
	if (!never_written(m) && xa_marked(&m->tree, (enum xa_mark)MARK_DIRTY))
		(void)write_range(m, 0, ~0ull, ~0ull, START);
}

u64 writeback_some(struct mapping *m, u64 max, bool all)
{
	return write_range(m, 0, ~0ull, max, all ? START : TRY);
}

void writeback_wait(struct mapping *m)
{
	wait_range(m, 0, ~0ull);
}
