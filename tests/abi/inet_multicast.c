/* Multicast over lo, both IP versions: joining and leaving, options, who receives.  Source: ip(7), ipv6(7), RFC 3493 section 5.2, RFC 3678. */
#include "inet.h"

static int lo;

static struct sockaddr_in6 at6_lo(const char *ip, int port)
{
	struct sockaddr_in6 a = at6(ip, port);

	a.sin6_scope_id = lo;
	return a;
}

static int on_port4(const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(s, (void *)&a, sizeof(a)));
	return s;
}

static int on_port6(int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int s = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;

	MUST(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	MUST(bind(s, (void *)&a, sizeof(a)));
	return s;
}

static int group4(int s, int name, const char *group, int ifindex)
{
	struct ip_mreqn m = { .imr_ifindex = ifindex };

	inet_pton(AF_INET, group, &m.imr_multiaddr);
	return setsockopt(s, IPPROTO_IP, name, &m, sizeof(m));
}

static int group6(int s, int name, const char *group, int ifindex)
{
	struct ipv6_mreq m = { .ipv6mr_interface = ifindex };

	inet_pton(AF_INET6, group, &m.ipv6mr_multiaddr);
	return setsockopt(s, IPPROTO_IPV6, name, &m, sizeof(m));
}

static int request(int s, int level, int name, const struct sockaddr *group, socklen_t n, int ifindex)
{
	struct group_req r = { .gr_interface = ifindex };

	memcpy(&r.gr_group, group, n);
	return setsockopt(s, level, name, &r, sizeof(r));
}

static void membership4(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreq by_address = { .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in g = at4("239.1.1.4", 0);
	char name[40], text[20];

	RET("join", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", lo));
	RET("join again", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", lo));
	RET("join another", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.2", lo));
	RET("leave", group4(s, IP_DROP_MEMBERSHIP, "239.1.1.1", lo));
	RET("leave again", group4(s, IP_DROP_MEMBERSHIP, "239.1.1.1", lo));
	RET("join what is no group", group4(s, IP_ADD_MEMBERSHIP, "127.0.0.1", lo));
	RET("leave what is no group", group4(s, IP_DROP_MEMBERSHIP, "127.0.0.1", lo));
	RET("join on no device", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", 999));
	RET("leave on no device", group4(s, IP_DROP_MEMBERSHIP, "239.1.1.1", 999));
	RET("join where no route is", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", 0));
	inet_pton(AF_INET, "239.1.1.3", &by_address.imr_multiaddr);
	RET("join by address", setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, sizeof(by_address)));
	RET("leave by index", group4(s, IP_DROP_MEMBERSHIP, "239.1.1.3", lo));
	RET("a short request", setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, 4));
	RET("MCAST_JOIN_GROUP", request(s, IPPROTO_IP, MCAST_JOIN_GROUP, (void *)&g, sizeof(g), lo));
	RET("MCAST_JOIN_GROUP again", request(s, IPPROTO_IP, MCAST_JOIN_GROUP, (void *)&g, sizeof(g), lo));
	RET("MCAST_LEAVE_GROUP", request(s, IPPROTO_IP, MCAST_LEAVE_GROUP, (void *)&g, sizeof(g), lo));
	g.sin_family = AF_INET6;
	RET("MCAST_JOIN_GROUP, wrong family", request(s, IPPROTO_IP, MCAST_JOIN_GROUP, (void *)&g, sizeof(g), lo));
	RET("get IP_ADD_MEMBERSHIP", getsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, text, &(socklen_t){ sizeof(text) }));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s >= 0)
		RET("join with TCP", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", lo));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 22; i++) {
		snprintf(text, sizeof(text), "239.2.2.%d", i);
		if (group4(s, IP_ADD_MEMBERSHIP, text, lo)) {
			snprintf(name, sizeof(name), "group number %d", i + 1);
			say(name, "%s", err_name(errno));
		}
	}
	close(s);
}

static void interface4(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), v = -1;
	struct in_addr a = { htonl(INADDR_LOOPBACK) };
	struct ip_mreqn m = { .imr_ifindex = lo };
	socklen_t n = sizeof(a);
	char text[20];

	RET("IP_MULTICAST_IF by address", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	MUST(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, &n));
	say("it is", "%s len %u", inet_ntop(AF_INET, &a, text, sizeof(text)), n);
	a.s_addr = 0;
	RET("none", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	MUST(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, &n));
	say("it is none", "%s", inet_ntop(AF_INET, &a, text, sizeof(text)));
	RET("by index", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)));
	m.imr_ifindex = 999;
	RET("no such device", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)));
	inet_pton(AF_INET, "192.0.2.1", &a);
	RET("an address that is not ours", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
	RET("too short", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, 2));
	n = sizeof(v);
	MUST(getsockopt(s, IPPROTO_IP, IP_MULTICAST_ALL, &v, &n));
	VAL("IP_MULTICAST_ALL", v);
	v = 2;
	RET("set it to 2", setsockopt(s, IPPROTO_IP, IP_MULTICAST_ALL, &v, sizeof(v)));
	close(s);
}

