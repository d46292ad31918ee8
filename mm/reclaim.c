/*
 * Reclaim: a clock that sweeps the page descriptors in physical order.
 *
 * A page of the cache that was used since the hand last passed (PG_REFERENCED, or an accessed bit in an entry that maps it)
 * is given a second chance; else it is unmapped, written out if it is dirty, and freed.  Several threads may sweep at
 * once: each takes the next chunk of descriptors for itself.  Then the caches above (dentries, inodes) are asked.
 *
 * Not reclaimed: anonymous and shmem pages, whose only way out is swap, which does not exist yet; reclaim_anonymous() is
 * where it will come in.
 *
 * Whoever allocates may hold locks.  What the sweep may do follows from the ranks held: reverse maps need
 * everything from RANK_RMAP on to be free, writing needs everything from RANK_FS_PRIVATE on.
 */
#include "kern/printk.h"
#include "kern/sched.h"
#include "kern/wait.h"
#include "mm/internal.h"

enum { CHUNK_PAGES = 256, SHRINKERS_MAX = 8, WRITES_PER_CALL = 64 };

struct sweep {
	bool may_write, may_unmap;
	u32 writes_left;
};

static u64 hand;			/* [a] page frame where the next chunk starts */
static u64 (*shrinkers[SHRINKERS_MAX])(u64 want, u32 flags);
static bool (*oom_hook)(void);
static struct waitq background_waitq = WAITQ_INIT(background_waitq);
static u32 background_wanted;

void mm_register_oom(bool (*kill)(void))
{
	oom_hook = kill;
}

void mm_register_shrinker(u64 (*shrink)(u64 want, u32 flags))
{
	for (unsigned i = 0; i < SHRINKERS_MAX; i++) {
		if (shrinkers[i])
			continue;
		shrinkers[i] = shrink;
		return;
	}
	panic("more than %u shrinkers", SHRINKERS_MAX);
}

/* Whether no lock of @rank or above is held. */
static bool ranks_free_from(u32 rank)
{
	const u64 *held = current()->ranks_held;

	return rank < 64 ? !((held[0] >> rank) | held[1]) : !(held[1] >> (rank - 64));
}

/* Swap is where anonymous and shmem pages would go. Return: whether the page was freed (the caller's hold went with it) */
static bool reclaim_anonymous(struct page *p)
{
	return false;
}

/* Write a locked dirty page out; consumes lock and reference. It is clean, and freed, when the hand next comes. */
static void write_out(struct mapping *m, struct page *p, struct sweep *s)
{
	s->writes_left--;
	mapping_pin(m);
	(void)!writeback_page(m, p);
	mapping_unpin(m);
	page_put(p);
}

/* A locked cache page with our reference. Return: whether it was freed; both are released in any case. */
static bool try_locked(struct page *p, struct sweep *s)
{
	struct mapping *m = p->mapping;

	if (!m || !page_has(p, PG_CACHE) || page_has(p, PG_WRITEBACK) || page_order(p))
		goto out;
	if (atomic_load(&p->mapcount) && (!s->may_unmap || rmap_referenced(p) || !rmap_unmap_page(p)))
		goto out;
	if (page_has(p, PG_DIRTY) && !(m->flags & MAPPING_NOWRITEBACK)) {
		if (!s->may_write || !s->writes_left)
			goto out;
		write_out(m, p, s);
		return false;
	}
	if (page_remove_unused(m, p))
		return true;
out:
	page_unlock(p);
	page_put(p);
	return false;
}

static bool try_page(struct page *p, struct sweep *s)
{
	u32 f = READ_ONCE(p->flags);

	if (f & PG_ANON)
		return reclaim_anonymous(p);
	if ((f & (PG_CACHE | PG_LOCKED | PG_WRITEBACK | PG_SHMEM | PG_RESERVED | PG_TAIL)) != PG_CACHE)
		return false;
	if (f & PG_REFERENCED) {
		page_clear(p, PG_REFERENCED);
		return false;
	}
	if ((f & PG_DIRTY && !s->may_write) || !page_get_not_zero(p))
		return false;
	if (page_trylock(p))
		return try_locked(p, s);
	page_put(p);
	return false;
}

