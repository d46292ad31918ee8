/*
 * The start of everything, in order, and the first program.
 *
 * kernel_main runs on the boot CPU without threads; it ends as that CPU's idle thread.  The rest is done by process 1 before it becomes a
 * user program: only a thread may sleep.
 */
#include <linux/fcntl.h>
#include <linux/mount.h>
#include "base/string.h"
#include "init/cmdline.h"
#include "init/glue.h"
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/rcu.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/ubsan.h"
#include "kern/version.h"
#include "kern/work.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/exec.h"
#include "task/task.h"
#include "task/trap.h"
#include "fs/ram/ram.h"
#include "vfs/file.h"
#include "vfs/path.h"

static const struct plat_upcalls upcalls = {
	.syscall = sys_dispatch, .fault = task_fault, .trap = task_trap, .user_work = task_user_work,
	.tick = sched_tick, .kick = sched_kick,
};

/* ---- process 1 ---- */

static int run_program(const char *name)
{
	struct exec_args a;
	int err;

	exec_args_init(&a);
	err = exec_args_add(&a, name, false);
	for (u32 i = 0; !err && i < cmdline.argc; i++)
		err = exec_args_add(&a, cmdline.args[i], false);
	if (!err)
		err = exec_args_add(&a, "HOME=/", true);
	if (!err)
		err = exec_args_add(&a, "TERM=linux", true);
	for (u32 i = 0; !err && i < cmdline.envc; i++)
		err = exec_args_add(&a, cmdline.env[i], true);
	if (!err)
		err = task_exec(AT_FDCWD, name, &a, 0);
	exec_args_fini(&a);
	return err;
}

/* Descriptors 0, 1 and 2. */
static void open_console(void)
{
	static bool opened;

	if (opened)
		return;		/* a first program that did not start has left them open */
	opened = true;
	glue_console_wait();
	struct file *f = file_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(f)) {
		pr_warn("no /dev/console: the first program starts without descriptors");
		return;
	}
	for (int i = 0; i < 3; i++)
		if (fd_add(file_get(f), false) != i)
			panic("descriptor %d of the first program is taken", i);
	file_put(f);
}

static void try_program(const char *name)
{
	int err = run_program(name);

	if (!err)
		plat_user_enter(plat_regs_current());
	if (err != -ENOENT)
		pr_err("%s: the first program does not start: error %d", name, -err);
}

static void mount_root(void)
{
	static const char *const types[] = { "ext4", "9p", "tmpfs" };
	const char *type = cmdline.rootfstype;
	u64 flags = cmdline.root_rw ? 0 : MS_RDONLY;
	int err = -ENODEV;

	for (u32 i = 0; i < ARRAY_SIZE(types) && err; i++)
		if (!type || i == 0)
			err = vfs_mount(cmdline.root, "/root", type ? type : types[i], flags, cmdline.rootflags ? cmdline.rootflags : "");
	if (err)
		panic("cannot mount root %s (type %s): error %d", cmdline.root, type ? type : "any", -err);
	err = vfs_mount("devtmpfs", "/root/dev", "devtmpfs", 0, "");
	if (err)
		pr_warn("no devtmpfs on /dev of the root: error %d", -err);
	glue_enter_root("/root");
}

static bool exists(const char *name)
{
	struct path p;

	if (path_lookup(AT_FDCWD, name, WALK_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

/* What every root file system has before the initramfs comes. */
static void make_rootfs(void)
{
	int err = mount_init_root("rootfs");

	if (!err)
		err = vfs_mkdirat(AT_FDCWD, "/dev", 0755);
	if (!err)
		err = vfs_mknodat(AT_FDCWD, "/dev/console", 0020600, dev_make(5, 1));
	if (!err)
		err = vfs_mkdirat(AT_FDCWD, "/root", 0700);
	if (err)
		panic("cannot make the first root: error %d", -err);
}

static void unpack_initramfs(void)
{
	size_t len;
	void *image = plat_initrd(&len);

	if (!len)
		return;
	if (initramfs_unpack(image, len))
		pr_err("the initramfs is damaged: what could be read of it is used");
	pages_add(ALIGN_UP(virt_to_phys(image), PAGE_SIZE), ALIGN_DOWN(virt_to_phys(image) + len, PAGE_SIZE));
}

NORETURN static void first_program(void)
{
	static const char *const inits[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	const char *early = cmdline.rdinit ? cmdline.rdinit : "/init";

	if (exists(early)) {
		open_console();
		try_program(early);
	} else if (cmdline.rdinit) {
		pr_err("rdinit=%s is not in the initramfs", early);
	}
	if (cmdline.root)
		mount_root();
	open_console();
	if (cmdline.init) {
		try_program(cmdline.init);
		panic("init=%s does not start", cmdline.init);
	}
	for (u32 i = 0; i < ARRAY_SIZE(inits); i++)
		try_program(inits[i]);
	panic("No working init found. Give an initramfs with /init, or root= and init=.");
}

static void process_one(void)
{
	glue_file_systems();
	make_rootfs();
	glue_drivers();
	unpack_initramfs();
	plat_seal();
	kasan_selftest();
	ubsan_selftest();
	first_program();
}

/* ---- the boot CPU ---- */

void kernel_main(void)
{
	pages_init();
	slab_init();
	sched_init();
	timers_init();
	pages_percpu_init();
	random_init();
	cmdline_parse(plat_cmdline());
	pr_notice("Auk %s, %u CPUs, command line: %s", KERNEL_RELEASE, plat_cpu_count(), plat_cmdline());
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
