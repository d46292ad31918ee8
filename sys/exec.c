/*
 * System calls that change what a thread runs: execve, sigreturn.
 */
#include <linux/fcntl.h>
#include "sys/sys.h"
#include "task/exec.h"
#include "task/signal.h"

static s64 exec(int dirfd, u64 user_name, u64 argv, u64 envp, int flags)
{
	char *name = sys_name_in(user_name);
	struct exec_args a;

	if (IS_ERR(name))
		return PTR_ERR(name);
	exec_args_init(&a);
	int err = exec_args_add_user(&a, argv, false);
	if (!err)
		err = exec_args_add_user(&a, envp, true);
	if (!err)
		err = task_exec(dirfd, name, &a, flags);
	exec_args_fini(&a);
	sys_name_put(name);
	return err;
}

s64 sys_execve(u64 name, u64 argv, u64 envp) { return exec(AT_FDCWD, name, argv, envp, 0); }

s64 sys_execveat(u64 dirfd, u64 name, u64 argv, u64 envp, u64 flags)
{
	if (flags & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec((int)dirfd, name, argv, envp, (int)flags);
}

s64 sys_rt_sigreturn(void) { return sigframe_return(plat_regs_current()); }

s64 sys_restart_syscall(void)
{
	struct restart_block *r = &current_task()->restart;

	return r->fn ? r->fn(r) : -EINTR;
}
