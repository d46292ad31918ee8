/* TCP over lo: sockets, names, connecting, bytes both ways, the end: tcp(7), connect(2), accept(2). */
#include "tcp.h"

static void fresh(void)
{
	int s = tcp();
	char c;

	OK("protocol tcp", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
	RET("protocol udp", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	name("fresh local", s, getsockname);
	name("fresh peer", s, getpeername);
	RET("fresh recv", recv(s, &c, 1, 0));
	RET("fresh send", send(s, "x", 1, MSG_NOSIGNAL));
	CHILD("fresh send signals", send(s, "x", 1, 0));
	RET("fresh accept", accept(s, NULL, NULL));
	RET("fresh shutdown", shutdown(s, SHUT_WR));
	poll_now("fresh poll", s);
	VAL("fresh error", so_error(s));
	close(s);
}

static void refused(void)
{
	struct sockaddr_in a = at4("127.0.0.1", 7);
	int s = tcp();

	RET("nobody there", try_connect(s, "127.0.0.1", 7001));
	VAL("refused error", so_error(s));
	poll_now("refused poll", s);
	name("refused peer", s, getpeername);
	RET("nobody there again", try_connect(s, "127.0.0.1", 7001));
	RET("short address", connect(s, (void *)&a, 8));
	a.sin_family = AF_UNIX;
	RET("other family", connect(s, (void *)&a, sizeof(a)));
	RET("to a group", try_connect(s, "224.0.0.1", 7001));
	RET("to broadcast", try_connect(s, "255.255.255.255", 7001));
	close(s);
}

static void connected(void)
{
	int l = listener(7000), c = tcp(), s;
	struct sockaddr_in peer = { 0 };
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	socklen_t n = sizeof(peer);
	char buf[64];

	OK("connect", try_connect(c, "127.0.0.1", 7000));
	name("client local", c, getsockname);
	name("client peer", c, getpeername);
	RET("connect twice", try_connect(c, "127.0.0.1", 7000));
	RET("bind late", try_bind(c, "127.0.0.1", 7005));
	RET("listen while connected", listen(c, 1));
	poll_now("listener ready", l);
	s = MUST(accept(l, (void *)&peer, &n));
	say("accepted from", "%s, %d bytes", inet_ntoa(peer.sin_addr), (int)n);
	poll_now("listener empty", l);
	name("server local", s, getsockname);
	name("server peer", s, getpeername);
	poll_now("idle", c);
	RET("send", send(c, "hello", 5, 0));
	RET("recv", recv(s, buf, sizeof(buf), 0));
	say("bytes", "%.5s", buf);
	RET("nothing there", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	RET("sendto with an address", sendto(c, "again", 5, 0, (void *)&peer, sizeof(peer)));
	RET("peek", recv(s, buf, 3, MSG_PEEK));
	RET("truncate", recv(s, NULL, 2, MSG_TRUNC));
	n = sizeof(peer);
	RET("the rest", recvfrom(s, buf, sizeof(buf), 0, (void *)&peer, &n));
	say("rest", "%.3s, address of %d bytes", buf, (int)n);
	RET("writev", writev(s, (struct iovec[]){ { "ab", 2 }, { "cd", 2 } }, 2));
	RET("read", read(c, buf, sizeof(buf)));
	close(s);
	poll_now("peer closed", c);
	RET("end of file", read(c, buf, sizeof(buf)));
	RET("end of file again", read(c, buf, sizeof(buf)));
	RET("write after the peer's close", write(c, "x", 1));
	RET("read after a reset", read(c, buf, sizeof(buf)));
	RET("send after a reset", send(c, "x", 1, MSG_NOSIGNAL));
	poll_now("reset", c);
	close(c);
	c = tcp();
	OK("connect once more", try_connect(c, "127.0.0.1", 7000));
	OK("dissolve", connect(c, &unspec, sizeof(unspec)));
	name("dissolved peer", c, getpeername);
	OK("connect after that", try_connect(c, "127.0.0.1", 7000));
	close(c);
	close(l);
}

static void nonblocking(void)
{
	int l = listener(7000), c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), s;
	char buf[16];

	RET("nonblocking connect", try_connect(c, "127.0.0.1", 7000));
	poll_now("connected", c);
	VAL("its error", so_error(c));
	RET("asked again", try_connect(c, "127.0.0.1", 7000));
	RET("and again", try_connect(c, "127.0.0.1", 7000));
	s = MUST(accept4(l, NULL, NULL, SOCK_NONBLOCK));
	RET("recv would block", recv(s, buf, 1, 0));
	fcntl(l, F_SETFL, O_NONBLOCK);
	RET("accept would block", accept(l, NULL, NULL));
	close(c);
	close(s);
	c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	RET("nonblocking to nobody", try_connect(c, "127.0.0.1", 7001));
	poll_now("refused", c);
	RET("told by connect", try_connect(c, "127.0.0.1", 7001));
	VAL("error was taken", so_error(c));
	close(c);
	close(l);
}

static void self(void)
{
	int s = tcp();
	char buf[8];

	MUST(try_bind(s, "127.0.0.1", 7009));
	OK("to itself", try_connect(s, "127.0.0.1", 7009));
	RET("talks to itself", write(s, "echo", 4));
	RET("hears itself", read(s, buf, sizeof(buf)));
	close(s);
}

static void much(void)
{
	int l = listener(7000), c = tcp(), s;
	static char out[100000], in[100000];
	long total = 0, sum = 0;
	pid_t pid;

	MUST(try_connect(c, "127.0.0.1", 7000));
	s = MUST(accept(l, NULL, NULL));
	pid = MUST(fork());
	if (!pid) {
		for (int round = 0; round < 50; round++) {
			memset(out, round, sizeof(out));
			if (write(c, out, sizeof(out)) != sizeof(out))
				_exit(1);
		}
		_exit(0);
	}
	close(c);
	for (long n; (n = read(s, in, sizeof(in))) > 0; total += n)
		for (long i = 0; i < n; i++)
			sum += in[i];
	say("writer", "%s", reap(pid));
	VAL("bytes in all", total);
	VAL("their sum", sum);
	close(s);
	close(l);
}

void abi_test(void)
{
	loopback_up();
	fresh();
	refused();
	connected();
	nonblocking();
	self();
	much();
}
