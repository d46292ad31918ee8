/*
 * The page cache of a file: the page tree, lookups, read(2) and write(2) through it.  Contracts: mapping.h.
 *
 * References.  The tree holds one on every page in it.  A finder takes its own without a lock: it loads the slot, raises
 * the count unless that is 0, and then checks that the page still belongs to this mapping and covers the index: if not, it
 * drops the reference and looks again.  So a page may carry a stranger's reference for a moment at any time.
 *
 * Copies.  Neither read nor write holds PG_LOCKED while it copies from or to user memory, since the copy may fault, and the
 * fault may need this very page.  A read copies from any page that is up to date.  A write copies into a page that is up to
 * date and marks it dirty after; where the old contents do not matter (the page is new, or overwritten from
 * end to end) it fills a page of its own first and puts it into the tree when it is complete.
 */
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/backing.h"
#include "mm/internal.h"

/* ---- tree nodes: read under RCU ---- */

struct cache_node {
	struct xa_node node;
	struct rcu_head rcu;
};

static struct slab_cache *node_cache;

/* Called with mapping->lock held; refill_nodes() is what sleeps. */
static struct xa_node *node_alloc(void *ctx)
{
	struct cache_node *n = slab_alloc(node_cache, ALLOC_ATOMIC | ALLOC_NOWARN);

	return n ? &n->node : NULL;
}

static void node_free_rcu(struct rcu_head *head)
{
	slab_free(node_cache, container_of(head, struct cache_node, rcu));
}

static void node_free(void *ctx, struct xa_node *node)
{
	struct cache_node *n = container_of(node, struct cache_node, node);

	call_rcu(&n->rcu, node_free_rcu);
}

static const struct xa_ops node_ops = { .node_alloc = node_alloc, .node_free = node_free };

void cache_node_init(void)
{
	node_cache = slab_create("cache_node", sizeof(struct cache_node), 0);
	assert(node_cache);
}

/* Let the slab's free list have a few nodes, so that the next attempt under the lock finds them. */
static bool refill_nodes(u32 alloc_flags)
{
	void *n[4];
	bool any = false;

	for (unsigned i = 0; i < ARRAY_SIZE(n); i++) {
		n[i] = slab_alloc(node_cache, alloc_flags & ~ALLOC_ZERO);
		any |= n[i] != NULL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(n); i++)
		if (n[i])
			slab_free(node_cache, n[i]);
	return any;
}

/* ---- the mapping itself ---- */

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host, u32 flags)
{
	memset(m, 0, sizeof(*m));
	xa_init(&m->tree, &node_ops);
	spin_init(&m->lock, RANK_MAPPING);
	m->ops = ops;
	m->host = host;
	m->flags = flags;
	rwsem_init(&m->rmap_lock, RANK_RMAP);
	interval_tree_init(&m->vmas);
	m->backing = &backing_default;
	list_init(&m->dirty_node);
}

static struct waitq pins_waitq = WAITQ_INIT(pins_waitq);

void mapping_pin(struct mapping *m)
{
	atomic_inc(&m->pins);
}

/* The mapping may be gone once its count is 0. */
void mapping_unpin(struct mapping *m)
{
	if (atomic_dec_and_test(&m->pins))
		wake_up_all(&pins_waitq);
}

static void drop_range(struct mapping *m, u64 first, u64 last);

void mapping_fini(struct mapping *m)
{
	assert(interval_tree_empty(&m->vmas));
	writeback_forget(m);
	if (!xa_empty(&m->tree))
		drop_range(m, 0, ~0ull);
	wait_event(&pins_waitq, atomic_load_acquire(&m->pins) == 0);
	assert(xa_empty(&m->tree));
	writeback_forget(m);
}

static inline bool is_shmem(const struct mapping *m)
{
	return m->flags & MAPPING_SHMEM;
}

static inline u64 run_pages(const struct page *head)
{
	return 1ull << page_order(head);
}

/* ---- lookups ---- */

struct page *mapping_find(struct mapping *m, u64 index)
{
	struct page *p;

	for (;;) {
		p = xa_load(&m->tree, index);
		if (!p)
			return NULL;
		if (likely(page_get_not_zero(p))) {
			if (likely(READ_ONCE(p->mapping) == m && index - READ_ONCE(p->index) < run_pages(p)))
				return p;
			page_put(p);
		}
		plat_cpu_relax();
	}
}

/* The first cached page at or after *index, up to @last, with a reference; *index moves to where it starts to matter. */
static struct page *find_next(struct mapping *m, u64 *index, u64 last)
{
	struct page *p;

