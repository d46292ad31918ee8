/* Packet sockets on lo; filters (SO_ATTACH_FILTER) of packet, UDP and netlink sockets. */
#include "abi.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

enum { OWN_TYPE = 0x88b5, SOL_PACKET_ = 263, PORT = 5099 };

static unsigned lo;

static int packet(int type, int protocol, int bound)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = lo };
	int s = socket(AF_PACKET, type, bound ? 0 : htons(protocol));

	if (bound)
		MUST(bind(s, (void *)&ll, sizeof(ll)));
	return s;
}

/* A datagram over lo, so that there is something to see. */
static void datagram(int n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_DGRAM, 0), r = socket(AF_INET, SOCK_DGRAM, 0);
	char text[64] = "hello";

	bind(r, (void *)&a, sizeof(a));
	sendto(s, text, n, 0, (void *)&a, sizeof(a));
	close(s);
	close(r);
}

static void say_frame(const char *what, int s, size_t room, int flags)
{
	unsigned char in[2048], control[128];
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { in, room };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	struct pollfd p = { .fd = s, .events = POLLIN };

	poll(&p, 1, 100);
	long n = recvmsg(s, &m, flags | MSG_DONTWAIT);

	if (n < 0) {
		say(what, "%s", err_name(errno));
		return;
	}
	say(what, "%ld bytes, first %02x, flags %#x, from: len %d family %d protocol %#x lo %d hatype %d type %d halen %d addr %02x", n, room ? in[0] : 0,
	    m.msg_flags, m.msg_namelen, from.sll_family, ntohs(from.sll_protocol), from.sll_ifindex == (int)lo, from.sll_hatype, from.sll_pkttype,
	    from.sll_halen, from.sll_addr[0]);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct tpacket_auxdata *a = (void *)CMSG_DATA(h);

		if (h->cmsg_level == SOL_PACKET_ && h->cmsg_type == PACKET_AUXDATA)
			say(what, "auxdata: user %d len %u snaplen %u mac %u net %u", a->tp_status & TP_STATUS_USER, a->tp_len, a->tp_snaplen, a->tp_mac,
			    a->tp_net);
	}
}

static void creating(void)
{
	OK("raw", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	OK("dgram", socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)));
	OK("no protocol", socket(AF_PACKET, SOCK_RAW, 0));
	OK("stream", socket(AF_PACKET, SOCK_STREAM, 0));
	OK("seqpacket", socket(AF_PACKET, SOCK_SEQPACKET, 0));
	int s = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 9999 };
	socklen_t n = sizeof(ll);

	OK("bind to no device", bind(s, (void *)&ll, sizeof(ll)));
	ll.sll_ifindex = lo;
	OK("bind short", bind(s, (void *)&ll, sizeof(ll) - 1));
	ll.sll_family = AF_INET;
	OK("bind family", bind(s, (void *)&ll, sizeof(ll)));
	OK("name", getsockname(s, (void *)&ll, &n));
	say("name", "len %d protocol %#x ifindex %d hatype %d halen %d", (int)n, ntohs(ll.sll_protocol), ll.sll_ifindex, ll.sll_hatype, ll.sll_halen);
	ll = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = lo, .sll_protocol = htons(ETH_P_IP) };
	OK("bind", bind(s, (void *)&ll, sizeof(ll)));
	n = sizeof(ll);
	OK("name", getsockname(s, (void *)&ll, &n));
	say("name", "len %d protocol %#x lo %d hatype %d halen %d", (int)n, ntohs(ll.sll_protocol), ll.sll_ifindex == (int)lo, ll.sll_hatype, ll.sll_halen);
	OK("peer", getpeername(s, (void *)&ll, &n));
	OK("connect", connect(s, (void *)&ll, sizeof(ll)));
	OK("listen", listen(s, 1));
	OK("shutdown", shutdown(s, SHUT_RD));
	OK("option 99", setsockopt(s, SOL_PACKET_, 99, &n, sizeof(n)));
	OK("option of IP", setsockopt(s, 0, 1, &n, sizeof(n)));
	close(s);
}

