/* siginfo of faults, stack growth and its guard gap. */
#include "abi.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t got;
static long trap_number, error_code, fault_cr2;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	got = *info;
	trap_number = uc->uc_mcontext.gregs[REG_TRAPNO];
	error_code = uc->uc_mcontext.gregs[REG_ERR];
	fault_cr2 = uc->uc_mcontext.gregs[REG_CR2];
	siglongjmp(back, 1);
}

#define TRY(name, addr, ...) do { \
	memset(&got, 0, sizeof(got)); \
	if (sigsetjmp(back, 1) == 0) { __VA_ARGS__; } \
	if (got.si_signo) \
		say(name, "%s code %d address %s trap %ld", sig_name(got.si_signo), got.si_code, \
		    (long)got.si_addr == (long)(addr) ? "right" : got.si_addr ? "other" : "0", trap_number); \
	else \
		say(name, "no fault"); \
} while (0)

static int __attribute__((noinline)) deep(int n)
{
	volatile char pad[4000];

	pad[0] = 1;
	return n ? deep(n - 1) + pad[0] : 0;
}

void abi_test(void)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	volatile int zero = 0;

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGFPE, &act, NULL);
	sigaction(SIGILL, &act, NULL);
	sigaction(SIGTRAP, &act, NULL);
	char *none = mmap(NULL, ABI_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *ro = mmap(NULL, ABI_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char *file = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	TRY("read of nothing", 0x10008, (void)*(volatile char *)0x10008);
	HEX("its error code", error_code);
	YES("its CR2", fault_cr2 == 0x10008);
	TRY("write of nothing", 0x10008, *(volatile char *)0x10008 = 1);
	HEX("its error code", error_code);
	TRY("null", 0, (void)*(volatile char *)(long)zero);
	TRY("PROT_NONE", none + 5, (void)*(volatile char *)(none + 5));
	TRY("write of PROT_READ", ro + 5, *(volatile char *)(ro + 5) = 1);
	TRY("execute of nothing", 0x10000, ((void (*)(void))0x10000)());
	HEX("its error code", error_code & ~1);
	TRY("execute of data", ro, ((void (*)(void))ro)());
	TRY("kernel's half", 0xffff888000000000, (void)*(volatile char *)0xffff888000000000);
	TRY("non-canonical", 0, (void)*(volatile char *)0x8000000000000000);
	TRY("file beyond its end", file + 3, (void)*(volatile char *)(file + 3));
	TRY("division by zero", 0, asm volatile("xor %%ecx, %%ecx\n mov $1, %%eax\n cdq\n idiv %%ecx" ::: "eax", "ecx", "edx"));
	YES("its address is the instruction", got.si_addr != NULL);
	TRY("overflow of a division", 0, asm volatile("mov $0x80000000, %%eax\n cdq\n mov $-1, %%ecx\n idiv %%ecx" ::: "eax", "ecx", "edx"));
	TRY("invalid instruction", 0, asm volatile("ud2"));
	TRY("privileged instruction", 0, asm volatile("hlt"));
	TRY("in", 0, asm volatile("inb $0x60, %%al" ::: "eax"));
	TRY("cli", 0, asm volatile("cli"));
	TRY("int3", 0, asm volatile("int3"));
	TRY("int 0x81", 0, asm volatile("int $0x81"));
	TRY("trap flag", 0, asm volatile("pushf\n orl $0x100, (%%rsp)\n popf\n nop\n nop" ::: "memory"));
	TRY("x87 division", 0, ({
		unsigned short cw = 0x37b;
		asm volatile("fninit\n fldcw %0\n fld1\n fldz\n fdivrp\n fwait" :: "m"(cw)); }));
	asm volatile("fninit");
	TRY("unaligned SSE", 0, asm volatile("movaps 1(%0), %%xmm0" :: "r"((long)alt & ~15) : "xmm0"));
	TRY("alignment check off", 0, (void)*(volatile int *)(alt + 1));

	/* the stack grows by itself, down to its limit, and keeps a gap to what is mapped below */
	CHILD("1 MiB of stack", signal(SIGSEGV, SIG_DFL); _exit(deep(256) == 256 ? 1 : 2));
	CHILD("12 MiB of stack", signal(SIGSEGV, SIG_DFL); _exit(deep(3072) == 3072 ? 1 : 2));
	APART(
		char here;
		char *base = (char *)((uintptr_t)&here & ~4095UL);
		TRY("64 KiB below the stack pointer", base - 65536, base[-65536] = 1);
		TRY("4 MiB below", base - (4 << 20), base[-(4 << 20)] = 1);
		TRY("9 MiB below", base - (9 << 20), base[-(9 << 20)] = 1);
		char *below = base - (6 << 20);
		OK("map in the stack's way", mmap(below, ABI_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		TRY("within the guard gap", below + 2 * ABI_PAGE, below[2 * ABI_PAGE] = 1);
		TRY("above the guard gap", below + (1 << 20) + 8 * ABI_PAGE, below[(1 << 20) + 8 * ABI_PAGE] = 1);
	);
	char *grow = mmap(NULL, 600 * ABI_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(grow, 600 * ABI_PAGE);
	char *top = mmap(grow + 590 * ABI_PAGE, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	TRY("MAP_GROWSDOWN grows", top - ABI_PAGE, top[-ABI_PAGE] = 1);
	YES("the stack is not executable", strstr(get_file("/proc/self/maps"), "rw-p 00000000 00:00 0                          [stack]"));
}
