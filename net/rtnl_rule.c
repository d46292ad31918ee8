/*
 * RTM_GETRULE, RTM_GETQDISC and their like: what there is without any having been made.  Changes are refused.
 *
 * Source: ip-rule(8), tc(8); <linux/fib_rules.h>, <linux/pkt_sched.h>.
 */
#include <linux/errno.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>
#include "net/device.h"
#include "net/rtnetlink.h"

/* The order in which the tables are looked at. */
static const struct rule {
	u32 priority;
	u8 table;
} rules[] = { { 0, RT_TABLE_LOCAL }, { 32766, RT_TABLE_MAIN }, { 32767, RT_TABLE_DEFAULT } };

/* d->at: [0] rules told */
static int rules_step(struct netlink_dump *d, struct nl_buf *b)
{
	for (u64 n = d->at[0]; n < ARRAY_SIZE(rules); n++) {
		const struct fib_rule_hdr head = { .family = RTNL_AF_INET, .table = rules[n].table, .action = FR_ACT_TO_TBL };
		u32 at = netlink_dump_begin(d, b, RTM_NEWRULE, 0, &head, sizeof(head));

		nl_put_u32(b, FRA_TABLE, rules[n].table);
		nl_put_u32(b, FRA_SUPPRESS_PREFIXLEN, ~0u);
		nl_put_u8(b, FRA_PROTOCOL, RTPROT_KERNEL);
		if (rules[n].priority)
			nl_put_u32(b, FRA_PRIORITY, rules[n].priority);
		if (!nl_end(b, at)) {
			d->at[0] = n;
			return 1;
		}
	}
	return 0;
}

static int dump_rules(struct netlink_request *r)
{
	struct netlink_dump d = { .step = rules_step };
	u8 family = r->msg.body[0];

	if (family != RTNL_AF_UNSPEC && family != RTNL_AF_INET)
		return rtnl_dump_failed(r, -EAFNOSUPPORT, 0);
	return rtnl_dump(r, &d);
}

/* d->at: [0] devices passed; [1] the only device, 0: all */
static int qdiscs_step(struct netlink_dump *d, struct nl_buf *b)
{
	u64 n = 0;

	netlink_dump_check(d, device_generation());
	for (struct net_device *dev = device_next(NULL); dev; dev = device_next(dev), n++) {
		if (n < d->at[0] || !dev->was_up || (d->at[1] && dev->ifindex != d->at[1]))
			continue;
		struct tcmsg head = { .tcm_ifindex = (int)dev->ifindex, .tcm_parent = TC_H_ROOT, .tcm_info = 2 };
		u32 at = netlink_dump_begin(d, b, RTM_NEWQDISC, 0, &head, sizeof(head));

		nl_put_string(b, TCA_KIND, dev->no_queue ? "noqueue" : "pfifo");
		if (!dev->no_queue) {
			struct tc_fifo_qopt limit = { .limit = dev->tx_queue_len };

			nl_put(b, TCA_OPTIONS, &limit, sizeof(limit));
		}
		if (!nl_end(b, at)) {
			d->at[0] = n;
			return 1;
		}
	}
	return 0;
}

static int dump_qdiscs(struct netlink_request *r)
{
	struct netlink_dump d = { .step = qdiscs_step };
	struct nl_attr t[TCA_MAX + 1];
	struct tcmsg head;
	int err = rtnl_parse(r, &head, sizeof(head), NULL, TCA_MAX, t, NL_LIBERAL);

	if (err)
		return rtnl_dump_failed(r, err, 0);
	d.at[1] = (u32)head.tcm_ifindex;
	return rtnl_dump(r, &d);
}

void rtnl_rules_init(void)
{
	static const struct rtnl_handler table[] = {
		{ .type = RTM_GETRULE, .dump = dump_rules }, { .type = RTM_GETQDISC, .dump = dump_qdiscs },
		/* A device has no classes and no filters. */
		{ .type = RTM_GETTCLASS, .dump = rtnl_dump_nothing }, { .type = RTM_GETTFILTER, .dump = rtnl_dump_nothing },
	};

	rtnl_register(table, ARRAY_SIZE(table));
}
