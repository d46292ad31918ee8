/* AF_NETLINK sockets: creation, ports, connecting, unicast, groups, options, sizes, errors. */
#include "abi.h"
#include <linux/netlink.h>

#define SOL_NETLINK_ 270

static int nl(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

static int bind_to(int s, unsigned pid, unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups };

	return bind(s, (void *)&a, sizeof(a));
}

static int connect_to(int s, unsigned pid, unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups };

	return connect(s, (void *)&a, sizeof(a));
}

static long send_to(int s, const void *data, size_t n, unsigned pid, unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups };

	return sendto(s, data, n, MSG_DONTWAIT, (void *)&a, sizeof(a));
}

static void name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_nl a = { 0 };
	socklen_t n = sizeof(a);

	if (get(s, (void *)&a, &n))
		say(what, "%s", err_name(errno));
	else
		say(what, "family %d len %d pid %s groups %#x", a.nl_family, (int)n,
		    a.nl_pid == (unsigned)getpid() ? "own" : !a.nl_pid ? "0" : (int)a.nl_pid < 0 ? "negative" : "given", a.nl_groups);
}

static void creating(void)
{
	static const int protocols[] = { NETLINK_ROUTE, NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC };

	for (unsigned i = 0; i < ARRAY_LEN(protocols); i++)
		OK("protocol", nl(protocols[i]));
	OK("dgram", socket(AF_NETLINK, SOCK_DGRAM, 0));
	OK("stream", socket(AF_NETLINK, SOCK_STREAM, 0));
	OK("seqpacket", socket(AF_NETLINK, SOCK_SEQPACKET, 0));
	OK("protocol 1", nl(1));
	OK("protocol 31", nl(31));
	OK("protocol 32", nl(32));
	OK("protocol -1", nl(-1));
	int pair[2];
	OK("pair", socketpair(AF_NETLINK, SOCK_RAW, 0, pair));
}

static void ports(void)
{
	int a = nl(0), b = nl(0), c = nl(0), d = nl(2);
	struct sockaddr_nl short_one = { .nl_family = AF_NETLINK };

	name("unbound", a, getsockname);
	name("unbound peer", a, getpeername);
	OK("bind short", bind(a, (void *)&short_one, 11));
	short_one.nl_family = AF_UNIX;
	OK("bind family", bind(a, (void *)&short_one, sizeof(short_one)));
	OK("bind 0", bind_to(a, 0, 0));
	name("bound by itself", a, getsockname);
	OK("again 0", bind_to(a, 0, 0));
	OK("again the same", bind_to(a, getpid(), 0));
	OK("again another", bind_to(a, 12345, 0));
	OK("second 0", bind_to(b, 0, 0));
	name("second", b, getsockname);
	OK("taken", bind_to(c, getpid(), 0));
	OK("given", bind_to(c, 4242, 1));
	name("given", c, getsockname);
	OK("another protocol", bind_to(d, getpid(), 0));
	OK("listen", listen(a, 1));
	OK("accept", accept(a, NULL, NULL));
	OK("shutdown", shutdown(a, SHUT_RD));
	close(a);
	close(b);
	close(c);
	close(d);
}

