/*
 * Counting: memory statistics, committed memory (overcommit), the limits of the current task.
 *
 * Overcommit mode 0 refuses only what could never fit; 1 refuses nothing; 2 holds the sum of private writable memory
 * below a share of the machine's.
 */
#include <linux/capability.h>
#include "kern/cred.h"
#include "mm/internal.h"

struct mm_cpu_counts mm_cpu_counts[CPUS_MAX];
u64 mm_committed_pages;

static unsigned overcommit_mode, overcommit_ratio = 50;
static void (*limits_hook)(struct mm_limits *out);

u64 mm_count_sum(enum mm_count which)
{
	s64 sum = 0;

	for (unsigned i = 0; i < plat_cpu_count(); i++)
		sum += READ_ONCE(mm_cpu_counts[i].v[which]);
	return sum < 0 ? 0 : (u64)sum;
}

void mm_stats(struct mm_stats *out)
{
	out->anon = mm_count_sum(COUNT_ANON);
	out->file = mm_count_sum(COUNT_FILE);
	out->shmem = mm_count_sum(COUNT_SHMEM);
	out->mapped = mm_count_sum(COUNT_MAPPED);
	out->dirty = mm_count_sum(COUNT_DIRTY);
	out->writeback = mm_count_sum(COUNT_WRITEBACK);
	out->page_tables = mm_count_sum(COUNT_TABLES);
	out->committed = atomic_load(&mm_committed_pages);
	out->mlocked = mm_count_sum(COUNT_MLOCKED);
	out->faults = mm_count_sum(COUNT_FAULTS);
	out->major_faults = mm_count_sum(COUNT_MAJOR);
	out->dirtied = mm_count_sum(COUNT_DIRTIED);
	out->written = mm_count_sum(COUNT_WRITTEN);
}

void mm_overcommit_set(unsigned mode, unsigned ratio)
{
	overcommit_mode = mode;
	overcommit_ratio = ratio;
}

unsigned mm_overcommit_get(void)
{
	return overcommit_mode;
}

static u64 total_pages(void)
{
	struct page_stats s;

	page_stats(&s);
	return s.total;
}

u64 mm_commit_limit_pages(void)
{
	return total_pages() * overcommit_ratio / 100;
}

int commit_charge(u64 pages)
{
	u64 now = atomic_add_return(&mm_committed_pages, pages);

	if (overcommit_mode == 1 || (overcommit_mode == 0 && pages < 1024))
		return 0;
	if (overcommit_mode == 0 ? pages <= total_pages() : now <= mm_commit_limit_pages())
		return 0;
	atomic_sub(&mm_committed_pages, pages);
	return -ENOMEM;
}

void commit_uncharge(u64 pages)
{
	atomic_sub(&mm_committed_pages, pages);
}

void mm_register_limits(void (*get)(struct mm_limits *out))
{
	limits_hook = get;
}

void mm_limits_get(struct mm_limits *out)
{
	memset(out, 0xff, sizeof(*out));
	if (limits_hook && current()->mm)
		limits_hook(out);
}

int mlock_check(struct mm *mm, u64 more_pages)
{
	struct mm_limits l;

	if (capable(CAP_IPC_LOCK))
		return 0;
	mm_limits_get(&l);
	if (l.memlock == 0)
		return -EPERM;
	return mm->locked_pages + more_pages > l.memlock >> PAGE_SHIFT ? -EAGAIN : 0;
}

bool may_expand(struct mm *mm, u32 flags, u64 pages)
{
	struct mm_limits l;

	mm_limits_get(&l);
	if (mm->total_pages + pages > l.address_space >> PAGE_SHIFT)
		return false;
	if ((flags & (VM_WRITE | VM_SHARED | VM_STACK | VM_GROWSDOWN)) == VM_WRITE)
		return mm->data_pages + pages <= l.data >> PAGE_SHIFT;
	return true;
}