	for (;;) {
		p = xa_find(&m->tree, index, last);
		if (!p)
			return NULL;
		if (page_get_not_zero(p)) {
			if (READ_ONCE(p->mapping) == m && *index - p->index < run_pages(p))
				return p;
			page_put(p);
		}
		plat_cpu_relax();
	}
}

/* ---- in and out of the tree ---- */

static int tree_insert(struct mapping *m, struct page *fresh, u64 index)
{
	int err;

	spin_lock(&m->lock);
	err = xa_insert(&m->tree, index, fresh);
	if (!err)
		m->page_count++;
	spin_unlock(&m->lock);
	return err;
}

/**
 * mapping_add - put a page of the caller's into the cache, locked
 * Return: NULL: done, the tree took a reference of its own; else the page that is there already, with a reference, or
 * ERR_PTR(-ENOMEM): @fresh is the caller's as before.
 */
struct page *mapping_add(struct mapping *m, struct page *fresh, u64 index)
{
	struct page *there;
	int err;

	fresh->mapping = m;
	fresh->index = index;
	page_set(fresh, PG_LOCKED | PG_CACHE | (is_shmem(m) ? PG_SHMEM : 0));
	page_get(fresh);
	for (unsigned tries = 0; tries < 16; tries++) {
		err = tree_insert(m, fresh, index);
		if (!err) {
			mm_count_add(is_shmem(m) ? COUNT_SHMEM : COUNT_FILE, 1);
			return NULL;
		}
		if (err == -ENOMEM && !refill_nodes(ALLOC_USER))
			break;
		if (err == -EBUSY) {
			there = mapping_find(m, index);
			if (there)
				goto out_undo;
		}
	}
	there = ERR_PTR(-ENOMEM);
out_undo:
	fresh->mapping = NULL;
	page_clear(fresh, PG_LOCKED | PG_CACHE | PG_SHMEM);
	page_put(fresh);
	return there;
}

/* The dirty count follows the mark. mapping->lock held. */
static void unmark_dirty(struct mapping *m, u64 index)
{
	if (!xa_get_mark(&m->tree, index, (enum xa_mark)MARK_DIRTY))
		return;
	xa_clear_mark(&m->tree, index, (enum xa_mark)MARK_DIRTY);
	mm_count_add(COUNT_DIRTY, -1);
	atomic_dec(&m->backing->dirty_pages);
}

void page_clear_dirty(struct mapping *m, struct page *p)
{
	if (!page_test_clear(p, PG_DIRTY) || m->flags & (MAPPING_SHMEM | MAPPING_NOWRITEBACK))
		return;
	spin_lock(&m->lock);
	if (!page_has(p, PG_DIRTY))
		unmark_dirty(m, p->index);
	spin_unlock(&m->lock);
}

/* mapping->lock held, the page locked. */
static void tree_remove(struct mapping *m, struct page *p)
{
	u64 n = run_pages(p);

	unmark_dirty(m, p->index);
	for (u64 i = 0; i < n; i++)
		xa_erase(&m->tree, p->index + i);
	m->page_count -= n;
	WRITE_ONCE(p->mapping, NULL);
	mm_count_add(is_shmem(m) ? COUNT_SHMEM : COUNT_FILE, -(s64)n);
}

void page_remove(struct page *p)
{
	struct mapping *m = p->mapping;

	if (m->ops && m->ops->release)
		m->ops->release(m, p);
	spin_lock(&m->lock);
	tree_remove(m, p);
	spin_unlock(&m->lock);
	page_clear(p, PG_CACHE | PG_READAHEAD | PG_DIRTY);
	page_put(p);
}

bool page_remove_unused(struct mapping *m, struct page *p)
{
	u32 expect = 2;

	if (page_has(p, PG_DIRTY | PG_WRITEBACK) || atomic_load(&p->mapcount))
		return false;
	mapping_pin(m);
	spin_lock(&m->lock);
	if (!try_cmpxchg(&p->refs, &expect, 0u)) {
		spin_unlock(&m->lock);
		mapping_unpin(m);
		return false;
	}
	if (unlikely(page_has(p, PG_DIRTY))) {
		atomic_store_release(&p->refs, 2u);
		spin_unlock(&m->lock);
		mapping_unpin(m);
		return false;
	}
	tree_remove(m, p);
	spin_unlock(&m->lock);
	atomic_store_release(&p->refs, 1u);
	if (m->ops && m->ops->release)
		m->ops->release(m, p);
	mapping_unpin(m);
	page_clear(p, PG_CACHE | PG_READAHEAD);
	page_unlock(p);
	page_put(p);
	return true;
}

