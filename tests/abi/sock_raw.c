/* Raw and ping sockets over lo: creation, echoes, headers, filters, binding, errors. */
#include "abi.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>

enum { OWN_PROTOCOL = 253 };

static struct sockaddr_in at(const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static long send_to(int s, const void *data, size_t n, const char *ip)
{
	struct sockaddr_in a = at(ip, 0);

	return sendto(s, data, n, MSG_DONTWAIT, (void *)&a, sizeof(a));
}

static void name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	char text[32];

	if (get(s, (void *)&a, &n))
		say(what, "%s", err_name(errno));
	else
		say(what, "%s port %d", inet_ntop(AF_INET, &a.sin_addr, text, sizeof(text)), ntohs(a.sin_port));
}

static unsigned short sum(const void *data, size_t n)
{
	const unsigned char *b = data;
	unsigned s = 0;

	for (size_t i = 0; i < n; i++)
		s += i & 1 ? b[i] : b[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons(~s & 0xffff);
}

/* An echo request with @id and @payload bytes. */
static size_t echo(unsigned char *out, int id, size_t payload)
{
	struct icmphdr h = { .type = ICMP_ECHO, .un.echo = { htons(id), htons(1) } };

	memset(out, 'x', sizeof(h) + payload);
	memcpy(out, &h, sizeof(h));
	h.checksum = sum(out, sizeof(h) + payload);
	memcpy(out, &h, sizeof(h));
	return sizeof(h) + payload;
}

static void say_packet(const char *what, int s)
{
	unsigned char in[2048];
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof(from);
	struct pollfd p = { .fd = s, .events = POLLIN };

	poll(&p, 1, 200);
	long len = recvfrom(s, in, sizeof(in), MSG_DONTWAIT, (void *)&from, &n);

	if (len < 0) {
		say(what, "%s", err_name(errno));
		return;
	}
	struct iphdr *ip = (void *)in;
	struct icmphdr *icmp = (void *)(in + ip->ihl * 4);

	say(what, "%ld bytes, version %d ihl %d protocol %d total %d ttl %d tos %d from %s port %d, type %d", len, ip->version, ip->ihl, ip->protocol,
	    ntohs(ip->tot_len), ip->ttl, ip->tos, inet_ntoa(from.sin_addr), ntohs(from.sin_port), ip->protocol == IPPROTO_ICMP ? icmp->type : -1);
}

static void creating(void)
{
	OK("protocol 0", socket(AF_INET, SOCK_RAW, 0));
	OK("icmp", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	OK("raw", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	OK("udp", socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
	OK("protocol 262", socket(AF_INET, SOCK_RAW, 262));
	OK("protocol 300", socket(AF_INET, SOCK_RAW, 300));
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	name("new", s, getsockname);
	name("no peer", s, getpeername);
	OK("listen", listen(s, 1));
	OK("shutdown", shutdown(s, SHUT_RD));
	close(s);
}

static void icmp(void)
{
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), t;
	unsigned char out[2048];
	size_t n = echo(out, 7, 20);
	struct icmp_filter f = { ~(1u << ICMP_ECHOREPLY) };
	socklen_t len = sizeof(f);

	RET("no destination", send(s, out, n, 0));
	RET("send", send_to(s, out, n, "127.0.0.1"));
	say_packet("the request itself", s);
	say_packet("the reply", s);
	say_packet("nothing more", s);
	OK("filter", setsockopt(s, SOL_RAW, ICMP_FILTER, &f, sizeof(f)));
	f.data = 0;
	OK("filter back", getsockopt(s, SOL_RAW, ICMP_FILTER, &f, &len));
	HEX("filter back", f.data);
	RET("send", send_to(s, out, n, "127.0.0.1"));
	say_packet("only the reply", s);
	say_packet("nothing more", s);
	OK("raw option 2", setsockopt(s, SOL_RAW, 2, &f, sizeof(f)));
	t = socket(AF_INET, SOCK_RAW, OWN_PROTOCOL);
	OK("filter of another protocol", setsockopt(t, SOL_RAW, ICMP_FILTER, &f, sizeof(f)));
	RET("too long", send_to(s, out, 70000, "127.0.0.1"));
	RET("oob", send(s, out, n, MSG_OOB));
	struct sockaddr_in a = at("127.0.0.1", 0);

	RET("short address", sendto(s, out, n, 0, (void *)&a, 8));
	a.sin_family = AF_UNIX;
	RET("family", sendto(s, out, n, 0, (void *)&a, sizeof(a)));
	close(s);
	close(t);
}

static void own_protocol(void)
{
	int a = socket(AF_INET, SOCK_RAW, OWN_PROTOCOL), b = socket(AF_INET, SOCK_RAW, OWN_PROTOCOL), ttl = 9, tos = 0x20;
	struct sockaddr_in to = at("127.0.0.2", 0), none = at("192.0.2.1", 0);

	OK("bind", bind(b, (void *)&to, sizeof(to)));
	name("bound", b, getsockname);
	OK("bind elsewhere", bind(a, (void *)&none, sizeof(none)));
	setsockopt(a, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	setsockopt(a, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	RET("to 127.0.0.1", send_to(a, "hello", 5, "127.0.0.1"));
	say_packet("a itself", a);
	say_packet("b, bound elsewhere", b);
	RET("to 127.0.0.2", send_to(a, "hello", 5, "127.0.0.2"));
	say_packet("a hears it too", a);
	say_packet("b", b);
	RET("empty", send_to(a, "", 0, "127.0.0.2"));
	say_packet("b", b);
	OK("connect", connect(a, (void *)&to, sizeof(to)));
	name("connected", a, getsockname);
	name("peer without port", a, getpeername);
	to.sin_port = htons(5);
	OK("connect with port", connect(a, (void *)&to, sizeof(to)));
	name("peer", a, getpeername);
	RET("send", send(a, "hello", 5, 0));
	say_packet("b", b);
	while (recv(a, &ttl, sizeof(ttl), MSG_DONTWAIT) >= 0)
		;
	RET("from elsewhere", send_to(b, "hello", 5, "127.0.0.1"));
	say_packet("a is connected to 127.0.0.2", a);
	close(a);
	close(b);
	a = socket(AF_INET, SOCK_RAW, 254);
	RET("to a protocol that nobody has", send_to(a, "x", 1, "127.0.0.1"));
	say_packet("but its sender", a);
	close(a);
}

static void headers(void)
{
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), r = socket(AF_INET, SOCK_RAW, OWN_PROTOCOL), v = 0, one = 1;
	unsigned char out[64] = { 0 };
	struct iphdr *ip = (void *)out;
	socklen_t n = sizeof(v);

	OK("HDRINCL of 255", getsockopt(s, IPPROTO_IP, IP_HDRINCL, &v, &n));
	VAL("HDRINCL of 255", v);
	v = 7;
	OK("HDRINCL of another", getsockopt(r, IPPROTO_IP, IP_HDRINCL, &v, &n));
	VAL("HDRINCL of another", v);
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 33;
	ip->tos = 4;
	ip->protocol = OWN_PROTOCOL;
	ip->saddr = 0;
	ip->daddr = htonl(0x7f000001);
	RET("with header", send_to(s, out, 25, "127.0.0.1"));
	say_packet("with header", r);
	ip->saddr = htonl(0x7f000009);
	RET("source of one's own", send_to(s, out, 25, "127.0.0.1"));
	say_packet("source of one's own", r);
	RET("less than a header", send_to(s, out, 19, "127.0.0.1"));
	ip->ihl = 15;
	RET("header longer than the packet", send_to(s, out, 25, "127.0.0.1"));
	ip->ihl = 5;
	OK("set HDRINCL", setsockopt(r, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)));
	RET("by a socket that set it", send_to(r, out, 30, "127.0.0.1"));
	say_packet("by a socket that set it", r);
	OK("HDRINCL of a datagram socket", setsockopt(socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)));
	close(s);
	close(r);
}

/* Datagrams of UDP as a raw socket sees them, and as their own socket does. */
static void beside_udp(void)
{
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), u = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = at("127.0.0.1", 5000);
	char in[16];

	bind(u, (void *)&a, sizeof(a));
	RET("udp to itself", sendto(u, "hello", 5, 0, (void *)&a, sizeof(a)));
	say_packet("raw", raw);
	RET("udp", recv(u, in, sizeof(in), MSG_DONTWAIT));
	close(raw);
	close(u);
}

static void ping(void)
{
	unsigned char out[256], in[256];
	struct sockaddr_in from, id = at("0.0.0.0", 4321);
	socklen_t n = sizeof(from);
	size_t len = echo(out, 1, 10);
	int s;

	OK("nobody may", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	RET("range", poke_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647"));
	STR("range", get_file("/proc/sys/net/ipv4/ping_group_range"));
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	OK("everybody may", s);
	name("ping", s, getsockname);
	OK("bind", bind(s, (void *)&id, sizeof(id)));
	name("ping bound", s, getsockname);
	OK("bind again", bind(s, (void *)&id, sizeof(id)));
	RET("no destination", send(s, out, len, 0));
	RET("send", send_to(s, out, len, "127.0.0.1"));
	struct pollfd p = { .fd = s, .events = POLLIN };

	VAL("poll", poll(&p, 1, 1000));
	long got = recvfrom(s, in, sizeof(in), MSG_DONTWAIT, (void *)&from, &n);

	say("reply", "%ld bytes type %d id %d sequence %d sum %d from %s port %d", got, in[0], in[4] << 8 | in[5], in[6] << 8 | in[7], sum(in, got),
	    inet_ntoa(from.sin_addr), ntohs(from.sin_port));
	RET("nothing more", recv(s, in, sizeof(in), MSG_DONTWAIT));
	out[0] = ICMP_ECHOREPLY;
	RET("a reply", send_to(s, out, len, "127.0.0.1"));
	out[0] = ICMP_ECHO;
	out[1] = 1;
	RET("a code", send_to(s, out, len, "127.0.0.1"));
	out[1] = 0;
	RET("short", send_to(s, out, 7, "127.0.0.1"));
	id = at("127.0.0.1", 0);
	OK("connect", connect(s, (void *)&id, sizeof(id)));
	RET("send", send(s, out, 8, 0));
	RET("reply", recv(s, in, sizeof(in), 0));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	RET("bound by sending", send_to(s, out, len, "127.0.0.1"));
	n = sizeof(from);
	getsockname(s, (void *)&from, &n);
	YES("an identifier was chosen", from.sin_port != 0);
	close(s);
}

static void as_user(void)
{
	unsigned char out[64], in[64];
	size_t len = echo(out, 1, 10);
	int s;

	become(1000);
	OK("user: raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	OK("user: raw of no protocol", socket(AF_INET, SOCK_RAW, 0));
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	RET("user: ping", send_to(s, out, len, "127.0.0.1"));
	RET("user: reply", recv(s, in, sizeof(in), 0));
}

void abi_test(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &lo);
	creating();
	icmp();
	own_protocol();
	headers();
	beside_udp();
	ping();
	APART(as_user());
	poke_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
}
