/* See ptrace.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include "mm/mm.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/signal.h"

int ptrace_may_access(struct task *t, bool attach)
{
	const struct cred *me = current_cred(), *c;
	int err = 0;

	if (t->process == current_process())
		return 0;
	c = task_cred_get(t);
	bool same = me->fsuid == c->uid && me->fsuid == c->euid && me->fsuid == c->suid && me->fsgid == c->gid &&
		    me->fsgid == c->egid && me->fsgid == c->sgid;
	if (!same && !capable(CAP_SYS_PTRACE))
		err = -EPERM;
	if (!err && !capable(CAP_SYS_PTRACE) && c->cap_permitted & ~me->cap_permitted)
		err = -EPERM;
	cred_put(c);
	struct mm *mm = err ? NULL : task_mm_get(t);
	if (mm) {
		if (mm->dumpable != 1 && !capable(CAP_SYS_PTRACE))
			err = -EPERM;
		mm_put(mm);
	}
	return err;
}

int process_mm_for_access(s32 pid, struct mm **out)
{
	struct task *t = pid > 0 ? task_find_get((u32)pid) : NULL;

	if (!t)
		return -ESRCH;
	int err = ptrace_may_access(t, true);
	if (!err) {
		*out = task_mm_get(t);
		if (!*out)
			err = -ESRCH;
	}
	task_put(t);
	return err;
}

void ptrace_cont_received_locked(struct task *t) { }
void ptrace_fork_locked(struct task *child, u64 clone_flags, int exit_signal) { }
int ptrace_fork_event(u64 clone_flags, int exit_signal) { return 0; }
void ptrace_event(int event, u64 message) { }
void ptrace_event_if(int event, u64 message) { }
void ptrace_exec(u32 old_tid) { }
int ptrace_signal(int sig, siginfo_t *info) { return sig; }
void ptrace_signal_stepped(void) { }
bool ptrace_job_stop(int sig) { return false; }
void ptrace_interrupted(void) { }
bool ptrace_syscall_stop(struct plat_regs *regs, bool leaving) { return true; }
void ptrace_exit_locked(struct task *tracer) { }
void ptrace_unlink_locked(struct task *t) { }

s64 ptrace_request(s64 request, s32 pid, u64 addr, u64 data)
{
	return -ENOSYS;
}