static struct page *alloc_for(struct mapping *m, u64 index, u32 alloc_flags)
{
	struct page *p;
	int err;

	if (is_shmem(m) && m->ops && m->ops->reserve) {
		err = m->ops->reserve(m, index);
		if (err)
			return ERR_PTR(err);
	}
	p = page_alloc(0, alloc_flags);
	if (!p) {
		if (is_shmem(m) && m->ops && m->ops->release)
			m->ops->release(m, NULL);
		return ERR_PTR(-ENOMEM);
	}
	return p;
}

static void free_unused(struct mapping *m, struct page *p)
{
	if (is_shmem(m) && m->ops && m->ops->release)
		m->ops->release(m, NULL);
	page_put(p);
}

/* A page with a reference: lock it; false if it has left the cache (the reference is dropped then). */
static bool lock_found(struct mapping *m, struct page *p)
{
	page_lock(p);
	if (likely(p->mapping == m))
		return true;
	page_unlock(p);
	page_put(p);
	return false;
}

struct page *mapping_grab(struct mapping *m, u64 index, u32 alloc_flags)
{
	struct page *p, *fresh;

	for (;;) {
		p = mapping_find(m, index);
		if (p) {
			if (lock_found(m, p))
				return p;
			continue;
		}
		fresh = alloc_for(m, index, is_shmem(m) ? alloc_flags | ALLOC_ZERO : alloc_flags);
		if (IS_ERR(fresh))
			return fresh;
		if (is_shmem(m))
			page_set(fresh, PG_UPTODATE);
		p = mapping_add(m, fresh, index);
		if (!p)
			return fresh;
		free_unused(m, fresh);
		if (IS_ERR(p))
			return p;
		if (lock_found(m, p))
			return p;
	}
}

/* Fill a locked page that is not up to date; unlocks it. */
static int read_in(struct mapping *m, struct page *p)
{
	int err;

	page_clear(p, PG_ERROR);
	if (!m->ops || !m->ops->read_page) {
		clear_page(page_virt(p));
		err = 0;
	} else {
		err = m->ops->read_page(m, p);
	}
	page_read_done(p, err);
	return err;
}

static struct page *get_locked_read(struct mapping *m, struct page *p)
{
	int err = 0;

	if (page_has(p, PG_UPTODATE))
		page_unlock(p);
	else
		err = read_in(m, p);
	if (!err)
		return p;
	page_put(p);
	return ERR_PTR(err);
}

static inline bool past_end(struct mapping *m, u64 index)
{
	u64 size = READ_ONCE(m->size);

	return size == 0 || index > (size - 1) >> PAGE_SHIFT;
}

struct page *mapping_get_want(struct mapping *m, u64 index, struct readahead *ra, u64 want_pages)
{
	bool ahead = !is_shmem(m) && want_pages;
	struct page *p;

	for (;;) {
		p = mapping_find(m, index);
		if (!p) {
			if (past_end(m, index))
				return ERR_PTR(-EIO);
			if (ahead) {
				ahead = false;
				if (readahead_before(m, ra, index, want_pages))
					continue;
			}
			p = mapping_grab(m, index, ALLOC_USER);
			return IS_ERR(p) ? p : get_locked_read(m, p);
		}
		if (page_has(p, PG_READAHEAD))
			readahead_marked(m, ra, p, index);
		if (likely(page_has(p, PG_UPTODATE)))
			return p;
		if (page_lock_killable(p)) {
			page_put(p);
			return ERR_PTR(-EINTR);
		}
		if (p->mapping == m)
			return get_locked_read(m, p);
		page_unlock(p);
		page_put(p);
	}
}

struct page *mapping_get(struct mapping *m, u64 index, struct readahead *ra)
{
	return mapping_get_want(m, index, ra, 1);
}

/* ---- read(2) ---- */

static inline void mark_used(struct page *p)
{
	if (!page_has(p, PG_REFERENCED))
		page_set(p, PG_REFERENCED);
}

/* The page to read from; NULL: a hole of a shmem file. */
static struct page *page_for_read(struct mapping *m, struct readahead *ra, u64 index, u64 want_pages)
{
	struct page *p = mapping_find(m, index);

