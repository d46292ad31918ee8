/* Control messages that a UDP datagram is sent with: ip(7), cmsg(3). */
#include "abi.h"
#include <net/if.h>
#include <netinet/in.h>

static int from, to;
static struct sockaddr_in there;

static long send_with(int level, int type, const void *data, size_t len)
{
	char control[64] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_name = &there, .msg_namelen = sizeof(there), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return sendmsg(from, &m, 0);
}

static void arrives(const char *name)
{
	char control[128], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int ttl = -1, tos = -1;

	if (recvmsg(to, &m, MSG_DONTWAIT) != 1) {
		say(name, "nothing");
		return;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == IP_TTL)
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		if (c->cmsg_type == IP_TOS)
			tos = *(unsigned char *)CMSG_DATA(c);
	}
	say(name, "ttl %d tos %#x", ttl, tos);
}

#define INT(name, level, type, value) do { int v_ = (value); RET(name, send_with(level, type, &v_, sizeof(v_))); } while (0)

void abi_test(void)
{
	socklen_t len = sizeof(there);
	int one = 1, wide[2] = { 7, 0 };
	unsigned char byte = 0x20;

	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };	/* the reference kernel starts with lo down */

	from = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(ioctl(from, SIOCSIFFLAGS, &lo));
	to = socket(AF_INET, SOCK_DGRAM, 0);
	there = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(bind(to, (struct sockaddr *)&there, sizeof(there)));
	getsockname(to, (struct sockaddr *)&there, &len);
	setsockopt(to, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one));
	setsockopt(to, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	INT("IP_TTL 7", IPPROTO_IP, IP_TTL, 7);
	arrives("with it");
	INT("IP_TTL 255", IPPROTO_IP, IP_TTL, 255);
	arrives("with that");
	INT("IP_TTL 0", IPPROTO_IP, IP_TTL, 0);
	INT("IP_TTL 256", IPPROTO_IP, IP_TTL, 256);
	INT("IP_TTL -1", IPPROTO_IP, IP_TTL, -1);
	RET("IP_TTL of a byte", send_with(IPPROTO_IP, IP_TTL, &byte, 1));
	RET("IP_TTL of eight bytes", send_with(IPPROTO_IP, IP_TTL, wide, 8));
	INT("IP_TOS 0x10", IPPROTO_IP, IP_TOS, 0x10);
	arrives("with 0x10");
	RET("IP_TOS of a byte", send_with(IPPROTO_IP, IP_TOS, &byte, 1));
	arrives("with 0x20");
	INT("IP_TOS 256", IPPROTO_IP, IP_TOS, 256);
	RET("IP_TOS of eight bytes", send_with(IPPROTO_IP, IP_TOS, wide, 8));
	INT("an unknown type", IPPROTO_IP, 99, 1);
	INT("an unknown type of SOL_SOCKET", SOL_SOCKET, 99, 1);
	INT("another level", IPPROTO_TCP, 1, 1);
	arrives("which is passed over");
	arrives("then");
}
