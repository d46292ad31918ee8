/* waitid. */
#include "abi.h"
#include <sys/pidfd.h>

static void show(const char *name, int ret, siginfo_t *info, pid_t pid)
{
	static const char *const codes[] = { "0", "EXITED", "KILLED", "DUMPED", "TRAPPED", "STOPPED", "CONTINUED" };

	if (ret)
		say(name, "%s", err_name(errno));
	else
		say(name, "signo %d code %s status %d pid %d uid %d", info->si_signo, codes[info->si_code],
		    info->si_status, info->si_pid == pid, info->si_uid);
}

void abi_test(void)
{
	siginfo_t info = { 0 };
	pid_t pid = fork();
	int ret;

	if (pid == 0)
		_exit(33);
	ret = waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	show("WNOWAIT", ret, &info, pid);
	ret = waitid(P_PID, pid, &info, WEXITED);
	show("exited", ret, &info, pid);
	RET("again", waitid(P_PID, pid, &info, WEXITED));
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	memset(&info, 0xff, sizeof(info));
	ret = waitid(P_ALL, 0, &info, WEXITED | WNOHANG);
	say("WNOHANG with none", "%d signo %d pid %d", ret, info.si_signo, info.si_pid);
	kill(pid, SIGSTOP);
	ret = waitid(P_PID, pid, &info, WSTOPPED);
	show("stopped", ret, &info, pid);
	kill(pid, SIGCONT);
	ret = waitid(P_PID, pid, &info, WCONTINUED);
	show("continued", ret, &info, pid);
	kill(pid, SIGKILL);
	ret = waitid(P_PGID, getpgrp(), &info, WEXITED);
	show("killed, by group", ret, &info, pid);
	RET("no options", waitid(P_ALL, 0, &info, 0));
	RET("WNOHANG alone", waitid(P_ALL, 0, &info, WNOHANG));
	RET("bad options", waitid(P_ALL, 0, &info, WEXITED | 0x100));
	RET("bad kind", waitid(77, 0, &info, WEXITED));
	RET("pid 0", waitid(P_PID, 0, &info, WEXITED));
	RET("no children", waitid(P_ALL, 0, &info, WEXITED));
	pid = fork();
	if (pid == 0)
		_exit(1);
	OK("no place for the answer", syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));
	pid = fork();
	if (pid == 0)
		_exit(2);
	int fd = pidfd_open(pid, 0);
	ret = waitid(P_PIDFD, fd, &info, WEXITED);
	show("P_PIDFD", ret, &info, pid);
	RET("P_PIDFD of another descriptor", waitid(P_PIDFD, 0, &info, WEXITED));
	RET("P_PIDFD of none", waitid(P_PIDFD, 99, &info, WEXITED));
	pid = fork();
	if (pid == 0)
		_exit(2);
	RET("bad address", syscall(SYS_waitid, P_PID, pid, 8, WEXITED, NULL));
	RET("the child was taken", waitpid(pid, NULL, 0));
}
