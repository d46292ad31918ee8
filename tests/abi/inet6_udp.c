/* UDP over IPv6 on lo: names, wildcards of both versions, mapped addresses, scopes, options, ancillary data.  Source: ipv6(7), RFC 3493, RFC 3542. */
#include "inet.h"

static int udp6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }

static int try_bind(int s, const char *ip, int port)
{
	struct sockaddr_in6 a = at6(ip, port);

	return bind(s, (void *)&a, sizeof(a));
}

static int try_bind4(int s, const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);

	return bind(s, (void *)&a, sizeof(a));
}

static int try_connect(int s, const char *ip, int port, int scope)
{
	struct sockaddr_in6 a = at6(ip, port);

	a.sin6_scope_id = scope;
	return connect(s, (void *)&a, sizeof(a));
}

static int only(int s, int v) { return setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v)); }

static void show_name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in6 a = { 0 };
	socklen_t n = sizeof(a);
	char text[64];

	if (get(s, (void *)&a, &n)) {
		abi_ret(what, -1);
		return;
	}
	say(what, "family %d len %u %s port %s scope %u", a.sin6_family, n, inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof(text)),
	    ntohs(a.sin6_port) >= 32768 ? "chosen" : ntohs(a.sin6_port) ? "given" : "none", a.sin6_scope_id);
}

static void show_option(const char *what, int s, int name)
{
	int v = -99;
	socklen_t n = sizeof(v);

	if (getsockopt(s, IPPROTO_IPV6, name, &v, &n))
		abi_ret(what, -1);
	else
		say(what, "%d len %u", v, n);
}

static void set_option(const char *what, int s, int name, int v)
{
	RET(what, setsockopt(s, IPPROTO_IPV6, name, &v, sizeof(v)));
}

static void creation(void)
{
	static const struct { int type, protocol; } kinds[] = {
		{ SOCK_DGRAM, 0 }, { SOCK_DGRAM, IPPROTO_UDP }, { SOCK_DGRAM, IPPROTO_TCP }, { SOCK_SEQPACKET, 0 }, { SOCK_DGRAM, 300 },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char name[60];
		int s = socket(AF_INET6, kinds[i].type, kinds[i].protocol);

		snprintf(name, sizeof(name), "type %d protocol %d", kinds[i].type, kinds[i].protocol);
		say(name, "%s", s < 0 ? err_name(errno) : "a socket");
		close(s);
	}
}

static void names(void)
{
	struct sockaddr_in6 a;
	int s = udp6();

	show_name("name before", s, getsockname);
	show_name("peer before", s, getpeername);
	a = at6("::1", 4000);
	RET("bind, 20 bytes", bind(s, (void *)&a, 20));
	a.sin6_family = AF_UNIX;
	RET("bind, wrong family", bind(s, (void *)&a, sizeof(a)));
	a.sin6_family = AF_UNSPEC;
	RET("bind, no family", bind(s, (void *)&a, sizeof(a)));
	RET("bind, IPv4 address", try_bind4(s, "127.0.0.1", 4000));
	RET("bind, not ours", try_bind(s, "2001:db8::1", 4000));
	RET("bind, link-local without a scope", try_bind(s, "fe80::1", 4000));
	a = at6("fe80::1", 4000);
	a.sin6_scope_id = if_nametoindex("lo");
	RET("bind, link-local that is not ours", bind(s, (void *)&a, sizeof(a)));
	close(s);
	s = udp6();
	a.sin6_scope_id = 999;
	RET("bind, link-local of no device", bind(s, (void *)&a, sizeof(a)));
	close(s);
	s = udp6();
	a = at6("::1", 4000);
	RET("bind, 24 bytes", bind(s, (void *)&a, 24));
	show_name("name", s, getsockname);
	RET("bind again", try_bind(s, "::1", 4001));
	close(s);
	s = udp6();
	a = at6("::1", 4000);
	a.sin6_scope_id = 7;
	RET("bind, a scope where none is needed", bind(s, (void *)&a, sizeof(a)));
	show_name("its scope", s, getsockname);
	close(s);
	s = udp6();
	RET("bind, mapped", try_bind(s, "::ffff:127.0.0.1", 4000));
	show_name("its name", s, getsockname);
	close(s);
	s = udp6();
	RET("v6only", only(s, 1));
	RET("bind, mapped but v6only", try_bind(s, "::ffff:127.0.0.1", 4000));
	RET("bind, any", try_bind(s, "::", 0));
	RET("v6only after bind", only(s, 0));
	close(s);
}

