/* /proc/PID/stat, status, statm, limits, sched, io.  Source: proc(5). */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include "kern/sched.h"
#include "mm/mm.h"
#include "task/proc.h"
#include "task/rusage.h"
#include "task/signal.h"
#include "task/tty_job.h"
#include "vfs/file.h"

enum { TICK_NS = 10000000 };

static char state_letter(struct task *t)
{
	if (t->zombie || t->thread.state == TS_DEAD)
		return 'Z';
	switch (t->thread.state) {
	case TS_RUNNING: return 'R';
	case TS_INTERRUPTIBLE: return 'S';
	case TS_STOPPED: return 'T';
	case TS_TRACED: return 't';
	default: return 'D';
	}
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	default: return "Z (zombie)";
	}
}

/* Masks of what is ignored and caught. */
static void action_masks(struct process *p, u64 *ignored, u64 *caught)
{
	u64 irq = process_siglock(p);

	*ignored = *caught = 0;
	for (int sig = 1; sig <= SIGNALS; sig++) {
		u64 h = p->sighand->action[sig - 1].handler;

		if (h == K_SIG_IGN)
			*ignored |= sigbit(sig);
		else if (h != K_SIG_DFL)
			*caught |= sigbit(sig);
	}
	process_sigunlock(p, irq);
}

struct stat_mm {
	u64 vsize, rss, code_start, code_end, stack, data_start, data_end, brk, arg_start, arg_end, env_start, env_end;
};

static void mm_figures(struct task *t, struct stat_mm *m)
{
	struct mm *mm = task_mm_get(t);

	*m = (struct stat_mm){ 0 };
	if (!mm)
		return;
	m->vsize = mm->total_pages << PAGE_SHIFT;
	m->rss = mm_rss_pages(mm);
	m->data_start = mm->data_start;
	m->data_end = mm->data_end;
	m->code_start = mm->code_start;
	m->code_end = mm->code_end;
	m->stack = mm->stack_start;
	m->brk = mm->brk_start;
	m->arg_start = mm->arg_start;
	m->arg_end = mm->arg_end;
	m->env_start = mm->env_start;
	m->env_end = mm->env_end;
	mm_put(mm);
}

static int show_stat(struct task *t, struct seq *s, bool whole)
{
	struct process *p = t->process;
	struct thread *th = &t->thread;
	struct usage u, c;
	struct stat_mm m;
	u64 tty, ignored, caught, limit = rlimit_cur(p, RLIMIT_RSS);
	bool rt = th->policy == SCHED_FIFO || th->policy == SCHED_RR;

	if (whole)
		process_usage(p, &u);
	else
		thread_usage(t, &u);
	children_usage(p, &c);
	mm_figures(t, &m);
	action_masks(p, &ignored, &caught);
	rcu_read_lock();
	u32 ppid = p->parent == p ? 0 : process_id(p->parent), pgrp = p->pgrp->nr, session = p->session->nr;
	rcu_read_unlock();
	s32 foreground = tty_job_foreground(p, &tty);
	seq_printf(s, "%u (%s) %c %u %u %u %llu %d %u", task_tid(t), th->comm, state_letter(t), ppid, pgrp, session, tty, foreground,
		   0x400000 | (process_has_flag(p, PROC_EXECED) ? 0 : 0x40));
	seq_printf(s, " %llu %llu %llu %llu %llu %llu %llu %llu", u.minor_faults, c.minor_faults, u.major_faults, c.major_faults,
		   u.user_ns / TICK_NS, u.system_ns / TICK_NS, c.user_ns / TICK_NS, c.system_ns / TICK_NS);
	seq_printf(s, " %d %d %u 0 %llu %llu %llu %llu", rt ? -1 - th->rt_prio : 20 + th->nice, rt ? 0 : th->nice, p->task_count,
		   t->start_ns / TICK_NS, m.vsize, m.rss, limit);
	seq_printf(s, " %llu %llu %llu 0 0", m.code_start, m.code_end, m.stack);
	seq_printf(s, " %llu %llu %llu %llu %d 0 0 %d %u %u %u 0 0 0", (t->pending.set | p->shared.set) & 0x7fffffff,
		   t->blocked & 0x7fffffff, ignored & 0x7fffffff, caught & 0x7fffffff, th->wait_pc && th->state != TS_RUNNING ? 1 : 0,
		   p->exit_signal, th->cpu, rt ? th->rt_prio : 0, th->policy);
	seq_printf(s, " %llu %llu %llu %llu %llu %llu %llu %u\n", m.data_start, m.data_end, m.brk, m.arg_start, m.arg_end, m.env_start,
		   m.env_end, t->zombie ? p->exit_code : 0);
	return 0;
}

