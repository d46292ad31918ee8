/*
 * System calls on the system itself: names, log, randomness, power.
 */
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <asm/prctl.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/rcu.h"
#include "kern/shutdown.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "sys/sys.h"
#include "task/task.h"
#include "task/uts.h"
#include "vfs/super.h"
#include "mm/mm.h"

enum { RANDOM_BATCH = 256, UTS_LEN = 64, LOG_OUT_MAX = 1100 };

s64 sys_getrandom(u64 user, u64 n, u64 flags)
{
	u8 buf[RANDOM_BATCH];
	u64 done = 0;

	if (flags & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	n = MIN(n, 0x7ffff000ull);
	while (done < n) {
		u64 take = MIN(n - done, sizeof(buf));

		random_bytes(buf, take);
		size_t left = plat_copy_to_user(user + done, buf, take);
		done += take - left;
		if (left)
			return done ? (s64)done : -EFAULT;
		if (signal_pending() && done < n && done >= RANDOM_BATCH)
			break;
		cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return (s64)done;
}

/* ---- names ---- */

s64 sys_uname(u64 user)
{
	struct new_utsname u;

	uts_get(&u);
	return copy_out(uaddr(user), &u, sizeof(u));
}

static s64 set_name(bool domain, u64 user, u64 len)
{
	char name[UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((s32)len < 0 || len > UTS_LEN)
		return -EINVAL;
	if (copy_in(name, uaddr(user), len))
		return -EFAULT;
	uts_set(domain, name, len);
	return 0;
}

s64 sys_sethostname(u64 name, u64 len) { return set_name(false, name, len); }
s64 sys_setdomainname(u64 name, u64 len) { return set_name(true, name, len); }

s64 sys_sysinfo(u64 user)
{
	struct page_stats ps;
	struct mm_stats ms;
	struct sysinfo si;
	u32 load[3];

	page_stats(&ps);
	mm_stats(&ms);
	sched_load_avg(load);
	memset(&si, 0, sizeof(si));
	si.uptime = (long)(plat_mono_ns() / NS_PER_SEC);
	for (int i = 0; i < 3; i++)
		si.loads[i] = (unsigned long)load[i] << 5;
	si.totalram = ps.total << PAGE_SHIFT;
	si.freeram = ps.free << PAGE_SHIFT;
	si.sharedram = ms.shmem << PAGE_SHIFT;
	si.procs = (u16)task_count();
	si.mem_unit = 1;
	return copy_out(uaddr(user), &si, sizeof(si));
}

/* ---- the log: syslog(2) ---- */

static u64 syslog_seq;		/* [a] next line for SYSLOG_ACTION_READ */
static u64 clear_seq;		/* [a] lines before it were cleared */

/* "<level>[time] text\n" */
static size_t format_line(const struct log_line *l, char *out)
{
	u64 us = l->time_ns / 1000;
	size_t n = (size_t)fmt_snprintf(out, LOG_OUT_MAX, "<%u>[%5llu.%06llu] %s\n", l->level, (unsigned long long)(us / 1000000),
					(unsigned long long)(us % 1000000), l->text);

	return MIN(n, (size_t)LOG_OUT_MAX - 1);
}

/* Copy lines from @seq on that fit into @len bytes. */
static s64 lines_out(u64 *seq, u64 user, u64 len)
{
	struct log_line *l = kmalloc(sizeof(*l), ALLOC_KERNEL);
	char *text = kmalloc(LOG_OUT_MAX, ALLOC_KERNEL);
	s64 done = l && text ? 0 : -ENOMEM;

	while (done >= 0 && !log_read(*seq, l)) {
		size_t n = format_line(l, text);

		if ((u64)done + n > len)
			break;
		if (copy_out(uaddr(user + (u64)done), text, n)) {
			done = done ? done : -EFAULT;
			break;
		}
		done += (s64)n;
		*seq = l->seq + 1;
	}
	kfree(l);
	kfree(text);
	return done;
}

/* The number of the first line such that what follows fits into @len. */
static u64 last_lines(u64 len, u64 *total)
{
	struct log_line *l = kmalloc(sizeof(*l), ALLOC_KERNEL);
	char *text = kmalloc(LOG_OUT_MAX, ALLOC_KERNEL);
	u64 first = clear_seq, seq = clear_seq;

	*total = 0;
	while (l && text && !log_read(seq, l)) {
		*total += format_line(l, text);
		seq = l->seq + 1;
	}
	u64 size = *total;
	while (l && text && size > len && !log_read(first, l)) {
		size -= format_line(l, text);
		first = l->seq + 1;
	}
	kfree(l);
	kfree(text);
	return first;
}

static s64 log_wait_read(u64 user, u64 len)
{
	if (!len)
		return 0;
	int err = wait_event_interruptible(log_waitq(), syslog_seq < log_next_seq());
	return err ? err : lines_out(&syslog_seq, user, len);
}

s64 sys_syslog(u64 type64, u64 user, u64 len64)
{
	enum { CLOSE, OPEN, READ, READ_ALL, READ_CLEAR, CLEAR, CONSOLE_OFF, CONSOLE_ON, CONSOLE_LEVEL, SIZE_UNREAD, SIZE_BUFFER };
	static int saved_level;
	int type = (int)type64, len = (int)len64;
	u64 total, first;
	s64 ret;

	if (type < CLOSE || type > SIZE_BUFFER)
		return -EINVAL;
	if (type != READ_ALL && type != SIZE_BUFFER && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (type >= READ && type <= READ_CLEAR && (!user || len < 0))
		return -EINVAL;
	switch (type) {
	case READ: return log_wait_read(user, (u64)len);
	case READ_ALL: case READ_CLEAR:
		first = last_lines((u64)len, &total);
		ret = lines_out(&first, user, (u64)len);
		if (type == READ_CLEAR)
			clear_seq = log_next_seq();
		return ret;
	case CLEAR: clear_seq = log_next_seq(); return 0;
	case CONSOLE_OFF: saved_level = log_console_level(); log_set_console_level(1); return 0;
	case CONSOLE_ON: if (saved_level) log_set_console_level(saved_level); return 0;
	case CONSOLE_LEVEL: if (len < 1 || len > 8) return -EINVAL; log_set_console_level(len); return 0;
	case SIZE_UNREAD: (void)last_lines(0, &total); return (s64)total;
	case SIZE_BUFFER: return 1 << 16;
	default: return 0;
	}
}

/* ---- power ---- */

static s64 do_reboot(u32 cmd)
{
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON: case LINUX_REBOOT_CMD_CAD_OFF: return 0;	/* no keyboard, so no Ctrl-Alt-Del either way */
	case LINUX_REBOOT_CMD_RESTART: case LINUX_REBOOT_CMD_RESTART2: shutdown_machine(SHUTDOWN_RESTART);
	case LINUX_REBOOT_CMD_HALT: shutdown_machine(SHUTDOWN_HALT);
	case LINUX_REBOOT_CMD_POWER_OFF: shutdown_machine(SHUTDOWN_POWER_OFF);
	default: return -EINVAL;	/* suspend and kexec among them */
	}
}

s64 sys_reboot(u64 magic1, u64 magic2, u64 cmd, u64 arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((u32)magic1 != LINUX_REBOOT_MAGIC1 || ((u32)magic2 != LINUX_REBOOT_MAGIC2 && (u32)magic2 != LINUX_REBOOT_MAGIC2A &&
						   (u32)magic2 != LINUX_REBOOT_MAGIC2B && (u32)magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	return do_reboot((u32)cmd);
}

/* ---- processor ---- */

/* In a grace period every CPU passes through the scheduler, which is a full barrier. */
s64 sys_membarrier(u64 cmd, u64 flags, u64 cpu)
{
	enum { SUPPORTED = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
			   MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED };

	if (flags)
		return -EINVAL;
	switch ((int)cmd) {
	case MEMBARRIER_CMD_QUERY: return SUPPORTED;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: current_process()->membarrier = true; return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		if (!current_process()->membarrier)
			return -EPERM;
		FALLTHROUGH;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED: synchronize_rcu(); return 0;
	default: return -EINVAL;
	}
}

s64 sys_arch_prctl(u64 code, u64 addr)
{
	switch ((int)code) {
	case ARCH_SET_FS: case ARCH_SET_GS:
		if (addr >= PLAT_USER_TOP)
			return -EPERM;
		if ((int)code == ARCH_SET_FS)
			plat_set_fs_base(addr);
		else
			plat_set_gs_base(addr);
		return 0;
	case ARCH_GET_FS: return put_user(plat_fs_base(), uaddr(addr));
	case ARCH_GET_GS: return put_user(plat_gs_base(), uaddr(addr));
	default: return -EINVAL;
	}
}

s64 sys_personality(u64 persona)
{
	u32 old = current_task()->personality;

	if ((u32)persona != 0xffffffff)
		current_task()->personality = (u32)persona;
	return old;
}

/* sysfs(2): file systems have no numbers here. */
s64 sys_sysfs(u64 option, u64 a, u64 b) { return -EINVAL; }