/* Whether one of @second can be bound beside @first. */
static void beside(const char *name, const char *first, bool only_first, const char *second, bool only_second)
{
	int a = strchr(first, ':') ? udp6() : socket(AF_INET, SOCK_DGRAM, 0), b = strchr(second, ':') ? udp6() : socket(AF_INET, SOCK_DGRAM, 0), r;

	if (only_first)
		only(a, 1);
	if (only_second)
		only(b, 1);
	MUST(strchr(first, ':') ? try_bind(a, first, 4100) : try_bind4(a, first, 4100));
	r = strchr(second, ':') ? try_bind(b, second, 4100) : try_bind4(b, second, 4100);
	abi_ret(name, r);
	close(a);
	close(b);
}

static void sharing(void)
{
	beside("any6 beside 0.0.0.0", "0.0.0.0", false, "::", false);
	beside("any6 v6only beside 0.0.0.0", "0.0.0.0", false, "::", true);
	beside("0.0.0.0 beside ::", "::", false, "0.0.0.0", false);
	beside("0.0.0.0 beside :: v6only", "::", true, "0.0.0.0", false);
	beside("127.0.0.1 beside ::", "::", false, "127.0.0.1", false);
	beside("127.0.0.1 beside ::1", "::1", false, "127.0.0.1", false);
	beside("0.0.0.0 beside ::1", "::1", false, "0.0.0.0", false);
	beside("mapped beside 127.0.0.1", "127.0.0.1", false, "::ffff:127.0.0.1", false);
	beside("lo6 beside ::", "::", false, "::1", false);
	beside("lo6 beside ::1", "::1", false, "::1", false);
}