int proc_show_stat(struct proc_task *t, struct seq *s) { return show_stat(proc_task_of(t), s, true); }
int proc_show_thread_stat(struct proc_task *t, struct seq *s) { return show_stat(proc_task_of(t), s, false); }

/* ---- status ---- */

static void show_groups(struct seq *s, const struct cred *c)
{
	seq_printf(s, "Groups:\t");
	for (u32 i = 0; c->groups && i < c->groups->count; i++)
		seq_printf(s, "%u ", c->groups->gid[i]);
	seq_puts(s, "\n");
}

static void show_mm(struct task *t, struct seq *s)
{
	struct mm *mm = task_mm_get(t);

	if (!mm)
		return;
	u64 kb = PAGE_SIZE / 1024, rss = mm_rss_pages(mm), text = (ALIGN_UP(mm->code_end, PAGE_SIZE) - (mm->code_start & PAGE_MASK)) / 1024;
	u64 exec = mm->exec_pages * kb, lib = exec > text ? exec - text : 0;
	seq_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8u kB\n", MAX(mm->hiwater_pages, mm->total_pages) * kb,
		   mm->total_pages * kb, mm->locked_pages * kb, 0);
	seq_printf(s, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n",
		   MAX(mm->hiwater_rss, rss) * kb, rss * kb, mm->rss[RSS_ANON] * kb, mm->rss[RSS_FILE] * kb, mm->rss[RSS_SHMEM] * kb);
	seq_printf(s, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\nVmPTE:\t%8llu kB\nVmSwap:\t%8u kB\n",
		   mm->data_pages * kb, mm->stack_pages * kb, text, lib, mm->table_pages * kb, 0);
	seq_printf(s, "HugetlbPages:\t%8u kB\nCoreDumping:\t0\nTHP_enabled:\t0\n", 0);
	mm_put(mm);
}

static u32 open_files(struct task *t)
{
	u32 size = 0;

	pids_lock_take();
	if (t->thread.files) {
		rcu_read_lock();
		size = rcu_dereference(t->thread.files->table)->max;
		rcu_read_unlock();
	}
	pids_lock_drop();
	return size;
}

static void show_signals(struct task *t, struct seq *s)
{
	struct process *p = t->process;
	u64 ignored, caught;

	action_masks(p, &ignored, &caught);
	seq_printf(s, "SigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		   p->queued, rlimit_cur(p, RLIMIT_SIGPENDING), t->pending.set, p->shared.set, t->blocked, ignored, caught);
}

static void show_affinity(struct task *t, struct seq *s)
{
	u64 mask = t->thread.affinity & sched_online_mask();
	bool first = true;

	if (mask >> 32)
		seq_printf(s, "Cpus_allowed:\t%x,%08x\nCpus_allowed_list:\t", (u32)(mask >> 32), (u32)mask);
	else
		seq_printf(s, "Cpus_allowed:\t%x\nCpus_allowed_list:\t", (u32)mask);
	for (u32 i = 0; i < 64; i++) {
		u32 from = i;

		if (!(mask >> i & 1))
			continue;
		while (i < 63 && mask >> (i + 1) & 1)
			i++;
		seq_printf(s, from == i ? "%s%u" : "%s%u-%u", first ? "" : ",", from, i);
		first = false;
	}
	seq_puts(s, "\n");
}

int proc_show_status(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt);
	struct process *p = t->process;
	const struct cred *c = task_cred_get(t);

	rcu_read_lock();
	u32 ppid = p->parent == p ? 0 : process_id(p->parent), tracer = t->tracer_task ? task_tid(t->tracer_task) : 0;
	rcu_read_unlock();
	seq_printf(s, "Name:\t");
	seq_escape(s, t->thread.comm, "");
	seq_printf(s, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n",
		   t->thread.fs ? t->thread.fs->umask : 022, state_name(state_letter(t)), process_id(p), task_tid(t), ppid, tracer);
	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\n", c->uid, c->euid, c->suid, c->fsuid, c->gid, c->egid,
		   c->sgid, c->fsgid, open_files(t));
	show_groups(s, c);
	seq_printf(s, "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", process_id(p), task_tid(t), p->pgrp->nr, p->session->nr);
	show_mm(t, s);
	seq_printf(s, "Threads:\t%u\n", p->task_count);
	show_signals(t, s);
	seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n", c->cap_inheritable,
		   c->cap_permitted, c->cap_effective, c->cap_bset, c->cap_ambient);
	seq_printf(s, "NoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t0\n", c->no_new_privs, t->seccomp_mode);
	seq_printf(s, "Speculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\tunknown\n");
	show_affinity(t, s);
	seq_printf(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   t->thread.nvcsw, t->thread.nivcsw);
	cred_put(c);
	return 0;
}

