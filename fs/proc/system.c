/*
 * /proc/version, cmdline, filesystems, devices, locks, kallsyms, kmsg and the links at the root.
 *
 * Source: proc(5).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/cred.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/version.h"
#include "vfs/device.h"
#include "vfs/locks.h"
#include "vfs/poll.h"

enum { LIST_BYTES = 16384 };

static void show_version(struct seq *s)
{
	seq_puts(s, KERNEL_SYSNAME " version " KERNEL_RELEASE " (Auk) (" __VERSION__ ") " KERNEL_VERSION "\n");
}

static void show_cmdline(struct seq *s)
{
	seq_printf(s, "%s\n", plat_cmdline());
}

/* What a function writes into a buffer of its own size. */
static void show_list(struct seq *s, size_t (*list)(char *buf, size_t size))
{
	char *buf = kvmalloc(LIST_BYTES, ALLOC_KERNEL);

	if (!buf) {
		s->err = -ENOMEM;
		return;
	}
	seq_write(s, buf, list(buf, LIST_BYTES));
	kvfree(buf);
}

static void show_filesystems(struct seq *s)
{
	show_list(s, fs_list);
}

static void show_devices(struct seq *s)
{
	seq_puts(s, "Character devices:\n");
	show_list(s, chrdev_list);
	seq_puts(s, "\nBlock devices:\n");
}

static void show_locks(struct seq *s)
{
	show_list(s, locks_show);
}

/* Addresses only for those who could read memory anyway. */
static void show_kallsyms(struct seq *s)
{
	bool show_addr = capable(CAP_SYSLOG);
	const char *name;
	u64 addr;

	for (u32 i = 0; ksym_at(i, &addr, &name); i++)
		seq_printf(s, "%016llx T %s\n", show_addr ? addr : 0, name);
}

static int self_target(char *buf, size_t size)
{
	u32 pid = 0, tid = 0;

	if (pids)
		pids->self(&pid, &tid);
	if (!pid)
		return -ENOENT;
	scnprintf(buf, size, "%u", pid);
	return 0;
}

static int thread_self_target(char *buf, size_t size)
{
	u32 pid = 0, tid = 0;

	if (pids)
		pids->self(&pid, &tid);
	if (!tid)
		return -ENOENT;
	scnprintf(buf, size, "%u/task/%u", pid, tid);
	return 0;
}

/* ---- /proc/kmsg: the log as syslog(2) reads it; what was read is gone for the next reader ---- */

static u64 kmsg_seq;	/* [a] next line to hand out */

static int kmsg_open(struct inode *i, struct file *f)
{
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static size_t format_line(const struct log_line *l, char *buf, size_t size)
{
	return scnprintf(buf, size, "<%u>[%5llu.%06llu] %.*s\n", l->level, l->time_ns / NS_PER_SEC,
			 l->time_ns % NS_PER_SEC / 1000, (int)l->len, l->text);
}

/* One line into @buf. Return: its length, or -EAGAIN */
static s64 take_line(struct log_line *l, char *buf, size_t size)
{
	u64 seq = atomic_load(&kmsg_seq);

	do {
		int err = log_read(seq, l);

		if (err)
			return err;
	} while (!try_cmpxchg(&kmsg_seq, &seq, l->seq + 1));
	return format_line(l, buf, size);
}

static s64 kmsg_read(struct file *f, struct iter *to, u64 *pos)
{
	struct log_line *l = kmalloc(2 * sizeof(*l), ALLOC_KERNEL);
	char *text = (char *)(l + 1);
	s64 total = 0, n;

	if (!l)
		return -ENOMEM;
	for (;;) {
		n = iter_left(to) >= 64 || !total ? take_line(l, text, sizeof(*l)) : -EAGAIN;
		if (n == -EAGAIN && !total && !(f->flags & O_NONBLOCK)) {
			n = wait_event_interruptible(log_waitq(), log_next_seq() > atomic_load(&kmsg_seq));
			if (!n)
				continue;
		}
		if (n < 0)
			break;

		u64 put = iter_put(to, text, MIN((u64)n, iter_left(to)));

		total += put;
		if (!put || !iter_left(to))
			break;
	}
	kfree(l);
	return total ? total : n < 0 ? n : -EFAULT;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, log_waitq(), pt);
	return log_next_seq() > atomic_load(&kmsg_seq) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.read = kmsg_read,
	.poll = kmsg_poll,
	.seek = file_seek_none,
};

void proc_system_init(void)
{
	proc_add_link_fn("self", self_target);
	proc_add_link_fn("thread-self", thread_self_target);
	proc_add_link("mounts", "self/mounts");
	proc_add("version", 0444, show_version);
	proc_add("cmdline", 0444, show_cmdline);
	proc_add("filesystems", 0444, show_filesystems);
	proc_add("devices", 0444, show_devices);
	proc_add("locks", 0444, show_locks);
	proc_add("kallsyms", 0444, show_kallsyms);
	proc_add_fops("kmsg", 0400, &kmsg_fops);
}
