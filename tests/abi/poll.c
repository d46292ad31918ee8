/* poll, ppoll, select, pselect. */
#include "abi.h"
#include <sys/select.h>

static void nothing(int sig)
{
	(void)sig;
}

static void one(const char *name, int fd, short events)
{
	struct pollfd p = { fd, events, 0 };
	int n = poll(&p, 1, 0);

	say(name, "%d %#x", n, p.revents);
}

void abi_test(void)
{
	int p[2], file, s[2];
	struct pollfd fds[3];
	struct timespec ts;
	char c;

	MUST(pipe(p));
	one("empty pipe's read end", p[0], POLLIN | POLLOUT);
	one("empty pipe's write end", p[1], POLLIN | POLLOUT);
	write(p[1], "x", 1);
	one("full pipe's read end", p[0], POLLIN | POLLRDNORM);
	one("no events asked", p[0], 0);
	close(p[1]);
	one("hung up with data", p[0], POLLIN);
	read(p[0], &c, 1);
	one("hung up", p[0], POLLIN);
	one("hung up, nothing asked", p[0], 0);
	close(p[0]);
	MUST(pipe(p));
	close(p[0]);
	one("no reader", p[1], POLLOUT);
	one("closed", p[0], POLLIN);
	one("negative", -1, POLLIN);
	file = open("f", O_CREAT | O_RDWR, 0600);
	one("regular file", file, POLLIN | POLLOUT | POLLPRI);
	one("directory", open(".", O_RDONLY), POLLIN | POLLOUT);
	one("/dev/null", open("/dev/null", O_RDWR), POLLIN | POLLOUT);
	one("/dev/zero", open("/dev/zero", O_RDWR), POLLIN | POLLOUT);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	one("socket", s[0], POLLIN | POLLOUT | POLLRDHUP);
	shutdown(s[1], SHUT_WR);
	one("peer shut for writing", s[0], POLLIN | POLLOUT | POLLRDHUP);
	close(s[1]);
	one("peer closed", s[0], POLLIN | POLLOUT | POLLRDHUP);

	MUST(pipe(p));
	long start = now_ms();
	fds[0] = (struct pollfd){ p[0], POLLIN, 7 };
	RET("timeout", poll(fds, 1, 50));
	YES("waited about 50 ms", now_ms() - start >= 50 && now_ms() - start < 5000);
	VAL("revents cleared", fds[0].revents);
	RET("no descriptors", poll(NULL, 0, 10));
	RET("bad address", poll((struct pollfd *)8, 1, 0));
	RET("too many", syscall(SYS_poll, fds, 0x7fffffff, 0));

	/* several ready */
	fds[0] = (struct pollfd){ p[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	fds[2] = (struct pollfd){ p[1], POLLOUT, 0 };
	RET("two of three", poll(fds, 3, -1));

	/* woken */
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		until_asleep(me);
		write(p[1], "x", 1);
		_exit(0);
	}
	fds[0] = (struct pollfd){ p[0], POLLIN, 0 };
	RET("woken by a write", poll(fds, 1, -1));
	HEX("with", fds[0].revents);
	reap(pid);
	read(p[0], &c, 1);

	/* interrupted */
	struct sigaction act = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &act, NULL);
	pid = fork();
	if (pid == 0) {
		until_asleep(me);
		kill(me, SIGUSR1);
		_exit(0);
	}
	RET("interrupted despite SA_RESTART", poll(fds, 1, -1));
	reap(pid);

	/* ppoll and its mask */
	sigset_t block, none;
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	kill(me, SIGUSR1);
	ts = (struct timespec){ 5, 0 };
	RET("ppoll unblocks a pending signal", ppoll(fds, 1, &ts, &none));
	sigset_t now;
	sigprocmask(SIG_SETMASK, NULL, &now);
	YES("and restores the mask", sigismember(&now, SIGUSR1));
	ts = (struct timespec){ 0, 1000000000 };
	RET("ppoll bad time", ppoll(fds, 1, &ts, NULL));
	RET("ppoll bad set size", syscall(SYS_ppoll, fds, 1, NULL, &none, 4));
	ts = (struct timespec){ 5, 0 };
	write(p[1], "x", 1);
	syscall(SYS_ppoll, fds, 1, &ts, NULL, 8);
	YES("ppoll writes back the time left", ts.tv_sec < 5 && ts.tv_sec >= 3);

	/* select */
	fd_set r, w, e;
	struct timeval tv = { 0, 0 };
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &e);
	RET("select", select(p[1] + 1, &r, &w, &e, &tv));
	say("its sets", "%d %d %d", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w), !!FD_ISSET(p[0], &e));
	read(p[0], &c, 1);
	FD_SET(p[0], &r);
	RET("select times out", select(p[0] + 1, &r, NULL, NULL, &tv));
	YES("and clears the set", !FD_ISSET(p[0], &r));
	FD_ZERO(&r);
	FD_SET(200, &r);
	RET("select of a closed descriptor", select(201, &r, NULL, NULL, &tv));
	RET("select of negative n", select(-1, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, -1 };
	RET("select of a bad time", select(0, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, 30000 };
	start = now_ms();
	RET("select as a sleep", select(0, NULL, NULL, NULL, &tv));
	YES("slept", now_ms() - start >= 30);
	VAL("nothing left", tv.tv_sec * 1000000 + tv.tv_usec);
	tv = (struct timeval){ 0, 1500000 };
	RET("microseconds over a second are taken", ({ FD_ZERO(&w); FD_SET(p[1], &w); select(p[1] + 1, NULL, &w, NULL, &tv); }));
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	close(p[1]);
	tv = (struct timeval){ 5, 0 };
	RET("select sees a hang-up as readable", select(p[0] + 1, &r, NULL, NULL, &tv));
	RET("select at a bad address", select(5, (fd_set *)8, NULL, NULL, &tv));
	kill(me, SIGUSR1);
	ts = (struct timespec){ 5, 0 };
	RET("pselect unblocks a pending signal", pselect(0, NULL, NULL, NULL, &ts, &none));
}
