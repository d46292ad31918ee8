/* See proc.h: the table of names below /proc/PID, finding tasks, small files, sysctls. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/oom.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include "base/bitmap.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/ksyms.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/proc.h"
#include "task/ptrace.h"
#include "task/task.h"
#include "task/uts.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/path.h"

/* ---- finding ---- */

static struct proc_task *find(u32 pid)
{
	return (struct proc_task *)task_find_get(pid);
}

static struct proc_task *find_thread(struct proc_task *pt, u32 tid)
{
	struct task *t = task_find_get(tid);

	if (t && t->process != proc_task_of(pt)->process) {
		task_put(t);
		t = NULL;
	}
	return (struct proc_task *)t;
}

static struct proc_task *get(struct proc_task *t)
{
	task_get(proc_task_of(t));
	return t;
}

static void put(struct proc_task *t) { task_put(proc_task_of(t)); }

static bool alive(struct proc_task *pt)
{
	struct task *t = proc_task_of(pt);

	return rcu_dereference(t->pid->task) == t;
}

static u32 next(u32 from)
{
	rcu_read_lock();
	struct process *p = pid_next_process(from);
	u32 nr = p ? process_id(p) : 0;
	rcu_read_unlock();
	return nr;
}

static u32 next_thread(struct proc_task *pt, u32 from)
{
	struct process *p = proc_task_of(pt)->process;
	struct task *t;
	u32 best = 0;

	u64 irq = process_siglock(p);
	list_for_each_entry(t, &p->tasks, node)
		if (task_tid(t) >= from && (!best || task_tid(t) < best))
			best = task_tid(t);
	process_sigunlock(p, irq);
	return best;
}

static void owner(struct proc_task *pt, u32 *uid, u32 *gid)
{
	struct task *t = proc_task_of(pt);

	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->thread.cred);
	*uid = c->euid;
	*gid = c->egid;
	rcu_read_unlock();
	struct mm *mm = task_mm_get(t);
	if (mm) {
		if (mm->dumpable != 1)
			*uid = *gid = 0;
		mm_put(mm);
	}
}

static void self(u32 *pid, u32 *tid)
{
	struct task *t = current_task();

	*pid = t ? process_id(t->process) : 0;
	*tid = t ? task_tid(t) : 0;
}

static int may_inspect(struct proc_task *t)
{
	int err = ptrace_may_access(proc_task_of(t), false);

	return err ? -EACCES : 0;
}

/* ---- descriptors ---- */

static int next_fd(struct proc_task *pt, int from)
{
	struct files *fs = task_files_get(proc_task_of(pt));
	int fd = -1;

	if (!fs)
		return -1;
	rcu_read_lock();
	struct fd_table *table = rcu_dereference(fs->table);
	for (u32 i = (u32)from; i < table->max && fd < 0; i++)
		if (rcu_dereference(table->file[i]))
			fd = (int)i;
	rcu_read_unlock();
	files_put(fs);
	return fd;
}

static struct file *file_of(struct proc_task *pt, int fd)
{
	struct files *fs = task_files_get(proc_task_of(pt));

	if (!fs)
		return NULL;
	struct file *f = fd_get_from(fs, fd);
	files_put(fs);
	return f;
}

static int fd_path(struct proc_task *pt, int fd, struct path *out, u32 *fmode)
{
	struct file *f = file_of(pt, fd);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	*fmode = f->mode & (FMODE_READ | FMODE_WRITE);
	file_put(f);
	return 0;
}

