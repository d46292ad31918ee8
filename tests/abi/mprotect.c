/* mprotect and the faults that follow from it. */
#include "abi.h"
#include <setjmp.h>

static sigjmp_buf back;
static char *page;
static volatile int code;

static void fault(int sig, siginfo_t *info, void *ctx)
{
	code = info->si_code;
	siglongjmp(back, sig);
}

static const char *touch(volatile char *at, int write)
{
	if (sigsetjmp(back, 1))
		return code == SEGV_MAPERR ? "MAPERR" : code == SEGV_ACCERR ? "ACCERR" : "other";
	if (write)
		*at = 1;
	else
		(void)*at;
	return "works";
}

static void mend(int sig, siginfo_t *info, void *ctx)
{
	mprotect(page, ABI_PAGE, PROT_READ | PROT_WRITE);
}

#define RW (PROT_READ | PROT_WRITE)

void abi_test(void)
{
	struct sigaction act = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	char *p = mmap(NULL, 5 * ABI_PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &act, NULL);
	p[0] = 5;
	OK("to PROT_READ", mprotect(p, ABI_PAGE, PROT_READ));
	STR("read", touch(p, 0));
	STR("write", touch(p, 1));
	OK("to PROT_NONE", mprotect(p, ABI_PAGE, PROT_NONE));
	STR("read then", touch(p, 0));
	RET("kernel read then", write(open("/dev/null", O_WRONLY), p, 1));
	int pfd[2];
	pipe(pfd);
	RET("pipe write from it", write(pfd[1], p, 1));
	OK("back", mprotect(p, ABI_PAGE, RW));
	VAL("the content stays", p[0]);
	OK("part of a mapping", mprotect(p + ABI_PAGE, ABI_PAGE, PROT_READ));
	say("its neighbours", "%s %s %s", touch(p, 1), touch(p + ABI_PAGE, 1), touch(p + 2 * ABI_PAGE, 1));
	munmap(p + 3 * ABI_PAGE, ABI_PAGE);
	RET("over a hole", mprotect(p + 2 * ABI_PAGE, 3 * ABI_PAGE, PROT_READ));
	STR("before the hole it was done", touch(p + 2 * ABI_PAGE, 1));
	STR("behind it not", touch(p + 4 * ABI_PAGE, 1));
	RET("odd address", mprotect(p + 1, ABI_PAGE, PROT_READ));
	RET("length 0", mprotect(p, 0, PROT_READ));
	RET("length 0 in a hole", mprotect(p + 3 * ABI_PAGE, 0, PROT_READ));
	RET("odd length is rounded up", mprotect(p, 10, RW));
	RET("unmapped", mprotect((void *)0x10000, ABI_PAGE, PROT_READ));
	RET("bad protection", mprotect(p, ABI_PAGE, 0x100));
	RET("both grow flags", mprotect(p, ABI_PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
	RET("growsdown on no stack", mprotect(p, ABI_PAGE, PROT_READ | PROT_GROWSDOWN));
	RET("wrapping", mprotect(p, -4096UL, PROT_READ));
	RET("kernel half", mprotect((void *)0xffff800000000000, ABI_PAGE, PROT_READ));

	page = mmap(NULL, ABI_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	act.sa_sigaction = mend;
	sigaction(SIGSEGV, &act, NULL);
	page[7] = 3;
	VAL("a handler may mend and go on", page[7]);
	int fd = open("/proc/self/maps", O_RDONLY);
	OK("/proc/self/maps", fd);
	CHILD("COW after mprotect",
		mprotect(page, ABI_PAGE, PROT_READ);
		mprotect(page, ABI_PAGE, RW);
		page[7] = 4;
		_exit(page[7]));
	VAL("the parent's page", page[7]);
}