static void arrives(const char *name, int s)
{
	char buf[20];
	int n = 0;

	while (recv(s, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	VAL(name, n);
}

static void passing4(void)
{
	int a = on_port4("0.0.0.0", 6000), b = on_port4("0.0.0.0", 6000), c = on_port4("239.3.3.3", 6000), d = on_port4("127.0.0.1", 6000);
	int from = socket(AF_INET, SOCK_DGRAM, 0), zero = 0, one = 1;
	struct ip_mreqn m = { .imr_ifindex = lo };
	struct sockaddr_in to = at4("239.3.3.3", 6000), self = at4("127.0.0.1", 6000);

	RET("send without a route", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	MUST(setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)));
	RET("send, nobody joined", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("nobody joined: any", a);
	MUST(group4(a, IP_ADD_MEMBERSHIP, "239.3.3.3", lo));
	RET("send, one joined", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("joined", a);
	arrives("not joined, any", b);
	arrives("bound to the group", c);
	arrives("bound to 127.0.0.1", d);
	MUST(setsockopt(b, IPPROTO_IP, IP_MULTICAST_ALL, &zero, sizeof(zero)));
	RET("send, one wants only its own", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("joined again", a);
	arrives("only its own", b);
	MUST(setsockopt(from, IPPROTO_IP, IP_MULTICAST_LOOP, &zero, sizeof(zero)));
	RET("send without loop", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("without loop", a);
	MUST(setsockopt(from, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof(one)));
	MUST(group4(a, IP_DROP_MEMBERSHIP, "239.3.3.3", lo));
	RET("send, left", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("left", a);
	RET("to one address", sendto(from, "x", 1, 0, (void *)&self, sizeof(self)));
	arrives("only the best", d);
	arrives("not the others", a);
	to = at4("255.255.255.255", 6000);
	RET("broadcast without leave", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	RET("connect to a group", connect(from, (void *)&(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = 1, .sin_addr.s_addr = htonl(0xef030303) },
					   sizeof(struct sockaddr_in)));
	close(a);
	close(b);
	close(c);
	close(d);
	close(from);
}

static void membership6(void)
{
	int s = socket(AF_INET6, SOCK_DGRAM, 0), v = -1;
	struct sockaddr_in6 g = at6_lo("ff02::1234", 0);
	socklen_t n = sizeof(v);

	RET("6: join", group6(s, IPV6_JOIN_GROUP, "ff02::abcd", lo));
	RET("6: join again", group6(s, IPV6_JOIN_GROUP, "ff02::abcd", lo));
	RET("6: leave", group6(s, IPV6_LEAVE_GROUP, "ff02::abcd", lo));
	RET("6: leave again", group6(s, IPV6_LEAVE_GROUP, "ff02::abcd", lo));
	RET("6: join what is no group", group6(s, IPV6_JOIN_GROUP, "::1", lo));
	RET("6: leave what is no group", group6(s, IPV6_LEAVE_GROUP, "::1", lo));
	RET("6: join on no device", group6(s, IPV6_JOIN_GROUP, "ff02::abcd", 999));
	RET("6: a short request", setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, 10));
	RET("6: MCAST_JOIN_GROUP", request(s, IPPROTO_IPV6, MCAST_JOIN_GROUP, (void *)&g, sizeof(g), lo));
	RET("6: MCAST_LEAVE_GROUP", request(s, IPPROTO_IPV6, MCAST_LEAVE_GROUP, (void *)&g, sizeof(g), lo));
	RET("6: IPV4 membership on it", group4(s, IP_ADD_MEMBERSHIP, "239.1.1.1", lo));
	/* memory that a user can have is bounded, by how much each kernel says */
	int joined = 0;

	for (char text[32]; joined < 4096; joined++) {
		snprintf(text, sizeof(text), "ff15::5:%x", joined);
		if (group6(s, IPV6_ADD_MEMBERSHIP, text, lo))
			break;
	}
	RET("6: too many", group6(s, IPV6_ADD_MEMBERSHIP, "ff15::6:1", lo));
	VAL("6: more than of IPv4", joined > 20);
	v = lo;
	RET("6: IPV6_MULTICAST_IF", setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &v, sizeof(v)));
	v = 999;
	RET("6: no such device", setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &v, sizeof(v)));
	MUST(getsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &v, &n));
	say("6: it is", "%s", v == lo ? "lo" : "another");
	close(s);
}

static void passing6(void)
{
	int a = on_port6(6100), b = on_port6(6100), from = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 to = at6_lo("ff02::7777", 6100);

	RET("6: send, nobody joined", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("6: nobody joined", a);
	MUST(group6(a, IPV6_JOIN_GROUP, "ff02::7777", lo));
	RET("6: send, one joined", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("6: joined", a);
	arrives("6: not joined", b);
	to = at6_lo("ff02::1", 6100);
	RET("6: send to all nodes", sendto(from, "x", 1, 0, (void *)&to, sizeof(to)));
	arrives("6: all nodes, one", a);
	arrives("6: all nodes, other", b);
	close(a);
	close(b);
	close(from);
}

void abi_test(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(ioctl(s, SIOCSIFFLAGS, &up));
	close(s);
	lo = if_nametoindex("lo");
	membership4();
	interface4();
	passing4();
	membership6();
	passing6();
}
