#define _GNU_SOURCE
/*
 * Hostile netlink messages: good ones cut short, with wrong lengths, with bytes changed; allocations that fail while they are served.  Whatever
 * comes, the kernel answers or refuses, keeps its devices, and gives all memory back.
 */
#include "tests/host/host.h"
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <time.h>

enum { ROOM = 4096, WILD_ROUNDS = 3000, KINDS = 14 };

static struct {
	struct nlmsghdr h;
	char body[512];
} q;
static uint64_t out, in;		/* user memory */
static long sockets[32];		/* by protocol */

static void begin(int type, int flags, const void *head, size_t len)
{
	memset(&q, 0, sizeof(q));
	q.h.nlmsg_type = (uint16_t)type;
	q.h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	q.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(q.body, head, len);
}

static struct rtattr *attr(int type, const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)&q + NLMSG_ALIGN(q.h.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	q.h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q.h.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void end_nest(struct rtattr *nest)
{
	nest->rta_len = (uint16_t)((char *)&q + q.h.nlmsg_len - (char *)nest);
}

static const uint32_t ip_a = 0x0101010a, ip_b = 0x0201010a, net_c = 0x0000090a;

static void new_link(void)
{
	struct ifinfomsg link = { .ifi_flags = 1, .ifi_change = 1 };

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	attr(IFLA_IFNAME, "d0", 3);
	attr(IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	attr(IFLA_MTU, "\0\5\0\0", 4);
	attr(IFLA_IFALIAS, "alias", 5);
	struct rtattr *nest = attr(IFLA_LINKINFO, NULL, 0);

	attr(IFLA_INFO_KIND, "dummy", 6);
	end_nest(nest);
}

static void new_route(void)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = 16, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST };
	uint32_t mtu = 1400;

	begin(RTM_NEWROUTE, NLM_F_CREATE, &r, sizeof(r));
	attr(RTA_DST, &net_c, 4);
	attr(RTA_GATEWAY, &ip_b, 4);
	struct rtattr *nest = attr(RTA_METRICS, NULL, 0);

	attr(RTAX_MTU, &mtu, 4);
	end_nest(nest);
}

/* The @kind-th good message. Return: the protocol that it is for */
static int good(int kind)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 2 };
	struct ifaddrmsg any_addr = { .ifa_family = AF_INET, .ifa_index = 1 };
	struct ifinfomsg any_link = { 0 };
	struct rtmsg route = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct rtmsg any_route = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL };
	struct ndmsg neigh = { .ndm_family = AF_INET, .ndm_ifindex = 2, .ndm_state = NUD_PERMANENT };
	struct ndmsg any_neigh = { .ndm_family = AF_INET };
	struct rtgenmsg any = { AF_INET };
	struct genlmsghdr ctrl = { .cmd = CTRL_CMD_GETFAMILY };
	struct inet_diag_req_v2 inet = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_UDP, .idiag_states = ~0u, .idiag_ext = 0xff };
	struct unix_diag_req un = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_show = 0xff };
	struct inet_diag_bc_op filter[2] = { { INET_DIAG_BC_S_GE, 8, 12 }, { 0, 0, 10 } };

	switch (kind) {
	case 0: new_link(); return NETLINK_ROUTE;
	case 1:
		begin(RTM_GETLINK, 0, &link, sizeof(link));
		attr(IFLA_EXT_MASK, "\1\0\0\0", 4);
		return NETLINK_ROUTE;
	case 2:
		begin(RTM_NEWADDR, NLM_F_CREATE, &addr, sizeof(addr));
		attr(IFA_LOCAL, &ip_a, 4);
		attr(IFA_LABEL, "d0:1", 5);
		return NETLINK_ROUTE;
	case 3: new_route(); return NETLINK_ROUTE;
	case 4:
		begin(RTM_GETROUTE, 0, &route, sizeof(route));
		attr(RTA_DST, &net_c, 4);
		return NETLINK_ROUTE;
	case 5:
		begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &neigh, sizeof(neigh));
		attr(NDA_DST, &ip_b, 4);
		attr(NDA_LLADDR, "\2\0\0\0\0\5", 6);
		return NETLINK_ROUTE;
	case 6: begin(RTM_GETLINK, NLM_F_DUMP, &any_link, sizeof(any_link)); return NETLINK_ROUTE;
	case 7: begin(RTM_GETADDR, NLM_F_DUMP, &any_addr, sizeof(any_addr)); return NETLINK_ROUTE;
	case 8: begin(RTM_GETROUTE, NLM_F_DUMP, &any_route, sizeof(any_route)); return NETLINK_ROUTE;
	case 9: begin(RTM_GETNEIGH, NLM_F_DUMP, &any_neigh, sizeof(any_neigh)); return NETLINK_ROUTE;
	case 10: begin(RTM_GETRULE, NLM_F_DUMP, &any, sizeof(any)); return NETLINK_ROUTE;
	case 11:
		begin(GENL_ID_CTRL, 0, &ctrl, sizeof(ctrl));
		attr(CTRL_ATTR_FAMILY_NAME, "nlctrl", 7);
		return NETLINK_GENERIC;
	case 12:
		begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &inet, sizeof(inet));
		attr(INET_DIAG_REQ_BYTECODE, filter, sizeof(filter));
		return NETLINK_SOCK_DIAG;
	default: begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &un, sizeof(un)); return NETLINK_SOCK_DIAG;
	}
}

