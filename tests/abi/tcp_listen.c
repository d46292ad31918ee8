/* Listening: sharing of ports, backlog, closing with connections that wait, descriptors that share a queue: listen(2), socket(7). */
#include "tcp.h"
#include <sys/epoll.h>

static void binding(void)
{
	int a = tcp(), b = tcp(), c = tcp();

	OK("bind", try_bind(a, "127.0.0.1", 7020));
	RET("again", try_bind(a, "127.0.0.1", 7021));
	RET("taken", try_bind(b, "127.0.0.1", 7020));
	RET("taken by any", try_bind(b, "0.0.0.0", 7020));
	RET("not ours", try_bind(b, "192.0.2.1", 7020));
	OK("other address", try_bind(b, "127.0.0.2", 7020));
	RET("to a group", try_bind(c, "224.0.0.1", 7020));
	close(a);
	close(b);
	close(c);
	a = tcp();
	b = tcp();
	set_opt(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_opt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	OK("reuse", try_bind(a, "127.0.0.1", 7020));
	OK("both reuse", try_bind(b, "127.0.0.1", 7020));
	OK("first listens", listen(a, 1));
	RET("second cannot", listen(b, 1));
	close(b);
	b = tcp();
	set_opt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	RET("beside a listener", try_bind(b, "127.0.0.1", 7020));
	close(a);
	OK("after the listener", try_bind(b, "127.0.0.1", 7020));
	close(b);
	a = tcp();
	b = tcp();
	c = tcp();
	set_opt(a, SOL_SOCKET, SO_REUSEPORT, 1);
	set_opt(b, SOL_SOCKET, SO_REUSEPORT, 1);
	OK("group", try_bind(a, "127.0.0.1", 7020));
	OK("group of two", try_bind(b, "127.0.0.1", 7020));
	OK("listen in a group", listen(a, 8));
	OK("two listen", listen(b, 8));
	RET("not of the group", try_bind(c, "127.0.0.1", 7020));
	close(a);
	close(b);
	close(c);
	a = tcp();
	OK("listen without a name", listen(a, 1));
	name("its name", a, getsockname);
	OK("listen again", listen(a, 5));
	RET("connect a listener", try_connect(a, "127.0.0.1", 7020));
	char x;

	RET("recv of a listener", recv(a, &x, 1, 0));
	RET("send to a listener", send(a, "x", 1, MSG_NOSIGNAL));
	RET("inq of a listener", ioctl(a, FIONREAD, &x));
	close(a);
}

static void group(void)
{
	int l[2], got[2] = { 0, 0 }, port = 0;

	for (int i = 0; i < 2; i++) {
		l[i] = tcp();
		set_opt(l[i], SOL_SOCKET, SO_REUSEPORT, 1);
		MUST(try_bind(l[i], "127.0.0.1", port));
		MUST(listen(l[i], 128));
		port = port_of(l[i]);
		fcntl(l[i], F_SETFL, O_NONBLOCK);
	}
	for (int i = 0; i < 64; i++) {
		int c = tcp(), s;

		MUST(try_connect(c, "127.0.0.1", port));
		for (int k = 0; k < 2; k++)
			while ((s = accept(l[k], NULL, NULL)) >= 0) {
				got[k]++;
				close(s);
			}
		close(c);
	}
	say("group of 64", "%d in all, both took part: %s", got[0] + got[1], got[0] > 8 && got[1] > 8 ? "yes" : "no");
	close(l[0]);
	close(l[1]);
}

static void backlog(void)
{
	int l = tcp(), c[3];
	struct pollfd p;

	MUST(try_bind(l, "127.0.0.1", 0));
	MUST(listen(l, 1));
	int port = port_of(l);

	for (int i = 0; i < 2; i++) {
		c[i] = tcp();
		OK("within the backlog", try_connect(c[i], "127.0.0.1", port));
	}
	c[2] = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	RET("one too many", try_connect(c[2], "127.0.0.1", port));
	p = (struct pollfd){ .fd = c[2], .events = POLLOUT };
	RET("not yet", poll(&p, 1, 100));
	for (int i = 0; i < 2; i++)
		close(MUST(accept(l, NULL, NULL)));
	RET("once there is room", poll(&p, 1, 5000));
	HEX("it is connected", p.revents);
	close(MUST(accept(l, NULL, NULL)));
	for (int i = 0; i < 3; i++)
		close(c[i]);
	close(l);
}

static void closing(void)
{
	int l = listener_any(), c = tcp(), d = tcp(), port = port_of(l);
	char x;

	MUST(try_connect(c, "127.0.0.1", port));
	close(l);
	RET("never accepted", recv(c, &x, 1, 0));
	RET("after that", recv(c, &x, 1, 0));
	RET("nobody listens", try_connect(d, "127.0.0.1", port));
	close(c);
	close(d);
	l = listener_any();
	port = port_of(l);
	c = tcp();
	MUST(try_connect(c, "127.0.0.1", port));
	OK("stop listening", shutdown(l, SHUT_RD));
	RET("accept then", accept(l, NULL, NULL));
	RET("its client", recv(c, &x, 1, 0));
	OK("listen once more", listen(l, 3));
	YES("on another port", port_of(l) != port);
	port = port_of(l);
	close(c);
	c = tcp();
	OK("a client again", try_connect(c, "127.0.0.1", port));
	OK("shut for writing", shutdown(l, SHUT_WR));
	int s = MUST(accept(l, NULL, NULL));

	close(s);
	close(c);
	close(l);
}

/* A connection that its client reset while it waited for accept. */
static void gone(void)
{
	int l = listener_any(), c = tcp(), port = port_of(l), s;
	struct linger lg = { 1, 0 };
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	char x;

	MUST(try_connect(c, "127.0.0.1", port));
	setsockopt(c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(c);
	s = MUST(accept(l, NULL, NULL));
	RET("its peer", getpeername(s, (void *)&a, &n));
	RET("reading it", recv(s, &x, 1, 0));
	close(s);
	c = tcp();
	MUST(try_connect(c, "127.0.0.1", port));
	write(c, "bye", 3);
	close(c);
	s = MUST(accept(l, NULL, NULL));
	char buf[8];

	RET("what it said", read(s, buf, sizeof(buf)));
	RET("and the end", read(s, buf, sizeof(buf)));
	VAL("half closed", tcp_state(s));
	close(s);
	close(l);
}

static void waiting(void)
{
	int l = listener_any(), port = port_of(l);
	struct timeval tv = { 0, 50000 };
	pid_t pid;

	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	RET("nobody came in time", accept(l, NULL, NULL));
	tv.tv_usec = 0;
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	pid = MUST(fork());
	if (!pid) {
		int s = accept(l, NULL, NULL);
		char buf[8] = "";

		read(s, buf, sizeof(buf));
		_exit(strcmp(buf, "wake") != 0);
	}
	until_asleep(pid);
	int c = tcp();

	MUST(try_connect(c, "127.0.0.1", port));
	until_asleep(pid);
	write(c, "wake", 4);
	say("a sleeper in accept and read", "%s", reap(pid));
	close(c);
	close(l);
}

static void deferred(void)
{
	int l = listener_any(), c = tcp(), port = port_of(l);
	struct pollfd p = { .fd = l, .events = POLLIN };

	OK("defer", set_opt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 10));
	OK("connect", try_connect(c, "127.0.0.1", port));
	RET("nothing to accept", poll(&p, 1, 50));
	write(c, "data", 4);
	RET("now there is", poll(&p, 1, 5000));
	int s = MUST(accept(l, NULL, NULL));
	char buf[8];

	RET("with data", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	close(s);
	close(c);
	close(l);
}

/* A server that begins anew while its old connections are in TIME_WAIT. */
static void restarted(void)
{
	int l = listener_any(), p[2], s = tcp(), port = port_of(l);
	char x;

	tcp_pair(l, p);
	close(p[1]);
	read(p[0], &x, 1);
	close(p[0]);
	close(l);
	RET("without reuse", try_bind(s, "127.0.0.1", port));
	set_opt(s, SOL_SOCKET, SO_REUSEADDR, 1);
	OK("with reuse", try_bind(s, "127.0.0.1", port));
	close(s);
}

void abi_test(void)
{
	loopback_up();
	binding();
	group();
	backlog();
	closing();
	gone();
	waiting();
	deferred();
	restarted();
}
