/* Readiness of TCP sockets, level and edge, and the figures of ioctl: poll(2), epoll(7), tcp(7). */
#include "tcp.h"
#include <linux/sockios.h>
#include <sys/epoll.h>

static void states(void)
{
	int l = listener_any(), p[2];
	char buf[16];

	tcp_pair(l, p);
	poll_now("both idle", p[0]);
	write(p[1], "ab", 2);
	poll_now("data", p[0]);
	set_opt(p[0], SOL_SOCKET, SO_RCVLOWAT, 3);
	poll_now("less than the low-water mark", p[0]);
	write(p[1], "c", 1);
	poll_now("as much", p[0]);
	read(p[0], buf, sizeof(buf));
	shutdown(p[0], SHUT_WR);
	poll_now("wrote the end", p[0]);
	poll_now("got the end", p[1]);
	VAL("FIN_WAIT2", tcp_state(p[0]));
	VAL("CLOSE_WAIT", tcp_state(p[1]));
	shutdown(p[1], SHUT_WR);
	poll_now("both ended, first", p[0]);
	poll_now("both ended, second", p[1]);
	VAL("state of the first", tcp_state(p[0]));
	VAL("state of the second", tcp_state(p[1]));
	close(p[0]);
	close(p[1]);
	tcp_pair(l, p);
	shutdown(p[0], SHUT_RD);
	poll_now("shut for reading", p[0]);
	RET("reading it", read(p[0], buf, 1));
	write(p[1], "late", 4);
	RET("what comes late", recv(p[0], buf, sizeof(buf), MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
	close(l);
}

static void reset(void)
{
	int p[2];
	struct linger lg = { 1, 0 };
	char x;

	tcp_pair_alone(p);
	setsockopt(p[1], SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(p[1]);
	poll_now("was reset", p[0]);
	VAL("error told", so_error(p[0]));
	poll_now("error taken", p[0]);
	RET("then the end", read(p[0], &x, 1));
	RET("and a pipe", send(p[0], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
	tcp_pair_alone(p);
	write(p[0], "unread", 6);
	close(p[1]);
	RET("closed with data unread", read(p[0], &x, 1));
	close(p[0]);
}

static void edges(void)
{
	int l = listener_any(), p[2], e = MUST(epoll_create1(0));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET }, got[4];
	static char big[65536];
	char buf[16];

	tcp_pair(l, p);
	ev.data.fd = p[0];
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev);
	RET("first look", epoll_wait(e, got, 4, 0));
	HEX("writable", got[0].events);
	RET("nothing new", epoll_wait(e, got, 4, 0));
	write(p[1], "a", 1);
	RET("data", epoll_wait(e, got, 4, 1000));
	HEX("readable", got[0].events);
	RET("still there, told once", epoll_wait(e, got, 4, 0));
	write(p[1], "b", 1);
	RET("more", epoll_wait(e, got, 4, 1000));
	read(p[0], buf, sizeof(buf));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (write(p[0], big, sizeof(big)) > 0)
		;
	RET("full", write(p[0], big, sizeof(big)));
	RET("nothing while full", epoll_wait(e, got, 4, 0));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	int room;

	while (!(room = epoll_wait(e, got, 4, 0))) {
		struct pollfd in = { .fd = p[1], .events = POLLIN };

		poll(&in, 1, 1000);
		while (read(p[1], big, sizeof(big)) > 0)
			;
	}
	VAL("room again", room);
	HEX("writable again", got[0].events);
	close(p[1]);
	RET("peer closed", epoll_wait(e, got, 4, 1000));
	HEX("as events", got[0].events);
	close(p[0]);
	close(e);
	close(l);
}

static void amounts(void)
{
	int p[2], n = -1;

	tcp_pair_alone(p);
	OK("inq", ioctl(p[1], SIOCINQ, &n));
	VAL("nothing there", n);
	write(p[0], "12345", 5);
	ioctl(p[1], FIONREAD, &n);
	VAL("five bytes", n);
	OK("outq", ioctl(p[0], SIOCOUTQ, &n));
	OK("outqnsd", ioctl(p[0], SIOCOUTQNSD, &n));
	VAL("all sent", n);
	shutdown(p[0], SHUT_WR);
	ioctl(p[1], FIONREAD, &n);
	VAL("the end is no byte", n);
	OK("atmark", ioctl(p[1], SIOCATMARK, &n));
	VAL("no mark", n);
	RET("unknown", ioctl(p[1], 0x5499, &n));
	n = 1;
	OK("async", ioctl(p[1], FIOASYNC, &n));
	HEX("as flag", fcntl(p[1], F_GETFL));
	int f = MUST(open("f", O_RDWR | O_CREAT, 0600));

	OK("async of a file", ioctl(f, FIOASYNC, &n));
	close(f);
	close(p[0]);
	close(p[1]);
	int s = tcp();

	OK("inq closed", ioctl(s, SIOCINQ, &n));
	VAL("none", n);
	OK("outq closed", ioctl(s, SIOCOUTQ, &n));
	close(s);
}

static void corked(void)
{
	int p[2];
	char buf[4000] = { 0 };

	tcp_pair_alone(p);
	set_opt(p[0], IPPROTO_TCP, TCP_CORK, 1);
	write(p[0], "held ", 5);
	write(p[0], "back", 4);
	RET("corked", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	set_opt(p[0], IPPROTO_TCP, TCP_CORK, 0);
	RET("uncorked", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	send(p[0], "more", 4, MSG_MORE);
	RET("more to come", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	send(p[0], "done", 4, 0);
	RET("all of it", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	send(p[0], "more", 4, MSG_MORE);
	set_opt(p[0], IPPROTO_TCP, TCP_NODELAY, 1);
	RET("pushed by nodelay", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	set_opt(p[0], IPPROTO_TCP, TCP_CORK, 1);
	write(p[0], "x", 1);
	RET("the cork is stronger", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	shutdown(p[0], SHUT_WR);
	RET("the end pushes", recv(p[1], buf, sizeof(buf), 0));
	close(p[0]);
	close(p[1]);
}

static void waitall(void)
{
	int p[2];
	char buf[16];
	struct timeval tv = { 0, 30000 };
	pid_t pid;

	tcp_pair_alone(p);
	pid = MUST(fork());
	if (!pid)
		_exit(recv(p[1], buf, 6, MSG_WAITALL));
	until_asleep(pid);
	write(p[0], "abc", 3);
	until_asleep(pid);
	write(p[0], "defg", 4);
	say("waited for all", "%s", reap(pid));
	setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	RET("some in time", recv(p[1], buf, 6, MSG_WAITALL));
	RET("none in time", recv(p[1], buf, 6, MSG_WAITALL));
	write(p[0], "xy", 2);
	RET("peeked, not all", recv(p[1], buf, 6, MSG_PEEK | MSG_WAITALL));
	shutdown(p[0], SHUT_WR);
	RET("all before the end", recv(p[1], buf, 6, MSG_WAITALL));
	RET("of nothing", recv(p[1], buf, 0, 0));
	RET("error queue", recv(p[1], buf, 6, MSG_ERRQUEUE));
	close(p[0]);
	close(p[1]);
}

void abi_test(void)
{
	loopback_up();
	states();
	reset();
	edges();
	amounts();
	corked();
	waitall();
}
