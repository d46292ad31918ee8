/* What a signal frame says of the exception behind it: trap number, error code, si_code.  Source: sigaction(2), Intel SDM vol. 3, 6.15. */
#include "abi.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int sig_seen, code_seen, trap_seen, error_seen;

static void seen(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *u = ctx;

	sig_seen = sig;
	code_seen = info->si_code;
	trap_seen = (int)u->uc_mcontext.gregs[REG_TRAPNO];
	error_seen = (int)u->uc_mcontext.gregs[REG_ERR];
	siglongjmp(back, 1);
}

static void attempt(const char *name, void (*wrong)(void))
{
	if (!sigsetjmp(back, 1)) {
		wrong();
		say(name, "nothing happened");
		return;
	}
	say(name, "%s code %d trap %d error %#x", sig_name(sig_seen), code_seen, trap_seen, error_seen);
}

static char *read_only;

static void divide(void) { asm volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx"); }
static void breakpoint(void) { asm volatile("int3"); }
static void icebp(void) { asm volatile(".byte 0xf1"); }
static void step(void) { asm volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc"); }
static void undefined(void) { asm volatile("ud2"); }
static void privileged(void) { asm volatile("hlt"); }
static void software_interrupt(void) { asm volatile("int $0x21"); }
static void non_canonical(void) { asm volatile("movq (%0), %%rax" ::"r"(0x8000000000000000ull) : "rax"); }
static void read_null(void) { asm volatile("movl (%0), %%eax" ::"r"(0ull) : "eax"); }
static void write_null(void) { asm volatile("movl %%eax, (%0)" ::"r"(0ull) : "memory"); }
static void write_read_only(void) { asm volatile("movb $1, (%0)" ::"r"(read_only) : "memory"); }
static void call_data(void) { asm volatile("call *%0" ::"r"(read_only) : "memory"); }
static void read_kernel(void) { asm volatile("movl (%0), %%eax" ::"r"(0xffffffff81000000ull) : "eax"); }
static void write_kernel(void) { asm volatile("movl %%eax, (%0)" ::"r"(0xffffffff81000000ull) : "memory"); }

void abi_test(void)
{
	struct sigaction act = { .sa_sigaction = seen, .sa_flags = SA_SIGINFO };
	static const int signals[] = { SIGFPE, SIGTRAP, SIGILL, SIGSEGV, SIGBUS };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &act, NULL);
	read_only = mmap(NULL, ABI_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)*(volatile char *)read_only;
	attempt("division by zero", divide);
	attempt("int3", breakpoint);
	attempt("int1", icebp);
	attempt("trap flag", step);
	attempt("ud2", undefined);
	attempt("hlt", privileged);
	attempt("int 0x21", software_interrupt);
	attempt("non-canonical address", non_canonical);
	attempt("read of 0", read_null);
	attempt("write to 0", write_null);
	attempt("write to a read-only page", write_read_only);
	attempt("call of a page of data", call_data);
	attempt("read of a kernel address", read_kernel);
	attempt("write to a kernel address", write_kernel);
}
