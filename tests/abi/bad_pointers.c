/* EFAULT of representative calls, and that a refused call changed nothing. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/times.h>
#include <sys/utsname.h>

static long kernel = (long)0xffff888000001000;

#define EACH(name, nr, ...) do { \
	static const char *const kinds[] = { "1", "kernel", "non-canonical", "fence" }; \
	const long wild[] = { 1, kernel, (long)0x8000000000000000, (long)edge }; \
	char text[200] = ""; \
	for (int i_ = 0; i_ < 4; i_++) { \
		const long W = wild[i_]; \
		long r_ = syscall(nr, __VA_ARGS__); \
		snprintf(text + strlen(text), 60, "%s %s, ", kinds[i_], r_ == -1 ? err_name(errno) : "worked"); \
	} \
	STR(name, text); \
} while (0)

void abi_test(void)
{
	char *edge = fence();
	int p[2], s[2], fd = open("f", O_CREAT | O_RDWR, 0600);
	struct stat st;

	MUST(pipe(p));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	write(fd, "0123456789", 10);
	EACH("read", SYS_read, (lseek(fd, 0, SEEK_SET), fd), W, 5);
	VAL("the offset after a failed read", lseek(fd, 0, SEEK_CUR));
	EACH("write", SYS_write, fd, W, 5);
	EACH("write to a pipe", SYS_write, p[1], W, 5);
	VAL("nothing is in the pipe", ({ int n; ioctl(p[0], 0x541b, &n); n; }));
	EACH("open", SYS_open, W, O_RDONLY);
	EACH("stat, path", SYS_stat, W, &st);
	EACH("stat, result", SYS_stat, "f", W);
	EACH("fstat", SYS_fstat, fd, W);
	EACH("poll", SYS_poll, W, 1, 0);
	EACH("mkdir", SYS_mkdir, W, 0755);
	EACH("rename, from", SYS_rename, W, "g");
	EACH("rename, to", SYS_rename, "f", W);
	EACH("unlink", SYS_unlink, W);
	EACH("symlink", SYS_symlink, W, "l");
	EACH("readlink", SYS_readlink, "/proc/self/exe", W, 10);
	EACH("getcwd", SYS_getcwd, W, 100);
	EACH("chdir", SYS_chdir, W);
	EACH("pipe", SYS_pipe, W);
	EACH("uname", SYS_uname, W);
	EACH("gettimeofday", SYS_gettimeofday, W, 0);
	EACH("clock_gettime", SYS_clock_gettime, CLOCK_MONOTONIC, W);
	EACH("nanosleep", SYS_nanosleep, W, 0);
	EACH("times", SYS_times, W);
	EACH("getrusage", SYS_getrusage, 0, W);
	EACH("sysinfo", SYS_sysinfo, W);
	EACH("getrlimit", SYS_getrlimit, 0, W);
	EACH("rt_sigaction, new", SYS_rt_sigaction, SIGUSR1, W, 0, 8);
	EACH("rt_sigaction, old", SYS_rt_sigaction, SIGUSR1, 0, W, 8);
	EACH("rt_sigprocmask", SYS_rt_sigprocmask, 0, W, 0, 8);
	syscall(SYS_setgroups, 2, (gid_t[]){ 1, 2 });
	EACH("getgroups", SYS_getgroups, 100, W);
	EACH("getresuid", SYS_getresuid, W, W, W);
	EACH("socketpair", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, W);
	EACH("bind", SYS_bind, s[0], W, 16);
	EACH("sendto", SYS_sendto, s[0], W, 5, 0, 0, 0);
	EACH("sendmsg", SYS_sendmsg, s[0], W, 0);
	EACH("getsockname", SYS_getsockname, s[0], W, &(socklen_t){ 100 });
	EACH("epoll_ctl", SYS_epoll_ctl, epoll_create1(0), EPOLL_CTL_ADD, p[0], W);
	EACH("getdents64", SYS_getdents64, open("/", O_RDONLY), W, 4096);
	EACH("execve", SYS_execve, W, 0, 0);
	EACH("futex", SYS_futex, W & ~3, 0, 0, 0, 0, 0);
	EACH("sched_getaffinity", SYS_sched_getaffinity, 0, 128, W);
	EACH("prctl PR_GET_NAME", SYS_prctl, 16, W);
	EACH("statx", SYS_statx, AT_FDCWD, "f", 0, 0x7ff, W);
	EACH("statfs", SYS_statfs, "f", W);
	EACH("getrandom", SYS_getrandom, W, 16, 0);
	EACH("select", SYS_select, 5, W, 0, 0, 0);
	EACH("ioctl TIOCGWINSZ on a pty", SYS_ioctl, open("/dev/ptmx", O_RDWR | O_NOCTTY), TIOCGWINSZ, W);
	EACH("mincore", SYS_mincore, edge - ABI_PAGE, ABI_PAGE, W);
	EACH("fcntl F_SETLK", SYS_fcntl, fd, F_SETLK, W);
	EACH("eventfd read", SYS_read, syscall(SYS_eventfd2, 5, 0), W, 8);
	EACH("writev", SYS_writev, fd, W, 1);
	EACH("setxattr", SYS_setxattr, "f", W, "v", 1, 0);
	EACH("memfd_create", SYS_memfd_create, W, 0);
	EACH("mount", SYS_mount, "x", W, "tmpfs", 0, 0);
	/* a path that ends right at the fence, with and without its NUL */
	strcpy(edge - 2, "f");
	OK("a path up to the fence", access(edge - 2, F_OK));
	edge[-1] = 'x';
	RET("a path over the fence", access(edge - 2, F_OK));
	RET("kernel text as a path", open((char *)0xffffffff81000000, O_RDONLY));
	/* a write across the fence is cut or refused */
	RET("write over the fence to a file", write(fd, edge - 4, 8));
	RET("read over the fence from a file", ({ lseek(fd, 0, SEEK_SET); read(fd, edge - 4, 8); }));
	RET("read-only memory as a result", fstat(fd, (struct stat *)"constant data in a read-only section"));
	RET("read into program text", ({ lseek(fd, 0, SEEK_SET); read(fd, (void *)abi_test, 4); }));
}
