/* ptrace: attach, stops, registers, memory, single steps, system-call stops, events. */
#include "abi.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static volatile long word = 5;

static const char *next(pid_t pid)
{
	int status = 0;
	static char text[64];

	if (waitpid(pid, &status, __WALL) < 0)
		return err_name(errno);
	if (WIFSTOPPED(status) && status >> 16)
		snprintf(text, sizeof(text), "%s event %d", status_name(status & 0xffff), status >> 16);
	else
		snprintf(text, sizeof(text), "%s", status_name(status));
	return text;
}

void abi_test(void)
{
	struct user_regs_struct regs;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		word = 6;
		syscall(SYS_getppid);
		raise(SIGUSR1);
		asm volatile("int3");
		_exit(word);
	}
	STR("stops itself", next(pid));
	RET("peek", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	RET("peek a hole", ptrace(PTRACE_PEEKDATA, pid, 0x10000, 0));
	OK("GETREGS", ptrace(PTRACE_GETREGS, pid, 0, &regs));
	YES("its last call", regs.orig_rax == SYS_tgkill || regs.orig_rax == SYS_tkill);
	YES("PEEKUSER agrees", ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0) == (long)regs.rip);
	OK("GETSIGINFO", ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	VAL("its signal", info.si_signo);
	OK("SETOPTIONS", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT));
	RET("bad options", ptrace(PTRACE_SETOPTIONS, pid, 0, 0x40000000));
	OK("SINGLESTEP", ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
	STR("stop", next(pid));
	struct user_regs_struct after;
	ptrace(PTRACE_GETREGS, pid, 0, &after);
	YES("one instruction on", after.rip != regs.rip && after.rip - regs.rip < 16);
	/* system-call stops up to getppid */
	bool seen = false;
	for (int i = 0; i < 40 && !seen; i++) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		int status;
		waitpid(pid, &status, 0);
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		seen = WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) && regs.orig_rax == SYS_getppid;
	}
	YES("entry stop", seen);
	VAL("rax at entry", (long)regs.rax);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next(pid);
	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	YES("exit stop has the result", (pid_t)regs.rax == getpid());
	OK("POKEDATA", ptrace(PTRACE_POKEDATA, pid, &word, 42));
	RET("peek it", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("its SIGUSR1", next(pid));
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("suppressed; breakpoint", next(pid));
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("exit event", next(pid));
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("its end", next(pid));

	/* attach and detach */
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	OK("ATTACH", ptrace(PTRACE_ATTACH, pid, 0, 0));
	STR("attach stop", next(pid));
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	YES("TracerPid", atoi(get_field(path, "TracerPid")) == getpid());
	STR("State", get_field(path, "State"));
	RET("ATTACH twice", ptrace(PTRACE_ATTACH, pid, 0, 0));
	OK("DETACH", ptrace(PTRACE_DETACH, pid, 0, 0));
	RET("PEEK after it", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	OK("SEIZE", ptrace(PTRACE_SEIZE, pid, 0, 0));
	OK("INTERRUPT", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	STR("interrupt stop", next(pid));
	ptrace(PTRACE_CONT, pid, 0, SIGTERM);
	kill(pid, SIGTERM);
	next(pid);
	ptrace(PTRACE_CONT, pid, 0, SIGTERM);
	STR("a signal passed on", next(pid));
	RET("attach to itself", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
	RET("attach to no process", ptrace(PTRACE_ATTACH, 0x3ffffff, 0, 0));
	APART(become(1000); RET("attach to root's", ptrace(PTRACE_ATTACH, 1, 0, 0)));
	RET("unknown request", ptrace(0x7777, 1, 0, 0));

	/* exec and fork events */
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		execve(abi_self, (char *[]){ "abi", "@exit", "9", NULL }, (char *[]){ NULL });
		_exit(1);
	}
	next(pid);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("fork event", next(pid));
	unsigned long kid = 0;
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &kid);
	STR("the child stops", next(kid));
	ptrace(PTRACE_CONT, kid, 0, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("the child ends", next(kid));
	const char *stop = next(pid);
	if (strstr(stop, "CHLD")) {
		ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
		stop = next(pid);
	}
	STR("exec event", stop);
	ptrace(PTRACE_CONT, pid, 0, 0);
	STR("its status", next(pid));
}
