/* /proc/net and /sys/class/net: lo and a dummy device; counters by their names alone. */
#include "abi.h"
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>

static char q[512];

static struct nlmsghdr *begin(int type, int flags, const void *head, unsigned len)
{
	struct nlmsghdr *h = (void *)q;

	memset(q, 0, sizeof(q));
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(h), head, len);
	return h;
}

static void attr(int type, const void *data, unsigned len)
{
	struct nlmsghdr *h = (void *)q;
	struct rtattr *a = (void *)(q + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void do_it(const char *what, int s)
{
	char in[1024];

	send(s, q, ((struct nlmsghdr *)q)->nlmsg_len, 0);
	recv(s, in, sizeof(in), 0);
	say(what, "%s", err_name(-((struct nlmsgerr *)NLMSG_DATA(in))->error));
}

/* The lines of a file that begin, after blanks, with @with; those of counters up to the blanks before the first digit. */
static void lines(const char *path, const char *with, bool counters)
{
	char *text = strdup(get_file(path)), *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line + strspn(line, " "), with, strlen(with)))
			continue;
		if (counters && strpbrk(line, "0123456789")) {
			char *end = strpbrk(line, "0123456789");

			while (end > line && end[-1] == ' ')
				end--;
			*end = 0;
		}
		say(path, "[%s]", line);
	}
	free(text);
}

static void make(int s)
{
	struct ifinfomsg link = { 0 };
	struct ifaddrmsg addr = { .ifa_family = AF_INET, .ifa_prefixlen = 24 };
	struct ndmsg neigh = { .ndm_family = AF_INET, .ndm_state = NUD_PERMANENT };
	struct in_addr ip = { htonl(0x0a010101) }, other = { htonl(0x0a010132) };
	char kind[16] = "\x0a\0\1\0dummy";

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	attr(IFLA_IFNAME, "d0", 3);
	attr(IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	attr(IFLA_LINKINFO, kind, 12);
	do_it("link", s);
	addr.ifa_index = neigh.ndm_ifindex = link.ifi_index = if_nametoindex("d0");
	begin(RTM_NEWADDR, NLM_F_CREATE, &addr, sizeof(addr));
	attr(IFA_LOCAL, &ip, 4);
	do_it("address", s);
	link.ifi_flags = link.ifi_change = IFF_UP;
	begin(RTM_SETLINK, 0, &link, sizeof(link));
	do_it("up", s);
	begin(RTM_NEWNEIGH, NLM_F_CREATE, &neigh, sizeof(neigh));
	attr(NDA_DST, &other, 4);
	attr(NDA_LLADDR, "\2\0\0\0\0\5", 6);
	do_it("neighbour", s);
}

static void route(int s, int what, unsigned dst, int len, unsigned via, int type)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = len, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = type };
	unsigned metric = 7;

	dst = htonl(dst);
	via = htonl(via);
	begin(what, what == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0, &r, sizeof(r));
	attr(RTA_DST, &dst, 4);
	if (via)
		attr(RTA_GATEWAY, &via, 4);
	attr(RTA_PRIORITY, &metric, 4);
	do_it("route", s);
}

static void sys_class(const char *dev)
{
	static const char *const files[] = {
		"addr_len", "address", "broadcast", "carrier", "carrier_changes", "dev_id", "dev_port", "dormant", "duplex", "flags", "ifalias",
		"link_mode", "mtu", "netdev_group", "operstate", "speed", "tx_queue_len", "type", "statistics/rx_errors", "statistics/tx_errors",
		"statistics/collisions", "nosuch",
	};
	char path[64], text[64], name[80];

	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", dev, files[i]);
		snprintf(name, sizeof(name), "%s %s", dev, files[i]);
		int fd = open(path, O_RDONLY);
		long n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (n < 0) {
			say(name, "%s", err_name(errno));
		} else {
			text[n] = 0;
			if (n && text[n - 1] == '\n')
				text[n - 1] = '.';
			/* What came over lo, which address it was given and how many devices there were depends on who was there before. */
			if (!strcmp(files[i], "iflink"))
				say(name, "%s", atoi(text) == (int)if_nametoindex(dev) ? "its own index" : text);
			else if (strcmp(dev, "lo") || (strcmp(files[i], "statistics/rx_bytes") && strcmp(files[i], "address")))
				say(name, "%s", text);
		}
		close(fd);
	}
}

static void writes(void)
{
	RET("mtu", poke_file("/sys/class/net/d0/mtu", "1400"));
	STR("mtu", get_file("/sys/class/net/d0/mtu"));
	RET("mtu too small", poke_file("/sys/class/net/lo/mtu", "-1"));
	RET("mtu nonsense", poke_file("/sys/class/net/d0/mtu", "abc"));
	RET("queue", poke_file("/sys/class/net/d0/tx_queue_len", "77"));
	STR("queue", get_file("/sys/class/net/d0/tx_queue_len"));
	RET("address", poke_file("/sys/class/net/d0/address", "02:00:00:00:00:02"));
}

static void sockets(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(5353), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);
	char *text, *save;

	bind(s, (void *)&a, sizeof(a));
	connect(t, (void *)&a, sizeof(a));
	/* In the order of a hash: first the one that is bound, then the one that is connected. */
	for (int connected = 0; connected < 2; connected++) {
		text = strdup(get_file("/proc/net/udp"));
		for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			char at[32], peer[32];
			int st, slot;

			if (sscanf(line, " %d: %31s %31s %x", &slot, at, peer, &st) != 4) {
				if (!connected)
					say("udp", "[%s]", line);
				continue;
			}
			if (!strcmp(connected ? peer : at, "0100007F:14E9"))
				say("udp", "length %d from %.9s to %s state %d", (int)strlen(line), at, peer, st);
		}
		free(text);
	}
	close(s);
	close(t);
	lines("/proc/net/sockstat", "UDP", true);
	lines("/proc/net/sockstat", "RAW", false);
	lines("/proc/net/sockstat", "sockets", true);
	lines("/proc/net/netlink", "sk", false);
}

void abi_test(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &lo);
	make(s);
	route(s, RTM_NEWROUTE, 0x0a090000, 16, 0x0a010102, RTN_UNICAST);
	route(s, RTM_NEWROUTE, 0, 0, 0x0a010102, RTN_UNICAST);
	route(s, RTM_NEWROUTE, 0x0a080000, 16, 0, RTN_UNREACHABLE);
	route(s, RTM_NEWROUTE, 0x0a070707, 32, 0, RTN_BLACKHOLE);
	lines("/proc/net/dev", "Inter", false);
	lines("/proc/net/dev", "face", false);
	lines("/proc/net/dev", "d0", true);
	lines("/proc/net/dev", "lo", true);
	lines("/proc/net/route", "", false);
	lines("/proc/net/arp", "", false);
	lines("/proc/net/snmp", "Ip", true);
	lines("/proc/net/snmp", "Icmp:", true);
	lines("/proc/net/snmp", "Tcp", true);
	lines("/proc/net/snmp", "Udp", true);
	sockets();
	sys_class("lo");
	sys_class("d0");
	writes();
	struct ifinfomsg link = { .ifi_index = if_nametoindex("d0") };

	begin(RTM_DELLINK, 0, &link, sizeof(link));
	do_it("delete", s);
	route(s, RTM_DELROUTE, 0x0a080000, 16, 0, RTN_UNREACHABLE);
	route(s, RTM_DELROUTE, 0x0a070707, 32, 0, RTN_BLACKHOLE);
	lines("/proc/net/route", "", false);
	OK("gone", access("/sys/class/net/d0", F_OK));
}
