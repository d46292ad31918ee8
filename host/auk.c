/* See auk.h: the start of a kernel in a process, and what its users call. */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/signal.h>
#include "base/string.h"
#include "host/auk.h"
#include "init/cmdline.h"
#include "init/glue.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/version.h"
#include "kern/work.h"
#include "mm/mm.h"
#include "plat/host/host.h"
#include "plat/host/virtio.h"
#include "sys/sys.h"
#include "task/task.h"
#include "task/trap.h"
#include "vfs/dentry.h"
#include "vfs/path.h"

enum { SETTLE_NS = 2000000000 };	/* for grace periods and workers to end what they are at */

static const struct plat_upcalls upcalls = {
	.syscall = sys_dispatch, .fault = task_fault, .trap = task_trap, .user_work = task_user_work,
	.tick = sched_tick, .kick = sched_kick,
};
static HOST_KEEP bool running;
static u64 pages_at_start;

/* ---- boot: as init/main.c does it, up to the first program, which is auk_start's caller ---- */

static u64 pages_outside_slabs(void)
{
	struct page_stats s;

	page_stats(&s);
	return s.total - s.free - slab_pages();
}

static void process_one(void)
{
	glue_file_systems();
	int err = mount_init_root("rootfs");
	if (!err)
		err = vfs_mkdirat(AT_FDCWD, "/dev", 0755);
	if (err)
		panic("cannot make the first root: error %d", -err);
	glue_drivers();
}

void kernel_main(void)
{
	pages_init();
	slab_init();
	sched_init();
	timers_init();
	pages_percpu_init();
	random_init();
	cmdline_parse(plat_cmdline());
	pr_notice("Auk %s, %u CPUs, seed %llu", KERNEL_RELEASE, plat_cpu_count(), host_machine.seed);
	plat_set_upcalls(&upcalls);
	plat_late_init();
	rcu_init();
	work_init_pool();
	sched_start_cpus();
	mm_init();
	vfs_init();
	glue_tasks();
	task_start_init(process_one);
	sched_idle_loop();
}

int auk_start(const struct auk_config *config)
{
	struct host_machine m = {
		.memory_bytes = config->memory_bytes ? config->memory_bytes : 64 << 20,
		.seed = config->seed,
		.limit_ns = config->limit_ns ? config->limit_ns : 86400ull * NS_PER_SEC,
		.cpus = config->cpus ? config->cpus : 2,
		.switch_one_in = config->switch_one_in ? config->switch_one_in : 16,
		.console = config->console,
		.cmdline = config->cmdline,
		.devices = config->devices,
		.device_count = config->device_count,
	};

	if (m.cpus > CPUS_MAX || m.memory_bytes < 16 << 20)
		return -EINVAL;
	if (running)
		return -EBUSY;
	if (host_image_fresh())
		return -ENOMEM;
	int err = host_power_on(&m);
	if (err)
		return err;
	running = true;
	host_boot();
	sleep_ns(SETTLE_NS);
	pages_at_start = pages_outside_slabs();
	struct mm *mm = mm_create();
	if (!mm)
		panic("no memory for the first program");
	mm_switch_to(mm);
	return 0;
}

/* ---- the end ---- */

static void kill_all(void)
{
	(void)auk_syscall(__NR_kill, (u64)-1, SIGKILL);
	while (auk_wait(-1) >= 0)
		;
}

long auk_stop(void)
{
	assert(current_task() && process_id(current_process()) == 1);
	kill_all();
	struct mm *mm = current()->mm;
	mm_switch_to(NULL);
	mm_put(mm);
	(void)d_shrink(~0ull);
	sleep_ns(SETTLE_NS);
	long leaked = (long)(pages_outside_slabs() - pages_at_start);
	host_power_off();
	running = false;
	return leaked;
}

void auk_power_cut(uint64_t seed)
{
	assert(current_task() && process_id(current_process()) == 1);
	struct auk_disk *disks[AUK_DEVICES_MAX];
	unsigned n = host_virtio_count();

	for (unsigned i = 0; i < n; i++)
		disks[i] = host_virtio_at(i)->setup.disk;
	host_power_off();
	for (unsigned i = 0; i < n; i++)
		if (disks[i])
			auk_disk_power_cut(disks[i], seed + i);
	running = false;
}

/* ---- calls ---- */

long auk_syscall_args(long nr, const uint64_t arg[6])
{
	u64 a[6];

	for (int i = 0; i < 6; i++)
		a[i] = arg[i];
	return (long)host_syscall((u64)nr, a);
}

long auk_run(int (*fn)(void *arg), void *arg)
{
	struct plat_regs *r = plat_regs_current();
	u64 ip = r->ip, bx = r->bx;

	/* The child starts with a copy of these. */
	r->ip = (u64)fn;
	r->bx = (u64)arg;
	long pid = auk_syscall(__NR_clone, SIGCHLD);
	r->ip = ip;
	r->bx = bx;
	return pid;
}

long auk_wait(long pid)
{
	u64 at = auk_alloc(PAGE_SIZE);
	int status = 0;

	if (!at)
		return -ENOMEM;
	long n = auk_syscall(__NR_wait4, (u64)pid, at);
	if (n >= 0 && auk_get(&status, at, sizeof(status)))
		n = -EFAULT;
	auk_free(at, PAGE_SIZE);
	return n < 0 ? n : status;
}

uint64_t auk_alloc(size_t bytes)
{
	long at = auk_syscall(__NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (u64)-1);

	return at < 0 ? 0 : (u64)at;
}

void auk_free(uint64_t addr, size_t bytes) { (void)auk_syscall(__NR_munmap, addr, bytes); }
int auk_put(uint64_t to, const void *from, size_t bytes) { return plat_copy_to_user(to, from, bytes) ? -EFAULT : 0; }
int auk_get(void *to, uint64_t from, size_t bytes) { return plat_copy_from_user(to, from, bytes) ? -EFAULT : 0; }
uint64_t auk_now_ns(void) { return plat_mono_ns(); }
uint64_t auk_trace_hash(void) { return host_trace_hash(); }
uint64_t auk_switches(void) { return host_switches(); }
void auk_fail_alloc(uint64_t nth) { host_fail_alloc(nth); }
bool auk_fail_happened(void) { return host_fail_happened(); }
uint64_t auk_alloc_count(void) { return host_alloc_count(); }
void auk_crash_note(const char *text) { host_crash_note(text); }
void auk_crash_report(const char *why) { host_crash_report(why); }
void auk_crash(const char *why) { host_stuck(why); }

int auk_cmpxchg32(uint64_t addr, uint32_t expect, uint32_t want, uint32_t *old)
{
	return plat_user_cmpxchg32(addr, expect, want, old);
}
