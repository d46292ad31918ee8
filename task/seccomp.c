/* See seccomp.h. */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include "task/seccomp.h"
#include "task/signal.h"

struct seccomp_filter *seccomp_get(struct seccomp_filter *f) { return f; }
void seccomp_put(struct seccomp_filter *f) { }

static bool strict_allows(u64 nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

bool seccomp_check(struct plat_regs *regs)
{
	struct task *t = current_task();

	if (likely(t->seccomp_mode != SECCOMP_MODE_STRICT) || strict_allows(regs->orig_ax))
		return true;
	process_exit_group(SIGKILL);
}

int seccomp_set_strict(void)
{
	struct task *t = current_task();

	if (t->seccomp_mode && t->seccomp_mode != SECCOMP_MODE_STRICT)
		return -EINVAL;
	t->seccomp_mode = SECCOMP_MODE_STRICT;
	thread_set_flag(&t->thread, TF_TRACE_SYSCALL);
	return 0;
}

s64 seccomp_set_filter(u32 flags, u64 program)
{
	return -EINVAL;		/* filters are not known yet: as a kernel without them says */
}

int seccomp_action_avail(u32 action)
{
	return -EOPNOTSUPP;
}