static void passing(void)
{
	struct sockaddr_in6 to = at6("::1", 4200), from;
	struct sockaddr_in to4 = at4("127.0.0.1", 4200);
	socklen_t n = sizeof(from);
	char buf[100], text[64];
	int a = udp6(), b = udp6(), v4 = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(try_bind(b, "::", 4200));
	RET("send to ::1", sendto(a, "hello", 5, 0, (void *)&to, sizeof(to)));
	RET("received", recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &n));
	say("from", "%s len %u", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)), n);
	RET("answer", sendto(b, "back", 4, 0, (void *)&from, n));
	RET("answered", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	RET("from IPv4", sendto(v4, "four", 4, 0, (void *)&to4, sizeof(to4)));
	n = sizeof(from);
	RET("received from IPv4", recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &n));
	say("from IPv4", "%s len %u", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text)), n);
	RET("answer to IPv4", sendto(b, "back", 4, 0, (void *)&from, n));
	RET("IPv4 was answered", recv(v4, buf, sizeof(buf), MSG_DONTWAIT));
	to = at6("::", 4200);
	RET("send to ::", sendto(a, "self", 4, 0, (void *)&to, sizeof(to)));
	RET("received by self", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	RET("send to an AF_INET address", sendto(a, "x", 1, 0, (void *)&to4, sizeof(to4)));
	n = sizeof(from);
	RET("it came", recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &n));
	to = at6("::1", 0);
	RET("send to port 0", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	to = at6("2001:db8::1", 4200);
	RET("send to where no route is", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	to = at6("fe80::1", 4200);
	RET("send to a link-local address without a scope", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	RET("send without a destination", send(a, "x", 1, 0));
	to = at6("::1", 4200);
	RET("a short address", sendto(a, "x", 1, 0, (void *)&to, 20));
	to.sin6_family = AF_UNIX;
	RET("a wrong family", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	to = at6("::1", 4200);
	static char large[65536];
	RET("the largest", sendto(a, large, 65507, 0, (void *)&to, sizeof(to)));
	RET("one more", sendto(a, large, 65508, 0, (void *)&to, sizeof(to)));
	RET("65527", sendto(a, large, 65527, 0, (void *)&to, sizeof(to)));
	RET("65528", sendto(a, large, 65528, 0, (void *)&to, sizeof(to)));
	close(b);
	only(a, 1);
	to = at6("::ffff:127.0.0.1", 4200);
	RET("mapped though v6only", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	close(a);
	a = udp6();
	only(a, 1);
	RET("mapped though v6only, fresh", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	RET("AF_INET though v6only, fresh", sendto(a, "x", 1, 0, (void *)&to4, sizeof(to4)));
	close(a);
	close(v4);
}

static void connecting(void)
{
	struct sockaddr_in a4 = at4("127.0.0.1", 4300);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int s = udp6();

	RET("connect", try_connect(s, "::1", 4300, 0));
	show_name("its name", s, getsockname);
	show_name("its peer", s, getpeername);
	RET("connect elsewhere", try_connect(s, "::1", 4301, 0));
	RET("dissolve", connect(s, &none, sizeof(none)));
	show_name("name then", s, getsockname);
	show_name("peer then", s, getpeername);
	close(s);
	s = udp6();
	RET("connect, mapped", try_connect(s, "::ffff:127.0.0.1", 4300, 0));
	show_name("name of mapped", s, getsockname);
	show_name("peer of mapped", s, getpeername);
	close(s);
	s = udp6();
	RET("connect, AF_INET", connect(s, (void *)&a4, sizeof(a4)));
	show_name("name of AF_INET", s, getsockname);
	show_name("peer of AF_INET", s, getpeername);
	close(s);
	s = udp6();
	RET("connect to ::", try_connect(s, "::", 4300, 0));
	show_name("peer of ::", s, getpeername);
	close(s);
	s = udp6();
	RET("connect, link-local without a scope", try_connect(s, "fe80::1", 4300, 0));
	RET("connect, no route", try_connect(s, "2001:db8::1", 4300, 0));
	close(s);
	s = udp6();
	only(s, 1);
	RET("connect, mapped though v6only", try_connect(s, "::ffff:127.0.0.1", 4300, 0));
	RET("connect, AF_INET though v6only", connect(s, (void *)&a4, sizeof(a4)));
	close(s);
	s = udp6();
	MUST(try_bind(s, "::1", 0));
	RET("bound to ::1, connect mapped", try_connect(s, "::ffff:127.0.0.1", 4300, 0));
	close(s);
	s = udp6();
	MUST(try_bind(s, "::ffff:127.0.0.1", 0));
	RET("bound to mapped, connect ::1", try_connect(s, "::1", 4300, 0));
	close(s);
	s = udp6();
	MUST(try_connect(s, "::1", 4399, 0));
	RET("send to nobody", send(s, "x", 1, 0));
	RET("hears of it", recv(s, &none, 1, MSG_DONTWAIT));
	close(s);
}

static void options(void)
{
	int s = udp6(), v4 = socket(AF_INET, SOCK_DGRAM, 0), v = 0;
	socklen_t n = sizeof(v);

	show_option("UNICAST_HOPS", s, IPV6_UNICAST_HOPS);
	set_option("set it to 300", s, IPV6_UNICAST_HOPS, 300);
	set_option("set it to 0", s, IPV6_UNICAST_HOPS, 0);
	show_option("then", s, IPV6_UNICAST_HOPS);
	set_option("set it to -1", s, IPV6_UNICAST_HOPS, -1);
	show_option("back", s, IPV6_UNICAST_HOPS);
	show_option("MULTICAST_HOPS", s, IPV6_MULTICAST_HOPS);
	set_option("set them to 256", s, IPV6_MULTICAST_HOPS, 256);
	set_option("set them to 5", s, IPV6_MULTICAST_HOPS, 5);
	show_option("now", s, IPV6_MULTICAST_HOPS);
	show_option("MULTICAST_LOOP", s, IPV6_MULTICAST_LOOP);
	set_option("set it to 2", s, IPV6_MULTICAST_LOOP, 2);
	show_option("TCLASS", s, IPV6_TCLASS);
	set_option("set TCLASS to 256", s, IPV6_TCLASS, 256);
	set_option("set TCLASS to 0x28", s, IPV6_TCLASS, 0x28);
	show_option("TCLASS then", s, IPV6_TCLASS);
	set_option("set TCLASS to -1", s, IPV6_TCLASS, -1);
	show_option("TCLASS back", s, IPV6_TCLASS);
	show_option("V6ONLY", s, IPV6_V6ONLY);
	show_option("MTU_DISCOVER", s, IPV6_MTU_DISCOVER);
	set_option("set it to 9", s, IPV6_MTU_DISCOVER, 9);
	set_option("set it to PROBE", s, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	show_option("MTU, not connected", s, IPV6_MTU);
	MUST(try_connect(s, "::1", 4400, 0));
	show_option("MTU of lo", s, IPV6_MTU);
	show_option("RECVPKTINFO", s, IPV6_RECVPKTINFO);
	show_option("RECVHOPLIMIT", s, IPV6_RECVHOPLIMIT);
	show_option("RECVTCLASS", s, IPV6_RECVTCLASS);
	show_option("DONTFRAG", s, IPV6_DONTFRAG);
	set_option("an option that is none", s, 99, 1);
	show_option("the same", s, 99);
	RET("3 bytes of one", setsockopt(s, IPPROTO_IPV6, IPV6_TCLASS, &v, 3));
	RET("IP_TTL on it", setsockopt(s, IPPROTO_IP, IP_TTL, &(int){ 9 }, sizeof(int)));
	RET("IPV6 option on IPv4", setsockopt(v4, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v)));
	RET("get it on IPv4", getsockopt(v4, IPPROTO_IPV6, IPV6_TCLASS, &v, &n));
	v = -1;
	n = sizeof(v);
	MUST(getsockopt(s, SOL_SOCKET, SO_DOMAIN, &v, &n));
	VAL("SO_DOMAIN", v);
	close(s);
	close(v4);
}

static void arrives(const char *name, int s)
{
	char control[256], byte, text[64];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	if (recvmsg(s, &m, MSG_DONTWAIT) != 1) {
		say(name, "nothing");
		return;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct in6_pktinfo info;
		int v;

		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			say(name, "pktinfo %s lo %d", inet_ntop(AF_INET6, &info.ipi6_addr, text, sizeof(text)), info.ipi6_ifindex == if_nametoindex("lo"));
		} else {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			say(name, "level %d type %d value %d len %zu", c->cmsg_level, c->cmsg_type, v, (size_t)c->cmsg_len);
		}
	}
	say(name, "end");
}

static long send_with(int s, struct sockaddr_in6 *to, int type, const void *data, size_t len)
{
	char control[64] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_name = to, .msg_namelen = sizeof(*to), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return sendmsg(s, &m, 0);
}

static void ancillary(void)
{
	static const int wanted[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS };
	struct sockaddr_in6 to = at6("::1", 4500), mapped = at6("::ffff:127.0.0.1", 4500);
	struct in6_pktinfo info = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT };
	int a = udp6(), b = udp6(), one = 1;

	MUST(try_bind(b, "::", 4500));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		MUST(setsockopt(b, IPPROTO_IPV6, wanted[i], &one, sizeof(one)));
	RET("plain", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("plain", b);
	RET("from IPv4", sendto(a, "x", 1, 0, (void *)&mapped, sizeof(mapped)));
	arrives("from IPv4", b);
	RET("hop limit 7", send_with(a, &to, IPV6_HOPLIMIT, &(int){ 7 }, sizeof(int)));
	arrives("hop limit 7", b);
	RET("hop limit 256", send_with(a, &to, IPV6_HOPLIMIT, &(int){ 256 }, sizeof(int)));
	RET("hop limit of 2 bytes", send_with(a, &to, IPV6_HOPLIMIT, &(int){ 7 }, 2));
	RET("class 0x20", send_with(a, &to, IPV6_TCLASS, &(int){ 0x20 }, sizeof(int)));
	arrives("class 0x20", b);
	RET("class 300", send_with(a, &to, IPV6_TCLASS, &(int){ 300 }, sizeof(int)));
	RET("source ::1", send_with(a, &to, IPV6_PKTINFO, &info, sizeof(info)));
	arrives("source ::1", b);
	inet_pton(AF_INET6, "2001:db8::1", &info.ipi6_addr);
	RET("source not ours", send_with(a, &to, IPV6_PKTINFO, &info, sizeof(info)));
	info = (struct in6_pktinfo){ .ipi6_ifindex = 999 };
	RET("no such device", send_with(a, &to, IPV6_PKTINFO, &info, sizeof(info)));
	RET("short pktinfo", send_with(a, &to, IPV6_PKTINFO, &info, 10));
	RET("unknown kind", send_with(a, &to, 200, &one, sizeof(one)));
	close(a);
	close(b);
}

/* lo's line of /proc/net/if_inet6, and a bound socket's of /proc/net/udp6 as far as it is always the same. */
static void listings(void)
{
	int s = udp6();
	char *text, *save, local[40], remote[40];
	unsigned lport, rport, state;

	MUST(try_bind(s, "::1", 4600));
	text = strdup(get_file("/proc/net/if_inet6"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, " lo"))
			say("if_inet6", "[%s]", line);
	free(text);
	text = strdup(get_file("/proc/net/udp6"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, " %*d: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X", local, &lport, remote, &rport, &state) != 5)
			say("udp6", "[%s]", line);
		else if (lport == 4600)
			say("udp6", "%s:%u %s:%u state %u", local, lport, remote, rport, state);
	}
	free(text);
	close(s);
}

void abi_test(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(ioctl(s, SIOCSIFFLAGS, &up));
	close(s);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	RET("AF_UNIX: index of lo", ioctl(s, SIOCGIFINDEX, &up) || up.ifr_ifindex != 1 ? -1 : 0);
	RET("AF_UNIX: address of lo", ioctl(s, SIOCGIFADDR, &up));
	RET("AF_UNIX: something else", ioctl(s, 0x1234, &up));
	close(s);
	creation();
	names();
	sharing();
	passing();
	connecting();
	options();
	ancillary();
	listings();
}