static void watching(void)
{
	int all = packet(SOCK_RAW, ETH_P_ALL, 1), ip = packet(SOCK_RAW, ETH_P_IP, 1), cooked = packet(SOCK_DGRAM, ETH_P_IP, 1), one = 1;
	int arp = packet(SOCK_RAW, ETH_P_ARP, 1), any = packet(SOCK_DGRAM, ETH_P_IP, 0);
	struct tpacket_stats st;
	socklen_t n = sizeof(st);

	OK("auxdata", setsockopt(ip, SOL_PACKET_, PACKET_AUXDATA, &one, sizeof(one)));
	datagram(10);
	say_frame("all, going out", all, 2048, 0);
	say_frame("all, coming in", all, 2048, 0);
	say_frame("all, no more", all, 2048, 0);
	say_frame("ip", ip, 2048, 0);
	say_frame("ip, no more", ip, 2048, 0);
	say_frame("without header, peek", cooked, 2048, MSG_PEEK);
	say_frame("without header, cut", cooked, 4, MSG_TRUNC);
	say_frame("without header, no more", cooked, 2048, 0);
	say_frame("not bound", any, 2048, 0);
	say_frame("arp", arp, 2048, 0);
	OK("statistics", getsockopt(all, SOL_PACKET_, PACKET_STATISTICS, &st, &n));
	say("statistics", "%u packets %u drops len %d", st.tp_packets, st.tp_drops, (int)n);
	getsockopt(all, SOL_PACKET_, PACKET_STATISTICS, &st, &n);
	say("statistics again", "%u packets %u drops", st.tp_packets, st.tp_drops);
	OK("ignore outgoing", setsockopt(all, SOL_PACKET_, PACKET_IGNORE_OUTGOING, &one, sizeof(one)));
	datagram(10);
	say_frame("only coming in", all, 2048, 0);
	say_frame("no more", all, 2048, 0);
	RET("oob", recv(all, &st, 4, MSG_OOB));
	close(all);
	close(ip);
	close(cooked);
	close(arp);
	close(any);
}

static void sending(void)
{
	int s = packet(SOCK_RAW, OWN_TYPE, 1), c = packet(SOCK_DGRAM, OWN_TYPE, 1), loose = packet(SOCK_RAW, 0, 0);
	unsigned char frame[80] = { [12] = OWN_TYPE >> 8, [13] = OWN_TYPE & 0xff, [14] = 0x77 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = lo, .sll_protocol = htons(OWN_TYPE), .sll_halen = 6 };

	RET("send", send(s, frame, 60, 0));
	say_frame("raw", s, 2048, 0);
	say_frame("cooked", c, 2048, 0);
	RET("send cooked", sendto(c, "cooked", 6, 0, (void *)&to, sizeof(to)));
	say_frame("raw", s, 2048, 0);
	say_frame("cooked", c, 2048, 0);
	to.sll_halen = 3;
	RET("short address of a link", sendto(c, "cooked", 6, 0, (void *)&to, sizeof(to)));
	RET("raw does not mind", sendto(s, frame, 60, 0, (void *)&to, sizeof(to)));
	RET("less than a header", send(s, frame, 13, 0));
	RET("no device", send(loose, frame, 60, 0));
	to.sll_ifindex = 9999;
	RET("no such device", sendto(loose, frame, 60, 0, (void *)&to, sizeof(to)));
	RET("short name", sendto(loose, frame, 60, 0, (void *)&to, 10));
	close(s);
	close(c);
	close(loose);
}

