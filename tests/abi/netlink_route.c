/* NETLINK_ROUTE: links, addresses, routes, neighbours, rules of lo and a dummy device; notifications; bad messages. */
#include "abi.h"
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#define SOL_NETLINK_ 270
enum { ROOM = 16384 };

static int s;			/* the socket that asks */
static unsigned seq;

/* ---- building ---- */

static struct {
	struct nlmsghdr h;
	char body[1024];
} q;

static void begin(int type, int flags, const void *head, unsigned len)
{
	memset(&q, 0, sizeof(q));
	q.h.nlmsg_type = type;
	q.h.nlmsg_flags = NLM_F_REQUEST | flags;
	q.h.nlmsg_seq = ++seq;
	q.h.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(q.body, head, len);
}

static void attr(int type, const void *data, unsigned len)
{
	struct rtattr *a = (void *)((char *)&q + NLMSG_ALIGN(q.h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q.h.nlmsg_len = NLMSG_ALIGN(q.h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void attr_u32(int type, unsigned v) { attr(type, &v, 4); }
static void attr_text(int type, const char *v) { attr(type, v, strlen(v) + 1); }
static void attr_ip(int type, const char *ip)
{
	struct in_addr a;

	inet_pton(AF_INET, ip, &a);
	attr(type, &a, 4);
}

/* ---- telling ---- */

static const char *ip_text(const void *a)
{
	static char text[4][32];
	static int n;

	return inet_ntop(AF_INET, a, text[n = (n + 1) % 4], 32);
}

static void parse(struct rtattr **t, int max, void *at, int len)
{
	memset(t, 0, (max + 1) * sizeof(*t));
	for (struct rtattr *a = at; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) <= max)
			t[a->rta_type & NLA_TYPE_MASK] = a;
}

static unsigned u32_of(const struct rtattr *a) { return a ? *(unsigned *)RTA_DATA(a) : 0; }
static const char *text_of(const struct rtattr *a) { return a ? RTA_DATA(a) : "-"; }
static const char *ip_of(const struct rtattr *a) { return a ? ip_text(RTA_DATA(a)) : "-"; }
static const char *dev_of(unsigned index)
{
	static char name[IF_NAMESIZE];

	return !index ? "-" : if_indextoname(index, name) ? name : "gone";
}

static void say_link(const char *what, const char *kind, struct nlmsghdr *h)
{
	struct ifinfomsg *m = NLMSG_DATA(h);
	struct rtattr *t[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = { 0 };

	parse(t, IFLA_MAX, IFLA_RTA(m), IFLA_PAYLOAD(h));
	if (t[IFLA_LINKINFO])
		parse(info, IFLA_INFO_MAX, RTA_DATA(t[IFLA_LINKINFO]), RTA_PAYLOAD(t[IFLA_LINKINFO]));
	say(what, "%s %s type %d flags %#x mtu %u qlen %u oper %d qdisc %s kind %s group %u promisc %u addr %d stats %d %d alias %s carrier %d",
	    kind, text_of(t[IFLA_IFNAME]), m->ifi_type, m->ifi_flags, u32_of(t[IFLA_MTU]), u32_of(t[IFLA_TXQLEN]),
	    t[IFLA_OPERSTATE] ? *(unsigned char *)RTA_DATA(t[IFLA_OPERSTATE]) : -1, text_of(t[IFLA_QDISC]), text_of(info[IFLA_INFO_KIND]),
	    u32_of(t[IFLA_GROUP]), u32_of(t[IFLA_PROMISCUITY]), t[IFLA_ADDRESS] ? (int)RTA_PAYLOAD(t[IFLA_ADDRESS]) : -1,
	    t[IFLA_STATS64] != NULL, t[IFLA_STATS] != NULL, text_of(t[IFLA_IFALIAS]),
	    t[IFLA_CARRIER] ? *(unsigned char *)RTA_DATA(t[IFLA_CARRIER]) : -1);
}

static void say_addr(const char *what, const char *kind, struct nlmsghdr *h)
{
	struct ifaddrmsg *m = NLMSG_DATA(h);
	struct rtattr *t[IFA_MAX + 1];
	struct ifa_cacheinfo *c;

	parse(t, IFA_MAX, IFA_RTA(m), IFA_PAYLOAD(h));
	c = t[IFA_CACHEINFO] ? RTA_DATA(t[IFA_CACHEINFO]) : NULL;
	say(what, "%s %s/%d peer %s brd %s dev %s scope %d label %s flags %#x %#x valid %d", kind, ip_of(t[IFA_LOCAL]), m->ifa_prefixlen,
	    ip_of(t[IFA_ADDRESS]), ip_of(t[IFA_BROADCAST]), dev_of(m->ifa_index), m->ifa_scope, text_of(t[IFA_LABEL]), m->ifa_flags,
	    u32_of(t[IFA_FLAGS]), c ? (int)c->ifa_valid : 0);
}

static void say_route(const char *what, const char *kind, struct nlmsghdr *h)
{
	struct rtmsg *m = NLMSG_DATA(h);
	struct rtattr *t[RTA_MAX + 1];

	parse(t, RTA_MAX, RTM_RTA(m), RTM_PAYLOAD(h));
	say(what, "%s %s/%d table %d %u type %d proto %d scope %d tos %d flags %#x dev %s via %s src %s from %s metric %u", kind, ip_of(t[RTA_DST]),
	    m->rtm_dst_len, m->rtm_table, u32_of(t[RTA_TABLE]), m->rtm_type, m->rtm_protocol, m->rtm_scope, m->rtm_tos, m->rtm_flags,
	    dev_of(u32_of(t[RTA_OIF])), ip_of(t[RTA_GATEWAY]), ip_of(t[RTA_PREFSRC]), ip_of(t[RTA_SRC]), u32_of(t[RTA_PRIORITY]));
}

static void say_neigh(const char *what, const char *kind, struct nlmsghdr *h)
{
	struct ndmsg *m = NLMSG_DATA(h);
	struct rtattr *t[NDA_MAX + 1];
	unsigned char *a;

	if (m->ndm_family != AF_INET)
		return;
	parse(t, NDA_MAX, (char *)m + NLMSG_ALIGN(sizeof(*m)), NLMSG_PAYLOAD(h, sizeof(*m)));
	a = t[NDA_LLADDR] ? RTA_DATA(t[NDA_LLADDR]) : (void *)"\0\0\0\0\0";
	say(what, "%s %s dev %s state %#x flags %d type %d lladdr %02x:%02x:%02x", kind, ip_of(t[NDA_DST]), dev_of(m->ndm_ifindex), m->ndm_state,
	    m->ndm_flags, m->ndm_type, a[0], a[1], a[5]);
}

static void say_error(const char *what, struct nlmsghdr *h)
{
	struct nlmsgerr *e = NLMSG_DATA(h);
	unsigned quoted = h->nlmsg_flags & NLM_F_CAPPED ? sizeof(struct nlmsghdr) : e->msg.nlmsg_len;
	const char *text = "-";
	int offset = -1;

	if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
		struct rtattr *t[NLMSGERR_ATTR_MAX + 1];
		unsigned skip = NLMSG_ALIGN(sizeof(int) + quoted);

		parse(t, NLMSGERR_ATTR_MAX, (char *)e + skip, NLMSG_PAYLOAD(h, skip));
		text = text_of(t[NLMSGERR_ATTR_MSG]);
		offset = t[NLMSGERR_ATTR_OFFS] ? (int)u32_of(t[NLMSGERR_ATTR_OFFS]) : -1;
	}
	say(what, "%s flags %#x len %u of a request of %u: %s at %d", e->error ? err_name(-e->error) : "acknowledged", h->nlmsg_flags, h->nlmsg_len,
	    e->msg.nlmsg_len, text, offset);
}

static void say_message(const char *what, struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case NLMSG_ERROR: say_error(what, h); break;
	case NLMSG_DONE: say(what, "done %d flags %#x", *(int *)NLMSG_DATA(h), h->nlmsg_flags); break;
	case RTM_NEWLINK: say_link(what, "link", h); break;
	case RTM_DELLINK: say_link(what, "no link", h); break;
	case RTM_NEWADDR: say_addr(what, "address", h); break;
	case RTM_DELADDR: say_addr(what, "no address", h); break;
	case RTM_NEWROUTE: say_route(what, "route", h); break;
	case RTM_DELROUTE: say_route(what, "no route", h); break;
	case RTM_NEWNEIGH: say_neigh(what, "neighbour", h); break;
	case RTM_DELNEIGH: say_neigh(what, "no neighbour", h); break;
	case RTM_NEWRULE: {
		struct fib_rule_hdr *r = NLMSG_DATA(h);
		struct rtattr *t[FRA_MAX + 1];

		parse(t, FRA_MAX, (char *)r + NLMSG_ALIGN(sizeof(*r)), NLMSG_PAYLOAD(h, sizeof(*r)));
		say(what, "rule %u table %d action %d", u32_of(t[FRA_PRIORITY]), r->table, r->action);
		break;
	}
	default: say(what, "message of type %d", h->nlmsg_type);
	}
}

/* All that is in the queue of @from; a dump to its end. Messages of other sequences are told too. */
static void hear(const char *what, int from)
{
	static char in[ROOM];
	int more = 1;

	while (more) {
		ssize_t n = recv(from, in, sizeof(in), MSG_DONTWAIT);

		if (n < 0) {
			if (errno != EAGAIN)
				say(what, "%s", err_name(errno));
			return;
		}
		for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			say_message(what, h);
	}
}

static void ask(const char *what)
{
	if (send(s, &q, q.h.nlmsg_len, 0) < 0)
		say(what, "send: %s", err_name(errno));
	hear(what, s);
}

/* ---- bad messages ---- */

static void malformed(void)
{
	struct ifinfomsg link = { 0 };
	int one = 1;
	char big[2048];

	begin(RTM_GETLINK, 0, &link, sizeof(link));
	q.h.nlmsg_len = 10;
	RET("length below a header", send(s, &q, 32, 0));
	hear("length below a header", s);
	q.h.nlmsg_len = 100;
	RET("length beyond the datagram", send(s, &q, 32, 0));
	hear("length beyond the datagram", s);
	RET("less than a header", send(s, &q, 15, 0));
	begin(RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	q.h.nlmsg_flags = NLM_F_ACK;
	ask("no request, acknowledged");
	begin(NLMSG_NOOP, NLM_F_ACK, &link, sizeof(link));
	ask("noop, acknowledged");
	begin(NLMSG_NOOP, 0, &link, sizeof(link));
	ask("noop");
	begin(9, NLM_F_ACK, &link, sizeof(link));
	ask("type 9");
	begin(RTM_MAX + 1, 0, &link, sizeof(link));
	ask("type beyond the last");
	begin(RTM_GETLINK, NLM_F_ACK, &link, 0);
	ask("no family");
	begin(RTM_GETLINK, 0, &link, 4);
	ask("half a header");
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	ask("names nothing");
	link.ifi_index = 9999;
	begin(RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	ask("no such index");
	link.ifi_index = 0;
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr_text(IFLA_IFNAME, "nosuch0");
	ask("no such name");
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr_text(IFLA_IFNAME, "a_name_that_is_too_long");
	ask("name too long");
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr(IFLA_MTU, "ab", 2);
	ask("number too short");
	setsockopt(s, SOL_NETLINK_, NETLINK_EXT_ACK, &one, sizeof(one));
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr(IFLA_MTU, "ab", 2);
	ask("number too short, extended");
	setsockopt(s, SOL_NETLINK_, NETLINK_CAP_ACK, &one, sizeof(one));
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr(IFLA_MTU, "ab", 2);
	ask("number too short, capped");
	begin(RTM_GETRULE, 0, &link, sizeof(link));
	ask("no answer but a dump");
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr(IFLA_IFNAME, big, 0);
	ask("empty name");
	/* Two in one datagram. */
	link.ifi_index = 1;
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	memcpy(big, &q, q.h.nlmsg_len);
	memcpy(big + q.h.nlmsg_len, &q, q.h.nlmsg_len);
	RET("two", send(s, big, 2 * q.h.nlmsg_len, 0));
	hear("two", s);
}

static void strict(void)
{
	struct ifaddrmsg addr = { .ifa_family = AF_INET };
	struct rtmsg route = { .rtm_family = AF_INET };
	struct ifinfomsg link = { 0 };
	struct ndmsg neigh = { .ndm_family = AF_INET };
	int one = 1, zero = 0;

	setsockopt(s, SOL_NETLINK_, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	addr.ifa_prefixlen = 3;
	begin(RTM_GETADDR, NLM_F_DUMP, &addr, sizeof(addr));
	ask("strict prefix length");
	addr.ifa_prefixlen = 0;
	addr.ifa_index = 9999;
	begin(RTM_GETADDR, NLM_F_DUMP, &addr, sizeof(addr));
	ask("strict no such device");
	addr.ifa_index = 1;
	begin(RTM_GETADDR, NLM_F_DUMP, &addr, sizeof(addr));
	ask("strict device 1");
	attr_u32(IFA_LOCAL, 1);
	ask("strict attribute");
	begin(RTM_GETADDR, NLM_F_DUMP, &addr, 1);
	ask("strict short");
	link.ifi_flags = 1;
	begin(RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
	ask("strict link flags");
	link.ifi_flags = 0;
	link.ifi_index = 1;
	begin(RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
	ask("strict link index");
	link.ifi_index = 0;
	begin(RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
	attr_u32(IFLA_MTU, 1);
	ask("strict link attribute");
	begin(RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
	attr_u32(IFLA_EXT_MASK, 0);
	ask("strict links");
	route.rtm_dst_len = 3;
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	ask("strict route length");
	route.rtm_dst_len = 0;
	route.rtm_table = 77;
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	ask("strict no such table");
	route.rtm_table = RT_TABLE_LOCAL;
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	ask("strict table local");
	route.rtm_type = RTN_BROADCAST;
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	ask("strict broadcast");
	route.rtm_type = 0;
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	attr_u32(RTA_OIF, 9999);
	ask("strict no such output");
	neigh.ndm_state = 1;
	begin(RTM_GETNEIGH, NLM_F_DUMP, &neigh, sizeof(neigh));
	ask("strict neighbour state");
	setsockopt(s, SOL_NETLINK_, NETLINK_GET_STRICT_CHK, &zero, sizeof(zero));
}

/* ---- what is there ---- */

static void up(unsigned index, int yes)
{
	struct ifinfomsg link = { .ifi_index = index, .ifi_change = IFF_UP, .ifi_flags = yes ? IFF_UP : 0 };

	begin(RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
}

static void loopback(void)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct rtgenmsg any = { AF_INET };
	struct rtmsg route = { .rtm_family = AF_INET };

	begin(RTM_GETLINK, 0, &link, sizeof(link));
	ask("lo");
	begin(RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	ask("lo, acknowledged too");
	link.ifi_index = 0;
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	attr_text(IFLA_IFNAME, "lo");
	ask("lo by name");
	begin(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	ask("links");
	begin(RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	ask("addresses");
	begin(RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route));
	ask("routes");
	begin(RTM_GETRULE, NLM_F_DUMP, &any, sizeof(any));
	ask("rules");
	begin(RTM_GETNEIGH, NLM_F_DUMP, &any, sizeof(any));
	ask("neighbours");
	link.ifi_index = 1;
	begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof(link));
	ask("delete lo");
	begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	ask("create lo");
	begin(RTM_GETADDR, NLM_F_ACK, &any, sizeof(any));
	ask("address without a dump");
}

/* ---- a dummy device ---- */

static unsigned make(const char *name, int flags)
{
	struct ifinfomsg link = { 0 };
	char info[32] = { 0 };
	struct rtattr *kind = (void *)info;

	kind->rta_type = IFLA_INFO_KIND;
	kind->rta_len = RTA_LENGTH(6);
	strcpy(RTA_DATA(kind), "dummy");
	begin(RTM_NEWLINK, NLM_F_ACK | flags, &link, sizeof(link));
	attr_text(IFLA_IFNAME, name);
	attr(IFLA_ADDRESS, "\2\0\0\0\0\1", 6);
	attr(IFLA_LINKINFO | NLA_F_NESTED, info, RTA_ALIGN(kind->rta_len));
	ask("make a dummy");
	return if_nametoindex(name);
}

static void change_link(const char *what, unsigned index, int type, const void *data, unsigned len)
{
	struct ifinfomsg link = { .ifi_index = index };

	begin(RTM_SETLINK, NLM_F_ACK, &link, sizeof(link));
	attr(type, data, len);
	ask(what);
}

static void address(const char *what, int type, int flags, unsigned index, const char *ip, int len, const char *brd)
{
	struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_prefixlen = len, .ifa_index = index };

	begin(type, NLM_F_ACK | flags, &a, sizeof(a));
	if (ip) {
		attr_ip(IFA_LOCAL, ip);
		attr_ip(IFA_ADDRESS, ip);
	}
	if (brd)
		attr_ip(IFA_BROADCAST, brd);
	ask(what);
}

static void route(const char *what, int type, int flags, const char *dst, int len, const char *via, unsigned oif, unsigned metric)
{
	struct rtmsg r = {
		.rtm_family = AF_INET, .rtm_dst_len = len, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
		.rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
	};

	if (type == RTM_DELROUTE)
		r.rtm_scope = RT_SCOPE_NOWHERE, r.rtm_protocol = 0, r.rtm_type = 0;
	begin(type, NLM_F_ACK | flags, &r, sizeof(r));
	if (dst)
		attr_ip(RTA_DST, dst);
	if (via)
		attr_ip(RTA_GATEWAY, via);
	if (oif)
		attr_u32(RTA_OIF, oif);
	if (metric)
		attr_u32(RTA_PRIORITY, metric);
	ask(what);
}

static void get_route(const char *what, const char *dst, const char *src)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_src_len = src ? 32 : 0 };

	begin(RTM_GETROUTE, 0, &r, sizeof(r));
	attr_ip(RTA_DST, dst);
	if (src)
		attr_ip(RTA_SRC, src);
	ask(what);
}

static void routes_of(const char *what)
{
	struct rtmsg r = { .rtm_family = AF_INET };

	begin(RTM_GETROUTE, NLM_F_DUMP, &r, sizeof(r));
	ask(what);
}

static void neighbour(const char *what, int type, int flags, unsigned index, const char *ip, int state, const char *lladdr)
{
	struct ndmsg n = { .ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = state };

	begin(type, NLM_F_ACK | flags, &n, sizeof(n));
	if (ip)
		attr_ip(NDA_DST, ip);
	if (lladdr)
		attr(NDA_LLADDR, lladdr, 6);
	ask(what);
}

static void routes(unsigned d)
{
	const int create = NLM_F_CREATE | NLM_F_EXCL;

	route("route", RTM_NEWROUTE, create, "10.9.0.0", 16, "10.1.1.2", 0, 0);
	route("again", RTM_NEWROUTE, create, "10.9.0.0", 16, "10.1.1.2", 0, 0);
	route("another metric", RTM_NEWROUTE, create, "10.9.0.0", 16, "10.1.1.3", 0, 100);
	route("replace", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "10.9.0.0", 16, "10.1.1.4", 0, 0);
	route("replace nothing", RTM_NEWROUTE, NLM_F_REPLACE, "10.99.0.0", 16, "10.1.1.4", 0, 0);
	route("append", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, "10.9.0.0", 16, "10.1.1.5", 0, 0);
	route("no create", RTM_NEWROUTE, 0, "10.98.0.0", 16, "10.1.1.5", 0, 0);
	route("no such gateway", RTM_NEWROUTE, create, "10.10.0.0", 16, "10.77.1.2", 0, 0);
	route("own address as gateway", RTM_NEWROUTE, create, "10.10.0.0", 16, "10.1.1.1", 0, 0);
	route("host bits", RTM_NEWROUTE, create, "10.10.0.1", 16, "10.1.1.2", 0, 0);
	route("length 33", RTM_NEWROUTE, create, "10.10.0.0", 33, "10.1.1.2", 0, 0);
	route("no device", RTM_NEWROUTE, create, "10.10.0.0", 16, NULL, 9999, 0);
	route("neither device nor gateway", RTM_NEWROUTE, create, "10.10.0.0", 16, NULL, 0, 0);
	route("by device", RTM_NEWROUTE, create, "10.10.0.0", 16, NULL, d, 0);
	route("default", RTM_NEWROUTE, create, NULL, 0, "10.1.1.2", 0, 0);
	routes_of("routes");
	get_route("get link", "10.1.1.7", NULL);
	get_route("get via", "10.9.1.1", NULL);
	get_route("get default", "8.8.8.8", NULL);
	get_route("get local", "10.1.1.1", NULL);
	get_route("get broadcast", "10.1.1.255", NULL);
	get_route("get loopback", "127.0.0.1", NULL);
	get_route("get from", "10.9.1.1", "10.1.1.9");
	get_route("get from nobody", "10.9.1.1", "10.3.3.3");
	route("delete by gateway", RTM_DELROUTE, 0, "10.9.0.0", 16, "10.1.1.5", 0, 0);
	route("delete", RTM_DELROUTE, 0, "10.9.0.0", 16, NULL, 0, 0);
	route("delete by metric", RTM_DELROUTE, 0, "10.9.0.0", 16, NULL, 0, 100);
	route("delete nothing", RTM_DELROUTE, 0, "10.9.0.0", 16, NULL, 0, 0);
	route("delete default", RTM_DELROUTE, 0, NULL, 0, NULL, 0, 0);
	route("delete by device", RTM_DELROUTE, 0, "10.10.0.0", 16, NULL, d, 0);
	get_route("get nothing", "8.8.8.8", NULL);
}

static void addresses(unsigned d)
{
	struct rtgenmsg any = { AF_INET };
	const int create = NLM_F_CREATE | NLM_F_EXCL;

	address("address", RTM_NEWADDR, create, d, "10.1.1.1", 24, "10.1.1.255");
	address("address again", RTM_NEWADDR, create, d, "10.1.1.1", 24, NULL);
	address("replace address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, d, "10.1.1.1", 24, NULL);
	address("length 33", RTM_NEWADDR, create, d, "10.1.1.1", 33, NULL);
	address("no device", RTM_NEWADDR, create, 9999, "10.1.1.1", 24, NULL);
	address("no address", RTM_NEWADDR, create, d, NULL, 24, NULL);
	address("second", RTM_NEWADDR, create, d, "10.1.1.9", 24, NULL);
	address("other network", RTM_NEWADDR, create, d, "10.2.1.1", 16, NULL);
	address("host", RTM_NEWADDR, create, d, "10.3.1.1", 32, NULL);
	begin(RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	ask("addresses");
}

static void neighbours(unsigned d)
{
	struct rtgenmsg any = { AF_INET };

	neighbour("neighbour", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, d, "10.1.1.50", NUD_PERMANENT, "\2\0\0\0\0\5");
	neighbour("again", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, d, "10.1.1.50", NUD_PERMANENT, "\2\0\0\0\0\5");
	neighbour("replace", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, d, "10.1.1.50", NUD_PERMANENT, "\2\0\0\0\0\6");
	neighbour("no address", RTM_NEWNEIGH, NLM_F_CREATE, d, NULL, NUD_PERMANENT, "\2\0\0\0\0\5");
	neighbour("no device", RTM_NEWNEIGH, NLM_F_CREATE, 9999, "10.1.1.51", NUD_PERMANENT, "\2\0\0\0\0\5");
	neighbour("no create", RTM_NEWNEIGH, 0, d, "10.1.1.52", NUD_PERMANENT, "\2\0\0\0\0\5");
	begin(RTM_GETNEIGH, NLM_F_DUMP, &any, sizeof(any));
	ask("neighbours");
	neighbour("delete", RTM_DELNEIGH, 0, d, "10.1.1.50", 0, NULL);
	neighbour("delete nothing", RTM_DELNEIGH, 0, d, "10.1.1.99", 0, NULL);
}

static void a_dummy(void)
{
	unsigned mtu = 1400, small = 10, d = make("d0", NLM_F_CREATE | NLM_F_EXCL), e;
	struct ifinfomsg link = { 0 };

	make("d0", NLM_F_CREATE | NLM_F_EXCL);
	make("d1", 0);
	change_link("mtu", d, IFLA_MTU, &mtu, 4);
	change_link("mtu of lo", 1, IFLA_MTU, &small, 2);
	change_link("negative mtu", d, IFLA_MTU, "\377\377\377\377", 4);
	change_link("address", d, IFLA_ADDRESS, "\2\0\0\0\0\7", 6);
	change_link("address of a group", d, IFLA_ADDRESS, "\3\0\0\0\0\7", 6);
	change_link("short address", d, IFLA_ADDRESS, "\2\0\0", 3);
	change_link("group address of lo", 1, IFLA_ADDRESS, "\3\0\0\0\0\7", 6);
	change_link("alias", d, IFLA_IFALIAS, "the dummy", 9);
	change_link("name", d, IFLA_IFNAME, "d7", 3);
	change_link("name of another", d, IFLA_IFNAME, "lo", 3);
	change_link("bad name", d, IFLA_IFNAME, "a/b", 4);
	change_link("name back", d, IFLA_IFNAME, "d0", 3);
	change_link("queue length", d, IFLA_TXQLEN, "\144\0\0\0", 4);
	addresses(d);
	up(d, 1);
	ask("up");
	change_link("name of one that is up", d, IFLA_IFNAME, "d7", 3);
	routes_of("routes once up");
	routes(d);
	neighbours(d);
	address("delete second", RTM_DELADDR, 0, d, "10.1.1.9", 24, NULL);
	address("delete nothing", RTM_DELADDR, 0, d, "10.1.1.9", 24, NULL);
	address("second again", RTM_NEWADDR, NLM_F_CREATE, d, "10.1.1.9", 24, NULL);
	address("delete first", RTM_DELADDR, 0, d, "10.1.1.1", 24, NULL);
	routes_of("routes afterwards");
	up(d, 0);
	ask("down");
	routes_of("routes once down");
	link.ifi_index = d;
	begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof(link));
	ask("delete");
	begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof(link));
	ask("delete again");
	routes_of("routes at the end");
	e = make("dummyx%d", NLM_F_CREATE | NLM_F_EXCL);
	VAL("no such name", e);
	link.ifi_index = if_nametoindex("dummyx0");
	begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof(link));
	ask("delete the numbered one");
}

/* ---- notifications ---- */

static void notifications(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_NEIGH };
	int n = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), create = NLM_F_CREATE | NLM_F_EXCL;
	struct ifinfomsg link = { 0 };
	unsigned mtu = 1300, d;

	bind(n, (void *)&a, sizeof(a));
	d = make("d2", create);
	hear("told of a device", n);
	change_link("mtu", d, IFLA_MTU, &mtu, 4);
	hear("told of the mtu", n);
	address("address", RTM_NEWADDR, create, d, "10.1.1.1", 24, NULL);
	hear("told of an address", n);
	up(d, 1);
	ask("up");
	hear("told of up", n);
	address("second", RTM_NEWADDR, create, d, "10.1.1.2", 24, NULL);
	hear("told of the second", n);
	route("route", RTM_NEWROUTE, create, "10.9.0.0", 16, "10.1.1.7", 0, 0);
	hear("told of a route", n);
	route("replace", RTM_NEWROUTE, NLM_F_REPLACE, "10.9.0.0", 16, "10.1.1.8", 0, 0);
	hear("told of another", n);
	route("with echo", RTM_NEWROUTE, create | NLM_F_ECHO, "10.8.0.0", 16, "10.1.1.7", 0, 0);
	hear("told of it", n);
	route("delete", RTM_DELROUTE, 0, "10.9.0.0", 16, NULL, 0, 0);
	hear("told of no route", n);
	neighbour("neighbour", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, d, "10.1.1.50", NUD_PERMANENT, "\2\0\0\0\0\5");
	hear("told of a neighbour", n);
	address("delete", RTM_DELADDR, 0, d, "10.1.1.1", 24, NULL);
	hear("told of no address", n);
	link.ifi_index = d;
	begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof(link));
	ask("delete");
	hear("told of no device", n);
	close(n);
}

static void as_user(void)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct rtgenmsg any = { AF_INET };

	become(1000);
	begin(RTM_GETLINK, 0, &link, sizeof(link));
	ask("user: lo");
	begin(RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	ask("user: addresses");
	up(1, 0);
	ask("user: down");
	close(s);
	s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	up(1, 0);
	ask("user: down by a socket of its own");
	begin(RTM_NEWROUTE, 0, &any, 1);
	ask("user: route");
}

void abi_test(void)
{
	s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	up(1, 1);
	ask("lo up");
	malformed();
	loopback();
	strict();
	a_dummy();
	notifications();
	APART(as_user());
}
