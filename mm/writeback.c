/*
 * Write-back: dirty pages of files go to their medium.
 *
 * A page under write-back is not locked: it may be read and even written to meanwhile (a write makes it dirty again).
 * The order for one page, locked: set PG_WRITEBACK, clear PG_DIRTY, make its page-table entries read-only; unlock; write.
 * Who dirties it after that sets PG_DIRTY anew; nothing is lost.
 *
 * Mappings with dirty pages stand on one list.  A kernel thread looks at it every five seconds and writes what has been
 * dirty for thirty, or everything while more than a tenth of memory is dirty; who dirties pages beyond a fifth of
 * memory writes some itself (mapping_balance_dirty).
 *
 * Locks: list_lock for the list; a mapping found on it is pinned before the lock is dropped.
 */
#include "kern/sched.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "mm/internal.h"

enum {
	RUN_MAX = 32,
	PERIOD_SEC = 5, EXPIRE_SEC = 30,
	BACKGROUND_PERCENT = 10, LIMIT_PERCENT = 20,
	BALANCE_PAGES = 256, BATCH = 128,
};

static struct spinlock list_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static LIST_HEAD(dirty_list);
static struct waitq flusher_waitq = WAITQ_INIT(flusher_waitq);
static u32 kicked;

/* ---- the list ---- */

void writeback_note(struct mapping *m)
{
	bool added = false;

	smp_mb();	/* the page's mark before the look at the list: see unlist_clean */
	if (!list_empty(&m->dirty_node))
		return;
	spin_lock(&list_lock);
	if (list_empty(&m->dirty_node)) {
		m->dirty_since_ns = plat_mono_ns();
		added = list_empty(&dirty_list);
		list_add_tail(&m->dirty_node, &dirty_list);
	}
	spin_unlock(&list_lock);
	if (added)
		wake_up_all(&flusher_waitq);
}

void writeback_forget(struct mapping *m)
{
	if (list_empty(&m->dirty_node))
		return;
	spin_lock(&list_lock);
	list_del_init(&m->dirty_node);
	spin_unlock(&list_lock);
}

/* Off the list first, then the look at the marks: who sets one after that finds the mapping off the list and adds it. */
static void unlist_clean(struct mapping *m)
{
	spin_lock(&list_lock);
	list_del_init(&m->dirty_node);
	smp_mb();
	if (xa_marked(&m->tree, (enum xa_mark)MARK_DIRTY)) {
		m->dirty_since_ns = plat_mono_ns();
		list_add_tail(&m->dirty_node, &dirty_list);
	}
	spin_unlock(&list_lock);
}

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
	page_clear_dirty(m, p);
	rmap_clean(p);
	page_unlock(p);
}

static void end(struct mapping *m, struct page *p, int err)
{
	if (err)
		mapping_set_error(m, err);
	set_mark(m, p, false);
	mm_count_add(COUNT_WRITEBACK, -1);
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

/* ---- who writes when ---- */

static u64 percent_of_memory(unsigned percent)
{
	struct page_stats s;

	page_stats(&s);
	return s.total * percent / 100;
}

void writeback_kick(void)
{
	atomic_store(&kicked, 1u);
	wake_up_all(&flusher_waitq);
}

void mapping_balance_dirty(struct mapping *m)
{
	u64 dirty;

	if (never_written(m))
		return;
	dirty = mm_count_sum(COUNT_DIRTY);
	if (dirty > percent_of_memory(LIMIT_PERCENT))
		(void)write_range(m, 0, ~0ull, BALANCE_PAGES, TRY);
	else if (dirty > percent_of_memory(BACKGROUND_PERCENT) && !atomic_load(&kicked))
		writeback_kick();
}

/* The next mapping that has been dirty since before @before_ns, pinned, moved to the list's end. */
static struct mapping *next_dirty(u64 before_ns)
{
	struct mapping *m, *found = NULL;

	spin_lock(&list_lock);
	list_for_each_entry(m, &dirty_list, dirty_node) {
		if (m->dirty_since_ns > before_ns)
			continue;
		found = m;
		mapping_pin(m);
		list_move_tail(&m->dirty_node, &dirty_list);
		m->dirty_since_ns = plat_mono_ns();
		break;
	}
	spin_unlock(&list_lock);
	return found;
}

/* Start to write a number of mappings that have been dirty since before @before_ns. Return: how many, pinned */
static unsigned start_batch(struct mapping **batch, u64 before_ns, enum how how)
{
	struct writeback_plug plug;
	unsigned n = 0;

	writeback_plug_begin(&plug);
	while (n < BATCH && (batch[n] = next_dirty(before_ns)) != NULL) {
		(void)write_range(batch[n++], 0, ~0ull, ~0ull, how);
		cond_resched();
	}
	writeback_plug_end(&plug);
	return n;
}

/* Write every mapping that has been dirty since before @before_ns: many are started, then waited for if @wait. */
static void write_dirty(u64 before_ns, bool wait)
{
	struct mapping *batch[BATCH];
	unsigned n;

	do {
		n = start_batch(batch, before_ns, wait ? START : TRY);
		for (unsigned i = 0; i < n; i++) {
			if (wait)
				wait_range(batch[i], 0, ~0ull);
			unlist_clean(batch[i]);
			mapping_unpin(batch[i]);
		}
	} while (n == BATCH);
}

void writeback_all(bool wait)
{
	if (wait)
		write_dirty(plat_mono_ns(), true);
	else
		writeback_kick();
}

static bool any_dirty(void)
{
	return !list_empty(&dirty_list);
}

static void flusher(void *arg)
{
	thread_set_flag(current(), TF_MEMALLOC);
	for (;;) {
		u64 now;
		bool all;

		wait_event(&flusher_waitq, any_dirty() || atomic_load(&kicked));
		if (!atomic_load(&kicked))
			(void)wait_event_until(&flusher_waitq, atomic_load(&kicked),
					       plat_mono_ns() + (u64)PERIOD_SEC * NS_PER_SEC);
		all = xchg(&kicked, 0u) || mm_count_sum(COUNT_DIRTY) > percent_of_memory(BACKGROUND_PERCENT);
		now = plat_mono_ns();
		if (all)
			write_dirty(now, false);
		else if (now > (u64)EXPIRE_SEC * NS_PER_SEC)
			write_dirty(now - (u64)EXPIRE_SEC * NS_PER_SEC, false);
	}
}

void writeback_start(void)
{
	struct thread *t = kthread_create(flusher, NULL, "flush");

	assert(!IS_ERR(t));
}
