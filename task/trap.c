/* See trap.h. */
#include <linux/oom.h>
#include <linux/signal.h>
#include "kern/printk.h"
#include "mm/mm.h"
#include "task/internal.h"
#include "task/signal.h"
#include "task/trap.h"

enum { TRAP_PAGE_FAULT = 14 };

int task_fault(struct plat_regs *regs, u64 addr, unsigned flags)
{
	struct task *t = current_task();

	if (unlikely(!t))
		return mm_fault(regs, addr, flags);
	t->usage.minor_faults++;
	t->trap_addr = addr;
	t->trap_no = TRAP_PAGE_FAULT;
	t->trap_error = (flags & PLAT_FAULT_PROT ? 1 : 0) | (flags & PLAT_FAULT_WRITE ? 2 : 0) | (flags & PLAT_FAULT_USER ? 4 : 0) |
			(flags & PLAT_FAULT_EXEC ? 16 : 0);
	return mm_fault(regs, addr, flags);
}

void task_trap(struct plat_regs *regs, const struct plat_trap *trap)
{
	struct task *t = current_task();

	t->trap_no = trap->number;
	t->trap_error = trap->error;
	if (trap->number == TRAP_PAGE_FAULT)
		t->trap_addr = trap->addr;
	signal_force(trap->sig, trap->code, trap->addr);
}

/* ---- out of memory ---- */

/* What killing @p would free, its oom_score_adj added; 0: not to be killed. */
static u64 badness(struct process *p, u64 total)
{
	struct task *leader = rcu_dereference(p->leader);
	struct mm *mm = leader ? leader->thread.mm : NULL;

	if (!mm || process_has_flag(p, PROC_UNKILLABLE) || p->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return 0;
	s64 points = (s64)(mm->rss[0] + mm->rss[1] + mm->rss[2] + mm->table_pages) + p->oom_score_adj * (s64)(total / 1000);
	return points > 0 ? (u64)points : 1;
}

static bool oom_kill(void)
{
	struct process *p, *worst = NULL;
	struct page_stats s;
	u64 most = 0;

	page_stats(&s);
	rcu_read_lock();
	for (u32 nr = 1; (p = pid_next_process(nr)) != NULL; nr = process_id(p) + 1) {
		/* One that is dying already will free its memory: wait for it. */
		if (process_has_flag(p, PROC_GROUP_EXIT) && p->leader && p->leader->thread.mm && p != current_process()) {
			rcu_read_unlock();
			return true;
		}
		u64 points = badness(p, s.total);
		if (points > most) {
			most = points;
			worst = p;
		}
	}
	if (worst) {
		pr_err("Out of memory: Killed process %u (%s) of %llu pages", process_id(worst), worst->leader->thread.comm, most);
		(void)signal_process(worst, SIGKILL, NULL);
	}
	rcu_read_unlock();
	return worst != NULL;
}

void traps_init(void)
{
	mm_register_signal(signal_force);
	mm_register_oom(oom_kill);
}
