/* See rusage.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/signal.h>
#include "base/string.h"
#include "kern/sched.h"
#include "mm/mm.h"
#include "task/internal.h"
#include "task/itimer.h"
#include "task/rusage.h"
#include "task/signal.h"
#include "vfs/file.h"

u64 thread_user_ns(struct thread *t)
{
	return MIN(t->user_ns, thread_runtime_ns(t));
}

void usage_add_thread(struct usage *u, struct task *t)
{
	u64 total = thread_runtime_ns(&t->thread), user = MIN(t->thread.user_ns, total);

	u->user_ns += user;
	u->system_ns += total - user;
	u->nvcsw += t->thread.nvcsw;
	u->nivcsw += t->thread.nivcsw;
	u->minor_faults += t->usage.minor_faults;
	u->major_faults += t->usage.major_faults;
	u->in_blocks += t->usage.in_blocks;
	u->out_blocks += t->usage.out_blocks;
	u->max_rss_pages = MAX(u->max_rss_pages, t->usage.max_rss_pages);
}

void usage_add(struct usage *to, const struct usage *more)
{
	to->user_ns += more->user_ns;
	to->system_ns += more->system_ns;
	to->nvcsw += more->nvcsw;
	to->nivcsw += more->nivcsw;
	to->minor_faults += more->minor_faults;
	to->major_faults += more->major_faults;
	to->in_blocks += more->in_blocks;
	to->out_blocks += more->out_blocks;
	to->max_rss_pages = MAX(to->max_rss_pages, more->max_rss_pages);
}

void process_usage(struct process *p, struct usage *out)
{
	struct task *t;
	u64 irq = process_siglock(p);

	*out = p->dead_usage;
	list_for_each_entry(t, &p->tasks, node)
		usage_add_thread(out, t);
	process_sigunlock(p, irq);
	if (p == current_process() && current()->mm) {
		u64 rss = mm_rss_pages(current()->mm);

		out->max_rss_pages = MAX(out->max_rss_pages, MAX(rss, current()->mm->hiwater_rss));
	}
}

void thread_usage(struct task *t, struct usage *out)
{
	memset(out, 0, sizeof(*out));
	usage_add_thread(out, t);
	if (t == current_task() && current()->mm)
		out->max_rss_pages = MAX(mm_rss_pages(current()->mm), current()->mm->hiwater_rss);
}

void children_usage(struct process *p, struct usage *out)
{
	u64 irq = process_siglock(p);

	*out = p->child_usage;
	process_sigunlock(p, irq);
}

u64 process_cpu_ns_locked(struct process *p, bool user_only)
{
	u64 sum = user_only ? p->dead_usage.user_ns : p->dead_runtime_ns;
	struct task *t;

	list_for_each_entry(t, &p->tasks, node)
		sum += user_only ? thread_user_ns(&t->thread) : thread_runtime_ns(&t->thread);
	return sum;
}

u64 process_cpu_ns(struct process *p)
{
	u64 irq = process_siglock(p);
	u64 ns = process_cpu_ns_locked(p, false);

	process_sigunlock(p, irq);
	return ns;
}

u64 task_count_of(u32 uid)
{
	u64 n = 0;
	struct process *p;

	rcu_read_lock();
	for (u32 nr = 1; (p = pid_next_process(nr)) != NULL; nr = process_id(p) + 1) {
		struct task *leader = rcu_dereference(p->leader);

		if (leader && leader->thread.cred->uid == uid)
			n += p->task_count;
	}
	rcu_read_unlock();
	return n;
}

/* ---- limits ---- */

int rlimit_change(struct process *p, unsigned which, const struct limit *set, struct limit *old)
{
	int err = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (set && set->cur > set->max)
		return -EINVAL;
	if (set && which == RLIMIT_NOFILE && set->max > 1048576)
		return -EPERM;
	u64 irq = process_siglock(p);
	if (old)
		*old = (struct limit){ p->rlimit[which].cur, p->rlimit[which].max };
	if (set && set->max > p->rlimit[which].max && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	if (set && !err) {
		p->rlimit[which].cur = set->cur;
		p->rlimit[which].max = set->max;
	}
	process_sigunlock(p, irq);
	if (set && !err && which == RLIMIT_CPU && set->cur != RLIM_INFINITY)
		cpu_timer_rearm(p);
	return err;
}

static u64 limit_now(unsigned which)
{
	struct task *t = current_task();

	return t ? rlimit_cur(t->process, which) : RLIM_INFINITY;
}

static u64 nofile(void) { return limit_now(RLIMIT_NOFILE); }
static u64 fsize(void) { return limit_now(RLIMIT_FSIZE); }

static void sigxfsz(void)
{
	if (current_task())
		(void)signal_task(current_task(), SIGXFSZ, NULL);
}

static void mm_limits(struct mm_limits *out)
{
	out->address_space = limit_now(RLIMIT_AS);
	out->data = limit_now(RLIMIT_DATA);
	out->stack = limit_now(RLIMIT_STACK);
	out->memlock = limit_now(RLIMIT_MEMLOCK);
}

void rlimits_init(void)
{
	file_register_limits(nofile, fsize, sigxfsz);
	mm_register_limits(mm_limits);
}