static void members(void)
{
	int s = packet(SOCK_RAW, ETH_P_ALL, 1), t = packet(SOCK_RAW, ETH_P_ALL, 1);
	struct packet_mreq r = { .mr_ifindex = lo, .mr_type = PACKET_MR_PROMISC };

	STR("flags before", get_file("/sys/class/net/lo/flags"));
	OK("promiscuous", setsockopt(s, SOL_PACKET_, PACKET_ADD_MEMBERSHIP, &r, sizeof(r)));
	STR("flags", get_file("/sys/class/net/lo/flags"));
	OK("twice", setsockopt(s, SOL_PACKET_, PACKET_ADD_MEMBERSHIP, &r, sizeof(r)));
	OK("by another", setsockopt(t, SOL_PACKET_, PACKET_ADD_MEMBERSHIP, &r, sizeof(r)));
	OK("drop", setsockopt(s, SOL_PACKET_, PACKET_DROP_MEMBERSHIP, &r, sizeof(r)));
	STR("flags", get_file("/sys/class/net/lo/flags"));
	OK("drop", setsockopt(s, SOL_PACKET_, PACKET_DROP_MEMBERSHIP, &r, sizeof(r)));
	OK("drop once more", setsockopt(s, SOL_PACKET_, PACKET_DROP_MEMBERSHIP, &r, sizeof(r)));
	STR("flags", get_file("/sys/class/net/lo/flags"));
	close(t);
	STR("flags after the close", get_file("/sys/class/net/lo/flags"));
	r.mr_ifindex = 9999;
	OK("no such device", setsockopt(s, SOL_PACKET_, PACKET_ADD_MEMBERSHIP, &r, sizeof(r)));
	OK("short", setsockopt(s, SOL_PACKET_, PACKET_ADD_MEMBERSHIP, &r, 4));
	close(s);
}

