/*
 * NETLINK_GENERIC: families that register themselves by name, and the controller that finds them.
 *
 * Departure: no policies are told (CTRL_CMD_GETPOLICY); families are never removed.
 *
 * Contexts: requests: the sender's thread, genl_lock held; dumps: without.
 * Source: Linux Documentation/networking/generic_netlink.rst, <linux/genetlink.h>.
 */
#ifndef NET_GENETLINK_H
#define NET_GENETLINK_H

#include <linux/genetlink.h>
#include "base/list.h"
#include "net/netlink.h"

struct genl_op {
	u8 cmd;
	u32 flags;			/* GENL_ADMIN_PERM… */
	int (*request)(struct netlink_request *r, const struct nl_attr *table);		/* NULL: EOPNOTSUPP */
	int (*dump)(struct netlink_request *r, const struct nl_attr *table);		/* begins one; NULL: EOPNOTSUPP */
};

struct genl_group {
	const char *name;
	u32 id;				/* filled in */
};

/* Locks: I immutable once registered */
struct genl_family {
	u16 id;				/* [I] 0: the next free one */
	const char *name;		/* [I] shorter than GENL_NAMSIZ */
	u32 version, max_attr;		/* [I] max_attr: at most GENL_ATTRS_MAX */
	const struct nl_policy *policy;	/* [I] [max_attr + 1] */
	const struct genl_op *ops;	/* [I] */
	u32 op_count;
	struct genl_group *groups;	/* [I] */
	u32 group_count;
	struct list_head node;
};

enum { GENL_ATTRS_MAX = 63 };

void genl_register(struct genl_family *f);
void genetlink_init(void);

#endif
