/* TCP over IPv6 on lo: names, a listener for both versions, mapped addresses, /proc/net/tcp6.  Source: ipv6(7), tcp(7), RFC 3493. */
#include "inet.h"
#include <netinet/tcp.h>

static int tcp6(void) { return socket(AF_INET6, SOCK_STREAM, 0); }

static void show_name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in6 a = { 0 };
	socklen_t n = sizeof(a);
	char text[64];

	if (get(s, (void *)&a, &n)) {
		abi_ret(what, -1);
		return;
	}
	say(what, "family %d len %u %s port %s", a.sin6_family, n, inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof(text)),
	    ntohs(a.sin6_port) >= 32768 ? "chosen" : ntohs(a.sin6_port) ? "given" : "none");
}

static int option(int s, int level, int name)
{
	int v = -99;
	socklen_t n = sizeof(v);

	MUST(getsockopt(s, level, name, &v, &n));
	return v;
}

static int listener(const char *ip, int port, int only)
{
	struct sockaddr_in6 a = at6(ip, port);
	int s = tcp6(), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)));
	MUST(bind(s, (void *)&a, sizeof(a)));
	MUST(listen(s, 5));
	return s;
}

static void talk(const char *who, int from, int to)
{
	char name[60], buf[16];

	snprintf(name, sizeof(name), "%s: sent", who);
	RET(name, send(from, "hello", 5, 0));
	snprintf(name, sizeof(name), "%s: received", who);
	RET(name, recv(to, buf, sizeof(buf), 0));
}

static void both_versions(void)
{
	struct sockaddr_in6 a = at6("::1", 7000), mapped = at6("::ffff:127.0.0.1", 7000);
	struct sockaddr_in a4 = at4("127.0.0.1", 7000);
	int l = listener("::", 7000, 0), c, s;

	c = tcp6();
	RET("connect to ::1", connect(c, (void *)&a, sizeof(a)));
	s = accept(l, NULL, NULL);
	show_name("the client's name", c, getsockname);
	show_name("the client's peer", c, getpeername);
	show_name("the server's name", s, getsockname);
	show_name("the server's peer", s, getpeername);
	VAL("its MSS", option(c, IPPROTO_TCP, TCP_MAXSEG));
	talk("IPv6", c, s);
	talk("IPv6 back", s, c);
	RET("connect again", connect(c, (void *)&a, sizeof(a)));
	close(c);
	close(s);
	c = socket(AF_INET, SOCK_STREAM, 0);
	RET("connect from IPv4", connect(c, (void *)&a4, sizeof(a4)));
	s = accept(l, NULL, NULL);
	show_name("the server's name for IPv4", s, getsockname);
	show_name("the server's peer for IPv4", s, getpeername);
	talk("IPv4", c, s);
	close(c);
	close(s);
	c = tcp6();
	RET("connect, mapped", connect(c, (void *)&mapped, sizeof(mapped)));
	s = accept(l, NULL, NULL);
	show_name("name of mapped", c, getsockname);
	show_name("peer of mapped", c, getpeername);
	VAL("MSS of mapped", option(c, IPPROTO_TCP, TCP_MAXSEG));
	talk("mapped", c, s);
	close(c);
	close(s);
	c = tcp6();
	a = at6("::", 7000);
	RET("connect to ::", connect(c, (void *)&a, sizeof(a)));
	show_name("peer of ::", c, getpeername);
	close(c);
	close(l);
}

static void refusals(void)
{
	struct sockaddr_in6 a = at6("::1", 7100), mapped = at6("::ffff:127.0.0.1", 7100);
	struct sockaddr_in a4 = at4("127.0.0.1", 7100);
	int l = listener("::", 7100, 1), c = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	RET("IPv4 to a v6only listener", connect(c, (void *)&a4, sizeof(a4)));
	close(c);
	c = tcp6();
	RET("AF_INET address on AF_INET6", connect(c, (void *)&a4, sizeof(a4)));
	RET("short address", connect(c, (void *)&a, 20));
	a = at6("fe80::1", 7100);
	RET("link-local without a scope", connect(c, (void *)&a, sizeof(a)));
	a = at6("2001:db8::1", 7100);
	RET("no route", connect(c, (void *)&a, sizeof(a)));
	a = at6("ff02::1", 7100);
	a.sin6_scope_id = 1;
	RET("a group", connect(c, (void *)&a, sizeof(a)));
	close(c);
	c = tcp6();
	a = at6("::1", 7199);
	RET("nobody there", connect(c, (void *)&a, sizeof(a)));
	close(c);
	c = tcp6();
	MUST(setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	RET("mapped though v6only", connect(c, (void *)&mapped, sizeof(mapped)));
	close(c);
	c = tcp6();
	RET("join a group", setsockopt(c, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &one, sizeof(one)));
	close(c);
	/* beside a v6only listener IPv4 has its own */
	c = socket(AF_INET, SOCK_STREAM, 0);
	MUST(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	RET("IPv4 bind beside it", bind(c, (void *)&a4, sizeof(a4)));
	RET("IPv4 listen beside it", listen(c, 1));
	close(c);
	close(l);
	l = listener("::", 7101, 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	a4 = at4("127.0.0.1", 7101);
	MUST(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	RET("IPv4 bind beside one for both", bind(c, (void *)&a4, sizeof(a4)));
	close(c);
	close(l);
}

/* The line of a listener on [::]:7200 and those of a connection, as far as they are always the same. */
static void listing(void)
{
	struct sockaddr_in6 a = at6("::1", 7200);
	int l = listener("::", 7200, 0), c = tcp6(), s;
	char line[400], text[8192];
	FILE *f;

	MUST(connect(c, (void *)&a, sizeof(a)));
	s = accept(l, NULL, NULL);
	f = fopen("/proc/net/tcp6", "r");
	MUST(f ? 0 : -1);
	while (fgets(line, sizeof(line), f)) {
		char local[40], remote[40];
		unsigned state, lport, rport;

		if (sscanf(line, " %*d: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X", local, &lport, remote, &rport, &state) != 5) {
			line[strcspn(line, "\n")] = 0;
			say("head", "%s", line);
		} else if (lport == 7200) {
			snprintf(text, sizeof(text), "state %u", state);
			say(text, "%s to %s port %s", local, remote, rport ? "some" : "none");
		}
	}
	fclose(f);
	close(c);
	close(s);
	close(l);
}

void abi_test(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(ioctl(s, SIOCSIFFLAGS, &up));
	close(s);
	both_versions();
	refusals();
	listing();
}