	if (likely(p && (__atomic_load_n(&p->flags, __ATOMIC_ACQUIRE) & (PG_UPTODATE | PG_READAHEAD)) == PG_UPTODATE))
		return p;
	if (p)
		page_put(p);
	else if (is_shmem(m))
		return NULL;
	return mapping_get_want(m, index, ra, want_pages);
}

s64 mapping_read(struct mapping *m, struct readahead *ra, struct iter *to, u64 *pos)
{
	u64 at = *pos;
	s64 err = 0;

	while (iter_left(to)) {
		u64 index = at >> PAGE_SHIFT;
		u64 off = at & (PAGE_SIZE - 1);
		u64 size = READ_ONCE(m->size);
		size_t n, done;
		struct page *p;

		if (at >= size)
			break;
		p = page_for_read(m, ra, index, (off + iter_left(to) + PAGE_SIZE - 1) >> PAGE_SHIFT);
		if (IS_ERR(p)) {
			err = PTR_ERR(p);
			break;
		}
		size = READ_ONCE(m->size);
		n = at >= size ? 0 : MIN(MIN(PAGE_SIZE - off, size - at), iter_left(to));
		if (p) {
			done = iter_put(to, (char *)page_virt(page_sub(p, index)) + off, n);
			mark_used(p);
			page_put(p);
		} else {
			done = iter_zero(to, n);
		}
		at += done;
		if (ra)
			ra->prev_index = index;
		if (done < n || !n) {
			err = n ? -EFAULT : 0;
			break;
		}
		cond_resched();
	}
	if (at > *pos)
		err = (s64)(at - *pos);
	*pos = at;
	return err;
}

/* ---- write(2) ---- */

/* Whether the old contents of the page do not matter to a write of [at, at + n) within it. */
static bool write_covers(struct mapping *m, u64 at, size_t n)
{
	u64 size = READ_ONCE(m->size);
	u64 page_start = at & PAGE_MASK;

	return is_shmem(m) || n == PAGE_SIZE || page_start >= size || (at == page_start && at + n >= size);
}

/*
 * Write into a page that is not in the cache yet: filled first, published when complete.
 * Return: bytes; -EAGAIN: somebody else put a page there, or the source faults after *len bytes (lowered to that): nothing
 * was taken from @from; -EFAULT, -ENOMEM, -ENOSPC
 */
static s64 write_fresh(struct mapping *m, struct iter *from, u64 at, size_t *len)
{
	size_t off = at & (PAGE_SIZE - 1), n = *len;
	struct page *there, *p = alloc_for(m, at >> PAGE_SHIFT, ALLOC_USER);
	char *data;
	size_t done;

	if (IS_ERR(p))
		return PTR_ERR(p);
	if (!is_shmem(m) && m->ops->reserve) {
		int err = m->ops->reserve(m, at >> PAGE_SHIFT);

		if (err) {
			page_put(p);
			return err;
		}
	}
	data = page_virt(p);
	memset(data, 0, off);
	memset(data + off + n, 0, PAGE_SIZE - off - n);
	done = iter_get(from, data + off, n);
	if (done < n) {
		iter_revert(from, done);
		free_unused(m, p);
		*len = done;
		return done ? -EAGAIN : -EFAULT;
	}
	page_set(p, PG_UPTODATE | PG_REFERENCED);
	there = mapping_add(m, p, at >> PAGE_SHIFT);
	if (there) {
		iter_revert(from, done);
		free_unused(m, p);
		if (IS_ERR(there))
			return PTR_ERR(there);
		page_put(there);
		return -EAGAIN;
	}
	page_dirty(p);
	page_unlock(p);
	page_put(p);
	return (s64)done;
}

static s64 write_cached(struct mapping *m, struct page *p, struct iter *from, u64 at, size_t n)
{
	size_t done;

	if (!is_shmem(m) && m->ops->reserve && !page_has(p, PG_DIRTY)) {
		int err = m->ops->reserve(m, at >> PAGE_SHIFT);

		if (err)
			return err;
	}
	done = iter_get(from, (char *)page_virt(page_sub(p, at >> PAGE_SHIFT)) + (at & (PAGE_SIZE - 1)), n);
	if (!done)
		return -EFAULT;
	page_dirty(p);
	if (unlikely(READ_ONCE(p->mapping) != m)) {	/* evicted before it was dirty */
		iter_revert(from, done);
		return -EAGAIN;
	}
	mark_used(p);
	return (s64)done;
}