int proc_show_statm(struct proc_task *pt, struct seq *s)
{
	struct mm *mm = task_mm_get(proc_task_of(pt));

	if (!mm) {
		seq_puts(s, "0 0 0 0 0 0 0\n");
		return 0;
	}
	u64 text = (ALIGN_UP(mm->code_end, PAGE_SIZE) - (mm->code_start & PAGE_MASK)) >> PAGE_SHIFT;
	seq_printf(s, "%llu %llu %llu %llu 0 %llu 0\n", mm->total_pages, mm_rss_pages(mm), mm->rss[RSS_FILE] + mm->rss[RSS_SHMEM], text,
		   mm->data_pages + mm->stack_pages);
	mm_put(mm);
	return 0;
}

/* ---- limits ---- */

static void show_limit(struct seq *s, u64 v)
{
	if (v == RLIM_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20llu ", v);
}

int proc_show_limits(struct proc_task *pt, struct seq *s)
{
	static const struct {
		const char *name, *unit;
	} row[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" }, [RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" }, [RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" }, [RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" }, [RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" }, [RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" }, [RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" }, [RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" }, [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct process *p = proc_task_of(pt)->process;

	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		seq_printf(s, "%-25s ", row[i].name);
		show_limit(s, p->rlimit[i].cur);
		show_limit(s, p->rlimit[i].max);
		seq_printf(s, "%-10s\n", row[i].unit);
	}
	return 0;
}

int proc_show_sched(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt);
	u64 run = thread_runtime_ns(&t->thread);

	seq_printf(s, "%s (%u, #threads: %u)\n", t->thread.comm, task_tid(t), t->process->task_count);
	seq_printf(s, "se.vruntime : %llu\nse.sum_exec_runtime : %llu.%06llu\nnr_switches : %llu\nnr_voluntary_switches : %llu\n"
		   "nr_involuntary_switches : %llu\npolicy : %u\nprio : %d\n", t->thread.vruntime, run / 1000000, run % 1000000,
		   t->thread.nvcsw + t->thread.nivcsw, t->thread.nvcsw, t->thread.nivcsw, t->thread.policy, 120 + t->thread.nice);
	return 0;
}

int proc_show_schedstat(struct proc_task *pt, struct seq *s)
{
	struct thread *th = &proc_task_of(pt)->thread;

	seq_printf(s, "%llu 0 %llu\n", thread_runtime_ns(th), th->nvcsw + th->nivcsw);
	return 0;
}

int proc_show_io(struct proc_task *pt, struct seq *s)
{
	struct task *t = proc_task_of(pt), *o;
	struct process *p = t->process;
	u64 v[4] = { p->read_bytes, p->write_bytes, p->read_calls, p->write_calls };
	u64 irq = process_siglock(p);

	list_for_each_entry(o, &p->tasks, node) {
		v[0] += o->read_bytes;
		v[1] += o->write_bytes;
		v[2] += o->read_calls;
		v[3] += o->write_calls;
	}
	process_sigunlock(p, irq);
	seq_printf(s, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: %u\nwrite_bytes: %u\ncancelled_write_bytes: %u\n",
		   v[0], v[1], v[2], v[3], 0, 0, 0);
	return 0;
}
