/* prctl, arch_prctl, personality, uname, sysinfo, getrandom, getcpu. */
#include "abi.h"
#include <asm/prctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

void abi_test(void)
{
	char name[17] = "", text[64];
	struct utsname u;
	struct sysinfo info;
	unsigned long base;
	int sig = -1;

	OK("PR_SET_NAME", prctl(PR_SET_NAME, "a name that is too long"));
	prctl(PR_GET_NAME, name);
	STR("PR_GET_NAME", name);
	STR("/proc/self/comm", get_file("/proc/self/comm"));
	int fd = open("/proc/self/comm", O_WRONLY);
	RET("write it", write(fd, "changed", 7));
	prctl(PR_GET_NAME, name);
	STR("then", name);
	RET("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE));
	RET("PR_SET_DUMPABLE 0", prctl(PR_SET_DUMPABLE, 0));
	RET("PR_GET_DUMPABLE then", prctl(PR_GET_DUMPABLE));
	RET("PR_SET_DUMPABLE 2", prctl(PR_SET_DUMPABLE, 2));
	prctl(PR_SET_DUMPABLE, 1);
	OK("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	prctl(PR_GET_PDEATHSIG, &sig);
	VAL("PR_GET_PDEATHSIG", sig);
	RET("PR_SET_PDEATHSIG bad", prctl(PR_SET_PDEATHSIG, 99));
	APART(sig = -1; prctl(PR_GET_PDEATHSIG, &sig); VAL("cleared in a child", sig));
	prctl(PR_SET_PDEATHSIG, 0);
	int p[2];
	MUST(pipe(p));
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			sigset_t set;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR2);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			write(p[1], "r", 1);
			int got = sigtimedwait(&set, NULL, &(struct timespec){ 5, 0 });
			write(p[1], got == SIGUSR2 ? "y" : "n", 1);
			_exit(0);
		}
		read(p[0], text, 1);
		_exit(0);
	}
	reap(pid);
	read(p[0], text, 1);
	say("the parent's death signal", "%c", text[0]);
	OK("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = fork();
	if (pid == 0) {
		pid_t mid = getpid();

		if (fork() == 0) {
			while (getppid() == mid)
				sleep_ms(1);
			_exit(44);
		}
		_exit(0);
	}
	reap(pid);
	int status = 0;
	wait(&status);
	STR("a grandchild comes to the subreaper", status_name(status));
	prctl(PR_GET_CHILD_SUBREAPER, &sig);
	VAL("PR_GET_CHILD_SUBREAPER", sig);
	RET("PR_GET_TIMING", prctl(PR_GET_TIMING));
	RET("PR_GET_SECCOMP", prctl(PR_GET_SECCOMP));
	RET("PR_SET_TIMERSLACK", prctl(PR_SET_TIMERSLACK, 12345));
	RET("PR_GET_TIMERSLACK", prctl(PR_GET_TIMERSLACK));
	RET("unknown option", prctl(123456));
	RET("PR_GET_TSC bad address", prctl(PR_GET_TSC, 8));
	RET("PR_SET_MM as a user", ({ int r = 0; pid = fork(); if (pid == 0) { become(1000); _exit(prctl(PR_SET_MM, 1, 0, 0, 0) ? errno : 0); } r = WEXITSTATUS(reap_status(pid)); errno = r; r ? -1 : 0; }));
	RET("PR_GET_THP_DISABLE", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));

	OK("ARCH_GET_FS", syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	YES("FS points at itself", *(unsigned long *)base == base);
	OK("ARCH_SET_GS", syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345000));
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	HEX("ARCH_GET_GS", base);
	sched_yield();
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	HEX("after a switch", base);
	RET("GS beyond user space", syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff800000000000));
	RET("unknown code", syscall(SYS_arch_prctl, 0x9999, 0));

	HEX("personality", personality(0xffffffff));
	HEX("set ADDR_NO_RANDOMIZE returns the old", personality(ADDR_NO_RANDOMIZE));
	HEX("personality then", personality(0xffffffff));
	APART(HEX("inherited", personality(0xffffffff)));
	personality(0);

	uname(&u);
	STR("sysname", u.sysname);
	STR("machine", u.machine);
	say("release", "%.3s", u.release);
	RET("uname bad address", syscall(SYS_uname, 8));
	OK("sethostname", sethostname("greatauk", 8));
	uname(&u);
	STR("nodename", u.nodename);
	STR("/proc/sys/kernel/hostname", get_file("/proc/sys/kernel/hostname"));
	RET("sethostname too long", sethostname(text, 65));
	APART(become(1000); RET("sethostname as a user", sethostname("x", 1)));
	OK("sysinfo", sysinfo(&info));
	say("sysinfo", "unit %u swap %lu sane %d", info.mem_unit, info.totalswap, info.totalram > info.freeram && info.procs > 0 && info.uptime >= 0);
	RET("getrandom", getrandom(text, 16, 0));
	RET("getrandom GRND_RANDOM", getrandom(text, 16, GRND_RANDOM));
	RET("getrandom bad flags", getrandom(text, 16, 0x100));
	RET("getrandom both", getrandom(text, 16, 2 | 4));
	RET("getrandom bad address", syscall(SYS_getrandom, 8, 16, 0));
	char a[32] = "", b[32] = "";
	getrandom(a, 32, 0);
	getrandom(b, 32, 0);
	YES("two draws differ", memcmp(a, b, 32));
	unsigned cpu = 99, node = 99;
	OK("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
	YES("its answer", cpu < 64 && node == 0);
	RET("getcpu bad address", syscall(SYS_getcpu, 8, NULL, NULL));
	RET("membarrier query has private expedited", (syscall(SYS_membarrier, 0, 0, 0) >> 3) & 1);
	RET("membarrier unregistered", syscall(SYS_membarrier, 8, 0, 0));
	RET("sysfs count", syscall(SYS_sysfs, 9));
}
