/* UDP over lo: binding, sharing, connecting, sizes, errors, ancillary data, readiness. */
#include "inet.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int bound(const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);
	int s = udp();

	bind(s, (void *)&a, sizeof(a));
	return s;
}

static int try_bind(int s, const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);

	return bind(s, (void *)&a, sizeof(a));
}

static void show_name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	char text[64];
	int r = get(s, (void *)&a, &n);

	if (r)
		abi_ret(what, r);
	else
		say(what, "%s port %s", inet_ntop(AF_INET, &a.sin_addr, text, sizeof(text)),
		       ntohs(a.sin_port) >= 32768 ? "chosen" : ntohs(a.sin_port) ? "given" : "none");
}

static void creating(void)
{
	RET("type 0", socket(AF_INET, 0, 0));
	RET("seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0));
	RET("dgram tcp", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	RET("protocol 300", socket(AF_INET, SOCK_DGRAM, 300));
}

static void binding(void)
{
	int a = bound("127.0.0.1", 5000), b = udp(), one = 1;

	show_name("bound", a, getsockname);
	show_name("not connected", a, getpeername);
	RET("again", try_bind(a, "127.0.0.1", 5001));
	RET("taken", try_bind(b, "127.0.0.1", 5000));
	RET("taken by any", try_bind(b, "0.0.0.0", 5000));
	RET("not ours", try_bind(b, "192.0.2.1", 5000));
	RET("other address", try_bind(b, "127.0.0.2", 5000));
	close(b);
	b = udp();
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	RET("reuse on one side", try_bind(b, "127.0.0.1", 5000));
	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	close(a);
	a = udp();
	setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	RET("first of a group", try_bind(a, "127.0.0.1", 5002));
	close(b);
	b = udp();
	setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	RET("second of a group", try_bind(b, "127.0.0.1", 5002));
	close(a);
	close(b);
	a = udp();
	RET("port 0", try_bind(a, "127.0.0.1", 0));
	show_name("port 0", a, getsockname);
	struct sockaddr_in in = at4("127.0.0.1", 1);

	RET("short", bind(a, (void *)&in, 8));
	in.sin_family = AF_UNIX;
	RET("family", bind(a, (void *)&in, sizeof(in)));
	close(a);
}

static void sending(void)
{
	int a = bound("127.0.0.1", 5000), b = udp();
	struct sockaddr_in to = at4("127.0.0.1", 5000), from;
	socklen_t n = sizeof(from);
	static char big[70000];
	char buf[16];

	RET("no destination", send(b, "x", 1, 0));
	RET("sendto", sendto(b, "hello", 5, 0, (void *)&to, sizeof(to)));
	show_name("autobound", b, getsockname);
	RET("peek", recv(a, buf, sizeof(buf), MSG_PEEK));
	RET("truncated", recv(a, buf, 2, MSG_PEEK));
	RET("true length", recv(a, buf, 2, MSG_PEEK | MSG_TRUNC));
	RET("recvfrom", recvfrom(a, buf, sizeof(buf), 0, (void *)&from, &n));
	say("datagram", "%.5s, from 127.0.0.1: %d, len %d", buf, from.sin_addr.s_addr == htonl(INADDR_LOOPBACK), (int)n);
	RET("nothing there", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	RET("empty datagram", sendto(b, "", 0, 0, (void *)&to, sizeof(to)));
	RET("received", recv(a, buf, sizeof(buf), 0));
	memset(big, 7, sizeof(big));
	RET("largest", sendto(b, big, 65507, 0, (void *)&to, sizeof(to)));
	long got = recv(a, big, sizeof(big), 0);
	abi_ret("largest received", got);
	say("intact", "%d", got == 65507 && big[0] == 7 && big[65506] == 7);
	RET("too large", sendto(b, big, 65508, 0, (void *)&to, sizeof(to)));
	RET("much too large", sendto(b, big, 70000, 0, (void *)&to, sizeof(to)));
	to.sin_port = 0;
	RET("to port 0", sendto(b, "x", 1, 0, (void *)&to, sizeof(to)));
	RET("oob", send(b, "x", 1, MSG_OOB));
	close(a);
	close(b);
}

static void connecting(void)
{
	int a = bound("127.0.0.1", 5000), b = udp(), c = udp();
	struct sockaddr_in to = at4("127.0.0.1", 5000), none = at4("127.0.0.1", 5999), self;
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct pollfd p = { .fd = a, .events = POLLIN | POLLOUT };
	socklen_t n = sizeof(self);
	char buf[16];

	RET("connect", connect(b, (void *)&to, sizeof(to)));
	show_name("local", b, getsockname);
	show_name("peer", b, getpeername);
	poll(&p, 1, 0);
	say("empty", "%x", p.revents);
	RET("send", send(b, "one", 3, 0));
	poll(&p, 1, 0);
	say("full", "%x", p.revents);
	RET("recv", recv(a, buf, sizeof(buf), 0));
	/* who else sends to a connected socket is not heard */
	getsockname(b, (void *)&self, &n);
	sendto(c, "two", 3, 0, (void *)&self, sizeof(self));
	RET("foreign", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	sendto(a, "three", 5, 0, (void *)&self, sizeof(self));
	RET("its own", recv(b, buf, sizeof(buf), 0));
	connect(b, (void *)&none, sizeof(none));
	RET("to nobody", send(b, "x", 1, 0));
	RET("refused", recv(b, buf, sizeof(buf), 0));
	RET("after", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	RET("dissolve", connect(b, &unspec, sizeof(unspec)));
	show_name("local", b, getsockname);
	show_name("peer", b, getpeername);
	RET("shutdown unconnected", shutdown(b, SHUT_RD));
	connect(b, (void *)&to, sizeof(to));
	RET("shutdown", shutdown(b, SHUT_RD));
	RET("read after it", recv(b, buf, sizeof(buf), 0));
	RET("listen", listen(b, 1));
	close(a);
	close(b);
	close(c);
}

static void control(void)
{
	int a = bound("0.0.0.0", 5000), b = udp(), one = 1;
	struct sockaddr_in to = at4("127.0.0.1", 5000);
	char buf[16], room[256];
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };

	setsockopt(a, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	setsockopt(a, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one));
	setsockopt(a, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	one = 0x10;
	setsockopt(b, IPPROTO_IP, IP_TOS, &one, sizeof(one));
	sendto(b, "x", 1, 0, (void *)&to, sizeof(to));
	RET("recvmsg", recvmsg(a, &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		char text[128] = "";

		for (size_t i = 0; i < c->cmsg_len - CMSG_LEN(0) && i < 32; i++)
			sprintf(text + strlen(text), " %02x", CMSG_DATA(c)[i]);
		say("cmsg", "%d %d len %d:%s", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len, text);
	}
	one = -1;
	socklen_t n = sizeof(one);

	RET("get ttl", getsockopt(a, IPPROTO_IP, IP_TTL, &one, &n));
	say("ttl", "%d len %d", one, (int)n);
	one = 256;
	RET("ttl 256", setsockopt(a, IPPROTO_IP, IP_TTL, &one, sizeof(one)));
	one = 9;
	RET("pmtu 9", setsockopt(a, IPPROTO_IP, IP_MTU_DISCOVER, &one, sizeof(one)));
	close(a);
	close(b);
}

static void interfaces(void)
{
	int s = udp();
	struct ifreq r = { .ifr_name = "lo" };

	RET("index", ioctl(s, SIOCGIFINDEX, &r));
	say("lo is", "%d", r.ifr_ifindex);
	RET("name", ioctl(s, SIOCGIFNAME, &r));
	say("its name", "%s", r.ifr_name);
	RET("mtu", ioctl(s, SIOCGIFMTU, &r));
	say("its mtu", "%d", r.ifr_mtu);
	strcpy(r.ifr_name, "none0");
	RET("no such device", ioctl(s, SIOCGIFINDEX, &r));
	close(s);
}

/* The reference kernel starts with lo down. */
static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = udp();

	RET("lo up", ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

void abi_test(void)
{
	loopback_up();
	creating();
	binding();
	sending();
	connecting();
	control();
	interfaces();
}
