/*
 * A guest's first process that says when it came and what memory is left, then becomes a shell.
 *
 * Linked at an address where nothing else lies, so that a breakpoint on its entry point stops at the guest's
 * first user instruction.  It prints `first: FREE_KIB AVAILABLE_KIB TSC`, from sysinfo(2), /proc/meminfo
 * and the counter at the entry; where there is a /bin/sh it executes that, else it waits for the end.
 *
 * No C library: what it measures is the kernel, so it shall hold no memory of its own.
 */
#include <asm/unistd_64.h>
#include <linux/sysinfo.h>

static long call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static char *put_number(char *to, unsigned long value)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = '0' + value % 10;
	while (value /= 10);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

/* The number behind "MemAvailable:" in @text, 0 if that is not there. */
static unsigned long available_kib(const char *text)
{
	static const char key[] = "\nMemAvailable:";
	unsigned long value = 0;

	for (; *text != '\0'; text++) {
		unsigned i = 0;

		while (key[i] != '\0' && text[i] == key[i])
			i++;
		if (key[i] != '\0')
			continue;
		for (text += i; *text == ' '; text++)
			;
		for (; *text >= '0' && *text <= '9'; text++)
			value = 10 * value + *text - '0';
		return value;
	}
	return 0;
}

__attribute__((noreturn, used)) static void first(unsigned long tsc)
{
	static char meminfo[4096], line[128] = "first: ";
	static const char *const argv[] = {"sh", 0}, *const envp[] = {"PS1=bench# ", 0};
	struct sysinfo info = {0};
	char *to = line + 7;
	long fd;

	call(__NR_sysinfo, (long)&info, 0, 0, 0, 0);
	call(__NR_mkdir, (long)"/proc", 0755, 0, 0, 0);
	call(__NR_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0);
	fd = call(__NR_open, (long)"/proc/meminfo", 0, 0, 0, 0);
	if (fd >= 0)
		call(__NR_read, fd, (long)meminfo, sizeof(meminfo) - 1, 0, 0);
	to = put_number(to, info.freeram * info.mem_unit / 1024);
	*to++ = ' ';
	to = put_number(to, available_kib(meminfo));
	*to++ = ' ';
	to = put_number(to, tsc);
	*to++ = '\n';
	call(__NR_write, 1, (long)line, to - line, 0, 0);
	call(__NR_execve, (long)"/bin/sh", (long)argv, (long)envp, 0, 0);
	for (;;)
		call(__NR_pause, 0, 0, 0, 0, 0);
}

/* The entry point: reads the counter before anything else. */
__asm__(".globl _start\n"
	"_start:\n"
	"	rdtsc\n"
	"	shlq	$32, %rdx\n"
	"	leaq	(%rax,%rdx), %rdi\n"
	"	xorl	%ebp, %ebp\n"
	"	andq	$-16, %rsp\n"
	"	call	first\n");
