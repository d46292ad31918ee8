/*
 * NETLINK_KOBJECT_UEVENT: devices that come, go and change, as udev hears of them.
 *
 *	add@/devices/virtual/net/lo NUL ACTION=add NUL DEVPATH=… NUL SUBSYSTEM=net NUL … NUL SEQNUM=7 NUL
 *
 * A plain text, no netlink header, to group 1.  The lines between are those of the device's file "uevent".
 *
 * Source: Linux Documentation/core-api/kobject.rst (uevents), Documentation/ABI/testing/sysfs-uevent; udev(7).
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/page.h"
#include "net/netlink.h"
#include "net/uevent.h"
#include "vfs/device.h"

enum { GROUP = 1, TEXT_MAX = 2048, PATH_BYTES = 256 };

/* A text that grows, its lines ended by NUL. */
struct text {
	char *buf;
	size_t len, size;
	bool full;
};

static void PRINTF(2, 3) add_line(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	size_t n = (size_t)fmt_vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);

	va_end(ap);
	if (n >= t->size - t->len)
		t->full = true;
	else
		t->len += n + 1;
}

/* Lines with newlines become lines with NULs. */
static void add_lines(struct text *t, const char *lines, size_t len)
{
	while (len) {
		const char *end = memchr(lines, '\n', len);
		size_t n = end ? (size_t)(end - lines) : len;

		add_line(t, "%.*s", (int)n, lines);
		n += end != NULL;
		lines += n;
		len -= n;
	}
}

static void sent(struct devnode *n, const char *action, const char *extra, u64 seqnum)
{
	char path[PATH_BYTES];
	struct nl_buf b;

	if (!n->class || !netlink_wanted(NETLINK_KOBJECT_UEVENT, GROUP) || netlink_buf_new(&b, 2 * TEXT_MAX, ALLOC_KERNEL))
		return;
	struct text t = { .buf = (char *)b.data, .size = TEXT_MAX };
	char *lines = (char *)b.data + TEXT_MAX;

	devnode_path(n, path, sizeof(path));
	add_line(&t, "%s@/%s", action, path);
	add_line(&t, "ACTION=%s", action);
	add_line(&t, "DEVPATH=/%s", path);
	add_line(&t, "SUBSYSTEM=%s", n->class);
	if (extra)
		add_lines(&t, extra, strlen(extra));
	add_lines(&t, lines, devnode_uevent_text(n, lines, TEXT_MAX));
	add_line(&t, "SEQNUM=%llu", seqnum);
	b.len = (u32)t.len;
	if (t.full)
		netlink_buf_free(&b);
	else
		netlink_multicast(NETLINK_KOBJECT_UEVENT, GROUP, &b, NULL);
}

/* Users may not make up events here. */
static int receive(struct netlink_request *r)
{
	return r->admin ? -EOPNOTSUPP : -EPERM;
}

void uevent_init(void)
{
	static const struct netlink_kernel uevent = {
		.protocol = NETLINK_KOBJECT_UEVENT, .groups = 32, .flags = NETLINK_ANYBODY_LISTENS, .receive = receive,
	};
	static struct devnode_listener listener = { .uevent = sent };

	netlink_register(&uevent);
	devnode_listen(&listener);
}
