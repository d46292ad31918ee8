/* sigaction, masks, delivery, default actions, handlers' frames. */
#include "abi.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t count, nested, last;
static volatile int seen_code, seen_pid_ok, blocked_self, blocked_other;

static void handler(int sig)
{
	count++;
	last = sig;
}

static void slow(int sig)
{
	if (count++ == 0)
		raise(sig);
	nested = count;
}

static void informed(int sig, siginfo_t *info, void *ctx)
{
	sigset_t now;

	last = sig;
	seen_code = info->si_code;
	seen_pid_ok = info->si_pid == getpid() && info->si_uid == 0;
	sigprocmask(SIG_SETMASK, NULL, &now);
	blocked_self = sigismember(&now, sig);
	blocked_other = sigismember(&now, SIGUSR2);
	(void)ctx;
}

static void edit_mask(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	sigaddset(&((ucontext_t *)ctx)->uc_sigmask, SIGWINCH);
}

static void on(int sig, void (*fn)(int), int flags)
{
	struct sigaction act = { .sa_handler = fn, .sa_flags = flags };

	MUST(sigaction(sig, &act, NULL));
}

void abi_test(void)
{
	struct sigaction act, old;
	sigset_t set, was;
	static const int all[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL,
		SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGURG,
		SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS, 34, 64 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char name[64];

		snprintf(name, sizeof(name), "default of %s", sig_name(all[i]));
		CHILD(name, kill(getpid(), all[i]));
	}

	RET("sigaction SIGKILL", sigaction(SIGKILL, &(struct sigaction){ .sa_handler = handler }, NULL));
	RET("sigaction SIGSTOP", sigaction(SIGSTOP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL));
	OK("query SIGKILL", sigaction(SIGKILL, NULL, &old));
	RET("signal 0", sigaction(0, NULL, &old));
	RET("signal 65", sigaction(65, NULL, &old));
	RET("sigset size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	RET("rt_sigprocmask bad how", syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8));
	RET("rt_sigprocmask bad address", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8));

	on(SIGUSR1, handler, 0);
	count = 0;
	raise(SIGUSR1);
	VAL("a handler ran", count);
	on(SIGUSR1, handler, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	YES("SA_RESETHAND", old.sa_handler == SIG_DFL);

	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGUSR2);
	act.sa_sigaction = informed;
	act.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR1, NULL, &old);
	HEX("flags read back", old.sa_flags & ~0x04000000);
	YES("mask read back", sigismember(&old.sa_mask, SIGUSR2) && !sigismember(&old.sa_mask, SIGHUP));
	kill(getpid(), SIGUSR1);
	say("kill", "SI_USER %d pid and uid %d", seen_code == SI_USER, seen_pid_ok);
	say("blocked in the handler", "itself %d, mask %d", blocked_self, blocked_other);
	raise(SIGUSR1);
	YES("raise gives SI_TKILL", seen_code == SI_TKILL);
	act.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	say("SA_NODEFER", "itself %d, mask %d", blocked_self, blocked_other);
	sigprocmask(SIG_SETMASK, NULL, &set);
	YES("mask restored after the handler", !sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2));

	act.sa_sigaction = edit_mask;
	act.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_SETMASK, NULL, &set);
	YES("sigreturn takes uc_sigmask", sigismember(&set, SIGWINCH));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);

	/* blocked, pending, merged */
	on(SIGUSR1, handler, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &was);
	count = 0;
	raise(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	VAL("blocked: not delivered", count);
	sigpending(&set);
	YES("pending", sigismember(&set, SIGUSR1));
	APART(sigpending(&set); YES("a child starts without pending signals", !sigismember(&set, SIGUSR1)));
	sigprocmask(SIG_SETMASK, &was, NULL);
	VAL("merged into one", count);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &was);
	on(SIGRTMIN, handler, 0);
	count = 0;
	for (int i = 0; i < 5; i++)
		kill(getpid(), SIGRTMIN);
	sigprocmask(SIG_SETMASK, &was, NULL);
	VAL("real-time signals queue", count);

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, &was);
	sigprocmask(SIG_SETMASK, NULL, &set);
	say("KILL and STOP cannot be blocked", "%d %d", sigismember(&set, SIGKILL), sigismember(&set, SIGSTOP));
	sigprocmask(SIG_SETMASK, &was, NULL);

	on(SIGUSR1, slow, 0);
	count = nested = 0;
	raise(SIGUSR1);
	VAL("deferred while handled", nested);
	on(SIGUSR1, slow, SA_NODEFER);
	count = nested = 0;
	raise(SIGUSR1);
	VAL("nested with SA_NODEFER", nested);

	/* ignoring discards what is pending */
	on(SIGUSR2, handler, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &was);
	raise(SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
	sigpending(&set);
	YES("SIG_IGN discards a pending signal", !sigismember(&set, SIGUSR2));
	sigprocmask(SIG_SETMASK, &was, NULL);

	/* sigsuspend, pause, sigwait family */
	on(SIGUSR1, handler, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &was);
	count = 0;
	raise(SIGUSR1);
	RET("sigsuspend", sigsuspend(&was));
	VAL("its handler ran", count);
	sigprocmask(SIG_SETMASK, NULL, &set);
	YES("the mask is back", sigismember(&set, SIGUSR1));
	struct timespec none = { 0, 0 };
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	RET("sigtimedwait with nothing", sigtimedwait(&set, &info, &none));
	raise(SIGUSR1);
	YES("sigtimedwait", sigtimedwait(&set, &info, &none) == SIGUSR1 && info.si_signo == SIGUSR1);
	RET("sigtimedwait bad time", sigtimedwait(&set, &info, &(struct timespec){ 0, 2000000000 }));
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGRTMIN + 1);
	raise(SIGRTMIN);
	raise(SIGUSR1);
	int a = sigtimedwait(&set, NULL, &none), b = sigtimedwait(&set, NULL, &none), c = sigtimedwait(&set, NULL, &none);
	say("lowest number first", "%d %d %d", a == SIGUSR1, b == SIGRTMIN, c == SIGRTMIN + 1);
	sigprocmask(SIG_SETMASK, &was, NULL);
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		until_asleep(me);
		kill(me, SIGUSR1);
		_exit(0);
	}
	RET("pause", pause());
	reap(pid);

	/* the stack pointer and the flags come back */
	unsigned long before = 0x1234567, after;
	on(SIGUSR1, handler, 0);
	asm volatile("mov %1, %%r12\n mov %2, %%rdi\n mov %3, %%rsi\n mov $62, %%eax\n syscall\n mov %%r12, %0"
		     : "=r"(after) : "r"(before), "r"((long)me), "r"((long)SIGUSR1)
		     : "r12", "rdi", "rsi", "rax", "rcx", "r11", "memory");
	YES("registers survive a handler", after == before);
	double f = 1.5;
	raise(SIGUSR1);
	YES("and floating point", f * 2 == 3.0);
	unsigned char xmm[16], xmm_after[16];
	memset(xmm, 0x5a, 16);
	asm volatile("movdqu %1, %%xmm7\n mov %2, %%rdi\n mov %3, %%rsi\n mov $62, %%eax\n syscall\n movdqu %%xmm7, %0"
		     : "=m"(xmm_after) : "m"(xmm), "r"((long)me), "r"((long)SIGUSR1)
		     : "xmm7", "rdi", "rsi", "rax", "rcx", "r11", "memory");
	YES("and vector registers", !memcmp(xmm, xmm_after, 16));

	/* kill's errors */
	RET("kill signal 0", kill(getpid(), 0));
	RET("kill no such process", kill(0x3ffffff, SIGTERM));
	RET("kill bad signal", kill(getpid(), 65));
	RET("kill negative signal", kill(getpid(), -1));
	RET("kill an empty group", kill(-0x3ffffff, SIGTERM));
	RET("tgkill of a wrong group", syscall(SYS_tgkill, 1, getpid(), 0));
	RET("tkill 0", syscall(SYS_tkill, 0, 0));
	APART(become(1000); RET("kill root's process", kill(1, SIGTERM)));
	CHILD("SIGSEGV blocked and raised by the CPU",
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		*(volatile int *)8 = 1);
	CHILD("SIGSEGV ignored and raised by the CPU", signal(SIGSEGV, SIG_IGN); *(volatile int *)8 = 1);
	CHILD("SIGCHLD's default is to ignore", raise(SIGCHLD));
}