/* A page beyond the end of the file that is in the cache without contents (its read failed): there is nothing to read. */
static struct page *settle_past_end(struct mapping *m, struct page *p)
{
	if (!lock_found(m, p))
		return NULL;
	if (!page_has(p, PG_UPTODATE)) {
		clear_page(page_virt(p));
		page_set(p, PG_UPTODATE);
	}
	page_unlock(p);
	return p;
}

/* Write up to @n bytes that lie in one page. Return: bytes, at least 1, or -errno */
static s64 write_page_part(struct mapping *m, struct iter *from, u64 at, size_t n)
{
	u64 index = at >> PAGE_SHIFT;
	s64 done;

	for (;;) {
		struct page *p = mapping_find(m, index);

		if (!p && write_covers(m, at, n)) {
			done = write_fresh(m, from, at, &n);
			if (done != -EAGAIN)
				return done;
			continue;
		}
		if (p && !page_has(p, PG_UPTODATE) && past_end(m, index)) {
			p = settle_past_end(m, p);
			if (!p)
				continue;
		} else if (!p || !page_has(p, PG_UPTODATE)) {
			if (p)
				page_put(p);
			p = mapping_get_want(m, index, NULL, 0);
			if (IS_ERR(p))
				return PTR_ERR(p);
		}
		done = write_cached(m, p, from, at, n);
		page_put(p);
		if (likely(done != -EAGAIN))
			return done;
	}
}

s64 mapping_write(struct mapping *m, struct iter *from, u64 *pos)
{
	u64 start = *pos, at = start;
	s64 done = 0;

	while (iter_left(from)) {
		size_t n = MIN(PAGE_SIZE - (at & (PAGE_SIZE - 1)), iter_left(from));

		done = write_page_part(m, from, at, n);
		if (done < 0)
			break;
		at += (u64)done;
		if (at > m->size)
			atomic_store(&m->size, at);
		if (mapping_balance_due())
			mapping_balance_dirty(m);
		if (fatal_signal_pending()) {
			done = -EINTR;
			break;
		}
		cond_resched();
	}
	*pos = at;
	return at > start ? (s64)(at - start) : done < 0 ? done : 0;
}

/* ---- dropping pages ---- */

/* Zero what of a locked run lies in pages [first, last]. */
static void zero_subpages(struct page *head, u64 first, u64 last)
{
	for (u64 i = 0; i < run_pages(head); i++)
		if (head->index + i >= first && head->index + i <= last)
			clear_page(page_virt(head + i));
}

static void drop_range(struct mapping *m, u64 first, u64 last)
{
	struct page *p;
	u64 index = first;

	while ((p = find_next(m, &index, last)) != NULL) {
		u64 next = p->index + run_pages(p);

		page_lock(p);
		if (p->mapping == m) {
			page_wait_writeback(p);
			if (p->index < first || p->index + run_pages(p) - 1 > last)
				zero_subpages(p, first, last);
			else
				page_remove(p);
		}
		page_unlock(p);
		page_put(p);
		if (next == 0 || next > last)
			break;
		index = next;
		cond_resched();
	}
}