static void connecting(void)
{
	int a = nl(2), b = nl(2), c = nl(2);
	struct sockaddr_nl x = { .nl_family = AF_NETLINK };
	char buf[32];

	bind_to(b, 1001, 0);
	bind_to(c, 1002, 0);
	OK("connect short", connect(a, (void *)&x, 11));
	OK("connect very short", connect(a, (void *)&x, 1));
	OK("connect", connect_to(a, 1001, 0));
	name("connected", a, getsockname);
	name("peer", a, getpeername);
	RET("send", send(a, "hello", 5, MSG_DONTWAIT));
	RET("recv", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	OK("connect c to b", connect_to(c, 1001, 0));
	RET("to one that is connected elsewhere", send_to(a, "x", 1, 1002, 0));
	RET("from its peer", send_to(b, "x", 1, 1002, 0));
	x.nl_family = AF_UNSPEC;
	OK("dissolve", connect(a, (void *)&x, sizeof(x)));
	name("dissolved", a, getpeername);
	RET("to the kernel of no protocol", send(a, "hello", 5, 0));
	x.nl_family = AF_UNIX;
	OK("connect family", connect(a, (void *)&x, sizeof(x)));
	OK("connect group", connect_to(a, 0, 4));
	name("group peer", a, getpeername);
	close(a);
	close(b);
	close(c);
}

static void unicast(void)
{
	int a = nl(2), b = nl(2);
	struct sockaddr_nl from;
	socklen_t n = sizeof(from);
	static char big[400000];
	char buf[16];

	bind_to(b, 1001, 0);
	RET("nobody there", send_to(a, "hello", 5, 999, 0));
	RET("sendto", send_to(a, "hello", 5, 1001, 0));
	name("autobound", a, getsockname);
	RET("peek", recv(b, buf, sizeof(buf), MSG_PEEK));
	RET("peek short", recv(b, buf, 2, MSG_PEEK));
	RET("peek true length", recv(b, buf, 2, MSG_PEEK | MSG_TRUNC));
	RET("peek nothing but length", recv(b, NULL, 0, MSG_PEEK | MSG_TRUNC));
	RET("recvfrom", recvfrom(b, buf, sizeof(buf), 0, (void *)&from, &n));
	say("from", "len %d family %d own %d groups %d", (int)n, from.nl_family, from.nl_pid == (unsigned)getpid(), from.nl_groups);
	RET("nothing there", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	RET("empty", send_to(a, "", 0, 1001, 0));
	RET("oob", send(a, "x", 1, MSG_OOB));
	RET("recv oob", recv(b, buf, 1, MSG_OOB));
	RET("large", send_to(a, big, 100000, 1001, 0));
	RET("large received", recv(b, big, sizeof(big), 0));
	RET("too large", send_to(a, big, 300000, 1001, 0));
	struct sockaddr_nl to = { .nl_family = AF_UNIX, .nl_pid = 1001 };

	RET("family", sendto(a, "x", 1, 0, (void *)&to, sizeof(to)));
	to.nl_family = AF_NETLINK;
	RET("short address", sendto(a, "x", 1, 0, (void *)&to, 8));
	int full = 0;

	while (send_to(a, big, 20000, 1001, 0) > 0)
		full++;
	YES("full at last", full > 2 && errno == EAGAIN);
	struct pollfd p = { .fd = b, .events = POLLIN | POLLOUT };

	VAL("poll", poll(&p, 1, 0));
	HEX("readable", p.revents);
	close(a);
	close(b);
}

static void groups(void)
{
	int a = nl(2), b = nl(2), c = nl(2), v;
	struct sockaddr_nl from;
	socklen_t n = sizeof(from);
	char buf[16], control[64];

	OK("bind to groups", bind_to(a, 0, 0x5));
	name("groups", a, getsockname);
	v = 2;
	OK("add 2", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	name("with 2", a, getsockname);
	OK("drop 2", setsockopt(a, SOL_NETLINK_, NETLINK_DROP_MEMBERSHIP, &v, sizeof(v)));
	v = 0;
	OK("add 0", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	v = 33;
	OK("add 33", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	OK("add short", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, 2));
	v = 1;
	OK("add to b", setsockopt(b, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	name("b has no port", b, getsockname);
	v = 1;
	OK("pktinfo", setsockopt(a, SOL_NETLINK_, NETLINK_PKTINFO, &v, sizeof(v)));
	RET("to group 1", send_to(c, "hi", 2, 0, 1));
	RET("b has no port", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	bind_to(b, 0, 0);
	RET("to group 1", send_to(c, "hi", 2, 0, 1));
	RET("b", recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &n));
	say("b from", "own %d groups %d", from.nl_pid == (unsigned)getpid(), from.nl_groups);
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	RET("a", recvmsg(a, &m, MSG_DONTWAIT));
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	if (h)
		say("a control", "%d %d len %d group %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len, *(int *)CMSG_DATA(h));
	RET("c itself", recv(c, buf, sizeof(buf), MSG_DONTWAIT));
	RET("to group 2", send_to(c, "hi", 2, 0, 2));
	RET("nobody", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	RET("to group and port", send_to(c, "hi", 2, getpid(), 4));
	RET("a again", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	RET("a once more", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	unsigned list[4] = { 0 };

	n = sizeof(list);
	OK("list", getsockopt(a, SOL_NETLINK_, NETLINK_LIST_MEMBERSHIPS, list, &n));
	say("list", "len %d first %#x", (int)n, list[0]);
	n = 2;
	OK("list short", getsockopt(a, SOL_NETLINK_, NETLINK_LIST_MEMBERSHIPS, list, &n));
	VAL("list short len", n);
	close(a);
	close(b);
	close(c);
	a = nl(0);
	n = sizeof(list);
	OK("list of route", getsockopt(a, SOL_NETLINK_, NETLINK_LIST_MEMBERSHIPS, list, &n));
	VAL("route len", n);
	v = 36;
	OK("route 36", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	v = 37;
	OK("route 37", setsockopt(a, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	close(a);
}

static void options(void)
{
	static const struct {
		const char *name;
		int option;
	} flags[] = {
		{ "PKTINFO", NETLINK_PKTINFO }, { "BROADCAST_ERROR", NETLINK_BROADCAST_ERROR }, { "NO_ENOBUFS", NETLINK_NO_ENOBUFS },
		{ "CAP_ACK", NETLINK_CAP_ACK }, { "EXT_ACK", NETLINK_EXT_ACK }, { "STRICT", NETLINK_GET_STRICT_CHK },
		{ "LISTEN_ALL", NETLINK_LISTEN_ALL_NSID }, { "RX_RING", NETLINK_RX_RING }, { "99", 99 },
	};
	int a = nl(0);

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		int v = 7;
		socklen_t n = sizeof(v);

		OK(flags[i].name, setsockopt(a, SOL_NETLINK_, flags[i].option, &v, sizeof(v)));
		v = -1;
		OK(flags[i].name, getsockopt(a, SOL_NETLINK_, flags[i].option, &v, &n));
		say(flags[i].name, "%d len %d", v, (int)n);
		n = 2;
		OK("short", getsockopt(a, SOL_NETLINK_, flags[i].option, &v, &n));
		OK("cleared by a short value", setsockopt(a, SOL_NETLINK_, flags[i].option, &v, 1));
		n = sizeof(v);
		v = -1;
		getsockopt(a, SOL_NETLINK_, flags[i].option, &v, &n);
		VAL("cleared", v);
	}
	int v = 0;
	socklen_t n = sizeof(v);

	OK("level", getsockopt(a, 6, 1, &v, &n));
	OK("set level", setsockopt(a, 0, 1, &v, n));
	getsockopt(a, SOL_SOCKET, SO_TYPE, &v, &n);
	VAL("type", v);
	getsockopt(a, SOL_SOCKET, SO_DOMAIN, &v, &n);
	VAL("domain", v);
	getsockopt(a, SOL_SOCKET, SO_PROTOCOL, &v, &n);
	VAL("protocol", v);
	OK("FIONREAD", ioctl(a, FIONREAD, &v));
	close(a);
}

static void credentials(void)
{
	int a = nl(2), b = nl(2), one = 1;
	char buf[16], control[128];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	bind_to(b, 1001, 0);
	setsockopt(b, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	RET("send", send_to(a, "x", 1, 1001, 0));
	RET("recvmsg", recvmsg(b, &m, MSG_DONTWAIT));
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	if (h) {
		struct ucred *u = (void *)CMSG_DATA(h);

		say("credentials", "%d %d own %d uid %d gid %d", h->cmsg_level, h->cmsg_type, u->pid == getpid(), u->uid, u->gid);
	}
	close(a);
	close(b);
}

static void as_user(void)
{
	int r = nl(0), u = nl(2), k = nl(15), v = 1;

	become(1000);
	OK("route group by bind", bind_to(r, 0, 1));
	OK("route group", setsockopt(r, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	OK("usersock group", setsockopt(u, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	OK("usersock group by bind", bind_to(u, 0, 1));
	OK("uevent group", bind_to(k, 0, 1));
	RET("route to a port", send_to(r, "x", 1, 1001, 0));
	RET("route to a group", send_to(r, "x", 1, 0, 1));
	OK("route connect", connect_to(r, 1001, 0));
	RET("usersock to a port", send_to(u, "x", 1, 1001, 0));
	OK("listen all", setsockopt(r, SOL_NETLINK_, NETLINK_LISTEN_ALL_NSID, &v, sizeof(v)));
}

/* The kernel's notifications overrun a small buffer: one ENOBUFS, and what was there before. */
static void overrun(void)
{
	int a = nl(2), b = nl(2), v = 1, got = 0;
	static char big[3000];
	struct pollfd p = { .fd = b, .events = POLLIN };

	bind_to(b, 1001, 0);
	setsockopt(b, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v));
	setsockopt(b, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v));
	for (int i = 0; i < 10; i++)
		send_to(a, big, sizeof(big), 0, 1);
	poll(&p, 1, 0);
	HEX("overrun poll", p.revents);
	RET("told first", recv(b, big, sizeof(big), MSG_DONTWAIT));
	while (recv(b, big, sizeof(big), MSG_DONTWAIT) > 0)
		got++;
	YES("some came", got > 0 && got < 10);
	RET("empty now", recv(b, big, sizeof(big), MSG_DONTWAIT));
	send_to(a, big, 10, 0, 1);
	RET("goes on", recv(b, big, sizeof(big), MSG_DONTWAIT));
	setsockopt(b, SOL_NETLINK_, NETLINK_NO_ENOBUFS, &v, sizeof(v));
	for (int i = 0; i < 10; i++)
		send_to(a, big, sizeof(big), 0, 1);
	RET("not told", recv(b, big, sizeof(big), MSG_DONTWAIT));
	close(a);
	close(b);
}

void abi_test(void)
{
	creating();
	ports();
	connecting();
	unicast();
	groups();
	options();
	credentials();
	APART(as_user());
	overrun();
}
