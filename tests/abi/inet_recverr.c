/* IP_RECVERR: what ICMP says of datagrams that nobody takes; SO_TIMESTAMP: when others came in. */
#include "abi.h"
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>

static struct sockaddr_in at(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return a;
}

static void say_error(const char *what, int s, size_t room, size_t control_room)
{
	char in[64] = "", control[256];
	struct sockaddr_in a = { 0 };
	struct iovec iov = { in, room };
	struct msghdr m = {
		.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = control_room,
	};
	long n = recvmsg(s, &m, MSG_ERRQUEUE);

	if (n < 0) {
		say(what, "%s", err_name(errno));
		return;
	}
	say(what, "%ld bytes '%.*s' flags %#x to %s port %d", n, (int)n, in, m.msg_flags, inet_ntoa(a.sin_addr), ntohs(a.sin_port));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(h);
		struct sockaddr_in *from = (void *)(e + 1);

		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR)
			say(what, "len %d %s origin %d type %d code %d info %d data %d from %d %s port %d", (int)h->cmsg_len, err_name(e->ee_errno),
			    e->ee_origin, e->ee_type, e->ee_code, e->ee_info, e->ee_data, from->sin_family, inet_ntoa(from->sin_addr), from->sin_port);
	}
}

static void show(const char *what, int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };
	char in[16];
	int error;
	socklen_t n = sizeof(error);

	poll(&p, 1, 0);
	HEX(what, p.revents);
	getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &n);
	say(what, "pending %s", error ? err_name(error) : "nothing");
	RET(what, recv(s, in, sizeof(in), MSG_DONTWAIT));
}

static void stamped(const char *what, int s, const struct sockaddr_in *to)
{
	char in[16], control[128];
	struct iovec iov = { in, sizeof(in) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int count = 0;

	sendto(s, "hello", 5, 0, (void *)to, sizeof(*to));
	RET(what, recvmsg(s, &m, MSG_DONTWAIT));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h), count++) {
		long *t = (void *)CMSG_DATA(h);

		say(what, "level %d type %d len %d now %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len, t[0] >= time(NULL) - 5 && t[0] <= time(NULL));
	}
	VAL(what, count);
}

static void timestamps(void)
{
	struct sockaddr_in a = at(4998);
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1, zero = 0, v;
	socklen_t n = sizeof(v);

	bind(s, (void *)&a, sizeof(a));
	stamped("no time", s, &a);
	OK("SO_TIMESTAMP", setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)));
	stamped("microseconds", s, &a);
	OK("SO_TIMESTAMPNS", setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)));
	stamped("nanoseconds", s, &a);
	getsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &v, &n);
	VAL("SO_TIMESTAMP now", v);
	OK("off by the other name", setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &zero, sizeof(zero)));
	stamped("no time", s, &a);
	close(s);
}

/* IP_RECVERR of an AF_INET6 socket says nothing of IPv6. */
static void version6(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(4999), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int s = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;

	OK("version 6, set", setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	RET("version 6, send", sendto(s, "hello", 5, 0, (void *)&to, sizeof(to)));
	show("version 6, not connected", s);
	say_error("version 6", s, 64, 256);
	OK("version 6, connect", connect(s, (void *)&to, sizeof(to)));
	RET("version 6, send", send(s, "hello", 5, 0));
	show("version 6, connected", s);
	RET("version 6, the next call is told", send(s, "again", 5, 0));
	say_error("version 6", s, 64, 256);
	close(s);
}

void abi_test(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct sockaddr_in to = at(4999);
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1, zero = 0, v = -1;
	socklen_t n = sizeof(v);

	ioctl(s, SIOCSIFFLAGS, &lo);
	OK("get", getsockopt(s, IPPROTO_IP, IP_RECVERR, &v, &n));
	VAL("get", v);
	say_error("nothing there", s, 64, 256);
	RET("send", sendto(s, "hello", 5, 0, (void *)&to, sizeof(to)));
	show("not connected, not wanted", s);
	OK("set", setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	getsockopt(s, IPPROTO_IP, IP_RECVERR, &v, &n);
	VAL("get", v);
	RET("send", sendto(s, "hello", 5, 0, (void *)&to, sizeof(to)));
	show("not connected", s);
	say_error("error", s, 64, 256);
	show("read", s);
	RET("send", sendto(s, "hello", 5, 0, (void *)&to, sizeof(to)));
	RET("the next call is told", sendto(s, "again", 5, 0, (void *)&to, sizeof(to)));
	RET("the one after goes", sendto(s, "third", 5, 0, (void *)&to, sizeof(to)));
	say_error("first, cut", s, 2, 256);
	say_error("second, without room", s, 64, 0);
	say_error("no more", s, 64, 256);
	show("all read", s);
	RET("send", sendto(s, "hello", 5, 0, (void *)&to, sizeof(to)));
	OK("off", setsockopt(s, IPPROTO_IP, IP_RECVERR, &zero, sizeof(zero)));
	say_error("gone", s, 64, 256);
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(s, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	OK("connect", connect(s, (void *)&to, sizeof(to)));
	RET("send", send(s, "hello", 5, 0));
	RET("recv", recv(s, &v, sizeof(v), MSG_DONTWAIT));
	say_error("connected", s, 64, 256);
	close(s);
	version6();
	timestamps();
}
