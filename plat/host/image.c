/*
 * The machine's variables as the compiler made them: saved at the first start, put back at each later one.
 *
 * The kernel is written as one that starts once, and keeps its state in plain variables.  A second kernel in the same process
 * needs them as they were; initializing each by code would be a second truth about each.  What outlives a machine is marked HOST_KEEP.
 *
 * Not sanitized: the copies go over what lies between variables.
 */
#include "plat/host/host.h"

extern char __start_auk_data[], __stop_auk_data[], __start_auk_bss[], __stop_auk_bss[];
extern void __gcov_dump(void) __attribute__((weak));
extern void __gcov_reset(void) __attribute__((weak));

static HOST_KEEP char *saved;

static void copy(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void clear(char *at, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(0) : "memory");
}

int host_image_fresh(void)
{
	size_t bytes = (size_t)(__stop_auk_data - __start_auk_data);

	if (!saved) {
		saved = os_map(NULL, bytes);
		if (!saved)
			return -1;
		copy(saved, __start_auk_data, bytes);
		return 0;
	}
	if (__gcov_dump && __gcov_reset) {	/* the counters are among the variables */
		__gcov_dump();
		__gcov_reset();
	}
	copy(__start_auk_data, saved, bytes);
	clear(__start_auk_bss, (size_t)(__stop_auk_bss - __start_auk_bss));
	return 0;
}
