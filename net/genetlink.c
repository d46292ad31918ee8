/*
 * Generic netlink: dispatch and the controller "nlctrl".  genetlink.h is the contract.
 *
 * Source: Linux Documentation/networking/generic_netlink.rst.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/mutex.h"
#include "kern/page.h"
#include "net/genetlink.h"

enum { CTRL_ROOM = 1024, FIRST_GROUP = 16 };

static struct mutex genl_lock;
static LIST_HEAD(families);		/* [genl_lock] */
static u32 changes = 1;			/* [genl_lock] */
static u16 next_id = GENL_ID_CTRL + 1;	/* [genl_lock] */
static u32 next_group = FIRST_GROUP;	/* [genl_lock] */

static struct genl_family *by_id(u16 id)
{
	struct genl_family *f;

	list_for_each_entry(f, &families, node)
		if (f->id == id)
			return f;
	return NULL;
}

static struct genl_family *by_name(const char *name)
{
	struct genl_family *f;

	list_for_each_entry(f, &families, node)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* ---- the controller ---- */

static void put_op(struct nl_buf *b, u32 n, const struct genl_op *op, bool policy)
{
	u32 nest = nl_nest(b, (u16)n | NLA_F_NESTED);
	u32 flags = op->flags | (op->request ? GENL_CMD_CAP_DO : 0) | (op->dump ? GENL_CMD_CAP_DUMP : 0) | (policy ? GENL_CMD_CAP_HASPOL : 0);

	nl_put_u32(b, CTRL_ATTR_OP_ID, op->cmd);
	nl_put_u32(b, CTRL_ATTR_OP_FLAGS, flags);
	nl_nest_end(b, nest);
}

static void put_family(struct nl_buf *b, const struct genl_family *f)
{
	nl_put_string(b, CTRL_ATTR_FAMILY_NAME, f->name);
	nl_put_u16(b, CTRL_ATTR_FAMILY_ID, f->id);
	nl_put_u32(b, CTRL_ATTR_VERSION, f->version);
	nl_put_u32(b, CTRL_ATTR_HDRSIZE, 0);
	nl_put_u32(b, CTRL_ATTR_MAXATTR, f->max_attr);
	u32 nest = nl_nest(b, CTRL_ATTR_OPS | NLA_F_NESTED);

	for (u32 i = 0; i < f->op_count; i++)
		put_op(b, i + 1, &f->ops[i], f->policy);
	nl_nest_drop_empty(b, nest);
	nest = nl_nest(b, CTRL_ATTR_MCAST_GROUPS | NLA_F_NESTED);
	for (u32 i = 0; i < f->group_count; i++) {
		u32 one = nl_nest(b, (u16)(i + 1) | NLA_F_NESTED);

		nl_put_u32(b, CTRL_ATTR_MCAST_GRP_ID, f->groups[i].id);
		nl_put_string(b, CTRL_ATTR_MCAST_GRP_NAME, f->groups[i].name);
		nl_nest_end(b, one);
	}
	nl_nest_drop_empty(b, nest);
}

static const struct genlmsghdr new_family = { .cmd = CTRL_CMD_NEWFAMILY, .version = 2 };

static int get_family(struct netlink_request *r, const struct nl_attr *t)
{
	const struct genl_family *f = NULL;
	char name[GENL_NAMSIZ];
	struct nl_buf b;

	if (!t[CTRL_ATTR_FAMILY_ID].data && !t[CTRL_ATTR_FAMILY_NAME].data)
		return -EINVAL;
	if (t[CTRL_ATTR_FAMILY_ID].data)
		f = by_id(nl_get_u16(&t[CTRL_ATTR_FAMILY_ID]));
	if (t[CTRL_ATTR_FAMILY_NAME].data) {
		nl_get_string(&t[CTRL_ATTR_FAMILY_NAME], name, sizeof(name));
		f = by_name(name);
	}
	if (!f)
		return -ENOENT;
	int err = netlink_buf_new(&b, CTRL_ROOM, ALLOC_KERNEL);

	if (err)
		return err;
	u32 at = nl_begin(&b, GENL_ID_CTRL, 0, r->msg.head.nlmsg_seq, r->portid, &new_family, sizeof(new_family));

	put_family(&b, f);
	nl_end(&b, at);
	return netlink_reply(r, &b);
}

/* d->at: [0] families told */
static int families_step(struct netlink_dump *d, struct nl_buf *b)
{
	const struct genl_family *f;
	int more = 0;
	u64 n = 0;

	mutex_lock(&genl_lock);
	netlink_dump_check(d, changes);
	list_for_each_entry(f, &families, node) {
		if (n++ < d->at[0])
			continue;
		u32 at = netlink_dump_begin(d, b, GENL_ID_CTRL, 0, &new_family, sizeof(new_family));

		put_family(b, f);
		if (!nl_end(b, at)) {
			d->at[0] = n - 1;
			more = 1;
			break;
		}
	}
	mutex_unlock(&genl_lock);
	return more;
}

static int dump_families(struct netlink_request *r, const struct nl_attr *t)
{
	struct netlink_dump d = { .step = families_step };

	return netlink_dump(r, &d);
}

static const struct genl_op ctrl_ops[] = { { .cmd = CTRL_CMD_GETFAMILY, .request = get_family, .dump = dump_families } };
static const struct nl_policy ctrl_policy[CTRL_ATTR_MAX + 1] = {
	[CTRL_ATTR_FAMILY_ID] = { NL_U16 }, [CTRL_ATTR_FAMILY_NAME] = { NL_NUL_STRING, GENL_NAMSIZ - 1 },
};
static struct genl_group ctrl_groups[] = { { .name = "notify" } };
static struct genl_family ctrl = {
	.id = GENL_ID_CTRL, .name = "nlctrl", .version = 2, .max_attr = CTRL_ATTR_MAX, .policy = ctrl_policy, .ops = ctrl_ops,
	.op_count = ARRAY_SIZE(ctrl_ops), .groups = ctrl_groups, .group_count = ARRAY_SIZE(ctrl_groups),
};

/* ---- dispatch ---- */

static const struct genl_op *find_op(const struct genl_family *f, u8 cmd)
{
	for (u32 i = 0; i < f->op_count; i++)
		if (f->ops[i].cmd == cmd)
			return &f->ops[i];
	return NULL;
}

static int receive(struct netlink_request *r)
{
	struct nl_attr t[GENL_ATTRS_MAX + 1];
	bool dump = r->msg.head.nlmsg_flags & NLM_F_DUMP;
	struct genlmsghdr head;

	mutex_lock(&genl_lock);
	const struct genl_family *f = by_id(r->msg.head.nlmsg_type);

	mutex_unlock(&genl_lock);
	if (!f)
		return -ENOENT;
	if (r->msg.len < sizeof(head))
		return -EINVAL;
	memcpy(&head, r->msg.body, sizeof(head));
	const struct genl_op *op = find_op(f, head.cmd);

	if (!op || !(dump ? op->dump : op->request))
		return -EOPNOTSUPP;
	if (op->flags & GENL_ADMIN_PERM && !r->admin)
		return -EPERM;
	int err = nl_parse(r->msg.body + sizeof(head), r->msg.len - sizeof(head), f->policy, f->max_attr, t, NL_LIBERAL, &r->ext);

	if (err || dump)
		return err ? err : op->dump(r, t);
	mutex_lock(&genl_lock);
	err = op->request(r, t);
	mutex_unlock(&genl_lock);
	return err;
}

void genl_register(struct genl_family *f)
{
	assert(strlen(f->name) < GENL_NAMSIZ && f->max_attr <= GENL_ATTRS_MAX);
	mutex_lock(&genl_lock);
	if (!f->id)
		f->id = next_id++;
	for (u32 i = 0; i < f->group_count; i++) {
		f->groups[i].id = next_group++;
		assert(f->groups[i].id <= NETLINK_GROUPS_MAX);
	}
	list_add_tail(&f->node, &families);
	changes++;
	mutex_unlock(&genl_lock);
}

void genetlink_init(void)
{
	static const struct netlink_kernel generic = {
		.protocol = NETLINK_GENERIC, .groups = NETLINK_GROUPS_MAX, .flags = NETLINK_ANYBODY_LISTENS, .receive = receive,
	};

	mutex_init(&genl_lock, RANK_RTNL);
	netlink_register(&generic);
	genl_register(&ctrl);
}
