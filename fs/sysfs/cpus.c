/*
 * /sys/devices/system/cpu: which CPUs there are, and how they relate: each a core of its own in one package.
 *
 * Source: Linux's Documentation/ABI/testing/sysfs-devices-system-cpu, Documentation/admin-guide/cputopology.rst.
 */
#include "base/printf.h"
#include "fs/sysfs/tree.h"
#include "kern/printk.h"
#include "kern/sched.h"

static size_t show_range(u32 count, char *buf, size_t size)
{
	return count > 1 ? scnprintf(buf, size, "0-%u\n", count - 1) : scnprintf(buf, size, "0\n");
}

static size_t show_possible(void *arg, char *buf, size_t size)
{
	return show_range(plat_cpu_count(), buf, size);
}

/* CPUs start in order and never leave: but one that failed to start leaves a gap. */
static size_t show_online(void *arg, char *buf, size_t size)
{
	u64 mask = sched_online_mask();
	size_t n = 0;

	for (u32 cpu = 0; cpu < CPUS_MAX; cpu++) {
		u32 end = cpu;

		if (!(mask >> cpu & 1))
			continue;
		while (end + 1 < CPUS_MAX && (mask >> (end + 1) & 1))
			end++;
		n += scnprintf(buf + n, size - n, end > cpu ? "%s%u-%u" : "%s%u", n ? "," : "", cpu, end);
		cpu = end;
	}
	return n + scnprintf(buf + n, size - n, "\n");
}

static size_t show_empty(void *arg, char *buf, size_t size)
{
	return scnprintf(buf, size, "\n");
}

static size_t show_kernel_max(void *arg, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", CPUS_MAX - 1);
}

static size_t show_number(void *arg, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", (u64)arg);
}

static size_t show_all_mask(void *arg, char *buf, size_t size)
{
	u32 count = plat_cpu_count();
	u64 mask = count < 64 ? (1ull << count) - 1 : ~0ull;

	return count > 32 ? scnprintf(buf, size, "%08llx,%08llx\n", mask >> 32, mask & 0xffffffff) :
			    scnprintf(buf, size, "%llx\n", mask);
}

static size_t show_own_mask(void *arg, char *buf, size_t size)
{
	u64 mask = 1ull << (u64)arg;

	return plat_cpu_count() > 32 ? scnprintf(buf, size, "%08llx,%08llx\n", mask >> 32, mask & 0xffffffff) :
				       scnprintf(buf, size, "%llx\n", mask);
}

static const struct {
	const char *name;
	sysfs_show_fn *show;
	bool own;		/* arg is the CPU's number, else 0 */
} topology[] = {
	{ "core_id", show_number, true },
	{ "physical_package_id", show_number, false },
	{ "die_id", show_number, false },
	{ "thread_siblings", show_own_mask, true },
	{ "thread_siblings_list", show_number, true },
	{ "core_cpus", show_own_mask, true },
	{ "core_cpus_list", show_number, true },
	{ "core_siblings", show_all_mask, false },
	{ "core_siblings_list", show_possible, false },
	{ "package_cpus", show_all_mask, false },
	{ "package_cpus_list", show_possible, false },
};

static void add(const char *path, sysfs_show_fn *show, u64 arg)
{
	if (sysfs_add_file(path, show, NULL, (void *)arg))
		pr_warn("sysfs: no memory for %s\n", path);
}

void sysfs_cpus_init(void)
{
	char path[96];

	add("devices/system/cpu/possible", show_possible, 0);
	add("devices/system/cpu/present", show_possible, 0);
	add("devices/system/cpu/online", show_online, 0);
	add("devices/system/cpu/offline", show_empty, 0);
	add("devices/system/cpu/isolated", show_empty, 0);
	add("devices/system/cpu/kernel_max", show_kernel_max, 0);
	for (u64 cpu = 0; cpu < plat_cpu_count(); cpu++)
		for (size_t i = 0; i < ARRAY_SIZE(topology); i++) {
			scnprintf(path, sizeof(path), "devices/system/cpu/cpu%llu/topology/%s", cpu, topology[i].name);
			add(path, topology[i].show, topology[i].own ? cpu : 0);
		}
}