static int attach(int s, struct sock_filter *f, unsigned n)
{
	struct sock_fprog p = { n, f };

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

static void filters(void)
{
	int s = packet(SOCK_RAW, ETH_P_IP, 1), u = socket(AF_INET, SOCK_DGRAM, 0), one = 1, zero = 0;
	/* IPv4 and UDP to PORT: 20 bytes of the frame */
	struct sock_filter port[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 4), BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1), BPF_STMT(BPF_RET | BPF_K, 20),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter bad[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	/* Of UDP the offset 0 is its header: payload begins at 8. */
	struct sock_filter first[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'h', 0, 1), BPF_STMT(BPF_RET | BPF_K, 11),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter ext[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (unsigned)SKF_AD_OFF + SKF_AD_PROTOCOL), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_NET_OFF + 9), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0),
	};

	OK("attach", attach(s, port, ARRAY_LEN(port)));
	datagram(10);
	say_frame("filtered", s, 2048, 0);
	port[4].k = PORT + 1;
	OK("attach another", attach(s, port, ARRAY_LEN(port)));
	datagram(10);
	say_frame("not to that port", s, 2048, 0);
	OK("by extensions", attach(s, ext, ARRAY_LEN(ext)));
	datagram(10);
	say_frame("by extensions", s, 2048, 0);
	OK("divides by 0", attach(s, bad, ARRAY_LEN(bad)));
	OK("empty", attach(s, bad, 0));
	OK("no return", attach(s, bad, 1));
	OK("too long", attach(s, bad, 5000));
	OK("no address", attach(s, NULL, 1));
	OK("short value", setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, bad, 4));
	OK("detach", setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
	OK("detach again", setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
	OK("lock", setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
	OK("attach to a locked one", attach(s, none, 1));
	OK("detach from a locked one", setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
	OK("unlock", setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &zero, sizeof(zero)));
	close(s);

	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(5100), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char in[32];

	bind(u, (void *)&a, sizeof(a));
	OK("udp attach", attach(u, first, ARRAY_LEN(first)));
	RET("udp to itself", sendto(u, "xhello", 6, 0, (void *)&a, sizeof(a)));
	RET("not wanted", recv(u, in, sizeof(in), MSG_DONTWAIT));
	RET("udp to itself", sendto(u, "hello", 5, 0, (void *)&a, sizeof(a)));
	RET("three bytes are wanted", recv(u, in, sizeof(in), MSG_DONTWAIT));
	/* a datagram to a group or to all is filtered too */
	struct sockaddr_in all = { .sin_family = AF_INET, .sin_port = htons(5101), .sin_addr.s_addr = inet_addr("127.255.255.255") };
	int to_all = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(bind(to_all, (void *)&all, sizeof(all)));
	MUST(setsockopt(u, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)));
	OK("attach to one bound to all", attach(to_all, first, ARRAY_LEN(first)));
	RET("udp to all", sendto(u, "xhello", 6, 0, (void *)&all, sizeof(all)));
	RET("not wanted", recv(to_all, in, sizeof(in), MSG_DONTWAIT));
	RET("udp to all", sendto(u, "hello", 5, 0, (void *)&all, sizeof(all)));
	RET("three bytes are wanted", recv(to_all, in, sizeof(in), MSG_DONTWAIT));
	close(to_all);
	close(u);
}

static int ring(int s, unsigned block, unsigned blocks, unsigned frame, unsigned frames)
{
	struct tpacket_req r = { block, blocks, frame, frames };

	return setsockopt(s, SOL_PACKET_, PACKET_RX_RING, &r, sizeof(r));
}

static void say_ring(const char *what, unsigned char *at, int version)
{
	struct tpacket2_hdr *h2 = (void *)at;
	struct tpacket_hdr *h1 = (void *)at;
	unsigned status = version == TPACKET_V2 ? h2->tp_status : h1->tp_status, mac = version == TPACKET_V2 ? h2->tp_mac : h1->tp_mac;
	struct sockaddr_ll *ll = (void *)(at + TPACKET_ALIGN(version == TPACKET_V2 ? sizeof(*h2) : sizeof(*h1)));

	if (!(status & TP_STATUS_USER)) {
		say(what, "the kernel's");
		return;
	}
	say(what, "user losing %d len %u snaplen %u mac %u net %u first %02x ip %02x protocol %#x type %d time %d", (status & TP_STATUS_LOSING) != 0,
	    version == TPACKET_V2 ? h2->tp_len : h1->tp_len, version == TPACKET_V2 ? h2->tp_snaplen : h1->tp_snaplen, mac,
	    version == TPACKET_V2 ? h2->tp_net : h1->tp_net, at[mac], at[mac + 14], ntohs(ll->sll_protocol), ll->sll_pkttype,
	    (version == TPACKET_V2 ? h2->tp_sec : h1->tp_sec) != 0);
}

static void ring_errors(void)
{
	int s = packet(SOCK_RAW, ETH_P_IP, 1), v;
	socklen_t n = sizeof(v);

	for (int version = TPACKET_V1; version <= TPACKET_V2; version++) {
		v = version;
		OK("header length", getsockopt(s, SOL_PACKET_, PACKET_HDRLEN, &v, &n));
		VAL("header length", v);
	}
	v = 77;
	OK("no such version", getsockopt(s, SOL_PACKET_, PACKET_HDRLEN, &v, &n));
	v = 77;
	OK("set no such version", setsockopt(s, SOL_PACKET_, PACKET_VERSION, &v, sizeof(v)));
	v = TPACKET_V2;
	OK("version", setsockopt(s, SOL_PACKET_, PACKET_VERSION, &v, sizeof(v)));
	OK("map without a ring", mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0) == MAP_FAILED ? -1 : 0);
	OK("block of half a page", ring(s, 2048, 2, 2048, 2));
	OK("no block size", ring(s, 0, 2, 2048, 2));
	OK("frame too small", ring(s, 4096, 2, 32, 256));
	OK("frame not aligned", ring(s, 4096, 2, 2040, 4));
	OK("frame larger than a block", ring(s, 4096, 2, 8192, 2));
	OK("frames that do not fill", ring(s, 4096, 2, 2048, 5));
	OK("frames but no blocks", ring(s, 4096, 0, 2048, 4));
	OK("none at all", ring(s, 0, 0, 0, 0));
	OK("short", setsockopt(s, SOL_PACKET_, PACKET_RX_RING, &v, sizeof(v)));
	OK("ring", ring(s, 4096, 2, 2048, 4));
	OK("another", ring(s, 4096, 2, 2048, 4));
	v = TPACKET_V1;
	OK("version of a ring", setsockopt(s, SOL_PACKET_, PACKET_VERSION, &v, sizeof(v)));
	OK("reserve of a ring", setsockopt(s, SOL_PACKET_, PACKET_RESERVE, &v, sizeof(v)));
	OK("map half", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0) == MAP_FAILED ? -1 : 0);
	OK("map with an offset", mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 4096) == MAP_FAILED ? -1 : 0);
	void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);

	OK("map", p == MAP_FAILED ? -1 : 0);
	OK("take away while mapped", ring(s, 0, 0, 0, 0));
	munmap(p, 8192);
	OK("take away", ring(s, 0, 0, 0, 0));
	close(s);
}

