/*
 * Start of mm/: caches, the zero page, threads.
 */
#include "mm/internal.h"

void mm_init(void)
{
	page_lock_init();
	cache_node_init();
	backing_init();
	anon_group_init();
	vma_init();
	mm_cache_init();
	mm_zero_page = page_alloc(0, ALLOC_ATOMIC | ALLOC_ZERO);
	assert(mm_zero_page);
	page_set(mm_zero_page, PG_ZERO | PG_RESERVED | PG_UPTODATE);
	reclaim_init();
}

void mm_start_threads(void)
{
	backing_start();
	reclaim_start();
}