static u64 sweep_chunk(struct sweep *s)
{
	u64 start = atomic_fetch_add(&hand, (u64)CHUNK_PAGES) % pages_count;
	u64 end = MIN(start + CHUNK_PAGES, pages_count), freed = 0;

	for (u64 i = start; i < end; i++)
		freed += try_page(&pages[i], s);
	return freed;
}

u64 mapping_drop_all(void)
{
	u64 dropped = 0;

	for (u64 i = 0; i < pages_count; i++) {
		struct page *p = &pages[i];
		struct mapping *m;

		if (i % CHUNK_PAGES == 0)
			cond_resched();
		if ((READ_ONCE(p->flags) & (PG_CACHE | PG_LOCKED | PG_WRITEBACK | PG_SHMEM | PG_RESERVED | PG_TAIL | PG_DIRTY | PG_ANON)) !=
		    PG_CACHE || atomic_load(&p->mapcount) || !page_get_not_zero(p))
			continue;
		if (!page_trylock(p)) {
			page_put(p);
			continue;
		}
		m = p->mapping;
		if (m && page_has(p, PG_CACHE) && !page_order(p) && page_remove_unused(m, p)) {
			dropped++;
			continue;
		}
		page_unlock(p);
		page_put(p);
	}
	return dropped;
}

static u64 shrink_others(u64 want, u32 flags)
{
	u64 freed = 0;

	for (unsigned i = 0; i < SHRINKERS_MAX && shrinkers[i]; i++)
		freed += shrinkers[i](want, flags);
	return freed;
}

/* Return: pages freed; objects of other caches and pages written count as a fraction of one. */
static u64 reclaim(u64 want, u32 flags)
{
	struct sweep s = {
		.may_write = (flags & (ALLOC_IO | ALLOC_FS)) == (ALLOC_IO | ALLOC_FS) && ranks_free_from(RANK_FS_PRIVATE),
		.may_unmap = ranks_free_from(RANK_RMAP),
		.writes_left = WRITES_PER_CALL,
	};
	bool nested = thread_has_flag(current(), TF_MEMALLOC);
	u64 chunks = 2 * DIV_ROUND_UP(pages_count, CHUNK_PAGES), freed = 0;

	if (!(flags & ALLOC_SLEEP) || !ranks_free_from(RANK_SPIN))
		return 0;
	thread_set_flag(current(), TF_MEMALLOC);
	for (u64 i = 0; i < chunks && freed < want; i++) {
		freed += sweep_chunk(&s);
		cond_resched();
	}
	if (freed < want && flags & ALLOC_FS)
		freed += shrink_others(want - freed, flags) / 8;
	freed += DIV_ROUND_UP(WRITES_PER_CALL - s.writes_left, 8);
	if (!nested)
		thread_clear_flag(current(), TF_MEMALLOC);
	return freed;
}

static bool out_of_memory(void)
{
	return oom_hook && oom_hook();
}

/* ---- in the background ---- */

/* Called by the allocator in any context, locks included under which no queue may be woken: a later call does it then. */
static void wake_background(void)
{
	if (atomic_load(&background_wanted) || !ranks_free_from(RANK_WAITQ))
		return;
	atomic_store(&background_wanted, 1u);
	wake_up_all(&background_waitq);
}

static void background(void *arg)
{
	struct page_stats st;

	for (;;) {
		u64 freed;

		wait_event(&background_waitq, atomic_load(&background_wanted));
		do {
			freed = reclaim(CHUNK_PAGES, ALLOC_KERNEL);
			page_stats(&st);
		} while (freed && st.free < 2 * st.low_mark);
		atomic_store(&background_wanted, 0u);
		if (!freed)
			sleep_ns(100 * 1000 * 1000);	/* nothing left to free: do not spin on the wake-ups */
	}
}

void reclaim_init(void)
{
	page_register_reclaim(reclaim, out_of_memory, wake_background);
}

void reclaim_start(void)
{
	struct thread *t = kthread_create(background, NULL, "reclaim");

	assert(!IS_ERR(t));
}
