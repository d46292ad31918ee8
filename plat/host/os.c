/* The few things that the machine wants of the host's operating system; the only file of plat/host that sees the C library. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

void *os_alloc(size_t bytes) { return calloc(1, bytes); }
void os_free(void *p) { free(p); }

int os_memory_file(u64 bytes)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)bytes)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int os_open_file(const char *path, bool to_write, u64 *bytes)
{
	int fd = open(path, (to_write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		*bytes = (u64)st.st_size;
	return fd;
}

void os_close(int fd) { close(fd); }

void *os_map_file(int fd, u64 bytes, bool shared)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

void os_remap_file(void *at, int fd, u64 bytes)
{
	if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED)
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
