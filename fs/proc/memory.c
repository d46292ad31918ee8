/*
 * /proc/meminfo, vmstat, zoneinfo, buddyinfo, slabinfo, swaps.
 *
 * Figures that this kernel does not keep are left out rather than shown as 0, but for those that free(1), top(1) and the like
 * want to find.
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include "fs/proc/internal.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "mm/backing.h"
#include "mm/mm.h"

enum { KIB_PER_PAGE = PAGE_SIZE / 1024 };

static void line(struct seq *s, const char *name, u64 n_pages)
{
	seq_printf(s, "%-16s%8llu kB\n", name, n_pages * KIB_PER_PAGE);
}

static void show_meminfo(struct seq *s)
{
	struct page_stats ps;
	struct mm_stats ms;
	u64 cached, available;

	page_stats(&ps);
	mm_stats(&ms);
	cached = ms.file + ms.shmem;
	available = ps.free + ms.file - ms.file / 8;
	available = available > ps.low_mark ? available - ps.low_mark : 0;
	line(s, "MemTotal:", ps.total);
	line(s, "MemFree:", ps.free);
	line(s, "MemAvailable:", MIN(available, ps.total));
	line(s, "Buffers:", 0);
	line(s, "Cached:", cached);
	line(s, "SwapCached:", 0);
	line(s, "Active:", ms.anon);
	line(s, "Inactive:", ms.file);
	line(s, "Mlocked:", ms.mlocked);
	line(s, "SwapTotal:", 0);
	line(s, "SwapFree:", 0);
	line(s, "Dirty:", ms.dirty);
	line(s, "Writeback:", ms.writeback);
	line(s, "AnonPages:", ms.anon);
	line(s, "Mapped:", ms.mapped);
	line(s, "Shmem:", ms.shmem);
	line(s, "Slab:", slab_pages());
	line(s, "SReclaimable:", 0);
	line(s, "SUnreclaim:", slab_pages());
	line(s, "PageTables:", ms.page_tables);
	seq_puts(s, "NFS_Unstable:          0 kB\nBounce:                0 kB\nWritebackTmp:          0 kB\n");
	line(s, "CommitLimit:", ps.total / 2);
	line(s, "Committed_AS:", ms.committed);
	seq_puts(s, "VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\n");
	seq_puts(s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	seq_puts(s, "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
}

static void show_vmstat(struct seq *s)
{
	struct dirty_limits limits;
	struct page_stats ps;
	struct mm_stats ms;

	page_stats(&ps);
	mm_stats(&ms);
	seq_printf(s, "nr_free_pages %llu\nnr_anon_pages %llu\nnr_mapped %llu\nnr_file_pages %llu\n", ps.free, ms.anon, ms.mapped,
		   ms.file + ms.shmem);
	seq_printf(s, "nr_dirty %llu\nnr_writeback %llu\nnr_shmem %llu\nnr_mlock %llu\n", ms.dirty, ms.writeback, ms.shmem, ms.mlocked);
	seq_printf(s, "nr_page_table_pages %llu\nnr_slab_unreclaimable %llu\n", ms.page_tables, slab_pages());
	dirty_limits_now(&limits);
	seq_printf(s, "nr_dirtied %llu\nnr_written %llu\nnr_dirty_threshold %llu\nnr_dirty_background_threshold %llu\n", ms.dirtied, ms.written,
		   limits.limit, limits.background);
	seq_printf(s, "pgfault %llu\npgmajfault %llu\n", ms.faults, ms.major_faults);
	seq_puts(s, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\noom_kill 0\n");
}

static void show_zoneinfo(struct seq *s)
{
	struct page_stats ps;

	page_stats(&ps);
	seq_printf(s, "Node 0, zone   Normal\n  pages free     %llu\n        min      %llu\n        low      %llu\n", ps.free,
		   ps.low_mark / 2, ps.low_mark);
	seq_printf(s, "        high     %llu\n        spanned  %llu\n        present  %llu\n        managed  %llu\n",
		   ps.low_mark * 3 / 2, pages_count, ps.total, ps.total);
}

static void show_slabinfo(struct seq *s)
{
	struct slab_info info;

	seq_puts(s, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		    " : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned i = 0; slab_info_at(i, &info); i++)
		seq_printf(s, "%-17s %6llu %6llu %6zu %4llu %4llu : tunables    0    0    0 : slabdata %6llu %6llu      0\n", info.name,
			   info.active, info.total, info.object_bytes, info.slabs ? info.total / info.slabs : 0,
			   info.pages_per_slab, info.slabs, info.slabs);
}

static void show_swaps(struct seq *s)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

/* ---- /proc/sys/vm: what acts ---- */

