/*
 * Processes and signals as files.
 */
#include <linux/fcntl.h>
#include <linux/signal.h>
#include "sys/sys.h"
#include "task/pidfd.h"
#include "task/ptrace.h"
#include "task/signal.h"
#include "task/signalfd.h"
#include "vfs/file.h"

s64 sys_pidfd_open(u64 pid, u64 flags)
{
	if (flags & ~(u64)O_NONBLOCK)
		return -EINVAL;
	return pidfd_open((s32)pid, (u32)flags);
}

s64 sys_pidfd_getfd(u64 pidfd, u64 target_fd, u64 flags)
{
	if (flags)
		return -EINVAL;
	struct pid *p = pidfd_pid((int)pidfd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	struct task *t = task_find_get(p->nr);
	pid_put(p);
	if (!t)
		return -ESRCH;
	s64 result = ptrace_may_access(t, true);
	struct files *fs = result ? NULL : task_files_get(t);
	task_put(t);
	if (!fs)
		return result ? result : -ESRCH;
	struct file *f = fd_get_from(fs, (int)target_fd);
	files_put(fs);
	if (!f)
		return -EBADF;
	result = fd_add(f, true);
	if (result < 0)
		file_put(f);
	return result;
}

/* A siginfo from a program: only to itself may it look like the kernel's or kill's. */
static int info_get(u64 addr, int sig, s32 target, siginfo_t *info)
{
	if (copy_in(info, uaddr(addr), sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && target != (s32)process_id(current_process()) &&
	    target != (s32)task_tid(current_task()))
		return -EPERM;
	return 0;
}

s64 sys_pidfd_send_signal(u64 fd, u64 sig64, u64 user_info, u64 flags)
{
	siginfo_t info;
	int sig = (int)sig64, err = 0;

	if (flags)
		return -EINVAL;
	struct pid *p = pidfd_pid((int)fd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (user_info) {
		err = info_get(user_info, sig, (s32)p->nr, &info);
		if (!err && info.si_signo != sig)
			err = -EINVAL;
	} else {
		siginfo_user(&info, sig, SI_USER);
	}
	if (!err)
		err = p->process ? signal_queue((s32)p->nr, sig, &info) : -ESRCH;
	pid_put(p);
	return err;
}

static s64 signalfd(u64 fd, u64 user_mask, u64 size, u32 flags)
{
	u64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, uaddr(user_mask)))
		return -EFAULT;
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return signalfd_create((int)fd, mask, flags);
}

s64 sys_signalfd(u64 fd, u64 mask, u64 size) { return signalfd(fd, mask, size, 0); }
s64 sys_signalfd4(u64 fd, u64 mask, u64 size, u64 flags) { return signalfd(fd, mask, size, (u32)flags); }

s64 sys_setns(u64 fd, u64 type)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return -EINVAL;		/* there are no name-space files */
}
