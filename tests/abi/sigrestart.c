/* Which calls restart after a handler with SA_RESTART, and which never do. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/file.h>
#include <linux/futex.h>

static volatile int handled;

static void handler(int sig)
{
	handled++;
}

static int pipes[2];
static pid_t helper;

/* Sends SIGUSR1 once we sleep; when @then, makes the call end 50 ms later. */
static void poke(bool then)
{
	pid_t me = getpid();

	handled = 0;
	helper = fork();
	if (helper == 0) {
		until_asleep(me);
		kill(me, SIGUSR1);
		if (then) {
			sleep_ms(50);
			until_asleep(me);
			write(pipes[1], "x", 1);
		}
		_exit(0);
	}
}

#define TRY(name, then, call) do { \
	poke(then); \
	RET(name, call); \
	if (handled != 1) \
		say(name, "handled %d times", handled); \
	reap(helper); \
} while (0)

void abi_test(void)
{
	struct sigaction act = { .sa_handler = handler };
	char c;
	int status, word = 0;
	struct timespec second = { 3, 0 }, left;

	MUST(pipe(pipes));
	sigaction(SIGUSR1, &act, NULL);
	TRY("read", false, read(pipes[0], &c, 1));
	TRY("nanosleep", false, nanosleep(&second, &left));
	YES("its rest", left.tv_sec == 2 || left.tv_sec == 1);
	act.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &act, NULL);
	TRY("read, restarted", true, read(pipes[0], &c, 1));
	TRY("nanosleep, SA_RESTART", false, nanosleep(&second, &left));
	TRY("clock_nanosleep absolute", false, ({
		clock_gettime(CLOCK_MONOTONIC, &left);
		left.tv_sec += 3;
		int e = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &left, NULL);
		errno = e; e ? -1 : 0; }));
	struct pollfd p = { pipes[0], POLLIN, 0 };
	TRY("poll, SA_RESTART", false, poll(&p, 1, 3000));
	TRY("pause", false, pause());
	TRY("select", false, select(0, NULL, NULL, NULL, &(struct timeval){ 3, 0 }));
	int ep = epoll_create1(0);
	struct epoll_event ev;
	TRY("epoll_wait", false, epoll_wait(ep, &ev, 1, 3000));
	TRY("futex with a time-out", false,
	    syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){ 0, 400000000 }, NULL, 0));
	pid_t child = fork();
	if (child == 0) {
		read(pipes[0], &c, 1);
		_exit(9);
	}
	TRY("wait, restarted", true, waitpid(child, &status, 0) == child);
	STR("its status", status_name(status));
	int s[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	act.sa_flags = 0;
	sigaction(SIGUSR1, &act, NULL);
	TRY("recv", false, recv(s[0], &c, 1, 0));
	act.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &act, NULL);
	struct timeval tv = { 3, 0 };
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	TRY("recv with a time-out, SA_RESTART", false, recv(s[0], &c, 1, 0));
	int a = open("lock", O_CREAT | O_RDWR, 0600), b = open("lock", O_RDWR);
	flock(a, LOCK_EX);
	act.sa_flags = 0;
	sigaction(SIGUSR1, &act, NULL);
	TRY("flock", false, flock(b, LOCK_EX));
	child = fork();
	if (child == 0) {
		struct flock fl = { .l_type = F_WRLCK };

		fcntl(a, F_SETLK, &fl);
		write(s[1], "r", 1);
		for (;;)
			pause();
	}
	recv(s[0], &c, 1, 0);
	struct flock fl = { .l_type = F_WRLCK };
	TRY("F_SETLKW", false, fcntl(a, F_SETLKW, &fl));
	kill(child, SIGKILL);
	reap(child);
	mkfifo("fifo", 0600);
	TRY("open of a FIFO", false, open("fifo", O_RDONLY));
	TRY("sigsuspend", false, ({ sigset_t none; sigemptyset(&none); sigsuspend(&none); }));
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	TRY("sigtimedwait", false, sigtimedwait(&set, NULL, &second));
	/* an ignored signal and a stop disturb nobody */
	signal(SIGUSR1, SIG_IGN);
	pid_t me = getpid();
	helper = fork();
	if (helper == 0) {
		until_asleep(me);
		kill(me, SIGUSR1);
		kill(me, SIGSTOP);
		sleep_ms(20);
		kill(me, SIGCONT);
		sleep_ms(20);
		write(pipes[1], "x", 1);
		_exit(0);
	}
	RET("ignored and stopped", read(pipes[0], &c, 1));
	reap(helper);
}