static u32 drop_request;

/* Bit 0: page cache, bit 1: dentries and inodes. */
static int drop_caches(const struct sysctl *t)
{
	if (drop_request & 2)
		while (d_shrink(1024))
			;
	if (drop_request & 1)
		(void)mapping_drop_all();	/* clean ones: sync(2) first makes the others so */
	return 0;
}

static u32 overcommit[2] = { 0, 50 };	/* mode, ratio */
static u32 max_map_count = 65530;

static void overcommit_refresh(const struct sysctl *t)
{
	overcommit[0] = mm_overcommit_get();
}

static int overcommit_changed(const struct sysctl *t)
{
	mm_overcommit_set(overcommit[0], overcommit[1]);
	return 0;
}

/* Of a ratio and a number of bytes the one that was written last holds; the other reads 0. */
static int dirty_changed(const struct sysctl *t)
{
	struct dirty_settings *set = &dirty_sysctls.set;

	if (t->value == &set->ratio)
		set->bytes = 0;
	else if (t->value == &set->bytes)
		set->ratio = 0;
	else if (t->value == &set->background_ratio)
		set->background_bytes = 0;
	else if (t->value == &set->background_bytes)
		set->background_ratio = 0;
	dirty_sysctls_changed();
	return 0;
}

static const struct sysctl vm_sysctls[] = {
	{ "vm/dirty_ratio", SYSCTL_U32, 0644, &dirty_sysctls.set.ratio, .max = 100, .changed = dirty_changed },
	{ "vm/dirty_bytes", SYSCTL_U64, 0644, &dirty_sysctls.set.bytes, .min = 2 * PAGE_SIZE, .changed = dirty_changed },
	{ "vm/dirty_background_ratio", SYSCTL_U32, 0644, &dirty_sysctls.set.background_ratio, .max = 100, .changed = dirty_changed },
	{ "vm/dirty_background_bytes", SYSCTL_U64, 0644, &dirty_sysctls.set.background_bytes, .min = 1, .changed = dirty_changed },
	{ "vm/dirty_expire_centisecs", SYSCTL_U32, 0644, &dirty_sysctls.expire_cs, .max = 0x7fffffff, .changed = dirty_changed },
	{ "vm/dirty_writeback_centisecs", SYSCTL_S32, 0644, &dirty_sysctls.writeback_cs, .changed = dirty_changed },	/* as on Linux, of any sign */
	{ "vm/overcommit_memory", SYSCTL_U32, 0644, &overcommit[0], .max = 2, .changed = overcommit_changed, .refresh = overcommit_refresh },
	{ "vm/overcommit_ratio", SYSCTL_U32, 0644, &overcommit[1], .changed = overcommit_changed },
	{ "vm/max_map_count", SYSCTL_U32, 0444, &max_map_count },
	{ "vm/drop_caches", SYSCTL_U32, 0200, &drop_request, .min = 1, .max = 4, .changed = drop_caches },
};

void proc_memory_init(void)
{
	proc_add("meminfo", 0444, show_meminfo);
	proc_add("vmstat", 0444, show_vmstat);
	proc_add("zoneinfo", 0444, show_zoneinfo);
	proc_add("slabinfo", 0400, show_slabinfo);
	proc_add("swaps", 0444, show_swaps);
	proc_add_sysctl(vm_sysctls, ARRAY_SIZE(vm_sysctls));
}
