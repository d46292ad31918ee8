/* TCP Fast Open over lo: the cookie, data with the SYN, the calls: RFC 7413, tcp(7), ip-sysctl.rst. */
#include "tcp.h"

#define SYSCTL "/proc/sys/net/ipv4/tcp_fastopen"

static long send_open(int s, const char *ip, int port, const char *text)
{
	struct sockaddr_in a = at4(ip, port);

	return sendto(s, text, strlen(text), MSG_FASTOPEN, (void *)&a, sizeof(a));
}

static int syn_data(int s)
{
	struct tcp_info i = { 0 };
	socklen_t n = sizeof(i);

	getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &n);
	return (i.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
}

static int open_listener(int qlen)
{
	int l = tcp();

	MUST(try_bind(l, "0.0.0.0", 0));
	if (qlen)
		MUST(set_opt(l, IPPROTO_TCP, TCP_FASTOPEN, qlen));
	MUST(listen(l, 8));
	return l;
}

/* One connection whose client says @text with its SYN, if it may. */
static void one(const char *what, int l, const char *ip, const char *text)
{
	int c = tcp(), s;
	char buf[64];

	RET(what, send_open(c, ip, port_of(l), text));
	s = MUST(accept(l, NULL, NULL));
	RET("heard", read(s, buf, sizeof(buf)));
	RET("answered", write(s, "answer", 6));
	RET("back", read(c, buf, sizeof(buf)));
	say("with the SYN", "client %d server %d", syn_data(c), syn_data(s));
	close(s);
	RET("end", read(c, buf, sizeof(buf)));
	close(c);
}

static void options(void)
{
	int s = tcp();

	number_opt("TCP_FASTOPEN first", s, IPPROTO_TCP, TCP_FASTOPEN);
	RET("negative", set_opt(s, IPPROTO_TCP, TCP_FASTOPEN, -1));
	RET("before listen", set_opt(s, IPPROTO_TCP, TCP_FASTOPEN, 5));
	number_opt("TCP_FASTOPEN now", s, IPPROTO_TCP, TCP_FASTOPEN);
	MUST(try_bind(s, "127.0.0.1", 0));
	MUST(listen(s, 2));
	RET("while listening", set_opt(s, IPPROTO_TCP, TCP_FASTOPEN, 3));
	number_opt("TCP_FASTOPEN then", s, IPPROTO_TCP, TCP_FASTOPEN);
	close(s);
	s = tcp();
	number_opt("TCP_FASTOPEN_CONNECT first", s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT);
	RET("of two", set_opt(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2));
	RET("of one", set_opt(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	number_opt("TCP_FASTOPEN_CONNECT now", s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT);
	RET("short key", setsockopt(s, IPPROTO_TCP, TCP_FASTOPEN_KEY, "0123", 4));
	close(s);
}

static void connected_by_option(int l)
{
	int c = tcp(), s;
	char buf[64];

	MUST(set_opt(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	OK("deferred connect", try_connect(c, "127.0.0.1", port_of(l)));
	poll_now("before the first write", c);
	RET("first write", write(c, "first", 5));
	s = MUST(accept(l, NULL, NULL));
	RET("heard", read(s, buf, sizeof(buf)));
	RET("second write", write(c, "2nd", 3));
	RET("heard too", read(s, buf, sizeof(buf)));
	say("by option", "client %d server %d", syn_data(c), syn_data(s));
	close(c);
	close(s);
}

static void nonblocking(int l)
{
	int c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), s;
	char buf[16];

	RET("nonblocking with a cookie", send_open(c, "127.0.0.1", port_of(l), "nonblock"));
	s = MUST(accept(l, NULL, NULL));
	RET("heard", read(s, buf, sizeof(buf)));
	close(c);
	close(s);
	c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	RET("nonblocking without one", send_open(c, "127.0.0.3", port_of(l), "nonblock"));
	s = MUST(accept(l, NULL, NULL));
	RET("nothing was kept", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	close(c);
	close(s);
}

static void refusals(int l)
{
	int c = tcp();

	RET("without an address", send(c, "x", 1, MSG_FASTOPEN));
	MUST(try_connect(c, "127.0.0.1", port_of(l)));
	RET("while connected", send_open(c, "127.0.0.1", port_of(l), "x"));
	close(c);
	close(MUST(accept(l, NULL, NULL)));
	c = tcp();
	RET("to nobody", send_open(c, "127.0.0.9", 7044, "x"));
	close(c);
	MUST(poke_file(SYSCTL, "0"));
	c = tcp();
	RET("switched off", send_open(c, "127.0.0.1", port_of(l), "x"));
	RET("option too", set_opt(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	close(c);
}

void abi_test(void)
{
	char text[16];

	loopback_up();
	snprintf(text, sizeof(text), "%s", get_file(SYSCTL));
	text[strcspn(text, "\n")] = 0;
	STR("sysctl first", text);
	options();
	MUST(poke_file(SYSCTL, "3"));
	int l = open_listener(5), plain = open_listener(0);

	one("the first time", l, "127.0.0.1", "hello");
	one("with a cookie", l, "127.0.0.1", "hello again");
	one("once more", l, "127.0.0.1", "and again");
	connected_by_option(l);
	nonblocking(l);
	one("to one that does not want it", plain, "127.0.0.1", "plain");
	refusals(l);
	MUST(poke_file(SYSCTL, "1"));
	close(l);
	close(plain);
}
