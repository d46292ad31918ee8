/* pidfd_open, pidfd_send_signal, pidfd_getfd, process_vm_readv, kcmp. */
#include "abi.h"
#include <linux/kcmp.h>

void abi_test(void)
{
	static volatile long word = 1234;
	long copy = 0;
	int p[2];
	pid_t pid;
	struct iovec mine = { &copy, 8 }, theirs = { (void *)&word, 8 };

	MUST(pipe(p));
	pid = fork();
	if (pid == 0) {
		word = 5678;
		write(p[1], "r", 1);
		for (;;)
			pause();
	}
	read(p[0], &copy, 1);
	int fd = syscall(SYS_pidfd_open, pid, 0);
	OK("pidfd_open", fd);
	VAL("FD_CLOEXEC", fcntl(fd, F_GETFD));
	RET("no process", syscall(SYS_pidfd_open, 0x3ffffff, 0));
	RET("bad pid", syscall(SYS_pidfd_open, -1, 0));
	RET("bad flags", syscall(SYS_pidfd_open, pid, 1));
	struct pollfd pf = { fd, POLLIN, 0 };
	RET("poll a living one", poll(&pf, 1, 0));
	RET("read", read(fd, &copy, 1));
	RET("signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	RET("signal through another descriptor", syscall(SYS_pidfd_send_signal, p[0], 0, NULL, 0));
	RET("bad flags", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 1));
	int got = syscall(SYS_pidfd_getfd, fd, p[1], 0);
	OK("pidfd_getfd", got);
	write(got, "x", 1);
	RET("works", read(p[0], &copy, 1));
	RET("pidfd_getfd closed", syscall(SYS_pidfd_getfd, fd, 999, 0));

	RET("process_vm_readv", process_vm_readv(pid, &mine, 1, &theirs, 1, 0));
	VAL("its word", copy);
	copy = 99;
	RET("process_vm_writev", process_vm_writev(pid, &mine, 1, &theirs, 1, 0));
	copy = 0;
	process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
	VAL("written", copy);
	VAL("ours is untouched", word);
	struct iovec wild = { (void *)0x10000, 8 };
	RET("their hole", process_vm_readv(pid, &mine, 1, &wild, 1, 0));
	RET("our hole", process_vm_readv(pid, &wild, 1, &theirs, 1, 0));
	RET("no process", process_vm_readv(0x3ffffff, &mine, 1, &theirs, 1, 0));
	RET("bad flags", process_vm_readv(pid, &mine, 1, &theirs, 1, 1));
	APART(become(1000); RET("another user's", process_vm_readv(pid, &mine, 1, &theirs, 1, 0)));
	RET("kcmp the same file", syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, p[0], p[0]));
	YES("kcmp address spaces", syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0) > 0);

	RET("SIGKILL", syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	RET("poll a dead one", poll(&pf, 1, 5000));
	HEX("its events", pf.revents);
	siginfo_t info;
	RET("waitid", waitid(P_PIDFD, fd, &info, WEXITED));
	RET("signal a reaped one", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	RET("process_vm_readv of it", process_vm_readv(pid, &mine, 1, &theirs, 1, 0));
}
