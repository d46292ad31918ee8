/* The few things that the machine wants of the host's operating system; the only file of plat/host that sees the C library. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "plat/host/host.h"

void *os_map(void *at, size_t bytes)
{
	void *p = mmap(at, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void os_unmap(void *at, size_t bytes)
{
	munmap(at, bytes);
}

void os_guard(void *page)
{
	if (mprotect(page, PAGE_SIZE, PROT_NONE))
		abort();
}

void os_write_stderr(const char *buf, size_t n)
{
	while (n) {
		ssize_t done = write(2, buf, n);

		if (done <= 0)
			return;
		buf += done;
		n -= (size_t)done;
	}
}

void os_own_stack(void **bottom, size_t *bytes)
{
	pthread_attr_t attr;

	*bottom = NULL;
	*bytes = 0;
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	pthread_attr_getstack(&attr, bottom, bytes);
	pthread_attr_destroy(&attr);
}

void os_exit(int status) { exit(status); }
void os_abort(void) { abort(); }
