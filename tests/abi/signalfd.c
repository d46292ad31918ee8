/* signalfd. */
#include "abi.h"
#include <sys/signalfd.h>

void abi_test(void)
{
	struct signalfd_siginfo info[4];
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = MUST(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	struct pollfd p = { fd, POLLIN, 0 };
	RET("nothing", read(fd, info, sizeof(info)));
	RET("poll nothing", poll(&p, 1, 0));
	kill(getpid(), SIGUSR1);
	RET("poll", poll(&p, 1, 0));
	RET("read", read(fd, info, sizeof(info)) == sizeof(info[0]));
	say("info", "%s code %d pid %d uid %d", sig_name(info[0].ssi_signo), info[0].ssi_code,
	    info[0].ssi_pid == (uint32_t)getpid(), info[0].ssi_uid);
	RET("taken", read(fd, info, sizeof(info)));
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	poll(&p, 1, 5000);
	read(fd, info, sizeof(info));
	say("child", "%s code %d status %d pid %d", sig_name(info[0].ssi_signo), info[0].ssi_code,
	    info[0].ssi_status, info[0].ssi_pid == (uint32_t)pid);
	reap(pid);
	raise(SIGUSR1);
	raise(SIGUSR1);
	pid = fork();
	if (pid == 0)
		_exit(0);
	reap(pid);
	VAL("two at once", read(fd, info, sizeof(info)) / sizeof(info[0]));
	RET("too small a buffer", read(fd, info, 10));
	RET("write", write(fd, info, 10));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	YES("new set for the descriptor", signalfd(fd, &set, 0) == fd);
	raise(SIGUSR1);
	RET("the old signal is not seen", read(fd, info, sizeof(info)));
	RET("signalfd of a pipe's descriptor", signalfd(0, &set, 0));
	RET("signalfd bad flags", signalfd(-1, &set, 1));
	RET("signalfd bad size", syscall(SYS_signalfd4, -1, &set, 4, 0));
	union sigval value = { .sival_int = 42 };
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigqueue(getpid(), SIGUSR2, value);
	read(fd, info, sizeof(info));
	say("queued value", "%d code %d", info[0].ssi_int, info[0].ssi_code);
}
