/*
 * Read-ahead: put locked pages into the cache and start reading them in runs.  What to read: readahead_plan.c.
 *
 * Only for files whose ops have read_run: a file that is read page by page gains nothing.
 */
#include "kern/sched.h"
#include "mm/internal.h"
#include "mm/readahead.h"

enum { RUN_MAX = 32 };

struct run {
	struct mapping *m;
	unsigned count;
	struct page *page[RUN_MAX];
};

static void run_flush(struct run *r)
{
	if (!r->count)
		return;
	r->m->ops->read_run(r->m, r->page, r->count);
	for (unsigned i = 0; i < r->count; i++)
		page_put(r->page[i]);
	r->count = 0;
}

/* A new locked page at @index. NULL: there is one already, or no memory (*stop) */
static struct page *add_page(struct mapping *m, u64 index, bool mark, bool *stop)
{
	struct page *p = page_alloc(0, ALLOC_USER | ALLOC_NOWARN | ALLOC_NOOOM), *there;

	if (!p) {
		*stop = true;
		return NULL;
	}
	if (mark)
		page_set(p, PG_READAHEAD);
	there = mapping_add(m, p, index);
	if (!there)
		return p;
	page_clear(p, PG_READAHEAD);
	page_put(p);
	if (IS_ERR(there))
		*stop = true;
	else
		page_put(there);
	return NULL;
}

static void submit(struct mapping *m, const struct readahead_plan *plan)
{
	u64 size = READ_ONCE(m->size), end = (size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0);
	u64 stop_at = plan->start + plan->count < plan->start ? end : MIN(plan->start + plan->count, end);
	struct run r = { .m = m };
	bool stop = false;

	for (u64 i = plan->start; i < stop_at && !stop; i++) {
		struct page *p = xa_load(&m->tree, i) ? NULL : add_page(m, i, i == plan->mark, &stop);

		if (p)
			r.page[r.count++] = p;
		if (!p || r.count == RUN_MAX)
			run_flush(&r);
	}
	run_flush(&r);
}

bool readahead_before(struct mapping *m, struct readahead *ra, u64 index, u64 want_pages)
{
	struct readahead_plan plan;

	if (!m->ops->read_run)
		return false;
	readahead_plan_miss(ra, index, want_pages, &plan);
	submit(m, &plan);
	return true;
}

void readahead_marked(struct mapping *m, struct readahead *ra, struct page *p, u64 index)
{
	struct readahead_plan plan;

	if (!page_test_clear(p, PG_READAHEAD) || !ra || !m->ops->read_run)
		return;
	readahead_plan_mark(ra, index, &plan);
	submit(m, &plan);
}
