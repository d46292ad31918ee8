/*
 * NETLINK_ROUTE: dispatch.  rtnetlink.h is the contract.
 *
 * Source: rtnetlink(7).
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/assert.h"
#include "net/rtnetlink.h"

enum { TYPES = RTM_MAX - RTM_BASE + 1, TYPE_SLOTS = 2, KIND_DELETE = 1, KIND_GET = 2, KIND_MASK = 3 };

/* By type: first that of one family, then that of all others. */
static const struct rtnl_handler *handlers[TYPES][TYPE_SLOTS];	/* set at boot */
static struct netlink_request *requester;			/* [rtnl] */

void rtnl_register(const struct rtnl_handler *h, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct rtnl_handler **slot = &handlers[h[i].type - RTM_BASE][h[i].family == RTNL_AF_UNSPEC];

		assert(!*slot);
		*slot = &h[i];
	}
}

struct netlink_request *rtnl_requester(void) { return requester; }
u32 rtnl_seq(void) { return requester ? requester->msg.head.nlmsg_seq : 0; }
u32 rtnl_portid(void) { return requester ? requester->portid : 0; }

int rtnl_refuse_attr(struct netlink_request *r, int err, const char *text, const struct nl_attr *a)
{
	r->ext = (struct nl_extack){ .text = text, .where = a->data ? a->data - NLA_HDRLEN : NULL };
	return err;
}

int rtnl_parse(struct netlink_request *r, void *head, u32 len, const struct nl_policy *policy, u32 max, struct nl_attr *table, u32 how)
{
	u32 skip = MIN((u32)NLMSG_ALIGN(len), r->msg.len);

	if (r->msg.len < len)
		return rtnl_refuse(r, -EINVAL, "Invalid header length");
	memcpy(head, r->msg.body, len);
	return nl_parse(r->msg.body + skip, r->msg.len - skip, policy, max, table, how, &r->ext);
}

/* ---- dumps ---- */

static int step(struct netlink_dump *d, struct nl_buf *b)
{
	rtnl_lock();
	int more = d->locked_step(d, b);

	rtnl_unlock();
	return more;
}

int rtnl_dump(struct netlink_request *r, const struct netlink_dump *d)
{
	struct netlink_dump mine = *d;

	mine.locked_step = d->step;
	mine.step = step;
	return netlink_dump(r, &mine);
}

int rtnl_dump_failed(struct netlink_request *r, int err, u16 flags)
{
	struct netlink_dump d = { .over = true, .result = err, .flags = flags, .ext = r->ext };

	return netlink_dump(r, &d);
}

int rtnl_dump_nothing(struct netlink_request *r)
{
	return rtnl_dump_failed(r, 0, 0);
}

/* ---- requests ---- */

static const struct rtnl_handler *find(u16 type, u8 family)
{
	const struct rtnl_handler *own = handlers[type - RTM_BASE][0], *any = handlers[type - RTM_BASE][1];

	return own && own->family == family ? own : any;
}

static int receive(struct netlink_request *r)
{
	u16 type = r->msg.head.nlmsg_type;

	if (type < RTM_BASE || type > RTM_MAX)
		return -EOPNOTSUPP;
	if (r->msg.len < sizeof(struct rtgenmsg))
		return 0;
	u8 family = r->msg.body[0];
	u32 kind = type & KIND_MASK;
	const struct rtnl_handler *h = find(type, family);

	if (kind != KIND_GET && !r->admin)
		return -EPERM;
	if (kind == KIND_GET && r->msg.head.nlmsg_flags & NLM_F_DUMP)
		return h && h->dump ? h->dump(r) : -EOPNOTSUPP;
	if (kind == KIND_DELETE && r->msg.head.nlmsg_flags & NLM_F_BULK)
		return rtnl_refuse(r, -EOPNOTSUPP, "Bulk delete is not supported");
	if (!h || !h->request || (h->needs_family && family == RTNL_AF_UNSPEC))
		return -EOPNOTSUPP;
	rtnl_lock();
	requester = r;
	int err = h->request(r);

	requester = NULL;
	rtnl_unlock();
	return err;
}

void rtnetlink_init(void)
{
	static const struct netlink_kernel route = {
		.protocol = NETLINK_ROUTE, .groups = RTNLGRP_MAX, .flags = NETLINK_ANYBODY_LISTENS, .receive = receive,
	};

	netlink_register(&route);
	rtnl_links_init();
	rtnl_addresses_init();
	rtnl_routes_init();
	rtnl_neighbours_init();
	rtnl_rules_init();
}