/* Send @len bytes and read all that comes of it. Return: datagrams */
static int serve(int protocol, const void *data, size_t len)
{
	long s = sockets[protocol];
	int count = 0;

	CHECK_EQ(auk_put(out, data, len), 0);
	auk_syscall(SYS_sendto, (uint64_t)s, out, len, MSG_DONTWAIT, 0, 0);
	for (;;) {
		long n = auk_syscall(SYS_recvfrom, (uint64_t)s, in, ROOM, MSG_DONTWAIT, 0, 0);

		if (n == -EAGAIN)
			return count;
		CHECK(n >= 0 || n == -ENOBUFS);
		count++;
		CHECK(count < 1000);
	}
}

static void boot(uint64_t seed)
{
	static const int protocols[] = { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC };
	uint64_t one;
	uint32_t v = 1;

	CHECK_EQ(auk_start(&(struct auk_config){ .seed = seed, .cpus = 2, .console = keep_log }), 0);
	out = auk_alloc(ROOM);
	in = auk_alloc(ROOM);
	one = auk_alloc(PAGE);
	CHECK(out && in && one);
	CHECK_EQ(auk_put(one, &v, sizeof(v)), 0);
	for (unsigned i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		long s = auk_syscall(SYS_socket, AF_NETLINK, SOCK_RAW, (uint64_t)protocols[i]);

		CHECK(s >= 0);
		sockets[protocols[i]] = s;
		CHECK_EQ(auk_syscall(SYS_setsockopt, (uint64_t)s, 270, NETLINK_EXT_ACK, one, 4), 0);
		if (seed & 1)
			CHECK_EQ(auk_syscall(SYS_setsockopt, (uint64_t)s, 270, NETLINK_GET_STRICT_CHK, one, 4), 0);
	}
	auk_free(one, PAGE);
	/* Something to be told of. */
	CHECK(auk_syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0) >= 0);
	CHECK(auk_syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0);
	for (int kind = 0; kind < 6; kind++) {
		int protocol = good(kind);

		CHECK(serve(protocol, &q, q.h.nlmsg_len) > 0);
	}
}

static void remove_device(const char *name)
{
	struct ifinfomsg link = { 0 };

	begin(RTM_DELLINK, 0, &link, sizeof(link));
	attr(IFLA_IFNAME, name, strlen(name) + 1);
	serve(NETLINK_ROUTE, &q, q.h.nlmsg_len);
}

/* The kernel still answers, and nothing is left over. */
static void finish(void)
{
	struct ifinfomsg link = { .ifi_index = 1 };

	begin(RTM_GETLINK, 0, &link, sizeof(link));
	CHECK_EQ(serve(NETLINK_ROUTE, &q, q.h.nlmsg_len), 2);
	remove_device("d0");
	remove_device("dummy0");
	for (int fd = 0; fd < 64; fd++)
		auk_syscall(SYS_close, (uint64_t)fd);
	auk_free(out, ROOM);
	auk_free(in, ROOM);
	CHECK_EQ(auk_stop(), 0);
}

static uint64_t truncated(uint64_t seed)
{
	boot(seed);
	for (int kind = 0; kind < KINDS; kind++) {
		uint32_t whole;
		int protocol = good(kind);

		whole = q.h.nlmsg_len;
		for (uint32_t n = 1; n <= whole; n++) {
			good(kind);
			serve(protocol, &q, n);			/* claims more than is there */
			q.h.nlmsg_len = n;
			serve(protocol, &q, whole);		/* claims less */
			serve(protocol, &q, n);
		}
	}
	finish();
	return 0;
}

static void test_truncated(void **state)
{
	in_child(truncated, 2);
	in_child(truncated, 3);
}

/* Every pair of bytes behind the header as a length that is too short, too long, or just wrong. */
static uint64_t lengths(uint64_t seed)
{
	static const uint16_t wrong[] = { 0, 1, 3, 4, 5, 0x7fff, 0xffff };

	boot(seed);
	for (int kind = 0; kind < KINDS; kind++) {
		int protocol = good(kind);
		uint32_t whole = q.h.nlmsg_len;

		for (uint32_t at = sizeof(q.h); at + 2 <= whole; at += 2) {
			for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
				good(kind);
				memcpy((char *)&q + at, &wrong[i], 2);
				serve(protocol, &q, whole);
			}
		}
	}
	finish();
	return 0;
}

static void test_lengths(void **state)
{
	in_child(lengths, 4);
	in_child(lengths, 5);
}

