/* brk, by the raw call: it returns the break, new or old. */
#include "abi.h"

void abi_test(void)
{
	uintptr_t was = syscall(SYS_brk, 0), now;

	YES("brk 0 tells the break", was != 0 && was < 1UL << 47);
	now = syscall(SYS_brk, was + 3 * ABI_PAGE);
	VAL("grows by", now - was);
	char *p = (char *)((was + 4095) & ~4095UL);
	VAL("zeroed", p[0] | p[ABI_PAGE]);
	p[0] = 4;
	now = syscall(SYS_brk, was + 100);
	VAL("any byte is a break", now - was);
	syscall(SYS_brk, was + 3 * ABI_PAGE);
	VAL("what was given back is zero", p[ABI_PAGE]);
	YES("below the start fails", (uintptr_t)syscall(SYS_brk, 8) == was + 3 * ABI_PAGE);
	YES("beyond the address space fails", (uintptr_t)syscall(SYS_brk, 1UL << 47) == was + 3 * ABI_PAGE);
	APART(
		struct rlimit lim = { 1 << 20, 1 << 20 };
		setrlimit(RLIMIT_DATA, &lim);
		YES("RLIMIT_DATA", (uintptr_t)syscall(SYS_brk, was + (64 << 20)) == was + 3 * ABI_PAGE);
	);
	mmap((void *)((was + 8 * ABI_PAGE) & ~4095UL), ABI_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	YES("a mapping in the way", (uintptr_t)syscall(SYS_brk, was + 20 * ABI_PAGE) == was + 3 * ABI_PAGE);
	YES("back", (uintptr_t)syscall(SYS_brk, was) == was);
	CHILD("the page is gone", *(volatile char *)(p + ABI_PAGE) = 1);
	YES("heap in maps", strstr(get_file("/proc/self/maps"), "[heap]"));
}
