/* NETLINK_GENERIC: the controller; NETLINK_KOBJECT_UEVENT: events of a device that comes, changes and goes. */
#include "abi.h"
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

static char in[16384];

static void say_family(const char *what, struct nlmsghdr *h)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + GENL_HDRLEN);
	int left = NLMSG_PAYLOAD(h, GENL_HDRLEN);
	const char *name = "-";
	int id = -1, version = -1, header = -1, ops = 0, groups = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		switch (a->rta_type & NLA_TYPE_MASK) {
		case CTRL_ATTR_FAMILY_NAME: name = RTA_DATA(a); break;
		case CTRL_ATTR_FAMILY_ID: id = *(unsigned short *)RTA_DATA(a); break;
		case CTRL_ATTR_VERSION: version = *(int *)RTA_DATA(a); break;
		case CTRL_ATTR_HDRSIZE: header = *(int *)RTA_DATA(a); break;
		case CTRL_ATTR_OPS: ops = 1; break;
		case CTRL_ATTR_MCAST_GROUPS: groups = 1; break;
		}
	}
	say(what, "%s id %d version %d header %d ops %d groups %d", name, id, version, header, ops, groups);
}

/* Only what is told of "nlctrl": a kernel has other families too. */
static void ask(const char *what, int s, int type, int flags, int cmd, int attr, const void *data, unsigned len)
{
	struct {
		struct nlmsghdr h;
		struct genlmsghdr g;
		char body[256];
	} q = { .h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 1 }, .g = { .cmd = cmd, .version = 1 } };
	int more = 1;

	q.h.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	if (data) {
		struct rtattr *a = (void *)q.body;

		a->rta_type = attr;
		a->rta_len = RTA_LENGTH(len);
		memcpy(RTA_DATA(a), data, len);
		q.h.nlmsg_len += RTA_ALIGN(a->rta_len);
	}
	if (cmd < 0)
		q.h.nlmsg_len = NLMSG_LENGTH(2);
	send(s, &q, q.h.nlmsg_len, 0);
	while (more) {
		ssize_t n = recv(s, in, sizeof(in), MSG_DONTWAIT);

		if (n <= 0)
			return;
		for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				say(what, "%s", *(int *)NLMSG_DATA(h) ? err_name(-*(int *)NLMSG_DATA(h)) : "acknowledged");
			else if (h->nlmsg_type == NLMSG_DONE)
				say(what, "done");
			else if (memmem(h, h->nlmsg_len, "nlctrl", 7))
				say_family(what, h);
		}
	}
}

static void controller(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), v = 16;
	unsigned short id = GENL_ID_CTRL, none = 999;

	ask("by name", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "nlctrl", 7);
	ask("by number", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, &id, 2);
	ask("no such name", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "nosuch", 7);
	ask("name too long", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "a_name_that_is_too_long", 24);
	ask("no such number", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, &none, 2);
	ask("neither", s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 0, NULL, 0);
	ask("all", s, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETFAMILY, 0, NULL, 0);
	ask("no such command", s, GENL_ID_CTRL, 0, 99, 0, NULL, 0);
	ask("a command that only answers", s, GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY, 0, NULL, 0);
	ask("no such family", s, 999, 0, 1, 0, NULL, 0);
	ask("short", s, GENL_ID_CTRL, 0, -1, 0, NULL, 0);
	OK("group", setsockopt(s, 270, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	close(s);
}

static void dummy(int s, int type, int flags)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		struct rtattr name;
		char name_data[4];
		struct rtattr info, kind;
		char kind_data[8];	/* six and padding */
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags },
		.name = { .rta_type = IFLA_IFNAME, .rta_len = 7 }, .name_data = "d5",
		.info = { .rta_type = IFLA_LINKINFO, .rta_len = 16 }, .kind = { .rta_type = IFLA_INFO_KIND, .rta_len = 10 }, .kind_data = "dummy",
	};

	send(s, &q, sizeof(q), 0);
	recv(s, in, sizeof(in), 0);
	say("dummy", "%s", err_name(-((struct nlmsgerr *)NLMSG_DATA(in))->error));
}

/* Of an event what does not vary, and only of our device: queues of Linux's device have events too. */
static void hear(const char *what, int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	while (poll(&p, 1, 300) == 1 && (n = recvfrom(s, in, sizeof(in), 0, (void *)&from, &from_len)) > 0) {
		if (strstr(in, "/queues"))
			continue;
		say(what, "%s, from %d groups %d", in, from.nl_pid, from.nl_groups);
		for (char *at = in + strlen(in) + 1; at < in + n; at += strlen(at) + 1) {
			if (!strncmp(at, "SEQNUM=", 7) || !strncmp(at, "IFINDEX=", 8))
				say(what, "%.7s", at);
			else
				say(what, "%s", at);
		}
	}
}

static void events(void)
{
	int s = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT), r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	mkdir("/sys", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	OK("bind", bind(s, (void *)&a, sizeof(a)));
	dummy(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	hear("comes", s);
	RET("write change", poke_file("/sys/class/net/d5/uevent", "change"));
	hear("changes", s);
	RET("write with arguments", poke_file("/sys/class/net/d5/uevent", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1 B=abc\n"));
	hear("changes", s);
	RET("write nonsense", poke_file("/sys/class/net/d5/uevent", "nonsense"));
	RET("write bad uuid", poke_file("/sys/class/net/d5/uevent", "add fe4d"));
	RET("write bad argument", poke_file("/sys/class/net/d5/uevent", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A-1"));
	hear("nothing", s);
	STR("uevent", get_file("/sys/class/net/d5/uevent") ? "there" : "-");
	dummy(r, RTM_DELLINK, 0);
	hear("goes", s);
	close(s);
	close(r);
}

void abi_test(void)
{
	controller();
	events();
}