static uint64_t wild(uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

	boot(seed);
	for (int round = 0; round < WILD_ROUNDS; round++) {
		int protocol;

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		protocol = good((int)(state >> 33) % KINDS);
		uint32_t whole = q.h.nlmsg_len;

		for (unsigned hits = 1 + (state >> 60); hits; hits--) {
			state = state * 6364136223846793005ull + 1442695040888963407ull;
			((unsigned char *)&q)[(state >> 33) % whole] = (unsigned char)(state >> 25);
		}
		serve(protocol, &q, whole);
	}
	finish();
	return 0;
}

static void test_wild(void **state)
{
	for (uint64_t seed = 10; seed < 14; seed++)
		in_child(wild, seed);
}

/* Take back what the @kind-th message made. The device goes last of all: its number is in the other messages. */
static void undo(int kind)
{
	static const uint16_t opposite[] = { [2] = RTM_DELADDR, [3] = RTM_DELROUTE, [5] = RTM_DELNEIGH };

	if (kind >= 6 || !opposite[kind])
		return;
	good(kind);
	q.h.nlmsg_type = opposite[kind];
	q.h.nlmsg_flags = NLM_F_REQUEST;
	serve(NETLINK_ROUTE, &q, q.h.nlmsg_len);
}

/* Each allocation of each good message fails in turn. */
static uint64_t no_memory(uint64_t seed)
{
	boot(seed);
	for (int kind = KINDS - 1; kind >= 0; kind--) {
		bool failed = true;

		for (uint64_t nth = 1; failed; nth++) {
			int protocol;

			undo(kind);
			if (!kind)
				remove_device("d0");
			protocol = good(kind);
			auk_fail_alloc(nth);
			serve(protocol, &q, q.h.nlmsg_len);
			failed = auk_fail_happened();
			auk_fail_alloc(0);
			CHECK(nth < 1000);
		}
	}
	finish();
	return 0;
}

static void test_no_memory(void **state)
{
	in_child(no_memory, 6);
}

static uint64_t free_bytes(void)
{
	const struct timespec wait = { .tv_nsec = 100000000 };	/* for what goes after a grace period */
	struct sysinfo info;

	CHECK_EQ(auk_put(out, &wait, sizeof(wait)), 0);
	CHECK_EQ(auk_syscall(SYS_nanosleep, out, 0), 0);
	CHECK_EQ(auk_syscall(SYS_sysinfo, in), 0);
	CHECK_EQ(auk_get(&info, in, sizeof(info)), 0);
	return info.freeram * info.mem_unit;
}

/* Devices that come and go leave nothing behind, nor do their files in /sys. */
static uint64_t coming_and_going(uint64_t seed)
{
	enum { WARM = 100, ROUNDS = 500, LOST_MAX = 128 << 10 };
	uint64_t before = 0;

	boot(seed);
	for (int i = 0; i < WARM + ROUNDS; i++) {
		if (i == WARM)
			before = free_bytes();
		new_link();
		CHECK(serve(NETLINK_ROUTE, &q, q.h.nlmsg_len) > 0);
		remove_device("d0");
	}
	uint64_t after = free_bytes();

	CHECK(after + LOST_MAX > before);
	finish();
	return 0;
}

static void test_coming_and_going(void **state)
{
	in_child(coming_and_going, 7);
}

/* A socket that so many wait for that one message cannot tell them all: the dump ends with an error, not without an end. */
static uint64_t too_long(uint64_t seed)
{
	enum { WAITING = 1100 };
	static const struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0many" };
	const struct unix_diag_req ask = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_show = UDIAG_SHOW_ICONS };

	boot(seed);
	CHECK_EQ(auk_put(in, &name, sizeof(name)), 0);
	long l = auk_syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(auk_syscall(SYS_bind, (uint64_t)l, in, 7), 0);
	CHECK_EQ(auk_syscall(SYS_listen, (uint64_t)l, 4096), 0);
	for (int i = 0; i < WAITING; i++) {
		long c = auk_syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

		CHECK_EQ(auk_syscall(SYS_connect, (uint64_t)c, in, 7), 0);
		CHECK_EQ(auk_syscall(SYS_close, (uint64_t)c), 0);
	}
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &ask, sizeof(ask));
	CHECK(serve(NETLINK_SOCK_DIAG, &q, q.h.nlmsg_len) > 0);
	struct { struct nlmsghdr h; int error; } last;

	CHECK_EQ(auk_get(&last, in, sizeof(last)), 0);
	CHECK_EQ(last.h.nlmsg_type, NLMSG_DONE);
	CHECK_EQ(last.error, -EMSGSIZE);
	CHECK_EQ(auk_syscall(SYS_close, (uint64_t)l), 0);
	finish();
	return 0;
}

static void test_too_long(void **state)
{
	in_child(too_long, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_lengths), cmocka_unit_test(test_wild), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_coming_and_going), cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
