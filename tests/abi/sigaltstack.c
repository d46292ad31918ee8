/* sigaltstack. */
#include "abi.h"
#include <setjmp.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char *area;
static volatile int inside, flags_inside, link_size, reset_err, depth_ok;
static sigjmp_buf back;

static void where(int sig, siginfo_t *info, void *ctx)
{
	char here;
	stack_t now, other = { .ss_sp = area, .ss_size = 8192 };

	inside = &here >= area && &here < area + 65536;
	sigaltstack(NULL, &now);
	flags_inside = now.ss_flags;
	link_size = ((ucontext_t *)ctx)->uc_stack.ss_size;
	errno = 0;
	reset_err = sigaltstack(&other, NULL) ? errno : 0;
}

static void overflowed(int sig, siginfo_t *info, void *ctx)
{
	siglongjmp(back, 1);
}

static int recurse(int n)
{
	volatile char pad[4096];

	pad[0] = n;
	if (n < 1 << 30)
		return recurse(n + 1) + pad[0];
	return 0;
}

void abi_test(void)
{
	stack_t ss = { 0 }, old;
	struct sigaction act = { .sa_sigaction = where, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	area = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(NULL, &old);
	HEX("flags at start", old.ss_flags);
	ss = (stack_t){ .ss_sp = area, .ss_size = 1024 };
	RET("too small", sigaltstack(&ss, NULL));
	ss = (stack_t){ .ss_sp = area, .ss_size = 65536, .ss_flags = 64 };
	RET("bad flags", sigaltstack(&ss, NULL));
	ss.ss_flags = 0;
	OK("set", sigaltstack(&ss, NULL));
	sigaltstack(NULL, &old);
	say("read back", "%d %zu %d", old.ss_sp == area, old.ss_size, old.ss_flags);
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	say("a handler runs on it", "%d flags %d uc_stack %d change %s", inside, flags_inside, link_size, err_name(reset_err));
	act.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	say("not without SA_ONSTACK", "%d", inside);
	sigaltstack(&ss, NULL);
	ss.ss_flags = SS_AUTODISARM;
	act.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGUSR1, &act, NULL);
	OK("SS_AUTODISARM", sigaltstack(&ss, NULL));
	raise(SIGUSR1);
	say("it is disarmed in the handler", "%d flags %d change %s", inside, flags_inside, err_name(reset_err));
	sigaltstack(NULL, &old);
	say("and back after it", "%zu %#x", old.ss_size, (unsigned)old.ss_flags);
	ss.ss_flags = 0;
	sigaltstack(&ss, NULL);
	act.sa_sigaction = overflowed;
	sigaction(SIGSEGV, &act, NULL);
	struct rlimit lim = { 1 << 20, 1 << 20 };
	APART(
		setrlimit(RLIMIT_STACK, &lim);
		if (sigsetjmp(back, 1) == 0)
			recurse(0);
		STR("a stack overflow is caught", "yes");
	);
	CHILD("without an alternate stack it kills",
		setrlimit(RLIMIT_STACK, &lim);
		ss.ss_flags = SS_DISABLE;
		sigaltstack(&ss, NULL);
		recurse(0));
	APART(sigaltstack(NULL, &old); say("a child of fork keeps it", "%d", old.ss_flags));
	ss.ss_flags = SS_DISABLE;
	OK("disable", sigaltstack(&ss, NULL));
	sigaltstack(NULL, &old);
	say("disabled", "%d %zu", old.ss_flags, old.ss_size);
	RET("bad address", syscall(SYS_sigaltstack, 8, NULL));
}
