/*
 * Registrations between layers that do not know each other, and the order in which file systems and drivers start.
 */
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/signal.h>
#include "block/block.h"
#include "block/loop/loop.h"
#include "block/null/null.h"
#include "block/ram/ram.h"
#include "drivers/char/char.h"
#include "drivers/nvme/nvme.h"
#include "drivers/pci/pci.h"
#include "drivers/serial/serial.h"
#include "drivers/tty/tty.h"
#include "drivers/virtio/virtio.h"
#include "fs/9p/transport.h"
#include "fs/devpts/devpts.h"
#include "fs/ext4/fs.h"
#include "fs/overlay/overlay.h"
#include "fs/proc/proc.h"
#include "fs/ram/ram.h"
#include "fs/sysfs/sysfs.h"
#include "init/glue.h"
#include "ipc/ipc.h"
#include "kern/assert.h"
#include "kern/shutdown.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "net/net.h"
#include "sock/sock.h"
#include "sys/sys.h"
#include "task/exec.h"
#include "task/proc.h"
#include "task/rusage.h"
#include "task/signal.h"
#include "task/task.h"
#include "task/trap.h"
#include "task/tty_job.h"
#include "task/vdso.h"
#include "vfs/path.h"
#include "vfs/pipe.h"
#include "vfs/procfs.h"

static void send_sigpipe(void)
{
	(void)signal_task(current_task(), SIGPIPE, NULL);
}

static u32 current_pid(void)
{
	return current()->task ? process_id(current_process()) : 0;
}

static bool pid_exists(u32 pid)
{
	rcu_read_lock();
	bool found = pid_process(pid) != NULL;
	rcu_read_unlock();
	return found;
}

static u64 nofile_limit(void)
{
	return current_rlimit(RLIMIT_NOFILE);
}

static const struct sock_process_ops sock_ops = {
	.pid = current_pid, .pid_exists = pid_exists, .send_sigpipe = send_sigpipe, .nofile_limit = nofile_limit,
};

void glue_tasks(void)
{
	tasks_init();
	rlimits_init();
	exec_init();
	vdso_init();
	traps_init();
	pipe_register_sigpipe(send_sigpipe);
	sys_uring_init();
	mm_start_threads();
}

/* A text function of a layer that knows no seq: whole pages until it fits. */
static void show_text(struct seq *s, size_t (*text)(char *buf, size_t size))
{
	for (size_t size = PAGE_SIZE; size <= 16 * PAGE_SIZE; size *= 2) {
		char *buf = kmalloc(size, ALLOC_KERNEL);

		if (!buf)
			return;
		size_t n = text(buf, size);
		bool fits = n + 1 < size;
		if (fits)
			seq_write(s, buf, n);
		kfree(buf);
		if (fits)
			return;
	}
}

static void show_partitions(struct seq *s) { show_text(s, block_partitions_text); }
static void show_diskstats(struct seq *s) { show_text(s, block_diskstats_text); }

static u16 thread_ioprio(void)
{
	return current()->task ? current_task()->ioprio : 0;
}

static struct shutdown_hook drain_consoles = { .fn = tty_drain_console };

void glue_file_systems(void)
{
	ram_register();
	devtmpfs_register();
	ram_memfd_init();
	procfs_init();
	task_proc_init();
	procfs_register_pids(&task_proc_ops);
	sysfs_init();
	devpts_init();
	overlay_init();
	p9_init();
	ext4_init();
	ipc_init();
}

void glue_drivers(void)
{
	char_init();
	tty_init();
	tty_register_jobs(&task_tty_ops);
	tty_job_register(&tty_task_ops);
	serial_init();
	net_init();
	sock_register_process_ops(&sock_ops);
	sock_init();
	block_init();
	block_register_ioprio(thread_ioprio);
	proc_add("partitions", 0444, show_partitions);
	proc_add("diskstats", 0444, show_diskstats);
	pci_init();
	virtio_init();
	nvme_init();
	ramdisk_init();
	loop_init();
	null_init();
	shutdown_register(&drain_consoles);
}

void glue_console_wait(void)
{
	tty_console_wait();
}

void glue_enter_root(const char *dir)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, dir, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (err)
		panic("cannot enter the root: error %d", -err);
	fs_context_set_root(&p);
	fs_context_set_cwd(&p);
	path_put(&p);
}