/* Zero bytes [from, to) of the page at @index, if it is cached. */
static void zero_part(struct mapping *m, u64 index, size_t from, size_t to)
{
	struct page *p = mapping_find(m, index);

	if (!p || !lock_found(m, p))
		return;
	if (page_has(p, PG_UPTODATE)) {
		page_wait_writeback(p);
		memset((char *)page_virt(page_sub(p, index)) + from, 0, to - from);
		page_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

void mapping_truncate(struct mapping *m, u64 from)
{
	u64 first = (from >> PAGE_SHIFT) + ((from & (PAGE_SIZE - 1)) != 0);

	if (!xa_empty(&m->tree)) {
		if (from & (PAGE_SIZE - 1))
			zero_part(m, from >> PAGE_SHIFT, from & (PAGE_SIZE - 1), PAGE_SIZE);
		drop_range(m, first, ~0ull);
	}
	rmap_unmap_truncated(m, first, ~0ull);
}

void mapping_punch(struct mapping *m, u64 start, u64 end)
{
	u64 first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 stop = end >> PAGE_SHIFT;		/* whole pages: [first, stop) */

	if (start >= end)
		return;
	if (first > stop) {			/* within one page */
		zero_part(m, stop, start & (PAGE_SIZE - 1), end & (PAGE_SIZE - 1));
		return;
	}
	if (start & (PAGE_SIZE - 1))
		zero_part(m, first - 1, start & (PAGE_SIZE - 1), PAGE_SIZE);
	if (end & (PAGE_SIZE - 1))
		zero_part(m, stop, 0, end & (PAGE_SIZE - 1));
	if (first < stop) {
		drop_range(m, first, stop - 1);
		rmap_unmap_mapping(m, first, stop - 1);
	}
}

static u64 invalidate(struct mapping *m, u64 first, u64 last, bool wait)
{
	struct page *p;
	u64 index = first, stayed = 0;

	while ((p = find_next(m, &index, last)) != NULL) {
		u64 next = p->index + run_pages(p);

		if (wait)
			page_lock(p);
		if (!wait && !page_trylock(p)) {
			stayed++;
			page_put(p);
		} else if (p->mapping != m || is_shmem(m) || page_order(p) || !page_remove_unused(m, p)) {
			stayed++;
			page_unlock(p);
			page_put(p);
		}
		if (next == 0 || next > last)
			break;
		index = next;
		cond_resched();
	}
	return stayed;
}

/* A locked page leaves the cache unless it is dirty; others may use it on. Return: whether */
static bool remove_clean(struct mapping *m, struct page *p)
{
	bool clean;

	spin_lock(&m->lock);
	clean = !page_has(p, PG_DIRTY);		/* who makes it dirty from here on finds that it has no mapping */
	if (clean)
		tree_remove(m, p);
	spin_unlock(&m->lock);
	if (!clean)
		return false;
	page_clear(p, PG_CACHE | PG_READAHEAD);
	page_put(p);
	return true;
}

u64 mapping_evict(struct mapping *m, u64 first, u64 last)
{
	struct page *p;
	u64 index = first, stayed = 0;

	assert(!is_shmem(m));
	while ((p = find_next(m, &index, last)) != NULL) {
		u64 next = p->index + run_pages(p);

		if (!page_lock_unless_writeback(p)) {
			stayed++;
		} else {
			if (p->mapping == m) {
				if (atomic_load(&p->mapcount))
					rmap_unmap_mapping(m, p->index, next - 1);
				stayed += !remove_clean(m, p);
			}
			page_unlock(p);
		}
		page_put(p);
		if (next == 0 || next > last)
			break;
		index = next;
		cond_resched();
	}
	/* what a fault mapped while it was on its way out */
	rmap_unmap_mapping(m, first, last);
	return stayed;
}

u64 mapping_invalidate(struct mapping *m, u64 first, u64 last)
{
	return invalidate(m, first, last, false);
}

void mapping_drop_unused(struct mapping *m)
{
	(void)invalidate(m, 0, ~0ull, true);
}

/* ---- errors, dirtying, holes ---- */

void page_dirty(struct page *p)
{
	struct mapping *m;

	if (page_has(p, PG_DIRTY) || page_test_set(p, PG_DIRTY))
		return;
	rcu_read_lock();
	m = READ_ONCE(p->mapping);
	if (m && !(m->flags & (MAPPING_SHMEM | MAPPING_NOWRITEBACK))) {
		spin_lock(&m->lock);
		if (p->mapping == m && !xa_get_mark(&m->tree, p->index, (enum xa_mark)MARK_DIRTY)) {
			xa_set_mark(&m->tree, p->index, (enum xa_mark)MARK_DIRTY);
			mm_count_add(COUNT_DIRTY, 1);
			mm_count_add(COUNT_DIRTIED, 1);
			atomic_inc(&m->backing->dirty_pages);
			atomic_inc(&m->backing->dirtied);
			current()->dirty_count++;
		}
		spin_unlock(&m->lock);
		writeback_note(m);
	}
	rcu_read_unlock();
}

void mapping_set_error(struct mapping *m, int err)
{
	u32 old = atomic_load(&m->error_seq);

	while (!try_cmpxchg(&m->error_seq, &old, ((old >> 12) + 1) << 12 | ((u32)-err & 0xfff)))
		;
}

int mapping_error_since(struct mapping *m, u32 *seen)
{
	u32 now = atomic_load(&m->error_seq);

	if (now == *seen)
		return 0;
	*seen = now;
	return -(int)(now & 0xfff);
}

u64 mapping_next_data(struct mapping *m, u64 from_index, u64 end_index)
{
	u64 index = from_index;

	if (from_index >= end_index || !xa_find(&m->tree, &index, end_index - 1))
		return end_index;
	return index;
}

u64 mapping_next_hole(struct mapping *m, u64 from_index, u64 end_index)
{
	while (from_index < end_index && xa_load(&m->tree, from_index))
		from_index++;
	return from_index;
}
