/*
 * System calls that somebody watches: ptrace(2) stops and seccomp(2) filters around the call, and the calls that ask for that.
 */
#include "sys/sys.h"
#include "task/ptrace.h"
#include "task/seccomp.h"
#include "task/task.h"

void sys_dispatch_traced(struct plat_regs *regs)
{
	bool make = true;

	regs->ax = (u64)-ENOSYS;
	if (task_is_traced(current_task()))
		make = ptrace_syscall_stop(regs, false);
	if (make && current_task()->seccomp_mode)
		make = seccomp_check(regs);
	if (make && (s64)regs->orig_ax >= 0)
		regs->ax = (u64)sys_call(regs);
	if (task_is_traced(current_task()))
		(void)ptrace_syscall_stop(regs, true);
}

s64 sys_ptrace(u64 request, u64 pid, u64 addr, u64 data) { return ptrace_request((s64)request, (s32)pid, addr, data); }

s64 sys_seccomp(u64 op, u64 flags, u64 args)
{
	enum { SET_MODE_STRICT, SET_MODE_FILTER, GET_ACTION_AVAIL };
	u32 action;

	switch ((u32)op) {
	case SET_MODE_STRICT: return flags || args ? -EINVAL : seccomp_set_strict();
	case SET_MODE_FILTER: return seccomp_set_filter((u32)flags, args);
	case GET_ACTION_AVAIL:
		if (flags)
			return -EINVAL;
		return get_user(action, uaddr(args)) ? -EFAULT : seccomp_action_avail(action);
	default: return -EINVAL;
	}
}
