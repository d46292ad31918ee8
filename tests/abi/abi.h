/* What every program of tests/abi shares.
 *
 * A program is one file NAME.c with one function abi_test().  It prints lines `name: value` and
 * nothing else; each value follows from the interface's specification and never varies: errno
 * names, counts, states, no address, pid or time.  Debian's 6.1 kernel says what is right: its
 * answers stand in expected/NAME.txt (`make abi-record` refreshes them).
 *
 * The program runs as root, in a session of its own, in a fresh directory on a tmpfs, standard
 * input at /dev/null; SIGALRM ends it after 20 s (ABI_ALARM_S).  All programs are linked into one
 * static executable, which runs itself again as a helper: see abi_self and driver.c. */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ABI_ALARM_S 20
#define ABI_WATCH_S 90	/* the driver ends what outlives its alarm */
#define ABI_PAGE 4096
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The program itself; the file makes this name its own (see mk/abi.mk). */
void abi_test(void);

/* Path of the executable that holds all programs.  `abi_self @args a b` and the other helpers of
 * driver.c give execve something to run. */
extern const char *abi_self;

/* ---- printing: one write(2) a line, so that lines of several processes never mix ---- */
void say(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *err_name(int err);
const char *sig_name(int sig);
/* "exit 3", "killed SIGSEGV", "stopped SIGSTOP", "continued" */
const char *status_name(int status);

void abi_ret(const char *name, long ret);
void abi_ok(const char *name, long ret);

/* RET prints the result, or the errno's name where it is -1; OK the same with "ok" for a result. */
#define RET(name, expr) do { errno = 0; long ret_ = (long)(expr); abi_ret(name, ret_); } while (0)
#define OK(name, expr) do { errno = 0; long ret_ = (long)(expr); abi_ok(name, ret_); } while (0)
#define VAL(name, expr) say(name, "%ld", (long)(expr))
#define HEX(name, expr) say(name, "%#lx", (long)(expr))
#define YES(name, cond) say(name, "%s", (cond) ? "yes" : "no")
#define STR(name, text) say(name, "%s", (text))

/* ---- children ---- */
/* Waits for @pid to change state by ending; returns status_name(). */
const char *reap(pid_t pid);
int reap_status(pid_t pid);

/* Runs the statements in a child, and prints how it ended. */
#define CHILD(name, ...) do { \
	pid_t child_ = fork(); \
	if (child_ == 0) { __VA_ARGS__; _exit(0); } \
	say(name, "%s", reap(child_)); \
} while (0)

/* The same without a line: for statements that print lines of their own. */
#define APART(...) do { \
	pid_t child_ = fork(); \
	if (child_ == 0) { __VA_ARGS__; _exit(0); } \
	reap_status(child_); \
} while (0)

/* Gives up root for @uid, gid and no further groups. */
void become(uid_t uid);

/* Waits until the thread sleeps in the kernel, at most 5 s. */
void until_asleep(pid_t tid);
void sleep_ms(long ms);
long now_ms(void);

/* ---- files ---- */
/* Must work or the program ends with a line that no record holds. */
int must_(long ret, const char *what, int line);
#define MUST(expr) must_((long)(expr), #expr, __LINE__)

/* Makes the file with this text. */
void put_file(const char *path, const char *text, mode_t mode);
/* Writes to a file that exists, such as one of /proc. */
ssize_t poke_file(const char *path, const char *text);
/* The text of a file, cut at 64 KiB; "" and errno where it cannot be read. In a static buffer. */
const char *get_file(const char *path);
/* The value of a line `key:\tvalue` of /proc/…/status-like files; NULL if it has none. */
const char *get_field(const char *path, const char *key);

/* A page that faults, with a readable and writable page right before it. */
char *fence(void);

#endif
