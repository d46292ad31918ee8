/*
 * What the library costs: a start with a stop, and a null system call, in the host's time.  Not a test: it prints, `make host-figures` runs it over a
 * library without sanitizers.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include "host/auk.h"

enum { STARTS = 50, CALLS = 2000000 };

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void silent(const char *text, size_t len) {}

static int start(unsigned switch_one_in)
{
	return auk_start(&(struct auk_config){ .seed = 1, .console = silent, .switch_one_in = switch_one_in });
}

int main(void)
{
	double best = 1e9, before;

	for (int i = 0; i < STARTS; i++) {
		before = seconds();
		if (start(16) || auk_stop())
			return 1;
		double took = seconds() - before;
		best = took < best ? took : best;
	}
	printf("start and stop: %.2f ms (best of %d)\n", best * 1e3, STARTS);
	if (start(1000000))
		return 1;
	best = 1e9;
	for (int round = 0; round < 5; round++) {
		before = seconds();
		for (int i = 0; i < CALLS / 5; i++)
			(void)auk_syscall(SYS_getppid);
		double took = (seconds() - before) / (CALLS / 5);
		best = took < best ? took : best;
	}
	printf("getppid: %.0f ns (best of 5 rounds of %d)\n", best * 1e9, CALLS / 5);
	return auk_stop() != 0;
}
