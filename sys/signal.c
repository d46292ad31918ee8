/*
 * System calls on signals.
 */
#include <linux/signal.h>
#include "base/string.h"
#include "sys/sys.h"
#include "task/signal.h"
#include "task/task.h"

/* struct sigaction as rt_sigaction(2) passes it on x86-64. */
struct user_sigaction {
	u64 handler, flags, restorer, mask;
};

s64 sys_rt_sigaction(u64 sig, u64 new, u64 old, u64 size)
{
	struct user_sigaction u;
	struct ksigaction set, was;

	if (size != sizeof(u64))
		return -EINVAL;
	if (new && copy_in(&u, uaddr(new), sizeof(u)))
		return -EFAULT;
	if (new)
		set = (struct ksigaction){ .handler = u.handler, .flags = u.flags, .restorer = u.restorer, .mask = u.mask };
	int err = signal_action((int)sig, new ? &set : NULL, &was);
	if (err || !old)
		return err;
	u = (struct user_sigaction){ was.handler, was.flags, was.restorer, was.mask };
	return copy_out(uaddr(old), &u, sizeof(u));
}

s64 sys_rt_sigprocmask(u64 how, u64 new, u64 old, u64 size)
{
	u64 set, was = current_task()->blocked;

	if (size != sizeof(set))
		return -EINVAL;
	if (new) {
		if (copy_in(&set, uaddr(new), sizeof(set)))
			return -EFAULT;
		switch ((int)how) {
		case SIG_BLOCK: set |= was; break;
		case SIG_UNBLOCK: set = was & ~set; break;
		case SIG_SETMASK: break;
		default: return -EINVAL;
		}
		signal_set_mask(set & ~SIG_KERNEL_ONLY);
	}
	return old ? copy_out(uaddr(old), &was, sizeof(was)) : 0;
}

s64 sys_rt_sigpending(u64 user, u64 size)
{
	if (size > sizeof(u64))
		return -EINVAL;
	u64 set = signal_pending_set(current_task()) & current_task()->blocked;
	return copy_out(uaddr(user), &set, size);
}

s64 sys_rt_sigsuspend(u64 user, u64 size)
{
	u64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_in(&mask, uaddr(user), sizeof(mask)))
		return -EFAULT;
	return signal_suspend(mask & ~SIG_KERNEL_ONLY);
}

s64 sys_pause(void) { return signal_suspend(current_task()->blocked); }

s64 sys_rt_sigtimedwait(u64 user_set, u64 user_info, u64 timeout, u64 size)
{
	siginfo_t info;
	u64 set, deadline;

	if (size != sizeof(set))
		return -EINVAL;
	if (copy_in(&set, uaddr(user_set), sizeof(set)))
		return -EFAULT;
	int err = sys_timeout_in(timeout, &deadline);
	if (err)
		return err;
	int sig = signal_wait(set & ~SIG_KERNEL_ONLY, &info, deadline);
	if (sig > 0 && user_info && copy_out(uaddr(user_info), &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

/* A program may pretend anything but to be the kernel or kill(2), unless it tells itself. */
static int info_in(siginfo_t *info, u64 user, u64 sig, bool self)
{
	if (copy_in(info, uaddr(user), sizeof(*info)))
		return -EFAULT;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && !self)
		return -EPERM;
	info->si_signo = (int)sig;
	return 0;
}

s64 sys_rt_sigqueueinfo(u64 pid, u64 sig, u64 user)
{
	siginfo_t info;
	int err = info_in(&info, user, sig, (u32)pid == process_id(current_process()));

	return err ? err : signal_queue((s32)pid, (int)sig, &info);
}

s64 sys_rt_tgsigqueueinfo(u64 tgid, u64 tid, u64 sig, u64 user)
{
	siginfo_t info;

	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	int err = info_in(&info, user, sig, (u32)tid == task_tid(current_task()));
	return err ? err : signal_tgkill((s32)tgid, (s32)tid, (int)sig, &info);
}

s64 sys_kill(u64 pid, u64 sig) { return signal_kill((s32)pid, (int)sig); }
s64 sys_tkill(u64 tid, u64 sig) { return (s32)tid <= 0 ? -EINVAL : signal_tgkill(-1, (s32)tid, (int)sig, NULL); }

s64 sys_tgkill(u64 tgid, u64 tid, u64 sig)
{
	return (s32)tgid <= 0 || (s32)tid <= 0 ? -EINVAL : signal_tgkill((s32)tgid, (s32)tid, (int)sig, NULL);
}

s64 sys_sigaltstack(u64 new, u64 old)
{
	stack_t st;
	struct task_altstack set, was;

	if (new) {
		if (copy_in(&st, uaddr(new), sizeof(st)))
			return -EFAULT;
		set = (struct task_altstack){ (u64)st.ss_sp, st.ss_size, (u32)st.ss_flags };
	}
	int err = signal_altstack(new ? &set : NULL, &was, plat_regs_current()->sp);
	if (err || !old)
		return err;
	memset(&st, 0, sizeof(st));
	st.ss_sp = (void *)was.sp;
	st.ss_size = was.size;
	st.ss_flags = (int)was.flags;
	return copy_out(uaddr(old), &st, sizeof(st));
}