static int fd_info(struct proc_task *pt, int fd, struct seq *s)
{
	struct file *f = file_of(pt, fd);

	if (!f)
		return -ENOENT;
	u32 flags = f->flags;
	struct files *fs = task_files_get(proc_task_of(pt));
	if (fs) {
		rcu_read_lock();
		struct fd_table *t = rcu_dereference(fs->table);
		if ((u32)fd < t->max && t->cloexec[fd / 64] >> (fd % 64) & 1)
			flags |= O_CLOEXEC;
		rcu_read_unlock();
		files_put(fs);
	}
	seq_printf(s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", f->pos, flags, f->path.mount ? f->path.mount->id : 0, f->inode->ino);
	if (f->ops->show_fdinfo) {
		char *buf = kzalloc(PAGE_SIZE, ALLOC_KERNEL);

		if (buf) {
			f->ops->show_fdinfo(f, buf, PAGE_SIZE);
			seq_puts(s, buf);
		}
		kfree(buf);
	}
	file_put(f);
	return 0;
}

/* ---- links ---- */

static int follow_fs(struct proc_task *pt, struct path *out, bool root)
{
	struct task *t = proc_task_of(pt);
	int err = -ENOENT;

	pids_lock_take();
	struct fs_context *fs = t->thread.fs;
	if (fs)
		fs_context_get(fs);
	pids_lock_drop();
	if (!fs)
		return err;
	spin_lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int follow_cwd(struct proc_task *t, struct path *out) { return follow_fs(t, out, false); }
static int follow_root(struct proc_task *t, struct path *out) { return follow_fs(t, out, true); }

static int follow_exe(struct proc_task *pt, struct path *out)
{
	struct mm *mm = task_mm_get(proc_task_of(pt));
	int err = -ENOENT;

	if (!mm)
		return err;
	struct file *f = mm->exe;
	if (f) {
		*out = f->path;
		path_get(out);
		err = 0;
	}
	mm_put(mm);
	return err;
}

/* ---- small files ---- */

static int show_comm(struct proc_task *t, struct seq *s)
{
	seq_printf(s, "%s\n", proc_task_of(t)->thread.comm);
	return 0;
}

static s64 write_comm(struct proc_task *pt, const char *buf, size_t n, u64 pos)
{
	struct task *t = proc_task_of(pt);

	if (t->process != current_process())
		return -EINVAL;
	strlcpy(t->thread.comm, buf, sizeof(t->thread.comm));
	char *newline = strchr(t->thread.comm, '\n');
	if (newline)
		*newline = 0;
	return (s64)n;
}

static int show_wchan(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt);
	const void *pc = t->thread.wait_pc;
	char name[64];

	if (!pc || t->thread.state == TS_RUNNING || ptrace_may_access(t, false) || !ksym_name((u64)pc, true, name, sizeof(name)))
		seq_putc(s, '0');
	else
		seq_puts(s, name);
	return 0;
}

static int show_stack(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt);
	char name[100];

	if (t->thread.wait_pc && t->thread.state != TS_RUNNING && ksym_name((u64)t->thread.wait_pc, false, name, sizeof(name)))
		seq_printf(s, "[<0>] %s\n", name);
	return 0;
}

static int only_root(struct proc_task *t) { return capable(CAP_SYS_ADMIN) ? 0 : -EACCES; }

static int show_adj(struct proc_task *t, struct seq *s)
{
	seq_printf(s, "%d\n", proc_task_of(t)->process->oom_score_adj);
	return 0;
}

