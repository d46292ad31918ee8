/* epoll: level, edge, one-shot, nesting, errors. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = 0x1234567800000000ull + fd };

	return epoll_ctl(ep, op, fd, &ev);
}

static void look(const char *name, int ep)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, 0);

	say(name, "%d %#x", n, n > 0 ? ev[0].events : 0);
}

static void nothing(int sig)
{
	(void)sig;
}

void abi_test(void)
{
	struct epoll_event ev[4];
	int p[2], ep = MUST(epoll_create1(EPOLL_CLOEXEC));
	char c;

	VAL("FD_CLOEXEC", fcntl(ep, F_GETFD));
	RET("epoll_create 0", epoll_create(0));
	RET("epoll_create1 bad flags", epoll_create1(1));
	MUST(pipe(p));
	RET("add", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
	RET("add again", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
	RET("mod unknown", ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLIN));
	RET("del unknown", ctl(ep, EPOLL_CTL_DEL, p[1], 0));
	RET("add itself", ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN));
	RET("add bad descriptor", ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN));
	RET("add a regular file", ctl(ep, EPOLL_CTL_ADD, open("f", O_CREAT | O_RDWR, 0600), EPOLLIN));
	RET("add a directory", ctl(ep, EPOLL_CTL_ADD, open(".", O_RDONLY), EPOLLIN));
	RET("ctl on a pipe", ctl(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN));
	RET("bad operation", ctl(ep, 77, p[1], EPOLLIN));
	RET("bad event address", syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, p[1], 8));
	RET("wait for 0 events", epoll_wait(ep, ev, 0, 0));
	RET("wait on a pipe", epoll_wait(p[0], ev, 1, 0));
	RET("wait at a bad address", ({ write(p[1], "x", 1); int r = syscall(SYS_epoll_wait, ep, 8, 4, 0); read(p[0], &c, 1); r; }));
	look("nothing", ep);
	write(p[1], "ab", 2);
	look("level", ep);
	look("level again", ep);
	epoll_wait(ep, ev, 4, 0);
	YES("data comes back", ev[0].data.u64 == 0x1234567800000000ull + p[0]);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET);
	look("edge after mod", ep);
	look("edge again", ep);
	write(p[1], "c", 1);
	look("edge after a write", ep);
	read(p[0], &c, 1);
	look("edge after a partial read", ep);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	look("one-shot", ep);
	look("one-shot again", ep);
	write(p[1], "c", 1);
	look("one-shot after a write", ep);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT);
	look("re-armed", ep);
	ctl(ep, EPOLL_CTL_MOD, p[0], 0);
	close(p[1]);
	look("hang-up unasked", ep);
	RET("del with no event", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	look("after del", ep);
	close(p[0]);

	MUST(pipe(p));
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN);
	write(p[1], "x", 1);
	int copy = dup(p[0]);
	close(p[0]);
	look("a dup keeps the registration", ep);
	close(copy);
	look("the last close removes it", ep);
	close(p[1]);

	/* several */
	int e1 = eventfd(1, 0), e2 = eventfd(1, 0), e3 = eventfd(0, 0);
	ctl(ep, EPOLL_CTL_ADD, e1, EPOLLIN | EPOLLOUT);
	ctl(ep, EPOLL_CTL_ADD, e2, EPOLLIN);
	ctl(ep, EPOLL_CTL_ADD, e3, EPOLLIN);
	RET("two of three ready", epoll_wait(ep, ev, 4, 0));
	int first, second;
	epoll_wait(ep, ev, 1, 0);
	first = (int)ev[0].data.u64;
	epoll_wait(ep, ev, 1, 0);
	second = (int)ev[0].data.u64;
	YES("maxevents 1 takes turns", first != second);

	/* nesting */
	int outer = epoll_create1(0);
	RET("nest", ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN));
	look("nested is ready", outer);
	RET("a loop", ctl(ep, EPOLL_CTL_ADD, outer, EPOLLIN));
	struct pollfd pfd = { outer, POLLIN, 0 };
	RET("poll of an epoll descriptor", poll(&pfd, 1, 0));
	int deep = outer, r = 0, depth = 0;
	for (; r == 0 && depth < 10; depth++) {
		int next = epoll_create1(0);

		r = ctl(next, EPOLL_CTL_ADD, deep, EPOLLIN);
		deep = next;
	}
	say("nesting ends", "%d %s", depth, err_name(errno));

	/* waiting */
	ctl(ep, EPOLL_CTL_DEL, e1, 0);
	ctl(ep, EPOLL_CTL_DEL, e2, 0);
	long start = now_ms();
	RET("time-out", epoll_wait(ep, ev, 4, 40));
	YES("waited", now_ms() - start >= 40);
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		uint64_t one = 1;

		until_asleep(me);
		write(e3, &one, 8);
		_exit(0);
	}
	RET("woken", epoll_wait(ep, ev, 4, -1));
	reap(pid);
	struct timespec none = { 0, 0 };
	RET("epoll_pwait2", syscall(SYS_epoll_pwait2, ep, ev, 4, &none, NULL, 8));
	RET("epoll_pwait2 bad time", syscall(SYS_epoll_pwait2, ep, ev, 4, &(struct timespec){ 0, 1000000000 }, NULL, 8));
	RET("EPOLLEXCLUSIVE", ctl(ep, EPOLL_CTL_ADD, e1, EPOLLIN | EPOLLEXCLUSIVE));
	RET("EPOLLEXCLUSIVE with ONESHOT", ctl(ep, EPOLL_CTL_ADD, e2, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
	RET("EPOLLEXCLUSIVE by mod", ctl(ep, EPOLL_CTL_MOD, e3, EPOLLIN | EPOLLEXCLUSIVE));
	sigset_t set, empty;
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, nothing);
	kill(me, SIGUSR1);
	int quiet = epoll_create1(0);
	RET("epoll_pwait unblocks a pending signal", epoll_pwait(quiet, ev, 4, 1000, &empty));
	int s[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ctl(quiet, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	look("socket", quiet);
	write(s[1], "x", 1);
	look("socket with data", quiet);
	close(s[1]);
	look("socket closed", quiet);
}