static void rings(void)
{
	for (int version = TPACKET_V1; version <= TPACKET_V2; version++) {
		int s = packet(SOCK_RAW, ETH_P_IP, 1);
		struct pollfd p = { .fd = s, .events = POLLIN };
		struct tpacket_stats st;
		socklen_t n = sizeof(st);
		char in[64];

		setsockopt(s, SOL_PACKET_, PACKET_VERSION, &version, sizeof(version));
		MUST(ring(s, 4096, 2, 2048, 4));
		unsigned char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);

		VAL("poll empty", poll(&p, 1, 0));
		datagram(10);
		VAL("poll", poll(&p, 1, 1000));
		HEX("readable", p.revents);
		say_ring("first", at, version);
		say_ring("second", at + 2048, version);
		RET("not by recv", recv(s, in, sizeof(in), MSG_DONTWAIT));
		*(unsigned *)at = TP_STATUS_KERNEL;
		VAL("poll, given back", poll(&p, 1, 0));
		for (int i = 0; i < 6; i++)
			datagram(20 + i);
		for (int i = 0; i < 4; i++)
			say_ring("after six", at + i * 2048, version);
		getsockopt(s, SOL_PACKET_, PACKET_STATISTICS, &st, &n);
		say("statistics", "%u packets %u drops", st.tp_packets, st.tp_drops);
		for (int i = 0; i < 4; i++)
			*(unsigned *)(at + i * 2048) = TP_STATUS_KERNEL;
		datagram(30);
		for (int i = 0; i < 4; i++)
			say_ring("goes on", at + i * 2048, version);
		close(s);
		say_ring("mapped still", at + 2048, version);
		munmap(at, 8192);
	}
	/* A frame too small for the packet. */
	int s = packet(SOCK_DGRAM, ETH_P_IP, 1), version = TPACKET_V2, reserve = 100;

	setsockopt(s, SOL_PACKET_, PACKET_VERSION, &version, sizeof(version));
	setsockopt(s, SOL_PACKET_, PACKET_RESERVE, &reserve, sizeof(reserve));
	MUST(ring(s, 4096, 1, 256, 16));
	unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);

	datagram(64);
	usleep(10000);
	say_ring("cut", at, version);
	munmap(at, 4096);
	close(s);
}

static void as_user(void)
{
	become(1000);
	OK("user: raw", socket(AF_PACKET, SOCK_RAW, 0));
	OK("user: stream", socket(AF_PACKET, SOCK_STREAM, 0));
}

void abi_test(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &up);
	mkdir("/sys", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	lo = if_nametoindex("lo");
	creating();
	watching();
	sending();
	members();
	filters();
	ring_errors();
	rings();
	APART(as_user());
}