static s64 write_adj(struct proc_task *pt, const char *buf, size_t n, u64 pos)
{
	struct process *p = proc_task_of(pt)->process;
	s64 v;

	if (parse_s64(buf, 10, &v) || v < OOM_SCORE_ADJ_MIN || v > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	if (v < p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	atomic_store(&p->oom_score_adj, (s32)v);
	return (s64)n;
}

static int show_adj_old(struct proc_task *t, struct seq *s)
{
	s32 adj = proc_task_of(t)->process->oom_score_adj;

	seq_printf(s, "%d\n", adj == OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX : adj * -OOM_DISABLE / OOM_SCORE_ADJ_MAX);
	return 0;
}

static int show_oom_score(struct proc_task *pt, struct seq *s)
{
	struct page_stats stats;
	struct mm *mm = task_mm_get(proc_task_of(pt));
	s64 score = 0;

	page_stats(&stats);
	if (mm) {
		score = (s64)(mm_rss_pages(mm) + mm->table_pages) * 1000 / (s64)MAX(stats.total, 1ull);
		mm_put(mm);
	}
	score = (score + proc_task_of(pt)->process->oom_score_adj) * 2 / 3 + 666;
	seq_printf(s, "%lld\n", MAX(score, 0));
	return 0;
}

static int show_personality(struct proc_task *t, struct seq *s)
{
	seq_printf(s, "%08x\n", proc_task_of(t)->personality);
	return 0;
}

static int show_cgroup(struct proc_task *t, struct seq *s)
{
	seq_puts(s, "0::/\n");
	return 0;
}

static int show_loginuid(struct proc_task *t, struct seq *s)
{
	seq_puts(s, "4294967295");
	return 0;
}

static int show_syscall(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt);
	const struct plat_regs *r = (struct plat_regs *)thread_stack_top(&t->thread) - 1;

	if (t->thread.state == TS_RUNNING || !t->thread.stack)
		seq_puts(s, "running\n");
	else if ((s64)r->orig_ax < 0)
		seq_printf(s, "-1 0x%llx 0x%llx\n", r->sp, r->ip);
	else
		seq_printf(s, "%llu 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n", r->orig_ax, r->di, r->si, r->dx, r->r10, r->r8,
			   r->r9, r->sp, r->ip);
	return 0;
}

/* The next child of @p with a number >= @from, or 0. */
static u32 next_child(struct process *p, u32 from)
{
	struct process *c;
	u32 best = 0;

	pids_lock_take();
	list_for_each_entry(c, &p->children, sibling)
		if (process_id(c) >= from && (!best || process_id(c) < best))
			best = process_id(c);
	pids_lock_drop();
	return best;
}

static int show_children(struct proc_task *pt, struct seq *s)
{
	for (u32 nr = 1; (nr = next_child(proc_task_of(pt)->process, nr)) != 0; nr++)
		seq_printf(s, "%u ", nr);
	return 0;
}

static int show_mount_table(struct proc_task *pt, struct seq *s, int kind)
{
	struct path root;
	char *text;
	size_t len;
	int err = follow_root(pt, &root);

	if (err)
		return err;
	err = mounts_show(kind, &root, mount_ns_current(), &text, &len);
	path_put(&root);
	if (err < 0)
		return err;
	seq_write(s, text, len);
	kfree(text);
	return 0;
}

static int show_mounts(struct proc_task *t, struct seq *s) { return show_mount_table(t, s, 0); }
static int show_mountinfo(struct proc_task *t, struct seq *s) { return show_mount_table(t, s, 1); }
static int show_mountstats(struct proc_task *t, struct seq *s) { return show_mount_table(t, s, 2); }

#define REG(name_, mode_, ...) { .name = name_, .mode = S_IFREG | (mode_), __VA_ARGS__ }

static const struct proc_pid_entry entries[] = {
	REG("stat", 0444, .show = proc_show_stat, .where = PROC_IN_PROCESS),
	REG("stat", 0444, .show = proc_show_thread_stat, .where = PROC_IN_THREAD),
	REG("status", 0444, .show = proc_show_status),
	REG("statm", 0444, .show = proc_show_statm),
	REG("cmdline", 0444, .read = proc_read_cmdline),
	REG("comm", 0644, .show = show_comm, .write = write_comm),
	REG("environ", 0400, .open = may_inspect, .read = proc_read_environ),
	REG("auxv", 0400, .open = may_inspect, .read = proc_read_auxv),
	REG("maps", 0444, .open = may_inspect, .show = proc_show_maps),
	REG("smaps", 0444, .open = may_inspect, .show = proc_show_smaps),
	REG("smaps_rollup", 0444, .open = may_inspect, .show = proc_show_smaps_rollup, .where = PROC_IN_PROCESS),
	REG("pagemap", 0400, .open = may_inspect, .read = proc_read_pagemap),
	REG("clear_refs", 0200, .open = may_inspect, .write = proc_write_clear_refs),
	REG("mem", 0600, .open = may_inspect, .read = proc_read_mem, .write = proc_write_mem),
	REG("limits", 0444, .show = proc_show_limits),
	REG("sched", 0644, .show = proc_show_sched),
	REG("schedstat", 0444, .show = proc_show_schedstat),
	REG("io", 0400, .open = may_inspect, .show = proc_show_io),
	REG("wchan", 0444, .show = show_wchan),
	REG("stack", 0400, .open = only_root, .show = show_stack),
	REG("syscall", 0400, .open = may_inspect, .show = show_syscall),
	REG("oom_score", 0444, .show = show_oom_score),
	REG("oom_score_adj", 0644, .show = show_adj, .write = write_adj),
	REG("oom_adj", 0444, .show = show_adj_old),
	REG("personality", 0400, .open = may_inspect, .show = show_personality),
	REG("cgroup", 0444, .show = show_cgroup),
	REG("loginuid", 0444, .show = show_loginuid),
	REG("sessionid", 0444, .show = show_loginuid),
	REG("children", 0444, .show = show_children, .where = PROC_IN_THREAD),
	REG("mounts", 0444, .show = show_mounts),
	REG("mountinfo", 0444, .show = show_mountinfo),
	REG("mountstats", 0400, .show = show_mountstats, .where = PROC_IN_PROCESS),
	{ .name = "cwd", .mode = S_IFLNK | 0777, .open = may_inspect, .follow = follow_cwd },
	{ .name = "root", .mode = S_IFLNK | 0777, .open = may_inspect, .follow = follow_root },
	{ .name = "exe", .mode = S_IFLNK | 0777, .open = may_inspect, .follow = follow_exe },
	{ 0 },
};

const struct proc_pid_ops task_proc_ops = {
	.entries = entries, .find = find, .find_thread = find_thread, .get = get, .put = put, .alive = alive, .next = next,
	.next_thread = next_thread, .owner = owner, .self = self, .may_inspect = may_inspect, .next_fd = next_fd,
	.fd_path = fd_path, .fd_info = fd_info,
};

/* ---- sysctls ---- */

static char node_name[__NEW_UTS_LEN + 1], domain_name[__NEW_UTS_LEN + 1];

static void names_refresh(const struct sysctl *s)
{
	struct new_utsname u;

	uts_get(&u);
	strlcpy(node_name, u.nodename, sizeof(node_name));
	strlcpy(domain_name, u.domainname, sizeof(domain_name));
}

static int names_changed(const struct sysctl *s)
{
	bool domain = s->value == domain_name;

	uts_set(domain, s->value, strlen(s->value));
	return 0;
}

static u32 pid_max_value = PID_MAX_DEFAULT, threads_max = 15000;

static int pid_max_changed(const struct sysctl *s)
{
	int err = pid_set_max(pid_max_value);

	pid_max_value = pid_max();
	return err;
}

static const struct sysctl sysctls[] = {
	{ "kernel/pid_max", SYSCTL_U32, 0644, &pid_max_value, 0, PID_MAX_MIN, PID_MAX_LIMIT, pid_max_changed },
	{ "kernel/hostname", SYSCTL_STRING, 0644, node_name, sizeof(node_name), .changed = names_changed, .refresh = names_refresh },
	{ "kernel/domainname", SYSCTL_STRING, 0644, domain_name, sizeof(domain_name), .changed = names_changed, .refresh = names_refresh },
	{ "kernel/threads-max", SYSCTL_U32, 0444, &threads_max },
};

void task_proc_init(void)
{
	proc_add_sysctl(sysctls, ARRAY_SIZE(sysctls));
}
