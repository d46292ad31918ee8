/*
 * /proc/sys/kernel and /proc/sys/fs: what belongs to no layer of its own.  hostname, pid_max and the like are task/'s.
 *
 * What can be written acts; what does not act cannot be written.
 *
 * Source: Linux's Documentation/admin-guide/sysctl/kernel.rst and fs.rst.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/printf.h"
#include "fs/proc/internal.h"
#include "vfs/aio.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/version.h"

static char ostype[] = KERNEL_SYSNAME;
static char osrelease[] = KERNEL_RELEASE;
static char version[] = KERNEL_VERSION;
static u32 cap_last_cap = CAP_LAST_CAP;
static u32 ngroups_max = 65536;
static u32 randomize_va_space = 2;
static u32 entropy_avail = 256, poolsize = 256;
static u32 overflow_id = 65534;
static u32 printk_levels[4] = { 7, 4, 1, 7 };	/* console, default, minimum, default console */
static u32 file_nr[3];
static u64 file_max = 0x7fffffffffffffffull;
static u32 nr_open = 1048576;
static u32 pipe_max_size = 1048576;
static u32 one = 1, two = 2;
static char core_pattern[] = "core";
static u32 inotify_events = 16384, inotify_instances = 128, inotify_watches = 1048576;
static u32 zero;
static u32 tainted, perf_paranoid = 3;

static void printk_refresh(const struct sysctl *t)
{
	printk_levels[0] = log_console_level();
}

static int printk_changed(const struct sysctl *t)
{
	log_set_console_level(printk_levels[0]);
	return 0;
}

static void file_nr_refresh(const struct sysctl *t)
{
	file_nr[0] = files_count();
	file_nr[2] = 0x7fffffff;
}

static void put_uuid(struct seq *s, u8 *b)
{
	b[6] = (b[6] & 0x0f) | 0x40;	/* version 4: random */
	b[8] = (b[8] & 0x3f) | 0x80;
	for (unsigned i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	seq_putc(s, '\n');
}

static void show_uuid(struct seq *s)
{
	u8 b[16];

	random_bytes(b, sizeof(b));
	put_uuid(s, b);
}

static void show_boot_id(struct seq *s)
{
	static u8 id[16];	/* a race of two first readers would only cost one of them its answer */
	static u32 made;

	if (!xchg(&made, 1u))
		random_bytes(id, sizeof(id));
	put_uuid(s, id);
}

static u64 aio_nr;

static void aio_nr_refresh(const struct sysctl *t)
{
	aio_nr = aio_requests_count();
}

static const struct sysctl table[] = {
	{ "kernel/ostype", SYSCTL_STRING, 0444, ostype, sizeof(ostype) },
	{ "kernel/osrelease", SYSCTL_STRING, 0444, osrelease, sizeof(osrelease) },
	{ "kernel/version", SYSCTL_STRING, 0444, version, sizeof(version) },
	{ "kernel/cap_last_cap", SYSCTL_U32, 0444, &cap_last_cap },
	{ "kernel/ngroups_max", SYSCTL_U32, 0444, &ngroups_max },
	{ "kernel/overflowuid", SYSCTL_U32, 0444, &overflow_id },
	{ "kernel/overflowgid", SYSCTL_U32, 0444, &overflow_id },
	{ "kernel/randomize_va_space", SYSCTL_U32, 0444, &randomize_va_space },
	{ "kernel/core_pattern", SYSCTL_STRING, 0444, core_pattern, sizeof(core_pattern) },
	{ "kernel/tainted", SYSCTL_U32, 0444, &tainted },
	{ "kernel/perf_event_paranoid", SYSCTL_U32, 0444, &perf_paranoid },
	{ "kernel/printk", SYSCTL_U32_LIST, 0644, printk_levels, 4, .changed = printk_changed, .refresh = printk_refresh },
	{ "kernel/random/entropy_avail", SYSCTL_U32, 0444, &entropy_avail },
	{ "kernel/random/poolsize", SYSCTL_U32, 0444, &poolsize },
	{ "fs/aio-max-nr", SYSCTL_U32, 0644, &aio_requests_max },
	{ "fs/aio-nr", SYSCTL_U64, 0444, &aio_nr, .refresh = aio_nr_refresh },
	{ "fs/file-max", SYSCTL_U64, 0444, &file_max },
	{ "fs/file-nr", SYSCTL_U32_LIST, 0444, file_nr, 3, .refresh = file_nr_refresh },
	{ "fs/nr_open", SYSCTL_U32, 0444, &nr_open },
	{ "fs/pipe-max-size", SYSCTL_U32, 0444, &pipe_max_size },
	{ "fs/suid_dumpable", SYSCTL_U32, 0444, &zero },
	{ "fs/inotify/max_queued_events", SYSCTL_U32, 0444, &inotify_events },
	{ "fs/inotify/max_user_instances", SYSCTL_U32, 0444, &inotify_instances },
	{ "fs/inotify/max_user_watches", SYSCTL_U32, 0444, &inotify_watches },
	{ "fs/protected_hardlinks", SYSCTL_U32, 0444, &one },
	{ "fs/protected_symlinks", SYSCTL_U32, 0444, &one },
	{ "fs/protected_fifos", SYSCTL_U32, 0444, &one },
	{ "fs/protected_regular", SYSCTL_U32, 0444, &two },
};

void proc_sysctl_init(void)
{
	proc_add_sysctl(table, ARRAY_SIZE(table));
	proc_add("sys/kernel/random/uuid", 0444, show_uuid);
	proc_add("sys/kernel/random/boot_id", 0444, show_boot_id);
}
