/* What the tests of the library share: checks that end the process, a log that a crash prints, small calls. Each test program includes it once. */
#ifndef TESTS_HOST_HOST_H
#define TESTS_HOST_HOST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/auk.h"

enum { PAGE = 4096 };

#define CHECK(cond) check(cond, #cond, __FILE__, __LINE__)
#define CHECK_EQ(a, b) check_eq(a, b, #a, __FILE__, __LINE__)

static inline void check(int ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	_exit(1);
}

static inline void check_eq(long got, long want, const char *what, const char *file, int line)
{
	if (got == want)
		return;
	fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", file, line, what, got, want);
	_exit(1);
}

static char log_text[1 << 16];
static size_t log_len;

static inline void keep_log(const char *text, size_t len)
{
	if (log_len + len < sizeof(log_text)) {
		memcpy(log_text + log_len, text, len);
		log_len += len;
	}
}

/* A machine that ends badly says why in its log. */
static inline void on_abort(int sig)
{
	if (write(2, log_text, log_len) < 0)
		_exit(3);
}

/* User memory with a string in it; a page. */
static inline uint64_t user_string(const char *s)
{
	uint64_t at = auk_alloc(PAGE);

	CHECK(at != 0);
	CHECK_EQ(auk_put(at, s, strlen(s) + 1), 0);
	return at;
}

/* Run @body in a child of this process. Return: what it returned; the test fails if it did not end well */
static inline uint64_t in_child(uint64_t (*body)(uint64_t arg), uint64_t arg)
{
	uint64_t answer = 0;
	int fd[2], status;

	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);	/* cmocka's handlers are the parent's */
		signal(SIGABRT, on_abort);
		answer = body(arg);
		_exit(write(fd[1], &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
	}
	close(fd[1]);
	ssize_t n = read(fd[0], &answer, sizeof(answer));
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(n, sizeof(answer));
	return answer;
}

#endif
